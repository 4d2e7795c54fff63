/* box_io.c - in place of bridge/udp_io.c, bridge/channels.c, media/msrtp.c and GnuTLS's random numbers; see box.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <gnutls/crypto.h>

#include "bridge/channels.h"
#include "proto/map.h"
#include "sim/box.h"
#include "sim/wire.h"

static struct box_sink sink;
static struct rng randomness;
static bool running;

/* ---- random numbers ---- */

int gnutls_rnd(gnutls_rnd_level_t level, void *data, size_t len)
{
    (void)level;
    for (uint8_t *p = data; len--; p++)
        *p = (uint8_t)(rng_next(&randomness) >> 32);
    return 0;
}

/* Keys of hash maps: they decide in which order a map is walked, which must be the same in every run. */
ssize_t getrandom(void *data, size_t len, unsigned flags)
{
    (void)flags;
    memset(data, 0x5a, len);
    return (ssize_t)len;
}

/* ---- channels ---- */

void channels_open(struct channels *channels, struct worker *owner, uint32_t ep_serial)
{
    (void)channels, (void)owner, (void)ep_serial;
}

void channels_packet(struct channels *channels, uint32_t ep_serial, struct bytes packet)
{
    (void)channels, (void)ep_serial, (void)packet;
}

void channels_text(struct channels *channels, uint32_t ep_serial, struct bytes text)
{
    (void)channels;
    char *copy = strndup((const char *)text.p, text.n);
    if (running)
        sink.on_text(sink.ctx, ep_serial, copy);
    free(copy);
}

void channels_close(struct channels *channels, uint32_t ep_serial)
{
    (void)channels, (void)ep_serial;
}

/* ---- SRTP ---- */

enum { RING = 2 * MSRTP_WINDOW, OPEN_RING = 2 * MSRTP_WINDOW };

struct seal_stream { /* one SSRC sent: which plaintext had which number */
    int64_t newest;  /* -1: none; roll-over counter and sequence number */
    uint64_t hash[RING];
    int64_t index[RING];
};

struct open_stream {
    int64_t newest;
    int64_t seen[OPEN_RING];
};

struct msrtp {
    uint32_t serial;
    struct map sealed, opened; /* by SSRC */
    struct msrtp_stats stats;
};

static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325ull ^ n;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = (h ^ v) * 0x9fb21c651e98df25ull;
        h ^= h >> 32;
    }
    for (; n; p++, n--)
        h = (h ^ *p) * 0x100000001b3ull;
    return h;
}

struct msrtp *box_io_srtp(uint32_t serial)
{
    struct msrtp *ctx = calloc(1, sizeof *ctx);
    ctx->serial = serial;
    map_init(&ctx->sealed);
    map_init(&ctx->opened);
    return ctx;
}

struct msrtp *msrtp_new(enum msrtp_profile profile, struct bytes rx, struct bytes tx, uint32_t ssrcs_max)
{
    (void)profile, (void)rx, (void)tx, (void)ssrcs_max;
    return box_io_srtp(0);
}

void msrtp_free(struct msrtp *ctx)
{
    if (!ctx)
        return;
    void *stream;
    for (size_t at = 0; (stream = map_next(&ctx->sealed, &at));)
        free(stream);
    for (size_t at = 0; (stream = map_next(&ctx->opened, &at));)
        free(stream);
    map_done(&ctx->sealed);
    map_done(&ctx->opened);
    free(ctx);
}

static void complain(const struct msrtp *ctx, const char *what, uint32_t ssrc, uint16_t seq)
{
    char text[160];
    snprintf(text, sizeof text, "%s: ssrc %08x seq %u", what, ssrc, seq);
    if (running)
        sink.on_violation(sink.ctx, ctx->serial, text);
}

/* As libsrtp2 does: the roll-over counter follows the newest number; what is too far behind is refused. */
static enum err check_sealed(struct msrtp *ctx, const uint8_t *buf, size_t len)
{
    uint32_t ssrc = get32(buf + 8);
    uint16_t seq = get16(buf + 2);
    struct seal_stream *s = map_get_u32(&ctx->sealed, ssrc);
    if (!s) {
        s = calloc(1, sizeof *s);
        s->newest = -1;
        memset(s->index, 0xff, sizeof s->index);
        map_put_u32(&ctx->sealed, ssrc, s);
    }
    int64_t index = s->newest < 0 ? seq : widen16(s->newest, seq);
    if (index < 0 || (s->newest >= 0 && index <= s->newest - MSRTP_WINDOW)) {
        complain(ctx, "sealed behind the window", ssrc, seq);
        return E_REPLAY;
    }
    uint64_t hash = hash_of(buf, len);
    if (s->index[index % RING] == index && s->hash[index % RING] != hash)
        complain(ctx, "two plaintexts under one number", ssrc, seq);
    s->index[index % RING] = index;
    s->hash[index % RING] = hash;
    s->newest = MAX(s->newest, index);
    return E_OK;
}

