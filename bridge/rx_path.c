/* rx_path.c - what happens to one received packet, in order. The table at the end is the place to start. */
#include "bridge/rx_path.h"

#include <stdlib.h>

#include "bridge/endpoint.h"
#include "bridge/forward.h"
#include "bridge/rtcp_path.h"
#include "proto/h264.h"
#include "proto/h265.h"
#include "proto/rtp_ext.h"
#include "proto/rtx.h"

struct rx {
    struct endpoint *ep;
    struct pkt *pkt;
    struct rtp_view rtp;
    const struct payload_info *payload;
    struct encoding *encoding;
    bool is_rtx;
    int64_t raw_seq; /* as the sender numbered it, widened; m.seq_wide has our own drops closed up */
    struct media_pkt m;
};

static bool rx_parse(struct rx *rx)
{
    struct rd r = rd_over(bytes_of(rx->pkt->data, rx->pkt->len));
    if (rtp_parse(&r, &rx->rtp) == E_OK)
        return true;
    demux_count(rx->ep->worker->demux, DROP_RTP_MALFORMED);
    return false;
}

/* too_old: what the SRTP had counted before it was asked. */
static enum drop drop_of_srtp(const struct endpoint *ep, enum err err, uint64_t too_old)
{
    switch (err) {
    case E_AUTH: return DROP_SRTP_AUTH;
    case E_REPLAY: return msrtp_stats(ep->srtp)->too_old > too_old ? DROP_SRTP_OLD : DROP_SRTP_REPLAY;
    case E_LIMIT: return DROP_SSRC_LIMIT;
    default: return DROP_SRTP_OTHER;
    }
}

static bool rx_open(struct rx *rx)
{
    struct endpoint *ep = rx->ep;
    size_t len = rx->pkt->len, header = (size_t)(rx->rtp.payload.p - rx->pkt->data);
    uint64_t too_old = msrtp_stats(ep->srtp)->too_old;
    enum err err = msrtp_open_rtp(ep->srtp, rx->pkt->data, &len);
    if (err != E_OK || len < header) {
        demux_count(ep->worker->demux, drop_of_srtp(ep, err, too_old));
        return false;
    }
    rx->pkt->len = (uint16_t)len;
    rx->rtp.payload.n = len - header;
    ep->active_us = rx->pkt->rx_us;
    ep->rx_packets++;
    ep->rx_bytes += len;
    return true;
}

static bool rx_twcc(struct rx *rx)
{
    struct endpoint *ep = rx->ep;
    struct bytes data;
    uint16_t seq;
    uint32_t units;
    if (ep->remb && rtp_ext_find(&rx->rtp, ep->ext_id[RTP_EXT_ABS_SEND_TIME], &data) &&
        rtp_ext_abs_send_time_parse(data, &units) == E_OK)
        remb_rx_on_packet(ep->remb, rx->rtp.ssrc, units, rx->pkt->len, rx->pkt->rx_us);
    if (!ep->does_twcc || !ep->ext_id[RTP_EXT_TWCC] || !rtp_ext_find(&rx->rtp, ep->ext_id[RTP_EXT_TWCC], &data) ||
        rtp_ext_twcc_parse(data, &seq) != E_OK)
        return true;
    twcc_rx_on_packet(ep->twcc, seq, rx->rtp.ssrc, rx->rtp.marker, rx->pkt->rx_us);
    uint64_t deadline_us = twcc_rx_deadline_us(ep->twcc);
    if (deadline_us <= rx->pkt->rx_us)
        rtcp_send_twcc(ep, rx->pkt->rx_us);
    else if (deadline_us < ep->twcc_timer.deadline_us)
        wheel_set(&ep->worker->wheel, &ep->twcc_timer, deadline_us);
    return true;
}

static bool rx_source(struct rx *rx)
{
    struct endpoint *ep = rx->ep;
    rx->payload = &ep->payloads[rx->rtp.pt];
    for (size_t i = 0; rx->payload->known && i < ep->ssrc_count; i++)
        if (ep->ssrcs[i].ssrc == rx->rtp.ssrc) {
            rx->encoding = ep->ssrcs[i].encoding;
            rx->is_rtx = ep->ssrcs[i].rtx;
            if (rx->is_rtx == rx->payload->rtx && rx->encoding->source->kind == rx->payload->kind && !ep->visitor)
                return true;
            break;
        }
    demux_count(ep->worker->demux, DROP_SSRC_UNKNOWN);
    return false;
}

static bool rx_count(struct rx *rx)
{
    if (rx->is_rtx)
        return true;
    if (rx->payload->clock_hz)
        rx_stream_set_clock(&rx->encoding->rx, rx->payload->clock_hz);
    rx->raw_seq = rx_stream_on_packet(&rx->encoding->rx, rx->rtp.seq, rx->rtp.ts, rx->pkt->len, rx->pkt->rx_us);
    return true;
}

