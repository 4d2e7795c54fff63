/* gcc_aimd.h - the rate that follows from growing or shrinking queues: additive or multiplicative increase, multiplicative
 * decrease (media.md 8.3; draft-ietf-rmcat-gcc-02 5.5). Part of gcc.h. */
#ifndef MEDIA_GCC_AIMD_H
#define MEDIA_GCC_AIMD_H

#include "media/gcc_delay.h"

struct gcc_aimd {
    uint64_t rate_bps, min_bps, max_bps;
    uint64_t rtt_us;
    uint64_t changed_us;
    uint64_t acked_bps;     /* the last one known */
    uint64_t decreased_bps; /* by how much the last decrease lowered the rate */
    bool increasing;        /* else holding */
    /* What arrives while the link is full is what it carries; kbit/s, 0: not known. */
    double capacity_kbps, deviation;
};

void gcc_aimd_init(struct gcc_aimd *a, uint64_t start_bps, uint64_t min_bps, uint64_t max_bps, uint64_t now_us);
/* acked_bps 0: not known. Call for each feedback. */
void gcc_aimd_on_usage(struct gcc_aimd *a, enum gcc_usage usage, uint64_t acked_bps, uint64_t now_us);
/* Something else than the delay has shown what the rate is: a probe, or feedback that stays away. */
void gcc_aimd_set(struct gcc_aimd *a, uint64_t rate_bps, uint64_t now_us);
uint64_t gcc_aimd_near_max_bps_per_s(const struct gcc_aimd *a); /* speed of increase when the link is nearly full */
uint64_t gcc_aimd_period_us(const struct gcc_aimd *a);          /* until the last decrease is made up for */

#endif
