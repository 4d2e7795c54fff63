/* A packet's way through a conference, receive path to send path, in virtual time. */
#include "support/path_rig.h"

#include "proto/rtcp_fb.h"
#include "proto/rtp_ext.h"
#include "proto/rtx.h"

static struct rig rig;
static struct peer alice, bob, carol;

static int open_call(void **state)
{
    (void)state;
    rig_open(&rig);
    peer_join(&rig, &alice, 1, true);
    peer_join(&rig, &bob, 2, true);
    peer_join(&rig, &carol, 3, false); /* an older client, without SSRC rewriting */
    rig_pass_time(&rig, MS(20));
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    peer_leave(&alice);
    peer_leave(&bob);
    peer_leave(&carol);
    rig_close(&rig);
    return 0;
}

static void audio_reaches_the_others_and_not_its_sender(void **state)
{
    (void)state;
    struct got got;
    for (uint16_t i = 0; i < 3; i++) {
        peer_audio(&alice, (uint16_t)(65534 + i), 1000 + 960u * i, 30);
        rig_pass_time(&rig, MS(20));
    }
    uint16_t last_seq = 0;
    uint32_t ssrc = 0, last_ts = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
        assert_int_not_equal(got.rtp.ssrc, alice.audio_ssrc); /* rewritten */
        if (i) {
            assert_int_equal(got.rtp.ssrc, ssrc);
            assert_int_equal(got.rtp.seq, (uint16_t)(last_seq + 1));
            assert_int_equal(got.rtp.ts, last_ts + 960);
        } else {
            assert_true(got.rtp.seq < 0x8000);
        }
        ssrc = got.rtp.ssrc;
        last_seq = got.rtp.seq;
        last_ts = got.rtp.ts;
        struct bytes level;
        assert_true(rtp_ext_find(&got.rtp, RIG_LEVEL_ID, &level));
        assert_int_equal(level.p[0] & 0x7f, 30);
        assert_true(rtp_ext_find(&got.rtp, RIG_MID_ID, &level)); /* bridge-channel 14 */
        assert_true(bytes_eq(level, bytes_str("a0")));
        assert_true(bytes_eq(got.rtp.payload, bytes_str("opus payload")));
    }
    assert_true(peer_recv_rtp(&carol, &got, RIG_OPUS));
    assert_int_equal(got.rtp.ssrc, alice.audio_ssrc); /* plain mode keeps it */
    assert_false(peer_recv_rtp(&alice, &got, RIG_OPUS));
}

static void silence_passes_four_times_and_leaves_no_gap(void **state) /* bridge-channel 22, media 2 */
{
    (void)state;
    struct got got;
    uint16_t seq = 100;
    for (int i = 0; i < 10; i++, seq++)
        peer_audio(&alice, seq, 960u * seq, 127);
    peer_audio(&alice, seq, 960u * seq, 20);
    uint16_t first = 0;
    int count = 0;
    while (peer_recv_rtp(&bob, &got, RIG_OPUS)) {
        if (count == 0)
            first = got.rtp.seq;
        assert_int_equal(got.rtp.seq, (uint16_t)(first + count));
        count++;
    }
    assert_int_equal(count, 5);
}

static void a_muted_microphone_and_camera_are_not_forwarded(void **state)
{
    (void)state;
    struct got got;
    peer_wants(&bob, 720);
    endpoint_force_mute(alice.ep, true, true);
    peer_audio(&alice, 1, 960, 20);
    peer_audio(&alice, 2, 1920, -1); /* without a level too */
    peer_video(&alice, 0, 1, 3000, 1, true);
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS));
    endpoint_force_mute(alice.ep, false, false);
    peer_audio(&alice, 3, 2880, 20);
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
}

