/* What holds of VP9 projection: whatever layers the target asks for and however packets arrive, the receiver sees one
 * stream whose pictures can be decoded. */
#include <stdlib.h>

#include "support/hex.h"
#include "media/project.h"
#include "proto/seq.h"

enum { SIDS = 3, PICTURES = 900, FRAMES = PICTURES * SIDS, MOST_PACKETS = 3 };

struct mode {
    const char *name;
    bool stacked, flexible, ids;
};

struct frame { /* what the sender knows of a layer frame */
    int picture, sid, packets;
    int depends[2]; /* -1: none */
    int sent;       /* packets that the receiver got */
    int arrived;
    uint32_t ts;
    uint16_t pictureid;
};

static struct frame frame[FRAMES];
static struct {
    struct media_pkt m;
    int frame;
    bool used;
} packet[FRAMES * MOST_PACKETS];
static size_t packet_count;
static int order[COUNT(packet) * 2];
static struct pkt structure; /* L3T3, as Chromium sends it (media.md 11.2) */

static void make_structure(void)
{
    from_hex("aa 9e65 00 fd 58 0140 00b4 0280 0168 0500 02d0 04 04 04 54 01 34 02 54 01 01", structure.data, 64);
}

/* Temporal layers 0 2 1 2: layer 0 needs the one before, layer 2 the picture before, layer 1 layer 0. Spatial layers
 * need the one below in key pictures, or always (stacked). */
static void make_stream(const struct mode *mode, int64_t seq)
{
    static const int tids[] = {0, 2, 1, 2}, needs[] = {4, 1, 2, 1};
    int since_key = 0, n = 0;
    uint16_t pictureid = 32700;
    uint8_t tl0 = 250;
    packet_count = 0;
    for (int t = 0; t < PICTURES; t++, pictureid++) {
        bool key = t == 0 || (since_key % 4 == 0 && rand() % 4 == 0);
        since_key = key ? 0 : since_key + 1;
        int tid = tids[since_key % 4];
        tl0 += tid == 0;
        for (int s = 0; s < SIDS; s++, n++) {
            struct frame *f = &frame[n];
            bool inter_layer = s > 0 && (key || mode->stacked);
            int ref = needs[since_key % 4];
            *f = (struct frame){.picture = t, .sid = s, .packets = 1 + rand() % MOST_PACKETS, .depends = {-1, -1}};
            if (!key)
                f->depends[0] = n - SIDS * ref;
            if (inter_layer)
                f->depends[1] = n - 1;
            for (int i = 0; i < f->packets; i++) {
                struct media_pkt *m = &packet[packet_count].m;
                *m = (struct media_pkt){.pkt = &structure, .codec = CODEC_VP9, .ssrc = 100, .payload_len = 28};
                m->seq_wide = 65536 + seq++;
                m->ts = 0xffff0000u + (uint32_t)t * 3000;
                m->marker = s == SIDS - 1 && i == f->packets - 1;
                m->vp9 = (struct vp9_desc){.has_layers = true,
                                           .tid = (uint8_t)tid,
                                           .sid = (uint8_t)s,
                                           .inter = !key,
                                           .inter_layer = inter_layer,
                                           .start = i == 0,
                                           .end = i == f->packets - 1,
                                           .flexible = mode->flexible,
                                           .switch_up = tid > 0};
                m->vp9.not_upper_ref = s == SIDS - 1 || (!key && !mode->stacked);
                m->keyframe = vp9_is_key(&m->vp9);
                m->frame_start = i == 0;
                if (mode->ids) {
                    m->vp9.pictureid_at = 1;
                    m->vp9.pictureid_long = true;
                    m->vp9.pictureid = pictureid & 0x7fff;
                }
                if (mode->flexible && !key) {
                    m->vp9.ref_count = 1;
                    m->vp9.refs[0] = (uint8_t)ref;
                }
                if (!mode->flexible) {
                    m->vp9.tl0picidx_at = 4;
                    m->vp9.tl0picidx = tl0;
                }
                if (key && s == 0 && i == 0) {
                    m->vp9.ss_at = 5;
                    m->vp9.sids = SIDS;
                }
                packet[packet_count].used = false;
                packet[packet_count++].frame = n;
            }
        }
    }
}

