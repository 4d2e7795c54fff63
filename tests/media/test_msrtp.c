/* What holds of SRTP and SRTCP with each cipher back end: the published vectors, the same bytes as plain libsrtp2, and
 * that what is forged, repeated, late or too much costs itself. */
#include "support/hex.h"

#include <srtp2/srtp.h>
#include <stdlib.h>

#include "media/msrtp.h"
#include "media/msrtp_kernel.h"

enum { CAP = 1600, SSRC = 0xcafebabe };

static const char plain_rtp[] = "800f1234 decafbad cafebabe abababababababababababababababab";
static const char plain_rtcp[] = "81c8000b cafebabe abababababababababababababababab";

/* Those of libsrtp's own tests, whose CM key is that of RFC 3711 B.3. CM_32 is CM_80 with a shorter tag. AES-256-GCM was
 * computed from RFC 3711 4.3 and RFC 7714 on OpenSSL, by a program that reproduces the other three. */
static const struct {
    const char *name;
    enum msrtp_profile profile;
    const char *key, *rtp, *rtcp;
} profiles[] = {
    {"CM_80", MSRTP_AES128_CM_SHA1_80, "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
     "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
     "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798"},
    {"CM_32", MSRTP_AES128_CM_SHA1_32, "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
     "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc",
     "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798"},
    {"GCM-128", MSRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
     "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
     "81c8000bcafebabe c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001"},
    {"GCM-256", MSRTP_AEAD_AES_256_GCM,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f a0a1a2a3a4a5a6a7a8a9aaab",
     "800f1234decafbadcafebabe 0af7f21e8a90bdad7a425c9c31ed4bb1 d90238917e7390a2793500e1681acaea",
     "81c8000bcafebabe 8abfafa780070a90e80f9161cf4aac08 1ed93aaa53c15b0f3ed1a3b984167b03 80000001"},
};

/* ---- back ends ---- */

enum { BACKENDS_MAX = 8 };
static const char *backends[BACKENDS_MAX] = {"libsrtp2"};
static size_t backend_count = 1;

static void backend_known(const char *name)
{
    for (size_t i = 0; i < backend_count; i++)
        if (strcmp(backends[i], name) == 0)
            return;
    assert_true(backend_count < BACKENDS_MAX);
    backends[backend_count++] = name;
}

static void backends_find(void)
{
    for (const struct msrtp_cipher_kernel *k = msrtp_gcm_kernels; k->type; k++)
        if (k->usable())
            backend_known(k->backend);
    for (const struct msrtp_cipher_kernel *k = msrtp_icm_kernels; k->type; k++)
        if (k->usable())
            backend_known(k->backend);
}

/* Plain libsrtp2, then what this back end has in place of its ciphers. No session may be open. */
static void backend_use(const char *name)
{
    assert_int_equal(srtp_shutdown(), srtp_err_status_ok);
    assert_int_equal(srtp_init(), srtp_err_status_ok);
    for (const struct msrtp_cipher_kernel *k = msrtp_gcm_kernels; k->type; k++)
        if (strcmp(k->backend, name) == 0)
            assert_int_equal(srtp_replace_cipher_type(k->type, SRTP_AES_GCM_128), srtp_err_status_ok);
    for (const struct msrtp_cipher_kernel *k = msrtp_icm_kernels; k->type; k++)
        if (strcmp(k->backend, name) == 0)
            assert_int_equal(srtp_replace_cipher_type(k->type, SRTP_AES_ICM_128), srtp_err_status_ok);
    for (const struct msrtp_auth_kernel *k = msrtp_hmac_kernels; k->type; k++)
        if (strcmp(k->backend, name) == 0)
            assert_int_equal(srtp_replace_auth_type(k->type, SRTP_HMAC_SHA1), srtp_err_status_ok);
}

static struct msrtp *ctx_new(size_t profile, uint32_t ssrcs_max)
{
    uint8_t key[44];
    struct bytes k = from_hex(profiles[profile].key, key, sizeof key);
    struct msrtp *ctx = msrtp_new(profiles[profile].profile, k, k, ssrcs_max);
    assert_non_null(ctx);
    return ctx;
}

