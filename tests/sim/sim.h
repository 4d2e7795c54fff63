/* sim.h - a call in virtual time: model clients, a network of a link up and a link down per client, and the bridge core
 * between them. A seed decides who is there, over which network, and what happens; the same seed gives the same run. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_result {
    uint64_t seed;
    unsigned clients, joins, violations;
    uint64_t in_packets, out_packets, frames, key_frames, nacks, repaired, given_up, plis_to_senders, link_losses,
        jumps;
    char first[256]; /* violation; "": none */
};

/* verbose: each violation and each act of the scenario to stderr, with its time; 2: every packet too. */
void sim_run(uint64_t seed, unsigned seconds, int verbose, struct sim_result *result);

#endif
