/* A ring by widened sequence number. Occupied slots lie in (newest - capacity, newest]; see history.h. */
#include "media/history.h"

#include <assert.h>
#include <stdlib.h>

#include "media/media_pkt.h"

struct history {
    size_t mask, count;
    uint64_t max_age_us;
    int64_t oldest, newest;  /* no occupied slot is outside; newest 0: empty since the start */
    struct media_pkt ring[]; /* pkt NULL: free */
};

static struct media_pkt *slot(struct history *h, int64_t seq_wide)
{
    return &h->ring[(size_t)seq_wide & h->mask];
}

struct history *history_new(size_t capacity, uint64_t max_age_us)
{
    assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
    struct history *h = calloc(1, sizeof *h + capacity * sizeof h->ring[0]);
    if (!h)
        abort();
    h->mask = capacity - 1;
    h->max_age_us = max_age_us;
    return h;
}

static void release(struct history *h, struct media_pkt *m)
{
    if (!m->pkt)
        return;
    pkt_unref(m->pkt);
    m->pkt = NULL;
    h->count--;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    for (size_t i = 0; i <= h->mask; i++)
        release(h, &h->ring[i]);
    free(h);
}

/* Makes seq_wide the newest and lets go of what falls out of the ring behind it. */
static void move_forward(struct history *h, int64_t seq_wide)
{
    int64_t capacity = (int64_t)h->mask + 1;
    int64_t out_to = MIN(seq_wide - capacity, h->newest);
    for (int64_t n = MAX(h->oldest, h->newest - capacity + 1); n <= out_to; n++)
        release(h, slot(h, n));
    h->oldest = MAX(h->oldest, seq_wide - capacity + 1);
    h->newest = seq_wide;
}

bool history_put(struct history *h, const struct media_pkt *m)
{
    int64_t seq_wide = m->seq_wide;
    if (h->count == 0)
        h->oldest = h->newest = seq_wide;
    else if (seq_wide > h->newest)
        move_forward(h, seq_wide);
    else if (h->newest - seq_wide > (int64_t)h->mask || slot(h, seq_wide)->pkt)
        return false;
    struct media_pkt *to = slot(h, seq_wide);
    *to = *m;
    pkt_ref(m->pkt);
    h->count++;
    h->oldest = MIN(h->oldest, seq_wide);
    return true;
}

const struct media_pkt *history_get(const struct history *h, int64_t seq_wide)
{
    const struct media_pkt *m = &h->ring[(size_t)seq_wide & h->mask];
    return m->pkt && m->seq_wide == seq_wide ? m : NULL;
}

void history_on_time(struct history *h, uint64_t now_us)
{
    for (; h->count > 0; h->oldest++) {
        struct media_pkt *m = slot(h, h->oldest);
        if (m->pkt && m->rx_us + h->max_age_us > now_us)
            return;
        release(h, m);
    }
}

uint64_t history_deadline_us(const struct history *h)
{
    if (h->count == 0)
        return NEVER_US;
    int64_t n = h->oldest;
    while (!history_get(h, n))
        n++;
    return history_get(h, n)->rx_us + h->max_age_us;
}

size_t history_count(const struct history *h)
{
    return h->count;
}

int64_t history_newest(const struct history *h)
{
    return h->count > 0 ? h->newest : 0;
}
