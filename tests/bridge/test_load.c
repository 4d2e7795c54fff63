/* Stress: our own process and its share of the machine, and one saturated thread is full load. */
#include "support/hex.h"

#include "bridge/load.h"

static const struct {
    const char *name;
    uint64_t elapsed_us, process_us, worker_us[2];
    unsigned cpus;
    double threshold, stress;
} cases[] = {
    {"idle", SEC(10), 0, {0, 0}, 2, 0.9, 0},
    {"half of two CPUs, spread evenly", SEC(10), SEC(10), {SEC(5), SEC(5)}, 2, 1, 0.5},
    {"the threshold scales it", SEC(10), SEC(9), {SEC(4), SEC(4)}, 1, 0.9, 1},
    {"one saturated thread of sixteen CPUs", SEC(10), SEC(10), {SEC(10), 0}, 16, 1, 1},
    {"no time has passed", 0, SEC(1), {0, 0}, 1, 1, 0},
};

static void stress_is_the_larger_of_process_and_busiest_thread(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        struct load before = {.at_us = SEC(100), .process_us = SEC(3), .worker_us = {SEC(1), SEC(2)}};
        struct load now = {.at_us = SEC(100) + cases[i].elapsed_us, .process_us = SEC(3) + cases[i].process_us};
        now.worker_us[0] = SEC(1) + cases[i].worker_us[0];
        now.worker_us[1] = SEC(2) + cases[i].worker_us[1];
        assert_float_equal(load_stress(&before, &now, 2, cases[i].cpus, cases[i].threshold), cases[i].stress, 1e-9);
    }
}

static void the_first_sample_has_nothing_to_compare_with(void **state)
{
    (void)state;
    struct load none = {0}, now = {.at_us = SEC(100), .process_us = SEC(50)};
    assert_float_equal(load_stress(&none, &now, 0, 1, 1), 0, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stress_is_the_larger_of_process_and_busiest_thread),
        cmocka_unit_test(the_first_sample_has_nothing_to_compare_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
