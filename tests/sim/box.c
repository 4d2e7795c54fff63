/* box.c - see box.h. */
#include "sim/box.h"

#include <stdio.h>
#include <stdlib.h>

static void on_report(void *ctx, struct inbox_msg *msg)
{
    (void)ctx;
    free(container_of(msg, struct control_report, msg));
}

void box_open(struct box *box, const struct box_sink *sink, uint64_t seed, uint64_t now_us)
{
    memset(box, 0, sizeof *box);
    box_io_start(sink, seed);
    config_defaults(&box->config);
    uv_loop_init(&box->loop);
    struct bridge *b = &box->bridge;
    b->config = &box->config;
    box->identity = dtls_identity_new(1700000000);
    b->control = inbox_new(&box->loop, on_report, box);
    addr_parse("192.0.2.1", 10000, &b->locals[0]);
    b->local_count = 1;
    b->workers = &box->worker;
    b->worker_count = 1;
    int failed[UDP_LOCALS_MAX];
    struct worker *w = box->worker = worker_new(b, 0, failed);
    w->now_us = now_us;
    wheel_init(&w->wheel, now_us);
    struct conference_spec spec = {.feedback_audio_ssrc = 0xfeed0001, .feedback_video_ssrc = 0xfeed0002};
    box->conf = conference_new(w, 1, &spec);
}

void box_close(struct box *box)
{
    box_io_stop();             /* what is still sent while it ends goes nowhere */
    worker_start(box->worker); /* its thread only ends it */
    worker_stop(box->worker);
    worker_join(box->worker);
    worker_free(box->worker);
    inbox_close(box->bridge.control);
    uv_run(&box->loop, UV_RUN_DEFAULT);
    uv_loop_close(&box->loop);
    dtls_identity_unref(box->identity);
    config_done(&box->config);
}

uint64_t box_next_us(const struct box *box)
{
    return wheel_next_us(&box->worker->wheel);
}

void box_run_to(struct box *box, uint64_t now_us)
{
    struct worker *w = box->worker;
    while (wheel_next_us(&w->wheel) <= now_us) {
        w->now_us = MAX(wheel_next_us(&w->wheel), w->now_us);
        wheel_run(&w->wheel, w->now_us);
    }
    w->now_us = now_us;
}

struct endpoint *box_join(struct box *box, uint32_t serial, bool rewriting, const struct media_spec *media,
                          const struct source_set *sources)
{
    struct endpoint_spec *spec = calloc(1, sizeof *spec);
    struct addr addr;
    snprintf(spec->id, sizeof spec->id, "%08x", serial);
    snprintf(spec->local.ufrag, sizeof spec->local.ufrag, "00sim%u", serial);
    snprintf(spec->local.pwd, sizeof spec->local.pwd, "abcdefghijklmnopqrstuvwxyz");
    spec->ice_controlling = true;
    spec->identity = box->identity;
    spec->ssrc_rewriting = rewriting;
    spec->mid_demux = rewriting;
    spec->media = *media;
    struct endpoint *ep = endpoint_new(box->conf, serial, spec);
    free(spec);
    addr_parse("198.51.100.1", (uint16_t)(1000 + serial), &addr);
    udp_dest_set(box->worker->udp, &ep->dest, &addr, 0);
    ep->srtp = box_io_srtp(serial);
    ep->sendable = true;
    receiver_up(&ep->receiver, true);
    endpoint_set_sources(ep, sources);
    endpoint_on_channel_ready(ep);
    return ep;
}

struct endpoint *box_endpoint(struct box *box, uint32_t serial)
{
    return map_get_u32(&box->worker->endpoints, serial);
}

void box_move(struct box *box, uint32_t serial, uint16_t port) /* as endpoint_ice.c does */
{
    struct endpoint *ep = box_endpoint(box, serial);
    struct addr addr;
    if (!ep)
        return;
    addr_parse("198.51.100.2", port, &addr);
    udp_dest_set(box->worker->udp, &ep->dest, &addr, 0);
    bwe_path_changed(ep);
    udp_flush(box->worker->udp);
}

void box_leave(struct box *box, uint32_t serial)
{
    struct endpoint *ep = box_endpoint(box, serial);
    if (ep)
        endpoint_free(ep);
}

void box_deliver(struct box *box, uint32_t serial, const uint8_t *data, size_t len, bool rtcp)
{
    struct endpoint *ep = box_endpoint(box, serial);
    struct pkt *pkt = ep ? pkt_alloc(box->worker->pool) : NULL;
    if (!pkt)
        return;
    memcpy(pkt->data, data, len);
    memset(pkt->data + len, 0, BOX_TRAILER_RTCP);
    pkt->len = (uint16_t)(len + (rtcp ? BOX_TRAILER_RTCP : BOX_TRAILER));
    pkt->rx_us = box->worker->now_us;
    rx_path_srtp(ep, pkt, rtcp);
    udp_flush(box->worker->udp);
}

void box_text(struct box *box, uint32_t serial, const char *text)
{
    struct endpoint *ep = box_endpoint(box, serial);
    if (ep)
        endpoint_on_channel_text(ep, bytes_str(text));
}
