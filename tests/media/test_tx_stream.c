/* What holds of sent streams: no number twice, no gap at a switch, and each packet can be told how it was made. */
#include "support/hex.h"

#include "media/tx_stream.h"

static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};

static uint16_t send(struct tx_stream *s, uint32_t in_ssrc, uint16_t in_seq, uint32_t in_ts, uint64_t now_us)
{
    struct tx_sent sent = {
        .in_seq_wide = 65536 + in_seq,
        .in_ssrc = in_ssrc,
        .in_ts = in_ts,
        .out_ts = tx_stream_ts(s, in_ts),
        .payload_len = 100,
        .out_seq = tx_stream_seq(s, in_seq),
        .edit = {.pictureid = 3},
    };
    tx_stream_on_sent(s, &sent, now_us);
    return sent.out_seq;
}

static void the_first_number_is_below_32768(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 65536; random += 13) {
        struct tx_stream s;
        tx_stream_init(&s, 1, 2, 90000, (uint16_t)random, NULL);
        tx_stream_switch(&s, 60000, 5, 0);
        assert_true(tx_stream_seq(&s, 60000) < 32768);
        assert_int_equal(tx_stream_ts(&s, 5), 5);
        assert_true(tx_stream_next_rtx_seq(&s) < 32768);
    }
}

static void a_switch_goes_on_where_the_last_input_stopped(void **state) /* media 22.12: sequence continuous */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        for (size_t k = 0; k < COUNT(starts); k++) {
            struct tx_stream s;
            tx_stream_init(&s, 1, 0, 90000, 0x7fff, NULL);
            tx_stream_switch(&s, starts[i], 0xfffffff0, SEC(1));
            uint16_t first = send(&s, 10, starts[i], 0xfffffff0, SEC(1));
            assert_int_equal(first, 0x7fff);
            send(&s, 10, (uint16_t)(starts[i] + 1), 0xfffffff0 + 3000, SEC(1) + MS(33));

            tx_stream_switch(&s, starts[k], 777, SEC(1) + MS(43)); /* soon: one frame on at least */
            assert_int_equal(tx_stream_seq(&s, starts[k]), (uint16_t)(first + 2));
            assert_int_equal(tx_stream_ts(&s, 777), 0xfffffff0 + 6000);
            assert_true(tx_stream_covers(&s, starts[k]));
            assert_true(tx_stream_covers(&s, (uint16_t)(starts[k] + 5)));
            assert_false(tx_stream_covers(&s, (uint16_t)(starts[k] - 1))); /* would be number first + 1 again */
            send(&s, 20, starts[k], 777, SEC(1) + MS(43));

            tx_stream_switch(&s, 9, 5, SEC(3) + MS(43)); /* two seconds later */
            assert_int_equal(tx_stream_ts(&s, 5), 0xfffffff0 + 6000 + 180000);
        }
    }
}

static void audio_moves_on_by_20_ms_at_least(void **state)
{
    (void)state;
    struct tx_stream s;
    tx_stream_init(&s, 1, 0, 48000, 5, NULL);
    tx_stream_switch(&s, 1, 1000, SEC(1));
    send(&s, 10, 1, 1000, SEC(1));
    tx_stream_switch(&s, 500, 70000, SEC(1));
    assert_int_equal(tx_stream_ts(&s, 70000), 1960);
}

static void the_cover_follows_a_long_stream(void **state)
{
    (void)state;
    struct tx_stream s;
    tx_stream_init(&s, 1, 0, 90000, 5, NULL);
    tx_stream_switch(&s, 1, 0, 1);
    for (uint32_t n = 1; n < 200000; n++) {
        assert_true(tx_stream_covers(&s, (uint16_t)n));
        send(&s, 10, (uint16_t)n, n, 1);
    }
    assert_true(tx_stream_covers(&s, (uint16_t)(199999 - 1000)));
    assert_int_equal(s.packets, 199999);
}

static void what_was_sent_can_be_told_until_the_log_is_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct tx_log *log = tx_log_new(16);
        struct tx_stream s;
        tx_stream_init(&s, 1, 2, 90000, 0, log);
        tx_stream_switch(&s, starts[i], 0, 1);
        s.seq_delta = 0; /* so that the starts are those of the output */
        for (uint16_t n = 0; n < 20; n++)
            if (n != 17)
                send(&s, 10, (uint16_t)(starts[i] + n), n, MS(1));
        assert_null(tx_stream_find(&s, (uint16_t)(starts[i] + 3)));
        assert_null(tx_stream_find(&s, (uint16_t)(starts[i] + 17))); /* skipped: not that of 16 numbers before */
        assert_null(tx_stream_find(&s, (uint16_t)(starts[i] + 20)));
        for (uint16_t n = 4; n < 20; n++) {
            const struct tx_sent *sent = tx_stream_find(&s, (uint16_t)(starts[i] + n));
            if (n == 17)
                continue;
            assert_non_null(sent);
            assert_int_equal(sent->in_seq_wide, 65536 + (uint16_t)(starts[i] + n));
            assert_int_equal(sent->in_ts, n);
            assert_int_equal(sent->edit.pictureid, 3);
        }
        send(&s, 10, (uint16_t)(starts[i] + 17), 17, MS(2)); /* late, recovered at the source */
        assert_int_equal(tx_stream_find(&s, (uint16_t)(starts[i] + 17))->in_ts, 17);
        assert_int_equal(s.newest_seq, (uint16_t)(starts[i] + 19));
        send(&s, 10, (uint16_t)(starts[i] + 2), 2, MS(2)); /* too late to be kept: 18 has that place */
        assert_null(tx_stream_find(&s, (uint16_t)(starts[i] + 2)));
        assert_int_equal(tx_stream_find(&s, (uint16_t)(starts[i] + 18))->in_ts, 18);
        tx_log_free(log);
    }
    struct tx_stream audio;
    tx_stream_init(&audio, 1, 0, 48000, 0, NULL);
    assert_null(tx_stream_find(&audio, 0));
    tx_log_free(NULL);
}

