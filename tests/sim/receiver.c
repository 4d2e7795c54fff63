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
    FORGET_US = 5000000, /* stuck for so long: TL0PICIDX may have gone round, only a key frame will do */
    JUMP = 1500,         /* a larger step of numbers is a new beginning */
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
    for (size_t i = 0; i < r->stream_count; i++) {
        free(r->streams[i]->packet);
        free(r->streams[i]);
    }
    free(r->arrival);
}

static void complain(struct m_receiver *r, const struct receiver_stream *s, const char *what,
                     const struct wire_note *note)
{
    char text[200];
    snprintf(text, sizeof text, "receiver: %s: ssrc %08x, sender %u encoding %u frame %u tid %u", what, s->ssrc,
             note->sender, note->encoding, note->frame, note->tid);
    r->out.violation(r->out.ctx, text);
}

static struct receiver_stream *find(struct m_receiver *r, uint32_t ssrc)
{
    for (size_t i = 0; i < r->stream_count; i++)
        if (r->streams[i]->ssrc == ssrc)
            return r->streams[i];
    return NULL;
}

static struct receiver_stream *get(struct m_receiver *r, uint32_t ssrc)
{
    struct receiver_stream *s = find(r, ssrc);
    if (s || r->stream_count == RECEIVER_STREAMS)
        return s;
    s = r->streams[r->stream_count++] = calloc(1, sizeof *s);
    s->packet = calloc(RECEIVER_PACKETS, sizeof *s->packet);
    s->ssrc = ssrc;
    return s;
}

void receiver_model_map(struct m_receiver *r, uint32_t ssrc, uint32_t rtx_ssrc)
{
    struct receiver_stream *s = get(r, ssrc);
    if (s)
        s->rtx_ssrc = rtx_ssrc;
}

static void emit(struct m_receiver *r, uint8_t *start, uint8_t *end)
{
    size_t len = wire_rtcp_end(start, end);
    r->out.emit(r->out.ctx, start, len, true);
}

/* ---- decoding ---- */

static bool present(const struct receiver_stream *s, int64_t seq)
{
    return s->packet[seq % RECEIVER_PACKETS].seq == seq;
}

/* The frame whose first packet has this number, if all of it is there. 0: not; else the number after it. */
static int64_t frame_end(const struct receiver_stream *s, int64_t first)
{
    for (int64_t seq = first; present(s, seq); seq++) {
        if (s->packet[seq % RECEIVER_PACKETS].ts != s->packet[first % RECEIVER_PACKETS].ts)
            return seq; /* the marker is optional */
        if (s->packet[seq % RECEIVER_PACKETS].marker)
            return seq + 1;
    }
    return 0;
}

static bool was_decoded(const struct receiver_stream *s, uint32_t frame)
{
    return frame == 0 || s->decoded.frame[frame % RECEIVER_FRAMES] == frame;
}

static void decode(struct m_receiver *r, struct receiver_stream *s, int64_t first, bool joined)
{
    const struct wire_note *note = &s->packet[first % RECEIVER_PACKETS].note;
    const struct wire_vp8 *vp8 = &s->packet[first % RECEIVER_PACKETS].vp8;
    if (!vp8->start || !note->first)
        complain(r, s, "a frame lacks its beginning", note);
    if (note->key) {
        if (note->sender != s->decoded.sender || note->encoding != s->decoded.encoding)
            memset(&s->decoded, 0, sizeof s->decoded);
        s->decoded.sender = note->sender;
        s->decoded.encoding = note->encoding;
        s->keys++;
    } else {
        bool same = note->sender == s->decoded.sender && note->encoding == s->decoded.encoding;
        for (int i = 0; i < WIRE_DEPS_MAX; i++)
            if (!same || !was_decoded(s, note->dep[i])) {
                complain(r, s, "decoded without its reference", note);
                break;
            }
    }
    if (joined && s->has_pictureid && vp8->pictureid != ((s->pictureid + 1) & 0x7fff))
        complain(r, s, "picture id does not follow", note);
    s->has_pictureid = true;
    s->pictureid = vp8->pictureid;
    s->tl0 = vp8->tl0;
    r->shown_us[note->sender % RECEIVER_SENDERS] = r->now_us;
    s->decoded.frame[note->frame % RECEIVER_FRAMES] = note->frame;
    if (s->frames++)
        s->longest_gap_us = MAX(s->longest_gap_us, r->now_us - s->decoded_us);
    s->decoded_us = r->now_us;
    s->stuck_us = 0;
}

