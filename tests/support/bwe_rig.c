/* See bwe_rig.h. */
#include "support/bwe_rig.h"

#include <stdlib.h>
#include <string.h>


enum { STEP_US = 1000, PACKET = 1150, FRAME_US = 33333, AIR = 16384, DELAYS = 2000, PAD = 267, START_US = 1000000 };

void bwe_rig_init(struct bwe_rig *r, const struct link_config *link, size_t flows, enum bwe_media media,
                  uint64_t want_bps)
{
    memset(r, 0, sizeof *r);
    r->link = link_new(link);
    r->now_us = START_US;
    r->random = link->seed + 77;
    r->back_delay_us = link->delay_us;
    r->flows = calloc(flows, sizeof *r->flows);
    r->flow_count = flows;
    r->air = calloc(AIR, sizeof *r->air);
    r->delays_ms = calloc(DELAYS, sizeof *r->delays_ms);
    for (size_t i = 0; i < flows; i++) {
        struct bwe_flow *f = &r->flows[i];
        gcc_init(&f->gcc, &GCC_CONFIG_DEFAULT, r->now_us);
        f->rx = twcc_rx_new();
        f->media = media;
        f->want_bps = want_bps;
        f->twcc_seq = (uint16_t)(65000 + i);
        f->start_us = START_US + i * 1000000;
        f->next_frame_us = f->start_us + (uint64_t)(link_random(&r->random) * FRAME_US);
    }
}

void bwe_rig_done(struct bwe_rig *r)
{
    for (size_t i = 0; i < r->flow_count; i++)
        twcc_rx_free(r->flows[i].rx);
    link_free(r->link);
    free(r->flows);
    free(r->air);
    free(r->delays_ms);
}

/* ---- the bridge's side ---- */

static void send_one(struct bwe_rig *r, struct bwe_flow *f, size_t len, uint8_t purpose)
{
    uint16_t seq = f->twcc_seq++;
    gcc_on_sent(&f->gcc, seq, len, purpose, r->now_us);
    *(purpose == GCC_MEDIA ? &f->media_bytes : purpose == GCC_PADDING ? &f->padding_bytes : &f->probe_bytes) += len;
    link_send(r->link,
              &(struct link_packet){r->now_us, (uint32_t)len + BWE_WIRE_BYTES, (uint64_t)(f - r->flows) << 16 | seq});
}

static void allocate(struct bwe_rig *r, struct bwe_flow *f)
{
    static const uint64_t layers[] = {100000, 300000, 700000, 1600000, 2500000, 4500000, 8000000};
    uint64_t estimate_bps = gcc_estimate_bps(&f->gcc), media_bps = 100000;
    if (f->media == BWE_SMOOTH)
        media_bps = estimate_bps < f->want_bps ? estimate_bps : f->want_bps;
    else
        for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
            if (layers[i] <= estimate_bps && layers[i] <= f->want_bps)
                media_bps = layers[i];
    f->media_bps = media_bps;
    gcc_set_wants(&f->gcc, media_bps, f->want_bps, r->now_us);
}

/* Frames of uneven size, their packets spread a little, as they reach a bridge. */
static void send_media(struct bwe_rig *r, struct bwe_flow *f)
{
    if (r->now_us >= f->next_frame_us) {
        if (f->media == BWE_SMOOTH || f->next_frame_us / 500000 != (f->next_frame_us + FRAME_US) / 500000)
            allocate(r, f);
        f->frame_left_bytes +=
            (uint64_t)((double)f->media_bps * FRAME_US / 8e6 * (0.7 + 0.6 * link_random(&r->random)));
        f->next_frame_us += FRAME_US;
        f->next_packet_us = r->now_us;
    }
    while (f->frame_left_bytes && r->now_us >= f->next_packet_us) {
        size_t len = f->frame_left_bytes < PACKET ? f->frame_left_bytes : PACKET;
        f->frame_left_bytes -= len;
        send_one(r, f, len < 60 ? 60 : len, GCC_MEDIA);
        f->next_packet_us += 500;
    }
}

static void send_probes(struct bwe_rig *r, struct bwe_flow *f)
{
    struct gcc_probe order;
    if (r->now_us >= gcc_deadline_us(&f->gcc))
        gcc_on_time(&f->gcc, r->now_us);
    while (gcc_probe_poll(&f->gcc, r->now_us, &order)) {
        for (; order.len_bytes > PAD; order.len_bytes -= order.len_bytes < PACKET ? order.len_bytes : PACKET)
            send_one(r, f, order.len_bytes < PACKET ? order.len_bytes : PACKET, order.purpose); /* as RTX */
        if (order.len_bytes >= 12)
            send_one(r, f, order.len_bytes, order.purpose);
    }
}

