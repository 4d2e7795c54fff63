/* See dtls.h. The certificate is in dtls_identity.c, fingerprints in dtls_fingerprint.c, use_srtp and its keys in
 * dtls_srtp.c, and everything that makes GnuTLS safe to feed in dtls_reasm.c. */
#include "media/dtls_internal.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <stdlib.h>
#include <strings.h>

#include "media/dtls_reasm.h"

enum {
    EARLY_COUNT = 8,
    EARLY_BYTES = 16 * 1024,
    RESTARTS_MAX = 3,
    HANDSHAKE_MTU = 1200,
    DATA_MTU = DTLS_DATA_MAX + 37, /* of AES-GCM; with IPv6 and UDP headers 1280 */
    HANDSHAKE_BYTES_MAX = 16384,   /* of one message: the peer's certificates */
    CERTIFICATES_MAX = 3,
    RETRANSMIT_MIN_MS = 100,
    RETRANSMIT_MAX_MS = 1000, /* RFC 6347 4.2.4.1 */
    TRIES_PER_RECORD = 16,    /* non-fatal errors in a row before we wait for more input */
};
#define HANDSHAKE_TIMEOUT_US SEC(30) /* unless dtls_set_timeout() says otherwise */

struct event { /* one result of dtls_poll() */
    struct event *next;
    enum dtls_out_kind kind;
    const char *reason;
    size_t n;
    uint8_t data[];
};

enum state {
    WAITING, /* for the role, a fingerprint, or a valid pair */
    HANDSHAKING,
    UP,
    OVER, /* failed, closed by the peer, or by us */
};

struct dtls {
    struct dtls_identity *id;
    enum dtls_role role;
    struct dtls_fingerprint_set remote;
    enum state state;
    bool pair_valid;
    bool verified; /* this session's peer certificate matches */
    bool sent;     /* this session has sent something, so that GnuTLS's timer means something */
    unsigned retransmit_ms;
    uint64_t timeout_us;
    const char *last_error;

    gnutls_session_t session;
    struct dtls_reasm *reasm; /* until up */
    struct bytes input;       /* the record GnuTLS may pull */
    uint8_t flight[HANDSHAKE_MTU];
    size_t flight_len;

    uint64_t give_up_us, retransmit_us;
    struct bytes early[EARLY_COUNT]; /* malloc'd */
    size_t early_count, early_bytes;
    struct event *first, *last, *shown;
    struct dtls_stats stats;
};

/* ---- results ---- */

static struct event *event_new(enum dtls_out_kind kind, const void *data, size_t n)
{
    struct event *ev = malloc(sizeof *ev + n);
    if (!ev)
        abort();
    *ev = (struct event){.kind = kind, .n = n};
    if (data)
        memcpy(ev->data, data, n);
    return ev;
}

static void event_free(struct event *ev)
{
    if (ev && ev->kind == DTLS_UP)
        gnutls_memset(ev->data, 0, ev->n);
    free(ev);
}

static void event_push(struct dtls *d, struct event *ev)
{
    if (d->last)
        d->last->next = ev;
    else
        d->first = ev;
    d->last = ev;
}

static void flush_flight(struct dtls *d)
{
    if (d->flight_len > 0)
        event_push(d, event_new(DTLS_SEND, d->flight, d->flight_len));
    d->flight_len = 0;
}

bool dtls_poll(struct dtls *d, struct dtls_out *out)
{
    event_free(d->shown);
    struct event *ev = d->shown = d->first;
    if (!ev)
        return false;
    d->first = ev->next;
    if (!d->first)
        d->last = NULL;
    *out = (struct dtls_out){.kind = ev->kind, .reason = ev->reason};
    if (ev->kind == DTLS_UP)
        out->keys = (const void *)ev->data;
    else
        out->bytes = bytes_of(ev->data, ev->n);
    return true;
}

/* ---- what GnuTLS calls ---- */

/* Several records share a datagram while there is room: fewer datagrams are fewer chances to lose a flight. */
static ssize_t on_push(gnutls_transport_ptr_t ptr, const void *data, size_t n)
{
    struct dtls *d = ptr;
    d->sent = true;
    if (d->flight_len + n > sizeof d->flight)
        flush_flight(d);
    if (n > sizeof d->flight) {
        event_push(d, event_new(DTLS_SEND, data, n));
    } else {
        memcpy(d->flight + d->flight_len, data, n);
        d->flight_len += n;
    }
    return (ssize_t)n; /* what the network loses, retransmission repairs */
}

