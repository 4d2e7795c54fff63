/* When and how much to try; see gcc_prober.h. */
#include "media/gcc_prober.h"

#include <string.h>

enum {
    RESULT_US = 1000000,       /* so long a result is waited for */
    INTERVAL_US = 5000000,     /* between tries */
    QUICK_US = 1000000,        /* after one that succeeded while the estimate was used up */
    INTERVAL_US_MAX = 8000000, /* after tries that failed */
    QUIET_US = 2000000,        /* no try so soon after queues grew */
    DIP_US = 5000000,
    ALR_ENDED_US = 3000000,
};
#define FIRST_SCALE   3
#define SECOND_SCALE  6
#define FURTHER_SCALE 2
#define FULL_SCALE    1.5  /* while the estimate is used up: twice as much would be a queue of its own */
#define FURTHER       0.7  /* a result above this share of the probed rate: try further */
#define ENOUGH        0.75 /* an estimate above this share of what may be probed is good enough */
#define DIP           0.66
#define AFTER_DIP     0.85
#define UNCERTAINTY   0.05
#define UNSATURATED   0.9 /* above this one the link was not full, so that it may carry more */
#define LITTLE        1.5
#define WANTS_GREW    1.2

void gcc_prober_init(struct gcc_prober *p, uint64_t start_bps, uint64_t max_bps, uint64_t now_us)
{
    memset(p, 0, sizeof *p);
    p->start_bps = p->estimate_bps = start_bps;
    p->max_bps = max_bps;
    p->further_bps = UINT64_MAX;
    p->wait_us = INTERVAL_US;
    p->tried_us = p->dip_us = p->dip_tried_us = now_us;
}

/* Twice what can be used leaves room for bursts, and for a result a little below the rate probed. */
static uint64_t cap_bps(const struct gcc_prober *p)
{
    uint64_t cap = p->max_bps;
    if (p->ideal_bps && 2 * p->ideal_bps < cap)
        cap = 2 * p->ideal_bps;
    uint64_t little = (uint64_t)(LITTLE * (double)p->estimate_bps);
    return p->room == GCC_ROOM_LITTLE && little < cap ? little : cap;
}

/* further: the share of the rate that must be shown for a further try; 0: there is none. */
static void try(struct gcc_prober *p, uint64_t rate_bps, double further, uint64_t now_us)
{
    uint64_t cap = cap_bps(p);
    if (p->room == GCC_ROOM_NONE || p->pending_count == GCC_PROBES_MAX)
        return;
    if (rate_bps >= cap) {
        rate_bps = cap;
        further = 0;
    }
    p->pending[p->pending_count++] = rate_bps;
    p->tried_us = now_us;
    p->state = further > 0 ? GCC_PROBER_WAITING : GCC_PROBER_DONE;
    p->further_bps = further > 0 ? (uint64_t)(further * (double)rate_bps) : UINT64_MAX;
}

void gcc_prober_on_media(struct gcc_prober *p, uint64_t now_us)
{
    if (p->state != GCC_PROBER_IDLE)
        return;
    p->state = GCC_PROBER_DONE;
    if (p->estimate_bps >= cap_bps(p)) /* more could not be used */
        return;
    try(p, FIRST_SCALE * p->start_bps, FURTHER, now_us);
    if (p->state == GCC_PROBER_WAITING)
        try(p, SECOND_SCALE * p->start_bps, FURTHER, now_us);
}

void gcc_prober_on_estimate(struct gcc_prober *p, uint64_t estimate_bps, enum gcc_room room, uint64_t now_us)
{
    if ((double)estimate_bps < DIP * (double)p->estimate_bps) {
        p->dip_us = now_us;
        p->before_dip_bps = p->estimate_bps;
    }
    p->estimate_bps = estimate_bps;
    p->room = room;
    if (room == GCC_ROOM_NONE) {
        p->busy_us = now_us;
        if (p->wait_us < INTERVAL_US)
            p->wait_us = INTERVAL_US;
    }
    if (p->state != GCC_PROBER_WAITING || estimate_bps <= p->further_bps)
        return;
    if (!p->full) {
        try(p, FURTHER_SCALE * estimate_bps, FURTHER, now_us);
        return;
    }
    p->state = GCC_PROBER_DONE; /* a step at a time: others on the link must have the time to make room */
    p->wait_us = QUICK_US;
}