static void video_needs_a_wish_and_starts_with_a_key_frame(void **state)
{
    (void)state;
    struct got got;
    peer_video(&alice, 0, 1, 3000, 1, true);
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8)); /* nobody asked: initial-max-height-px is 0 */
    peer_wants(&bob, 180);
    assert_true(peer_recv_rtcp(&alice, &got, RTCP_PSFB, 1)); /* the bridge asks for a key frame */
    assert_int_equal(get_u32(got.data + 8), alice.video_ssrc[0]);
    peer_video(&alice, 0, 2, 6000, 2, false);
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8));
    peer_video(&alice, 0, 3, 9000, 3, true);
    peer_video(&alice, 0, 4, 12000, 4, false);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    uint16_t seq = got.rtp.seq;
    uint32_t ts = got.rtp.ts;
    assert_true(got.rtp.marker);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
    assert_int_equal(got.rtp.ts, ts + 3000);
    struct bytes twcc;
    assert_true(rtp_ext_find(&got.rtp, RIG_TWCC_ID, &twcc));
}

static int height_of(const struct got *got) /* VP8 key frame behind a 4-byte descriptor; 0: a delta frame */
{
    const uint8_t *p = got->rtp.payload.p + 4;
    return p[0] & 1 ? 0 : p[8] | p[9] << 8;
}

static void switching_between_encodings_leaves_no_seam(void **state)
{
    (void)state;
    struct got got;
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 10, true);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    assert_int_equal(height_of(&got), 180);
    uint16_t seq = got.rtp.seq;
    uint32_t ts = got.rtp.ts, ssrc = got.rtp.ssrc;
    int seen_height = 180;
    peer_wants(&bob, 720);
    for (int round = 0; round < 3; round++) {
        peer_simulcast(&alice, 10, true);
        while (peer_recv_rtp(&bob, &got, RIG_VP8)) {
            assert_int_equal(got.rtp.ssrc, ssrc);
            assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
            assert_true((int32_t)(got.rtp.ts - ts) > 0);
            seq = got.rtp.seq;
            ts = got.rtp.ts;
            if (height_of(&got))
                seen_height = height_of(&got);
        }
    }
    assert_int_equal(seen_height, 720);
    peer_wants(&bob, 0);
    peer_simulcast(&alice, 3, false);
    peer_drain(&bob);
    peer_simulcast(&alice, 3, true);
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8));
}

static void ask_again(struct peer *peer, uint32_t ssrc, uint16_t seq)
{
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_nack_write(&w, 77, ssrc, &seq, 1);
    peer_rtcp(peer, wr_done(&w));
}

static void a_lost_packet_comes_again_as_rtx(struct peer *to) /* bridge-channel 12 */
{
    struct got got, again;
    struct rtp_view inner;
    peer_wants(to, 180);
    peer_simulcast(&alice, 5, true);
    for (int i = 0; i < 3; i++)
        assert_true(peer_recv_rtp(to, &got, RIG_VP8));
    struct track *track = receiver_track_by_ssrc(&to->ep->receiver, got.rtp.ssrc);
    assert_non_null(track);
    peer_drain(to);
    ask_again(to, got.rtp.ssrc, got.rtp.seq);
    assert_true(peer_recv_rtp(to, &again, RIG_RTX));
    assert_int_equal(again.rtp.ssrc, track->tx.rtx_ssrc);
    assert_int_equal(rtx_unwrap(&again.rtp, RIG_VP8, got.rtp.ssrc, &inner), E_OK);
    assert_int_equal(inner.seq, got.rtp.seq);
    assert_int_equal(inner.ts, got.rtp.ts);
    assert_true(inner.marker == got.rtp.marker);
    assert_true(bytes_eq(inner.payload, got.rtp.payload));
    ask_again(to, got.rtp.ssrc, (uint16_t)(got.rtp.seq - 3000)); /* never sent: nothing, not even an error */
    assert_false(peer_recv_rtp(to, &again, RIG_RTX));
}

static void retransmission_with_rewriting_uses_the_announced_ssrc(void **state)
{
    (void)state;
    a_lost_packet_comes_again_as_rtx(&bob);
}

static void retransmission_without_rewriting_uses_the_senders_rtx_ssrc(void **state)
{
    (void)state;
    a_lost_packet_comes_again_as_rtx(&carol);
    assert_int_equal(receiver_track_by_ssrc(&carol.ep->receiver, alice.video_ssrc[0])->tx.rtx_ssrc, alice.rtx_ssrc[0]);
}

