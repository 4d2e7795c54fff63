/* What holds of retransmissions: the original is inside, and too little inside is refused. */
#include "support/hex.h"

#include "proto/rtx.h"

static void the_original_comes_out(void **state)
{
    (void)state;
    static const uint16_t osns[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t i = 0; i < COUNT(osns); i++) {
        uint8_t payload[5] = {0, 0, 0xaa, 0xbb, 0xcc};
        put_u16(payload, osns[i]);
        struct rtp_view rtx = {.pt = 96, .ssrc = 5, .seq = 77, .ts = 1234, .marker = true, .payload = {payload, 5}}, v;
        assert_int_equal(rtx_unwrap(&rtx, 100, 4, &v), E_OK);
        assert_int_equal(v.seq, osns[i]);
        assert_int_equal(v.pt, 100);
        assert_int_equal(v.ssrc, 4);
        assert_int_equal(v.ts, 1234);
        assert_true(v.marker);
        assert_int_equal(v.payload.n, 3);
        assert_ptr_equal(v.payload.p, payload + 2);
        assert_int_equal(rtx_unwrap(&rtx, 100, 4, &rtx), E_OK); /* in place */
        assert_int_equal(rtx.seq, osns[i]);
        assert_int_equal(rtx.payload.n, 3);
    }
}

static void without_two_bytes_there_is_no_original(void **state)
{
    (void)state;
    uint8_t payload[2] = {0x12, 0x34};
    for (size_t n = 0; n < 3; n++) {
        struct rtp_view rtx = {.pt = 96, .ssrc = 5, .payload = {payload, n}}, v;
        assert_int_equal(rtx_unwrap(&rtx, 100, 4, &v), n == 2 ? E_OK : E_SHORT);
        assert_int_equal(v.ssrc, n == 2 ? 4 : 0);
        assert_int_equal(v.payload.n, 0);
    }
}

static void wrapping_and_unwrapping_give_the_original(void **state) /* media 22.4: OSN, ts, PT, own counter */
{
    (void)state;
    uint8_t buf[64], level = 0x85;
    struct rtp_view orig = {.pt = 100, .ssrc = 4, .seq = 65535, .ts = 0xfffffff0, .marker = true}, rtx, v;
    struct rtp_ext ext = {1, {&level, 1}};
    struct wr w = wr_over(buf, sizeof buf);
    rtx_write_header(&w, &orig, 96, 5, 1, &ext, 1);
    wr_bytes(&w, bytes_str("payload"));
    struct rd r = rd_over(wr_done(&w));
    assert_int_equal(rtp_parse(&r, &rtx), E_OK);
    assert_int_equal(rtx.seq, 1);
    assert_int_equal(rtx.ssrc, 5);
    assert_int_equal(rtx.pt, 96);
    assert_int_equal(rtx.ts, orig.ts);
    assert_int_equal(rtx_unwrap(&rtx, 100, 4, &v), E_OK);
    assert_int_equal(v.seq, orig.seq);
    assert_true(v.marker);
    assert_true(bytes_eq(v.payload, bytes_str("payload")));
    w = wr_over(buf, 21); /* header and extension fit, the OSN does not */
    rtx_write_header(&w, &orig, 96, 5, 1, &ext, 1);
    assert_int_equal(w.err, E_NOSPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_comes_out),
        cmocka_unit_test(without_two_bytes_there_is_no_original),
        cmocka_unit_test(wrapping_and_unwrapping_give_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
