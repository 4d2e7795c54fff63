/* rtcp_twcc.h - transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1):
 * which of a transport's packets arrived, and when. Reading for the sender's side, writing for the receiver's.
 * When to send it: media/twcc_rx. What it means for the bandwidth: media/twcc_tx. Thread: any. Allocation: none. */
#ifndef PROTO_RTCP_TWCC_H
#define PROTO_RTCP_TWCC_H

#include "proto/rtcp_fb.h"

enum {
    TWCC_TICK_US = 250,       /* unit of the deltas */
    TWCC_REF_US = 64000,      /* unit of the reference time: 256 ticks */
    TWCC_REF_MASK = 0xffffff, /* 24 bits: wraps after 12.4 days */
    TWCC_PACKET_MAX = 1200,   /* bytes of one feedback packet we write */
    TWCC_STATUS_MAX = 65535,
};

struct rtcp_twcc {
    uint32_t sender, media;
    uint32_t ref_time; /* 24 bits, units of 64 ms */
    uint16_t base_seq, status_count;
    uint8_t fb_count;
    bool has_deltas;     /* false: the packet ends behind the chunks, legal: arrivals without times */
    struct bytes chunks; /* exactly those that cover status_count */
    struct bytes deltas;
};

/* fb->kind must be RTCP_FB_TWCC (E_STATE). Walks everything once, so that the walk below cannot fail:
 * E_SHORT: chunks or deltas run over the packet; E_FORMAT: symbol 3, or no status at all. */
enum err rtcp_twcc_parse(const struct rtcp_fb *fb, struct rtcp_twcc *out);

struct rtcp_twcc_status {
    uint16_t seq;
    bool received;
    int16_t delta_ticks; /* since the previous received one, the first since ref_time; 0 without deltas */
};
struct rtcp_twcc_walk { /* start: {.fb = &twcc} */
    const struct rtcp_twcc *fb;
    size_t chunk_at, delta_at;
    uint32_t done;     /* statuses handed out */
    uint16_t chunk;    /* the one in work */
    uint16_t in_chunk; /* statuses of it still to come */
};
/* Hands out status_count statuses in order of sequence number. */
bool rtcp_twcc_next(struct rtcp_twcc_walk *walk, struct rtcp_twcc_status *out);

/* One feedback packet being built. About 2.5 kB: keep it on the stack. The insides are the writer's own. */
struct rtcp_twcc_build {
    uint64_t now_ticks; /* running time: the sum of what was written, so that rounding cannot drift */
    uint32_t ref_time;
    uint32_t status_count;
    uint16_t base_seq;
    struct rtcp_twcc_pending { /* symbols that no chunk holds yet */
        uint32_t count;        /* above 14 only while all are equal */
        uint8_t symbol[14];
        bool equal, large; /* all the same; one needs two bytes */
    } pending;
    size_t chunk_count, delta_len;
    uint16_t chunks[TWCC_PACKET_MAX / 2];
    uint8_t deltas[TWCC_PACKET_MAX];
};
void rtcp_twcc_build_init(struct rtcp_twcc_build *b, uint16_t base_seq, uint64_t first_arrival_us);
/* The next received packet: `skipped` numbers before it did not arrive. false: it does not fit (delta, size or count);
 * b is as before: write b and start another with this packet as its base. */
bool rtcp_twcc_build_add(struct rtcp_twcc_build *b, uint32_t skipped, uint64_t arrival_us);
void rtcp_twcc_build_write(const struct rtcp_twcc_build *b, struct wr *w, uint32_t sender, uint32_t media,
                           uint8_t fb_count);

#endif
