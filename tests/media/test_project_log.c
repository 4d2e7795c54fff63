/* Under which numbers frames go out (media.md 12.3, 12.4), whatever the codec: which gaps close, where late packets belong, and how
 * picture ids follow. The frames' fates are given here. */
#include "support/hex.h"
#include "media/project_kind.h"

enum { BASE = 65536 + 65530, FIRST_SEQ = 1000, FIRST_TS = 5000 }; /* source numbers wrap on the way */

static struct project p;
static struct project_out out;

struct given { /* one packet of the source */
    int seq;   /* after BASE */
    int frame; /* its timestamp and picture id */
    bool start, end;
};

static struct media_pkt pkt;
static struct project_unit unit;

static struct project_in take(struct given g)
{
    pkt = (struct media_pkt){.seq_wide = BASE + g.seq, .ts = (uint32_t)g.frame * 3000, .marker = g.end};
    unit = (struct project_unit){.pictureid = (uint16_t)(100 + g.frame),
                                 .pictureid_at = 2,
                                 .pictureid_long = true,
                                 .start = g.start,
                                 .end = g.end};
    out = (struct project_out){0};
    return (struct project_in){.pkt = &pkt, .now_us = SEC(1) + MS(33) * (uint64_t)g.frame, .ahead = true};
}

static void begin(int seq, int frame)
{
    struct project_in in = take((struct given){seq, frame, true, true});
    project_init(&p, 90000, FIRST_SEQ, FIRST_TS);
    project_log_init(&p.log);
    assert_true(project_log_start(&p, &in, &unit, project_frame_of(&p, &pkt, &unit), &out));
    assert_int_equal(out.seq, FIRST_SEQ);
    assert_int_equal(out.ts, FIRST_TS);
}

static bool append(struct given g, bool sent, bool adjacent, bool compact)
{
    struct project_in in = take(g);
    struct project_frame f = project_frame_of(&p, &pkt, &unit);
    f.sent = sent;
    int step = project_pictureid_step(project_log_newest(&p.log), &f);
    return project_log_append(&p, &in, &unit, f, step, adjacent, compact, &out);
}

/* A frame, one more, `gap` missing packets, one more, and a last one that goes out: by how much is its number behind the first? */
static void gaps_close_only_where_they_must_belong_to_what_is_withheld(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool prev_sent, prev_end, next_sent, next_start, adjacent;
        int gap, step;
    } rows[] = {
        {"nothing is withheld", true, true, true, true, true, 3, 6},
        {"no gap, the first is withheld", false, true, true, true, true, 0, 2},
        {"no gap, both are withheld", false, true, false, true, true, 0, 1},
        {"the rest of a withheld frame", false, false, true, true, true, 3, 2},
        {"between two withheld neighbours", false, false, false, false, true, 3, 1},
        {"the begin of a withheld frame", true, true, false, false, true, 3, 2},
        {"between neighbours: whose they are is unknown", true, false, false, false, true, 3, 4},
        {"whose begin the next one lacks", false, false, true, false, true, 3, 4},
        {"frames are missing, the end of the first too", false, false, true, true, false, 3, 4},
        {"frames are missing, the first was whole", false, true, true, true, false, 3, 5},
        {"frames are missing, the begin of the next too", true, true, false, false, false, 3, 4},
        {"frames are missing, the next is whole", true, true, false, true, false, 3, 5},
        {"frames are missing, an end and a begin too", false, false, false, false, false, 3, 2},
        {"one packet is missing: it closes once", false, false, false, false, false, 1, 1},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        int gap = rows[r].gap;
        begin(0, 0);
        assert_int_equal(append((struct given){1, 1, true, rows[r].prev_end}, rows[r].prev_sent, true, false),
                         rows[r].prev_sent);
        assert_int_equal(append((struct given){2 + gap, rows[r].adjacent ? 2 : 4, rows[r].next_start, true},
                                rows[r].next_sent, rows[r].adjacent, false),
                         rows[r].next_sent);
        assert_true(append((struct given){3 + gap, 5, true, true}, true, true, false));
        assert_int_equal((uint16_t)(out.seq - FIRST_SEQ), rows[r].step);
    }
}

static void picture_ids_close_up_where_the_codec_says_so(void **state)
{
    (void)state;
    for (int compact = 0; compact < 2; compact++) {
        begin(0, 0);
        assert_int_equal(out.edit.pictureid, 100); /* the very first keeps its own */
        assert_false(append((struct given){1, 1, true, true}, false, true, compact));
        assert_true(append((struct given){2, 2, true, true}, true, true, compact));
        assert_int_equal(out.edit.pictureid, compact ? 101 : 102);
        assert_int_equal(out.edit.pictureid_len, 2);
    }
}

static void steps_of_picture_ids_are_told_from_jumps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t from, to;
        bool has, was_long, is_long;
        int packets, step;
    } rows[] = {
        {"the next", 5, 6, true, true, true, 1, 1},
        {"the same", 5, 5, true, true, true, 1, 0},
        {"over the end of 15 bits", 0x7fff, 1, true, true, true, 2, 2},
        {"over the end of 7 bits", 0x7f, 0, true, false, false, 1, 1},
        {"as many as there were packets", 5, 15, true, true, true, 10, 10},
        {"more than there were packets", 5, 16, true, true, true, 10, -1},
        {"back", 6, 5, true, true, true, 10, -1},
        {"there was none", 0, 5, false, true, true, 10, -1},
        {"another width", 5, 6, true, false, true, 1, -1},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        struct project_frame prev = {.lo = 100,
                                     .hi = 100,
                                     .pictureid = rows[r].from,
                                     .has_pictureid = rows[r].has,
                                     .long_pictureid = rows[r].was_long};
        struct project_frame f = {.lo = 100 + rows[r].packets,
                                  .hi = 100 + rows[r].packets,
                                  .pictureid = rows[r].to,
                                  .has_pictureid = true,
                                  .long_pictureid = rows[r].is_long};
        assert_int_equal(project_pictureid_step(&prev, &f), rows[r].step);
    }
}

