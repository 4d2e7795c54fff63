/* tx_path.c - see tx_path.h. */
#include "bridge/tx_path.h"

#include "bridge/endpoint.h"
#include "proto/rtx.h"

enum { EXTS_MAX = TX_KEPT_MAX + 4 };

/* The extensions that are kept (media.md 5.2). They are in front of the payload, so they are found by reading the header
 * again; of an RTX packet it is the RTX header, which carries them just as well. */
void tx_path_prepare(struct tx_packet *packet, const struct endpoint *from, const struct media_pkt *m)
{
    static const enum rtp_ext_kind kept[TX_KEPT_MAX] = {RTP_EXT_AUDIO_LEVEL, RTP_EXT_VIDEO_ORIENTATION};
    struct rd r = rd_over(bytes_of(m->pkt->data, m->pkt->len));
    struct rtp_view view;
    packet->m = m;
    packet->kept_count = 0;
    if (rtp_parse(&r, &view) != E_OK)
        return;
    for (size_t i = 0; i < COUNT(kept); i++) {
        struct tx_kept *out = &packet->kept[packet->kept_count];
        out->kind = kept[i];
        if (from->ext_id[kept[i]] && rtp_ext_find(&view, from->ext_id[kept[i]], &out->data))
            packet->kept_count++;
    }
}

struct exts {
    struct rtp_ext v[EXTS_MAX];
    size_t n;
    uint8_t twcc[2], abs_send_time[3], dd[DD_LEN_MAX];
};

static void add_ext(struct exts *exts, uint8_t id, struct bytes data)
{
    if (id)
        exts->v[exts->n++] = (struct rtp_ext){id, data};
}

static void add_dd(struct exts *exts, uint8_t id, const struct media_pkt *m, const struct tx_edit *edit)
{
    struct dd_edit dd = {.frame_delta = edit->dd_frame_delta,
                         .template_delta = edit->dd_template_delta,
                         .masks = edit->dd_masks,
                         .mask = edit->dd_mask};
    struct bytes data = dd_write(media_pkt_dd(m), &m->dd, &dd, exts->dd);
    if (data.n)
        add_ext(exts, id, data);
}

static bool numbers_video(const struct endpoint *to)
{
    return to->does_twcc && to->ext_id[RTP_EXT_TWCC];
}

static uint16_t next_number(struct endpoint *to)
{
    return numbers_video(to) ? to->twcc_tx_seq++ : 0;
}

static bool takes_twcc(const struct track *track) /* audio is not numbered: media.md 8.1 */
{
    return track->log && numbers_video(track->receiver);
}

static uint16_t next_twcc(const struct track *track)
{
    return takes_twcc(track) ? next_number(track->receiver) : 0;
}

static void choose_exts(struct exts *exts, const struct track *track, const struct tx_packet *packet,
                        const struct tx_edit *edit, uint16_t twcc_seq, uint64_t now_us)
{
    struct endpoint *to = track->receiver;
    exts->n = 0;
    for (size_t i = 0; i < packet->kept_count; i++)
        add_ext(exts, to->ext_id[packet->kept[i].kind], packet->kept[i].data);
    if (edit->dd && to->ext_id[RTP_EXT_DD])
        add_dd(exts, to->ext_id[RTP_EXT_DD], packet->m, edit);
    if (!to->does_twcc)
        add_ext(exts, to->ext_id[RTP_EXT_ABS_SEND_TIME], rtp_ext_abs_send_time_write(exts->abs_send_time, now_us));
    if (track->mid[0])
        add_ext(exts, to->ext_id[RTP_EXT_MID], bytes_str(track->mid));
    if (takes_twcc(track))
        add_ext(exts, to->ext_id[RTP_EXT_TWCC], rtp_ext_twcc_write(exts->twcc, twcc_seq));
}

static bool seal_and_queue(struct endpoint *to, uint8_t *buf, size_t len)
{
    bool ok = msrtp_seal_rtp(to->srtp, buf, &len, UDP_OUT_CAP) == E_OK;
    if (ok)
        udp_out_end(to->worker->udp, &to->dest, len);
    return ok;
}

