/* conference.c - see conference.h. */
#include "bridge/conference.h"

#include <stdlib.h>

#include "bridge/endpoint.h"
#include "bridge/shard.h"
#include "media/alloc_wants.h"
#include "proto/log.h"

enum { RECENT_MAX = 64, PREFETCH_PAUSE_US = 12000000 };

static struct endpoint *endpoint_at(struct list *node)
{
    return container_of(node, struct endpoint, node);
}

/* ---- who speaks ---- */

static struct endpoint *by_serial(struct conference *conf, uint32_t serial)
{
    return map_get_u32(&conf->worker->endpoints, serial);
}

void conference_send_dominant(struct conference *conf, struct endpoint *to)
{
    uint32_t recent[RECENT_MAX];
    const char *previous[RECENT_MAX];
    size_t n = speaker_recent(conf->speakers, recent, RECENT_MAX), count = 0;
    struct endpoint *dominant = n ? by_serial(conf, recent[0]) : NULL;
    if (!dominant)
        return;
    for (size_t i = 1; i < n; i++) {
        struct endpoint *ep = by_serial(conf, recent[i]);
        if (ep)
            previous[count++] = ep->id;
    }
    char *text = bridge_msg_write_dominant_speaker(dominant->id, previous, count, speaker_is_silent(conf->speakers));
    if (to) {
        endpoint_send_text(to, text);
        return;
    }
    list_for_each (it, &conf->endpoints)
        if (!endpoint_at(it)->home) /* other shards elect for themselves */
            endpoint_send_text(endpoint_at(it), strdup(text));
    free(text);
}

static bool is_camera(const struct source *source)
{
    return source->kind == COLIBRI2_VIDEO && source->video_type == BRIDGE_VIDEO_CAMERA;
}

static bool has_on_stage(const struct endpoint *viewer, const struct endpoint *owner)
{
    bool on_stage = false;
    list_for_each (it, &owner->sources) {
        const struct source *source = container_of(it, struct source, node);
        if (is_camera(source) && alloc_wants_rank(viewer->receiver.wants, source->name, &on_stage) != SIZE_MAX &&
            on_stage)
            return true;
    }
    return false;
}

/* Somebody's stage shows the speaker before: it will show this one. Whoever pinned another does not follow. */
static bool is_followed(struct conference *conf, const struct endpoint *before, const struct endpoint *dominant)
{
    list_for_each (it, &conf->endpoints) {
        const struct endpoint *viewer = endpoint_at(it);
        if (viewer != dominant && has_on_stage(viewer, before))
            return true;
    }
    return false;
}

/* The new dominant speaker's camera will be wanted large: its key frame may as well be on the way (media.md 6.4). Whoever
 * speaks again soon costs no second one. */
static void prefetch_keyframe(struct conference *conf, uint64_t now_us)
{
    uint32_t recent[2];
    if (speaker_recent(conf->speakers, recent, 2) < 2)
        return;
    struct endpoint *ep = by_serial(conf, recent[0]), *before = by_serial(conf, recent[1]);
    if (!ep || !before || !is_followed(conf, before, ep))
        return;
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        bool lately = source->fetched_us && now_us < source->fetched_us + PREFETCH_PAUSE_US;
        if (!is_camera(source) || !source->track_count || lately)
            continue;
        source->fetched_us = now_us;
        source_want_keyframe(source, 0, now_us);
    }
}

static void drain_speakers(struct conference *conf, uint64_t now_us)
{
    enum speaker_event event;
    while ((event = speaker_poll(conf->speakers)) != SPEAKER_NOTHING) {
        if (event == SPEAKER_ORDER) {
            conference_changed(conf);
            continue;
        }
        conference_send_dominant(conf, NULL);
        if (event == SPEAKER_DOMINANT)
            prefetch_keyframe(conf, now_us);
    }
    wheel_set(&conf->worker->wheel, &conf->speaker_timer, speaker_deadline_us(conf->speakers));
}

