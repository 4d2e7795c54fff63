/* camera.h - which frames an encoder makes and what each refers to, for one encoding of a source.
 *
 * VP8 has temporal layers as libwebrtc numbers them (L1T2, L1T3). VP9 has up to three spatial layers of up to three
 * temporal ones; those above refer to those below in key pictures only (K-SVC), or in each picture (`stacked`, full
 * SVC); what a picture refers to is told by the scalability structure, or in each packet (`flexible`). All other codecs
 * refer to the frame before. */
#ifndef SIM_CAMERA_H
#define SIM_CAMERA_H

#include "sim/payload.h"

enum { CAMERA_RING = 8, CAMERA_ENCODINGS = 3 };

struct camera_shape {
    uint8_t codec;     /* enum payload_codec */
    uint8_t encodings; /* of these, only the first has several spatial layers */
    uint8_t sids, tids;
    bool stacked, flexible;
    bool screen; /* few frames a second, sharp: a desktop */
    bool sealed; /* H.26x: encrypted end to end */
};

struct camera {
    uint32_t frames, pictures;
    uint16_t pictureid;
    uint8_t tl0, position;                    /* in the pattern of temporal layers */
    uint8_t sids;                             /* of the picture before */
    bool restate;                             /* the structure, with the next base picture */
    uint32_t made[CAMERA_RING][PAYLOAD_SIDS]; /* by picture and spatial layer: its frame */
};

struct camera_frame {
    struct wire_note note; /* what the camera knows of it: frame, dep, tid, sid, key, sealed */
    struct payload_head head;
};

/* The frames of the next picture, lowest first. sids: how many spatial layers; more than before only with a key. */
size_t camera_picture(struct camera *c, const struct camera_shape *shape, unsigned sids, unsigned height, bool key,
                      struct camera_frame out[PAYLOAD_SIDS]);
struct camera_shape camera_random_shape(uint64_t random);
const char *camera_describe(const struct camera_shape *shape); /* static memory */

#endif
