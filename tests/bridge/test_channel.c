/* What clients are told over the bridge channel, and what their messages do: channel.c, conference.c and receiver.c in
 * virtual time. Messages are compared as text, without our parser. */
#include <stdio.h>
#include <stdlib.h>

#include "support/fake_channels.h"
#include "support/path_rig.h"

static struct rig rig;
static struct peer alice, bob, carol;

static void join(struct peer *peer, uint32_t serial)
{
    peer_join(&rig, peer, serial, true);
    endpoint_on_channel_ready(peer->ep);
}

static int open_with(void (*configure)(struct config *config))
{
    rig_open_with(&rig, configure);
    join(&alice, 1);
    join(&bob, 2);
    join(&carol, 3);
    rig_pass_time(&rig, MS(20));
    told_forget();
    return 0;
}

static int open_call(void **state)
{
    (void)state;
    return open_with(NULL);
}

static int close_call(void **state)
{
    (void)state;
    peer_leave(&alice);
    peer_leave(&bob);
    peer_leave(&carol);
    rig_close(&rig);
    told_forget();
    return 0;
}

static void say(struct peer *peer, const char *text)
{
    endpoint_on_channel_text(peer->ep, bytes_str(text));
}

static int count_of(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("no %s in %s", part, text ? text : "nothing");
}

/* ---- messages between clients ---- */

static void a_broadcast_reaches_all_others_and_a_directed_one_only_its_target(void **state) /* bridge-channel 8 */
{
    (void)state;
    say(&alice, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"\",\"msgPayload\":{\"n\":1}}");
    has(told(2, "EndpointMessage"), "\"from\":\"00000001\"");
    has(told(3, "EndpointMessage"), "\"from\":\"00000001\"");
    told_nothing_more(1, "EndpointMessage");
    say(&alice, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"00000002\",\"msgPayload\":{\"n\":2}}");
    const char *text = told(2, "EndpointMessage");
    has(text, "\"msgPayload\":{\"n\":2}");
    has(text, "\"to\":\"00000002\"");
    told_nothing_more(3, "EndpointMessage");
    say(&alice, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"99999999\",\"msgPayload\":{\"n\":3}}");
    told_nothing_more(1, "EndpointMessage");
    told_nothing_more(2, "EndpointMessage");
    say(&alice, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"00000001\",\"msgPayload\":{\"n\":4}}");
    has(told(1, "EndpointMessage"), "\"n\":4"); /* to itself, by name */
}

static void a_forged_from_is_replaced_and_all_else_arrives_unchanged(void **state) /* bridge-channel 8 */
{
    (void)state;
    say(&alice, "{\"from\":\"00000003\",\"colibriClass\":\"EndpointMessage\",\"to\":\" \","
                "\"msgPayload\":{\"from\":\"inside\",\"big\":12345678901234567890.123,\"deep\":[null,{\"a\":[]}]},"
                "\"extra\":null,\"number\":18446744073709551615}");
    const char *text = told(2, "EndpointMessage");
    has(text, "\"from\":\"00000001\"");
    assert_null(strstr(text, "00000003"));
    assert_int_equal(count_of(text, "\"from\""), 2); /* ours, and the one inside the payload */
    has(text, "\"msgPayload\":{\"from\":\"inside\",\"big\":12345678901234567890.123,\"deep\":[null,{\"a\":[]}]}");
    has(text, "\"extra\":null");
    has(text, "\"number\":18446744073709551615");
}

static void a_visitor_is_heard_by_nobody_but_hears(void **state) /* bridge-channel 8 */
{
    (void)state;
    carol.ep->visitor = true;
    say(&carol, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"\",\"msgPayload\":{}}");
    say(&carol, "{\"colibriClass\":\"EndpointStats\",\"bitrate\":{}}");
    told_nothing_more(1, "Endpoint");
    say(&alice, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"\",\"msgPayload\":{}}");
    has(told(3, "EndpointMessage"), "\"from\":\"00000001\"");
}

