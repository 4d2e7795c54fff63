/* source.c - see source.h. */
#include "bridge/source.h"

#include <stdlib.h>

#include "bridge/endpoint.h"
#include "bridge/rtcp_path.h"
#include "bridge/shard.h"
#include "bridge/track.h"

enum { NACK_REORDER_US = 5000 }; /* a packet may be this late before it is asked for */

static uint32_t clock_of(enum colibri2_kind kind)
{
    return kind == COLIBRI2_AUDIO ? 48000 : 90000;
}

static void keyframe_timer_fired(struct timer *timer, uint64_t now_us)
{
    source_poll_keyframe(container_of(timer, struct source, keyframe_timer), now_us);
}

static void encoding_init(struct encoding *e, struct source *source, uint8_t index, const struct source_spec *spec)
{
    e->source = source;
    e->index = index;
    e->ssrc = spec->encodings[index].ssrc;
    e->rtx_ssrc = spec->encodings[index].rtx_ssrc;
    rx_stream_init(&e->rx, e->ssrc, clock_of(source->kind));
    seq_hide_init(&e->hide);
    if (source->kind != COLIBRI2_VIDEO)
        return;
    e->nack = calloc(1, sizeof *e->nack);
    e->dd = calloc(1, sizeof *e->dd);
    if (!e->nack || !e->dd)
        abort();
    dd_state_init(e->dd);
    nack_init(e->nack, NACK_REORDER_US);
    e->history = history_new(HISTORY_PACKETS, HISTORY_AGE_US);
}

struct source *source_new(struct endpoint *owner, const struct source_spec *spec)
{
    static _Thread_local uint32_t serials;
    struct source *source = calloc(1, sizeof *source);
    struct encoding *encodings = calloc(spec->encoding_count, sizeof *encodings);
    if (!source || !encodings)
        abort();
    list_init(&source->node);
    source->owner = owner;
    memcpy(source->name, spec->name, sizeof source->name);
    source->kind = spec->kind;
    source->video_type = spec->desktop ? BRIDGE_VIDEO_DESKTOP : BRIDGE_VIDEO_CAMERA;
    source->synthetic = spec->synthetic;
    source->serial = ++serials;
    source->unbound = true;
    list_init(&source->bound);
    layers_init(&source->layers, spec->encoding_count);
    source->layers.by_targets = owner->worker->bridge->config->use_vla_target_bitrate;
    demand_init(&source->demand);
    source->encoding_count = spec->encoding_count;
    source->encodings = encodings;
    for (uint8_t i = 0; i < spec->encoding_count; i++)
        encoding_init(&encodings[i], source, i, spec);
    keyframe_init(&source->keyframe, &owner->worker->policy.keyframe);
    timer_init(&source->keyframe_timer, keyframe_timer_fired);
    return source;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    while (!list_empty(&source->bound))
        track_unbind(container_of(source->bound.next, struct track, bound_node));
    list_for_each (it, &source->owner->conf->endpoints)
        receiver_forget_source(&container_of(it, struct endpoint, node)->receiver, source);
    source->owner->conf->sources_us = 0;
    if (source->owner->home)
        shard_want(source, 0);
    demand_done(&source->demand);
    wheel_set(&source->owner->worker->wheel, &source->keyframe_timer, NEVER_US);
    for (uint8_t i = 0; i < source->encoding_count; i++) {
        free(source->encodings[i].nack);
        free(source->encodings[i].dd);
        history_free(source->encodings[i].history);
    }
    list_remove(&source->node);
    free(source->encodings);
    free(source->tracks);
    free(source);
}

bool source_same_ssrcs(const struct source *source, const struct source_spec *spec)
{
    if (source->encoding_count != spec->encoding_count || source->kind != (enum colibri2_kind)spec->kind)
        return false;
    for (uint8_t i = 0; i < spec->encoding_count; i++)
        if (source->encodings[i].ssrc != spec->encodings[i].ssrc ||
            source->encodings[i].rtx_ssrc != spec->encodings[i].rtx_ssrc)
            return false;
    return true;
}

void source_add_track(struct source *source, struct track *track)
{
    if (source->track_count == source->track_cap) {
        source->track_cap = source->track_cap ? source->track_cap * 2 : 8;
        source->tracks = realloc(source->tracks, source->track_cap * sizeof *source->tracks);
        if (!source->tracks)
            abort();
    }
    track->at = source->track_count;
    source->tracks[source->track_count++] = track;
}

void source_remove_track(struct source *source, struct track *track)
{
    struct track *last = source->tracks[--source->track_count];
    source->tracks[track->at] = last;
    last->at = track->at;
}

void source_tell_demand(struct source *source)
{
    int height = demand_height(&source->demand);
    if (source->owner->home)
        shard_want(source, height);
    else
        endpoint_send_text(source->owner, bridge_msg_write_sender_constraint(source->name, height));
}

void source_poll_keyframe(struct source *source, uint64_t now_us)
{
    uint8_t fir_seq;
    bool due = keyframe_poll(&source->keyframe, now_us, &fir_seq);
    if (due && source->owner->home)
        shard_want_keyframe(source);
    else if (due)
        rtcp_send_keyframe_request(source->owner, source_primary_ssrc(source), fir_seq);
    wheel_set(&source->owner->worker->wheel, &source->keyframe_timer, keyframe_deadline_us(&source->keyframe));
}

void source_want_keyframe(struct source *source, uint32_t receiver_serial, uint64_t now_us)
{
    keyframe_on_want(&source->keyframe, receiver_serial, now_us);
    source_poll_keyframe(source, now_us);
}
