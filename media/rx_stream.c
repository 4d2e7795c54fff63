/* Receiver statistics of RFC 3550 appendix A; see rx_stream.h. */
#include "media/rx_stream.h"

void rx_stream_init(struct rx_stream *s, uint32_t ssrc, uint32_t clock_hz)
{
    *s = (struct rx_stream){.ssrc = ssrc, .clock_hz = clock_hz};
    rate_init(&s->byte_rate);
    rate_init(&s->packet_rate);
}

void rx_stream_set_clock(struct rx_stream *s, uint32_t clock_hz)
{
    if (s->clock_hz == clock_hz)
        return;
    s->clock_hz = clock_hz;
    s->has_transit = false;
    s->jitter_q4 = 0;
}

static void jitter_update(struct rx_stream *s, uint32_t ts, uint64_t rx_us) /* RFC 3550 A.8 */
{
    uint32_t transit = (uint32_t)(rx_us * s->clock_hz / US_PER_S) - ts;
    if (s->has_transit) {
        int64_t d = ts_diff(transit, s->transit);
        int64_t next = (int64_t)s->jitter_q4 + (d < 0 ? -d : d) - ((s->jitter_q4 + 8ll) >> 4);
        s->jitter_q4 = (uint32_t)MIN(next, (int64_t)UINT32_MAX);
    }
    s->has_transit = true;
    s->transit = transit;
}

int64_t rx_stream_on_packet(struct rx_stream *s, uint16_t seq, uint32_t ts, size_t len_bytes, uint64_t rx_us)
{
    int64_t before = s->unwrap.newest;
    int64_t wide = seq_unwrap_next(&s->unwrap, seq);
    if (before == 0)
        s->base_seq = wide;
    else if (wide - before >= RX_STREAM_DROPOUT)
        s->base_seq += wide - before - 1; /* a new start: what was skipped is not loss */
    if (wide > before - RX_STREAM_MISORDER)
        s->in_order++;
    jitter_update(s, ts, rx_us);
    s->packets++;
    s->bytes += len_bytes;
    rate_add(&s->byte_rate, rx_us, (uint32_t)len_bytes);
    rate_add(&s->packet_rate, rx_us, 1);
    return wide;
}

int64_t rx_stream_widen(const struct rx_stream *s, uint16_t seq)
{
    return seq_unwrap_peek(&s->unwrap, seq);
}

void rx_stream_on_sr(struct rx_stream *s, const struct rtcp_sr *sr, uint64_t rx_us)
{
    s->sr = (struct rx_sr){.ntp = sr->ntp, .rtp_ts = sr->rtp_ts, .ssrc = sr->ssrc, .rx_us = rx_us};
}

uint64_t rx_stream_ntp_us(const struct rx_stream *s, uint32_t ts)
{
    if (s->sr.rx_us == 0 || s->sr.ntp == 0 || s->clock_hz == 0) /* ntp 0: a sender without a clock, RFC 3550 6.4.1 */
        return 0;
    uint64_t sr_us = (s->sr.ntp >> 32) * US_PER_S + ((s->sr.ntp & UINT32_MAX) * US_PER_S >> 32);
    return sr_us + (uint64_t)((int64_t)ts_diff(ts, s->sr.rtp_ts) * (int64_t)US_PER_S / s->clock_hz);
}

static uint64_t expected(const struct rx_stream *s)
{
    return s->packets > 0 ? (uint64_t)(s->unwrap.newest - s->base_seq + 1) : 0;
}

int64_t rx_stream_lost(const struct rx_stream *s)
{
    return (int64_t)(expected(s) - s->in_order);
}

uint32_t rx_stream_jitter_us(const struct rx_stream *s)
{
    return s->clock_hz > 0 ? (uint32_t)((uint64_t)(s->jitter_q4 >> 4) * US_PER_S / s->clock_hz) : 0;
}

bool rx_stream_report(struct rx_stream *s, uint64_t now_us, struct rtcp_report *out)
{
    *out = (struct rtcp_report){0};
    if (s->packets == s->packets_before)
        return false;
    uint64_t now_expected = expected(s);
    int64_t expected_interval = (int64_t)(now_expected - s->expected_before);
    int64_t lost_interval = expected_interval - (int64_t)(s->in_order - s->in_order_before);
    s->expected_before = now_expected;
    s->in_order_before = s->in_order;
    s->packets_before = s->packets;

    out->ssrc = s->ssrc;
    if (expected_interval > 0 && lost_interval > 0) /* RFC 3550 A.3; all lost would be 256, which has no byte */
        out->fraction = (uint8_t)MIN(lost_interval * 256 / expected_interval, 255);
    int64_t lost = rx_stream_lost(s);
    out->lost = (int32_t)MAX(-0x800000, MIN(lost, 0x7fffff));
    out->high_seq = (uint32_t)(s->unwrap.newest - 65536); /* unwrapping starts one cycle up */
    out->jitter = s->jitter_q4 >> 4;
    if (s->sr.rx_us > 0) {
        out->lsr = (uint32_t)(s->sr.ntp >> 16);
        out->dlsr = (uint32_t)((now_us - s->sr.rx_us) * 65536 / US_PER_S);
    }
    return true;
}
