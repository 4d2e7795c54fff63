/* vp8.h - the VP8 payload descriptor and the size on a key frame (RFC 7741 4.2 and 4.3, RFC 6386 9.1).
 *
 * Reads only what a forwarder needs: at most the first 16 bytes of a payload, all of which end-to-end encryption leaves
 * in the clear. Fields that a projection rewrites are given with their offset; a 7-bit picture id stays one, so nothing
 * changes its length. Not for decoding or writing. Owner: vp8_desc is a plain value. Thread: any. */
#ifndef PROTO_VP8_H
#define PROTO_VP8_H

#include "proto/bytes.h"

struct vp8_desc {
    uint16_t pictureid;     /* 7 or 15 bits */
    uint16_t width, height; /* pixels; on the first packet of a key frame, else 0 */
    uint8_t len;            /* of the descriptor: 1 to 6 bytes, the VP8 payload follows */
    uint8_t pictureid_at;   /* offset in the RTP payload; 0: absent */
    uint8_t tl0picidx_at;   /* offset in the RTP payload; 0: absent */
    uint8_t tl0picidx;
    uint8_t tid;         /* temporal layer; 0 if has_tid is false */
    uint8_t keyidx;      /* 0 if absent */
    uint8_t pid;         /* partition index, 3 bits */
    bool start;          /* S: first packet of partition pid */
    bool nonref;         /* N: no later frame refers to this one */
    bool pictureid_long; /* 15-bit form, two bytes at pictureid_at */
    bool has_tid, has_keyidx;
    bool layer_sync; /* Y: depends on temporal layer 0 alone */
    bool keyframe;   /* true on the first packet of a key frame only: later packets do not tell */
};

/* E_SHORT: ends inside the descriptor or right after it. *desc is zeroed first, and left partly filled on failure. */
enum err vp8_desc_parse(struct bytes payload, struct vp8_desc *desc);

static inline bool vp8_frame_start(const struct vp8_desc *desc) /* first packet of a frame */
{
    return desc->start && desc->pid == 0;
}

#endif
