/* worker.c - a media thread; see worker.h. What a message means is in conference.c and endpoint.c. */
#include "bridge/worker.h"

#include <stdlib.h>

#include "bridge/conference.h"
#include "bridge/endpoint.h"
#include "bridge/rx_path.h"
#include "bridge/overview.h"
#include "bridge/pulse.h"
#include "bridge/shard.h"
#include "proto/log.h"

struct worker_msg *worker_msg_new(enum worker_msg_kind kind, uint32_t conf_serial, uint32_t ep_serial,
                                  const void *bytes, size_t len)
{
    struct worker_msg *msg = calloc(1, sizeof *msg + len);
    if (!msg)
        abort();
    msg->msg.kind = (int)kind;
    msg->conf_serial = conf_serial;
    msg->ep_serial = ep_serial;
    msg->len = len;
    if (len)
        memcpy(msg->bytes, bytes, len);
    return msg;
}

void worker_post(struct worker *worker, struct worker_msg *msg)
{
    inbox_post(worker->inbox, &msg->msg);
}

/* ---- datagrams ---- */

struct handover { /* packets of one batch that belong to other workers, chained per worker */
    struct pkt *first[64], *last[64];
};

static void hand_over(struct worker *w, struct handover *h, unsigned to, struct pkt *pkt)
{
    if (to >= w->bridge->worker_count || to >= COUNT(h->first)) {
        demux_count(w->demux, DROP_HANDOVER);
        pkt_drop(pkt);
        return;
    }
    pkt->next = NULL;
    pkt->tag = (uint8_t)w->index;
    if (h->first[to])
        h->last[to]->next = pkt;
    else
        h->first[to] = pkt;
    h->last[to] = pkt;
}

static void post_chains(struct worker *w, struct handover *h)
{
    for (unsigned i = 0; i < w->bridge->worker_count && i < COUNT(h->first); i++)
        if (h->first[i]) {
            h->first[i]->msg.kind = W_DATAGRAMS;
            inbox_post(w->bridge->workers[i]->inbox, &h->first[i]->msg);
        }
}

static void route(struct worker *w, struct pkt *pkt, bool handed_over, struct handover *h)
{
    struct ice_path path = {.remote = pkt->from, .local = pkt->local};
    struct demux_verdict verdict;
    demux_route(w->demux, pkt->rx_us, &path, bytes_of(pkt->data, pkt->len), handed_over, &verdict);
    switch (verdict.kind) {
    case DEMUX_DROP: pkt_drop(pkt); break;
    case DEMUX_OTHER_WORKER: hand_over(w, h, verdict.worker, pkt); break;
    default: endpoint_on_datagram(container_of(verdict.owner, struct endpoint, owner), &verdict, &path, pkt); break;
    }
}

static void on_batch(void *ctx, struct pkt **pkts, size_t n)
{
    struct worker *w = ctx;
    struct handover h = {0};
    w->now_us = pkts[0]->rx_us;
    for (size_t i = 0; i < n; i++)
        route(w, pkts[i], false, &h);
    post_chains(w, &h);
    udp_flush(w->udp);
}

static void on_chain(struct worker *w, struct pkt *pkt)
{
    struct handover none = {0}; /* a packet is handed over once at most */
    while (pkt) {
        struct pkt *next = pkt->next;
        w->via = pkt->tag;
        route(w, pkt, true, &none);
        pkt = next;
    }
    w->via = w->index;
    udp_flush(w->udp);
}

struct path_lesson {
    struct ice_path path;
    unsigned worker;
    bool proven;
};

void worker_tell_path(struct worker *w, const struct ice_path *path, bool proven)
{
    struct path_lesson lesson = {.path = *path, .worker = w->index, .proven = proven};
    if (w->via != w->index)
        worker_post(w->bridge->workers[w->via], worker_msg_new(W_PATH_LEARNT, 0, 0, &lesson, sizeof lesson));
}

static void learn_path(struct worker *w, const struct worker_msg *msg)
{
    struct path_lesson lesson;
    memcpy(&lesson, msg->bytes, sizeof lesson);
    demux_learn(w->demux, w->now_us, &lesson.path, lesson.worker, lesson.proven);
}

/* ---- messages ---- */

static void end_all(struct worker *w)
{
    struct conference *conf;
    for (size_t at = 0; (conf = map_next(&w->conferences, &at)); at = 0)
        conference_free(conf);
    udp_io_close(w->udp);
    uv_close((uv_handle_t *)&w->timer, NULL);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    uv_sem_post(&w->ended);
}

static void restart_ice(struct endpoint *ep, const struct restart_spec *spec)
{
    endpoint_ice_restart(ep, &spec->local, spec->generation);
}

static bool fits(const struct endpoint *ep, enum worker_msg_kind kind) /* a mirror has no transport */
{
    return !ep->home || kind == W_EP_MEDIA || kind == W_EP_SOURCES || kind == W_EP_EXPIRE || kind >= W_SHARD_HELLO;
}

static void on_endpoint_msg(struct endpoint *ep, struct worker_msg *msg)
{
    if (!fits(ep, (enum worker_msg_kind)msg->msg.kind))
        return;
    switch ((enum worker_msg_kind)msg->msg.kind) {
    case W_EP_MEDIA: endpoint_set_media(ep, msg->arg); break;
    case W_EP_TRANSPORT: endpoint_set_transport(ep, msg->arg); break;
    case W_EP_ICE_RESTART: restart_ice(ep, msg->arg); break;
    case W_EP_SOURCES: endpoint_set_sources(ep, msg->arg); break;
    case W_EP_MUTE: endpoint_force_mute(ep, msg->audio, msg->video); break;
    case W_EP_LAST_N: endpoint_initial_last_n(ep, msg->number); break;
    case W_EP_EXPIRE: endpoint_free(ep); break;
    case W_CHANNEL_READY: endpoint_on_channel_ready(ep); break;
    case W_CHANNEL_TEXT: endpoint_on_channel_text(ep, bytes_of(msg->bytes, msg->len)); break;
    case W_CHANNEL_PACKET: endpoint_on_channel_packet(ep, bytes_of(msg->bytes, msg->len)); break;
    case W_CHANNEL_CLOSED: endpoint_on_channel_closed(ep); break;
    default: shard_on_msg(ep, msg); break;
    }
}