static enum err check_opened(struct msrtp *ctx, const uint8_t *buf)
{
    uint32_t ssrc = get32(buf + 8);
    uint16_t seq = get16(buf + 2);
    struct open_stream *s = map_get_u32(&ctx->opened, ssrc);
    if (!s) {
        s = calloc(1, sizeof *s);
        s->newest = -1;
        memset(s->seen, 0xff, sizeof s->seen);
        map_put_u32(&ctx->opened, ssrc, s);
    }
    int64_t index = s->newest < 0 ? seq : widen16(s->newest, seq);
    if (index < 0 || (s->newest >= 0 && index <= s->newest - MSRTP_WINDOW) || s->seen[index % OPEN_RING] == index)
        return E_REPLAY;
    s->seen[index % OPEN_RING] = index;
    s->newest = MAX(s->newest, index);
    return E_OK;
}

enum err msrtp_open_rtp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes)
{
    if (*len_bytes < 12 + BOX_TRAILER)
        return E_SHORT;
    *len_bytes -= BOX_TRAILER;
    return check_opened(ctx, buf);
}

enum err msrtp_open_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes)
{
    (void)ctx, (void)buf;
    if (*len_bytes < 8 + BOX_TRAILER_RTCP)
        return E_SHORT;
    *len_bytes -= BOX_TRAILER_RTCP;
    return E_OK;
}

enum err msrtp_seal_rtp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes, size_t cap_bytes)
{
    if (*len_bytes < 12 || *len_bytes + MSRTP_TRAILER_MAX >= cap_bytes)
        return E_NOSPACE;
    enum err err = check_sealed(ctx, buf, *len_bytes);
    memset(buf + *len_bytes, 0, BOX_TRAILER);
    *len_bytes += BOX_TRAILER;
    return err;
}

enum err msrtp_seal_rtcp(struct msrtp *ctx, uint8_t *buf, size_t *len_bytes, size_t cap_bytes)
{
    (void)ctx;
    if (*len_bytes + MSRTP_TRAILER_MAX >= cap_bytes)
        return E_NOSPACE;
    memset(buf + *len_bytes, 0, BOX_TRAILER_RTCP);
    *len_bytes += BOX_TRAILER_RTCP;
    return E_OK;
}

enum err msrtp_process_init(void)
{
    return E_OK;
}

const char *msrtp_backend_name(void)
{
    return "none: simulated";
}

size_t msrtp_rtp_overhead(const struct msrtp *ctx)
{
    (void)ctx;
    return BOX_TRAILER;
}

size_t msrtp_rtcp_overhead(const struct msrtp *ctx)
{
    (void)ctx;
    return BOX_TRAILER_RTCP;
}

const struct msrtp_stats *msrtp_stats(const struct msrtp *ctx)
{
    return &ctx->stats;
}

/* ---- datagrams ---- */

struct udp_io {
    struct udp_counters counters;
    _Alignas(8) uint8_t out[UDP_OUT_CAP];
};

struct udp_io *udp_io_new(uv_loop_t *loop, const struct addr *locals, size_t n, int rcvbuf_bytes, struct pkt_pool *pool,
                          udp_on_batch *on_batch, void *ctx, int failed[UDP_LOCALS_MAX])
{
    (void)loop, (void)locals, (void)rcvbuf_bytes, (void)pool, (void)on_batch, (void)ctx;
    memset(failed, 0, n * sizeof *failed);
    return calloc(1, sizeof(struct udp_io));
}

void udp_io_close(struct udp_io *io)
{
    free(io);
}

uint8_t *udp_out_begin(struct udp_io *io)
{
    return io->out;
}

/* Only media has a way through the simulated network: what ICE and DTLS send has no peer here. */
void udp_out_end(struct udp_io *io, struct udp_dest *dest, size_t len)
{
    io->counters.tx_datagrams++;
    const uint8_t *p = io->out;
    if (!running || len < 12 || p[0] >> 6 != 2)
        return;
    bool rtcp = p[1] >= 192 && p[1] <= 223;
    const struct endpoint *ep = container_of(dest, struct endpoint, dest);
    sink.on_datagram(sink.ctx, ep->serial, p, len - (rtcp ? BOX_TRAILER_RTCP : BOX_TRAILER), rtcp);
}

void udp_out_copy(struct udp_io *io, struct udp_dest *dest, struct bytes datagram)
{
    (void)io, (void)dest, (void)datagram;
}

void udp_dest_set(struct udp_io *io, struct udp_dest *dest, const struct addr *to, uint8_t local)
{
    (void)io;
    dest->to = *to;
    dest->local = local;
}

void udp_dest_forget(struct udp_io *io, struct udp_dest *dest)
{
    (void)io, (void)dest;
}

void udp_flush(struct udp_io *io)
{
    (void)io;
}

const struct udp_counters *udp_io_counters(const struct udp_io *io)
{
    return &io->counters;
}

int udp_io_rcvbuf_bytes(const struct udp_io *io)
{
    (void)io;
    return 0;
}

/* ---- life ---- */

void box_io_start(const struct box_sink *to, uint64_t seed)
{
    sink = *to;
    randomness = (struct rng){seed};
    running = true;
}

void box_io_stop(void)
{
    running = false;
}
