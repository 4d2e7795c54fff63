/* connection.h - one login at one Prosody, kept up for ever: as a client (STARTTLS, SASL) or as a component (XEP-0114).
 *
 * Rhythm:  connection_new, connection_start; then everything comes through the handler. connection_stop leaves the
 *          rooms, closes the stream and calls back once; after that connection_free.
 * Blocking: never the loop. Resolving, connecting and the TLS handshake block inside libstrophe 0.12, hence they run on
 *          a thread of their own until the login is complete; from then on the loop polls the socket.
 * Lost connections: come back for ever with the delays of retry.h. Stream management is off on purpose: with it Prosody
 *          keeps a killed bridge's occupant alive for a minute or longer and the focus goes on using it. Instead we bind
 *          a resource made of the nickname, so that whatever is left of an earlier life is replaced by the server, and
 *          sessions of other resources that sit on our nickname are replaced too (brewery.h).
 * Privacy: log lines name what the administrator configured (host, domain, user, room, nickname), never what others
 *          send, never a secret. One line when a failure begins or changes, then one each five minutes.
 * Owner:   connection_new copies the config; passwords are wiped when freed.
 * Thread:  the loop's. SIGPIPE is ignored from connection_new on (libstrophe writes without MSG_NOSIGNAL). */
#ifndef XMPP_CONNECTION_H
#define XMPP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "xmpp/handler.h"

enum connection_security { CONNECTION_TLS_REQUIRED, CONNECTION_TLS_IF_POSSIBLE, CONNECTION_TLS_DISABLED };

struct connection_config {
    const char *id;       /* names the connection in log lines */
    bool component;       /* XEP-0114: domain is the component host, password its secret; no username, no TLS */
    const char *hostname; /* TCP host, name or literal */
    uint16_t port;        /* 0: 5222, component 5347 */
    const char *domain;   /* of the login, and what the certificate must name; NULL: hostname */
    const char *username; /* component: local part of our address, NULL for "jvb" */
    const char *password;
    const char *const *rooms; /* bare JIDs to join */
    size_t room_count;
    const char *nickname;
    bool verify_certificate;
    enum connection_security security;
    uint64_t presence_interval_ms; /* 0: 5000 */
    const char *version;           /* answered to jabber:iq:version */
};

struct connection;

struct connection *connection_new(uv_loop_t *loop, const struct connection_config *cfg,
                                  const struct connection_handler *handler); /* handler is copied */
void connection_start(struct connection *connection);

/* Leaves, closes, gives up after 1.5 s. `done` is called once, from the loop, even if nothing was up; not before
 * connection_stop returns. Requests still waiting for an answer are forgotten by the connection; answering them stays
 * legal. */
typedef void connection_stopped(void *ctx, struct connection *connection);
void connection_stop(struct connection *connection, connection_stopped *done, void *ctx);
void connection_free(struct connection *connection); /* after `done`, or if never started; NULL is fine */

/* What goes into <stats>: copied. Used from the next presence on; call it from on_presence_due to be fresh. */
void connection_set_stats(struct connection *connection, const struct connection_stat *stats, size_t count);
void connection_push_presence(struct connection *connection); /* now, not at the next interval: a state changed */

struct connection_status {
    bool connected; /* logged in */
    size_t rooms_configured, rooms_joined;
};
struct connection_status connection_status(const struct connection *connection);
const char *connection_id(const struct connection *connection);

#endif
