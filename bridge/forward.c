/* forward.c - deciding and sending are one call on one thread, so they cannot disagree. */
#include "bridge/forward.h"

#include "bridge/endpoint.h"
#include "bridge/tx_path.h"

/* Receivers without a track for this microphone get one now: slots are for those who are heard (bridge-channel.md 6.2).
 * A slot may be taken from another source, which then looks for one when it is heard again. */
static void bind_audio(struct source *source, uint64_t now_us)
{
    source->unbound = false;
    list_for_each(it, &source->owner->conf->endpoints)
        receiver_show_audio(&container_of(it, struct endpoint, node)->receiver, source, now_us);
}

static void offer(struct track *track, const struct tx_packet *packet)
{
    const struct media_pkt *m = packet->m;
    struct project_out out;
    if (project_offer(&track->project, m, m->rx_us, &out)) {
        if (track->slot)
            ssrc_map_touch(track->slot, m->rx_us);
        tx_path_send(track, packet, &out);
    }
    if (project_wants_keyframe(&track->project))
        source_want_keyframe(track->source, track->receiver->serial, m->rx_us);
    else if (track->target == LAYER_NONE && project_encoding(&track->project) < 0)
        track_unlist(track); /* suspended, and the frame in work is out */
}

void forward_media(struct encoding *encoding, const struct media_pkt *m)
{
    struct source *source = encoding->source;
    if (source->kind == COLIBRI2_AUDIO) {
        if (source->unbound)
            bind_audio(source, m->rx_us);
    } else {
        if (m->keyframe && m->frame_start) {
            keyframe_on_frame(&source->keyframe, m->rx_us);
            source_poll_keyframe(source, m->rx_us);
        }
        if (layers_on_packet(&source->layers, m, m->rx_us))
            conference_allocate_now(source->owner->conf);
    }
    if (!source->track_count)
        return;
    struct tx_packet packet;
    tx_path_prepare(&packet, source->owner, m);
    for (size_t i = source->track_count; i-- > 0;) /* from the end: an unlisted track is replaced by the last one */
        if (i < source->track_count)
            offer(source->tracks[i], &packet);
}
