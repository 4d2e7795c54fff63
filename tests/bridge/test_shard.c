/* One conference on two workers, each with its thread: who lives on the one sees, hears and talks to who lives on the
 * other as if there were one. Also run under the thread sanitizer. Clients have SRTP keys and known addresses from the
 * start, so that no ICE and DTLS is needed; all that reaches the bridge later comes over sockets or as messages. */
#include "bridge/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/msrtp.h"
#include "proto/rtp.h"
#include "support/fake_channels.h"
#include "support/hex.h"
#include "support/loopback.h"

enum { WORKERS = 2, CLIENTS = 3, CONF = 1, OPUS = 111, VP8 = 100, RTX = 96, FEEDBACK_SSRC = 0xfeed };

static const uint8_t key_up[28] = {1, 2, 3}, key_down[28] = {4, 5, 6};

static struct {
    struct config config;
    struct bridge bridge;
    struct dtls_identity *identity;
    struct worker *workers[WORKERS];
    uv_loop_t loop;
    struct addr to;
} rig;

static struct client {
    uint32_t serial, audio_ssrc, video_ssrc[3], rtx_ssrc[3];
    unsigned home;
    int fd;
    struct addr addr;
    struct msrtp *srtp;
    uint16_t audio_seq, video_seq;
} clients[CLIENTS]; /* 1 and 3 on worker 0, 2 on worker 1 */

/* ---- set up, before there are threads ---- */

static void on_report(void *ctx, struct inbox_msg *msg)
{
    (void)ctx;
    free(container_of(msg, struct control_report, msg));
}

static void fill_spec(struct endpoint_spec *spec, uint32_t serial)
{
    static const struct media_payload payloads[] = {
        {.pt = OPUS, .kind = COLIBRI2_AUDIO, .name = "opus", .clockrate = 48000, .apt = -1},
        {.pt = VP8,
         .kind = COLIBRI2_VIDEO,
         .name = "vp8",
         .clockrate = 90000,
         .apt = -1,
         .nack_pli = true,
         .transport_cc = true},
        {.pt = RTX, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = VP8},
    };
    snprintf(spec->id, sizeof spec->id, "%08x", serial);
    snprintf(spec->local.ufrag, sizeof spec->local.ufrag, "00test%u", serial);
    snprintf(spec->local.pwd, sizeof spec->local.pwd, "abcdefghijklmnopqrstuvwxyz");
    spec->ssrc_rewriting = true;
    spec->media.accepts_audio = spec->media.accepts_video = true;
    spec->media.payload_count = COUNT(payloads);
    memcpy(spec->media.payloads, payloads, sizeof payloads);
    spec->media.extension_count = 1;
    spec->media.extensions[0].id = 1;
    snprintf(spec->media.extensions[0].uri, CONTROL_URI_LEN, "urn:ietf:params:rtp-hdrext:ssrc-audio-level");
}

static struct source_set *sources_of(const struct client *c)
{
    struct source_set *set = calloc(1, sizeof *set + 2 * sizeof *set->sources);
    set->sources = (struct source_spec *)(set + 1);
    set->source_count = 2;
    set->sources[0] = (struct source_spec){.kind = COLIBRI2_AUDIO, .encoding_count = 1};
    set->sources[0].encodings[0].ssrc = c->audio_ssrc;
    set->sources[1] = (struct source_spec){.kind = COLIBRI2_VIDEO, .encoding_count = 3};
    for (int i = 0; i < 3; i++) {
        set->sources[1].encodings[i].ssrc = c->video_ssrc[i];
        set->sources[1].encodings[i].rtx_ssrc = c->rtx_ssrc[i];
    }
    for (int i = 0; i < 2; i++)
        snprintf(set->sources[i].name, sizeof set->sources[i].name, "%08x-%c0", c->serial, "av"[i]);
    return set;
}

