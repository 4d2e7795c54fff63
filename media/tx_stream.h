/* tx_stream.h - one SSRC sent towards one receiver: its sequence space, timestamps, counters, SR, and a log from which
 * a packet the receiver asks for again can be rebuilt.
 *
 * The input is one stream of RTP numbers at a time: an audio source, or the output of a projection. When the input
 * changes (first source, slot takeover, resumption), tx_stream_switch() lines the new one up behind what was sent; then
 * tx_stream_seq/ts translate what tx_stream_covers(). tx_stream_on_sent() once per packet that goes out, retransmissions excluded.
 * The RTX stream of the same slot is only its own counter: tx_stream_next_rtx_seq().
 * Not for the packets' bytes: those are in history.h; not for pacing or encryption.
 * Memory: struct tx_stream is embeddable; the log is separate and optional (audio has none). Thread: one. */
#ifndef MEDIA_TX_STREAM_H
#define MEDIA_TX_STREAM_H

#include "media/rx_stream.h"
#include "media/tx_edit.h"
#include "proto/rtcp.h"
#include "proto/seq.h"
#include "proto/units.h"

struct tx_sent { /* how one sent packet was made */
    int64_t in_seq_wide;
    uint64_t in_rx_us; /* when the packet arrived: tells it from another one that claims its number later */
    uint32_t in_ssrc;
    uint32_t in_ts, out_ts;
    uint32_t sent_ms;     /* last (re)transmission; set by the log */
    uint16_t payload_len; /* for the choice of probes */
    uint16_t out_seq;
    uint16_t twcc_seq; /* that it carried, if it carried one */
    bool marker : 1;   /* as sent: a projection may set it */
    bool used : 1;
    bool resent : 1; /* for a NACK; set by the log */
    struct tx_edit edit;
};

struct tx_log;
struct tx_log *tx_log_new(size_t capacity); /* entries, a power of two; 256 covers 1 s of 2 Mbit/s */
void tx_log_free(struct tx_log *log);

struct tx_stream {
    uint32_t ssrc, rtx_ssrc; /* rtx_ssrc 0: none */
    uint32_t clock_hz;
    bool started;       /* something was sent */
    uint16_t seq_delta; /* out = in + delta */
    uint32_t ts_delta;
    uint16_t first_seq; /* used by the first switch; < 32768, so that the receiver cannot misjudge SRTP's ROC */
    uint16_t floor_seq; /* nothing older belongs to the present input */
    uint16_t newest_seq;
    uint32_t newest_ts;
    uint64_t newest_us;       /* when that was sent */
    uint16_t rtx_seq;         /* the next one */
    uint32_t sr_in_ssrc;      /* whose SR may be translated: the encoding sent last */
    uint32_t sr_ts_delta;     /* out_ts - in_ts of it */
    uint64_t packets, octets; /* octets: payload without header and padding, RFC 3550 6.4.1 */
    uint64_t retransmitted;
    struct tx_log *log; /* NULL: nothing can be rebuilt; owned by the caller */
};

/* random_seq: any number, reduced below 32768; the RTX stream starts at another point made of it. */
void tx_stream_init(struct tx_stream *s, uint32_t ssrc, uint32_t rtx_ssrc, uint32_t clock_hz, uint16_t random_seq,
                    struct tx_log *log);

/* The packet with (in_seq, in_ts) is to be the next one out: sequence newest + 1, timestamp moved on by the time that
 * passed since the last packet, at least one frame (960 at 48 kHz, 3000 at 90 kHz). On a fresh stream the timestamp is
 * left as it is. */
void tx_stream_switch(struct tx_stream *s, uint16_t in_seq, uint32_t in_ts, uint64_t now_us);
/* false: in_seq lies before the last switch, where its number would be one that is already used: drop the packet. */
bool tx_stream_covers(const struct tx_stream *s, uint16_t in_seq);
static inline uint16_t tx_stream_seq(const struct tx_stream *s, uint16_t in_seq)
{
    return (uint16_t)(in_seq + s->seq_delta);
}
static inline uint32_t tx_stream_ts(const struct tx_stream *s, uint32_t in_ts)
{
    return in_ts + s->ts_delta;
}

/* Fill all of `sent` but sent_ms and used; out_seq and out_ts are final, in_ssrc and in_ts the source encoding's. */
void tx_stream_on_sent(struct tx_stream *s, const struct tx_sent *sent, uint64_t now_us);

/* Fetches the place in the log where the next packet will be noted. */
void tx_stream_prefetch(const struct tx_stream *s);

/* What out_seq was made of. NULL: never sent, or too old. Lives until the next tx_stream_on_sent. */
const struct tx_sent *tx_stream_find(const struct tx_stream *s, uint16_t out_seq);
/* For a NACK, when all else is there to send it: as find, and NULL if it was (re)sent so recently that it may still be on
 * its way: less than min(0.9 RTT, RTT - 5 ms) ago (media.md 4.2). rtt_us 0: unknown, always allowed. What it returns must
 * be sent: it counts as a retransmission, and blocks the next one. */
const struct tx_sent *tx_stream_on_nack(struct tx_stream *s, uint16_t out_seq, uint64_t rtt_us, uint64_t now_us);
uint16_t tx_stream_next_rtx_seq(struct tx_stream *s);

/* The SR to send for the SR of a source (media.md 6.2): NTP time kept, RTP timestamp translated, our own counts. false: the
 * SR is of an encoding that is not being sent, or nothing was sent: send none. */
bool tx_stream_sr(const struct tx_stream *s, const struct rx_sr *in, struct rtcp_sr *out);

#endif
