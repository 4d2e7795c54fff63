/* wire.c - see wire.h. */
#include "sim/wire.h"

static const uint8_t magic[4] = {0xbe, 0xad, 0x5e, 0xed};

static void read_element(struct wire_rtp *out, unsigned id, const uint8_t *p, size_t len)
{
    if (id == WIRE_TWCC_ID && len == 2)
        out->twcc = get16(p);
    else if (id == WIRE_SEND_TIME_ID && len == 3)
        out->send_units = p[0] << 16 | get16(p + 1);
    else if (id == WIRE_LEVEL_ID && len >= 1)
        out->level = p[0] & 0x7f;
    else if (id == WIRE_MID_ID && len < sizeof out->mid)
        memcpy(out->mid, p, len);
    else if (id == WIRE_DD_ID)
        out->dd = p, out->dd_len = len;
}

static bool read_elements(struct wire_rtp *out, bool two_bytes, const uint8_t *p, const uint8_t *end) /* RFC 8285 4 */
{
    while (p < end) {
        if (*p == 0) {
            p++;
            continue;
        }
        if (two_bytes && p + 2 > end)
            return false;
        unsigned id = two_bytes ? p[0] : p[0] >> 4;
        size_t len = two_bytes ? p[1] : (p[0] & 15) + 1u;
        p += two_bytes ? 2 : 1;
        if (len > (size_t)(end - p))
            return false;
        read_element(out, id, p, len);
        p += len;
    }
    return true;
}

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
                             .twcc = -1,
                             .level = -1,
                             .send_units = -1};
    if (p[0] & 0x10) {
        if (at + 4 > n)
            return false;
        unsigned profile = get16(p + at);
        size_t end = at + 4 + 4u * get16(p + at + 2);
        if ((profile != 0xbede && profile != 0x1000) || end > n ||
            !read_elements(out, profile == 0x1000, p + at + 4, p + end))
            return false;
        at = end;
    }
    if (at + pad > n)
        return false;
    out->payload = p + at;
    out->len = n - at - pad;
    return true;
}

static uint8_t *put_element(uint8_t *p, bool two_bytes, unsigned id, const void *data, size_t len)
{
    p = two_bytes ? put8(put8(p, id), (unsigned)len) : put8(p, id << 4 | ((unsigned)len - 1));
    memcpy(p, data, len);
    return p + len;
}

uint8_t *wire_write(uint8_t *p, const struct wire_rtp *rtp)
{
    bool two_bytes = rtp->dd_len > 16;
    uint8_t *start = p, *ext = p + 12, *at = ext + 4, data[3];
    if (rtp->level >= 0)
        at = put_element(at, two_bytes, WIRE_LEVEL_ID, (put8(data, (unsigned)rtp->level), data), 1);
    if (rtp->send_units >= 0)
        at = put_element(at, two_bytes, WIRE_SEND_TIME_ID,
                         (put16(put8(data, (unsigned)rtp->send_units >> 16), rtp->send_units & 0xffff), data), 3);
    if (rtp->twcc >= 0)
        at = put_element(at, two_bytes, WIRE_TWCC_ID, (put16(data, (unsigned)rtp->twcc), data), 2);
    if (rtp->dd)
        at = put_element(at, two_bytes, WIRE_DD_ID, rtp->dd, rtp->dd_len);
    bool any = at > ext + 4;
    while ((at - ext) % 4)
        at = put8(at, 0);
    if (any)
        put16(put16(ext, two_bytes ? 0x1000 : 0xbede), (unsigned)(at - ext - 4) / 4);
    p = put8(start, 0x80 | (any ? 0x10 : 0));
    p = put8(p, rtp->pt | (rtp->marker ? 0x80u : 0));
    put32(put32(put16(p, rtp->seq), rtp->ts), rtp->ssrc);
    return any ? at : ext;
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
    p = put32(p, note->ts);
    p = put8(p, note->tid);
    p = put8(p, note->sid);
    p = put16(p, (unsigned)(note->key | note->first << 1 | note->last << 2 | note->sealed << 3 | note->epoch << 8));
    return put32(p, note->packet * 2654435761u);
}

bool wire_note_read(const uint8_t *payload, size_t n, struct wire_note *note)
{
    if (n < WIRE_NOTE_LEN)
        return false;
    const uint8_t *p = payload + n - WIRE_NOTE_LEN;
    if (memcmp(p, magic, 4) != 0)
        return false;
    unsigned flags = get16(p + 34);
    *note = (struct wire_note){.sender = get32(p + 4),
                               .encoding = get32(p + 8),
                               .packet = get32(p + 12),
                               .frame = get32(p + 16),
                               .dep = {get32(p + 20), get32(p + 24)},
                               .ts = get32(p + 28),
                               .tid = p[32],
                               .sid = p[33],
                               .epoch = (uint8_t)(flags >> 8),
                               .key = flags & 1,
                               .first = flags & 2,
                               .last = flags & 4,
                               .sealed = flags & 8};
    return get32(p + 36) == note->packet * 2654435761u;
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
