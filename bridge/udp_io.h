/* udp_io.h - the UDP sockets of one worker: batches in, lists of (destination, packets) out.
 *
 * In:   each local address has a socket of its own on the shared port (SO_REUSEPORT lets every worker have one). A readable
 *       socket is read with one recvmmsg into packets of the worker's pool, stamped with the time right after the call.
 * Out:  a packet is written into a buffer of this module (udp_out_begin), then queued for a destination (udp_out_end).
 *       udp_flush hands the kernel one list per destination; runs of equal size leave as one buffer with UDP_SEGMENT
 *       (GSO), and where the kernel or the link refuses that, one by one from then on.
 * Thread: one, the worker's. Allocation: none after udp_io_new. Errors: a lost packet is counted, never fatal.
 * Not for: who a packet belongs to (demux), what to send (tx_path, ice, dtls). */
#ifndef BRIDGE_UDP_IO_H
#define BRIDGE_UDP_IO_H

#include <uv.h>

#include "media/pkt.h"

enum {
    UDP_LOCALS_MAX = 16,   /* local addresses, each with its socket */
    UDP_BATCH = 64,        /* datagrams per recvmmsg */
    UDP_OUT_MAX = 1024,    /* packets queued before a flush is forced */
    UDP_OUT_CAP = PKT_CAP, /* bytes in one out buffer */
};

#define UDP_COUNTERS(X)                                                                                                \
    X(rx_datagrams, "datagrams received")                                                                              \
    X(rx_bytes, "bytes received")                                                                                      \
    X(rx_truncated, "datagrams longer than 1500 bytes, dropped")                                                       \
    X(rx_no_buffer, "datagrams dropped because the packet pool was empty")                                             \
    X(rx_calls, "recvmmsg calls")                                                                                      \
    X(tx_datagrams, "datagrams given to the kernel")                                                                   \
    X(tx_bytes, "bytes given to the kernel")                                                                           \
    X(tx_calls, "sendmmsg calls")                                                                                      \
    X(tx_segmented, "datagrams that left in a GSO buffer")                                                             \
    X(tx_full, "datagrams dropped because the socket buffer was full")                                                 \
    X(tx_failed, "datagrams that the kernel refused")

struct udp_counters {
#define X(name, text) uint64_t name;
    UDP_COUNTERS(X)
#undef X
};

/* A destination: embed one where packets go to the same place, so that they leave together. */
struct udp_dest {
    struct addr to;
    uint8_t local;          /* index of the local address to send from */
    bool dirty;             /* has packets queued; change `to` and `local` only when it has none (udp_dest_set) */
    uint16_t first, last;   /* private: chain of queued packets */
    struct udp_dest *next_dirty;
};

struct udp_io;
typedef void udp_on_batch(void *ctx, struct pkt **pkts, size_t n); /* the packets now belong to the callee */

/* The errno of binding an address without sharing it; 0: nobody has it. Ask before the first udp_io_new: SO_REUSEPORT lets
 * in whoever else sets it, and two bridges on one port would each get some of the other's clients. */
int udp_why_not_alone(const struct addr *local);

/* Opens a socket per local address. One that cannot be bound is skipped and reported through `failed` (its index set to
 * the errno, else 0); NULL when none could be bound. rcvbuf_bytes: what to ask for. */
struct udp_io *udp_io_new(uv_loop_t *loop, const struct addr *locals, size_t n, int rcvbuf_bytes, struct pkt_pool *pool,
                          udp_on_batch *on_batch, void *ctx, int failed[UDP_LOCALS_MAX]);
void udp_io_close(struct udp_io *io); /* stops reading and closes; the memory goes when the loop has run */

uint8_t *udp_out_begin(struct udp_io *io); /* UDP_OUT_CAP writable bytes, 8-byte aligned; flushes when full */
void udp_out_end(struct udp_io *io, struct udp_dest *dest, size_t len);
void udp_out_copy(struct udp_io *io, struct udp_dest *dest, struct bytes datagram); /* too long: dropped */
void udp_dest_set(struct udp_io *io, struct udp_dest *dest, const struct addr *to, uint8_t local);
void udp_dest_forget(struct udp_io *io, struct udp_dest *dest); /* before its memory goes: sends what is queued */
void udp_flush(struct udp_io *io);

const struct udp_counters *udp_io_counters(const struct udp_io *io);
int udp_io_rcvbuf_bytes(const struct udp_io *io); /* the smallest that the kernel granted */

#endif
