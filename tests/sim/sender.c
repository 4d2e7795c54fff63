/* sender.c - see sender.h. */
#include "sim/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/units.h"

enum { PAYLOAD_MAX = 1100, VIDEO_HZ = 90000, FRAME_TS = 3000, KEYED = 5, REPORT_US = 1000000, TOLD_MAX = 2048 };

static const uint32_t rates_bps[SENDER_ENCODINGS] = {120000, 350000, 900000};
static const int heights[SENDER_ENCODINGS] = {180, 360, 720};

void sender_init(struct sender *s, uint32_t id, uint64_t max_bps, struct rng rng, uint64_t now_us,
                 const struct sender_out *out)
{
    *s = (struct sender){.out = *out, .rng = rng, .id = id, .max_height = 0, .max_bps = max_bps, .camera = true};
    s->target_bps = MIN(max_bps, (uint64_t)1500000);
    s->audio_ssrc = id * 1000;
    s->audio_packets = (uint32_t)rng_between(&s->rng, 1, 65535);
    s->audio_ts = (uint32_t)rng_next(&s->rng);
    s->video_us = now_us + rng_between(&s->rng, 1, 33333);
    s->audio_us = now_us + rng_between(&s->rng, 1, 20000);
    s->report_us = now_us + rng_between(&s->rng, 1, REPORT_US);
    s->probe_us = now_us + SEC(1);
    s->twcc_next = s->twcc_delivered = s->twcc_checked = (int64_t)rng_between(&s->rng, 65000, 66000);
    s->twcc = calloc(SENDER_TWCC, sizeof *s->twcc);
    for (int i = 0; i < SENDER_ENCODINGS; i++) {
        struct sender_encoding *e = &s->encoding[i];
        e->ssrc = id * 1000 + 10 + (uint32_t)i;
        e->rtx_ssrc = id * 1000 + 20 + (uint32_t)i;
        e->ts_offset = (uint32_t)rng_next(&s->rng);
        e->packets = (uint32_t)rng_between(&s->rng, 1, 65535);
        e->pictureid = (uint16_t)rng_next(&s->rng) & 0x7fff;
        e->tl0 = (uint8_t)rng_next(&s->rng);
        e->rtx_seq = (uint16_t)rng_next(&s->rng);
        e->kept = calloc(SENDER_KEPT, sizeof *e->kept);
    }
}

void sender_done(struct sender *s)
{
    for (int i = 0; i < SENDER_ENCODINGS; i++)
        free(s->encoding[i].kept);
    free(s->twcc);
}

void sender_constrain(struct sender *s, int max_height)
{
    s->max_height = max_height;
}

/* ---- packets ---- */

static int next_twcc(struct sender *s)
{
    int64_t number = s->twcc_next++;
    s->twcc[number % SENDER_TWCC] = (struct sender_twcc){.number = number};
    return (uint16_t)number;
}

static void emit(struct sender *s, const struct wire_rtp *rtp, int level, const void *payload, size_t len)
{
    uint8_t buf[WIRE_MAX], *p = wire_write(buf, rtp, level);
    memcpy(p, payload, len);
    s->out.emit(s->out.ctx, buf, (size_t)(p - buf) + len, false);
}

static void resend(struct sender *s, struct sender_encoding *e, const struct sender_kept *kept, uint64_t now_us)
{
    uint8_t payload[2 + sizeof kept->payload];
    struct wire_rtp rtp = {.pt = WIRE_RTX,
                           .marker = kept->marker,
                           .seq = e->rtx_seq++,
                           .ts = kept->ts,
                           .ssrc = e->rtx_ssrc,
                           .twcc = next_twcc(s)};
    (void)now_us;
    put16(payload, (uint16_t)kept->number);
    memcpy(payload + 2, kept->payload, kept->len);
    emit(s, &rtp, -1, payload, kept->len + 2u);
}

static void probe(struct sender *s) /* as senders do: something old again, or padding and nothing else */
{
    struct sender_encoding *e = &s->encoding[rng_between(&s->rng, 0, SENDER_ENCODINGS - 1)];
    if (!e->active)
        return;
    if (rng_chance(&s->rng, 500000)) {
        const struct sender_kept *kept = &e->kept[(e->packets - rng_between(&s->rng, 1, 400)) % SENDER_KEPT];
        if (kept->sent_us)
            resend(s, e, kept, 0);
        return;
    }
    uint8_t buf[WIRE_MAX];
    struct wire_rtp rtp = {.pt = WIRE_RTX, .seq = e->rtx_seq++, .ts = 0, .ssrc = e->rtx_ssrc, .twcc = next_twcc(s)};
    uint8_t *p = wire_write(buf, &rtp, -1);
    buf[0] |= 0x20;
    memset(p, 0, 224);
    p[223] = 224;
    s->out.emit(s->out.ctx, buf, (size_t)(p - buf) + 224, false);
}

