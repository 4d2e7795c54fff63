/* project_vp8.c - projection of VP8 simulcast: which frames go out, and under which numbers (media.md 12.2 to 12.4).
 *
 * The log holds the newest frames of the encodings that went out, in order, those withheld too. Numbers are handed out
 * along it: a frame's offset is that of the frame before it, less the packets of that frame if it was withheld. What is
 * missing between two logged frames keeps its numbers, unless it must belong to a withheld one. A late packet between
 * two frames is numbered by the later one's offset, and shares the fate that the earlier one's `tids` gives it; so
 * nothing has to be remembered about frames that arrive late.
 *
 * Frames are told apart by timestamp: stock senders leave out picture ids, so these are rewritten if present but never
 * needed. Of 12.2 it differs in one thing: a key frame of a lower encoding does not pull a stream down that is alive on
 * a better one. Senders key all encodings whenever anybody joins, and everybody else would see a low frame flash by. */
#include "media/project_kind.h"

enum {
    GROUP_US = 300000, /* key frames of one request's encodings arrive within this: "switch phase" */
    STALL_US = 500000, /* the current encoding is silent so long, */
    STALL_FRAMES = 10, /* while so many frames of lower ones came: it is not being sent any more */
    GAP_MAX = 1000,    /* a key frame after a larger jump of sequence numbers starts over */
    TS_STEP_MAX = 90000 * 1000,
    ALL_TIDS = 0xff,
};

static struct project_frame *frame_at(struct project_vp8 *v, unsigned i) /* 0 is the oldest */
{
    return &v->frame[(v->at + i) % PROJECT_FRAMES];
}
static struct project_frame *newest_frame(struct project_vp8 *v)
{
    return frame_at(v, v->count - 1u);
}

static struct project_frame *push_frame(struct project_vp8 *v, const struct project_frame *frame)
{
    if (v->count == PROJECT_FRAMES)
        v->at = (v->at + 1) % PROJECT_FRAMES;
    else
        v->count++;
    *newest_frame(v) = *frame;
    return newest_frame(v);
}

void project_vp8_init(struct project_vp8 *v)
{
    *v = (struct project_vp8){.current = -1};
}

/* ---- which frames (12.2) ---- */

static bool in_group(const struct project_vp8 *v, uint64_t now_us)
{
    return v->in_group && now_us - v->keyed_us < GROUP_US;
}

static bool stalled(const struct project_vp8 *v, uint64_t now_us)
{
    return v->lower_frames >= STALL_FRAMES && now_us - v->current_us >= STALL_US;
}

/* The first packet of a key frame: does the stream go on with encoding e? */
static bool take_keyframe(struct project_vp8 *v, int e, int wanted, uint64_t now_us)
{
    v->need_keyframe = false;
    if (in_group(v, now_us))
        return (v->current <= e && e <= wanted) || (e <= wanted && wanted < v->current);
    v->in_group = true;
    v->keyed_us = now_us;
    if (e < v->current && v->current <= wanted && !stalled(v, now_us))
        return false;
    return e <= wanted;
}

/* A packet of another encoding, not the start of a key frame: may tell that a switch is due. */
static void watch_other(struct project_vp8 *v, const struct project_in *in, int wanted)
{
    int e = in->pkt->encoding;
    if (e < v->current && vp8_frame_start(&in->pkt->vp8) && v->lower_frames < UINT8_MAX)
        v->lower_frames++;
    if (v->current < 0 || e > wanted || in_group(v, in->now_us))
        return;
    bool up = v->current < e;
    bool down = e < v->current && (v->current > wanted || stalled(v, in->now_us));
    if (up || down)
        v->need_keyframe = true;
}

/* Temporal layers that go out from this frame on. Down at once; up only at a frame that needs nothing but layer 0
 * (RFC 7741 4.2, Y), one layer at a time, so that no frame refers to one that was withheld. */
static uint8_t tids_from(const struct project *p, const struct media_pkt *pkt, uint8_t before)
{
    int current = p->u.vp8.current, wanted = layer_encoding(p->target);
    uint8_t limit = ALL_TIDS; /* waiting to go up: all there is */
    if (current > wanted)
        limit = 1; /* waiting to go down: as little as possible */
    else if (current == wanted && layer_tid(p->target) < LAYER_TIDS - 1)
        limit = (uint8_t)((2u << layer_tid(p->target)) - 1);
    if (pkt->vp8.keyframe)
        return limit;
    uint8_t tids = before & limit, bit = (uint8_t)(1u << pkt->vp8.tid);
    if (pkt->vp8.layer_sync && (limit & bit) && (tids & (bit - 1)) == bit - 1)
        tids |= bit;
    return tids;
}

