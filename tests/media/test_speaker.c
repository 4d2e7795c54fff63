/* What holds of speakers: who dominates and when, in which order endpoints are listed, who is loud enough. */
#include "support/hex.h"
#include "media/speaker.h"

enum { A = 1, B, C, D, E };

/* ---- scripts of bridge-channel.md 16.20, fed each 20 ms in virtual time ---- */

struct phase { /* a talker's level from a time on; OFF: sends nothing */
    int from_ms, level;
};
enum { OFF = -1 };

struct script {
    const char *name;
    struct phase a[4], b[4]; /* after the last, from_ms is 0 */
    int until_ms;
    struct {
        int at_ms;
        uint32_t who;
    } want[4];
};

static const struct script scripts[] = {
    {"B rises over its own background", {{0, 0}}, {{0, OFF}, {2000, 30}, {2400, 100}}, 10000, {{0, A}, {2700, B}}},
    {"B is not loud enough", {{0, 0}}, {{0, OFF}, {2000, 30}, {2400, 79}}, 10000, {{0, A}}},
    {"B never varies", {{0, 0}}, {{0, OFF}, {2000, 100}}, 10000, {{0, A}}},
    {"A keeps talking", {{0, 30}, {400, 100}}, {{0, OFF}, {5000, 30}, {5400, 100}}, 10000, {{0, A}}},
    {"A falls silent",
     {{0, 30}, {400, 100}, {5000, 0}},
     {{0, OFF}, {5000, 30}, {5400, 100}},
     10000,
     {{0, A}, {5700, B}}},
};

static int level_at(const struct phase *phases, int ms)
{
    int level = phases[0].level;
    for (int i = 1; i < 4 && phases[i].from_ms && phases[i].from_ms <= ms; i++)
        level = phases[i].level;
    return level;
}

static uint32_t dominant(const struct speakers *s)
{
    uint32_t id = 0;
    return speaker_recent(s, &id, 1) ? id : 0;
}

static void the_dominant_speaker_changes_when_it_should(void **state) /* bridge-channel 16.20 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        const struct script *sc = &scripts[i];
        print_message("  %s\n", sc->name);
        struct speaker_config config = speaker_config_default();
        struct speakers *s = speaker_new(&config);
        speaker_join(s, A);
        speaker_join(s, B);
        size_t at = 0;
        for (int ms = 0; ms <= sc->until_ms; ms += 20) {
            int a = level_at(sc->a, ms), b = level_at(sc->b, ms);
            if (a != OFF)
                speaker_on_level(s, A, (uint8_t)a, false, MS((uint64_t)ms));
            if (b != OFF)
                speaker_on_level(s, B, (uint8_t)b, false, MS((uint64_t)ms));
            if (speaker_deadline_us(s) <= MS((uint64_t)ms))
                speaker_on_time(s, MS((uint64_t)ms));
            for (enum speaker_event e; (e = speaker_poll(s)) != SPEAKER_NOTHING;) {
                if (e != SPEAKER_DOMINANT)
                    continue;
                assert_true(at < 4);
                assert_int_equal(ms, sc->want[at].at_ms);
                assert_int_equal(dominant(s), sc->want[at].who);
                at++;
            }
        }
        assert_true(at == 4 || sc->want[at].who == 0);
        speaker_free(s);
    }
}

static void three_talkers_and_noises_give_one_switch(void **state) /* media 22.11 */
{
    (void)state;
    struct speaker_config config = speaker_config_default();
    struct speakers *s = speaker_new(&config);
    for (uint32_t id = A; id <= C; id++)
        speaker_join(s, id);
    int switches = 0, b_at_ms = 0;
    for (int ms = 0; ms < 12000; ms += 20) {
        int wave = ms / 20 % 10; /* speech: syllables and gaps over a quiet room */
        int speech = wave < 8 ? 95 : 30;
        int a = ms < 5000 ? speech : 25, b = ms >= 5000 ? speech : 25;
        int c = ms % 2000 < 200 ? 60 : 25; /* a chair, each two seconds */
        speaker_on_level(s, A, (uint8_t)a, false, MS((uint64_t)ms));
        speaker_on_level(s, B, (uint8_t)b, false, MS((uint64_t)ms));
        speaker_on_level(s, C, (uint8_t)c, false, MS((uint64_t)ms));
        speaker_on_time(s, MS((uint64_t)ms));
        for (enum speaker_event e; (e = speaker_poll(s)) != SPEAKER_NOTHING;) {
            if (e != SPEAKER_DOMINANT || ms == 0)
                continue;
            switches++;
            assert_int_equal(dominant(s), B);
            b_at_ms = ms;
        }
    }
    assert_int_equal(switches, 1);
    assert_in_range(b_at_ms, 5000, 6000);
    speaker_free(s);
}

