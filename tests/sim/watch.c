/* watch.c - see watch.h. */
#include "sim/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/units.h"

enum { LEAP_US = 3000000 /* most that a timestamp may differ from the clock over a switch */, PAUSE_US = 1000000 };
enum { ANCIENT = 50, ANSWER_US = 400000, ANSWERABLE_US = 1000000, ANSWERABLE = 512 /* numbers back */ };

void watch_init(struct watch *w, watch_violation *violation, void *ctx)
{
    memset(w, 0, sizeof *w);
    w->ctx = ctx;
    w->violation = violation;
    map_init(&w->outs);
}

void watch_done(struct watch *w)
{
    struct watch_out *out;
    for (size_t at = 0; (out = map_next(&w->outs, &at));)
        free(out);
    map_done(&w->outs);
    for (int i = 0; i < WATCH_CLIENTS; i++)
        for (int k = 0; k < WATCH_ENCODINGS; k++)
            free(w->in[i][k]);
}

static void complain(struct watch *w, const struct watch_out *out, uint16_t seq, const struct wire_note *n,
                     const char *what)
{
    char text[240];
    snprintf(text, sizeof text,
             "bridge: %s: ssrc %08x seq %u, sender %u encoding %u packet %u frame %u sid %u tid %u, on %u %u", what,
             out->ssrc, seq, n->sender, n->encoding, n->packet, n->frame, n->sid, n->tid, n->dep[0], n->dep[1]);
    w->violation(w->ctx, out->serial, text);
}

static struct watch_out *out_of(struct watch *w, uint32_t serial, uint32_t ssrc)
{
    uint32_t key[2] = {serial, ssrc};
    struct bytes bytes = bytes_of(key, sizeof key);
    struct watch_out *out = map_get(&w->outs, bytes);
    if (!out) {
        out = calloc(1, sizeof *out);
        out->serial = serial;
        out->ssrc = ssrc;
        map_put(&w->outs, bytes, out);
    }
    return out;
}

void watch_rtx(struct watch *w, uint32_t serial, uint32_t ssrc, uint32_t rtx_ssrc)
{
    out_of(w, serial, ssrc)->rtx_ssrc = rtx_ssrc;
}

void watch_told(struct watch *w, uint32_t serial, uint32_t ssrc, uint32_t sender, unsigned epoch, const char *mid)
{
    struct watch_out *out = out_of(w, serial, ssrc);
    w->rewriting[serial % WATCH_CLIENTS] = true;
    out->told_sender = sender;
    out->told_epoch = (uint8_t)epoch;
    snprintf(out->told_mid, sizeof out->told_mid, "%s", mid);
}

void watch_forget(struct watch *w, uint32_t serial)
{
    size_t kept = 0;
    w->gone[serial % WATCH_CLIENTS] = true;
    for (size_t i = 0; i < w->asked_count; i++)
        if (w->asked[i].out->serial != serial)
            w->asked[kept++] = w->asked[i];
    w->asked_count = kept;
    struct watch_out *out;
    for (size_t at = 0; (out = map_next(&w->outs, &at));) {
        if (out->serial != serial)
            continue;
        uint32_t key[2] = {serial, out->ssrc};
        map_del(&w->outs, bytes_of(key, sizeof key));
        free(out);
        at = 0; /* what is removed moves others */
    }
}

uint64_t watch_shown_us(const struct watch *w, uint32_t serial, uint32_t sender)
{
    uint64_t newest_us = 0;
    const struct watch_out *out;
    for (size_t at = 0; (out = map_next(&w->outs, &at));)
        if (out->serial == serial && out->started && out->newest_note.sender == sender &&
            out->newest_note.encoding != 0xff)
            newest_us = MAX(newest_us, out->newest_us);
    return newest_us;
}

uint64_t watch_media_bytes(const struct watch *w, uint32_t serial)
{
    uint64_t bytes = 0;
    const struct watch_out *out;
    for (size_t at = 0; (out = map_next(&w->outs, &at));)
        if (out->serial == serial)
            bytes += out->media_bytes;
    return bytes;
}

static bool read_note(const struct wire_rtp *rtp, size_t skip, struct wire_note *note)
{
    return rtp->len > skip && wire_note_read(rtp->payload + skip, rtp->len - skip, note) &&
           note->sender < WATCH_CLIENTS && (note->encoding < WATCH_ENCODINGS || note->encoding == 0xff);
}

