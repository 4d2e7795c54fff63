/* stream.c - see stream.h. */
#include "sim/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/units.h"

enum {
    FORGET_US = 5000000, /* stuck for so long: TL0PICIDX may have gone round, only a key frame will do */
    JUMP = 1500,         /* a larger step of numbers is a new beginning */
};

struct stream *stream_new(uint32_t ssrc, uint64_t rtt_us, const struct sender_out *out)
{
    struct stream *s = calloc(1, sizeof *s);
    s->packet = calloc(STREAM_PACKETS, sizeof *s->packet);
    s->ssrc = ssrc;
    s->rtt_us = rtt_us;
    s->out = *out;
    return s;
}

void stream_free(struct stream *s)
{
    free(s->packet);
    free(s);
}

static void complain(struct stream *s, const char *what, const struct wire_note *note)
{
    char text[200];
    snprintf(text, sizeof text, "receiver: %s: ssrc %08x, sender %u encoding %u frame %u sid %u tid %u", what, s->ssrc,
             note->sender, note->encoding, note->frame, note->sid, note->tid);
    s->out.violation(s->out.ctx, text);
}

static struct stream_packet *at(const struct stream *s, int64_t seq)
{
    return &s->packet[seq % STREAM_PACKETS];
}

static bool present(const struct stream *s, int64_t seq)
{
    return seq > 0 && at(s, seq)->seq == seq;
}

/* The picture whose first packet has this number, if all of it is there. 0: not; else the number after it. */
static int64_t picture_end(const struct stream *s, int64_t first)
{
    for (int64_t seq = first; present(s, seq); seq++) {
        if (at(s, seq)->ts != at(s, first)->ts)
            return seq; /* the marker is optional */
        if (at(s, seq)->marker)
            return seq + 1;
    }
    return 0;
}

/* ---- what may be decoded ---- */

/* Layer 0 follows by TL0PICIDX, the layers above need every picture before them. */
static bool follows_vp8(const struct stream *s, const struct payload_head *head)
{
    if (head->tid == 0)
        return head->tl0 == (uint8_t)(s->tl0 + 1);
    return head->tl0 == s->tl0 && head->pictureid == ((s->pictureid + 1) & 0x7fff);
}

static bool decoded_vp9(const struct stream *s, uint16_t pictureid, unsigned sid)
{
    unsigned place = pictureid % STREAM_PICTURES;
    return s->vp9.picture[place].pictureid == pictureid && s->vp9.picture[place].sids >> sid & 1;
}

static bool refs_decoded_vp9(const struct stream *s, const struct payload_head *head)
{
    const uint8_t *refs = head->refs;
    unsigned count = head->key ? 0 : head->ref_count;
    if (!head->key && !head->flexible) {
        /* The group's place is known from the base picture before, which TL0PICIDX names. */
        if (!s->vp9.group || head->tl0 != (uint8_t)(s->tl0 + (head->tid == 0)))
            return false;
        refs = &s->vp9.ref[((head->pictureid - s->vp9.base) & 0x7fff) % s->vp9.group];
        count = 1;
    }
    for (unsigned i = 0; i < count; i++)
        if (!decoded_vp9(s, (head->pictureid - refs[i]) & 0x7fff, head->sid))
            return false;
    return true;
}

static bool follows_vp9(const struct stream *s, int64_t first)
{
    unsigned sids = 0;
    int64_t end = picture_end(s, first);
    for (int64_t seq = first; seq < end; seq++) {
        const struct payload_head *head = &at(s, seq)->head;
        if (!head->start)
            continue;
        if (!refs_decoded_vp9(s, head) || (head->inter_layer && !(sids >> (head->sid - 1) & 1)))
            return false;
        sids |= 1u << head->sid;
    }
    return sids != 0;
}

static bool begins_picture(const struct stream *s, int64_t seq)
{
    const struct stream_packet *p = at(s, seq);
    switch (p->head.codec) {
    case PAYLOAD_VP8: return p->head.start;
    case PAYLOAD_VP9:
        return p->head.start &&
               (seq == s->next || (present(s, seq - 1) && (at(s, seq - 1)->marker || at(s, seq - 1)->ts != p->ts)));
    default: return seq == s->next;
    }
}

/* Where the bridge cannot tell what it forwards it may begin anywhere; a decoder then finds that references are missing. */
static bool follows_sealed(const struct stream *s, const struct wire_note *note)
{
    return note->sender == s->decoded.sender && note->encoding == s->decoded.encoding &&
           s->decoded.frame[note->dep[0] % STREAM_FRAMES] == note->dep[0];
}