static size_t make_arrivals(int loss_percent, int reorder, int duplicate_percent)
{
    size_t n = 0;
    for (size_t i = 0; i < packet_count; i++) {
        if (rand() % 100 < loss_percent)
            continue;
        frame[packet[i].frame].arrived++;
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

static void check_run(const struct mode *mode, int loss, int reorder, int64_t start, unsigned seed)
{
    static int owner[65536];
    static bool ends[65536];
    srand(seed);
    make_stream(mode, start);
    size_t n = make_arrivals(loss, reorder, 3), sent = 0, due = 0;
    for (size_t i = 0; i < COUNT(owner); i++)
        owner[i] = -1;
    struct project p;
    project_init(&p, 90000, (uint16_t)start, 0xfffffff0u);
    uint16_t highest = (uint16_t)(start - 1);
    for (size_t i = 0; i < n; i++) {
        const struct media_pkt *m = &packet[order[i]].m;
        struct frame *f = &frame[packet[order[i]].frame];
        bool between = m->vp9.sid == 0 && m->vp9.start &&
                       (i == 0 || order[i] != order[i - 1]); /* suspending in mid-picture tears it */
        if (i >= due && between) {
            due = i + 300;
            project_set_target(&p, rand() % 8 ? layer_index(0, rand() % 3, rand() % 3) : LAYER_NONE);
        }
        struct project_out out;
        if (!project_offer(&p, m, MS(33) * (uint64_t)f->picture, &out))
            continue;
        sent++;
        assert_int_equal(owner[out.seq], -1); /* no number twice */
        owner[out.seq] = packet[order[i]].frame;
        ends[out.seq] = out.marker;
        if (seq_newer(out.seq, highest))
            highest = out.seq;
        if (f->sent == 0) {
            f->ts = out.ts;
            f->pictureid = out.edit.pictureid;
        }
        assert_int_equal(f->ts, out.ts);
        assert_int_equal(f->pictureid, out.edit.pictureid);
        f->sent++;
    }
    assert_true(sent > 100);

    int before = -1, holes = 0;
    bool ended = true;
    for (uint16_t seq = (uint16_t)start; seq != (uint16_t)(highest + 1); seq++) {
        int at = owner[seq];
        if (at < 0) {
            holes++;
            continue;
        }
        bool same = before >= 0 && frame[at].picture == frame[before].picture;
        if (same)
            assert_int_equal(frame[at].ts, frame[before].ts);
        if (before >= 0 && !same)
            assert_true(ts_newer(frame[at].ts, frame[before].ts));
        if (loss == 0 && reorder == 0) { /* one marker in each picture, on its last packet: media trap 10 */
            assert_int_equal(!same, ended);
            ended = ends[seq];
        }
        if (before >= 0 && mode->ids) {
            int step = (frame[at].pictureid - frame[before].pictureid) & 0x7fff;
            assert_true(same ? step == 0 : step > 0 && step < 200);
        }
        assert_true(at >= before);
        before = at;
    }
    if (loss == 0 && reorder == 0)
        assert_int_equal(holes, 0);
    if (reorder)
        return;
    for (int i = 0; i < FRAMES; i++) {
        if (!frame[i].sent)
            continue;
        if (loss == 0)
            assert_int_equal(frame[i].sent, frame[i].packets);
        for (int d = 0; d < 2; d++) {
            int need = frame[i].depends[d];
            if (need >= 0 && !frame[need].sent)
                assert_true(frame[need].arrived < frame[need].packets);
        }
    }
}

static const struct mode modes[] = {
    {"K-SVC", false, false, true},
    {"K-SVC, flexible", false, true, true},
    {"full SVC", true, false, true},
    {"full SVC, flexible", true, true, true},
    {"full SVC without picture ids", true, false, false},
};

static void whatever_happens_the_receiver_sees_one_stream(void **state) /* media 22.7 */
{
    (void)state;
    static const struct {
        int loss, reorder;
    } all[] = {{0, 0}, {5, 0}, {0, 64}, {5, 64}};
    static const int64_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    make_structure();
    for (size_t m = 0; m < COUNT(modes); m++)
        for (size_t c = 0; c < COUNT(all); c++)
            for (size_t s = 0; s < COUNT(starts); s++) {
                print_message("  %s, conditions %zu, start %d\n", modes[m].name, c, (int)starts[s]);
                check_run(&modes[m], all[c].loss, all[c].reorder, starts[s], (unsigned)(s + 1));
            }
}

/* Offers the packets up to the second key picture, the target moves at picture `at`: how many layer frames of each spatial
 * layer went out from there on, and was a key frame asked for? */
static void count_after_switch(const struct mode *mode, int at, int from, int to, int got[SIDS], bool *asked)
{
    make_structure();
    struct project p;
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, from);
    memset(got, 0, SIDS * sizeof *got);
    *asked = false;
    int second_key = 0;
    for (unsigned seed = 1; second_key <= 8; seed++) { /* with a picture of temporal layer 0 before it */
        srand(seed);
        make_stream(mode, 0);
        second_key = 0;
        for (int i = SIDS; i < FRAMES && !second_key; i++)
            if (frame[i].sid == 0 && frame[i].depends[0] < 0)
                second_key = frame[i].picture;
    }
    for (size_t i = 0; i < packet_count; i++) {
        const struct frame *f = &frame[packet[i].frame];
        struct project_out out;
        if (f->picture == second_key)
            return;
        if (f->picture == at && f->sid == 0 && packet[i].m.vp9.start)
            project_set_target(&p, to);
        bool sent = project_offer(&p, &packet[i].m, MS(33) * (uint64_t)f->picture, &out);
        if (f->picture >= at && packet[i].m.vp9.start)
            got[f->sid] += sent;
        *asked |= f->picture >= at && project_wants_keyframe(&p);
    }
}

static void spatial_layers_switch_where_nothing_withheld_is_needed(void **state) /* media 22.8, VP9 */
{
    (void)state;
    const int low = layer_index(0, 0, 2), high = layer_index(0, 2, 2);
    static const struct {
        const char *name;
        int mode, at;
        bool up, asks, sends[SIDS];
    } rows[] = {
        {"K-SVC up waits for a key picture", 0, 5, true, true, {true, false, false}},
        {"K-SVC down waits for a key picture", 0, 5, false, true, {false, false, true}},
        {"K-SVC down goes while the key picture is all that is needed", 0, 1, false, false, {true, false, false}},
        {"the same in flexible mode", 1, 1, false, false, {true, false, false}},
        {"full SVC up waits for a key picture", 2, 5, true, true, {true, false, false}},
        {"full SVC down goes at once", 2, 5, false, false, {true, false, false}},
        {"the same without picture ids", 4, 5, false, false, {true, false, false}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        int got[SIDS];
        bool asked;
        count_after_switch(&modes[rows[r].mode], rows[r].at, rows[r].up ? low : high, rows[r].up ? high : low, got,
                           &asked);
        assert_int_equal(asked, rows[r].asks);
        for (int s = 0; s < SIDS; s++)
            assert_int_equal(got[s] > 0, rows[r].sends[s]);
    }
}

/* A sender of full SVC drops its highest layer, and what said so was lost: the pictures that are sent end all the same. */
static void a_layer_that_is_dropped_unsaid_leaves_no_picture_without_its_end(void **state)
{
    (void)state;
    enum { FULL_SVC = 2, WHOLE = 10, AFTER = 10 };
    make_structure();
    struct project p;
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 2, 2));
    srand(1);
    make_stream(&modes[FULL_SVC], 0);
    int64_t left_out = 0;
    int ends = 0;
    for (size_t i = 0; frame[packet[i].frame].picture < WHOLE + AFTER; i++) {
        const struct frame *f = &frame[packet[i].frame];
        struct media_pkt m = packet[i].m;
        struct project_out out;
        bool dropped = f->picture >= WHOLE, highest = f->sid == 1;
        if (dropped && f->sid == 2) {
            left_out++;
            continue;
        }
        m.seq_wide -= left_out;
        m.vp9.ss_at = dropped ? 0 : m.vp9.ss_at;
        if (dropped && highest) {
            m.vp9.not_upper_ref = true;
            m.marker = m.vp9.end;
        }
        bool sent = project_offer(&p, &m, MS(33) * (uint64_t)f->picture, &out);
        assert_true(sent);
        ends += dropped && out.marker;
        if (dropped)
            assert_int_equal(out.marker, highest && m.vp9.end);
    }
    assert_int_equal(ends, AFTER);
}