static void join_home(struct client *c)
{
    struct worker *w = rig.workers[c->home];
    struct endpoint_spec *spec = calloc(1, sizeof *spec);
    fill_spec(spec, c->serial);
    spec->identity = rig.identity;
    struct endpoint *ep = endpoint_new(map_get_u32(&w->conferences, CONF), c->serial, spec);
    free(spec);
    c->srtp = msrtp_new(MSRTP_AEAD_AES_128_GCM, bytes_of(key_down, 28), bytes_of(key_up, 28), MSRTP_SSRCS_ENDPOINT);
    ep->srtp = msrtp_new(MSRTP_AEAD_AES_128_GCM, bytes_of(key_up, 28), bytes_of(key_down, 28), MSRTP_SSRCS_ENDPOINT);
    udp_dest_set(w->udp, &ep->dest, &c->addr, 0);
    ep->sendable = true;
    struct ice_path path = {.remote = c->addr};
    demux_claim(w->demux, w->now_us, &ep->owner, &path, true);
    struct worker *other = rig.workers[1 - c->home]; /* the kernel may deliver there */
    demux_learn(other->demux, other->now_us, &path, c->home, true);
    receiver_up(&ep->receiver, true);
    endpoint_on_channel_ready(ep);
}

/* As control would: home first. */
static void post(unsigned worker, enum worker_msg_kind kind, uint32_t ep, void *arg, int number)
{
    struct worker_msg *msg = worker_msg_new(kind, CONF, ep, NULL, 0);
    msg->arg = arg;
    msg->arg_free = arg ? free : NULL;
    msg->number = number;
    worker_post(rig.workers[worker], msg);
}

static void mirror(struct client *c)
{
    struct endpoint_spec *spec = calloc(1, sizeof *spec);
    fill_spec(spec, c->serial);
    post(c->home, W_EP_SOURCES, c->serial, sources_of(c), 0);
    post(1 - c->home, W_EP_MIRROR, c->serial, spec, (int)c->home);
    post(1 - c->home, W_EP_SOURCES, c->serial, sources_of(c), 0);
}

static int open_call(void **state)
{
    (void)state;
    int failed[UDP_LOCALS_MAX];
    memset(&rig, 0, sizeof rig);
    memset(clients, 0, sizeof clients);
    assert_int_equal(msrtp_process_init(), E_OK);
    config_defaults(&rig.config);
    rig.config.map_lead_us = 0;
    uv_loop_init(&rig.loop);
    rig.bridge =
        (struct bridge){.config = &rig.config, .local_count = 1, .workers = rig.workers, .worker_count = WORKERS};
    rig.identity = dtls_identity_new(1700000000);
    rig.bridge.control = inbox_new(&rig.loop, on_report, NULL);
    close(loopback_socket(&rig.bridge.locals[0], 0));
    rig.to = rig.bridge.locals[0];
    struct conference_spec conf = {.feedback_audio_ssrc = FEEDBACK_SSRC + 1, .feedback_video_ssrc = FEEDBACK_SSRC};
    for (unsigned i = 0; i < WORKERS; i++) {
        rig.workers[i] = worker_new(&rig.bridge, i, failed);
        assert_non_null(rig.workers[i]);
        conference_new(rig.workers[i], CONF, &conf);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];
        *c = (struct client){.serial = i + 1, .home = i % 2, .audio_ssrc = 1000 * (i + 1)};
        for (uint32_t e = 0; e < 3; e++) {
            c->video_ssrc[e] = c->audio_ssrc + 10 + e;
            c->rtx_ssrc[e] = c->audio_ssrc + 20 + e;
        }
        c->fd = loopback_socket(&c->addr, MS(10));
        pkt_pool_adopt(rig.workers[c->home]->pool);
        join_home(c);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        worker_start(rig.workers[i]);
    for (int i = 0; i < CLIENTS; i++)
        mirror(&clients[i]);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++)
        worker_stop(rig.workers[i]);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_join(rig.workers[i]);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_free(rig.workers[i]); /* its pool is whole again, or this ends here */
    for (int i = 0; i < CLIENTS; i++) {
        msrtp_free(clients[i].srtp);
        close(clients[i].fd);
    }
    inbox_close(rig.bridge.control);
    uv_run(&rig.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    dtls_identity_unref(rig.identity);
    config_done(&rig.config);
    told_forget();
    return 0;
}