static void send_packet(struct sender *s, struct sender_encoding *e, const struct wire_note *frame, uint32_t ts,
                        size_t size, bool sync, bool first, bool last, uint64_t now_us)
{
    struct sender_kept *kept = &e->kept[e->packets % SENDER_KEPT];
    struct wire_note note = *frame;
    int index = (int)(e - s->encoding);
    note.packet = e->packets;
    note.first = first;
    note.last = last;
    *kept =
        (struct sender_kept){.number = e->packets, .ts = ts, .marker = last, .len = (uint16_t)size, .sent_us = now_us};
    uint8_t *p = kept->payload;
    p = put8(p, first ? 0x90 : 0x80);
    p = put8(p, 0xf0);
    p = put16(p, 0x8000u | e->pictureid);
    p = put8(p, e->tl0);
    p = put8(p, (unsigned)(note.tid << 6 | (sync ? 0x20 : 0)));
    p = put8(p, first && note.key ? 0x10 : 0x11);
    p = put16(p, 0);
    p = put8(put16(p, 0x9d01), 0x2a);
    p = put16(p, ((320u << index) & 0xff) << 8 | (320u << index) >> 8);
    put16(p, ((180u << index) & 0xff) << 8 | (180u << index) >> 8);
    wire_note_write(kept->payload + WIRE_NOTE_AT, &note);
    struct wire_rtp rtp = {
        .pt = WIRE_VP8, .marker = last, .seq = (uint16_t)e->packets, .ts = ts, .ssrc = e->ssrc, .twcc = next_twcc(s)};
    e->packets++;
    e->octets += (uint32_t)size;
    emit(s, &rtp, -1, kept->payload, size);
}

/* ---- frames ---- */

static bool wanted(const struct sender *s, int i)
{
    uint64_t sum = 0;
    for (int k = 0; k <= i; k++)
        sum += rates_bps[k];
    bool fits = i == 0 || sum <= s->target_bps;
    return s->camera && fits && (s->max_height < 0 || heights[i] <= s->max_height || (i == 0 && s->max_height > 0));
}

static void send_frame(struct sender *s, int i, uint64_t now_us)
{
    static const uint8_t tids[4] = {0, 2, 1, 2};
    static const double weights[3] = {1.6, 1.0, 0.7};
    struct sender_encoding *e = &s->encoding[i];
    bool on = wanted(s, i);
    if (on && !e->active)
        e->want_key = true;
    e->active = on;
    if (!on)
        return;
    bool key = e->want_key;
    e->want_key = false;
    if (key)
        e->position = 0;
    struct wire_note note = {
        .sender = s->id, .encoding = (uint32_t)i, .frame = ++e->frames, .tid = tids[e->position], .key = key};
    bool sync = e->position == 1 || e->position == 2;
    if (key) {
        memset(e->newest, 0, sizeof e->newest);
        e->key_frames++;
    } else {
        note.dep[0] = e->newest[0];
        if (e->position == 3)
            note.dep[1] = e->newest[1];
    }
    e->newest[note.tid] = note.frame;
    e->position = (e->position + 1) % 4;
    e->pictureid = (e->pictureid + 1) & 0x7fff;
    if (note.tid == 0)
        e->tl0++;
    double size =
        rates_bps[i] / 8.0 / 30 * weights[note.tid] * (key ? KEYED : 1) * (double)rng_between(&s->rng, 70, 130) / 100;
    size_t left = MAX((size_t)size, (size_t)100), count = (left + PAYLOAD_MAX - 1) / PAYLOAD_MAX;
    uint32_t ts = e->ts_offset + (uint32_t)(now_us * 9 / 100);
    for (size_t k = 0; k < count; k++)
        send_packet(s, e, &note, ts, left / count, sync && !key, k == 0, k + 1 == count, now_us);
}

/* ---- audio and reports ---- */

