/* steady.c - see steady.h. */
#include "media/steady.h"

#include "proto/bytes.h"

enum {
    SLICE_MS = 500,
    HOLD_MAX_S = 20,
    TREMBLE_PCT = 15, /* what an estimate may be off, either way */
    SPARE = 12,       /* one part in so many stays free for sources that tremble themselves */
};

void steady_init(struct steady *s)
{
    *s = (struct steady){.last_bps = -1, .hold_us = STEADY_HOLD_US};
}

static struct steady_slice *slice(struct steady *s)
{
    return &s->slice[s->number % STEADY_SLICES];
}

/* An estimate holds until the next one, so slices in which none came are filled with it. */
static void advance(struct steady *s, uint64_t now_us)
{
    uint64_t number = (now_us - s->first_us) / MS(SLICE_MS);
    if (number > s->number + STEADY_SLICES)
        s->number = number - STEADY_SLICES;
    while (s->number < number) {
        s->number++;
        *slice(s) = (struct steady_slice){s->last_bps, s->last_bps};
    }
}

void steady_on_estimate(struct steady *s, int64_t estimate_bps, uint64_t now_us)
{
    if (s->last_bps < 0) {
        s->first_us = now_us;
        *slice(s) = (struct steady_slice){estimate_bps, estimate_bps};
    }
    advance(s, now_us);
    s->last_bps = estimate_bps;
    slice(s)->least_bps = MIN(slice(s)->least_bps, estimate_bps);
    slice(s)->most_bps = MAX(slice(s)->most_bps, estimate_bps);
}

/* What the estimates of the last 5 s let expect of the next ones: their least, and less the more they tremble. */
static int64_t least_expected(const struct steady *s)
{
    if (s->number < STEADY_SLICES)
        return 0;
    int64_t least_bps = INT64_MAX, most_bps = 0;
    for (size_t i = 0; i < STEADY_SLICES; i++) {
        least_bps = MIN(least_bps, s->slice[i].least_bps);
        most_bps = MAX(most_bps, s->slice[i].most_bps);
    }
    return MAX(0, least_bps - (most_bps - least_bps) / 4);
}

int64_t steady_reserve(struct steady *s, int64_t budget_bps, uint64_t now_us)
{
    if (s->last_bps < 0)
        return 0;
    if (now_us < s->hold_until_us)
        return budget_bps;
    advance(s, now_us);
    int64_t at_worst_bps = budget_bps / (100 + TREMBLE_PCT) * (100 - TREMBLE_PCT);
    int64_t safe_bps = MIN(budget_bps, MAX(at_worst_bps, least_expected(s)));
    return budget_bps - safe_bps + safe_bps / SPARE;
}

void steady_on_alloc(struct steady *s, bool raised, bool lowered, uint64_t now_us)
{
    if (lowered) {
        bool too_early = s->raised_us && now_us - s->raised_us < STEADY_HOLD_US;
        s->hold_us = too_early ? MIN(2 * s->hold_us, SEC(HOLD_MAX_S)) : STEADY_HOLD_US;
        s->hold_until_us = now_us + s->hold_us;
    }
    if (raised)
        s->raised_us = now_us;
}
