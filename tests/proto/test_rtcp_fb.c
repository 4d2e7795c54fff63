/* What holds of feedback messages: NACK, PLI, FIR, REMB. */
#include "support/hex.h"

#include "proto/rtcp_fb.h"

static enum err parse(struct bytes in, struct rtcp_fb *fb)
{
    struct rd r = rd_over(in);
    struct rtcp_item item;
    assert_true(rtcp_next(&r, &item));
    return rtcp_fb_parse(&item, fb);
}

static void messages_are_told_apart_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        enum err err;
        enum rtcp_fb_kind kind;
    } rows[] = {
        {"NACK", "81cd 0003 00000001 00000002 00050003", E_OK, RTCP_FB_NACK},
        {"transport-cc", "8fcd 0003 00000001 00000002 00000000", E_OK, RTCP_FB_TWCC},
        {"CCFB", "8bcd 0003 00000001 00000002 00000000", E_OK, RTCP_FB_CCFB},
        {"another 205", "83cd 0003 00000001 00000002 00000000", E_OK, RTCP_FB_OTHER},
        {"PLI", "81ce 0002 00000001 00000002", E_OK, RTCP_FB_PLI},
        {"FIR", "84ce 0004 00000001 00000000 00000002 05000000", E_OK, RTCP_FB_FIR},
        {"REMB", "8fce 0004 00000001 00000000 52454d42 00000001", E_OK, RTCP_FB_REMB},
        {"another application layer message", "8fce 0003 00000001 00000000 41424344", E_OK, RTCP_FB_OTHER},
        {"application layer message without a name", "8fce 0002 00000001 00000000", E_OK, RTCP_FB_OTHER},
        {"no media ssrc", "81ce 0001 00000001", E_SHORT, RTCP_FB_OTHER},
        {"no ssrc", "81ce 0000", E_SHORT, RTCP_FB_OTHER},
        {"NACK without numbers", "81cd 0002 00000001 00000002", E_SHORT, RTCP_FB_OTHER},
        {"FIR without entries", "84ce 0002 00000001 00000002", E_SHORT, RTCP_FB_OTHER},
        {"half a FIR entry", "84ce 0003 00000001 00000000 00000002", E_SHORT, RTCP_FB_OTHER},
        {"one and a half FIR entries", "84ce 0005 00000001 00000000 00000002 05000000 00000003", E_FORMAT,
         RTCP_FB_OTHER},
        {"not feedback", "80c9 0001 00000001", E_STATE, RTCP_FB_OTHER},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        uint8_t buf[64];
        struct rtcp_fb fb;
        assert_int_equal(parse(from_hex(rows[i].hex, buf, sizeof buf), &fb), rows[i].err);
        assert_int_equal(fb.kind, rows[i].kind);
        assert_int_equal(fb.sender, rows[i].err == E_OK ? 1 : 0);
    }
}

static void a_nack_block_names_17_numbers_at_most(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct rtcp_fb fb;
    assert_int_equal(parse(from_hex("81cd 0004 00000001 00000002 fff08001 0005ffff", buf, sizeof buf), &fb), E_OK);
    static const uint16_t want[] = {0xfff0, 0xfff1, 0x0000, 5,  6,  7,  8,  9,  10, 11,
                                    12,     13,     14,     15, 16, 17, 18, 19, 20, 21};
    uint16_t seq;
    size_t at = 0;
    for (size_t i = 0; i < COUNT(want); i++) {
        assert_true(rtcp_nack_next(&fb, &at, &seq));
        assert_int_equal(seq, want[i]);
    }
    assert_false(rtcp_nack_next(&fb, &at, &seq));
    assert_false(rtcp_nack_next(&fb, &at, &seq));
}

static void any_set_of_numbers_reads_back(void **state)
{
    (void)state;
    static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    static const uint8_t steps[] = {1, 16, 1, 17, 18, 1, 1, 100, 5, 12};
    for (size_t i = 0; i < COUNT(starts); i++) {
        for (size_t count = 1; count <= COUNT(steps); count++) {
            uint16_t seqs[COUNT(steps)], seq = starts[i];
            for (size_t k = 0; k < count; k++) {
                seqs[k] = seq;
                seq = (uint16_t)(seq + steps[k]);
            }
            uint8_t buf[128];
            struct wr w = wr_over(buf, sizeof buf);
            assert_int_equal(rtcp_nack_write(&w, 1, 2, seqs, count), count);
            struct rtcp_fb fb;
            assert_int_equal(rtcp_check(wr_done(&w)), E_OK);
            assert_int_equal(parse(wr_done(&w), &fb), E_OK);
            assert_int_equal(fb.media, 2);
            size_t at = 0, read = 0;
            while (rtcp_nack_next(&fb, &at, &seq))
                assert_int_equal(seq, seqs[read++]);
            assert_int_equal(read, count);
        }
    }
}

