/* worker.h - a media thread: its loop, sockets, packet pool, timer wheel, and the conferences that live on it.
 *
 * Everything that belongs to a worker is touched by its thread only; other threads post struct worker_msg.
 * Rhythm: a batch of datagrams, an inbox message or a due timer is handled to the end, then everything that was queued
 * for sending leaves in one flush, then the loop sleeps until the wheel's next deadline. */
#ifndef BRIDGE_WORKER_H
#define BRIDGE_WORKER_H

#include <stdatomic.h>

#include "bridge/bridge.h"
#include "bridge/demux.h"
#include "bridge/policy.h"
#include "bridge/wheel.h"
#include "bridge/worker_msg.h"
#include "proto/bridge_msg.h"
#include "proto/map.h"

enum { WORKER_PKTS = 65536 }; /* in flight and held by histories; memory is only touched when used */

struct worker_counters; /* rx_path.h: why packets were dropped, per stage */

struct worker {
    const struct bridge *bridge;
    struct policy policy; /* what bridge->config means for the engines */
    unsigned index;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_prepare_t prepare;
    struct inbox *inbox;
    uv_sem_t ended;
    struct wheel wheel;
    uint64_t armed_us; /* what `timer` is set to; NEVER_US: nothing */
    struct pkt_pool *pool;
    struct udp_io *udp;
    struct demux *demux;
    struct map conferences;   /* serial -> struct conference */
    struct map endpoints;     /* serial -> struct endpoint */
    uint64_t now_us;          /* of the batch, message or timer in work */
    unsigned via;             /* whose socket received the datagram in work; our own index: nobody else's */
    _Atomic int pulse;        /* pulse.h: the last message seen. These two are read by the control thread. */
    _Atomic uint64_t packets; /* received and sent until then */
    struct worker_counters *counters;
    uint64_t message_refusals[BRIDGE_MSG_REFUSAL_COUNT]; /* bridge-channel messages by how they were judged */
};

/* Opens the sockets on the calling thread, so that a port that is taken is known at once, then starts the thread.
 * NULL: no socket could be bound; failed[] says why for each local address. */
struct worker *worker_new(const struct bridge *bridge, unsigned index, int failed[UDP_LOCALS_MAX]);
void worker_start(struct worker *worker);
void worker_stop(struct worker *worker); /* returns when all that lived on it has ended and its sockets are closed */
void worker_join(
    struct worker *worker); /* when all have stopped, so that nobody posts to it any more: ends the thread */
void worker_free(struct worker *worker); /* when all have been joined: one may hold packets of another's pool */

/* On ICE_TUPLE, when the tuple was claimed: if another worker handed the datagram in work over, it is told where the
 * following ones belong. */
void worker_tell_path(struct worker *worker, const struct ice_path *path, bool proven);

/* From any thread: moves what it carries. */
void worker_post(struct worker *worker, struct worker_msg *msg);
struct worker_msg *worker_msg_new(enum worker_msg_kind kind, uint32_t conf_serial, uint32_t ep_serial,
                                  const void *bytes, size_t len);

#endif