static void the_bridge_asks_senders_for_what_is_missing(void **state)
{
    (void)state;
    struct got got;
    peer_video(&alice, 1, 10, 3000, 1, true);
    peer_video(&alice, 1, 13, 9000, 3, false);
    rig_pass_time(&rig, MS(30));
    assert_true(peer_recv_rtcp(&alice, &got, RTCP_RTPFB, 1));
    assert_int_equal(get_u32(got.data + 4), 0xfeed0002);
    assert_int_equal(get_u32(got.data + 8), alice.video_ssrc[1]);
    assert_int_equal(get_u16(got.data + 12), 11);
    assert_int_equal(get_u16(got.data + 14), 1); /* and 12 */
}

static void a_still_screen_is_not_asked_for_a_key_frame_with_each_picture(void **state)
{
    (void)state;
    enum { PICTURES = 20, APART_S = 3 };
    peer_wants(&bob, 720);
    struct source *source = conference_find_source(alice.ep->conf, "00000001-v0");
    uint64_t asked = source->keyframe.sent_count, first = asked, settled = 0;
    for (uint16_t i = 0; i < PICTURES; i++) {
        bool key = i == 0 || source->keyframe.sent_count != asked; /* it answers with its next picture */
        asked = source->keyframe.sent_count;
        for (unsigned e = 0; e < 3; e++)
            peer_video(&alice, e, (uint16_t)(100 + i), 1000 + i * 90000u * APART_S, (uint16_t)(200 + i), key);
        rig_pass_time(&rig, SEC(APART_S));
        peer_drain(&bob);
        peer_drain(&alice);
        if (i == 5)
            settled = source->keyframe.sent_count;
    }
    print_message("  asked for %u key frames in a minute, %u of them after the first pictures\n",
                  (unsigned)(source->keyframe.sent_count - first), (unsigned)(source->keyframe.sent_count - settled));
    assert_int_equal(source->keyframe.sent_count, settled); /* by then it is known to be slow */
}

static void transport_feedback_reaches_the_sender_on_time(void **state)
{
    (void)state;
    struct got got;
    peer_simulcast(&alice, 6, true);
    assert_true(peer_recv_rtcp(&alice, &got, RTCP_RTPFB, 15));
    assert_int_equal(get_u32(got.data + 4), 0xfeed0002);
}

static void key_frame_requests_find_the_owner(void **state)
{
    (void)state;
    struct got got;
    uint8_t buf[64];
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 3, true);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    uint32_t shown = got.rtp.ssrc;
    rig_pass_time(&rig, SEC(1));
    peer_drain(&alice);
    peer_drain(&carol);
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_pli_write(&w, 77, shown);
    peer_rtcp(&bob, wr_done(&w));
    assert_true(peer_recv_rtcp(&alice, &got, RTCP_PSFB, 1));
    assert_int_equal(get_u32(got.data + 8), alice.video_ssrc[0]);
    peer_simulcast(&alice, 1, true);
    rig_pass_time(&rig, SEC(1));
    peer_drain(&alice);
    struct rtcp_fir fir = {.ssrc = shown, .seq = 1};
    w = wr_over(buf, sizeof buf);
    rtcp_fir_write(&w, 77, &fir, 1); /* its media SSRC is 0: the stock bridge loses these */
    peer_rtcp(&bob, wr_done(&w));
    assert_true(peer_recv_rtcp(&alice, &got, RTCP_PSFB, 1));
    w = wr_over(buf, sizeof buf);
    rtcp_pli_write(&w, 77, 0x12345678); /* nobody's */
    peer_drain(&carol);
    peer_rtcp(&bob, wr_done(&w));
    assert_false(peer_recv_rtcp(&carol, &got, RTCP_PSFB, 1));
}