static void trace(const struct watch *w, const char *what, uint32_t to, const struct wire_rtp *rtp,
                  const struct wire_note *n)
{
    if (w->trace)
        fprintf(
            stderr,
            "%s to %u ssrc %08x pt %u seq %u ts %u%s: sender %u encoding %u packet %u frame %u sid %u tid %u%s%s%s\n",
            what, to, rtp->ssrc, rtp->pt, rtp->seq, rtp->ts, rtp->marker ? " marker" : "", n->sender, n->encoding,
            n->packet, n->frame, n->sid, n->tid, n->key ? " key" : "", n->first ? " first" : "",
            n->last ? " last" : "");
}

static struct watch_in *in_of(struct watch *w, const struct wire_note *note)
{
    struct watch_in **in = &w->in[note->sender][note->encoding == 0xff ? WATCH_ENCODINGS - 1 : note->encoding];
    if (!*in)
        *in = calloc(1, sizeof **in);
    return *in;
}

void watch_on_in(struct watch *w, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct wire_rtp rtp;
    struct wire_note note;
    if (!wire_read(data, len, &rtp) || !read_note(&rtp, payload_is_rtx(rtp.pt) ? 2 : 0, &note))
        return;
    trace(w, "in", 0, &rtp, &note);
    struct watch_in *in = in_of(w, &note);
    size_t at = note.packet % WATCH_PACKETS;
    if (in->packet[at].packet != note.packet)
        in->packet[at].late = note.packet < in->newest;
    in->newest = MAX(in->newest, note.packet);
    in->newest_frame = MAX(in->newest_frame, note.frame);
    if (now_us - in->newest_us > PAUSE_US)
        in->since_us = now_us;
    in->newest_us = now_us;
    in->packet[at].packet = note.packet;
    in->packet[at].frame = note.frame;
    in->frame[note.frame % WATCH_FRAMES] = note.frame;
}

/* ---- what goes out ---- */

/* Those that came late count: what was numbered without them may have left them a hole, which stays if they are withheld. */
static int64_t not_arrived(const struct watch_in *in, uint32_t after, uint32_t before)
{
    int64_t n = 0;
    for (uint32_t i = after + 1; i < before; i++)
        n += in->packet[i % WATCH_PACKETS].packet != i || in->packet[i % WATCH_PACKETS].late;
    return n;
}

static void check_gap(struct watch *w, struct watch_out *out, int64_t seq, const struct wire_note *note)
{
    const struct wire_note *last = &out->newest_note;
    int64_t holes = seq - out->newest - 1, allowed;
    if (last->sender == note->sender && last->encoding == note->encoding && last->epoch == note->epoch)
        allowed =
            not_arrived(in_of(w, note), last->packet, note->packet) + ((note->key && note->first) || note->sealed);
    else /* others may be on their way; and a last frame that was cut off must look like a loss */
        allowed = 1 + not_arrived(in_of(w, last), last->packet, in_of(w, last)->newest);
    if (holes > allowed)
        complain(w, out, (uint16_t)seq, note, "a hole that no loss explains");
}

static void check_references(struct watch *w, struct watch_out *out, int64_t seq, const struct wire_note *note)
{
    if (out->run.sender != note->sender || out->run.encoding != note->encoding) {
        if (!note->key || (out->started && seq < out->newest))
            return; /* the rest of what was shown before */
        memset(&out->run, 0, sizeof out->run);
        out->run.sender = note->sender;
        out->run.encoding = note->encoding;
        out->run.first = seq;
    }
    if (seq < out->run.first)
        return;                                                          /* of an earlier time on the same encoding */
    bool ancient = in_of(w, note)->newest_frame > note->frame + ANCIENT; /* past what a bridge need remember */
    for (int i = 0; i < WIRE_DEPS_MAX && !ancient && !note->sealed; i++) {
        uint32_t dep = note->dep[i];
        if (dep && out->run.frame[dep % WATCH_FRAMES] != dep && in_of(w, note)->frame[dep % WATCH_FRAMES] == dep)
            complain(w, out, (uint16_t)seq, note, "sent without what it refers to");
    }
    out->run.frame[note->frame % WATCH_FRAMES] = note->frame;
    if (out->run.packet[note->packet % WATCH_PACKETS].packet == note->packet &&
        out->run.packet[note->packet % WATCH_PACKETS].seq != seq)
        complain(w, out, (uint16_t)seq, note, "a packet under two numbers");
    out->run.packet[note->packet % WATCH_PACKETS].packet = note->packet;
    out->run.packet[note->packet % WATCH_PACKETS].seq = seq;
}

