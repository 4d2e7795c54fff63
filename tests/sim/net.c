/* net.c - see net.h. */
#include "sim/net.h"

#include "proto/bytes.h"
#include "proto/units.h"

void net_init(struct net_link *link, const struct net_config *config, struct rng rng)
{
    *link = (struct net_link){.config = *config, .rng = rng};
}

static uint64_t rate_now(struct net_link *link, uint64_t now_us)
{
    const struct net_config *c = &link->config;
    if (!c->cross_bps)
        return c->bps;
    while (now_us >= link->cross_flip_us) {
        link->cross_on = !link->cross_on;
        link->cross_flip_us += rng_between(&link->rng, MS(300), SEC(4));
    }
    uint64_t least = c->bps / 10;
    return !link->cross_on ? c->bps : c->bps > c->cross_bps + least ? c->bps - c->cross_bps : least;
}

static bool is_lost(struct net_link *link, uint64_t now_us)
{
    const struct net_config *c = &link->config;
    if (now_us < link->outage_until_us)
        return true;
    if (now_us >= link->bad_until_us && rng_chance(&link->rng, c->burst_ppm))
        link->bad_until_us = now_us + rng_between(&link->rng, 1, c->burst_us);
    return rng_chance(&link->rng, now_us < link->bad_until_us ? 500000 : c->loss_ppm);
}

int net_send(struct net_link *link, uint64_t now_us, size_t len_bytes, uint64_t arrivals_us[NET_COPIES_MAX])
{
    const struct net_config *c = &link->config;
    uint64_t bits = (len_bytes + NET_HEADERS) * 8, bps = rate_now(link, now_us), wait_us = net_backlog_us(link, now_us);
    link->sent++;
    if (wait_us * bps / US_PER_S / 8 > c->queue_bytes) {
        link->overflowed++;
        return 0;
    }
    link->backlog_max_us = MAX(link->backlog_max_us, wait_us);
    link->free_us = MAX(link->free_us, now_us) + bits * US_PER_S / bps;
    if (is_lost(link, now_us)) {
        link->lost++;
        return 0;
    }
    uint64_t at_us = link->free_us + c->delay_us + (c->jitter_us ? rng_between(&link->rng, 0, c->jitter_us) : 0);
    if (rng_chance(&link->rng, c->reorder_ppm)) {
        at_us = MAX(at_us, link->arrival_us) + rng_between(&link->rng, 0, c->reorder_us);
    } else {
        at_us = MAX(at_us, link->arrival_us);
        link->arrival_us = at_us;
    }
    arrivals_us[0] = at_us;
    arrivals_us[1] = at_us + rng_between(&link->rng, 0, MS(20));
    return rng_chance(&link->rng, c->double_ppm) ? 2 : 1;
}

void net_outage(struct net_link *link, uint64_t until_us)
{
    link->outage_until_us = MAX(link->outage_until_us, until_us);
}

uint64_t net_backlog_us(const struct net_link *link, uint64_t now_us)
{
    return link->free_us > now_us ? link->free_us - now_us : 0;
}
