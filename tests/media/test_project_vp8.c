/* What holds of VP8 projection: the receiver sees one stream, whatever layers it is made of and however its packets
 * arrive. */
#include <stdlib.h>

#include "support/hex.h"
#include "media/project.h"
#include "proto/seq.h"

enum { NO = -1, IDS = 1, TIDS = 2, LONG = 4 };

/* ---- a sender ---- */

struct frame_shape {
    int encoding, tid, packets;
    bool key, sync;
};

struct source {
    int64_t seq[LAYER_ENCODINGS_MAX]; /* next */
    uint32_t ts_base[LAYER_ENCODINGS_MAX];
    uint16_t pictureid[LAYER_ENCODINGS_MAX];
    uint8_t tl0[LAYER_ENCODINGS_MAX];
    int fields; /* IDS | TIDS | LONG */
};

static struct source source_at(int64_t seq, int fields)
{
    struct source s = {.fields = fields};
    for (int e = 0; e < LAYER_ENCODINGS_MAX; e++) {
        s.seq[e] = 65536 + seq + e * 1000;
        s.ts_base[e] = (uint32_t)(0xffff0000u + e * 77777777u);
        s.pictureid[e] = (uint16_t)(32760 + e);
        s.tl0[e] = (uint8_t)(250 + e);
    }
    return s;
}

/* Makes the packets of one frame captured at time_ms. Returns how many. */
static int make_frame(struct source *s, struct frame_shape shape, uint64_t time_ms, struct media_pkt *out)
{
    int e = shape.encoding;
    if (shape.tid == 0)
        s->tl0[e]++;
    for (int i = 0; i < shape.packets; i++) {
        struct media_pkt *m = &out[i];
        *m = (struct media_pkt){.codec = CODEC_VP8, .encoding = (uint8_t)e, .ssrc = 100u + (unsigned)e};
        m->seq_wide = s->seq[e]++;
        m->seq = (uint16_t)m->seq_wide;
        m->ts = (uint32_t)(s->ts_base[e] + time_ms * 90);
        m->marker = i == shape.packets - 1;
        m->vp8.len = 1;
        m->vp8.start = i == 0;
        m->vp8.keyframe = shape.key && i == 0;
        m->vp8.tid = (uint8_t)shape.tid;
        m->vp8.layer_sync = shape.sync;
        m->frame_start = i == 0;
        m->keyframe = shape.key;
        if (s->fields & IDS) {
            m->vp8.pictureid_at = 2;
            m->vp8.pictureid_long = s->fields & LONG;
            m->vp8.pictureid = s->pictureid[e] & (s->fields & LONG ? 0x7fff : 0x7f);
        }
        if (s->fields & TIDS) {
            m->vp8.has_tid = true;
            m->vp8.tl0picidx_at = 4;
            m->vp8.tl0picidx = s->tl0[e];
        }
    }
    s->pictureid[e]++;
    return shape.packets;
}

static struct project receiver(int target)
{
    struct project p;
    project_init(&p, 90000, 1000, 5000);
    project_set_target(&p, target);
    return p;
}

#define LAYER(e) layer_index(e, 0, 2)

/* ---- the worked examples of media.md 12.4: packet numbers 1 to 11 in source order, layers as given there ---- */

static const struct frame_shape example[] = {
    {0, 0, 3, true, false}, {0, 2, 2, false, true},  {0, 1, 2, false, true},
    {0, 2, 1, false, true}, {0, 0, 3, false, false},
};

