/* What holds of the cursors: nothing is read past the end, and the first failure sticks. */
#include "support/hex.h"

static void reads_big_endian(void **state)
{
    (void)state;
    uint8_t buf[32];
    struct rd r = rd_over(from_hex("01 0203 040506 0708090a 0b0c0d0e0f101112 ff", buf, sizeof buf));
    assert_int_equal(rd_u8(&r, "a"), 1);
    assert_int_equal(rd_u16(&r, "b"), 0x0203);
    assert_int_equal(rd_u24(&r, "c"), 0x040506);
    assert_int_equal(rd_u32(&r, "d"), 0x0708090a);
    assert_true(rd_u64(&r, "e") == 0x0b0c0d0e0f101112ull);
    assert_int_equal(rd_rest(&r).n, 1);
    assert_int_equal(r.err, E_OK);
}

static void first_failure_sticks(void **state)
{
    (void)state;
    uint8_t buf[8];
    struct rd r = rd_over(from_hex("0102 03", buf, sizeof buf));
    rd_u16(&r, "first");
    assert_int_equal(rd_u32(&r, "second"), 0);
    assert_int_equal(rd_u8(&r, "third"), 0); /* one byte is left, but the cursor has failed */
    assert_int_equal(r.err, E_SHORT);
    assert_string_equal(r.what, "second");
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_rest(&r).n, 0);
}

static void a_lying_inner_length_stays_inside(void **state)
{
    (void)state;
    uint8_t buf[8];
    struct rd r = rd_over(from_hex("aabb ccdd", buf, sizeof buf));
    struct rd sub = rd_sub(&r, 2, "sub");
    assert_int_equal(rd_u32(&sub, "inner"), 0);
    assert_int_equal(sub.err, E_SHORT);
    assert_int_equal(rd_u16(&r, "after"), 0xccdd);
    struct rd none = rd_sub(&r, SIZE_MAX, "huge");
    assert_int_equal(none.err, E_SHORT);
    assert_int_equal(rd_left(&none), 0);
}

static void an_empty_input_reads_nothing(void **state)
{
    (void)state;
    struct rd r = rd_over(bytes_of(NULL, 0));
    assert_int_equal(rd_bytes(&r, 0, "none").n, 0);
    assert_int_equal(r.err, E_OK);
    rd_u8(&r, "x");
    assert_int_equal(r.err, E_SHORT);
}

static void writing_stops_at_the_end(void **state)
{
    (void)state;
    uint8_t buf[8] = {0};
    struct wr w = wr_over(buf, 5);
    wr_u16(&w, 0x0102);
    wr_u24(&w, 0x030405);
    assert_int_equal(wr_done(&w).n, 5);
    wr_u8(&w, 9);
    assert_int_equal(w.err, E_NOSPACE);
    assert_int_equal(wr_done(&w).n, 0);
    assert_int_equal(buf[5], 0);
    w = wr_over(buf, 8);
    wr_u32(&w, 0);
    wr_u16_at(&w, 2, 0xbeef);
    assert_int_equal(get_u32(buf), 0xbeef);
    wr_u16_at(&w, 3, 1); /* would end behind what was written */
    assert_int_equal(w.err, E_NOSPACE);
}

static void secrets_compare_by_content_and_length(void **state)
{
    (void)state;
    assert_true(bytes_eq_consttime(bytes_str("abc"), bytes_str("abc")));
    assert_false(bytes_eq_consttime(bytes_str("abc"), bytes_str("abd")));
    assert_false(bytes_eq_consttime(bytes_str("abc"), bytes_str("abcd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian),
        cmocka_unit_test(first_failure_sticks),
        cmocka_unit_test(a_lying_inner_length_stays_inside),
        cmocka_unit_test(an_empty_input_reads_nothing),
        cmocka_unit_test(writing_stops_at_the_end),
        cmocka_unit_test(secrets_compare_by_content_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