/* ---- packets ---- */

struct packet {
    _Alignas(4) uint8_t bytes[CAP];
    size_t n;
};

static void rtp_make(struct packet *p, uint32_t ssrc, uint16_t seq, size_t payload_len)
{
    p->n = 12 + payload_len;
    for (size_t i = 0; i < p->n; i++)
        p->bytes[i] = (uint8_t)(i * 31 + seq);
    p->bytes[0] = 0x80;
    p->bytes[1] = 111;
    put_u16(p->bytes + 2, seq);
    put_u32(p->bytes + 8, ssrc);
}

static void rtcp_make(struct packet *p, uint32_t ssrc, size_t words)
{
    p->n = 8 + 4 * words;
    memset(p->bytes, 0x5a, p->n);
    p->bytes[0] = 0x80;
    p->bytes[1] = 200;
    put_u16(p->bytes + 2, (uint16_t)(words + 1));
    put_u32(p->bytes + 4, ssrc);
}

static enum err seal(struct msrtp *ctx, struct packet *p)
{
    return msrtp_seal_rtp(ctx, p->bytes, &p->n, sizeof p->bytes);
}

static enum err open_copy(struct msrtp *ctx, const struct packet *sealed)
{
    struct packet p = *sealed;
    return msrtp_open_rtp(ctx, p.bytes, &p.n);
}

static void sealed_make(struct msrtp *ctx, struct packet *p, uint32_t ssrc, uint16_t seq)
{
    rtp_make(p, ssrc, seq, 40);
    assert_int_equal(seal(ctx, p), E_OK);
}

/* ---- bytes ---- */

typedef enum err change(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes);

static enum err seal_rtp(struct msrtp *ctx, uint8_t *buf, size_t *n)
{
    return msrtp_seal_rtp(ctx, buf, n, CAP);
}

static enum err seal_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *n)
{
    return msrtp_seal_rtcp(ctx, buf, n, CAP);
}

static void becomes(struct msrtp *ctx, change *how, const char *from, const char *to)
{
    struct packet p;
    uint8_t want[CAP];
    struct bytes expected = from_hex(to, want, sizeof want);
    p.n = from_hex(from, p.bytes, sizeof p.bytes).n;
    assert_int_equal(how(ctx, p.bytes, &p.n), E_OK);
    assert_int_equal(p.n, expected.n);
    assert_memory_equal(p.bytes, expected.p, expected.n);
}

static void published_vectors_hold(void)
{
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct msrtp *ctx = ctx_new(i, 16);
        becomes(ctx, seal_rtp, plain_rtp, profiles[i].rtp);
        becomes(ctx, seal_rtcp, plain_rtcp, profiles[i].rtcp);
        becomes(ctx, msrtp_open_rtp, profiles[i].rtp, plain_rtp);
        becomes(ctx, msrtp_open_rtcp, profiles[i].rtcp, plain_rtcp);
        assert_int_equal(msrtp_stats(ctx)->sealed, 2);
        assert_int_equal(msrtp_stats(ctx)->opened, 2);
        msrtp_free(ctx);
    }
}

static void the_chosen_ciphers_reproduce_the_published_vectors(void **state) /* transport 19.19 */
{
    (void)state;
    print_message("  %s\n", msrtp_backend_name());
    published_vectors_hold();
}

static void every_back_end_reproduces_the_published_vectors(void **state) /* transport 19.19 */
{
    (void)state;
    for (size_t b = 0; b < backend_count; b++) {
        print_message("  %s\n", backends[b]);
        backend_use(backends[b]);
        published_vectors_hold();
    }
}

