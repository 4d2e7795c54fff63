/* dtls_reasm.h - what stands between the network and GnuTLS: checks the framing of datagrams and puts plaintext
 * handshake messages together (RFC 6347 4.2.3).
 *
 * Why: GnuTLS 3.7.9 keeps the bytes of a short datagram and prepends them to the next one, and fragments out of order
 * corrupt its reassembly for seconds. Browsers' ClientHellos come in two fragments since they carry post-quantum keys.
 * So GnuTLS is only ever given whole records, one a datagram, and whole handshake messages, in order.
 *
 * Records of epoch 0 are renumbered: their sequence numbers are not authenticated, several messages may share a
 * record, and GnuTLS drops a number it has seen. Records of later epochs pass as they are.
 *
 * Owner: results belong to the dtls_reasm and live until the next call. Thread: one. Bounds: below. */
#ifndef MEDIA_DTLS_REASM_H
#define MEDIA_DTLS_REASM_H

#include "proto/bytes.h"

enum {
    DTLS_RECORD_HEADER = 13,
    DTLS_RECORD_MAX = 16384 + 256,
    DTLS_HANDSHAKE_HEADER = 12,
    DTLS_MESSAGE_MAX = 16384 - DTLS_HANDSHAKE_HEADER, /* so that a message fits one record */
    DTLS_MESSAGE_SEQS = 16,                           /* more than any handshake without renegotiation has */
    DTLS_PENDING_MAX = 8,                             /* messages incomplete or out of order */
    DTLS_PENDING_BYTES = 16384,                       /* declared length of all of them */
};

enum { DTLS_CCS = 20, DTLS_ALERT = 21, DTLS_HANDSHAKE = 22, DTLS_APPDATA = 23, DTLS_HEARTBEAT = 24 };

struct dtls_record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    uint64_t seq; /* 48 bits */
    struct bytes body, whole;
};

/* One record off the cursor. E_SHORT, E_FORMAT, E_LIMIT: the rest of the datagram has no meaning. */
enum err dtls_record_parse(struct rd *r, struct dtls_record *rec);

/* The whole datagram is a run of records that fill it exactly. */
enum err dtls_datagram_check(struct bytes datagram);

struct dtls_reasm;

struct dtls_reasm *dtls_reasm_new(void);
void dtls_reasm_free(struct dtls_reasm *ra); /* NULL is fine */

/* A new handshake begins: forgets everything. */
void dtls_reasm_reset(struct dtls_reasm *ra);

/* Takes one datagram; dtls_reasm_poll() then until false. E_SHORT, E_FORMAT, E_LIMIT: framing is wrong and all of it
 * was dropped. A fragment that lies (RFC 6347 4.2.3 and the bounds above) costs the rest of its record: counted. */
enum err dtls_reasm_push(struct dtls_reasm *ra, struct bytes datagram);
bool dtls_reasm_poll(struct dtls_reasm *ra, struct bytes *record); /* one record for GnuTLS */

size_t dtls_reasm_pending(const struct dtls_reasm *ra); /* messages waiting for the rest of them or of an earlier one */
uint32_t dtls_reasm_bad_fragments(const struct dtls_reasm *ra);

#endif
