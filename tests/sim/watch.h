/* watch.h - what must hold at the bridge's two edges, looked at packet by packet:
 *   - a packet goes out under one number per stream, and one number carries one packet
 *   - sequence numbers of a stream leave holes only where the network lost something on its way to the bridge
 *   - a frame goes out only if what it refers to did, unless that never arrived
 *   - all packets of a picture have one timestamp; the distances of timestamps are those of the source, and over a switch
 *     those of the clock; where pictures meet without a hole the first ends with the marker, which nothing else has
 *   - with SSRC rewriting, whose packets an SSRC carries was told before, and their mid is the one told
 *   - what an RTX packet repairs is what went out under that number
 *   - a NACK for something sent lately, by time and by number, is answered, unless it was sent again a moment ago or its stream moved on
 * It tells packets apart by the notes in them (wire.h), never by what the bridge says. */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "proto/map.h"
#include "sim/payload.h"

enum { WATCH_PACKETS = 4096, WATCH_FRAMES = 2048, WATCH_CLIENTS = 1024, WATCH_ENCODINGS = 4, WATCH_ASKED = 1024 };

typedef void watch_violation(void *ctx, uint32_t serial, const char *what);

struct watch_in { /* one encoding, as it arrived at the bridge */
    uint32_t newest, newest_frame;
    uint64_t since_us, newest_us; /* of an unbroken time of arrivals */
    struct {
        uint32_t packet;
        uint32_t frame;
        bool late; /* overtaken: when a newer one came it was missing */
    } packet[WATCH_PACKETS];
    uint32_t frame[WATCH_FRAMES];
};

struct watch_out { /* one SSRC to one receiver */
    uint32_t serial, ssrc, rtx_ssrc;
    bool started;
    uint32_t told_sender; /* 0: nobody was told of it */
    uint8_t told_epoch;
    char told_mid[8];
    int64_t newest;
    struct wire_note newest_note;
    uint32_t newest_ts;
    uint64_t media_bytes, newest_us;
    struct {
        int64_t seq;
        struct wire_note note;
        uint32_t ts;
        bool marker;
        uint64_t sent_us, again_us;
    } sent[WATCH_PACKETS];
    struct {           /* frames of the source and encoding in view */
        int64_t first; /* number of the key frame that it began with */
        uint32_t sender, encoding;
        uint32_t frame[WATCH_FRAMES];
        struct {
            uint32_t packet;
            int64_t seq;
        } packet[WATCH_PACKETS];
    } run;
};

struct watch {
    void *ctx;
    bool trace; /* each packet, to stderr */
    watch_violation *violation;
    struct watch_in *in[WATCH_CLIENTS][WATCH_ENCODINGS];
    struct map outs; /* by serial and SSRC */
    bool gone[WATCH_CLIENTS], rewriting[WATCH_CLIENTS];
    uint8_t epoch[WATCH_CLIENTS]; /* of its source now */
    struct {                      /* NACKs to be answered */
        struct watch_out *out;
        int64_t seq;
        uint64_t asked_us;
    } asked[WATCH_ASKED];
    size_t asked_count;
    uint64_t rtt_us[WATCH_CLIENTS]; /* no round trip of this client takes longer */
    uint64_t nacks, answered, excused;
};

void watch_init(struct watch *w, watch_violation *violation, void *ctx);
void watch_done(struct watch *w);
void watch_rtx(struct watch *w, uint32_t serial, uint32_t ssrc, uint32_t rtx_ssrc); /* which repairs which */
/* A source map to this client: the SSRC carries that sender's source of that epoch. */
void watch_told(struct watch *w, uint32_t serial, uint32_t ssrc, uint32_t sender, unsigned epoch, const char *mid);
void watch_on_in(struct watch *w, const uint8_t *data, size_t len, uint64_t now_us); /* before the bridge sees it */
void watch_on_out(struct watch *w, uint32_t serial, const uint8_t *data, size_t len, uint64_t now_us);
/* RTCP of a client on its way into the bridge: before it gets it */
void watch_on_rtcp_in(struct watch *w, uint32_t serial, const uint8_t *data, size_t len, uint64_t now_us);
void watch_on_time(struct watch *w, uint64_t now_us);
void watch_forget(struct watch *w, uint32_t serial); /* the client has left */
/* When a packet of this sender went to this client last; 0: never. */
uint64_t watch_shown_us(const struct watch *w, uint32_t serial, uint32_t sender);
uint64_t watch_media_bytes(const struct watch *w, uint32_t serial); /* of video, so far, without repairs */

#endif
