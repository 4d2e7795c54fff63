/* brewery.c - see brewery.h. */
#include "xmpp/brewery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/build.h"
#include "xmpp/caps.h"

#define NS_MUC_USER "http://jabber.org/protocol/muc#user"

enum state { ABSENT, JOINING, JOINED };

struct brewery {
    struct brewery_config cfg;
    char *room, *nickname;
    xmpp_ctx_t *xmpp;
    char *self; /* NULL: not logged in */
    enum state state;
    bool rival;           /* reported */
    uint64_t deadline_us; /* ABSENT: when to join; JOINING: when to give up; UINT64_MAX: never */
    unsigned sent;        /* for ids */
    struct connection_stat *stats;
    size_t stat_count;
};

static char *copy(const char *text)
{
    char *dup = strdup(text);
    if (!dup)
        abort();
    return dup;
}

struct brewery *brewery_new(const struct brewery_config *cfg, xmpp_ctx_t *xmpp)
{
    struct brewery *brewery = calloc(1, sizeof *brewery);
    if (!brewery)
        abort();
    brewery->cfg = *cfg;
    brewery->room = copy(cfg->room);
    brewery->nickname = copy(cfg->nickname);
    brewery->xmpp = xmpp;
    brewery->deadline_us = UINT64_MAX;
    return brewery;
}

static void free_stats(struct brewery *brewery)
{
    for (size_t i = 0; i < brewery->stat_count; i++) {
        free((char *)brewery->stats[i].name);
        free((char *)brewery->stats[i].value);
    }
    free(brewery->stats);
    brewery->stats = NULL;
    brewery->stat_count = 0;
}

void brewery_free(struct brewery *brewery)
{
    if (!brewery)
        return;
    free_stats(brewery);
    free(brewery->room);
    free(brewery->nickname);
    free(brewery->self);
    free(brewery);
}

static void tell(struct brewery *brewery, enum brewery_event event, const char *detail)
{
    brewery->cfg.event(brewery->cfg.ctx, brewery, event, detail);
}

static xmpp_stanza_t *presence_new(struct brewery *brewery, const char *type)
{
    char to[3072], id[32];
    snprintf(to, sizeof to, "%s/%s", brewery->room, brewery->nickname);
    snprintf(id, sizeof id, "presence-%u", ++brewery->sent);
    xmpp_stanza_t *presence = build_element(brewery->xmpp, "presence", NULL);
    build_attr(presence, "to", to);
    build_attr(presence, "from",
               brewery->cfg.component ? brewery->self : NULL); /* a client's is filled in by Prosody */
    build_attr(presence, "id", id);
    build_attr(presence, "type", type);
    return presence;
}

static void send_off(struct brewery *brewery, xmpp_stanza_t *stanza)
{
    brewery->cfg.send(brewery->cfg.ctx, stanza);
    xmpp_stanza_release(stanza);
}

static void send_presence(struct brewery *brewery, bool join)
{
    xmpp_stanza_t *presence = presence_new(brewery, NULL);
    if (join) /* and never later: Prosody would send the whole occupant list again (colibri2.md 2.4) */
        build_child(presence, "x", BUILD_NS_MUC);
    if (brewery->stat_count > 0)
        build_append(presence, build_stats(brewery->xmpp, brewery->stats, brewery->stat_count));
    build_append(presence, caps_element(brewery->xmpp));
    send_off(brewery, presence);
}

static void send_unavailable(struct brewery *brewery)
{
    send_off(brewery, presence_new(brewery, "unavailable"));
}

static void join(struct brewery *brewery, uint64_t now_us)
{
    send_presence(brewery, true);
    brewery->state = JOINING;
    brewery->deadline_us = now_us + BREWERY_JOIN_TIMEOUT_US;
}

static void retry_later(struct brewery *brewery, uint64_t now_us)
{
    brewery->state = ABSENT;
    brewery->deadline_us = now_us + BREWERY_RETRY_US;
}

void brewery_on_login(struct brewery *brewery, const char *self, bool forget_ghost, uint64_t now_us)
{
    free(brewery->self);
    brewery->self = copy(self);
    if (forget_ghost)
        send_unavailable(brewery);
    join(brewery, now_us);
}

void brewery_on_logout(struct brewery *brewery)
{
    bool joined = brewery->state == JOINED;
    free(brewery->self);
    brewery->self = NULL;
    brewery->state = ABSENT;
    brewery->deadline_us = UINT64_MAX;
    if (joined)
        tell(brewery, BREWERY_LEFT, NULL);
}

void brewery_leave(struct brewery *brewery)
{
    if (brewery->state != ABSENT)
        send_unavailable(brewery);
    brewery->state = ABSENT;
    brewery->deadline_us = UINT64_MAX;
}

void brewery_set_nickname(struct brewery *brewery, const char *nickname)
{
    char *dup = copy(nickname);
    free(brewery->nickname);
    brewery->nickname = dup;
    if (brewery->self && brewery->state == ABSENT)
        brewery->deadline_us = 0;
}

