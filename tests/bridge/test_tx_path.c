/* Sending again, and what a receiver cannot decode: tx_path and forward, with the bytes on the wire looked at. */
#include <stdio.h>
#include <stdlib.h>

#include "support/path_rig.h"

#include "proto/rtcp_fb.h"
#include "proto/rtp_ext.h"

enum { RED = 112, ABS_SEND_TIME_ID = 3 };

static struct rig rig;
static struct peer alice, bob;

static int open_call(void **state)
{
    (void)state;
    rig_open_call(&rig, &alice, &bob, NULL);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    rig_close_call(&rig, &alice, &bob);
    return 0;
}

static void ask_again(struct peer *peer, uint32_t ssrc, uint16_t seq)
{
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_nack_write(&w, 77, ssrc, &seq, 1);
    peer_rtcp(peer, wr_done(&w));
}

/* ---- retransmission ---- */

static void signal_without_rtx(struct peer *peer, bool twcc)
{
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payload_count = 2; /* opus, VP8 */
    media->payloads[1].transport_cc = twcc;
    media->extensions[media->extension_count] =
        (struct media_extension){.id = ABS_SEND_TIME_ID, .kind = COLIBRI2_VIDEO};
    snprintf(media->extensions[media->extension_count++].uri, CONTROL_URI_LEN, "%s",
             rtp_ext_uri(RTP_EXT_ABS_SEND_TIME));
    endpoint_set_media(peer->ep, media);
    free(media);
    rig_pass_time(&rig, MS(20));
}

static struct got first_of_video(struct peer *to) /* sealed */
{
    struct got got;
    peer_wants(to, 180);
    peer_simulcast(&alice, 1, true);
    while (peer_recv_sealed(to, &got))
        if (!got.rtcp && (got.data[1] & 0x7f) == RIG_VP8)
            return got;
    fail();
    return got;
}

static bool comes_again(struct peer *to, const struct got *sent)
{
    struct got again;
    while (peer_recv_sealed(to, &again))
        if (again.len == sent->len && memcmp(again.data, sent->data, sent->len) == 0)
            return true;
        else if (!again.rtcp) /* another packet under this number would give its key away: transport.md 12.4 */
            assert_false(memcmp(again.data + 8, sent->data + 8, 4) == 0 &&
                         memcmp(again.data + 2, sent->data + 2, 2) == 0);
    return false;
}

static void without_rtx_the_same_bytes_come_again(bool twcc)
{
    signal_without_rtx(&bob, twcc);
    struct got sent = first_of_video(&bob);
    rig_pass_time(&rig, MS(700)); /* clocks and counters move on meanwhile */
    peer_simulcast(&alice, 3, false);
    peer_drain(&bob);
    ask_again(&bob, get_u32(sent.data + 8), get_u16(sent.data + 2));
    assert_true(comes_again(&bob, &sent));
}

static void a_receiver_without_rtx_gets_exactly_the_same_bytes_again(void **state)
{
    (void)state;
    without_rtx_the_same_bytes_come_again(true);
}

static void the_time_of_sending_that_a_packet_carries_is_that_of_its_first_time(void **state)
{
    (void)state;
    without_rtx_the_same_bytes_come_again(false);
}

static void what_would_not_be_the_same_bytes_is_not_sent_again(void **state)
{
    (void)state;
    signal_without_rtx(&bob, true);
    struct got sent = first_of_video(&bob);
    signal_without_rtx(&bob, false); /* headers are made in another way from now on */
    peer_drain(&bob);
    ask_again(&bob, get_u32(sent.data + 8), get_u16(sent.data + 2));
    assert_false(comes_again(&bob, &sent));
    peer_simulcast(&alice, 1, false); /* what was sent since can be had again */
    assert_true(peer_recv_sealed(&bob, &sent));
    rig_pass_time(&rig, MS(20));
    peer_drain(&bob);
    ask_again(&bob, get_u32(sent.data + 8), get_u16(sent.data + 2));
    assert_true(comes_again(&bob, &sent));
}

