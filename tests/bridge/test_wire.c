/* Calls with loss and with layers that change, as the receivers and the sender see them on the wire: what is lost comes
 * again, what is not wanted is not sent, and nobody is asked for key frames without need. */
#include <stdio.h>
#include <stdlib.h>

#include "support/fake_channels.h"
#include "support/path_rig.h"

enum { ABS_SEND_TIME_ID = 3, FRAMES_PER_S = 30 };

static struct rig rig;
static struct peer alice, bob;

static int open_call(void **state)
{
    (void)state;
    rig_open_call(&rig, &alice, &bob, NULL);
    endpoint_on_channel_ready(alice.ep);
    told_forget();
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    rig_close_call(&rig, &alice, &bob);
    told_forget();
    return 0;
}

static bool is_key(const struct got *got)
{
    return !(got->rtp.payload.p[4] & 1);
}

static int height(const struct got *got)
{
    return got->rtp.payload.p[12] | got->rtp.payload.p[13] << 8;
}

static bool is_pli(const struct got *got)
{
    return got->rtcp && got->data[1] == 206 && (got->data[0] & 0x1f) == 1;
}

/* ---- 15: layers follow the constraints ---- */

/* A camera that answers PLIs with a key frame on all its encodings, as browsers do. */
static int film(int frames)
{
    static bool asked = true;
    struct got got;
    int plis = 0;
    for (int i = 0; i < frames; i++) {
        peer_simulcast(&alice, 1, asked);
        asked = false;
        while (peer_recv(&alice, &got))
            if (is_pli(&got)) {
                asked = true;
                plis++;
            }
    }
    return plis;
}

static void the_picture_follows_what_is_wanted_without_a_seam(void **state) /* media 15 */
{
    (void)state;
    static const int wanted[] = {180, 720, 0, 360};
    struct got got;
    bool started = false;
    uint32_t ssrc = 0, ts = 0;
    uint16_t seq = 0;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        char told_height[64];
        int shown = 0, packets = 0;
        peer_wants(&bob, wanted[i]);
        snprintf(told_height, sizeof told_height, "\"sourceName\":\"00000001-v0\",\"maxHeight\":%d}", wanted[i]);
        assert_non_null(told(1, told_height));
        for (int second = 0; second < 3; second++)
            assert_in_range(film(FRAMES_PER_S), 0, 5);
        while (peer_recv_rtp(&bob, &got, RIG_VP8)) {
            if (!started)
                assert_true(is_key(&got));
            else {
                assert_int_equal(got.rtp.ssrc, ssrc);
                assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
                assert_true((int32_t)(got.rtp.ts - ts) > 0);
            }
            started = true;
            ssrc = got.rtp.ssrc;
            seq = got.rtp.seq;
            ts = got.rtp.ts;
            packets++;
            if (is_key(&got))
                shown = height(&got);
        }
        assert_int_equal(shown, wanted[i]);
        assert_true(wanted[i] ? packets >= 2 * FRAMES_PER_S : packets == 0);
    }
    assert_int_equal(film(FRAMES_PER_S), 0); /* all are content: nobody asks */
}

/* ---- 16: loss ---- */

enum { CALL_FRAMES = 1000, RTT_US = 66000 }; /* a frame each 33 ms */

static uint32_t random_state;

static bool lost(void) /* 3 % */
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % 100 < 3;
}

static void send_one(uint16_t seq, bool rtx)
{
    uint8_t p[32] = {0x90, 0x80, 0, 0, 0x11};
    uint16_t picture = (uint16_t)(0x8000 | seq);
    size_t osn = rtx ? 2 : 0;
    uint8_t buf[64] = {0};
    static uint16_t rtx_seq = 500;
    put_u16(buf, seq);
    p[2] = (uint8_t)(picture >> 8);
    p[3] = (uint8_t)picture;
    if (seq == 1)
        memcpy(p + 4, "\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00", 10); /* 320x180 */
    memcpy(buf + osn, p, sizeof p);
    struct rtp_view view = {.pt = rtx ? RIG_RTX : RIG_VP8,
                            .seq = rtx ? rtx_seq++ : seq,
                            .ts = 3000u * seq,
                            .marker = true,
                            .ssrc = rtx ? alice.rtx_ssrc[0] : alice.video_ssrc[0]};
    peer_rtp(&alice, &view, bytes_of(buf, sizeof p + osn));
}

/* NACKs on their way, by when they arrive. */
struct ask {
    uint64_t at_us;
    uint32_t ssrc;
    uint16_t seq;
};
static struct ask asks[4096];
static size_t ask_count, ask_done;

