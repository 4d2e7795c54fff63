/* msrtp_cm.c - AES-128 counter mode and HMAC-SHA1 for libsrtp2 by Nettle, the crypto core under GnuTLS, which offers
 * neither raw counter mode nor a way to keep an HMAC's key between packets without copying. */
#include "media/msrtp_kernel.h"

#include <gnutls/crypto.h>
#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/hmac.h>
#include <nettle/memxor.h>
#include <stdlib.h>
#include <string.h>

static bool always(void)
{
    return true;
}

/* ---- AES-128 counter mode (RFC 3711 4.1.1) ---- */

enum { KEY = 16, SALT = 14, BLOCK = 16 };

struct icm {
    struct aes128_ctx aes;
    uint8_t salt[BLOCK]; /* the last two bytes 0: they count blocks */
    uint8_t counter[BLOCK];
};

static const srtp_cipher_type_t icm_nettle;

static srtp_err_status_t icm_alloc(srtp_cipher_pointer_t *cp, int key_len, int tag_len)
{
    if (key_len != KEY + SALT)
        return srtp_err_status_bad_param;
    srtp_cipher_t *c = calloc(1, sizeof *c);
    struct icm *s = calloc(1, sizeof *s);
    if (!c || !s) {
        free(c);
        free(s);
        return srtp_err_status_alloc_fail;
    }
    *c = (srtp_cipher_t){.type = &icm_nettle, .state = s, .key_len = key_len, .algorithm = SRTP_AES_ICM_128};
    *cp = c;
    return srtp_err_status_ok;
}

static srtp_err_status_t icm_dealloc(srtp_cipher_pointer_t c)
{
    gnutls_memset(c->state, 0, sizeof(struct icm));
    free(c->state);
    free(c);
    return srtp_err_status_ok;
}

static srtp_err_status_t icm_init(void *state, const uint8_t *key)
{
    struct icm *s = state;
    aes128_set_encrypt_key(&s->aes, key);
    memcpy(s->salt, key + KEY, SALT);
    memcpy(s->counter, s->salt, BLOCK);
    return srtp_err_status_ok;
}

static srtp_err_status_t icm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct icm *s = state;
    memcpy(s->counter, s->salt, BLOCK);
    memxor(s->counter, iv, BLOCK);
    return srtp_err_status_ok;
}

/* One call per IV, as libsrtp2 makes them: a second one would begin at a whole block. */
static srtp_err_status_t icm_crypt(void *state, uint8_t *buf, unsigned *n)
{
    struct icm *s = state;
    ctr_crypt(&s->aes, (nettle_cipher_func *)aes128_encrypt, BLOCK, s->counter, *n, buf, buf);
    return srtp_err_status_ok;
}

/* RFC 3711 B.2: the first blocks of the key stream. */
static const uint8_t icm_key[KEY + SALT] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
                                            0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3,
                                            0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static uint8_t icm_iv[BLOCK];
static const uint8_t icm_plain[32];
static const uint8_t icm_stream[32] = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1,
                                       0x6d, 0xd9, 0x2b, 0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02,
                                       0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};
static const srtp_cipher_test_case_t icm_case = {KEY + SALT, icm_key, icm_iv, 32, icm_plain, 32,
                                                 icm_stream, 0,       NULL,   0,  NULL};

static const srtp_cipher_type_t icm_nettle = {
    icm_alloc,
    icm_dealloc,
    icm_init,
    NULL,
    icm_crypt,
    icm_crypt,
    icm_set_iv,
    NULL,
    "AES-128 counter mode by Nettle",
    &icm_case,
    SRTP_AES_ICM_128,
};

const struct msrtp_cipher_kernel msrtp_icm_kernels[] = {
    {"nettle", always, &icm_nettle},
    {0},
};

/* ---- HMAC-SHA1 (RFC 2104) ---- */

static const srtp_auth_type_t hmac_nettle;

static srtp_err_status_t hmac_alloc(srtp_auth_pointer_t *ap, int key_len, int out_len)
{
    if (out_len < 0 || out_len > SHA1_DIGEST_SIZE || key_len < 0)
        return srtp_err_status_bad_param;
    srtp_auth_t *a = calloc(1, sizeof *a);
    struct hmac_sha1_ctx *h = calloc(1, sizeof *h);
    if (!a || !h) {
        free(a);
        free(h);
        return srtp_err_status_alloc_fail;
    }
    *a = (srtp_auth_t){.type = &hmac_nettle, .state = h, .out_len = out_len, .key_len = key_len};
    *ap = a;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_dealloc(srtp_auth_pointer_t a)
{
    gnutls_memset(a->state, 0, sizeof(struct hmac_sha1_ctx));
    free(a->state);
    free(a);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int key_len)
{
    hmac_sha1_set_key(state, (size_t)key_len, key);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *state)
{
    struct hmac_sha1_ctx *h = state;
    h->state = h->inner; /* forget what an abandoned computation left */
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_add(void *state, const uint8_t *p, int n)
{
    hmac_sha1_update(state, (size_t)n, p);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *p, int n, int tag_len, uint8_t *tag)
{
    hmac_sha1_update(state, (size_t)n, p);
    hmac_sha1_digest(state, (size_t)tag_len, tag); /* and begins again */
    return srtp_err_status_ok;
}

/* RFC 2202, case 1 */
static const uint8_t hmac_key[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                     0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
static const uint8_t hmac_text[8] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const uint8_t hmac_tag[20] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                                     0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};
static const srtp_auth_test_case_t hmac_case = {20, hmac_key, 8, hmac_text, 20, hmac_tag, NULL};

static const srtp_auth_type_t hmac_nettle = {
    hmac_alloc, hmac_dealloc,          hmac_init,  hmac_compute,   hmac_add,
    hmac_start, "HMAC-SHA1 by Nettle", &hmac_case, SRTP_HMAC_SHA1,
};

const struct msrtp_auth_kernel msrtp_hmac_kernels[] = {
    {"nettle", always, &hmac_nettle},
    {0},
};
