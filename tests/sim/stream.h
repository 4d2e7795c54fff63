/* stream.h - one video SSRC as its receiver sees it: packets put in order, holes noted, pictures decoded as soon as they are
 * whole and what they refer to, by the codec's own fields, was decoded (as libwebrtc's reference finders do). The notes
 * in the packets tell whether that was true: a picture decoded without its reference is a violation.
 *
 * VP8 goes by TL0PICIDX and picture ids, VP9 by picture ids and the group or the references in the packet, all else by
 * sequence numbers: whatever follows the frame before without a hole. Not for: RTCP (receiver.h). */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include "sim/sender.h"

enum { STREAM_PACKETS = 2048, STREAM_FRAMES = 1024, STREAM_MISSING = 256, STREAM_PICTURES = 512 };

struct stream_packet {
    int64_t seq; /* 0: none */
    uint32_t ts;
    bool marker;
    struct payload_head head;
    struct wire_note note;
};

struct stream {
    struct sender_out out; /* where violations go */
    uint32_t ssrc, rtx_ssrc;
    bool started, keyed;  /* keyed: decoding; else waiting for a key frame */
    int64_t newest, next; /* wide: newest seen, next to be decoded */
    struct stream_packet *packet;
    struct {
        int64_t seq;
        uint64_t ask_us, found_us;
        unsigned asked;
    } missing[STREAM_MISSING];
    size_t missing_count;
    uint64_t now_us, rtt_us;
    uint64_t packet_us, decoded_us, stuck_us, pli_us; /* newest; stuck_us: since when, 0: not */
    bool has_pictureid;
    uint16_t pictureid;
    uint8_t tl0;
    struct { /* of the source in view: which frames were decoded */
        uint32_t sender, encoding;
        uint32_t frame[STREAM_FRAMES];
    } decoded;
    struct {
        uint16_t base; /* picture id where the group begins */
        uint8_t group, ref[PAYLOAD_GROUP_MAX];
        struct {
            uint16_t pictureid;
            uint8_t sids; /* bit per spatial layer */
        } picture[STREAM_PICTURES];
    } vp9;
    struct { /* when pictures would be shown: after a wait that covers a retransmission, as libwebrtc's buffer does */
        int64_t ts_us, transit_us, at_us, interval_us;
        uint64_t freezes; /* W3C webrtc-stats: longer than the mean and 150 ms, or than three of them */
    } shown;
    uint64_t longest_gap_us; /* between two decoded frames */
    uint64_t frames, keys, plis, nacks, repaired, given_up, jumps;
    uint32_t sr_mid;
    uint64_t sr_us, packets;
};

struct stream *stream_new(uint32_t ssrc, uint64_t rtt_us, const struct sender_out *out);
void stream_free(struct stream *s);
/* A packet, with RTX unwrapped. Returns how long its number was missed, if it was asked for again; else 0. */
uint64_t stream_take(struct stream *s, const struct wire_rtp *rtp, uint16_t seq, uint64_t now_us);

#endif
