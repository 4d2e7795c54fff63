/* endpoint.c - life and transport of a participant; see endpoint.h. Its media is in rx_path, tx_path and rtcp_path. */
#include "bridge/endpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/channels.h"
#include "bridge/rtcp_path.h"
#include "bridge/rx_path.h"
#include "bridge/shard.h"
#include "media/gcc.h"
#include "proto/log.h"

enum { REPORT_MS = 500, REPORT_GRID_MS = 100 };

/* On a grid that all endpoints share: one waking serves many. */
static uint64_t next_report_us(uint64_t now_us)
{
    uint64_t us = now_us + MS(REPORT_MS);
    return us - us % MS(REPORT_GRID_MS);
}

/* ---- DTLS ---- */

static void keys_arrived(struct endpoint *ep, const struct dtls_keys *keys)
{
    ep->srtp = msrtp_new((enum msrtp_profile)keys->profile, bytes_of(keys->rx, keys->len),
                         bytes_of(keys->tx, keys->len), MSRTP_SSRCS_ENDPOINT);
    if (!ep->srtp) {
        log_error("dtls", "endpoint=%u SRTP refused the negotiated profile %u", ep->serial, keys->profile);
        return;
    }
    log_info("dtls", "endpoint=%u up after_ms=%" PRIu64, ep->serial,
             (uint64_t)((ep->worker->now_us - ep->created_us) / US_PER_MS));
    if (endpoint_is_up(ep))
        receiver_up(&ep->receiver, true);
    for (struct pkt *pkt; (pkt = early_queue_pop(&ep->early));)
        rx_path_srtp(ep, pkt, pkt->tag == DEMUX_RTCP);
    if (ep->wants_channel && !ep->channel_asked) {
        ep->channel_asked = true;
        channels_open(ep->worker->bridge->channels, ep->worker, ep->serial);
    }
}

static bool drain_dtls(struct endpoint *ep) /* true: among it was data of the peer, hence an authentic record */
{
    struct worker *w = ep->worker;
    struct dtls_out out;
    bool data = false;
    while (dtls_poll(ep->dtls, &out)) {
        switch (out.kind) {
        case DTLS_SEND:
            if (ep->sendable)
                udp_out_copy(w->udp, &ep->dest, out.bytes);
            break;
        case DTLS_UP: keys_arrived(ep, out.keys); break;
        case DTLS_DATA:
            data = true;
            channels_packet(w->bridge->channels, ep->serial, out.bytes);
            break;
        case DTLS_FAILED:
            log_warn("dtls", "endpoint=%u handshake failed: %s. It stays without media until the focus removes it.",
                     ep->serial, out.reason);
            break;
        case DTLS_CLOSED: endpoint_on_channel_closed(ep); break;
        }
    }
    wheel_set(&w->wheel, &ep->dtls_timer, dtls_deadline_us(ep->dtls));
    return data;
}

void endpoint_start_dtls(struct endpoint *ep)
{
    dtls_set_rtt(ep->dtls, ice_rtt_us(ep->ice.established->ice));
    dtls_start(ep->dtls, ep->worker->now_us);
    drain_dtls(ep);
}

static void dtls_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct endpoint *ep = container_of(timer, struct endpoint, dtls_timer);
    dtls_on_time(ep->dtls, now_us);
    drain_dtls(ep);
}

static void report_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct endpoint *ep = container_of(timer, struct endpoint, report_timer);
    wheel_set(&ep->worker->wheel, timer, next_report_us(now_us));
    rtcp_send_reports(ep, now_us);
    rx_path_on_time(ep, now_us);
}

static void twcc_timer_fired(struct timer *timer, uint64_t now_us)
{
    rtcp_send_twcc(container_of(timer, struct endpoint, twcc_timer), now_us);
}

static void nack_timer_fired(struct timer *timer, uint64_t now_us)
{
    rx_path_send_nacks(container_of(timer, struct endpoint, nack_timer), now_us);
}

