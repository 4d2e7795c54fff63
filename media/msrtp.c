/* See msrtp.h. The ciphers are chosen in msrtp_backend.c.
 *
 * libsrtp2 keeps the streams of a session in a list that it walks for every packet. So each direction has several
 * sessions with the same keys, and a hash table that says which: an SSRC is always in the same session, which is what
 * keeps its roll-over counter and its nonces right. Those of a session share its expanded keys, so one SSRC each would
 * be no better: the walk would be saved, and the keys come from farther away. What goes out finds its session without
 * hashing if it was used lately. */
#include "media/msrtp.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <srtp2/srtp.h>
#include <stdlib.h>

#include "proto/list.h"
#include "proto/map.h"

enum {
    SSRCS_PER_SESSION = 4,
    RECENT = 64, /* outbound; a power of two */
    RTP_HEADER = 12,
    RTCP_HEADER = 8,
    RTCP_INDEX = 4,
    KEY_MAX = 44,
};

struct ssrc {
    struct list lru; /* longest unused first */
    uint32_t ssrc;
    unsigned session;
};

struct session {
    srtp_t srtp;
    unsigned ssrcs;
};

struct inbound {
    uint8_t key[KEY_MAX]; /* for sessions to come */
    struct session *sessions;
    unsigned session_count, roomy; /* roomy: where a new SSRC goes */
    struct map known;              /* SSRC -> struct ssrc */
    struct list lru;
};

struct outbound {
    uint8_t key[KEY_MAX];
    struct map known; /* SSRC -> srtp_t */
    srtp_t *sessions; /* full, all but the last */
    unsigned session_count;
    struct {
        uint32_t ssrc;
        srtp_t session; /* NULL: free */
    } recent[RECENT];   /* by the last bits of the SSRC */
};

struct msrtp {
    srtp_profile_t profile;
    uint32_t ssrcs_max;
    size_t rtp_tag, rtcp_tag;
    struct inbound in;
    struct outbound out;
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

static bool session_new(const struct msrtp *ctx, uint8_t *key, srtp_ssrc_type_t kind, srtp_t *session)
{
    srtp_policy_t policy = {
        .ssrc.type = kind, .key = key, .window_size = MSRTP_WINDOW, .allow_repeat_tx = kind == ssrc_any_outbound};
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, ctx->profile);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, ctx->profile);
    return srtp_create(session, &policy) == srtp_err_status_ok;
}

static bool session_add(struct msrtp *ctx)
{
    struct inbound *in = &ctx->in;
    struct session *grown = reallocarray(in->sessions, in->session_count + 1, sizeof *grown);
    if (!grown)
        abort();
    in->sessions = grown;
    grown[in->session_count] = (struct session){0};
    if (!session_new(ctx, in->key, ssrc_any_inbound, &grown[in->session_count].srtp))
        return false;
    in->roomy = in->session_count++;
    return true;
}

static void inbound_init(struct inbound *in, struct bytes key)
{
    memcpy(in->key, key.p, key.n);
    map_init(&in->known);
    list_init(&in->lru);
}

static void inbound_done(struct inbound *in)
{
    list_for_each_safe (node, &in->lru)
        free(container_of(node, struct ssrc, lru));
    map_done(&in->known);
    for (unsigned i = 0; i < in->session_count; i++)
        srtp_dealloc(in->sessions[i].srtp);
    free(in->sessions);
    gnutls_memset(in->key, 0, sizeof in->key);
}

static void outbound_init(struct outbound *out, struct bytes key)
{
    memcpy(out->key, key.p, key.n);
    map_init(&out->known);
}

static void outbound_done(struct outbound *out)
{
    for (unsigned i = 0; i < out->session_count; i++)
        srtp_dealloc(out->sessions[i]);
    free(out->sessions);
    map_done(&out->known);
    gnutls_memset(out->key, 0, sizeof out->key);
}

/* The session that will take an SSRC not seen before. Nothing is remembered yet: it may be forged. */
static bool session_for_new(struct msrtp *ctx, unsigned *at)
{
    struct inbound *in = &ctx->in;
    if (in->session_count == 0 || in->sessions[in->roomy].ssrcs >= SSRCS_PER_SESSION) {
        unsigned i = 0;
        while (i < in->session_count && in->sessions[i].ssrcs >= SSRCS_PER_SESSION)
            i++;
        if (i < in->session_count)
            in->roomy = i;
        else if (!session_add(ctx))
            return false;
    }
    *at = in->roomy;
    return true;
}

