/* requests.c - see requests.h. */
#include "xmpp/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "proto/list.h"
#include "xmpp/build.h"
#include "xmpp/caps.h"

#define NS_HEALTH  "http://jitsi.org/protocol/healthcheck"
#define NS_VERSION "jabber:iq:version"

struct request {
    struct list node;
    struct requests *requests;
    xmpp_stanza_t *envelope; /* the <iq> that will carry the answer: addresses and id are in it */
    xmpp_stanza_t *answer;   /* given, but an earlier request is still open */
    uint64_t deadline_us;
    bool orphan; /* nobody waits for it any more; it only lives until its owner answers */
};

struct requests {
    struct requests_config cfg;
    char **rooms;
    char *version;
    struct connection_handler handler;
    struct list waiting; /* of struct request, in order of arrival */
    struct list orphans;
    uint64_t now_us; /* of the stanza being handled */
    uint64_t from_focus;
};

struct requests *requests_new(const struct requests_config *cfg, const struct connection_handler *handler)
{
    struct requests *requests = calloc(1, sizeof *requests);
    char **rooms = calloc(cfg->room_count + 1, sizeof *rooms);
    if (!requests || !rooms)
        abort();
    for (size_t i = 0; i < cfg->room_count; i++)
        if (!(rooms[i] = strdup(cfg->rooms[i])))
            abort();
    requests->cfg = *cfg;
    requests->rooms = rooms;
    requests->version = strdup(cfg->version ? cfg->version : "");
    requests->handler = *handler;
    list_init(&requests->waiting);
    list_init(&requests->orphans);
    return requests;
}

static struct request *request_of(struct list *node)
{
    return container_of(node, struct request, node);
}

static void request_free(struct request *request)
{
    list_remove(&request->node);
    if (request->answer)
        xmpp_stanza_release(request->answer);
    if (request->envelope)
        xmpp_stanza_release(request->envelope);
    free(request);
}

void requests_forget(struct requests *requests)
{
    list_for_each_safe (it, &requests->waiting) {
        struct request *request = request_of(it);
        if (request->answer) { /* its owner is done with it */
            request_free(request);
            continue;
        }
        request->orphan = true;
        list_remove(it);
        list_push_back(&requests->orphans, it);
    }
}

void requests_free(struct requests *requests)
{
    if (!requests)
        return;
    requests_forget(requests);
    list_for_each_safe (it, &requests->orphans)
        request_free(request_of(it));
    for (size_t i = 0; i < requests->cfg.room_count; i++)
        free(requests->rooms[i]);
    free(requests->rooms);
    free(requests->version);
    free(requests);
}

/* The id is Prosody's only way back to the asker: copied byte by byte (colibri2.md 4). */
static xmpp_stanza_t *envelope_for(xmpp_stanza_t *iq)
{
    xmpp_stanza_t *envelope = build_element(xmpp_stanza_get_context(iq), "iq", NULL);
    build_attr(envelope, "id", xmpp_stanza_get_id(iq));
    build_attr(envelope, "to", xmpp_stanza_get_from(iq));
    build_attr(envelope, "from", xmpp_stanza_get_to(iq));
    return envelope;
}

static void send_answer(struct requests *requests, xmpp_stanza_t *envelope, xmpp_stanza_t *child)
{
    bool error = child && strcmp(xmpp_stanza_get_name(child), "error") == 0;
    build_attr(envelope, "type", error ? "error" : "result");
    if (child)
        build_append(envelope, child);
    requests->cfg.send(requests->cfg.ctx, envelope);
}

/* Takes over child. */
static void answer_now(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *child)
{
    xmpp_stanza_t *envelope = envelope_for(iq);
    send_answer(requests, envelope, child);
    xmpp_stanza_release(envelope);
}

static void send_what_is_due(struct requests *requests)
{
    list_for_each_safe (it, &requests->waiting) {
        struct request *request = request_of(it);
        if (!request->answer)
            return;
        send_answer(requests, request->envelope, request->answer);
        request->answer = NULL;
        request_free(request);
    }
}

void request_answer(struct request *request, xmpp_stanza_t *child)
{
    if (request->orphan) {
        xmpp_stanza_release(child);
        request_free(request);
        return;
    }
    request->answer = child;
    send_what_is_due(request->requests);
}

static void hand_up(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    (void)what;
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        abort();
    *request = (struct request){
        .requests = requests, .envelope = envelope_for(iq), .deadline_us = requests->now_us + REQUESTS_ANSWER_US};
    list_push_back(&requests->waiting, &request->node);
    requests->handler.on_conference_modify(requests->handler.ctx, request, iq);
}

static void health(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    (void)what;
    const char *problem = requests->handler.on_health(requests->handler.ctx);
    xmpp_ctx_t *ctx = xmpp_stanza_get_context(iq);
    answer_now(requests, iq, problem ? build_error(ctx, "internal-server-error", problem) : NULL);
}

static void version(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    (void)what;
    struct utsname os = {0};
    xmpp_stanza_t *query = build_element(xmpp_stanza_get_context(iq), "query", NS_VERSION);
    build_text(build_child(query, "name", NULL), "Kolibri");
    build_text(build_child(query, "version", NULL), requests->version);
    build_text(build_child(query, "os", NULL), uname(&os) == 0 ? os.sysname : "unknown");
    answer_now(requests, iq, query);
}