static ssize_t on_pull(gnutls_transport_ptr_t ptr, void *buf, size_t cap)
{
    struct dtls *d = ptr;
    if (d->input.n == 0) {
        gnutls_transport_set_errno(d->session, EAGAIN);
        return -1;
    }
    size_t n = MIN(cap, d->input.n);
    memcpy(buf, d->input.p, n);
    d->input = (struct bytes){0};
    return (ssize_t)n;
}

static int on_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    struct dtls *d = ptr;
    if (d->input.n > 0)
        return 1;
    gnutls_transport_set_errno(d->session, EAGAIN); /* else GnuTLS takes a 0 for a timeout of the handshake */
    return 0;
}

/* Every certificate shown must be one that was signalled; browsers show one. Not zero: fatal. */
static int on_verify(gnutls_session_t session)
{
    struct dtls *d = gnutls_session_get_ptr(session);
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (!chain || n == 0 || n > CERTIFICATES_MAX)
        return GNUTLS_E_CERTIFICATE_ERROR;
    for (unsigned i = 0; i < n; i++)
        if (!dtls_fingerprint_set_match(&d->remote, bytes_of(chain[i].data, chain[i].size)))
            return GNUTLS_E_CERTIFICATE_ERROR;
    d->verified = true;
    return 0;
}

static int on_client_hello(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                           const gnutls_datum_t *message)
{
    return incoming ? dtls_srtp_choose(session, message) : 0;
}

/* ---- one session ---- */

static void session_free(struct dtls *d)
{
    if (d->session)
        gnutls_deinit(d->session);
    d->session = NULL;
    d->input = (struct bytes){0};
    d->retransmit_us = NEVER_US;
}

static bool session_new(struct dtls *d)
{
    unsigned side = d->role == DTLS_SERVER ? GNUTLS_SERVER : GNUTLS_CLIENT;
    d->verified = d->sent = false;
    dtls_reasm_reset(d->reasm);
    if (gnutls_init(&d->session, side | GNUTLS_DATAGRAM | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS) < 0)
        return false;
    gnutls_session_t s = d->session;
    gnutls_session_set_ptr(s, d);
    int r = gnutls_priority_set(s, dtls_identity_priority(d->id));
    if (r >= 0)
        r = gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, dtls_identity_credentials(d->id));
    if (r >= 0 && d->role == DTLS_CLIENT)
        r = dtls_srtp_offer(s);
    gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUIRE); /* a client ignores it */
    gnutls_session_set_verify_function(s, on_verify);
    gnutls_handshake_set_max_packet_length(s, HANDSHAKE_BYTES_MAX);
    gnutls_dtls_set_mtu(s, HANDSHAKE_MTU);
    gnutls_dtls_set_timeouts(s, d->retransmit_ms, (unsigned)MIN(d->timeout_us / US_PER_MS, (uint64_t)INT32_MAX));
    gnutls_transport_set_ptr(s, d);
    gnutls_transport_set_push_function(s, on_push);
    gnutls_transport_set_pull_function(s, on_pull);
    gnutls_transport_set_pull_timeout_function(s, on_pull_timeout); /* the default polls ptr as a file descriptor */
    if (d->role == DTLS_SERVER)
        gnutls_handshake_set_hook_function(s, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, on_client_hello);
    return r >= 0;
}

static void go_over(struct dtls *d, enum dtls_out_kind kind, const char *reason)
{
    flush_flight(d);
    session_free(d);
    d->state = OVER;
    d->give_up_us = NEVER_US;
    struct event *ev = event_new(kind, NULL, 0);
    ev->reason = reason;
    event_push(d, ev);
}

static void on_handshake_done(struct dtls *d)
{
    struct dtls_keys keys = {0};
    if (!d->verified || !dtls_srtp_export(d->session, d->role, &keys)) {
        go_over(d, DTLS_FAILED, d->verified ? "no SRTP profile" : "certificate not verified");
        return;
    }
    flush_flight(d);
    gnutls_dtls_set_mtu(d->session, DATA_MTU);
    d->state = UP;
    d->give_up_us = d->retransmit_us = NEVER_US;
    event_push(d, event_new(DTLS_UP, &keys, sizeof keys));
    gnutls_memset(&keys, 0, sizeof keys);
}

static void handshake_step(struct dtls *d, uint64_t now_us);

