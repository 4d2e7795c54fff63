/* control.c - the directory itself: conferences and endpoints by name and by serial, placement on workers, reports from
 * workers, expiry, numbers. What a request does is in control_modify.c. See control.h. */
#include "bridge/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/control_impl.h"
#include "proto/log.h"

static void *need(void *p)
{
    if (!p)
        abort(); /* out of memory off the packet path: nothing sensible is left to do */
    return p;
}

static void copy_env(struct control *control, const struct control_env *env)
{
    struct arena *arena = &control->arena;
    struct jingle_candidate *candidates = ARENA_NEW(arena, struct jingle_candidate, env->candidate_count);
    const char **web_sockets = ARENA_NEW(arena, const char *, env->web_socket_count);
    for (size_t i = 0; i < env->candidate_count; i++) {
        candidates[i] = env->candidates[i];
        control->have_ip4 |= candidates[i].addr.family == ADDR_IP4;
        control->have_ip6 |= candidates[i].addr.family == ADDR_IP6;
    }
    for (size_t i = 0; i < env->web_socket_count; i++)
        web_sockets[i] = arena_str(arena, env->web_sockets[i]);
    control->env = *env;
    control->env.candidates = candidates;
    control->env.web_sockets = web_sockets;
    control->env.identity = dtls_identity_ref(env->identity);
    control->env.ufrag_prefix = arena_str(arena, env->ufrag_prefix);
}

struct control *control_new(const struct control_env *env, const struct control_ops *ops, void *ops_ctx)
{
    struct control *control = need(calloc(1, sizeof *control));
    arena_init(&control->arena);
    copy_env(control, env);
    control->ops = *ops;
    control->ops_ctx = ops_ctx;
    map_init(&control->by_meeting);
    map_init(&control->by_id);
    map_init(&control->by_serial);
    list_init(&control->empty);
    control->worker_endpoints = need(calloc(env->worker_count, sizeof *control->worker_endpoints));
    control->worker_conferences = need(calloc(env->worker_count, sizeof *control->worker_conferences));
    return control;
}

static void endpoint_free(struct control_endpoint *ep)
{
    free(ep->id);
    dtls_identity_unref(ep->identity);
    explicit_bzero(ep, sizeof *ep);
    free(ep);
}

static void conference_free(struct control_conference *conf)
{
    map_done(&conf->endpoints);
    free(conf->meeting_id);
    free(conf);
}

void control_free(struct control *control)
{
    if (!control)
        return;
    size_t at = 0;
    for (struct control_endpoint *ep; (ep = map_next(&control->by_serial, &at));)
        endpoint_free(ep);
    at = 0;
    for (struct control_conference *conf; (conf = map_next(&control->by_meeting, &at));)
        conference_free(conf);
    map_done(&control->by_meeting);
    map_done(&control->by_id);
    map_done(&control->by_serial);
    free(control->worker_endpoints);
    free(control->worker_conferences);
    dtls_identity_unref(control->env.identity);
    arena_done(&control->arena);
    free(control);
}

static uint32_t next_serial(struct control *control)
{
    if (++control->last_serial == 0)
        control->last_serial = 1;
    return control->last_serial;
}

static uint32_t random_ssrc(struct control *control)
{
    uint32_t ssrc;
    do
        control->env.random(control->env.ctx, &ssrc, sizeof ssrc);
    while (ssrc == 0);
    return ssrc;
}

static uint32_t choose_worker(struct control *control)
{
    uint32_t best = 0, best_load = UINT32_MAX;
    for (uint32_t w = 0; w < control->env.worker_count; w++) {
        uint32_t load =
            control->env.worker_load ? control->env.worker_load(control->env.ctx, w) : control->worker_endpoints[w];
        bool fewer = load == best_load && control->worker_conferences[w] < control->worker_conferences[best];
        if (w == 0 || load < best_load || fewer) {
            best = w;
            best_load = load;
        }
    }
    return best;
}

static void becomes_empty(struct control *control, uint64_t now_us, struct control_conference *conf)
{
    conf->empty_since_us = now_us;
    list_push_back(&control->empty, &conf->empty_link);
}