static void stats_timer_fired(struct timer *timer, uint64_t now_us)
{
    (void)now_us;
    struct endpoint *ep = container_of(timer, struct endpoint, stats_timer);
    if (!ep->channel_ready)
        log_warn("channel", "endpoint=%u has no bridge channel 30 s after DTLS. Is its data channel blocked?",
                 ep->serial);
}

static void connection_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct endpoint *ep = container_of(timer, struct endpoint, connection_timer);
    wheel_set(&ep->worker->wheel, timer, now_us + ep->worker->bridge->config->connection_stats_interval_us);
    endpoint_send_connection_stats(ep, ep->downlink_bps);
}

/* ---- what arrives ---- */

static void heard_on(struct endpoint *ep, const struct demux_verdict *verdict, const struct ice_path *path, bool media)
{
    verdict->tuple->heard_us = ep->worker->now_us;
    endpoint_ice_on_heard(ep, path, media);
}

/* Its address has changed, unless somebody tries keys that he has not. */
static void on_stray(struct endpoint *ep, const struct ice_path *path, struct pkt *pkt, bool rtcp)
{
    if (!ep->srtp) {
        demux_count(ep->worker->demux, DROP_RTP_TUPLE);
        pkt_drop(pkt);
    } else if (rx_path_srtp(ep, pkt, rtcp)) {
        endpoint_ice_on_stray(ep, path);
    }
}

static void count(struct endpoint *ep, enum drop drop, uint64_t n)
{
    while (n--)
        demux_count(ep->worker->demux, drop);
}

static void keep_until_keys(struct endpoint *ep, struct pkt *pkt, enum demux_kind kind)
{
    uint64_t dropped = ep->early.dropped;
    pkt->tag = (uint8_t)kind;
    early_queue_push(&ep->early, pkt);
    count(ep, DROP_RTP_EARLY, ep->early.dropped - dropped);
}

static bool on_dtls(struct endpoint *ep, const struct pkt *pkt)
{
    struct dtls_stats before = *dtls_stats(ep->dtls);
    dtls_on_datagram(ep->dtls, pkt->rx_us, bytes_of(pkt->data, pkt->len));
    const struct dtls_stats *now = dtls_stats(ep->dtls);
    count(ep, DROP_DTLS_FRAMING, now->framing_drops - before.framing_drops);
    count(ep, DROP_DTLS_EARLY, now->early_drops - before.early_drops);
    return drain_dtls(ep);
}

void endpoint_on_datagram(struct endpoint *ep, const struct demux_verdict *verdict, const struct ice_path *path,
                          struct pkt *pkt)
{
    switch (verdict->kind) {
    case DEMUX_STUN: endpoint_ice_on_stun(ep, verdict->generation, path, pkt); break;
    case DEMUX_DTLS:
        if (on_dtls(ep, pkt))
            heard_on(ep, verdict, path, false);
        break;
    case DEMUX_RTP:
    case DEMUX_RTCP:
        if (!verdict->tuple) {
            on_stray(ep, path, pkt, verdict->kind == DEMUX_RTCP);
            return;
        }
        if (!ep->srtp) {
            keep_until_keys(ep, pkt, verdict->kind);
            return;
        }
        if (rx_path_srtp(ep, pkt, verdict->kind == DEMUX_RTCP))
            heard_on(ep, verdict, path, true);
        return;
    default: break;
    }
    pkt_drop(pkt);
}

/* ---- what control says ---- */

static enum codec codec_of(const char *name)
{
    static const struct {
        const char *name;
        enum codec codec;
    } names[] = {{"opus", CODEC_OPUS}, {"red", CODEC_RED},   {"vp8", CODEC_VP8},  {"vp9", CODEC_VP9},
                 {"av1", CODEC_AV1},   {"h264", CODEC_H264}, {"h265", CODEC_H265}};
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].codec;
    return CODEC_OTHER;
}

