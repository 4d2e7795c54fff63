/* When more than the estimate is tried, and how much. */
#include "support/hex.h"

#include "media/gcc_prober.h"

static struct gcc_prober p;

/* Takes all pending probes and compares them with a list that ends with 0. */
static void expect(const uint64_t *rates)
{
    uint64_t rate_bps;
    for (; *rates; rates++) {
        assert_true(gcc_prober_poll(&p, &rate_bps));
        assert_int_equal(rate_bps, *rates);
    }
    assert_false(gcc_prober_poll(&p, &rate_bps));
}
#define EXPECT(...) expect((const uint64_t[]){__VA_ARGS__, 0})
#define NOTHING     ((uint64_t)0)

static void start(uint64_t max_bps)
{
    gcc_prober_init(&p, 2500000, max_bps, SEC(1));
    EXPECT(NOTHING);
}

/* Through the first probes, to a known estimate. */
static void started(uint64_t estimate_bps)
{
    start(20000000);
    gcc_prober_on_media(&p, SEC(1));
    EXPECT(7500000, 15000000);
    gcc_prober_on_time(&p, SEC(3));
    gcc_prober_on_estimate(&p, estimate_bps, GCC_ROOM_FREE, SEC(3));
    EXPECT(NOTHING);
}

static void the_first_media_probes_at_3_and_6_times_the_start(void **state) /* media.md 8.5 */
{
    (void)state;
    start(20000000);
    gcc_prober_on_media(&p, SEC(2));
    EXPECT(7500000, 15000000);
    gcc_prober_on_media(&p, SEC(3));
    EXPECT(NOTHING);
}

static void the_first_probes_are_capped_by_the_maximum_and_by_what_is_wanted(void **state)
{
    (void)state;
    start(10000000);
    gcc_prober_on_media(&p, SEC(2));
    EXPECT(7500000, 10000000);
    start(20000000);
    gcc_prober_on_wants(&p, 3000000, SEC(1));
    gcc_prober_on_media(&p, SEC(2));
    EXPECT(6000000);
    start(20000000);
    gcc_prober_on_wants(&p, 500000, SEC(1)); /* the start rate is more than enough */
    gcc_prober_on_media(&p, SEC(2));
    EXPECT(NOTHING);
}

static void success_is_followed_by_twice_as_much_until_it_fails(void **state)
{
    (void)state;
    start(50000000);
    gcc_prober_on_media(&p, SEC(2));
    EXPECT(7500000, 15000000);
    gcc_prober_on_estimate(&p, 7400000, GCC_ROOM_FREE, SEC(2) + MS(100));
    EXPECT(NOTHING); /* of the first of both; 0.7 of the last is the measure */
    gcc_prober_on_estimate(&p, 11000000, GCC_ROOM_FREE, SEC(2) + MS(120));
    EXPECT(22000000);
    gcc_prober_on_estimate(&p, 15000000, GCC_ROOM_FREE, SEC(2) + MS(300));
    EXPECT(NOTHING);
}

static void results_are_waited_for_a_second(void **state)
{
    (void)state;
    start(50000000);
    gcc_prober_on_media(&p, SEC(2));
    EXPECT(7500000, 15000000);
    assert_int_equal(gcc_prober_deadline_us(&p), SEC(3) + 1);
    gcc_prober_on_time(&p, SEC(3) + 1);
    gcc_prober_on_estimate(&p, 14000000, GCC_ROOM_FREE, SEC(3) + 2);
    EXPECT(NOTHING);
}

static void a_sender_limited_by_itself_probes_every_5_s_while_more_is_wanted(void **state)
{
    (void)state;
    started(1000000);
    gcc_prober_on_wants(&p, 2500000, SEC(4)); /* it grew from nothing known: no reason of its own */
    gcc_prober_on_alr(&p, true, SEC(10));
    assert_int_equal(gcc_prober_deadline_us(&p), SEC(15));
    gcc_prober_on_time(&p, SEC(15));
    EXPECT(2000000);
    gcc_prober_on_estimate(&p, 1950000, GCC_ROOM_FREE, SEC(15) + MS(100));
    EXPECT(3900000);
    gcc_prober_on_estimate(&p, 3900000, GCC_ROOM_FREE, SEC(15) + MS(200)); /* now enough */
    gcc_prober_on_time(&p, SEC(17));
    assert_int_equal(gcc_prober_deadline_us(&p), NEVER_US);
}

static void without_wants_there_is_nothing_to_probe_for(void **state)
{
    (void)state;
    started(1000000);
    gcc_prober_on_alr(&p, true, SEC(4));
    assert_int_equal(gcc_prober_deadline_us(&p), NEVER_US);
    gcc_prober_on_wants(&p, 0, SEC(4));
    assert_int_equal(gcc_prober_deadline_us(&p), NEVER_US);
}