/* ---- timestamps and markers ---- */

static bool same_picture(const struct wire_note *a, const struct wire_note *b)
{
    return a->sender == b->sender && a->encoding == b->encoding && a->ts == b->ts;
}

/* Within a source and encoding the distances are the source's; over a switch the clock decides, within reason. A stream may
 * begin anew with a key frame, or anywhere if the bridge cannot tell one. */
static void check_ts(struct watch *w, struct watch_out *out, const struct wire_rtp *rtp, const struct wire_note *note,
                     uint64_t now_us)
{
    const struct wire_note *last = &out->newest_note;
    int64_t step = (int32_t)(rtp->ts - out->newest_ts), clock = note->encoding == 0xff ? 48 : 90;
    bool same = last->sender == note->sender && last->encoding == note->encoding && last->epoch == note->epoch;
    if (same && step == (int32_t)(note->ts - last->ts))
        return;
    if (same && !note->sealed && (!note->key || note->frame == last->frame || note->encoding == 0xff)) {
        complain(w, out, rtp->seq, note, "a timestamp that is not its source's");
        return;
    }
    int64_t clock_us = (int64_t)(now_us - out->newest_us), step_us = step * 1000 / clock;
    if (step <= 0)
        complain(w, out, rtp->seq, note, "a timestamp that does not grow");
    else if (step_us - clock_us > LEAP_US || clock_us - step_us > LEAP_US)
        complain(w, out, rtp->seq, note, "a timestamp that leaves the clock");
}

/* Two packets that follow each other without a hole. Within a picture there is a marker only where a stream goes up a
 * spatial layer, which nobody could foresee at the end of the one below (media.md 12.2). */
static void check_join(struct watch *w, struct watch_out *out, int64_t seq)
{
    size_t at = (size_t)seq % WATCH_PACKETS, before = (size_t)(seq - 1) % WATCH_PACKETS;
    if (out->sent[at].seq != seq || out->sent[before].seq != seq - 1 || out->sent[at].note.encoding == 0xff)
        return;
    const struct wire_note *a = &out->sent[before].note, *b = &out->sent[at].note;
    bool same = same_picture(a, b);
    if (same && out->sent[before].ts != out->sent[at].ts)
        complain(w, out, (uint16_t)seq, b, "a picture with two timestamps");
    else if (same && out->sent[before].marker && b->sid <= a->sid)
        complain(w, out, (uint16_t)seq, b, "a marker within a picture");
    else if (!same && !out->sent[before].marker)
        complain(w, out, (uint16_t)seq, b, "a picture before it without its end");
}

static void check_told(struct watch *w, struct watch_out *out, const struct wire_rtp *rtp, const struct wire_note *note)
{
    if (!w->rewriting[out->serial % WATCH_CLIENTS])
        return;
    if (out->told_sender != note->sender || out->told_epoch != note->epoch)
        complain(w, out, rtp->seq, note, out->told_sender ? "another source was told" : "nobody was told of this SSRC");
    else if (strcmp(out->told_mid, rtp->mid) != 0)
        complain(w, out, rtp->seq, note, "another mid was told");
}

static bool same_packet(const struct wire_note *a, const struct wire_note *b)
{
    return a->sender == b->sender && a->encoding == b->encoding && a->packet == b->packet;
}

static void on_media(struct watch *w, struct watch_out *out, const struct wire_rtp *rtp, const struct wire_note *note,
                     uint64_t now_us)
{
    trace(w, "out", out->serial, rtp, note);
    int64_t seq = out->started ? widen16(out->newest, rtp->seq) : rtp->seq + 65536;
    size_t at = (size_t)seq % WATCH_PACKETS;
    check_told(w, out, rtp, note);
    if (out->sent[at].seq == seq) {
        if (!same_packet(&out->sent[at].note, note) || out->sent[at].ts != rtp->ts)
            complain(w, out, rtp->seq, note, "two packets under one number");
        out->sent[at].again_us = now_us;
        return;
    }
    if (out->started && seq > out->newest) {
        check_gap(w, out, seq, note);
        check_ts(w, out, rtp, note, now_us);
    }
    if (note->encoding != 0xff)
        check_references(w, out, seq, note);
    out->sent[at].seq = seq;
    out->sent[at].note = *note;
    out->sent[at].ts = rtp->ts;
    out->sent[at].marker = rtp->marker;
    out->sent[at].sent_us = out->sent[at].again_us = now_us;
    check_join(w, out, seq);
    check_join(w, out, seq + 1);
    out->media_bytes += note->encoding == 0xff ? 0 : rtp->len;
    if (!out->started || seq > out->newest) {
        out->newest = seq;
        out->newest_note = *note;
        out->newest_ts = rtp->ts;
        out->newest_us = now_us;
    }
    out->started = true;
}