static void set_remb(struct endpoint *ep) /* media.md 7.2: only for senders that cannot estimate for themselves */
{
    bool needed = ep->does_remb && !ep->does_twcc && ep->ext_id[RTP_EXT_ABS_SEND_TIME];
    if (needed == (ep->remb != NULL))
        return;
    free(ep->remb);
    ep->remb = needed ? malloc(sizeof *ep->remb) : NULL;
    struct gcc_config cfg = GCC_CONFIG_DEFAULT;
    if (ep->remb)
        remb_rx_init(ep->remb, cfg.start_bps, cfg.min_bps, cfg.max_bps, ep->worker->now_us);
}

void endpoint_set_media(struct endpoint *ep, const struct media_spec *spec)
{
    ep->accepts_audio = spec->accepts_audio;
    ep->accepts_video = spec->accepts_video;
    memset(ep->payloads, 0, sizeof ep->payloads);
    ep->does_twcc = ep->does_remb = ep->does_pli = false;
    ep->media_us = ep->worker->now_us;
    for (size_t i = 0; i < spec->payload_count; i++) {
        const struct media_payload *in = &spec->payloads[i];
        if (in->pt >= COUNT(ep->payloads))
            continue;
        struct payload_info *out = &ep->payloads[in->pt];
        *out = (struct payload_info){.known = true,
                                     .kind = in->kind,
                                     .codec = (uint8_t)codec_of(in->name),
                                     .rtx = strcmp(in->name, "rtx") == 0,
                                     .apt = (uint8_t)in->apt,
                                     .clock_hz = in->clockrate};
        if (in->kind == COLIBRI2_VIDEO) { /* media.md 5.1: audio payload types do not enable it */
            ep->does_twcc |= in->transport_cc;
            ep->does_remb |= in->goog_remb;
            ep->does_pli |= in->nack_pli;
        }
    }
    for (size_t i = 0; i < COUNT(ep->payloads); i++)
        if (ep->payloads[i].rtx && ep->payloads[i].apt < COUNT(ep->payloads))
            ep->payloads[ep->payloads[i].apt].rtx_pt = (uint8_t)i;
    memset(ep->ext_kind, 0, sizeof ep->ext_kind);
    memset(ep->ext_id, 0, sizeof ep->ext_id);
    for (size_t i = 0; i < spec->extension_count; i++) {
        const struct media_extension *in = &spec->extensions[i];
        enum rtp_ext_kind kind = rtp_ext_from_uri(bytes_str(in->uri));
        if (kind == RTP_EXT_NONE || in->id == 0 || in->id >= ENDPOINT_EXT_IDS)
            continue;
        ep->ext_kind[in->id] = (uint8_t)kind;
        ep->ext_id[kind] = in->id;
    }
    set_remb(ep);
    bwe_media_changed(ep);
    receiver_media_changed(&ep->receiver);
}

static void digest_text(const struct jingle_fingerprint *in, char text[JINGLE_DIGEST_MAX * 3 + 1])
{
    text[0] = 0;
    for (size_t i = 0; i < in->digest_len; i++)
        sprintf(text + 3 * i, "%02X%s", in->digest[i], i + 1 < in->digest_len ? ":" : "");
}

static void set_fingerprints(struct endpoint *ep, const struct transport_spec *spec)
{
    char texts[JINGLE_FINGERPRINTS_MAX][JINGLE_DIGEST_MAX * 3 + 1];
    struct dtls_fingerprint fp[JINGLE_FINGERPRINTS_MAX];
    for (size_t i = 0; i < spec->fingerprint_count; i++) {
        digest_text(&spec->fingerprints[i], texts[i]);
        fp[i] = (struct dtls_fingerprint){.hash = spec->fingerprints[i].hash, .value = texts[i]};
    }
    enum dtls_role role = spec->setup == JINGLE_ACTIVE    ? DTLS_SERVER
                          : spec->setup == JINGLE_PASSIVE ? DTLS_CLIENT
                                                          : DTLS_ROLE_UNKNOWN;
    if (dtls_set_remote(ep->dtls, ep->worker->now_us, role, fp, spec->fingerprint_count) != E_OK)
        log_warn("dtls", "endpoint=%u none of its fingerprints can be used", ep->serial);
    else if (role != DTLS_ROLE_UNKNOWN)
        bridge_report(ep->worker->bridge, &(struct control_report){.msg.kind = REPORT_DTLS_ROLE,
                                                                   .conf_serial = ep->conf->serial,
                                                                   .ep_serial = ep->serial,
                                                                   .we_are_server = role == DTLS_SERVER});
}

