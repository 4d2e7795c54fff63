/* handler.h - what xmpp/ asks of its owner: the callback table given to each connection, and how requests are answered.
 *
 * Thread: all on the loop of the connection. */
#ifndef XMPP_HANDLER_H
#define XMPP_HANDLER_H

#include <strophe.h>

struct connection;
struct request; /* one conference-modify that waits for its answer; a token, good for exactly one request_answer */

struct connection_stat {
    const char *name, *value; /* a stat without value (NULL) is left out */
};

struct connection_handler {
    void *ctx;

    /* A <conference-modify> from an occupant of one of our rooms, in order of arrival. `iq` is the whole stanza and lives
     * only during the call (xmpp_stanza_clone to keep it). Answer with request_answer, inside the call or later. */
    void (*on_conference_modify)(void *ctx, struct request *request, xmpp_stanza_t *iq);

    /* <healthcheck>: NULL if healthy, else the reason in one sentence. Answered at once, so answer from memory. */
    const char *(*on_health)(void *ctx);

    /* A presence is about to be sent: the moment for connection_set_stats. May be NULL. */
    void (*on_presence_due)(void *ctx, struct connection *connection);

    /* Logged in or lost, joined or left a room: see connection_status. May be NULL. */
    void (*on_status)(void *ctx, struct connection *connection);
};

/* Answers leave in the order in which the requests came, whatever the order of these calls. `child` is the one child of
 * the answering IQ, as colibri2_answer_write makes it: an element named <error> makes it type='error', anything else
 * type='result'. Takes over `child` and the token. A request of a lost connection is answered into the void; one that
 * waited for 14 s has been answered with internal-server-error, because the focus gives up after 15 s. */
void request_answer(struct request *request, xmpp_stanza_t *child);

#endif
