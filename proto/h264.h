/* h264.h - does an H.264 RTP payload (RFC 6184) begin a key frame? Nothing else is read: one octet of each NAL unit.
 *
 * Packets do not say where a frame begins: a new timestamp does. Payloads may be encrypted end to end; then the answer means
 * nothing, and nothing here reads past the payload. Thread: any. */
#ifndef PROTO_H264_H
#define PROTO_H264_H

#include "proto/bytes.h"

struct h264_desc {
    bool keyframe; /* holds, or begins, an IDR slice, or parameter sets, which go before one */
    bool sequence; /* holds or begins a sequence parameter set: decoding can begin with this very packet */
    uint8_t units; /* 1, or those of an aggregate; 255: or more */
};

/* E_SHORT: cut off. E_FORMAT: a unit or a packet type that does not exist, or forbidden_zero_bit. Interleaved types
 * (STAP-B, MTAP, FU-B), which nobody negotiates in WebRTC, are E_FORMAT too. */
enum err h264_desc_parse(struct bytes payload, struct h264_desc *out);

#endif
