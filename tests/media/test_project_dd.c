/* What holds of projection by dependency descriptors: whatever layers the target asks for and however packets arrive, the receiver
 * sees one stream whose pictures can be decoded. Structures are published ones (media.md 11.4). */
#include <stdlib.h>

#include "proto/seq.h"
#include "support/dd_vectors.h"
#include "support/svc_stream.h"

struct mode {
    const char *name, *structure;
    bool stacked;
};

static struct pkt structure_pkt;
static struct dd_structure structure;
static uint8_t structure_len;

static void make_structure(const struct mode *mode)
{
    struct dd_desc d;
    struct bytes data = from_hex(mode->structure, structure_pkt.data, 256);
    structure_len = (uint8_t)data.n;
    assert_int_equal(dd_parse(data, NULL, &structure, &d), E_OK);
}

static bool is_key_template(const struct dd_template *t)
{
    for (unsigned i = 0; i < t->fdiff_count; i++)
        if (t->fdiffs[i] >= SVC_SIDS)
            return false;
    return true;
}

static unsigned find_template(unsigned sid, unsigned tid, bool key)
{
    for (unsigned i = 0; i < structure.template_count; i++)
        if (structure.templates[i].sid == sid && structure.templates[i].tid == tid &&
            is_key_template(&structure.templates[i]) == key)
            return i;
    fail_msg("no template");
    return 0;
}

static uint8_t offset;        /* of the newest structure */
static uint16_t first_number; /* of a frame */

static void fill(struct media_pkt *m, const struct svc_place *at)
{
    bool structured = at->key && at->sid == 0 && at->first;
    if (structured && at->picture) /* a new structure's templates do not overlap with those before */
        offset = (offset + structure.template_count) % DD_TEMPLATES_MAX;
    unsigned template = find_template((unsigned)at->sid, (unsigned)at->tid, at->key);
    m->pkt = &structure_pkt;
    m->codec = CODEC_AV1;
    m->has_dd = true;
    m->dd_len = structure_len;
    m->dd = (struct dd_desc){
        .dti = structure.templates[template].dti,
        .active = (1u << structure.target_count) - 1,
        .frame_number = (uint16_t)(first_number + at->frame),
        .template_id = (uint8_t)((offset + template) % DD_TEMPLATES_MAX),
        .template_count = structure.template_count,
        .target_count = structure.target_count,
        .offset = offset,
        .sid = (uint8_t)at->sid,
        .tid = (uint8_t)at->tid,
        .start = at->first,
        .end = at->last,
        .has_structure = structured,
        .known = true,
    };
    for (int d = 0; d < 2; d++)
        if (svc_frames[at->frame].depends[d] >= 0)
            m->dd.fdiffs[m->dd.fdiff_count++] = (uint16_t)(at->frame - svc_frames[at->frame].depends[d]);
}

static void make_stream(const struct mode *mode, int64_t seq, uint16_t first)
{
    offset = structure.offset;
    first_number = first;
    svc_make(mode->stacked, seq, fill);
}

static uint16_t number_of(const struct media_pkt *m, const struct project_out *out)
{
    assert_true(out->edit.dd);
    assert_true(!m->dd.has_structure || out->edit.dd_masks); /* trap 12: restated with each structure */
    assert_true(!out->edit.dd_masks || out->edit.dd_mask != 0);
    return (uint16_t)(m->dd.frame_number + out->edit.dd_frame_delta);
}

static void numbers_grow(const struct svc_frame *before, const struct svc_frame *after)
{
    assert_true(seq_newer(after->number, before->number));
}

static void references_count_with_numbers(const struct svc_frame *f, const struct svc_frame *needed)
{
    assert_int_equal((uint16_t)(f->number - needed->number), f - needed);
}

static const struct svc_rules rules = {number_of, numbers_grow, references_count_with_numbers};

static const struct mode modes[] = {{"L3T3_KEY", DD_L3T3_KEY, false}, {"L3T3", DD_L3T3, true}};