static void numbers_that_do_not_fit_are_left_to_the_caller(void **state)
{
    (void)state;
    uint16_t seqs[] = {0, 100, 200, 300};
    uint8_t buf[64];
    struct wr w = wr_over(buf, 12 + 8);
    assert_int_equal(rtcp_nack_write(&w, 1, 2, seqs, COUNT(seqs)), 2);
    assert_int_equal(wr_done(&w).n, 20);
    assert_int_equal(rtcp_check(wr_done(&w)), E_OK);
    w = wr_over(buf, 15);
    assert_int_equal(rtcp_nack_write(&w, 1, 2, seqs, COUNT(seqs)), 0);
    assert_int_equal(wr_len(&w), 0);
    assert_int_equal(rtcp_nack_write(&w, 1, 2, seqs, 0), 0);
    assert_int_equal(w.err, E_OK);
}

static void key_frame_requests_read_back(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct rtcp_fb fb;
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_pli_write(&w, 1, 2);
    assert_int_equal(wr_done(&w).n, 12);
    assert_int_equal(parse(wr_done(&w), &fb), E_OK);
    assert_int_equal(fb.kind, RTCP_FB_PLI);
    assert_int_equal(fb.media, 2);
    assert_int_equal(rtcp_fir_count(&fb), 0);
    struct rtcp_fir entries[] = {{2, 255}, {3, 0}};
    w = wr_over(buf, sizeof buf);
    rtcp_fir_write(&w, 1, entries, 2);
    assert_int_equal(parse(wr_done(&w), &fb), E_OK);
    assert_int_equal(fb.media, 0);
    assert_int_equal(rtcp_fir_count(&fb), 2);
    assert_int_equal(rtcp_fir_at(&fb, 0).seq, 255);
    assert_int_equal(rtcp_fir_at(&fb, 1).ssrc, 3);
}

static void bandwidth_limits_keep_18_bits_and_never_promise_more(void **state)
{
    (void)state;
    static const uint64_t rates[] = {0, 1, 262143, 262144, 300000, 2500000, 20000000, 1ull << 40, UINT64_MAX};
    static const uint32_t ssrcs[] = {7, 8};
    for (size_t i = 0; i < COUNT(rates); i++) {
        uint8_t buf[64];
        struct rtcp_fb fb;
        struct rtcp_remb remb;
        struct wr w = wr_over(buf, sizeof buf);
        rtcp_remb_write(&w, 1, rates[i], ssrcs, 2);
        assert_int_equal(parse(wr_done(&w), &fb), E_OK);
        assert_int_equal(rtcp_remb_parse(&fb, &remb), E_OK);
        assert_true(remb.bitrate_bps <= rates[i]);
        assert_true(rates[i] - remb.bitrate_bps <= rates[i] >> 17);
        assert_int_equal(remb.ssrcs.n, 8);
    }
}

static void bandwidth_limits_overflow_to_no_limit(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err err;
        uint64_t bps;
    } rows[] = {
        {"52454d42 00 fc0001", E_OK, 1ull << 63},
        {"52454d42 00 fc0002", E_OK, UINT64_MAX},
        {"52454d42 00 ffffff", E_OK, UINT64_MAX},
        {"52454d42 00 fc0000", E_OK, 0},
        {"52454d42 01 000001", E_SHORT, 0},
        {"52454d42 ff 000001 00000001", E_SHORT, 0},
        {"52454d42", E_SHORT, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t buf[64];
        struct rtcp_remb remb;
        struct rtcp_fb fb = {.kind = RTCP_FB_REMB, .fci = from_hex(rows[i].hex, buf, sizeof buf)};
        assert_int_equal(rtcp_remb_parse(&fb, &remb), rows[i].err);
        assert_true(remb.bitrate_bps == rows[i].bps);
    }
    struct rtcp_remb remb;
    struct rtcp_fb pli = {.kind = RTCP_FB_PLI};
    assert_int_equal(rtcp_remb_parse(&pli, &remb), E_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_told_apart_or_refused),
        cmocka_unit_test(a_nack_block_names_17_numbers_at_most),
        cmocka_unit_test(any_set_of_numbers_reads_back),
        cmocka_unit_test(numbers_that_do_not_fit_are_left_to_the_caller),
        cmocka_unit_test(key_frame_requests_read_back),
        cmocka_unit_test(bandwidth_limits_keep_18_bits_and_never_promise_more),
        cmocka_unit_test(bandwidth_limits_overflow_to_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