static void obey(struct worker *w, struct worker_msg *msg)
{
    struct conference *conf = map_get_u32(&w->conferences, msg->conf_serial);
    struct endpoint *ep = msg->ep_serial ? map_get_u32(&w->endpoints, msg->ep_serial) : NULL;
    if (msg->msg.kind == W_CONF_NEW)
        conference_new(w, msg->conf_serial, msg->arg);
    else if (msg->msg.kind == W_CONF_EXPIRE)
        conference_free(conf);
    else if (msg->msg.kind == W_EP_NEW && conf)
        endpoint_new(conf, msg->ep_serial, msg->arg);
    else if (msg->msg.kind == W_EP_MIRROR && conf)
        shard_mirror_new(conf, msg->ep_serial, msg->arg, (unsigned)msg->number);
    else if (ep)
        on_endpoint_msg(ep, msg);
}

static void on_msg(void *ctx, struct inbox_msg *in)
{
    struct worker *w = ctx;
    w->now_us = uv_hrtime() / 1000;
    if (in->kind == W_DATAGRAMS) {
        on_chain(w, container_of(in, struct pkt, msg));
        return;
    }
    if (in->kind == W_SHARD_PACKET) {
        shard_on_packet(w, container_of(in, struct pkt, msg));
        return;
    }
    struct worker_msg *msg = container_of(in, struct worker_msg, msg);
    switch (in->kind) {
    case W_PATH_LEARNT: learn_path(w, msg); break;
    case W_OVERVIEW: overview_answer(w, msg->arg); break;
    case W_PULSE: pulse_answer(w, msg->number); break;
    case W_STOP: end_all(w); break;
    case W_EXIT: inbox_close(w->inbox); break;
    default: obey(w, msg); break;
    }
    if (msg->arg_free)
        msg->arg_free(msg->arg);
    free(msg);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    w->now_us = uv_hrtime() / 1000;
    w->armed_us = NEVER_US;
    wheel_run(&w->wheel, w->now_us);
}

static void before_sleep(uv_prepare_t *prepare)
{
    struct worker *w = prepare->data;
    udp_flush(w->udp);
    uint64_t next_us = wheel_next_us(&w->wheel);
    if (next_us == w->armed_us)
        return;
    w->armed_us = next_us;
    if (next_us == NEVER_US) {
        uv_timer_stop(&w->timer);
        return;
    }
    uint64_t now_us = uv_hrtime() / 1000;
    uv_update_time(&w->loop);
    uv_timer_start(&w->timer, on_timer, next_us > now_us ? (next_us - now_us) / 1000 + 1 : 0, 0);
}

static void run(void *arg)
{
    struct worker *w = arg;
    pkt_pool_adopt(w->pool);
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

struct worker *worker_new(const struct bridge *bridge, unsigned index, int failed[UDP_LOCALS_MAX])
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->bridge = bridge;
    w->index = w->via = index;
    w->policy = policy_from(bridge->config);
    if (uv_loop_init(&w->loop) != 0)
        abort();
    w->pool = pkt_pool_new(WORKER_PKTS);
    w->counters = rx_path_counters_new();
    pkt_pool_adopt(w->pool); /* until run() does, in its own thread */
    w->udp = udp_io_new(&w->loop, bridge->locals, bridge->local_count, bridge->config->udp_receive_buffer_bytes,
                        w->pool, on_batch, w, failed);
    if (!w->udp) {
        uv_loop_close(&w->loop);
        pkt_pool_free(w->pool);
        free(w->counters);
        free(w);
        return NULL;
    }
    w->now_us = uv_hrtime() / 1000;
    wheel_init(&w->wheel, w->now_us);
    w->armed_us = NEVER_US;
    map_init(&w->conferences);
    map_init(&w->endpoints);
    w->demux = demux_new(index, bridge->worker_count, bridge->config->ice_ufrag_prefix, bridge->ssrc_hints);
    w->inbox = inbox_new(&w->loop, on_msg, w);
    uv_sem_init(&w->ended, 0);
    uv_timer_init(&w->loop, &w->timer);
    uv_prepare_init(&w->loop, &w->prepare);
    w->timer.data = w->prepare.data = w;
    uv_prepare_start(&w->prepare, before_sleep);
    return w;
}

void worker_start(struct worker *w)
{
    if (uv_thread_create(&w->thread, run, w) != 0)
        abort();
}

void worker_stop(struct worker *w)
{
    worker_post(w, worker_msg_new(W_STOP, 0, 0, NULL, 0));
    uv_sem_wait(&w->ended);
}

void worker_join(struct worker *w)
{
    worker_post(w, worker_msg_new(W_EXIT, 0, 0, NULL, 0));
    uv_thread_join(&w->thread);
}

void worker_free(struct worker *w)
{
    uv_sem_destroy(&w->ended);
    uv_loop_close(&w->loop);
    demux_free(w->demux);
    map_done(&w->conferences);
    map_done(&w->endpoints);
    pkt_pool_adopt(w->pool);
    pkt_pool_free(w->pool);
    free(w->counters);
    free(w);
}