static void whatever_happens_the_receiver_sees_one_stream(void **state) /* media 22.7 */
{
    (void)state;
    static const struct {
        int loss, reorder;
    } all[] = {{0, 0}, {5, 0}, {0, 64}, {5, 64}};
    static const int64_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t m = 0; m < COUNT(modes); m++)
        for (size_t c = 0; c < COUNT(all); c++)
            for (size_t s = 0; s < COUNT(starts); s++) {
                print_message("  %s, conditions %zu, start %d\n", modes[m].name, c, (int)starts[s]);
                make_structure(&modes[m]);
                srand((unsigned)(s + 1));
                make_stream(&modes[m], starts[s], (uint16_t)starts[s]);
                svc_check_run(&rules, all[c].loss, all[c].reorder, starts[s]);
            }
}

static void make_with_late_second_key(const struct mode *mode, int later_than)
{
    make_structure(mode);
    unsigned seed = 1;
    do {
        srand(seed++);
        make_stream(mode, 0, 0);
    } while (svc_second_key() <= later_than);
}

static void targets_switch_where_the_descriptor_allows(void **state) /* media 22.8, DD */
{
    (void)state;
    static const struct {
        const char *name;
        int mode, from_sid, from_tid, to_sid, to_tid;
        bool asks, sends[SVC_SIDS], upper;
    } rows[] = {
        {"K-SVC up waits for a key frame", 0, 0, 2, 2, 2, true, {true, false, false}, true},
        {"K-SVC down waits for a key frame", 0, 2, 2, 0, 2, true, {false, false, true}, true},
        {"full SVC up waits for a key frame", 1, 0, 2, 2, 2, true, {true, false, false}, true},
        {"full SVC down goes at once", 1, 2, 2, 0, 2, false, {true, false, false}, true},
        {"full SVC down by one goes at once", 1, 2, 2, 1, 2, false, {true, true, false}, true},
        {"fewer pictures at once", 0, 2, 2, 2, 0, false, {false, false, true}, false},
        {"more pictures at once", 0, 2, 0, 2, 2, false, {false, false, true}, true},
        {"full SVC, more pictures at once", 1, 1, 0, 1, 2, false, {true, true, false}, true},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        make_with_late_second_key(&modes[rows[r].mode], 12);
        struct svc_switch got = svc_offer_switch(
            5, 9, svc_second_key(), /* from the next picture of temporal layer 0 on */
            layer_index(0, rows[r].from_sid, rows[r].from_tid), layer_index(0, rows[r].to_sid, rows[r].to_tid));
        assert_int_equal(got.asked, rows[r].asks);
        for (int s = 0; s < SVC_SIDS; s++)
            assert_int_equal(got.sent[s] > 0, rows[r].sends[s]);
        assert_int_equal(got.upper > 0, rows[r].upper);
    }
}

static void another_source_carries_frame_numbers_and_templates_on(void **state) /* media.md 12.1, 5.4 */
{
    (void)state;
    struct project p;
    struct project_out out, last = {0};
    make_structure(&modes[0]);
    srand(1);
    make_stream(&modes[0], 0, 1000);
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 2, 2));
    const struct dd_desc *d = NULL;
    for (size_t i = 0; i < 100; i++)
        if (project_offer(&p, &svc_packets[i].m, i, &out)) {
            d = &svc_packets[i].m.dd;
            last = out;
        }
    assert_non_null(d);
    uint16_t frame_number = (uint16_t)(d->frame_number + last.edit.dd_frame_delta);
    uint8_t next_template = (d->offset + last.edit.dd_template_delta + structure.template_count) % 64;
    make_stream(&modes[0], 7000, 50000);
    project_restart(&p);
    assert_true(project_offer(&p, &svc_packets[0].m, 200, &out));
    assert_int_equal((uint16_t)(50000 + out.edit.dd_frame_delta), (uint16_t)(frame_number + 1));
    assert_int_equal((svc_packets[0].m.dd.offset + out.edit.dd_template_delta) % 64, next_template);
    assert_int_equal(out.edit.dd_mask, 0x1c0); /* 720p is complete, nothing else is promised */
}

