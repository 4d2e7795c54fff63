/* When a sender is limited by itself and not by the estimate. */
#include "support/hex.h"

#include "media/gcc_alr.h"

static struct gcc_alr a;
static uint64_t now_us;

static void send(double share, uint64_t us) /* of 1 Mbit/s, a packet every 10 ms */
{
    for (uint64_t until_us = now_us + us; now_us < until_us; now_us += MS(10))
        gcc_alr_on_sent(&a, (size_t)(share * 1250), now_us);
}

static void sending_much_less_is_noticed_within_a_second(void **state)
{
    (void)state;
    now_us = SEC(1);
    gcc_alr_init(&a, 1000000);
    send(0.2, MS(200));
    assert_false(a.in);
    send(0.2, MS(800));
    assert_true(a.in);
    assert_in_range(a.since_us, SEC(1) + MS(200), SEC(2));
}

static void using_the_estimate_is_not_limited(void **state)
{
    (void)state;
    now_us = SEC(1);
    gcc_alr_init(&a, 1000000);
    send(0.9, SEC(10));
    assert_false(a.in);
}

static void it_ends_only_well_above_where_it_begins(void **state) /* not as media.md 20.10 */
{
    (void)state;
    now_us = SEC(1);
    gcc_alr_init(&a, 1000000);
    send(0.2, SEC(3));
    assert_true(a.in);
    send(1.0, MS(1500)); /* from +1.0 of the budget down to +0.25: the stock bridge would have ended it */
    assert_true(a.in);
    send(1.0, SEC(3));
    assert_false(a.in);
}

static void a_grown_estimate_makes_the_same_sending_limited(void **state)
{
    (void)state;
    now_us = SEC(1);
    gcc_alr_init(&a, 1000000);
    send(0.9, SEC(3));
    gcc_alr_on_estimate(&a, 3000000);
    send(0.9, SEC(2));
    assert_true(a.in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sending_much_less_is_noticed_within_a_second),
        cmocka_unit_test(using_the_estimate_is_not_limited),
        cmocka_unit_test(it_ends_only_well_above_where_it_begins),
        cmocka_unit_test(a_grown_estimate_makes_the_same_sending_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
