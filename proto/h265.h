/* h265.h - does an H.265 RTP payload (RFC 7798) begin a key frame? Read are the headers of NAL units, two octets each.
 *
 * As h264.h: frames are told apart by timestamp, and of encrypted payloads the answer means nothing. For streams without
 * DONL fields (sprop-max-don-diff 0), as WebRTC sends them. Thread: any. */
#ifndef PROTO_H265_H
#define PROTO_H265_H

#include "proto/bytes.h"

struct h265_desc {
    bool keyframe; /* holds, or begins, a slice of an IRAP picture (BLA, IDR, CRA), or parameter sets */
    bool sequence; /* holds or begins a video or sequence parameter set: decoding can begin with this very packet */
    uint8_t units; /* 1, or those of an aggregate; 255: or more */
    uint8_t tid;   /* the lowest of its units */
};

/* E_SHORT: cut off. E_FORMAT: forbidden_zero_bit, no temporal id, an aggregate or fragment inside another, or a type that
 * RFC 7798 leaves undefined. */
enum err h265_desc_parse(struct bytes payload, struct h265_desc *out);

#endif
