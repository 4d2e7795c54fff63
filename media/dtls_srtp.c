/* dtls_srtp.c - which SRTP profile, and its keys (RFC 5764).
 *
 * GnuTLS 3.7.9 knows no GCM profile by name, but takes its number. As server it would choose by the client's order,
 * which with libwebrtc means CM_SHA1_80 at several times the cost; so it is told of one profile only, chosen here. */
#include "media/dtls_internal.h"

#include <gnutls/crypto.h>

enum { USE_SRTP = 14, PROFILES_SEEN_MAX = 16 };

static const uint16_t preference[] = {DTLS_SRTP_GCM_128, DTLS_SRTP_CM_80};

struct offer {
    uint16_t profiles[PROFILES_SEEN_MAX];
    size_t count;
    bool bad; /* malformed, or with an MKI, which nobody asked for */
};

static int on_extension(void *ctx, unsigned tls_id, const unsigned char *data, unsigned n)
{
    struct offer *offer = ctx;
    if (tls_id != USE_SRTP)
        return 0;
    struct rd r = rd_over(bytes_of(data, n));
    struct rd list = rd_sub(&r, rd_u16(&r, "list length"), "profiles");
    uint8_t mki_len = rd_u8(&r, "mki length");
    while (rd_left(&list) > 0 && offer->count < COUNT(offer->profiles))
        offer->profiles[offer->count++] = rd_u16(&list, "profile");
    offer->bad = r.err != E_OK || list.err != E_OK || mki_len != 0;
    return 0;
}

static bool offers(const struct offer *offer, uint16_t profile)
{
    for (size_t i = 0; i < offer->count; i++)
        if (offer->profiles[i] == profile)
            return true;
    return false;
}

int dtls_srtp_choose(gnutls_session_t session, const gnutls_datum_t *client_hello)
{
    struct offer offer = {0};
    int r = gnutls_ext_raw_parse(&offer, on_extension, client_hello, GNUTLS_EXT_RAW_FLAG_DTLS_CLIENT_HELLO);
    if (r < 0)
        return r;
    for (size_t i = 0; !offer.bad && i < COUNT(preference); i++)
        if (offers(&offer, preference[i]))
            return gnutls_srtp_set_profile(session, (gnutls_srtp_profile_t)preference[i]);
    return GNUTLS_E_NO_CIPHER_SUITES; /* becomes the alert handshake_failure */
}

int dtls_srtp_offer(gnutls_session_t session)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < COUNT(preference); i++)
        r = gnutls_srtp_set_profile(session, (gnutls_srtp_profile_t)preference[i]);
    return r;
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. gnutls_srtp_get_keys() refuses GCM. */
bool dtls_srtp_export(gnutls_session_t session, enum dtls_role our_role, struct dtls_keys *keys)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    enum { KEY = 16, SALT_GCM = 12, SALT_CM = 14 };
    gnutls_srtp_profile_t selected;
    if (gnutls_srtp_get_selected_profile(session, &selected) < 0)
        return false;
    if ((int)selected != DTLS_SRTP_GCM_128 && (int)selected != DTLS_SRTP_CM_80)
        return false;
    size_t salt = (int)selected == DTLS_SRTP_GCM_128 ? SALT_GCM : SALT_CM;
    uint8_t out[2 * (KEY + SALT_CM)];
    if (gnutls_prf_rfc5705(session, sizeof label - 1, label, 0, NULL, 2 * (KEY + salt), (char *)out) < 0)
        return false;

    uint8_t *client = our_role == DTLS_SERVER ? keys->rx : keys->tx;
    uint8_t *server = our_role == DTLS_SERVER ? keys->tx : keys->rx;
    memcpy(client, out, KEY);
    memcpy(server, out + KEY, KEY);
    memcpy(client + KEY, out + 2 * KEY, salt);
    memcpy(server + KEY, out + 2 * KEY + salt, salt);
    keys->profile = (uint16_t)selected;
    keys->len = (uint8_t)(KEY + salt);
    gnutls_memset(out, 0, sizeof out);
    return true;
}
