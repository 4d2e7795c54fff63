/* Packets cost no memory: a call with loss in both directions, repaired by NACK and RTX, with transport feedback and
 * reports, allocates nothing once every SSRC has been seen. */
#include "support/alloc_count.h"
#include "support/path_rig.h"

#include <stdlib.h>

#include "proto/rtcp_fb.h"
#include "proto/rtcp_twcc.h"

enum { FRAMES_PER_S = 30, PEERS = 3, LOSE_UP = 37, LOSE_DOWN = 29, OWN_SSRC = 77 };

static struct rig rig;
static struct peer peers[PEERS];
static struct arrivals {
    unsigned count;
    struct {
        uint16_t number;
        uint64_t at_us;
    } v[512];
} arrivals[PEERS]; /* not told yet */
static struct tally {
    unsigned up, down, audio, video, rtx, nacks, feedbacks, reports, padding;
} tally;

static void trust(struct config *config)
{
    config->trust_bwe = true;
}

static int open_call(void **state)
{
    (void)state;
    rig_open_with(&rig, trust);
    for (uint32_t i = 0; i < PEERS; i++)
        peer_join(&rig, &peers[i], i + 1, i != 2); /* one older client, without SSRC rewriting */
    rig_pass_time(&rig, MS(20));
    for (int i = 0; i < PEERS; i++)
        peer_wants(&peers[i], 720);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    for (int i = 0; i < PEERS; i++)
        peer_leave(&peers[i]);
    rig_close(&rig);
    return 0;
}

/* ---- what clients send ---- */

static void send_rtx(struct peer *peer, unsigned encoding, uint16_t lost) /* a delta frame; by hand, RFC 4588 4 */
{
    static uint16_t rtx_seq;
    static const uint8_t vp8[] = {0x90, 0x80, 0x80, 0x01, 0x11, 0, 0};
    uint8_t payload[2 + sizeof vp8 + 100] = {0};
    put_u16(payload, lost);
    memcpy(payload + 2, vp8, sizeof vp8);
    struct rtp_view view = {
        .pt = RIG_RTX, .seq = ++rtx_seq, .ts = 1000u * encoding + 3000u * lost, .ssrc = peer->rtx_ssrc[encoding]};
    peer_rtp(peer, &view, bytes_of(payload, sizeof payload));
    tally.up++;
}

static void send_media(struct peer *peer, bool key, int level)
{
    for (unsigned e = 0; e < 3; e++) {
        uint16_t seq = ++peer->video_seq[e];
        if (!key && seq % LOSE_UP == 0)
            continue;
        peer_video(peer, e, seq, 1000u * e + 3000u * seq, seq, key);
        tally.up++;
        if (seq % LOSE_UP == 3)
            send_rtx(peer, e, (uint16_t)(seq - 3));
    }
    for (int i = 0; i < 2; i++, tally.up++) {
        uint16_t seq = ++peer->audio_seq;
        peer_audio(peer, seq, 960u * seq, level);
    }
}

static void send_nack(struct peer *peer, const struct got *got)
{
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_nack_write(&w, OWN_SSRC, got->rtp.ssrc, &got->rtp.seq, 1);
    peer_rtcp(peer, wr_done(&w));
}

static void send_reports(struct peer *peer, struct arrivals *seen, uint8_t feedback)
{
    static uint64_t ntp = 1ull << 40;
    uint8_t buf[TWCC_PACKET_MAX];
    struct rtcp_report report = {.ssrc = peer->audio_ssrc, .high_seq = 100};
    struct rtcp_sr sr = {.ssrc = peer->video_ssrc[0], .ntp = ntp += 1u << 31, .rtp_ts = 90000, .packets = 9};
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_sr_write(&w, &sr, &report, 1);
    peer_rtcp(peer, wr_done(&w));
    struct rtcp_twcc_build build;
    if (!seen->count)
        return;
    rtcp_twcc_build_init(&build, seen->v[0].number, seen->v[0].at_us);
    for (unsigned i = 0; i < seen->count; i++)
        rtcp_twcc_build_add(&build, i ? (uint16_t)(seen->v[i].number - seen->v[i - 1].number - 1) : 0,
                            seen->v[i].at_us);
    seen->count = 0;
    w = wr_over(buf, sizeof buf);
    rtcp_twcc_build_write(&build, &w, OWN_SSRC, peer->video_ssrc[0], feedback);
    peer_rtcp(peer, wr_done(&w));
}

/* ---- what they receive ---- */

static void receive(struct peer *peer, struct arrivals *seen)
{
    struct got got;
    struct bytes number;
    while (peer_recv(peer, &got)) {
        tally.down++;
        if (got.rtcp) {
            bool rtpfb = got.data[1] == RTCP_RTPFB;
            tally.nacks += rtpfb && (got.data[0] & 0x1f) == 1;
            tally.feedbacks += rtpfb && (got.data[0] & 0x1f) == 15;
            tally.reports += got.data[1] == RTCP_SR || got.data[1] == RTCP_RR;
            continue;
        }
        if (rtp_ext_find(&got.rtp, RIG_TWCC_ID, &number) && seen->count < COUNT(seen->v)) {
            seen->v[seen->count].number = get_u16(number.p);
            seen->v[seen->count++].at_us = peer->rig->worker->now_us;
        }
        tally.padding += got.rtp.padded;
        tally.audio += got.rtp.pt == RIG_OPUS;
        tally.rtx += got.rtp.pt == RIG_RTX;
        if (got.rtp.pt == RIG_VP8 && !got.rtp.padded && ++tally.video % LOSE_DOWN == 0)
            send_nack(peer, &got);
    }
}

static void call(int seconds, bool key)
{
    for (int frame = 0; frame < seconds * FRAMES_PER_S; frame++) {
        for (int i = 0; i < PEERS; i++)
            send_media(&peers[i], key && frame == 0, 20 + 20 * i); /* the same one dominates all the time */
        rig_pass_time(&rig, US_PER_S / FRAMES_PER_S);
        for (int i = 0; i < PEERS; i++) {
            receive(&peers[i], &arrivals[i]);
            if (frame % 10 == i)
                send_reports(&peers[i], &arrivals[i], (uint8_t)frame);
        }
    }
}

static void allocations_are_counted(void **state) /* or the other test could not fail */
{
    (void)state;
    uint64_t before = alloc_count();
    void *volatile p = malloc(1);
    free(p);
    p = calloc(1, 1);
    p = realloc(p, 1000);
    free(p);
    assert_int_equal(alloc_count() - before, 3);
}

static void packets_allocate_nothing(void **state)
{
    (void)state;
    enum { SECONDS = 10 };
    call(3, true);
    tally = (struct tally){0};
    uint64_t before = alloc_count();
    call(SECONDS, false);
    uint64_t allocations = alloc_count() - before;
    print_message("  %s\n  in %u out %u: audio %u video %u rtx %u nack %u twcc %u reports %u; allocations %u\n",
                  msrtp_backend_name(), tally.up, tally.down, tally.audio, tally.video, tally.rtx, tally.nacks,
                  tally.feedbacks, tally.reports, (unsigned)allocations);
    assert_int_equal(allocations, 0);
    assert_true(tally.audio > SECONDS * 2 * FRAMES_PER_S * PEERS); /* all that is meant was there */
    assert_true(tally.video > SECONDS * FRAMES_PER_S * PEERS);
    assert_true(tally.rtx > SECONDS * PEERS && tally.nacks > SECONDS && tally.feedbacks > SECONDS * PEERS);
    assert_true(tally.reports > SECONDS * PEERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test_setup_teardown(packets_allocate_nothing, open_call, close_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