/* ---- what clients do ---- */

static void transmit(struct client *c, uint8_t *buf, size_t len, bool rtcp)
{
    struct sockaddr_storage ss;
    socklen_t ss_len = addr_to_sockaddr(&rig.to, &ss);
    assert_int_equal((rtcp ? msrtp_seal_rtcp : msrtp_seal_rtp)(c->srtp, buf, &len, 1500), E_OK);
    assert_int_equal(sendto(c->fd, buf, len, 0, (struct sockaddr *)&ss, ss_len), len);
}

static void send_audio(struct client *c, uint8_t level)
{
    _Alignas(4) uint8_t buf[1500] = {0x90, OPUS};
    c->audio_seq++;
    put_u16(buf + 2, c->audio_seq);
    put_u32(buf + 4, 960u * c->audio_seq);
    put_u32(buf + 8, c->audio_ssrc);
    put_u32(buf + 12, 0xbede0001);
    buf[16] = 0x10;
    buf[17] = level;
    memcpy(buf + 20, "opus", 4);
    transmit(c, buf, 24, false);
}

static void send_video(struct client *c, bool keyframe) /* a frame on each encoding */
{
    c->video_seq++;
    for (unsigned e = 0; e < 3; e++) {
        _Alignas(4) uint8_t buf[1500] = {0x80, 0x80 | VP8};
        put_u16(buf + 2, c->video_seq);
        put_u32(buf + 4, 3000u * c->video_seq);
        put_u32(buf + 8, c->video_ssrc[e]);
        memcpy(buf + 12, "\x90\x80\x80\x00", 4);
        put_u16(buf + 14, 0x8000 | c->video_seq);
        if (keyframe) {
            memcpy(buf + 16, "\x10\x00\x00\x9d\x01\x2a", 6);
            buf[22] = (uint8_t)(320 << e);
            buf[23] = (uint8_t)(320 << e >> 8);
            buf[24] = (uint8_t)(180 << e);
            buf[25] = (uint8_t)(180 << e >> 8);
        } else {
            buf[16] = 0x11;
        }
        transmit(c, buf, 200 + 200 * e, false);
    }
}

static void send_rtcp(struct client *c, const uint8_t *bytes, size_t len)
{
    _Alignas(4) uint8_t buf[1500];
    memcpy(buf, bytes, len);
    transmit(c, buf, len, true);
}

struct got {
    _Alignas(4) uint8_t data[1700];
    size_t len;
    bool rtcp;
};

static bool receive(struct client *c, struct got *got) /* waits 10 ms */
{
    ssize_t n = recv(c->fd, got->data, sizeof got->data, 0);
    if (n < 0)
        return false;
    got->len = (size_t)n;
    got->rtcp = got->data[1] >= 192 && got->data[1] <= 223;
    assert_int_equal((got->rtcp ? msrtp_open_rtcp : msrtp_open_rtp)(c->srtp, got->data, &got->len), E_OK);
    return true;
}

static bool receive_rtp(struct client *c, struct got *got, uint8_t pt)
{
    for (int tries = 0; tries < 300; tries++)
        if (receive(c, got) && !got->rtcp && (got->data[1] & 0x7f) == pt)
            return true;
    return false;
}

static bool receive_rtcp(struct client *c, struct got *got, uint8_t type, uint8_t fmt)
{
    for (int tries = 0; tries < 200; tries++)
        if (receive(c, got) && got->rtcp && got->data[1] == type && (got->data[0] & 0x1f) == fmt)
            return true;
    return false;
}

static size_t payload_at(const struct got *got)
{
    return got->data[0] & 0x10 ? 16 + 4u * get_u16(got->data + 14) : 12;
}

static bool is_keyframe(const struct got *got)
{
    return !(got->data[payload_at(got) + 4] & 1);
}

static int height(const struct got *got) /* of a key frame */
{
    return got->data[payload_at(got) + 12] | got->data[payload_at(got) + 13] << 8;
}

