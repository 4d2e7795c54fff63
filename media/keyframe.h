/* keyframe.h - when to ask the sender of one source for a key frame (RFC 4585 PLI, RFC 5104 FIR; media.md 6.4).
 *
 * Wishes come from projections (on every packet while they need one), from PLI and FIR of receivers, and from the bridge.
 * They are gathered and limited: one request per interval for the source. A receiver for whom max_requests key frames came
 * within window waits until patience after the last request. A wish is put off, never refused, so that nobody waits for
 * a first picture until a window of 10 s has passed, and a request that brought no key frame costs its receiver nothing.
 * A request without answer is repeated, slower each time; its wishes are answered by whatever key frame comes next. The
 * sender gets the time to answer: a round trip, and until its next picture is made. After the first key frame of an answer
 * those of the source's other encodings follow, so what is wished in that time is on its way.
 *
 * Rhythm:  keyframe_on_want() / keyframe_on_frame(); then, and at keyframe_deadline_us(), keyframe_poll(): true means
 *          send one now, as PLI or FIR for the PRIMARY SSRC of the source's encoding 0, whatever encoding is wanted.
 * Memory: embeddable, no allocation. Thread: one, the worker of the source. */
#ifndef MEDIA_KEYFRAME_H
#define MEDIA_KEYFRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/units.h"

enum {
    KEYFRAME_ASKERS = 16,      /* receivers whose limits are remembered; the one longest quiet is forgotten */
    KEYFRAME_REQUESTS_CAP = 4, /* most that max_requests may be */
    KEYFRAME_RETRIES = 6,      /* without anybody wishing anew */
    /* Until a camera at 15 a second has made its next picture, and from the first key frame of an answer to the last: */
    KEYFRAME_PICTURE_US = 100000,
};

struct keyframe_config { /* names and defaults: jmt.keyframe.* */
    uint64_t min_interval_us;
    uint64_t window_us;
    uint64_t patience_us;
    uint8_t max_requests;
};
extern const struct keyframe_config keyframe_defaults; /* 200 ms, 10 s, 2 s, 3 */

struct keyframe_asker {
    uint32_t receiver; /* 0: free */
    bool waiting;      /* its wish is gathered in due_us */
    bool asked;        /* a request went out for it, no key frame yet */
    uint8_t at;
    uint64_t want_us;                       /* last wish */
    uint64_t had_us[KEYFRAME_REQUESTS_CAP]; /* last key frames that came at its wish; 0: none */
};

struct keyframe {
    const struct keyframe_config *config;
    uint64_t interval_us; /* min(min_interval, RTT + 10 ms) */
    uint64_t answer_us;   /* from a request to its key frame, at most: RTT + KEYFRAME_PICTURE_US */
    uint64_t answered_us; /* the first key frame after the newest request; 0: none */
    uint64_t sent_us;     /* last request; 0: never */
    uint64_t due_us;      /* the next request for gathered wishes; NEVER_US: none */
    uint64_t retry_us;    /* repeat the last request then; NEVER_US: answered, or given up */
    uint32_t unanswered;  /* requests since the last key frame */
    uint8_t fir_seq;
    uint64_t sent_count;
    struct keyframe_asker askers[KEYFRAME_ASKERS];
};

void keyframe_init(struct keyframe *k, const struct keyframe_config *config); /* config outlives k */
void keyframe_on_rtt(struct keyframe *k, uint64_t rtt_us);                    /* to the sender */
/* receiver: any number but 0 that names the receiving endpoint; 0: the bridge itself, limited by min_interval only */
void keyframe_on_want(struct keyframe *k, uint32_t receiver, uint64_t now_us);
void keyframe_on_frame(struct keyframe *k, uint64_t now_us); /* the first packet of a key frame has come */
uint64_t keyframe_deadline_us(const struct keyframe *k);
/* true: send a request now; *fir_seq is its number should it be a FIR (a repetition keeps it). */
bool keyframe_poll(struct keyframe *k, uint64_t now_us, uint8_t *fir_seq);

#endif