static void a_second_request_within_the_round_trip_is_ignored(void **state) /* media 22.4 */
{
    (void)state;
    struct tx_log *log = tx_log_new(16);
    struct tx_stream s;
    tx_stream_init(&s, 1, 2, 90000, 7, log);
    tx_stream_switch(&s, 100, 0, SEC(1));
    uint16_t seq = send(&s, 10, 100, 0, SEC(1));
    assert_null(tx_stream_on_nack(&s, seq, MS(100), SEC(1) + MS(89))); /* 0.9 of 100 ms */
    assert_non_null(tx_stream_on_nack(&s, seq, MS(100), SEC(1) + MS(90)));
    assert_null(tx_stream_on_nack(&s, seq, MS(100), SEC(1) + MS(179)));
    assert_non_null(tx_stream_on_nack(&s, seq, MS(100), SEC(1) + MS(180)));
    assert_null(tx_stream_on_nack(&s, seq, MS(20), SEC(1) + MS(194))); /* 20 less 5 ms */
    assert_non_null(tx_stream_on_nack(&s, seq, MS(20), SEC(1) + MS(195)));
    assert_non_null(tx_stream_on_nack(&s, seq, MS(4), SEC(1) + MS(195)));
    assert_non_null(tx_stream_on_nack(&s, seq, 0, SEC(1) + MS(195))); /* no round trip known */
    assert_null(tx_stream_on_nack(&s, (uint16_t)(seq + 1), 0, SEC(2)));
    assert_int_equal(s.retransmitted, 5);
    uint16_t rtx = tx_stream_next_rtx_seq(&s);
    assert_int_equal(tx_stream_next_rtx_seq(&s), rtx + 1);
    assert_int_equal(s.packets, 1); /* retransmissions are another stream's */
    tx_log_free(log);
}

static void reports_follow_the_encoding_that_is_sent(void **state) /* media 22.13, 6.2 */
{
    (void)state;
    struct tx_stream s;
    struct rtcp_sr out;
    tx_stream_init(&s, 1, 0, 90000, 7, NULL);
    /* two encodings of one camera: their timestamps have different origins on one wall clock */
    struct rx_sr low = {.ntp = 5ull << 32, .rtp_ts = 1000000, .ssrc = 10, .rx_us = SEC(5)};
    struct rx_sr high = {.ntp = 5ull << 32, .rtp_ts = 77000000, .ssrc = 20, .rx_us = SEC(5)};
    assert_false(tx_stream_sr(&s, &low, &out)); /* nothing sent */
    tx_stream_switch(&s, 1, 1000000 + 90000, SEC(6)); /* a frame of NTP second 6 */
    send(&s, 10, 1, 1000000 + 90000, SEC(6));
    assert_false(tx_stream_sr(&s, &high, &out));
    assert_true(tx_stream_sr(&s, &low, &out));
    assert_int_equal(out.ssrc, 1);
    assert_true(out.ntp == low.ntp);
    assert_int_equal(out.rtp_ts, s.newest_ts - 90000);
    assert_int_equal(out.packets, 1);
    assert_int_equal(out.octets, 100);

    tx_stream_switch(&s, 500, 77000000 + 180000, SEC(7)); /* the high one's frame of second 7 */
    send(&s, 20, 500, 77000000 + 180000, SEC(7));
    assert_false(tx_stream_sr(&s, &low, &out));
    assert_true(tx_stream_sr(&s, &high, &out));
    /* media 22.13: second 7 maps to the timestamp of the frame that was taken then */
    assert_in_range(out.rtp_ts + 180000, s.newest_ts - 1, s.newest_ts + 1);
    struct rx_sr none = {.ssrc = 20};
    assert_false(tx_stream_sr(&s, &none, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_number_is_below_32768),
        cmocka_unit_test(a_switch_goes_on_where_the_last_input_stopped),
        cmocka_unit_test(audio_moves_on_by_20_ms_at_least),
        cmocka_unit_test(the_cover_follows_a_long_stream),
        cmocka_unit_test(what_was_sent_can_be_told_until_the_log_is_full),
        cmocka_unit_test(a_second_request_within_the_round_trip_is_ignored),
        cmocka_unit_test(reports_follow_the_encoding_that_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
