/* explain.h - why a receiver gets what it gets of a source, and not the best there could be: one reason, the first that
 * would have to change.
 *
 * For: people who ask why a picture is small or missing. Not for: deciding anything. Pure; thread: any. */
#ifndef MEDIA_EXPLAIN_H
#define MEDIA_EXPLAIN_H

#include "media/alloc.h"

enum explain_reason {
    EXPLAIN_BEST,         /* there is no difference: it gets all that the source has */
    EXPLAIN_CONSTRAINT,   /* it asked for no more */
    EXPLAIN_LAST_N,       /* too late in the order for its last-n, or the table of SSRCs is full */
    EXPLAIN_CAP,          /* too late in the order for the cap that the bridge's settings put on everybody */
    EXPLAIN_NOT_SENDING,  /* the sender's video is off, or nothing of it arrives */
    EXPLAIN_SENDERS_LINK, /* the sender sends lower layers only, though more is wanted: its link or machine */
    EXPLAIN_ESTIMATE,     /* the receiver's link is estimated to carry no more */
    EXPLAIN_KEYFRAME,     /* the layer is chosen, and waits for a key frame */
    EXPLAIN_REASONS
};

struct explain_in {
    const struct alloc_choice *choice; /* of the last allocation */
    bool video_on;                     /* its type is neither none nor disabled */
    const struct layer *layers;        /* in order of index */
    size_t layer_count;
    int layer;  /* going out, its index: project_layer() */
    bool waits; /* project_wants_keyframe() */
};

struct explain {
    enum explain_reason reason;
    int wanted_height; /* -1 unlimited, 0 none */
    int height;        /* going out; 0: nothing */
    float framerate;
    int target_height; /* as allocated; 0: nothing */
    int sent_height;   /* of the best that arrives from the sender; 0: nothing */
    float target_framerate;
    int64_t target_bps;
};

struct explain explain_source(const struct explain_in *in);
const char *explain_word(enum explain_reason reason); /* "estimate", "last-n", ... */

#endif