static void nacked_seqs(const struct got *got, uint64_t at_us) /* RFC 4585 6.2.1 by hand */
{
    for (size_t at = 12; at + 4 <= got->len; at += 4) {
        uint16_t pid = get_u16(got->data + at), mask = get_u16(got->data + at + 2);
        for (int i = 0; i <= 16; i++)
            if (i == 0 || mask >> (i - 1) & 1) {
                assert_true(ask_count < COUNT(asks));
                asks[ask_count++] = (struct ask){at_us, get_u32(got->data + 8), (uint16_t)(pid + i)};
            }
    }
}

static void loss_on_the_way_to_the_bridge_is_repaired(void **state) /* media 16 */
{
    (void)state;
    struct got got;
    uint64_t sent_us[CALL_FRAMES + 1] = {0}, got_us[CALL_FRAMES + 1] = {0};
    uint16_t first = 0;
    int losses = 0;
    bool started = false;
    random_state = 1;
    ask_count = ask_done = 0;
    peer_wants(&bob, 180);
    alice.ep->rtt.last_us = RTT_US;
    for (uint16_t seq = 1; seq <= CALL_FRAMES + 30; seq++) {
        bool drop = seq > 5 && seq <= CALL_FRAMES && lost();
        losses += drop;
        if (seq <= CALL_FRAMES)
            sent_us[seq] = rig.worker->now_us;
        if (!drop)
            send_one(seq, false);
        for (int ms = 0; ms < 33; ms++) {
            rig_pass_time(&rig, MS(1));
            while (peer_recv(&alice, &got)) {
                assert_false(is_pli(&got) && seq > 5);
                if (got.rtcp && got.data[1] == 205 && (got.data[0] & 0x1f) == 1)
                    nacked_seqs(&got, rig.worker->now_us + RTT_US); /* there and back */
            }
            for (; ask_done < ask_count && asks[ask_done].at_us <= rig.worker->now_us; ask_done++)
                if (!lost())
                    send_one(asks[ask_done].seq, true);
            while (peer_recv_rtp(&bob, &got, RIG_VP8)) {
                if (!started)
                    first = got.rtp.seq;
                started = true;
                uint16_t which = (uint16_t)(got.rtp.seq - first + 1);
                if (which <= CALL_FRAMES) {
                    assert_int_equal(got_us[which], 0); /* once */
                    got_us[which] = rig.worker->now_us;
                }
            }
        }
    }
    assert_in_range(losses, 15, 60);
    int slow = 0;
    for (int i = 1; i <= CALL_FRAMES; i++) {
        assert_true(got_us[i] != 0); /* all of them, on their own numbers */
        slow += got_us[i] - sent_us[i] > 2 * RTT_US;
    }
    assert_in_range(slow, 0, losses / 8); /* the few whose repair was lost too */
}

static void loss_on_the_way_from_the_bridge_is_repaired(void **state) /* media 16 */
{
    (void)state;
    struct got got;
    uint64_t arrived_us[CALL_FRAMES + 1] = {0}, missed_us[CALL_FRAMES + 1] = {0};
    bool started = false;
    uint16_t first = 0, newest = 0;
    uint32_t ssrc = 0;
    int losses = 0;
    random_state = 7;
    ask_count = ask_done = 0;
    peer_wants(&bob, 180);
    bob.ep->rtt.last_us = RTT_US;
    for (uint16_t seq = 1; seq <= CALL_FRAMES + 30; seq++) {
        send_one(seq, false);
        rig_pass_time(&rig, MS(33));
        while (peer_recv(&bob, &got)) {
            if (got.rtcp || (got.rtp.pt != RIG_VP8 && got.rtp.pt != RIG_RTX))
                continue;
            bool rtx = got.rtp.pt == RIG_RTX;
            uint16_t out = rtx ? get_u16(got.rtp.payload.p) : got.rtp.seq;
            if (!started) {
                first = out;
                newest = (uint16_t)(out - 1);
                ssrc = got.rtp.ssrc;
            }
            started = true;
            uint16_t which = (uint16_t)(out - first + 1);
            if (which > CALL_FRAMES)
                continue;
            if (which > 5 && lost()) {
                losses++;
                continue; /* bob never sees it */
            }
            for (uint16_t gap = (uint16_t)(newest + 1); !rtx && gap != out; gap++) {
                asks[ask_count++] = (struct ask){rig.worker->now_us + RTT_US, ssrc, gap};
                missed_us[(uint16_t)(gap - first + 1)] = rig.worker->now_us;
            }
            newest = rtx ? newest : out;
            arrived_us[which] = rig.worker->now_us;
        }
        size_t n = ask_count;
        for (; ask_done < n && asks[ask_done].at_us <= rig.worker->now_us; ask_done++) {
            uint8_t nack[16] = {0x81, 205, 0, 3};
            put_u32(nack + 4, 77);
            put_u32(nack + 8, asks[ask_done].ssrc);
            put_u16(nack + 12, asks[ask_done].seq);
            if (arrived_us[(uint16_t)(asks[ask_done].seq - first + 1)])
                continue;
            peer_rtcp(&bob, bytes_of(nack, sizeof nack));
            asks[ask_count++] =
                (struct ask){rig.worker->now_us + 2 * RTT_US, ssrc, asks[ask_done].seq}; /* unless it came */
        }
        while (peer_recv(&alice, &got))
            assert_false(seq > 5 && is_pli(&got)); /* nor does anybody ask for a key frame */
    }
    assert_in_range(losses, 15, 60);
    int slow = 0;
    for (int i = 1; i <= CALL_FRAMES; i++) {
        assert_true(arrived_us[i] != 0);
        slow += missed_us[i] && arrived_us[i] - missed_us[i] > 2 * RTT_US;
    }
    assert_in_range(slow, 0, losses / 8);
}