/* RFC 7714 16.1.1: the keys of a session, hence without libsrtp2's derivation around the cipher. */
static void every_gcm_reproduces_rfc_7714_and_refuses_each_changed_bit(void **state)
{
    (void)state;
    uint8_t key[28], iv[12], head[12], plain[64], sealed[64], buf[64];
    from_hex("000102030405060708090a0b0c0d0e0f 517569642070726f2071756f", key, sizeof key);
    from_hex("51753c6580c2726f20718414", iv, sizeof iv);
    from_hex("8040f17b8041f8d35501a0b2", head, sizeof head);
    struct bytes text = bytes_str("Gallia est omnis divisa in partes tres");
    struct bytes want = from_hex("f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
                                 "899d7f27beb16a9152cf765ee4390cce",
                                 sealed, sizeof sealed);
    memcpy(plain, text.p, text.n);
    for (const struct msrtp_cipher_kernel *k = msrtp_gcm_kernels; k->type; k++) {
        if (!k->usable())
            continue;
        srtp_cipher_t *c;
        unsigned n = (unsigned)text.n;
        uint32_t tag_len;
        assert_int_equal(k->type->alloc(&c, sizeof key, 16), srtp_err_status_ok);
        assert_int_equal(k->type->init(c->state, key), srtp_err_status_ok);
        k->type->set_iv(c->state, iv, srtp_direction_encrypt);
        k->type->set_aad(c->state, head, sizeof head);
        memcpy(buf, plain, n);
        assert_int_equal(k->type->encrypt(c->state, buf, &n), srtp_err_status_ok);
        assert_int_equal(k->type->get_tag(c->state, buf + n, &tag_len), srtp_err_status_ok);
        assert_int_equal(n + tag_len, want.n);
        assert_memory_equal(buf, want.p, want.n);
        for (size_t bit = 0; bit <= 8 * (want.n + sizeof head); bit++) { /* the last one: none is changed */
            uint8_t aad[12];
            memcpy(buf, want.p, want.n);
            memcpy(aad, head, sizeof head);
            bool changed = bit < 8 * (want.n + sizeof head);
            if (changed)
                *(bit / 8 < want.n ? &buf[bit / 8] : &aad[bit / 8 - want.n]) ^= (uint8_t)(1 << bit % 8);
            k->type->set_iv(c->state, iv, srtp_direction_decrypt);
            k->type->set_aad(c->state, aad, sizeof aad);
            n = (unsigned)want.n;
            assert_int_equal(k->type->decrypt(c->state, buf, &n),
                             changed ? srtp_err_status_auth_fail : srtp_err_status_ok);
        }
        assert_memory_equal(buf, plain, text.n);
        k->type->dealloc(c);
    }
}

enum { CORPUS = 300 };

/* Of every length and with every kind of header, over a wrap of the sequence number, on two SSRCs. */
static void corpus_make(struct packet *p, unsigned i)
{
    rtp_make(p, SSRC + i % 2, (uint16_t)(65500 + i / 2), i < 64 ? i : i * 4);
    p->bytes[0] = 0x80;
    if (p->n >= 12 + 12 && i % 3 == 1) { /* one CSRC, then an extension of one word */
        p->bytes[0] = 0x91;
        put_u32(p->bytes + 16, 0xbede0001);
    } else if (p->n >= 12 + 4 && i % 3 == 2) { /* an empty extension */
        p->bytes[0] = 0x90;
        put_u32(p->bytes + 12, 0xbede0000);
    }
}

static void corpus_seal(size_t profile, struct packet *to)
{
    struct msrtp *ctx = ctx_new(profile, 16);
    for (unsigned i = 0; i < CORPUS; i++) {
        corpus_make(&to[2 * i], i);
        assert_int_equal(seal(ctx, &to[2 * i]), E_OK);
        rtcp_make(&to[2 * i + 1], SSRC + i % 2, i);
        assert_int_equal(msrtp_seal_rtcp(ctx, to[2 * i + 1].bytes, &to[2 * i + 1].n, CAP), E_OK);
    }
    msrtp_free(ctx);
}

static void corpus_open(size_t profile, const struct packet *from)
{
    struct msrtp *ctx = ctx_new(profile, 16);
    struct packet got, want;
    for (unsigned i = 0; i < CORPUS; i++) {
        got = from[2 * i];
        corpus_make(&want, i);
        assert_int_equal(msrtp_open_rtp(ctx, got.bytes, &got.n), E_OK);
        assert_int_equal(got.n, want.n);
        assert_memory_equal(got.bytes, want.bytes, want.n);
        got = from[2 * i + 1];
        rtcp_make(&want, SSRC + i % 2, i);
        assert_int_equal(msrtp_open_rtcp(ctx, got.bytes, &got.n), E_OK);
        assert_int_equal(got.n, want.n);
        assert_memory_equal(got.bytes, want.bytes, want.n);
    }
    msrtp_free(ctx);
}

