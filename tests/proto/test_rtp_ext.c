/* What holds of the insides of header extensions: exact lengths, and what is written reads back. */
#include "support/hex.h"

#include "proto/rtp_ext.h"
#include "proto/units.h"

static void uris_name_kinds_and_kinds_name_uris(void **state)
{
    (void)state;
    for (int kind = RTP_EXT_NONE + 1; kind < RTP_EXT_KINDS; kind++)
        assert_int_equal(rtp_ext_from_uri(bytes_str(rtp_ext_uri((enum rtp_ext_kind)kind))), kind);
    assert_int_equal(rtp_ext_from_uri(bytes_str("urn:ietf:params:rtp-hdrext:sdes:mid")), RTP_EXT_MID);
    assert_int_equal(rtp_ext_from_uri(bytes_str("urn:ietf:params:rtp-hdrext:sdes:mi")), RTP_EXT_NONE);
    assert_int_equal(rtp_ext_from_uri(bytes_str("urn:example")), RTP_EXT_NONE);
    assert_int_equal(rtp_ext_from_uri(bytes_str("")), RTP_EXT_NONE);
    assert_null(rtp_ext_uri(RTP_EXT_NONE));
    assert_null(rtp_ext_uri(RTP_EXT_KINDS));
}

static void audio_levels(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err err;
        uint8_t level;
        bool vad;
    } rows[] = {
        {"00", E_OK, 0, false},   {"7f", E_OK, 127, false}, {"ff", E_OK, 127, true},        {"a5", E_OK, 37, true},
        {"a500", E_OK, 37, true}, {"", E_SHORT, 0, false},  {"a50000", E_FORMAT, 0, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t buf[4], back[1];
        struct rtp_level level;
        struct bytes in = from_hex(rows[i].hex, buf, sizeof buf);
        assert_int_equal(rtp_ext_level_parse(in, &level), rows[i].err);
        assert_int_equal(level.level, rows[i].level);
        assert_int_equal(level.vad, rows[i].vad);
        if (rows[i].err == E_OK)
            assert_int_equal(rtp_ext_level_write(back, &level).p[0], in.p[0]);
    }
}

static void transport_wide_numbers(void **state)
{
    (void)state;
    static const uint16_t seqs[] = {0, 1, 32767, 32768, 65534, 65535};
    uint8_t buf[8];
    uint16_t seq;
    for (size_t i = 0; i < COUNT(seqs); i++) {
        assert_int_equal(rtp_ext_twcc_parse(rtp_ext_twcc_write(buf, seqs[i]), &seq), E_OK);
        assert_int_equal(seq, seqs[i]);
    }
    assert_int_equal(rtp_ext_twcc_parse(from_hex("1234 8001", buf, sizeof buf), &seq), E_OK);
    assert_int_equal(seq, 0x1234);
    assert_int_equal(rtp_ext_twcc_parse(from_hex("12", buf, sizeof buf), &seq), E_SHORT);
    assert_int_equal(rtp_ext_twcc_parse(from_hex("123456", buf, sizeof buf), &seq), E_FORMAT);
    assert_int_equal(rtp_ext_twcc_parse(bytes_of(NULL, 0), &seq), E_SHORT);
}

static void send_times_are_seconds_in_6_18_fixed_point(void **state)
{
    (void)state;
    assert_int_equal(rtp_ext_abs_send_time_of(0), 0);
    assert_int_equal(rtp_ext_abs_send_time_of(SEC(1)), 1 << 18);
    assert_int_equal(rtp_ext_abs_send_time_of(MS(500)), 1 << 17);
    assert_int_equal(rtp_ext_abs_send_time_of(SEC(64) - 1), 0xffffff);
    assert_int_equal(rtp_ext_abs_send_time_of(SEC(64)), 0);
    assert_int_equal(rtp_ext_abs_send_time_of(SEC(64) * 1000000 + SEC(3)), 3 << 18);
    uint8_t buf[4];
    uint32_t units;
    assert_int_equal(rtp_ext_abs_send_time_parse(rtp_ext_abs_send_time_write(buf, SEC(63)), &units), E_OK);
    assert_int_equal(units, 63 << 18);
    assert_int_equal(rtp_ext_abs_send_time_parse(bytes_of(buf, 2), &units), E_SHORT);
    assert_int_equal(rtp_ext_abs_send_time_parse(bytes_of(buf, 4), &units), E_FORMAT);
}

