/* sender.h - a model of a client that sends: a microphone, and a camera in VP8 simulcast of three encodings with three
 * temporal layers each (L1T3 as libwebrtc numbers it). It obeys SenderSourceConstraints, makes key frames on PLI,
 * answers NACK by RTX, numbers its video for transport-wide feedback, sends reports, and lowers its rate under loss.
 *
 * It also judges the feedback it gets: what the bridge says of arrivals must be what the network did.
 * Time: sender_on_time() at sender_next_us(). Not for: any code of the bridge. */
#ifndef SIM_SENDER_H
#define SIM_SENDER_H

#include "sim/rng.h"
#include "sim/wire.h"

enum { SENDER_ENCODINGS = 3, SENDER_KEPT = 512, SENDER_TWCC = 8192, SENDER_AUDIO = 0xff };

struct sender_out {
    void *ctx;
    void (*emit)(void *ctx, const uint8_t *data, size_t len, bool rtcp);
    void (*violation)(void *ctx, const char *what);
};

struct sender_kept { /* one sent packet */
    uint32_t number, ts;
    bool marker;
    uint16_t len;
    uint64_t sent_us;
    uint8_t payload[1200];
};

struct sender_encoding {
    uint32_t ssrc, rtx_ssrc;
    bool active, want_key;
    uint32_t ts_offset, packets, frames, octets; /* packets: numbers its packets; the RTP number is the low 16 bits */
    uint16_t rtx_seq, pictureid;
    uint8_t tl0, position; /* in the pattern of temporal layers */
    uint32_t newest[3];    /* frame of each temporal layer; 0: none since the key frame */
    uint32_t key_frames;
    struct sender_kept *kept; /* SENDER_KEPT of them */
};

struct sender {
    struct sender_out out;
    struct rng rng;
    uint32_t id;
    bool camera, talking;
    int max_height; /* -1: unlimited */
    uint64_t target_bps, max_bps;
    struct sender_encoding encoding[SENDER_ENCODINGS];
    uint32_t audio_ssrc, audio_packets, audio_ts, audio_quiet;
    uint64_t video_us, audio_us, report_us, limited_us, probe_us;
    uint64_t plis;
    /* transport-wide numbers */
    int64_t twcc_next, twcc_delivered, twcc_checked;
    int64_t twcc_offset_us; /* the bridge's clock less ours, from the first feedback */
    bool twcc_known;
    struct sender_twcc {
        int64_t number;
        uint64_t delivered_us; /* 0: not */
        bool reported;
    } * twcc;
};

void sender_init(struct sender *s, uint32_t id, uint64_t max_bps, struct rng rng, uint64_t now_us,
                 const struct sender_out *out);
void sender_done(struct sender *s);
void sender_constrain(struct sender *s, int max_height);
uint64_t sender_next_us(const struct sender *s);
void sender_on_time(struct sender *s, uint64_t now_us);
void sender_on_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us);

/* The judge's side: a packet with this transport-wide number reached the bridge; the bridge sends this RTCP. */
void sender_delivered(struct sender *s, uint16_t twcc, uint64_t now_us);
void sender_judge_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us);

#endif
