/* Observations, the likelihood of candidates, and how far a result may move; see gcc_loss.h. */
#include "media/gcc_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OBSERVATION_US = 250000,
    OBSERVATIONS_READY = 3,
    HOLD_US = 300000, /* the first one; each further one twice as long */
    HOLD_US_MAX = 60000000,
    PADDING_US = 2000000,
    WINDOW_US = 300000,
    WINDOW_MIN_BPS = 5000,
    CANDIDATES_MAX = 5,
};
#define WEIGHT_STEP       0.9 /* of an observation, against the next newer one */
#define INHERENT_START    0.01
#define INHERENT_MIN      0.001
#define LOSS_OFFSET       0.05 /* loss beyond this limits the rate: */
#define LOSS_BALANCE_BPS  100000.0
#define NEWTON_STEP       0.75
#define BIAS_LINEAR       0.0002
#define BIAS_LOG          0.02
#define BIAS_LOSS         0.2 /* above this loss lower rates are preferred */
#define BIAS_SMOOTHING    0.002
#define OUTLIER_RATE      2.0
#define RAMP_UP           1.5 /* at most, of what arrives */
#define RAMP_UP_HELD      1.2
#define RAMP_UP_HELD_NEAR 1.3
#define WINDOW_GROWTH     1.3

void gcc_loss_init(struct gcc_loss *l, uint64_t min_bps, uint64_t max_bps)
{
    memset(l, 0, sizeof *l);
    l->min_bps = (double)min_bps;
    l->max_bps = l->upper_bps = (double)max_bps;
    l->inherent = INHERENT_START;
    l->hold_us = HOLD_US;
    l->blamed = 1;
    gcc_ambient_init(&l->ambient);
}

bool gcc_loss_ready(const struct gcc_loss *l)
{
    return l->best_bps > 0 && l->seen_count >= OBSERVATIONS_READY;
}

uint64_t gcc_loss_bps(const struct gcc_loss *l)
{
    return (uint64_t)l->result_bps;
}

/* ---- observations ---- */

void gcc_loss_on_packet(struct gcc_loss *l, const struct twcc_tx_result *packet)
{
    if (packet->was_lost) { /* counted before: it came late */
        l->now.lost_bytes -= packet->len_bytes < l->now.lost_bytes ? packet->len_bytes : l->now.lost_bytes;
        return;
    }
    if (!l->now.any || packet->sent_us < l->now.first_us)
        l->now.first_us = packet->sent_us;
    if (!l->now.any || packet->sent_us > l->now.last_us)
        l->now.last_us = packet->sent_us;
    l->now.any = true;
    l->now.size_bytes += packet->len_bytes;
    if (!packet->received)
        l->now.lost_bytes += packet->len_bytes;
}

static unsigned seen_count(const struct gcc_loss *l)
{
    return l->seen_count < GCC_LOSS_WINDOW ? l->seen_count : GCC_LOSS_WINDOW;
}

static const struct gcc_loss_seen *seen_at(const struct gcc_loss *l, unsigned age) /* 0: the newest */
{
    return &l->seen[(l->seen_count - 1 - age) % GCC_LOSS_WINDOW];
}

static double lost_kb(const struct gcc_loss *l, const struct gcc_loss_seen *seen)
{
    return l->blamed * seen->lost_kb;
}

static int by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_rate(const struct gcc_loss *l)
{
    double rates[GCC_LOSS_WINDOW];
    unsigned n = 0;
    for (unsigned i = 0; i < seen_count(l); i++)
        if (seen_at(l, i)->rate_bps > 0)
            rates[n++] = seen_at(l, i)->rate_bps;
    if (n == 0)
        return 0;
    qsort(rates, n, sizeof rates[0], by_rate);
    return n % 2 ? rates[n / 2] : (rates[n / 2 - 1] + rates[n / 2]) / 2;
}

/* The observations with most and with least loss do not count, as they may be accidents; unless most was lost when far
 * more than usual was sent, which then is the reason. */
static double average_loss(const struct gcc_loss *l)
{
    double size = 0, lost = 0, weight = 1, best_loss = 1, worst_loss = 0, worst_rate = 0;
    double outer_size = 0, outer_lost = 0, best[2] = {0}, worst[2] = {0};
    for (unsigned i = 0; i < seen_count(l); i++, weight *= WEIGHT_STEP) {
        const struct gcc_loss_seen *seen = seen_at(l, i);
        double loss = seen->size_kb > 0 ? seen->lost_kb / seen->size_kb : 0;
        size += weight * seen->size_kb;
        lost += weight * seen->lost_kb;
        if (loss > worst_loss) {
            worst_loss = loss;
            worst_rate = seen->rate_bps;
            worst[0] = weight * seen->size_kb;
            worst[1] = weight * seen->lost_kb;
        }
        if (loss < best_loss) {
            best_loss = loss;
            best[0] = weight * seen->size_kb;
            best[1] = weight * seen->lost_kb;
        }
    }
    outer_size = best[0] + worst[0];
    outer_lost = best[1] + worst[1];
    if (size <= 0)
        return 0;
    if (l->seen_count <= OBSERVATIONS_READY || median_rate(l) * OUTLIER_RATE <= worst_rate || size - outer_size < 1e-9)
        return lost / size;
    return fmax(lost - outer_lost, 0) / (size - outer_size);
}