static void report_rtt(struct peer *from, uint64_t rtt_us)
{
    from->ep->rtt.last_us = rtt_us;
}

static void a_second_request_within_the_round_trip_is_ignored(void **state) /* media 4 */
{
    (void)state;
    struct got got, again;
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 1, true);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    report_rtt(&bob, MS(100));
    rig_pass_time(&rig, MS(200));
    ask_again(&bob, got.rtp.ssrc, got.rtp.seq);
    assert_true(peer_recv_rtp(&bob, &again, RIG_RTX));
    uint16_t rtx_seq = again.rtp.seq;
    rig_pass_time(&rig, MS(80));
    ask_again(&bob, got.rtp.ssrc, got.rtp.seq);
    assert_false(peer_recv_rtp(&bob, &again, RIG_RTX));
    rig_pass_time(&rig, MS(20));
    ask_again(&bob, got.rtp.ssrc, got.rtp.seq);
    assert_true(peer_recv_rtp(&bob, &again, RIG_RTX));
    assert_int_equal(again.rtp.seq, (uint16_t)(rtx_seq + 1));
    assert_true(peer_recv_rtp(&bob, &again, RIG_RTX)); /* the first was lost: two, as time is running out */
    assert_int_equal(again.rtp.seq, (uint16_t)(rtx_seq + 2));
    assert_false(peer_recv_rtp(&bob, &again, RIG_RTX));
}

static void what_came_late_after_two_requests_goes_out_twice(void **state)
{
    (void)state;
    struct got got;
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 1, true);
    peer_drain(&bob);
    peer_video(&alice, 0, 1001, 93000, 101, true);
    peer_video(&alice, 0, 1004, 102000, 104, false);
    rig_pass_time(&rig, MS(20)); /* one request for 1002 and 1003 */
    peer_drain(&bob);
    peer_video(&alice, 0, 1002, 96000, 102, false);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    assert_false(peer_recv_rtp(&bob, &got, RIG_RTX));
    rig_pass_time(&rig, NACK_RETRY_US); /* another one for 1003 */
    peer_drain(&bob);
    peer_video(&alice, 0, 1003, 99000, 103, false);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    uint16_t seq = got.rtp.seq;
    assert_true(peer_recv_rtp(&bob, &got, RIG_RTX));
    assert_int_equal(get_u16(got.rtp.payload.p), seq);
}

static void asking_for_what_is_gone_does_not_count_as_sending_it(void **state)
{
    (void)state;
    struct got got, again;
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 1, true);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    struct track *track = receiver_track_by_ssrc(&bob.ep->receiver, got.rtp.ssrc);
    rig_pass_time(&rig, HISTORY_AGE_US + SEC(1)); /* the packet is forgotten, how it was made is not */
    report_rtt(&bob, MS(100));
    ask_again(&bob, got.rtp.ssrc, got.rtp.seq);
    assert_false(peer_recv_rtp(&bob, &again, RIG_RTX));
    assert_non_null(tx_stream_find(&track->tx, got.rtp.seq));
    assert_int_equal(track->tx.retransmitted, 0);
}

/* ---- RED ---- */

static void signal_red(struct peer *peer)
{
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payloads[media->payload_count++] =
        (struct media_payload){.pt = RED, .kind = COLIBRI2_AUDIO, .name = "red", .clockrate = 48000, .apt = -1};
    endpoint_set_media(peer->ep, media);
    free(media);
}

/* RFC 2198 by hand: "<n-2>", "<n-1>" and "<n>", each 960 apart. */
static void send_red(struct peer *from, uint16_t seq, uint8_t inner_pt)
{
    uint8_t p[64];
    size_t n = 0;
    for (uint32_t back = 2; back > 0; back--) {
        uint32_t head = back * 960 << 10 | 4;
        p[n++] = 0x80 | inner_pt;
        p[n++] = (uint8_t)(head >> 16);
        p[n++] = (uint8_t)(head >> 8);
        p[n++] = (uint8_t)head;
    }
    p[n++] = inner_pt;
    for (uint16_t back = 3; back-- > 0;)
        n += (size_t)sprintf((char *)p + n, "%04u", (unsigned)(uint16_t)(seq - back) % 10000);
    struct rtp_view view = {.pt = RED, .seq = seq, .ts = 960u * seq, .ssrc = from->audio_ssrc};
    peer_rtp(from, &view, bytes_of(p, n));
}