static void a_frame_without_its_structure_is_withheld_and_a_key_frame_asked_for(void **state) /* media.md 20.14 */
{
    (void)state;
    struct project p;
    struct project_out out;
    make_structure(&modes[0]);
    srand(1);
    make_stream(&modes[0], 0, 0);
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 2, 2));
    for (size_t i = 0; i < 30; i++)
        project_offer(&p, &svc_packets[i].m, i, &out);
    assert_false(project_wants_keyframe(&p));
    size_t next = 30;
    while (!svc_packets[next].m.dd.start || svc_packets[next].m.dd.sid != SVC_SIDS - 1)
        next++;
    svc_packets[next].m.dd.known = false;
    assert_false(project_offer(&p, &svc_packets[next].m, 31, &out));
    assert_true(project_wants_keyframe(&p));
}

static void waiting_for_a_lower_encoding_leaves_out_what_can_be(void **state) /* media.md 12.2 */
{
    (void)state;
    static const struct {
        int mode;
        bool sends[SVC_SIDS][3]; /* of each temporal layer */
        int last[3];         /* spatial layer with the marker, by temporal layer */
    } rows[] = {
        {0, {{false, false, false}, {false, false, false}, {true, true, false}}, {2, 2, -1}},
        /* the lower are required by upper ones: */
        {1, {{true, true, true}, {true, true, true}, {true, true, false}}, {2, 2, 1}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", modes[rows[r].mode].name);
        struct project p;
        struct project_out out;
        make_structure(&modes[rows[r].mode]);
        srand(3);
        make_stream(&modes[rows[r].mode], 0, 0);
        project_init(&p, 90000, 1, 1);
        project_set_target(&p, layer_index(1, 2, 2));
        int offered[SVC_SIDS][3] = {0};
        for (size_t i = 0; i < svc_packet_count; i++) {
            struct media_pkt *m = &svc_packets[i].m;
            const struct svc_frame *f = &svc_frames[svc_packets[i].frame];
            m->encoding = 1;
            if (f->picture == 4 && m->dd.sid == 0 && m->dd.start)
                project_set_target(&p, layer_index(0, 0, 2)); /* of which nothing comes */
            bool key = f->picture == 0 || m->dd.has_structure || (f->depends[0] < 0 && f->sid == 0) ||
                       (f->sid > 0 && svc_frames[svc_packets[i].frame - f->sid].depends[0] < 0);
            bool sent = project_offer(&p, m, MS(33) * (uint64_t)f->picture, &out);
            if (f->picture < 5 || key)
                continue;
            offered[f->sid][m->dd.tid]++;
            assert_int_equal(sent, rows[r].sends[f->sid][m->dd.tid]);
            if (sent)
                assert_int_equal(out.marker, m->dd.end && f->sid == rows[r].last[m->dd.tid]);
        }
        for (int s = 0; s < SVC_SIDS; s++)
            for (int t = 0; t < 3; t++)
                assert_true(offered[s][t] > 10);
    }
}

/* Down on a picture of a higher temporal layer, up again on the next of layer 0: the upper layer could be switched to, but the end
 * of the picture has been marked before it comes. */
static void a_picture_has_one_end_however_soon_the_target_returns(void **state) /* media trap 10 */
{
    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        struct project p;
        struct project_out out;
        make_structure(&modes[m]);
        for (unsigned seed = 1; seed == 1 || svc_frames[4 * SVC_SIDS].depends[0] < 0;
             seed++) { /* picture 4 is no key picture */
            srand(seed);
            make_stream(&modes[m], 0, 0);
        }
        project_init(&p, 90000, 1, 1);
        int ends[5] = {0};
        for (size_t i = 0; svc_frames[svc_packets[i].frame].picture < 5; i++) {
            int picture = svc_frames[svc_packets[i].frame].picture;
            project_set_target(&p, layer_index(0, picture == 2 || picture == 3 ? 0 : 1, 2));
            if (project_offer(&p, &svc_packets[i].m, MS(33) * (uint64_t)picture, &out)) {
                assert_int_equal(ends[picture], 0); /* nothing behind the end */
                ends[picture] += out.marker;
            }
        }
        for (size_t i = 0; i < COUNT(ends); i++)
            assert_int_equal(ends[i], 1);
    }
}

