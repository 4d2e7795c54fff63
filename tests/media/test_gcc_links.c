/* The estimator in closed loop over modelled links: how much of them it uses, what delay it adds, how it follows steps.
 *
 *   test_gcc_links          checks, a few seeds each
 *   test_gcc_links table N  the same figures over N seeds, as a table; tests/bwe/ has one of other estimators */
#include "support/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/bwe_rig.h"

enum { SEEDS = 4, STEADY_S = 60, SETTLING_S = 10, STEP_S = 40, UP_S = 40 };

struct scenario {
    const char *name;
    double mbps;
    double loss;
    enum bwe_media media;
    double used_min;       /* share of the link, after 10 s */
    unsigned delay_ms_max; /* that 95 % of the packets wait, after 10 s */
};

static const struct scenario steady[] = {
    {"0.3 Mbit/s", 0.3, 0, BWE_SMOOTH, 0.85, 100},
    {"1 Mbit/s", 1, 0, BWE_SMOOTH, 0.85, 100},
    {"3 Mbit/s", 3, 0, BWE_SMOOTH, 0.85, 100},
    {"10 Mbit/s", 10, 0, BWE_SMOOTH, 0.85, 100},
    {"0.3 Mbit/s, layers", 0.3, 0, BWE_LAYERS, 0.85, 100},
    {"1 Mbit/s, layers", 1, 0, BWE_LAYERS, 0.85, 100},
    {"3 Mbit/s, layers", 3, 0, BWE_LAYERS, 0.85, 100},
    {"10 Mbit/s, layers", 10, 0, BWE_LAYERS, 0.85, 100},
    {"0.5 Mbit/s, 10 % lost", 0.5, 0.1, BWE_SMOOTH, 0.75, 100},
    {"1 Mbit/s, 10 % lost", 1, 0.1, BWE_SMOOTH, 0.75, 100},
    {"3 Mbit/s, 10 % lost", 3, 0.1, BWE_SMOOTH, 0.75, 100},
    {"10 Mbit/s, 10 % lost", 10, 0.1, BWE_SMOOTH, 0.75, 100},
    {"1 Mbit/s, 10 % lost, layers", 1, 0.1, BWE_LAYERS, 0.75, 100},
    {"3 Mbit/s, 10 % lost, layers", 3, 0.1, BWE_LAYERS, 0.75, 100},
};

static struct link_config link_of(double mbps, double loss, uint64_t seed)
{
    return (struct link_config){.capacity_bps = (uint64_t)(mbps * 1e6),
                                .delay_us = 25000,
                                .jitter_us = 2000,
                                .queue_ms = 500,
                                .loss = loss,
                                .seed = seed};
}

struct figures {
    double used;
    unsigned delay_ms;
};

struct spread { /* over several seeds */
    double used, used_worst, delay_ms;
    unsigned delay_ms_worst;
};

static struct figures run_steady(const struct scenario *s, uint64_t seed)
{
    struct link_config link = link_of(s->mbps, s->loss, seed);
    struct bwe_rig rig;
    bwe_rig_init(&rig, &link, 1, s->media, 20000000);
    bwe_rig_run(&rig, SETTLING_S * US_PER_S);
    bwe_rig_count_anew(&rig);
    bwe_rig_run(&rig, (STEADY_S - SETTLING_S) * US_PER_S);
    struct figures f = {bwe_rig_used(&rig, link.capacity_bps, (STEADY_S - SETTLING_S) * US_PER_S),
                        bwe_rig_delay_ms(&rig, 0.95)};
    bwe_rig_done(&rig);
    return f;
}

static struct spread run_steady_often(const struct scenario *s, unsigned seeds)
{
    struct spread spread = {.used_worst = 9};
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct figures f = run_steady(s, seed);
        spread.used += f.used / seeds;
        spread.used_worst = f.used < spread.used_worst ? f.used : spread.used_worst;
        spread.delay_ms += (double)f.delay_ms / seeds;
        spread.delay_ms_worst = f.delay_ms > spread.delay_ms_worst ? f.delay_ms : spread.delay_ms_worst;
    }
    return spread;
}

struct step_figures {
    double down_s, up_s; /* until the estimate stays within the new capacity; until 85 % of it is used */
    double used_down;
};

