/* project_log.c - under which numbers frames go out (media.md 12.3, 12.4).
 *
 * The log holds the newest frames of the encodings that went out, in order, those withheld too. Numbers are handed out
 * along it: a frame's offset is that of the frame before it, less the packets of that frame if it was withheld. What is
 * missing between two logged frames keeps its numbers, unless it must belong to a withheld one. A late packet between
 * two frames is numbered by the later one's offset, and shares the fate that the codec reads from what the earlier one
 * noted; so nothing has to be remembered about frames that arrive late.
 *
 * Frames are told apart by timestamp and spatial layer: picture ids may be absent, so these are rewritten if present but
 * never needed. Not for: which frames go out. */
#include "media/project_kind.h"

enum { TS_STEP_MAX = 90000 * 1000 };

void project_log_init(struct project_log *log)
{
    log->at = log->count = log->run = 0;
}

static struct project_frame *frame_at(struct project_log *log, unsigned i) /* 0 is the oldest */
{
    return &log->frame[(log->at + i) % PROJECT_FRAMES];
}

static struct project_frame *newest_frame(struct project_log *log)
{
    return frame_at(log, log->count - 1u);
}

const struct project_frame *project_log_newest(const struct project_log *log)
{
    return &log->frame[(log->at + log->count - 1u) % PROJECT_FRAMES];
}

static struct project_frame *push_frame(struct project_log *log, const struct project_frame *frame)
{
    if (log->count == PROJECT_FRAMES)
        log->at = (log->at + 1) % PROJECT_FRAMES;
    else
        log->count++;
    *newest_frame(log) = *frame;
    return newest_frame(log);
}

struct project_frame project_frame_of(const struct project *p, const struct media_pkt *pkt,
                                      const struct project_unit *unit)
{
    return (struct project_frame){
        .lo = pkt->seq_wide,
        .hi = pkt->seq_wide,
        .ts = pkt->ts,
        .sid = unit->sid,
        .pictureid = unit->pictureid,
        .has_pictureid = unit->pictureid_at,
        .long_pictureid = unit->pictureid_long,
        .encoding = pkt->encoding,
        .run = p->log.run,
        .end_seen = unit->end,
        .picture_end = pkt->marker,
    };
}

bool project_frame_has(const struct project_frame *f, const struct media_pkt *pkt, const struct project_unit *unit)
{
    return f->ts == pkt->ts && f->sid == unit->sid;
}

bool project_frame_send(const struct project_frame *f, const struct media_pkt *pkt, const struct project_unit *unit,
                        struct project_out *out)
{
    out->seq = (uint16_t)(pkt->seq_wide + f->seq_delta);
    out->ts = pkt->ts + f->ts_delta;
    if (unit->pictureid_at) {
        out->edit.pictureid_at = unit->pictureid_at;
        out->edit.pictureid_len = unit->pictureid_long ? 2 : 1;
        out->edit.pictureid = (uint16_t)(unit->pictureid + f->pictureid_delta) & (unit->pictureid_long ? 0x7fff : 0x7f);
    }
    if (unit->tl0picidx_at) {
        out->edit.tl0picidx_at = unit->tl0picidx_at;
        out->edit.tl0picidx = (uint8_t)(unit->tl0picidx + f->tl0picidx_delta);
    }
    return true;
}

/* Picture id and TL0PICIDX go on from what went out last; the very first keep the source's values. */
static void continue_ids(const struct project *p, const struct project_unit *unit, struct project_frame *f)
{
    const struct project_head *head = &p->head;
    f->pictureid_delta = head->has_pictureid ? (uint16_t)(head->pictureid + 1 - unit->pictureid) : 0;
    f->tl0picidx_delta = head->has_tl0picidx ? (uint8_t)(head->tl0picidx + 1 - unit->tl0picidx) : 0;
}

bool project_log_start(struct project *p, const struct project_in *in, const struct project_unit *unit,
                       struct project_frame f, struct project_out *out)
{
    struct project_log *log = &p->log;
    for (unsigned i = 0; i < log->count; i++) {
        struct project_frame *old = frame_at(log, i);
        if (old->run == log->run)
            old->limit = p->head.seq;
    }
    f.run = ++log->run;
    f.seq_delta = (uint16_t)(project_next_seq(p) - in->pkt->seq_wide);
    f.ts_delta = project_next_ts(p, in) - in->pkt->ts;
    if (!unit->own_ids)
        continue_ids(p, unit, &f);
    f.sent = true;
    return project_frame_send(push_frame(log, &f), in->pkt, unit, out);
}

