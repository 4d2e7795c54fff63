/* sim.c - see sim.h. */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/rtp_ext.h"
#include "sim/box.h"
#include "sim/net.h"
#include "sim/receiver.h"
#include "sim/watch.h"

enum { CLIENTS_MAX = 60, START_US = 1000000000, SETTLE_US = 8000000, VIOLATIONS_MAX = 100, CHECK_US = 500000 };

enum event_kind { EVENT_TO_BRIDGE, EVENT_TO_CLIENT, EVENT_TEXT_UP, EVENT_TEXT_DOWN };

struct event {
    uint64_t at_us, order;
    enum event_kind kind;
    uint32_t client;
    bool rtcp;
    size_t len;
    uint8_t *data;
};

struct sim;

struct client {
    struct sim *sim;
    uint32_t id;     /* also its serial at the bridge, and its place */
    bool here, good; /* good: over such a network everything must be seen */
    bool rewriting;
    struct sender sender;
    struct m_receiver receiver;
    struct net_link up, down;
    int max_height, last_n; /* what it asked for */
    char name[16];          /* of its camera */
    uint64_t text_us;       /* arrival of the newest text at it */
};

struct sim {
    struct box box;
    struct watch watch;
    struct rng rng;
    bool verbose;
    uint64_t now_us, act_us, check_us, settled_us; /* settled: when nothing more follows from the last act */
    uint64_t order;
    struct event *heap;
    size_t heap_count, heap_cap;
    struct client *clients[CLIENTS_MAX];
    uint32_t client_count;
    struct sim_result *result;
};

/* ---- saying ---- */