/* What a full queue lost says nothing any more once the queue is empty: the delay has had its say by then, and what a
 * narrow link lost at many times its rate would keep the rate down for seconds. */
static void forget_queued(struct gcc_loss *l)
{
    for (unsigned i = 0; i < GCC_LOSS_WINDOW; i++)
        if (l->seen[i].queued)
            l->seen[i] = (struct gcc_loss_seen){0};
}

/* false: too little time for an observation. */
static bool observe(struct gcc_loss *l)
{
    if (!l->now.any)
        return false;
    if (l->last_us == 0)
        l->last_us = l->now.first_us;
    if (l->now.last_us < l->last_us + OBSERVATION_US)
        return false;
    double span_s = (double)(l->now.last_us - l->last_us) / US_PER_S;
    struct gcc_loss_seen seen = {(double)l->now.size_bytes / 1000, (double)l->now.lost_bytes / 1000,
                                 (double)l->now.size_bytes * 8 / span_s};
    seen.queued = l->now.queued;
    if (!seen.queued)
        forget_queued(l);
    l->seen[l->seen_count++ % GCC_LOSS_WINDOW] = seen;
    gcc_ambient_on_observation(&l->ambient, seen.size_kb, seen.lost_kb, seen.rate_bps, l->now.queued);
    l->last_us = l->now.last_us;
    memset(&l->now, 0, sizeof l->now);
    return true;
}

/* ---- likelihood ---- */

static double loss_probability(double inherent, double capacity_bps, double rate_bps)
{
    double p = inherent;
    if (rate_bps > capacity_bps)
        p += (1 - inherent) * (rate_bps - capacity_bps) / rate_bps;
    return fmin(fmax(p, 1e-6), 1 - 1e-6);
}

static double feasible_inherent(double inherent, double capacity_bps)
{
    double most = capacity_bps > 0 ? fmin(LOSS_OFFSET + LOSS_BALANCE_BPS / capacity_bps, 1) : 1;
    return fmin(fmax(inherent, INHERENT_MIN), most);
}

/* One step of Newton's method towards the inherent loss that makes what was seen most likely at this capacity. */
static double fitted_inherent(const struct gcc_loss *l, double inherent, double capacity_bps)
{
    double first = 0, second = 0, weight = 1;
    for (unsigned i = 0; i < seen_count(l); i++, weight *= WEIGHT_STEP) {
        const struct gcc_loss_seen *seen = seen_at(l, i);
        double p = loss_probability(inherent, capacity_bps, seen->rate_bps), lost = lost_kb(l, seen),
               got = seen->size_kb - lost;
        first += weight * (lost / p - got / (1 - p));
        second -= weight * (lost / (p * p) + got / ((1 - p) * (1 - p)));
    }
    if (second >= 0)
        second = -1e-6;
    return feasible_inherent(inherent - NEWTON_STEP * first / second, capacity_bps);
}

static double bias(const struct gcc_loss *l, double capacity_bps)
{
    double off = BIAS_LOSS - l->average, factor = off / (BIAS_SMOOTHING + fabs(off)), kbps = capacity_bps / 1000;
    return factor * BIAS_LINEAR * kbps + factor * BIAS_LOG * log(1 + kbps);
}

static double objective(const struct gcc_loss *l, double inherent, double capacity_bps)
{
    double sum = 0, weight = 1, preference = bias(l, capacity_bps);
    for (unsigned i = 0; i < seen_count(l); i++, weight *= WEIGHT_STEP) {
        const struct gcc_loss_seen *seen = seen_at(l, i);
        double p = loss_probability(inherent, capacity_bps, seen->rate_bps), lost = lost_kb(l, seen);
        sum += weight * (lost * log(p) + (seen->size_kb - lost) * log(1 - p));
        sum += weight * preference * seen->size_kb;
    }
    return sum;
}

static bool limited(const struct gcc_loss *l)
{
    return l->state != GCC_LOSS_FREE;
}

static bool padding_runs(const struct gcc_loss *l)
{
    return l->padding_since_us && l->padding_since_us + PADDING_US >= l->last_us;
}

static void choose(const struct gcc_loss *l, double delay_bps, bool alr, double *capacity_bps, double *inherent)
{
    double candidates[CANDIDATES_MAX] = {1.02 * l->best_bps, l->best_bps, 0.95 * l->best_bps};
    unsigned n = 3;
    if (l->acked_bps > 0 && (!alr || padding_runs(l)))
        candidates[n++] = l->acked_bps;
    if (delay_bps > l->best_bps)
        candidates[n++] = delay_bps;
    double cap_bps = limited(l) && l->window_since_us ? l->window_bps : l->max_bps;
    cap_bps = fmax(cap_bps, l->best_bps);

    double most = -INFINITY;
    for (unsigned i = 0; i < n; i++) {
        double bps = fmin(candidates[i], cap_bps);
        double loss = fitted_inherent(l, feasible_inherent(l->inherent, bps), bps);
        double value = objective(l, loss, bps);
        if (value > most || (value == most && bps > *capacity_bps)) {
            most = value;
            *capacity_bps = bps;
            *inherent = loss;
        }
    }
}

