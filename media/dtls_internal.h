/* dtls_internal.h - what dtls.c and its two helpers share; for nobody else. */
#ifndef MEDIA_DTLS_INTERNAL_H
#define MEDIA_DTLS_INTERNAL_H

#include <gnutls/gnutls.h>

#include "media/dtls.h"

/* dtls_identity.c */
gnutls_certificate_credentials_t dtls_identity_credentials(const struct dtls_identity *id);
gnutls_priority_t dtls_identity_priority(const struct dtls_identity *id);

/* dtls_fingerprint.c: of what the remote signalled, the digests of the strongest hash. */
enum { DTLS_DIGEST_MAX = 64 };
struct dtls_fingerprint_set {
    gnutls_digest_algorithm_t hash; /* GNUTLS_DIG_UNKNOWN: empty set, which matches nothing */
    size_t count, digest_len;
    uint8_t digests[DTLS_FINGERPRINTS_MAX][DTLS_DIGEST_MAX];
};
enum err dtls_fingerprint_set_parse(struct dtls_fingerprint_set *set, const struct dtls_fingerprint *fp, size_t n);
bool dtls_fingerprint_set_match(const struct dtls_fingerprint_set *set, struct bytes certificate_der);

/* dtls_srtp.c: the use_srtp extension (RFC 5764 4.1). */
enum { DTLS_SRTP_CM_80 = 1, DTLS_SRTP_GCM_128 = 7 };
int dtls_srtp_choose(gnutls_session_t session, const gnutls_datum_t *client_hello); /* 0, or a fatal GnuTLS error */
int dtls_srtp_offer(gnutls_session_t session); /* as client, before the handshake */
bool dtls_srtp_export(gnutls_session_t session, enum dtls_role our_role, struct dtls_keys *keys);

#endif
