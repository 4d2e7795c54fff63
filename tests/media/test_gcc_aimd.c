/* How the rate follows the queues, by the vectors of media.md 8.8. */
#include "support/hex.h"

#include "media/gcc_aimd.h"
#include "proto/units.h"

static struct gcc_aimd a;

static void start(uint64_t bps)
{
    gcc_aimd_init(&a, bps, 5000, 20000000, SEC(1));
}

static void the_increase_near_the_maximum_is_one_packet_per_response_time(void **state) /* media 10 */
{
    (void)state;
    static const struct {
        uint64_t bps, rtt_us, near_max_bps_per_s;
    } cases[] = {{30000, 200000, 4000}, {90000, 200000, 5000}, {60000, 100000, 5000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(cases[i].bps);
        a.rtt_us = cases[i].rtt_us;
        assert_int_equal(gcc_aimd_near_max_bps_per_s(&a), cases[i].near_max_bps_per_s);
    }
}

static void overuse_decreases_to_a_little_below_what_arrives(void **state) /* media 10 */
{
    (void)state;
    start(264000);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, (uint64_t)(221000 / 0.85 + 0.5), SEC(2));
    assert_in_range(a.rate_bps, 215999, 216001);
    assert_in_range(gcc_aimd_near_max_bps_per_s(&a), 11999, 12001);
    assert_in_range(gcc_aimd_period_us(&a), SEC(4) - 1000, SEC(4) + 1000);
}

static void growth_is_bounded_by_what_arrives(void **state) /* media 10 */
{
    (void)state;
    start(10000);
    for (uint64_t now_us = SEC(1); now_us <= SEC(21); now_us += MS(100))
        gcc_aimd_on_usage(&a, GCC_NORMAL, 10000, now_us);
    assert_int_equal(a.rate_bps, 25000);
}

static void growth_is_8_percent_a_second_while_the_capacity_is_unknown(void **state)
{
    (void)state;
    start(1000000);
    for (uint64_t now_us = SEC(1); now_us <= SEC(11); now_us += MS(50))
        gcc_aimd_on_usage(&a, GCC_NORMAL, 5000000, now_us);
    assert_in_range(a.rate_bps, 2130000, 2190000); /* 1.08^10 = 2.159 */
}

static void near_a_known_capacity_growth_is_slow_until_more_arrives(void **state)
{
    (void)state;
    start(1000000);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 1000000, SEC(2));
    assert_int_equal(a.rate_bps, 845000);
    gcc_aimd_on_usage(&a, GCC_NORMAL, 900000, SEC(3));
    gcc_aimd_on_usage(&a, GCC_NORMAL, 900000, SEC(4));
    assert_in_range(a.rate_bps, 875000, 878000);        /* twice 15.6 kbit/s in a second */
    gcc_aimd_on_usage(&a, GCC_NORMAL, 2000000, SEC(5)); /* far above: the capacity is forgotten */
    assert_true(a.rate_bps > 900000);
}

static void a_second_decrease_waits_for_the_effect_of_the_first(void **state)
{
    (void)state;
    start(1000000);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 900000, SEC(2));
    uint64_t once = a.rate_bps;
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 700000, SEC(2) + MS(100));
    assert_int_equal(a.rate_bps, once);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 300000, SEC(2) + MS(110)); /* unless things are far worse */
    assert_int_equal(a.rate_bps, 250000);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 250000, SEC(2) + MS(310));
    assert_true(a.rate_bps < 250000);
}

static void without_a_known_rate_overuse_halves(void **state)
{
    (void)state;
    start(1000000);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 0, SEC(2));
    assert_int_equal(a.rate_bps, 500000);
}

static void an_emptying_queue_holds_the_rate(void **state)
{
    (void)state;
    start(1000000);
    gcc_aimd_on_usage(&a, GCC_UNDERUSE, 2000000, SEC(2));
    gcc_aimd_on_usage(&a, GCC_UNDERUSE, 2000000, SEC(3));
    assert_int_equal(a.rate_bps, 1000000);
}

static void the_rate_stays_within_its_bounds(void **state)
{
    (void)state;
    start(6000);
    gcc_aimd_on_usage(&a, GCC_OVERUSE, 1000, SEC(2));
    assert_int_equal(a.rate_bps, 5000);
    gcc_aimd_set(&a, 50000000, SEC(3));
    assert_int_equal(a.rate_bps, 20000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_increase_near_the_maximum_is_one_packet_per_response_time),
        cmocka_unit_test(overuse_decreases_to_a_little_below_what_arrives),
        cmocka_unit_test(growth_is_bounded_by_what_arrives),
        cmocka_unit_test(growth_is_8_percent_a_second_while_the_capacity_is_unknown),
        cmocka_unit_test(near_a_known_capacity_growth_is_slow_until_more_arrives),
        cmocka_unit_test(a_second_decrease_waits_for_the_effect_of_the_first),
        cmocka_unit_test(without_a_known_rate_overuse_halves),
        cmocka_unit_test(an_emptying_queue_holds_the_rate),
        cmocka_unit_test(the_rate_stays_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