struct control_conference *control_conference_new(struct control *control, uint64_t now_us, const char *meeting_id,
                                                  bool rtcstats_enabled)
{
    struct control_conference *conf = need(calloc(1, sizeof *conf));
    list_init(&conf->empty_link);
    map_init(&conf->endpoints);
    conf->meeting_id = need(strdup(meeting_id));
    conf->created_us = now_us;
    conf->at = (struct control_target){.worker = choose_worker(control), .conf = next_serial(control)};
    conf->spec.rtcstats_enabled = rtcstats_enabled;
    do
        control->env.random(control->env.ctx, &conf->spec.id, sizeof conf->spec.id);
    while (map_get(&control->by_id, bytes_of(&conf->spec.id, sizeof conf->spec.id)));
    conf->spec.feedback_audio_ssrc = random_ssrc(control);
    do
        conf->spec.feedback_video_ssrc = random_ssrc(control);
    while (conf->spec.feedback_video_ssrc == conf->spec.feedback_audio_ssrc);

    map_put(&control->by_meeting, bytes_str(conf->meeting_id), conf);
    map_put(&control->by_id, bytes_of(&conf->spec.id, sizeof conf->spec.id), conf);
    control->worker_conferences[conf->at.worker]++;
    control->totals.conferences_created++;
    becomes_empty(control, now_us, conf);
    control->ops.conference_new(control->ops_ctx, conf->at, &conf->spec);
    log_info("control", "conference=%" PRIu32 " created worker=%" PRIu32, conf->at.conf, conf->at.worker);
    return conf;
}

struct control_conference *control_conference_get(const struct control *control, const char *meeting_id)
{
    return map_get_str(&control->by_meeting, meeting_id);
}

/* Out of the conference's own map already, or about to lose it whole. */
static void drop_endpoint(struct control *control, struct control_endpoint *ep)
{
    map_del_u32(&control->by_serial, ep->at.ep);
    control->worker_endpoints[ep->at.worker]--;
    endpoint_free(ep);
}

void control_conference_expire(struct control *control, uint64_t now_us, struct control_conference *conf)
{
    control->ops.conference_expire(control->ops_ctx, conf->at);
    log_info("control", "conference=%" PRIu32 " expired endpoints=%zu", conf->at.conf, conf->endpoints.count);
    size_t at = 0;
    for (struct control_endpoint *ep; (ep = map_next(&conf->endpoints, &at));)
        drop_endpoint(control, ep);
    list_remove(&conf->empty_link);
    map_del(&control->by_meeting, bytes_str(conf->meeting_id));
    map_del(&control->by_id, bytes_of(&conf->spec.id, sizeof conf->spec.id));
    control->worker_conferences[conf->at.worker]--;
    control->totals.conferences_completed++;
    control->totals.conference_seconds += (now_us - conf->created_us) / US_PER_S;
    conference_free(conf);
}

struct control_endpoint *control_endpoint_new(struct control *control, struct control_conference *conf, const char *id)
{
    struct control_endpoint *ep = need(calloc(1, sizeof *ep));
    ep->conf = conf;
    ep->at = conf->at;
    ep->at.ep = next_serial(control);
    ep->id = need(strdup(id));
    ep->identity = dtls_identity_ref(control->env.identity);
    ep->setup = JINGLE_ACTPASS;
    map_put(&conf->endpoints, bytes_str(ep->id), ep);
    map_put_u32(&control->by_serial, ep->at.ep, ep);
    control->worker_endpoints[ep->at.worker]++;
    control->totals.endpoints_created++;
    list_remove(&conf->empty_link);
    return ep;
}

struct control_endpoint *control_endpoint_get(const struct control_conference *conf, const char *id)
{
    return map_get_str(&conf->endpoints, id);
}

void control_endpoint_forget(struct control *control, uint64_t now_us, struct control_endpoint *ep)
{
    struct control_conference *conf = ep->conf;
    map_del(&conf->endpoints, bytes_str(ep->id));
    drop_endpoint(control, ep);
    if (conf->endpoints.count == 0)
        becomes_empty(control, now_us, conf);
}

void control_endpoint_expire(struct control *control, uint64_t now_us, struct control_endpoint *ep)
{
    control->ops.endpoint_expire(control->ops_ctx, ep->at);
    log_info("control", "conference=%" PRIu32 " endpoint=%" PRIu32 " expired", ep->at.conf, ep->at.ep);
    control_endpoint_forget(control, now_us, ep);
}

void control_make_credentials(struct control *control, uint32_t worker, struct ice_credentials *out)
{
    uint8_t random[UFRAG_RANDOM + PWD_DIGITS];
    _Static_assert(UFRAG_TEXT_MAX <= sizeof out->ufrag && PWD_DIGITS < sizeof out->pwd, "credentials fit");
    control->env.random(control->env.ctx, random, sizeof random);
    ufrag_write(control->env.ufrag_prefix, worker, random, out->ufrag);
    ufrag_write_pwd(random + UFRAG_RANDOM, out->pwd);
    explicit_bzero(random, sizeof random);
}