static void every_back_end_makes_the_bytes_of_plain_libsrtp2(void **state) /* transport 19.19 */
{
    (void)state;
    struct packet *plain = calloc(2 * CORPUS, sizeof *plain), *other = calloc(2 * CORPUS, sizeof *other);
    for (size_t i = 0; i < COUNT(profiles); i++) {
        backend_use("libsrtp2");
        corpus_seal(i, plain);
        for (size_t b = 0; b < backend_count; b++) {
            backend_use(backends[b]);
            corpus_seal(i, other);
            for (size_t k = 0; k < 2 * CORPUS; k++) {
                assert_int_equal(other[k].n, plain[k].n);
                assert_memory_equal(other[k].bytes, plain[k].bytes, plain[k].n);
            }
            corpus_open(i, plain);
        }
    }
    free(plain);
    free(other);
}

/* ---- what is refused ---- */

static uint64_t failures(const struct msrtp *ctx)
{
    const struct msrtp_stats *s = msrtp_stats(ctx);
    return s->auth_failed + s->replayed + s->too_old + s->malformed + s->other_failed;
}

static void each_changed_bit_is_refused_once_and_changes_nothing(void **state) /* transport 19.19 */
{
    (void)state;
    for (size_t b = 0; b < backend_count; b++) {
        backend_use(backends[b]);
        for (size_t i = 0; i < COUNT(profiles); i++) {
            struct msrtp *from = ctx_new(i, 16), *to = ctx_new(i, 16);
            struct packet p;
            sealed_make(from, &p, SSRC, 7);
            uint64_t refused = 0;
            for (size_t bit = 0; bit < 8 * p.n; bit++) {
                p.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                enum err err = open_copy(to, &p);
                assert_true(err == E_AUTH || (bit < 8 && err == E_FORMAT)); /* version, and lengths from X and CC */
                assert_int_equal(failures(to), ++refused);
                p.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            assert_int_equal(msrtp_stats(to)->ssrcs_in, 0);
            assert_int_equal(msrtp_stats(to)->opened, 0);
            assert_int_equal(open_copy(to, &p), E_OK);
            msrtp_free(from);
            msrtp_free(to);
        }
    }
}

static void each_shorter_packet_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct msrtp *from = ctx_new(i, 16), *to = ctx_new(i, 16);
        struct packet rtp, rtcp;
        sealed_make(from, &rtp, SSRC, 7);
        rtcp_make(&rtcp, SSRC, 6);
        assert_int_equal(msrtp_seal_rtcp(from, rtcp.bytes, &rtcp.n, CAP), E_OK);
        uint64_t tried = 0;
        for (size_t n = 0; n < rtp.n; n++, tried++) {
            struct packet p = rtp;
            p.n = n;
            assert_int_not_equal(msrtp_open_rtp(to, p.bytes, &p.n), E_OK);
        }
        for (size_t n = 0; n < rtcp.n; n++, tried++) {
            struct packet p = rtcp;
            p.n = n;
            assert_int_not_equal(msrtp_open_rtcp(to, p.bytes, &p.n), E_OK);
        }
        assert_int_equal(failures(to), tried);
        assert_int_equal(msrtp_stats(to)->opened, 0);
        assert_int_equal(open_copy(to, &rtp), E_OK);
        msrtp_free(from);
        msrtp_free(to);
    }
}