static void statistics_of_a_client_reach_the_others_as_they_are(void **state) /* bridge-channel 9 */
{
    (void)state;
    say(&bob,
        "{\"colibriClass\":\"EndpointStats\",\"from\":\"00000001\",\"bitrate\":{\"upload\":1450,\"download\":900},"
        "\"connectionQuality\":99.5,\"jvbRTT\":23,\"serverRegion\":\"eu\"}");
    for (uint32_t to = 1; to <= 3; to += 2) {
        const char *text = told(to, "EndpointStats");
        has(text, "\"from\":\"00000002\"");
        assert_int_equal(count_of(text, "\"from\""), 1);
        has(text, "\"bitrate\":{\"upload\":1450,\"download\":900}");
        has(text, "\"connectionQuality\":99.5,\"jvbRTT\":23,\"serverRegion\":\"eu\"");
    }
    told_nothing_more(2, "EndpointStats");
}

static void bad_messages_cost_themselves(void **state) /* bridge-channel 7 */
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"colibriClass\":\"Unheard\"}",
        "{\"colibriClass\":\"EndpointMessage\",\"msgPayload\":{}}",
        "{\"colibriClass\":\"EndpointMessage\",\"to\":\"\",\"from\":\"a\",\"from\":\"b\",\"msgPayload\":{}}",
        "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":\"many\"}",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        say(&alice, bad[i]);
    for (int i = 0; i < 1000; i++)
        say(&alice, bad[1]);
    told_nothing_more(2, "");
    say(&alice, "{\"colibriClass\":\"ClientHello\"}");
    assert_string_equal(told(1, "ServerHello"), "{\"colibriClass\":\"ServerHello\"}");
}

/* ---- what the bridge says by itself ---- */

static void the_estimate_is_told_every_ten_seconds_once_there_is_one(void **state) /* bridge-channel 10 */
{
    (void)state;
    rig_pass_time(&rig, SEC(30));
    told_nothing_more(1, "ConnectionStats"); /* unknown: bridge-channel.md 5.15 */
    alice.ep->downlink_bps = 2431000;
    for (int i = 0; i < 3; i++) {
        rig_pass_time(&rig, SEC(10));
        assert_string_equal(told(1, "ConnectionStats"),
                            "{\"colibriClass\":\"ConnectionStats\",\"estimatedDownlinkBandwidth\":2431000}");
        told_nothing_more(1, "ConnectionStats");
    }
    told_nothing_more(2, "ConnectionStats");
    endpoint_on_channel_closed(alice.ep);
    rig_pass_time(&rig, SEC(10));
    endpoint_on_channel_ready(alice.ep);
    told_nothing_more(1, "ConnectionStats"); /* what was not sent is not made up for */
}

static void a_new_channel_is_told_the_state_in_order(void **state) /* bridge-channel 2, 4.3 */
{
    (void)state;
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 2, true);
    peer_audio(&alice, 1, 960, 20);
    peer_audio(&bob, 1, 960, 20);
    carol.ep->shown_inactive = true;
    told_forget();
    peer_wants(&carol, 360); /* of bob's camera too */
    told_forget();
    endpoint_on_channel_ready(bob.ep);
    has(told(2, ""), "{\"colibriClass\":\"SenderSourceConstraints\",\"sourceName\":\"00000002-v0\",\"maxHeight\":360}");
    const char *forwarded = told(2, "");
    has(forwarded, "\"colibriClass\":\"ForwardedSources\"");
    has(forwarded, "00000001-v0");
    has(told(2, ""), "\"colibriClass\":\"VideoSourcesMap\"");
    const char *audio = told(2, "");
    has(audio, "\"colibriClass\":\"AudioSourcesMap\"");
    has(audio, "\"source\":\"00000001-a0\",\"owner\":\"00000001\"");
    has(told(2, ""),
        "{\"colibriClass\":\"EndpointConnectivityStatusChangeEvent\",\"endpoint\":\"00000003\",\"active\":\"false\"}");
    has(told(2, ""),
        "\"colibriClass\":\"DominantSpeakerEndpointChangeEvent\",\"dominantSpeakerEndpoint\":\"00000001\"");
    assert_null(told(2, ""));
}

