/* sim.c - see sim.h: clients, links, events, and what happens in a call. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/rtp_ext.h"
#include "sim/sim_priv.h"

enum { VIOLATIONS_MAX = 100 };

enum event_kind { EVENT_TO_BRIDGE, EVENT_TO_CLIENT, EVENT_TEXT_UP, EVENT_TEXT_DOWN };

struct event {
    uint64_t at_us, order;
    enum event_kind kind;
    uint32_t client;
    bool rtcp;
    size_t len;
    uint8_t *data;
};

/* ---- saying ---- */

void sim_say(struct sim *sim, const char *format, ...)
{
    if (!sim->verbose)
        return;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%10.3f ", (double)(sim->now_us - SIM_START_US) / 1e6);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void sim_violation(void *ctx, uint32_t serial, const char *what)
{
    struct sim *sim = ctx;
    if (sim->result->violations++ == 0)
        snprintf(sim->result->first, sizeof sim->result->first, "%.3f s, client %u: %s",
                 (double)(sim->now_us - SIM_START_US) / 1e6, serial, what);
    sim_say(sim, "VIOLATION client %u: %s", serial, what);
}

static void client_violation(void *ctx, const char *what)
{
    struct client *c = ctx;
    sim_violation(c->sim, c->id, what);
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
    if (!copies && c->sim->on_lost)
        c->sim->on_lost(c->sim->lost_ctx, c, true, data, len, rtcp);
}

static void bridge_emit(void *ctx, uint32_t serial, const uint8_t *data, size_t len, bool rtcp)
{
    struct sim *sim = ctx;
    struct client *c = sim->clients[serial];
    uint64_t at_us[NET_COPIES_MAX];
    if (!c)
        return;
    sim->result->out_packets++;
    if (rtcp)
        sender_judge_rtcp(&c->sender, data, len, sim->now_us);
    else
        watch_on_out(&sim->watch, serial, data, len, sim->now_us);
    int copies = net_send(&c->down, sim->now_us, len + (rtcp ? BOX_TRAILER_RTCP : BOX_TRAILER), at_us);
    for (int i = 0; i < copies; i++)
        push(sim, EVENT_TO_CLIENT, at_us[i], serial, data, len, rtcp);
    if (!copies && sim->on_lost)
        sim->on_lost(sim->lost_ctx, c, false, data, len, rtcp);
}

static void bridge_text(void *ctx, uint32_t serial, const char *text)
{
    struct sim *sim = ctx;
    struct client *c = sim->clients[serial];
    if (!c)
        return;
    c->text_us = MAX(c->text_us, sim->now_us + c->down.config.delay_us);
    push(sim, EVENT_TEXT_DOWN, c->text_us, serial, text, strlen(text), false);
}

void sim_send_text(struct client *c, const char *text)
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
        if (number_after(at, "\"ssrc\":", end, &ssrc) && number_after(at, "\"rtx\":", end, &rtx))
            receiver_model_map(&c->receiver, (uint32_t)ssrc, (uint32_t)rtx);
    }
}

/* The judge learns it when the bridge says it. */
static void note_map(struct sim *sim, uint32_t serial, const char *text)
{
    for (const char *at = strstr(text, "\"mappedSources\""), *end; at && (at = strchr(at, '{')); at = end) {
        double ssrc, rtx;
        char mid[8] = "";
        unsigned sender = 0, epoch = 0;
        if (!(end = strchr(at, '}')) || !number_after(at, "\"ssrc\":", end, &ssrc))
            return;
        const char *name = strstr(at, "\"source\":\""), *told = strstr(at, "\"mid\":\"");
        if (!name || name > end || sscanf(name + 10, "%8x-%*[av]%u", &sender, &epoch) != 2)
            return sim_violation(sim, serial, "a source map without a name");
        if (told && told < end)
            sscanf(told + 7, "%7[^\"]", mid);
        watch_told(&sim->watch, serial, (uint32_t)ssrc, sender, epoch, mid);
        if (number_after(at, "\"rtx\":", end, &rtx))
            watch_rtx(&sim->watch, serial, (uint32_t)ssrc, (uint32_t)rtx);
    }
}

static bool told_height(const struct client *c, const char *text, double *height)
{
    return strstr(text, "SenderSourceConstraints") && strstr(text, c->name) &&
           number_after(text, "\"maxHeight\":", text + strlen(text), height);
}