static void a_wrong_key_fails_authentication_and_only_that_is_counted(void **state) /* transport 19.19 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(profiles); i++) {
        uint8_t key[44];
        struct bytes k = from_hex(profiles[i].key, key, sizeof key);
        struct msrtp *from = ctx_new(i, 16);
        key[3] ^= 1;
        struct msrtp *to = msrtp_new(profiles[i].profile, k, k, 16);
        struct packet p;
        sealed_make(from, &p, SSRC, 1);
        assert_int_equal(open_copy(to, &p), E_AUTH);
        assert_int_equal(msrtp_stats(to)->auth_failed, 1);
        assert_int_equal(failures(to), 1);
        msrtp_free(from);
        msrtp_free(to);
    }
}

static void a_duplicate_and_one_behind_the_window_are_told_apart(void **state) /* transport 19.19 */
{
    (void)state;
    static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t i = 0; i < COUNT(profiles); i++) {
        for (size_t s = 0; s < COUNT(starts); s++) {
            struct msrtp *from = ctx_new(i, 16), *to = ctx_new(i, 16);
            struct packet first, inside, now;
            sealed_make(from, &first, SSRC, starts[s]);
            assert_int_equal(open_copy(to, &first), E_OK);
            sealed_make(from, &inside, SSRC, (uint16_t)(starts[s] + 2000 - MSRTP_WINDOW + 1)); /* kept back */
            sealed_make(from, &now, SSRC, (uint16_t)(starts[s] + 2000));
            assert_int_equal(open_copy(to, &now), E_OK);
            assert_int_equal(open_copy(to, &now), E_REPLAY);
            assert_int_equal(msrtp_stats(to)->replayed, 1);
            assert_int_equal(open_copy(to, &first), E_REPLAY);
            assert_int_equal(msrtp_stats(to)->too_old, 1);
            assert_int_equal(open_copy(to, &inside), E_OK); /* late, and new */
            assert_int_equal(open_copy(to, &inside), E_REPLAY);
            assert_int_equal(failures(to), 3);
            msrtp_free(from);
            msrtp_free(to);
        }
    }
}

static void a_repeated_rtcp_packet_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct msrtp *ctx = ctx_new(i, 16);
        struct packet p, copy;
        rtcp_make(&p, SSRC, 6);
        assert_int_equal(msrtp_seal_rtcp(ctx, p.bytes, &p.n, CAP), E_OK);
        copy = p;
        assert_int_equal(msrtp_open_rtcp(ctx, copy.bytes, &copy.n), E_OK);
        copy = p;
        assert_int_equal(msrtp_open_rtcp(ctx, copy.bytes, &copy.n), E_REPLAY);
        assert_int_equal(msrtp_stats(ctx)->replayed, 1);
        msrtp_free(ctx);
    }
}

static void keys_of_a_wrong_length_and_unknown_profiles_are_refused(void **state)
{
    (void)state;
    static const uint8_t key[64];
    for (unsigned profile = 0; profile < 16; profile++) {
        for (size_t n = 0; n <= sizeof key; n++) {
            struct msrtp *ctx = msrtp_new((enum msrtp_profile)profile, bytes_of(key, n), bytes_of(key, n), 16);
            bool right = false;
            for (size_t i = 0; i < COUNT(profiles); i++) {
                uint8_t buf[64];
                right |= profiles[i].profile == profile && from_hex(profiles[i].key, buf, sizeof buf).n == n;
            }
            assert_true(right == (ctx != NULL));
            msrtp_free(ctx);
        }
    }
}

/* ---- many SSRCs ---- */

static void three_thousand_ssrcs_stay_bounded_and_the_legitimate_ones_go_on(void **state) /* transport 19.21 */
{
    (void)state;
    enum { FLOOD = 3000, KEPT = 3, MAX = 256 };
    struct msrtp *from = ctx_new(2, FLOOD + KEPT), *to = ctx_new(2, MAX);
    struct packet p, kept[KEPT];
    for (uint16_t i = 0; i < FLOOD; i++) {
        sealed_make(from, &p, 10000 + i, 1);
        assert_int_equal(open_copy(to, &p), E_OK);
        if (i % 50 == 0) /* in use all the while, over a wrap */
            for (uint32_t k = 0; k < KEPT; k++) {
                sealed_make(from, &kept[k], k + 1, (uint16_t)(65520 + i / 50));
                assert_int_equal(open_copy(to, &kept[k]), E_OK);
            }
        assert_true(msrtp_stats(to)->ssrcs_in <= MAX);
    }
    assert_int_equal(msrtp_stats(to)->ssrcs_in, MAX);
    assert_int_equal(msrtp_stats(to)->ssrcs_forgotten, FLOOD + KEPT - MAX);
    for (uint32_t k = 0; k < KEPT; k++)
        assert_int_equal(open_copy(to, &kept[k]), E_REPLAY); /* never forgotten, or it would be taken again */
    assert_int_equal(failures(to), KEPT);
    msrtp_free(from);
    msrtp_free(to);
}

