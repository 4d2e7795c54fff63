/* Loss of the air against loss of our own making, over seeded observations with packets lost one by one. */
#include "support/hex.h"

#include <stdlib.h>

#include "media/gcc_ambient.h"
#include "support/link.h"

static struct gcc_ambient a;
static uint64_t random_state;

/* One observation of 250 ms in packets of 1 kB: bad air loses a share of all, a full link what is above its capacity. */
static void observe(double rate_kbps, double air, double capacity_kbps)
{
    double p = rate_kbps > capacity_kbps ? 1 - capacity_kbps / rate_kbps : 0;
    unsigned n = (unsigned)(rate_kbps / 32), lost = 0;
    for (unsigned i = 0; i < n; i++)
        lost += link_random(&random_state) < p + (1 - p) * air;
    gcc_ambient_on_observation(&a, n, lost, rate_kbps * 1000, false);
}

static double uneven(double kbps) /* within 15 % of it */
{
    return kbps * (0.85 + 0.3 * link_random(&random_state));
}

static void run(uint64_t seed, double rate_kbps, double air, double capacity_kbps)
{
    random_state = seed;
    gcc_ambient_init(&a);
    for (unsigned i = 0; i < 60; i++)
        observe(uneven(rate_kbps), air, capacity_kbps);
}

static void a_tenth_lost_in_the_air_is_recognised_at_any_rate(void **state)
{
    (void)state;
    static const double rates[] = {1000, 3000, 10000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            run(seed, rates[i], 0.1, 1e9);
            assert_true(a.loss > 0.06 && a.loss < 0.15);
        }
}

static void a_full_link_is_never_taken_for_bad_air(void **state)
{
    (void)state;
    static const double over[] = {1.02, 1.05, 1.1, 1.15, 1.2, 1.5, 2};
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            run(seed, 3000 * over[i], 0, 3000);
            assert_true(a.loss < (over[i] < 1.05 ? 0.03 : 0.01)); /* a link that is full now and then is a hard case */
        }
}

static void an_even_rate_proves_nothing(void **state)
{
    (void)state;
    random_state = 1;
    gcc_ambient_init(&a);
    for (unsigned i = 0; i < 60; i++)
        observe(3000, 0.1, 1e9);
    assert_true(a.loss == 0);
}

static void much_loss_is_not_put_up_with(void **state)
{
    (void)state;
    run(1, 3000, 0.3, 1e9);
    assert_true(a.loss == 0);
}

static void better_air_is_noticed(void **state)
{
    (void)state;
    run(1, 3000, 0.1, 1e9);
    assert_true(a.loss > 0.06);
    for (unsigned i = 0; i < 120; i++)
        observe(uneven(3000), 0, 1e9);
    assert_true(a.loss < 0.01);
}

static void observations_with_a_queue_are_left_out(void **state)
{
    (void)state;
    random_state = 1;
    gcc_ambient_init(&a);
    for (unsigned i = 0; i < 60; i++)
        gcc_ambient_on_observation(&a, 100, 10, uneven(3000) * 1000, true);
    assert_true(a.loss == 0 && a.kb == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenth_lost_in_the_air_is_recognised_at_any_rate),
        cmocka_unit_test(a_full_link_is_never_taken_for_bad_air),
        cmocka_unit_test(an_even_rate_proves_nothing),
        cmocka_unit_test(much_loss_is_not_put_up_with),
        cmocka_unit_test(better_air_is_noticed),
        cmocka_unit_test(observations_with_a_queue_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
