/* steady.h - how much of an estimate may be used for more than before, so that pictures do not flap.
 *
 * An estimate trembles: of one and the same link, one moment it says 15 % too much and the next 15 % too little. Whoever
 * follows it gives a layer and takes it back, again and again. So less must be seen to give more than to keep what is
 * there: alloc.c serves what each place had up to the estimate, and goes beyond that only while a reserve stays free.
 * The reserve is as small as is safe:
 *   - what would fit if the estimate were 15 % too high now and 15 % too low soon is given at once;
 *   - the rest when the lowest estimates of 5 s allow for it, with less to spare the less they tremble;
 *   - nothing within 5 s of taking something away, and longer when what was given had to be taken back soon;
 *   - the stage's lowest layer at any time, as a picture that flaps is better there than none.
 * And a place that went one way does not turn round within 5 s while all that there was still fits (alloc.h, hold_us).
 * On a link that recovers most therefore comes at once and the last within 6 s.
 *
 * The switch is native.steady-layers, on by default. No client can tell it from a link that is itself steadier: messages, their
 * order and what is sent first are the same, what is sent never exceeds the estimate, wishes and speakers are
 * served at once, and without a limit by bandwidth nothing differs at all.
 *
 * Rhythm:  steady_on_estimate() for each estimate; steady_reserve() before an allocation, its result to
 *          steady_on_alloc().
 * Memory:  embeddable, no allocation. Thread: one. Rates: bits/s. */
#ifndef MEDIA_STEADY_H
#define MEDIA_STEADY_H

#include <stdbool.h>

#include "proto/units.h"

enum { STEADY_SLICES = 10 };
#define STEADY_HOLD_US SEC(5) /* whoever looks calls a change that is undone within this time a flap */

struct steady {
    struct steady_slice {
        int64_t least_bps, most_bps;
    } slice[STEADY_SLICES];    /* ring, half a second each */
    uint64_t first_us, number; /* of the newest slice, counted from when the first estimate came */
    int64_t last_bps;          /* -1: none yet */
    uint64_t raised_us, hold_us, hold_until_us;
};

void steady_init(struct steady *s);
void steady_on_estimate(struct steady *s, int64_t estimate_bps, uint64_t now_us);
/* Of the budget, which is the newest estimate or less: what must stay free when anybody gets more than before. */
int64_t steady_reserve(struct steady *s, int64_t budget_bps, uint64_t now_us);
void steady_on_alloc(struct steady *s, bool raised, bool lowered, uint64_t now_us);

#endif