static void speaker_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct conference *conf = container_of(timer, struct conference, speaker_timer);
    speaker_on_time(conf->speakers, now_us);
    drain_speakers(conf, now_us);
}

bool conference_on_level(struct conference *conf, struct source *source, uint8_t rfc6464_level, uint64_t now_us)
{
    if (source->synthetic || source->owner->visitor)
        return true;
    bool loud = speaker_on_level(conf->speakers, source->owner->serial, (uint8_t)(127 - rfc6464_level),
                                 source->included, now_us);
    drain_speakers(conf, now_us);
    return loud;
}

/* ---- who is still there (bridge-channel.md 11, transport.md 15) ---- */

static void check_activity(struct conference *conf, struct endpoint *ep, uint64_t now_us)
{
    const struct config *cfg = conf->worker->bridge->config;
    bool inactive = ep->active_us ? now_us - ep->active_us > cfg->max_inactivity_us
                                  : now_us - ep->created_us > cfg->first_transfer_timeout_us;
    if (ep->home || ep->visitor || inactive == ep->shown_inactive)
        return;
    ep->shown_inactive = inactive;
    char *text = bridge_msg_write_connectivity(ep->id, !inactive);
    conference_broadcast(conf, NULL, text);
    shard_send_activity(ep);
    free(text);
}

static bool has_expired(const struct endpoint *ep, const struct config *cfg, uint64_t now_us)
{
    if (endpoint_ice_has_failed(ep))
        return true;
    if (!ep->active_us)
        return now_us - ep->created_us > SEC(120);
    return now_us - ep->active_us > cfg->expiration_timeout_us;
}

static void status_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct conference *conf = container_of(timer, struct conference, status_timer);
    const struct config *cfg = conf->worker->bridge->config;
    wheel_set(&conf->worker->wheel, timer, now_us + cfg->connection_check_us);
    list_for_each(it, &conf->endpoints) check_activity(conf, endpoint_at(it), now_us);
    if (now_us - conf->expiry_checked_us < cfg->expiration_check_us)
        return;
    conf->expiry_checked_us = now_us;
    list_for_each_safe(it, &conf->endpoints)
    {
        struct endpoint *ep = endpoint_at(it);
        if (!ep->home && has_expired(ep, cfg, now_us)) {
            log_info("conf", "conference=%u endpoint=%u expires: inactive", conf->serial, ep->serial);
            endpoint_gone(ep);
        }
    }
}

/* ---- life ---- */

static struct speaker_config speaker_settings(const struct config *cfg)
{
    struct speaker_config out = speaker_config_default();
    out.recent_count = (unsigned)MIN(cfg->recent_speakers, RECENT_MAX - 1);
    out.detect_silence = cfg->silence_detection;
    out.silence_us = cfg->silence_timeout_us;
    out.loudest_only = cfg->route_loudest_only;
    out.loudest_count = (unsigned)cfg->num_loudest;
    out.keep_dominant = cfg->always_route_dominant;
    out.energy_us = cfg->energy_expire_us;
    out.energy_percent = (unsigned)cfg->energy_alpha_pct;
    return out;
}

struct conference *conference_new(struct worker *worker, uint32_t serial, const struct conference_spec *spec)
{
    struct conference *conf = calloc(1, sizeof *conf);
    if (!conf)
        abort();
    struct speaker_config speakers = speaker_settings(worker->bridge->config);
    conf->worker = worker;
    conf->serial = serial;
    conf->feedback_audio_ssrc = spec->feedback_audio_ssrc;
    conf->feedback_video_ssrc = spec->feedback_video_ssrc;
    list_init(&conf->endpoints);
    map_init(&conf->by_id);
    map_init(&conf->video_types);
    conf->speakers = speaker_new(&speakers);
    conf->expiry_checked_us = worker->now_us;
    timer_init(&conf->speaker_timer, speaker_timer_fired);
    timer_init(&conf->status_timer, status_timer_fired);
    wheel_set(&worker->wheel, &conf->status_timer, worker->now_us + worker->bridge->config->connection_check_us);
    map_put_u32(&worker->conferences, serial, conf);
    return conf;
}

