/* rate.h - sum of something over the last second, in buckets of 20 ms (media.md 10.4).
 *
 * Fixed size, embeddable, no allocation. Time may repeat but not run backwards by more than a bucket matters: late
 * amounts count in the newest bucket. Thread: one. */
#ifndef MEDIA_RATE_H
#define MEDIA_RATE_H

#include "proto/units.h"

enum { RATE_BUCKETS = 50, RATE_BUCKET_US = 20000 };

struct rate {
    uint64_t newest;   /* number of the newest bucket; meaningless while empty */
    uint64_t first_us; /* of the first amount since the window was last empty */
    uint64_t sum;
    uint32_t bucket[RATE_BUCKETS];
};

void rate_init(struct rate *rate);
void rate_add(struct rate *rate, uint64_t now_us, uint32_t amount);
uint64_t rate_sum(struct rate *rate, uint64_t now_us); /* over the window */
/* Per second: the sum divided by the time since the first amount, at least one bucket, at most the window. Add bytes and
 * multiply by 8 for bits per second. */
uint64_t rate_per_s(struct rate *rate, uint64_t now_us);

#endif