static void session_restart(struct dtls *d, uint64_t now_us, int error)
{
    d->last_error = gnutls_strerror(error);
    gnutls_alert_send_appropriate(d->session, error);
    flush_flight(d);
    session_free(d);
    if (d->stats.restarts >= RESTARTS_MAX || !session_new(d)) {
        go_over(d, DTLS_FAILED, d->last_error);
        return;
    }
    d->stats.restarts++;
    if (d->role == DTLS_CLIENT)
        handshake_step(d, now_us);
}

/* Runs the handshake until it wants more input. */
static void handshake_step(struct dtls *d, uint64_t now_us)
{
    for (int tries = 0; tries < TRIES_PER_RECORD; tries++) {
        int r = gnutls_handshake(d->session);
        if (r == GNUTLS_E_SUCCESS) {
            on_handshake_done(d);
            return;
        }
        if (r == GNUTLS_E_AGAIN && d->input.n == 0)
            break;
        if (gnutls_error_is_fatal(r)) {
            session_restart(d, now_us, r);
            return;
        }
    }
    flush_flight(d);
    /* The timeout is 0 before anything was sent: a server that waits for a client would spin. And never sooner than
     * a millisecond, the grain of GnuTLS's own clock. */
    if (d->sent)
        d->retransmit_us = now_us + MS(MAX(gnutls_dtls_get_timeout(d->session), 1u));
}

static void feed_handshake(struct dtls *d, uint64_t now_us, struct bytes datagram)
{
    if (dtls_reasm_push(d->reasm, datagram) != E_OK) {
        d->stats.framing_drops++;
        return;
    }
    struct bytes record;
    while (d->state == HANDSHAKING && dtls_reasm_poll(d->reasm, &record)) {
        d->input = record;
        handshake_step(d, now_us);
        d->input = (struct bytes){0};
    }
}

/* One record of an established session: data, an alert, or the peer's last flight again, which GnuTLS answers. */
static void feed_record(struct dtls *d, const struct dtls_record *rec)
{
    d->input = rec->whole;
    for (int tries = 0; tries < TRIES_PER_RECORD; tries++) {
        struct event *ev = event_new(DTLS_DATA, NULL, rec->body.n);
        ssize_t r = gnutls_record_recv(d->session, ev->data, ev->n);
        if (r > 0) {
            ev->n = (size_t)r;
            event_push(d, ev);
            continue;
        }
        event_free(ev);
        if (r == GNUTLS_E_AGAIN && d->input.n == 0)
            break;
        if (r == 0 || gnutls_error_is_fatal((int)r)) {
            go_over(d, DTLS_CLOSED, r == 0 ? "close_notify" : gnutls_strerror((int)r));
            return;
        }
        /* GNUTLS_E_REHANDSHAKE and warnings: not wanted, not a reason to end */
    }
    d->input = (struct bytes){0};
    flush_flight(d);
}

static void feed_up(struct dtls *d, struct bytes datagram)
{
    if (dtls_datagram_check(datagram) != E_OK) {
        d->stats.framing_drops++;
        return;
    }
    struct rd r = rd_over(datagram);
    struct dtls_record rec;
    while (d->state == UP && rd_left(&r) > 0) {
        dtls_record_parse(&r, &rec);
        if (rec.epoch > 0)
            feed_record(d, &rec);
    }
}

/* ---- before the session ---- */

static void early_push(struct dtls *d, struct bytes datagram)
{
    if (dtls_datagram_check(datagram) != E_OK || datagram.n > EARLY_BYTES) {
        d->stats.framing_drops++;
        return;
    }
    while (d->early_count == EARLY_COUNT || d->early_bytes + datagram.n > EARLY_BYTES) {
        d->early_bytes -= d->early[0].n;
        free((void *)d->early[0].p);
        memmove(d->early, d->early + 1, --d->early_count * sizeof d->early[0]);
        d->stats.early_drops++;
    }
    uint8_t *copy = malloc(datagram.n);
    if (!copy)
        abort();
    memcpy(copy, datagram.p, datagram.n);
    d->early[d->early_count++] = bytes_of(copy, datagram.n);
    d->early_bytes += datagram.n;
}

static void early_clear(struct dtls *d)
{
    for (size_t i = 0; i < d->early_count; i++)
        free((void *)d->early[i].p);
    d->early_count = d->early_bytes = 0;
}

static void begin_if_ready(struct dtls *d, uint64_t now_us)
{
    if (d->state != WAITING || !d->pair_valid || d->role == DTLS_ROLE_UNKNOWN || d->remote.count == 0)
        return;
    d->state = HANDSHAKING;
    d->give_up_us = now_us + d->timeout_us;
    if (!session_new(d)) {
        go_over(d, DTLS_FAILED, "GnuTLS gave no session");
    } else {
        if (d->role == DTLS_CLIENT)
            handshake_step(d, now_us);
        for (size_t i = 0; i < d->early_count && d->state != OVER; i++)
            dtls_on_datagram(d, now_us, d->early[i]);
    }
    early_clear(d);
}

