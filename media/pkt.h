/* pkt.h - one datagram and the pool it comes from.
 *
 * Life:   pkt_alloc -> fill, decrypt in place -> pkt_freeze -> pkt_ref/pkt_unref from any thread.
 *         A packet that nobody froze is freed with pkt_drop by its only owner.
 * Memory: goes back to the pool it came from, whichever thread drops the last reference. A pool never grows: when it
 *         is empty pkt_alloc returns NULL and the datagram is lost, which is counted by the caller.
 * Thread: pkt_alloc only on the thread that called pkt_pool_adopt; everything else on any thread. */
#ifndef MEDIA_PKT_H
#define MEDIA_PKT_H

#include "proto/addr.h"
#include "proto/bytes.h"
#include "proto/inbox_msg.h"

enum {
    PKT_CAP = 1664, /* 1500 bytes on the wire, and slack that libnice and SRTP trailers may look at */
    PKT_DATAGRAM_MAX = 1500,
};

struct pkt_pool;

struct pkt {
    struct inbox_msg msg; /* a packet, or a chain of them, can be posted to another worker as it is */
    struct pkt *next;     /* free for whoever owns the packet: queues, chains */
    uint64_t rx_us;   /* monotonic, taken next to recvmmsg */
    struct addr from;
    uint16_t len;
    uint8_t local; /* index of the local address (socket) it came in on */
    uint8_t tag;   /* free for whoever owns the packet */
    _Alignas(8) uint8_t data[PKT_CAP];
};

struct pkt_pool *pkt_pool_new(size_t count);     /* all memory is reserved here, and touched when first used */
void pkt_pool_free(struct pkt_pool *pool);       /* every packet must have come home */
void pkt_pool_adopt(struct pkt_pool *pool);      /* the calling thread becomes the one that may pkt_alloc */
size_t pkt_pool_free_count(struct pkt_pool *pool); /* on the owning thread */

struct pkt *pkt_alloc(struct pkt_pool *pool); /* NULL: pool empty */
void pkt_drop(struct pkt *pkt);               /* for a packet that was never frozen */
const struct pkt *pkt_freeze(struct pkt *pkt); /* gives up the right to write; the reference stays with the caller */
const struct pkt *pkt_ref(const struct pkt *pkt);
void pkt_unref(const struct pkt *pkt); /* NULL is fine */

#endif
