/* What a receiver's link carries decides what it is sent: a model of a narrow link between the bridge and a client that
 * gives feedback, in virtual time. */
#include "support/path_rig.h"

#include <stdlib.h>

#include "proto/rtcp_fb.h"
#include "proto/rtcp_twcc.h"
#include "support/link.h"

enum { FRAME_US = 33000, STEP_US = 5000, FEEDBACK_US = 50000, ARRIVALS = 2048, OWN_SSRC = 77 };

static struct rig rig;
static struct peer alice, bob;
static struct link *down; /* to bob */

static struct seen { /* by bob */
    struct {
        uint16_t number;
        uint64_t at_us;
    } arrival[ARRIVALS];
    size_t count;
    uint64_t packets, padding, rtx, media_bytes;
    uint16_t first_number;
    bool any;
    uint16_t padding_seq;
    bool padded;
} seen;

static void trust(struct config *config)
{
    config->trust_bwe = true;
    config->bwe_initial_bps = 1000000;
}

static int open_call(void **state)
{
    (void)state;
    struct link_config cfg = {.capacity_bps = 100000000, .delay_us = MS(20), .queue_ms = 300, .seed = 1};
    rig_open_call(&rig, &alice, &bob, trust);
    seen = (struct seen){0};
    down = link_new(&cfg);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    link_free(down);
    rig_close_call(&rig, &alice, &bob);
    return 0;
}

/* ---- the link and bob's feedback ---- */

static void into_the_link(void)
{
    struct got got;
    struct bytes number;
    while (peer_recv(&bob, &got)) {
        if (got.rtcp || !rtp_ext_find(&got.rtp, RIG_TWCC_ID, &number))
            continue;
        if (!seen.any)
            seen.first_number = get_u16(number.p);
        seen.any = true;
        seen.packets++;
        seen.rtx += got.rtp.pt == RIG_RTX;
        if (got.rtp.padded) { /* where no picture is, in a row of its own */
            assert_int_equal(got.rtp.ssrc, 0xfeed0002);
            assert_int_equal(got.rtp.pt, RIG_VP8);
            assert_false(got.rtp.marker);
            assert_int_equal(got.rtp.payload.p[got.rtp.payload.n - 1], got.rtp.payload.n);
            assert_true(!seen.padded || got.rtp.seq == (uint16_t)(seen.padding_seq + 1));
            seen.padded = true;
            seen.padding_seq = got.rtp.seq;
            seen.padding++;
        } else if (got.rtp.pt == RIG_VP8) {
            seen.media_bytes += got.len;
        }
        struct link_packet packet = {
            .sent_us = rig.worker->now_us, .len_bytes = (uint32_t)got.len, .tag = get_u16(number.p)};
        link_send(down, &packet);
    }
}

static void out_of_the_link(void)
{
    struct link_packet packet;
    uint64_t at_us;
    while (link_poll(down, rig.worker->now_us, &packet, &at_us) && seen.count < ARRIVALS) {
        seen.arrival[seen.count].number = (uint16_t)packet.tag;
        seen.arrival[seen.count++].at_us = at_us;
    }
}

static void send_feedback(void)
{
    static uint8_t count;
    struct rtcp_twcc_build build;
    size_t told = 0;
    while (told < seen.count && seen.arrival[told].at_us <= rig.worker->now_us) {
        uint8_t buf[TWCC_PACKET_MAX];
        struct wr w = wr_over(buf, sizeof buf);
        rtcp_twcc_build_init(&build, seen.arrival[told].number, seen.arrival[told].at_us);
        uint16_t next = seen.arrival[told].number;
        for (; told < seen.count && seen.arrival[told].at_us <= rig.worker->now_us; told++) {
            if (!rtcp_twcc_build_add(&build, (uint16_t)(seen.arrival[told].number - next), seen.arrival[told].at_us))
                break;
            next = (uint16_t)(seen.arrival[told].number + 1);
        }
        rtcp_twcc_build_write(&build, &w, OWN_SSRC, bob.video_ssrc[0], count++);
        peer_rtcp(&bob, wr_done(&w));
    }
    memmove(seen.arrival, seen.arrival + told, (seen.count - told) * sizeof seen.arrival[0]);
    seen.count -= told;
}

/* Three encodings of about 0.2, 0.4 and 0.8 Mbit/s. */
static void film(void)
{
    for (unsigned e = 0; e < 3; e++)
        for (int i = 0; i < 1 + (e == 2) * 2; i++) {
            static uint16_t frame;
            uint16_t seq = ++alice.video_seq[e];
            peer_video(&alice, e, seq, 3000u * seq, ++frame, seq % 30 == 1);
        }
}

static void call(uint64_t us, bool feedback)
{
    for (uint64_t passed_us = 0; passed_us < us; passed_us += STEP_US) {
        static uint64_t film_us, feedback_us;
        if (rig.worker->now_us >= film_us || film_us > rig.worker->now_us + FRAME_US) {
            film();
            film_us = rig.worker->now_us + FRAME_US;
        }
        rig_pass_time(&rig, STEP_US);
        into_the_link();
        out_of_the_link();
        if (feedback && (rig.worker->now_us >= feedback_us || feedback_us > rig.worker->now_us + FEEDBACK_US)) {
            send_feedback();
            feedback_us = rig.worker->now_us + FEEDBACK_US;
        }
    }
    peer_drain(&alice);
}

