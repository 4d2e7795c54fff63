/* What holds of RTP headers and extension blocks: lying lengths are refused, and what is written reads back. */
#include <stdio.h>

#include "support/hex.h"

#include "proto/rtp.h"

static const struct {
    const char *name, *hex;
    enum err err;
    const char *what;
    size_t payload_len;
} cases[] = {
    {"two payload bytes", "80e0 0001 00000002 00000003 aabb", E_OK, NULL, 2},
    {"no payload", "8060 0001 00000002 00000003", E_OK, NULL, 0},
    {"two csrcs", "8260 0001 00000002 00000003 00000004 00000005 aa", E_OK, NULL, 1},
    {"empty extension block", "9060 0001 00000002 00000003 bede0000 aabb", E_OK, NULL, 2},
    {"one extension", "9060 0001 00000002 00000003 bede0001 10ff0000 aabbcc", E_OK, NULL, 3},
    {"padding is only flagged", "a060 0001 00000002 00000003 aa000003", E_OK, NULL, 4},
    {"version 1", "4060 0001 00000002 00000003", E_FORMAT, "version", 0},
    {"version 3", "c060 0001 00000002 00000003", E_FORMAT, "version", 0},
    {"nothing", "", E_SHORT, "V|P|X|CC", 0},
    {"ends inside seq", "8060 00", E_SHORT, "seq", 0},
    {"ends inside ssrc", "8060 0001 00000002 0000", E_SHORT, "ssrc", 0},
    {"more csrcs than bytes", "8260 0001 00000002 00000003 00000004", E_SHORT, "csrc list", 0},
    {"no extension head", "9060 0001 00000002 00000003 be", E_SHORT, "ext.profile", 0},
    {"extension length lies", "9060 0001 00000002 00000003 bedeffff aabb", E_SHORT, "ext.body", 0},
    {"extension one byte short", "9060 0001 00000002 00000003 bede0001 101122", E_SHORT, "ext.body", 0},
};

static void headers_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[64];
        struct rd r = rd_over(from_hex(cases[i].hex, buf, sizeof buf));
        struct rtp_view v;
        assert_int_equal(rtp_parse(&r, &v), cases[i].err);
        assert_int_equal(v.payload.n, cases[i].payload_len);
        if (cases[i].what)
            assert_string_equal(r.what, cases[i].what);
        if (cases[i].err != E_OK)
            assert_int_equal(v.ssrc, 0);
    }
}

static void fields_are_where_rfc_3550_has_them(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct rd r =
        rd_over(from_hex("b1 ef fffe 80000001 deadbeef 11223344 bede 0001 51000500 aabbcc02", buf, sizeof buf));
    struct rtp_view v;
    assert_int_equal(rtp_parse(&r, &v), E_OK);
    assert_true(v.marker);
    assert_true(v.padded);
    assert_int_equal(v.pt, 0x6f);
    assert_int_equal(v.seq, 0xfffe);
    assert_int_equal(v.ts, 0x80000001u);
    assert_int_equal(v.ssrc, 0xdeadbeefu);
    assert_int_equal(get_u32(v.csrcs.p), 0x11223344);
    assert_int_equal(v.ext_profile, RTP_PROFILE_ONE_BYTE);
    assert_int_equal(v.ext.n, 4);
    assert_int_equal(rtp_unpad(&v), E_OK);
    assert_int_equal(v.payload.n, 2);
}

static void padding_counts_must_fit_the_payload(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        enum err err;
        size_t left;
    } rows[] = {
        {"aabbcc01", E_OK, 3},     {"aabb0002", E_OK, 2}, {"00000004", E_OK, 0}, {"aabbcc00", E_FORMAT, 4},
        {"aabbcc05", E_FORMAT, 4}, {"ff", E_FORMAT, 1},   {"01", E_OK, 0},       {"", E_FORMAT, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t buf[8];
        struct rtp_view v = {.payload = from_hex(rows[i].payload, buf, sizeof buf), .padded = true};
        assert_int_equal(rtp_unpad(&v), rows[i].err);
        assert_int_equal(v.payload.n, rows[i].left);
        assert_int_equal(v.padded, rows[i].err != E_OK);
    }
    struct rtp_view plain = {.payload = bytes_str("abc")};
    assert_int_equal(rtp_unpad(&plain), E_OK);
    assert_int_equal(plain.payload.n, 3);
}

