/* gcc_acked.h - the rate at which packets arrive at the receiver, over about a second (media.md 8.3). Part of gcc.h.
 *
 * The smaller of what was sent and what arrived in the same packets: a bunch of packets held up on the way and then
 * delivered at once shows neither the lull nor the burst. Memory: embeddable, 6 kB. */
#ifndef MEDIA_GCC_ACKED_H
#define MEDIA_GCC_ACKED_H

#include <stdbool.h>

#include "media/twcc_tx.h"

enum { GCC_ACKED_RING = 512 }; /* a power of two above GCC_ACKED_MAX */

struct gcc_acked {
    uint32_t first, count;   /* of the ring, ascending by arrival */
    uint32_t forgot_sent_us; /* the latest sending among packets that left the window */
    bool forgot;
    struct gcc_acked_packet { /* times: the low 32 bits, compared within seconds */
        uint32_t sent_us, arrived_us, len_bytes;
    } ring[GCC_ACKED_RING];
};

void gcc_acked_init(struct gcc_acked *a);
void gcc_acked_on_packet(struct gcc_acked *a, const struct twcc_tx_result *packet); /* timed ones only */
uint64_t gcc_acked_bps(const struct gcc_acked *a);                                  /* 0: not known yet */

#endif
