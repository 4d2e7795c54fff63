/* vp9.h - the VP9 payload descriptor and its scalability structure (RFC 9628 4.2).
 *
 * Reads the descriptor alone; the VP9 payload after it, which may be encrypted end to end, is never looked at. Fields
 * that a projection rewrites are given with their offset; a 7-bit picture id stays one, so nothing changes its length.
 * The structure is long and rare: the descriptor says where it is, vp9_ss_parse() reads it for those who need it.
 * Not for decoding or writing. Owner: plain values. Thread: any. */
#ifndef PROTO_VP9_H
#define PROTO_VP9_H

#include "proto/bytes.h"

enum { VP9_REFS_MAX = 3, VP9_SIDS_MAX = 8, VP9_PICTURES_MAX = 255 };

struct vp9_desc {
    uint16_t len;         /* of the descriptor; the VP9 payload follows */
    uint16_t pictureid;   /* 7 or 15 bits */
    uint16_t ss_at;       /* offset of the scalability structure in the RTP payload; 0: absent */
    uint8_t pictureid_at; /* offset in the RTP payload; 0: absent */
    uint8_t tl0picidx_at; /* offset in the RTP payload; 0: absent */
    uint8_t tl0picidx;
    uint8_t tid, sid; /* temporal and spatial layer; 0 if has_layers is false */
    uint8_t ref_count;
    uint8_t refs[VP9_REFS_MAX]; /* flexible mode: how many pictures back, 1 to 127, each on the same spatial layer */
    uint8_t sids;               /* spatial layers by the structure; 0: it is absent */
    bool pictureid_long;        /* 15-bit form, two bytes at pictureid_at */
    bool has_layers;            /* L */
    bool inter;                 /* P: refers to earlier pictures */
    bool inter_layer;           /* D: refers to the next lower spatial layer of its picture */
    bool flexible;              /* F */
    bool start, end;            /* B, E: of a layer frame, that is one spatial layer of a picture */
    bool not_upper_ref;         /* Z: higher spatial layers of this picture do not refer to it */
    bool switch_up; /* U: what follows on higher temporal layers needs nothing on these before this picture */
};

/* One picture of the group that repeats in non-flexible mode. */
struct vp9_picture {
    uint8_t tid;
    bool switch_up;
    uint8_t ref_count;
    uint8_t refs[VP9_REFS_MAX];
};

struct vp9_ss {
    uint8_t sids;
    bool has_sizes;
    uint8_t pictures; /* in the group; 0: none given */
    uint16_t width[VP9_SIDS_MAX], height[VP9_SIDS_MAX];
    struct vp9_picture picture[VP9_PICTURES_MAX];
};

/* E_SHORT: ends inside the descriptor or right after it. E_FORMAT: a fourth reference, a reference to itself, or
 * references counted from a picture id that is not there. *desc is zeroed first, and left partly filled on failure. */
enum err vp9_desc_parse(struct bytes payload, struct vp9_desc *desc);
/* Reads the structure of a descriptor that was accepted and has one. */
void vp9_ss_parse(struct bytes payload, const struct vp9_desc *desc, struct vp9_ss *ss);

/* The base of a picture that refers to nothing: decoding can begin here. True on every packet of that layer frame. */
static inline bool vp9_is_key(const struct vp9_desc *desc)
{
    return !desc->inter && desc->sid == 0;
}

#endif
