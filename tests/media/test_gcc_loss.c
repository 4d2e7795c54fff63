/* What rate follows from what is lost at which rates (media.md 8.4). Losses are spread evenly, not drawn. */
#include "support/hex.h"

#include "media/gcc_loss.h"

enum { LEN = 1000 };
static struct gcc_loss l;
static uint64_t now_us;

static void start(void)
{
    now_us = SEC(1);
    gcc_loss_init(&l, 30000, 20000000);
}

/* Sends at a rate for some time; `lost` of the packets do not arrive. Updates every 50 ms as feedback would. */
static bool queued;
static void run(uint64_t us, double rate_bps, double lost, uint64_t delay_bps)
{
    double debt = 0;
    uint64_t step_us = (uint64_t)(LEN * 8e6 / rate_bps), update_us = now_us + 50000;
    for (uint64_t until_us = now_us + us; now_us < until_us; now_us += step_us) {
        debt += lost;
        struct twcc_tx_result packet = {.sent_us = now_us, .len_bytes = LEN, .received = debt < 1};
        debt -= debt >= 1;
        gcc_loss_on_packet(&l, &packet);
        if (now_us >= update_us) {
            gcc_loss_update(&l, delay_bps, (uint64_t)(rate_bps * (1 - lost)), false, queued);
            update_us += 50000;
        }
    }
}

static void three_observations_of_250_ms_make_it_ready(void **state)
{
    (void)state;
    start();
    run(MS(700), 1e6, 0, 2000000);
    assert_false(gcc_loss_ready(&l));
    run(MS(300), 1e6, 0, 2000000);
    assert_true(gcc_loss_ready(&l));
    assert_int_equal(gcc_loss_bps(&l), 2000000);
    assert_int_equal(l.state, GCC_LOSS_FREE);
}

static void without_loss_the_delay_based_rate_holds(void **state)
{
    (void)state;
    start();
    run(SEC(2), 1e6, 0, 1000000);
    run(SEC(1), 1e6, 0, 5000000);
    assert_int_equal(gcc_loss_bps(&l), 5000000);
    run(SEC(1), 1e6, 0, 700000);
    assert_true(gcc_loss_bps(&l) >= 700000 && gcc_loss_bps(&l) <= 1000000); /* what arrives is the least */
}

static void what_a_full_queue_lost_is_forgotten_with_the_queue(void **state)
{
    (void)state;
    for (int seen = 0; seen < 2; seen++) {
        start();
        run(SEC(5), 2e6, 0, 2500000);
        queued = seen;
        run(SEC(1), 2e6, 0.8, 350000); /* suddenly a narrow link, with a queue that is seen, or that is too short */
        run(MS(300), 1e5, 0, 350000);
        queued = false;
        uint64_t least_bps = UINT64_MAX;
        for (unsigned i = 0; i < 8; i++) {
            run(MS(500), 1e5, 0, 350000);
            least_bps = MIN(least_bps, gcc_loss_bps(&l));
        }
        assert_true(seen ? least_bps == 350000 : least_bps < 250000);
    }
}

static void little_loss_is_inherent(void **state)
{
    (void)state;
    start();
    run(SEC(5), 1e6, 0.02, 1200000);
    assert_true(gcc_loss_bps(&l) >= 1000000);
}

static void much_loss_lowers_the_rate_to_what_arrives(void **state)
{
    (void)state;
    start();
    run(SEC(1), 1e6, 0, 1000000);
    double rate = 1e6;
    for (unsigned i = 0; i < 24; i++) { /* a link of 500 kbit/s without a queue */
        run(MS(250), rate, rate > 5e5 ? 1 - 5e5 / rate : 0, 1000000);
        rate = (double)gcc_loss_bps(&l);
    }
    assert_true(rate > 430000 && rate < 650000);
    assert_int_not_equal(l.state, GCC_LOSS_FREE);
}

static void half_of_all_lost_leaves_little_of_a_fast_link(void **state)
{
    (void)state;
    start();
    run(SEC(1), 3e6, 0, 3000000);
    double rate = 3e6;
    for (unsigned i = 0; i < 60; i++) {
        run(MS(250), rate, 0.5, 3000000);
        rate = (double)gcc_loss_bps(&l);
    }
    assert_true(rate < 300000); /* 100 kbit/s / (0.5 - 0.05) = 222 */
}

static void the_rate_comes_back_when_the_loss_is_gone(void **state)
{
    (void)state;
    much_loss_lowers_the_rate_to_what_arrives(state);
    double rate = (double)gcc_loss_bps(&l);
    for (unsigned i = 0; i < 60; i++) {
        run(MS(250), rate, 0, 1000000);
        rate = (double)gcc_loss_bps(&l);
    }
    assert_true(rate > 990000);
    assert_int_equal(l.state, GCC_LOSS_FREE);
}

static void late_packets_are_not_lost(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 40; i++, now_us += MS(25)) {
        struct twcc_tx_result packet = {.sent_us = now_us, .len_bytes = LEN, .received = false};
        gcc_loss_on_packet(&l, &packet);
        packet.received = packet.was_lost = true;
        gcc_loss_on_packet(&l, &packet);
        gcc_loss_update(&l, 1000000, 320000, false, false);
    }
    assert_true(l.lost == 0);
    assert_int_equal(gcc_loss_bps(&l), 1000000);
}

static void one_bad_moment_does_not_count(void **state)
{
    (void)state;
    start();
    run(SEC(2), 1e6, 0, 1000000);
    run(MS(250), 1e6, 0.5, 1000000);
    run(MS(300), 1e6, 0, 1000000);
    assert_true(l.lost < 0.06);
    run(SEC(1), 1e6, 0, 1000000);
    assert_true(gcc_loss_bps(&l) >= 950000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_observations_of_250_ms_make_it_ready),
        cmocka_unit_test(without_loss_the_delay_based_rate_holds),
        cmocka_unit_test(what_a_full_queue_lost_is_forgotten_with_the_queue),
        cmocka_unit_test(little_loss_is_inherent),
        cmocka_unit_test(much_loss_lowers_the_rate_to_what_arrives),
        cmocka_unit_test(half_of_all_lost_leaves_little_of_a_fast_link),
        cmocka_unit_test(the_rate_comes_back_when_the_loss_is_gone),
        cmocka_unit_test(late_packets_are_not_lost),
        cmocka_unit_test(one_bad_moment_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