void conference_free(struct conference *conf)
{
    if (!conf)
        return;
    while (!list_empty(&conf->endpoints))
        endpoint_free(endpoint_at(conf->endpoints.next));
    wheel_set(&conf->worker->wheel, &conf->speaker_timer, NEVER_US);
    wheel_set(&conf->worker->wheel, &conf->status_timer, NEVER_US);
    map_del_u32(&conf->worker->conferences, conf->serial);
    speaker_free(conf->speakers);
    map_done(&conf->by_id);
    map_done(&conf->video_types);
    free(conf->sources);
    free(conf->layers);
    free(conf->source_owners);
    free(conf->others);
    free(conf);
}

void conference_add(struct conference *conf, struct endpoint *ep)
{
    list_push_back(&conf->endpoints, &ep->node);
    conf->endpoint_count++;
    map_put(&conf->by_id, bytes_str(ep->id), ep);
    if (!ep->visitor)
        speaker_join(conf->speakers, ep->serial);
    conference_audio_unbound(conf);
    conference_changed(conf);
}

void conference_remove(struct conference *conf, struct endpoint *ep)
{
    list_remove(&ep->node);
    conf->endpoint_count--;
    if (map_get_str(&conf->by_id, ep->id) == ep) /* the id may have been taken again */
        map_del(&conf->by_id, bytes_str(ep->id));
    list_for_each(it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        map_del(&conf->video_types, bytes_str(source->name));
    }
    speaker_leave(conf->speakers, ep->serial);
    drain_speakers(conf, conf->worker->now_us);
    list_for_each(it, &conf->endpoints) {
        list_for_each(s, &endpoint_at(it)->sources) {
            struct source *source = container_of(s, struct source, node);
            if (demand_drop(&source->demand, ep->serial))
                source_tell_demand(source);
        }
    }
    conference_changed(conf);
}

void conference_broadcast(struct conference *conf, const struct endpoint *except, const char *text)
{
    list_for_each(it, &conf->endpoints) {
        struct endpoint *ep = endpoint_at(it);
        if (ep != except && (ep->channel_ready || ep->home))
            endpoint_send_text(ep, strdup(text));
    }
}

/* ---- sources ---- */

struct source *conference_find_source(struct conference *conf, const char *name)
{
    list_for_each(it, &conf->endpoints) {
        list_for_each(s, &endpoint_at(it)->sources) {
            struct source *source = container_of(s, struct source, node);
            if (strcmp(source->name, name) == 0)
                return source;
        }
    }
    return NULL;
}

static bool sends_video(const struct endpoint *ep)
{
    list_for_each(it, &ep->sources) {
        const struct source *source = container_of(it, struct source, node);
        if (source->kind == COLIBRI2_VIDEO && source->video_type != BRIDGE_VIDEO_NONE &&
            source->video_type != BRIDGE_VIDEO_DISABLED)
            return true;
    }
    return false;
}

static bool is_included(struct conference *conf, const struct source *source)
{
    list_for_each(it, &conf->endpoints) if (audio_sub_includes(&endpoint_at(it)->receiver.audio_sub, source->name))
        return true;
    return false;
}

static void find_included(struct conference *conf, struct source *source)
{
    bool included = source->included_by || is_included(conf, source);
    bool news = included != source->included;
    source->included = included;
    if (news && source->owner->home)
        shard_want(source, 1);
}

void conference_audio_unbound(struct conference *conf)
{
    list_for_each(it, &conf->endpoints) {
        list_for_each(s, &endpoint_at(it)->sources) {
            struct source *source = container_of(s, struct source, node);
            source->unbound = true;
            if (source->kind == COLIBRI2_AUDIO)
                find_included(conf, source);
        }
    }
}