static void forget_missing_before(struct receiver_stream *s, int64_t seq)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->missing_count; i++)
        if (s->missing[i].seq >= seq)
            s->missing[kept++] = s->missing[i];
    s->missing_count = kept;
}

/* A whole key frame further on frees a stuck stream. */
static int64_t key_ahead(const struct receiver_stream *s)
{
    int64_t from = MAX(s->next, s->newest - RECEIVER_PACKETS + 1);
    for (int64_t seq = from; seq <= s->newest; seq++)
        if (present(s, seq) && s->packet[seq % RECEIVER_PACKETS].note.key &&
            s->packet[seq % RECEIVER_PACKETS].vp8.start && frame_end(s, seq))
            return seq;
    return 0;
}

/* As libwebrtc judges VP8: layer 0 follows by TL0PICIDX, the layers above need every picture before them. */
static bool follows(const struct receiver_stream *s, const struct wire_vp8 *vp8)
{
    if (vp8->tid == 0)
        return vp8->tl0 == (uint8_t)(s->tl0 + 1);
    return vp8->tl0 == s->tl0 && vp8->pictureid == ((s->pictureid + 1) & 0x7fff);
}

static int64_t next_frame(const struct receiver_stream *s) /* 0: none can be decoded yet */
{
    for (int64_t seq = s->next; s->keyed && seq <= s->newest; seq++)
        if (present(s, seq) && s->packet[seq % RECEIVER_PACKETS].vp8.start &&
            !s->packet[seq % RECEIVER_PACKETS].note.key && follows(s, &s->packet[seq % RECEIVER_PACKETS].vp8) &&
            frame_end(s, seq))
            return seq;
    return 0;
}

static void decode_all(struct m_receiver *r, struct receiver_stream *s, bool key_arrived)
{
    for (;;) {
        int64_t first = next_frame(s);
        if (first) {
            decode(r, s, first, first == s->next);
            s->next = frame_end(s, first);
            continue;
        }
        int64_t key = key_arrived && s->newest >= s->next ? key_ahead(s) : 0;
        if (!key)
            return;
        if (s->keyed && key != s->next)
            s->jumps++;
        s->keyed = true;
        decode(r, s, key, key == s->next);
        s->next = frame_end(s, key);
        forget_missing_before(s, s->next);
    }
}

/* ---- packets ---- */

static void note_missing(struct m_receiver *r, struct receiver_stream *s, int64_t from, int64_t to)
{
    for (int64_t seq = from; seq < to; seq++) {
        if (s->missing_count == RECEIVER_MISSING) {
            memmove(s->missing, s->missing + 1, (RECEIVER_MISSING - 1) * sizeof s->missing[0]);
            s->missing_count--;
            s->given_up++;
        }
        s->missing[s->missing_count].seq = seq;
        s->missing[s->missing_count].ask_us = s->missing[s->missing_count].found_us = r->now_us;
        s->missing[s->missing_count++].asked = 0;
    }
}

static void found(struct m_receiver *r, struct receiver_stream *s, int64_t seq)
{
    for (size_t i = 0; i < s->missing_count; i++)
        if (s->missing[i].seq == seq) {
            if (s->missing[i].asked) {
                s->repaired++;
                r->repair_us[r->repair_count++ % RECEIVER_REPAIRS] = r->now_us - s->missing[i].found_us;
            }
            memmove(s->missing + i, s->missing + i + 1, (s->missing_count - i - 1) * sizeof s->missing[0]);
            s->missing_count--;
            return;
        }
}

static void ask_again(struct m_receiver *r, struct receiver_stream *s)
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
            s->missing[i].ask_us = r->now_us + r->rtt_us + MS(10);
            s->nacks++;
            any = true;
        }
        s->missing[kept++] = s->missing[i];
    }
    s->missing_count = kept;
    if (any)
        emit(r, buf, p);
}

