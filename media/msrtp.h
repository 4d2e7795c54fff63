/* msrtp.h - SRTP and SRTCP of one transport over libsrtp2 (RFC 3711, RFC 7714), with faster ciphers plugged in.
 *
 * For: opening what a peer sent and sealing what it gets, in place. Replay, roll-over and key rules are libsrtp2's.
 * Not for: keys (dtls.h), parsing headers beyond the SSRC, deciding what may be sent again.
 *
 * Nonces: sealing two different packets under one SSRC and sequence number breaks AES-GCM. A resent packet must be
 *         byte for byte what it was, header extensions included, and at most MSRTP_WINDOW behind the newest; numbers
 *         of an SSRC only move forward. For the same reason an outbound SSRC is never forgotten, only refused (E_LIMIT).
 * Memory: the first packet of an SSRC allocates, inside libsrtp2; every later one allocates nothing.
 * Thread: a ctx has one. msrtp_process_init() once, before other threads.
 * Errors: E_AUTH; E_REPLAY (duplicate, or behind the window); E_SHORT, E_FORMAT (not RTP); E_LIMIT (SSRCs, key used
 *         up); E_NOSPACE; E_SYSTEM. After an error of _open_ the buffer's content is undefined: drop it. */
#ifndef MEDIA_MSRTP_H
#define MEDIA_MSRTP_H

#include "proto/bytes.h"

enum msrtp_profile { /* IANA numbers, as DTLS negotiates them */
                     MSRTP_AES128_CM_SHA1_80 = 1,
                     MSRTP_AES128_CM_SHA1_32 = 2,
                     MSRTP_AEAD_AES_128_GCM = 7,
                     MSRTP_AEAD_AES_256_GCM = 8,
};

enum {
    MSRTP_WINDOW = 1024,
    MSRTP_SSRCS_ENDPOINT = 1024, /* the usual ssrcs_max; beyond it the SSRC longest unused inbound is forgotten */
    MSRTP_SSRCS_RELAY = 8192,
    MSRTP_TRAILER_MAX = 24, /* room a caller must leave behind a packet for _seal_ */
};

/* Starts libsrtp2, measures the cipher back ends that were built in and pass libsrtp2's vectors and a comparison with
 * its own cipher, and plugs the fastest in. About 20 ms. E_SYSTEM: libsrtp2 did not start. Again: nothing. */
enum err msrtp_process_init(void);
const char *msrtp_backend_name(void); /* "AES-GCM: ipsec-mb, AES-CM: ..., HMAC-SHA1: ..."; a static string */

struct msrtp;
struct msrtp_stats {
    uint64_t opened, sealed, auth_failed, replayed, too_old, malformed, other_failed;
    uint32_t ssrcs_in, ssrcs_out; /* known now */
    uint32_t ssrcs_forgotten;
};

/* rx and tx: key followed by salt as dtls_keys has them; copied. NULL: profile unknown or length wrong. */
struct msrtp *msrtp_new(enum msrtp_profile profile, struct bytes rx, struct bytes tx, uint32_t ssrcs_max);
void msrtp_free(struct msrtp *ctx); /* NULL is fine; wipes the keys */

/* In place. buf is 4-byte aligned. len_bytes: in the protected length, out the plain one. */
enum err msrtp_open_rtp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes);
enum err msrtp_open_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes);

/* In place, the other way round; cap_bytes is how much buf holds and must exceed *len_bytes by MSRTP_TRAILER_MAX. */
enum err msrtp_seal_rtp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes, size_t cap_bytes);
enum err msrtp_seal_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes, size_t cap_bytes);

size_t msrtp_rtp_overhead(const struct msrtp *ctx);  /* bytes that sealing adds: 10 or 16 */
size_t msrtp_rtcp_overhead(const struct msrtp *ctx); /* 14 or 20 */
const struct msrtp_stats *msrtp_stats(const struct msrtp *ctx);

#endif
