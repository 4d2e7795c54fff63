/* receiver.c - see receiver.h. */
#include "sim/receiver.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/units.h"

enum {
    NACK_TRIES = 10,
    NACK_TICK_US = 20000,
    FEEDBACK_US = 100000,
    REPORT_US = 1000000,
    STUCK_PLI_US = 1000000,
    KEY_PLI_US = 300000,
};

void receiver_model_init(struct m_receiver *r, uint32_t ssrc, uint64_t rtt_us, uint64_t now_us,
                         const struct sender_out *out)
{
    *r = (struct m_receiver){.out = *out,
                             .ssrc = ssrc,
                             .rtt_us = rtt_us,
                             .nack_us = now_us + NACK_TICK_US,
                             .feedback_us = now_us + FEEDBACK_US,
                             .report_us = now_us + REPORT_US};
    r->arrival = calloc(SENDER_TWCC, sizeof *r->arrival);
}

void receiver_model_done(struct m_receiver *r)
{
    for (size_t i = 0; i < r->stream_count; i++)
        stream_free(r->streams[i]);
    free(r->arrival);
}

static struct stream *find(struct m_receiver *r, uint32_t ssrc)
{
    for (size_t i = 0; i < r->stream_count; i++)
        if (r->streams[i]->ssrc == ssrc)
            return r->streams[i];
    return NULL;
}

static struct stream *get(struct m_receiver *r, uint32_t ssrc)
{
    struct stream *s = find(r, ssrc);
    if (s || r->stream_count == RECEIVER_STREAMS)
        return s;
    return r->streams[r->stream_count++] = stream_new(ssrc, r->rtt_us, &r->out);
}

void receiver_model_map(struct m_receiver *r, uint32_t ssrc, uint32_t rtx_ssrc)
{
    struct stream *s = get(r, ssrc);
    if (s)
        s->rtx_ssrc = rtx_ssrc;
}

static void emit(struct m_receiver *r, uint8_t *start, uint8_t *end)
{
    size_t len = wire_rtcp_end(start, end);
    r->out.emit(r->out.ctx, start, len, true);
}

/* ---- packets ---- */

/* As libwebrtc's NackRequester does: a new hole at once, then whatever is missing for a round trip since it was asked for. */
static void ask_again(struct m_receiver *r, struct stream *s)
{
    uint8_t buf[1400], *p = wire_rtcp_begin(buf, 205, 1);
    size_t kept = 0;
    bool any = false;
    p = put32(put32(p, r->ssrc), s->ssrc);
    for (size_t i = 0; i < s->missing_count; i++) {
        if (s->missing[i].ask_us <= r->now_us && s->missing[i].asked == NACK_TRIES) {
            s->given_up++;
            continue;
        }
        if (s->missing[i].ask_us <= r->now_us && p + 4 < buf + 1200) {
            p = put16(put16(p, (uint16_t)s->missing[i].seq), 0);
            s->missing[i].asked++;
            s->missing[i].ask_us = r->now_us + r->rtt_us;
            s->nacks++;
            any = true;
        }
        s->missing[kept++] = s->missing[i];
    }
    s->missing_count = kept;
    if (any)
        emit(r, buf, p);
}

static void ask_keyframe(struct m_receiver *r, struct stream *s)
{
    uint8_t buf[12], *p = put32(put32(wire_rtcp_begin(buf, 206, 1), r->ssrc), s->ssrc);
    s->pli_us = r->now_us;
    s->plis++;
    emit(r, buf, p);
}

static void watch_stuck(struct m_receiver *r, struct stream *s)
{
    bool behind = s->started && s->next <= s->newest, fresh = r->now_us - s->packet_us < MS(500);
    if (!behind || !fresh) {
        s->stuck_us = 0;
        return;
    }
    if (!s->stuck_us)
        s->stuck_us = r->now_us;
    uint64_t wait_us = s->keyed ? STUCK_PLI_US : KEY_PLI_US;
    if (r->now_us - s->stuck_us >= wait_us && r->now_us - s->pli_us >= wait_us)
        ask_keyframe(r, s);
}