/* ---- bounds of movement ---- */

static bool grows(const struct gcc_loss *l, double from_bps, double to_bps)
{
    return limited(l) && (from_bps < to_bps || (from_bps == to_bps && l->state == GCC_LOSS_INCREASING));
}

static double slow_down(const struct gcc_loss *l, double bps)
{
    if (!limited(l))
        return bps;
    if (l->window_since_us && l->window_since_us + WINDOW_US > l->last_us && bps > l->window_bps)
        bps = l->window_bps;
    if (!grows(l, l->best_bps, bps) || l->acked_bps <= 0)
        return bps;
    double factor = l->hold_bps > 0 && l->acked_bps < RAMP_UP_HELD_NEAR * l->hold_bps ? RAMP_UP_HELD : RAMP_UP;
    bps = fmax(l->best_bps, fmin(bps, factor * l->acked_bps));
    if (l->state == GCC_LOSS_DECREASING && bps == l->best_bps)
        bps += 1; /* so that the state turns to increasing, which pads */
    return bps;
}

static void enter(struct gcc_loss *l, double bounded_bps, double delay_bps)
{
    bool below = bounded_bps < delay_bps && bounded_bps < l->max_bps;
    bool may_pad = l->state != GCC_LOSS_INCREASING || padding_runs(l) || l->padding_bps < bounded_bps;
    if (below && may_pad && grows(l, l->result_bps, bounded_bps)) {
        if (bounded_bps > l->padding_bps) {
            l->padding_bps = bounded_bps;
            l->padding_since_us = l->last_us;
        }
        l->state = GCC_LOSS_INCREASING;
        return;
    }
    l->padding_bps = 0;
    l->padding_since_us = 0;
    if (!below) {
        l->hold_until_us = 0;
        l->hold_us = HOLD_US;
        l->hold_bps = 0;
        l->state = GCC_LOSS_FREE;
        return;
    }
    if (l->state != GCC_LOSS_DECREASING) {
        l->hold_until_us = l->last_us + l->hold_us;
        l->hold_us = 2 * l->hold_us < HOLD_US_MAX ? 2 * l->hold_us : HOLD_US_MAX;
        l->hold_bps = bounded_bps;
    }
    l->state = GCC_LOSS_DECREASING;
}

static void renew_window(struct gcc_loss *l)
{
    if (!limited(l) || (l->window_since_us && l->window_since_us + WINDOW_US >= l->last_us))
        return;
    l->window_bps = fmax(WINDOW_MIN_BPS, WINDOW_GROWTH * l->best_bps);
    l->window_since_us = l->last_us;
}

void gcc_loss_update(struct gcc_loss *l, uint64_t delay_rate_bps, uint64_t acked_bps, bool alr, bool queued)
{
    double delay_bps = (double)delay_rate_bps;
    if (acked_bps)
        l->acked_bps = (double)acked_bps;
    l->now.queued |= queued;
    if (!observe(l))
        return;
    l->lost = average_loss(l);
    l->blamed = l->lost <= 0 ? 1 : l->ambient.loss < l->lost ? 1 - l->ambient.loss / l->lost : 0;
    l->average = l->blamed * l->lost;
    l->upper_bps = l->average > LOSS_OFFSET ? LOSS_BALANCE_BPS / (l->average - LOSS_OFFSET) : l->max_bps;
    l->lower_bps = fmax(l->acked_bps, l->min_bps);
    if (l->best_bps == 0)
        l->best_bps = l->result_bps = delay_bps;

    double candidate_bps = l->best_bps, inherent = l->inherent;
    choose(l, delay_bps, alr, &candidate_bps, &inherent);
    if (l->average > inherent && candidate_bps > l->best_bps)
        candidate_bps = l->best_bps; /* more is lost than that explains */
    candidate_bps = slow_down(l, candidate_bps);

    double bounded_bps = fmax(l->lower_bps, fmin(fmin(candidate_bps, l->upper_bps), delay_bps));
    if (bounded_bps < candidate_bps) {
        l->best_bps = bounded_bps;
        l->inherent = 0;
    } else {
        l->best_bps = fmax(candidate_bps, l->lower_bps);
        l->inherent = inherent;
    }
    if (l->state == GCC_LOSS_DECREASING && l->hold_until_us > l->last_us && bounded_bps < delay_bps) {
        l->hold_bps = fmax(l->hold_bps, l->lower_bps);
        l->result_bps = fmin(l->hold_bps, bounded_bps);
        return;
    }
    enter(l, bounded_bps, delay_bps);
    l->result_bps = bounded_bps;
    renew_window(l);
}
