/* speaker_dsi.c - see speaker_dsi.h. */
#include "media/speaker_dsi.h"

#include <math.h>

enum {
    LEVEL_UNIT = 10, /* levels per step of the immediate history: 127 / 13, rounded up */
    BACKGROUND = 10, /* a level counts if it is so far above the speaker's own minimum */
    BLOCK = 5,       /* immediates per medium */
    MEDIUMS = DSI_LEVELS / BLOCK,
    MEDIUM_THRESHOLD = 7,
    LONG_THRESHOLD = 4,
    LEAST_WINDOW = 750, /* levels, 15 s at 20 ms */
};

static void push(struct dsi *d, uint8_t level)
{
    memmove(d->level + 1, d->level, sizeof d->level - 1);
    d->level[0] = level;
}

static void learn_background(struct dsi *d, uint8_t level)
{
    if (level == 0)
        return;
    if (d->least == 0 || d->least > level) {
        d->least = level;
        d->next_least = 0;
        d->next_count = 0;
    } else if (d->next_least == 0) {
        d->next_least = level;
        d->next_count = 1;
    } else {
        d->next_least = MIN(d->next_least, level);
        if (++d->next_count >= LEAST_WINDOW) {
            d->least = (uint8_t)sqrt((double)d->least * d->next_least);
            d->next_least = 0;
            d->next_count = 0;
        }
    }
}

bool dsi_on_level(struct dsi *d, uint8_t level, uint64_t now_us)
{
    if (d->heard && now_us < d->level_us)
        return false;
    d->heard = true;
    d->level_us = now_us;
    level = MIN(level, DSI_LEVEL_MAX);
    push(d, level);
    learn_background(d, level);
    return true;
}

void dsi_fill(struct dsi *d, uint64_t start_us, uint64_t now_us)
{
    if (!d->heard || now_us < start_us)
        return;
    /* the first tick not yet looked at, and the first that finds the newest level older than a tick */
    uint64_t from_us = MAX(MAX(d->filled_us, start_us), d->level_us + DSI_TICK_US);
    uint64_t first = (from_us - start_us) / DSI_TICK_US + 1, last = (now_us - start_us) / DSI_TICK_US;
    for (uint64_t i = first; i <= last && i < first + DSI_LEVELS; i++)
        push(d, 0);
    d->filled_us = now_us;
}

/* The stock bridge adds in a signed byte: from a minimum of 118 on the sum is negative, and every level counts. */
static uint8_t above_background(const struct dsi *d, uint8_t level)
{
    return level < (int8_t)(uint8_t)(d->least + BACKGROUND) ? 0 : level;
}

uint8_t dsi_cooked(const struct dsi *d)
{
    return d->level[0] < d->least + BACKGROUND ? 0 : d->level[0];
}

struct dsi_score dsi_score(const struct dsi *d)
{
    unsigned medium[MEDIUMS] = {0}, lasting = 0;
    for (unsigned i = 0; i < DSI_LEVELS; i++)
        medium[i / BLOCK] += above_background(d, d->level[i]) / LEVEL_UNIT > MEDIUM_THRESHOLD;
    for (unsigned b = 0; b < MEDIUMS; b++)
        lasting += medium[b] > LONG_THRESHOLD;
    return (struct dsi_score){
        .immediate = dsi_immediate_score(above_background(d, d->level[0]) / LEVEL_UNIT),
        .medium = dsi_medium_score(medium[0]),
        .lasting = dsi_long_score(lasting),
    };
}

/* How much likelier v active entries out of n are in speech than in noise: a binomial with p = 1/2 against an
 * exponential with rate lambda. */
static double score(unsigned v, unsigned n, double lambda)
{
    double choose = lgamma(n + 1.0) - lgamma(v + 1.0) - lgamma(n - v + 1.0);
    return fmax(DSI_SCORE_MIN, choose + n * log(0.5) - log(lambda) + lambda * v);
}

double dsi_immediate_score(unsigned v)
{
    return score(v, 13, 0.78);
}
double dsi_medium_score(unsigned v)
{
    return score(v, 5, 24);
}
double dsi_long_score(unsigned v)
{
    return score(v, 10, 47);
}