/* The number has come, whatever becomes of its content. Returns how often it had been asked for. */
static unsigned tick_off(struct rx *rx)
{
    struct endpoint *ep = rx->ep;
    struct nack *nack = rx->encoding->nack;
    if (!nack)
        return 0;
    unsigned asked = nack_on_packet(nack, rx->raw_seq, rx->pkt->rx_us);
    uint64_t deadline_us = nack_deadline_us(nack);
    if (deadline_us < ep->nack_timer.deadline_us)
        wheel_set(&ep->worker->wheel, &ep->nack_timer, deadline_us);
    return asked;
}

static bool hide(struct rx *rx) /* a number that is dropped on purpose must not look like a loss */
{
    seq_hide_drop(&rx->encoding->hide, rx->raw_seq);
    return false;
}

static bool rx_unpad(struct rx *rx)
{
    if (rtp_unpad(&rx->rtp) != E_OK)
        return false;
    if (rx->rtp.payload.n)
        return true;
    if (!rx->is_rtx) {
        tick_off(rx);
        hide(rx);
    }
    return false;
}

static bool rx_rtx(struct rx *rx)
{
    if (!rx->is_rtx)
        return true;
    struct rtp_view inner;
    if (rtx_unwrap(&rx->rtp, rx->payload->apt, rx->encoding->ssrc, &inner) != E_OK || !inner.payload.n)
        return false; /* probing: nothing but padding inside */
    rx->rtp = inner;
    rx->payload = &rx->ep->payloads[inner.pt];
    rx->raw_seq = rx_stream_widen(&rx->encoding->rx, inner.seq);
    return rx->payload->known;
}

static bool rx_nack(struct rx *rx)
{
    rx->m.pressed = tick_off(rx) > 1;
    return true;
}

static bool rx_mute(struct rx *rx)
{
    bool muted = rx->payload->kind == COLIBRI2_AUDIO ? rx->ep->audio_muted : rx->ep->video_muted;
    return muted ? hide(rx) : true;
}

static bool rx_level(struct rx *rx)
{
    struct endpoint *ep = rx->ep;
    struct bytes data;
    struct rtp_level level;
    if (rx->payload->kind != COLIBRI2_AUDIO)
        return true;
    rx->m.has_level = ep->ext_id[RTP_EXT_AUDIO_LEVEL] &&
                      rtp_ext_find(&rx->rtp, ep->ext_id[RTP_EXT_AUDIO_LEVEL], &data) &&
                      rtp_ext_level_parse(data, &level) == E_OK;
    if (!rx->m.has_level)
        return true;
    rx->m.level = level.level;
    rx->m.vad = level.vad;
    const struct config *cfg = ep->worker->bridge->config;
    if (cfg->discard_silence &&
        speaker_silence_hides(&rx->encoding->silence, cfg->forwarded_silence_packets, true, level.level))
        return hide(rx);
    return conference_on_level(ep->conf, rx->encoding->source, level.level, rx->pkt->rx_us) ? true : hide(rx);
}

/* H.264 and H.265 do not say where a frame begins. It does with a sequence's parameter sets, and where the timestamp
 * changes between two packets that follow each other. What cannot be read is encrypted, and passes. */
static void read_h26x(struct rx *rx)
{
    struct media_pkt *m = &rx->m;
    struct encoding *e = rx->encoding;
    bool sequence;
    if (m->codec == CODEC_H264) {
        struct h264_desc d;
        h264_desc_parse(rx->rtp.payload, &d);
        m->keyframe = d.keyframe;
        sequence = d.sequence;
    } else {
        struct h265_desc d;
        h265_desc_parse(rx->rtp.payload, &d);
        m->keyframe = d.keyframe;
        sequence = d.sequence;
    }
    bool follows = e->frame_known && rx->raw_seq == e->frame_seq + 1;
    m->frame_start = follows ? m->ts != e->frame_ts : sequence;
    if (e->frame_known && rx->raw_seq <= e->frame_seq)
        return;
    e->frame_known = true;
    e->frame_seq = rx->raw_seq;
    e->frame_ts = m->ts;
}

/* VP8 and VP9 have descriptors of their own, in front of the payload; theirs count. */
static bool reads_dd(const struct rx *rx, struct bytes *data)
{
    uint8_t id = rx->ep->ext_id[RTP_EXT_DD];
    return id && rx->payload->kind == COLIBRI2_VIDEO && rx->payload->codec != CODEC_VP8 &&
           rx->payload->codec != CODEC_VP9 && rtp_ext_find(&rx->rtp, id, data);
}

static bool read_dd(struct rx *rx, struct bytes data)
{
    struct media_pkt *m = &rx->m;
    if (dd_state_read(rx->encoding->dd, data, rx->raw_seq, &m->dd, &m->keyframe) != E_OK)
        return false;
    m->has_dd = true;
    m->dd_at = (uint16_t)(data.p - rx->pkt->data);
    m->dd_len = (uint8_t)data.n;
    m->frame_start = m->dd.start;
    return true;
}

