/* receiver.c - see receiver.h. */
#include "bridge/receiver.h"

#include <stdlib.h>

#include <gnutls/crypto.h>

#include "bridge/endpoint.h"

static uint32_t fresh_ssrc(void *ctx)
{
    struct endpoint *ep = ctx;
    for (;;) {
        uint32_t ssrc;
        gnutls_rnd(GNUTLS_RND_NONCE, &ssrc, sizeof ssrc);
        bool own = ssrc == ep->conf->feedback_audio_ssrc || ssrc == ep->conf->feedback_video_ssrc;
        for (size_t i = 0; i < ep->ssrc_count; i++)
            own |= ep->ssrcs[i].ssrc == ssrc;
        if (!own)
            return ssrc;
    }
}

static void allocate_timer_fired(struct timer *timer, uint64_t now_us)
{
    receiver_allocate(container_of(timer, struct receiver, allocate_timer), now_us);
}

void receiver_init(struct receiver *r, struct endpoint *ep, const struct endpoint_spec *spec)
{
    const struct config *cfg = ep->worker->bridge->config;
    size_t limits[2] = {(size_t)cfg->ssrc_limit_audio, (size_t)cfg->ssrc_limit_video};
    r->ep = ep;
    r->rewriting = spec->ssrc_rewriting;
    r->mid_demux = spec->ssrc_rewriting && spec->mid_demux;
    for (int kind = 0; r->rewriting && kind < 2; kind++) {
        r->maps[kind] = ssrc_map_new(limits[kind], fresh_ssrc, ep);
        r->slots[kind] = calloc(limits[kind], sizeof *r->slots[kind]);
    }
    map_init(&r->plain_tracks);
    r->wants = alloc_wants_new(&ep->worker->policy.alloc);
    r->runner = alloc_runner_new(&ep->worker->policy.alloc);
    alloc_wants_set_initial_last_n(r->wants, cfg->initial_last_n);
    steady_init(&r->steady);
    audio_sub_init(&r->audio_sub);
    timer_init(&r->allocate_timer, allocate_timer_fired);
}

static void forget_forwarded(struct receiver *r)
{
    for (size_t i = 0; i < r->forwarded_count; i++)
        free(r->forwarded[i]);
    free(r->forwarded);
    r->forwarded = NULL;
    r->forwarded_count = 0;
}

void receiver_done(struct receiver *r)
{
    wheel_set(&r->ep->worker->wheel, &r->allocate_timer, NEVER_US);
    for (int kind = 0; kind < 2; kind++) {
        size_t n = r->maps[kind] ? ssrc_map_count(r->maps[kind]) : 0;
        for (size_t i = 0; i < n; i++)
            track_free(r->slots[kind][i]);
        free(r->slots[kind]);
        ssrc_map_free(r->maps[kind]);
    }
    struct track *track;
    for (size_t at = 0; (track = map_next(&r->plain_tracks, &at));)
        track_free(track);
    map_done(&r->plain_tracks);
    alloc_wants_free(r->wants);
    alloc_runner_free(r->runner);
    audio_sub_done(&r->audio_sub);
    forget_forwarded(r);
}

/* ---- tracks ---- */

static struct track *slot_track(struct receiver *r, enum colibri2_kind kind, struct ssrc_slot *slot)
{
    struct track **track = &r->slots[kind][slot->at];
    if (!*track)
        *track = track_new(r->ep, kind, slot->ssrc, kind == COLIBRI2_VIDEO ? slot->rtx : 0, slot);
    track_bind(*track, (struct source *)slot->source);
    return *track;
}

/* The bridge's own SSRCs carry padding: a source that claims one would use its numbers a second time. */
static bool is_ours(const struct conference *conf, uint32_t ssrc)
{
    return ssrc == conf->feedback_audio_ssrc || ssrc == conf->feedback_video_ssrc;
}

static struct track *plain_track(struct receiver *r, struct source *source)
{
    uint32_t ssrc = source_primary_ssrc(source);
    if (is_ours(r->ep->conf, ssrc) || is_ours(r->ep->conf, source->encodings[0].rtx_ssrc))
        return NULL;
    struct track *track = map_get_u32(&r->plain_tracks, ssrc);
    if (!track) {
        if (r->plain_tracks.count >= RECEIVER_TRACKS_MAX)
            return NULL;
        track = track_new(r->ep, source->kind, ssrc, source->encodings[0].rtx_ssrc, NULL);
        map_put_u32(&r->plain_tracks, ssrc, track);
    }
    track_bind(track, source);
    return track;
}

