/* See link.h. */
#include "support/link.h"

#include <stdlib.h>

double link_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

struct link *link_new(const struct link_config *cfg)
{
    struct link *l = calloc(1, sizeof *l);
    l->cfg = *cfg;
    l->random = cfg->seed;
    return l;
}

void link_free(struct link *l)
{
    free(l);
}

/* Works on the packet at the head until it is through or time is up. */
static bool serve(struct link *l, uint64_t now_us)
{
    struct link_packet *head = &l->queue[l->first];
    if (l->count == 0)
        return false;
    if (l->served_us < head->sent_us)
        l->served_us = head->sent_us;
    uint64_t need_us = (uint64_t)(l->left_bits * 1e6 / (double)l->cfg.capacity_bps + 0.999);
    if (l->served_us + need_us <= now_us) {
        l->served_us += need_us;
        return true;
    }
    if (now_us > l->served_us) {
        l->left_bits -= (double)(now_us - l->served_us) * (double)l->cfg.capacity_bps / 1e6;
        l->served_us = now_us;
    }
    return false;
}

bool link_poll(struct link *l, uint64_t now_us, struct link_packet *out, uint64_t *arrives_us)
{
    if (!serve(l, now_us))
        return false;
    *out = l->queue[l->first];
    *arrives_us = l->served_us + l->cfg.delay_us + (uint64_t)(link_random(&l->random) * (double)l->cfg.jitter_us);
    if (*arrives_us < l->arrived_us)
        *arrives_us = l->arrived_us;
    l->arrived_us = *arrives_us;
    l->queued_bytes -= out->len_bytes;
    l->first = (l->first + 1) % LINK_QUEUE;
    if (--l->count)
        l->left_bits = l->queue[l->first].len_bytes * 8.0;
    return true;
}

void link_set_capacity(struct link *l, uint64_t capacity_bps, uint64_t now_us)
{
    (void)now_us; /* the caller has polled up to now, so that the old rate counts until here */
    l->cfg.capacity_bps = capacity_bps;
}

void link_send(struct link *l, const struct link_packet *packet)
{
    if (link_random(&l->random) < l->cfg.loss) {
        l->lost++;
        return;
    }
    if (l->count == LINK_QUEUE ||
        (l->queued_bytes + packet->len_bytes) * 8000 > l->cfg.capacity_bps * l->cfg.queue_ms) {
        l->dropped++;
        return;
    }
    if (l->count == 0)
        l->left_bits = packet->len_bytes * 8.0;
    l->queue[(l->first + l->count++) % LINK_QUEUE] = *packet;
    l->queued_bytes += packet->len_bytes;
}
