/* sender.c - see sender.h. */
#include "sim/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/units.h"

enum { PAYLOAD_MAX = 1100, KEYED = 5, REPORT_US = 1000000, TOLD_MAX = 2048, CAMERA_FPS = 30, SCREEN_FPS = 5, LOSS_PACKETS = 20 };

static const uint32_t rates_bps[SENDER_ENCODINGS] = {120000, 350000, 900000};
static const int heights[SENDER_ENCODINGS] = {180, 360, 720};

void sender_init(struct sender *s, uint32_t id, const struct camera_shape *shape, uint64_t max_bps, struct rng rng,
                 uint64_t now_us, const struct sender_out *out)
{
    *s = (struct sender){
        .out = *out, .rng = rng, .id = id, .shape = *shape, .max_bps = max_bps, .camera = true, .numbers = true};
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
        e->camera.pictureid = (uint16_t)rng_next(&s->rng) & 0x7fff;
        e->camera.tl0 = (uint8_t)rng_next(&s->rng);
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

static void begin_anew(struct sender *s)
{
    for (int i = 0; i < SENDER_ENCODINGS; i++) {
        s->encoding[i].active = false; /* begins again with a key frame */
        s->encoding[i].camera.pictureid = (uint16_t)rng_next(&s->rng) & 0x7fff;
        s->encoding[i].camera.tl0 = (uint8_t)rng_next(&s->rng);
    }
}

void sender_change(struct sender *s, const struct camera_shape *shape)
{
    s->shape = *shape;
    begin_anew(s);
}

void sender_rename(struct sender *s)
{
    begin_anew(s);
    for (int i = 0; i < SENDER_ENCODINGS; i++) {
        struct sender_encoding *e = &s->encoding[i];
        e->ssrc += 100;
        e->rtx_ssrc += 100;
        e->ts_offset = (uint32_t)rng_next(&s->rng);
        memset(e->kept, 0, SENDER_KEPT * sizeof *e->kept);
    }
    s->epoch++;
    s->max_height = 0; /* until the bridge says of the new one */
}

/* ---- packets ---- */

static int next_twcc(struct sender *s)
{
    if (!s->numbers)
        return -1;
    int64_t number = s->twcc_next++;
    s->twcc[number % SENDER_TWCC] = (struct sender_twcc){.number = number};
    return (uint16_t)number;
}

static int64_t send_units(const struct sender *s, uint64_t now_us) /* 6.18 fixed point seconds */
{
    return s->numbers ? -1 : (int64_t)((now_us << 18) / US_PER_S & 0xffffff);
}

static void emit(struct sender *s, const struct wire_rtp *rtp, const void *payload, size_t len)
{
    uint8_t buf[WIRE_MAX], *p = wire_write(buf, rtp);
    memcpy(p, payload, len);
    s->out.emit(s->out.ctx, buf, (size_t)(p - buf) + len, false);
}

static void resend(struct sender *s, struct sender_encoding *e, const struct sender_kept *kept, uint64_t now_us)
{
    uint8_t payload[2 + sizeof kept->payload];
    struct wire_rtp rtp = {.pt = payload_rtx_pt(kept->codec),
                           .marker = kept->marker,
                           .seq = e->rtx_seq++,
                           .ts = kept->ts,
                           .ssrc = e->rtx_ssrc,
                           .level = -1,
                           .twcc = next_twcc(s),
                           .send_units = send_units(s, now_us)};
    put16(payload, (uint16_t)kept->number);
    memcpy(payload + 2, kept->payload, kept->len);
    emit(s, &rtp, payload, kept->len + 2u);
}

/* As senders do: something old again, or padding and nothing else. */
static void probe(struct sender *s, uint64_t now_us)
{
    struct sender_encoding *e = &s->encoding[rng_between(&s->rng, 0, SENDER_ENCODINGS - 1)];
    if (!e->active)
        return;
    if (rng_chance(&s->rng, 500000)) {
        const struct sender_kept *kept = &e->kept[(e->packets - rng_between(&s->rng, 1, 400)) % SENDER_KEPT];
        if (kept->sent_us)
            resend(s, e, kept, now_us);
        return;
    }
    uint8_t buf[WIRE_MAX];
    struct wire_rtp rtp = {.pt = payload_rtx_pt(s->shape.codec),
                           .seq = e->rtx_seq++,
                           .ssrc = e->rtx_ssrc,
                           .level = -1,
                           .twcc = next_twcc(s),
                           .send_units = send_units(s, now_us)};
    uint8_t *p = wire_write(buf, &rtp);
    buf[0] |= 0x20;
    memset(p, 0, 224);
    p[223] = 224;
    s->out.emit(s->out.ctx, buf, (size_t)(p - buf) + 224, false);
}

static void send_packet(struct sender *s, struct sender_encoding *e, const struct camera_frame *frame, size_t size,
                        bool first, bool end, bool last, uint64_t now_us)
{
    struct sender_kept *kept = &e->kept[e->packets % SENDER_KEPT];
    struct wire_note note = frame->note;
    struct payload_head head = frame->head;
    note.packet = e->packets;
    note.first = head.start = first;
    note.last = last;
    head.end = end;
    *kept = (struct sender_kept){.number = e->packets,
                                 .ts = note.ts,
                                 .marker = last,
                                 .codec = s->shape.codec,
                                 .len = (uint16_t)size,
                                 .sent_us = now_us};
    if (!first)
        head.sids = 0; /* the structure is on the first packet */
    payload_write(kept->payload, size, &head);
    wire_note_write(kept->payload + size - WIRE_NOTE_LEN, &note);
    struct wire_rtp rtp = {.pt = payload_pt(s->shape.codec),
                           .marker = last,
                           .seq = (uint16_t)e->packets,
                           .ts = note.ts,
                           .ssrc = e->ssrc,
                           .level = -1,
                           .twcc = next_twcc(s),
                           .send_units = send_units(s, now_us)};
    e->packets++;
    e->octets += (uint32_t)size;
    emit(s, &rtp, kept->payload, size);
}

/* ---- frames ---- */

static unsigned fps(const struct sender *s)
{
    return s->shape.screen ? SCREEN_FPS : CAMERA_FPS;
}

static bool is_svc(const struct sender *s)
{
    return s->shape.sids > 1;
}

static bool height_wanted(const struct sender *s, int i)
{
    return s->max_height < 0 || heights[i] <= s->max_height || (i == 0 && s->max_height > 0);
}

/* Layer i: an encoding, or a spatial layer, which costs what it has more than the one below. */
static bool wanted(const struct sender *s, int i)
{
    uint64_t sum = is_svc(s) ? rates_bps[i] : 0;
    for (int k = 0; k <= i && !is_svc(s); k++)
        sum += rates_bps[k];
    bool exists = i < (is_svc(s) ? s->shape.sids : s->shape.encodings), fits = i == 0 || sum <= s->target_bps;
    return s->camera && exists && fits && height_wanted(s, i);
}

static double layer_bps(const struct sender *s, int encoding, unsigned sid)
{
    return is_svc(s) ? rates_bps[sid] - (sid ? rates_bps[sid - 1] : 0) : rates_bps[encoding];
}

static size_t frame_bytes(struct sender *s, int encoding, const struct camera_frame *frame)
{
    static const double weights[4][3] = {{0}, {1}, {1.3, 0.7}, {1.6, 1.0, 0.7}};
    double bytes = layer_bps(s, encoding, frame->note.sid) / 8.0 / fps(s) * weights[s->shape.tids][frame->note.tid] *
                   (frame->head.key ? KEYED : 1) * (double)rng_between(&s->rng, 70, 130) / 100;
    return MAX((size_t)bytes, (size_t)100);
}

static void send_frame(struct sender *s, int i, struct camera_frame *frame, bool highest, uint64_t now_us)
{
    struct sender_encoding *e = &s->encoding[i];
    size_t left = frame_bytes(s, i, frame), count = (left + PAYLOAD_MAX - 1) / PAYLOAD_MAX;
    frame->note.sender = s->id;
    frame->note.encoding = (uint32_t)i;
    frame->note.epoch = s->epoch;
    frame->note.ts = e->ts_offset + (uint32_t)(now_us * 9 / 100);
    for (size_t k = 0; k < count; k++)
        send_packet(s, e, frame, left / count, k == 0, k + 1 == count, highest && k + 1 == count, now_us);
}

static unsigned spatial_layers(const struct sender *s)
{
    unsigned sids = 1;
    while (is_svc(s) && sids < s->shape.sids && wanted(s, (int)sids))
        sids++;
    return sids;
}

static void send_picture(struct sender *s, int i, uint64_t now_us)
{
    struct sender_encoding *e = &s->encoding[i];
    struct camera_frame frames[PAYLOAD_SIDS];
    bool on = (!is_svc(s) || i == 0) && wanted(s, i);
    unsigned sids = spatial_layers(s);
    bool key = e->want_key || !e->active || sids > e->camera.sids;
    e->active = on;
    if (!on)
        return;
    e->want_key = false;
    e->key_frames += key;
    unsigned height = (unsigned)heights[is_svc(s) ? sids - 1 : (unsigned)i];
    size_t count = camera_picture(&e->camera, &s->shape, sids, height, key, frames);
    for (size_t k = 0; k < count; k++)
        send_frame(s, i, &frames[k], k + 1 == count, now_us);
}

/* ---- audio and reports ---- */

static void send_audio(struct sender *s) /* with DTX: one packet of silence in 400 ms */
{
    s->audio_ts += 960;
    if (!s->talking && ++s->audio_quiet % 20)
        return;
    uint8_t payload[40 + WIRE_NOTE_LEN];
    struct wire_note note = {.sender = s->id,
                             .encoding = SENDER_AUDIO,
                             .packet = s->audio_packets,
                             .frame = s->audio_packets,
                             .ts = s->audio_ts,
                             .key = true,
                             .first = true,
                             .last = true};
    memset(payload, 0x55, sizeof payload);
    wire_note_write(payload + sizeof payload - WIRE_NOTE_LEN, &note);
    struct wire_rtp rtp = {.pt = WIRE_OPUS,
                           .seq = (uint16_t)s->audio_packets,
                           .ts = s->audio_ts,
                           .ssrc = s->audio_ssrc,
                           .level = s->talking ? (int)rng_between(&s->rng, 20, 50) : 127,
                           .twcc = -1,
                           .send_units = -1};
    s->audio_packets++;
    emit(s, &rtp, payload, sizeof payload);
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
        s->video_us += US_PER_S / fps(s);
        for (int i = 0; i < SENDER_ENCODINGS; i++)
            send_picture(s, i, now_us);
    }
    if (now_us >= s->audio_us) {
        s->audio_us += 20000;
        send_audio(s);
    }
    if (now_us >= s->probe_us) {
        s->probe_us = now_us + rng_between(&s->rng, 1, SEC(4));
        probe(s, now_us);
        check_reported(s, now_us);
    }
    if (now_us >= s->report_us) {
        s->report_us += REPORT_US;
        for (int i = 0; i < SENDER_ENCODINGS; i++)
            if (s->encoding[i].active)
                send_report(s, &s->encoding[i], now_us);
        if (s->numbers)
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
    if (kept->number == (uint32_t)number && kept->sent_us && (!kept->resent || now_us - kept->sent_us >= s->rtt_us)) {
        kept->resent = true;
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

/* As libwebrtc's loss controller (draft-ietf-rmcat-gcc-02 6): of each twenty packets or more, a loss above a tenth takes
 * half of its share away. */
static void lower_rate(struct sender *s, const struct feedback *f)
{
    s->told_lost += f->lost;
    s->told += f->lost + f->arrived;
    if (s->told < LOSS_PACKETS)
        return;
    if (s->told_lost * 10 > s->told && f->now_us - s->limited_us > MS(300)) {
        s->limited_us = f->now_us;
        s->target_bps = MAX(s->target_bps - s->target_bps * s->told_lost / s->told / 2, (uint64_t)100000);
    }
    s->told_lost = s->told = 0;
}

static void on_request(struct sender *s, uint32_t ssrc, uint64_t now_us)
{
    if (!by_ssrc(s, ssrc))
        return;
    s->requests_us[s->requests++ % SENDER_REQUESTS] = now_us;
    for (int i = 0; i < SENDER_ENCODINGS; i++)
        s->encoding[i].want_key = true;
}

static void obey_remb(struct sender *s, uint32_t word) /* draft-alvestrand-rmcat-remb-03 2.2 */
{
    uint64_t bps = (uint64_t)(word & 0x3ffff) << (word >> 18 & 63);
    if (!s->numbers)
        s->target_bps = MIN(MAX(bps, (uint64_t)100000), s->max_bps);
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
    if (f->judging || n < 8)
        return;
    if (type == 206 && count == 15 && n >= 16 && memcmp(body + 8, "REMB", 4) == 0)
        obey_remb(s, get32(body + 12));
    if (type == 206 && count == 4) { /* RFC 5104 4.3.1: FIR */
        for (size_t at = 8; at + 8 <= n; at += 8)
            on_request(s, get32(body + at), f->now_us);
        return;
    }
    if (type == 206 && count == 1)
        on_request(s, get32(body + 4), f->now_us);
    struct sender_encoding *e = type == 205 && count == 1 ? by_ssrc(s, get32(body + 4)) : NULL;
    for (size_t at = 8; e && at + 4 <= n; at += 4) {
        on_nack(s, e, get16(body + at), f->now_us);
        for (unsigned i = 0, more = get16(body + at + 2); i < 16; i++)
            if (more >> i & 1)
                on_nack(s, e, (uint16_t)(get16(body + at) + 1 + i), f->now_us);
    }
}

void sender_on_rtcp(struct sender *s, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct feedback f = {.sender = s, .now_us = now_us};
    if (!wire_rtcp_read(data, len, on_rtcp, &f))
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
