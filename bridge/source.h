/* source.h - one thing that can be forwarded: a microphone, a camera, a shared screen; and the SSRCs it arrives on.
 *
 * Owner: its endpoint. Thread: the worker of its conference. The list of tracks is dense: a packet costs nothing for
 * receivers that do not want it. */
#ifndef BRIDGE_SOURCE_H
#define BRIDGE_SOURCE_H

#include "bridge/control_ops.h"
#include "bridge/wheel.h"
#include "media/dd_state.h"
#include "media/demand.h"
#include "media/history.h"
#include "media/keyframe.h"
#include "media/layer.h"
#include "media/media_pkt.h"
#include "media/nack.h"
#include "media/rx_stream.h"
#include "media/seq_hide.h"
#include "media/speaker.h"
#include "proto/bridge_msg.h"

struct endpoint;
struct track;

struct encoding { /* one SSRC of a source; simulcast has several */
    struct source *source;
    uint8_t index; /* 0: the lowest, whose SSRC names the source */
    struct speaker_silence silence; /* audio */
    uint32_t ssrc, rtx_ssrc;
    struct rx_stream rx;
    int64_t frame_seq; /* of the packet before, and its timestamp: tell where the next frame begins */
    uint32_t frame_ts;
    bool frame_known;
    struct seq_hide hide;
    struct dd_state *dd;     /* video only */
    struct nack *nack;       /* video only */
    struct history *history; /* video only */
};

struct source {
    struct list node; /* in endpoint.sources */
    struct endpoint *owner;
    char name[CONTROL_ID_LEN];
    enum colibri2_kind kind;
    enum bridge_video_type video_type;
    bool synthetic;
    bool included; /* audio: some receiver's subscription names it */
    bool unbound;  /* audio: some receiver that may want it has no track for it; looked at when a packet comes */
    uint32_t serial;            /* process-unique, so that a slot can tell a new source of the same name */
    uint8_t encoding_count;
    struct encoding *encodings;
    struct keyframe keyframe;
    struct timer keyframe_timer;
    uint64_t fetched_us;   /* a key frame was asked for ahead of need; 0: never */
    struct list bound;     /* every track that shows it, suspended ones too */
    struct track **tracks; /* dense: those that packets are offered to */
    size_t track_count, track_cap;
    struct layers layers; /* video */
    struct demand demand; /* video: the most that anybody wants */
    uint64_t wanted_by;   /* at home: workers that get its packets, shard.h */
    uint64_t included_by; /* and those where some subscription names it */
};

struct source *source_new(struct endpoint *owner, const struct source_spec *spec);
void source_free(struct source *source); /* unbinds its tracks first */
bool source_same_ssrcs(const struct source *source, const struct source_spec *spec);
static inline uint32_t source_primary_ssrc(const struct source *source)
{
    return source->encodings[0].ssrc;
}
void source_add_track(struct source *source, struct track *track);
void source_remove_track(struct source *source, struct track *track);

/* A receiver (or 0: the bridge) needs a key frame. Sends the request now if the limits allow, else when they do. */
void source_want_keyframe(struct source *source, uint32_t receiver_serial, uint64_t now_us);
void source_tell_demand(struct source *source); /* to its owner, wherever that lives */
void source_poll_keyframe(struct source *source, uint64_t now_us);

#endif
