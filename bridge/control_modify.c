/* control_modify.c - what one <conference-modify> does, in the order in which it does it (colibri2 7.4): find or make
 * the conference, check all, then apply, then answer. See control.h; the directory is in control.c. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/control_impl.h"
#include "bridge/control_spec.h"
#include "proto/log.h"

struct modify { /* one request while it is being worked on */
    struct control *control;
    uint64_t now_us;
    const struct colibri2_request *request;
    struct colibri2_answer *answer;
    struct control_conference *conf;
    bool batch; /* nothing but expiry and muting: an unknown endpoint is no error, it may just have left */
};

static bool refuse(struct modify *m, enum colibri2_condition condition, enum colibri2_reason reason, const char *text)
{
    colibri2_answer_error(m->answer, condition, reason, text);
    return false;
}

static bool is_bare_jid(const char *s)
{
    const char *at = strchr(s, '@');
    return at && at != s && at[1] && !strchr(at + 1, '@') && !strpbrk(s, "/ ");
}

static bool find_conference(struct modify *m)
{
    const struct colibri2_request *request = m->request;
    m->conf = control_conference_get(m->control, request->meeting_id);
    if (!request->create)
        return m->conf || refuse(m, COLIBRI2_ITEM_NOT_FOUND, COLIBRI2_CONFERENCE_NOT_FOUND, "Conference not found");
    if (m->conf)
        return refuse(m, COLIBRI2_CONFLICT, COLIBRI2_CONFERENCE_ALREADY_EXISTS, "Conference already exists");
    if (m->control->refuse_conferences)
        return refuse(m, COLIBRI2_SERVICE_UNAVAILABLE, COLIBRI2_GRACEFUL_SHUTDOWN, "In graceful shutdown");
    if (request->name && !is_bare_jid(request->name))
        return refuse(m, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, "Invalid conference name (not a JID)");
    /* It stays even if its first endpoint is refused below: the focus believes it has created it, and asks for the
     * next endpoint without `create`. */
    m->conf = control_conference_new(m->control, m->now_us, request->meeting_id, request->rtcstats_enabled);
    return true;
}

static bool changes_much(const struct colibri2_endpoint *ep)
{
    return ep->create || ep->media_count > 0 || ep->transport || ep->has_sources;
}

/* Only expiry and muting come in batches. */
static bool is_batch(const struct colibri2_request *request)
{
    for (size_t i = 0; i < request->endpoint_count; i++)
        if (changes_much(&request->endpoints[i]))
            return false;
    return true;
}

static bool check_shape(struct modify *m)
{
    const struct colibri2_request *request = m->request;
    const char *text = NULL;
    if (request->endpoint_count > 0 && request->relay_count > 0)
        text = "Using both 'relay' and 'endpoint' in a request";
    else if (request->endpoint_count > 1 && !m->batch)
        text = "Creating or updating media, transport or sources of more than one endpoint in a request";
    else if (request->relay_count > 1)
        text = "Using more than one 'relay' in a request";
    if (text)
        return refuse(m, COLIBRI2_FEATURE_NOT_IMPLEMENTED, COLIBRI2_FEATURE_NOT_IMPLEMENTED_REASON, text);
    for (size_t i = 0; i < request->relay_count; i++) /* without relays, all of them are gone already */
        if (!request->relays[i].expire)
            return refuse(m, COLIBRI2_FEATURE_NOT_IMPLEMENTED, COLIBRI2_NO_REASON,
                          "Octo is disabled in configuration.");
    return true;
}

static bool check_create(struct modify *m, const struct colibri2_endpoint *in)
{
    if (control_endpoint_get(m->conf, in->id))
        return refuse(m, COLIBRI2_CONFLICT, COLIBRI2_NO_REASON, "Endpoint already exists");
    if (!in->transport)
        return refuse(m, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, "Attempt to create an endpoint with no <transport>");
    if (!(in->capabilities & COLIBRI2_SOURCE_NAMES))
        return refuse(m, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, "Source name support is mandatory.");
    if (!in->transport->sctp)
        return true;
    if (!m->control->env.sctp_enabled)
        return refuse(m, COLIBRI2_FEATURE_NOT_IMPLEMENTED, COLIBRI2_NO_REASON, "SCTP support is not configured");
    if (in->transport->sctp_role == COLIBRI2_SCTP_CLIENT || in->transport->sctp_role == COLIBRI2_SCTP_BAD_ROLE)
        return refuse(m, COLIBRI2_FEATURE_NOT_IMPLEMENTED, COLIBRI2_NO_REASON, "Unsupported SCTP role");
    if (in->transport->sctp_port != -1 && in->transport->sctp_port != COLIBRI2_SCTP_PORT)
        return refuse(m, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, "Specific SCTP port requested, not supported.");
    return true;
}

