/* Reading and writing the RTP header and the frame of its extension block. What the elements mean: rtp_ext.c. */
#include "proto/rtp.h"

enum { RTP_P = 0x20, RTP_X = 0x10, RTP_CC = 0x0f, RTP_M = 0x80, ONE_BYTE_LAST_ID = 14, ONE_BYTE_LEN_MAX = 16 };

enum rtp_kind rtp_classify(struct bytes datagram)
{
    if (datagram.n < 8 || datagram.p[0] >> 6 != RTP_VERSION)
        return RTP_KIND_NONE;
    if (datagram.p[1] >= 192 && datagram.p[1] <= 223)
        return RTP_KIND_RTCP;
    return datagram.n >= RTP_HEADER_LEN ? RTP_KIND_RTP : RTP_KIND_NONE;
}

enum err rtp_parse(struct rd *r, struct rtp_view *v)
{
    *v = (struct rtp_view){0};
    struct rtp_view got = {0};
    uint8_t b0 = rd_u8(r, "V|P|X|CC");
    uint8_t b1 = rd_u8(r, "M|PT");
    if (r->err == E_OK && b0 >> 6 != RTP_VERSION)
        return rd_fail(r, E_FORMAT, "version");
    got.marker = (b1 & RTP_M) != 0;
    got.pt = b1 & 0x7f;
    got.padded = (b0 & RTP_P) != 0;
    got.seq = rd_u16(r, "seq");
    got.ts = rd_u32(r, "timestamp");
    got.ssrc = rd_u32(r, "ssrc");
    got.csrcs = rd_bytes(r, 4u * (b0 & RTP_CC), "csrc list");
    if (b0 & RTP_X) { /* RFC 3550 5.3.1: profile, then length in 32-bit words */
        got.ext_profile = rd_u16(r, "ext.profile");
        got.ext = rd_bytes(r, 4u * rd_u16(r, "ext.length"), "ext.body");
    }
    got.payload = rd_rest(r);
    if (r->err == E_OK)
        *v = got;
    return r->err;
}

enum err rtp_unpad(struct rtp_view *v)
{
    if (!v->padded)
        return E_OK;
    uint8_t count = v->payload.n > 0 ? v->payload.p[v->payload.n - 1] : 0;
    if (count == 0 || count > v->payload.n)
        return E_FORMAT;
    v->payload.n -= count;
    v->padded = false;
    return E_OK;
}

bool rtp_ext_next(const struct rtp_view *v, size_t *at, struct rtp_ext *out)
{
    bool one_byte = v->ext_profile == RTP_PROFILE_ONE_BYTE;
    if (!one_byte && (v->ext_profile & 0xfff0) != RTP_PROFILE_TWO_BYTE)
        return false;
    const uint8_t *p = v->ext.p;
    size_t n = v->ext.n, i = *at;
    *at = n; /* whatever ends the walk ends it for good */
    while (i < n && p[i] == 0)
        i++;
    if (i == n)
        return false;
    size_t head = one_byte ? 1 : 2, len;
    if (one_byte) {
        out->id = p[i] >> 4;
        len = (p[i] & 0x0fu) + 1u;
        if (out->id == 0 || out->id > ONE_BYTE_LAST_ID) /* id 0 with a length: RFC 8285 4.2 says padding has none */
            return false;
    } else {
        if (n - i < head)
            return false;
        out->id = p[i];
        len = p[i + 1];
    }
    if (n - i - head < len)
        return false;
    out->data = bytes_of(p + i + head, len);
    *at = i + head + len;
    return true;
}

bool rtp_ext_find(const struct rtp_view *v, uint8_t id, struct bytes *out)
{
    struct rtp_ext ext;
    for (size_t at = 0; rtp_ext_next(v, &at, &ext);) {
        if (ext.id == id) {
            *out = ext.data;
            return true;
        }
    }
    *out = bytes_of(NULL, 0);
    return false;
}

/* Size of the elements and the form they need. RFC 8285 4.1.2 lets one block use only one form. */
static size_t ext_body_len(const struct rtp_ext *exts, size_t count, bool *two_byte)
{
    size_t data = 0;
    *two_byte = false;
    for (size_t i = 0; i < count; i++) {
        data += exts[i].data.n;
        *two_byte |= exts[i].id > ONE_BYTE_LAST_ID || exts[i].data.n == 0 || exts[i].data.n > ONE_BYTE_LEN_MAX;
    }
    return data + count * (*two_byte ? 2 : 1);
}

size_t rtp_header_len(const struct rtp_view *v, const struct rtp_ext *exts, size_t ext_count)
{
    bool two_byte;
    size_t body = ext_body_len(exts, ext_count, &two_byte);
    return RTP_HEADER_LEN + v->csrcs.n + (ext_count > 0 ? 4 + (body + 3) / 4 * 4 : 0);
}

static bool writable(const struct rtp_view *v, const struct rtp_ext *exts, size_t ext_count)
{
    if (v->csrcs.n % 4 != 0 || v->csrcs.n / 4 > RTP_CC || v->pt > 127)
        return false;
    for (size_t i = 0; i < ext_count; i++)
        if (exts[i].id == 0 || exts[i].data.n > 255)
            return false;
    return ext_count <= 255;
}

void rtp_write_header(struct wr *w, const struct rtp_view *v, const struct rtp_ext *exts, size_t ext_count)
{
    if (w->err == E_OK && !writable(v, exts, ext_count))
        w->err = E_FORMAT;
    wr_u8(w, (uint8_t)(RTP_VERSION << 6 | (v->padded ? RTP_P : 0) | (ext_count > 0 ? RTP_X : 0) | v->csrcs.n / 4));
    wr_u8(w, (uint8_t)((v->marker ? RTP_M : 0) | v->pt));
    wr_u16(w, v->seq);
    wr_u32(w, v->ts);
    wr_u32(w, v->ssrc);
    wr_bytes(w, v->csrcs);
    if (ext_count == 0)
        return;
    bool two_byte;
    size_t body = ext_body_len(exts, ext_count, &two_byte);
    wr_u16(w, two_byte ? RTP_PROFILE_TWO_BYTE : RTP_PROFILE_ONE_BYTE);
    wr_u16(w, (uint16_t)((body + 3) / 4));
    for (size_t i = 0; i < ext_count; i++) {
        if (two_byte) {
            wr_u8(w, exts[i].id);
            wr_u8(w, (uint8_t)exts[i].data.n);
        } else {
            wr_u8(w, (uint8_t)(exts[i].id << 4 | (exts[i].data.n - 1)));
        }
        wr_bytes(w, exts[i].data);
    }
    wr_zeros(w, (4 - body % 4) % 4);
}

void rtp_write_padding(struct wr *w, uint8_t count)
{
    if (count == 0)
        return;
    wr_zeros(w, count - 1u);
    wr_u8(w, count);
}