void gcc_prober_set_rest(struct gcc_prober *p, uint64_t rest_us)
{
    p->rest_us = rest_us;
}

void gcc_prober_on_alr(struct gcc_prober *p, bool alr, uint64_t now_us)
{
    if (alr && !p->alr)
        p->alr_since_us = now_us;
    if (!alr && p->alr)
        p->alr_ended_us = now_us;
    p->alr = alr;
}

/* Whether a higher estimate would be of use. */
static bool hungry(const struct gcc_prober *p)
{
    return p->ideal_bps && (double)p->estimate_bps < ENOUGH * (double)cap_bps(p);
}

void gcc_prober_on_wants(struct gcc_prober *p, uint64_t ideal_bps, uint64_t now_us)
{
    bool grew = p->known_bps && (double)ideal_bps > WANTS_GREW * (double)p->known_bps;
    p->ideal_bps = ideal_bps;
    if (ideal_bps > p->known_bps || ideal_bps < p->known_bps / 2)
        p->known_bps = ideal_bps;
    if (!grew || p->state != GCC_PROBER_DONE || p->estimate_bps >= ideal_bps || now_us - p->tried_us < RESULT_US)
        return;
    if (p->busy_us && now_us - p->busy_us < QUIET_US)
        return;
    uint64_t most = 2 * p->estimate_bps; /* a step at a time: further ones follow a success */
    try(p, ideal_bps < most ? ideal_bps : most, ideal_bps > most ? FURTHER : 0, now_us);
    if (2 * ideal_bps <= most)
        try(p, 2 * ideal_bps, 0, now_us);
}

void gcc_prober_on_recovered(struct gcc_prober *p, uint64_t now_us)
{
    bool limited = p->alr || (p->alr_ended_us && now_us - p->alr_ended_us < ALR_ENDED_US);
    uint64_t rate_bps = (uint64_t)(AFTER_DIP * (double)p->before_dip_bps);
    if (!limited || p->state != GCC_PROBER_DONE || now_us - p->dip_us >= DIP_US ||
        now_us - p->dip_tried_us <= INTERVAL_US)
        return;
    if ((1 - UNCERTAINTY) * (double)rate_bps <= (double)p->estimate_bps)
        return;
    p->dip_tried_us = now_us;
    try(p, rate_bps, 0, now_us);
}

/* ---- time ---- */

static uint64_t later(uint64_t a_us, uint64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

static uint64_t next_try_us(const struct gcc_prober *p)
{
    if (p->state != GCC_PROBER_DONE || !hungry(p))
        return NEVER_US;
    uint64_t rested_us = p->alr ? later(p->tried_us, p->alr_since_us) + INTERVAL_US : p->tried_us + p->wait_us;
    return later(rested_us, p->busy_us + (p->alr ? QUIET_US : later(QUIET_US, p->rest_us)));
}

void gcc_prober_on_time(struct gcc_prober *p, uint64_t now_us)
{
    if (p->state == GCC_PROBER_WAITING && now_us - p->tried_us > RESULT_US) {
        p->state = GCC_PROBER_DONE;
        p->further_bps = UINT64_MAX;
    }
    if (now_us < next_try_us(p))
        return;
    if (p->room == GCC_ROOM_NONE) { /* ask again when it may have become free */
        p->busy_us = now_us;
        return;
    }
    p->full = !p->alr;
    if (p->full)
        try(p, (uint64_t)(FULL_SCALE * (double)p->estimate_bps), UNSATURATED, now_us);
    else
        try(p, FURTHER_SCALE * p->estimate_bps, FURTHER, now_us);
    p->wait_us = INTERVAL_US_MAX; /* unless it succeeds */
}

bool gcc_prober_poll(struct gcc_prober *p, uint64_t *rate_bps)
{
    if (p->pending_count == 0)
        return false;
    *rate_bps = p->pending[0];
    memmove(p->pending, p->pending + 1, --p->pending_count * sizeof p->pending[0]);
    return true;
}

uint64_t gcc_prober_deadline_us(const struct gcc_prober *p)
{
    if (p->state == GCC_PROBER_WAITING)
        return p->tried_us + RESULT_US + 1;
    return next_try_us(p);
}
