/* forward.c - deciding and sending are one call on one thread, so they cannot disagree. */
#include "bridge/forward.h"

#include "bridge/endpoint.h"
#include "bridge/shard.h"
#include "bridge/tx_path.h"
#include "proto/red.h"
#include "proto/rtp_ext.h"

/* Receivers without a track for this microphone get one now: slots are for those who are heard (bridge-channel.md 6.2).
 * A slot may be taken from another source, which then looks for one when it is heard again. */
static void bind_audio(struct source *source, uint64_t now_us)
{
    source->unbound = false;
    list_for_each (it, &source->owner->conf->endpoints)
        receiver_show_audio(&container_of(it, struct endpoint, node)->receiver, source, now_us);
}

static bool send_if_shown(struct track *track, const struct tx_packet *packet)
{
    const struct media_pkt *m = packet->m;
    struct project_out out;
    if (!project_offer(&track->project, m, m->rx_us, &out))
        return false;
    tx_path_send(track, packet, &out);
    return true;
}

/* For a receiver without RED (media.md 9.6): what is inside, the primary block last. The blocks before it repeat earlier
 * packets; the projection lets through only what was lost on its way to us, so what was held back stays so. */
static bool send_unwrapped(struct track *track, const struct tx_packet *packet)
{
    const struct media_pkt *m = packet->m;
    struct rd r = rd_over(media_pkt_payload(m));
    struct red_view red;
    bool sent = false;
    if (red_parse(&r, &red) != E_OK)
        return false;
    for (size_t i = project_encoding(&track->project) < 0 ? red.count - 1 : 0; i < red.count; i++) {
        const struct red_block *block = &red.block[i];
        size_t back = red.count - 1 - i;
        struct media_pkt inner = *m;
        struct tx_packet part = *packet;
        const struct payload_info *payload = &track->receiver->payloads[block->pt];
        if (!block->data.n || !payload->known || payload->kind != COLIBRI2_AUDIO)
            continue;
        inner.pt = block->pt;
        inner.seq_wide -= (int64_t)back;
        inner.seq = (uint16_t)inner.seq_wide;
        inner.ts -= block->ts_offset;
        inner.payload_at = (uint16_t)(block->data.p - m->pkt->data);
        inner.payload_len = (uint16_t)block->data.n;
        part.m = &inner;
        if (back) { /* extensions and marker are the primary's */
            inner.marker = false;
            part.kept_count = 0;
        }
        sent |= send_if_shown(track, &part);
    }
    return sent;
}

static void offer(struct track *track, const struct tx_packet *packet)
{
    const struct media_pkt *m = packet->m;
    if (m->rx_us < track->quiet_until_us)
        return;
    bool sent = false, known = track->receiver->payloads[m->pt].known;
    if (known)
        sent = send_if_shown(track, packet);
    else if (m->codec == CODEC_RED)
        sent = send_unwrapped(track, packet);
    if (sent && track->slot)
        ssrc_map_touch(track->slot, m->rx_us);
    if (known && project_wants_keyframe(&track->project))
        source_want_keyframe(track->source, track->receiver->serial, m->rx_us);
    else if (track->target == LAYER_NONE && project_encoding(&track->project) < 0)
        track_unlist(track); /* suspended, and the frame in work is out */
}

/* What the sender says of its layers, if it does with this packet; one that comes late is no news. True: re-run. */
static bool read_vla(struct source *source, const struct media_pkt *m)
{
    uint8_t id = source->owner->ext_id[RTP_EXT_VLA];
    if (!id || m->late || m->retransmitted)
        return false;
    struct rd r = rd_over(bytes_of(m->pkt->data, m->pkt->len));
    struct rtp_view view;
    struct bytes data;
    struct rtp_vla vla;
    return rtp_parse(&r, &view) == E_OK && rtp_ext_find(&view, id, &data) && rtp_ext_vla_parse(data, &vla) == E_OK &&
           layers_on_vla(&source->layers, m->codec, &vla);
}

static void offer_all(struct source *source, const struct tx_packet *packet)
{
    enum { FAR = 4, NEAR = 1 }; /* tracks ahead */
    for (size_t i = source->track_count; i-- > 0;) { /* from the end: an unlisted track is replaced by the last one */
        if (i >= FAR)
            track_prefetch(source->tracks[i - FAR]);
        if (i >= NEAR && i - NEAR < source->track_count)
            track_prefetch_inner(source->tracks[i - NEAR]);
        if (i < source->track_count)
            offer(source->tracks[i], packet);
    }
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
        bool told = read_vla(source, m);
        if (layers_on_packet(&source->layers, m, m->rx_us) || told)
            conference_allocate_now(source->owner->conf);
    }
    if (source->wanted_by)
        shard_send_media(encoding, m);
    if (!source->track_count)
        return;
    struct tx_packet packet;
    tx_path_prepare(&packet, source->owner, m);
    offer_all(source, &packet);
}
