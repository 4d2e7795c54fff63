/* msrtp_kernel.h - the three ciphers of SRTP in the shape that libsrtp2 lets us plug in, one table row per back end.
 * For msrtp_backend.c and the bench. libsrtp2 keeps replay, roll-over and key derivation; this is only the arithmetic. */
#ifndef MEDIA_MSRTP_KERNEL_H
#define MEDIA_MSRTP_KERNEL_H

#include <stdbool.h>

#include <srtp2/auth.h>
#include <srtp2/cipher.h>

struct msrtp_cipher_kernel {
    const char *backend;
    bool (*usable)(void); /* on this CPU */
    const srtp_cipher_type_t *type;
};
struct msrtp_auth_kernel {
    const char *backend;
    bool (*usable)(void);
    const srtp_auth_type_t *type;
};

/* Lists that end with a row whose type is NULL. */
extern const struct msrtp_cipher_kernel msrtp_gcm_kernels[]; /* AES-128-GCM */
extern const struct msrtp_cipher_kernel msrtp_icm_kernels[]; /* AES-128 counter mode */
extern const struct msrtp_auth_kernel msrtp_hmac_kernels[];  /* HMAC-SHA1 */

#endif