static struct step_figures run_steps(enum bwe_media media, uint64_t high_bps, uint64_t low_bps, uint64_t seed)
{
    struct link_config link = link_of((double)high_bps / 1e6, 0, seed);
    struct bwe_rig rig;
    struct step_figures f = {0};
    bwe_rig_init(&rig, &link, 1, media, 20000000);
    bwe_rig_run(&rig, STEP_S * US_PER_S);
    link_set_capacity(rig.link, low_bps, rig.now_us);
    bwe_rig_count_anew(&rig);
    for (unsigned i = 1; i <= STEP_S * 20; i++) {
        bwe_rig_run(&rig, MS(50));
        if (i <= 100 &&
            gcc_estimate_bps(&rig.flows[0].gcc) > low_bps * 105 / 100) /* a twentieth above is a sawtooth's tip */
            f.down_s = i * 0.05;
    }
    f.used_down = bwe_rig_used(&rig, low_bps, STEP_S * US_PER_S);
    link_set_capacity(rig.link, high_bps, rig.now_us);
    f.up_s = UP_S;
    for (unsigned i = 1; i <= UP_S; i++) {
        bwe_rig_count_anew(&rig);
        bwe_rig_run(&rig, SEC(1));
        if (bwe_rig_used(&rig, high_bps, SEC(1)) >= 0.80) {
            f.up_s = i;
            break;
        }
    }
    bwe_rig_done(&rig);
    return f;
}

/* Jain's index of what 20 receivers get of 20 Mbit/s, after a minute; the last has begun after 20 s. */
static double run_fairness(enum bwe_media media, uint64_t seed)
{
    struct link_config link = link_of(20, 0, seed);
    struct bwe_rig rig;
    double sum = 0, squares = 0;
    bwe_rig_init(&rig, &link, BWE_FLOWS_MAX, media, 8000000);
    bwe_rig_run(&rig, SEC(60));
    bwe_rig_count_anew(&rig);
    bwe_rig_run(&rig, SEC(60));
    for (size_t i = 0; i < rig.flow_count; i++) {
        sum += (double)rig.flows[i].delivered_bytes;
        squares += (double)rig.flows[i].delivered_bytes * (double)rig.flows[i].delivered_bytes;
    }
    bwe_rig_done(&rig);
    return sum * sum / (BWE_FLOWS_MAX * squares);
}

/* ---- the table ---- */

static int print_table(unsigned seeds)
{
    printf("%-30s %8s %8s %14s %8s\n", "link", "used", "worst", "delay p95, ms", "worst");
    for (size_t i = 0; i < sizeof steady / sizeof steady[0]; i++) {
        struct spread f = run_steady_often(&steady[i], seeds);
        printf("%-30s %7.1f%% %7.1f%% %14.0f %8u\n", steady[i].name, f.used * 100, f.used_worst * 100, f.delay_ms,
               f.delay_ms_worst);
        fflush(stdout);
    }
    printf("\n%-30s %8s %8s %14s\n", "3 -> 0.7 -> 3 Mbit/s", "down, s", "up, s", "used at 0.7");
    for (enum bwe_media media = BWE_SMOOTH; media <= BWE_LAYERS; media++) {
        struct step_figures worst = {.used_down = 9};
        for (unsigned seed = 1; seed <= seeds; seed++) {
            struct step_figures f = run_steps(media, 3000000, 700000, seed);
            worst.down_s = f.down_s > worst.down_s ? f.down_s : worst.down_s;
            worst.up_s = f.up_s > worst.up_s ? f.up_s : worst.up_s;
            worst.used_down = f.used_down < worst.used_down ? f.used_down : worst.used_down;
        }
        printf("%-30s %8.2f %8.0f %13.1f%%\n", media == BWE_SMOOTH ? "worst" : "worst, layers", worst.down_s,
               worst.up_s, worst.used_down * 100);
    }
    printf("\n%-30s %8s %8s\n", "20 receivers on 20 Mbit/s", "Jain", "worst");
    for (enum bwe_media media = BWE_SMOOTH; media <= BWE_LAYERS; media++) {
        double mean = 0, worst = 1;
        for (unsigned seed = 1; seed <= seeds; seed++) {
            double index = run_fairness(media, seed);
            mean += index / seeds;
            worst = index < worst ? index : worst;
        }
        printf("%-30s %8.3f %8.3f\n", media == BWE_SMOOTH ? "" : "layers", mean, worst);
    }
    return 0;
}

