/* media_pkt.h - one RTP packet after the receive path: a view into a frozen packet, plus what was read from it once.
 *
 * Made by bridge/rx_path for each accepted packet (RTX already unwrapped: ssrc, seq and payload are the original's),
 * read by projections, history and tx_path. Owns nothing: whoever keeps it beyond the call takes a pkt_ref.
 * `payload` is what follows the header (and the OSN of RTX), without padding. */
#ifndef MEDIA_MEDIA_PKT_H
#define MEDIA_MEDIA_PKT_H

#include "media/pkt.h"
#include "proto/av1_dd.h"
#include "proto/vp8.h"
#include "proto/vp9.h"

enum codec { CODEC_OTHER, CODEC_OPUS, CODEC_RED, CODEC_VP8, CODEC_VP9, CODEC_AV1, CODEC_H264, CODEC_H265 };

struct media_pkt {
    const struct pkt *pkt;
    uint64_t rx_us;
    uint64_t ntp_us;  /* when it was captured, on its sender's clock by the last SR of this SSRC; 0: unknown */
    int64_t seq_wide; /* seq unwrapped per SSRC, after seq_hide */
    uint32_t ssrc;
    uint32_t ts;
    uint16_t seq;
    uint16_t payload_at, payload_len; /* in pkt->data */
    uint8_t pt;
    uint8_t codec;    /* enum codec */
    uint8_t encoding; /* simulcast index within its source, 0 = lowest */
    bool marker;
    bool keyframe;    /* carries (part of) a key frame; audio: false */
    bool frame_start; /* first packet of its frame, as far as the codec tells; audio: true */
    bool retransmitted;
    bool pressed; /* it was asked for more than once: its receivers have little time left */
    bool late;    /* a newer packet of its SSRC came before, whether or not anybody was shown that one */
    bool has_dd;
    bool has_level, vad;
    uint8_t level; /* RFC 6464: -dBov, 127 = silence */
    uint8_t dd_len;
    uint16_t dd_at; /* in pkt->data, if has_dd */
    union {         /* by codec; dd if has_dd */
        struct vp8_desc vp8;
        struct vp9_desc vp9;
        struct dd_desc dd;
    };
};

static inline struct bytes media_pkt_payload(const struct media_pkt *m)
{
    return bytes_of(m->pkt->data + m->payload_at, m->payload_len);
}

/* Its dependency descriptor, as it came; a projection rewrites a copy. */
static inline struct bytes media_pkt_dd(const struct media_pkt *m)
{
    return bytes_of(m->pkt->data + m->dd_at, m->dd_len);
}

#endif