static void ssrc_remember(struct inbound *in, uint32_t ssrc, unsigned session)
{
    struct ssrc *s = malloc(sizeof *s);
    if (!s)
        abort();
    *s = (struct ssrc){.ssrc = ssrc, .session = session};
    in->sessions[session].ssrcs++;
    map_put_u32(&in->known, ssrc, s);
    list_push_back(&in->lru, &s->lru);
}

static void forget_longest_unused(struct inbound *in)
{
    struct ssrc *s = container_of(in->lru.next, struct ssrc, lru);
    struct session *session = &in->sessions[s->session];
    srtp_remove_stream(session->srtp, htonl(s->ssrc)); /* network order here, host order elsewhere in libsrtp2 */
    session->ssrcs--;
    list_remove(&s->lru);
    map_del_u32(&in->known, s->ssrc);
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
    struct inbound *in = &ctx->in;
    struct ssrc *known = map_get_u32(&in->known, ssrc);
    unsigned at;
    if (known)
        at = known->session;
    else if (!session_for_new(ctx, &at))
        return err_of(ctx, srtp_err_status_fail);

    int n = (int)*len_bytes;
    enum err err = err_of(ctx, unprotect(in->sessions[at].srtp, buf, &n));
    if (err != E_OK)
        return err;
    if (known) {
        list_remove(&known->lru);
        list_push_back(&in->lru, &known->lru);
    } else {
        ssrc_remember(in, ssrc, at);
        if (in->known.count > ctx->ssrcs_max) {
            forget_longest_unused(in);
            ctx->stats.ssrcs_forgotten++;
        }
        ctx->stats.ssrcs_in = (uint32_t)in->known.count;
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

/* An SSRC not seen before. Outbound none is ever taken away, so the last session is the only one with room. */
static srtp_t session_out_new(struct msrtp *ctx, uint32_t ssrc)
{
    struct outbound *out = &ctx->out;
    if (out->known.count % SSRCS_PER_SESSION == 0) {
        srtp_t *grown = reallocarray(out->sessions, out->session_count + 1, sizeof(srtp_t));
        if (!grown)
            abort();
        out->sessions = grown;
        if (!session_new(ctx, out->key, ssrc_any_outbound, &grown[out->session_count]))
            return NULL;
        out->session_count++;
    }
    srtp_t session = out->sessions[out->session_count - 1];
    map_put_u32(&out->known, ssrc, session);
    ctx->stats.ssrcs_out = (uint32_t)out->known.count;
    return session;
}

/* NULL: E_LIMIT or E_SYSTEM has been counted, *err says which. */
static srtp_t session_out(struct msrtp *ctx, uint32_t ssrc, enum err *err)
{
    struct outbound *out = &ctx->out;
    size_t at = ssrc & (RECENT - 1);
    if (out->recent[at].session && out->recent[at].ssrc == ssrc)
        return out->recent[at].session;
    srtp_t session = map_get_u32(&out->known, ssrc);
    if (!session) {
        if (out->known.count >= ctx->ssrcs_max) {
            *err = err_of(ctx, srtp_err_status_key_expired); /* forgetting one would use its nonces again */
            return NULL;
        }
        if (!(session = session_out_new(ctx, ssrc))) {
            *err = err_of(ctx, srtp_err_status_fail);
            return NULL;
        }
    }
    out->recent[at].ssrc = ssrc;
    out->recent[at].session = session;
    return session;
}

static enum err seal_with(struct msrtp *ctx, uint32_t ssrc, transform *protect, uint8_t *buf, size_t *len_bytes)
{
    enum err err = E_OK;
    srtp_t session = session_out(ctx, ssrc, &err);
    if (!session)
        return err;
    int n = (int)*len_bytes;
    err = err_of(ctx, protect(session, buf, &n));
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
    inbound_init(&ctx->in, rx);
    outbound_init(&ctx->out, tx);
    return ctx;
}

void msrtp_free(struct msrtp *ctx)
{
    if (!ctx)
        return;
    inbound_done(&ctx->in);
    outbound_done(&ctx->out);
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
