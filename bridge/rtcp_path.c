/* rtcp_path.c - see rtcp_path.h. */
#include "bridge/rtcp_path.h"

#include "bridge/endpoint.h"
#include "bridge/shard.h"
#include "bridge/tx_path.h"
#include "proto/rtcp_fb.h"

/* ---- from the endpoint ---- */

static struct encoding *encoding_by_ssrc(struct endpoint *ep, uint32_t ssrc)
{
    for (size_t i = 0; i < ep->ssrc_count; i++)
        if (ep->ssrcs[i].ssrc == ssrc && !ep->ssrcs[i].rtx)
            return ep->ssrcs[i].encoding;
    return NULL;
}

static void on_rtt(struct endpoint *ep)
{
    bwe_on_rtt(ep);
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        keyframe_on_rtt(&source->keyframe, ep->rtt.last_us);
        for (uint8_t i = 0; i < source->encoding_count; i++)
            if (source->encodings[i].nack)
                nack_on_rtt(source->encodings[i].nack, ep->rtt.last_us);
    }
}

static void on_reports(struct endpoint *ep, struct bytes reports, uint64_t rx_us)
{
    bool changed = false;
    for (size_t i = 0; i < rtcp_report_count(reports); i++) {
        struct rtcp_report report = rtcp_report_at(reports, i);
        changed |= rtt_on_report(&ep->rtt, &report, rx_us);
    }
    if (changed)
        on_rtt(ep);
    for (size_t i = 0; i < rtcp_report_count(reports); i++) {
        struct rtcp_report report = rtcp_report_at(reports, i);
        bwe_on_report(ep, &report);
    }
}

static void on_sr(struct endpoint *ep, const struct rtcp_item *item, uint64_t rx_us)
{
    struct rtcp_sr sr;
    if (rtcp_sr_parse(item, &sr) != E_OK)
        return;
    on_reports(ep, sr.reports, rx_us);
    struct encoding *encoding = encoding_by_ssrc(ep, sr.ssrc);
    if (!encoding || ep->visitor)
        return;
    rx_stream_on_sr(&encoding->rx, &sr, rx_us);
    rtcp_forward_sr(encoding);
    shard_send_sr(encoding);
}

static void want_keyframe(struct endpoint *ep, uint32_t shown_ssrc, uint64_t rx_us)
{
    struct track *track = receiver_track_by_ssrc(&ep->receiver, shown_ssrc);
    if (track && track->source && track->source->kind == COLIBRI2_VIDEO)
        source_want_keyframe(track->source, ep->serial, rx_us);
}

static void on_feedback(struct endpoint *ep, const struct rtcp_item *item, uint64_t rx_us)
{
    struct rtcp_fb fb;
    uint16_t seq;
    struct track *track;
    if (rtcp_fb_parse(item, &fb) != E_OK)
        return;
    switch (fb.kind) {
    case RTCP_FB_NACK:
        track = receiver_track_by_ssrc(&ep->receiver, fb.media);
        for (size_t at = 0; track && rtcp_nack_next(&fb, &at, &seq);)
            tx_path_on_nack(track, seq, rx_us);
        break;
    case RTCP_FB_PLI: want_keyframe(ep, fb.media, rx_us); break;
    case RTCP_FB_FIR:
        for (size_t i = 0; i < rtcp_fir_count(&fb); i++) /* its media SSRC is 0: RFC 5104 4.3.1.2 */
            want_keyframe(ep, rtcp_fir_at(&fb, i).ssrc, rx_us);
        break;
    case RTCP_FB_TWCC: bwe_on_twcc(ep, &fb); break;
    case RTCP_FB_REMB: bwe_on_remb(ep, &fb); break;
    default: break; /* terminated here, or nothing to us */
    }
}

