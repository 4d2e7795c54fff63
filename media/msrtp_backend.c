/* msrtp_backend.c - starts libsrtp2 and gives it the fastest ciphers this machine has.
 *
 * Debian's libsrtp2 uses NSS, which makes a context, and memory for it, per packet. Each candidate must reproduce
 * libsrtp2's own vectors (its replace functions see to that) and libsrtp2's own ciphertext before it is kept in use;
 * then time decides. */
#include "media/msrtp.h"

#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <time.h>

#include "media/msrtp_kernel.h"
#include "proto/log.h"

enum {
    BENCH_BYTES = 1200,
    BENCH_ROUNDS = 300,
    BENCH_REPEATS = 5, /* the best of: noise only ever adds */
};

static char name_text[96] = "libsrtp2 not started";
static enum err outcome;

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- through libsrtp2's front door: whatever is plugged in ---- */

static srtp_t session_new(srtp_profile_t profile)
{
    static uint8_t key[30] = "0123456789abcdefsalt-salt-sal";
    srtp_policy_t policy = {.ssrc = {ssrc_any_outbound, 0}, .key = key, .allow_repeat_tx = 1};
    srtp_t session = NULL;
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile) != srtp_err_status_ok ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile) != srtp_err_status_ok ||
        srtp_create(&session, &policy) != srtp_err_status_ok)
        return NULL;
    return session;
}

static int packet_fill(uint8_t *buf, uint16_t seq)
{
    for (int i = 0; i < BENCH_BYTES; i++)
        buf[i] = (uint8_t)(i * 7 + seq);
    buf[0] = 0x80;
    put_u16(buf + 2, seq);
    put_u32(buf + 8, 0x4b6f6c69);
    return BENCH_BYTES;
}

/* A few sealed packets, RTP and RTCP, of many lengths: for comparing one cipher with another. */
enum { SAMPLES = 40, SAMPLE_CAP = BENCH_BYTES + SRTP_MAX_TRAILER_LEN + 4 };
struct samples {
    int n[2 * SAMPLES];
    uint8_t bytes[2 * SAMPLES][SAMPLE_CAP];
};

static bool samples_take(struct samples *s, srtp_profile_t profile)
{
    srtp_t session = session_new(profile);
    if (!session)
        return false;
    bool ok = true;
    for (int i = 0; i < 2 * SAMPLES && ok; i++) {
        packet_fill(s->bytes[i], (uint16_t)(i + 1));
        s->n[i] = 12 + i / 2 * 29;
        if (i % 2 == 0) {
            ok = srtp_protect(session, s->bytes[i], &s->n[i]) == srtp_err_status_ok;
        } else {
            s->bytes[i][1] = 200;
            put_u32(s->bytes[i] + 4, 0x4b6f6c69);
            s->n[i] = s->n[i] / 4 * 4;
            ok = srtp_protect_rtcp(session, s->bytes[i], &s->n[i]) == srtp_err_status_ok;
        }
    }
    srtp_dealloc(session);
    return ok;
}

static bool samples_eq(const struct samples *a, const struct samples *b)
{
    for (int i = 0; i < 2 * SAMPLES; i++)
        if (a->n[i] != b->n[i] || memcmp(a->bytes[i], b->bytes[i], (size_t)a->n[i]) != 0)
            return false;
    return true;
}

static uint64_t time_session(srtp_profile_t profile)
{
    uint64_t best = UINT64_MAX;
    srtp_t session = session_new(profile);
    if (!session)
        return best;
    uint8_t buf[SAMPLE_CAP];
    uint16_t seq = 0;
    for (int repeat = 0; repeat < BENCH_REPEATS; repeat++) {
        uint64_t from = cpu_ns();
        for (int i = 0; i < BENCH_ROUNDS; i++) {
            int n = packet_fill(buf, ++seq);
            srtp_protect(session, buf, &n);
        }
        best = MIN(best, cpu_ns() - from);
    }
    srtp_dealloc(session);
    return best;
}

/* ---- one cipher, by itself ---- */

