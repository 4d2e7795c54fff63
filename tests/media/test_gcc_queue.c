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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_queue_changes_nothing),
        cmocka_unit_test(a_long_queue_that_shrinks_is_waited_for),
        cmocka_unit_test(a_long_queue_that_stands_lowers_the_rate_and_then_is_lived_with),
        cmocka_unit_test(a_clock_that_jumps_starts_anew),
        cmocka_unit_test(nothing_new_is_no_judgement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
