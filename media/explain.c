/* explain.c - see explain.h. */
#include "media/explain.h"

const char *explain_word(enum explain_reason reason)
{
    static const char *const words[EXPLAIN_REASONS] = {
        [EXPLAIN_BEST] = "best",
        [EXPLAIN_CONSTRAINT] = "constraint",
        [EXPLAIN_LAST_N] = "last-n",
        [EXPLAIN_CPU] = "cpu",
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
        if (in->layers[i].bitrate_bps > 0)
            best = &in->layers[i];
    return best;
}

static int height_going_out(const struct explain_in *in)
{
    int target = in->choice->target;
    if (target == LAYER_NONE || in->encoding < 0)
        return 0;
    bool there = layer_encoding(target) == in->encoding;
    const struct layer *layer = layer_by_index(in, there ? target : layer_index(in->encoding, 0, 0));
    return layer ? layer->height : 0;
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
        if (l->index > in->choice->target && (most < 0 || height <= most) && l->bitrate_bps == 0)
            return true;
    }
    return false;
}

/* From the wish to the wire: what comes first hides the rest. */
static enum explain_reason reason(const struct explain_in *in)
{
    const struct alloc_choice *c = in->choice;
    const struct layer *sent = best_sent(in);
    if (c->wanted_height == 0)
        return EXPLAIN_CONSTRAINT;
    if (!in->video_on)
        return EXPLAIN_NOT_SENDING;
    if (c->max_height == 0)
        return c->capped ? EXPLAIN_CPU : EXPLAIN_LAST_N;
    if (!sent)
        return EXPLAIN_NOT_SENDING;
    if (c->target == LAYER_NONE)
        return EXPLAIN_ESTIMATE;
    if (layer_encoding(c->target) != in->encoding || in->waits)
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
    return (struct explain){
        .reason = reason(in),
        .wanted_height = in->choice->wanted_height,
        .height = height_going_out(in),
        .target_height = target ? target->height : 0,
        .sent_height = sent ? sent->height : 0,
        .target_framerate = target ? target->framerate : 0,
        .target_bps = in->choice->target_bps,
    };
}