static void gaps_close_only_where_a_withheld_packet_must_have_been(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int tid, order[11], want[11]; /* want: output number less 100, 0: withheld */
    } rows[] = {
        {"layer 0, in order", 0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6}},
        {"all layers, packet 5 last", 2, {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5}, {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5}},
        {"layer 0, packet 5 last", 0, {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5}, {1, 2, 3, 0, 0, 0, 0, 4, 5, 6, 0}},
        {"layer 1, packet 8 last", 1, {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 8}, {1, 2, 3, 0, 0, 4, 5, 7, 8, 9, 0}},
        {"layer 0, packet 6 last", 0, {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 6}, {1, 2, 3, 0, 0, 0, 0, 4, 5, 6, 0}},
        {"layer 0, frame 4-5 last", 0, {1, 2, 3, 6, 7, 8, 9, 10, 11, 4, 5}, {1, 2, 3, 0, 0, 0, 6, 7, 8, 0, 0}},
        {"all layers, frame 4-5 last, backwards",
         2,
         {1, 2, 3, 6, 7, 8, 9, 10, 11, 5, 4},
         {1, 2, 3, 6, 7, 8, 9, 10, 11, 5, 4}},
        {"layer 0, packet 2 last", 0, {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 2}, {1, 3, 0, 0, 0, 0, 0, 4, 5, 6, 2}},
        {"layer 0, packet 9 last", 0, {1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 9}, {1, 2, 3, 0, 0, 0, 0, 0, 5, 6, 4}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        struct source s = source_at(65530, IDS | TIDS | LONG);
        struct media_pkt all[12];
        int n = 1;
        for (size_t f = 0; f < COUNT(example); f++)
            n += make_frame(&s, example[f], f * 33, &all[n]);
        assert_int_equal(n, 12);
        /* a target with layer 2 sees layer 1 and 2 from the key frame on, since that lets in what it allows */
        struct project p = receiver(layer_index(0, 0, rows[r].tid));
        for (int i = 0; i < 11; i++) {
            struct project_out out;
            bool sent = project_offer(&p, &all[rows[r].order[i]], MS(i), &out);
            assert_int_equal(sent ? out.seq - 999 : 0, rows[r].want[i]);
        }
    }
}

/* ---- which frames: media.md 12.2 ---- */

static void key_frames_decide_as_the_table_says(void **state) /* media 22.8 */
{
    (void)state;
    static const struct {
        const char *name;
        int current, target;
        int since_group_ms; /* since the first key frame of a group; NO: long ago */
        int encoding;
        bool key, sent, wants_after;
        int current_after;
    } rows[] = {
        {"nothing yet: a low key frame starts", NO, 2, NO, 0, true, true, false, 0},
        {"nothing yet: too good a key frame is refused", NO, 0, NO, 2, true, false, true, NO},
        {"nothing yet: other frames are refused", NO, 2, NO, 2, false, false, true, NO},
        {"a better one follows in the group", 0, 2, 20, 2, true, true, false, 2},
        {"the middle one follows in the group", 0, 2, 20, 1, true, true, false, 1},
        {"better than wanted follows in the group", 0, 1, 20, 2, true, false, false, 0},
        {"a lower one follows in the group", 2, 2, 20, 0, true, false, false, 2},
        {"a lower one follows in the group, and is wanted", 2, 0, 20, 0, true, true, false, 0},
        {"a better frame tells that the group had it not", 0, 2, 299, 2, false, false, false, 0},
        {"a better frame after the group asks", 0, 2, 300, 2, false, false, true, 0},
        {"a better frame than wanted does not ask", 0, 1, 300, 2, false, false, false, 0},
        {"a lower frame asks if lower is wanted", 2, 0, 300, 0, false, false, true, 2},
        {"a lower frame does not ask if this is wanted", 2, 2, 300, 0, false, false, false, 2},
        {"a low key frame alone does not pull down a live stream", 2, 2, 300, 0, true, false, false, 2},
        {"a low key frame alone is taken to go down", 2, 1, 300, 0, true, true, false, 0},
        {"a key frame of the current one", 1, 1, 300, 1, true, true, false, 1},
        {"a better key frame after the group", 1, 2, 300, 2, true, true, false, 2},
        {"a frame of the current one while waiting to go up", 0, 2, 300, 0, false, true, false, 0},
        {"a frame of the current one while waiting to go down", 2, 0, 300, 2, false, true, false, 2},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        struct source s = source_at(0, 0);
        struct media_pkt m;
        struct project_out out;
        struct project p = receiver(LAYER(rows[r].current == NO ? rows[r].target : rows[r].current));
        uint64_t now_us = SEC(100);
        if (rows[r].current != NO) {
            make_frame(&s, (struct frame_shape){rows[r].current, 0, 1, true, false}, 0, &m);
            assert_true(project_offer(&p, &m, now_us, &out));
            project_set_target(&p, LAYER(rows[r].target));
            assert_int_equal(project_encoding(&p), rows[r].current);
        }
        now_us += MS((uint64_t)(rows[r].since_group_ms == NO ? 10000 : rows[r].since_group_ms));
        make_frame(&s, (struct frame_shape){rows[r].encoding, 0, 1, rows[r].key, false}, 200, &m);
        assert_int_equal(project_offer(&p, &m, now_us, &out), rows[r].sent);
        assert_int_equal(project_encoding(&p), rows[r].current_after);
        assert_int_equal(project_wants_keyframe(&p), rows[r].wants_after);
    }
}