static struct track *track_of(struct receiver *r, struct source *source, uint64_t now_us) /* NULL: no slot */
{
    if (!r->rewriting)
        return plain_track(r, source);
    struct ssrc_slot *slot = ssrc_map_find(r->maps[source->kind], (const struct ssrc_source *)source, now_us);
    return slot ? slot_track(r, source->kind, slot) : NULL;
}

struct track *receiver_track_by_ssrc(struct receiver *r, uint32_t ssrc)
{
    for (int kind = 0; r->rewriting && kind < 2; kind++) {
        struct ssrc_slot *slot = ssrc_map_by_ssrc(r->maps[kind], ssrc);
        if (slot)
            return r->slots[kind][slot->at];
    }
    struct track *track = map_get_u32(&r->plain_tracks, ssrc), *it;
    for (size_t at = 0; !track && (it = map_next(&r->plain_tracks, &at));)
        if (it->tx.rtx_ssrc == ssrc)
            track = it;
    return track;
}

void receiver_forget_source(struct receiver *r, struct source *source)
{
    if (r->rewriting)
        ssrc_map_forget(r->maps[source->kind], (const struct ssrc_source *)source);
    demand_drop(&source->demand, r->ep->serial);
}

/* ---- telling the client ---- */

static void send_map(struct receiver *r, enum colibri2_kind kind)
{
    struct bridge_msg_mapped_source mapped[SSRC_MAP_LIMIT * 2];
    size_t n = 0;
    const struct ssrc_slot *slot;
    while (n < COUNT(mapped) && (slot = ssrc_map_poll(r->maps[kind]))) {
        const struct source *source = (const struct source *)slot->source;
        struct track *track = slot_track(r, kind, (struct ssrc_slot *)slot);
        if (r->ep->channel_ready)
            track_announced(track, r->ep->worker->now_us);
        mapped[n++] = (struct bridge_msg_mapped_source){
            .source = source->name,
            .owner = source->owner->id,
            .ssrc = slot->ssrc,
            .rtx = slot->rtx,
            .type = source->video_type,
            .mid = track->mid[0] ? track->mid : NULL,
        };
    }
    if (n)
        endpoint_send_text(r->ep, kind == COLIBRI2_AUDIO ? bridge_msg_write_audio_map(mapped, n)
                                                         : bridge_msg_write_video_map(mapped, n));
}

static void send_forwarded(struct receiver *r)
{
    endpoint_send_text(r->ep,
                       bridge_msg_write_forwarded_sources((const char *const *)r->forwarded, r->forwarded_count));
}

void receiver_announce(struct receiver *r)
{
    send_forwarded(r);
    for (int kind = COLIBRI2_VIDEO; r->rewriting && kind >= COLIBRI2_AUDIO; kind--) {
        ssrc_map_announce_all(r->maps[kind]);
        send_map(r, (enum colibri2_kind)kind);
    }
}

/* ---- audio ---- */

static bool wants_audio(const struct receiver *r, const struct source *source)
{
    return source->owner != r->ep && endpoint_is_up(r->ep) && r->ep->accepts_audio &&
           audio_sub_allows(&r->audio_sub, source->name, source->synthetic);
}

void receiver_show_audio(struct receiver *r, struct source *source, uint64_t now_us)
{
    bool wanted = wants_audio(r, source);
    if (wanted && r->rewriting && ssrc_map_use(r->maps[COLIBRI2_AUDIO], (const struct ssrc_source *)source, now_us))
        send_map(r, COLIBRI2_AUDIO);
    struct track *track = wanted ? track_of(r, source, now_us) : NULL;
    if (track)
        track_set_target(track, 0, now_us);
    else if (!wanted)
        list_for_each_safe (it, &source->bound) {
            struct track *bound = container_of(it, struct track, bound_node);
            if (bound->receiver == r->ep) {
                track_set_target(bound, LAYER_NONE, now_us);
                track_unlist(bound);
            }
        }
}

/* ---- video ---- */

static void remember_forwarded(struct receiver *r, const struct alloc *alloc, const struct alloc_source *sources)
{
    forget_forwarded(r);
    r->forwarded = calloc(alloc->count + 1, sizeof *r->forwarded);
    for (size_t i = 0; i < alloc->count; i++)
        if (alloc->choices[i].target != LAYER_NONE)
            r->forwarded[r->forwarded_count++] = strdup(sources[alloc->choices[i].source].name);
}

static void update_demand(struct receiver *r, const struct alloc *alloc, const struct alloc_source *sources)
{
    for (size_t i = 0; i < alloc->count; i++) {
        struct source *source = (struct source *)sources[alloc->choices[i].source].key;
        if (demand_set(&source->demand, r->ep->serial, alloc->choices[i].max_height))
            source_tell_demand(source);
    }
}

