/* project.c - the part of a projection that no codec changes: what has gone out, and which rules apply. See project.h. */
#include "media/project_kind.h"

enum project_kind { KIND_NONE, KIND_PLAIN, KIND_VP8, KIND_VP9, KIND_DD, KIND_H26X };

enum {
    VIDEO_HZ = 90000,
    NTP_TRUST_US = 500000, /* how far senders' clocks may disagree with arrival before arrival wins */
};

static enum project_kind kind_of(const struct media_pkt *pkt)
{
    switch (pkt->codec) {
    case CODEC_VP8: return KIND_VP8;
    case CODEC_VP9: return KIND_VP9;
    case CODEC_H264:
    case CODEC_H265: return pkt->has_dd ? KIND_DD : KIND_H26X;
    default: return pkt->has_dd ? KIND_DD : KIND_PLAIN;
    }
}

/* Another codec needs a key frame even where the same rules apply. What goes without may mix (audio and its redundancy). */
static bool is_same(const struct project *p, enum project_kind kind, const struct media_pkt *pkt)
{
    return kind == p->kind && (pkt->codec == p->codec || (kind != KIND_DD && kind != KIND_H26X));
}

static void enter_kind(struct project *p, enum project_kind kind)
{
    p->kind = kind;
    project_pick_init(&p->pick);
    project_log_init(&p->log);
    if (kind == KIND_VP9)
        project_vp9_init(&p->u.vp9);
    else if (kind == KIND_DD)
        project_dd_init(&p->u.dd);
    else if (kind == KIND_H26X)
        project_h26x_init(&p->u.h26x);
    else if (kind == KIND_PLAIN)
        project_plain_init(&p->u.plain);
}

void project_init(struct project *p, uint32_t clock_hz, uint16_t first_seq, uint32_t first_ts)
{
    *p = (struct project){.clock_hz = clock_hz, .target = LAYER_NONE, .pick.current = -1};
    p->head.seq = (uint16_t)(first_seq - 1);
    p->head.ts = first_ts;
}

void project_set_target(struct project *p, int layer_index)
{
    p->target = layer_index;
    if (layer_index < 0)
        enter_kind(p, KIND_NONE); /* coming back is a start like the first */
    else if (layer_encoding(layer_index) == p->pick.current)
        p->pick.need_keyframe = false; /* what was asked for is no longer missing */
}

void project_restart(struct project *p)
{
    enter_kind(p, KIND_NONE);
    memset(p->encoding, 0, sizeof p->encoding);
    p->head.ntp_us = 0; /* another sender, another clock */
}

uint16_t project_next_seq(const struct project *p)
{
    return (uint16_t)(p->head.seq + 1 + (p->head.started && p->head.open));
}

/* media.md 12.4, finer: the stream goes on by as much time as passed between the two frames, by the sender's clock if
 * its reports tell, else by arrival. Always forward: at least 1 ms of video, 20 ms of audio. */
uint32_t project_next_ts(const struct project *p, const struct project_in *in)
{
    const struct project_head *head = &p->head;
    if (!head->started)
        return head->ts;
    uint64_t passed_us = in->now_us > head->arrival_us ? in->now_us - head->arrival_us : 0;
    if (head->ntp_us && in->pkt->ntp_us) {
        int64_t by_ntp = (int64_t)(in->pkt->ntp_us - head->ntp_us);
        int64_t off = by_ntp - (int64_t)passed_us;
        if (off > -NTP_TRUST_US && off < NTP_TRUST_US)
            passed_us = by_ntp > 0 ? (uint64_t)by_ntp : 0;
    }
    uint64_t least = p->clock_hz / (p->clock_hz == VIDEO_HZ ? 1000 : 50);
    return head->ts + (uint32_t)MAX(least, passed_us * p->clock_hz / US_PER_S);
}

/* True once per sequence number. Holds whatever the rules or a lying sender come up with, since sealing two packets
 * under one number would give away their contents. Numbers too old to tell count as used. */
