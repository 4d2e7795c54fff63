/* bwe_path.c - see bwe_path.h. */
#include "bridge/bwe_path.h"

#include <stdlib.h>

#include <gnutls/crypto.h>

#include "bridge/endpoint.h"
#include "bridge/tx_path.h"
#include "proto/rtcp_twcc.h"

enum { NEWEST_MAX = 32 }; /* packets of a track looked at for one order */

static bool is_trusted(const struct endpoint *ep)
{
    return ep->worker->bridge->config->trust_bwe;
}

/* ---- probes and padding ---- */

/* The newest packets again, as RTX, as long as the next one fits: they repair what was lost, at no further cost. */
static size_t send_recent(struct endpoint *ep, struct track *track, size_t len_bytes, uint8_t purpose)
{
    size_t sent_bytes = 0;
    for (unsigned back = 0; back < NEWEST_MAX && track->tx.started; back++) {
        uint16_t seq = (uint16_t)(track->tx.newest_seq - back);
        const struct tx_sent *sent = tx_stream_find(&track->tx, seq);
        if (!sent || sent->payload_len > len_bytes - sent_bytes)
            break;
        size_t n = tx_path_send_again(track, seq, len_bytes - sent_bytes, purpose, ep->worker->now_us);
        if (!n)
            break;
        ep->bwe.probe_packets++;
        sent_bytes += n;
    }
    ep->bwe.probe_bytes += sent_bytes;
    return sent_bytes;
}

static int video_pt(const struct endpoint *ep) /* -1: none */
{
    for (unsigned pt = 0; pt < COUNT(ep->payloads); pt++)
        if (ep->payloads[pt].known && ep->payloads[pt].kind == COLIBRI2_VIDEO && !ep->payloads[pt].rtx)
            return (int)pt;
    return -1;
}

/* On an SSRC that carries nothing else, with numbers of its own: on the SSRC of a picture they would be holes in it for
 * whoever asks for retransmissions, and two packets under one number for SRTP. */
static void send_padding(struct endpoint *ep, size_t len_bytes, uint8_t purpose)
{
    int pt = video_pt(ep);
    struct bwe *bwe = &ep->bwe;
    bwe->padding_ts += 3000; /* media.md 8.6 */
    while (pt >= 0) {
        struct rtp_view view = {
            .pt = (uint8_t)pt, .seq = bwe->padding_seq, .ts = bwe->padding_ts, .ssrc = ep->conf->feedback_video_ssrc};
        size_t n = tx_path_send_padding(ep, &view, len_bytes, purpose, ep->worker->now_us);
        if (!n)
            return;
        bwe->padding_seq++;
        bwe->padding_packets++;
        bwe->padding_bytes += n;
        len_bytes -= n;
    }
}

static void carry_out(struct endpoint *ep, const struct gcc_probe *order)
{
    struct receiver *r = &ep->receiver;
    size_t left_bytes = order->len_bytes;
    struct track *track;
    size_t slots = r->rewriting ? ssrc_map_count(r->maps[COLIBRI2_VIDEO]) : 0;
    for (size_t i = 0; i < slots; i++) {
        track = r->slots[COLIBRI2_VIDEO][i];
        if (track && track->listed)
            left_bytes -= send_recent(ep, track, left_bytes, order->purpose);
    }
    for (size_t at = 0; !r->rewriting && (track = map_next(&r->plain_tracks, &at));)
        if (track->log && track->listed)
            left_bytes -= send_recent(ep, track, left_bytes, order->purpose);
    send_padding(ep, left_bytes, order->purpose);
}

static void send_orders(struct endpoint *ep)
{
    struct gcc_probe order;
    while (gcc_probe_poll(ep->bwe.gcc, ep->worker->now_us, &order))
        if (is_trusted(ep) && endpoint_is_up(ep)) /* what is not carried out is dropped */
            carry_out(ep, &order);
}

/* ---- what follows from an estimate ---- */

static bool has_rtx(const struct endpoint *ep)
{
    for (size_t i = 0; i < COUNT(ep->payloads); i++)
        if (ep->payloads[i].rtx)
            return true;
    return false;
}

int64_t bwe_budget_bps(const struct endpoint *ep)
{
    if (!ep->bwe.gcc || !is_trusted(ep) || !has_rtx(ep)) /* media.md 13.1 */
        return ALLOC_UNLIMITED;
    uint64_t bps = gcc_estimate_bps(ep->bwe.gcc);
    return bps >= (uint64_t)ALLOC_UNLIMITED ? ALLOC_UNLIMITED : (int64_t)bps;
}

bool bwe_has_room(const struct endpoint *ep)
{
    const struct gcc *gcc = ep->bwe.gcc;
    return !gcc || gcc_estimate_bps(gcc) >= gcc->ideal_bps;
}

static void arm(struct endpoint *ep)
{
    uint64_t deadline_us = gcc_deadline_us(ep->bwe.gcc);
    wheel_set(&ep->worker->wheel, &ep->bwe.timer, MAX(deadline_us, ep->worker->now_us + 1));
}