static bool check_endpoint(struct modify *m, const struct colibri2_endpoint *in)
{
    if (in->expire)
        return true;
    const struct control_endpoint *ep = control_endpoint_get(m->conf, in->id);
    bool visitor = in->create ? in->visitor : ep && ep->visitor;
    if (in->create && !check_create(m, in))
        return false;
    if (!in->create && !ep && !m->batch) {
        refuse(m, COLIBRI2_ITEM_NOT_FOUND, COLIBRI2_UNKNOWN_ENDPOINT, "Endpoint not found");
        m->answer->unknown_endpoint = arena_str(&m->answer->arena, in->id);
        return false;
    }
    if (visitor && in->source_count > 0)
        return refuse(m, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, "Attempt to set sources for a visitor endpoint");
    return true;
}

static bool check(struct modify *m)
{
    if (!check_shape(m))
        return false;
    for (size_t i = 0; i < m->request->endpoint_count; i++)
        if (!check_endpoint(m, &m->request->endpoints[i]))
            return false;
    return true;
}

/* The URL's last part: an endpoint id is any text. */
static const char *web_socket_url(struct modify *m, const struct control_endpoint *ep, const char *base)
{
    static const char hex[] = "0123456789ABCDEF";
    char id[3 * COLIBRI2_ID_MAX + 1], *at = id;
    for (const unsigned char *c = (const unsigned char *)ep->id; *c; c++) {
        if (isalnum(*c) || strchr("-._~", *c)) {
            *at++ = (char)*c;
        } else {
            *at++ = '%';
            *at++ = hex[*c >> 4];
            *at++ = hex[*c & 15];
        }
    }
    *at = '\0';
    size_t n = strlen(base) + strlen(id) + CONTROL_WS_PASSWORD_LEN + 32;
    char *url = arena_alloc(&m->answer->arena, n, 1);
    snprintf(url, n, "%s/%016" PRIx64 "/%s?pwd=%s", base, ep->conf->spec.id, id, ep->ws_password);
    return url;
}

static void describe_candidates(struct modify *m, const struct control_endpoint *ep, struct jingle_transport *out)
{
    const struct control_env *env = &m->control->env;
    bool show_private = env->advertise_private || ep->private_addresses;
    struct jingle_candidate *list = ARENA_NEW(&m->answer->arena, struct jingle_candidate, env->candidate_count);
    out->candidates = list;
    for (size_t i = 0; i < env->candidate_count; i++) {
        if (!show_private && env->candidates[i].type == JINGLE_HOST && addr_is_private(&env->candidates[i].addr))
            continue;
        struct jingle_candidate *candidate = &list[out->candidate_count++];
        *candidate = env->candidates[i];
        if (!show_private && addr_is_private(&candidate->related))
            addr_parse("0.0.0.0", 9, &candidate->related); /* RFC 8839 5.1: how to say "not told" */
        uint64_t id;
        env->random(env->ctx, &id, sizeof id);
        snprintf(candidate->id, sizeof candidate->id, "%016" PRIx64, id);
    }
}

static void describe(struct modify *m, const struct control_endpoint *ep, const struct ice_credentials *local,
                     uint32_t ice_generation, struct colibri2_answer_part *part)
{
    const struct control_env *env = &m->control->env;
    struct arena *arena = &m->answer->arena;
    struct jingle_transport *ice = &part->ice;
    struct jingle_fingerprint *fingerprint = ARENA_NEW(arena, struct jingle_fingerprint, 1);
    *fingerprint = (struct jingle_fingerprint){.hash = "sha-256", .setup = ep->setup};
    jingle_digest_parse(dtls_identity_fingerprint(ep->identity), fingerprint->digest, &fingerprint->digest_len);
    *ice = (struct jingle_transport){.ufrag = arena_str(arena, local->ufrag),
                                     .pwd = arena_str(arena, local->pwd),
                                     .ice_generation = ice_generation,
                                     .rtcp_mux = true,
                                     .fingerprints = fingerprint,
                                     .fingerprint_count = 1};
    const char **urls = ARENA_NEW(arena, const char *, env->web_socket_count);
    for (size_t i = 0; i < env->web_socket_count; i++)
        urls[ice->web_socket_count++] = web_socket_url(m, ep, env->web_sockets[i]);
    ice->web_sockets = urls;
    describe_candidates(m, ep, ice);
    part->has_transport = true;
}

