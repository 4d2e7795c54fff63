/* msrtp_gcm.c - AES-128-GCM for libsrtp2 by GnuTLS and, where the CPU has what it takes, by Intel's IPsec MB library.
 * libsrtp2 calls: init once with the session key; then per packet set_iv, set_aad (twice for SRTCP), and either
 * encrypt and get_tag, or decrypt of ciphertext followed by the tag. */
#include "media/msrtp_kernel.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <pthread.h>
#endif

#include "proto/bytes.h"

enum { KEY = 16, SALT = 12, IV = 12, TAG = 16, AAD_MAX = 1536 };

struct gcm {
#ifdef HAVE_IPSEC_MB
    struct gcm_key_data expanded; /* aligned to 64 bytes, hence first */
#endif
    gnutls_aead_cipher_hd_t handle;
    srtp_cipher_direction_t direction;
    uint8_t iv[IV], tag[TAG];
    unsigned aad_len, tag_len;
    uint8_t aad[AAD_MAX];
};

static srtp_err_status_t gcm_alloc(srtp_cipher_pointer_t *cp, int key_len, int tag_len, const srtp_cipher_type_t *type)
{
    if (key_len != KEY + SALT || (tag_len != TAG && tag_len != TAG / 2))
        return srtp_err_status_bad_param;
    srtp_cipher_t *c = calloc(1, sizeof *c);
    struct gcm *g = aligned_alloc(64, (sizeof *g + 63) / 64 * 64);
    if (!c || !g) {
        free(c);
        free(g);
        return srtp_err_status_alloc_fail;
    }
    memset(g, 0, sizeof *g);
    g->tag_len = (unsigned)tag_len;
    *c = (srtp_cipher_t){.type = type, .state = g, .key_len = key_len, .algorithm = SRTP_AES_GCM_128};
    *cp = c;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_dealloc(srtp_cipher_pointer_t c)
{
    struct gcm *g = c->state;
    if (g->handle)
        gnutls_aead_cipher_deinit(g->handle);
    gnutls_memset(g, 0, sizeof *g);
    free(g);
    free(c);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct gcm *g = state;
    memcpy(g->iv, iv, IV);
    g->direction = direction;
    g->aad_len = 0;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t n)
{
    struct gcm *g = state;
    if (n > AAD_MAX - g->aad_len)
        return srtp_err_status_bad_param;
    memcpy(g->aad + g->aad_len, aad, n);
    g->aad_len += n;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *n)
{
    struct gcm *g = state;
    memcpy(tag, g->tag, g->tag_len);
    *n = g->tag_len;
    return srtp_err_status_ok;
}

/* NIST's test case 4 for GCM: libsrtp2 wants a vector with each cipher and tries its own ones too. */
static const uint8_t test_key[KEY + SALT] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
                                             0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
static uint8_t test_iv[IV] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
static const uint8_t test_aad[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                     0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
static const uint8_t test_plain[60] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5,
                                       0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda,
                                       0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95,
                                       0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25,
                                       0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
static const uint8_t test_sealed[60 + TAG] = {
    0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c, 0xe3, 0xaa, 0x21,
    0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e, 0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66,
    0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05, 0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d,
    0x58, 0xe0, 0x91, 0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47};
static const srtp_cipher_test_case_t test_case = {
    KEY + SALT,  test_key,        test_iv,  60,  test_plain, sizeof test_sealed,
    test_sealed, sizeof test_aad, test_aad, TAG, NULL};

/* ---- GnuTLS ---- */

static const srtp_cipher_type_t gcm_gnutls;

static srtp_err_status_t gnutls_alloc(srtp_cipher_pointer_t *cp, int key_len, int tag_len)
{
    return gcm_alloc(cp, key_len, tag_len, &gcm_gnutls);
}

static srtp_err_status_t gnutls_init_key(void *state, const uint8_t *key)
{
    struct gcm *g = state;
    gnutls_datum_t k = {(uint8_t *)key, KEY};
    if (g->handle)
        gnutls_aead_cipher_deinit(g->handle);
    g->handle = NULL;
    int r = gnutls_aead_cipher_init(&g->handle, GNUTLS_CIPHER_AES_128_GCM, &k);
    return r < 0 ? srtp_err_status_init_fail : srtp_err_status_ok;
}

static srtp_err_status_t gnutls_encrypt(void *state, uint8_t *buf, unsigned *n)
{
    struct gcm *g = state;
    giovec_t aad = {g->aad, g->aad_len}, text = {buf, *n};
    size_t tag_len = g->tag_len;
    int r = gnutls_aead_cipher_encryptv2(g->handle, g->iv, IV, &aad, 1, &text, *n > 0, g->tag, &tag_len);
    return r < 0 ? srtp_err_status_cipher_fail : srtp_err_status_ok;
}

static srtp_err_status_t gnutls_decrypt(void *state, uint8_t *buf, unsigned *n)
{
    struct gcm *g = state;
    if (*n < g->tag_len)
        return srtp_err_status_bad_param;
    unsigned len = *n - g->tag_len;
    giovec_t aad = {g->aad, g->aad_len}, text = {buf, len};
    int r = gnutls_aead_cipher_decryptv2(g->handle, g->iv, IV, &aad, 1, &text, len > 0, buf + len, g->tag_len);
    if (r < 0)
        return srtp_err_status_auth_fail;
    *n = len;
    return srtp_err_status_ok;
}

static const srtp_cipher_type_t gcm_gnutls = {
    gnutls_alloc, gcm_dealloc, gnutls_init_key,         gcm_set_aad, gnutls_encrypt,   gnutls_decrypt,
    gcm_set_iv,   gcm_get_tag, "AES-128-GCM by GnuTLS", &test_case,  SRTP_AES_GCM_128,
};

static bool always(void)
{
    return true;
}

/* ---- Intel IPsec MB: single packets, no queue, hence no state shared between threads but function pointers ---- */

#ifdef HAVE_IPSEC_MB
static const srtp_cipher_type_t gcm_imb;
static IMB_MGR *imb; /* immutable once made */

static void imb_make(void)
{
    IMB_ARCH arch = IMB_ARCH_NONE;
    imb = alloc_mb_mgr(0);
    if (imb)
        init_mb_mgr_auto(imb, &arch);
    if (imb && (arch == IMB_ARCH_NONE || imb_get_errno(imb) != 0 || !(imb->features & IMB_FEATURE_AESNI))) {
        free_mb_mgr(imb);
        imb = NULL;
    }
}

static bool imb_usable(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, imb_make);
    return imb != NULL;
}

static srtp_err_status_t imb_alloc(srtp_cipher_pointer_t *cp, int key_len, int tag_len)
{
    return gcm_alloc(cp, key_len, tag_len, &gcm_imb);
}

static srtp_err_status_t imb_init_key(void *state, const uint8_t *key)
{
    IMB_AES128_GCM_PRE(imb, key, &((struct gcm *)state)->expanded);
    return srtp_err_status_ok;
}

static srtp_err_status_t imb_encrypt(void *state, uint8_t *buf, unsigned *n)
{
    struct gcm *g = state;
    struct gcm_context_data scratch;
    uint8_t nothing;
    buf = buf ? buf : &nothing; /* SRTCP without encryption: only the tag is wanted */
    IMB_AES128_GCM_ENC(imb, &g->expanded, &scratch, buf, buf, *n, g->iv, g->aad, g->aad_len, g->tag, g->tag_len);
    return srtp_err_status_ok;
}

static srtp_err_status_t imb_decrypt(void *state, uint8_t *buf, unsigned *n)
{
    struct gcm *g = state;
    struct gcm_context_data scratch;
    uint8_t tag[TAG];
    if (*n < g->tag_len)
        return srtp_err_status_bad_param;
    unsigned len = *n - g->tag_len;
    IMB_AES128_GCM_DEC(imb, &g->expanded, &scratch, buf, buf, len, g->iv, g->aad, g->aad_len, tag, g->tag_len);
    if (!bytes_eq_consttime(bytes_of(tag, g->tag_len), bytes_of(buf + len, g->tag_len)))
        return srtp_err_status_auth_fail;
    *n = len;
    return srtp_err_status_ok;
}

static const srtp_cipher_type_t gcm_imb = {
    imb_alloc,   gcm_dealloc,      imb_init_key,
    gcm_set_aad, imb_encrypt,      imb_decrypt,
    gcm_set_iv,  gcm_get_tag,      "AES-128-GCM by IPsec MB",
    &test_case,  SRTP_AES_GCM_128,
};
#endif

const struct msrtp_cipher_kernel msrtp_gcm_kernels[] = {
#ifdef HAVE_IPSEC_MB
    {"ipsec-mb", imb_usable, &gcm_imb},
#endif
    {"gnutls", always, &gcm_gnutls},
    {0},
};