static void ping(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    (void)what;
    answer_now(requests, iq, NULL);
}

static void disco_info(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    xmpp_ctx_t *ctx = xmpp_stanza_get_context(iq);
    xmpp_stanza_t *query = caps_disco_info(ctx, xmpp_stanza_get_attribute(what, "node"));
    answer_now(requests, iq, query ? query : build_error(ctx, "item-not-found", NULL));
}

static void disco_items(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    (void)what;
    answer_now(requests, iq, build_element(xmpp_stanza_get_context(iq), "query", XMPP_NS_DISCO_ITEMS));
}

/* Neither shuts anything down: shutdown is for the administrator, by REST or signal (colibri2.md 6). */
static void refuse_shutdown(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what)
{
    char text[64];
    snprintf(text, sizeof text, "Unsupported IQ request %s", xmpp_stanza_get_name(what));
    answer_now(requests, iq, build_error(xmpp_stanza_get_context(iq), "service-unavailable", text));
}

enum access { ANYBODY, OCCUPANTS };

/* The whole of what can be asked. `get` and `set` alike, as the stock bridge registers both. */
static const struct {
    const char *name, *ns;
    enum access access;
    void (*run)(struct requests *requests, xmpp_stanza_t *iq, xmpp_stanza_t *what);
} table[] = {
    {"conference-modify", "jitsi:colibri2", OCCUPANTS, hand_up},
    {"healthcheck", NS_HEALTH, OCCUPANTS, health},
    {"query", NS_VERSION, OCCUPANTS, version},
    {"graceful-shutdown", BUILD_NS_STATS, OCCUPANTS, refuse_shutdown},
    {"force-shutdown", BUILD_NS_STATS, OCCUPANTS, refuse_shutdown},
    {"ping", BUILD_NS_PING, ANYBODY, ping},
    {"query", XMPP_NS_DISCO_INFO, ANYBODY, disco_info},
    {"query", XMPP_NS_DISCO_ITEMS, ANYBODY, disco_items},
};

static bool from_occupant(const struct requests *requests, xmpp_stanza_t *iq)
{
    for (size_t i = 0; i < requests->cfg.room_count; i++)
        if (build_same_bare(requests->rooms[i], xmpp_stanza_get_from(iq)))
            return true;
    return false;
}

static xmpp_stanza_t *first_element(xmpp_stanza_t *iq)
{
    xmpp_stanza_t *child = xmpp_stanza_get_children(iq);
    while (child && !xmpp_stanza_is_tag(child))
        child = xmpp_stanza_get_next(child);
    return child;
}

static void refuse(struct requests *requests, xmpp_stanza_t *iq, const char *condition)
{
    answer_now(requests, iq, build_error(xmpp_stanza_get_context(iq), condition, NULL));
}

void requests_on_iq(struct requests *requests, xmpp_stanza_t *iq, uint64_t now_us)
{
    const char *type = xmpp_stanza_get_type(iq);
    if (!type || (strcmp(type, "get") != 0 && strcmp(type, "set") != 0))
        return; /* an answer, or no IQ at all: answering those makes loops (RFC 6120 8.2.3) */
    requests->now_us = now_us;
    xmpp_stanza_t *what = first_element(iq);
    if (!what || !xmpp_stanza_get_id(iq)) {
        refuse(requests, iq, "bad-request");
        return;
    }
    const char *name = xmpp_stanza_get_name(what);
    const char *ns = xmpp_stanza_get_ns(what);
    for (size_t i = 0; i < COUNT(table); i++) {
        if (strcmp(table[i].name, name) != 0 || !ns || strcmp(table[i].ns, ns) != 0)
            continue;
        bool occupant = from_occupant(requests, iq);
        if (table[i].access == OCCUPANTS && !occupant) {
            refuse(requests, iq, "forbidden");
            return;
        }
        requests->from_focus += table[i].access == OCCUPANTS;
        table[i].run(requests, iq, what);
        return;
    }
    refuse(requests, iq, "feature-not-implemented");
}

uint64_t requests_deadline_us(const struct requests *requests)
{
    uint64_t first = UINT64_MAX;
    list_for_each (it, &requests->waiting)
        if (!request_of(it)->answer)
            first = MIN(first, request_of(it)->deadline_us);
    return first;
}

void requests_on_time(struct requests *requests, uint64_t now_us)
{
    list_for_each_safe (it, &requests->waiting) {
        struct request *request = request_of(it);
        if (request->answer || request->deadline_us > now_us)
            continue;
        xmpp_ctx_t *ctx = xmpp_stanza_get_context(request->envelope);
        send_answer(requests, request->envelope, build_error(ctx, "internal-server-error", "No answer in time"));
        request->orphan = true;
        list_remove(it);
        list_push_back(&requests->orphans, it);
    }
    send_what_is_due(requests);
}

uint64_t requests_from_focus(const struct requests *requests)
{
    return requests->from_focus;
}