static void a_late_packet_belongs_where_its_timestamp_and_number_say(void **state)
{
    (void)state;
    /* frames 0 (packet 0), 2 (packets 4, 5) and 3 (packet 8) are known */
    static const struct {
        const char *name;
        struct given packet;
        int before, by; /* frames; -1: none */
        bool whole;
    } rows[] = {
        {"more of the newest frame", {9, 3, false, true}, 3, 3, false},
        {"more of one in the middle", {6, 2, false, true}, 2, 2, false},
        {"the begin of one in the middle", {3, 2, true, false}, 0, 2, false},
        {"the begin of the newest", {7, 3, true, false}, 2, 3, false},
        {"a frame that was missing", {2, 1, true, true}, 0, 2, true},
        {"a frame of before all that is known", {-1, -1, true, true}, -1, -1, false},
        {"a timestamp that does not fit its number", {2, 4, true, true}, 0, -1, false},
        {"a number that does not fit its timestamp", {5, 3, false, false}, 2, -1, false},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        print_message("  %s\n", rows[r].name);
        begin(0, 0);
        append((struct given){4, 2, false, false}, true, false, false);
        struct project_in in = take((struct given){5, 2, false, false});
        assert_true(project_log_part(&p, in.pkt, &unit, &out));
        append((struct given){8, 3, false, false}, true, true, false);
        take(rows[r].packet);
        struct project_place place = project_log_place(&p, &pkt, &unit);
        assert_int_equal(place.before ? (int)place.before->ts / 3000 : -1, rows[r].before);
        assert_int_equal(place.by ? (int)place.by->ts / 3000 : -1, rows[r].by);
        assert_int_equal(place.whole, rows[r].whole);
        if (!place.by)
            continue;
        assert_true(project_log_late(&p, &place, &pkt, &unit, &out)); /* nothing was withheld: distances stay */
        assert_int_equal((uint16_t)(out.seq - FIRST_SEQ), rows[r].packet.seq);
        assert_int_equal(out.ts - FIRST_TS, rows[r].packet.frame * 3000);
    }
}

static void numbers_behind_a_switch_are_not_used_any_more(void **state)
{
    (void)state;
    begin(0, 0);
    append((struct given){1, 1, true, false}, true, true, false);
    p.head.seq = out.seq; /* as project.c notes it: the frame is not whole, so that a number stays open */
    p.head.started = p.head.open = true;
    struct project_in in = take((struct given){1000, 50, true, true});
    assert_true(project_log_start(&p, &in, &unit, project_frame_of(&p, &pkt, &unit), &out));
    assert_int_equal((uint16_t)(out.seq - FIRST_SEQ), 3);
    take((struct given){1, 1, true, false}); /* had its number before */
    struct project_place place = project_log_place(&p, &pkt, &unit);
    assert_non_null(place.by);
    assert_true(project_log_late(&p, &place, &pkt, &unit, &out));
    assert_int_equal((uint16_t)(out.seq - FIRST_SEQ), 1);
    take((struct given){2, 1, false, true}); /* would have the one that stays open */
    place = project_log_place(&p, &pkt, &unit);
    assert_non_null(place.by);
    assert_false(project_log_late(&p, &place, &pkt, &unit, &out));
}

static void what_is_too_old_has_no_place(void **state)
{
    (void)state;
    begin(0, 0);
    for (int i = 1; i <= PROJECT_FRAMES; i++)
        assert_true(append((struct given){2 * i, i, true, true}, true, true, false));
    take((struct given){1, 0, false, true});
    assert_null(project_log_place(&p, &pkt, &unit).before);
    take((struct given){3, 1, false, true}); /* the oldest that is kept */
    assert_non_null(project_log_place(&p, &pkt, &unit).by);
}

static void a_jump_of_timestamps_goes_on_by_the_time_that_passed(void **state)
{
    (void)state;
    begin(0, 0);
    p.head.started = true;
    p.head.ts = FIRST_TS;
    p.head.arrival_us = SEC(1);
    struct project_in in = take((struct given){1, 2, true, true});
    pkt.ts = 0x80000000u;
    struct project_frame f = project_frame_of(&p, &pkt, &unit);
    f.sent = true;
    assert_true(project_log_append(&p, &in, &unit, f, 2, true, false, &out));
    assert_int_equal(out.ts, FIRST_TS + 66 * 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_close_only_where_they_must_belong_to_what_is_withheld),
        cmocka_unit_test(picture_ids_close_up_where_the_codec_says_so),
        cmocka_unit_test(steps_of_picture_ids_are_told_from_jumps),
        cmocka_unit_test(a_late_packet_belongs_where_its_timestamp_and_number_say),
        cmocka_unit_test(numbers_behind_a_switch_are_not_used_any_more),
        cmocka_unit_test(what_is_too_old_has_no_place),
        cmocka_unit_test(a_jump_of_timestamps_goes_on_by_the_time_that_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
