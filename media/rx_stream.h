/* rx_stream.h - one received SSRC: order, loss and jitter (RFC 3550 A.1, A.3, A.8), rates, the last SR of its sender.
 *
 * Feed it every authenticated packet of the SSRC that is not RTX, before padding and duplicates are taken out. There is
 * no restart on numbers far behind: SRTP has already settled the order of what authenticates.
 * Memory: embeddable, no allocation. Thread: one. Times: rx_us is the socket's receive time. */
#ifndef MEDIA_RX_STREAM_H
#define MEDIA_RX_STREAM_H

#include "media/rate.h"
#include "proto/rtcp.h"
#include "proto/seq.h"

enum {
    RX_STREAM_DROPOUT = 3000, /* RFC 3550 A.1: a step of as many is a new start, not loss */
    RX_STREAM_MISORDER = 100, /* older than this does not make up for loss */
};

struct rx_sr { /* a sender report and when it came */
    uint64_t ntp;
    uint32_t rtp_ts;
    uint32_t ssrc;
    uint64_t rx_us; /* 0: none yet */
};

struct rx_stream {
    uint32_t ssrc, clock_hz;
    struct seq_unwrap unwrap;
    int64_t base_seq;                                          /* expected = newest - base_seq + 1 */
    uint64_t packets, bytes;                                   /* all that came */
    uint64_t in_order;                                         /* what counts against expected */
    uint64_t expected_before, in_order_before, packets_before; /* at the last report */
    uint32_t jitter_q4;                                        /* RFC 3550 A.8, scaled by 16 */
    uint32_t transit;                                          /* arrival minus timestamp of the last packet */
    bool has_transit;
    struct rx_sr sr;
    struct rate byte_rate, packet_rate;
};

void rx_stream_init(struct rx_stream *s, uint32_t ssrc, uint32_t clock_hz);
/* Jitter starts anew when the clock changes (opus and telephone-event share an SSRC). Cheap when it does not. */
void rx_stream_set_clock(struct rx_stream *s, uint32_t clock_hz);
/* Returns the sequence number widened to 64 bits; len_bytes is that of the RTP packet. */
int64_t rx_stream_on_packet(struct rx_stream *s, uint16_t seq, uint32_t ts, size_t len_bytes, uint64_t rx_us);
/* The same widening without counting: for numbers out of RTX packets. */
int64_t rx_stream_widen(const struct rx_stream *s, uint16_t seq);
void rx_stream_on_sr(struct rx_stream *s, const struct rtcp_sr *sr, uint64_t rx_us);

/* When `ts` was captured, on the sender's clock by its last SR (wall clock since 1900 if the sender has one). 0: no SR. */
uint64_t rx_stream_ntp_us(const struct rx_stream *s, uint32_t ts);

/* Report block over the time since the last call. false: nothing came since, so nothing is to be reported. */
bool rx_stream_report(struct rx_stream *s, uint64_t now_us, struct rtcp_report *out);

/* Totals for statistics */
int64_t rx_stream_lost(const struct rx_stream *s); /* negative with duplicates */
uint32_t rx_stream_jitter_us(const struct rx_stream *s);

#endif