static void settle(struct endpoint *ep)
{
    struct bwe *bwe = &ep->bwe;
    struct gcc_target target;
    gcc_target(bwe->gcc, &target);
    bool known = target.estimate_bps != GCC_UNLIMITED && target.limit != GCC_BY_START;
    ep->downlink_bps = known ? target.estimate_bps : 0;
    receiver_on_estimate(&ep->receiver, bwe_budget_bps(ep), ep->worker->now_us);
    double threshold = ep->worker->bridge->config->bwe_change_threshold;
    if (alloc_budget_moved(bwe->acted_on_bps, bwe_budget_bps(ep), threshold))
        receiver_allocate(&ep->receiver, ep->worker->now_us);
    send_orders(ep);
    arm(ep);
}

void bwe_on_allocated(struct endpoint *ep, int64_t budget_bps, uint64_t target_bps, uint64_t ideal_bps)
{
    ep->bwe.acted_on_bps = budget_bps;
    if (!ep->bwe.gcc)
        return;
    gcc_set_wants(ep->bwe.gcc, target_bps, ideal_bps, ep->worker->now_us);
    arm(ep);
}

static void bwe_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct endpoint *ep = container_of(timer, struct endpoint, bwe.timer);
    gcc_on_time(ep->bwe.gcc, now_us);
    settle(ep);
}

/* ---- packets and feedback ---- */

void bwe_on_sent(struct endpoint *ep, uint16_t twcc_seq, size_t len_bytes, uint8_t purpose)
{
    struct gcc *g = ep->bwe.gcc;
    if (!g)
        return;
    gcc_on_sent(g, twcc_seq, len_bytes, purpose, ep->worker->now_us);
    if (gcc_deadline_us(g) < ep->bwe.timer.deadline_us)
        arm(ep);
}

void bwe_on_twcc(struct endpoint *ep, const struct rtcp_fb *fb)
{
    struct rtcp_twcc twcc;
    if (!ep->bwe.gcc || ep->bwe.gcc->config.feedback != GCC_TWCC || rtcp_twcc_parse(fb, &twcc) != E_OK) {
        ep->bwe.refused++;
        return;
    }
    gcc_on_feedback(ep->bwe.gcc, &twcc, ep->worker->now_us);
    settle(ep);
}

void bwe_on_remb(struct endpoint *ep, const struct rtcp_fb *fb)
{
    struct rtcp_remb remb;
    if (!ep->bwe.gcc || ep->bwe.gcc->config.feedback != GCC_REMB || rtcp_remb_parse(fb, &remb) != E_OK) {
        ep->bwe.refused++;
        return;
    }
    gcc_on_remb(ep->bwe.gcc, remb.bitrate_bps, ep->worker->now_us);
    settle(ep);
}

void bwe_on_report(struct endpoint *ep, const struct rtcp_report *report)
{
    struct track *track = ep->bwe.gcc ? receiver_track_by_ssrc(&ep->receiver, report->ssrc) : NULL;
    if (!track || !track->log || report->ssrc != track->tx.ssrc)
        return; /* not about video of ours */
    gcc_on_report(ep->bwe.gcc, report, ep->worker->now_us);
    settle(ep);
}

void bwe_on_rtt(struct endpoint *ep)
{
    if (ep->bwe.gcc)
        gcc_on_rtt(ep->bwe.gcc, ep->rtt.last_us);
}

/* ---- life ---- */

void bwe_init(struct endpoint *ep)
{
    ep->bwe.acted_on_bps = -1;
    gnutls_rnd(GNUTLS_RND_NONCE, &ep->bwe.padding_seq, sizeof ep->bwe.padding_seq);
    ep->bwe.padding_seq &= 0x7fff; /* RFC 3711 3.3.1 */
    timer_init(&ep->bwe.timer, bwe_timer_fired);
}

void bwe_done(struct endpoint *ep)
{
    wheel_set(&ep->worker->wheel, &ep->bwe.timer, NEVER_US);
    free(ep->bwe.gcc);
    ep->bwe.gcc = NULL;
}

void bwe_media_changed(struct endpoint *ep)
{
    const struct config *c = ep->worker->bridge->config;
    struct gcc_config cfg = {.start_bps = c->bwe_initial_bps, .min_bps = c->bwe_min_bps, .max_bps = c->bwe_max_bps};
    cfg.feedback = ep->does_twcc && ep->ext_id[RTP_EXT_TWCC] ? GCC_TWCC : ep->does_remb ? GCC_REMB : GCC_NONE;
    bool needed = ep->accepts_video && !ep->home;
    if (!needed) {
        bwe_done(ep);
        return;
    }
    if (ep->bwe.gcc && ep->bwe.gcc->config.feedback == cfg.feedback)
        return;
    if (!ep->bwe.gcc)
        ep->bwe.gcc = malloc(sizeof *ep->bwe.gcc);
    if (!ep->bwe.gcc)
        abort();
    gcc_init(ep->bwe.gcc, &cfg, ep->worker->now_us);
    arm(ep);
}

void bwe_path_changed(struct endpoint *ep)
{
    if (!ep->bwe.gcc)
        return;
    gcc_on_path_changed(ep->bwe.gcc, ep->worker->now_us);
    settle(ep);
}
