/* dtls.h - DTLS 1.2 for one transport over datagrams in memory, with the SRTP keys it yields (RFC 6347, RFC 5764).
 *
 * For: both roles, fingerprint checks (RFC 8122), the choice of the SRTP profile, SCTP packets as application data.
 * Not for: deciding who may send us datagrams. The caller passes on only what came from a pair that ICE knows.
 * Rhythm: after any call that takes now_us, call dtls_poll() until it returns false, then ask dtls_deadline_us() when
 *         to call dtls_on_time() next. Remote parameters and dtls_start() may come in any order and more than once;
 *         the handshake begins when both are there. Datagrams that come earlier are kept, at most 8 and 16 KiB.
 * Owner:  dtls_new() takes its own reference of the identity. What dtls_poll() shows belongs to the dtls and lives
 *         until the next call on it.
 * Thread: a struct dtls has one; an identity is immutable and may be shared, referenced and dropped by any.
 * Clock:  now_us is the caller's monotonic clock and rules the 30 s in which a handshake must complete. GnuTLS reads
 *         the system's clock for retransmissions; dtls_deadline_us() translates.
 * Errors: datagrams that are not DTLS are counted and dropped. Nothing a peer sends is an error for the caller. */
#ifndef MEDIA_DTLS_H
#define MEDIA_DTLS_H

#include "proto/bytes.h"
#include "proto/units.h"

/* ---- The certificate: one per process and day, each transport keeps the one its description named. ---- */

enum { DTLS_FINGERPRINT_TEXT = 96 };        /* 32 hex pairs, 31 colons, NUL */

struct dtls_identity; /* self-signed ECDSA P-256, valid from a day ago for a week */

struct dtls_identity *
dtls_identity_new(uint64_t wall_s); /* Unix time; the caller holds one reference. Some ms of CPU. */
struct dtls_identity *dtls_identity_ref(struct dtls_identity *id);     /* NULL is fine: NULL */
void dtls_identity_unref(struct dtls_identity *id);                    /* NULL is fine */
const char *dtls_identity_fingerprint(const struct dtls_identity *id); /* sha-256, upper case, "AB:CD:..." */

/* A day old: time for a new one. So is one that was made a day or more after now: the clock was wrong then, and so are
 * the dates in it. */
bool dtls_identity_is_due(const struct dtls_identity *id, uint64_t wall_s);

/* ---- One transport ---- */

struct dtls;

enum dtls_role { DTLS_ROLE_UNKNOWN, DTLS_SERVER, DTLS_CLIENT };

/* Our role from the remote's a=setup value, any case: "active" makes us server, "passive" client, all else unknown. */
enum dtls_role dtls_role_from_setup(const char *remote_setup);

enum { DTLS_FINGERPRINTS_MAX = 8 };
struct dtls_fingerprint {
    const char *hash;  /* "sha-256", any case; sha-1, sha-256, sha-384 and sha-512 count, others are passed over */
    const char *value; /* hex pairs joined by colons, any case */
};

enum { DTLS_KEY_MAX = 44 };
struct dtls_keys {    /* secret: wiped by dtls as soon as it has been shown */
    uint16_t profile; /* IANA number: 1 AES128_CM_HMAC_SHA1_80, 7 AEAD_AES_128_GCM; as msrtp_new() takes it */
    uint8_t len;      /* of rx and tx each: key followed by salt, 30 or 28 */
    uint8_t rx[DTLS_KEY_MAX], tx[DTLS_KEY_MAX];
};

enum dtls_out_kind {
    DTLS_SEND,   /* bytes: one datagram for the current pair */
    DTLS_UP,     /* keys: the peer is who its fingerprint says; comes once */
    DTLS_DATA,   /* bytes: one record of application data, an SCTP packet */
    DTLS_FAILED, /* reason: the handshake will not be tried again; comes once, instead of DTLS_UP */
    DTLS_CLOSED, /* the peer closed or broke the session after DTLS_UP: media keys stay valid, SCTP is gone; once */
};
struct dtls_out {
    enum dtls_out_kind kind;
    struct bytes bytes;
    const struct dtls_keys *keys;
    const char *reason; /* a static string, safe to log */
};

struct dtls_stats {
    uint32_t framing_drops; /* datagrams that are not a run of whole records */
    uint32_t early_drops;   /* datagrams pushed out of the early queue */
    uint32_t restarts;      /* handshakes begun again after a fatal error: at most 3 */
    uint32_t too_large;     /* application data above the record limit, not sent */
};

struct dtls *dtls_new(struct dtls_identity *id, uint64_t now_us);
void dtls_free(struct dtls *d); /* NULL is fine. Sends nothing: dtls_close() first for a polite end. */

/* The remote description. The role is settled by the first call with a role; fingerprints may be replaced until the
 * peer's certificate has been checked, later ones are ignored. E_FORMAT: no usable fingerprint among these; then
 * nothing changes. E_LIMIT: more than DTLS_FINGERPRINTS_MAX. A role unknown leaves the role as it was. */
enum err dtls_set_remote(struct dtls *d, uint64_t now_us, enum dtls_role role, const struct dtls_fingerprint *fp,
                         size_t n);
enum dtls_role dtls_our_role(const struct dtls *d); /* DTLS_ROLE_UNKNOWN: describe ourselves as actpass */

void dtls_set_timeout(struct dtls *d, uint64_t timeout_us); /* before dtls_start(): of the handshake; 30 s if unsaid */
void dtls_start(struct dtls *d, uint64_t now_us);           /* the first pair is valid; again: nothing */
void dtls_set_rtt(struct dtls *d, uint64_t rtt_us); /* from ICE, before dtls_start(): first retransmission at 2 RTT */
void dtls_on_datagram(struct dtls *d, uint64_t now_us, struct bytes datagram);
void dtls_on_time(struct dtls *d, uint64_t now_us);
bool dtls_poll(struct dtls *d, struct dtls_out *out);
uint64_t dtls_deadline_us(const struct dtls *d); /* NEVER_US: nothing to wait for */

enum { DTLS_DATA_MAX = 1195 }; /* application data per record; an SCTP packet is 1188 at most */
enum err dtls_send(struct dtls *d, uint64_t now_us, struct bytes data); /* E_STATE: not up; E_LIMIT: too large */
void dtls_close(struct dtls *d, uint64_t now_us); /* close_notify if up; afterwards the dtls stays silent */

bool dtls_is_up(const struct dtls *d);
const struct dtls_stats *dtls_stats(const struct dtls *d);

#endif