/* ---- the checks ---- */

static void steady_links_are_used_and_queues_stay_short(void **state) /* media 10 */
{
    (void)state;
    for (size_t i = 0; i < sizeof steady / sizeof steady[0]; i++) {
        struct spread f = run_steady_often(&steady[i], SEEDS);
        print_message("  %s: %.1f %% used, %u ms\n", steady[i].name, f.used_worst * 100, f.delay_ms_worst);
        assert_true(f.used_worst >= steady[i].used_min && f.used <= 1.01);
        assert_true(f.delay_ms_worst < steady[i].delay_ms_max);
    }
}

static void a_step_of_capacity_is_followed_within_2_s_down_and_15_s_up(void **state) /* media 10 */
{
    (void)state;
    static const uint64_t steps[][2] = {{3000000, 700000}, {2000000, 500000}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (enum bwe_media media = BWE_SMOOTH; media <= BWE_LAYERS; media++)
            for (unsigned seed = 1; seed <= SEEDS; seed++) {
                struct step_figures f = run_steps(media, steps[i][0], steps[i][1], seed);
                print_message("  down %.2f s, up %.0f s, %.1f %% used\n", f.down_s, f.up_s, f.used_down * 100);
                assert_true(f.down_s <= 2);
                assert_true(f.up_s <= 15);
                assert_true(f.used_down >= 0.75);
            }
}

static void a_link_of_1_mbit_with_a_long_queue_is_found_within_10_s(void **state) /* media 10 */
{
    (void)state;
    struct link_config link = link_of(1, 0, 3);
    struct bwe_rig rig;
    link.delay_us = 50000;
    bwe_rig_init(&rig, &link, 1, BWE_SMOOTH, 20000000);
    bwe_rig_run(&rig, SEC(10));
    assert_in_range(gcc_estimate_bps(&rig.flows[0].gcc), 750000, 1000000);
    for (unsigned i = 0; i < 60; i++) {
        bwe_rig_count_anew(&rig);
        bwe_rig_run(&rig, SEC(1));
        assert_true(bwe_rig_delay_ms(&rig, 1) < 200);
    }
    bwe_rig_done(&rig);
}

static void many_receivers_do_not_keep_a_shared_queue_full(void **state)
{
    (void)state;
    struct link_config link = link_of(20, 0, 1);
    struct bwe_rig rig;
    bwe_rig_init(&rig, &link, BWE_FLOWS_MAX, BWE_SMOOTH,
                 8000000); /* one more each second, with 2.5 Mbit/s and probes */
    bwe_rig_run(&rig, SEC(40));
    uint64_t dropped = rig.link->dropped;
    bwe_rig_count_anew(&rig);
    bwe_rig_run(&rig, SEC(60));
    double used = bwe_rig_used(&rig, link.capacity_bps, SEC(60));
    print_message("  %.1f %% used, %u ms\n", used * 100, bwe_rig_delay_ms(&rig, 0.95));
    assert_int_equal(rig.link->dropped, dropped);
    assert_true(bwe_rig_delay_ms(&rig, 0.95) < 200);
    assert_true(used > 0.8);
    bwe_rig_done(&rig);
}

static void receivers_behind_one_bottleneck_get_equal_shares(void **state)
{
    (void)state;
    for (enum bwe_media media = BWE_SMOOTH; media <= BWE_LAYERS; media++)
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
            double index = run_fairness(media, seed);
            print_message("  Jain's index %.3f\n", index);
            assert_true(index >= 0.9);
        }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "table") == 0)
        return print_table((unsigned)atoi(argv[2]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_links_are_used_and_queues_stay_short),
        cmocka_unit_test(a_link_of_1_mbit_with_a_long_queue_is_found_within_10_s),
        cmocka_unit_test(many_receivers_do_not_keep_a_shared_queue_full),
        cmocka_unit_test(receivers_behind_one_bottleneck_get_equal_shares),
        cmocka_unit_test(a_step_of_capacity_is_followed_within_2_s_down_and_15_s_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