/* What is late by more key frames than structures are kept has no layer, so that it must not pass for a packet of layer 0. */
static void a_late_packet_of_an_unknown_layer_is_withheld(void **state)
{
    (void)state;
    struct project p;
    struct project_out out;
    make_structure(&modes[1]);
    srand(1);
    make_stream(&modes[1], 0, 0);
    project_init(&p, 90000, 1, 1);
    project_set_target(&p, layer_index(0, 0, 2));
    size_t late = 0;
    for (size_t i = 0; svc_frames[svc_packets[i].frame].picture < 4; i++) {
        if (svc_packets[i].frame ==
            1 * SVC_SIDS + 1) /* layer 1 of picture 1 is lost; of that picture, layer 0 goes out */
            late = i;
        else
            project_offer(&p, &svc_packets[i].m, i, &out);
    }
    struct media_pkt m = svc_packets[late].m;
    m.dd = (struct dd_desc){.frame_number = m.dd.frame_number, .start = m.dd.start, .end = m.dd.end};
    assert_false(project_offer(&p, &m, 1000, &out));
}

/* A packet of a stream of one spatial and three temporal layers. */
static struct media_pkt l1t3_packet(int64_t seq, uint16_t number, char what)
{
    bool key = strchr("Kkc", what), tail = strchr("ce", what);
    unsigned tid = what == '1' ? 1 : strchr("2de", what) ? 2 : 0;
    unsigned at = 0;
    while (structure.templates[at].tid != tid || (structure.templates[at].fdiff_count == 0) != key)
        at++;
    return (struct media_pkt){
        .pkt = &structure_pkt,
        .codec = CODEC_AV1,
        .ssrc = 100,
        .payload_len = 100,
        .seq_wide = 65536 + seq,
        .ts = number * 3000u,
        .marker = !strchr("kd", what),
        .keyframe = key,
        .frame_start = !tail,
        .has_dd = true,
        .dd_len = structure_len,
        .dd = {.dti = structure.templates[at].dti,
               .active = 7,
               .frame_number = number,
               .template_id = (uint8_t)(structure.offset + at),
               .template_count = structure.template_count,
               .target_count = structure.target_count,
               .offset = structure.offset,
               .tid = (uint8_t)tid,
               .start = !tail,
               .end = !strchr("kd", what),
               .has_structure = strchr("Kk", what),
               .known = true},
    };
}

static void a_late_key_frame_starts_if_nothing_needed_was_withheld(void **state) /* media.md 12.3 */
{
    (void)state;
    enum { STEPS = 5 };
    static const struct {
        const char *name;
        struct {
            int seq, number;
            char
                what; /* K: key frame, in two packets k, c; 0, 1, 2: frame of that temporal layer, 2 in two packets d, e */
            bool suspended, sent;
        } step[STEPS];
        bool asks;
    } rows[] = {
        {"in order", {{10, 10, 'K', false, true}, {11, 11, '2', false, true}}, false},
        {"one that can be left out came first",
         {{5, 5, '0'},
          {11, 11, '2'},
          {10, 10, 'K', false, true},
          {12, 12, '1', false, true},
          {13, 13, '2', false, true}},
         false},
        {"half of one came first", /* the other half is withheld too */
         {{5, 5, '0'}, {11, 11, 'd'}, {10, 10, 'K', false, true}, {12, 11, 'e'}, {13, 12, '1', false, true}},
         false},
        {"one that others need came first", {{5, 5, '0'}, {11, 11, '1'}, {10, 10, 'K'}, {12, 12, '2'}}, true},
        {"two came first, one is needed", {{5, 5, '0'}, {12, 12, '1'}, {11, 11, '2'}, {10, 10, 'K'}}, true},
        {"its second packet came first", {{5, 5, '0'}, {11, 10, 'c'}, {10, 10, 'k'}, {12, 11, '2'}}, true},
        {"what came before is unknown", {{11, 11, '2'}, {10, 10, 'K'}, {12, 12, '1'}}, true},
        {"one came while suspended", {{5, 5, '0'}, {11, 11, '1', true}, {12, 12, '2'}, {10, 10, 'K'}}, true},
    };
    structure_len = (uint8_t)from_hex(DD_L1T3, structure_pkt.data, 256).n;
    struct dd_desc d;
    assert_int_equal(dd_parse(bytes_of(structure_pkt.data, structure_len), NULL, &structure, &d), E_OK);
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        struct project p;
        struct project_out out;
        project_init(&p, 90000, 1, 1);
        for (int i = 0; i < STEPS && rows[r].step[i].what; i++) {
            struct media_pkt m =
                l1t3_packet(rows[r].step[i].seq, (uint16_t)rows[r].step[i].number, rows[r].step[i].what);
            project_set_target(&p, rows[r].step[i].suspended ? LAYER_NONE : layer_index(0, 0, 2));
            assert_int_equal(project_offer(&p, &m, MS(10) * (uint64_t)i, &out), rows[r].step[i].sent);
        }
        assert_int_equal(project_wants_keyframe(&p), rows[r].asks);
    }
}

