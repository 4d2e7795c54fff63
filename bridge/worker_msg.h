/* worker_msg.h - everything that is ever posted to a worker. Control and the channel thread send, the worker obeys.
 *
 * Ownership moves with the message: the worker frees it and what it points to. Serials tell objects apart when an
 * endpoint id is used again; a message for a serial that is gone is dropped silently, because the two sides race. */
#ifndef BRIDGE_WORKER_MSG_H
#define BRIDGE_WORKER_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/control_ops.h"
#include "proto/inbox_msg.h"

enum worker_msg_kind {
    W_DATAGRAMS,       /* a chain of struct pkt that reached another worker's socket; the message is the first packet */
    W_PATH_LEARNT,     /* bytes: struct path_lesson, of the worker that a datagram was handed to */
    W_CONF_NEW,        /* arg: struct conference_spec */
    W_CONF_EXPIRE,
    W_EP_NEW,          /* arg: struct endpoint_spec */
    W_EP_MEDIA,        /* arg: struct media_spec */
    W_EP_TRANSPORT,    /* arg: struct transport_spec */
    W_EP_ICE_RESTART,  /* arg: struct restart_spec */
    W_EP_SOURCES,      /* arg: struct source_set */
    W_EP_MUTE,         /* audio, video */
    W_EP_LAST_N,       /* number */
    W_EP_EXPIRE,
    W_CHANNEL_READY,   /* the bridge channel is open */
    W_CHANNEL_TEXT,    /* bytes: one message of the client */
    W_CHANNEL_PACKET,  /* bytes: one SCTP packet to be sent over DTLS */
    W_CHANNEL_CLOSED,
    W_EP_MIRROR,        /* arg: struct endpoint_spec; number: the worker where it lives. The rest: see shard.h */
    W_SHARD_PACKET,     /* an envelope; the message is a struct pkt */
    W_SHARD_HELLO,      /* number: a worker that mirrors the endpoint */
    W_SHARD_WANT,
    W_SHARD_KEYFRAME,
    W_SHARD_TEXT,       /* bytes: a message to the client */
    W_SHARD_VIDEO_TYPE, /* number: the type; bytes: the name of the source */
    W_SHARD_INACTIVE,   /* number: whether it is shown as inactive */
    W_OVERVIEW,         /* arg: struct overview_request */
    W_PULSE,            /* number: to be noted, see pulse.h */
    W_STOP, /* end all that lives here */
    W_EXIT, /* end the loop; the last message */
};

struct restart_spec {
    uint32_t generation;
    struct ice_credentials local;
};

struct worker_msg {
    struct inbox_msg msg;
    uint32_t conf_serial, ep_serial;
    void *arg;
    void (*arg_free)(void *arg); /* NULL: nothing to free */
    bool audio, video;
    int number;
    size_t len;
    uint8_t bytes[];
};

#endif