static void without_levels_there_is_nothing_to_wait_for(void **state)
{
    (void)state;
    struct speaker_config config = speaker_config_default();
    struct speakers *s = speaker_new(&config);
    speaker_join(s, A);
    assert_true(speaker_deadline_us(s) == NEVER_US);
    assert_true(speaker_on_level(s, E, 100, false, SEC(1))); /* unknown: forwarded, not counted */
    assert_true(speaker_deadline_us(s) == NEVER_US);
    speaker_on_level(s, A, 50, false, SEC(1));
    uint64_t decisions = 0;
    while (speaker_deadline_us(s) != NEVER_US) {
        speaker_on_time(s, speaker_deadline_us(s));
        decisions++;
    }
    assert_int_equal(decisions, 50); /* 15 s, each 300 ms */
    speaker_on_level(s, A, 50, false, SEC(100));
    assert_true(speaker_deadline_us(s) == SEC(100) + MS(300));
    speaker_free(s);
}

/* ---- a short way to make somebody dominant ---- */

static uint64_t clock_us;

static void talk(struct speakers *s, uint32_t who)
{
    for (int i = 0; i < 200; i++, clock_us += MS(20)) {
        for (uint32_t id = A; id <= D; id++) /* whoever is not here is not counted */
            speaker_on_level(s, id, id == who && i >= 60 ? 100 : 20, false, clock_us);
        speaker_on_time(s, clock_us);
    }
    assert_int_equal(dominant(s), who);
}

static void drain(struct speakers *s)
{
    while (speaker_poll(s) != SPEAKER_NOTHING)
        continue;
}

static void assert_order(struct speakers *s, const char *order)
{
    const uint32_t *ids;
    size_t n = speaker_order(s, &ids);
    assert_int_equal(n, strlen(order));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ids[i], order[i] - 'a' + A);
}

static struct speakers *four_with_video(void) /* by speech: a b c d */
{
    struct speaker_config config = speaker_config_default();
    struct speakers *s = speaker_new(&config);
    clock_us = SEC(1);
    for (uint32_t id = A; id <= D; id++) {
        speaker_join(s, id);
        speaker_set_video(s, id, true);
    }
    for (uint32_t id = D; id >= A; id--)
        talk(s, id);
    drain(s);
    return s;
}

static void those_with_video_come_first_each_by_speech(void **state) /* bridge-channel 16.21 */
{
    (void)state;
    struct speakers *s = four_with_video();
    assert_order(s, "abcd");
    speaker_set_video(s, A, false);
    assert_int_equal(speaker_poll(s), SPEAKER_ORDER);
    assert_order(s, "bcda");
    assert_int_equal(dominant(s), A);
    speaker_set_video(s, A, true);
    assert_order(s, "abcd");
    speaker_set_video(s, B, false);
    drain(s);
    talk(s, B);
    assert_int_equal(speaker_poll(s), SPEAKER_DOMINANT); /* the message says b, the order does not move */
    assert_int_equal(speaker_poll(s), SPEAKER_NOTHING);
    assert_order(s, "acdb");
    speaker_set_video(s, B, true);
    assert_int_equal(speaker_poll(s), SPEAKER_ORDER);
    assert_order(s, "bacd");
    speaker_free(s);
}

static void leaving_moves_the_next_recent_speaker_up(void **state) /* bridge-channel trap 31 */
{
    (void)state;
    struct speakers *s = four_with_video();
    uint32_t recent[8];
    speaker_leave(s, A);
    assert_int_equal(speaker_poll(s), SPEAKER_RECENT);
    assert_int_equal(speaker_poll(s), SPEAKER_ORDER);
    assert_int_equal(speaker_poll(s), SPEAKER_NOTHING);
    assert_order(s, "bcd");
    assert_int_equal(speaker_recent(s, recent, 8), 3);
    assert_int_equal(recent[0], B);
    talk(s, D); /* has to beat what A left behind */
    assert_order(s, "dbc");
    for (uint32_t id = B; id <= D; id++)
        speaker_leave(s, id);
    drain(s);
    assert_int_equal(speaker_recent(s, recent, 8), 0);
    speaker_leave(s, 77);
    assert_int_equal(speaker_poll(s), SPEAKER_NOTHING);
    speaker_free(s);
}

static void the_recent_list_has_its_length(void **state)
{
    (void)state;
    struct speakers *s = four_with_video();
    uint32_t recent[8];
    assert_int_equal(speaker_recent(s, recent, 2), 2);
    assert_int_equal(recent[0], A);
    assert_int_equal(recent[1], B);
    speaker_free(s);
    struct speaker_config config = speaker_config_default();
    config.recent_count = 1;
    s = speaker_new(&config);
    clock_us = SEC(1);
    for (uint32_t id = A; id <= C; id++)
        speaker_join(s, id);
    for (uint32_t id = C; id >= A; id--)
        talk(s, id);
    assert_int_equal(speaker_recent(s, recent, 8), 2);
    speaker_free(s);
}

