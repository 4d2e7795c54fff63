/* Spans of sending and arriving per cluster; see gcc_cluster.h. */
#include "media/gcc_cluster.h"

#include <string.h>

#include "media/pace.h"

enum { SPAN_MAX_US = 1000000 };
#define ENOUGH      0.8  /* of the cluster's packets and bytes must have arrived */
#define RATIO_MAX   2.0  /* arriving so much faster than sent is no measurement */
#define UNSATURATED 0.9  /* arriving slower than this share of sending means the link was full */
#define UTILISATION 0.95 /* and then a little less is used */

void gcc_cluster_init(struct gcc_clusters *c)
{
    memset(c, 0, sizeof *c);
}

void gcc_cluster_add(struct gcc_clusters *c, uint8_t id, uint32_t min_bytes)
{
    c->clusters[c->next++ % GCC_CLUSTERS] = (struct gcc_cluster){.id = id, .min_bytes = min_bytes};
}

static struct gcc_cluster *find(struct gcc_clusters *c, uint8_t id)
{
    for (unsigned i = 0; i < GCC_CLUSTERS; i++)
        if (id && c->clusters[i].id == id)
            return &c->clusters[i];
    return NULL;
}

static void add(struct gcc_cluster *c, const struct twcc_tx_result *packet)
{
    if (c->packets == 0 || packet->sent_us < c->first_sent_us)
        c->first_sent_us = packet->sent_us;
    if (c->packets == 0 || packet->sent_us > c->last_sent_us) {
        c->last_sent_us = packet->sent_us;
        c->last_sent_bytes = packet->len_bytes;
    }
    if (c->packets == 0 || packet->arrived_us < c->first_arrived_us) {
        c->first_arrived_us = packet->arrived_us;
        c->first_arrived_bytes = packet->len_bytes;
    }
    if (c->packets == 0 || packet->arrived_us > c->last_arrived_us)
        c->last_arrived_us = packet->arrived_us;
    c->bytes += packet->len_bytes;
    c->packets++;
}

/* A span of sending does not include the time of its last packet on the line, nor a span of arriving that of its first. */
static double shown_rate(const struct gcc_cluster *c)
{
    int64_t sent_us = (int64_t)(c->last_sent_us - c->first_sent_us);
    int64_t arrived_us = c->last_arrived_us - c->first_arrived_us;
    if (sent_us <= 0 || sent_us > SPAN_MAX_US || arrived_us <= 0 || arrived_us > SPAN_MAX_US)
        return 0;
    double sent = (double)(c->bytes - c->last_sent_bytes) * 8 * US_PER_S / (double)sent_us;
    double arrived = (double)(c->bytes - c->first_arrived_bytes) * 8 * US_PER_S / (double)arrived_us;
    if (arrived > RATIO_MAX * sent)
        return 0;
    if (arrived < UNSATURATED * sent)
        return UTILISATION * arrived;
    return sent < arrived ? sent : arrived;
}

uint64_t gcc_cluster_on_packet(struct gcc_clusters *all, const struct twcc_tx_result *packet)
{
    struct gcc_cluster *c = find(all, packet->purpose);
    if (!c)
        return 0;
    add(c, packet);
    if (c->packets < (uint16_t)(PACE_PROBE_PACKETS * ENOUGH) || c->bytes < c->min_bytes * ENOUGH)
        return 0;
    return (uint64_t)(shown_rate(c) + 0.5);
}
