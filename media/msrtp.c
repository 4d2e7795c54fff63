/* See msrtp.h. The ciphers are chosen in msrtp_backend.c.
 *
 * libsrtp2 keeps the streams of a session in a list that it walks for every packet. So each direction has several
 * sessions with the same keys, each with a few SSRCs, and a hash table that says which: an SSRC is always in the
 * same session, which is what keeps its roll-over counter and its nonces right. */
#include "media/msrtp.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <srtp2/srtp.h>
#include <stdlib.h>

#include "proto/list.h"
#include "proto/map.h"

enum {
    SSRCS_PER_SESSION = 4,
    RTP_HEADER = 12,
    RTCP_HEADER = 8,
    RTCP_INDEX = 4,
    KEY_MAX = 44,
};

struct ssrc {
    struct list lru; /* inbound: longest unused first */
    uint32_t ssrc;
    unsigned session;
};

struct session {
    srtp_t srtp;
    unsigned ssrcs;
};

struct direction {
    srtp_ssrc_type_t kind;
    uint8_t key[KEY_MAX]; /* for sessions to come */
    struct session *sessions;
    unsigned session_count, roomy; /* roomy: where a new SSRC goes */
    struct map known;              /* by SSRC */
    struct list lru;
};

struct msrtp {
    srtp_profile_t profile;
    uint32_t ssrcs_max;
    size_t rtp_tag, rtcp_tag;
    struct direction in, out;
    struct msrtp_stats stats;
};

static const struct {
    enum msrtp_profile profile;
    uint8_t key_len, rtp_tag, rtcp_tag;
} profiles[] = {
    {MSRTP_AES128_CM_SHA1_80, 30, 10, 10},
    {MSRTP_AES128_CM_SHA1_32, 30, 4, 10},
    {MSRTP_AEAD_AES_128_GCM, 28, 16, 16},
    {MSRTP_AEAD_AES_256_GCM, 44, 16, 16},
};

/* ---- sessions ---- */

static bool session_add(struct msrtp *ctx, struct direction *dir)
{
    srtp_policy_t policy = {.ssrc = {dir->kind, 0},
                            .key = dir->key,
                            .window_size = MSRTP_WINDOW,
                            .allow_repeat_tx = dir->kind == ssrc_any_outbound};
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, ctx->profile);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, ctx->profile);
    struct session *grown = reallocarray(dir->sessions, dir->session_count + 1, sizeof *grown);
    if (!grown)
        abort();
    dir->sessions = grown;
    grown[dir->session_count] = (struct session){0};
    if (srtp_create(&grown[dir->session_count].srtp, &policy) != srtp_err_status_ok)
        return false;
    dir->roomy = dir->session_count++;
    return true;
}

static void direction_init(struct direction *dir, srtp_ssrc_type_t kind, struct bytes key)
{
    dir->kind = kind;
    memcpy(dir->key, key.p, key.n);
    map_init(&dir->known);
    list_init(&dir->lru);
}

static void direction_done(struct direction *dir)
{
    list_for_each_safe (node, &dir->lru)
        free(container_of(node, struct ssrc, lru));
    map_done(&dir->known);
    for (unsigned i = 0; i < dir->session_count; i++)
        srtp_dealloc(dir->sessions[i].srtp);
    free(dir->sessions);
    gnutls_memset(dir->key, 0, sizeof dir->key);
}

/* The session that will take an SSRC not seen before. Nothing is remembered yet: it may be forged. */
static bool session_for_new(struct msrtp *ctx, struct direction *dir, unsigned *at)
{
    if (dir->session_count == 0 || dir->sessions[dir->roomy].ssrcs >= SSRCS_PER_SESSION) {
        unsigned i = 0;
        while (i < dir->session_count && dir->sessions[i].ssrcs >= SSRCS_PER_SESSION)
            i++;
        if (i < dir->session_count)
            dir->roomy = i;
        else if (!session_add(ctx, dir))
            return false;
    }
    *at = dir->roomy;
    return true;
}

static void ssrc_remember(struct direction *dir, uint32_t ssrc, unsigned session)
{
    struct ssrc *s = malloc(sizeof *s);
    if (!s)
        abort();
    *s = (struct ssrc){.ssrc = ssrc, .session = session};
    dir->sessions[session].ssrcs++;
    map_put_u32(&dir->known, ssrc, s);
    list_push_back(&dir->lru, &s->lru);
}

static void forget_longest_unused(struct direction *dir)
{
    struct ssrc *s = container_of(dir->lru.next, struct ssrc, lru);
    struct session *session = &dir->sessions[s->session];
    srtp_remove_stream(session->srtp, htonl(s->ssrc)); /* network order here, host order elsewhere in libsrtp2 */
    session->ssrcs--;
    list_remove(&s->lru);
    map_del_u32(&dir->known, s->ssrc);
    free(s);
}

/* ---- errors ---- */

static enum err err_of(struct msrtp *ctx, srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok: return E_OK;
    case srtp_err_status_auth_fail: ctx->stats.auth_failed++; return E_AUTH;
    case srtp_err_status_replay_fail: ctx->stats.replayed++; return E_REPLAY;
    case srtp_err_status_replay_old: ctx->stats.too_old++; return E_REPLAY;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err: ctx->stats.malformed++; return E_FORMAT;
    case srtp_err_status_key_expired: ctx->stats.other_failed++; return E_LIMIT;
    default: ctx->stats.other_failed++; return E_SYSTEM;
    }
}