void conference_sources_changed(struct conference *conf, struct endpoint *owner)
{
    list_for_each(it, &owner->sources) {
        struct source *source = container_of(it, struct source, node);
        uintptr_t type = (uintptr_t)map_get_str(&conf->video_types, source->name);
        if (type)
            source->video_type = (enum bridge_video_type)(type - 1);
        if (source->demand.told) /* clients forget constraints of sources that they did not know yet */
            source_tell_demand(source);
        if (owner->home && source->kind == COLIBRI2_AUDIO)
            shard_want(source, 1);
    }
    speaker_set_video(conf->speakers, owner->serial, sends_video(owner));
    drain_speakers(conf, conf->worker->now_us);
    conference_audio_unbound(conf);
    conference_changed(conf);
}

void conference_set_video_type(struct conference *conf, struct endpoint *owner, const char *name,
                               enum bridge_video_type type)
{
    enum { NAMES_MAX = 4096 };
    if (conf->video_types.count < NAMES_MAX || map_get_str(&conf->video_types, name))
        map_put(&conf->video_types, bytes_str(name), (void *)(uintptr_t)(type + 1));
    list_for_each(it, &owner->sources) {
        struct source *source = container_of(it, struct source, node);
        if (strcmp(source->name, name) == 0)
            source->video_type = type;
    }
    if (!owner->home)
        shard_send_video_type(owner, name, type);
    speaker_set_video(conf->speakers, owner->serial, sends_video(owner));
    drain_speakers(conf, conf->worker->now_us);
    conference_changed(conf);
}

/* ---- allocation ---- */

static void add_source(struct conference *conf, struct endpoint *owner, struct source *source, uint64_t now_us)
{
    if (conf->source_count == conf->source_cap) {
        conf->source_cap = conf->source_cap ? conf->source_cap * 2 : 16;
        conf->sources = realloc(conf->sources, conf->source_cap * sizeof *conf->sources);
        conf->others = realloc(conf->others, conf->source_cap * sizeof *conf->others);
        conf->layers = realloc(conf->layers, conf->source_cap * sizeof *conf->layers);
        conf->source_owners = realloc(conf->source_owners, conf->source_cap * sizeof *conf->source_owners);
        if (!conf->sources || !conf->others || !conf->layers || !conf->source_owners)
            abort();
    }
    size_t at = conf->source_count++;
    conf->source_owners[at] = owner;
    conf->sources[at] = (struct alloc_source){
        .name = source->name,
        .type = source->video_type,
        .layer_count = layers_describe(&source->layers, now_us, conf->layers[at]),
        .key = source,
    };
}

static void collect_sources(struct conference *conf, uint64_t now_us)
{
    const uint32_t *order;
    size_t n = speaker_order(conf->speakers, &order);
    conf->source_count = 0;
    for (size_t i = 0; i < n; i++) {
        struct endpoint *ep = by_serial(conf, order[i]);
        if (!ep)
            continue;
        list_for_each(it, &ep->sources) {
            struct source *source = container_of(it, struct source, node);
            if (source->kind == COLIBRI2_VIDEO)
                add_source(conf, ep, source, now_us);
        }
    }
    for (size_t i = 0; i < conf->source_count; i++)
        conf->sources[i].layers = conf->layers[i];
    conf->sources_us = now_us;
}

const struct alloc_source *conference_video_sources(struct conference *conf, const struct endpoint *except, size_t *count,
                                                    uint64_t now_us)
{
    if (conf->sources_us != now_us)
        collect_sources(conf, now_us);
    size_t n = 0;
    for (size_t i = 0; i < conf->source_count; i++)
        if (conf->source_owners[i] != except)
            conf->others[n++] = conf->sources[i];
    *count = n;
    return conf->others;
}

void conference_changed(struct conference *conf)
{
    conf->sources_us = 0;
    list_for_each(it, &conf->endpoints) receiver_allocate_soon(&endpoint_at(it)->receiver);
}

void conference_allocate_now(struct conference *conf)
{
    conf->sources_us = 0;
    list_for_each(it, &conf->endpoints) receiver_allocate(&endpoint_at(it)->receiver, conf->worker->now_us);
}