static void a_stream_whose_encoding_fell_silent_comes_down(void **state)
{
    (void)state;
    struct source s = source_at(0, 0);
    struct media_pkt m;
    struct project_out out;
    struct project p = receiver(LAYER(2));
    make_frame(&s, (struct frame_shape){2, 0, 1, true, false}, 0, &m);
    assert_true(project_offer(&p, &m, SEC(1), &out));
    for (int i = 1; i <= 20; i++) {
        make_frame(&s, (struct frame_shape){0, 0, 1, false, false}, (uint64_t)i * 33, &m);
        assert_false(project_offer(&p, &m, SEC(1) + MS(33) * (uint64_t)i, &out));
        assert_int_equal(project_wants_keyframe(&p), i * 33 >= 500);
    }
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 700, &m);
    assert_true(project_offer(&p, &m, SEC(1) + MS(700), &out));
    assert_int_equal(project_encoding(&p), 0);
}

static void a_key_frame_whose_start_came_late_is_no_place_to_switch(void **state) /* media trap 6 */
{
    (void)state;
    struct source s = source_at(0, 0);
    struct media_pkt m[3];
    struct project_out out;
    struct project p = receiver(LAYER(0));
    make_frame(&s, (struct frame_shape){0, 0, 3, true, false}, 0, m);
    assert_false(project_offer(&p, &m[1], 0, &out));
    assert_false(project_offer(&p, &m[0], 0, &out));
    assert_false(project_offer(&p, &m[2], 0, &out));
    assert_true(project_wants_keyframe(&p));
}

/* A stream that begins between the packets of a reordered key frame, or while old ones are repaired, has not seen those
 * that came before it: it must be told. */
static void a_stream_that_begins_does_not_start_with_what_came_late(void **state)
{
    (void)state;
    struct source s = source_at(100, 0);
    struct project p = receiver(layer_index(0, 0, 2));
    struct media_pkt m[4];
    struct project_out out;
    make_frame(&s, (struct frame_shape){0, 0, 3, true, false}, 0, m);
    m[0].late = true;
    assert_false(project_offer(&p, &m[0], 0, &out)); /* the other two have been and gone */
    assert_true(project_wants_keyframe(&p));
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 33, m);
    assert_true(project_offer(&p, &m[0], MS(33), &out));
}