static void send_audio(struct sender *s) /* with DTX: one packet of silence in 400 ms */
{
    s->audio_ts += 960;
    if (!s->talking && ++s->audio_quiet % 20)
        return;
    uint8_t payload[WIRE_NOTE_LEN + 40];
    struct wire_note note = {.sender = s->id,
                             .encoding = SENDER_AUDIO,
                             .packet = s->audio_packets,
                             .frame = s->audio_packets,
                             .key = true,
                             .first = true,
                             .last = true};
    memset(payload, 0x55, sizeof payload);
    wire_note_write(payload, &note);
    struct wire_rtp rtp = {
        .pt = WIRE_OPUS, .seq = (uint16_t)s->audio_packets, .ts = s->audio_ts, .ssrc = s->audio_ssrc, .twcc = -1};
    s->audio_packets++;
    emit(s, &rtp, s->talking ? (int)rng_between(&s->rng, 20, 50) : 127, payload, sizeof payload);
}

static void send_report(struct sender *s, const struct sender_encoding *e, uint64_t now_us)
{
    uint8_t buf[28], *p = wire_rtcp_begin(buf, 200, 0);
    p = put32(p, e->ssrc);
    p = put32(p, (uint32_t)(0x83aa7e80u + now_us / US_PER_S));
    p = put32(p, (uint32_t)((now_us % US_PER_S << 32) / US_PER_S));
    p = put32(p, e->ts_offset + (uint32_t)(now_us * 9 / 100));
    p = put32(p, e->packets);
    p = put32(p, e->octets);
    s->out.emit(s->out.ctx, buf, wire_rtcp_end(buf, p), true);
}

uint64_t sender_next_us(const struct sender *s)
{
    return MIN(MIN(s->video_us, s->audio_us), MIN(s->report_us, s->probe_us));
}

static void check_reported(struct sender *s, uint64_t now_us);

void sender_on_time(struct sender *s, uint64_t now_us)
{
    if (now_us >= s->video_us) {
        s->video_us += 33333;
        for (int i = 0; i < SENDER_ENCODINGS; i++)
            send_frame(s, i, now_us);
    }
    if (now_us >= s->audio_us) {
        s->audio_us += 20000;
        send_audio(s);
    }
    if (now_us >= s->probe_us) {
        s->probe_us = now_us + rng_between(&s->rng, 1, SEC(4));
        probe(s);
        check_reported(s, now_us);
    }
    if (now_us >= s->report_us) {
        s->report_us += REPORT_US;
        for (int i = 0; i < SENDER_ENCODINGS; i++)
            if (s->encoding[i].active)
                send_report(s, &s->encoding[i], now_us);
        s->target_bps = MIN(s->target_bps + s->target_bps / 12, s->max_bps);
    }
}

/* ---- feedback ---- */

static struct sender_encoding *by_ssrc(struct sender *s, uint32_t ssrc)
{
    for (int i = 0; i < SENDER_ENCODINGS; i++)
        if (s->encoding[i].ssrc == ssrc)
            return &s->encoding[i];
    return NULL;
}

static void on_nack(struct sender *s, struct sender_encoding *e, uint16_t seq, uint64_t now_us)
{
    int64_t number = widen16((int64_t)e->packets - 1, seq);
    struct sender_kept *kept = &e->kept[(uint64_t)number % SENDER_KEPT];
    if (kept->number == (uint32_t)number && kept->sent_us && now_us - kept->sent_us > MS(5)) {
        kept->sent_us = now_us;
        resend(s, e, kept, now_us);
    }
}

struct feedback { /* transport-wide (draft-holmer-rmcat-transport-wide-cc-extensions-01), being walked */
    struct sender *sender;
    bool judging;
    uint64_t now_us;
    unsigned lost, arrived;
};

static void complain(struct sender *s, const char *what, int64_t number)
{
    char text[160];
    snprintf(text, sizeof text, "feedback: %s: number %u", what, (unsigned)(uint16_t)number);
    s->out.violation(s->out.ctx, text);
}

static void on_status(struct feedback *f, int64_t number, bool arrived, int64_t at_us)
{
    struct sender *s = f->sender;
    struct sender_twcc *t = &s->twcc[number % SENDER_TWCC];
    f->lost += !arrived;
    f->arrived += arrived;
    if (!f->judging || t->number != number)
        return;
    if (!arrived) {
        if (t->delivered_us && !t->reported)
            complain(s, "called lost what had arrived", number);
        return;
    }
    if (!t->delivered_us) {
        complain(s, "called arrived what had not", number);
        return;
    }
    t->reported = true;
    int64_t offset_us = at_us - (int64_t)t->delivered_us;
    if (!s->twcc_known)
        s->twcc_offset_us = offset_us;
    s->twcc_known = true;
    if (llabs(offset_us - s->twcc_offset_us) > 2000)
        complain(s, "time of arrival is wrong", number);
}