/* ---- 17: what is stamped on packets ---- */

static void signal_feedback(struct peer *peer, bool twcc)
{
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payloads[1].transport_cc = twcc;
    media->payloads[1].goog_remb = true;
    struct media_extension *ext = &media->extensions[media->extension_count++];
    *ext = (struct media_extension){.id = ABS_SEND_TIME_ID, .kind = COLIBRI2_VIDEO};
    snprintf(ext->uri, CONTROL_URI_LEN, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
    endpoint_set_media(peer->ep, media);
    free(media);
}

static void stamps_are_those_the_receiver_can_use(void **state) /* media 17 */
{
    (void)state;
    for (int twcc = 0; twcc < 2; twcc++) {
        struct got got;
        struct bytes ext;
        signal_feedback(&bob, twcc);
        peer_wants(&bob, 180);
        peer_drain(&bob);
        int packets = 0, numbers[2] = {-1, -1};
        for (uint16_t i = 0; i < 10; i++) {
            peer_audio(&alice, (uint16_t)(100 * twcc + i + 1), 960u * i, 20);
            peer_simulcast(&alice, 1, i == 0);
            while (peer_recv(&bob, &got)) {
                if (got.rtcp)
                    continue;
                bool video = got.rtp.pt == RIG_VP8;
                assert_int_equal(rtp_ext_find(&got.rtp, ABS_SEND_TIME_ID, &ext), !twcc);
                assert_int_equal(rtp_ext_find(&got.rtp, RIG_TWCC_ID, &ext), twcc && video);
                packets++;
                if (!twcc || !video)
                    continue;
                if (numbers[1] >= 0)
                    assert_int_equal(get_u16(ext.p), (uint16_t)(numbers[1] + 1));
                numbers[1] = get_u16(ext.p);
            }
        }
        assert_in_range(packets, 15, 20);
    }
}

static void a_sender_without_transport_feedback_is_told_a_rate(void **state) /* media 17, 7.2 */
{
    (void)state;
    struct got got;
    for (int twcc = 0; twcc < 2; twcc++) {
        int rembs = 0;
        signal_feedback(&alice, twcc);
        peer_drain(&alice);
        for (uint32_t i = 0; i < 90; i++) {
            uint8_t buf[600], stamp[3];
            struct wr w = wr_over(buf, sizeof buf);
            struct rtp_view view = {.pt = RIG_OPUS,
                                    .seq = (uint16_t)(i + 1 + 100 * (uint32_t)twcc),
                                    .ts = 960 * i,
                                    .ssrc = alice.audio_ssrc};
            struct rtp_ext ext = {ABS_SEND_TIME_ID, rtp_ext_abs_send_time_write(stamp, rig.worker->now_us)};
            rtp_write_header(&w, &view, &ext, 1);
            wr_zeros(&w, 500);
            peer_raw(&alice, wr_done(&w));
            rig_pass_time(&rig, MS(20));
        }
        while (peer_recv(&alice, &got)) {
            if (!got.rtcp || got.data[1] != 201)
                continue;
            size_t rr = 4 + 4u * get_u16(got.data + 2); /* behind it in the same compound */
            if (got.len > rr) {
                assert_int_equal(got.data[rr + 1], 206);
                assert_memory_equal(got.data + rr + 12, "REMB", 4);
                rembs++;
            }
        }
        assert_true(twcc ? rembs == 0 : rembs >= 1);
    }
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(the_picture_follows_what_is_wanted_without_a_seam),
        CALL_TEST(loss_on_the_way_to_the_bridge_is_repaired),
        CALL_TEST(loss_on_the_way_from_the_bridge_is_repaired),
        CALL_TEST(stamps_are_those_the_receiver_can_use),
        CALL_TEST(a_sender_without_transport_feedback_is_told_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