static void make_ws_password(struct control *control, char out[CONTROL_WS_PASSWORD_LEN])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    uint8_t random[CONTROL_WS_PASSWORD_LEN - 1];
    for (size_t i = 0; i < sizeof random;) { /* 62 of 64 values are letters or digits; others are drawn again */
        control->env.random(control->env.ctx, &random[i], 1);
        out[i] = letters[random[i] & 63];
        i += (random[i] & 63) < 62;
    }
    out[sizeof random] = '\0';
}

static struct control_endpoint *create_endpoint(struct modify *m, const struct colibri2_endpoint *in,
                                                struct colibri2_answer_part *part)
{
    struct control *control = m->control;
    struct control_endpoint *ep = control_endpoint_new(control, m->conf, in->id);
    ep->visitor = in->visitor;
    ep->private_addresses = in->capabilities & COLIBRI2_PRIVATE_ADDRESSES;
    control->totals.visitors_created += in->visitor;
    control_make_credentials(control, ep->at.worker, &ep->local);
    make_ws_password(control, ep->ws_password);
    for (size_t i = 0; i < in->media_count; i++)
        media_spec_add(&ep->media, &in->media[i]);

    struct endpoint_spec *spec = calloc(1, sizeof *spec);
    if (!spec)
        abort();
    snprintf(spec->id, sizeof spec->id, "%s", in->id);
    snprintf(spec->stats_id, sizeof spec->stats_id, "%s", in->stats_id ? in->stats_id : "");
    spec->visitor = in->visitor;
    spec->diarize = in->diarize;
    spec->ssrc_rewriting = in->capabilities & COLIBRI2_SSRC_REWRITING;
    spec->mid_demux = spec->ssrc_rewriting && in->capabilities & COLIBRI2_MID_DEMUX;
    spec->private_addresses = ep->private_addresses;
    spec->ice_controlling = in->transport->ice_controlling;
    spec->sctp = in->transport->sctp;
    spec->local = ep->local;
    memcpy(spec->ws_password, ep->ws_password, sizeof spec->ws_password);
    spec->identity = dtls_identity_ref(ep->identity);
    spec->media = ep->media;
    control->ops.endpoint_new(control->ops_ctx, ep->at, spec);
    log_info("control", "conference=%" PRIu32 " endpoint=%" PRIu32 " created", ep->at.conf, ep->at.ep);

    describe(m, ep, &ep->local, 0, part);
    part->sctp = in->transport->sctp;
    part->sctp_role = COLIBRI2_SCTP_SERVER;
    return ep;
}

static void update_media(struct modify *m, struct control_endpoint *ep, const struct colibri2_endpoint *in)
{
    if (in->media_count == 0)
        return;
    for (size_t i = 0; i < in->media_count; i++)
        media_spec_add(&ep->media, &in->media[i]);
    m->control->ops.endpoint_media(m->control->ops_ctx, ep->at, media_spec_copy(&ep->media));
}

/* The client's answer to a restart counts once, and only for the round that is pending (transport 8.1 step 7). */
static bool fits_restart(struct control_endpoint *ep, const struct jingle_transport *ice)
{
    if (ice->ice_generation == 0)
        return true;
    if (!ep->restart.pending || ep->restart.answered || ep->restart.generation != ice->ice_generation || !ice->ufrag ||
        !ice->pwd)
        return false;
    return ep->restart.answered = true;
}

static void update_transport(struct modify *m, struct control_endpoint *ep, const struct colibri2_endpoint *in)
{
    const struct jingle_transport *ice = in->transport ? in->transport->ice : NULL;
    struct control *control = m->control;
    if (ice && fits_restart(ep, ice))
        control->ops.endpoint_transport(control->ops_ctx, ep->at,
                                        transport_spec_new(ice, control->have_ip4, control->have_ip6));
}