static void on_bridge_text(void *ctx, uint32_t serial, const char *text)
{
    struct sim *sim = ctx;
    double height;
    if (strstr(text, "SourcesMap"))
        note_map(sim, serial, text);
    if (sim->clients[serial] && told_height(sim->clients[serial], text, &height))
        sim->clients[serial]->told_height = (int)height;
    bridge_text(ctx, serial, text);
}

static void on_text(struct client *c, const char *text)
{
    double height;
    if (strstr(text, "VideoSourcesMap"))
        on_source_map(c, text);
    if (told_height(c, text, &height))
        sender_constrain(&c->sender, (int)height);
}

static void happen(struct sim *sim, const struct event *event)
{
    struct client *c = sim->clients[event->client];
    if (!c)
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
            watch_on_in(&sim->watch, event->data, event->len, sim->now_us);
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

static void add_payload(struct media_spec *media, enum payload_codec codec, const struct client *c)
{
    struct media_payload *p = &media->payloads[media->payload_count], *rtx = p + 1;
    *p = (struct media_payload){.pt = payload_pt(codec),
                                .kind = COLIBRI2_VIDEO,
                                .clockrate = 90000,
                                .apt = -1,
                                .nack = true,
                                .nack_pli = c->id % 5 != 0, /* the fifth knows FIR only */
                                .ccm_fir = true,
                                .transport_cc = c->sender.numbers,
                                .goog_remb = true};
    *rtx = (struct media_payload){
        .pt = payload_rtx_pt(codec), .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = p->pt};
    snprintf(p->name, sizeof p->name, "%s", payload_name(codec));
    media->payload_count += 2;
}

static void add_extension(struct media_spec *media, enum rtp_ext_kind kind, uint8_t id)
{
    struct media_extension *e = &media->extensions[media->extension_count++];
    e->id = id;
    snprintf(e->uri, sizeof e->uri, "%s", rtp_ext_uri(kind));
}

static void describe_media(struct media_spec *media, const struct client *c)
{
    *media = (struct media_spec){
        .accepts_audio = true,
        .accepts_video = true,
        .payload_count = 1,
        .payloads = {{.pt = WIRE_OPUS, .kind = COLIBRI2_AUDIO, .name = "opus", .clockrate = 48000, .apt = -1}}};
    for (int codec = 0; codec < PAYLOAD_CODECS; codec++)
        add_payload(media, (enum payload_codec)codec, c);
    add_extension(media, RTP_EXT_AUDIO_LEVEL, WIRE_LEVEL_ID);
    add_extension(media, RTP_EXT_MID, WIRE_MID_ID);
    if (c->sender.numbers)
        add_extension(media, RTP_EXT_TWCC, WIRE_TWCC_ID);
    else
        add_extension(media, RTP_EXT_ABS_SEND_TIME, WIRE_SEND_TIME_ID);
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

/* Without rewriting, signalling tells which SSRCs belong together. */
static void signal_ssrcs(struct client *to, const struct client *from)
{
    const struct sender_encoding *e = &from->sender.encoding[0];
    if (to->rewriting)
        return;
    receiver_model_map(&to->receiver, e->ssrc, e->rtx_ssrc);
    watch_rtx(&to->sim->watch, to->id, e->ssrc, e->rtx_ssrc);
}

static struct source_set describe_sources(const struct client *c, struct source_spec specs[2])
{
    specs[0] = (struct source_spec){.kind = COLIBRI2_AUDIO, .encoding_count = 1};
    specs[1] = (struct source_spec){
        .kind = COLIBRI2_VIDEO, .encoding_count = c->sender.shape.encodings, .desktop = c->sender.shape.screen};
    snprintf(specs[0].name, sizeof specs[0].name, "%08x-a0", c->id);
    snprintf(specs[1].name, sizeof specs[1].name, "%s", c->name);
    specs[0].encodings[0].ssrc = c->sender.audio_ssrc;
    for (int i = 0; i < c->sender.shape.encodings; i++) {
        specs[1].encodings[i].ssrc = c->sender.encoding[i].ssrc;
        specs[1].encodings[i].rtx_ssrc = c->sender.encoding[i].rtx_ssrc;
    }
    return (struct source_set){.source_count = 2, .sources = specs};
}

static void start_models(struct client *c, struct rng *rng)
{
    struct sender_out out = {.ctx = c, .emit = client_emit, .violation = client_violation};
    struct camera_shape shape = camera_random_shape(rng_next(rng));
    uint64_t rtt_us = (uint64_t)c->up.config.delay_us + c->down.config.delay_us + MS(10);
    sender_init(&c->sender, c->id, &shape, c->good ? 3000000 : c->up.config.bps, rng_split(rng), c->sim->now_us, &out);
    c->sender.rtt_us = rtt_us;
    receiver_model_init(&c->receiver, c->id, rtt_us, c->sim->now_us, &out);
    c->sender.numbers = rng_chance(rng, 900000);
    c->receiver.remb = !c->sender.numbers;
    c->receiver.remb_least_bps = c->good ? 10000000 : 500000;
}

struct client *sim_join(struct sim *sim)
{
    if (sim->client_count == SIM_CLIENTS_MAX)
        return NULL;
    struct client *c = calloc(1, sizeof *c);
    struct rng rng = rng_split(&sim->rng);
    c->sim = sim;
    c->id = ++sim->client_count;
    sim->clients[c->id] = sim->present[sim->present_count++] = c;
    c->good = rng_chance(&rng, 650000);
    c->rewriting = rng_chance(&rng, 800000);
    c->last_n = -1;
    c->told_height = -2;
    snprintf(c->name, sizeof c->name, "%08x-v0", c->id);
    struct net_config up = random_link(&rng, c->good), down = random_link(&rng, c->good);
    net_init(&c->up, &up, rng_split(&rng));
    net_init(&c->down, &down, rng_split(&rng));
    bound_rtt(c);
    start_models(c, &rng);
    struct media_spec *media = malloc(sizeof *media);
    describe_media(media, c);
    struct source_spec specs[2];
    struct source_set set = describe_sources(c, specs);
    sim->watch.rewriting[c->id] = c->rewriting;
    box_join(&sim->box, c->id, c->rewriting, media, &set);
    free(media);
    sim->result->joins++;
    for (unsigned i = 0; i < sim->present_count; i++) {
        signal_ssrcs(sim->present[i], c);
        signal_ssrcs(c, sim->present[i]);
    }
    sim_say(sim, "client %u joins: %s network, %s, %s; %s; up %llu bit/s loss %u ppm, down %llu bit/s loss %u ppm",
            c->id, c->good ? "good" : "poor", c->rewriting ? "rewriting" : "plain", c->sender.numbers ? "TWCC" : "REMB",
            camera_describe(&c->sender.shape), (unsigned long long)up.bps, up.loss_ppm, (unsigned long long)down.bps,
            down.loss_ppm);
    return c;
}

static void tally(struct sim *sim, const struct client *c);

static void forget(struct sim *sim, struct client *c)
{
    tally(sim, c);
    sender_done(&c->sender);
    receiver_model_done(&c->receiver);
    sim->clients[c->id] = NULL;
    for (unsigned i = 0; i < sim->present_count; i++)
        if (sim->present[i] == c) {
            sim->present[i] = sim->present[--sim->present_count];
            break;
        }
    free(c);
}

static void leave(struct sim *sim, struct client *c)
{
    sim_say(sim, "client %u leaves", c->id);
    watch_forget(&sim->watch, c->id);
    box_leave(&sim->box, c->id);
    forget(sim, c);
}

/* Its camera is taken away, and another source comes, perhaps a screen. */
static void rename_source(struct sim *sim, struct client *c)
{
    struct camera_shape shape = camera_random_shape(rng_next(&sim->rng));
    sender_rename(&c->sender);
    sender_change(&c->sender, &shape);
    c->told_height = -2;
    sim->watch.epoch[c->id] = c->sender.epoch;
    snprintf(c->name, sizeof c->name, "%08x-v%u", c->id, c->sender.epoch);
    struct source_spec specs[2];
    struct source_set set = describe_sources(c, specs);
    endpoint_set_sources(box_endpoint(&sim->box, c->id), &set);
    udp_flush(sim->box.worker->udp);
    for (unsigned i = 0; i < sim->present_count; i++)
        signal_ssrcs(sim->present[i], c);
    sim_say(sim, "client %u shows %s: %s", c->id, c->name, camera_describe(&shape));
}

/* On the same SSRCs; so the number of encodings stays, and what it is. */
static void change_codec(struct sim *sim, struct client *c)
{
    struct camera_shape shape;
    do
        shape = camera_random_shape(rng_next(&sim->rng));
    while (shape.encodings != c->sender.shape.encodings || shape.screen != c->sender.shape.screen);
    sender_change(&c->sender, &shape);
    sim_say(sim, "client %u changes to %s", c->id, camera_describe(&shape));
}

/* ---- what the network does ---- */

static void change_link(struct sim *sim, struct net_link *link)
{
    struct net_config *c = &link->config;
    switch (rng_between(&sim->rng, 0, 3)) {
    case 0: c->bps = rng_between(&sim->rng, 300000, 8000000); break; /* a step of capacity */
    case 1: c->cross_bps = rng_chance(&sim->rng, 500000) ? 0 : rng_between(&sim->rng, c->bps / 10, c->bps); break;
    case 2: c->delay_us = (uint32_t)rng_between(&sim->rng, 1000, 150000); break;
    default: c->loss_ppm = (uint32_t)rng_between(&sim->rng, 0, 100000); break;
    }
}

/* Media goes another way, as after an ICE restart. */
static void move(struct sim *sim, struct client *c)
{
    struct net_config up = random_link(&sim->rng, c->good), down = random_link(&sim->rng, c->good);
    c->up.config = up;
    c->down.config = down;
    box_move(&sim->box, c->id, (uint16_t)(rng_between(&sim->rng, 2000, 60000)));
    sim_say(sim, "client %u moves", c->id);
}

/* ---- what clients want ---- */

static void ask_video(struct sim *sim, struct client *c)
{
    static const int all[] = {0, 180, 180, 360, 720, 720, 2160, -1};
    char text[512], extra[200] = "";
    c->max_height = all[rng_between(&sim->rng, 0, COUNT(all) - 1)];
    c->last_n = rng_chance(&sim->rng, 800000) ? -1 : (int)rng_between(&sim->rng, 0, 4);
    const struct client *other = sim->present[rng_between(&sim->rng, 0, sim->present_count - 1)];
    int height = all[rng_between(&sim->rng, 0, COUNT(all) - 1)];
    c->stage_name[0] = 0;
    if (rng_chance(&sim->rng, 500000)) {
        c->stage_height = height < 0 || c->max_height < 0 ? -1 : MAX(height, c->max_height);
        c->stage_screen = other->sender.shape.screen;
        memcpy(c->stage_name, other->name, sizeof c->stage_name);
        snprintf(extra, sizeof extra, ",\"onStageSources\":[\"%s\"],\"constraints\":{\"%s\":{\"maxHeight\":%d}}",
                 other->name, other->name, c->stage_height);
    } else {
        snprintf(extra, sizeof extra, ",\"onStageSources\":[],\"constraints\":{}");
    }
    snprintf(text, sizeof text,
             "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":%d,\"selectedSources\":[],"
             "\"defaultConstraints\":{\"maxHeight\":%d}%s}",
             c->last_n, c->max_height, extra);
    sim_say(sim, "client %u wants %s", c->id, text);
    sim_send_text(c, text);
}

/* ---- what happens ---- */

static struct client *anybody(struct sim *sim) /* NULL: nobody is here */
{
    uint64_t which = rng_next(&sim->rng);
    return sim->present_count ? sim->present[which % sim->present_count] : NULL;
}

static void act(struct sim *sim)
{
    struct client *c = anybody(sim);
    uint64_t until_us;
    sim->act_us = sim->now_us + rng_between(&sim->rng, MS(200), SEC(5));
    if (rng_chance(&sim->rng, 150000)) /* now and then there is time for everything to settle */
        sim->act_us = sim->now_us + SIM_SETTLE_US + SEC(6);
    sim->settled_us = sim->now_us + SIM_SETTLE_US;
    if (!c) {
        sim_join(sim);
        return;
    }
    switch (rng_between(&sim->rng, 0, 13)) {
    case 0:
        if (sim->present_count < sim->result->clients + 1 && (c = sim_join(sim)))
            ask_video(sim, c);
        break;
    case 1:
        if (sim->present_count > 2)
            leave(sim, c);
        break;
    case 2:
        c->sender.camera = !c->sender.camera;
        sim_say(sim, "client %u camera %s", c->id, c->sender.camera ? "on" : "off");
        break;
    case 3:
        until_us = sim->now_us + rng_between(&sim->rng, MS(50), SEC(2));
        net_outage(rng_chance(&sim->rng, 500000) ? &c->up : &c->down, until_us);
        sim->settled_us = until_us + SIM_SETTLE_US;
        sim_say(sim, "client %u has an outage", c->id);
        break;
    case 4:
    case 10:
        if (!c->good)
            change_link(sim, rng_chance(&sim->rng, 300000) ? &c->up : &c->down);
        bound_rtt(c);
        break;
    case 5:
    case 6:
        c->sender.talking = !c->sender.talking;
        sim_say(sim, "client %u %s", c->id, c->sender.talking ? "talks" : "is silent");
        break;
    case 11: change_codec(sim, c); break;
    case 12: rename_source(sim, c); break;
    case 13:
        move(sim, c);
        bound_rtt(c);
        break;
    default: ask_video(sim, c); break;
    }
}

/* ---- the run ---- */

static uint64_t next_us(const struct sim *sim)
{
    uint64_t at_us = MIN(MIN(sim->act_us, sim->check_us), box_next_us(&sim->box));
    if (sim->heap_count)
        at_us = MIN(at_us, sim->heap[0].at_us);
    for (unsigned i = 0; i < sim->present_count; i++)
        at_us = MIN(at_us,
                    MIN(sender_next_us(&sim->present[i]->sender), receiver_model_next_us(&sim->present[i]->receiver)));
    return MAX(at_us, sim->now_us);
}

void sim_step(struct sim *sim)
{
    sim->now_us = next_us(sim);
    box_run_to(&sim->box, sim->now_us);
    while (sim->heap_count && sim->heap[0].at_us <= sim->now_us) {
        struct event event = pop(sim);
        happen(sim, &event);
        free(event.data);
    }
    for (unsigned i = 0; i < sim->present_count; i++) {
        struct client *c = sim->present[i];
        if (sender_next_us(&c->sender) <= sim->now_us)
            sender_on_time(&c->sender, sim->now_us);
        if (receiver_model_next_us(&c->receiver) <= sim->now_us)
            receiver_model_on_time(&c->receiver, sim->now_us);
    }
    if (sim->check_us <= sim->now_us) {
        sim->check_us += SIM_CHECK_US;
        watch_on_time(&sim->watch, sim->now_us);
        sim_judge(sim);
    }
    if (sim->act_us <= sim->now_us)
        act(sim);
}

static void tally(struct sim *sim, const struct client *c)
{
    struct sim_result *r = sim->result;
    for (size_t i = 0; i < c->receiver.stream_count; i++) {
        const struct stream *s = c->receiver.streams[i];
        r->frames += s->frames;
        r->key_frames += s->keys;
        r->nacks += s->nacks;
        r->repaired += s->repaired;
        r->given_up += s->given_up;
        r->jumps += s->jumps;
    }
    r->key_requests += c->sender.requests;
    r->link_losses += c->up.lost + c->up.overflowed + c->down.lost + c->down.overflowed;
}

struct sim *sim_open(uint64_t seed, int verbose, struct sim_result *result)
{
    struct sim *sim = calloc(1, sizeof *sim);
    *result = (struct sim_result){.seed = seed};
    sim->result = result;
    sim->rng = (struct rng){seed};
    sim->verbose = verbose;
    sim->now_us = SIM_START_US;
    struct box_sink sink = {
        .ctx = sim, .on_datagram = bridge_emit, .on_text = on_bridge_text, .on_violation = sim_violation};
    watch_init(&sim->watch, sim_violation, sim);
    sim->watch.trace = verbose > 1;
    box_open(&sim->box, &sink, rng_next(&sim->rng), SIM_START_US);
    sim->act_us = sim->check_us = sim->settled_us = NEVER_US;
    return sim;
}

void sim_close(struct sim *sim)
{
    box_close(&sim->box);
    watch_done(&sim->watch);
    while (sim->heap_count)
        free(pop(sim).data);
    free(sim->heap);
    while (sim->present_count)
        forget(sim, sim->present[0]);
    free(sim);
}

void sim_run(uint64_t seed, unsigned seconds, int verbose, struct sim_result *result)
{
    struct sim *sim = sim_open(seed, verbose, result);
    if (rng_chance(&sim->rng, 150000)) /* slots change hands */
        sim->box.config.ssrc_limit_video = (int32_t)rng_between(&sim->rng, 1, 3);
    result->clients = rng_chance(&sim->rng, 100000) ? 10 : (unsigned)rng_between(&sim->rng, 2, 5);
    for (unsigned i = 0; i < result->clients; i++)
        sim_join(sim);
    for (unsigned i = 0; i < sim->present_count; i++)
        ask_video(sim, sim->present[i]);
    sim->act_us = sim->now_us + SEC(4);
    sim->check_us = sim->now_us + SIM_CHECK_US;
    sim->settled_us = sim->now_us + SIM_SETTLE_US;
    while (sim->now_us < SIM_START_US + SEC((uint64_t)seconds) && result->violations < VIOLATIONS_MAX)
        sim_step(sim);
    sim_close(sim);
}
