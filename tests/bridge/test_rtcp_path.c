/* Reports and requests that the bridge makes itself, towards senders. */
#include <stdio.h>
#include <stdlib.h>

#include "support/path_rig.h"

#include "proto/rtcp_fb.h"

enum { MANY = 40 };

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

static void every_source_is_reported_on_however_many_there_are(void **state)
{
    (void)state;
    struct source_spec specs[MANY] = {0};
    bool reported[MANY] = {0};
    struct got got;
    for (uint32_t i = 0; i < MANY; i++) {
        specs[i] = (struct source_spec){.kind = COLIBRI2_AUDIO, .encoding_count = 1};
        snprintf(specs[i].name, sizeof specs[i].name, "00000001-a%u", i);
        specs[i].encodings[0].ssrc = 5000 + i;
    }
    struct source_set set = {.source_count = MANY, .sources = specs};
    endpoint_set_sources(alice.ep, &set);
    for (uint32_t i = 0; i < MANY; i++) {
        struct rtp_view view = {.pt = RIG_OPUS, .seq = 1, .ts = 960, .ssrc = 5000 + i};
        peer_rtp(&alice, &view, bytes_str("opus"));
    }
    rig_pass_time(&rig, MS(501));
    size_t count = 0;
    while (peer_recv(&alice, &got)) {
        if (!got.rtcp || got.data[1] != RTCP_RR)
            continue;
        size_t blocks = got.data[0] & 0x1f;
        assert_int_equal(got.len, 8 + 24 * blocks);
        for (size_t i = 0; i < blocks; i++, count++) {
            uint32_t ssrc = get_u32(got.data + 8 + 24 * i);
            assert_in_range(ssrc, 5000, 5000 + MANY - 1);
            assert_false(reported[ssrc - 5000]);
            reported[ssrc - 5000] = true;
        }
    }
    assert_int_equal(count, MANY);
}

static void a_sender_without_pli_is_asked_by_fir(void **state)
{
    (void)state;
    struct got got;
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payloads[1].nack_pli = false;
    endpoint_set_media(alice.ep, media);
    free(media);
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 2, false);
    uint8_t seqs[2];
    for (int i = 0; i < 2; i++) {
        assert_true(peer_recv_rtcp(&alice, &got, RTCP_PSFB, 4));
        assert_int_equal(got.len, 20);
        assert_int_equal(get_u32(got.data + 8), 0); /* RFC 5104 4.3.1.2 */
        assert_int_equal(get_u32(got.data + 12), alice.video_ssrc[0]);
        seqs[i] = got.data[16];
        assert_memory_equal(got.data + 17, "\0\0\0", 3);
        peer_drain(&alice);
        if (i)
            break;
        peer_simulcast(&alice, 1, true); /* answered: the next one is a new request */
        rig_pass_time(&rig, SEC(3));
        peer_drain(&alice);
        struct track *track =
            receiver_track_by_ssrc(&bob.ep->receiver, bob.ep->receiver.slots[COLIBRI2_VIDEO][0]->tx.ssrc);
        uint8_t buf[64];
        struct wr w = wr_over(buf, sizeof buf);
        rtcp_pli_write(&w, 77, track->tx.ssrc);
        peer_rtcp(&bob, wr_done(&w));
    }
    assert_int_not_equal(seqs[0], seqs[1]);
}

static void send_sr(struct peer *from, uint32_t ssrc, uint64_t captured_us, uint32_t ts)
{
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    struct rtcp_sr sr = {.ssrc = ssrc, .rtp_ts = ts};
    sr.ntp = (3900000000ull + captured_us / US_PER_S) << 32 | ((captured_us % US_PER_S << 32) / US_PER_S);
    rtcp_sr_write(&w, &sr, NULL, 0);
    peer_rtcp(from, wr_done(&w));
}

/* The three encodings have timestamps of their own, packets come with jitter, and each SR is of the encoding in use: still
 * one line through all that the receiver gets, or lips and voice part. A switch may show a frame again, 1 ms
 * later; nothing else moves the line. */
static void sender_reports_and_frames_stay_on_one_line_over_switches(void **state) /* media 13 */
{
    (void)state;
    static const uint32_t offset[3] = {0xfffffff0u, 123456, 0x80000000u};
    static const int wanted[] = {180, 720, 360, 720, 180};
    struct got got;
    int heights_seen = 0;
    bool have_line = false;
    uint32_t line = 0, twice = 0; /* line: receiver's timestamp at time 0 */
    for (int i = 0; i < 150; i++) {
        uint64_t captured_us = (uint64_t)i * US_PER_S / 30;
        if (i % 30 == 0)
            peer_wants(&bob, wanted[i / 30]);
        for (unsigned e = 0; e < 3; e++)
            peer_video(&alice, e, (uint16_t)(10 + i), offset[e] + 3000u * (uint32_t)i, (uint16_t)i, i % 10 == 0);
        for (unsigned e = 0; e < 3 && i % 5 == 0; e++)
            send_sr(&alice, alice.video_ssrc[e], captured_us, offset[e] + 3000u * (uint32_t)i);
        rig_pass_time(&rig, i % 2 ? MS(20) : MS(46));
        unsigned frames = 0, reports = 0;
        uint32_t frame_ts = 0;
        while (peer_recv(&bob, &got)) {
            uint32_t ts = got.rtcp ? get_u32(got.data + 16) : got.rtp.ts;
            if (got.rtcp ? got.data[1] != RTCP_SR : got.rtp.pt != RIG_VP8)
                continue;
            if (!have_line)
                line = ts - 3000u * (uint32_t)i;
            have_line = true;
            twice += !got.rtcp && frames > 0;
            assert_in_range(ts - 3000u * (uint32_t)i - line + 1, 0, 2 + 90 * twice);
            if (got.rtcp)
                assert_in_range(ts - frame_ts + 1, 0, 2); /* of the same moment */
            else
                frame_ts = ts;
            *(got.rtcp ? &reports : &frames) += 1;
            if (!got.rtcp && !(got.rtp.payload.p[4] & 1))
                heights_seen |= 1 << (got.rtp.payload.p[12] | got.rtp.payload.p[13] << 8) / 300;
        }
        assert_in_range(frames, 1, 3);
        assert_int_equal(reports, i % 5 == 0);
    }
    assert_in_range(twice, 0, 2 * COUNT(wanted));
    assert_int_equal(heights_seen, 1 << 0 | 1 << 1 | 1 << 2); /* 180, 360 and 720 were all shown */
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(every_source_is_reported_on_however_many_there_are),
        CALL_TEST(a_sender_without_pli_is_asked_by_fir),
        CALL_TEST(sender_reports_and_frames_stay_on_one_line_over_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
