/* project_h26x.c - projection of H.264 and H.265, single stream or simulcast: as VP8 without temporal layers (media.md
 * 11.3). Encodings are project_pick.c's, numbers project_log.c's.
 *
 * What begins a key frame is told by the first octets of the payload. Where they are encrypted end to end, no key frame is
 * ever seen; then, after asking in vain, the stream starts where any frame starts, and the receiver's own request for a key
 * frame makes the picture whole. */
#include "media/project_kind.h"

enum {
    GAP_MAX = 1000,     /* a key frame after a larger jump of sequence numbers starts over */
    BLIND_US = 1500000, /* frames of the wanted encoding come so long without a key frame: none will be told */
    PAUSE_US = 1000000, /* between two of them, not longer than this: a silent sender is no sign */
};

void project_h26x_init(struct project_h26x *h)
{
    *h = (struct project_h26x){0};
}

static struct project_unit unit_of(const struct media_pkt *pkt)
{
    return (struct project_unit){.start = pkt->frame_start, .end = pkt->marker};
}

static bool start_run(struct project *p, const struct project_in *in, const struct project_unit *unit,
                      struct project_out *out)
{
    p->pick.current = in->pkt->encoding;
    project_pick_alive(&p->pick, in->now_us);
    p->u.h26x.waiting = false;
    return project_log_start(p, in, unit, project_frame_of(p, in->pkt, unit), out);
}

/* The start of a frame of the wanted encoding, which does not go out: has a key frame been waited for in vain? */
static bool is_blind(struct project_h26x *h, uint64_t now_us)
{
    if (h->keyed)
        return false;
    if (!h->waiting || now_us - h->newest_us > PAUSE_US)
        h->waiting_us = now_us;
    h->waiting = true;
    h->newest_us = now_us;
    return now_us - h->waiting_us >= BLIND_US;
}

static bool offer_new_frame(struct project *p, const struct project_in *in, const struct project_unit *unit,
                            struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    const struct project_frame *prev = project_log_newest(&p->log);
    if (pkt->keyframe && unit->start && pkt->seq_wide - prev->hi > GAP_MAX)
        return start_run(p, in, unit, out);
    struct project_frame f = project_frame_of(p, pkt, unit);
    f.sent = true;
    return project_log_append(p, in, unit, f, 0, false, false, out);
}

static bool offer_late(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit,
                       struct project_out *out)
{
    struct project_place place = project_log_place(p, pkt, unit);
    return place.by && project_log_late(p, &place, pkt, unit, out);
}

bool project_h26x_offer(struct project *p, const struct project_in *in, struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    struct project_unit unit = unit_of(pkt);
    int wanted = layer_encoding(p->target);
    bool mine = pkt->encoding == p->pick.current;
    if (pkt->keyframe && unit.start && in->ahead) {
        p->u.h26x.keyed = true;
        if (!project_pick_keyframe(&p->pick, in, wanted) && !mine)
            return false;
        if (!mine)
            return start_run(p, in, &unit, out);
    }
    if (!mine) {
        project_pick_watch(&p->pick, in, wanted, unit.start);
        if (in->ahead && unit.start && pkt->encoding == wanted && is_blind(&p->u.h26x, in->now_us)) {
            p->pick.need_keyframe = false;
            return start_run(p, in, &unit, out);
        }
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
