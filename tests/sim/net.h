/* net.h - one direction of a network path: a bottleneck with a tail-drop queue, then a way that delays, jitters, loses,
 * doubles and reorders. Asked once per packet, it says when the packet arrives; nothing is stored.
 *
 * Order: packets leave the bottleneck in order and jitter keeps them so; only `reorder` lets one fall behind.
 * Units: now_us monotonic, never going back; lengths are whole datagrams, to which IP and UDP headers are added. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stddef.h>

#include "sim/rng.h"

struct net_config {
    uint64_t bps;       /* of the bottleneck */
    uint64_t cross_bps; /* what others take of it while they are on */
    uint32_t delay_us, jitter_us;
    uint32_t queue_bytes;
    uint32_t loss_ppm;  /* single losses */
    uint32_t burst_ppm; /* chance per packet that a bad spell of burst_us begins, in which half is lost */
    uint32_t burst_us;
    uint32_t reorder_ppm, reorder_us; /* such packets come up to so much later */
    uint32_t double_ppm;
};

struct net_link {
    struct net_config config;
    struct rng rng;
    uint64_t free_us;    /* when the bottleneck has sent all that waits */
    uint64_t arrival_us; /* of the newest packet that kept its order */
    uint64_t bad_until_us, outage_until_us;
    uint64_t cross_flip_us;
    bool cross_on;
    uint64_t sent, lost, overflowed, backlog_max_us;
};

enum { NET_HEADERS = 28, NET_COPIES_MAX = 2 };

void net_init(struct net_link *link, const struct net_config *config, struct rng rng);
/* How many copies arrive, and when. */
int net_send(struct net_link *link, uint64_t now_us, size_t len_bytes, uint64_t arrivals_us[NET_COPIES_MAX]);
void net_outage(struct net_link *link, uint64_t until_us);             /* nothing that is sent before then arrives */
uint64_t net_backlog_us(const struct net_link *link, uint64_t now_us); /* time that a packet would wait now */

#endif