static bool follows(const struct stream *s, int64_t first)
{
    const struct stream_packet *p = at(s, first);
    if (p->note.sealed)
        return p->note.first && follows_sealed(s, &p->note);
    return p->head.codec == PAYLOAD_VP8   ? follows_vp8(s, &p->head)
           : p->head.codec == PAYLOAD_VP9 ? follows_vp9(s, first)
                                          : true;
}

static int64_t next_picture(const struct stream *s) /* 0: none can be decoded yet */
{
    for (int64_t seq = s->next; s->keyed && seq <= s->newest; seq++)
        if (present(s, seq) && !at(s, seq)->note.key && begins_picture(s, seq) && picture_end(s, seq) &&
            follows(s, seq))
            return seq;
    return 0;
}

/* A whole key picture further on frees a stuck stream. */
static int64_t key_ahead(const struct stream *s)
{
    for (int64_t seq = MAX(s->next, s->newest - STREAM_PACKETS + 1); seq <= s->newest; seq++)
        if (present(s, seq) && at(s, seq)->note.key && at(s, seq)->note.first && picture_end(s, seq))
            return seq;
    return 0;
}

/* ---- decoding ---- */

static void note_shown(struct stream *s, uint32_t ts)
{
    int64_t wide = s->frames ? s->shown.ts_us * 9 / 100 : (int64_t)ts + ((int64_t)1 << 32);
    wide += (int32_t)(ts - (uint32_t)wide);
    int64_t ts_us = wide * 100 / 9, transit_us = (int64_t)s->now_us - ts_us;
    if (!s->frames || transit_us < s->shown.transit_us)
        s->shown.transit_us = transit_us;
    s->shown.transit_us += (transit_us - s->shown.transit_us) / 64;
    int64_t at_us = MAX((int64_t)s->now_us, ts_us + s->shown.transit_us + (int64_t)s->rtt_us + MS(10));
    int64_t gap_us = MAX(at_us - s->shown.at_us, (int64_t)1);
    if (s->frames > 30 && gap_us > MAX(3 * s->shown.interval_us, s->shown.interval_us + (int64_t)MS(150)))
        s->shown.freezes++;
    if (s->frames)
        s->shown.interval_us = s->frames == 1 ? gap_us : s->shown.interval_us + (gap_us - s->shown.interval_us) / 16;
    s->shown.at_us = at_us;
    s->shown.ts_us = ts_us;
}

static void check_references(struct stream *s, const struct wire_note *note)
{
    if (note->key) {
        if (note->sender != s->decoded.sender || note->encoding != s->decoded.encoding)
            memset(&s->decoded, 0, sizeof s->decoded);
        s->decoded.sender = note->sender;
        s->decoded.encoding = note->encoding;
        s->keys++;
    }
    bool same = note->sender == s->decoded.sender && note->encoding == s->decoded.encoding;
    for (int i = 0; i < WIRE_DEPS_MAX; i++) {
        uint32_t dep = note->dep[i];
        if (!same || (dep && s->decoded.frame[dep % STREAM_FRAMES] != dep)) {
            complain(s, "decoded without its reference", note);
            break;
        }
    }
    s->decoded.frame[note->frame % STREAM_FRAMES] = note->frame;
}

static void note_vp9(struct stream *s, const struct payload_head *head)
{
    unsigned place = head->pictureid % STREAM_PICTURES;
    if (head->key && head->sid == 0)
        memset(s->vp9.picture, 0, sizeof s->vp9.picture);
    if (head->sids) {
        s->vp9.base = head->pictureid;
        s->vp9.group = head->group;
        memcpy(s->vp9.ref, head->group_ref, sizeof s->vp9.ref);
    }
    if (s->vp9.picture[place].pictureid != head->pictureid)
        s->vp9.picture[place].sids = 0;
    s->vp9.picture[place].pictureid = head->pictureid;
    s->vp9.picture[place].sids |= (uint8_t)(1u << head->sid);
}

static void decode(struct stream *s, int64_t first)
{
    const struct stream_packet *p = at(s, first);
    const struct payload_head *head = &p->head;
    bool joined = first == s->next;
    int64_t end = picture_end(s, first);
    if (!p->note.first)
        complain(s, "a frame lacks its beginning", &p->note);
    for (int64_t seq = first; seq < end; seq++) {
        if (at(s, seq)->note.first)
            check_references(s, &at(s, seq)->note);
        if (head->codec == PAYLOAD_VP9 && at(s, seq)->head.start)
            note_vp9(s, &at(s, seq)->head);
    }
    bool vp8 = head->codec == PAYLOAD_VP8;
    if (joined && vp8 && s->has_pictureid && head->pictureid != ((s->pictureid + 1) & 0x7fff))
        complain(s, "picture id does not follow", &p->note);
    s->has_pictureid = vp8;
    s->pictureid = head->pictureid;
    s->tl0 = head->tl0;
    note_shown(s, p->ts);
    if (s->frames++)
        s->longest_gap_us = MAX(s->longest_gap_us, s->now_us - s->decoded_us);
    s->decoded_us = s->now_us;
    s->stuck_us = 0;
    s->next = end;
}