static void rtp_and_rtcp_are_told_apart_by_the_second_byte(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum rtp_kind kind;
    } rows[] = {
        {"806f 0001 00000002 00000003", RTP_KIND_RTP},
        {"80ef 0001 00000002 00000003", RTP_KIND_RTP},
        {"80c8 0001 00000002 00000003", RTP_KIND_RTCP},
        {"80c0 0001 00000002", RTP_KIND_RTCP},
        {"80df 0001 00000002", RTP_KIND_RTCP},
        {"80bf 0001 00000002 00000003", RTP_KIND_RTP},
        {"80e0 0001 00000002 00000003", RTP_KIND_RTP},
        {"806f 0001 00000002", RTP_KIND_NONE},
        {"80c8 0001", RTP_KIND_NONE},
        {"16fe ff00 00000000 00000000", RTP_KIND_NONE},
        {"0001 0000 2112a442 00000000", RTP_KIND_NONE},
        {"", RTP_KIND_NONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t buf[16];
        assert_int_equal(rtp_classify(from_hex(rows[i].hex, buf, sizeof buf)), rows[i].kind);
    }
}

/* media 22.1: each row is one extension block and the elements found in it, as "id:length" */
static const struct {
    const char *name;
    uint16_t profile;
    const char *body, *found;
} blocks[] = {
    {"one byte form", 0xbede, "10aa 51bbbb 00", "1:1 5:2 "},
    {"one byte form, 16 bytes", 0xbede, "1f 000102030405060708090a0b0c0d0e0f 000000", "1:16 "},
    {"padding between elements", 0xbede, "10aa 0000 51bbbb 00", "1:1 5:2 "},
    {"only padding", 0xbede, "00000000", ""},
    {"empty block", 0xbede, "", ""},
    {"id 15 ends the block", 0xbede, "10aa f0bb 20cc 0000", "1:1 "},
    {"id 0 with a length ends the block", 0xbede, "10aa 01bb 20cc 0000", "1:1 "},
    {"an element runs over the block", 0xbede, "10aa 53bbcc", "1:1 "},
    {"the first element runs over the block", 0xbede, "1fff 0000", ""},
    {"two byte form", 0x1000, "01 01 aa 10 02 bbcc 00", "1:1 16:2 "},
    {"two byte form, empty element", 0x1000, "01 00 02 01 aa 00 00 00", "1:0 2:1 "},
    {"two byte form, id 255 and appbits", 0x100f, "ff 01 aa 00", "255:1 "},
    {"two byte form, id 15 is an id", 0x1000, "0f 01 aa 00", "15:1 "},
    {"two byte form, no length byte", 0x1000, "01 01 aa 05", "1:1 "},
    {"two byte form, padded", 0x1000, "01 01 aa 05 02 bb 00 00", "1:1 5:2 "},
    {"two byte form, lies", 0x1000, "01 01 aa 05 09 bb 00 00", "1:1 "},
    {"unknown profile", 0xabac, "10aa 0000", ""},
    {"cryptex", 0xc0de, "10aa 0000", ""},
};

static void extension_blocks_are_walked_to_their_last_sound_element(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        print_message("  %s\n", blocks[i].name);
        uint8_t buf[64];
        struct rtp_view v = {.ext_profile = blocks[i].profile, .ext = from_hex(blocks[i].body, buf, sizeof buf)};
        char found[64] = "";
        struct rtp_ext ext;
        size_t at = 0;
        while (rtp_ext_next(&v, &at, &ext)) {
            struct bytes data;
            assert_true(rtp_ext_find(&v, ext.id, &data));
            snprintf(found + strlen(found), sizeof found - strlen(found), "%u:%zu ", ext.id, ext.data.n);
        }
        assert_string_equal(found, blocks[i].found);
        assert_false(rtp_ext_next(&v, &at, &ext)); /* an end stays the end */
        struct bytes none;
        assert_false(rtp_ext_find(&v, 9, &none));
        assert_int_equal(none.n, 0);
    }
}

