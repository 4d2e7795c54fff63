/* A queue of clusters and a padding budget; see pace.h. */
#include "media/pace.h"

#include <string.h>

void pace_init(struct pace *p)
{
    memset(p, 0, sizeof *p);
}

static uint64_t bytes_in(uint64_t rate_bps, uint64_t us)
{
    return rate_bps * us / 8 / US_PER_S;
}

static void drop_first(struct pace *p)
{
    memmove(p->queue, p->queue + 1, --p->count * sizeof p->queue[0]);
}

void pace_add_probe(struct pace *p, uint8_t id, uint64_t rate_bps, uint64_t now_us)
{
    if (p->count == PACE_CLUSTERS)
        drop_first(p);
    p->queue[p->count++] = (struct pace_cluster){.rate_bps = rate_bps,
                                                 .requested_us = now_us,
                                                 .min_bytes = (uint32_t)bytes_in(rate_bps, PACE_PROBE_US),
                                                 .id = id};
}

void pace_set_padding(struct pace *p, uint64_t rate_bps, uint64_t now_us)
{
    if (rate_bps && !p->padding_bps) {
        p->padding_us = now_us + PACE_PADDING_US;
        p->owed_bytes = 0;
    }
    p->padding_bps = rate_bps;
}

/* When what was sent of the cluster is as much as its rate has allowed since it started. */
static uint64_t due_us(const struct pace_cluster *c)
{
    return c->started_us + (uint64_t)c->sent_bytes * 8 * US_PER_S / c->rate_bps;
}

uint8_t pace_on_sent(struct pace *p, size_t len_bytes, uint8_t purpose, uint64_t now_us)
{
    if (purpose == PACE_PADDING)
        p->owed_bytes -= (int64_t)len_bytes;
    struct pace_cluster *c = &p->queue[0];
    if (p->count == 0 || c->started_us == 0 || (purpose != PACE_MEDIA && purpose != c->id))
        return purpose;
    if (purpose == PACE_MEDIA && now_us > due_us(c) + PACE_LATE_US)
        return purpose; /* pace_poll() will drop it */
    purpose = c->id;
    c->sent_bytes += (uint32_t)len_bytes;
    c->sent_packets++;
    p->again_us = due_us(c);
    if (c->sent_bytes >= c->min_bytes && c->sent_packets >= PACE_PROBE_PACKETS)
        drop_first(p);
    return purpose;
}

static size_t poll_probe(struct pace *p, uint64_t now_us, uint8_t *purpose)
{
    while (p->count) {
        struct pace_cluster *c = &p->queue[0];
        if (c->started_us ? now_us > due_us(c) + PACE_LATE_US : now_us > c->requested_us + PACE_EXPIRE_US) {
            drop_first(p);
            continue;
        }
        if (now_us < p->again_us)
            return 0;
        if (c->started_us == 0)
            c->started_us = now_us;
        p->again_us = now_us + PACE_STEP_US; /* if nothing comes of it */
        *purpose = c->id;
        size_t len_bytes = bytes_in(c->rate_bps, PACE_STEP_US);
        return len_bytes > PACE_ORDER_MIN ? len_bytes : PACE_ORDER_MIN;
    }
    return 0;
}

static size_t poll_padding(struct pace *p, uint64_t now_us, uint8_t *purpose)
{
    if (!p->padding_bps || now_us < p->padding_us)
        return 0;
    uint64_t steps = (now_us - p->padding_us) / PACE_PADDING_US + 1, counted = steps < 3 ? steps : 3;
    int64_t most = (int64_t)bytes_in(p->padding_bps, 3 * PACE_PADDING_US);
    p->padding_us += steps * PACE_PADDING_US;
    p->owed_bytes += (int64_t)bytes_in(p->padding_bps, counted * PACE_PADDING_US);
    if (p->owed_bytes > most) /* what could not be sent does not pile up */
        p->owed_bytes = most;
    *purpose = PACE_PADDING;
    return p->owed_bytes > 0 ? (size_t)p->owed_bytes : 0;
}

size_t pace_poll(struct pace *p, uint64_t now_us, uint8_t *purpose)
{
    size_t len_bytes = poll_probe(p, now_us, purpose);
    return p->count ? len_bytes : poll_padding(p, now_us, purpose);
}

uint64_t pace_deadline_us(const struct pace *p)
{
    if (p->count)
        return p->again_us; /* also while a cluster waits to start: it is dropped then or begins */
    return p->padding_bps ? p->padding_us : NEVER_US;
}