static struct control_endpoint *reported(struct control *control, uint32_t conf, uint32_t ep_serial)
{
    struct control_endpoint *ep = map_get_u32(&control->by_serial, ep_serial);
    return ep && ep->at.conf == conf ? ep : NULL;
}

void control_on_ice_connected(struct control *control, uint32_t conf, uint32_t ep_serial)
{
    struct control_endpoint *ep = reported(control, conf, ep_serial);
    if (ep)
        ep->ice_connected = true;
}

void control_on_dtls_role(struct control *control, uint32_t conf, uint32_t ep_serial, bool we_are_server)
{
    struct control_endpoint *ep = reported(control, conf, ep_serial);
    if (ep)
        ep->setup = we_are_server ? JINGLE_PASSIVE : JINGLE_ACTIVE;
}

void control_on_ice_restarted(struct control *control, uint32_t conf, uint32_t ep_serial, uint32_t generation, bool ok)
{
    struct control_endpoint *ep = reported(control, conf, ep_serial);
    if (!ep || !ep->restart.pending || ep->restart.generation != generation)
        return;
    if (ok)
        ep->local = ep->restart.local;
    explicit_bzero(&ep->restart, sizeof ep->restart);
}

void control_on_endpoint_gone(struct control *control, uint64_t now_us, uint32_t conf, uint32_t ep_serial)
{
    struct control_endpoint *ep = reported(control, conf, ep_serial);
    if (!ep)
        return;
    log_info("control", "conference=%" PRIu32 " endpoint=%" PRIu32 " gone", conf, ep_serial);
    control_endpoint_forget(control, now_us, ep);
}

static struct control_conference *longest_empty(const struct control *control)
{
    return list_empty(&control->empty) ? NULL
                                       : container_of(control->empty.next, struct control_conference, empty_link);
}

uint64_t control_deadline_us(const struct control *control)
{
    const struct control_conference *conf = longest_empty(control);
    return conf ? conf->empty_since_us + control->env.empty_conference_us : NEVER_US;
}

void control_on_time(struct control *control, uint64_t now_us)
{
    while (control_deadline_us(control) <= now_us)
        control_conference_expire(control, now_us, longest_empty(control));
}

void control_set_identity(struct control *control, struct dtls_identity *identity)
{
    dtls_identity_ref(identity);
    dtls_identity_unref(control->env.identity);
    control->env.identity = identity;
}

void control_refuse_conferences(struct control *control)
{
    control->refuse_conferences = true;
}

bool control_web_socket_login(const struct control *control, const char *conf_id_hex, const char *endpoint_id,
                              const char *password, struct control_target *out)
{
    uint64_t id;
    int used = 0;
    if (strlen(conf_id_hex) != 16 || sscanf(conf_id_hex, "%16" SCNx64 "%n", &id, &used) != 1 || used != 16)
        return false;
    const struct control_conference *conf = map_get(&control->by_id, bytes_of(&id, sizeof id));
    const struct control_endpoint *ep = conf ? control_endpoint_get(conf, endpoint_id) : NULL;
    if (!ep || !bytes_eq_consttime(bytes_str(ep->ws_password), bytes_str(password)))
        return false;
    *out = ep->at;
    return true;
}

void control_stats(const struct control *control, struct control_stats *out)
{
    *out = control->totals;
    size_t at = 0;
    for (const struct control_conference *conf; (conf = map_next(&control->by_meeting, &at));) {
        out->conferences++;
        out->largest_conference = MAX(out->largest_conference, (uint32_t)conf->endpoints.count);
    }
    at = 0;
    for (const struct control_endpoint *ep; (ep = map_next(&control->by_serial, &at));) {
        out->endpoints++;
        out->visitors += ep->visitor;
    }
}

void control_each_conference(const struct control *control,
                             bool (*each)(void *ctx, const struct control_conference_info *info), void *ctx)
{
    size_t at = 0;
    for (const struct control_conference *conf; (conf = map_next(&control->by_meeting, &at));) {
        struct control_conference_info info = {.at = conf->at,
                                               .id = conf->spec.id,
                                               .created_us = conf->created_us,
                                               .endpoints = (uint32_t)conf->endpoints.count};
        if (!each(ctx, &info))
            return;
    }
}
