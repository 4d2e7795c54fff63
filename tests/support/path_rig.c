/* path_rig.c - see path_rig.h. */
#include "support/path_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/rtp_ext.h"
#include "support/loopback.h"

static const uint8_t key_up[28] = {1, 2, 3}, key_down[28] = {4, 5, 6};

static void on_report(void *ctx, struct inbox_msg *msg)
{
    struct rig *rig = ctx;
    struct control_report *report = container_of(msg, struct control_report, msg);
    rig->last_report = *report;
    rig->report_count++;
    free(report);
}

void rig_open(struct rig *rig)
{
    rig_open_with(rig, NULL);
}

void rig_open_with(struct rig *rig, void (*configure)(struct config *config))
{
    static bool ready;
    if (!ready)
        assert_int_equal(msrtp_process_init(), E_OK);
    ready = true;
    memset(rig, 0, sizeof *rig);
    config_defaults(&rig->config);
    rig->config.trust_bwe = false; /* no probes among what is looked at; who wants them says so */
    rig->config.map_lead_us = 0;   /* nor waiting */
    if (configure)
        configure(&rig->config);
    uv_loop_init(&rig->loop);
    struct bridge *b = &rig->bridge;
    b->config = &rig->config;
    rig->identity = dtls_identity_new(1700000000);
    b->control = inbox_new(&rig->loop, on_report, rig);
    close(loopback_socket(&b->locals[0], 0));
    b->local_count = 1;
    b->workers = &rig->worker;
    b->worker_count = 1;
    int failed[UDP_LOCALS_MAX];
    rig->worker = worker_new(b, 0, failed);
    assert_non_null(rig->worker);
    struct conference_spec spec = {.feedback_audio_ssrc = 0xfeed0001, .feedback_video_ssrc = 0xfeed0002};
    rig->conf = conference_new(rig->worker, 1, &spec);
}

void rig_close(struct rig *rig)
{
    worker_start(rig->worker); /* its thread only ends it */
    worker_stop(rig->worker);
    worker_join(rig->worker);
    worker_free(rig->worker);
    inbox_close(rig->bridge.control);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    uv_loop_close(&rig->loop);
    dtls_identity_unref(rig->identity);
    config_done(&rig->config);
}

void rig_pass_time(struct rig *rig, uint64_t us)
{
    struct worker *w = rig->worker;
    uint64_t end_us = w->now_us + us;
    while (wheel_next_us(&w->wheel) <= end_us) {
        w->now_us = MAX(wheel_next_us(&w->wheel), w->now_us);
        wheel_run(&w->wheel, w->now_us);
    }
    w->now_us = end_us;
    wheel_run(&w->wheel, w->now_us);
}

/* ---- peers ---- */

void rig_media(struct media_spec *media)
{
    *media = (struct media_spec){
        .accepts_audio = true,
        .accepts_video = true,
        .payload_count = 3,
        .payloads = {{.pt = RIG_OPUS, .kind = COLIBRI2_AUDIO, .name = "opus", .clockrate = 48000, .apt = -1},
                     {.pt = RIG_VP8,
                      .kind = COLIBRI2_VIDEO,
                      .name = "vp8",
                      .clockrate = 90000,
                      .apt = -1,
                      .nack = true,
                      .nack_pli = true,
                      .transport_cc = true},
                     {.pt = RIG_RTX, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = RIG_VP8}},
        .extension_count = 3,
        .extensions = {{.id = RIG_LEVEL_ID, .kind = COLIBRI2_AUDIO},
                       {.id = RIG_TWCC_ID, .kind = COLIBRI2_VIDEO},
                       {.id = RIG_MID_ID, .kind = COLIBRI2_VIDEO}},
    };
    static const enum rtp_ext_kind kinds[] = {RTP_EXT_AUDIO_LEVEL, RTP_EXT_TWCC, RTP_EXT_MID};
    for (int i = 0; i < 3; i++)
        snprintf(media->extensions[i].uri, CONTROL_URI_LEN, "%s", rtp_ext_uri(kinds[i]));
}