static void take(struct m_receiver *r, struct stream *s, const struct wire_rtp *rtp, uint16_t seq)
{
    if (rtp->len == 0) {
        r->padding++;
        return;
    }
    int64_t newest = s->newest;
    uint64_t took_us = stream_take(s, rtp, seq, r->now_us);
    if (s->newest > newest + 1)
        ask_again(r, s);
    if (took_us && r->on_repair)
        r->on_repair(r->out.ctx, s, widen16(s->newest, seq), took_us);
}

/* RFC 4588: the number of what it repairs is in front of the payload. */
static void take_rtx(struct m_receiver *r, struct wire_rtp rtp)
{
    uint16_t seq = get16(rtp.payload);
    rtp.payload += 2;
    rtp.len -= 2;
    for (int codec = 0; codec < PAYLOAD_CODECS; codec++)
        if (payload_rtx_pt((enum payload_codec)codec) == rtp.pt) {
            rtp.pt = payload_pt((enum payload_codec)codec);
            break;
        }
    for (size_t i = 0; i < r->stream_count; i++)
        if (r->streams[i]->rtx_ssrc == rtp.ssrc)
            take(r, r->streams[i], &rtp, seq);
}

uint64_t receiver_model_shown_us(const struct m_receiver *r, uint32_t sender)
{
    uint64_t newest_us = 0;
    for (size_t i = 0; i < r->stream_count; i++)
        if (r->streams[i]->decoded.sender == sender)
            newest_us = MAX(newest_us, r->streams[i]->decoded_us);
    return newest_us;
}

static void on_arrival(struct m_receiver *r, uint16_t twcc)
{
    int64_t number = r->twcc_started ? widen16(r->twcc_newest, twcc) : twcc + 65536;
    if (!r->twcc_started)
        r->twcc_base = r->twcc_newest = number;
    r->twcc_started = true;
    r->twcc_newest = MAX(r->twcc_newest, number);
    if (r->arrival[number % SENDER_TWCC].number == number || number < r->twcc_newest - SENDER_TWCC / 2)
        return;
    r->twcc_base = MIN(r->twcc_base, number);
    r->arrival[number % SENDER_TWCC].number = number;
    r->arrival[number % SENDER_TWCC].at_us = r->now_us;
}

void receiver_model_on_rtp(struct m_receiver *r, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct wire_rtp rtp;
    r->now_us = now_us;
    r->bytes += len;
    if (!wire_read(data, len, &rtp)) {
        r->out.violation(r->out.ctx, "receiver: RTP is not well formed");
        return;
    }
    if (rtp.twcc >= 0)
        on_arrival(r, (uint16_t)rtp.twcc);
    if (rtp.pt == WIRE_OPUS) {
        r->audio_packets++;
    } else if (payload_of_pt(rtp.pt) >= 0) {
        struct stream *s = get(r, rtp.ssrc);
        if (s)
            take(r, s, &rtp, rtp.seq);
    } else if (payload_is_rtx(rtp.pt) && rtp.len >= 2) {
        take_rtx(r, rtp);
    }
}

static void on_rtcp(void *ctx, uint8_t type, uint8_t count, const uint8_t *body, size_t n)
{
    struct m_receiver *r = ctx;
    struct stream *s = type == 200 && n >= 24 ? find(r, get32(body)) : NULL;
    (void)count;
    if (!s)
        return;
    s->sr_mid = get32(body + 6);
    s->sr_us = r->now_us;
}

void receiver_model_on_rtcp(struct m_receiver *r, const uint8_t *data, size_t len, uint64_t now_us)
{
    r->now_us = now_us;
    if (!wire_rtcp_read(data, len, on_rtcp, r))
        r->out.violation(r->out.ctx, "receiver: RTCP is not well formed");
}

/* ---- reports ---- */

