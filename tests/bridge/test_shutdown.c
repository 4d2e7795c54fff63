/* All ways from running to the end, in virtual time (operations 19.18, colibri2 16.15). */
#include "support/hex.h"

#include "bridge/shutdown.h"
#include "proto/units.h"

enum { DAY_S = 86400, DELAY_S = 60 };

static struct shutdown fresh(uint32_t endpoints_min)
{
    return (struct shutdown){
        .cfg = {.graceful_max_us = SEC(DAY_S), .leaving_us = SEC(DELAY_S), .endpoints_min = endpoints_min}};
}

static void nothing_happens_until_somebody_asks(void **state)
{
    (void)state;
    struct shutdown s = fresh(0);
    assert_false(shutdown_on_endpoints(&s, SEC(5), 0));
    assert_false(shutdown_on_time(&s, SEC(1000000)));
    assert_false(shutdown_is_over(&s, SEC(1000000)));
    assert_false(shutdown_refuses_conferences(&s));
    assert_true(shutdown_deadline_us(&s) == NEVER_US);
}

static void it_waits_for_the_last_endpoint_then_for_the_delay(void **state)
{
    (void)state;
    struct shutdown s = fresh(0);
    assert_true(shutdown_ask(&s, SEC(100), true, 2));
    assert_int_equal(s.state, SHUTDOWN_GRACEFUL);
    assert_true(s.graceful);
    assert_true(shutdown_refuses_conferences(&s));
    assert_false(shutdown_on_endpoints(&s, SEC(101), 3)); /* somebody joined a conference that was there */
    assert_false(shutdown_on_endpoints(&s, SEC(102), 1));
    assert_true(shutdown_on_endpoints(&s, SEC(200), 0));
    assert_int_equal(s.state, SHUTDOWN_LEAVING);
    assert_true(s.graceful);
    assert_true(shutdown_refuses_conferences(&s));
    assert_int_equal(shutdown_deadline_us(&s), SEC(200 + DELAY_S));
    assert_false(shutdown_on_endpoints(&s, SEC(210), 1)); /* one more does not bring it back */
    assert_int_equal(s.state, SHUTDOWN_LEAVING);
    assert_false(shutdown_is_over(&s, SEC(200 + DELAY_S) - 1));
    assert_true(shutdown_is_over(&s, SEC(200 + DELAY_S)));
}

static void an_idle_bridge_leaves_at_once(void **state)
{
    (void)state;
    struct shutdown s = fresh(0);
    assert_true(shutdown_ask(&s, SEC(100), true, 0));
    assert_int_equal(s.state, SHUTDOWN_LEAVING);
    assert_true(s.graceful);
    assert_int_equal(shutdown_deadline_us(&s), SEC(100 + DELAY_S));
}

static void a_few_may_be_left_if_the_administrator_says_so(void **state)
{
    (void)state;
    struct shutdown s = fresh(3);
    assert_true(shutdown_ask(&s, SEC(1), true, 4));
    assert_int_equal(s.state, SHUTDOWN_GRACEFUL);
    assert_true(shutdown_on_endpoints(&s, SEC(2), 3));
    assert_int_equal(s.state, SHUTDOWN_LEAVING);
}

static void patience_ends_after_a_day_from_the_first_request(void **state)
{
    (void)state;
    struct shutdown s = fresh(0);
    assert_true(shutdown_ask(&s, SEC(100), true, 9));
    assert_false(shutdown_ask(&s, SEC(5000), true, 9)); /* asked again: no effect */
    assert_int_equal(shutdown_deadline_us(&s), SEC(100 + DAY_S));
    assert_false(shutdown_on_time(&s, SEC(100 + DAY_S) - 1));
    assert_true(shutdown_on_time(&s, SEC(100 + DAY_S)));
    assert_int_equal(s.state, SHUTDOWN_LEAVING);
    assert_false(shutdown_on_time(&s, SEC(101 + DAY_S)));
    assert_true(shutdown_is_over(&s, SEC(100 + DAY_S + DELAY_S)));
}

static void impatience_leaves_from_any_state(void **state)
{
    (void)state;
    struct shutdown running = fresh(0), graceful = fresh(0);
    assert_true(shutdown_ask(&running, SEC(10), false, 7));
    assert_int_equal(running.state, SHUTDOWN_LEAVING);
    assert_false(running.graceful);
    assert_false(shutdown_ask(&running, SEC(20), false, 7)); /* does not put the end off */
    assert_false(shutdown_ask(&running, SEC(20), true, 7));
    assert_int_equal(shutdown_deadline_us(&running), SEC(10 + DELAY_S));
    assert_true(shutdown_ask(&graceful, SEC(10), true, 7));
    assert_true(shutdown_ask(&graceful, SEC(20), false, 7));
    assert_int_equal(graceful.state, SHUTDOWN_LEAVING);
    assert_true(graceful.graceful);
    assert_int_equal(shutdown_deadline_us(&graceful), SEC(20 + DELAY_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_until_somebody_asks),
        cmocka_unit_test(it_waits_for_the_last_endpoint_then_for_the_delay),
        cmocka_unit_test(an_idle_bridge_leaves_at_once),
        cmocka_unit_test(a_few_may_be_left_if_the_administrator_says_so),
        cmocka_unit_test(patience_ends_after_a_day_from_the_first_request),
        cmocka_unit_test(impatience_leaves_from_any_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
