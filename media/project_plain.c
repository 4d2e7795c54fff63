/* project_plain.c - projection of streams whose payload we do not look into: audio, and video of codecs that we do not know
 * (media.md 12.5). One encoding passes; numbers and timestamps move by a constant, chosen anew at each start. */
#include "media/project_kind.h"

enum { ASK_US = 500000 }; /* after starting in mid-stream, how long a key frame is asked for; later the receiver asks */

void project_plain_init(struct project_plain *l)
{
    *l = (struct project_plain){.current = -1};
}

/* Nothing tells where a key frame begins, so the start is anywhere; asking for one makes the picture whole. */
static void start(struct project *p, const struct project_in *in)
{
    struct project_plain *l = &p->u.plain;
    l->current = in->pkt->encoding;
    l->first = in->pkt->seq_wide;
    l->seq_delta = (uint16_t)(project_next_seq(p) - in->pkt->seq_wide);
    l->ts_delta = project_next_ts(p, in) - in->pkt->ts;
    l->started_us = in->now_us;
    l->need_keyframe = true;
}

bool project_plain_offer(struct project *p, const struct project_in *in, struct project_out *out)
{
    struct project_plain *l = &p->u.plain;
    int wanted = layer_encoding(p->target);
    if (in->pkt->encoding == wanted && l->current != wanted && in->ahead)
        start(p, in);
    if (in->pkt->encoding != l->current || in->pkt->seq_wide < l->first)
        return false;
    if (l->need_keyframe && (in->pkt->keyframe || in->now_us - l->started_us >= ASK_US))
        l->need_keyframe = false;
    out->seq = (uint16_t)(in->pkt->seq_wide + l->seq_delta);
    out->ts = in->pkt->ts + l->ts_delta;
    return true;
}
