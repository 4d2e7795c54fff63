/* svc_stream.c - see svc_stream.h. */
#include "support/svc_stream.h"

#include <stdlib.h>

#include "proto/seq.h"

struct svc_frame svc_frames[SVC_FRAMES];
struct svc_packet svc_packets[SVC_FRAMES * SVC_MOST_PACKETS];
size_t svc_packet_count;
static int order[COUNT(svc_packets) * 2];

static void make_packets(struct svc_frame *f, struct svc_place *at, int64_t *seq,
                         void (*fill)(struct media_pkt *m, const struct svc_place *at))
{
    for (int i = 0; i < f->packets; i++) {
        at->first = i == 0;
        at->last = i == f->packets - 1;
        struct svc_packet *p = &svc_packets[svc_packet_count++];
        *p = (struct svc_packet){.frame = at->frame,
                                 .m = {.ssrc = 100,
                                       .payload_len = 28,
                                       .seq_wide = 65536 + (*seq)++,
                                       .ts = 0xffff0000u + (uint32_t)at->picture * 3000,
                                       .marker = at->sid == SVC_SIDS - 1 && at->last,
                                       .keyframe = at->key && at->sid == 0,
                                       .frame_start = at->first}};
        fill(&p->m, at);
    }
}

void svc_make(bool stacked, int64_t seq, void (*fill)(struct media_pkt *m, const struct svc_place *at))
{
    static const int tids[] = {0, 2, 1, 2}, needs[] = {4, 1, 2, 1};
    int since_key = 0, n = 0;
    svc_packet_count = 0;
    for (int t = 0; t < SVC_PICTURES; t++) {
        bool key = t == 0 || (since_key % 4 == 0 && rand() % 4 == 0);
        since_key = key ? 0 : since_key + 1;
        struct svc_place at = {.picture = t, .tid = tids[since_key % 4], .back = needs[since_key % 4], .key = key};
        for (at.sid = 0; at.sid < SVC_SIDS; at.sid++, n++) {
            at.frame = n;
            at.inter_layer = at.sid > 0 && (key || stacked);
            svc_frames[n] = (struct svc_frame){
                .picture = t,
                .sid = at.sid,
                .packets = 1 + rand() % SVC_MOST_PACKETS,
                .depends = {key ? -1 : n - SVC_SIDS * at.back, at.inter_layer ? n - 1 : -1},
            };
            make_packets(&svc_frames[n], &at, &seq, fill);
        }
    }
}

int svc_second_key(void)
{
    for (int i = SVC_SIDS; i < SVC_FRAMES; i++)
        if (svc_frames[i].sid == 0 && svc_frames[i].depends[0] < 0)
            return svc_frames[i].picture;
    return 0;
}

static size_t make_arrivals(int loss_percent, int reorder, int duplicate_percent)
{
    size_t n = 0;
    for (size_t i = 0; i < svc_packet_count; i++) {
        if (rand() % 100 < loss_percent)
            continue;
        svc_frames[svc_packets[i].frame].arrived++;
        order[n++] = (int)i;
        if (rand() % 100 < duplicate_percent)
            order[n++] = (int)i;
    }
    for (size_t i = 0; reorder && i < n; i++) {
        size_t other = i + (size_t)(rand() % reorder);
        if (rand() % 16 == 0 && other < n) {
            int swap = order[i];
            order[i] = order[other];
            order[other] = swap;
        }
    }
    return n;
}

static int owner[65536]; /* by output number: frame, -1: none */
static bool ends[65536];

