/* wire.c - see wire.h. */
#include "sim/wire.h"

static const uint8_t magic[4] = {0xbe, 0xad, 0x5e, 0xed};

bool wire_read(const uint8_t *p, size_t n, struct wire_rtp *out)
{
    if (n < 12 || p[0] >> 6 != 2)
        return false;
    size_t at = 12 + 4u * (p[0] & 15), pad = p[0] & 0x20 ? p[n - 1] : 0;
    *out = (struct wire_rtp){.pt = p[1] & 0x7f,
                             .marker = p[1] >> 7,
                             .seq = get16(p + 2),
                             .ts = get32(p + 4),
                             .ssrc = get32(p + 8),
                             .twcc = -1};
    if (p[0] & 0x10) {
        if (at + 4 > n || get16(p + at) != 0xbede)
            return false;
        size_t end = at + 4 + 4u * get16(p + at + 2);
        if (end > n)
            return false;
        for (at += 4; at < end;) {
            unsigned id = p[at] >> 4, len = (p[at] & 15) + 1u;
            if (id == 0) {
                at++;
                continue;
            }
            if (at + 1 + len > end)
                return false;
            if (id == WIRE_TWCC_ID && len == 2)
                out->twcc = get16(p + at + 1);
            if (id == WIRE_MID_ID && len < sizeof out->mid)
                memcpy(out->mid, p + at + 1, len);
            at += 1 + len;
        }
    }
    if (at + pad > n)
        return false;
    out->payload = p + at;
    out->len = n - at - pad;
    return true;
}

uint8_t *wire_write(uint8_t *p, const struct wire_rtp *rtp, int level)
{
    bool ext = rtp->twcc >= 0 || level >= 0;
    p = put8(p, 0x80 | (ext ? 0x10 : 0));
    p = put8(p, rtp->pt | (rtp->marker ? 0x80 : 0));
    p = put16(p, rtp->seq);
    p = put32(p, rtp->ts);
    p = put32(p, rtp->ssrc);
    if (!ext)
        return p;
    p = put32(p, 0xbede0001);
    if (rtp->twcc >= 0)
        return put8(put16(put8(p, WIRE_TWCC_ID << 4 | 1), (unsigned)rtp->twcc), 0);
    return put16(put8(put8(p, WIRE_LEVEL_ID << 4), (unsigned)level), 0);
}

uint8_t *wire_note_write(uint8_t *p, const struct wire_note *note)
{
    memcpy(p, magic, 4);
    p = put32(p + 4, note->sender);
    p = put32(p, note->encoding);
    p = put32(p, note->packet);
    p = put32(p, note->frame);
    for (int i = 0; i < WIRE_DEPS_MAX; i++)
        p = put32(p, note->dep[i]);
    p = put8(p, note->tid);
    p = put8(p, note->key);
    p = put8(p, note->first);
    p = put8(p, note->last);
    return put32(p, note->packet * 2654435761u);
}

bool wire_note_read(const uint8_t *payload, size_t n, struct wire_note *note)
{
    const uint8_t *p = payload;
    if (n < WIRE_NOTE_LEN || memcmp(p, magic, 4) != 0)
        return false;
    *note = (struct wire_note){.sender = get32(p + 4),
                               .encoding = get32(p + 8),
                               .packet = get32(p + 12),
                               .frame = get32(p + 16),
                               .dep = {get32(p + 20), get32(p + 24)},
                               .tid = p[28],
                               .key = p[29],
                               .first = p[30],
                               .last = p[31]};
    return get32(p + 32) == note->packet * 2654435761u;
}

bool wire_vp8_read(const uint8_t *p, size_t n, struct wire_vp8 *out)
{
    if (n < WIRE_NOTE_AT || (p[0] & 0x80) == 0 || p[1] != 0xf0 || (p[2] & 0x80) == 0)
        return false;
    *out = (struct wire_vp8){
        .start = (p[0] & 0x1f) == 0x10, .pictureid = get16(p + 2) & 0x7fff, .tl0 = p[4], .tid = p[5] >> 6};
    return true;
}

bool wire_rtcp_read(const uint8_t *p, size_t n, wire_on_rtcp *on, void *ctx)
{
    while (n >= 4) {
        size_t len = 4u * (get16(p + 2) + 1u);
        if (p[0] >> 6 != 2 || len > n)
            return false;
        on(ctx, p[1], p[0] & 31, p + 4, len - 4 - (p[0] & 0x20 ? p[len - 1] : 0));
        p += len;
        n -= len;
    }
    return n == 0;
}

uint8_t *wire_rtcp_begin(uint8_t *p, uint8_t type, unsigned count)
{
    return put16(put8(put8(p, 0x80 | count), type), 0);
}

size_t wire_rtcp_end(uint8_t *start, uint8_t *end)
{
    put16(start + 2, (unsigned)((end - start) / 4 - 1));
    return (size_t)(end - start);
}
