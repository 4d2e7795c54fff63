/* What holds of slots: few SSRCs for many sources, told before they are used, continuous behind each SSRC. */
#include <stdlib.h>

#include "support/hex.h"
#include "media/project.h"
#include "media/ssrc_map.h"

struct ssrc_source {
    int number;
};

static uint32_t count_up(void *ctx)
{
    return (*(uint32_t *)ctx)++;
}

static size_t told(struct ssrc_map *map)
{
    size_t n = 0;
    while (ssrc_map_poll(map))
        n++;
    return n;
}

static void the_third_source_on_two_slots_takes_the_first(void **state) /* bridge-channel 16.11 */
{
    (void)state;
    uint32_t next = 0; /* the first offer, 0, is refused */
    struct ssrc_map *map = ssrc_map_new(2, count_up, &next);
    struct ssrc_source a, b, c;
    struct ssrc_slot *first = ssrc_map_use(map, &a, SEC(10));
    assert_int_equal(first->ssrc, 1);
    assert_int_equal(first->rtx, 2);
    assert_int_equal(first->at, 0);
    assert_ptr_equal(ssrc_map_poll(map), first);
    assert_null(ssrc_map_poll(map));
    assert_int_equal(ssrc_map_use(map, &b, SEC(11))->at, 1);
    assert_int_equal(told(map), 1);
    assert_ptr_equal(ssrc_map_use(map, &a, SEC(12)), first);
    assert_int_equal(told(map), 0);
    ssrc_map_use(map, &b, SEC(13));
    uint32_t generation = first->generation;
    assert_ptr_equal(ssrc_map_use(map, &c, SEC(20)), first);
    assert_int_equal(first->ssrc, 1);
    assert_int_equal(first->generation, generation + 1);
    assert_ptr_equal(first->source, &c);
    assert_int_equal(told(map), 1);
    assert_null(ssrc_map_find(map, &a, SEC(20)));
    ssrc_map_free(map);
}

static void a_fresh_mapping_is_the_last_to_be_taken(void **state) /* bridge-channel trap 9 */
{
    (void)state;
    uint32_t next = 1;
    struct ssrc_map *map = ssrc_map_new(2, count_up, &next);
    struct ssrc_source old, fresh, c;
    ssrc_map_use(map, &old, SEC(1));
    ssrc_map_use(map, &fresh, SEC(20));
    ssrc_map_use(map, &old, SEC(21)); /* used later, but settled */
    ssrc_map_use(map, &c, SEC(22));
    assert_non_null(ssrc_map_find(map, &fresh, SEC(22)));
    assert_null(ssrc_map_find(map, &old, SEC(22)));
    ssrc_map_free(map);
}

static void wanted_sources_do_not_push_each_other_out(void **state)
{
    (void)state;
    uint32_t next = 1;
    struct ssrc_map *map = ssrc_map_new(3, count_up, &next);
    struct ssrc_source s[6];
    const struct ssrc_source *first[] = {&s[0], &s[1], &s[2]}, *second[] = {&s[3], &s[1], &s[0], &s[4]};
    assert_true(ssrc_map_want(map, first, 3, SEC(1)));
    assert_int_equal(told(map), 3);
    assert_false(ssrc_map_want(map, first, 3, SEC(2)));
    assert_int_equal(told(map), 0);
    assert_true(ssrc_map_want(map, second, 4, SEC(3))); /* the fourth is over the limit */
    assert_int_equal(told(map), 1);
    assert_int_equal(ssrc_map_find(map, &s[0], SEC(3))->at, 0);
    assert_int_equal(ssrc_map_find(map, &s[1], SEC(3))->at, 1);
    assert_int_equal(ssrc_map_find(map, &s[3], SEC(3))->at, 2);
    assert_null(ssrc_map_find(map, &s[4], SEC(3)));
    ssrc_map_free(map);
}

