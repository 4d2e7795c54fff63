/* Groups, trendline and detector; see gcc_delay.h. */
#include "media/gcc_delay.h"

#include <math.h>
#include <string.h>

#include "proto/units.h"

enum {
    GROUP_US = 5000, /* packets sent within this of the first one belong together */
    BURST_GAP_US = 5000,
    BURST_US = 100000,
    CLOCK_JUMP_US = 3000000,
    REORDERED_MAX = 3,
    SILENCE_US = 2000000,
    DELTAS_FULL = 60, /* the slope counts fully from so many on */
    DELTAS_MAX = 1000,
    OVER_MS = 10,
    ADAPT_US_MAX = 100000,
};
#define SMOOTHING     0.9
#define GAIN          4.0
#define THRESHOLD     12.5
#define THRESHOLD_MIN 6.0
#define THRESHOLD_MAX 600.0
#define ADAPT_MARGIN  15.0 /* a slope further off than this is an event, nothing to get used to */
#define ADAPT_UP      0.0087
#define ADAPT_DOWN    0.039

void gcc_delay_init(struct gcc_delay *d)
{
    memset(d, 0, sizeof *d);
    d->threshold = THRESHOLD;
    d->over_ms = -1;
}

/* ---- groups ---- */

static void forget_groups(struct gcc_delay *d)
{
    d->group.used = d->before.used = false;
    d->reordered = 0;
}

/* A burst: packets that some queue held up and let go at once arrive closer together than they were sent. */
static bool belongs(const struct gcc_delay_group *g, uint64_t sent_us, int64_t arrived_us)
{
    int64_t sent_gap_us = (int64_t)(sent_us - g->sent_us), arrival_gap_us = arrived_us - g->arrived_us;
    if (sent_gap_us == 0)
        return true;
    if (arrival_gap_us < sent_gap_us && arrival_gap_us <= BURST_GAP_US && arrived_us - g->first_arrived_us < BURST_US)
        return true;
    return sent_us - g->first_sent_us <= GROUP_US;
}

/* A group is complete: its distance from the one before. false: there is none, or it makes no sense. */
static bool distance(struct gcc_delay *d, double *sent_ms, double *arrived_ms)
{
    if (!d->before.used)
        return false;
    int64_t arrived_us = d->group.arrived_us - d->before.arrived_us;
    int64_t reported_us = (int64_t)(d->group.reported_us - d->before.reported_us);
    if (arrived_us - reported_us >= CLOCK_JUMP_US) {
        forget_groups(d);
        return false;
    }
    if (arrived_us < 0) {
        if (++d->reordered >= REORDERED_MAX)
            forget_groups(d);
        return false;
    }
    d->reordered = 0;
    *sent_ms = (double)(d->group.sent_us - d->before.sent_us) / US_PER_MS;
    *arrived_ms = (double)arrived_us / US_PER_MS;
    return true;
}

/* ---- detector ---- */

static void adapt(struct gcc_delay *d, double trend, int64_t arrived_us)
{
    int64_t dt_us = d->adapted ? arrived_us - d->adapted_us : 0;
    d->adapted = true;
    d->adapted_us = arrived_us;
    if (fabs(trend) > d->threshold + ADAPT_MARGIN || dt_us < 0)
        return;
    if (dt_us > ADAPT_US_MAX)
        dt_us = ADAPT_US_MAX;
    double speed = fabs(trend) < d->threshold ? ADAPT_DOWN : ADAPT_UP;
    d->threshold += speed * (fabs(trend) - d->threshold) * (double)dt_us / US_PER_MS;
    d->threshold = fmin(fmax(d->threshold, THRESHOLD_MIN), THRESHOLD_MAX);
}

static void detect(struct gcc_delay *d, double slope, double sent_ms, int64_t arrived_us)
{
    if (d->delta_count < 2) {
        d->usage = GCC_NORMAL;
        return;
    }
    double trend = fmin(d->delta_count, DELTAS_FULL) * slope * GAIN;
    if (trend > d->threshold) {
        d->over_ms = d->over_ms < 0 ? sent_ms / 2 : d->over_ms + sent_ms;
        d->over_count++;
        if (d->over_ms > OVER_MS && d->over_count > 1 && slope >= d->slope) {
            d->over_ms = 0;
            d->over_count = 0;
            d->usage = GCC_OVERUSE;
        }
    } else {
        d->over_ms = -1;
        d->over_count = 0;
        d->usage = trend < -d->threshold ? GCC_UNDERUSE : GCC_NORMAL;
    }
    d->slope = slope;
    adapt(d, trend, arrived_us);
}

/* ---- trendline ---- */

/* Slope of the line through the points, delay by time: (our rate - capacity) / capacity while a queue grows. */
static double fitted_slope(const struct gcc_delay *d)
{
    double mean_x = 0, mean_y = 0, above = 0, below = 0;
    for (unsigned i = 0; i < GCC_DELAY_POINTS; i++) {
        mean_x += d->points[i].at_ms / GCC_DELAY_POINTS;
        mean_y += d->points[i].delay_ms / GCC_DELAY_POINTS;
    }
    for (unsigned i = 0; i < GCC_DELAY_POINTS; i++) {
        double x = d->points[i].at_ms - mean_x;
        above += x * (d->points[i].delay_ms - mean_y);
        below += x * x;
    }
    return below > 0 ? above / below : d->slope;
}

static void on_delta(struct gcc_delay *d, double sent_ms, double arrived_ms, int64_t arrived_us)
{
    if (d->delta_count == 0)
        d->first_arrived_us = arrived_us;
    if (d->delta_count < DELTAS_MAX)
        d->delta_count++;
    d->delay_ms += arrived_ms - sent_ms;
    d->smoothed_ms = SMOOTHING * d->smoothed_ms + (1 - SMOOTHING) * d->delay_ms;
    d->points[d->next_point].at_ms = (double)(arrived_us - d->first_arrived_us) / US_PER_MS;
    d->points[d->next_point].delay_ms = d->smoothed_ms;
    d->next_point = (d->next_point + 1) % GCC_DELAY_POINTS;
    if (d->point_count < GCC_DELAY_POINTS)
        d->point_count++;
    detect(d, d->point_count == GCC_DELAY_POINTS ? fitted_slope(d) : d->slope, sent_ms, arrived_us);
}

void gcc_delay_on_packet(struct gcc_delay *d, uint64_t sent_us, int64_t arrived_us, uint64_t now_us)
{
    if (d->seen_us && now_us - d->seen_us > SILENCE_US)
        gcc_delay_init(d);
    d->seen_us = now_us;
    if (d->group.used && sent_us < d->group.first_sent_us)
        return; /* reordered */
    if (d->group.used && !belongs(&d->group, sent_us, arrived_us)) {
        double sent_ms, arrived_ms;
        if (distance(d, &sent_ms, &arrived_ms))
            on_delta(d, sent_ms, arrived_ms, arrived_us);
        d->before = d->group; /* unused if the groups were just forgotten */
        d->group.used = false;
    }
    if (!d->group.used)
        d->group = (struct gcc_delay_group){.used = true, .first_sent_us = sent_us, .first_arrived_us = arrived_us};
    if (sent_us > d->group.sent_us)
        d->group.sent_us = sent_us;
    d->group.arrived_us = arrived_us;
    d->group.reported_us = now_us;
}