static void map_slots(struct receiver *r, const struct alloc *alloc, const struct alloc_source *sources,
                      uint64_t now_us)
{
    const struct ssrc_source *wanted[SSRC_MAP_LIMIT * 2];
    size_t n = 0;
    for (; n < alloc->slot_count && n < COUNT(wanted); n++)
        wanted[n] = sources[alloc->slots[n]].key;
    if (ssrc_map_want(r->maps[COLIBRI2_VIDEO], wanted, n, now_us))
        send_map(r, COLIBRI2_VIDEO);
}

static void set_targets(struct receiver *r, const struct alloc *alloc, const struct alloc_source *sources,
                        uint64_t now_us)
{
    for (size_t i = 0; i < alloc->count; i++) {
        const struct alloc_choice *choice = &alloc->choices[i];
        struct source *source = (struct source *)sources[choice->source].key;
        if (choice->target == LAYER_NONE && list_empty(&source->bound))
            continue;
        struct track *track = track_of(r, source, now_us);
        if (track)
            track_set_target(track, choice->target, now_us);
    }
}

static bool is_steady(const struct receiver *r, int64_t budget_bps)
{
    return r->ep->worker->bridge->config->steady_layers && budget_bps < ALLOC_UNLIMITED;
}

void receiver_on_estimate(struct receiver *r, int64_t budget_bps, uint64_t now_us)
{
    if (is_steady(r, budget_bps))
        steady_on_estimate(&r->steady, budget_bps, now_us);
}

static int64_t reserve_bps(struct receiver *r, int64_t budget_bps, uint64_t now_us)
{
    receiver_on_estimate(r, budget_bps, now_us);
    return is_steady(r, budget_bps) ? steady_reserve(&r->steady, budget_bps, now_us) : 0;
}

static void tell_wants(struct receiver *r, const struct alloc *alloc, int64_t budget_bps)
{
    int64_t target_bps = 0, ideal_bps = 0;
    for (size_t i = 0; i < alloc->count; i++) {
        target_bps += alloc->choices[i].target_bps;
        ideal_bps += alloc->choices[i].ideal_bps;
    }
    bwe_on_allocated(r->ep, budget_bps, (uint64_t)target_bps, (uint64_t)ideal_bps);
}

void receiver_allocate(struct receiver *r, uint64_t now_us)
{
    struct endpoint *ep = r->ep;
    const struct config *cfg = ep->worker->bridge->config;
    if (!endpoint_is_up(ep) || !ep->accepts_video)
        return;
    size_t count;
    const struct alloc_source *sources = conference_video_sources(ep->conf, ep, &count, now_us);
    struct alloc_limits limits = {.budget_bps = bwe_budget_bps(ep),
                                  .last_n = policy_last_n(cfg, count + 1), /* with its own */
                                  .max_sources = cfg->ssrc_limit_video};
    limits.reserve_bps = reserve_bps(r, limits.budget_bps, now_us);
    limits.hold_us = is_steady(r, limits.budget_bps) ? STEADY_HOLD_US : 0;
    const struct alloc *alloc = alloc_run(r->runner, r->wants, sources, count, &limits, now_us);
    bool less = limits.budget_bps < ep->bwe.acted_on_bps; /* or what is measured of the sources made the difference */
    steady_on_alloc(&r->steady, alloc->raised, alloc->lowered && less, now_us);
    if (alloc->heights_changed) {
        update_demand(r, alloc, sources);
        if (r->rewriting)
            map_slots(r, alloc, sources, now_us);
    }
    if (alloc->targets_changed)
        set_targets(r, alloc, sources, now_us);
    if (alloc->forwarded_changed) {
        remember_forwarded(r, alloc, sources);
        send_forwarded(r);
    }
    tell_wants(r, alloc, limits.budget_bps);
    wheel_set(&ep->worker->wheel, &r->allocate_timer, alloc_deadline_us(r->runner));
}

void receiver_allocate_soon(struct receiver *r)
{
    wheel_set(&r->ep->worker->wheel, &r->allocate_timer, r->ep->worker->now_us);
}

/* ---- what may be sent at all ---- */

void receiver_up(struct receiver *r, bool up)
{
    if (!up)
        return; /* tracks stay; tx_path sends nothing while the endpoint is not up */
    conference_audio_unbound(r->ep->conf);
    receiver_allocate_soon(r);
}

void receiver_media_changed(struct receiver *r)
{
    if (endpoint_is_up(r->ep))
        receiver_up(r, true);
}

void receiver_initial_last_n(struct receiver *r, int32_t last_n)
{
    if (alloc_wants_set_initial_last_n(r->wants, last_n))
        receiver_allocate_soon(r);
}
