/* track.c - see track.h. */
#include "bridge/track.h"

#include <stdio.h>
#include <stdlib.h>

#include <gnutls/crypto.h>

#include "bridge/endpoint.h"

enum { LOG_PACKETS = 512 };
enum { UNTOLD_US = 2000000 }; /* longest silence for want of a channel to tell it on */

static void random_bytes(void *out, size_t n)
{
    gnutls_rnd(GNUTLS_RND_NONCE, out, n);
}

static uint64_t lead_us(const struct track *track)
{
    return track->receiver->worker->bridge->config->map_lead_us;
}

struct track *track_new(struct endpoint *receiver, enum colibri2_kind kind, uint32_t ssrc, uint32_t rtx_ssrc,
                        struct ssrc_slot *slot)
{
    struct track *track = calloc(1, sizeof *track);
    if (!track)
        abort();
    uint32_t clock_hz = kind == COLIBRI2_AUDIO ? 48000 : 90000;
    struct {
        uint32_t ts;
        uint16_t seq, rtx_seq;
    } start;
    random_bytes(&start, sizeof start);
    list_init(&track->bound_node);
    track->receiver = receiver;
    track->slot = slot;
    track->target = LAYER_NONE;
    track->log = kind == COLIBRI2_VIDEO ? tx_log_new(LOG_PACKETS) : NULL;
    project_init(&track->project, clock_hz, start.seq & 0x7fff, start.ts); /* below 2^15: RFC 3711 3.3.1 */
    tx_stream_init(&track->tx, ssrc, rtx_ssrc, clock_hz, start.rtx_seq, track->log);
    if (slot && lead_us(track))
        track->quiet_until_us = receiver->worker->now_us + UNTOLD_US;
    if (slot && receiver->receiver.mid_demux)
        snprintf(track->mid, sizeof track->mid, "%c%u", kind == COLIBRI2_AUDIO ? 'a' : 'v', slot->at);
    return track;
}

void track_free(struct track *track)
{
    if (!track)
        return;
    track_unbind(track);
    tx_log_free(track->log);
    free(track);
}

static void list_in_source(struct track *track)
{
    if (track->listed)
        return;
    source_add_track(track->source, track);
    track->listed = true;
}

void track_unlist(struct track *track)
{
    if (!track->listed)
        return;
    source_remove_track(track->source, track);
    track->listed = false;
}

void track_bind(struct track *track, struct source *source)
{
    if (track->source == source)
        return;
    track_unbind(track);
    track->source = source;
    list_push_back(&source->bound, &track->bound_node);
    project_restart(&track->project);
}

void track_unbind(struct track *track)
{
    if (!track->source)
        return;
    track_unlist(track);
    list_remove(&track->bound_node);
    track->source->unbound = true; /* this receiver lacks it now */
    track->source = NULL;
    track->target = LAYER_NONE;
    project_set_target(&track->project, LAYER_NONE);
}

void track_prefetch_inner(const struct track *track)
{
    project_prefetch(&track->project);
    tx_stream_prefetch(&track->tx);
}

void track_announced(struct track *track, uint64_t now_us)
{
    track->quiet_until_us = MIN(track->quiet_until_us, now_us + lead_us(track));
}

void track_set_target(struct track *track, int layer_index, uint64_t now_us)
{
    if (!track->source)
        return;
    if (layer_index != LAYER_NONE)
        list_in_source(track);
    if (track->target == layer_index)
        return;
    track->target = layer_index;
    project_set_target(&track->project, layer_index);
    if (now_us >= track->quiet_until_us && layer_index != LAYER_NONE && project_wants_keyframe(&track->project))
        source_want_keyframe(track->source, track->receiver->serial, now_us);
}