static void drain(struct client *c)
{
    struct got got;
    for (int quiet = 0; quiet < 10;)
        quiet = receive(c, &got) ? 0 : quiet + 1;
}

static void say(struct client *c, const char *text)
{
    worker_post(rig.workers[c->home], worker_msg_new(W_CHANNEL_TEXT, CONF, c->serial, text, strlen(text)));
}

static const char *wait_told(uint32_t serial, const char *part) /* 3 s at most */
{
    for (int i = 0; i < 300; i++) {
        const char *text = told(serial, part);
        if (text)
            return text;
        usleep(10000);
    }
    fail_msg("%u was not told %s", serial, part);
    return NULL;
}

static struct client *const alice = &clients[0], *const bob = &clients[1], *const carol = &clients[2];

/* ---- what holds ---- */

static void voices_cross_between_shards(void **state)
{
    (void)state;
    struct got got;
    uint16_t seq = 0;
    bool heard = false;
    for (int i = 0; i < 300 && !heard; i++) { /* until the shards know each other */
        send_audio(alice, 20);
        heard = receive(bob, &got) && !got.rtcp;
    }
    assert_true(heard);
    drain(bob);
    for (int i = 0; i < 20; i++) {
        send_audio(alice, 20);
        assert_true(receive_rtp(bob, &got, OPUS));
        assert_memory_equal(got.data + payload_at(&got), "opus", 4);
        assert_int_not_equal(get_u32(got.data + 8), alice->audio_ssrc);
        if (i)
            assert_int_equal(get_u16(got.data + 2), (uint16_t)(seq + 1));
        seq = get_u16(got.data + 2);
        assert_true(receive_rtp(carol, &got, OPUS)); /* and on the same shard as ever */
    }
    for (uint32_t to = 1; to <= 3; to++) /* both shards elect the same speaker */
        assert_non_null(strstr(wait_told(to, "DominantSpeaker"), "\"dominantSpeakerEndpoint\":\"00000001\""));
    static uint8_t sr[28] = {0x80, 200, 0, 6};
    put_u32(sr + 4, alice->audio_ssrc);
    put_u32(sr + 8, 0x11223344);
    put_u32(sr + 12, 0x55667788);
    put_u32(sr + 16, 960u * alice->audio_seq);
    send_rtcp(alice, sr, sizeof sr);
    assert_true(receive_rtcp(bob, &got, 200, 0));
    assert_int_equal(get_u32(got.data + 8), 0x11223344);
    send_audio(bob, 20);
    assert_true(receive_rtp(alice, &got, OPUS)); /* and the other way */
    assert_true(receive_rtp(carol, &got, OPUS));
}

static void pictures_wishes_and_repairs_cross_between_shards(void **state)
{
    (void)state;
    struct got got, again;
    say(bob, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"defaultConstraints\":{\"maxHeight\":360}}");
    wait_told(1, "{\"colibriClass\":\"SenderSourceConstraints\",\"sourceName\":\"00000001-v0\",\"maxHeight\":360}");
    wait_told(3, "{\"colibriClass\":\"SenderSourceConstraints\",\"sourceName\":\"00000003-v0\",\"maxHeight\":360}");
    bool asked = false;
    for (int i = 0; i < 100 && !asked; i++) {
        send_video(alice, false);
        while (receive(alice, &got))
            asked |= got.rtcp && got.data[1] == 206 && (got.data[0] & 0x1f) == 1 &&
                     get_u32(got.data + 8) == alice->video_ssrc[0];
    }
    assert_true(asked); /* a key frame, of the first encoding, by whoever needs it on the other shard */
    send_video(alice, true);
    assert_true(receive_rtp(bob, &got, VP8));
    assert_true(is_keyframe(&got)); /* nothing before it */
    for (int i = 0; i < 30; i++) {
        uint16_t seq = get_u16(got.data + 2);
        send_video(alice, i % 10 == 9);
        assert_true(receive_rtp(bob, &got, VP8));
        if (get_u16(got.data + 2) != (uint16_t)(seq + 1)) /* a switch shows one frame twice */
            fail_msg("a gap behind %u", seq);
        while (i % 10 == 9 && receive(bob, &again))
            if (!again.rtcp && (again.data[1] & 0x7f) == VP8)
                got = again;
    }
    while (!is_keyframe(&got) || height(&got) != 360)
        assert_true(receive_rtp(bob, &got, VP8));
    uint8_t nack[16] = {0x81, 205, 0, 3};
    put_u32(nack + 8, get_u32(got.data + 8));
    put_u16(nack + 12, get_u16(got.data + 2));
    send_rtcp(bob, nack, sizeof nack);
    assert_true(receive_rtp(bob, &again, RTX)); /* out of the mirror's history, with packets of home's pool */
    assert_int_equal(get_u16(again.data + payload_at(&again)), get_u16(got.data + 2));

    say(bob, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"defaultConstraints\":{\"maxHeight\":0}}");
    wait_told(1, "\"sourceName\":\"00000001-v0\",\"maxHeight\":0}");
    drain(bob);
    for (int i = 0; i < 3; i++)
        send_video(alice, true);
    while (receive(bob, &got))
        assert_true(got.rtcp || (got.data[1] & 0x7f) != VP8);
}