static uint16_t offer_all(const struct svc_rules *rules, size_t n, int64_t start) /* gives back the highest number */
{
    struct project p;
    size_t sent = 0, due = 0;
    uint16_t highest = (uint16_t)(start - 1);
    for (size_t i = 0; i < COUNT(owner); i++)
        owner[i] = -1;
    project_init(&p, 90000, (uint16_t)start, 0xfffffff0u);
    for (size_t i = 0; i < n; i++) {
        const struct media_pkt *m = &svc_packets[order[i]].m;
        struct svc_frame *f = &svc_frames[svc_packets[order[i]].frame];
        bool between = f->sid == 0 && m->frame_start &&
                       (i == 0 || order[i] != order[i - 1]); /* suspending in mid-picture tears it */
        if (i >= due && between) {
            due = i + 1 + (size_t)(rand() % (rand() % 4 ? 24 : 400));
            project_set_target(&p, rand() % 8 ? layer_index(0, rand() % 3, rand() % 3) : LAYER_NONE);
        }
        struct project_out out;
        if (!project_offer(&p, m, MS(33) * (uint64_t)f->picture, &out))
            continue;
        sent++;
        assert_int_equal(owner[out.seq], -1); /* no number twice */
        owner[out.seq] = svc_packets[order[i]].frame;
        ends[out.seq] = out.marker;
        if (seq_newer(out.seq, highest))
            highest = out.seq;
        uint16_t number = rules->number(m, &out);
        if (f->sent == 0) {
            f->ts = out.ts;
            f->number = number;
        }
        assert_int_equal(f->ts, out.ts);
        assert_int_equal(f->number, number);
        f->sent++;
    }
    assert_true(sent > 100);
    return highest;
}

/* clean: all came, and in order, so that nothing may be missing and each picture ends. */
static void check_order(const struct svc_rules *rules, uint16_t first, uint16_t highest, bool clean)
{
    int before = -1, holes = 0;
    bool ended = true;
    for (uint16_t seq = first; seq != (uint16_t)(highest + 1); seq++) {
        int at = owner[seq];
        if (at < 0) {
            holes++;
            continue;
        }
        bool same = before >= 0 && svc_frames[at].picture == svc_frames[before].picture;
        if (same)
            assert_int_equal(svc_frames[at].ts, svc_frames[before].ts);
        if (before >= 0 && !same)
            assert_true(ts_newer(svc_frames[at].ts, svc_frames[before].ts));
        if (clean) { /* one marker in each picture, on its last packet: media trap 10 */
            assert_int_equal(!same, ended);
            ended = ends[seq];
        }
        assert_true(at >= before);
        if (before >= 0 && at != before)
            rules->check_order(&svc_frames[before], &svc_frames[at]);
        before = at;
    }
    if (clean)
        assert_int_equal(holes, 0);
}

static void check_references(const struct svc_rules *rules, bool lossless)
{
    for (int i = 0; i < SVC_FRAMES; i++) {
        const struct svc_frame *f = &svc_frames[i];
        if (!f->sent)
            continue;
        if (lossless)
            assert_int_equal(f->sent, f->packets);
        for (int d = 0; d < 2; d++) {
            const struct svc_frame *needed = f->depends[d] < 0 ? NULL : &svc_frames[f->depends[d]];
            if (needed && !needed->sent)
                assert_true(needed->arrived < needed->packets);
            else if (needed && rules->check_reference)
                rules->check_reference(f, needed);
        }
    }
}

void svc_check_run(const struct svc_rules *rules, int loss_percent, int reorder, int64_t start)
{
    enum { DUPLICATE_PERCENT = 3 };
    size_t n = make_arrivals(loss_percent, reorder, DUPLICATE_PERCENT);
    uint16_t highest = offer_all(rules, n, start);
    check_order(rules, (uint16_t)start, highest, loss_percent == 0 && reorder == 0);
    if (reorder == 0)
        check_references(rules, loss_percent == 0);
}

struct svc_switch svc_offer_switch(int at, int from, int end, int before, int after)
{
    struct svc_switch s = {.asked = false};
    struct project p;
    struct project_out out;
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, before);
    for (size_t i = 0; svc_frames[svc_packets[i].frame].picture < end; i++) {
        const struct media_pkt *m = &svc_packets[i].m;
        const struct svc_frame *f = &svc_frames[svc_packets[i].frame];
        if (f->picture == at && f->sid == 0 && m->frame_start)
            project_set_target(&p, after);
        bool sent = project_offer(&p, m, MS(33) * (uint64_t)f->picture, &out),
             counts = f->picture >= from && m->frame_start;
        s.sent[f->sid] += counts && sent;
        s.upper += counts && sent && (f->depends[0] >= 0 && svc_packets[i].frame - f->depends[0] < 4 * SVC_SIDS);
        s.asked |= f->picture >= at && project_wants_keyframe(&p);
    }
    return s;
}
