/* Increase, hold, decrease, and what is known of the link's capacity; see gcc_aimd.h. */
#include "media/gcc_aimd.h"

#include <math.h>
#include <string.h>

#include "proto/units.h"

#define BETA           0.85
#define GROWTH         1.08 /* per second, while the capacity is not known */
#define NEAR_MAX_SHARE 0.01 /* per second at least, or a fast link takes minutes to make up for one decrease */
#define NEAR_MAX_GAIN  2
#define DEVIATION_MIN  0.4 /* 14 kbit/s at 500 */
#define DEVIATION_MAX  2.5
#define OVERUSE_WEIGHT 0.05
enum {
    RTT_DEFAULT_US = 200000,
    RESPONSE_US = 100000, /* that the detector takes, about */
    REDUCE_US_MIN = 10000,
    REDUCE_US_MAX = 200000,
    MARGIN_BPS = 10000, /* above 1.5 times what arrives */
    DRAIN_BPS = 5000,   /* below what arrives, so that the queue empties */
    GROWTH_MIN_BPS = 1000,
    NEAR_MAX_MIN_BPS = 4000,
    FRAMES_PER_S = 30,
    PACKET_BYTES = 1200,
};

void gcc_aimd_init(struct gcc_aimd *a, uint64_t start_bps, uint64_t min_bps, uint64_t max_bps, uint64_t now_us)
{
    memset(a, 0, sizeof *a);
    a->rate_bps = start_bps;
    a->min_bps = min_bps;
    a->max_bps = max_bps;
    a->rtt_us = RTT_DEFAULT_US;
    a->changed_us = now_us;
    a->deviation = DEVIATION_MIN;
}

static void set_rate(struct gcc_aimd *a, uint64_t rate_bps)
{
    a->rate_bps = rate_bps < a->min_bps ? a->min_bps : rate_bps > a->max_bps ? a->max_bps : rate_bps;
}

void gcc_aimd_set(struct gcc_aimd *a, uint64_t rate_bps, uint64_t now_us)
{
    set_rate(a, rate_bps);
    a->changed_us = now_us;
}

/* ---- capacity ---- */

static double spread_kbps(const struct gcc_aimd *a)
{
    return 3 * sqrt(a->deviation * a->capacity_kbps);
}

static void on_full_link(struct gcc_aimd *a, double sample_kbps)
{
    a->capacity_kbps =
        a->capacity_kbps > 0 ? a->capacity_kbps + OVERUSE_WEIGHT * (sample_kbps - a->capacity_kbps) : sample_kbps;
    double error_kbps = a->capacity_kbps - sample_kbps;
    double deviation = error_kbps * error_kbps / fmax(a->capacity_kbps, 1);
    a->deviation =
        fmin(fmax((1 - OVERUSE_WEIGHT) * a->deviation + OVERUSE_WEIGHT * deviation, DEVIATION_MIN), DEVIATION_MAX);
}

/* ---- rate ---- */

uint64_t gcc_aimd_near_max_bps_per_s(const struct gcc_aimd *a)
{
    double frame_bits = (double)a->rate_bps / FRAMES_PER_S;
    double packet_bits = frame_bits / ceil(frame_bits / (PACKET_BYTES * 8));
    double bps = packet_bits * US_PER_S / (2 * ((double)a->rtt_us + RESPONSE_US));
    return (uint64_t)(fmax(bps, NEAR_MAX_MIN_BPS) + 0.5);
}

uint64_t gcc_aimd_period_us(const struct gcc_aimd *a)
{
    if (a->decreased_bps == 0)
        return SEC(3);
    uint64_t us = a->decreased_bps * US_PER_S / gcc_aimd_near_max_bps_per_s(a);
    return us < SEC(2) ? SEC(2) : us > SEC(50) ? SEC(50) : us;
}

/* Those who share a link become equal as all grow by the same and decrease by a share. So growth is about a packet per
 * response time for everybody, twice libwebrtc's, or it would take minutes. */
static double growth_near_max_bps_per_s(const struct gcc_aimd *a)
{
    return fmax(NEAR_MAX_GAIN * (double)gcc_aimd_near_max_bps_per_s(a), NEAR_MAX_SHARE * (double)a->rate_bps);
}

static void increase(struct gcc_aimd *a, uint64_t now_us)
{
    double dt_s = (double)(now_us - a->changed_us) / US_PER_S;
    if (a->capacity_kbps > 0 && (double)a->acked_bps / 1000 > a->capacity_kbps + spread_kbps(a))
        a->capacity_kbps = 0; /* more arrives than was thought possible */
    double limit_bps = 1.5 * (double)a->acked_bps + MARGIN_BPS, rate_bps = (double)a->rate_bps;
    a->changed_us = now_us;
    if (rate_bps >= limit_bps)
        return; /* a probe may have shown more than is being sent; that stays true */
    if (a->capacity_kbps > 0)
        rate_bps += growth_near_max_bps_per_s(a) * dt_s;
    else
        rate_bps += fmax(rate_bps * (pow(GROWTH, fmin(dt_s, 1)) - 1), GROWTH_MIN_BPS);
    set_rate(a, (uint64_t)fmin(rate_bps, limit_bps));
}

static void decrease(struct gcc_aimd *a, uint64_t now_us)
{
    double acked_kbps = (double)a->acked_bps / 1000, before_bps = (double)a->rate_bps;
    double rate_bps = BETA * (double)a->acked_bps;
    if (rate_bps > DRAIN_BPS)
        rate_bps -= DRAIN_BPS;
    if (rate_bps > before_bps && a->capacity_kbps > 0)
        rate_bps = BETA * a->capacity_kbps * 1000;
    if (rate_bps < before_bps)
        set_rate(a, (uint64_t)(rate_bps + 0.5));
    a->decreased_bps = (uint64_t)before_bps - a->rate_bps;
    if (acked_kbps < a->capacity_kbps - spread_kbps(a))
        a->capacity_kbps = 0;
    on_full_link(a, acked_kbps);
    a->increasing = false; /* until the queues are empty */
    a->changed_us = now_us;
}

/* Whether another decrease may follow the last change: its effect must have had the time to show. */
static bool may_reduce(const struct gcc_aimd *a, uint64_t acked_bps, uint64_t now_us)
{
    uint64_t wait_us = a->rtt_us < REDUCE_US_MIN   ? REDUCE_US_MIN
                       : a->rtt_us > REDUCE_US_MAX ? REDUCE_US_MAX
                                                   : a->rtt_us;
    return now_us - a->changed_us >= wait_us || acked_bps < a->rate_bps / 2;
}

void gcc_aimd_on_usage(struct gcc_aimd *a, enum gcc_usage usage, uint64_t acked_bps, uint64_t now_us)
{
    if (acked_bps)
        a->acked_bps = acked_bps;
    switch (usage) {
    case GCC_OVERUSE:
        if (acked_bps && may_reduce(a, acked_bps, now_us))
            decrease(a, now_us);
        else if (!acked_bps && may_reduce(a, a->rate_bps / 2, now_us)) /* blind: halve */
            gcc_aimd_set(a, a->rate_bps / 2, now_us);
        break;
    case GCC_UNDERUSE: a->increasing = false; break; /* a queue empties: wait for it */
    case GCC_NORMAL:
        if (!a->increasing)
            a->changed_us = now_us;
        a->increasing = true;
        increase(a, now_us);
        break;
    }
}
