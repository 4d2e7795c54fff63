/* payload.c - see payload.h. */
#include "sim/payload.h"

static const struct {
    const char *name;
    uint8_t pt, rtx_pt;
} codecs[PAYLOAD_CODECS] = {
    [PAYLOAD_VP8] = {"vp8", 100, 96},   [PAYLOAD_VP9] = {"vp9", 101, 97},      [PAYLOAD_H264] = {"h264", 107, 99},
    [PAYLOAD_H265] = {"h265", 104, 98}, [PAYLOAD_PLAIN] = {"plain", 105, 106},
};

uint8_t payload_pt(enum payload_codec codec)
{
    return codecs[codec].pt;
}

uint8_t payload_rtx_pt(enum payload_codec codec)
{
    return codecs[codec].rtx_pt;
}

const char *payload_name(enum payload_codec codec)
{
    return codecs[codec].name;
}

int payload_of_pt(uint8_t pt)
{
    for (int i = 0; i < PAYLOAD_CODECS; i++)
        if (codecs[i].pt == pt)
            return i;
    return -1;
}

bool payload_is_rtx(uint8_t pt)
{
    for (int i = 0; i < PAYLOAD_CODECS; i++)
        if (codecs[i].rtx_pt == pt)
            return true;
    return false;
}

/* ---- VP8 ---- */

static uint8_t *write_vp8(uint8_t *p, const struct payload_head *h)
{
    unsigned width = h->height * 16 / 9;
    p = put8(p, h->start ? 0x90 : 0x80);
    p = put8(p, 0xf0);
    p = put16(p, 0x8000u | h->pictureid);
    p = put8(p, h->tl0);
    p = put8(p, (unsigned)(h->tid << 6 | (h->sync ? 0x20 : 0)));
    p = put8(p, h->start && h->key ? 0x10 : 0x11);
    p = put16(p, 0);
    p = put8(put16(p, 0x9d01), 0x2a);
    p = put16(p, (width & 0xff) << 8 | width >> 8);
    return put16(p, (h->height & 0xff) << 8 | h->height >> 8);
}

static bool read_vp8(const uint8_t *p, size_t n, struct payload_head *h)
{
    if (n < 16 || (p[0] & 0x80) == 0 || p[1] != 0xf0 || (p[2] & 0x80) == 0)
        return false;
    h->start = (p[0] & 0x1f) == 0x10;
    h->pictureid = get16(p + 2) & 0x7fff;
    h->tl0 = p[4];
    h->tid = p[5] >> 6;
    h->sync = p[5] & 0x20;
    h->key = h->start && !(p[6] & 1);
    return true;
}

/* ---- VP9 ---- */

static uint8_t *write_structure(uint8_t *p, const struct payload_head *h)
{
    p = put8(p, (unsigned)(h->sids - 1) << 5 | 0x10 | (h->group ? 0x08 : 0));
    for (unsigned s = 0; s < h->sids; s++) {
        unsigned height = h->height >> (h->sids - 1u - s);
        p = put16(put16(p, height * 16 / 9), height);
    }
    if (!h->group)
        return p;
    p = put8(p, h->group);
    for (unsigned i = 0; i < h->group; i++) {
        p = put8(p, (unsigned)h->group_tid[i] << 5 | (h->group_tid[i] ? 0x10 : 0) | 1 << 2);
        p = put8(p, h->group_ref[i]);
    }
    return p;
}

static uint8_t *write_vp9(uint8_t *p, const struct payload_head *h)
{
    p = put8(p, 0x80u | (h->key ? 0 : 0x40) | 0x20 | (h->flexible ? 0x10 : 0) | (h->start ? 0x08 : 0) |
                    (h->end ? 0x04 : 0) | (h->sids ? 0x02 : 0) | (h->not_upper_ref ? 0x01 : 0));
    p = put16(p, 0x8000u | h->pictureid);
    p = put8(p, (unsigned)h->tid << 5 | (h->sync ? 0x10 : 0) | (unsigned)h->sid << 1 | h->inter_layer);
    if (!h->flexible)
        p = put8(p, h->tl0);
    for (unsigned i = 0; h->flexible && !h->key && i < h->ref_count; i++)
        p = put8(p, (unsigned)h->refs[i] << 1 | (i + 1u < h->ref_count));
    return h->sids ? write_structure(p, h) : p;
}