/* rtx: as what repairs it, else as the packet itself. Its length; 0: it could not be sent. */
static size_t write_packet(struct track *track, const struct tx_packet *packet, const struct tx_sent *sent, bool rtx,
                           uint16_t twcc_seq, uint64_t now_us)
{
    struct endpoint *to = track->receiver;
    const struct media_pkt *m = packet->m;
    struct rtp_view view = {
        .pt = m->pt, .marker = sent->marker, .seq = sent->out_seq, .ts = sent->out_ts, .ssrc = track->tx.ssrc};
    struct exts exts;
    choose_exts(&exts, track, packet, &sent->edit, twcc_seq, now_us);
    uint8_t *buf = udp_out_begin(to->worker->udp);
    struct wr w = wr_over(buf, UDP_OUT_CAP - MSRTP_TRAILER_MAX - 1);
    if (rtx)
        rtx_write_header(&w, &view, to->payloads[m->pt].rtx_pt, track->tx.rtx_ssrc, tx_stream_next_rtx_seq(&track->tx),
                         exts.v, exts.n);
    else
        rtp_write_header(&w, &view, exts.v, exts.n);
    uint8_t *payload = w.pos;
    wr_bytes(&w, media_pkt_payload(m));
    if (w.err != E_OK)
        return 0;
    project_apply(&sent->edit, payload, m->payload_len);
    return seal_and_queue(to, buf, wr_len(&w)) ? wr_len(&w) : 0;
}

static void tell_estimator(const struct track *track, uint16_t twcc_seq, size_t len_bytes, uint8_t purpose)
{
    if (track->log && len_bytes)
        bwe_on_sent(track->receiver, twcc_seq, len_bytes, purpose);
}

static bool has_rtx(const struct track *track, uint8_t pt)
{
    return track->tx.rtx_ssrc && track->receiver->payloads[pt].rtx_pt;
}

static size_t write_rtx(struct track *track, const struct tx_packet *packet, const struct tx_sent *sent,
                        uint8_t purpose, uint64_t now_us)
{
    uint16_t twcc_seq = next_twcc(track);
    size_t len_bytes = write_packet(track, packet, sent, true, twcc_seq, now_us);
    tell_estimator(track, twcc_seq, len_bytes, purpose);
    return len_bytes;
}

void tx_path_send(struct track *track, const struct tx_packet *packet, const struct project_out *out)
{
    const struct media_pkt *m = packet->m;
    struct endpoint *to = track->receiver;
    if (!endpoint_is_up(to))
        return;
    struct tx_sent sent = {
        .in_seq_wide = m->seq_wide,
        .in_rx_us = m->rx_us,
        .in_ssrc = m->ssrc,
        .in_ts = m->ts,
        .out_ts = out->ts,
        .out_seq = out->seq,
        .payload_len = m->payload_len,
        .twcc_seq = next_twcc(track),
        .marker = out->marker,
        .edit = out->edit,
    };
    size_t len_bytes = write_packet(track, packet, &sent, false, sent.twcc_seq, m->rx_us);
    tell_estimator(track, sent.twcc_seq, len_bytes, GCC_MEDIA);
    tx_stream_on_sent(&track->tx, &sent, m->rx_us);
    if (m->pressed && has_rtx(track, m->pt) && bwe_has_room(to))
        write_rtx(track, packet, &sent, GCC_MEDIA, m->rx_us);
}

static const struct encoding *encoding_of(const struct source *source, uint32_t ssrc)
{
    for (uint8_t i = 0; source && i < source->encoding_count; i++)
        if (source->encodings[i].ssrc == ssrc)
            return &source->encodings[i];
    return NULL;
}

/* Under its own SSRC and number a packet may only go out again as exactly the bytes that it was, or AES-GCM is broken
 * (transport.md 12.4): nothing that its header is made of may have been signalled anew since. */
static bool is_unchanged(const struct track *track, const struct media_pkt *m)
{
    return m->rx_us > MAX(track->receiver->media_us, track->source->owner->media_us);
}

static const struct media_pkt *kept_packet(const struct track *track, const struct tx_sent *sent) /* NULL: gone */
{
    const struct encoding *encoding = sent ? encoding_of(track->source, sent->in_ssrc) : NULL;
    const struct media_pkt *m = encoding ? history_get(encoding->history, sent->in_seq_wide) : NULL;
    return m && m->rx_us == sent->in_rx_us ? m : NULL;
}