static void ask_keyframe(struct m_receiver *r, struct receiver_stream *s)
{
    uint8_t buf[12], *p = put32(put32(wire_rtcp_begin(buf, 206, 1), r->ssrc), s->ssrc);
    s->pli_us = r->now_us;
    s->plis++;
    emit(r, buf, p);
}

static void watch_stuck(struct m_receiver *r, struct receiver_stream *s)
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

static void take(struct m_receiver *r, struct receiver_stream *s, uint16_t seq16, uint32_t ts, bool marker,
                 const uint8_t *payload, size_t n)
{
    struct wire_note note;
    struct wire_vp8 vp8;
    if (n == 0) {
        r->padding++;
        return;
    }
    if (n <= WIRE_NOTE_AT || !wire_note_read(payload + WIRE_NOTE_AT, n - WIRE_NOTE_AT, &note) ||
        !wire_vp8_read(payload, n, &vp8)) {
        r->out.violation(r->out.ctx, "receiver: a payload came out damaged");
        return;
    }
    int64_t seq = s->started ? widen16(s->newest, seq16) : seq16 + 65536;
    if (s->started && seq - s->newest > JUMP) { /* after an outage: a new beginning */
        s->newest = seq - 1;
        s->next = seq;
        s->keyed = false;
        s->missing_count = 0;
    }
    if (!s->started) {
        s->started = true;
        s->newest = seq - 1;
        s->next = seq;
    }
    if (present(s, seq) || seq <= s->newest - RECEIVER_PACKETS)
        return;
    if (vp8.tid != note.tid || vp8.start != note.first || marker < note.last)
        complain(r, s, "headers and payload disagree", &note);
    if (seq > s->newest + 1)
        note_missing(r, s, s->newest + 1, seq);
    found(r, s, seq);
    s->newest = MAX(s->newest, seq);
    s->packet_us = r->now_us;
    s->packets++;
    if (s->keyed && r->now_us - s->decoded_us > FORGET_US)
        s->keyed = false;
    s->packet[seq % RECEIVER_PACKETS].seq = seq;
    s->packet[seq % RECEIVER_PACKETS].ts = ts;
    s->packet[seq % RECEIVER_PACKETS].marker = marker;
    s->packet[seq % RECEIVER_PACKETS].vp8 = vp8;
    s->packet[seq % RECEIVER_PACKETS].note = note;
    if (s->next < s->newest - RECEIVER_PACKETS / 2) { /* hopelessly behind */
        s->next = s->newest - RECEIVER_PACKETS / 2;
        s->keyed = false;
    }
    decode_all(r, s, note.key);
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
    } else if (rtp.pt == WIRE_VP8) {
        struct receiver_stream *s = get(r, rtp.ssrc);
        if (s)
            take(r, s, rtp.seq, rtp.ts, rtp.marker, rtp.payload, rtp.len);
    } else if (rtp.pt == WIRE_RTX && rtp.len >= 2) {
        for (size_t i = 0; i < r->stream_count; i++)
            if (r->streams[i]->rtx_ssrc == rtp.ssrc)
                take(r, r->streams[i], get16(rtp.payload), rtp.ts, rtp.marker, rtp.payload + 2, rtp.len - 2);
    }
}

static void on_rtcp(void *ctx, uint8_t type, uint8_t count, const uint8_t *body, size_t n)
{
    struct m_receiver *r = ctx;
    struct receiver_stream *s = type == 200 && n >= 24 ? find(r, get32(body)) : NULL;
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
        struct receiver_stream *s = r->streams[i];
        if (!s->started)
            continue;
        uint8_t buf[32], *p = put32(wire_rtcp_begin(buf, 201, 1), r->ssrc);
        p = put32(put32(put32(put32(p, s->ssrc), 0), (uint32_t)s->newest), 0);
        p = put32(p, s->sr_us ? s->sr_mid : 0);
        p = put32(p, s->sr_us ? (uint32_t)((r->now_us - s->sr_us) * 65536 / US_PER_S) : 0);
        emit(r, buf, p);
    }
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
    }
}
