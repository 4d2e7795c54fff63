/* ssrc_hints.h - which worker has the sender of an SSRC: one small table for all workers.
 *
 * Needed once in a while only: media that comes from an address nobody knows, because the sender's NAT or network has
 * changed, may reach any worker's socket. A hint is no proof: the worker it names checks integrity.
 * Lossy: two SSRCs may want the same place, and the later one has it. Thread: any, without locks. */
#ifndef BRIDGE_SSRC_HINTS_H
#define BRIDGE_SSRC_HINTS_H

#include <stdint.h>

struct ssrc_hints;

struct ssrc_hints *ssrc_hints_new(void);
void ssrc_hints_free(struct ssrc_hints *hints);

void ssrc_hints_set(struct ssrc_hints *hints, uint32_t ssrc, unsigned worker);
void ssrc_hints_clear(struct ssrc_hints *hints, uint32_t ssrc, unsigned worker); /* unless another has the place */
int ssrc_hints_find(const struct ssrc_hints *hints, uint32_t ssrc);              /* -1: unknown */

#endif
