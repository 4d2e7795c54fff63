/* One sent SSRC: lining inputs up, counting, remembering how each packet was made; see tx_stream.h. */
#include "media/tx_stream.h"

#include <assert.h>
#include <stdlib.h>

enum { COVER_SPAN = 16384 }; /* how far behind the newest a number may still belong to the present input */

struct tx_log {
    size_t mask;
    struct tx_sent ring[];
};

struct tx_log *tx_log_new(size_t capacity)
{
    assert(capacity > 0 && capacity <= COVER_SPAN && (capacity & (capacity - 1)) == 0);
    struct tx_log *log = calloc(1, sizeof *log + capacity * sizeof log->ring[0]);
    if (!log)
        abort();
    log->mask = capacity - 1;
    return log;
}

void tx_log_free(struct tx_log *log)
{
    free(log);
}

void tx_stream_init(struct tx_stream *s, uint32_t ssrc, uint32_t rtx_ssrc, uint32_t clock_hz, uint16_t random_seq,
                    struct tx_log *log)
{
    *s = (struct tx_stream){
        .ssrc = ssrc,
        .rtx_ssrc = rtx_ssrc,
        .clock_hz = clock_hz,
        .first_seq = random_seq & 0x7fff,
        .rtx_seq = (uint16_t)(random_seq * 0x9e37u >> 8) & 0x7fff,
        .log = log,
    };
}

void tx_stream_switch(struct tx_stream *s, uint16_t in_seq, uint32_t in_ts, uint64_t now_us)
{
    uint16_t out_seq = s->started ? (uint16_t)(s->newest_seq + 1) : s->first_seq;
    uint32_t out_ts = in_ts;
    if (s->started) {
        uint32_t frame = s->clock_hz == 90000 ? 3000 : s->clock_hz / 50; /* 30 a second; 20 ms of audio */
        uint64_t passed_us = now_us > s->newest_us ? now_us - s->newest_us : 0;
        uint64_t passed = passed_us * s->clock_hz / US_PER_S;
        out_ts = s->newest_ts + (uint32_t)MAX(passed, frame);
    }
    s->seq_delta = (uint16_t)(out_seq - in_seq);
    s->ts_delta = out_ts - in_ts;
    s->floor_seq = out_seq;
}

bool tx_stream_covers(const struct tx_stream *s, uint16_t in_seq)
{
    return seq_diff(tx_stream_seq(s, in_seq), s->floor_seq) >= 0;
}

static struct tx_sent *log_slot(const struct tx_stream *s, uint16_t out_seq)
{
    return &s->log->ring[out_seq & s->log->mask];
}

/* Numbers that are skipped were not sent (yet): what their slots hold is from before. */
static void log_put(struct tx_stream *s, const struct tx_sent *sent, int16_t ahead, uint64_t now_us)
{
    if (-ahead > (int32_t)s->log->mask)
        return; /* its slot belongs to a newer one */
    for (int16_t i = 1; i < ahead && (size_t)i <= s->log->mask; i++)
        log_slot(s, (uint16_t)(sent->out_seq - i))->used = false;
    struct tx_sent *to = log_slot(s, sent->out_seq);
    *to = *sent;
    to->sent_ms = (uint32_t)(now_us / US_PER_MS);
    to->used = true;
    to->resent = false;
}

void tx_stream_prefetch(const struct tx_stream *s)
{
    if (s->log)
        __builtin_prefetch(log_slot(s, (uint16_t)(s->newest_seq + 1)), 1);
}

void tx_stream_on_sent(struct tx_stream *s, const struct tx_sent *sent, uint64_t now_us)
{
    int16_t ahead = s->started ? seq_diff(sent->out_seq, s->newest_seq) : 1;
    if (s->log)
        log_put(s, sent, ahead, now_us);
    s->packets++;
    s->octets += sent->payload_len;
    if (ahead <= 0)
        return;
    s->started = true;
    s->newest_seq = sent->out_seq;
    s->newest_ts = sent->out_ts;
    s->newest_us = now_us;
    s->sr_in_ssrc = sent->in_ssrc;
    s->sr_ts_delta = sent->out_ts - sent->in_ts;
    if (seq_diff(s->newest_seq, s->floor_seq) > COVER_SPAN)
        s->floor_seq = (uint16_t)(s->newest_seq - COVER_SPAN);
}

static struct tx_sent *find(const struct tx_stream *s, uint16_t out_seq)
{
    if (!s->log)
        return NULL;
    struct tx_sent *sent = log_slot(s, out_seq);
    return sent->used && sent->out_seq == out_seq ? sent : NULL;
}

const struct tx_sent *tx_stream_find(const struct tx_stream *s, uint16_t out_seq)
{
    return find(s, out_seq);
}

const struct tx_sent *tx_stream_on_nack(struct tx_stream *s, uint16_t out_seq, uint64_t rtt_us, uint64_t now_us)
{
    struct tx_sent *sent = find(s, out_seq);
    if (!sent)
        return NULL;
    uint32_t now_ms = (uint32_t)(now_us / US_PER_MS);
    uint64_t age_us = MS((uint32_t)(now_ms - sent->sent_ms));
    uint64_t wait_us = MIN(rtt_us * 9 / 10, rtt_us > MS(5) ? rtt_us - MS(5) : 0);
    if (age_us < wait_us)
        return NULL;
    sent->sent_ms = now_ms;
    sent->resent = true;
    s->retransmitted++;
    return sent;
}

uint16_t tx_stream_next_rtx_seq(struct tx_stream *s)
{
    return s->rtx_seq++;
}

bool tx_stream_sr(const struct tx_stream *s, const struct rx_sr *in, struct rtcp_sr *out)
{
    *out = (struct rtcp_sr){0};
    if (!s->started || in->rx_us == 0 || in->ssrc != s->sr_in_ssrc)
        return false;
    out->ssrc = s->ssrc;
    out->ntp = in->ntp;
    out->rtp_ts = in->rtp_ts + s->sr_ts_delta;
    out->packets = (uint32_t)s->packets;
    out->octets = (uint32_t)s->octets;
    return true;
}