static void forged_ssrcs_leave_nothing_behind(void **state) /* transport 19.21 */
{
    (void)state;
    struct msrtp *from = ctx_new(2, 16), *to = ctx_new(2, 16);
    struct packet p, good;
    for (uint32_t i = 0; i < 3000; i++) {
        rtp_make(&p, i, 1, 40);
        assert_int_equal(open_copy(to, &p), E_AUTH);
    }
    assert_int_equal(msrtp_stats(to)->ssrcs_in, 0);
    assert_int_equal(msrtp_stats(to)->ssrcs_forgotten, 0);
    sealed_make(from, &good, SSRC, 1);
    assert_int_equal(open_copy(to, &good), E_OK);
    msrtp_free(from);
    msrtp_free(to);
}

static void an_outbound_ssrc_is_never_forgotten_one_too_many_is_refused(void **state) /* transport 19.23 */
{
    (void)state;
    enum { MAX = 40 };
    struct msrtp *ctx = ctx_new(2, MAX);
    struct packet p, first;
    sealed_make(ctx, &first, 0, 1);
    for (uint32_t i = 1; i < MAX; i++)
        sealed_make(ctx, &p, i, 1);
    rtp_make(&p, MAX, 1, 40);
    struct packet before = p;
    assert_int_equal(seal(ctx, &p), E_LIMIT);
    assert_int_equal(p.n, before.n);
    assert_memory_equal(p.bytes, before.bytes, p.n);
    sealed_make(ctx, &p, 0, 1); /* the same packet again: the same bytes, since nothing was forgotten */
    assert_int_equal(p.n, first.n);
    assert_memory_equal(p.bytes, first.bytes, p.n);
    assert_int_equal(msrtp_stats(ctx)->ssrcs_out, MAX);
    msrtp_free(ctx);
}

/* ---- wraps and repeats ---- */

static void loss_around_a_wrap_heals(void **state) /* transport 19.22 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(profiles); i++) {
        for (int lost_from = -20; lost_from <= 1; lost_from++) { /* 20 packets, each way across the wrap */
            struct msrtp *from = ctx_new(i, 16), *to = ctx_new(i, 16);
            struct packet p;
            for (int at = -60; at < 60; at++) {
                sealed_make(from, &p, SSRC, (uint16_t)at);
                if (at >= lost_from && at < lost_from + 20)
                    continue;
                assert_int_equal(open_copy(to, &p), E_OK);
            }
            msrtp_free(from);
            msrtp_free(to);
        }
    }
}

static void order_around_a_wrap_does_not_matter(void **state) /* transport 19.22 */
{
    (void)state;
    struct msrtp *from = ctx_new(2, 16), *to = ctx_new(2, 16);
    static struct packet p[64];
    for (int i = 0; i < 64; i++)
        sealed_make(from, &p[i], SSRC, (uint16_t)(65504 + i));
    for (int i = 0; i < 64; i++)
        assert_int_equal(open_copy(to, &p[i ^ 7]), E_OK); /* eight at a time, backwards */
    msrtp_free(from);
    msrtp_free(to);
}