static void the_form_follows_from_the_elements(void **state) /* media 22.1: two bytes for a 92-byte descriptor */
{
    (void)state;
    static const uint8_t data[256];
    static const struct {
        struct rtp_ext exts[2];
        size_t count;
        uint16_t profile;
        size_t len;
    } rows[] = {
        {{{0}}, 0, 0, 12},
        {{{1, {data, 1}}}, 1, 0xbede, 20},
        {{{14, {data, 16}}}, 1, 0xbede, 36},
        {{{1, {data, 1}}, {5, {data, 2}}}, 2, 0xbede, 24},
        {{{1, {data, 1}}, {11, {data, 92}}}, 2, 0x1000, 12 + 4 + 100},
        {{{1, {data, 17}}}, 1, 0x1000, 12 + 4 + 20},
        {{{15, {data, 1}}}, 1, 0x1000, 20},
        {{{1, {data, 0}}}, 1, 0x1000, 20},
        {{{255, {data, 255}}}, 1, 0x1000, 12 + 4 + 260},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rtp_view in = {.seq = 7, .ts = 8, .ssrc = 9, .pt = 41}, v;
        uint8_t buf[512];
        struct wr w = wr_over(buf, sizeof buf);
        rtp_write_header(&w, &in, rows[i].exts, rows[i].count);
        assert_int_equal(w.err, E_OK);
        assert_int_equal(wr_len(&w), rows[i].len);
        assert_int_equal(rtp_header_len(&in, rows[i].exts, rows[i].count), rows[i].len);
        struct rd r = rd_over(wr_done(&w));
        assert_int_equal(rtp_parse(&r, &v), E_OK);
        assert_int_equal(v.ext_profile, rows[i].profile);
        assert_int_equal(v.payload.n, 0);
        size_t at = 0;
        struct rtp_ext ext;
        for (size_t k = 0; k < rows[i].count; k++) {
            assert_true(rtp_ext_next(&v, &at, &ext));
            assert_int_equal(ext.id, rows[i].exts[k].id);
            assert_true(bytes_eq(ext.data, rows[i].exts[k].data));
        }
        assert_false(rtp_ext_next(&v, &at, &ext));
    }
}

static void what_cannot_be_said_is_not_written(void **state)
{
    (void)state;
    static const uint8_t data[300];
    uint8_t buf[64];
    struct rtp_view v = {.pt = 1};
    struct rtp_ext zero = {0, {data, 1}}, long_one = {1, {data, 256}}, fine = {1, {data, 1}};
    struct wr w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, &v, &zero, 1);
    assert_int_equal(w.err, E_FORMAT);
    w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, &v, &long_one, 1);
    assert_int_equal(w.err, E_FORMAT);
    w = wr_over(buf, 19);
    rtp_write_header(&w, &v, &fine, 1);
    assert_int_equal(w.err, E_NOSPACE);
    v.csrcs = bytes_of(data, 64);
    w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, &v, NULL, 0);
    assert_int_equal(w.err, E_FORMAT);
    v = (struct rtp_view){.pt = 128};
    w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, &v, NULL, 0);
    assert_int_equal(w.err, E_FORMAT);
}

static void written_padding_is_taken_off_again(void **state)
{
    (void)state;
    for (unsigned count = 0; count <= RTP_PADDING_MAX; count++) {
        uint8_t buf[300];
        struct wr w = wr_over(buf, sizeof buf);
        struct rtp_view in = {.pt = 100, .padded = count > 0}, v;
        rtp_write_header(&w, &in, NULL, 0);
        rtp_write_padding(&w, (uint8_t)count);
        struct rd r = rd_over(wr_done(&w));
        assert_int_equal(rtp_parse(&r, &v), E_OK);
        assert_int_equal(v.payload.n, count);
        assert_int_equal(rtp_unpad(&v), E_OK);
        assert_int_equal(v.payload.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_or_refused),
        cmocka_unit_test(fields_are_where_rfc_3550_has_them),
        cmocka_unit_test(padding_counts_must_fit_the_payload),
        cmocka_unit_test(rtp_and_rtcp_are_told_apart_by_the_second_byte),
        cmocka_unit_test(extension_blocks_are_walked_to_their_last_sound_element),
        cmocka_unit_test(the_form_follows_from_the_elements),
        cmocka_unit_test(what_cannot_be_said_is_not_written),
        cmocka_unit_test(written_padding_is_taken_off_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