size_t tx_path_send_again(struct track *track, uint16_t out_seq, size_t most_bytes, uint8_t purpose, uint64_t now_us)
{
    enum { HEADERS_MAX = 60 }; /* with extensions and the number of what is repaired */
    struct endpoint *to = track->receiver;
    const struct tx_sent *sent = endpoint_is_up(to) ? tx_stream_find(&track->tx, out_seq) : NULL;
    const struct media_pkt *m = kept_packet(track, sent);
    if (!m || !has_rtx(track, m->pt) || (size_t)m->payload_len + HEADERS_MAX > most_bytes)
        return 0;
    struct tx_packet packet;
    tx_path_prepare(&packet, track->source->owner, m);
    size_t len_bytes = write_rtx(track, &packet, sent, purpose, now_us);
    return MIN(len_bytes, most_bytes);
}

size_t tx_path_send_padding(struct endpoint *to, const struct rtp_view *view, size_t most_bytes, uint8_t purpose,
                            uint64_t now_us)
{
    struct exts exts;
    exts.n = 0;
    uint16_t twcc_seq = to->twcc_tx_seq;
    struct rtp_view padded = *view;
    padded.padded = true;
    if (!to->does_twcc)
        add_ext(&exts, to->ext_id[RTP_EXT_ABS_SEND_TIME], rtp_ext_abs_send_time_write(exts.abs_send_time, now_us));
    if (numbers_video(to))
        add_ext(&exts, to->ext_id[RTP_EXT_TWCC], rtp_ext_twcc_write(exts.twcc, twcc_seq));
    size_t header_bytes = rtp_header_len(&padded, exts.v, exts.n);
    if (!endpoint_is_up(to) || most_bytes <= header_bytes)
        return 0;
    uint8_t *buf = udp_out_begin(to->worker->udp);
    struct wr w = wr_over(buf, UDP_OUT_CAP - MSRTP_TRAILER_MAX - 1);
    rtp_write_header(&w, &padded, exts.v, exts.n);
    rtp_write_padding(&w, (uint8_t)MIN(most_bytes - header_bytes, (size_t)RTP_PADDING_MAX));
    size_t len_bytes = wr_len(&w);
    next_number(to);
    if (w.err == E_OK && seal_and_queue(to, buf, len_bytes))
        bwe_on_sent(to, twcc_seq, len_bytes, purpose);
    return len_bytes; /* its number is used up, whatever became of it */
}

void tx_path_on_nack(struct track *track, uint16_t out_seq, uint64_t now_us)
{
    struct endpoint *to = track->receiver;
    const struct tx_sent *sent = endpoint_is_up(to) ? tx_stream_find(&track->tx, out_seq) : NULL;
    const struct media_pkt *m = kept_packet(track, sent);
    if (!m)
        return;
    bool rtx = has_rtx(track, m->pt);
    bool again = sent->resent; /* asked for once more: it, or the request, was lost, and time is running out */
    if ((!rtx && !is_unchanged(track, m)) || !tx_stream_on_nack(&track->tx, out_seq, to->rtt.last_us, now_us))
        return;
    struct tx_packet packet;
    tx_path_prepare(&packet, track->source->owner, m);
    if (!rtx) {
        write_packet(track, &packet, sent, false, sent->twcc_seq, m->rx_us); /* at the time when it was sent first */
        return;
    }
    write_rtx(track, &packet, sent, GCC_MEDIA, now_us);
    if (again && bwe_has_room(to))
        write_rtx(track, &packet, sent, GCC_MEDIA, now_us);
}

void tx_path_send_rtcp(struct endpoint *to, struct bytes rtcp)
{
    if (!endpoint_is_up(to) || !rtcp.n)
        return;
    uint8_t *buf = udp_out_begin(to->worker->udp);
    size_t len = rtcp.n;
    memcpy(buf, rtcp.p, rtcp.n);
    if (msrtp_seal_rtcp(to->srtp, buf, &len, UDP_OUT_CAP) == E_OK)
        udp_out_end(to->worker->udp, &to->dest, len);
}
