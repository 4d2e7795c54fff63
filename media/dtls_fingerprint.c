/* dtls_fingerprint.c - the remote's a=fingerprint values against the certificate it shows (RFC 8122 5).
 * The fingerprint is the only anchor of trust: names, dates and signatures of certificates are not looked at. */
#include "media/dtls_internal.h"

#include <gnutls/crypto.h>
#include <strings.h>

static const struct {
    const char *name;
    gnutls_digest_algorithm_t hash;
} accepted[] = {
    /* strongest first; sha-1 only because old clients exist, md5 never */
    {"sha-512", GNUTLS_DIG_SHA512},
    {"sha-384", GNUTLS_DIG_SHA384},
    {"sha-256", GNUTLS_DIG_SHA256},
    {"sha-1", GNUTLS_DIG_SHA1},
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Exactly len pairs joined by colons. */
static bool digest_parse(const char *text, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(text[0]);
        int lo = hi < 0 ? -1 : hex_digit(text[1]);
        if (lo < 0 || text[2] != (i + 1 < len ? ':' : '\0'))
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
        text += 3;
    }
    return true;
}

enum err dtls_fingerprint_set_parse(struct dtls_fingerprint_set *set, const struct dtls_fingerprint *fp, size_t n)
{
    if (n > DTLS_FINGERPRINTS_MAX)
        return E_LIMIT;
    for (size_t a = 0; a < COUNT(accepted); a++) {
        struct dtls_fingerprint_set found = {.hash = accepted[a].hash};
        found.digest_len = gnutls_hash_get_len(accepted[a].hash);
        for (size_t i = 0; i < n; i++)
            if (fp[i].hash && fp[i].value && strcasecmp(fp[i].hash, accepted[a].name) == 0 &&
                digest_parse(fp[i].value, found.digests[found.count], found.digest_len))
                found.count++;
        if (found.count > 0) {
            *set = found;
            return E_OK;
        }
    }
    return E_FORMAT;
}

bool dtls_fingerprint_set_match(const struct dtls_fingerprint_set *set, struct bytes certificate_der)
{
    uint8_t digest[DTLS_DIGEST_MAX];
    if (set->count == 0 || gnutls_hash_fast(set->hash, certificate_der.p, certificate_der.n, digest) < 0)
        return false;
    for (size_t i = 0; i < set->count; i++)
        if (memcmp(set->digests[i], digest, set->digest_len) == 0)
            return true;
    return false;
}
