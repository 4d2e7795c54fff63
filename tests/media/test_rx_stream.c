/* What holds of received streams: report blocks are those of RFC 3550's own code (media 22.14). */
#include "support/hex.h"

#include <stdlib.h>

#include "media/rx_stream.h"
#include "proto/units.h"

static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};

/* The sample code of RFC 3550 A.1, A.3 and A.8, without probation (SRTP has vouched for the source). */
struct reference {
    uint16_t max_seq;
    uint32_t cycles, base_seq, received, expected_prior, received_prior, transit, jitter;
    int started;
};
static void reference_packet(struct reference *s, uint16_t seq, uint32_t ts, uint32_t arrival)
{
    int transit = (int)(arrival - ts);
    int d = (int)((uint32_t)transit - s->transit);
    if (s->started) {
        s->jitter += (uint32_t)(d < 0 ? -d : d) - ((s->jitter + 8) >> 4);
    } else {
        s->base_seq = s->max_seq = seq;
        s->started = 1;
    }
    s->transit = (uint32_t)transit;
    uint16_t udelta = (uint16_t)(seq - s->max_seq);
    if (udelta < 3000) {
        if (seq < s->max_seq)
            s->cycles += 65536;
        s->max_seq = seq;
    }
    s->received++;
}
static struct rtcp_report reference_report(struct reference *s)
{
    struct rtcp_report report = {0};
    uint32_t extended_max = s->cycles + s->max_seq;
    uint32_t expected = extended_max - s->base_seq + 1;
    report.lost = (int32_t)(expected - s->received);
    uint32_t expected_interval = expected - s->expected_prior;
    s->expected_prior = expected;
    uint32_t received_interval = s->received - s->received_prior;
    s->received_prior = s->received;
    int lost_interval = (int)(expected_interval - received_interval);
    if (expected_interval != 0 && lost_interval > 0)
        report.fraction = (uint8_t)(((uint32_t)lost_interval << 8) / expected_interval);
    report.high_seq = extended_max;
    report.jitter = s->jitter >> 4;
    return report;
}

static void reports_agree_with_the_rfcs_code(void **state) /* media 22.14: with wraps, loss, reordering, duplicates */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        srand((unsigned)i);
        struct rx_stream s;
        struct reference ref = {0};
        rx_stream_init(&s, 0xabc, 90000);
        uint64_t us = SEC(1000);
        uint32_t ts = 0xfffffff0u - 90000;
        uint16_t seq = starts[i];
        for (int n = 0; n < 150000; n++) { /* more than two cycles */
            us += (uint64_t)(rand() % 2000);
            if (n % 3 == 0)
                ts += 300;
            int dice = n == 0 ? 50 : rand() % 100;
            uint16_t sent = seq++;
            if (dice < 4)
                continue; /* lost */
            if (dice < 6)
                sent = (uint16_t)(sent - rand() % 50); /* late, or again */
            if (n < 60 && seq_diff(sent, starts[i]) < 0)
                sent = starts[i];
            rx_stream_on_packet(&s, sent, ts, 100, us);
            reference_packet(&ref, sent, ts, (uint32_t)(us * 90000 / 1000000));
            if (n % 5000 == 4999) {
                struct rtcp_report got, want = reference_report(&ref);
                assert_true(rx_stream_report(&s, us, &got));
                assert_int_equal(got.ssrc, 0xabc);
                assert_int_equal(got.fraction, want.fraction);
                assert_int_equal(got.lost, want.lost);
                assert_int_equal(got.high_seq, want.high_seq);
                assert_int_equal(got.jitter, want.jitter);
            }
        }
    }
}

static void duplicates_make_the_loss_negative(void **state) /* media 22.14 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct rx_stream s;
        struct rtcp_report report;
        rx_stream_init(&s, 1, 48000);
        for (uint16_t n = 0; n < 10; n++)
            for (int twice = 0; twice < 2; twice++)
                rx_stream_on_packet(&s, (uint16_t)(starts[i] + n), n * 960u, 50, MS(20) * n + 1);
        assert_true(rx_stream_report(&s, SEC(1), &report));
        assert_int_equal(report.lost, -10);
        assert_int_equal(report.fraction, 0);
        assert_int_equal(rx_stream_lost(&s), -10);
    }
}

static void numbers_are_widened_across_wraps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct rx_stream s;
        rx_stream_init(&s, 1, 90000);
        int64_t first = rx_stream_on_packet(&s, starts[i], 0, 1, 1);
        assert_int_equal((uint16_t)first, starts[i]);
        for (int n = 1; n < 70000; n++)
            assert_int_equal(rx_stream_on_packet(&s, (uint16_t)(starts[i] + n), 0, 1, 1), first + n);
        assert_int_equal(rx_stream_widen(&s, (uint16_t)(starts[i] + 69000)), first + 69000);
        assert_int_equal(s.unwrap.newest, first + 69999);
    }
}

static void a_jump_is_a_new_start_not_loss(void **state)
{
    (void)state;
    struct rx_stream s;
    struct rtcp_report report;
    rx_stream_init(&s, 1, 90000);
    rx_stream_on_packet(&s, 10, 0, 1, 1);
    rx_stream_on_packet(&s, 10 + RX_STREAM_DROPOUT, 0, 1, 1);
    assert_int_equal(rx_stream_lost(&s), 0);
    rx_stream_on_packet(&s, 10 + 2 * RX_STREAM_DROPOUT - 1, 0, 1, 1); /* one less is loss */
    assert_int_equal(rx_stream_lost(&s), RX_STREAM_DROPOUT - 2);
    assert_true(rx_stream_report(&s, 1, &report));
    assert_int_equal(report.high_seq, 10 + 2 * RX_STREAM_DROPOUT - 1);
}

