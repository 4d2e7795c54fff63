/* What holds of RTCP: one lying length costs the datagram, and what is written reads back. */
#include "support/hex.h"

#include "proto/rtcp.h"

#define RR_EMPTY "80c9 0001 00000001 "
#define SR_EMPTY "80c8 0006 00000001 1111111122222222 33333333 00000004 00000005 "
#define BLOCK    "000000aa 40 ffffff 0001fffe 00000009 12345678 00010000 "

static const struct {
    const char *name, *hex;
    enum err err;
    int items;
} compounds[] = {
    {"an empty RR", RR_EMPTY, E_OK, 1},
    {"SR and RR", SR_EMPTY RR_EMPTY, E_OK, 2},
    {"reduced size: a PLI alone", "81ce 0002 00000001 00000002", E_OK, 1},
    {"a type we do not know", "80d9 0000", E_OK, 1},
    {"padding on the last", RR_EMPTY "a0c9 0002 00000001 00000004", E_OK, 2},
    {"padding inside, as libwebrtc has it", "a0c9 0002 00000001 00000004" RR_EMPTY, E_OK, 2},
    {"nothing", "", E_SHORT, 0},
    {"three bytes", "80c900", E_SHORT, 0},
    {"length beyond the datagram", "80c9 0002 00000001", E_SHORT, 0},
    {"length of 256 kB", "80c9 ffff 00000001", E_SHORT, 0},
    {"second length beyond the datagram", RR_EMPTY "80c9 0002 00000001", E_SHORT, 1},
    {"bytes left over", RR_EMPTY "80c9", E_SHORT, 1},
    {"version 1", "40c9 0001 00000001", E_FORMAT, 0},
    {"version 0 behind a good one", RR_EMPTY "00c9 0001 00000001", E_FORMAT, 1},
    {"type below 192", "80bf 0000", E_FORMAT, 0},
    {"type above 223", "80e0 0000", E_FORMAT, 0},
    {"padding of 0", "a0c9 0001 00000000", E_FORMAT, 0},
    {"padding longer than the body", "a0c9 0001 00000005", E_FORMAT, 0},
    {"padding without a body", "a0c9 0000", E_FORMAT, 0},
};

static void compounds_are_sound_or_refused_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(compounds); i++) {
        print_message("  %s\n", compounds[i].name);
        uint8_t buf[128];
        struct bytes in = from_hex(compounds[i].hex, buf, sizeof buf);
        assert_int_equal(rtcp_check(in), compounds[i].err);
        struct rd r = rd_over(in);
        struct rtcp_item item;
        int items = 0;
        while (rtcp_next(&r, &item))
            items++;
        assert_int_equal(items, compounds[i].items);
    }
}

static struct rtcp_item item_of(const char *hex, uint8_t *buf, size_t cap)
{
    struct rd r = rd_over(from_hex(hex, buf, cap));
    struct rtcp_item item;
    assert_true(rtcp_next(&r, &item));
    return item;
}

static void report_blocks_hold_signed_loss(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct rtcp_item item =
        item_of("82c9 000d 00000001" BLOCK "000000bb 00 7fffff 00000000 00000000 00000000 00000000", buf, sizeof buf);
    struct rtcp_rr rr;
    assert_int_equal(rtcp_rr_parse(&item, &rr), E_OK);
    assert_int_equal(rr.ssrc, 1);
    assert_int_equal(rtcp_report_count(rr.reports), 2);
    struct rtcp_report a = rtcp_report_at(rr.reports, 0), b = rtcp_report_at(rr.reports, 1);
    assert_int_equal(a.ssrc, 0xaa);
    assert_int_equal(a.fraction, 0x40);
    assert_int_equal(a.lost, -1);
    assert_int_equal(a.high_seq, 0x1fffe);
    assert_int_equal(a.jitter, 9);
    assert_int_equal(a.lsr, 0x12345678);
    assert_int_equal(a.dlsr, 65536);
    assert_int_equal(b.lost, 0x7fffff);
}

