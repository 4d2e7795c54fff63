/* A ring of 20 ms buckets with a running sum; see rate.h. */
#include "media/rate.h"

#include <string.h>

enum { WINDOW_US = RATE_BUCKETS * RATE_BUCKET_US };

void rate_init(struct rate *rate)
{
    memset(rate, 0, sizeof *rate);
}

/* Empties the buckets that time has left behind. */
static void advance(struct rate *rate, uint64_t now_us)
{
    uint64_t now = now_us / RATE_BUCKET_US;
    if (now <= rate->newest)
        return;
    if (now - rate->newest >= RATE_BUCKETS) {
        memset(rate->bucket, 0, sizeof rate->bucket);
        rate->sum = 0;
    } else {
        for (uint64_t i = rate->newest + 1; i <= now; i++) {
            rate->sum -= rate->bucket[i % RATE_BUCKETS];
            rate->bucket[i % RATE_BUCKETS] = 0;
        }
    }
    rate->newest = now;
}

void rate_add(struct rate *rate, uint64_t now_us, uint32_t amount)
{
    advance(rate, now_us);
    if (rate->sum == 0)
        rate->first_us = now_us;
    rate->bucket[rate->newest % RATE_BUCKETS] += amount;
    rate->sum += amount;
}

uint64_t rate_sum(struct rate *rate, uint64_t now_us)
{
    advance(rate, now_us);
    return rate->sum;
}

uint64_t rate_per_s(struct rate *rate, uint64_t now_us)
{
    uint64_t sum = rate_sum(rate, now_us);
    uint64_t span_us = now_us > rate->first_us ? now_us - rate->first_us : 0;
    if (span_us < RATE_BUCKET_US)
        span_us = RATE_BUCKET_US;
    if (span_us > WINDOW_US)
        span_us = WINDOW_US;
    return sum * US_PER_S / span_us;
}