/* ---- the public face ---- */

struct dtls *dtls_new(struct dtls_identity *id, uint64_t now_us)
{
    struct dtls *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->id = dtls_identity_ref(id);
    d->reasm = dtls_reasm_new();
    d->retransmit_ms = RETRANSMIT_MAX_MS;
    d->timeout_us = HANDSHAKE_TIMEOUT_US;
    d->give_up_us = d->retransmit_us = NEVER_US;
    return d;
}

void dtls_free(struct dtls *d)
{
    if (!d)
        return;
    session_free(d);
    early_clear(d);
    dtls_reasm_free(d->reasm);
    for (struct event *ev = d->first, *next; ev; ev = next) {
        next = ev->next;
        event_free(ev);
    }
    event_free(d->shown);
    dtls_identity_unref(d->id);
    free(d);
}

enum dtls_role dtls_role_from_setup(const char *remote_setup)
{
    if (remote_setup && strcasecmp(remote_setup, "active") == 0)
        return DTLS_SERVER;
    if (remote_setup && strcasecmp(remote_setup, "passive") == 0)
        return DTLS_CLIENT;
    return DTLS_ROLE_UNKNOWN;
}

enum err dtls_set_remote(struct dtls *d, uint64_t now_us, enum dtls_role role, const struct dtls_fingerprint *fp,
                         size_t n)
{
    struct dtls_fingerprint_set set;
    enum err err = dtls_fingerprint_set_parse(&set, fp, n);
    if (err != E_OK)
        return err;
    if (!d->verified && d->state != OVER)
        d->remote = set;
    if (d->role == DTLS_ROLE_UNKNOWN)
        d->role = role;
    begin_if_ready(d, now_us);
    return E_OK;
}

enum dtls_role dtls_our_role(const struct dtls *d)
{
    return d->role;
}

void dtls_start(struct dtls *d, uint64_t now_us)
{
    d->pair_valid = true;
    begin_if_ready(d, now_us);
}

void dtls_set_rtt(struct dtls *d, uint64_t rtt_us)
{
    uint64_t ms = 2 * rtt_us / US_PER_MS;
    d->retransmit_ms = (unsigned)MIN(MAX(ms, (uint64_t)RETRANSMIT_MIN_MS), (uint64_t)RETRANSMIT_MAX_MS);
}

void dtls_set_timeout(struct dtls *d, uint64_t timeout_us)
{
    d->timeout_us = timeout_us;
}

void dtls_on_datagram(struct dtls *d, uint64_t now_us, struct bytes datagram)
{
    switch (d->state) {
    case WAITING: early_push(d, datagram); break;
    case HANDSHAKING: feed_handshake(d, now_us, datagram); break;
    case UP: feed_up(d, datagram); break;
    case OVER: break;
    }
}

void dtls_on_time(struct dtls *d, uint64_t now_us)
{
    if (d->state != HANDSHAKING)
        return;
    if (now_us >= d->give_up_us)
        go_over(d, DTLS_FAILED, d->last_error ? d->last_error : "handshake timed out");
    else if (now_us >= d->retransmit_us)
        handshake_step(d, now_us);
}

uint64_t dtls_deadline_us(const struct dtls *d)
{
    return MIN(d->give_up_us, d->retransmit_us);
}

enum err dtls_send(struct dtls *d, uint64_t now_us, struct bytes data)
{
    if (d->state != UP)
        return E_STATE;
    if (data.n > DTLS_DATA_MAX) {
        d->stats.too_large++;
        return E_LIMIT;
    }
    ssize_t r = gnutls_record_send(d->session, data.p, data.n);
    flush_flight(d);
    return r == (ssize_t)data.n ? E_OK : E_SYSTEM;
}

void dtls_close(struct dtls *d, uint64_t now_us)
{
    if (d->state == UP) {
        gnutls_bye(d->session, GNUTLS_SHUT_WR);
        flush_flight(d);
    }
    session_free(d);
    d->state = OVER;
    d->give_up_us = NEVER_US;
}

bool dtls_is_up(const struct dtls *d)
{
    return d->state == UP;
}

const struct dtls_stats *dtls_stats(const struct dtls *d)
{
    return &d->stats;
}