static void stay(const struct peer *sender, const char *height) /* the sender's last constraint */
{
    const char *text, *last = NULL;
    while ((text = told(sender->ep->serial, "SenderSourceConstraints")))
        last = text;
    has(last, height);
}

static void senders_are_told_the_most_that_anybody_wants(void **state) /* bridge-channel 17 */
{
    (void)state;
    say(&bob, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":-1,\"onStageSources\":[\"00000001-v0\"],"
              "\"defaultConstraints\":{\"maxHeight\":180},\"constraints\":{\"00000001-v0\":{\"maxHeight\":720}}}");
    say(&carol, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"defaultConstraints\":{\"maxHeight\":180}}");
    peer_simulcast(&alice, 60, true);
    peer_simulcast(&carol, 60, true);
    stay(&alice, "\"sourceName\":\"00000001-v0\",\"maxHeight\":720");
    stay(&carol, "\"sourceName\":\"00000003-v0\",\"maxHeight\":180");
    struct got got;
    int stage = 0, thumbnail = 0, other_viewer = 0;
    peer_drain(&bob);
    peer_drain(&carol);
    peer_simulcast(&alice, 3, true);
    peer_simulcast(&carol, 3, true);
    while (peer_recv_rtp(&bob, &got, RIG_VP8))
        if (!(got.rtp.payload.p[4] & 1))
            *((got.rtp.payload.p[12] | got.rtp.payload.p[13] << 8) == 720 ? &stage : &thumbnail) += 1;
    while (peer_recv_rtp(&carol, &got, RIG_VP8))
        if (!(got.rtp.payload.p[4] & 1)) {
            assert_int_equal(got.rtp.payload.p[12], 180); /* unaffected by what bob pinned */
            other_viewer++;
        }
    assert_true(stage > 0 && thumbnail > 0 && other_viewer > 0);

    say(&bob, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"onStageSources\":[],\"constraints\":{},"
              "\"defaultConstraints\":{\"maxHeight\":0}}");
    stay(&alice, "\"maxHeight\":180"); /* carol still wants that */
    say(&carol, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"defaultConstraints\":{\"maxHeight\":0}}");
    stay(&alice, "\"maxHeight\":0");
    say(&carol,
        "{\"colibriClass\":\"ReceiverVideoConstraints\",\"constraints\":{\"00000001-v0\":{\"maxHeight\":720}}}");
    stay(&alice, "\"maxHeight\":720");
    peer_leave(&carol);
    stay(&alice, "\"maxHeight\":0"); /* who left wants nothing */
    join(&carol, 4);
}

/* ---- who speaks ---- */

static void speak_once(struct peer *peer, int loud)
{
    peer->audio_seq++;
    peer_audio(peer, peer->audio_seq, 960u * peer->audio_seq, 127 - loud);
}

/* 20 ms a step: alice and bob speak as loudly as given, 127 being loudest. */
static void speak(int ms, int alice_loud, int bob_loud)
{
    for (; ms > 0; ms -= 20) {
        speak_once(&alice, alice_loud);
        if (bob_loud >= 0)
            speak_once(&bob, bob_loud);
        rig_pass_time(&rig, MS(20));
    }
}

