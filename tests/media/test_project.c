/* What holds of projections whatever happens: random layers, targets, loss, reordering and duplicates, near all wraps. */
#include <stdlib.h>

#include "support/hex.h"
#include "media/project.h"
#include "proto/seq.h"

enum { ENCODINGS = 3, FRAMES = 1500, MOST_PACKETS = 5 };

struct frame { /* what the sender knows */
    int encoding, tid, packets;
    int depends[2]; /* numbers of the frames it needs, -1: none */
    bool key;
};

struct sent_frame { /* what the receiver saw */
    int packets;
    uint32_t ts;
    uint16_t pictureid;
};

static struct frame frame[FRAMES * ENCODINGS];
static struct sent_frame seen[FRAMES * ENCODINGS];
static struct {
    struct media_pkt m;
    int frame;
} packet[FRAMES * ENCODINGS * MOST_PACKETS];
static size_t packet_count;

struct conditions {
    int loss_percent, reorder_packets, duplicate_percent;
    bool ids;
};

/* 3 encodings with temporal layers 0 2 1 2. Layer 1 needs layer 0, layer 2 also the latest layer 1 unless it is a sync
 * frame. Key frames of all encodings come together, now and then. */
static void make_stream(int64_t seq, bool ids)
{
    int base[ENCODINGS] = {-1, -1, -1}, middle[ENCODINGS] = {-1, -1, -1}, n = 0;
    int64_t next[ENCODINGS] = {seq, seq + 7, seq + 99};
    uint16_t pictureid[ENCODINGS] = {32750, 5, 127};
    uint8_t tl0[ENCODINGS] = {250, 1, 100};
    packet_count = 0;
    for (int t = 0; t < FRAMES; t++) {
        bool key = t == 0 || rand() % 60 == 0;
        for (int e = 0; e < ENCODINGS; e++, n++) {
            static const int tids[] = {0, 2, 1, 2};
            struct frame *f = &frame[n];
            *f = (struct frame){.encoding = e,
                                .tid = key ? 0 : tids[t % 4],
                                .packets = 1 + rand() % MOST_PACKETS,
                                .key = key,
                                .depends = {-1, -1}};
            bool sync = f->tid == 1 ? t % 8 == 2 : f->tid == 2 && t % 4 == 1;
            if (!key) {
                f->depends[0] = base[e];
                if (f->tid > 0 && !sync)
                    f->depends[1] = middle[e];
            }
            if (f->tid == 0) {
                base[e] = n;
                tl0[e]++;
                if (key)
                    middle[e] = n;
            } else if (f->tid == 1) {
                middle[e] = n;
            }
            for (int i = 0; i < f->packets; i++) {
                struct media_pkt *m = &packet[packet_count].m;
                *m = (struct media_pkt){.codec = CODEC_VP8, .encoding = (uint8_t)e, .ssrc = 100u + (unsigned)e};
                m->seq_wide = 65536 + next[e]++;
                m->ts = 0xffff0000u + (uint32_t)(e * 1234567 + t * 3000);
                m->marker = i == f->packets - 1;
                m->vp8.len = 1;
                m->vp8.start = i == 0;
                m->vp8.keyframe = key && i == 0;
                m->vp8.tid = (uint8_t)f->tid;
                m->vp8.layer_sync = sync;
                if (ids) {
                    m->vp8.pictureid_at = 2;
                    m->vp8.pictureid_long = true;
                    m->vp8.pictureid = pictureid[e] & 0x7fff;
                    m->vp8.tl0picidx_at = 4;
                    m->vp8.tl0picidx = tl0[e];
                }
                packet[packet_count++].frame = n;
            }
            pictureid[e]++;
        }
    }
}

static int order[COUNT(packet) * 2];

/* Which packets arrive, in which order. */
static size_t make_arrivals(const struct conditions *c)
{
    size_t n = 0;
    for (size_t i = 0; i < packet_count; i++) {
        if (rand() % 100 < c->loss_percent)
            continue;
        order[n++] = (int)i;
        if (rand() % 100 < c->duplicate_percent)
            order[n++] = (int)i;
    }
    for (size_t i = 0; c->reorder_packets && i < n; i++) {
        size_t other = i + (size_t)(rand() % c->reorder_packets);
        if (rand() % 4 == 0 && other < n) {
            int swap = order[i];
            order[i] = order[other];
            order[other] = swap;
        }
    }
    return n;
}