void endpoint_set_transport(struct endpoint *ep, const struct transport_spec *spec)
{
    if (spec->fingerprint_count && spec->ice_generation == 0) /* an ICE restart leaves DTLS alone */
        set_fingerprints(ep, spec);
    endpoint_ice_set_remote(ep, spec);
    drain_dtls(ep);
}

void endpoint_force_mute(struct endpoint *ep, bool audio, bool video)
{
    ep->audio_muted = audio;
    ep->video_muted = video;
}

static struct source *same_source(struct endpoint *ep, const struct source_spec *spec)
{
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        if (strcmp(source->name, spec->name) == 0 && source_same_ssrcs(source, spec))
            return source;
    }
    return NULL;
}

static void index_ssrcs(struct endpoint *ep)
{
    ep->ssrc_count = 0;
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        for (uint8_t i = 0; i < source->encoding_count && ep->ssrc_count + 2 <= ENDPOINT_SSRCS_MAX; i++) {
            struct encoding *e = &source->encodings[i];
            ep->ssrcs[ep->ssrc_count++] = (struct ssrc_entry){e->ssrc, false, e};
            if (e->rtx_ssrc)
                ep->ssrcs[ep->ssrc_count++] = (struct ssrc_entry){e->rtx_ssrc, true, e};
        }
    }
    if (ep->home)
        return; /* no datagram of it comes to this worker */
    uint32_t ssrcs[ENDPOINT_SSRCS_MAX];
    for (size_t i = 0; i < ep->ssrc_count; i++)
        ssrcs[i] = ep->ssrcs[i].ssrc;
    demux_set_ssrcs(ep->worker->demux, &ep->owner, ssrcs, ep->ssrc_count);
}

void endpoint_set_sources(struct endpoint *ep, const struct source_set *set)
{
    struct list kept;
    list_init(&kept);
    for (size_t i = 0; i < set->source_count; i++) {
        struct source *source = same_source(ep, &set->sources[i]);
        if (source)
            list_remove(&source->node);
        else
            source = source_new(ep, &set->sources[i]);
        list_push_back(&kept, &source->node);
    }
    list_for_each_safe (it, &ep->sources)
        source_free(container_of(it, struct source, node));
    list_for_each_safe (it, &kept) {
        list_remove(it);
        list_push_back(&ep->sources, it);
    }
    index_ssrcs(ep);
    conference_sources_changed(ep->conf, ep);
}

void endpoint_initial_last_n(struct endpoint *ep, int32_t last_n)
{
    receiver_initial_last_n(&ep->receiver, last_n);
}

/* ---- life ---- */

/* What homes and mirrors have in common. */
static struct endpoint *allocate(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec)
{
    struct worker *w = conf->worker;
    struct endpoint *ep = calloc(1, sizeof *ep);
    if (!ep)
        abort();
    ep->conf = conf;
    ep->worker = w;
    ep->serial = serial;
    memcpy(ep->id, spec->id, sizeof ep->id);
    ep->visitor = spec->visitor;
    ep->created_us = w->now_us;
    demux_owner_init(&ep->owner);
    early_queue_init(&ep->early);
    list_init(&ep->sources);
    rtt_init(&ep->rtt);
    bwe_init(ep);
    ep->twcc_tx_seq = 1; /* media.md 8.1 */
    timer_init(&ep->dtls_timer, dtls_timer_fired);
    timer_init(&ep->report_timer, report_timer_fired);
    timer_init(&ep->twcc_timer, twcc_timer_fired);
    timer_init(&ep->nack_timer, nack_timer_fired);
    timer_init(&ep->stats_timer, stats_timer_fired);
    timer_init(&ep->connection_timer, connection_timer_fired);
    return ep;
}

