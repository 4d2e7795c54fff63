/* elsewhere.h - paths whose packets reach this worker's sockets but belong to an endpoint of another worker.
 *
 * The kernel spreads datagrams over the workers' sockets by address. Checks name their owner in the ufrag; DTLS and SRTP
 * do not, so the worker that hands checks over must remember the path. It learns only what the owner tells it after
 * integrity was verified: a stranger's ufrag teaches nothing, so nobody can push others out by sending many.
 * Memory: fixed, a set-associative cache: soft state that the next check brings back. Thread: one, the worker's.
 * Not for: paths of this worker's own endpoints (demux). */
#ifndef BRIDGE_ELSEWHERE_H
#define BRIDGE_ELSEWHERE_H

#include "media/ice.h"

enum {
    ELSEWHERE_HELD_S = 15,  /* heard of so lately, a path goes to another worker with proof only */
    ELSEWHERE_STALE_S = 60, /* not heard of for so long, it is forgotten: a connected client's checks are 5 s apart */
};

struct elsewhere;

struct elsewhere *elsewhere_new(void);
void elsewhere_free(struct elsewhere *elsewhere);

/* An endpoint of `worker` received something authentic on path. proven: it answered a check there, so that the address is
 * no lie; without that the lesson takes neither a held path nor the place of a proven one. */
void elsewhere_learn(struct elsewhere *elsewhere, uint64_t now_us, const struct ice_path *path, unsigned worker,
                     bool proven);

int elsewhere_find(const struct elsewhere *elsewhere, uint64_t now_us, const struct ice_path *path); /* -1: unknown */

#endif