static void a_suspended_stream_sends_nothing_and_comes_back_with_a_key_frame(void **state)
{
    (void)state;
    struct source s = source_at(0, IDS | LONG);
    struct media_pkt m;
    struct project_out out;
    struct project p = receiver(LAYER(0));
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 0, &m);
    assert_true(project_offer(&p, &m, SEC(1), &out));
    uint16_t id = out.edit.pictureid;
    project_set_target(&p, LAYER_NONE);
    assert_false(project_wants_keyframe(&p));
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 33, &m);
    assert_false(project_offer(&p, &m, SEC(1) + MS(33), &out));
    project_set_target(&p, LAYER(0));
    assert_true(project_wants_keyframe(&p));
    make_frame(&s, (struct frame_shape){0, 0, 1, false, false}, 66, &m);
    assert_false(project_offer(&p, &m, SEC(1) + MS(66), &out));
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 2000, &m);
    assert_true(project_offer(&p, &m, SEC(3), &out));
    assert_int_equal(out.seq, 1001);
    assert_int_equal(out.ts, 5000 + 2 * 90000);
    assert_int_equal(out.edit.pictureid, (id + 1) & 0x7fff);
    assert_false(project_wants_keyframe(&p));
}

/* ---- switching ---- */

static void a_switch_after_an_incomplete_frame_leaves_one_number_out(void **state)
{
    (void)state;
    struct source s = source_at(0, 0);
    struct media_pkt low[3], high[1];
    struct project_out out;
    struct project p = receiver(LAYER(1));
    make_frame(&s, (struct frame_shape){0, 0, 3, true, false}, 0, low);
    make_frame(&s, (struct frame_shape){1, 0, 1, true, false}, 0, high);
    assert_true(project_offer(&p, &low[0], 0, &out));
    assert_true(project_offer(&p, &high[0], MS(5), &out));
    assert_int_equal(out.seq, 1002);                       /* 1001 tells the receiver that something is missing */
    assert_false(project_offer(&p, &low[1], MS(6), &out)); /* and stays empty: two packets are missing, not one */
    assert_false(project_offer(&p, &low[2], MS(7), &out));
}

static void late_packets_from_before_a_switch_still_find_their_numbers(void **state)
{
    (void)state;
    struct source s = source_at(65534, 0);
    struct media_pkt a[3], b[2], high[1];
    struct project_out out;
    struct project p = receiver(LAYER(1));
    make_frame(&s, (struct frame_shape){0, 0, 3, true, false}, 0, a);
    make_frame(&s, (struct frame_shape){0, 0, 2, false, false}, 33, b);
    make_frame(&s, (struct frame_shape){1, 0, 1, true, false}, 66, high);
    assert_true(project_offer(&p, &a[0], 0, &out));
    assert_true(project_offer(&p, &a[2], MS(1), &out));
    assert_int_equal(out.seq, 1002);
    assert_true(project_offer(&p, &b[1], MS(33), &out));
    assert_int_equal(out.seq, 1004);
    assert_true(project_offer(&p, &high[0], MS(66), &out));
    assert_int_equal(out.seq, 1005);
    assert_true(project_offer(&p, &a[1], MS(67), &out));
    assert_int_equal(out.seq, 1001);
    assert_true(project_offer(&p, &b[0], MS(68), &out));
    assert_int_equal(out.seq, 1003);
    assert_false(project_offer(&p, &b[0], MS(69), &out)); /* twice */
}

static void timestamps_go_on_by_the_time_that_passed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t later_ms, ntp1_ms, ntp2_ms;
        uint32_t step;
    } rows[] = {
        {"by arrival", 40, 0, 0, 3600},
        {"by arrival, if only one clock is known", 40, 5000, 0, 3600},
        {"by the sender's clock", 40, 5000, 5033, 2970},
        {"captured at the same time: just forward", 7, 5000, 5000, 90},
        {"captured before: just forward", 7, 5000, 4990, 90},
        {"a clock that disagrees with arrival is not believed", 40, 5000, 9000, 3600},
        {"arrived at once: just forward", 0, 0, 0, 90},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        struct source s = source_at(0, 0);
        struct media_pkt m;
        struct project_out out;
        struct project p = receiver(LAYER(1));
        make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 0, &m);
        m.ntp_us = MS(rows[r].ntp1_ms);
        assert_true(project_offer(&p, &m, SEC(1), &out));
        uint32_t before = out.ts;
        make_frame(&s, (struct frame_shape){1, 0, 1, true, false}, 0, &m);
        m.ntp_us = MS(rows[r].ntp2_ms);
        assert_true(project_offer(&p, &m, SEC(1) + MS(rows[r].later_ms), &out));
        assert_int_equal(out.ts - before, rows[r].step);

        uint32_t mapped; /* media 22.13: reports of the encoding that goes out, and of no other */
        assert_true(project_map_ts(&p, 1, m.ts + 90, &mapped));
        assert_int_equal(mapped, out.ts + 90);
        assert_false(project_map_ts(&p, 0, m.ts, &mapped));
    }
}

