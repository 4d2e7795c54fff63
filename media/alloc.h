/* alloc.h - which layer of which source one receiver gets (bridge-channel.md 8, media.md 13).
 *
 * alloc_wants holds what the receiver asked for; alloc_run() turns it, the sources in speaker order, their measured
 * layers and a budget into a target layer per source. The same input gives the same result, whatever was before, but for
 * one exception: with a reserve (steady.h) a place in the order gets more than it had only while that much stays free, and
 * with a hold it keeps for a while what it was given, as long as all that there was still fits, and waits for as long
 * before it gets back what was taken.
 * Then a picture changes less often than the budget; what is sent always fits the budget. Places are remembered, not
 * sources, so that whoever becomes more important gets what is due to the place at once; and when what the receiver wants
 * changes, all is forgotten. Not for: acting on the result; the caller compares with the last one through the flags of struct alloc.
 *
 * Run it when: what the receiver wants changed; the order of endpoints, the endpoints or a source changed; the budget
 * moved (alloc_budget_moved); layers_on_packet() reported a change; alloc_deadline_us() has passed (rates fade).
 * Owner:   names and layers are read during the call only; what alloc_run gives lives until the next run or free.
 * Thread:  one. Allocates when there are more sources than ever before: not for every packet. Rates: bits/s. */
#ifndef MEDIA_ALLOC_H
#define MEDIA_ALLOC_H

#include "media/layer.h"
#include "proto/bridge_msg.h"

#define ALLOC_UNLIMITED (INT64_MAX / 4) /* a budget without limit; some headroom is added to budgets */

enum { ALLOC_UNLIMITED_HEIGHT = -1, ALLOC_NO_LAST_N = -1 };

/* ---- the administrator's settings, videobridge.cc.* ---- */

struct alloc_policy {
    int initial_height; /* initial-max-height-px: before the first ReceiverVideoConstraints */
    int default_height; /* default-max-height-px: when the first has no default constraint */
    int stage_height;   /* onstage-preferred-height-px, -framerate */
    float stage_framerate;
    bool oversend; /* allow-oversend-onstage, max-oversend-bitrate */
    int64_t max_oversend_bps;
    uint64_t run_again_us; /* max-time-between-calculations */
};
extern const struct alloc_policy alloc_policy_default; /* 0, 180, 360, 30, true, 500000, 5 s */

/* ---- what a receiver asked for ---- */

struct alloc_wants;
struct alloc_wants *alloc_wants_new(const struct alloc_policy *policy); /* which outlives it */
void alloc_wants_free(struct alloc_wants *w);
/* ReceiverVideoConstraints: members present replace, absent ones stay. The first message without a default constraint
 * sets that to the policy's. True: something changed. */
bool alloc_wants_on_message(struct alloc_wants *w, const struct bridge_msg_receiver_video *msg);
bool alloc_wants_on_last_n(struct alloc_wants *w, int last_n);          /* LastNChangedEvent; True: changed */
bool alloc_wants_set_initial_last_n(struct alloc_wants *w, int last_n); /* from signalling; void after a message */
int alloc_wants_last_n(const struct alloc_wants *w);
int64_t alloc_wants_assumed_bps(const struct alloc_wants *w); /* -1: none */

/* ---- one run ---- */

struct alloc_source {
    const char *name;
    enum bridge_video_type type;
    const struct layer *layers; /* in order of index; from layers_describe() */
    size_t layer_count;         /* 0 to LAYERS_MAX */
    const void *key;            /* the caller's, compared to see whether a result changed */
};

struct alloc_limits {
    int64_t budget_bps;  /* ALLOC_UNLIMITED, or the estimate */
    int64_t reserve_bps; /* of it, to be left free by whoever gets more than before; 0: as the stock bridge */
    uint64_t
        hold_us; /* a place that went one way does not go the other before, unless it must; 0: as the stock bridge */
    int last_n;  /* the bridge's own: by load, by conference size; ALLOC_NO_LAST_N */
    int max_sources; /* cap of the SSRC table: SSRC_MAP_LIMIT */
};

struct alloc_choice {  /* one per source */
    size_t source;     /* index into the sources given */
    int wanted_height; /* as the receiver asked: -1 unlimited, 0 not wanted */
    int max_height;    /* the same with last-n: 0 also for what is off or comes too late in the order */
    bool capped;       /* too late by limits.last_n, which the bridge sets itself, not by a wish */
    int target;        /* layer index to send, LAYER_NONE: none */
    int ideal;         /* layer index that more budget would give, LAYER_NONE: none */
    int64_t target_bps, ideal_bps;
    bool on_stage;
    bool suspended; /* could be sent, but the budget does not reach */
};

struct alloc {
    const struct alloc_choice *choices; /* in order of priority */
    size_t count;
    const size_t *slots; /* indices of sources that deserve a video slot, most important first */
    size_t slot_count;
    bool oversending; /* the top source is sent although the budget does not reach */
    /* against the run before: */
    bool targets_changed;   /* set the targets of all projections, again */
    bool forwarded_changed; /* the set of names with a target: send ForwardedSources */
    bool raised, lowered;   /* by the budget alone: some place got more, or less */
    bool held_back;         /* but for the reserve, somebody would get more */
    bool heights_changed;   /* effective constraints: update demand.h of each source, then ssrc_map_want() */
};

struct alloc_runner;
struct alloc_runner *alloc_runner_new(const struct alloc_policy *policy); /* which outlives it */
void alloc_runner_free(struct alloc_runner *r);
/* sources: all video sources of all other endpoints, concatenated in speaker_order(), each endpoint's as signalled. */
const struct alloc *alloc_run(struct alloc_runner *r, const struct alloc_wants *wants,
                              const struct alloc_source *sources, size_t count, const struct alloc_limits *limits,
                              uint64_t now_us);
/* The last choice for a source, by its key; .source means nothing. False: it was not there. */
bool alloc_last(const struct alloc_runner *r, const void *key, struct alloc_choice *out);
uint64_t alloc_deadline_us(const struct alloc_runner *r); /* run_again_us after the last run; sooner if held back */

/* Whether a new estimate differs enough from the one last acted on (-1: none) to run again: by more than this share of it,
 * bwe-change-threshold. */
bool alloc_budget_moved(int64_t acted_on_bps, int64_t now_bps, double threshold);

#endif