static void whoever_speaks_up_dominates_for_everybody(void **state) /* bridge-channel 20, 24 */
{
    (void)state;
    speak(2000, 0, -1);
    for (uint32_t to = 1; to <= 3; to++)
        assert_string_equal(told(to, "DominantSpeaker"),
                            "{\"colibriClass\":\"DominantSpeakerEndpointChangeEvent\",\"dominantSpeakerEndpoint\":"
                            "\"00000001\",\"previousSpeakers\":[],\"silence\":false}");
    speak(400, 0, 30);
    told_nothing_more(3, "DominantSpeaker");
    speak(600, 0, 100);
    for (uint32_t to = 1; to <= 3; to++) {
        assert_string_equal(told(to, "DominantSpeaker"),
                            "{\"colibriClass\":\"DominantSpeakerEndpointChangeEvent\",\"dominantSpeakerEndpoint\":"
                            "\"00000002\",\"previousSpeakers\":[\"00000001\"],\"silence\":false}");
        told_nothing_more(to, "DominantSpeaker");
    }
    peer_leave(&bob);
    has(told(3, "DominantSpeaker"), "\"dominantSpeakerEndpoint\":\"00000001\",\"previousSpeakers\":[]");
    join(&bob, 5);
}

static uint64_t key_frames_asked_of(struct peer *peer)
{
    return conference_find_source(peer->ep->conf, "00000002-v0")->keyframe.sent_count;
}

/* Bob speaks up after alice, while carol has that on her stage. Returns how often bob is asked for a key frame. */
static uint64_t fetched_ahead(const char *stage)
{
    char text[256];
    snprintf(text, sizeof text,
             "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":-1,\"onStageSources\":[%s],"
             "\"defaultConstraints\":{\"maxHeight\":180}}",
             stage);
    say(&carol, text);
    speak(2000, 0, -1);
    peer_simulcast(&bob, 3, true);
    rig_pass_time(&rig, MS(300));
    peer_simulcast(&bob, 3, false);
    uint64_t before = key_frames_asked_of(&bob);
    speak(400, 0, 30);
    speak(2000, 0, 100);
    return key_frames_asked_of(&bob) - before;
}

static void a_key_frame_is_fetched_ahead_for_a_stage_that_follows_the_speaker(void **state) /* media.md 6.4 */
{
    (void)state;
    assert_true(fetched_ahead("\"00000001-v0\"") > 0); /* again and again, as nothing comes */
}

static void none_is_fetched_for_a_stage_that_does_not_follow(void **state)
{
    (void)state;
    assert_int_equal(fetched_ahead("\"00000003-v0\""), 0);
}

static void order_follows_speech_among_those_with_video(void **state) /* bridge-channel 21, 16 */
{
    (void)state;
    speak(2000, 0, -1);
    say(&carol,
        "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":1,\"defaultConstraints\":{\"maxHeight\":180}}");
    has(told(3, "ForwardedSources"), "[\"00000001-v0\"]");
    speak(400, 0, 30);
    speak(600, 0, 100); /* bob dominates */
    has(told(3, "ForwardedSources"), "[\"00000002-v0\"]");
    say(&bob, "{\"colibriClass\":\"SourceVideoTypeMessage\",\"sourceName\":\"00000002-v0\",\"videoType\":\"none\"}");
    rig_pass_time(&rig, MS(20));
    has(told(3, "ForwardedSources"), "[\"00000001-v0\"]"); /* a muted camera takes no place */
    say(&bob, "{\"colibriClass\":\"SourceVideoTypeMessage\",\"sourceName\":\"00000002-v0\",\"videoType\":\"CAMERA\"}");
    rig_pass_time(&rig, MS(20));
    has(told(3, "ForwardedSources"), "[\"00000002-v0\"]");
    say(&carol, "{\"colibriClass\":\"LastNChangedEvent\",\"lastN\":0}"); /* bridge-channel 18 */
    has(told(3, "ForwardedSources"), "\"forwardedSources\":[]");
}

/* ---- audio slots ---- */

static void two_audio_slots(struct config *config)
{
    config->ssrc_limit_audio = 2;
}

static int open_call_of_two_audio_slots(void **state)
{
    (void)state;
    return open_with(two_audio_slots);
}

static unsigned long ssrc_in(const char *map)
{
    has(map, "\"ssrc\":");
    return strtoul(strstr(map, "\"ssrc\":") + 7, NULL, 10);
}

