/* A queue that stands: seen, waited for, acted upon a few times only. */
#include "support/hex.h"

#include "media/gcc_queue.h"
#include "proto/units.h"

static struct gcc_queue q;
static uint64_t now_us;

static enum gcc_usage after(uint64_t us, uint64_t transit_us, enum gcc_usage usage)
{
    now_us += us;
    gcc_queue_on_packet(&q, now_us - MS(100), (int64_t)(SEC(5000) + now_us + transit_us));
    gcc_queue_on_packet(&q, now_us - MS(90),
                        (int64_t)(SEC(5000) + now_us + transit_us + 50000)); /* only the fastest counts */
    return gcc_queue_judge(&q, usage, now_us);
}

static void start(void)
{
    now_us = SEC(1);
    gcc_queue_init(&q);
    assert_int_equal(after(0, MS(20), GCC_NORMAL), GCC_NORMAL);
}

static void a_short_queue_changes_nothing(void **state)
{
    (void)state;
    start();
    assert_int_equal(after(MS(100), MS(110), GCC_NORMAL), GCC_NORMAL);
    assert_int_equal(q.standing_us, MS(90));
    assert_int_equal(after(MS(100), MS(115), GCC_OVERUSE), GCC_OVERUSE);
}

static void growth_below_10_ms_only_holds_the_rate(void **state)
{
    (void)state;
    start();
    assert_int_equal(after(MS(100), MS(29), GCC_OVERUSE), GCC_UNDERUSE);
    assert_int_equal(after(MS(100), MS(31), GCC_OVERUSE), GCC_OVERUSE);
}

static void a_long_queue_that_shrinks_is_waited_for(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(after(MS(100), MS(600 - 20 * i), GCC_NORMAL), GCC_UNDERUSE);
}

static void a_long_queue_that_stands_lowers_the_rate_and_then_is_lived_with(void **state)
{
    (void)state;
    start();
    unsigned lowered = 0;
    for (unsigned i = 0; i < 300; i++) { /* 30 s */
        enum gcc_usage usage = after(MS(100), MS(500), GCC_NORMAL);
        assert_int_not_equal(usage, GCC_NORMAL);
        lowered += usage == GCC_OVERUSE;
    }
    assert_int_equal(lowered, 5);
    for (unsigned i = 0; i < 120; i++) /* the shorter path is forgotten */
        after(MS(100), MS(500), GCC_NORMAL);
    assert_int_equal(after(MS(100), MS(500), GCC_NORMAL), GCC_NORMAL);
}

static void a_clock_that_jumps_starts_anew(void **state)
{
    (void)state;
    start();
    assert_int_equal(after(MS(100), SEC(30), GCC_NORMAL), GCC_NORMAL);
    assert_int_equal(q.standing_us, 0);
    assert_int_equal(after(MS(100), SEC(30) + MS(300), GCC_NORMAL), GCC_UNDERUSE);
}

static void nothing_new_is_no_judgement(void **state)
{
    (void)state;
    start();
    assert_int_equal(gcc_queue_judge(&q, GCC_OVERUSE, now_us + SEC(9)), GCC_OVERUSE);
}

static void who_loses_on_a_long_path_pauses_with_all_others_to_see_it_empty(void **state)
{
    (void)state;
    now_us = SEC(19);
    gcc_queue_init(&q);
    after(0, MS(500), GCC_NORMAL);
    assert_true(gcc_queue_drain_bps(&q, 0.1, MS(550), 1000000, now_us) == UINT64_MAX);
    after(SEC(1), MS(500), GCC_NORMAL); /* the clock shows a multiple of ten seconds */
    assert_true(gcc_queue_drain_bps(&q, 0.02, MS(550), 1000000, now_us) == UINT64_MAX);
    assert_true(gcc_queue_drain_bps(&q, 0.1, MS(100), 1000000, now_us) == UINT64_MAX);
    assert_true(gcc_queue_drain_bps(&q, 0.1, MS(550), 1000000, now_us) == 500000);
    after(MS(900), MS(60), GCC_NORMAL);
    assert_true(gcc_queue_drain_bps(&q, 0, MS(110), 500000, now_us) == 500000);
    after(MS(200), MS(60), GCC_NORMAL);
    assert_true(gcc_queue_drain_bps(&q, 0.1, MS(110), 500000, now_us) == UINT64_MAX);
    assert_int_equal(after(MS(100), MS(500), GCC_NORMAL), GCC_UNDERUSE); /* it knows better now */
}

static void a_path_that_is_long_by_itself_is_left_alone_for_a_minute(void **state)
{
    (void)state;
    now_us = SEC(20);
    gcc_queue_init(&q);
    unsigned pauses = 0;
    for (unsigned i = 0; i < 1200; i++) { /* two minutes */
        after(MS(100), MS(500), GCC_NORMAL);
        pauses += gcc_queue_drain_bps(&q, 0.1, MS(550), 1000000, now_us) != UINT64_MAX;
    }
    assert_in_range(pauses, 10, 30); /* tenths of seconds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_queue_changes_nothing),
        cmocka_unit_test(growth_below_10_ms_only_holds_the_rate),
        cmocka_unit_test(a_long_queue_that_shrinks_is_waited_for),
        cmocka_unit_test(a_long_queue_that_stands_lowers_the_rate_and_then_is_lived_with),
        cmocka_unit_test(a_clock_that_jumps_starts_anew),
        cmocka_unit_test(nothing_new_is_no_judgement),
        cmocka_unit_test(who_loses_on_a_long_path_pauses_with_all_others_to_see_it_empty),
        cmocka_unit_test(a_path_that_is_long_by_itself_is_left_alone_for_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