/* Full SVC: after a group of pictures was lost altogether, what comes on upper layers refers to nothing that went out. A
 * stream that is to go up stays, rather than tear the picture that it is in. */
static void a_layer_whose_references_never_came_is_not_gone_up_to(void **state)
{
    (void)state;
    enum { FULL_SVC = 2, LOST = 8, AGAIN = 12, END = 16 };
    make_structure();
    bool keyed = true;
    for (unsigned seed = 1; keyed; seed++) {
        srand(seed);
        make_stream(&modes[FULL_SVC], 0);
        keyed = false;
        for (int i = SIDS; i < END * SIDS; i++)
            keyed |= frame[i].sid == 0 && frame[i].depends[0] < 0;
    }
    struct project p;
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 0, 2));
    for (size_t i = 0; frame[packet[i].frame].picture < END; i++) {
        const struct frame *f = &frame[packet[i].frame];
        const struct media_pkt *m = &packet[i].m;
        struct project_out out;
        if (f->picture >= LOST && f->picture < AGAIN)
            continue;
        if (f->picture == AGAIN)
            project_set_target(&p, layer_index(0, 2, 2));
        bool sent = project_offer(&p, m, MS(33) * (uint64_t)f->picture, &out);
        assert_int_equal(sent, f->sid == 0);
        if (sent)
            assert_int_equal(out.marker, m->vp9.end);
    }
    assert_true(project_wants_keyframe(&p));
}

