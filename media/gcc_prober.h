/* gcc_prober.h - when to try more than the estimate, and how much (media.md 8.5). Part of gcc.h.
 *
 * At the start three and six times the start rate, then twice what succeeded, until a try fails; from then on when the
 * receiver could use more than the estimate: while less is sent than allowed, after a short dip, when what is wanted
 * grows, and, unlike the stock bridge, also while the estimate is used up, as otherwise a link that recovers is filled a
 * packet at a time. That only if queues have not grown for longer than they do over and over on a link that is full, as
 * whoever takes half as much again takes it from the others on it. Tries that fail become rarer. Never while queues
 * grow or loss limits. */
#ifndef MEDIA_GCC_PROBER_H
#define MEDIA_GCC_PROBER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/units.h"

enum gcc_room { GCC_ROOM_FREE, GCC_ROOM_LITTLE, GCC_ROOM_NONE }; /* LITTLE: growing while loss limits */
enum { GCC_PROBES_MAX = 4 };

struct gcc_prober {
    uint64_t start_bps, max_bps;
    uint64_t estimate_bps;
    enum gcc_room room;
    uint64_t ideal_bps; /* what the receiver could use; 0: not known */
    uint64_t known_bps; /* the most it was lately: measured rates come and go */
    enum { GCC_PROBER_IDLE, GCC_PROBER_WAITING, GCC_PROBER_DONE } state;
    uint64_t further_bps; /* a result above this is worth a further try; UINT64_MAX: none is */
    uint64_t tried_us;    /* the last probe */
    uint64_t wait_us;     /* until the next try while the estimate is used up */
    uint64_t busy_us;     /* when there was no room the last time */
    uint64_t rest_us;     /* so long there must have been room, for a try while the estimate is used up */
    bool full;            /* the estimate was used up at the last probe */
    bool alr;
    uint64_t alr_since_us, alr_ended_us;
    uint64_t dip_us, before_dip_bps, dip_tried_us;
    uint64_t pending[GCC_PROBES_MAX]; /* rates to probe */
    size_t pending_count;
};

void gcc_prober_init(struct gcc_prober *p, uint64_t start_bps, uint64_t max_bps, uint64_t now_us);
void gcc_prober_on_media(struct gcc_prober *p, uint64_t now_us); /* the first packet starts the first probes */
void gcc_prober_on_estimate(struct gcc_prober *p, uint64_t estimate_bps, enum gcc_room room, uint64_t now_us);
void gcc_prober_set_rest(struct gcc_prober *p, uint64_t rest_us); /* of tries while the estimate is used up */
void gcc_prober_on_alr(struct gcc_prober *p, bool alr, uint64_t now_us);
void gcc_prober_on_wants(struct gcc_prober *p, uint64_t ideal_bps, uint64_t now_us);
void gcc_prober_on_recovered(struct gcc_prober *p, uint64_t now_us); /* queues that had grown are empty again */
void gcc_prober_on_time(struct gcc_prober *p, uint64_t now_us);
bool gcc_prober_poll(struct gcc_prober *p, uint64_t *rate_bps); /* a probe to be sent */
uint64_t gcc_prober_deadline_us(const struct gcc_prober *p);

#endif
