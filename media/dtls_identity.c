/* dtls_identity.c - the self-signed certificate of a day, and what GnuTLS sessions made with it share. */
#include "media/dtls_internal.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/log.h"

/* DTLS 1.2 only, as the stock bridge; RSA signatures are for peers' certificates. */
static const char priority_text[] =
    "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+CHACHA20-POLY1305:+AES-256-GCM:+AEAD:+SHA256:"
    "+GROUP-SECP256R1:+GROUP-X25519:+GROUP-SECP384R1:"
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-PSS-RSAE-SHA256:"
    "+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE";

enum { DAY_S = 24 * 3600 };

struct dtls_identity {
    atomic_int refs;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    uint64_t made_at_s;
    char fingerprint[DTLS_FINGERPRINT_TEXT];
};

static int certificate_sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, uint64_t wall_s)
{
    uint8_t serial[8];
    int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] &= 0x7f; /* a serial number is positive */
    serial[7] |= 1;
    if (r >= 0)
        r = gnutls_x509_crt_set_version(crt, 3);
    if (r >= 0)
        r = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    if (r >= 0)
        r = gnutls_x509_crt_set_activation_time(crt, (time_t)(wall_s - DAY_S));
    if (r >= 0)
        r = gnutls_x509_crt_set_expiration_time(crt, (time_t)(wall_s + 7 * DAY_S));
    if (r >= 0)
        r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "kolibri", 7);
    if (r >= 0)
        r = gnutls_x509_crt_set_key(crt, key);
    if (r >= 0)
        r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    return r;
}

static int fingerprint_text(gnutls_x509_crt_t crt, char text[DTLS_FINGERPRINT_TEXT])
{
    uint8_t digest[32];
    size_t n = sizeof digest;
    int r = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &n);
    for (size_t i = 0; r >= 0 && i < n; i++)
        snprintf(text + 3 * i, 4, i + 1 < n ? "%02X:" : "%02X", digest[i]);
    return r;
}

struct dtls_identity *dtls_identity_new(uint64_t wall_s)
{
    struct dtls_identity *id = calloc(1, sizeof *id);
    if (!id)
        abort();
    atomic_init(&id->refs, 1);
    id->made_at_s = wall_s;
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t crt = NULL;
    const unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);

    int r = gnutls_x509_privkey_init(&key);
    if (r >= 0)
        r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, bits, 0);
    if (r >= 0)
        r = gnutls_x509_crt_init(&crt);
    if (r >= 0)
        r = certificate_sign(crt, key, wall_s);
    if (r >= 0)
        r = fingerprint_text(crt, id->fingerprint);
    if (r >= 0)
        r = gnutls_certificate_allocate_credentials(&id->credentials);
    if (r >= 0)
        r = gnutls_certificate_set_x509_key(id->credentials, &crt, 1, key);
    if (r >= 0)
        r = gnutls_priority_init2(&id->priority, priority_text, NULL, 0);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    if (r < 0) { /* neither randomness nor memory can be missing for long: there is no call without this */
        log_error("dtls", "certificate: %s", gnutls_strerror(r));
        abort();
    }
    return id;
}

struct dtls_identity *dtls_identity_ref(struct dtls_identity *id)
{
    if (id)
        atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
    return id;
}

void dtls_identity_unref(struct dtls_identity *id)
{
    if (!id || atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) != 1)
        return;
    gnutls_certificate_free_credentials(id->credentials); /* GnuTLS wipes the private key */
    gnutls_priority_deinit(id->priority);
    free(id);
}

const char *dtls_identity_fingerprint(const struct dtls_identity *id)
{
    return id->fingerprint;
}

bool dtls_identity_is_due(const struct dtls_identity *id, uint64_t wall_s)
{
    return wall_s >= id->made_at_s + DAY_S || id->made_at_s >= wall_s + DAY_S;
}

gnutls_certificate_credentials_t dtls_identity_credentials(const struct dtls_identity *id)
{
    return id->credentials;
}

gnutls_priority_t dtls_identity_priority(const struct dtls_identity *id)
{
    return id->priority;
}
