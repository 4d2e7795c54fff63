/* receiver.h - a model of a client that watches: per SSRC a jitter buffer that asks again for what is missing (NACK), asks
 * for a key frame when it is stuck (PLI), decodes frames in order and knows, from the notes in them, whether what they
 * refer to was decoded; and transport-wide feedback and receiver reports for all of them.
 *
 * Violations it can see: a frame decoded without its reference, a broken row of picture ids (libwebrtc waits for the
 * missing ones), a packet whose note disagrees with its headers.
 * Time: receiver_on_time() at receiver_next_us(). Not for: any code of the bridge. */
#ifndef SIM_RECEIVER_H
#define SIM_RECEIVER_H

#include "sim/sender.h"

enum {
    RECEIVER_STREAMS = 64,
    RECEIVER_PACKETS = 2048,
    RECEIVER_FRAMES = 1024,
    RECEIVER_MISSING = 256,
    RECEIVER_SENDERS = 64,
    RECEIVER_REPAIRS = 8192
};

struct receiver_stream { /* one video SSRC */
    uint32_t ssrc, rtx_ssrc;
    bool started, keyed;  /* keyed: decoding; else waiting for a key frame */
    int64_t newest, next; /* wide: newest seen, next to be decoded */
    struct {
        int64_t seq; /* 0: none */
        uint32_t ts;
        bool marker;
        struct wire_vp8 vp8;
        struct wire_note note;
    } * packet;
    struct {
        int64_t seq;
        uint64_t ask_us, found_us;
        unsigned asked;
    } missing[RECEIVER_MISSING];
    size_t missing_count;
    uint64_t packet_us, decoded_us, stuck_us, pli_us; /* newest; stuck_us: since when, 0: not */
    bool has_pictureid;
    uint16_t pictureid;
    uint8_t tl0;
    struct { /* of the source in view: which frames were decoded */
        uint32_t sender, encoding;
        uint32_t frame[RECEIVER_FRAMES];
    } decoded;
    uint64_t longest_gap_us; /* between two decoded frames */
    uint64_t frames, keys, plis, nacks, repaired, given_up, jumps;
    uint32_t sr_mid;
    uint64_t sr_us, packets;
};

struct m_receiver {
    struct sender_out out;
    uint64_t now_us, nack_us, report_us, feedback_us, rtt_us;
    uint32_t ssrc; /* in its RTCP */
    struct receiver_stream *streams[RECEIVER_STREAMS];
    size_t stream_count;
    uint64_t repair_us[RECEIVER_REPAIRS]; /* from the moment a hole was seen; the newest ones */
    size_t repair_count;
    /* arrivals since the last transport-wide feedback */
    int64_t twcc_base, twcc_newest; /* base: next to be told */
    bool twcc_started;
    uint8_t feedback_count;
    struct {
        int64_t number;
        uint64_t at_us;
    } * arrival;                         /* SENDER_TWCC of them */
    uint64_t shown_us[RECEIVER_SENDERS]; /* per sender: when its newest frame was decoded */
    uint64_t bytes, audio_packets, padding;
};

void receiver_model_init(struct m_receiver *r, uint32_t ssrc, uint64_t rtt_us, uint64_t now_us,
                         const struct sender_out *out);
void receiver_model_done(struct m_receiver *r);
void receiver_model_map(struct m_receiver *r, uint32_t ssrc, uint32_t rtx_ssrc); /* told by signalling */
void receiver_model_on_rtp(struct m_receiver *r, const uint8_t *data, size_t len, uint64_t now_us);
void receiver_model_on_rtcp(struct m_receiver *r, const uint8_t *data, size_t len, uint64_t now_us);
uint64_t receiver_model_next_us(const struct m_receiver *r);
void receiver_model_on_time(struct m_receiver *r, uint64_t now_us);

#endif
