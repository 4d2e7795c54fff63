/* explain.c - see explain.h. */
#include "media/explain.h"

const char *explain_word(enum explain_reason reason)
{
    static const char *const words[EXPLAIN_REASONS] = {
        [EXPLAIN_BEST] = "best",
        [EXPLAIN_CONSTRAINT] = "constraint",
        [EXPLAIN_LAST_N] = "last-n",
        [EXPLAIN_CAP] = "bridge's cap",
        [EXPLAIN_NOT_SENDING] = "not sending",
        [EXPLAIN_SENDERS_LINK] = "sender's link",
        [EXPLAIN_ESTIMATE] = "estimate",
        [EXPLAIN_KEYFRAME] = "key frame",
    };
    return words[reason];
}

static const struct layer *layer_by_index(const struct explain_in *in, int index)
{
    for (size_t i = 0; i < in->layer_count; i++)
        if (in->layers[i].index == index)
            return &in->layers[i];
    return NULL;
}

static const struct layer *best_sent(const struct explain_in *in)
{
    const struct layer *best = NULL;
    for (size_t i = 0; i < in->layer_count; i++)
        if (in->layers[i].sent)
            best = &in->layers[i];
    return best;
}

/* Better than what is chosen, wanted, and silent. The height of an encoding that was never seen is a guess, and too
 * high where the camera is small: encodings double, so the one that is sent tells better. */
static bool lacks_a_layer(const struct explain_in *in, const struct layer *sent)
{
    int most = in->choice->max_height;
    for (size_t i = 0; i < in->layer_count; i++) {
        const struct layer *l = &in->layers[i];
        int doublings = layer_encoding(l->index) - layer_encoding(sent->index);
        int height = doublings > 0 ? MIN(l->height, sent->height << doublings) : l->height;
        if (l->index > in->choice->target && (most < 0 || height <= most) && !l->sent)
            return true;
    }
    return false;
}

/* From the wish to the wire: what comes first hides the rest. */
static enum explain_reason reason(const struct explain_in *in)
{
    const struct alloc_choice *c = in->choice;
    const struct layer *sent = best_sent(in), *target = layer_by_index(in, c->target);
    if (c->wanted_height == 0)
        return EXPLAIN_CONSTRAINT;
    if (!in->video_on)
        return EXPLAIN_NOT_SENDING;
    if (c->max_height == 0)
        return c->capped ? EXPLAIN_CAP : EXPLAIN_LAST_N;
    if (!sent)
        return EXPLAIN_NOT_SENDING;
    if (c->target == LAYER_NONE)
        return EXPLAIN_ESTIMATE;
    if (target && !target->sent) /* announced alone */
        return EXPLAIN_SENDERS_LINK;
    if (layer_encoding(c->target) != layer_encoding(in->layer) || in->waits)
        return EXPLAIN_KEYFRAME;
    if (c->target < c->ideal)
        return EXPLAIN_ESTIMATE;
    if (c->target == in->layers[in->layer_count - 1].index)
        return EXPLAIN_BEST;
    return lacks_a_layer(in, sent) ? EXPLAIN_SENDERS_LINK : EXPLAIN_CONSTRAINT;
}

struct explain explain_source(const struct explain_in *in)
{
    const struct layer *target = layer_by_index(in, in->choice->target), *sent = best_sent(in);
    const struct layer *out = target ? layer_by_index(in, in->layer) : NULL;
    return (struct explain){
        .reason = reason(in),
        .wanted_height = in->choice->wanted_height,
        .height = out ? out->height : 0,
        .framerate = out ? out->framerate : 0,
        .target_height = target ? target->height : 0,
        .sent_height = sent ? sent->height : 0,
        .target_framerate = target ? target->framerate : 0,
        .target_bps = in->choice->target_bps,
    };
}