static void reports_must_hold_as_many_blocks_as_they_say(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct rtcp_sr sr;
    struct rtcp_rr rr;
    struct rtcp_item item = item_of("81c9 0001 00000001", buf, sizeof buf);
    assert_int_equal(rtcp_rr_parse(&item, &rr), E_SHORT);
    item = item_of("80c9 0000", buf, sizeof buf);
    assert_int_equal(rtcp_rr_parse(&item, &rr), E_SHORT);
    item = item_of("80c8 0005 00000001 1111111122222222 33333333 00000004", buf, sizeof buf);
    assert_int_equal(rtcp_sr_parse(&item, &sr), E_SHORT);
    item = item_of("9fc8 0006 00000001 1111111122222222 33333333 00000004 00000005", buf, sizeof buf);
    assert_int_equal(rtcp_sr_parse(&item, &sr), E_SHORT);
    assert_int_equal(sr.ssrc, 0);
    assert_int_equal(rtcp_rr_parse(&item, &rr), E_STATE);
    item = item_of(RR_EMPTY, buf, sizeof buf);
    assert_int_equal(rtcp_sr_parse(&item, &sr), E_STATE);
    item = item_of("80c9 0003 00000001 00000000 00000000", buf, sizeof buf); /* profile extension behind the blocks */
    assert_int_equal(rtcp_rr_parse(&item, &rr), E_OK);
    assert_int_equal(rr.reports.n, 0);
}

static void sender_reports_read_back_as_written(void **state)
{
    (void)state;
    uint8_t buf[1024];
    struct rtcp_sr in = {.ssrc = 7, .ntp = 0xe1234567fedcba98, .rtp_ts = 0xfffffffe, .packets = 9, .octets = 1000}, out;
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    for (uint32_t i = 0; i < COUNT(reports); i++)
        reports[i] = (struct rtcp_report){i, (uint8_t)i, (int32_t)i * -1000, 0x10000 + i, i * 3, i * 5, i * 7};
    for (size_t count = 0; count <= COUNT(reports); count++) {
        struct wr w = wr_over(buf, sizeof buf);
        rtcp_sr_write(&w, &in, reports, count);
        struct bytes written = wr_done(&w);
        assert_int_equal(written.n, 28 + 24 * count);
        assert_int_equal(rtcp_check(written), E_OK);
        struct rd r = rd_over(written);
        struct rtcp_item item;
        assert_true(rtcp_next(&r, &item));
        assert_int_equal(rtcp_sr_parse(&item, &out), E_OK);
        assert_true(out.ntp == in.ntp);
        assert_int_equal(out.rtp_ts, in.rtp_ts);
        assert_int_equal(out.octets, 1000);
        assert_int_equal(rtcp_report_count(out.reports), count);
        for (size_t i = 0; i < count; i++) {
            struct rtcp_report back = rtcp_report_at(out.reports, i);
            assert_int_equal(back.ssrc, i);
            assert_int_equal(back.fraction, i);
            assert_int_equal(back.lost, (int32_t)i * -1000);
            assert_int_equal(back.high_seq, 0x10000 + i);
            assert_int_equal(back.jitter, i * 3);
            assert_int_equal(back.lsr, i * 5);
            assert_int_equal(back.dlsr, i * 7);
        }
    }
    struct rtcp_report many[RTCP_REPORTS_MAX + 1] = {0};
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_rr_write(&w, 1, many, COUNT(many));
    assert_int_equal(w.err, E_LIMIT);
    w = wr_over(buf, 31);
    rtcp_rr_write(&w, 1, many, 1);
    assert_int_equal(w.err, E_NOSPACE);
}

static void loss_is_clamped_to_24_bits(void **state)
{
    (void)state;
    static const int32_t in[] = {0x7fffff, 0x800000, INT32_MAX, -0x800000, -0x800001, INT32_MIN, -1};
    static const int32_t want[] = {0x7fffff, 0x7fffff, 0x7fffff, -0x800000, -0x800000, -0x800000, -1};
    for (size_t i = 0; i < COUNT(in); i++) {
        uint8_t buf[64];
        struct wr w = wr_over(buf, sizeof buf);
        struct rtcp_report report = {.lost = in[i]};
        rtcp_rr_write(&w, 1, &report, 1);
        assert_int_equal(rtcp_report_at(bytes_of(buf + 8, 24), 0).lost, want[i]);
    }
}