static uint64_t time_cipher(const srtp_cipher_type_t *type, int key_len, int tag_len)
{
    uint64_t best = UINT64_MAX;
    uint8_t key[30] = "0123456789abcdefsalt-salt-sal", iv[16] = {1}, buf[SAMPLE_CAP] = {0}, tag[SRTP_MAX_TAG_LEN];
    srtp_cipher_t *c;
    if (type->alloc(&c, key_len, tag_len) != srtp_err_status_ok)
        return best;
    type->init(c->state, key);
    for (int repeat = 0; repeat < BENCH_REPEATS; repeat++) {
        uint64_t from = cpu_ns();
        for (int i = 0; i < BENCH_ROUNDS; i++) {
            unsigned n = BENCH_BYTES;
            uint32_t tag_n;
            type->set_iv(c->state, iv, srtp_direction_encrypt);
            if (type->set_aad)
                type->set_aad(c->state, buf, 12);
            type->encrypt(c->state, buf, &n);
            if (type->get_tag)
                type->get_tag(c->state, tag, &tag_n);
        }
        best = MIN(best, cpu_ns() - from);
    }
    type->dealloc(c);
    return best;
}

static const struct msrtp_cipher_kernel *fastest(const struct msrtp_cipher_kernel *list, int key_len, int tag_len,
                                                 uint64_t *best_ns)
{
    const struct msrtp_cipher_kernel *best = NULL;
    *best_ns = UINT64_MAX;
    for (; list->type; list++) {
        if (!list->usable() || srtp_cipher_type_self_test(list->type) != srtp_err_status_ok)
            continue;
        uint64_t ns = time_cipher(list->type, key_len, tag_len);
        if (ns < *best_ns) {
            *best_ns = ns;
            best = list;
        }
    }
    return best;
}

/* ---- choosing ---- */

static const char *plug_gcm(bool *wrong)
{
    static const srtp_profile_t profile = srtp_profile_aead_aes_128_gcm;
    static struct samples before, after; /* too large for a stack; this runs once, in one thread */
    uint64_t ns;
    const struct msrtp_cipher_kernel *k = fastest(msrtp_gcm_kernels, 28, 16, &ns);
    if (!k || !samples_take(&before, profile) || ns > time_session(profile) ||
        srtp_replace_cipher_type(k->type, SRTP_AES_GCM_128) != srtp_err_status_ok)
        return "libsrtp2";
    *wrong |= !samples_take(&after, profile) || !samples_eq(&before, &after);
    return k->backend;
}

/* Counter mode and HMAC go together: the library's share of each cannot be told apart from outside. */
static const char *plug_cm(bool *wrong)
{
    static const srtp_profile_t profile = srtp_profile_aes128_cm_sha1_80;
    static struct samples before, after;
    uint64_t ns;
    const struct msrtp_cipher_kernel *k = fastest(msrtp_icm_kernels, 30, 0, &ns);
    const struct msrtp_auth_kernel *a = msrtp_hmac_kernels;
    if (!k || !a->type || !a->usable() || !samples_take(&before, profile) || ns > time_session(profile) ||
        srtp_replace_cipher_type(k->type, SRTP_AES_ICM_128) != srtp_err_status_ok ||
        srtp_replace_auth_type(a->type, SRTP_HMAC_SHA1) != srtp_err_status_ok)
        return "libsrtp2";
    *wrong |= !samples_take(&after, profile) || !samples_eq(&before, &after);
    return k->backend;
}

static void start(void)
{
    bool wrong = false;
    outcome = E_SYSTEM;
    if (srtp_init() != srtp_err_status_ok)
        return;
    const char *cm = plug_cm(&wrong), *gcm = plug_gcm(&wrong);
    if (wrong) { /* passes the vectors and yet differs: begin again with nothing plugged in */
        log_error("srtp", "a cipher differs from libsrtp2's and is not used");
        cm = gcm = "libsrtp2";
        if (srtp_shutdown() != srtp_err_status_ok || srtp_init() != srtp_err_status_ok)
            return;
    }
    snprintf(name_text, sizeof name_text, "AES-GCM: %s, AES-CM and HMAC-SHA1: %s", gcm, cm);
    outcome = E_OK;
}

enum err msrtp_process_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    return outcome;
}

const char *msrtp_backend_name(void)
{
    return name_text;
}
