/* project_vp8.c - projection of VP8 simulcast: which frames go out (media.md 12.2). Encodings are project_pick.c's,
 * numbers project_log.c's. */
#include "media/project_kind.h"

enum { GAP_MAX = 1000 }; /* a key frame after a larger jump of sequence numbers starts over */

static struct project_unit unit_of(const struct media_pkt *pkt)
{
    return (struct project_unit){
        .pictureid = pkt->vp8.pictureid,
        .pictureid_at = pkt->vp8.pictureid_at,
        .pictureid_long = pkt->vp8.pictureid_long,
        .tl0picidx = pkt->vp8.tl0picidx,
        .tl0picidx_at = pkt->vp8.tl0picidx_at,
        .start = vp8_frame_start(&pkt->vp8),
        .end = pkt->marker,
    };
}

/* Temporal layers that go out from this frame on. Down at once; up only at a frame that needs nothing but layer 0
 * (RFC 7741 4.2, Y), one layer at a time, so that no frame refers to one that was withheld. */
static uint8_t tids_from(const struct project *p, const struct media_pkt *pkt, uint8_t before)
{
    int current = p->pick.current, wanted = layer_encoding(p->target);
    uint8_t limit = PROJECT_ALL_TIDS; /* waiting to go up: all there is */
    if (current > wanted)
        limit = 1; /* waiting to go down: as little as possible */
    else if (current == wanted)
        limit = project_tid_mask(p->target);
    if (pkt->vp8.keyframe)
        return limit;
    uint8_t tids = before & limit, bit = (uint8_t)(1u << pkt->vp8.tid);
    if (pkt->vp8.layer_sync && (limit & bit) && (tids & (bit - 1)) == bit - 1)
        tids |= bit;
    return tids;
}

static bool start_run(struct project *p, const struct project_in *in, const struct project_unit *unit,
                      struct project_out *out)
{
    p->pick.current = in->pkt->encoding;
    project_pick_alive(&p->pick, in->now_us);
    struct project_frame f = project_frame_of(p, in->pkt, unit);
    f.tids = tids_from(p, in->pkt, 0);
    return project_log_start(p, in, unit, f, out);
}

/* The first packet seen of a frame newer than all in the log, on the current encoding. */
static bool offer_new_frame(struct project *p, const struct project_in *in, const struct project_unit *unit,
                            struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    const struct project_frame *prev = project_log_newest(&p->log);
    if (pkt->vp8.keyframe && pkt->seq_wide - prev->hi > GAP_MAX)
        return start_run(p, in, unit, out);
    struct project_frame f = project_frame_of(p, pkt, unit);
    f.tids = tids_from(p, pkt, prev->tids);
    f.sent = f.tids >> pkt->vp8.tid & 1;
    int step = project_pictureid_step(prev, &f);
    if (step == 0)
        step = -1; /* another frame with the same id: the source jumped */
    return project_log_append(p, in, unit, f, step, step == 1, true, out);
}

static bool offer_late(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit,
                       struct project_out *out)
{
    struct project_place place = project_log_place(p, pkt, unit);
    if (!place.by || !(place.whole ? place.before->tids >> pkt->vp8.tid & 1 : place.by->sent))
        return false;
    return project_log_late(p, &place, pkt, unit, out);
}

bool project_vp8_offer(struct project *p, const struct project_in *in, struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    struct project_unit unit = unit_of(pkt);
    int wanted = layer_encoding(p->target);
    bool mine = pkt->encoding == p->pick.current;
    /* A key frame whose first packet is late cannot be started with: its other packets have been withheld. */
    if (pkt->vp8.keyframe && in->ahead) {
        if (!project_pick_keyframe(&p->pick, in, wanted) && !mine)
            return false;
        if (!mine)
            return start_run(p, in, &unit, out);
    }
    if (!mine) {
        project_pick_watch(&p->pick, in, wanted, unit.start);
        return !in->ahead && offer_late(p, pkt, &unit, out);
    }
    project_pick_alive(&p->pick, in->now_us);
    const struct project_frame *newest = project_log_newest(&p->log);
    if (project_frame_has(newest, pkt, &unit) && pkt->seq_wide >= newest->lo)
        return project_log_part(p, pkt, &unit, out);
    if (pkt->seq_wide > newest->hi)
        return offer_new_frame(p, in, &unit, out);
    return offer_late(p, pkt, &unit, out);
}
