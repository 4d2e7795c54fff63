/* Which encoding of a source goes out (media.md 12.2), whatever the codec: key frames and the groups that they come in, and when
 * one is asked for. */
#include "support/hex.h"
#include "media/project_kind.h"

enum { NONE = -1 };

static struct project_pick pick;

static struct project_in packet_of(struct media_pkt *m, int encoding, uint64_t now_us)
{
    *m = (struct media_pkt){.encoding = (uint8_t)encoding};
    return (struct project_in){.pkt = m, .now_us = now_us, .ahead = true};
}

static bool key(int encoding, int wanted, uint64_t now_us) /* as the codecs do */
{
    struct media_pkt m;
    struct project_in in = packet_of(&m, encoding, now_us);
    bool taken = project_pick_keyframe(&pick, &in, wanted);
    if (taken) {
        pick.current = encoding;
        project_pick_alive(&pick, now_us);
    }
    return taken;
}

static void frame(int encoding, int wanted, bool start, uint64_t now_us)
{
    struct media_pkt m;
    struct project_in in = packet_of(&m, encoding, now_us);
    if (encoding == pick.current)
        project_pick_alive(&pick, now_us);
    else
        project_pick_watch(&pick, &in, wanted, start);
}

static void a_group_of_key_frames_ends_with_the_best_that_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int wanted, order[3], ends;
    } rows[] = {
        {"upwards", 2, {0, 1, 2}, 2},    {"downwards", 2, {2, 1, 0}, 2},        {"mixed", 2, {1, 2, 0}, 2},
        {"the middle", 1, {0, 2, 1}, 1}, {"the middle, last", 1, {2, 0, 1}, 1}, {"the lowest", 0, {2, 1, 0}, 0},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        project_pick_init(&pick);
        for (uint64_t i = 0; i < 3; i++)
            key(rows[r].order[i], rows[r].wanted, SEC(5) + MS(20) * i);
        assert_int_equal(pick.current, rows[r].ends);
        assert_false(pick.need_keyframe);
    }
}

static void a_group_lasts_300_ms_from_its_first(void **state)
{
    (void)state;
    static const struct {
        uint64_t after_ms;
        bool up_taken, down_taken; /* 0 -> 1, and 2 -> 1 where 1 is wanted */
        bool asks;                 /* a frame of a better one */
    } rows[] = {{0, true, true, false}, {299, true, true, false}, {300, true, true, true}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        uint64_t then_us = SEC(1) + MS(rows[r].after_ms);
        project_pick_init(&pick);
        assert_true(key(0, 1, SEC(1)));
        frame(1, 1, true, then_us);
        assert_int_equal(pick.need_keyframe, rows[r].asks);
        assert_int_equal(key(1, 1, then_us), rows[r].up_taken);
        assert_false(pick.need_keyframe); /* it has come */
        project_pick_init(&pick);
        assert_true(key(2, 2, SEC(1)));
        assert_int_equal(key(1, 1, then_us), rows[r].down_taken);
    }
    project_pick_init(&pick); /* what is refused begins a group as well */
    assert_false(key(2, 1, SEC(1)));
    assert_true(key(0, 1, SEC(1) + MS(100)));
    frame(1, 1, true, SEC(1) + MS(299));
    assert_false(pick.need_keyframe);
}

static void a_low_key_frame_pulls_down_only_what_is_not_alive(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int lower;          /* frames of the lower encoding since the last of the current one */
        uint64_t silent_ms; /* that long ago */
        bool asks, taken;
    } rows[] = {
        {"alive", 0, 33, false, false},
        {"silent for long, and so is the lower one", 9, 5000, false, false},
        {"silent for a moment", 20, 499, false, false},
        {"silent while the lower one comes", 10, 500, true, true},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        project_pick_init(&pick);
        assert_true(key(2, 2, SEC(1)));
        frame(2, 2, true, SEC(2));
        uint64_t now_us = SEC(2) + MS(rows[r].silent_ms);
        for (int i = 0; i < rows[r].lower; i++)
            frame(0, 2, true, now_us);
        assert_int_equal(pick.need_keyframe, rows[r].asks);
        assert_int_equal(key(0, 2, now_us), rows[r].taken);
        assert_int_equal(pick.current, rows[r].taken ? 0 : 2);
    }
}

static void only_frames_count_and_a_sign_of_life_forgets_them(void **state)
{
    (void)state;
    project_pick_init(&pick);
    key(2, 2, SEC(1));
    for (int i = 0; i < 30; i++)
        frame(0, 2, false, SEC(3)); /* packets in the middle of frames */
    assert_false(pick.need_keyframe);
    for (int i = 0; i < 300; i++)
        frame(0, 2, i < 9, SEC(3));
    assert_false(pick.need_keyframe);
    frame(2, 2, true, SEC(3));
    frame(0, 2, true, SEC(4)); /* the tenth, but not since */
    assert_false(pick.need_keyframe);
    for (int i = 0; i < 300; i++) /* the count stays at its end */
        frame(0, 2, true, SEC(5));
    assert_true(pick.need_keyframe);
}

static void nothing_is_asked_for_that_is_not_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int current, wanted, encoding;
        bool asks;
    } rows[] = {
        {"nothing goes out: the projection asks by itself", NONE, 2, 2, false},
        {"better than wanted", 0, 0, 2, false},
        {"wanted and better", 0, 2, 1, true},
        {"wanted and lower", 2, 0, 0, true},
        {"between, on the way down", 2, 0, 1, false},
        {"lower, though this is wanted", 2, 2, 1, false},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        project_pick_init(&pick);
        if (rows[r].current != NONE)
            key(rows[r].current, rows[r].current, SEC(1));
        frame(rows[r].encoding, rows[r].wanted, true, SEC(2));
        assert_int_equal(pick.need_keyframe, rows[r].asks);
    }
}

static void a_target_lets_out_its_temporal_layers_and_those_below(void **state)
{
    (void)state;
    assert_int_equal(project_tid_mask(layer_index(1, 0, 0)), 1);
    assert_int_equal(project_tid_mask(layer_index(0, 2, 1)), 3);
    assert_int_equal(project_tid_mask(layer_index(0, 0, 2)),
                     PROJECT_ALL_TIDS); /* the highest of ours is all that there are */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_of_key_frames_ends_with_the_best_that_is_wanted),
        cmocka_unit_test(a_group_lasts_300_ms_from_its_first),
        cmocka_unit_test(a_low_key_frame_pulls_down_only_what_is_not_alive),
        cmocka_unit_test(only_frames_count_and_a_sign_of_life_forgets_them),
        cmocka_unit_test(nothing_is_asked_for_that_is_not_wanted),
        cmocka_unit_test(a_target_lets_out_its_temporal_layers_and_those_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
