/* control_world.c - see control_world.h. */
#include "support/control_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "media/dtls.h"
#include "support/hex.h"

__attribute__((format(printf, 3, 4))) static void tell(struct world *w, struct control_target at, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    size_t used = strlen(w->told);
    w->at = at;
    if (at.ep)
        snprintf(w->told + used, sizeof w->told - used, "%s conf=%" PRIu32 " ep=%" PRIu32 "\n", line, at.conf, at.ep);
    else
        snprintf(w->told + used, sizeof w->told - used, "%s conf=%" PRIu32 "\n", line, at.conf);
}

static void on_conference_new(void *ctx, struct control_target at, const struct conference_spec *spec)
{
    struct world *w = ctx;
    w->conf = *spec;
    tell(w, at, "conference");
}

static void on_conference_expire(void *ctx, struct control_target at)
{
    tell(ctx, at, "expire");
}

static void on_endpoint_new(void *ctx, struct control_target at, struct endpoint_spec *moved)
{
    struct world *w = ctx;
    w->ep = *moved;
    tell(w, at, "endpoint %s", moved->id);
    endpoint_spec_free(moved);
}

static void on_endpoint_media(void *ctx, struct control_target at, struct media_spec *moved)
{
    struct world *w = ctx;
    w->media = *moved;
    tell(w, at, "media payloads=%u", moved->payload_count);
    media_spec_free(moved);
}

static void on_endpoint_transport(void *ctx, struct control_target at, struct transport_spec *moved)
{
    struct world *w = ctx;
    w->transport = *moved;
    tell(w, at, "transport ufrag=%s candidates=%zu", moved->remote.ufrag, moved->candidate_count);
    transport_spec_free(moved);
}

static void on_endpoint_sources(void *ctx, struct control_target at, struct source_set *moved)
{
    struct world *w = ctx;
    source_set_free(w->sources);
    w->sources = moved;
    tell(w, at, "sources count=%zu ssrcs=%zu", moved->source_count, moved->ssrc_count);
}

static void on_endpoint_force_mute(void *ctx, struct control_target at, bool audio, bool video)
{
    tell(ctx, at, "mute audio=%d video=%d", audio, video);
}

static void on_endpoint_initial_last_n(void *ctx, struct control_target at, int32_t last_n)
{
    tell(ctx, at, "last-n %" PRId32, last_n);
}

static void on_endpoint_ice_restart(void *ctx, struct control_target at, const struct ice_credentials *local,
                                    uint32_t generation)
{
    struct world *w = ctx;
    w->restart = *local;
    tell(w, at, "restart generation=%" PRIu32, generation);
}

static void on_endpoint_expire(void *ctx, struct control_target at)
{
    tell(ctx, at, "expire");
}

static void some_random(void *ctx, void *out, size_t n) /* xorshift64 */
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        w->random_state ^= w->random_state << 13;
        w->random_state ^= w->random_state >> 7;
        w->random_state ^= w->random_state << 17;
        ((uint8_t *)out)[i] = (uint8_t)(w->random_state >> 32);
    }
}

void world_init(struct world *w)
{
    static struct jingle_candidate host = {.type = JINGLE_HOST, .priority = 2130706431, .foundation = "1"};
    static const char *const web_sockets[] = {"ws://127.0.0.1:9090/colibri-ws/jvb1"};
    addr_parse("10.77.0.1", 10000, &host.addr);
    *w = (struct world){.now_us = SEC(1000), .random_state = 1};
    w->env = (struct control_env){.ctx = w,
                                  .random = some_random,
                                  .worker_count = 1,
                                  .candidates = &host,
                                  .candidate_count = 1,
                                  .advertise_private = true,
                                  .identity = dtls_identity_new(1700000000),
                                  .web_sockets = web_sockets,
                                  .web_socket_count = 1,
                                  .sctp_enabled = true,
                                  .ice_restart_enabled = true,
                                  .empty_conference_us = SEC(60)};
    w->ops = (struct control_ops){.conference_new = on_conference_new,
                                  .conference_expire = on_conference_expire,
                                  .endpoint_new = on_endpoint_new,
                                  .endpoint_media = on_endpoint_media,
                                  .endpoint_transport = on_endpoint_transport,
                                  .endpoint_sources = on_endpoint_sources,
                                  .endpoint_force_mute = on_endpoint_force_mute,
                                  .endpoint_initial_last_n = on_endpoint_initial_last_n,
                                  .endpoint_ice_restart = on_endpoint_ice_restart,
                                  .endpoint_expire = on_endpoint_expire};
}

void world_start(struct world *w)
{
    w->control = control_new(&w->env, &w->ops, w);
}

void world_done(struct world *w)
{
    control_free(w->control);
    dtls_identity_unref(w->env.identity);
    source_set_free(w->sources);
}

xmpp_stanza_t *world_ask(struct world *w, const char *attrs, const char *inner)
{
    size_t n = strlen(attrs) + strlen(inner) + 128;
    char *text = malloc(n);
    snprintf(text, n, "<iq><conference-modify xmlns='jitsi:colibri2' %s>%s</conference-modify></iq>", attrs, inner);
    xmpp_stanza_t *iq = xml_parse(text);
    xmpp_stanza_t *answer = control_on_iq(w->control, w->now_us, iq);
    xmpp_stanza_release(iq);
    free(text);
    return answer;
}

char *world_ask_text(struct world *w, const char *attrs, const char *inner)
{
    xmpp_stanza_t *answer = world_ask(w, attrs, inner);
    char *text = xml_canonical(answer);
    xmpp_stanza_release(answer);
    return text;
}

const char *world_told(struct world *w)
{
    static char copy[sizeof w->told];
    memcpy(copy, w->told, sizeof copy);
    w->told[0] = '\0';
    return copy;
}