static bool use_number(struct project *p, uint16_t seq)
{
    int ahead = p->head.started ? seq_diff(seq, p->head.seq) : 1;
    if (ahead <= -PROJECT_SENT_MAX)
        return false;
    if (ahead >= PROJECT_SENT_MAX)
        memset(p->sent, 0, sizeof p->sent);
    else
        for (int i = 1; i <= ahead; i++) {
            unsigned passed = (uint16_t)(p->head.seq + i) % PROJECT_SENT_MAX;
            p->sent[passed / 64] &= ~(1ull << passed % 64);
        }
    uint64_t bit = 1ull << seq % 64;
    uint64_t *word = &p->sent[seq % PROJECT_SENT_MAX / 64];
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

static void advance_head(struct project *p, const struct project_in *in, const struct project_out *out)
{
    struct project_head *head = &p->head;
    if (!head->started || out->ts != head->ts) {
        head->arrival_us = in->now_us;
        head->ntp_us = in->pkt->ntp_us;
        head->ts = out->ts;
    }
    head->started = true;
    head->seq = out->seq;
    head->open = p->clock_hz == VIDEO_HZ && !out->marker;
    if (out->edit.pictureid_at) {
        head->has_pictureid = true;
        head->pictureid = out->edit.pictureid;
    }
    if (out->edit.tl0picidx_at) {
        head->has_tl0picidx = true;
        head->tl0picidx = out->edit.tl0picidx;
    }
    if (out->edit.dd) {
        const struct dd_desc *dd = &in->pkt->dd;
        head->has_dd = true;
        head->dd_frame = (uint16_t)(dd->frame_number + out->edit.dd_frame_delta);
        if (dd->known)
            head->dd_template = (dd->offset + out->edit.dd_template_delta + dd->template_count) & (DD_TEMPLATES_MAX - 1);
    }
}

bool project_offer(struct project *p, const struct media_pkt *pkt, uint64_t now_us, struct project_out *out)
{
    if (pkt->encoding >= LAYER_ENCODINGS_MAX)
        return false;
    if (p->encoding[pkt->encoding].ssrc != pkt->ssrc) { /* first packet, or the encoding was signalled anew */
        if (p->encoding[pkt->encoding].newest && project_encoding(p) == pkt->encoding)
            enter_kind(p, KIND_NONE);
        p->encoding[pkt->encoding] = (struct project_seen){.ssrc = pkt->ssrc};
    }
    struct project_seen *seen = &p->encoding[pkt->encoding];
    bool newest = pkt->seq_wide > seen->newest;
    struct project_in in = {pkt, now_us, newest && !pkt->late};
    if (newest)
        seen->newest = pkt->seq_wide;
    if (in.ahead && !seen->watched)
        seen->watched = pkt->seq_wide;
    if (p->target < 0) {
        seen->missed = MAX(seen->missed, pkt->seq_wide);
        return false;
    }

    enum project_kind kind = kind_of(pkt);
    if (!is_same(p, kind, pkt)) {
        if (!in.ahead)
            return false; /* late, of a codec that is no longer used */
        enter_kind(p, kind);
        p->codec = pkt->codec;
    }
    *out = (struct project_out){.marker = pkt->marker};
    bool sent = kind == KIND_VP8    ? project_vp8_offer(p, &in, out)
                : kind == KIND_VP9  ? project_vp9_offer(p, &in, out)
                : kind == KIND_DD   ? project_dd_offer(p, &in, out)
                : kind == KIND_H26X ? project_h26x_offer(p, &in, out)
                                    : project_plain_offer(p, &in, out);
    if (!sent || !use_number(p, out->seq))
        return false;
    if (!p->head.started || seq_newer(out->seq, p->head.seq))
        advance_head(p, &in, out);
    return true;
}

bool project_wants_keyframe(const struct project *p)
{
    if (p->target < 0 || p->clock_hz != VIDEO_HZ)
        return false;
    switch (p->kind) {
    case KIND_VP8:
    case KIND_VP9:
    case KIND_DD:
    case KIND_H26X: return p->pick.need_keyframe || p->pick.current < 0;
    case KIND_PLAIN: return p->u.plain.need_keyframe;
    default: return true;
    }
}

int project_encoding(const struct project *p)
{
    switch (p->kind) {
    case KIND_VP8:
    case KIND_VP9:
    case KIND_DD:
    case KIND_H26X: return p->pick.current;
    case KIND_PLAIN: return p->u.plain.current;
    default: return -1;
    }
}

static int highest_tid(uint8_t tids)
{
    int tid = LAYER_TIDS - 1;
    while (tid > 0 && !(tids >> tid & 1))
        tid--;
    return tid;
}

int project_layer(const struct project *p)
{
    int encoding = project_encoding(p), sid = 0, tid = LAYER_TIDS - 1;
    if (encoding < 0)
        return LAYER_NONE;
    if (p->kind == KIND_VP8) {
        tid = highest_tid(project_log_newest(&p->log)->tids);
    } else if (p->kind == KIND_VP9) {
        sid = p->u.vp9.sid;
        tid = highest_tid(p->u.vp9.limit);
    } else if (p->kind == KIND_DD && p->u.dd.target >= 0) {
        sid = p->u.dd.targets.sid[p->u.dd.target];
        tid = p->u.dd.targets.tid[p->u.dd.target];
    }
    return layer_index(encoding, MIN(sid, LAYER_SIDS - 1), MIN(tid, LAYER_TIDS - 1));
}

bool project_map_ts(const struct project *p, unsigned encoding, uint32_t ts, uint32_t *out)
{
    if (project_encoding(p) != (int)encoding || !p->head.started)
        return false;
    *out = ts + (p->kind == KIND_PLAIN ? p->u.plain.ts_delta : project_log_newest(&p->log)->ts_delta);
    return true;
}

void project_apply(const struct tx_edit *edit, uint8_t *payload, size_t len)
{
    if (edit->pictureid_at && edit->pictureid_len == 2 && edit->pictureid_at + 2u <= len)
        put_u16(payload + edit->pictureid_at, (uint16_t)(0x8000 | edit->pictureid)); /* RFC 7741 4.2: M, 15 bits */
    else if (edit->pictureid_at && edit->pictureid_len == 1 && edit->pictureid_at < len)
        payload[edit->pictureid_at] = edit->pictureid & 0x7f;
    if (edit->tl0picidx_at && edit->tl0picidx_at < len)
        payload[edit->tl0picidx_at] = edit->tl0picidx;
}
