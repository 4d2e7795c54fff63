/* pace.h - when the bytes of probes and of padding leave for one receiver (media.md 8.5, 8.6). Media is not paced: it only
 * counts towards a probe that is under way, because the link carries it with the probe's own packets.
 *
 * A probe is a cluster: at least so many packets and bytes, sent evenly at one rate. Padding is a rate, kept up in steps
 * of 15 ms while no probe runs. Part of gcc.h, which has the rhythm.
 * Memory: embeddable, no allocation. Thread: one. */
#ifndef MEDIA_PACE_H
#define MEDIA_PACE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/units.h"

enum { PACE_MEDIA = 0, PACE_CLUSTER_MAX = 254, PACE_PADDING = 255 }; /* purposes; between them: clusters */
enum {
    PACE_CLUSTERS = 5,
    PACE_PROBE_PACKETS = 5,
    PACE_PROBE_US = 15000,
    PACE_STEP_US = 2000,
    PACE_LATE_US = 20000,     /* a cluster that lags behind this much measures nothing any more */
    PACE_EXPIRE_US = 5000000, /* and one that could not start for so long is not wanted any more */
    PACE_PADDING_US = 15000,
    PACE_ORDER_MIN = 200, /* bytes of a probe's order; less is all header */
};

struct pace_cluster {
    uint64_t rate_bps;
    uint64_t requested_us, started_us; /* started_us 0: not yet */
    uint32_t min_bytes, sent_bytes;
    uint16_t sent_packets;
    uint8_t id;
};

struct pace {
    struct pace_cluster queue[PACE_CLUSTERS]; /* the first is under way */
    unsigned count;
    uint64_t again_us; /* not before this: what was ordered last is being sent */
    uint64_t padding_bps;
    uint64_t padding_us; /* the next step */
    int64_t owed_bytes;  /* of padding; below 0: more was sent than ordered */
};

void pace_init(struct pace *p);
/* When the queue is full the oldest gives way. */
void pace_add_probe(struct pace *p, uint8_t id, uint64_t rate_bps, uint64_t now_us);
void pace_set_padding(struct pace *p, uint64_t rate_bps, uint64_t now_us); /* 0: none */
/* Returns what the packet counts for: its own purpose, or the cluster under way if it is media. */
uint8_t pace_on_sent(struct pace *p, size_t len_bytes, uint8_t purpose, uint64_t now_us);
size_t pace_poll(struct pace *p, uint64_t now_us, uint8_t *purpose); /* bytes to send; 0: nothing now */
uint64_t pace_deadline_us(const struct pace *p);

#endif