static void restart_ice(struct modify *m, struct control_endpoint *ep, struct colibri2_answer_part *part)
{
    struct control *control = m->control;
    struct control_restart *restart = &ep->restart;
    bool supported = control->ops.endpoint_ice_restart;
    if (supported && !control->env.ice_restart_enabled)
        return; /* no transport in the answer means "refused"; an error would fail the whole request */
    if (!supported || !ep->ice_connected) {
        describe(m, ep, &ep->local, 0, part); /* "not needed" */
        return;
    }
    if (!restart->pending || restart->answered) { /* else asked again before the client has answered: the same */
        *restart = (struct control_restart){.pending = true, .generation = ++ep->last_generation};
        control_make_credentials(control, ep->at.worker, &restart->local);
        control->ops.endpoint_ice_restart(control->ops_ctx, ep->at, &restart->local, restart->generation);
    }
    describe(m, ep, &restart->local, restart->generation, part);
}

/* colibri2 7.4.1 */
static void apply_endpoint(struct modify *m, const struct colibri2_endpoint *in)
{
    const struct control_ops *ops = &m->control->ops;
    void *ctx = m->control->ops_ctx;
    struct colibri2_answer_part *part = colibri2_answer_add(m->answer, in->id);
    struct control_endpoint *ep = control_endpoint_get(m->conf, in->id);
    if (in->expire) {
        if (ep)
            control_endpoint_expire(m->control, m->now_us, ep);
        part->expire = true;
        return;
    }
    if (in->create)
        ep = create_endpoint(m, in, part);
    else if (ep)
        update_media(m, ep, in);
    else
        return; /* left out of a batch */
    if (in->has_initial_last_n)
        ops->endpoint_initial_last_n(ctx, ep->at, in->initial_last_n);
    update_transport(m, ep, in);
    if (in->has_sources)
        ops->endpoint_sources(ctx, ep->at, source_set_new(in));
    if (in->has_force_mute)
        ops->endpoint_force_mute(ctx, ep->at, in->force_mute_audio, in->force_mute_video);
    if (in->transport && in->transport->ice_restart && !in->create)
        restart_ice(m, ep, part);
}

static void apply(struct modify *m)
{
    bool creates = m->request->create;
    for (size_t i = 0; i < m->request->endpoint_count; i++) {
        apply_endpoint(m, &m->request->endpoints[i]);
        creates |= m->request->endpoints[i].create && !m->request->endpoints[i].expire;
    }
    for (size_t i = 0; i < m->request->relay_count; i++) {
        struct colibri2_answer_part *part = colibri2_answer_add(m->answer, m->request->relays[i].id);
        part->relay = part->expire = true;
    }
    if (creates) {
        m->answer->has_feedback = true;
        m->answer->feedback_audio_ssrc = m->conf->spec.feedback_audio_ssrc;
        m->answer->feedback_video_ssrc = m->conf->spec.feedback_video_ssrc;
    }
    if (m->request->expire || (!m->request->create && m->conf->endpoints.count == 0))
        control_conference_expire(m->control, m->now_us, m->conf);
}

void control_on_modify(struct control *control, uint64_t now_us, const struct colibri2_request *request,
                       struct colibri2_answer *answer)
{
    struct modify m = {.control = control, .now_us = now_us, .request = request, .answer = answer};
    m.batch = is_batch(request);
    control->totals.requests++;
    control->totals.pieces_ignored += request->ignored;
    if (find_conference(&m) && check(&m))
        apply(&m);
    control->totals.errors += answer->error;
}

xmpp_stanza_t *control_on_iq(struct control *control, uint64_t now_us, xmpp_stanza_t *iq)
{
    struct colibri2_request *request;
    struct colibri2_answer answer;
    const char *what;
    xmpp_stanza_t *modify = xmpp_stanza_get_child_by_name_and_ns(iq, "conference-modify", COLIBRI2_NS);
    colibri2_answer_init(&answer);
    if (colibri2_request_parse(modify, &request, &what) == E_OK) {
        control_on_modify(control, now_us, request, &answer);
    } else { /* silence would cost the focus 15 s and us its trust */
        colibri2_answer_error(&answer, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, what);
        control->totals.requests++;
        control->totals.errors++;
    }
    colibri2_request_free(request);
    xmpp_stanza_t *out = colibri2_answer_write(&answer, xmpp_stanza_get_context(iq));
    colibri2_answer_done(&answer);
    return out;
}