static void mids_and_rids_are_tokens(void **state)
{
    (void)state;
    static const char *good[] = {"0", "v12", "a0", "hi", "video-1_x.y"};
    static const char *bad[] = {"a b", "a\n", "\"", "(", "\x7f", "\xc3\xa4"};
    struct bytes text;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(rtp_ext_text_parse(bytes_str(good[i]), &text), E_OK);
        assert_true(bytes_eq(text, bytes_str(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(rtp_ext_text_parse(bytes_str(bad[i]), &text), E_FORMAT);
    assert_int_equal(rtp_ext_text_parse(bytes_of("a\0b", 3), &text), E_FORMAT);
    assert_int_equal(rtp_ext_text_parse(bytes_str(""), &text), E_SHORT);
}

static void layer_allocations_are_read(void **state) /* vector of media 10.5 */
{
    (void)state;
    uint8_t buf[64];
    struct rtp_vla vla;
    assert_int_equal(rtp_ext_vla_parse(from_hex("01 80 50 78 c8 01 01 3f 00 b3 21", buf, sizeof buf), &vla), E_OK);
    assert_int_equal(vla.stream_count, 1);
    assert_int_equal(vla.layer_count, 1);
    assert_int_equal(vla.layers[0].temporal_count, 3);
    assert_int_equal(vla.layers[0].target_kbps[0], 80);
    assert_int_equal(vla.layers[0].target_kbps[1], 120);
    assert_int_equal(vla.layers[0].target_kbps[2], 200);
    assert_int_equal(vla.layers[0].width, 320);
    assert_int_equal(vla.layers[0].height, 180);
    assert_int_equal(vla.layers[0].fps, 33);

    /* three streams with bitmaps of their own, the second off; no sizes */
    assert_int_equal(rtp_ext_vla_parse(from_hex("a0 1030 00 01 02 03", buf, sizeof buf), &vla), E_OK);
    assert_int_equal(vla.rid, 2);
    assert_int_equal(vla.stream_count, 3);
    assert_int_equal(vla.layer_count, 3);
    assert_int_equal(vla.layers[0].stream, 0);
    assert_int_equal(vla.layers[1].stream, 2);
    assert_int_equal(vla.layers[2].spatial, 1);
    assert_int_equal(vla.layers[2].target_kbps[0], 3);
    assert_int_equal(vla.layers[2].width, 0);

    assert_int_equal(rtp_ext_vla_parse(from_hex("00", buf, sizeof buf), &vla), E_OK);
    assert_int_equal(vla.layer_count, 0);
    static const struct {
        const char *hex;
        enum err err;
    } bad[] = {
        {"", E_SHORT},
        {"01", E_SHORT},                 /* no temporal counts */
        {"01 80 50 78", E_SHORT},        /* one rate missing */
        {"01 80 50 78 c8", E_SHORT},     /* inside a rate */
        {"01 00 8080808080", E_LIMIT},   /* a rate without end */
        {"01 00 ffffffff1f", E_LIMIT},   /* 33 bits */
        {"01 00 50 013f 00b3", E_SHORT}, /* inside the size */
        {"30", E_SHORT},                 /* four streams, no bitmaps */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(rtp_ext_vla_parse(from_hex(bad[i].hex, buf, sizeof buf), &vla), bad[i].err);
        assert_int_equal(vla.layer_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_name_kinds_and_kinds_name_uris),
        cmocka_unit_test(audio_levels),
        cmocka_unit_test(transport_wide_numbers),
        cmocka_unit_test(send_times_are_seconds_in_6_18_fixed_point),
        cmocka_unit_test(mids_and_rids_are_tokens),
        cmocka_unit_test(layer_allocations_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