static void forget_missing_before(struct stream *s, int64_t seq)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->missing_count; i++)
        if (s->missing[i].seq >= seq)
            s->missing[kept++] = s->missing[i];
    s->missing_count = kept;
}

static void decode_all(struct stream *s, bool key_arrived)
{
    for (;;) {
        int64_t first = next_picture(s);
        if (first) {
            decode(s, first);
            continue;
        }
        int64_t key = key_arrived && s->newest >= s->next ? key_ahead(s) : 0;
        if (!key)
            return;
        if (s->keyed && key != s->next)
            s->jumps++;
        s->keyed = true;
        decode(s, key);
        forget_missing_before(s, s->next);
    }
}

/* ---- packets ---- */

static void note_missing(struct stream *s, int64_t from, int64_t to)
{
    for (int64_t seq = from; seq < to; seq++) {
        if (s->missing_count == STREAM_MISSING) {
            memmove(s->missing, s->missing + 1, (STREAM_MISSING - 1) * sizeof s->missing[0]);
            s->missing_count--;
            s->given_up++;
        }
        s->missing[s->missing_count].seq = seq;
        s->missing[s->missing_count].ask_us = s->missing[s->missing_count].found_us = s->now_us;
        s->missing[s->missing_count++].asked = 0;
    }
}

static uint64_t found(struct stream *s, int64_t seq)
{
    for (size_t i = 0; i < s->missing_count; i++)
        if (s->missing[i].seq == seq) {
            uint64_t took_us = s->missing[i].asked ? MAX(s->now_us - s->missing[i].found_us, (uint64_t)1) : 0;
            s->repaired += took_us != 0;
            memmove(s->missing + i, s->missing + i + 1, (s->missing_count - i - 1) * sizeof s->missing[0]);
            s->missing_count--;
            return took_us;
        }
    return 0;
}

static void begin_at(struct stream *s, int64_t seq)
{
    s->started = true;
    s->newest = seq - 1;
    s->next = seq;
    s->keyed = false;
    s->missing_count = 0;
}

uint64_t stream_take(struct stream *s, const struct wire_rtp *rtp, uint16_t seq16, uint64_t now_us)
{
    struct wire_note note;
    struct payload_head head;
    int codec = payload_of_pt(rtp->pt);
    s->now_us = now_us;
    if (codec < 0 || !wire_note_read(rtp->payload, rtp->len, &note) ||
        !payload_read(rtp->payload, rtp->len, (enum payload_codec)codec, &head)) {
        s->out.violation(s->out.ctx, "receiver: a payload came out damaged");
        return 0;
    }
    int64_t seq = s->started ? widen16(s->newest, seq16) : seq16 + 65536;
    if (!s->started || seq - s->newest > JUMP) /* after an outage: a new beginning */
        begin_at(s, seq);
    if (present(s, seq) || seq <= s->newest - STREAM_PACKETS)
        return 0;
    bool layers = codec == PAYLOAD_VP8 || codec == PAYLOAD_VP9;
    if ((layers && (head.tid != note.tid || head.sid != note.sid || head.start != note.first)) ||
        rtp->marker < note.last)
        complain(s, "headers and payload disagree", &note);
    if (seq > s->newest + 1)
        note_missing(s, s->newest + 1, seq);
    uint64_t took_us = found(s, seq);
    s->newest = MAX(s->newest, seq);
    s->packet_us = now_us;
    s->packets++;
    if (s->keyed && now_us - s->decoded_us > FORGET_US)
        s->keyed = false;
    *at(s, seq) = (struct stream_packet){.seq = seq, .ts = rtp->ts, .marker = rtp->marker, .head = head, .note = note};
    if (s->next < s->newest - STREAM_PACKETS / 2) { /* hopelessly behind */
        s->next = s->newest - STREAM_PACKETS / 2;
        s->keyed = false;
    }
    decode_all(s, note.key || (head.key && codec == PAYLOAD_VP9)); /* all layers of a key picture say so */
    return took_us;
}
