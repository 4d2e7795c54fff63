/* track.h - one source shown to one receiver: the SSRC it goes out on, its projection, and what was sent.
 *
 * With SSRC rewriting a track belongs to a slot and outlives the sources behind it; without, to the primary SSRC of a
 * source. Either way it is made once and kept until the receiver ends: an SSRC that was sent on must go on from where it
 * was, or SRTP would use a nonce twice.
 * Owner: the receiver. Thread: the worker. */
#ifndef BRIDGE_TRACK_H
#define BRIDGE_TRACK_H

#include "bridge/source.h"
#include "media/project.h"
#include "media/ssrc_map.h"
#include "media/tx_stream.h"

struct track {
    struct endpoint *receiver;
    struct source *source;  /* NULL: nobody */
    struct ssrc_slot *slot; /* NULL: without SSRC rewriting */
    struct tx_log *log;     /* video */
    uint64_t quiet_until_us; /* the client does not know the SSRC yet; nothing goes out */
    int target;              /* layer index wanted, LAYER_NONE */
    bool listed;            /* in source->tracks, at position `at`: packets are offered */
    size_t at;
    char mid[8];             /* "": not stamped */
    struct list bound_node; /* in source->bound */
    struct tx_stream tx;
    struct project project; /* last: its long tables are read here and there */
};

struct track *track_new(struct endpoint *receiver, enum colibri2_kind kind, uint32_t ssrc, uint32_t rtx_ssrc,
                        struct ssrc_slot *slot);
void track_free(struct track *track);
void track_bind(struct track *track, struct source *source); /* the same one again: nothing */
void track_unbind(struct track *track);
/* The client is told of the SSRC now. Firefox that gets packets of an SSRC before it has made a place for it gives them to
 * another one, and then shows nothing for the rest of the call; so the first packet follows after native.map-lead. */
void track_announced(struct track *track, uint64_t now_us);
void track_set_target(struct track *track, int layer_index, uint64_t now_us);
void track_unlist(struct track *track); /* suspended, and the last frame is out */

/* A packet is offered to many tracks, one after the other, and none of them was looked at for as long as it takes for
 * caches to forget. So memory is asked ahead of time: first for the track itself, then for what it points at. */
static inline void track_prefetch(const struct track *track)
{
    enum { LINE = 64, HOT = offsetof(struct track, project) + PROJECT_HOT_BYTES };
    for (size_t at = 0; at < HOT + LINE; at += LINE)
        __builtin_prefetch((const char *)track + at, 1);
}
void track_prefetch_inner(const struct track *track);

#endif