/* ---- under which numbers (12.4) ---- */

static uint16_t pictureid_mask(const struct media_pkt *pkt)
{
    return pkt->vp8.pictureid_long ? 0x7fff : 0x7f;
}

static bool send_in(const struct project_frame *f, const struct media_pkt *pkt, struct project_out *out)
{
    out->seq = (uint16_t)(pkt->seq_wide + f->seq_delta);
    out->ts = pkt->ts + f->ts_delta;
    if (pkt->vp8.pictureid_at) {
        out->edit.pictureid_at = pkt->vp8.pictureid_at;
        out->edit.pictureid_len = pkt->vp8.pictureid_long ? 2 : 1;
        out->edit.pictureid = (uint16_t)(pkt->vp8.pictureid + f->pictureid_delta) & pictureid_mask(pkt);
    }
    if (pkt->vp8.tl0picidx_at) {
        out->edit.tl0picidx_at = pkt->vp8.tl0picidx_at;
        out->edit.tl0picidx = (uint8_t)(pkt->vp8.tl0picidx + f->tl0picidx_delta);
    }
    return true;
}

/* Picture id and TL0PICIDX go on from what went out last; the very first keep the source's values. */
static void continue_ids(const struct project *p, const struct media_pkt *pkt, struct project_frame *f)
{
    const struct project_head *head = &p->head;
    f->pictureid_delta = head->has_pictureid ? (uint16_t)(head->pictureid + 1 - pkt->vp8.pictureid) : 0;
    f->tl0picidx_delta = head->has_tl0picidx ? (uint8_t)(head->tl0picidx + 1 - pkt->vp8.tl0picidx) : 0;
}

static struct project_frame frame_of(const struct project *p, const struct media_pkt *pkt)
{
    return (struct project_frame){
        .lo = pkt->seq_wide,
        .hi = pkt->seq_wide,
        .ts = pkt->ts,
        .pictureid = pkt->vp8.pictureid,
        .has_pictureid = pkt->vp8.pictureid_at,
        .long_pictureid = pkt->vp8.pictureid_long,
        .encoding = pkt->encoding,
        .run = p->u.vp8.run,
        .end_seen = pkt->marker,
    };
}

/* The stream goes on with this key frame; nothing joins it to what was before but the numbers. */
static bool start_run(struct project *p, const struct project_in *in, struct project_out *out)
{
    struct project_vp8 *v = &p->u.vp8;
    for (unsigned i = 0; i < v->count; i++) {
        struct project_frame *old = frame_at(v, i);
        if (old->run == v->run)
            old->limit = p->head.seq;
    }
    v->run++;
    v->current = in->pkt->encoding;
    v->current_us = in->now_us;
    v->lower_frames = 0;
    struct project_frame f = frame_of(p, in->pkt);
    f.seq_delta = (uint16_t)(project_next_seq(p) - in->pkt->seq_wide);
    f.ts_delta = project_next_ts(p, in) - in->pkt->ts;
    continue_ids(p, in->pkt, &f);
    f.tids = tids_from(p, in->pkt, 0);
    f.sent = true;
    return send_in(push_frame(v, &f), in->pkt, out);
}

/* How many picture ids f is ahead of prev; 0: the source jumped, or has just begun with ids. */
static int pictureid_step(const struct project_frame *prev, const struct project_frame *f)
{
    if (!prev->has_pictureid || prev->long_pictureid != f->long_pictureid)
        return 0;
    int step = (f->pictureid - prev->pictureid) & (f->long_pictureid ? 0x7fff : 0x7f);
    int64_t packets = f->lo - prev->hi; /* each frame has at least one */
    return step <= packets ? step : 0;
}

/* Packets missing between prev and f that certainly belong to a withheld one of the two: their numbers close up too. */
static void claim_gap(struct project_frame *prev, struct project_frame *f, bool adjacent, bool start_seen)
{
    int64_t gap = f->lo - prev->hi - 1;
    if (gap == 0)
        return;
    if (adjacent && !prev->sent && (start_seen || !f->sent))
        prev->hi = f->lo - 1;
    else if (adjacent && !f->sent && prev->end_seen)
        f->lo = prev->hi + 1;
    else {
        if (!prev->sent && !prev->end_seen) {
            prev->hi++;
            gap--;
        }
        if (!f->sent && !start_seen && gap > 0)
            f->lo--;
    }
}