static void on_rtx(struct watch *w, struct watch_out *out, uint16_t osn, const struct wire_note *note, uint64_t now_us)
{
    int64_t seq = widen16(out->newest, osn);
    size_t at = (size_t)seq % WATCH_PACKETS;
    if (out->sent[at].seq != seq)
        complain(w, out, osn, note, "RTX of what was not sent");
    else if (!same_packet(&out->sent[at].note, note))
        complain(w, out, osn, note, "RTX of something else");
    else
        out->sent[at].again_us = now_us;
}

void watch_on_out(struct watch *w, uint32_t serial, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct wire_rtp rtp;
    struct wire_note note;
    if (!wire_read(data, len, &rtp)) {
        w->violation(w->ctx, serial, "bridge: RTP is not well formed");
        return;
    }
    if (!payload_is_rtx(rtp.pt)) {
        if (read_note(&rtp, 0, &note))
            on_media(w, out_of(w, serial, rtp.ssrc), &rtp, &note, now_us);
        return;
    }
    struct watch_out *out;
    for (size_t at = 0; (out = map_next(&w->outs, &at));)
        if (out->serial == serial && out->rtx_ssrc == rtp.ssrc && read_note(&rtp, 2, &note))
            on_rtx(w, out, get16(rtp.payload), &note, now_us);
}

/* ---- NACK ---- */

struct rtcp_walk {
    struct watch *w;
    uint32_t serial;
    uint64_t now_us;
};

static void on_nack(struct rtcp_walk *walk, struct watch_out *out, uint16_t low)
{
    struct watch *w = walk->w;
    int64_t seq = widen16(out->newest, low);
    size_t at = (size_t)seq % WATCH_PACKETS;
    w->nacks++;
    if (out->sent[at].seq != seq || out->newest - seq >= ANSWERABLE ||
        walk->now_us - out->sent[at].sent_us > ANSWERABLE_US || w->asked_count == WATCH_ASKED)
        return;
    w->asked[w->asked_count].out = out;
    w->asked[w->asked_count].seq = seq;
    w->asked[w->asked_count++].asked_us = walk->now_us;
}

static void on_rtcp(void *ctx, uint8_t type, uint8_t count, const uint8_t *body, size_t n)
{
    struct rtcp_walk *walk = ctx;
    if (type != 205 || count != 1 || n < 8)
        return;
    struct watch_out *out = out_of(walk->w, walk->serial, get32(body + 4));
    for (size_t at = 8; at + 4 <= n; at += 4)
        on_nack(walk, out, get16(body + at));
}

void watch_on_rtcp_in(struct watch *w, uint32_t serial, const uint8_t *data, size_t len, uint64_t now_us)
{
    struct rtcp_walk walk = {w, serial, now_us};
    wire_rtcp_read(data, len, on_rtcp, &walk);
}

void watch_on_time(struct watch *w, uint64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->asked_count; i++) {
        struct watch_out *out = w->asked[i].out;
        size_t at = (size_t)w->asked[i].seq % WATCH_PACKETS;
        if (out->sent[at].seq != w->asked[i].seq || out->newest_note.sender != out->sent[at].note.sender ||
            (out->told_sender && out->told_sender != out->sent[at].note.sender) || w->gone[out->sent[at].note.sender] ||
            (out->sent[at].note.encoding != 0xff && out->sent[at].note.epoch != w->epoch[out->sent[at].note.sender])) {
            w->excused++; /* another source is behind this SSRC now, or its packets went with it or its sender */
        } else if (out->sent[at].again_us + w->rtt_us[out->serial % WATCH_CLIENTS] >= w->asked[i].asked_us) {
            w->answered++;
        } else if (now_us - w->asked[i].asked_us > ANSWER_US) {
            complain(w, out, (uint16_t)w->asked[i].seq, &out->sent[at].note, "a NACK without answer");
        } else {
            w->asked[kept++] = w->asked[i];
        }
    }
    w->asked_count = kept;
}