static void a_used_up_estimate_is_probed_step_by_step_and_failure_makes_it_rarer(void **state)
{
    (void)state;
    started(700000);
    gcc_prober_on_wants(&p, 3000000, SEC(4));
    assert_int_equal(gcc_prober_deadline_us(&p), SEC(6)); /* 5 s after the first ones */
    gcc_prober_on_time(&p, SEC(6));
    EXPECT(1050000);
    gcc_prober_on_estimate(&p, 800000, GCC_ROOM_FREE, SEC(6) + MS(100)); /* less than 0.9 of it: the link was full */
    EXPECT(NOTHING);
    gcc_prober_on_time(&p, SEC(8));
    gcc_prober_on_estimate(&p, 700000, GCC_ROOM_FREE, SEC(8));
    assert_int_equal(gcc_prober_deadline_us(&p), SEC(14));
    gcc_prober_on_time(&p, SEC(14));
    EXPECT(1050000);
    gcc_prober_on_estimate(&p, 1040000, GCC_ROOM_FREE, SEC(14) + MS(100)); /* the link has recovered */
    EXPECT(NOTHING);
    assert_int_equal(gcc_prober_deadline_us(&p), SEC(15));
    gcc_prober_on_time(&p, SEC(15));
    EXPECT(1560000);
}

static void nothing_is_tried_while_queues_grow_and_little_while_loss_limits(void **state)
{
    (void)state;
    started(700000);
    gcc_prober_on_wants(&p, 3000000, SEC(4));
    gcc_prober_on_estimate(&p, 650000, GCC_ROOM_NONE, SEC(5));
    gcc_prober_on_time(&p, SEC(7));
    EXPECT(NOTHING);
    assert_true(gcc_prober_deadline_us(&p) > SEC(7));
    gcc_prober_on_estimate(&p, 600000, GCC_ROOM_LITTLE, SEC(7));
    gcc_prober_on_time(&p, SEC(30));
    EXPECT(900000);
}

static void a_used_up_estimate_is_left_alone_on_a_link_that_is_full_now_and_then(void **state)
{
    (void)state;
    started(700000);
    gcc_prober_on_wants(&p, 3000000, SEC(4));
    gcc_prober_set_rest(&p, SEC(12));
    for (uint64_t s = 5; s < 60; s += 10) { /* overuse once in 10 s */
        gcc_prober_on_estimate(&p, 700000, GCC_ROOM_NONE, SEC(s));
        gcc_prober_on_estimate(&p, 700000, GCC_ROOM_FREE, SEC(s) + MS(100));
        gcc_prober_on_time(&p, SEC(s + 9));
        EXPECT(NOTHING);
        assert_int_equal(gcc_prober_deadline_us(&p), SEC(s + 12));
    }
    gcc_prober_on_time(&p, SEC(67)); /* the others have gone */
    EXPECT(1050000);
    gcc_prober_on_time(&p, SEC(69)); /* no result */
    gcc_prober_on_estimate(&p, 700000, GCC_ROOM_NONE, SEC(70));
    gcc_prober_on_estimate(&p, 700000, GCC_ROOM_FREE, SEC(70) + MS(100));
    gcc_prober_on_alr(&p, true,
                      SEC(70) + MS(100)); /* of one who sends less than it may, the reason of the rest is none */
    assert_int_equal(gcc_prober_deadline_us(&p), SEC(75) + MS(100));
}

static void more_wanted_is_tried_at_once_when_there_is_room(void **state)
{
    (void)state;
    started(1000000);
    gcc_prober_on_wants(&p, 800000, SEC(4));
    gcc_prober_on_wants(&p, 1500000, SEC(5));
    EXPECT(1500000);                                    /* twice that is beyond twice the estimate */
    gcc_prober_on_wants(&p, 9000000, SEC(5) + MS(500)); /* not again within a second */
    EXPECT(NOTHING);
    gcc_prober_on_wants(&p, 12000000, SEC(7));
    EXPECT(2000000);
    gcc_prober_on_estimate(&p, 1900000, GCC_ROOM_FREE, SEC(7) + MS(100));
    EXPECT(3800000);
}

static void a_short_dip_is_made_good_by_a_probe(void **state)
{
    (void)state;
    started(2000000);
    gcc_prober_on_alr(&p, true, SEC(4));
    gcc_prober_on_estimate(&p, 1000000, GCC_ROOM_FREE, SEC(20));
    gcc_prober_on_recovered(&p, SEC(21));
    EXPECT(1700000);
    gcc_prober_on_estimate(&p, 500000, GCC_ROOM_FREE, SEC(22));
    gcc_prober_on_recovered(&p, SEC(23)); /* the last such try is too near */
    EXPECT(NOTHING);
    gcc_prober_on_recovered(&p, SEC(28)); /* and the dip is too long ago */
    EXPECT(NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_media_probes_at_3_and_6_times_the_start),
        cmocka_unit_test(the_first_probes_are_capped_by_the_maximum_and_by_what_is_wanted),
        cmocka_unit_test(success_is_followed_by_twice_as_much_until_it_fails),
        cmocka_unit_test(results_are_waited_for_a_second),
        cmocka_unit_test(a_sender_limited_by_itself_probes_every_5_s_while_more_is_wanted),
        cmocka_unit_test(without_wants_there_is_nothing_to_probe_for),
        cmocka_unit_test(a_used_up_estimate_is_probed_step_by_step_and_failure_makes_it_rarer),
        cmocka_unit_test(nothing_is_tried_while_queues_grow_and_little_while_loss_limits),
        cmocka_unit_test(a_used_up_estimate_is_left_alone_on_a_link_that_is_full_now_and_then),
        cmocka_unit_test(more_wanted_is_tried_at_once_when_there_is_room),
        cmocka_unit_test(a_short_dip_is_made_good_by_a_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
