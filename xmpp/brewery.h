/* brewery.h - one room, one occupant: join, stay joined, publish load as presence, leave. colibri2.md 2.4, 5.
 *
 * Sans-IO: stanzas and time come in, stanzas go out through `send`, deadlines say when to call again.
 *   ABSENT  -> join ->  JOINING  -> own presence (status 110) ->  JOINED
 *   JOINING -> error, or 15 s of silence -> ABSENT, join again 5 s later. JOINED -> removed by the room -> likewise.
 * Silence is an answer of mod_muc_filter_access, which drops a join without an error.
 *
 * Another session on our nickname: Prosody lets one account join twice under one nickname; requests then go to the
 * older session only, which may be a killed bridge (colibri2.md 4). The own presence lists every session's address, so
 * we see it and report BREWERY_GHOST with the ghost's resource: logging in under that resource makes Prosody end it.
 * Thread: one. Time: monotonic microseconds. */
#ifndef XMPP_BREWERY_H
#define XMPP_BREWERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xmpp/handler.h"

enum {
    BREWERY_JOIN_TIMEOUT_US = 15 * 1000 * 1000, /* as Smack waits for the self-presence */
    BREWERY_RETRY_US = 5 * 1000 * 1000,
};

enum brewery_event {
    BREWERY_JOINED,
    BREWERY_LEFT,          /* was joined, is no longer; tries again by itself */
    BREWERY_JOIN_REFUSED,  /* detail: the condition, e.g. "forbidden"; tries again by itself */
    BREWERY_JOIN_TIMEOUT,  /* tries again by itself */
    BREWERY_NICK_CONFLICT, /* somebody of another account has our nickname: give a new one (brewery_set_nickname) */
    BREWERY_GHOST,         /* on joining; detail: the resource of an older session of our account on our nickname */
    BREWERY_RIVAL,         /* a younger session of our account took our nickname too: requests still come to us */
};

struct brewery;

struct brewery_config {
    const char *room, *nickname;                    /* bare JID; copied */
    bool component;                                 /* elements are in jabber:component:accept and need `from` */
    void (*send)(void *ctx, xmpp_stanza_t *stanza); /* does not take it over */
    void (*event)(void *ctx, struct brewery *brewery, enum brewery_event event, const char *detail);
    void *ctx;
};

struct brewery *brewery_new(const struct brewery_config *cfg, xmpp_ctx_t *xmpp);
void brewery_free(struct brewery *brewery);

/* `self` is the full JID bound. `forget_ghost`: first leave from the same address (component start: the server keeps a
 * killed component's occupant for ever, colibri2.md 3.3). Joins at once, with the stats. */
void brewery_on_login(struct brewery *brewery, const char *self, bool forget_ghost, uint64_t now_us);
void brewery_on_logout(struct brewery *brewery);
void brewery_on_presence(struct brewery *brewery, xmpp_stanza_t *presence, uint64_t now_us); /* others': ignored */
void brewery_leave(struct brewery *brewery);

void brewery_set_nickname(struct brewery *brewery, const char *nickname); /* joins again under it if not joined */
void brewery_set_stats(struct brewery *brewery, const struct connection_stat *stats, size_t count); /* copied */
void brewery_publish(struct brewery *brewery); /* sends the stats if joined */

bool brewery_is_joined(const struct brewery *brewery);
const char *brewery_room(const struct brewery *brewery);
uint64_t brewery_deadline_us(const struct brewery *brewery);
void brewery_on_time(struct brewery *brewery, uint64_t now_us);

#endif
