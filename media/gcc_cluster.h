/* gcc_cluster.h - what a probe has shown: the rate at which its packets arrived (media.md 8.5). Part of gcc.h. */
#ifndef MEDIA_GCC_CLUSTER_H
#define MEDIA_GCC_CLUSTER_H

#include "media/twcc_tx.h"

enum { GCC_CLUSTERS = 8 };

struct gcc_clusters {
    unsigned next;
    struct gcc_cluster {
        uint64_t first_sent_us, last_sent_us;
        int64_t first_arrived_us, last_arrived_us;
        uint32_t min_bytes, bytes, last_sent_bytes, first_arrived_bytes;
        uint16_t packets;
        uint8_t id; /* 0: free */
    } clusters[GCC_CLUSTERS];
};

void gcc_cluster_init(struct gcc_clusters *c);
void gcc_cluster_add(struct gcc_clusters *c, uint8_t id, uint32_t min_bytes); /* the oldest gives way */
/* A packet of a probe arrived. The rate that its cluster shows so far, bits/s; 0: none, or it makes no sense. */
uint64_t gcc_cluster_on_packet(struct gcc_clusters *c, const struct twcc_tx_result *packet);

#endif
