/* receiver.h - an endpoint as somebody who watches: what it asked for, which tracks it is shown, and why.
 *
 * Lives inside struct endpoint. Thread: the worker. Order that must hold (bridge-channel.md traps 11 and 24): first the
 * source map message, then media on a changed slot; first the allocation, then the packet that caused it. */
#ifndef BRIDGE_RECEIVER_H
#define BRIDGE_RECEIVER_H

#include "bridge/track.h"
#include "media/alloc.h"
#include "media/audio_sub.h"
#include "media/steady.h"

enum { RECEIVER_TRACKS_MAX = 2048 }; /* without SSRC rewriting; SSRCs ever shown */

struct receiver {
    struct endpoint *ep;
    bool rewriting, mid_demux;
    struct ssrc_map *maps[2];    /* by enum colibri2_kind; NULL without rewriting */
    struct track **slots[2];     /* by kind and slot->at */
    struct map plain_tracks;     /* without rewriting: primary SSRC -> struct track */
    struct alloc_wants *wants;
    struct alloc_runner *runner;
    struct steady steady;        /* obeyed with native.steady-layers */
    struct audio_sub audio_sub;
    struct timer allocate_timer;
    char **forwarded;            /* names of video sources with a target, as last told or to be told */
    size_t forwarded_count;
};

void receiver_init(struct receiver *r, struct endpoint *ep, const struct endpoint_spec *spec);
void receiver_done(struct receiver *r);
void receiver_up(struct receiver *r, bool up);    /* media may be sent from now on, or no more */
void receiver_media_changed(struct receiver *r);  /* payload types were signalled anew */
void receiver_initial_last_n(struct receiver *r, int32_t last_n);
void receiver_forget_source(struct receiver *r, struct source *source); /* before it is freed */

void receiver_allocate_soon(struct receiver *r);
void receiver_allocate(struct receiver *r, uint64_t now_us);
void receiver_on_estimate(struct receiver *r, int64_t budget_bps, uint64_t now_us); /* each new one */
void receiver_announce(struct receiver *r); /* a channel came up: tells all maps and forwarded sources again */

/* Audio: gives the source a track if this receiver wants it, and starts or stops it. */
void receiver_show_audio(struct receiver *r, struct source *source, uint64_t now_us);

struct track *receiver_track_by_ssrc(struct receiver *r, uint32_t ssrc); /* as media or RTX; NULL: none */

#endif