static void walk_feedback(struct feedback *f, const uint8_t *p, size_t n)
{
    struct sender *s = f->sender;
    if (n < 16)
        return;
    int64_t base = widen16(s->twcc_next, get16(p + 8)), at_us = (int64_t)(get32(p + 12) >> 8) * 64000;
    unsigned count = get16(p + 10), got = 0;
    uint8_t *symbols = malloc(count + 16384);
    size_t at = 16;
    while (got < count && at + 2 <= n) {
        unsigned chunk = get16(p + at);
        at += 2;
        if (!(chunk & 0x8000))
            for (unsigned i = 0; i < (chunk & 0x1fff); i++)
                symbols[got++] = chunk >> 13 & 3;
        else
            for (unsigned i = 0, two = chunk >> 14 & 1; i < (two ? 7 : 14); i++)
                symbols[got++] = two ? chunk >> (12 - 2 * i) & 3 : chunk >> (13 - i) & 1;
        if (got > count)
            got = count;
    }
    for (unsigned i = 0; i < got; i++) {
        if (symbols[i] == 1 && at + 1 <= n)
            at_us += 250 * p[at++];
        else if (symbols[i] == 2 && at + 2 <= n) {
            at_us += 250 * (int16_t)get16(p + at);
            at += 2;
        } else if (symbols[i])
            complain(s, "deltas are missing", base + i);
        on_status(f, base + i, symbols[i] != 0, at_us);
    }
    if (got < count)
        complain(s, "chunks are missing", base);
    free(symbols);
}

static void lower_rate(struct sender *s, const struct feedback *f)
{
    if (f->lost + f->arrived >= 10 && f->lost * 10 > f->lost + f->arrived && f->now_us - s->limited_us > MS(300)) {
        s->limited_us = f->now_us;
        s->target_bps = MAX(s->target_bps * 8 / 10, (uint64_t)100000);
    }
}

static void on_rtcp(void *ctx, uint8_t type, uint8_t count, const uint8_t *body, size_t n)
{
    struct feedback *f = ctx;
    struct sender *s = f->sender;
    if (type == 205 && count == 15) {
        walk_feedback(f, body, n);
        if (!f->judging)
            lower_rate(s, f);
        return;
    }
    struct sender_encoding *e =
        n >= 8 && !f->judging && (type == 205 || type == 206) ? by_ssrc(s, get32(body + 4)) : NULL;
    if (!e)
        return;
    for (size_t at = 8; type == 205 && count == 1 && at + 4 <= n; at += 4) {
        on_nack(s, e, get16(body + at), f->now_us);
        for (unsigned i = 0, more = get16(body + at + 2); i < 16; i++)
            if (more >> i & 1)
                on_nack(s, e, (uint16_t)(get16(body + at) + 1 + i), f->now_us);
    }
    if (type == 206 && count == 1) {
        s->plis++;
        for (int i = 0; i < SENDER_ENCODINGS; i++)
            s->encoding[i].want_key = true;
    }
}

void sender_on_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct feedback f = {.sender = s, .now_us = now_us};
    if (!wire_rtcp_read(data, len, on_rtcp, &f))
        s->out.violation(s->out.ctx, "RTCP from the bridge is not well formed");
}

/* ---- the judge ---- */

void sender_delivered(struct sender *s, uint16_t twcc, uint64_t now_us)
{
    int64_t number = widen16(s->twcc_next, twcc);
    struct sender_twcc *t = &s->twcc[number % SENDER_TWCC];
    if ((uint16_t)t->number == twcc && !t->delivered_us)
        t->delivered_us = now_us;
    if (number - s->twcc_delivered >= TOLD_MAX) /* what the bridge had not told when the gap came, it has forgotten */
        s->twcc_checked = MAX(s->twcc_checked, number);
    s->twcc_delivered = MAX(s->twcc_delivered, number);
}

void sender_judge_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct feedback f = {.sender = s, .now_us = now_us, .judging = true};
    wire_rtcp_read(data, len, on_rtcp, &f);
}

static void check_reported(struct sender *s, uint64_t now_us) /* what arrived is told within a second */
{
    s->twcc_checked = MAX(s->twcc_checked, s->twcc_next - SENDER_TWCC + 1);
    for (; s->twcc_checked < s->twcc_next; s->twcc_checked++) {
        const struct sender_twcc *t = &s->twcc[s->twcc_checked % SENDER_TWCC];
        if (t->delivered_us && !t->reported) {
            if (now_us - t->delivered_us < SEC(1))
                return;
            complain(s, "an arrival was never told", s->twcc_checked);
        }
        if (!t->delivered_us && s->twcc_next - s->twcc_checked < 500)
            return;
    }
}