static void signal_sources(struct peer *peer)
{
    struct source_spec specs[2] = {{.kind = COLIBRI2_AUDIO, .encoding_count = 1},
                                   {.kind = COLIBRI2_VIDEO, .encoding_count = 3}};
    snprintf(specs[0].name, sizeof specs[0].name, "%.64s-a0", peer->ep->id);
    snprintf(specs[1].name, sizeof specs[1].name, "%.64s-v0", peer->ep->id);
    specs[0].encodings[0].ssrc = peer->audio_ssrc;
    for (int i = 0; i < 3; i++) {
        specs[1].encodings[i].ssrc = peer->video_ssrc[i];
        specs[1].encodings[i].rtx_ssrc = peer->rtx_ssrc[i];
    }
    struct source_set set = {.source_count = 2, .sources = specs};
    endpoint_set_sources(peer->ep, &set);
}

void peer_join(struct rig *rig, struct peer *peer, uint32_t serial, bool rewriting)
{
    struct endpoint_spec *spec = calloc(1, sizeof *spec);
    struct addr addr;
    *peer = (struct peer){.rig = rig, .audio_ssrc = serial * 1000};
    for (uint32_t i = 0; i < 3; i++) {
        peer->video_ssrc[i] = serial * 1000 + 10 + i;
        peer->rtx_ssrc[i] = serial * 1000 + 20 + i;
    }
    snprintf(spec->id, sizeof spec->id, "%08x", serial);
    snprintf(spec->local.ufrag, sizeof spec->local.ufrag, "00test%u", serial);
    snprintf(spec->local.pwd, sizeof spec->local.pwd, "abcdefghijklmnopqrstuvwxyz");
    spec->ice_controlling = true;
    spec->identity = rig->identity;
    spec->ssrc_rewriting = rewriting;
    spec->mid_demux = rewriting;
    rig_media(&spec->media);
    struct endpoint *ep = peer->ep = endpoint_new(rig->conf, serial, spec);
    free(spec);
    peer->fd = loopback_socket(&addr, 0);
    int size = 1 << 22;
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    peer->srtp = msrtp_new(MSRTP_AEAD_AES_128_GCM, bytes_of(key_down, 28), bytes_of(key_up, 28), MSRTP_SSRCS_ENDPOINT);
    ep->srtp = msrtp_new(MSRTP_AEAD_AES_128_GCM, bytes_of(key_up, 28), bytes_of(key_down, 28), MSRTP_SSRCS_ENDPOINT);
    udp_dest_set(rig->worker->udp, &ep->dest, &addr, 0);
    ep->sendable = true;
    receiver_up(&ep->receiver, true);
    signal_sources(peer);
}

void peer_leave(struct peer *peer)
{
    if (peer->ep)
        endpoint_free(peer->ep);
    msrtp_free(peer->srtp);
    close(peer->fd);
    peer->ep = NULL;
}

void rig_open_call(struct rig *rig, struct peer *alice, struct peer *bob, void (*configure)(struct config *config))
{
    rig_open_with(rig, configure);
    peer_join(rig, alice, 1, true);
    peer_join(rig, bob, 2, true);
    rig_pass_time(rig, MS(20));
}

void rig_close_call(struct rig *rig, struct peer *alice, struct peer *bob)
{
    peer_leave(alice);
    peer_leave(bob);
    rig_close(rig);
}

void peer_wants(struct peer *peer, int max_height)
{
    struct bridge_msg_receiver_video msg = {.has_default = true,
                                            .default_limit = {.max_height = max_height, .max_framerate = -1}};
    alloc_wants_on_message(peer->ep->receiver.wants, &msg);
    receiver_allocate(&peer->ep->receiver, peer->rig->worker->now_us);
}

static void deliver(struct peer *peer, const struct wr *w, bool rtcp)
{
    struct pkt *pkt = pkt_alloc(peer->rig->worker->pool);
    size_t len = wr_len(w);
    assert_int_equal(w->err, E_OK);
    memcpy(pkt->data, w->base, len);
    assert_int_equal((rtcp ? msrtp_seal_rtcp : msrtp_seal_rtp)(peer->srtp, pkt->data, &len, PKT_CAP), E_OK);
    pkt->len = (uint16_t)len;
    pkt->rx_us = peer->rig->worker->now_us;
    rx_path_srtp(peer->ep, pkt, rtcp);
}

void peer_audio(struct peer *peer, uint16_t seq, uint32_t ts, int level)
{
    uint8_t buf[256], level_byte[1];
    struct wr w = wr_over(buf, sizeof buf);
    struct rtp_view view = {.pt = RIG_OPUS, .seq = seq, .ts = ts, .ssrc = peer->audio_ssrc};
    struct rtp_level value = {.level = (uint8_t)level};
    struct rtp_ext ext = {RIG_LEVEL_ID, rtp_ext_level_write(level_byte, &value)};
    rtp_write_header(&w, &view, &ext, level >= 0);
    wr_bytes(&w, bytes_str("opus payload"));
    deliver(peer, &w, false);
}