void rtcp_on_datagram(struct endpoint *ep, struct bytes compound, uint64_t rx_us)
{
    if (rtcp_check(compound) != E_OK) {
        demux_count(ep->worker->demux, DROP_RTP_MALFORMED);
        return;
    }
    struct rd r = rd_over(compound);
    struct rtcp_item item;
    struct rtcp_rr rr;
    while (rtcp_next(&r, &item)) {
        switch (item.type) {
        case RTCP_SR: on_sr(ep, &item, rx_us); break;
        case RTCP_RR:
            if (rtcp_rr_parse(&item, &rr) == E_OK)
                on_reports(ep, rr.reports, rx_us);
            break;
        case RTCP_RTPFB:
        case RTCP_PSFB: on_feedback(ep, &item, rx_us); break;
        default: break; /* SDES, BYE, XR, APP: terminated */
        }
    }
}

/* ---- to the endpoint ---- */

static void send_rtcp(struct endpoint *to, const struct wr *w)
{
    tx_path_send_rtcp(to, wr_done(w));
}

void rtcp_send_keyframe_request(struct endpoint *to, uint32_t media_ssrc, uint8_t fir_seq)
{
    uint8_t buf[RTCP_OUT_CAP];
    struct wr w = wr_over(buf, sizeof buf);
    struct rtcp_fir fir = {.ssrc = media_ssrc, .seq = fir_seq};
    if (to->does_pli)
        rtcp_pli_write(&w, to->conf->feedback_video_ssrc, media_ssrc);
    else
        rtcp_fir_write(&w, to->conf->feedback_video_ssrc, &fir, 1); /* always assumed: media.md 5.1 */
    send_rtcp(to, &w);
}

void rtcp_send_nacks(struct endpoint *to, struct encoding *encoding, uint64_t now_us)
{
    uint16_t seqs[NACK_MISSING_MAX];
    uint8_t buf[RTCP_OUT_CAP];
    size_t n = nack_poll(encoding->nack, now_us, seqs, COUNT(seqs));
    for (size_t at = 0; at < n;) {
        struct wr w = wr_over(buf, sizeof buf);
        size_t written = rtcp_nack_write(&w, to->conf->feedback_video_ssrc, encoding->ssrc, seqs + at, n - at);
        if (!written)
            return;
        send_rtcp(to, &w);
        at += written;
    }
}

void rtcp_send_twcc(struct endpoint *to, uint64_t now_us)
{
    uint8_t buf[RTCP_OUT_CAP];
    struct wr w = wr_over(buf, sizeof buf);
    while (twcc_rx_poll(to->twcc, now_us, to->conf->feedback_video_ssrc, &w)) {
        send_rtcp(to, &w);
        w = wr_over(buf, sizeof buf);
    }
    wheel_set(&to->worker->wheel, &to->twcc_timer, twcc_rx_deadline_us(to->twcc));
}

static void send_report(struct endpoint *to, const struct rtcp_report *reports, size_t count)
{
    uint8_t buf[RTCP_OUT_CAP];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_rr_write(&w, to->conf->feedback_video_ssrc, reports, count);
    if (to->remb)
        remb_rx_write(to->remb, &w, to->conf->feedback_video_ssrc);
    send_rtcp(to, &w);
}

void rtcp_send_reports(struct endpoint *to, uint64_t now_us)
{
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    size_t n = 0;
    list_for_each (it, &to->sources) {
        struct source *source = container_of(it, struct source, node);
        for (uint8_t i = 0; i < source->encoding_count; i++) {
            n += rx_stream_report(&source->encodings[i].rx, now_us, &reports[n]);
            if (n == COUNT(reports)) { /* RFC 3550 6.4.2: the rest goes into further packets */
                send_report(to, reports, n);
                n = 0;
            }
        }
    }
    if (n)
        send_report(to, reports, n);
}

void rtcp_forward_sr(struct encoding *from)
{
    const struct source *source = from->source;
    uint64_t now_us = source->owner->worker->now_us;
    for (size_t i = 0; i < source->track_count; i++) {
        struct track *track = source->tracks[i];
        uint8_t buf[64];
        struct wr w = wr_over(buf, sizeof buf);
        struct rtcp_sr sr;
        if (!tx_stream_sr(&track->tx, &from->rx.sr, &sr))
            continue;
        rtcp_sr_write(&w, &sr, NULL, 0);
        send_rtcp(track->receiver, &w);
        rtt_on_sr_sent(&track->receiver->rtt, sr.ssrc, sr.ntp, now_us);
    }
}