static bool read_structure(const uint8_t *p, const uint8_t *end, struct payload_head *h)
{
    if (p >= end)
        return false;
    unsigned b = *p++;
    h->sids = (uint8_t)((b >> 5) + 1);
    size_t sizes = b & 0x10 ? 4u * h->sids : 0;
    if (h->sids > PAYLOAD_SIDS || sizes + 1 > (size_t)(end - p))
        return false;
    h->height = sizes ? get16(p + sizes - 2) : 0;
    p += sizes;
    h->group = b & 0x08 ? *p++ : 0;
    if (h->group > PAYLOAD_GROUP_MAX || (size_t)(end - p) < 2u * h->group)
        return false;
    for (unsigned i = 0; i < h->group; i++, p += 2) {
        if ((p[0] >> 2 & 3) != 1)
            return false;
        h->group_tid[i] = p[0] >> 5;
        h->group_ref[i] = p[1];
    }
    return true;
}

static bool read_vp9(const uint8_t *p, size_t n, struct payload_head *h)
{
    const uint8_t *end = p + n;
    if (n < 10 || (p[0] & 0xa0) != 0xa0 || !(p[1] & 0x80))
        return false;
    unsigned b0 = *p;
    h->key = !(b0 & 0x40);
    h->flexible = b0 & 0x10;
    h->start = b0 & 0x08;
    h->end = b0 & 0x04;
    h->not_upper_ref = b0 & 0x01;
    h->pictureid = get16(p + 1) & 0x7fff;
    h->tid = p[3] >> 5;
    h->sync = p[3] & 0x10;
    h->sid = p[3] >> 1 & 7;
    h->inter_layer = p[3] & 1;
    p += 4;
    if (!h->flexible)
        h->tl0 = *p++;
    for (bool more = h->flexible && !h->key; more; p++) {
        if (h->ref_count == PAYLOAD_REFS_MAX || p >= end)
            return false;
        h->refs[h->ref_count++] = *p >> 1;
        more = *p & 1;
    }
    return !(b0 & 0x02) || read_structure(p, end, h);
}

/* ---- H.264, H.265 ---- */

/* A key frame begins with its parameter sets in an aggregate; all else is in fragments. */
static uint8_t *write_h264(uint8_t *p, size_t len, const struct payload_head *h)
{
    if (h->sealed)
        return put16(p, 0xffff);
    if (h->start && h->key)
        return put8(put16(put8(p, 0x78), (unsigned)len - 3), 0x67);
    return put8(put8(p, 0x7c), (h->start ? 0x80u : 0) | (h->end && !h->start ? 0x40u : 0) | (h->key ? 5 : 1));
}

static uint8_t *write_h265(uint8_t *p, size_t len, const struct payload_head *h)
{
    if (h->sealed)
        return put16(p, 0xffff);
    if (h->start && h->key)
        return put16(put16(put16(p, 48 << 9 | 1), (unsigned)len - 4), 32 << 9 | 1);
    return put8(put16(p, 49 << 9 | 1), (h->start ? 0x80u : 0) | (h->end && !h->start ? 0x40u : 0) | (h->key ? 19 : 1));
}

static bool read_h26x(const uint8_t *p, bool h265, struct payload_head *h)
{
    h->sealed = get16(p) == 0xffff;
    if (h->sealed)
        return true;
    unsigned type = h265 ? p[0] >> 1 & 0x3f : p[0] & 0x1f;
    h->key = type == (h265 ? 48 : 24);
    h->start = h->key || (h265 ? p[2] : p[1]) & 0x80;
    return type == (h265 ? 48 : 24) || type == (h265 ? 49 : 28);
}

/* ---- all ---- */

uint8_t *payload_write(uint8_t *p, size_t len, const struct payload_head *head)
{
    switch (head->codec) {
    case PAYLOAD_VP8: return write_vp8(p, head);
    case PAYLOAD_VP9: return write_vp9(p, head);
    case PAYLOAD_H264: return write_h264(p, len, head);
    case PAYLOAD_H265: return write_h265(p, len, head);
    default: return put8(p, 0x2a);
    }
}

bool payload_read(const uint8_t *p, size_t n, enum payload_codec codec, struct payload_head *head)
{
    *head = (struct payload_head){.codec = (uint8_t)codec};
    if (n < PAYLOAD_HEAD_MAX)
        return false;
    switch (codec) {
    case PAYLOAD_VP8: return read_vp8(p, n, head);
    case PAYLOAD_VP9: return read_vp9(p, n, head);
    case PAYLOAD_H264: return read_h26x(p, false, head);
    case PAYLOAD_H265: return read_h26x(p, true, head);
    default: return true;
    }
}
