/* dtls_peer.h - the other side of a DTLS connection, on OpenSSL, so that nothing of ours is on both ends.
 * Time: the virtual clock of the executable (see clock_us), which GnuTLS and OpenSSL read too. */
#ifndef TESTS_DTLS_PEER_H
#define TESTS_DTLS_PEER_H

#include "support/hex.h"

extern uint64_t clock_us; /* the test owns it; clock_gettime() and gettimeofday() of the process follow it */

struct peer_options {
    bool client;
    const char *srtp; /* OpenSSL's names joined by ':'; NULL: no use_srtp */
    bool no_certificate, rsa;
    size_t hello_padding; /* bytes of an unknown extension in the ClientHello */
    unsigned mtu;         /* 0: 1200 */
};

struct peer;
struct peer *peer_new(const struct peer_options *o);
void peer_free(struct peer *p);
const char *peer_fingerprint(struct peer *p, const char *openssl_digest); /* "AB:CD..."; static buffer */
void peer_step(struct peer *p);                                           /* handshake, as far as the input goes */
void peer_on_datagram(struct peer *p, struct bytes datagram);
bool peer_poll(struct peer *p, struct bytes *datagram); /* malloc'd, the caller's */
void peer_on_time(struct peer *p);
uint64_t peer_deadline_us(struct peer *p);
bool peer_is_up(const struct peer *p);
bool peer_has_failed(const struct peer *p); /* got or sent a fatal alert */
int peer_profile(struct peer *p);           /* IANA number, 0: none */
void peer_export(struct peer *p, uint8_t *out, size_t n);
void peer_send(struct peer *p, const char *text);
size_t peer_recv(struct peer *p, uint8_t *buf, size_t cap); /* 0: nothing */
void peer_close(struct peer *p);
bool peer_was_closed(struct peer *p);                        /* close_notify came */
void peer_saw_certificate_of(struct peer *p, char text[96]); /* sha-256 of what we showed */

#endif