static void enter(struct endpoint *ep, const struct endpoint_spec *spec)
{
    struct worker *w = ep->worker;
    wheel_set(&w->wheel, &ep->report_timer, next_report_us(w->now_us));
    receiver_init(&ep->receiver, ep, spec);
    endpoint_set_media(ep, &spec->media);
    map_put_u32(&w->endpoints, ep->serial, ep);
    conference_add(ep->conf, ep);
}

struct endpoint *endpoint_new(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec)
{
    struct worker *w = conf->worker;
    struct endpoint *ep = allocate(conf, serial, spec);
    if (!endpoint_ice_init(ep, &spec->local, spec->ice_controlling)) {
        free(ep);
        return NULL;
    }
    ep->dtls = dtls_new(spec->identity, w->now_us);
    dtls_set_timeout(ep->dtls, w->bridge->config->dtls_timeout_us);
    ep->twcc = twcc_rx_new();
    ep->wants_channel = spec->sctp;
    if (w->bridge->config->connection_stats)
        wheel_set(&w->wheel, &ep->connection_timer, w->now_us + w->bridge->config->connection_stats_interval_us);
    wheel_set(&w->wheel, &ep->stats_timer, spec->sctp ? w->now_us + SEC(45) : NEVER_US);
    enter(ep, spec);
    return ep;
}

struct endpoint *endpoint_new_mirror(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec,
                                     struct worker *home)
{
    struct endpoint *ep = allocate(conf, serial, spec);
    ep->home = home;
    enter(ep, spec);
    return ep;
}

static void close_transport(struct endpoint *ep)
{
    if (ep->home)
        return;
    struct worker *w = ep->worker;
    if (ep->channel_asked)
        channels_close(w->bridge->channels, ep->serial);
    endpoint_ice_done(ep);
    demux_drop_owner(w->demux, &ep->owner);
    dtls_close(ep->dtls, w->now_us);
    drain_dtls(ep);
    udp_dest_forget(w->udp, &ep->dest);
    udp_dest_forget(w->udp, &ep->stun_dest);
    dtls_free(ep->dtls);
    msrtp_free(ep->srtp);
    twcc_rx_free(ep->twcc);
}

void endpoint_free(struct endpoint *ep)
{
    struct worker *w = ep->worker;
    conference_remove(ep->conf, ep);
    map_del_u32(&w->endpoints, ep->serial);
    list_for_each_safe (it, &ep->sources)
        source_free(container_of(it, struct source, node));
    receiver_done(&ep->receiver);
    bwe_done(ep);
    close_transport(ep);
    struct timer *timers[] = {&ep->dtls_timer, &ep->report_timer, &ep->twcc_timer,
                              &ep->nack_timer, &ep->stats_timer,  &ep->connection_timer};
    for (size_t i = 0; i < COUNT(timers); i++)
        wheel_set(&w->wheel, timers[i], NEVER_US);
    early_queue_done(&ep->early);
    free(ep->remb);
    free(ep);
}

void endpoint_gone(struct endpoint *ep)
{
    bridge_report(ep->worker->bridge, &(struct control_report){.msg.kind = REPORT_ENDPOINT_GONE,
                                                               .conf_serial = ep->conf->serial,
                                                               .ep_serial = ep->serial});
    endpoint_free(ep);
}

/* ---- the bridge channel's transport; its messages are in channel.c ---- */

void endpoint_on_channel_packet(struct endpoint *ep, struct bytes packet)
{
    dtls_send(ep->dtls, ep->worker->now_us, packet);
    drain_dtls(ep);
}

void endpoint_on_channel_closed(struct endpoint *ep)
{
    ep->channel_ready = false;
}

void endpoint_send_text(struct endpoint *ep, char *text)
{
    if (ep->home)
        shard_send_text(ep, text);
    else if (ep->channel_ready)
        channels_text(ep->worker->bridge->channels, ep->serial, bytes_str(text));
    free(text);
}