static void a_slot_without_source_serves_the_next(void **state) /* bridge-channel trap 10 */
{
    (void)state;
    uint32_t next = 1;
    struct ssrc_map *map = ssrc_map_new(50, count_up, &next);
    struct ssrc_source a, b, c;
    ssrc_map_use(map, &a, 1);
    ssrc_map_use(map, &b, 2);
    ssrc_map_forget(map, &a);
    assert_int_equal(told(map), 1); /* of a source that is gone nothing is told */
    assert_int_equal(ssrc_map_use(map, &c, 3)->at, 0);
    assert_int_equal(ssrc_map_count(map), 2);
    assert_int_equal(told(map), 1);
    ssrc_map_forget(map, &b);
    ssrc_map_announce_all(map); /* a channel came up */
    assert_ptr_equal(ssrc_map_poll(map)->source, &c);
    assert_null(ssrc_map_poll(map));
    ssrc_map_free(map);
}

static void feedback_finds_the_slot_by_either_ssrc(void **state)
{
    (void)state;
    uint32_t next = 100;
    struct ssrc_map *map = ssrc_map_new(0, count_up, &next);
    struct ssrc_source a;
    assert_null(ssrc_map_use(map, &a, 1)); /* no slots at all */
    ssrc_map_free(map);
    map = ssrc_map_new(2, count_up, &next);
    struct ssrc_slot *slot = ssrc_map_use(map, &a, 1);
    assert_ptr_equal(ssrc_map_by_ssrc(map, slot->ssrc), slot);
    assert_ptr_equal(ssrc_map_by_ssrc(map, slot->rtx), slot);
    assert_null(ssrc_map_by_ssrc(map, 5));
    ssrc_map_free(map);
}

/* 200 talkers at random on 50 slots: every SSRC goes on by one packet and 960 ticks, as if there were one talker. */
static void each_ssrc_is_one_stream_whoever_is_behind_it(void **state) /* bridge-channel 16.11, media 22.12 */
{
    (void)state;
    enum { TALKERS = 200, SLOTS = 50, ROUNDS = 20000 };
    srand(50);
    static struct ssrc_source source[TALKERS];
    static int64_t seq[TALKERS];
    static uint32_t ts[TALKERS];
    static struct project stream[SLOTS];
    static uint32_t generation[SLOTS];
    static struct project_out last[SLOTS];
    static uint64_t last_us[SLOTS];
    memset(generation, 0, sizeof generation);
    for (int i = 0; i < TALKERS; i++) {
        seq[i] = 65536 + rand() % 65536;
        ts[i] = (uint32_t)rand() << 8;
    }
    uint32_t next = 1;
    struct ssrc_map *map = ssrc_map_new(SLOTS, count_up, &next);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t now_us = SEC(1) + MS(20) * (uint64_t)round;
        int who = rand() % TALKERS;
        struct ssrc_slot *slot = ssrc_map_use(map, &source[who], now_us);
        struct project *p = &stream[slot->at];
        bool new_slot = generation[slot->at] == 0, moved = generation[slot->at] != slot->generation;
        assert_int_equal(told(map), moved); /* before its first packet */
        generation[slot->at] = slot->generation;
        if (new_slot) {
            project_init(p, 48000, (uint16_t)(rand() % 32768), (uint32_t)rand());
            project_set_target(p, 0);
        } else if (moved) {
            project_restart(p);
        }
        struct media_pkt m = {
            .codec = CODEC_OPUS, .ssrc = 1000u + (unsigned)who, .seq_wide = seq[who]++, .ts = ts[who]};
        ts[who] += 960;
        struct project_out out;
        assert_true(project_offer(p, &m, now_us, &out));
        if (!new_slot) {
            assert_int_equal(out.seq, (uint16_t)(last[slot->at].seq + 1));
            uint32_t passed = (uint32_t)((now_us - last_us[slot->at]) * 48 / 1000);
            assert_int_equal(out.ts - last[slot->at].ts, moved ? passed : 960);
        }
        last[slot->at] = out;
        last_us[slot->at] = now_us;
    }
    assert_int_equal(ssrc_map_count(map), SLOTS);
    assert_int_equal(next, 1 + 2 * SLOTS);
    ssrc_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_source_on_two_slots_takes_the_first),
        cmocka_unit_test(a_fresh_mapping_is_the_last_to_be_taken),
        cmocka_unit_test(wanted_sources_do_not_push_each_other_out),
        cmocka_unit_test(a_slot_without_source_serves_the_next),
        cmocka_unit_test(feedback_finds_the_slot_by_either_ssrc),
        cmocka_unit_test(each_ssrc_is_one_stream_whoever_is_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