void peer_video(struct peer *peer, unsigned encoding, uint16_t seq, uint32_t ts, uint16_t pictureid, bool keyframe)
{
    uint8_t buf[1200], twcc[2];
    struct wr w = wr_over(buf, sizeof buf);
    struct rtp_view view = {.pt = RIG_VP8, .seq = seq, .ts = ts, .ssrc = peer->video_ssrc[encoding], .marker = true};
    struct rtp_ext ext = {RIG_TWCC_ID, rtp_ext_twcc_write(twcc, (uint16_t)peer->twcc++)};
    rtp_write_header(&w, &view, &ext, 1);
    wr_u8(&w, 0x90);                            /* X, S, partition 0 */
    wr_u8(&w, 0x80);                            /* I */
    wr_u16(&w, (uint16_t)(0x8000 | pictureid)); /* 15 bits */
    if (keyframe) {
        wr_u24(&w, 0x100000); /* P = 0 */
        wr_u24(&w, 0x9d012a);
        wr_u16(&w, (uint16_t)((320 << encoding) << 8 | (320 << encoding) >> 8)); /* little endian */
        wr_u16(&w, (uint16_t)((180 << encoding) << 8 | (180 << encoding) >> 8));
    } else {
        wr_u24(&w, 0x110000);
    }
    wr_zeros(&w, 100 + 300 * encoding); /* a higher encoding costs more */
    deliver(peer, &w, false);
}

void peer_simulcast(struct peer *peer, int frames, bool key)
{
    for (int i = 0; i < frames; i++) {
        for (unsigned e = 0; e < 3; e++) {
            uint16_t seq = ++peer->video_seq[e];
            peer_video(peer, e, seq, 1000u * e + 3000u * seq, (uint16_t)(seq + 100 * e), key && i == 0);
        }
        rig_pass_time(peer->rig, MS(33));
    }
}

void peer_rtp_with(struct peer *peer, const struct rtp_view *view, const struct rtp_ext *exts, size_t ext_count,
                   struct bytes payload)
{
    uint8_t buf[1400];
    struct wr w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, view, exts, ext_count);
    wr_bytes(&w, payload);
    deliver(peer, &w, false);
}

void peer_rtp(struct peer *peer, const struct rtp_view *view, struct bytes payload)
{
    peer_rtp_with(peer, view, NULL, 0, payload);
}

static void deliver_bytes(struct peer *peer, struct bytes plain, bool rtcp)
{
    struct wr w = wr_over((uint8_t *)plain.p, plain.n);
    w.pos += plain.n;
    deliver(peer, &w, rtcp);
}

void peer_raw(struct peer *peer, struct bytes rtp)
{
    deliver_bytes(peer, rtp, false);
}

void peer_rtcp(struct peer *peer, struct bytes compound)
{
    deliver_bytes(peer, compound, true);
}

bool peer_recv_sealed(struct peer *peer, struct got *got)
{
    udp_flush(peer->rig->worker->udp);
    ssize_t n = recv(peer->fd, got->data, sizeof got->data, MSG_DONTWAIT);
    if (n < 0)
        return false;
    got->len = (size_t)n;
    got->rtcp = got->data[1] >= 192 && got->data[1] <= 223;
    return true;
}

bool peer_recv(struct peer *peer, struct got *got)
{
    if (!peer_recv_sealed(peer, got))
        return false;
    assert_int_equal((got->rtcp ? msrtp_open_rtcp : msrtp_open_rtp)(peer->srtp, got->data, &got->len), E_OK);
    if (!got->rtcp) {
        struct rd r = rd_over(bytes_of(got->data, got->len));
        assert_int_equal(rtp_parse(&r, &got->rtp), E_OK);
    }
    return true;
}

bool peer_recv_rtp(struct peer *peer, struct got *got, uint8_t pt)
{
    while (peer_recv(peer, got))
        if (!got->rtcp && got->rtp.pt == pt)
            return true;
    return false;
}

bool peer_recv_rtcp(struct peer *peer, struct got *got, uint8_t type, uint8_t count)
{
    while (peer_recv(peer, got))
        if (got->rtcp && got->data[1] == type && (got->data[0] & 0x1f) == count)
            return true;
    return false;
}

void peer_drain(struct peer *peer)
{
    struct got got;
    while (peer_recv(peer, &got))
        continue;
}