void brewery_set_stats(struct brewery *brewery, const struct connection_stat *stats, size_t count)
{
    free_stats(brewery);
    brewery->stats = calloc(count + 1, sizeof *brewery->stats);
    if (!brewery->stats)
        abort();
    for (size_t i = 0; i < count; i++)
        brewery->stats[i] = (struct connection_stat){copy(stats[i].name), stats[i].value ? copy(stats[i].value) : NULL};
    brewery->stat_count = count;
}

void brewery_publish(struct brewery *brewery)
{
    if (brewery->state == JOINED)
        send_presence(brewery, false);
}

static bool has_status(xmpp_stanza_t *x, const char *code)
{
    for (xmpp_stanza_t *el = x ? xmpp_stanza_get_children(x) : NULL; el; el = xmpp_stanza_get_next(el)) {
        const char *name = xmpp_stanza_get_name(el);
        const char *value = name && strcmp(name, "status") == 0 ? xmpp_stanza_get_attribute(el, "code") : NULL;
        if (value && strcmp(value, code) == 0)
            return true;
    }
    return false;
}

/* A session of our account under our nickname that is not this one. Only the resource is interesting. */
static const char *other_session(const struct brewery *brewery, xmpp_stanza_t *x)
{
    for (xmpp_stanza_t *el = x ? xmpp_stanza_get_children(x) : NULL; el; el = xmpp_stanza_get_next(el)) {
        const char *name = xmpp_stanza_get_name(el);
        const char *jid = name && strcmp(name, "item") == 0 ? xmpp_stanza_get_attribute(el, "jid") : NULL;
        if (jid && build_same_bare(jid, brewery->self) && strcmp(jid, brewery->self) != 0)
            return build_resource(jid);
    }
    return NULL;
}

static void on_own_presence(struct brewery *brewery, xmpp_stanza_t *x)
{
    const char *other = other_session(brewery, x);
    if (brewery->state == JOINING) {
        brewery->state = JOINED;
        brewery->deadline_us = UINT64_MAX;
        if (has_status(x, "201")) { /* we made the room: others must see real addresses */
            xmpp_stanza_t *iq = xmpp_iq_new(brewery->xmpp, "set", "room-config");
            build_attr(iq, "to", brewery->room);
            build_attr(iq, "from", brewery->cfg.component ? brewery->self : NULL);
            build_append(iq, build_room_config(brewery->xmpp));
            send_off(brewery, iq);
        }
        brewery->rival = other != NULL;
        tell(brewery, other ? BREWERY_GHOST : BREWERY_JOINED, other);
    } else if (brewery->state == JOINED && brewery->rival != (other != NULL)) {
        brewery->rival = other != NULL;
        if (other)
            tell(brewery, BREWERY_RIVAL, NULL);
    }
}

static void on_error(struct brewery *brewery, xmpp_stanza_t *presence, uint64_t now_us)
{
    xmpp_stanza_t *error = xmpp_stanza_get_child_by_name(presence, "error");
    xmpp_stanza_t *condition = error ? xmpp_stanza_get_child_by_ns(error, XMPP_NS_STANZAS_IETF) : NULL;
    const char *name = condition ? xmpp_stanza_get_name(condition) : "undefined-condition";
    enum state was = brewery->state;
    if (was == ABSENT)
        return;
    retry_later(brewery, now_us);
    if (was == JOINED) /* the room does not know us any more, so our presence was an error */
        tell(brewery, BREWERY_LEFT, name);
    else if (strcmp(name, "conflict") == 0)
        tell(brewery, BREWERY_NICK_CONFLICT, name);
    else
        tell(brewery, BREWERY_JOIN_REFUSED, name);
}

void brewery_on_presence(struct brewery *brewery, xmpp_stanza_t *presence, uint64_t now_us)
{
    const char *from = xmpp_stanza_get_from(presence);
    if (!brewery->self || !build_same_bare(brewery->room, from))
        return;
    const char *type = xmpp_stanza_get_type(presence);
    if (type && strcmp(type, "error") == 0) {
        on_error(brewery, presence, now_us);
        return;
    }
    xmpp_stanza_t *x = xmpp_stanza_get_child_by_ns(presence, NS_MUC_USER);
    if (!has_status(x, "110"))
        return;
    if (!type) {
        on_own_presence(brewery, x);
    } else if (strcmp(type, "unavailable") == 0 &&
               brewery->state == JOINED) { /* JOINING: it is the ghost we sent away */
        retry_later(brewery, now_us);
        tell(brewery, BREWERY_LEFT, has_status(x, "307") ? "kicked" : has_status(x, "301") ? "banned" : "removed");
    }
}

bool brewery_is_joined(const struct brewery *brewery)
{
    return brewery->state == JOINED;
}

const char *brewery_room(const struct brewery *brewery)
{
    return brewery->room;
}

uint64_t brewery_deadline_us(const struct brewery *brewery)
{
    return brewery->deadline_us;
}

void brewery_on_time(struct brewery *brewery, uint64_t now_us)
{
    if (now_us < brewery->deadline_us || !brewery->self)
        return;
    if (brewery->state == JOINING) {
        retry_later(brewery, now_us);
        tell(brewery, BREWERY_JOIN_TIMEOUT, NULL);
    } else if (brewery->state == ABSENT) {
        join(brewery, now_us);
    }
}