static void a_source_that_starts_over_does_not_jump_at_the_receiver(void **state)
{
    (void)state;
    struct source s = source_at(0, IDS | TIDS | LONG);
    struct media_pkt m;
    struct project_out out, first;
    struct project p = receiver(LAYER(0));
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 0, &m);
    assert_true(project_offer(&p, &m, SEC(1), &first));
    s.seq[0] += 20000;
    s.ts_base[0] -= 1234567;
    s.pictureid[0] = 7;
    s.tl0[0] = 90;
    make_frame(&s, (struct frame_shape){0, 0, 1, true, false}, 100, &m);
    assert_true(project_offer(&p, &m, SEC(1) + MS(100), &out));
    assert_int_equal(out.seq, first.seq + 1);
    assert_int_equal(out.ts, first.ts + 9000);
    assert_int_equal(out.edit.pictureid, (first.edit.pictureid + 1) & 0x7fff);
    assert_int_equal(out.edit.tl0picidx, (uint8_t)(first.edit.tl0picidx + 1));
}

static void another_source_on_the_slot_carries_the_numbers_on(void **state) /* bridge-channel 16.12, TL0PICIDX */
{
    (void)state;
    static const int64_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct source a = source_at(starts[i], IDS | TIDS | LONG),
                      b = source_at(starts[COUNT(starts) - 1 - i] + 9, IDS | TIDS | LONG);
        b.pictureid[0] = 3;
        b.tl0[0] = 200;
        struct media_pkt m;
        struct project_out last, out;
        struct project p = receiver(LAYER(0));
        make_frame(&a, (struct frame_shape){0, 0, 1, true, false}, 0, &m);
        assert_true(project_offer(&p, &m, SEC(1), &last));
        project_restart(&p);
        assert_true(project_wants_keyframe(&p));
        make_frame(&b, (struct frame_shape){0, 0, 1, false, false}, 0, &m);
        m.ssrc = 900;
        assert_false(project_offer(&p, &m, SEC(1), &out)); /* nothing before a key frame */
        for (int f = 0; f < 3; f++) {
            make_frame(&b, (struct frame_shape){0, 0, 1, f == 0, false}, (uint64_t)f * 33, &m);
            m.ssrc = 900;
            assert_true(project_offer(&p, &m, SEC(1) + MS(33) * (uint64_t)(f + 1), &out));
            assert_int_equal(out.seq, (uint16_t)(last.seq + 1));
            assert_int_equal(out.ts, last.ts + 2970);
            assert_int_equal(out.edit.pictureid, (last.edit.pictureid + 1) & 0x7fff);
            assert_int_equal(out.edit.tl0picidx, (uint8_t)(last.edit.tl0picidx + 1));
            last = out;
        }
    }
}