/* The first packet seen of a frame newer than all in the log, on the current encoding. */
static bool offer_new_frame(struct project *p, const struct project_in *in, struct project_out *out)
{
    struct project_vp8 *v = &p->u.vp8;
    const struct media_pkt *pkt = in->pkt;
    struct project_frame *prev = newest_frame(v);
    if (pkt->vp8.keyframe && pkt->seq_wide - prev->hi > GAP_MAX)
        return start_run(p, in, out);

    struct project_frame f = frame_of(p, pkt);
    f.tids = tids_from(p, pkt, prev->tids);
    f.sent = f.tids >> pkt->vp8.tid & 1;
    int step = f.has_pictureid ? pictureid_step(prev, &f) : 0;
    claim_gap(prev, &f, step == 1, vp8_frame_start(&pkt->vp8));
    f.seq_delta = (uint16_t)(prev->seq_delta - (prev->sent ? 0 : prev->hi - prev->lo + 1));
    if (step > 0 || !f.has_pictureid) {
        f.pictureid_delta = (uint16_t)(prev->pictureid_delta - !prev->sent);
        f.tl0picidx_delta = prev->tl0picidx_delta;
    } else {
        continue_ids(p, pkt, &f);
    }
    int32_t ts_step = ts_diff(pkt->ts, prev->ts);
    f.ts_delta = ts_step > 0 && ts_step <= TS_STEP_MAX ? prev->ts_delta : project_next_ts(p, in) - pkt->ts;
    struct project_frame *logged = push_frame(v, &f);
    return logged->sent && send_in(logged, pkt, out);
}

static bool offer_part(struct project_frame *f, const struct media_pkt *pkt, struct project_out *out)
{
    f->lo = MIN(f->lo, pkt->seq_wide);
    f->hi = MAX(f->hi, pkt->seq_wide);
    f->end_seen |= pkt->marker;
    return f->sent && send_in(f, pkt, out);
}

/* A packet that is not newer than the log: of a frame in it, or of one between two in it. */
static bool offer_late(struct project *p, const struct media_pkt *pkt, struct project_out *out)
{
    struct project_vp8 *v = &p->u.vp8;
    struct project_frame *f = NULL, *next = NULL; /* neighbours: f begins at or before the packet, next after it */
    for (unsigned i = v->count; i-- > 0 && !f;) {
        struct project_frame *at = frame_at(v, i);
        if (at->encoding == pkt->encoding && at->lo <= pkt->seq_wide)
            f = at;
        else
            next = at;
    }
    if (!f)
        return false;
    if (next && next->run != f->run)
        next = NULL;

    bool sent;
    if (next && next->ts == pkt->ts) { /* a packet of `next` before those we saw */
        if (pkt->seq_wide <= f->hi)
            return false;
        if (!next->sent && next == newest_frame(v))
            next->lo = pkt->seq_wide; /* nothing was numbered after it: its numbers can still close up */
        sent = next->sent && send_in(next, pkt, out);
    } else if (f->ts == pkt->ts) {
        f->end_seen |= pkt->marker;
        if (!next && f->run == v->run)
            f->hi = MAX(f->hi, pkt->seq_wide);
        sent = f->sent && send_in(f, pkt, out);
    } else { /* a whole frame that was missing */
        if (!next || pkt->seq_wide <= f->hi || !ts_newer(pkt->ts, f->ts) || !ts_newer(next->ts, pkt->ts))
            return false;
        sent = f->tids >> pkt->vp8.tid & 1 && send_in(next, pkt, out);
    }
    return sent && (f->run == v->run || seq_diff(out->seq, f->limit) <= 0);
}

bool project_vp8_offer(struct project *p, const struct project_in *in, struct project_out *out)
{
    struct project_vp8 *v = &p->u.vp8;
    const struct media_pkt *pkt = in->pkt;
    int wanted = layer_encoding(p->target);
    bool mine = pkt->encoding == v->current;
    /* A key frame whose first packet is late cannot be started with: its other packets have been withheld. */
    if (pkt->vp8.keyframe && in->ahead) {
        if (!take_keyframe(v, pkt->encoding, wanted, in->now_us) && !mine)
            return false;
        if (!mine)
            return start_run(p, in, out);
    }
    if (!mine) {
        watch_other(v, in, wanted);
        return !in->ahead && offer_late(p, pkt, out);
    }
    v->current_us = in->now_us;
    v->lower_frames = 0;
    struct project_frame *newest = newest_frame(v);
    if (pkt->ts == newest->ts && pkt->seq_wide >= newest->lo)
        return offer_part(newest, pkt, out);
    if (pkt->seq_wide > newest->hi)
        return offer_new_frame(p, in, out);
    return offer_late(p, pkt, out);
}