static void nothing_is_reported_of_a_silent_stream(void **state) /* media 6.1 */
{
    (void)state;
    struct rx_stream s;
    struct rtcp_report report;
    rx_stream_init(&s, 1, 90000);
    assert_false(rx_stream_report(&s, 1, &report));
    rx_stream_on_packet(&s, 10, 0, 1, 1);
    assert_true(rx_stream_report(&s, 1, &report));
    assert_false(rx_stream_report(&s, 1, &report));
}

static void the_last_sender_report_is_echoed(void **state)
{
    (void)state;
    struct rx_stream s;
    struct rtcp_report report;
    rx_stream_init(&s, 1, 90000);
    rx_stream_on_packet(&s, 10, 0, 1, SEC(1));
    assert_true(rx_stream_report(&s, SEC(2), &report));
    assert_int_equal(report.lsr, 0);
    assert_int_equal(report.dlsr, 0);
    struct rtcp_sr sr = {.ssrc = 1, .ntp = 0x1122334455667788, .rtp_ts = 99};
    rx_stream_on_sr(&s, &sr, SEC(2));
    rx_stream_on_packet(&s, 11, 0, 1, SEC(2));
    assert_true(rx_stream_report(&s, SEC(2) + MS(1500), &report));
    assert_int_equal(report.lsr, 0x33445566);
    assert_int_equal(report.dlsr, 65536 * 3 / 2);
}

static void another_clock_starts_jitter_anew(void **state)
{
    (void)state;
    struct rx_stream s;
    rx_stream_init(&s, 1, 48000);
    rx_stream_on_packet(&s, 1, 0, 1, MS(1));
    rx_stream_on_packet(&s, 2, 960, 1, MS(31));
    assert_int_equal(rx_stream_jitter_us(&s), 10000 / 16);
    rx_stream_set_clock(&s, 8000);
    rx_stream_on_packet(&s, 3, 50, 1, MS(40));
    assert_int_equal(rx_stream_jitter_us(&s), 0);
}

static void sender_reports_tell_when_a_frame_was_captured(void **state)
{
    (void)state;
    struct rx_stream s;
    rx_stream_init(&s, 1, 90000);
    assert_int_equal(rx_stream_ntp_us(&s, 1000), 0); /* no report yet */
    struct rtcp_sr sr = {.ssrc = 1, .ntp = (uint64_t)3900000000u << 32 | 0x80000000u, .rtp_ts = 1000};
    rx_stream_on_sr(&s, &sr, SEC(2));
    assert_int_equal(rx_stream_ntp_us(&s, 1000), 3900000000ull * US_PER_S + 500000);
    assert_int_equal(rx_stream_ntp_us(&s, 1000 + 90), 3900000000ull * US_PER_S + 501000);
    assert_int_equal(rx_stream_ntp_us(&s, (uint32_t)(1000 - 90000)),
                     3900000000ull * US_PER_S - 500000); /* over the wrap */
    sr.ntp = 0;                                          /* no clock: RFC 3550 6.4.1 */
    rx_stream_on_sr(&s, &sr, SEC(3));
    assert_int_equal(rx_stream_ntp_us(&s, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_agree_with_the_rfcs_code),
        cmocka_unit_test(duplicates_make_the_loss_negative),
        cmocka_unit_test(numbers_are_widened_across_wraps),
        cmocka_unit_test(a_jump_is_a_new_start_not_loss),
        cmocka_unit_test(nothing_is_reported_of_a_silent_stream),
        cmocka_unit_test(the_last_sender_report_is_echoed),
        cmocka_unit_test(another_clock_starts_jitter_anew),
        cmocka_unit_test(sender_reports_tell_when_a_frame_was_captured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
