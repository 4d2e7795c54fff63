/* What holds of extended reports: blocks stay inside the report, and what is written reads back. */
#include "support/hex.h"

#include "proto/rtcp_xr.h"

static struct rtcp_item item_of(struct bytes in)
{
    struct rd r = rd_over(in);
    struct rtcp_item item;
    assert_true(rtcp_next(&r, &item));
    return item;
}

static void reference_time_and_answer_read_back(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_xr_rrt_write(&w, 5, 0x0123456789abcdef);
    struct rtcp_item item = item_of(wr_done(&w));
    struct rd r;
    uint32_t ssrc;
    struct rtcp_xr_block block;
    uint64_t ntp;
    assert_int_equal(rtcp_xr_begin(&r, &item, &ssrc), E_OK);
    assert_int_equal(ssrc, 5);
    assert_true(rtcp_xr_next(&r, &block));
    assert_int_equal(rtcp_xr_rrt_parse(&block, &ntp), E_OK);
    assert_true(ntp == 0x0123456789abcdef);
    assert_int_equal(rtcp_xr_dlrr_count(&block), 0);
    assert_false(rtcp_xr_next(&r, &block));
    assert_int_equal(r.err, E_OK);

    struct rtcp_dlrr entries[] = {{1, 2, 3}, {4, 5, 6}};
    w = wr_over(buf, sizeof buf);
    rtcp_xr_dlrr_write(&w, 5, entries, 2);
    item = item_of(wr_done(&w));
    assert_int_equal(rtcp_xr_begin(&r, &item, &ssrc), E_OK);
    assert_true(rtcp_xr_next(&r, &block));
    assert_int_equal(rtcp_xr_dlrr_count(&block), 2);
    struct rtcp_dlrr back = rtcp_xr_dlrr_at(&block, 1);
    assert_memory_equal(&back, &entries[1], sizeof back);
    assert_int_equal(rtcp_xr_rrt_parse(&block, &ntp), E_STATE);
}

static void lies_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        enum err err;
    } rows[] = {
        {"no ssrc", "80cf 0000", E_SHORT},
        {"no block", "80cf 0001 00000001", E_OK},
        {"an unknown block", "80cf 0002 00000001 63000000", E_OK},
        {"block runs over", "80cf 0002 00000001 04000002", E_SHORT},
        {"not an XR", "80c9 0001 00000001", E_STATE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        uint8_t buf[64];
        struct rtcp_item item = item_of(from_hex(rows[i].hex, buf, sizeof buf));
        struct rd r;
        uint32_t ssrc;
        struct rtcp_xr_block block;
        rtcp_xr_begin(&r, &item, &ssrc);
        while (rtcp_xr_next(&r, &block))
            continue;
        assert_int_equal(r.err, rows[i].err);
    }
    static const uint8_t zeros[16];
    uint64_t ntp;
    struct rtcp_xr_block block = {.kind = RTCP_XR_RRT, .body = {zeros, 4}};
    assert_int_equal(rtcp_xr_rrt_parse(&block, &ntp), E_SHORT);
    block.body.n = 12;
    assert_int_equal(rtcp_xr_rrt_parse(&block, &ntp), E_FORMAT);
    block = (struct rtcp_xr_block){.kind = RTCP_XR_DLRR, .body = {zeros, 16}};
    assert_int_equal(rtcp_xr_dlrr_count(&block), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_time_and_answer_read_back),
        cmocka_unit_test(lies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