static void messages_cross_between_shards_and_arrive_once(void **state)
{
    (void)state;
    say(bob, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"\",\"msgPayload\":{\"n\":1}}");
    for (uint32_t to = 1; to <= 3; to += 2)
        assert_non_null(strstr(wait_told(to, "EndpointMessage"), "\"from\":\"00000002\""));
    say(alice, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"00000002\",\"msgPayload\":{\"n\":2}}");
    assert_non_null(strstr(wait_told(2, "EndpointMessage"), "\"n\":2"));
    say(alice, "{\"colibriClass\":\"EndpointStats\",\"bitrate\":{}}");
    wait_told(2, "EndpointStats");
    wait_told(3, "EndpointStats");
    for (uint32_t to = 1; to <= 3; to++)
        told_nothing_more(to, "Endpoint");
}

static void a_camera_that_is_switched_off_is_off_on_every_shard(void **state)
{
    (void)state;
    say(bob, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":1,\"defaultConstraints\":{\"maxHeight\":180}}");
    assert_non_null(strstr(wait_told(2, "ForwardedSources\",\"forwardedSources\":[\""), "00000001-v0"));
    say(alice, "{\"colibriClass\":\"SourceVideoTypeMessage\",\"sourceName\":\"00000001-v0\",\"videoType\":\"none\"}");
    assert_non_null(strstr(wait_told(2, "ForwardedSources\",\"forwardedSources\":[\"00000003"), "00000003-v0"));
}

static void who_leaves_is_gone_from_every_shard(void **state)
{
    (void)state;
    struct got got;
    for (int i = 0; i < 200; i++) { /* packets are on their way between the shards all the time */
        send_audio(alice, 20);
        send_audio(bob, 20);
        if (i == 100) {
            post(0, W_EP_EXPIRE, 1, NULL, 0);
            post(1, W_EP_EXPIRE, 1, NULL, 0);
        }
        if (i % 10 == 0)
            send_video(alice, true);
        while (recv(bob->fd, got.data, sizeof got.data, MSG_DONTWAIT) > 0)
            continue;
    }
    say(bob, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"00000001\",\"msgPayload\":{}}");
    say(bob, "{\"colibriClass\":\"EndpointMessage\",\"to\":\"00000003\",\"msgPayload\":{}}");
    wait_told(3, "EndpointMessage");
    told_nothing_more(1, "EndpointMessage");
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(voices_cross_between_shards),
        CALL_TEST(pictures_wishes_and_repairs_cross_between_shards),
        CALL_TEST(messages_cross_between_shards_and_arrive_once),
        CALL_TEST(a_camera_that_is_switched_off_is_off_on_every_shard),
        CALL_TEST(who_leaves_is_gone_from_every_shard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
