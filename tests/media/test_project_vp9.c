/* What holds of VP9 projection: whatever layers the target asks for and however packets arrive, the receiver sees one
 * stream whose pictures can be decoded. */
#include <stdlib.h>

#include "support/svc_stream.h"
#include "proto/seq.h"

struct mode {
    const char *name;
    bool stacked, flexible, ids;
};

static struct pkt structure; /* L3T3, as Chromium sends it (media.md 11.2) */

static void make_structure(void)
{
    from_hex("aa 9e65 00 fd 58 0140 00b4 0280 0168 0500 02d0 04 04 04 54 01 34 02 54 01 01", structure.data, 64);
}

static const struct mode *mode;
static uint8_t tl0;

static void fill(struct media_pkt *m, const struct svc_place *at)
{
    tl0 += at->tid == 0 && at->sid == 0 && at->first;
    m->pkt = &structure;
    m->codec = CODEC_VP9;
    m->vp9 = (struct vp9_desc){.has_layers = true,
                               .tid = (uint8_t)at->tid,
                               .sid = (uint8_t)at->sid,
                               .inter = !at->key,
                               .inter_layer = at->inter_layer,
                               .start = at->first,
                               .end = at->last,
                               .flexible = mode->flexible,
                               .switch_up = at->tid > 0};
    m->vp9.not_upper_ref = at->sid == SVC_SIDS - 1 || (!at->key && !mode->stacked);
    m->keyframe = vp9_is_key(&m->vp9);
    if (mode->ids) {
        m->vp9.pictureid_at = 1;
        m->vp9.pictureid_long = true;
        m->vp9.pictureid = (uint16_t)(32700 + at->picture) & 0x7fff;
    }
    if (mode->flexible && !at->key) {
        m->vp9.ref_count = 1;
        m->vp9.refs[0] = (uint8_t)at->back;
    }
    if (!mode->flexible) {
        m->vp9.tl0picidx_at = 4;
        m->vp9.tl0picidx = tl0;
    }
    if (at->key && at->sid == 0 && at->first) {
        m->vp9.ss_at = 5;
        m->vp9.sids = SVC_SIDS;
    }
}

static void make_stream(const struct mode *of, int64_t seq)
{
    mode = of;
    tl0 = 250;
    svc_make(mode->stacked, seq, fill);
}

static uint16_t number_of(const struct media_pkt *m, const struct project_out *out)
{
    (void)m;
    return out->edit.pictureid;
}

static void pictures_are_numbered(const struct svc_frame *before, const struct svc_frame *after)
{
    int step = (after->number - before->number) & 0x7fff;
    if (mode->ids)
        assert_true(after->picture == before->picture ? step == 0 : step > 0 && step < 200);
}

static const struct svc_rules rules = {number_of, pictures_are_numbered, NULL};

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
                srand((unsigned)(s + 1));
                make_stream(&modes[m], starts[s]);
                svc_check_run(&rules, all[c].loss, all[c].reorder, starts[s]);
            }
}

static void spatial_layers_switch_where_nothing_withheld_is_needed(void **state) /* media 22.8, VP9 */
{
    (void)state;
    const int low = layer_index(0, 0, 2), high = layer_index(0, 2, 2);
    static const struct {
        const char *name;
        int mode, at;
        bool up, asks, sends[SVC_SIDS];
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
        unsigned seed = 1;
        make_structure();
        do { /* with a picture of temporal layer 0 before the second key picture */
            srand(seed++);
            make_stream(&modes[rows[r].mode], 0);
        } while (svc_second_key() <= 8);
        struct svc_switch got = svc_offer_switch(rows[r].at, rows[r].at, svc_second_key(), rows[r].up ? low : high,
                                                 rows[r].up ? high : low);
        assert_int_equal(got.asked, rows[r].asks);
        for (int s = 0; s < SVC_SIDS; s++)
            assert_int_equal(got.sent[s] > 0, rows[r].sends[s]);
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
    for (size_t i = 0; svc_frames[svc_packets[i].frame].picture < WHOLE + AFTER; i++) {
        const struct svc_frame *f = &svc_frames[svc_packets[i].frame];
        struct media_pkt m = svc_packets[i].m;
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

/* Full SVC, going down: of a picture the upper layers came first and stayed back. The lowest one, when it comes, is all of it. */
static void a_late_layer_whose_picture_stayed_back_is_its_end(void **state)
{
    (void)state;
    enum { FULL_SVC = 2, TORN = 5, END = 8 };
    make_structure();
    unsigned seed = 1;
    do {
        srand(seed++);
        make_stream(&modes[FULL_SVC], 0);
    } while (svc_second_key() <= END);
    struct project p;
    struct project_out out;
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 2, 2));
    size_t late = 0, count = 0;
    for (size_t i = 0; svc_frames[svc_packets[i].frame].picture <= TORN; i++) {
        const struct svc_frame *f = &svc_frames[svc_packets[i].frame];
        if (f->picture == TORN)
            project_set_target(&p, layer_index(0, 0, 2));
        if (f->picture == TORN && f->sid == 0) {
            late = count++ ? late : i;
            continue;
        }
        assert_int_equal(project_offer(&p, &svc_packets[i].m, MS(33) * (uint64_t)f->picture, &out), f->picture < TORN);
    }
    for (size_t i = late; i < late + count; i++) {
        assert_true(project_offer(&p, &svc_packets[i].m, SEC(1), &out));
        assert_int_equal(out.marker, i + 1 == late + count);
    }
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
        for (int i = SVC_SIDS; i < END * SVC_SIDS; i++)
            keyed |= svc_frames[i].sid == 0 && svc_frames[i].depends[0] < 0;
    }
    struct project p;
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 0, 2));
    for (size_t i = 0; svc_frames[svc_packets[i].frame].picture < END; i++) {
        const struct svc_frame *f = &svc_frames[svc_packets[i].frame];
        const struct media_pkt *m = &svc_packets[i].m;
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
        cmocka_unit_test(a_late_layer_whose_picture_stayed_back_is_its_end),
        cmocka_unit_test(a_layer_whose_references_never_came_is_not_gone_up_to),
        cmocka_unit_test(a_change_of_codec_carries_the_numbers_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