static bool rx_codec(struct rx *rx)
{
    struct media_pkt *m = &rx->m;
    m->pkt = rx->pkt;
    m->rx_us = rx->pkt->rx_us;
    m->ntp_us = rx_stream_ntp_us(&rx->encoding->rx, rx->rtp.ts);
    m->ssrc = rx->encoding->ssrc;
    m->ts = rx->rtp.ts;
    m->pt = rx->rtp.pt;
    m->codec = rx->payload->codec;
    m->encoding = rx->encoding->index;
    m->marker = rx->rtp.marker;
    m->retransmitted = rx->is_rtx;
    m->payload_at = (uint16_t)(rx->rtp.payload.p - rx->pkt->data);
    m->payload_len = (uint16_t)rx->rtp.payload.n;
    struct bytes dd;
    if (reads_dd(rx, &dd)) {
        if (!read_dd(rx, dd))
            return hide(rx);
    } else if (m->codec == CODEC_VP8) {
        if (vp8_desc_parse(rx->rtp.payload, &m->vp8) != E_OK)
            return hide(rx);
        m->keyframe = m->vp8.keyframe;
        m->frame_start = vp8_frame_start(&m->vp8);
    } else if (m->codec == CODEC_VP9) {
        if (vp9_desc_parse(rx->rtp.payload, &m->vp9) != E_OK)
            return hide(rx);
        m->keyframe = vp9_is_key(&m->vp9);
        m->frame_start = m->vp9.start;
    } else if (m->codec == CODEC_H264 || m->codec == CODEC_H265) {
        read_h26x(rx);
    } else {
        m->frame_start = rx->payload->kind == COLIBRI2_AUDIO;
    }
    m->seq_wide = seq_hide_accept(&rx->encoding->hide, rx->raw_seq);
    m->seq = (uint16_t)m->seq_wide;
    m->late = rx->encoding->rx.unwrap.newest > rx->raw_seq;
    return true;
}

static bool rx_forward(struct rx *rx)
{
    if (rx->encoding->history && !history_put(rx->encoding->history, &rx->m))
        return false; /* it came before: senders probe with old packets */
    forward_media(rx->encoding, &rx->m);
    return true;
}

static const struct stage {
    bool (*run)(struct rx *rx); /* false: the packet ends here */
    size_t counter;
} rx_stages[] = {
#define X(name, text) {rx_##name, offsetof(struct worker_counters, name)},
    RX_STAGES(X)
#undef X
};

static bool rx_rtp(struct endpoint *ep, struct pkt *pkt)
{
    struct rx rx = {.ep = ep, .pkt = pkt};
    for (size_t i = 0; i < COUNT(rx_stages); i++)
        if (!rx_stages[i].run(&rx)) {
            ++*(uint64_t *)((char *)ep->worker->counters + rx_stages[i].counter);
            return i > 1; /* past `open`: it was authentic */
        }
    return true;
}

static bool rx_rtcp(struct endpoint *ep, struct pkt *pkt)
{
    size_t len = pkt->len;
    uint64_t too_old = msrtp_stats(ep->srtp)->too_old;
    enum err err = msrtp_open_rtcp(ep->srtp, pkt->data, &len);
    if (err != E_OK) {
        demux_count(ep->worker->demux, drop_of_srtp(ep, err, too_old));
        return false;
    }
    ep->active_us = pkt->rx_us;
    ep->rx_packets++;
    ep->rx_bytes += len;
    rtcp_on_datagram(ep, bytes_of(pkt->data, len), pkt->rx_us);
    return true;
}

bool rx_path_srtp(struct endpoint *ep, struct pkt *pkt, bool rtcp)
{
    bool authentic = rtcp ? rx_rtcp(ep, pkt) : rx_rtp(ep, pkt);
    pkt_unref(pkt_freeze(pkt)); /* histories hold references of their own */
    return authentic;
}

struct worker_counters *rx_path_counters_new(void)
{
    struct worker_counters *counters = calloc(1, sizeof *counters);
    if (!counters)
        abort();
    return counters;
}

static void each_video_encoding(struct endpoint *ep, uint64_t now_us,
                                void (*visit)(struct endpoint *ep, struct encoding *encoding, uint64_t now_us))
{
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        for (uint8_t i = 0; source->kind == COLIBRI2_VIDEO && i < source->encoding_count; i++)
            visit(ep, &source->encodings[i], now_us);
    }
}

static void ask_again(struct endpoint *ep, struct encoding *encoding, uint64_t now_us)
{
    if (nack_deadline_us(encoding->nack) <= now_us)
        rtcp_send_nacks(ep, encoding, now_us);
    if (nack_deadline_us(encoding->nack) < ep->nack_timer.deadline_us)
        wheel_set(&ep->worker->wheel, &ep->nack_timer, nack_deadline_us(encoding->nack));
}

void rx_path_send_nacks(struct endpoint *ep, uint64_t now_us)
{
    each_video_encoding(ep, now_us, ask_again);
}

static void forget_old(struct endpoint *ep, struct encoding *encoding, uint64_t now_us)
{
    (void)ep;
    history_on_time(encoding->history, now_us);
}

void rx_path_on_time(struct endpoint *ep, uint64_t now_us)
{
    each_video_encoding(ep, now_us, forget_old);
}