/* RFC 3550 5.1, 6.4: enough of a header that the SSRC is one, and room for what SRTP put behind it. */
static enum err check(struct msrtp *ctx, const uint8_t *buf, size_t n, size_t least)
{
    enum err err = n < least ? E_SHORT : n > INT32_MAX || buf[0] >> 6 != 2 ? E_FORMAT : E_OK;
    if (err != E_OK)
        ctx->stats.malformed++;
    return err;
}

/* ---- in ---- */

typedef srtp_err_status_t transform(srtp_t session, void *buf, int *len);

static enum err open_with(struct msrtp *ctx, uint32_t ssrc, transform *unprotect, uint8_t *buf, size_t *len_bytes)
{
    struct direction *dir = &ctx->in;
    struct ssrc *known = map_get_u32(&dir->known, ssrc);
    unsigned at;
    if (known)
        at = known->session;
    else if (!session_for_new(ctx, dir, &at))
        return err_of(ctx, srtp_err_status_fail);

    int n = (int)*len_bytes;
    enum err err = err_of(ctx, unprotect(dir->sessions[at].srtp, buf, &n));
    if (err != E_OK)
        return err;
    if (known) {
        list_remove(&known->lru);
        list_push_back(&dir->lru, &known->lru);
    } else {
        ssrc_remember(dir, ssrc, at);
        if (dir->known.count > ctx->ssrcs_max) {
            forget_longest_unused(dir);
            ctx->stats.ssrcs_forgotten++;
        }
        ctx->stats.ssrcs_in = (uint32_t)dir->known.count;
    }
    *len_bytes = (size_t)n;
    ctx->stats.opened++;
    return E_OK;
}

enum err msrtp_open_rtp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes)
{
    enum err err = check(ctx, buf, *len_bytes, RTP_HEADER + ctx->rtp_tag);
    return err != E_OK ? err : open_with(ctx, get_u32(buf + 8), srtp_unprotect, buf, len_bytes);
}

enum err msrtp_open_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes)
{
    enum err err = check(ctx, buf, *len_bytes, RTCP_HEADER + RTCP_INDEX + ctx->rtcp_tag);
    return err != E_OK ? err : open_with(ctx, get_u32(buf + 4), srtp_unprotect_rtcp, buf, len_bytes);
}

/* ---- out ---- */

static enum err seal_with(struct msrtp *ctx, uint32_t ssrc, transform *protect, uint8_t *buf, size_t *len_bytes)
{
    struct direction *dir = &ctx->out;
    struct ssrc *known = map_get_u32(&dir->known, ssrc);
    unsigned at;
    if (known)
        at = known->session;
    else if (dir->known.count >= ctx->ssrcs_max)
        return err_of(ctx, srtp_err_status_key_expired); /* forgetting one would use its nonces again */
    else if (!session_for_new(ctx, dir, &at))
        return err_of(ctx, srtp_err_status_fail);

    int n = (int)*len_bytes;
    enum err err = err_of(ctx, protect(dir->sessions[at].srtp, buf, &n));
    if (!known) { /* even after an error: libsrtp2 may have made the stream */
        ssrc_remember(dir, ssrc, at);
        ctx->stats.ssrcs_out = (uint32_t)dir->known.count;
    }
    if (err != E_OK)
        return err;
    *len_bytes = (size_t)n;
    ctx->stats.sealed++;
    return E_OK;
}

enum err msrtp_seal_rtp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes, size_t cap_bytes)
{
    enum err err = check(ctx, buf, *len_bytes, RTP_HEADER);
    if (err != E_OK)
        return err;
    if (cap_bytes < *len_bytes + MSRTP_TRAILER_MAX)
        return E_NOSPACE;
    return seal_with(ctx, get_u32(buf + 8), srtp_protect, buf, len_bytes);
}

enum err msrtp_seal_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes, size_t cap_bytes)
{
    enum err err = check(ctx, buf, *len_bytes, RTCP_HEADER);
    if (err != E_OK)
        return err;
    if (cap_bytes < *len_bytes + MSRTP_TRAILER_MAX)
        return E_NOSPACE;
    return seal_with(ctx, get_u32(buf + 4), srtp_protect_rtcp, buf, len_bytes);
}

/* ---- life ---- */

struct msrtp *msrtp_new(enum msrtp_profile profile, struct bytes rx, struct bytes tx, uint32_t ssrcs_max)
{
    size_t i = 0;
    while (i < COUNT(profiles) && profiles[i].profile != profile)
        i++;
    if (i == COUNT(profiles) || rx.n != profiles[i].key_len || tx.n != rx.n || msrtp_process_init() != E_OK)
        return NULL;
    struct msrtp *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        abort();
    ctx->profile = (srtp_profile_t)profile;
    ctx->ssrcs_max = ssrcs_max;
    ctx->rtp_tag = profiles[i].rtp_tag;
    ctx->rtcp_tag = profiles[i].rtcp_tag;
    direction_init(&ctx->in, ssrc_any_inbound, rx);
    direction_init(&ctx->out, ssrc_any_outbound, tx);
    return ctx;
}

void msrtp_free(struct msrtp *ctx)
{
    if (!ctx)
        return;
    direction_done(&ctx->in);
    direction_done(&ctx->out);
    free(ctx);
}

size_t msrtp_rtp_overhead(const struct msrtp *ctx)
{
    return ctx->rtp_tag;
}

size_t msrtp_rtcp_overhead(const struct msrtp *ctx)
{
    return ctx->rtcp_tag + RTCP_INDEX;
}

const struct msrtp_stats *msrtp_stats(const struct msrtp *ctx)
{
    return &ctx->stats;
}