/* media.md 12.4: the payload type changes on the same SSRC, and the receiver sees one stream. */
static void a_change_of_codec_carries_the_numbers_on(void **state)
{
    (void)state;
    static const enum codec codecs[] = {CODEC_VP8, CODEC_AV1, CODEC_VP9, CODEC_VP8, CODEC_VP9};
    make_structure();
    struct project p;
    struct project_out out, last = {0};
    project_init(&p, 90000, 65534, 0xffffff00u);
    project_set_target(&p, layer_index(0, 2, 2));
    for (size_t i = 0; i < 10 * COUNT(codecs); i++) {
        struct media_pkt m = {.pkt = &structure, .codec = (uint8_t)codecs[i / 10], .ssrc = 7, .marker = true};
        bool key = i % 10 == 1; /* the first frame of each codec is none, and one is asked for */
        m.seq_wide = 65530 + (int64_t)i;
        m.ts = (uint32_t)i * 3000;
        m.keyframe = key;
        m.frame_start = true;
        if (m.codec == CODEC_VP8)
            m.vp8 = (struct vp8_desc){.len = 1, .start = true, .keyframe = key};
        else if (m.codec == CODEC_VP9)
            m.vp9 = (struct vp9_desc){.len = 1, .start = true, .end = true, .inter = !key};
        bool plain = m.codec == CODEC_AV1, sent = project_offer(&p, &m, MS(33) * i, &out);
        if (!plain)
            assert_int_equal(sent, i % 10 > 0);
        assert_int_equal(project_wants_keyframe(&p), i % 10 == 0);
        if (!sent)
            continue;
        if (i > 1) {
            assert_int_equal((uint16_t)(out.seq - last.seq), 1);
            assert_in_range(out.ts - last.ts, 90, 9000);
        }
        last = out;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_the_receiver_sees_one_stream),
        cmocka_unit_test(spatial_layers_switch_where_nothing_withheld_is_needed),
        cmocka_unit_test(a_layer_that_is_dropped_unsaid_leaves_no_picture_without_its_end),
        cmocka_unit_test(a_layer_whose_references_never_came_is_not_gone_up_to),
        cmocka_unit_test(a_change_of_codec_carries_the_numbers_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
