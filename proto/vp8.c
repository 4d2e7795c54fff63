/* vp8.c - see vp8.h. */
#include "proto/vp8.h"

enum { /* RFC 7741 4.2, first byte and the extension byte after it */
       VP8_X = 0x80,
       VP8_N = 0x20,
       VP8_S = 0x10,
       VP8_PID = 0x07,
       VP8_I = 0x80,
       VP8_L = 0x40,
       VP8_T = 0x20,
       VP8_K = 0x10,
       VP8_M = 0x80, /* picture id has 15 bits */
       VP8_Y = 0x20,
       VP8_KEYIDX = 0x1f,
       VP8_INTER = 0x01, /* RFC 6386 9.1: inverse key frame flag in the frame tag */
};

static void read_extension(struct rd *r, struct vp8_desc *d)
{
    uint8_t ext = rd_u8(r, "I|L|T|K");
    if (ext & VP8_I) {
        d->pictureid_at = (uint8_t)(r->pos - r->base);
        d->pictureid = rd_u8(r, "picture id");
        if (d->pictureid & VP8_M) {
            d->pictureid_long = true;
            d->pictureid = (uint16_t)((d->pictureid & 0x7f) << 8 | rd_u8(r, "picture id low"));
        }
    }
    if (ext & VP8_L) {
        d->tl0picidx_at = (uint8_t)(r->pos - r->base);
        d->tl0picidx = rd_u8(r, "tl0picidx");
    }
    if (ext & (VP8_T | VP8_K)) {
        uint8_t b = rd_u8(r, "TID|Y|KEYIDX");
        d->has_tid = ext & VP8_T;
        d->has_keyidx = ext & VP8_K;
        d->tid = d->has_tid ? b >> 6 : 0;
        d->layer_sync = d->has_tid && b & VP8_Y;
        d->keyidx = d->has_keyidx ? b & VP8_KEYIDX : 0;
    }
}

/* RFC 6386 9.1: frame tag 3 bytes, start code 9d 01 2a, then 14 bits each with 2 bits of scale on top, little endian.
 * A key frame without it cannot be decoded, but that is for the decoder to find out. */
static void read_size(struct bytes frame, struct vp8_desc *d)
{
    if (frame.n < 10 || frame.p[3] != 0x9d || frame.p[4] != 0x01 || frame.p[5] != 0x2a)
        return;
    d->width = (uint16_t)((frame.p[7] << 8 | frame.p[6]) & 0x3fff);
    d->height = (uint16_t)((frame.p[9] << 8 | frame.p[8]) & 0x3fff);
}

enum err vp8_desc_parse(struct bytes payload, struct vp8_desc *d)
{
    *d = (struct vp8_desc){0};
    struct rd r = rd_over(payload);
    uint8_t b0 = rd_u8(&r, "X|N|S|PID");
    d->nonref = b0 & VP8_N;
    d->start = b0 & VP8_S;
    d->pid = b0 & VP8_PID;
    if (b0 & VP8_X)
        read_extension(&r, d);
    d->len = (uint8_t)(r.pos - r.base);
    struct bytes frame = rd_rest(&r);
    if (r.err == E_OK && frame.n == 0)
        rd_fail(&r, E_SHORT, "payload");
    if (r.err == E_OK && vp8_frame_start(d) && !(frame.p[0] & VP8_INTER)) {
        d->keyframe = true;
        read_size(frame, d);
    }
    return r.err;
}