static void silence_is_told_and_taken_back(void **state)
{
    (void)state;
    struct speaker_config config = speaker_config_default();
    config.detect_silence = true;
    struct speakers *s = speaker_new(&config);
    clock_us = SEC(1);
    speaker_join(s, A);
    speaker_join(s, B);
    talk(s, A);
    drain(s);
    assert_false(speaker_is_silent(s));
    for (int i = 0; i < 300; i++, clock_us += MS(20)) {
        speaker_on_level(s, A, 20, false, clock_us);
        speaker_on_level(s, B, 20, false, clock_us);
        speaker_on_time(s, clock_us);
    }
    assert_int_equal(speaker_poll(s), SPEAKER_RECENT);
    assert_true(speaker_is_silent(s));
    assert_int_equal(dominant(s), A); /* the message repeats the last one */
    assert_int_equal(speaker_poll(s), SPEAKER_NOTHING);
    talk(s, B);
    assert_int_equal(speaker_poll(s), SPEAKER_DOMINANT);
    assert_false(speaker_is_silent(s));
    speaker_free(s);
}

/* ---- the loudest ---- */

static void only_the_loudest_pass(void **state) /* bridge-channel 16.23 */
{
    (void)state;
    struct speaker_config config = speaker_config_default();
    config.loudest_only = true;
    config.keep_dominant = false;
    struct speakers *s = speaker_new(&config);
    for (uint32_t id = A; id <= E; id++) {
        speaker_join(s, id);
        speaker_on_level(s, id, 10, false, 0); /* the background of each */
    }
    uint64_t now_us = 0;
    bool passed[6];
    for (int i = 0; i < 50; i++) {
        now_us += MS(20);
        for (uint32_t id = A; id <= E; id++)
            passed[id] = speaker_on_level(s, id, id <= C ? 100 : 40, false, now_us);
    }
    assert_true(passed[A] && passed[B] && passed[C]);
    assert_false(passed[D] || passed[E]);
    assert_true(speaker_on_level(s, D, 40, true, now_us)); /* somebody asked for it by name */

    int packets = 0; /* D becomes loud, C quiet */
    do {
        now_us += MS(20);
        speaker_on_level(s, A, 100, false, now_us);
        speaker_on_level(s, B, 100, false, now_us);
        passed[C] = speaker_on_level(s, C, 40, false, now_us);
        passed[D] = speaker_on_level(s, D, 110, false, now_us);
        packets++;
    } while (!passed[D] && packets < 100);
    assert_in_range(packets, 1, 5);

    assert_false(speaker_on_level(s, E, 40, false, now_us)); /* A falls silent: its place is free after 150 ms */
    for (int ms = 20; ms <= 200; ms += 20) {
        uint64_t at_us = now_us + MS((uint64_t)ms);
        speaker_on_level(s, B, 100, false, at_us);
        speaker_on_level(s, D, 110, false, at_us);
        passed[E] = speaker_on_level(s, E, 60, false, at_us);
        if (ms <= 140)
            assert_false(passed[E]);
    }
    assert_true(passed[E]);
    speaker_free(s);
}

static void the_dominant_speaker_passes_however_quiet(void **state) /* bridge-channel 16.23 */
{
    (void)state;
    struct speaker_config config = speaker_config_default();
    config.loudest_only = true;
    config.loudest_count = 1;
    struct speakers *s = speaker_new(&config);
    speaker_join(s, A);
    speaker_join(s, B);
    speaker_on_level(s, A, 10, false, 0); /* the first is dominant at once */
    speaker_on_level(s, B, 10, false, 0);
    speaker_on_level(s, B, 90, false, MS(20));
    assert_true(speaker_on_level(s, A, 10, false, MS(20)));
    assert_true(speaker_on_level(s, B, 90, false, MS(40)));
    speaker_free(s);
}

/* ---- silence ---- */

static void four_silent_packets_pass_then_none(void **state) /* bridge-channel 16.22, media 22.2 */
{
    (void)state;
    struct speaker_silence s = {0};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++)
            assert_int_equal(speaker_silence_hides(&s, 3, true, 127), i >= 4);
        assert_false(speaker_silence_hides(&s, 3, false, 127)); /* without a level: no telling */
        assert_true(speaker_silence_hides(&s, 3, true, 127));
        assert_false(speaker_silence_hides(&s, 3, true, 126));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dominant_speaker_changes_when_it_should),
        cmocka_unit_test(three_talkers_and_noises_give_one_switch),
        cmocka_unit_test(without_levels_there_is_nothing_to_wait_for),
        cmocka_unit_test(those_with_video_come_first_each_by_speech),
        cmocka_unit_test(leaving_moves_the_next_recent_speaker_up),
        cmocka_unit_test(the_recent_list_has_its_length),
        cmocka_unit_test(silence_is_told_and_taken_back),
        cmocka_unit_test(only_the_loudest_pass),
        cmocka_unit_test(the_dominant_speaker_passes_however_quiet),
        cmocka_unit_test(four_silent_packets_pass_then_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
