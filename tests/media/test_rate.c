/* What holds of rates: a second's window, and no memory of what lies before it. */
#include "support/hex.h"

#include "media/rate.h"

static void a_steady_stream_has_its_rate(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate);
    for (int i = 0; i < 300; i++)
        rate_add(&rate, SEC(5) + MS(10) * (uint64_t)i, 125);
    assert_in_range(rate_per_s(&rate, SEC(8)) * 8, 97000, 101000);
}

static void a_young_stream_is_measured_over_its_own_time(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate);
    rate_add(&rate, SEC(5), 100);
    assert_int_equal(rate_per_s(&rate, SEC(5)), 5000); /* one bucket of 20 ms at least */
    rate_add(&rate, SEC(5) + MS(100), 100);
    assert_int_equal(rate_per_s(&rate, SEC(5) + MS(100)), 2000);
}

static void silence_empties_the_window(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate);
    rate_add(&rate, SEC(5), 100);
    assert_int_equal(rate_sum(&rate, SEC(5) + MS(979)), 100);
    assert_int_equal(rate_sum(&rate, SEC(6)), 0);
    assert_int_equal(rate_per_s(&rate, SEC(6)), 0);
    rate_add(&rate, SEC(600), 7); /* starts anew, not averaged over ten minutes */
    assert_int_equal(rate_per_s(&rate, SEC(600) + MS(10)), 350);
}

static void late_amounts_count_now(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate);
    rate_add(&rate, SEC(5), 1);
    rate_add(&rate, SEC(4), 1);
    assert_int_equal(rate_sum(&rate, SEC(5)), 2);
    assert_int_equal(rate_sum(&rate, SEC(6)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_stream_has_its_rate),
        cmocka_unit_test(a_young_stream_is_measured_over_its_own_time),
        cmocka_unit_test(silence_empties_the_window),
        cmocka_unit_test(late_amounts_count_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