static void temporal_layers_come_back_only_where_they_can_be_decoded(void **state)
{
    (void)state;
    struct source s = source_at(0, IDS | TIDS | LONG);
    static const struct {
        int tid, target_tid;
        bool sync, sent;
    } rows[] = {
        {0, 2, false, true},  {2, 2, false, true},  {1, 2, false, true},  {2, 0, false, false}, {1, 0, true, false},
        {0, 0, false, true},  {2, 2, false, false}, {1, 2, false, false}, {2, 2, true, false}, /* 1 is still missing */
        {0, 2, false, true},  {1, 2, true, true},   {2, 2, false, false}, {2, 2, true, true},   {1, 2, false, true},
        {2, 1, false, false}, {1, 1, false, true},
    };
    struct project p = receiver(LAYER(0));
    uint16_t next = 1000, id = s.pictureid[0];
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct media_pkt m;
        struct project_out out;
        project_set_target(&p, layer_index(0, 0, rows[i].target_tid));
        make_frame(&s, (struct frame_shape){0, rows[i].tid, 1, i == 0, rows[i].sync}, i * 33, &m);
        assert_int_equal(project_offer(&p, &m, MS(33) * i, &out), rows[i].sent);
        if (rows[i].sent) {
            assert_int_equal(out.seq, next++);
            assert_int_equal(out.edit.pictureid, id++ & 0x7fff);
        }
    }
}

static void seven_bit_picture_ids_stay_seven_bits(void **state)
{
    (void)state;
    struct source s = source_at(0, IDS | TIDS);
    struct project p = receiver(layer_index(0, 0, 0));
    uint16_t id = s.pictureid[0] & 0x7f;
    for (int i = 0; i < 300; i++) {
        struct media_pkt m;
        struct project_out out;
        make_frame(&s, (struct frame_shape){0, i % 2, 1, i == 0, false}, (uint64_t)i * 33, &m);
        assert_int_equal(project_offer(&p, &m, MS(33) * (uint64_t)i, &out), i % 2 == 0);
        if (i % 2)
            continue;
        assert_int_equal(out.edit.pictureid_len, 1);
        assert_int_equal(out.edit.pictureid, id++ & 0x7f);
    }
}

static void edits_are_written_where_the_fields_are(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        struct tx_edit edit;
    } rows[] = {
        {"90 f0 8001 05 40 01", "90 f0 f234 aa 40 01", {0x7234, 2, 2, 4, 0xaa}},
        {"90 e0 01 05 40 01", "90 e0 34 aa 40 01", {0x7234, 2, 1, 3, 0xaa}},
        {"90 40 05 01", "90 40 aa 01", {.tl0picidx_at = 2, .tl0picidx = 0xaa}},
        {"10 01", "10 01", {0}},
        {"90 80 80", "90 80 80", {0x7234, 2, 2, 4, 0xaa}}, /* does not fit: left alone */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t buf[16], want[16];
        struct bytes b = from_hex(rows[i].before, buf, sizeof buf);
        from_hex(rows[i].after, want, sizeof want);
        project_apply(&rows[i].edit, buf, b.n);
        assert_memory_equal(buf, want, b.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_close_only_where_a_withheld_packet_must_have_been),
        cmocka_unit_test(key_frames_decide_as_the_table_says),
        cmocka_unit_test(a_stream_whose_encoding_fell_silent_comes_down),
        cmocka_unit_test(a_key_frame_whose_start_came_late_is_no_place_to_switch),
        cmocka_unit_test(a_stream_that_begins_does_not_start_with_what_came_late),
        cmocka_unit_test(a_suspended_stream_sends_nothing_and_comes_back_with_a_key_frame),
        cmocka_unit_test(a_switch_after_an_incomplete_frame_leaves_one_number_out),
        cmocka_unit_test(late_packets_from_before_a_switch_still_find_their_numbers),
        cmocka_unit_test(timestamps_go_on_by_the_time_that_passed),
        cmocka_unit_test(a_source_that_starts_over_does_not_jump_at_the_receiver),
        cmocka_unit_test(another_source_on_the_slot_carries_the_numbers_on),
        cmocka_unit_test(temporal_layers_come_back_only_where_they_can_be_decoded),
        cmocka_unit_test(seven_bit_picture_ids_stay_seven_bits),
        cmocka_unit_test(edits_are_written_where_the_fields_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