static unsigned number_in(const struct got *got)
{
    char text[5] = {0};
    assert_int_equal(got->rtp.payload.n, 4);
    memcpy(text, got->rtp.payload.p, 4);
    return (unsigned)strtoul(text, NULL, 10);
}

static void a_receiver_without_red_gets_what_is_inside(void **state)
{
    (void)state;
    struct got got;
    signal_red(&alice);
    send_red(&alice, 1000, RIG_OPUS);
    send_red(&alice, 1001, RIG_OPUS);
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
    assert_int_equal(number_in(&got), 1000); /* not what was before it */
    uint16_t seq = got.rtp.seq;
    uint32_t ts = got.rtp.ts;
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
    assert_int_equal(number_in(&got), 1001);
    assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
    assert_int_equal(got.rtp.ts, ts + 960);
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS)); /* nothing twice */
}

static void redundancy_fills_what_was_lost_before_the_bridge(void **state)
{
    (void)state;
    struct got got;
    uint16_t seq = 0;
    uint32_t ts = 0;
    static const unsigned expected[] = {1000, 1001, 1002, 1003, 1004};
    signal_red(&alice);
    send_red(&alice, 1000, RIG_OPUS);
    send_red(&alice, 1003, RIG_OPUS); /* carries 1001 and 1002 */
    send_red(&alice, 1002, RIG_OPUS); /* late: its content has been sent */
    send_red(&alice, 1004, RIG_OPUS);
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
        assert_int_equal(number_in(&got), expected[i]);
        if (i) {
            assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
            assert_int_equal(got.rtp.ts, ts + 960);
        }
        seq = got.rtp.seq;
        ts = got.rtp.ts;
    }
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS));
}

static void a_receiver_with_red_gets_it_untouched(void **state)
{
    (void)state;
    struct got got;
    signal_red(&alice);
    signal_red(&bob);
    send_red(&alice, 7, RIG_OPUS);
    assert_true(peer_recv_rtp(&bob, &got, RED));
    assert_int_equal(got.rtp.payload.n, 9 + 12);
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS));
}

static void malformed_red_and_red_with_foreign_blocks_end_here(void **state)
{
    (void)state;
    struct got got;
    signal_red(&alice);
    static const uint8_t broken[] = {0x80 | RIG_OPUS, 0xff, 0xff, 0xff, RIG_OPUS, 1, 2};
    struct rtp_view view = {.pt = RED, .seq = 5, .ts = 960, .ssrc = alice.audio_ssrc};
    peer_rtp(&alice, &view, bytes_of(broken, sizeof broken));
    send_red(&alice, 6, RIG_VP8); /* no video on a microphone's SSRC */
    send_red(&alice, 7, 55);      /* known to nobody */
    assert_false(peer_recv(&bob, &got));
    send_red(&alice, 8, RIG_OPUS);
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
    assert_int_equal(number_in(&got), 8);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(a_receiver_without_rtx_gets_exactly_the_same_bytes_again),
        CALL_TEST(the_time_of_sending_that_a_packet_carries_is_that_of_its_first_time),
        CALL_TEST(what_would_not_be_the_same_bytes_is_not_sent_again),
        CALL_TEST(a_second_request_within_the_round_trip_is_ignored),
        CALL_TEST(what_came_late_after_two_requests_goes_out_twice),
        CALL_TEST(asking_for_what_is_gone_does_not_count_as_sending_it),
        CALL_TEST(a_receiver_without_red_gets_what_is_inside),
        CALL_TEST(redundancy_fills_what_was_lost_before_the_bridge),
        CALL_TEST(a_receiver_with_red_gets_it_untouched),
        CALL_TEST(malformed_red_and_red_with_foreign_blocks_end_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