static int target(void)
{
    struct track *track = bob.ep->receiver.slots[COLIBRI2_VIDEO][0];
    return track->target == LAYER_NONE ? -1 : track->target >> 6; /* encoding */
}

static void a_narrow_link_takes_layers_away_and_a_released_one_gets_them_back(void **state) /* media 18 */
{
    (void)state;
    peer_wants(&bob, 720);
    call(SEC(4), true);
    assert_int_equal(seen.first_number, 1); /* media.md 8.1 */
    assert_int_equal(target(), 2);
    assert_true(bob.ep->downlink_bps > 700000);
    link_set_capacity(down, 300000, rig.worker->now_us);
    call(SEC(3), true);
    assert_true(target() < 2);
    assert_in_range(bob.ep->downlink_bps, 30000, 500000);
    link_set_capacity(down, 100000000, rig.worker->now_us);
    call(SEC(20), true);
    assert_int_equal(target(), 2);
    assert_true(seen.padding + seen.rtx > 0); /* it was tried what the link carries */
}

static void signal_feedback(bool twcc, bool remb)
{
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payloads[1].transport_cc = twcc;
    media->payloads[1].goog_remb = remb;
    endpoint_set_media(bob.ep, media);
    free(media);
}

static void without_feedback_nothing_limits(void **state)
{
    (void)state;
    signal_feedback(false, false);
    peer_wants(&bob, 720);
    link_set_capacity(down, 200000, rig.worker->now_us);
    call(SEC(4), true);
    assert_int_equal(target(), 2);
    assert_int_equal(bob.ep->downlink_bps, 0); /* unknown: ConnectionStats are not sent */
    assert_true(bwe_budget_bps(bob.ep) == ALLOC_UNLIMITED);
}

static void send_remb(uint64_t bps)
{
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    uint32_t ssrc = 1;
    rtcp_remb_write(&w, OWN_SSRC, bps, &ssrc, 1);
    peer_rtcp(&bob, wr_done(&w));
}

static void where_only_remb_is_offered_it_is_the_estimate(void **state)
{
    (void)state;
    signal_feedback(false, true);
    peer_wants(&bob, 720);
    call(SEC(2), false);
    assert_int_equal(target(), 2);
    send_remb(100000);
    assert_true(bob.ep->downlink_bps >= 99000 && bob.ep->downlink_bps <= 100000);
    assert_true(target() < 2);
    send_remb(10000000);
    call(SEC(16), false); /* taken away right after it was given: steady.h waits 10 s */
    assert_int_equal(target(), 2);
}

static void a_remb_beside_transport_feedback_is_counted_and_ignored(void **state)
{
    (void)state;
    peer_wants(&bob, 720);
    call(SEC(2), true);
    uint64_t before_bps = bob.ep->downlink_bps;
    send_remb(50000);
    assert_int_equal(bob.ep->downlink_bps, before_bps);
    assert_int_equal(bob.ep->bwe.refused, 1);
}

static void feedback_that_lies_is_counted_and_limits_nothing(void **state)
{
    (void)state;
    uint8_t buf[TWCC_PACKET_MAX];
    struct rtcp_twcc_build build;
    peer_wants(&bob, 720);
    call(SEC(3), true);
    uint64_t before_bps = bob.ep->downlink_bps;
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_twcc_build_init(&build, 40000, 1); /* never sent */
    for (int i = 0; i < 50; i++)
        assert_true(rtcp_twcc_build_add(&build, 0, 1 + MS((unsigned)i)));
    rtcp_twcc_build_write(&build, &w, OWN_SSRC, 0, 200);
    peer_rtcp(&bob, wr_done(&w));
    struct gcc_target t;
    gcc_target(bob.ep->bwe.gcc, &t);
    assert_int_equal(t.unmatched, 50);
    assert_int_equal(bob.ep->bwe.refused, 0);
    static const uint8_t broken[] = {0x8f, 0xcd, 0, 5, 0, 0, 0, 77, 0,    0,    0, 0,
                                     0,    1,    0, 9, 0, 0, 1, 1,  0xff, 0xff, 0, 0}; /* symbol 3 */
    memcpy(buf, broken, sizeof broken);
    peer_rtcp(&bob, bytes_of(buf, sizeof broken));
    assert_int_equal(bob.ep->bwe.refused, 1);
    assert_int_equal(bob.ep->downlink_bps, before_bps);
    call(SEC(2), true);
    assert_int_equal(target(), 2);
}

static void another_path_is_learnt_anew(void **state)
{
    (void)state;
    peer_wants(&bob, 720);
    link_set_capacity(down, 200000, rig.worker->now_us);
    call(SEC(5), true);
    assert_true(bwe_budget_bps(bob.ep) < 500000);
    bwe_path_changed(bob.ep);
    assert_int_equal(bwe_budget_bps(bob.ep), 1000000); /* as at the start */
    assert_int_equal(bob.ep->downlink_bps, 0);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(a_narrow_link_takes_layers_away_and_a_released_one_gets_them_back),
        CALL_TEST(without_feedback_nothing_limits),
        CALL_TEST(where_only_remb_is_offered_it_is_the_estimate),
        CALL_TEST(a_remb_beside_transport_feedback_is_counted_and_ignored),
        CALL_TEST(feedback_that_lies_is_counted_and_limits_nothing),
        CALL_TEST(another_path_is_learnt_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