static void sender_reports_follow_the_stream_they_describe(void **state) /* media 13 */
{
    (void)state;
    struct got got;
    uint8_t buf[64];
    peer_audio(&alice, 1, 48000, 20);
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
    struct rtcp_sr sr = {.ssrc = alice.audio_ssrc, .ntp = 0x1122334455667788ull, .rtp_ts = 48000 + 480, .packets = 9};
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_sr_write(&w, &sr, NULL, 0);
    uint32_t ssrc = got.rtp.ssrc, ts = got.rtp.ts;
    peer_rtcp(&alice, wr_done(&w));
    assert_true(peer_recv_rtcp(&bob, &got, RTCP_SR, 0));
    assert_int_equal(get_u32(got.data + 4), ssrc);
    assert_int_equal(get_u32(got.data + 8), 0x11223344);
    assert_int_equal(get_u32(got.data + 16), ts + 480);
    assert_int_equal(get_u32(got.data + 20), 1); /* what was sent to bob, not alice's own count */
}

static void receiver_reports_come_every_half_second(void **state)
{
    (void)state;
    struct got got;
    for (uint16_t i = 0; i < 5; i++)
        peer_audio(&alice, (uint16_t)(i * 2), 960u * i, 20); /* every second one is lost */
    rig_pass_time(&rig, MS(501));
    assert_true(peer_recv_rtcp(&alice, &got, RTCP_RR, 1));
    assert_int_equal(get_u32(got.data + 8), alice.audio_ssrc);
    assert_int_equal(get_u32(got.data + 12) & 0xffffff, 4);
}

static void what_is_not_signalled_is_dropped_and_counted(void **state)
{
    (void)state;
    struct got got;
    uint64_t before = demux_drops(rig.worker->demux)[DROP_SSRC_UNKNOWN];
    alice.audio_ssrc++;
    peer_audio(&alice, 1, 960, 20);
    alice.audio_ssrc--;
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_SSRC_UNKNOWN], before + 1);
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS));
}

static void a_source_that_comes_back_goes_on_from_where_it_was(void **state) /* or SRTP would use a nonce twice */
{
    (void)state;
    struct got got;
    struct source_set none = {0};
    peer_audio(&alice, 500, 960, 20);
    assert_true(peer_recv_rtp(&carol, &got, RIG_OPUS));
    uint16_t seq = got.rtp.seq;
    uint32_t ssrc = alice.audio_ssrc;
    endpoint_set_sources(alice.ep, &none);
    struct source_spec mic = {.kind = COLIBRI2_AUDIO, .encoding_count = 1, .name = "00000001-a0"};
    mic.encodings[0].ssrc = ssrc;
    struct source_set set = {.source_count = 1, .sources = &mic};
    endpoint_set_sources(alice.ep, &set);
    peer_audio(&alice, 501, 1920, 20);
    assert_true(peer_recv_rtp(&carol, &got, RIG_OPUS));
    assert_int_equal(got.rtp.ssrc, ssrc);
    assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(audio_reaches_the_others_and_not_its_sender),
        CALL_TEST(silence_passes_four_times_and_leaves_no_gap),
        CALL_TEST(a_muted_microphone_and_camera_are_not_forwarded),
        CALL_TEST(video_needs_a_wish_and_starts_with_a_key_frame),
        CALL_TEST(switching_between_encodings_leaves_no_seam),
        CALL_TEST(retransmission_with_rewriting_uses_the_announced_ssrc),
        CALL_TEST(retransmission_without_rewriting_uses_the_senders_rtx_ssrc),
        CALL_TEST(the_bridge_asks_senders_for_what_is_missing),
        CALL_TEST(a_still_screen_is_not_asked_for_a_key_frame_with_each_picture),
        CALL_TEST(transport_feedback_reaches_the_sender_on_time),
        CALL_TEST(key_frame_requests_find_the_owner),
        CALL_TEST(sender_reports_follow_the_stream_they_describe),
        CALL_TEST(receiver_reports_come_every_half_second),
        CALL_TEST(what_is_not_signalled_is_dropped_and_counted),
        CALL_TEST(a_source_that_comes_back_goes_on_from_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