int project_pictureid_step(const struct project_frame *prev, const struct project_frame *f)
{
    if (!prev->has_pictureid || prev->long_pictureid != f->long_pictureid)
        return -1;
    int step = (f->pictureid - prev->pictureid) & (f->long_pictureid ? 0x7fff : 0x7f);
    int64_t packets = f->lo - prev->hi; /* each frame has at least one */
    return step <= packets ? step : -1;
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

bool project_log_append(struct project *p, const struct project_in *in, const struct project_unit *unit,
                        struct project_frame f, int step, bool adjacent, bool compact, struct project_out *out)
{
    struct project_frame *prev = newest_frame(&p->log);
    claim_gap(prev, &f, adjacent, unit->start);
    f.seq_delta = (uint16_t)(prev->seq_delta - (prev->sent ? 0 : prev->hi - prev->lo + 1));
    if (step >= 0 || !f.has_pictureid) {
        f.pictureid_delta = (uint16_t)(prev->pictureid_delta - (compact && !prev->sent));
        f.tl0picidx_delta = prev->tl0picidx_delta;
    } else {
        continue_ids(p, unit, &f);
    }
    int32_t ts_step = ts_diff(f.ts, prev->ts);
    f.ts_delta = ts_step >= 0 && ts_step <= TS_STEP_MAX ? prev->ts_delta : project_next_ts(p, in) - f.ts;
    struct project_frame *logged = push_frame(&p->log, &f);
    return logged->sent && project_frame_send(logged, in->pkt, unit, out);
}

bool project_log_part(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit,
                      struct project_out *out)
{
    struct project_frame *f = newest_frame(&p->log);
    f->lo = MIN(f->lo, pkt->seq_wide);
    f->hi = MAX(f->hi, pkt->seq_wide);
    f->end_seen |= unit->end;
    f->picture_end |= pkt->marker;
    return f->sent && project_frame_send(f, pkt, unit, out);
}

static bool follows(uint32_t ts, uint8_t sid, uint32_t other_ts, uint8_t other_sid)
{
    return ts == other_ts ? sid > other_sid : ts_newer(ts, other_ts);
}

struct project_place project_log_place(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit)
{
    struct project_log *log = &p->log;
    struct project_frame *f = NULL, *next = NULL; /* f begins at or before the packet, next after it */
    for (unsigned i = log->count; i-- > 0 && !f;) {
        struct project_frame *at = frame_at(log, i);
        if (at->encoding == pkt->encoding && at->lo <= pkt->seq_wide)
            f = at;
        else
            next = at;
    }
    if (!f)
        return (struct project_place){0};
    if (next && next->run != f->run)
        next = NULL;

    struct project_place place = {.before = f, .next = next};
    if (next && project_frame_has(next, pkt, unit)) { /* a packet of `next` before those we saw */
        if (pkt->seq_wide <= f->hi)
            return place;
        if (!next->sent && next == newest_frame(log))
            next->lo = pkt->seq_wide; /* nothing was numbered after it: its numbers can still close up */
        place.by = next;
    } else if (project_frame_has(f, pkt, unit)) {
        f->end_seen |= unit->end;
        f->picture_end |= pkt->marker;
        if (!next && f->run == log->run)
            f->hi = MAX(f->hi, pkt->seq_wide);
        place.by = f;
    } else if (next && pkt->seq_wide > f->hi && follows(pkt->ts, unit->sid, f->ts, f->sid) &&
               follows(next->ts, next->sid, pkt->ts, unit->sid)) { /* a whole frame that was missing */
        place.by = next;
        place.whole = true;
    }
    return place;
}

bool project_place_alone(const struct project_place *place, const struct media_pkt *pkt)
{
    return place->next->ts == pkt->ts && !place->next->sent;
}

bool project_log_late(struct project *p, const struct project_place *place, const struct media_pkt *pkt,
                      const struct project_unit *unit, struct project_out *out)
{
    project_frame_send(place->by, pkt, unit, out);
    return place->before->run == p->log.run || seq_diff(out->seq, place->before->limit) <= 0;
}