static void a_third_microphone_takes_the_slot_that_was_quiet_longest(void **state) /* bridge-channel 11, 14 */
{
    (void)state;
    struct peer dave;
    struct got got;
    join(&dave, 4);
    told_forget();
    struct peer *speakers[] = {&alice, &bob, &carol};
    unsigned long ssrcs[3];
    uint16_t seq[2] = {0}; /* by slot */
    uint32_t ts[2] = {0};
    for (int i = 0; i < 3; i++) {
        int at = i % 2; /* carol's packets go on where alice's stopped */
        for (uint16_t n = 0; n < 3; n++)
            peer_audio(speakers[i], (uint16_t)(65534 + n), 0xffffff00u + 960u * n, 20);
        char owner[CONTROL_ID_LEN + 16];
        snprintf(owner, sizeof owner, "\"owner\":\"%s\"", speakers[i]->ep->id);
        const char *map = told(4, "AudioSourcesMap"); /* before the packets: they are still to be read */
        has(map, owner);
        has(map, at ? "\"mid\":\"a1\"" : "\"mid\":\"a0\"");
        ssrcs[i] = ssrc_in(map);
        for (int n = 0; n < 3; n++) {
            assert_true(peer_recv_rtp(&dave, &got, RIG_OPUS));
            assert_int_equal(got.rtp.ssrc, ssrcs[i]);
            if (n || i == 2) {
                assert_int_equal(got.rtp.seq, (uint16_t)(seq[at] + 1));
                assert_true(n ? got.rtp.ts - ts[at] == 960 : got.rtp.ts - ts[at] >= 960);
            }
            struct bytes mid;
            assert_true(rtp_ext_find(&got.rtp, RIG_MID_ID, &mid));
            assert_true(bytes_eq(mid, bytes_str(at ? "a1" : "a0")));
            seq[at] = got.rtp.seq;
            ts[at] = got.rtp.ts;
        }
        rig_pass_time(&rig, SEC(10));
    }
    assert_int_equal(ssrcs[0], ssrcs[2]);
    told_nothing_more(4, "AudioSourcesMap");
    peer_leave(&dave);
}

static void the_fifty_first_source_takes_the_slot_that_was_quiet_longest(void **state) /* media 12 */
{
    (void)state;
    enum { SOURCES = 51, PACKETS = 3 };
    static struct source_spec specs[SOURCES];
    struct got got;
    unsigned long first_ssrc = 0;
    uint16_t first_seq = 0;
    for (uint32_t i = 0; i < SOURCES; i++) {
        specs[i] = (struct source_spec){.kind = COLIBRI2_AUDIO, .encoding_count = 1};
        snprintf(specs[i].name, sizeof specs[i].name, "00000001-a%u", i);
        specs[i].encodings[0].ssrc = 7000 + i;
    }
    struct source_set set = {.source_count = SOURCES, .sources = specs};
    endpoint_set_sources(alice.ep, &set);
    for (uint32_t i = 0; i < SOURCES; i++) {
        char name[32];
        snprintf(name, sizeof name, "\"source\":\"00000001-a%u\"", i);
        uint16_t seq = 0;
        for (uint16_t n = 0; n < PACKETS; n++) {
            struct rtp_view view = {.pt = RIG_OPUS, .seq = (uint16_t)(40000 + n), .ts = 960u * n, .ssrc = 7000 + i};
            peer_rtp(&alice, &view, bytes_str("opus"));
            assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS)); /* opened by one SRTP context throughout */
            if (n)
                assert_int_equal(got.rtp.seq, (uint16_t)(seq + 1));
            else if (i == 50)
                assert_int_equal(got.rtp.seq, (uint16_t)(first_seq + 1)); /* where the first source stopped */
            seq = got.rtp.seq;
        }
        const char *map = told(2, "AudioSourcesMap");
        has(map, name);
        assert_int_equal(ssrc_in(map), got.rtp.ssrc);
        told_nothing_more(2, "AudioSourcesMap");
        if (i == 0) {
            first_ssrc = got.rtp.ssrc;
            first_seq = seq;
        }
        assert_int_equal(got.rtp.ssrc == first_ssrc, i == 0 || i == 50);
        rig_pass_time(&rig, SEC(1));
    }
}