static void a_target_waits_for_its_own_chain_whichever_it_is(void **state) /* 12.2; AV1 RTP specification, 4.5 */
{
    (void)state;
    enum { TARGETS = 6, SWITCH_ALL = 0xaaa, ONLY_LAST = DD_REQUIRED << 2 * (TARGETS - 1) };
    static const char six[] = "1 1 000000 0000000000000000 10000 000000 00101" /* six targets */
                              "00 01 11"                                       /* two templates of T0, one of T1 */
                              "101010101010 101010101010 000000000011"         /* T1 is in target 5 alone */
                              "0 1 0000 0 1 0000 0"
                              "111 00 01 100 101 110 111" /* six chains, target t has chain t */
                              "000000000000000000000000 000100010001000100010001 000100010001000100010001 0";
    struct bytes data = from_bits(six, structure_pkt.data, 256);
    struct dd_desc d;
    assert_int_equal(dd_parse(data, NULL, &structure, &d), E_OK);
    assert_int_equal(d.chain_count, TARGETS);
    static const struct {
        uint64_t dti;
        int tid;
        bool all, sent;     /* all layers are wanted */
        uint8_t chain_diff; /* of chain 5 */
    } frames[] = {
        {SWITCH_ALL, 0, false, true, 0}, {ONLY_LAST, 1, false, false, 1}, /* of chain 5, and withheld */
        {SWITCH_ALL, 0, true, true, 1}, /* may be switched to, but that chain is broken */
        {ONLY_LAST, 1, true, false, 1},  {SWITCH_ALL, 0, true, true, 2}, /* and begins anew at frame 2 */
        {ONLY_LAST, 1, true, true, 1},
    };
    struct project p;
    struct project_out out;
    project_init(&p, 90000, 1, 1);
    for (uint16_t i = 0; i < COUNT(frames); i++) {
        struct media_pkt m = {.pkt = &structure_pkt, .codec = CODEC_AV1, .ssrc = 100, .payload_len = 100};
        m.seq_wide = 65536 + i;
        m.ts = i * 3000u;
        m.marker = m.has_dd = m.frame_start = true;
        m.dd_len = (uint8_t)data.n;
        m.dd = d;
        m.dd.has_structure = i == 0;
        m.dd.frame_number = i;
        m.dd.tid = (uint8_t)frames[i].tid;
        m.dd.dti = frames[i].dti;
        m.dd.active = (1u << TARGETS) - 1;
        m.dd.fdiffs[0] = i % 2 ? 1 : 2;
        m.dd.fdiff_count = i > 0;
        memset(m.dd.chain_diffs, 0, sizeof m.dd.chain_diffs);
        m.dd.chain_diffs[TARGETS - 1] = frames[i].chain_diff;
        project_set_target(&p, layer_index(0, 0, frames[i].all ? 2 : 0));
        print_message("  frame %d\n", i);
        assert_int_equal(project_offer(&p, &m, MS(33) * (uint64_t)i, &out), frames[i].sent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_the_receiver_sees_one_stream),
        cmocka_unit_test(targets_switch_where_the_descriptor_allows),
        cmocka_unit_test(waiting_for_a_lower_encoding_leaves_out_what_can_be),
        cmocka_unit_test(a_picture_has_one_end_however_soon_the_target_returns),
        cmocka_unit_test(a_late_packet_of_an_unknown_layer_is_withheld),
        cmocka_unit_test(a_late_key_frame_starts_if_nothing_needed_was_withheld),
        cmocka_unit_test(a_target_waits_for_its_own_chain_whichever_it_is),
        cmocka_unit_test(another_source_carries_frame_numbers_and_templates_on),
        cmocka_unit_test(a_frame_without_its_structure_is_withheld_and_a_key_frame_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