static void send_feedback(struct m_receiver *r) /* in vectors of two bits, in one packet of at most 400 numbers */
{
    while (r->twcc_started && r->twcc_base <= r->twcc_newest) {
        uint8_t buf[1400], symbols[420] = {0}, deltas[800], *d = deltas;
        unsigned count = (unsigned)MIN(r->twcc_newest - r->twcc_base + 1, (int64_t)350);
        uint64_t ref = 0, at_us = 0;
        for (unsigned i = 0; i < count; i++) {
            int64_t number = r->twcc_base + i;
            if (r->arrival[number % SENDER_TWCC].number != number)
                continue;
            uint64_t arrival_us = r->arrival[number % SENDER_TWCC].at_us;
            if (!ref) {
                ref = arrival_us / 64000;
                at_us = ref * 64000;
            }
            int64_t delta = ((int64_t)arrival_us - (int64_t)at_us) / 250;
            if (delta < INT16_MIN || delta > INT16_MAX) {
                count = i;
                break;
            }
            at_us = (uint64_t)((int64_t)at_us + delta * 250);
            symbols[i] = delta >= 0 && delta <= 255 ? 1 : 2;
            d = symbols[i] == 1 ? put8(d, (unsigned)delta) : put16(d, (uint16_t)delta);
        }
        if (!ref) {
            r->twcc_base += count;
            continue;
        }
        uint8_t *p = put32(put32(wire_rtcp_begin(buf, 205, 15), r->ssrc), 0);
        p = put16(put16(p, (uint16_t)r->twcc_base), count);
        p = put32(p, (uint32_t)(ref << 8 | r->feedback_count++));
        for (unsigned i = 0; i < count; i += 7) {
            unsigned chunk = 0xc000;
            for (unsigned k = 0; k < 7; k++)
                chunk |= (unsigned)symbols[i + k] << (12 - 2 * k);
            p = put16(p, chunk);
        }
        memcpy(p, deltas, (size_t)(d - deltas));
        p += d - deltas;
        while ((p - buf) % 4)
            p = put8(p, 0);
        r->twcc_base += count;
        emit(r, buf, p);
    }
}

static void send_reports(struct m_receiver *r)
{
    for (size_t i = 0; i < r->stream_count; i++) {
        struct stream *s = r->streams[i];
        if (!s->started)
            continue;
        uint8_t buf[32], *p = put32(wire_rtcp_begin(buf, 201, 1), r->ssrc);
        p = put32(put32(put32(put32(p, s->ssrc), 0), (uint32_t)s->newest), 0);
        p = put32(p, s->sr_us ? s->sr_mid : 0);
        p = put32(p, s->sr_us ? (uint32_t)((r->now_us - s->sr_us) * 65536 / US_PER_S) : 0);
        emit(r, buf, p);
    }
}

/* As much as came, and a quarter more. */
static void send_remb(struct m_receiver *r) /* draft-alvestrand-rmcat-remb-03 2.2 */
{
    uint64_t came_bps = (r->bytes - r->remb_bytes) * 8 * US_PER_S / MAX(r->now_us - r->remb_us, (uint64_t)1);
    uint64_t bps = MAX(came_bps + came_bps / 4, r->remb_least_bps);
    unsigned exponent = 0;
    for (; bps >> exponent > 0x3ffff; exponent++)
        continue;
    uint8_t buf[24], *p = put32(put32(wire_rtcp_begin(buf, 206, 15), r->ssrc), 0);
    memcpy(p, "REMB", 4);
    p = put32(p + 4, 1u << 24 | exponent << 18 | (uint32_t)(bps >> exponent));
    p = put32(p, r->ssrc);
    r->remb_us = r->now_us;
    r->remb_bytes = r->bytes;
    emit(r, buf, p);
}

uint64_t receiver_model_next_us(const struct m_receiver *r)
{
    return MIN(r->nack_us, MIN(r->feedback_us, r->report_us));
}

void receiver_model_on_time(struct m_receiver *r, uint64_t now_us)
{
    r->now_us = now_us;
    if (now_us >= r->nack_us) {
        r->nack_us += NACK_TICK_US;
        for (size_t i = 0; i < r->stream_count; i++) {
            ask_again(r, r->streams[i]);
            watch_stuck(r, r->streams[i]);
        }
    }
    if (now_us >= r->feedback_us) {
        r->feedback_us += FEEDBACK_US;
        send_feedback(r);
    }
    if (now_us >= r->report_us) {
        r->report_us += REPORT_US;
        send_reports(r);
        if (r->remb)
            send_remb(r);
    }
}
