/* early_queue.h - SRTP that came before its keys: the client's handshake completes half a round trip before ours, and
 * the first key frame is in that gap. Kept with the time each packet was received (pkt.rx_us), oldest dropped first.
 *
 * Owner: the queue owns the packets in it. Thread: one. Allocation: none. */
#ifndef MEDIA_EARLY_QUEUE_H
#define MEDIA_EARLY_QUEUE_H

#include "media/pkt.h"

enum { EARLY_QUEUE_PKTS = 256, EARLY_QUEUE_BYTES = 256 * 1024 };

struct early_queue {
    struct pkt *head, *tail; /* linked through pkt.next */
    size_t count, bytes;
    uint64_t dropped;
};

void early_queue_init(struct early_queue *q);
void early_queue_done(struct early_queue *q);                  /* drops what is left */
void early_queue_push(struct early_queue *q, struct pkt *pkt); /* takes the packet, which nobody has frozen */
struct pkt *early_queue_pop(struct early_queue *q);            /* oldest first, now the caller's; NULL: empty */

#endif
