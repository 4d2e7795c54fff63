/* When probes and padding leave, and that media counts towards probes but never waits. */
#include "support/hex.h"

#include "media/pace.h"

static struct pace p;

/* Carries out every order in packets of up to 1200 bytes until nothing is due for a second. Returns the bytes. */
static uint64_t carry_out(uint64_t *now_us, uint8_t *purpose, uint64_t *span_us, unsigned *packets)
{
    uint64_t bytes = 0, first_us = 0, last_us = 0;
    *packets = 0;
    for (uint64_t until_us = *now_us + SEC(1); *now_us < until_us; *now_us += 1000) {
        size_t len;
        while ((len = pace_poll(&p, *now_us, purpose)) > 0)
            for (; len > 0; (*packets)++) {
                size_t one = len < 1200 ? len : 1200;
                assert_int_equal(pace_on_sent(&p, one, *purpose, *now_us), *purpose);
                bytes += one;
                len -= one;
                first_us = first_us ? first_us : *now_us;
                last_us = *now_us;
            }
    }
    *span_us = last_us - first_us;
    return bytes;
}

static void a_probe_has_its_rate_its_length_and_its_packets(void **state)
{
    (void)state;
    static const uint64_t rates[] = {100000, 600000, 3000000, 7500000, 15000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        uint64_t now_us = SEC(5), span_us;
        uint8_t purpose;
        unsigned packets;
        pace_init(&p);
        pace_add_probe(&p, 9, rates[i], now_us);
        uint64_t bytes = carry_out(&now_us, &purpose, &span_us, &packets);
        assert_int_equal(purpose, 9);
        assert_true(packets >= PACE_PROBE_PACKETS);
        assert_true(bytes >= rates[i] * PACE_PROBE_US / 8 / US_PER_S);
        double shown_bps = (double)bytes * 8 * US_PER_S / ((double)span_us + 2000);
        assert_true(shown_bps > 0.7 * (double)rates[i] && shown_bps < 1.4 * (double)rates[i]);
        assert_int_equal(pace_deadline_us(&p), NEVER_US);
    }
}

static void media_counts_towards_the_probe_under_way(void **state)
{
    (void)state;
    uint8_t purpose;
    pace_init(&p);
    pace_add_probe(&p, 4, 1000000, SEC(5));                                   /* 1875 bytes */
    assert_int_equal(pace_on_sent(&p, 1000, PACE_MEDIA, SEC(5)), PACE_MEDIA); /* it has not begun */
    assert_int_equal(pace_poll(&p, SEC(5), &purpose), 250);
    assert_int_equal(pace_on_sent(&p, 250, 4, SEC(5)), 4);
    assert_int_equal(pace_on_sent(&p, 1000, PACE_MEDIA, SEC(5)), 4);
    assert_int_equal(pace_poll(&p, SEC(5) + MS(9), &purpose), 0); /* 1250 bytes are 10 ms */
    assert_int_equal(pace_poll(&p, SEC(5) + MS(10), &purpose), 250);
}

static void a_probe_that_lags_is_given_up(void **state)
{
    (void)state;
    uint8_t purpose;
    pace_init(&p);
    pace_add_probe(&p, 1, 3000000, SEC(5));
    assert_int_equal(pace_poll(&p, SEC(5), &purpose), 750);
    assert_int_equal(pace_poll(&p, SEC(5) + 1000, &purpose), 0); /* nothing was sent: not again at once */
    assert_int_equal(pace_poll(&p, SEC(5) + 2000, &purpose), 750);
    assert_int_equal(pace_poll(&p, SEC(5) + PACE_LATE_US + 1, &purpose), 0);
    assert_int_equal(pace_deadline_us(&p), NEVER_US);
}

static void the_oldest_probe_gives_way_and_old_ones_expire(void **state)
{
    (void)state;
    uint8_t purpose;
    pace_init(&p);
    for (uint8_t id = 1; id <= PACE_CLUSTERS + 1; id++)
        pace_add_probe(&p, id, 1000000, SEC(5));
    assert_true(pace_poll(&p, SEC(5), &purpose) > 0);
    assert_int_equal(purpose, 2);
    pace_init(&p);
    pace_add_probe(&p, 1, 1000000, SEC(5));
    assert_int_equal(pace_poll(&p, SEC(5) + PACE_EXPIRE_US + 1, &purpose), 0);
}

static void padding_keeps_its_rate(void **state) /* media.md 8.6 */
{
    (void)state;
    uint64_t now_us = SEC(5), span_us;
    uint8_t purpose;
    unsigned packets;
    pace_init(&p);
    pace_set_padding(&p, 400000, now_us);
    assert_in_range(carry_out(&now_us, &purpose, &span_us, &packets), 48500, 51000);
    assert_int_equal(purpose, PACE_PADDING);
    pace_set_padding(&p, 0, now_us);
    assert_int_equal(pace_deadline_us(&p), NEVER_US);
}

static void padding_that_could_not_be_sent_does_not_pile_up(void **state)
{
    (void)state;
    uint8_t purpose;
    pace_init(&p);
    pace_set_padding(&p, 800000, SEC(5)); /* 1500 bytes a step */
    for (unsigned i = 1; i < 20; i++)
        assert_true(pace_poll(&p, SEC(5) + i * (uint64_t)PACE_PADDING_US, &purpose) <= 4500);
    assert_true(pace_poll(&p, SEC(60), &purpose) <= 4500);
}

static void more_than_ordered_is_made_up_for(void **state)
{
    (void)state;
    uint8_t purpose;
    pace_init(&p);
    pace_set_padding(&p, 800000, SEC(5));
    assert_int_equal(pace_poll(&p, SEC(5) + PACE_PADDING_US, &purpose), 1500);
    pace_on_sent(&p, 2400, PACE_PADDING, SEC(5) + PACE_PADDING_US);
    assert_int_equal(pace_poll(&p, SEC(5) + 2 * PACE_PADDING_US, &purpose), 600);
}

static void padding_waits_for_probes(void **state)
{
    (void)state;
    uint8_t purpose;
    pace_init(&p);
    pace_set_padding(&p, 800000, SEC(5));
    pace_add_probe(&p, 3, 1000000, SEC(5));
    assert_int_equal(pace_poll(&p, SEC(5) + PACE_PADDING_US, &purpose), 250);
    assert_int_equal(purpose, 3);
    assert_int_equal(pace_poll(&p, SEC(5) + PACE_PADDING_US, &purpose), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_has_its_rate_its_length_and_its_packets),
        cmocka_unit_test(media_counts_towards_the_probe_under_way),
        cmocka_unit_test(a_probe_that_lags_is_given_up),
        cmocka_unit_test(the_oldest_probe_gives_way_and_old_ones_expire),
        cmocka_unit_test(padding_keeps_its_rate),
        cmocka_unit_test(padding_that_could_not_be_sent_does_not_pile_up),
        cmocka_unit_test(more_than_ordered_is_made_up_for),
        cmocka_unit_test(padding_waits_for_probes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