static void say(struct sim *sim, const char *format, ...)
{
    if (!sim->verbose)
        return;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%10.3f ", (double)(sim->now_us - START_US) / 1e6);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void violation(void *ctx, uint32_t serial, const char *what)
{
    struct sim *sim = ctx;
    if (sim->result->violations++ == 0)
        snprintf(sim->result->first, sizeof sim->result->first, "%.3f s, client %u: %s",
                 (double)(sim->now_us - START_US) / 1e6, serial, what);
    say(sim, "VIOLATION client %u: %s", serial, what);
}

static void client_violation(void *ctx, const char *what)
{
    struct client *c = ctx;
    violation(c->sim, c->id, what);
}

/* ---- events ---- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void push(struct sim *sim, enum event_kind kind, uint64_t at_us, uint32_t client, const void *data, size_t len,
                 bool rtcp)
{
    if (sim->heap_count == sim->heap_cap) {
        sim->heap_cap = sim->heap_cap ? 2 * sim->heap_cap : 1024;
        sim->heap = realloc(sim->heap, sim->heap_cap * sizeof *sim->heap);
    }
    struct event event = {.at_us = at_us,
                          .order = sim->order++,
                          .kind = kind,
                          .client = client,
                          .rtcp = rtcp,
                          .len = len,
                          .data = malloc(len + 1)};
    memcpy(event.data, data, len);
    event.data[len] = 0;
    size_t at = sim->heap_count++;
    for (; at && before(&event, &sim->heap[(at - 1) / 2]); at = (at - 1) / 2)
        sim->heap[at] = sim->heap[(at - 1) / 2];
    sim->heap[at] = event;
}

static struct event pop(struct sim *sim)
{
    struct event top = sim->heap[0], last = sim->heap[--sim->heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < sim->heap_count; at = child) {
        if (child + 1 < sim->heap_count && before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!before(&sim->heap[child], &last))
            break;
        sim->heap[at] = sim->heap[child];
    }
    sim->heap[at] = last;
    return top;
}

/* ---- between client and bridge ---- */

static void client_emit(void *ctx, const uint8_t *data, size_t len, bool rtcp)
{
    struct client *c = ctx;
    uint64_t at_us[NET_COPIES_MAX];
    int copies = net_send(&c->up, c->sim->now_us, len + (rtcp ? BOX_TRAILER_RTCP : BOX_TRAILER), at_us);
    for (int i = 0; i < copies; i++)
        push(c->sim, EVENT_TO_BRIDGE, at_us[i], c->id, data, len, rtcp);
}

static void bridge_emit(void *ctx, uint32_t serial, const uint8_t *data, size_t len, bool rtcp)
{
    struct sim *sim = ctx;
    struct client *c = sim->clients[serial];
    uint64_t at_us[NET_COPIES_MAX];
    sim->result->out_packets++;
    if (rtcp)
        sender_judge_rtcp(&c->sender, data, len, sim->now_us);
    else
        watch_on_out(&sim->watch, serial, data, len, sim->now_us);
    int copies = net_send(&c->down, sim->now_us, len + (rtcp ? BOX_TRAILER_RTCP : BOX_TRAILER), at_us);
    for (int i = 0; i < copies; i++)
        push(sim, EVENT_TO_CLIENT, at_us[i], serial, data, len, rtcp);
}

static void bridge_text(void *ctx, uint32_t serial, const char *text)
{
    struct sim *sim = ctx;
    struct client *c = sim->clients[serial];
    c->text_us = MAX(c->text_us, sim->now_us + c->down.config.delay_us);
    push(sim, EVENT_TEXT_DOWN, c->text_us, serial, text, strlen(text), false);
}

static void send_text(struct client *c, const char *text)
{
    push(c->sim, EVENT_TEXT_UP, c->sim->now_us + c->up.config.delay_us, c->id, text, strlen(text), false);
}

static bool number_after(const char *from, const char *name, const char *end, double *out)
{
    const char *at = strstr(from, name);
    return at && at < end && sscanf(at + strlen(name), "%lf", out) == 1;
}

static void on_source_map(struct client *c, const char *text)
{
    for (const char *at = strstr(text, "\"mappedSources\""), *end; at && (at = strchr(at, '{')); at = end) {
        double ssrc, rtx;
        if (!(end = strchr(at, '}')))
            return;
        if (!number_after(at, "\"ssrc\":", end, &ssrc) || !number_after(at, "\"rtx\":", end, &rtx))
            continue;
        receiver_model_map(&c->receiver, (uint32_t)ssrc, (uint32_t)rtx);
    }
}

static void note_rtx(struct sim *sim, uint32_t serial, const char *text) /* when the bridge says it */
{
    for (const char *at = strstr(text, "\"mappedSources\""), *end; at && (at = strchr(at, '{')); at = end) {
        double ssrc, rtx;
        if (!(end = strchr(at, '}')))
            return;
        if (number_after(at, "\"ssrc\":", end, &ssrc) && number_after(at, "\"rtx\":", end, &rtx))
            watch_rtx(&sim->watch, serial, (uint32_t)ssrc, (uint32_t)rtx);
    }
}

static void on_bridge_text(void *ctx, uint32_t serial, const char *text)
{
    struct sim *sim = ctx;
    if (strstr(text, "VideoSourcesMap"))
        note_rtx(sim, serial, text);
    bridge_text(ctx, serial, text);
}

static void on_text(struct client *c, const char *text)
{
    double height;
    if (strstr(text, "VideoSourcesMap"))
        on_source_map(c, text);
    if (strstr(text, "SenderSourceConstraints") && strstr(text, c->name) &&
        number_after(text, "\"maxHeight\":", text + strlen(text), &height))
        sender_constrain(&c->sender, (int)height);
}

static void happen(struct sim *sim, const struct event *event)
{
    struct client *c = sim->clients[event->client];
    if (!c->here)
        return;
    struct wire_rtp rtp;
    switch (event->kind) {
    case EVENT_TO_BRIDGE:
        sim->result->in_packets++;
        if (event->rtcp) {
            watch_on_rtcp_in(&sim->watch, c->id, event->data, event->len, sim->now_us);
        } else {
            if (wire_read(event->data, event->len, &rtp) && rtp.twcc >= 0)
                sender_delivered(&c->sender, (uint16_t)rtp.twcc, sim->now_us);
            watch_on_in(&sim->watch, event->data, event->len);
        }
        box_deliver(&sim->box, c->id, event->data, event->len, event->rtcp);
        break;
    case EVENT_TO_CLIENT:
        if (event->rtcp) {
            sender_on_rtcp(&c->sender, event->data, event->len, sim->now_us);
            receiver_model_on_rtcp(&c->receiver, event->data, event->len, sim->now_us);
        } else {
            receiver_model_on_rtp(&c->receiver, event->data, event->len, sim->now_us);
        }
        break;
    case EVENT_TEXT_UP: box_text(&sim->box, c->id, (const char *)event->data); break;
    case EVENT_TEXT_DOWN: on_text(c, (const char *)event->data); break;
    }
}

/* ---- clients ---- */

static void describe_media(struct media_spec *media)
{
    *media = (struct media_spec){
        .accepts_audio = true,
        .accepts_video = true,
        .payload_count = 3,
        .payloads = {{.pt = WIRE_OPUS, .kind = COLIBRI2_AUDIO, .name = "opus", .clockrate = 48000, .apt = -1},
                     {.pt = WIRE_VP8,
                      .kind = COLIBRI2_VIDEO,
                      .name = "vp8",
                      .clockrate = 90000,
                      .apt = -1,
                      .nack = true,
                      .nack_pli = true,
                      .transport_cc = true},
                     {.pt = WIRE_RTX, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = WIRE_VP8}},
        .extension_count = 3,
        .extensions = {{.id = WIRE_LEVEL_ID, .kind = COLIBRI2_AUDIO},
                       {.id = WIRE_TWCC_ID, .kind = COLIBRI2_VIDEO},
                       {.id = WIRE_MID_ID, .kind = COLIBRI2_VIDEO}},
    };
    static const enum rtp_ext_kind kinds[] = {RTP_EXT_AUDIO_LEVEL, RTP_EXT_TWCC, RTP_EXT_MID};
    for (int i = 0; i < 3; i++)
        snprintf(media->extensions[i].uri, CONTROL_URI_LEN, "%s", rtp_ext_uri(kinds[i]));
}

static struct net_config random_link(struct rng *rng, bool good)
{
    struct net_config c = {
        .bps = 100000000, .delay_us = (uint32_t)rng_between(rng, 1000, 60000), .queue_bytes = 1 << 20};
    c.jitter_us = (uint32_t)rng_between(rng, 0, 8000);
    c.burst_us = 200000;
    c.reorder_us = 15000;
    if (rng_chance(rng, 500000))
        c.loss_ppm = (uint32_t)rng_between(rng, 100, good ? 20000 : 100000);
    if (rng_chance(rng, 250000))
        c.reorder_ppm = (uint32_t)rng_between(rng, 100, 20000);
    if (rng_chance(rng, 250000))
        c.double_ppm = (uint32_t)rng_between(rng, 100, 20000);
    if (good)
        return c;
    c.delay_us = (uint32_t)rng_between(rng, 1000, 150000);
    c.bps = rng_between(rng, 300000, 8000000);
    c.queue_bytes = (uint32_t)(c.bps / 8 * rng_between(rng, 50, 1000) / 1000);
    c.jitter_us = (uint32_t)rng_between(rng, 0, 40000);
    if (rng_chance(rng, 300000))
        c.burst_ppm = (uint32_t)rng_between(rng, 10, 1000);
    if (rng_chance(rng, 300000))
        c.cross_bps = rng_between(rng, c.bps / 10, c.bps);
    return c;
}

static void bound_rtt(struct client *c) /* when the bottlenecks are as slow and their queues as full as can be */
{
    uint64_t rtt_us = MS(100);
    for (int i = 0; i < 2; i++) {
        const struct net_config *link = i ? &c->down.config : &c->up.config;
        uint64_t bps = link->cross_bps ? link->bps / 10 : link->bps;
        rtt_us += link->delay_us + link->jitter_us + link->queue_bytes * 8 * US_PER_S / bps;
    }
    uint64_t *bound_us = &c->sim->watch.rtt_us[c->id % WATCH_CLIENTS];
    *bound_us = MAX(*bound_us, rtt_us);
}

static void join(struct sim *sim)
{
    if (sim->client_count + 1 >= CLIENTS_MAX)
        return;
    struct client *c = calloc(1, sizeof *c);
    struct rng rng = rng_split(&sim->rng);
    c->sim = sim;
    c->id = ++sim->client_count;
    sim->clients[c->id] = c;
    c->here = true;
    c->good = rng_chance(&rng, 650000);
    c->rewriting = rng_chance(&rng, 800000);
    c->last_n = -1;
    snprintf(c->name, sizeof c->name, "%08x-v0", c->id);
    struct net_config up = random_link(&rng, c->good), down = random_link(&rng, c->good);
    net_init(&c->up, &up, rng_split(&rng));
    net_init(&c->down, &down, rng_split(&rng));
    bound_rtt(c);
    struct sender_out out = {.ctx = c, .emit = client_emit, .violation = client_violation};
    sender_init(&c->sender, c->id, c->good ? 3000000 : up.bps, rng_split(&rng), sim->now_us, &out);
    receiver_model_init(&c->receiver, c->id, (uint64_t)up.delay_us + down.delay_us + MS(10), sim->now_us, &out);
    struct media_spec *media = malloc(sizeof *media);
    describe_media(media);
    struct source_spec specs[2] = {{.kind = COLIBRI2_AUDIO, .encoding_count = 1},
                                   {.kind = COLIBRI2_VIDEO, .encoding_count = SENDER_ENCODINGS}};
    snprintf(specs[0].name, sizeof specs[0].name, "%08x-a0", c->id);
    snprintf(specs[1].name, sizeof specs[1].name, "%s", c->name);
    specs[0].encodings[0].ssrc = c->sender.audio_ssrc;
    for (int i = 0; i < SENDER_ENCODINGS; i++) {
        specs[1].encodings[i].ssrc = c->sender.encoding[i].ssrc;
        specs[1].encodings[i].rtx_ssrc = c->sender.encoding[i].rtx_ssrc;
    }
    struct source_set set = {.source_count = 2, .sources = specs};
    box_join(&sim->box, c->id, c->rewriting, media, &set);
    free(media);
    sim->result->joins++;
    for (uint32_t i = 1; i <= sim->client_count;
         i++) { /* without rewriting, signalling tells which SSRCs belong together */
        struct client *a = sim->clients[i];
        if (!a->rewriting) {
            receiver_model_map(&a->receiver, c->sender.encoding[0].ssrc, c->sender.encoding[0].rtx_ssrc);
            watch_rtx(&sim->watch, a->id, c->sender.encoding[0].ssrc, c->sender.encoding[0].rtx_ssrc);
        }
        if (!c->rewriting) {
            receiver_model_map(&c->receiver, a->sender.encoding[0].ssrc, a->sender.encoding[0].rtx_ssrc);
            watch_rtx(&sim->watch, c->id, a->sender.encoding[0].ssrc, a->sender.encoding[0].rtx_ssrc);
        }
    }
    say(sim, "client %u joins: %s network, %s; up %llu bit/s loss %u ppm, down %llu bit/s loss %u ppm", c->id,
        c->good ? "good" : "poor", c->rewriting ? "rewriting" : "plain", (unsigned long long)up.bps, up.loss_ppm,
        (unsigned long long)down.bps, down.loss_ppm);
}

static void leave(struct sim *sim, struct client *c)
{
    say(sim, "client %u leaves", c->id);
    c->here = false;
    watch_forget(&sim->watch, c->id);
    box_leave(&sim->box, c->id);
}

static void ask_video(struct sim *sim, struct client *c)
{
    static const int all[] = {0, 180, 180, 360, 720, 720, 2160};
    char text[512], extra[200] = "";
    c->max_height = all[rng_between(&sim->rng, 0, COUNT(all) - 1)];
    c->last_n = rng_chance(&sim->rng, 800000) ? -1 : (int)rng_between(&sim->rng, 0, 4);
    const struct client *other = sim->clients[rng_between(&sim->rng, 1, sim->client_count)];
    int height = all[rng_between(&sim->rng, 0, COUNT(all) - 1)];
    if (rng_chance(&sim->rng, 500000))
        snprintf(extra, sizeof extra, ",\"onStageSources\":[\"%s\"],\"constraints\":{\"%s\":{\"maxHeight\":%d}}",
                 other->name, other->name, MAX(height, c->max_height));
    else
        snprintf(extra, sizeof extra, ",\"onStageSources\":[],\"constraints\":{}");
    snprintf(text, sizeof text,
             "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":%d,\"selectedSources\":[],"
             "\"defaultConstraints\":{\"maxHeight\":%d}%s}",
             c->last_n, c->max_height, extra);
    say(sim, "client %u wants %s", c->id, text);
    send_text(c, text);
}

/* ---- what happens ---- */

static struct client *anybody(struct sim *sim) /* NULL: nobody is here */
{
    uint64_t from = rng_next(&sim->rng);
    for (uint32_t i = 0; i < sim->client_count; i++) {
        struct client *c = sim->clients[1 + (from + i) % sim->client_count];
        if (c->here)
            return c;
    }
    return NULL;
}

static unsigned present_count(const struct sim *sim)
{
    unsigned n = 0;
    for (uint32_t i = 1; i <= sim->client_count; i++)
        n += sim->clients[i]->here;
    return n;
}

static void act(struct sim *sim)
{
    struct client *c = anybody(sim);
    uint64_t until_us;
    sim->act_us = sim->now_us + rng_between(&sim->rng, MS(200), SEC(5));
    if (rng_chance(&sim->rng, 150000)) /* now and then there is time for everything to settle */
        sim->act_us = sim->now_us + SETTLE_US + SEC(6);
    sim->settled_us = sim->now_us + SETTLE_US;
    if (!c)
        return join(sim);
    switch (rng_between(&sim->rng, 0, 9)) {
    case 0:
        if (present_count(sim) < sim->result->clients + 1) {
            join(sim);
            ask_video(sim, sim->clients[sim->client_count]);
        }
        break;
    case 1:
        if (present_count(sim) > 2)
            leave(sim, c);
        break;
    case 2:
        c->sender.camera = !c->sender.camera;
        say(sim, "client %u camera %s", c->id, c->sender.camera ? "on" : "off");
        break;
    case 3:
        until_us = sim->now_us + rng_between(&sim->rng, MS(50), SEC(2));
        net_outage(rng_chance(&sim->rng, 500000) ? &c->up : &c->down, until_us);
        sim->settled_us = until_us + SETTLE_US;
        say(sim, "client %u has an outage", c->id);
        break;
    case 4:
        if (!c->good)
            c->down.config.bps = rng_between(&sim->rng, 300000, 8000000);
        bound_rtt(c);
        break;
    case 5:
    case 6:
        c->sender.talking = !c->sender.talking;
        say(sim, "client %u %s", c->id, c->sender.talking ? "talks" : "is silent");
        break;
    default: ask_video(sim, c); break;
    }
}

/* Who is seen by whom, when things have been quiet for long enough that everybody must be. */
static void check_shown(struct sim *sim)
{
    if (sim->now_us < sim->settled_us)
        return;
    for (uint32_t i = 1; i <= sim->client_count; i++) {
        struct client *to = sim->clients[i];
        if (!to->here || !to->good || to->max_height == 0 || to->last_n >= 0)
            continue;
        for (uint32_t k = 1; k <= sim->client_count; k++) {
            struct client *from = sim->clients[k];
            if (k == i || !from->here || !from->good || !from->sender.camera)
                continue;
            uint64_t shown_us = to->receiver.shown_us[from->id % RECEIVER_SENDERS];
            if (sim->now_us - shown_us > SEC(3)) {
                char text[100];
                snprintf(text, sizeof text, "has not seen client %u for %.1f s", from->id,
                         shown_us ? (double)(sim->now_us - shown_us) / 1e6 : -1);
                violation(sim, to->id, text);
            }
        }
    }
}

/* No screens are shared here, so nobody is sent more than fits. */
static void check_budget(struct sim *sim, struct client *c)
{
    const struct endpoint *ep = box_endpoint(&sim->box, c->id);
    const struct bwe *bwe = ep ? &ep->bwe : NULL;
    if (!bwe || !bwe->gcc || bwe->acted_on_bps < 0 || bwe->gcc->target_bps <= (uint64_t)bwe->acted_on_bps)
        return;
    char text[100];
    snprintf(text, sizeof text, "is to get %llu bit/s of an estimate of %lld",
             (unsigned long long)bwe->gcc->target_bps, (long long)bwe->acted_on_bps);
    violation(sim, c->id, text);
}

static void check_bounds(struct sim *sim)
{
    enum { PER_ENCODING = 512 }; /* what a history may hold; HISTORY_PACKETS */
    size_t used = WORKER_PKTS - pkt_pool_free_count(sim->box.worker->pool);
    if (used > (size_t)present_count(sim) * SENDER_ENCODINGS * PER_ENCODING)
        violation(sim, 0, "the bridge holds more packets than its histories may");
    for (uint32_t i = 1; i <= sim->client_count; i++)
        if (sim->clients[i]->here)
            check_budget(sim, sim->clients[i]);
    for (uint32_t i = 1; i <= sim->client_count; i++)
        if (sim->clients[i]->here && !box_endpoint(&sim->box, i)) {
            violation(sim, i, "the bridge has dropped an endpoint that is alive");
            sim->clients[i]->here = false;
        }
}

/* ---- the run ---- */

static uint64_t next_us(const struct sim *sim)
{
    uint64_t at_us = MIN(MIN(sim->act_us, sim->check_us), box_next_us(&sim->box));
    if (sim->heap_count)
        at_us = MIN(at_us, sim->heap[0].at_us);
    for (uint32_t i = 1; i <= sim->client_count; i++)
        if (sim->clients[i]->here)
            at_us = MIN(at_us, MIN(sender_next_us(&sim->clients[i]->sender),
                                   receiver_model_next_us(&sim->clients[i]->receiver)));
    return MAX(at_us, sim->now_us);
}

static void step(struct sim *sim)
{
    sim->now_us = next_us(sim);
    box_run_to(&sim->box, sim->now_us);
    while (sim->heap_count && sim->heap[0].at_us <= sim->now_us) {
        struct event event = pop(sim);
        happen(sim, &event);
        free(event.data);
    }
    for (uint32_t i = 1; i <= sim->client_count; i++) {
        struct client *c = sim->clients[i];
        if (c->here && sender_next_us(&c->sender) <= sim->now_us)
            sender_on_time(&c->sender, sim->now_us);
        if (c->here && receiver_model_next_us(&c->receiver) <= sim->now_us)
            receiver_model_on_time(&c->receiver, sim->now_us);
    }
    if (sim->check_us <= sim->now_us) {
        sim->check_us += CHECK_US;
        watch_on_time(&sim->watch, sim->now_us);
        check_shown(sim);
        check_bounds(sim);
    }
    if (sim->act_us <= sim->now_us)
        act(sim);
}

static void tally(struct sim *sim, const struct client *c)
{
    struct sim_result *r = sim->result;
    for (size_t i = 0; i < c->receiver.stream_count; i++) {
        const struct receiver_stream *s = c->receiver.streams[i];
        r->frames += s->frames;
        r->key_frames += s->keys;
        r->nacks += s->nacks;
        r->repaired += s->repaired;
        r->given_up += s->given_up;
        r->jumps += s->jumps;
    }
    r->plis_to_senders += c->sender.plis;
    r->link_losses += c->up.lost + c->up.overflowed + c->down.lost + c->down.overflowed;
}

static struct sim *open_sim(uint64_t seed, int verbose, struct sim_result *result)
{
    struct sim *sim = calloc(1, sizeof *sim);
    *result = (struct sim_result){.seed = seed};
    sim->result = result;
    sim->rng = (struct rng){seed};
    sim->verbose = verbose;
    sim->now_us = START_US;
    struct box_sink sink = {
        .ctx = sim, .on_datagram = bridge_emit, .on_text = on_bridge_text, .on_violation = violation};
    watch_init(&sim->watch, violation, sim);
    sim->watch.trace = verbose > 1;
    box_open(&sim->box, &sink, rng_next(&sim->rng), START_US);
    sim->act_us = sim->check_us = sim->settled_us = NEVER_US;
    return sim;
}

static void close_sim(struct sim *sim)
{
    box_close(&sim->box);
    watch_done(&sim->watch);
    while (sim->heap_count)
        free(pop(sim).data);
    free(sim->heap);
    for (uint32_t i = 1; i <= sim->client_count; i++) {
        tally(sim, sim->clients[i]);
        sender_done(&sim->clients[i]->sender);
        receiver_model_done(&sim->clients[i]->receiver);
        free(sim->clients[i]);
    }
    free(sim);
}

void sim_run(uint64_t seed, unsigned seconds, int verbose, struct sim_result *result)
{
    struct sim *sim = open_sim(seed, verbose, result);
    result->clients = rng_chance(&sim->rng, 100000) ? 10 : (unsigned)rng_between(&sim->rng, 2, 5);
    for (unsigned i = 0; i < result->clients; i++)
        join(sim);
    for (unsigned i = 1; i <= result->clients; i++)
        ask_video(sim, sim->clients[i]);
    sim->act_us = sim->now_us + SEC(4);
    sim->check_us = sim->now_us + CHECK_US;
    sim->settled_us = sim->now_us + SETTLE_US;
    while (sim->now_us < START_US + SEC((uint64_t)seconds) && result->violations < VIOLATIONS_MAX)
        step(sim);
    close_sim(sim);
}

/* ---- a steady network with losses ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void sim_run_lossy(uint64_t seed, const struct net_config *link, unsigned clients, unsigned seconds,
                   struct sim_repair *repair)
{
    struct sim_result result;
    struct sim *sim = open_sim(seed, 0, &result);
    *repair = (struct sim_repair){0};
    result.clients = clients;
    for (uint32_t i = 1; i <= clients; i++) {
        join(sim);
        struct client *c = sim->clients[i];
        c->up.config = c->down.config = *link;
        c->sender.target_bps = c->sender.max_bps = 3000000;
        c->receiver.rtt_us = 2 * link->delay_us;
        send_text(c, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":-1,"
                     "\"defaultConstraints\":{\"maxHeight\":720}}");
    }
    while (sim->now_us < START_US + SEC((uint64_t)seconds))
        step(sim);
    uint64_t *times_us = malloc(clients * sizeof sim->clients[1]->receiver.repair_us), n = 0;
    for (uint32_t i = 1; i <= clients; i++) {
        const struct m_receiver *r = &sim->clients[i]->receiver;
        size_t count = MIN(r->repair_count, (size_t)RECEIVER_REPAIRS);
        memcpy(times_us + n, r->repair_us, count * sizeof *times_us);
        n += count;
        for (size_t k = 0; k < r->stream_count; k++) {
            repair->longest_gap_us = MAX(repair->longest_gap_us, r->streams[k]->longest_gap_us);
            repair->given_up += r->streams[k]->given_up;
            repair->jumps += r->streams[k]->jumps;
        }
        repair->requests += sim->clients[i]->sender.plis;
    }
    qsort(times_us, n, sizeof *times_us, compare);
    repair->repaired = n;
    for (uint64_t i = 0; i < n; i++)
        repair->in_time += times_us[i] <= 4 * (uint64_t)link->delay_us;
    repair->p50_us = n ? times_us[n / 2] : 0;
    repair->p99_us = n ? times_us[n * 99 / 100] : 0;
    free(times_us);
    close_sim(sim);
}