static int arrivals_of(size_t n, int f)
{
    static bool came[COUNT(packet)];
    static size_t for_n;
    if (f < 0 || for_n != n) {
        memset(came, 0, sizeof came);
        for (size_t i = 0; i < n; i++)
            came[order[i]] = true;
        for_n = n;
    }
    int count = 0;
    for (size_t i = 0; f >= 0 && i < packet_count; i++)
        count += packet[i].frame == f && came[i];
    return count;
}

static void check_run(const struct conditions *c, int64_t start, unsigned seed)
{
    static bool used[65536];
    static int owner[65536];
    srand(seed);
    make_stream(start, c->ids);
    size_t n = make_arrivals(c);
    memset(seen, 0, sizeof seen);
    memset(used, 0, sizeof used);
    struct project p;
    project_init(&p, 90000, (uint16_t)start, 0xfffffff0u);
    uint16_t first = (uint16_t)start, highest = (uint16_t)(start - 1);
    int newest = -1;
    size_t sent = 0;
    size_t due = 0;
    for (size_t i = 0; i < n; i++) {
        /* Between frames: suspending in the middle of one tears it, which rightly leaves a number out. */
        bool between = packet[order[i]].m.vp8.start && packet[order[i]].m.encoding == 0;
        if (i >= due && between) {
            due = i + 500;
            project_set_target(&p, rand() % 6 ? layer_index(rand() % ENCODINGS, 0, rand() % 3) : LAYER_NONE);
        }
        const struct media_pkt *m = &packet[order[i]].m;
        int at = packet[order[i]].frame;
        struct project_out out;
        if (!project_offer(&p, m, MS(33) * (uint64_t)(at / ENCODINGS), &out))
            continue;
        sent++;
        assert_false(used[out.seq]); /* no number twice */
        used[out.seq] = true;
        owner[out.seq] = at;
        if (seq_newer(out.seq, highest))
            highest = out.seq;
        struct sent_frame *s = &seen[at];
        if (s->packets == 0) {
            s->ts = out.ts;
            s->pictureid = out.edit.pictureid;
        }
        assert_int_equal(s->ts, out.ts); /* one timestamp and one picture id in a frame */
        assert_int_equal(s->pictureid, out.edit.pictureid);
        assert_int_equal(out.marker, m->marker);
        s->packets++;
        newest = MAX(newest, at);
    }
    assert_true(sent > 100);
    assert_true(newest > 0);

    /* In the order of output numbers: frames follow each other whole, timestamps and picture ids grow. */
    int before = -1, holes = 0;
    for (uint16_t seq = first; seq != (uint16_t)(highest + 1); seq++) {
        if (!used[seq]) {
            holes++;
            continue;
        }
        int at = owner[seq];
        if (at == before)
            continue;
        if (before >= 0) {
            assert_true(ts_newer(seen[at].ts, seen[before].ts));
            int step = (seen[at].pictureid - seen[before].pictureid) & 0x7fff;
            if (c->ids && c->loss_percent == 0 && c->reorder_packets == 0)
                assert_int_equal(step, 1);
            else if (c->ids)
                assert_in_range(step, 1, 200);
        }
        before = at;
    }
    if (c->loss_percent == 0 && c->reorder_packets == 0)
        assert_int_equal(holes, 0);

    if (c->reorder_packets > 0)
        return;
    /* Whoever is sent can be decoded, as far as the network allows: nothing it needs was withheld. */
    arrivals_of(n, -1);
    for (int f = 0; f < FRAMES * ENCODINGS; f++) {
        if (seen[f].packets == 0)
            continue;
        for (int d = 0; d < 2; d++) {
            int need = frame[f].depends[d];
            if (need >= 0 && seen[need].packets == 0)
                assert_true(arrivals_of(n, need) < frame[need].packets);
        }
        if (c->loss_percent == 0)
            assert_int_equal(seen[f].packets, frame[f].packets);
    }
}

static void whatever_happens_the_receiver_sees_one_stream(void **state) /* media 22.7 */
{
    (void)state;
    static const struct conditions all[] = {
        {0, 0, 0, true},  {0, 0, 0, false}, {0, 0, 10, true},  {5, 0, 5, true},
        {5, 0, 5, false}, {0, 64, 5, true}, {0, 64, 5, false}, {5, 64, 5, true},
    };
    static const int64_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t c = 0; c < COUNT(all); c++)
        for (size_t s = 0; s < COUNT(starts); s++)
            for (unsigned seed = 1; seed <= 4; seed++) {
                print_message("  conditions %zu, start %d, seed %u\n", c, (int)starts[s], seed);
                check_run(&all[c], starts[s], seed);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_the_receiver_sees_one_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