/* ---- the receiver's side ---- */

static void send_feedback(struct bwe_rig *r, struct bwe_flow *f)
{
    for (;;) {
        if (f->back_count == BWE_BACK_MAX)
            abort();
        size_t at = (f->back_first + f->back_count) % BWE_BACK_MAX;
        struct wr w = wr_over(f->back[at].bytes, sizeof f->back[at].bytes);
        if (!twcc_rx_poll(f->rx, r->now_us, 1, &w))
            return;
        f->back[at].len = wr_len(&w);
        f->back[at].due_us = r->now_us + r->back_delay_us;
        f->back_count++;
    }
}

static void take_feedback(struct bwe_rig *r, struct bwe_flow *f)
{
    for (; f->back_count && f->back[f->back_first].due_us <= r->now_us; f->back_count--) {
        struct rd rd = rd_over(bytes_of(f->back[f->back_first].bytes, f->back[f->back_first].len));
        struct rtcp_item item;
        struct rtcp_fb fb;
        struct rtcp_twcc twcc;
        if (!rtcp_next(&rd, &item) || rtcp_fb_parse(&item, &fb) != E_OK || rtcp_twcc_parse(&fb, &twcc) != E_OK)
            abort();
        gcc_on_feedback(&f->gcc, &twcc, r->now_us);
        f->back_first = (f->back_first + 1) % BWE_BACK_MAX;
    }
}

static void arrive(struct bwe_rig *r)
{
    struct link_packet packet;
    uint64_t arrives_us;
    while (link_poll(r->link, r->now_us, &packet, &arrives_us)) {
        if (r->air_count == AIR)
            abort();
        size_t at = (r->air_first + r->air_count++) % AIR;
        r->air[at].packet = packet;
        r->air[at].arrives_us = arrives_us;
    }
    for (; r->air_count && r->air[r->air_first].arrives_us <= r->now_us; r->air_count--) {
        const struct link_packet *p = &r->air[r->air_first].packet;
        uint64_t at_us = r->air[r->air_first].arrives_us,
                 delay_ms = (at_us - p->sent_us - r->link->cfg.delay_us) / 1000;
        struct bwe_flow *f = &r->flows[p->tag >> 16];
        f->delivered_bytes += p->len_bytes;
        r->delays_ms[delay_ms < DELAYS ? delay_ms : DELAYS - 1]++;
        r->delay_count++;
        twcc_rx_on_packet(f->rx, (uint16_t)p->tag, 1, false, at_us);
        r->air_first = (r->air_first + 1) % AIR;
    }
}

void bwe_rig_run(struct bwe_rig *r, uint64_t us)
{
    for (uint64_t until_us = r->now_us + us; r->now_us < until_us; r->now_us += STEP_US) {
        arrive(r);
        size_t first = (size_t)(link_random(&r->random) * (double)r->flow_count); /* nobody is always the first in the queue */
        for (size_t i = 0; i < r->flow_count; i++) {
            struct bwe_flow *f = &r->flows[(first + i) % r->flow_count];
            if (r->now_us < f->start_us)
                continue;
            send_feedback(r, f);
            take_feedback(r, f);
            send_media(r, f);
            send_probes(r, f);
        }
    }
}

void bwe_rig_count_anew(struct bwe_rig *r)
{
    memset(r->delays_ms, 0, DELAYS * sizeof *r->delays_ms);
    r->delay_count = 0;
    for (size_t i = 0; i < r->flow_count; i++)
        r->flows[i].delivered_bytes = r->flows[i].media_bytes = r->flows[i].padding_bytes = r->flows[i].probe_bytes = 0;
}

unsigned bwe_rig_delay_ms(const struct bwe_rig *r, double share)
{
    uint64_t below = 0;
    for (unsigned ms = 0; ms < DELAYS; ms++)
        if ((double)(below += r->delays_ms[ms]) >= share * (double)r->delay_count)
            return ms;
    return DELAYS;
}

double bwe_rig_used(const struct bwe_rig *r, uint64_t capacity_bps, uint64_t us)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->flow_count; i++)
        bytes += r->flows[i].delivered_bytes;
    return (double)bytes * 8e6 / (double)us / (double)capacity_bps;
}