/* ---- the loudest ---- */

static void one_is_loudest(struct config *config)
{
    config->route_loudest_only = true;
    config->num_loudest = 1;
    config->always_route_dominant = false;
}

static int open_call_of_the_loudest(void **state)
{
    (void)state;
    return open_with(one_is_loudest);
}

static int heard(struct peer *to, const struct peer *from) /* packets since the last look */
{
    struct got got;
    int n = 0;
    struct ssrc_slot *slot = NULL;
    list_for_each (it, &from->ep->sources) {
        struct source *source = container_of(it, struct source, node);
        if (source->kind == COLIBRI2_AUDIO)
            slot = ssrc_map_find(to->ep->receiver.maps[COLIBRI2_AUDIO], (const struct ssrc_source *)source,
                                 rig.worker->now_us);
    }
    while (peer_recv_rtp(to, &got, RIG_OPUS))
        n += slot && got.rtp.ssrc == slot->ssrc;
    return n;
}

static void only_the_loudest_is_forwarded(void **state) /* bridge-channel 23 */
{
    (void)state;
    speak(100, 20, 20); /* what is their background; loud is what exceeds it */
    peer_drain(&carol);
    speak(1000, 100, 60);
    assert_true(heard(&carol, &alice) >= 49);
    speak(1000, 100, 60);
    assert_int_equal(heard(&carol, &bob), 0);
    speak(1000, 20, 90);
    assert_true(heard(&carol, &bob) >= 40); /* within a few packets */
    speak(1000, 20, 90);
    assert_int_equal(heard(&carol, &alice), 0);
    for (int i = 0; i < 8; i++) { /* bob stops: his place is free after 150 ms */
        speak_once(&alice, 20);
        rig_pass_time(&rig, MS(20));
    }
    peer_drain(&carol);
    speak(200, 20, -1);
    assert_int_equal(heard(&carol, &alice), 10);
    say(&carol, "{\"colibriClass\":\"ReceiverAudioSubscription\",\"all\":true,\"include\":[\"00000001-a0\"]}");
    speak(1000, 20, 90); /* alice is quiet again, but somebody asked for her by name */
    assert_true(heard(&carol, &alice) >= 49);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(a_broadcast_reaches_all_others_and_a_directed_one_only_its_target),
        CALL_TEST(a_forged_from_is_replaced_and_all_else_arrives_unchanged),
        CALL_TEST(a_visitor_is_heard_by_nobody_but_hears),
        CALL_TEST(statistics_of_a_client_reach_the_others_as_they_are),
        CALL_TEST(bad_messages_cost_themselves),
        CALL_TEST(the_estimate_is_told_every_ten_seconds_once_there_is_one),
        CALL_TEST(a_new_channel_is_told_the_state_in_order),
        CALL_TEST(senders_are_told_the_most_that_anybody_wants),
        CALL_TEST(whoever_speaks_up_dominates_for_everybody),
        CALL_TEST(a_key_frame_is_fetched_ahead_for_a_stage_that_follows_the_speaker),
        CALL_TEST(none_is_fetched_for_a_stage_that_does_not_follow),
        CALL_TEST(order_follows_speech_among_those_with_video),
        cmocka_unit_test_setup_teardown(a_third_microphone_takes_the_slot_that_was_quiet_longest,
                                        open_call_of_two_audio_slots, close_call),
        CALL_TEST(the_fifty_first_source_takes_the_slot_that_was_quiet_longest),
        cmocka_unit_test_setup_teardown(only_the_loudest_is_forwarded, open_call_of_the_loudest, close_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
