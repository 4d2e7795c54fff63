/* A client is told of an SSRC before it gets packets on it: native.map-lead, in track.c, receiver.c and forward.c, in
 * virtual time. Firefox that gets them sooner shows nothing on that SSRC for the rest of the call. */
#include "support/fake_channels.h"
#include "support/path_rig.h"

static struct rig rig;
static struct peer alice, bob;
static uint16_t seq;
static uint32_t ts;

static void lead_250_ms(struct config *config)
{
    config->map_lead_us = MS(250);
}

static void open_with(void (*configure)(struct config *config))
{
    rig_open_with(&rig, configure);
    peer_join(&rig, &alice, 1, true);
    peer_join(&rig, &bob, 2, true);
}

static int open_call(void **state)
{
    (void)state;
    open_with(lead_250_ms);
    return 0;
}

static int open_without_lead(void **state)
{
    (void)state;
    open_with(NULL);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    rig_close_call(&rig, &alice, &bob);
    told_forget();
    return 0;
}

/* Alice speaks, a packet each 20 ms, for so long; how long it took until Bob heard something, or -1. */
static int heard_after_ms(int for_ms)
{
    struct got got;
    int heard_ms = -1;
    for (int at_ms = 0; at_ms < for_ms; at_ms += 20) {
        peer_audio(&alice, seq++, ts += 960, 20);
        while (peer_recv_rtp(&bob, &got, RIG_OPUS))
            if (heard_ms < 0)
                heard_ms = at_ms;
        rig_pass_time(&rig, MS(20));
    }
    return heard_ms;
}

static bool asked_for_keyframe(struct peer *peer)
{
    struct got got;
    return peer_recv_rtcp(peer, &got, 206, 1);
}

static void nothing_comes_on_an_ssrc_until_250_ms_after_its_map(void **state)
{
    (void)state;
    endpoint_on_channel_ready(bob.ep);
    int heard_ms = heard_after_ms(600);
    assert_non_null(told(2, "AudioSourcesMap"));
    assert_in_range(heard_ms, 240, 280);
}

static void a_picture_begins_with_a_key_frame_that_is_asked_for_when_it_can_be_shown(void **state)
{
    (void)state;
    struct got got;
    endpoint_on_channel_ready(bob.ep);
    peer_wants(&bob, 720);
    rig_pass_time(&rig, MS(20));
    assert_non_null(told(2, "VideoSourcesMap"));
    peer_drain(&alice);
    peer_simulcast(&alice, 5, true); /* 167 ms: all before the client may get it */
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8));
    assert_false(asked_for_keyframe(&alice)); /* it would be wasted */
    rig_pass_time(&rig, MS(250));
    peer_simulcast(&alice, 1, false);
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8));
    assert_true(asked_for_keyframe(&alice));
    peer_simulcast(&alice, 1, true);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
}

static void a_channel_that_opens_late_still_comes_before_the_first_packet(void **state)
{
    (void)state;
    assert_int_equal(heard_after_ms(1000), -1);
    endpoint_on_channel_ready(bob.ep);
    assert_non_null(told(2, "AudioSourcesMap"));
    assert_in_range(heard_after_ms(400), 240, 280);
}

static void a_client_whose_channel_never_opens_gets_media_after_2_s(void **state)
{
    (void)state;
    assert_in_range(heard_after_ms(2500), 1980, 2020);
}

static void a_channel_that_opens_again_interrupts_nothing(void **state)
{
    (void)state;
    endpoint_on_channel_ready(bob.ep);
    assert_in_range(heard_after_ms(400), 240, 280);
    endpoint_on_channel_ready(bob.ep);
    assert_int_equal(heard_after_ms(100), 0);
}

static void without_a_lead_media_comes_at_once(void **state)
{
    (void)state;
    endpoint_on_channel_ready(bob.ep);
    assert_int_equal(heard_after_ms(100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_comes_on_an_ssrc_until_250_ms_after_its_map, open_call, close_call),
        cmocka_unit_test_setup_teardown(a_picture_begins_with_a_key_frame_that_is_asked_for_when_it_can_be_shown,
                                        open_call, close_call),
        cmocka_unit_test_setup_teardown(a_channel_that_opens_late_still_comes_before_the_first_packet, open_call,
                                        close_call),
        cmocka_unit_test_setup_teardown(a_client_whose_channel_never_opens_gets_media_after_2_s, open_call, close_call),
        cmocka_unit_test_setup_teardown(a_channel_that_opens_again_interrupts_nothing, open_call, close_call),
        cmocka_unit_test_setup_teardown(without_a_lead_media_comes_at_once, open_without_lead, close_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