static void several_items_share_a_datagram(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct wr w = wr_over(buf, sizeof buf);
    uint32_t ssrcs[] = {1, 2};
    rtcp_rr_write(&w, 1, NULL, 0);
    rtcp_sdes_write(&w, 1, bytes_str("cname"));
    rtcp_bye_write(&w, ssrcs, 2, bytes_str("gone"));
    assert_int_equal(rtcp_check(wr_done(&w)), E_OK);
    struct rd r = rd_over(wr_done(&w));
    struct rtcp_item item;
    assert_true(rtcp_next(&r, &item));
    assert_int_equal(item.type, RTCP_RR);
    assert_true(rtcp_next(&r, &item));
    struct rtcp_sdes_walk walk;
    struct rtcp_sdes_item sdes;
    assert_int_equal(rtcp_sdes_begin(&walk, &item), E_OK);
    assert_true(rtcp_sdes_next(&walk, &sdes));
    assert_int_equal(sdes.ssrc, 1);
    assert_int_equal(sdes.kind, RTCP_SDES_CNAME);
    assert_true(bytes_eq(sdes.text, bytes_str("cname")));
    assert_false(rtcp_sdes_next(&walk, &sdes));
    assert_int_equal(walk.r.err, E_OK);
    assert_true(rtcp_next(&r, &item));
    struct rtcp_bye bye;
    assert_int_equal(rtcp_bye_parse(&item, &bye), E_OK);
    assert_int_equal(bye.ssrcs.n, 8);
    assert_true(bytes_eq(bye.reason, bytes_str("gone")));
    assert_false(rtcp_next(&r, &item));
}

static void source_descriptions_are_walked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        enum err err;
        int items;
    } rows[] = {
        {"no chunk", "80ca 0000", E_OK, 0},
        {"a chunk without items", "81ca 0002 00000001 00000000", E_OK, 0},
        {"two chunks", "82ca 0006 00000001 0102 6162 0000 0000 00000002 0103 6162 6300 0000", E_OK, 2},
        {"two items in a chunk", "81ca 0003 00000001 01016101 01620000", E_OK, 2},
        {"chunk missing", "81ca 0000", E_SHORT, 0},
        {"second chunk missing", "82ca 0002 00000001 00000000", E_SHORT, 0},
        {"no end of items", "81ca 0002 00000001 01026162", E_SHORT, 1},
        {"item runs over", "81ca 0002 00000001 01096162", E_SHORT, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        uint8_t buf[64];
        struct rtcp_item item = item_of(rows[i].hex, buf, sizeof buf);
        struct rtcp_sdes_walk walk;
        struct rtcp_sdes_item sdes;
        int items = 0;
        assert_int_equal(rtcp_sdes_begin(&walk, &item), E_OK);
        while (rtcp_sdes_next(&walk, &sdes))
            items++;
        assert_int_equal(walk.r.err, rows[i].err);
        assert_int_equal(items, rows[i].items);
    }
    uint8_t buf[64];
    struct rtcp_item item = item_of(RR_EMPTY, buf, sizeof buf);
    struct rtcp_sdes_walk walk;
    struct rtcp_sdes_item sdes;
    assert_int_equal(rtcp_sdes_begin(&walk, &item), E_STATE);
    assert_false(rtcp_sdes_next(&walk, &sdes));
}

static void byes_with_lies_are_refused(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct rtcp_bye bye;
    struct rtcp_item item = item_of("82cb 0001 00000001", buf, sizeof buf);
    assert_int_equal(rtcp_bye_parse(&item, &bye), E_SHORT);
    item = item_of("81cb 0002 00000001 09616263", buf, sizeof buf);
    assert_int_equal(rtcp_bye_parse(&item, &bye), E_SHORT);
    assert_int_equal(bye.ssrcs.n, 0);
    item = item_of("80cb 0000", buf, sizeof buf);
    assert_int_equal(rtcp_bye_parse(&item, &bye), E_OK);
    item = item_of(RR_EMPTY, buf, sizeof buf);
    assert_int_equal(rtcp_bye_parse(&item, &bye), E_STATE);
    static const uint8_t text[256];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_bye_write(&w, NULL, 0, bytes_of(text, 256));
    assert_int_equal(w.err, E_LIMIT);
    w = wr_over(buf, sizeof buf);
    rtcp_sdes_write(&w, 1, bytes_of(text, 256));
    assert_int_equal(w.err, E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compounds_are_sound_or_refused_whole),
        cmocka_unit_test(report_blocks_hold_signed_loss),
        cmocka_unit_test(reports_must_hold_as_many_blocks_as_they_say),
        cmocka_unit_test(sender_reports_read_back_as_written),
        cmocka_unit_test(loss_is_clamped_to_24_bits),
        cmocka_unit_test(several_items_share_a_datagram),
        cmocka_unit_test(source_descriptions_are_walked),
        cmocka_unit_test(byes_with_lies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
