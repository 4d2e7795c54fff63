/* sender.h - a model of a client that sends: a microphone, and a camera or a screen whose encodings are camera.h's. It obeys
 * SenderSourceConstraints, makes key frames on PLI and FIR, answers NACK by RTX, numbers its video for transport-wide
 * feedback or stamps it for REMB, sends reports, and lowers its rate under loss or as REMB says. Its codec may change in
 * mid-call, on the same SSRCs; with other SSRCs it goes on as another source.
 *
 * It also judges the feedback it gets: what the bridge says of arrivals must be what the network did.
 * Time: sender_on_time() at sender_next_us(). Not for: any code of the bridge. */
#ifndef SIM_SENDER_H
#define SIM_SENDER_H

#include "sim/camera.h"
#include "sim/rng.h"

enum {
    SENDER_ENCODINGS = CAMERA_ENCODINGS,
    SENDER_KEPT = 512,
    SENDER_TWCC = 8192,
    SENDER_AUDIO = 0xff,
    SENDER_REQUESTS = 64
};

struct sender_out {
    void *ctx;
    void (*emit)(void *ctx, const uint8_t *data, size_t len, bool rtcp);
    void (*violation)(void *ctx, const char *what);
};

struct sender_kept { /* one sent packet */
    uint32_t number, ts;
    bool marker;
    uint8_t codec;
    uint16_t len;
    uint64_t sent_us;
    bool resent;
    uint8_t payload[1200];
};

struct sender_encoding {
    uint32_t ssrc, rtx_ssrc;
    bool active, want_key;
    uint32_t ts_offset, packets, octets; /* packets: numbers its packets; the RTP number is the low 16 bits */
    uint16_t rtx_seq;
    struct camera camera;
    uint32_t key_frames;
    struct sender_kept *kept; /* SENDER_KEPT of them */
};

struct sender {
    struct sender_out out;
    struct rng rng;
    uint32_t id;
    struct camera_shape shape;
    uint8_t epoch; /* counts its video sources */
    bool camera, talking;
    bool numbers;   /* transport-wide numbers; else times, for REMB */
    int max_height; /* -1: unlimited */
    uint64_t target_bps, max_bps;
    uint64_t rtt_us; /* nothing is sent twice within it */
    struct sender_encoding encoding[SENDER_ENCODINGS];
    uint32_t audio_ssrc, audio_packets, audio_ts, audio_quiet;
    uint64_t video_us, audio_us, report_us, limited_us, probe_us;
    unsigned told, told_lost; /* packets, by feedback, since the rate was looked at */
    uint64_t requests, requests_us[SENDER_REQUESTS]; /* for key frames; when the newest ones came */
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

void sender_init(struct sender *s, uint32_t id, const struct camera_shape *shape, uint64_t max_bps, struct rng rng,
                 uint64_t now_us, const struct sender_out *out);
void sender_done(struct sender *s);
void sender_constrain(struct sender *s, int max_height);
void sender_change(struct sender *s, const struct camera_shape *shape); /* the codec, on the same SSRCs */
void sender_rename(struct sender *s);                                   /* other SSRCs from now on */
uint64_t sender_next_us(const struct sender *s);
void sender_on_time(struct sender *s, uint64_t now_us);
void sender_on_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us);

/* The judge's side: a packet with this transport-wide number reached the bridge; the bridge sends this RTCP. */
void sender_delivered(struct sender *s, uint16_t twcc, uint64_t now_us);
void sender_judge_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us);

#endif
