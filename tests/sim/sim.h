/* sim.h - a call in virtual time: model clients, a network of a link up and a link down per client, and the bridge core
 * between them. A seed decides who is there, over which network, and what happens; the same seed gives the same run. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "sim/net.h"

struct sim_result {
    uint64_t seed;
    unsigned clients, joins, violations;
    uint64_t in_packets, out_packets, frames, key_frames, nacks, repaired, given_up, key_requests, link_losses, jumps;
    char first[256]; /* violation; "": none */
};

/* verbose: each violation and each act of the scenario to stderr, with its time; 2: every packet too. */
void sim_run(uint64_t seed, unsigned seconds, int verbose, struct sim_result *result);

struct sim_repair {
    uint64_t repaired, in_time; /* within two round trips of the receiver's seeing the hole */
    uint64_t lost_again;        /* later, as the repair or its request was lost too: within two more for each of these */
    uint64_t late;              /* later than that */
    uint64_t given_up, p50_us, p99_us, longest_gap_us, freezes, jumps;
    uint64_t requests, requests_most; /* for key frames; the most of one source within a minute */
};

/* Everybody shows everybody 720 lines over such links, both ways, and nothing else happens. */
void sim_run_lossy(uint64_t seed, const struct net_config *link, unsigned clients, unsigned seconds,
                   struct sim_repair *repair);

#endif
