/* stream.h - one XMPP stream over libstrophe 0.12, driven by libuv: the only file that knows that library's habits.
 *
 * Rhythm:  stream_new once; stream_open, then on_up or on_down; after on_up stanzas until on_down; then stream_open
 *          again at will. stream_free at the end.
 * Blocking: libstrophe resolves, and shakes TLS hands, with blocking calls. Hence a login runs on a thread of its own
 *          and only a stream that is up is polled by the loop. All callbacks are on the loop.
 * Not for: when to try again (retry.h), rooms, requests, log lines. Nothing is logged here.
 * Thread: the loop's. */
#ifndef XMPP_STREAM_H
#define XMPP_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <strophe.h>
#include <uv.h>

enum stream_tls { STREAM_TLS_REQUIRED, STREAM_TLS_IF_POSSIBLE, STREAM_TLS_DISABLED };

struct stream_config {
    const char *hostname;
    uint16_t port;
    const char *domain;   /* stream `to`; what the certificate must name */
    const char *username; /* NULL: component, XEP-0114 */
    const char *password;
    bool verify;
    enum stream_tls tls;
};

/* Why a login failed or a stream ended. */
enum stream_end {
    STREAM_RESOLVE,       /* detail: what the resolver says */
    STREAM_CONNECT,       /* detail: "Connection refused", ... */
    STREAM_TIMEOUT,       /* the login took longer than STREAM_LOGIN_MS */
    STREAM_TLS_UNTRUSTED, /* detail: what OpenSSL says of the chain */
    STREAM_TLS_NAME,      /* the certificate names another domain */
    STREAM_TLS_MISSING,   /* required, but the server does not offer it */
    STREAM_TLS_FAILED,    /* the handshake broke */
    STREAM_PASSWORD,      /* user, password or component secret refused */
    STREAM_MECHANISM,     /* no way to log in that both sides know */
    STREAM_HOST_UNKNOWN,  /* the server does not serve this domain or component */
    STREAM_CONFLICT,      /* another session took our address; component: the name is connected already */
    STREAM_CLOSED,        /* the server closed in order; detail: its reason */
    STREAM_LOST,          /* connection reset, timed out, parse error */
};

enum { STREAM_LOGIN_MS = 30000 };

struct stream_handler {
    void *ctx;
    void (*on_up)(void *ctx, const char *jid); /* full JID that was bound; component: its domain */
    void (*on_stanza)(void *ctx, xmpp_stanza_t *stanza);
    /* `connected`: TCP was up at some time. The detail lives during the call and contains no secret. */
    void (*on_down)(void *ctx, enum stream_end end, bool connected, const char *detail);
};

struct stream;
struct stream *stream_new(uv_loop_t *loop, const struct stream_config *cfg, const struct stream_handler *handler);
xmpp_ctx_t *stream_xmpp(struct stream *stream); /* to build stanzas with; lives as long as the stream */

void stream_open(struct stream *stream, const char *resource);  /* resource NULL: the server's choice */
void stream_send(struct stream *stream, xmpp_stanza_t *stanza); /* copies; into the void unless up */
void stream_close(struct stream *stream); /* </stream:stream>; on_down follows when the server has answered */
void stream_drop(struct stream *stream);  /* cut; on_down(STREAM_LOST) follows from the loop, if it was open */

/* Ends whatever is going on without a callback, frees once libuv has let go, then calls `done`. */
void stream_free(struct stream *stream, void (*done)(void *ctx), void *ctx);

#endif
