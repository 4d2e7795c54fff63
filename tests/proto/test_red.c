/* What holds of redundant audio: every block lies inside the payload, the primary is the last. */
#include "support/hex.h"

#include "proto/red.h"

static const struct {
    const char *name, *hex;
    enum err err;
    const char *what;
    size_t count, primary_len;
} cases[] = {
    {"primary alone", "6f aabbcc", E_OK, NULL, 1, 3},
    {"primary alone, empty", "6f", E_OK, NULL, 1, 0},
    {"one redundant block", "ef 0f0002 6f 1122 aabbcc", E_OK, NULL, 2, 3},
    {"two redundant blocks", "ef 1e0001 ef 0f0002 6f 11 2222 aa", E_OK, NULL, 3, 1},
    {"an empty redundant block", "ef 0f0000 6f aa", E_OK, NULL, 2, 1},
    {"eight blocks", "ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 6f aa", E_OK, NULL, 8, 1},
    {"nothing", "", E_SHORT, "F|PT", 0, 0},
    {"header cut", "ef 0f00", E_SHORT, "offset|length", 0, 0},
    {"no primary header", "ef 0f0000", E_SHORT, "F|PT", 0, 0},
    {"block runs over the payload", "ef 0f0005 6f 1122 aabb", E_SHORT, "redundant block", 0, 0},
    {"longest length", "ef ffffff 6f aa", E_SHORT, "redundant block", 0, 0},
    {"nine blocks", "ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 6f", E_LIMIT, "blocks", 0,
     0},
};

static void payloads_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[64], back[64];
        struct bytes in = from_hex(cases[i].hex, buf, sizeof buf);
        struct rd r = rd_over(in);
        struct red_view v;
        assert_int_equal(red_parse(&r, &v), cases[i].err);
        assert_int_equal(v.count, cases[i].count);
        if (cases[i].err != E_OK) {
            assert_string_equal(r.what, cases[i].what);
            continue;
        }
        assert_int_equal(red_primary(&v)->pt, 0x6f);
        assert_int_equal(red_primary(&v)->data.n, cases[i].primary_len);
        struct wr w = wr_over(back, sizeof back);
        red_write(&w, &v);
        assert_true(bytes_eq(wr_done(&w), in));
    }
}

static void offset_and_length_share_24_bits(void **state)
{
    (void)state;
    uint8_t buf[16];
    struct rd r = rd_over(from_hex("ef 0f0002 6f 1122 aa", buf, sizeof buf));
    struct red_view v;
    assert_int_equal(red_parse(&r, &v), E_OK);
    assert_int_equal(v.block[0].ts_offset, 960);
    assert_int_equal(v.block[0].data.n, 2);
    assert_int_equal(get_u16(v.block[0].data.p), 0x1122);
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    static const uint8_t data[2000];
    uint8_t buf[64];
    struct red_view views[] = {
        {.count = 0},
        {.count = RED_BLOCKS_MAX + 1},
        {.count = 2, .block = {{.ts_offset = 16384}, {.pt = 111}}},
        {.count = 2, .block = {{.data = {data, 1024}}, {.pt = 111}}},
        {.count = 1, .block = {{.pt = 128}}},
        {.count = 1, .block = {{.pt = 111, .ts_offset = 1}}},
    };
    for (size_t i = 0; i < COUNT(views); i++) {
        struct wr w = wr_over(buf, sizeof buf);
        red_write(&w, &views[i]);
        assert_int_equal(w.err, E_FORMAT);
    }
    struct red_view big = {.count = 1, .block = {{.pt = 111, .data = {data, 2000}}}};
    struct wr w = wr_over(buf, sizeof buf);
    red_write(&w, &big);
    assert_int_equal(w.err, E_NOSPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_read_or_refused),
        cmocka_unit_test(offset_and_length_share_24_bits),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