static void a_packet_sealed_again_is_the_same_and_behind_the_window_refused(void **state) /* transport 19.23 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct msrtp *ctx = ctx_new(i, 16);
        struct packet old, again, p;
        sealed_make(ctx, &old, SSRC, 65530);
        for (int at = 65531; at < 65530 + MSRTP_WINDOW; at++)
            sealed_make(ctx, &p, SSRC, (uint16_t)at);
        sealed_make(ctx, &again, SSRC, 65530); /* across the wrap: with the roll-over counter it had */
        assert_int_equal(again.n, old.n);
        assert_memory_equal(again.bytes, old.bytes, old.n);
        sealed_make(ctx, &p, SSRC, (uint16_t)(65530 + MSRTP_WINDOW));
        rtp_make(&p, SSRC, 65530, 40);
        assert_int_equal(seal(ctx, &p), E_REPLAY);
        msrtp_free(ctx);
    }
}

static void numbers_of_different_rounds_never_share_a_key_stream(void **state) /* transport 19.23 */
{
    (void)state;
    enum { STEP = 16384, ROUNDS = 8 };
    struct msrtp *ctx = ctx_new(2, 16);
    struct packet p[ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned at = 0; at < 65536; at += STEP) {
            rtp_make(&p[round], SSRC, (uint16_t)at, 40); /* the same plaintext in each round */
            assert_int_equal(seal(ctx, &p[round]), E_OK);
        }
    for (unsigned a = 0; a < ROUNDS; a++)
        for (unsigned b = 0; b < a; b++)
            assert_memory_not_equal(p[a].bytes + 12, p[b].bytes + 12, 40);
    msrtp_free(ctx);
}

static void a_buffer_without_room_for_the_tag_is_refused(void **state)
{
    (void)state;
    struct msrtp *ctx = ctx_new(2, 16);
    struct packet p;
    rtp_make(&p, SSRC, 1, 40);
    size_t n = p.n;
    assert_int_equal(msrtp_seal_rtp(ctx, p.bytes, &p.n, n + MSRTP_TRAILER_MAX - 1), E_NOSPACE);
    assert_int_equal(msrtp_seal_rtp(ctx, p.bytes, &p.n, n + MSRTP_TRAILER_MAX), E_OK);
    assert_int_equal(p.n, n + msrtp_rtp_overhead(ctx));
    rtcp_make(&p, SSRC, 4);
    n = p.n;
    assert_int_equal(msrtp_seal_rtcp(ctx, p.bytes, &p.n, n + MSRTP_TRAILER_MAX - 1), E_NOSPACE);
    assert_int_equal(msrtp_seal_rtcp(ctx, p.bytes, &p.n, n + MSRTP_TRAILER_MAX), E_OK);
    assert_int_equal(p.n, n + msrtp_rtcp_overhead(ctx));
    msrtp_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chosen_ciphers_reproduce_the_published_vectors), /* first: the others plug in their own */
        cmocka_unit_test(a_buffer_without_room_for_the_tag_is_refused),
        cmocka_unit_test(a_duplicate_and_one_behind_the_window_are_told_apart),
        cmocka_unit_test(a_packet_sealed_again_is_the_same_and_behind_the_window_refused),
        cmocka_unit_test(a_repeated_rtcp_packet_is_refused),
        cmocka_unit_test(a_wrong_key_fails_authentication_and_only_that_is_counted),
        cmocka_unit_test(an_outbound_ssrc_is_never_forgotten_one_too_many_is_refused),
        cmocka_unit_test(each_changed_bit_is_refused_once_and_changes_nothing),
        cmocka_unit_test(each_shorter_packet_is_refused),
        cmocka_unit_test(every_back_end_makes_the_bytes_of_plain_libsrtp2),
        cmocka_unit_test(every_back_end_reproduces_the_published_vectors),
        cmocka_unit_test(every_gcm_reproduces_rfc_7714_and_refuses_each_changed_bit),
        cmocka_unit_test(forged_ssrcs_leave_nothing_behind),
        cmocka_unit_test(keys_of_a_wrong_length_and_unknown_profiles_are_refused),
        cmocka_unit_test(loss_around_a_wrap_heals),
        cmocka_unit_test(numbers_of_different_rounds_never_share_a_key_stream),
        cmocka_unit_test(order_around_a_wrap_does_not_matter),
        cmocka_unit_test(three_thousand_ssrcs_stay_bounded_and_the_legitimate_ones_go_on),
    };
    if (msrtp_process_init() != E_OK)
        return 1;
    backends_find();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
