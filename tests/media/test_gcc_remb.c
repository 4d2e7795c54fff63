/* The estimate of receivers without transport-wide feedback (media.md 7.3, 8.4). */
#include "support/hex.h"

#include "media/gcc.h"

static struct gcc_remb r;

static void report(uint32_t ssrc, uint32_t high_seq, int32_t lost, uint64_t sent_bps, uint64_t now_us)
{
    gcc_remb_on_report(&r, &(struct rtcp_report){.ssrc = ssrc, .high_seq = high_seq, .lost = lost}, sent_bps, MS(50),
                       now_us);
}

static void nothing_said_is_unlimited_and_a_remb_is_the_estimate(void **state)
{
    (void)state;
    gcc_remb_init(&r);
    assert_int_equal(gcc_remb_estimate_bps(&r), UINT64_MAX);
    gcc_remb_on_remb(&r, 700000);
    assert_int_equal(gcc_remb_estimate_bps(&r), 700000);
    gcc_remb_on_remb(&r, UINT64_MAX);
    assert_int_equal(gcc_remb_estimate_bps(&r), UINT64_MAX);
}

static void more_than_a_tenth_lost_lowers_it_by_half_of_the_loss(void **state)
{
    (void)state;
    gcc_remb_init(&r);
    gcc_remb_on_remb(&r, 2000000);
    report(1, 1000, 7, 1000000, SEC(1)); /* losses before our time */
    report(1, 1100, 27, 1000000, SEC(2));
    assert_in_range(gcc_remb_estimate_bps(&r), 899999, 900000); /* of what was sent, not of what could have been */
    report(1, 1200, 47, 900000, SEC(2) + MS(200));              /* not twice in 300 ms and a round trip */
    assert_in_range(gcc_remb_estimate_bps(&r), 899999, 900000);
    report(1, 1300, 67, 900000, SEC(3));
    assert_in_range(gcc_remb_estimate_bps(&r), 809000, 810000);
}

static void little_loss_holds_and_none_recovers_up_to_the_remb(void **state)
{
    (void)state;
    gcc_remb_init(&r);
    gcc_remb_on_remb(&r, 1000000);
    report(1, 0, 0, 1000000, SEC(1));
    report(1, 100, 20, 1000000, SEC(2));
    uint64_t low_bps = gcc_remb_estimate_bps(&r);
    report(1, 200, 25, 900000, SEC(3));
    assert_int_equal(gcc_remb_estimate_bps(&r), low_bps);
    report(1, 300, 25, 900000, SEC(4));
    assert_in_range(gcc_remb_estimate_bps(&r), low_bps * 108 / 100, low_bps * 109 / 100);
    report(1, 400, 25, 900000, SEC(5));
    report(1, 500, 25, 900000, SEC(6));
    assert_int_equal(gcc_remb_estimate_bps(&r), 1000000);
}

static void small_samples_are_added_up(void **state)
{
    (void)state;
    gcc_remb_init(&r);
    gcc_remb_on_remb(&r, 1000000);
    report(1, 65530, 0, 1000000, SEC(1));
    report(2, 5, 0, 1000000, SEC(1));
    report(1, 65540, 5, 1000000, SEC(2)); /* across the wrap: 10 packets */
    assert_int_equal(gcc_remb_estimate_bps(&r), 1000000);
    report(2, 15, 5, 1000000, SEC(2)); /* together 20, half of them lost */
    assert_in_range(gcc_remb_estimate_bps(&r), 749999, 750001);
}

static void counters_that_run_backwards_change_nothing(void **state)
{
    (void)state;
    gcc_remb_init(&r);
    gcc_remb_on_remb(&r, 1000000);
    report(1, 5000, 100, 1000000, SEC(1));
    report(1, 100, 8000000, 1000000, SEC(2));
    report(1, 200, -8000000, 1000000, SEC(3)); /* late packets and duplicates */
    assert_int_equal(gcc_remb_estimate_bps(&r), 1000000);
    for (uint32_t ssrc = 10; ssrc < 100; ssrc++) /* more SSRCs than are remembered */
        report(ssrc, ssrc, 0, 1000000, SEC(4));
    assert_int_equal(gcc_remb_estimate_bps(&r), 1000000);
}

static void each_receiver_is_taken_at_its_word_only_in_its_own_kind(void **state) /* media.md 7.3 */
{
    (void)state;
    static struct gcc g;
    struct gcc_config cfg = GCC_CONFIG_DEFAULT;
    gcc_init(&g, &cfg, SEC(1));
    gcc_on_remb(&g, 100000, SEC(1));
    assert_int_equal(gcc_estimate_bps(&g), cfg.start_bps);
    cfg.feedback = GCC_REMB;
    gcc_init(&g, &cfg, SEC(1));
    assert_int_equal(gcc_estimate_bps(&g), GCC_UNLIMITED);
    gcc_on_remb(&g, 100000, SEC(1));
    assert_int_equal(gcc_estimate_bps(&g), 100000);
    gcc_on_remb(&g, 1, SEC(1));
    assert_int_equal(gcc_estimate_bps(&g), cfg.min_bps);
    gcc_on_remb(&g, UINT64_MAX, SEC(1));
    assert_int_equal(gcc_estimate_bps(&g), GCC_UNLIMITED);
    cfg.feedback = GCC_NONE;
    gcc_init(&g, &cfg, SEC(1));
    gcc_on_remb(&g, 100000, SEC(1));
    assert_int_equal(gcc_estimate_bps(&g), GCC_UNLIMITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_unlimited_and_a_remb_is_the_estimate),
        cmocka_unit_test(more_than_a_tenth_lost_lowers_it_by_half_of_the_loss),
        cmocka_unit_test(little_loss_holds_and_none_recovers_up_to_the_remb),
        cmocka_unit_test(small_samples_are_added_up),
        cmocka_unit_test(counters_that_run_backwards_change_nothing),
        cmocka_unit_test(each_receiver_is_taken_at_its_word_only_in_its_own_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
