/* rtp_ext.h - what is inside the RTP header extension elements a bridge reads or writes.
 *
 * Each _parse takes the data of one element as rtp_ext_find() returns it. Each _write fills a buffer of its caller and
 * returns a view of it, ready for struct rtp_ext. Dependency descriptor: av1_dd.h. Thread: any. */
#ifndef PROTO_RTP_EXT_H
#define PROTO_RTP_EXT_H

#include "proto/bytes.h"

/* The URIs the bridge knows; ids are chosen by signalling (media.md 5.1). */
enum rtp_ext_kind {
    RTP_EXT_NONE = 0,
    RTP_EXT_AUDIO_LEVEL,      /* RFC 6464 */
    RTP_EXT_CSRC_AUDIO_LEVEL, /* RFC 6465 */
    RTP_EXT_TOFFSET,          /* RFC 5450 */
    RTP_EXT_ABS_SEND_TIME,
    RTP_EXT_RID,  /* RFC 8852 */
    RTP_EXT_TWCC, /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
    RTP_EXT_CONTENT_TYPE,
    RTP_EXT_FRAME_MARKING,
    RTP_EXT_MID, /* RFC 9143 */
    RTP_EXT_DD,  /* AV1 RTP specification, appendix A */
    RTP_EXT_VLA,
    RTP_EXT_VIDEO_ORIENTATION, /* 3GPP TS 26.114 */
    RTP_EXT_KINDS
};
enum rtp_ext_kind rtp_ext_from_uri(struct bytes uri); /* RTP_EXT_NONE: unknown */
const char *rtp_ext_uri(enum rtp_ext_kind kind);      /* NULL for RTP_EXT_NONE and out of range */

struct rtp_level {
    uint8_t level; /* -dBov: 0 loudest, 127 silence */
    bool vad;
};
/* RFC 6464 3. A second byte may follow in the two-byte form (padding) and is ignored. */
enum err rtp_ext_level_parse(struct bytes data, struct rtp_level *out);
struct bytes rtp_ext_level_write(uint8_t buf[1], const struct rtp_level *in);

enum err rtp_ext_twcc_parse(struct bytes data, uint16_t *seq); /* 2 bytes; version 02's 4 bytes are read alike */
struct bytes rtp_ext_twcc_write(uint8_t buf[2], uint16_t seq);

/* 24 bits, 6.18 fixed point seconds; wraps every 64 s */
enum err rtp_ext_abs_send_time_parse(struct bytes data, uint32_t *units);
struct bytes rtp_ext_abs_send_time_write(uint8_t buf[3], uint64_t now_us);
uint32_t rtp_ext_abs_send_time_of(uint64_t now_us);

/* MID and RID: SDES items in an extension (RFC 7941): 1 to 255 bytes of RFC 4566 token characters. */
enum err rtp_ext_text_parse(struct bytes data, struct bytes *text);

/* Video layers allocation 00 (media.md 10.5): what the sender means to spend per layer. */
enum { VLA_STREAMS_MAX = 4, VLA_SPATIAL_MAX = 4, VLA_TEMPORAL_MAX = 4 };
struct rtp_vla_layer {
    uint8_t stream, spatial;
    uint8_t temporal_count;                 /* 1 to 4 */
    uint32_t target_kbps[VLA_TEMPORAL_MAX]; /* cumulative over temporal layers, as sent */
    uint16_t width, height;                 /* 0: not told */
    uint8_t fps;
};
struct rtp_vla {
    uint8_t rid;          /* index of the stream that carried it */
    uint8_t stream_count; /* 1 to 4; 0 when all layers are off */
    uint8_t layer_count;
    struct rtp_vla_layer layers[VLA_STREAMS_MAX * VLA_SPATIAL_MAX];
};
enum err rtp_ext_vla_parse(struct bytes data, struct rtp_vla *out);

#endif
