/* What the STUN pre-check lets through, and what it refuses before a library sees it. */
#include "proto/stun_walk.h"
#include "support/hex.h"

#define ID       "000102030405060708090a0b"
#define MI       "0008 0014 0000000000000000000000000000000000000000"
#define FP       "8028 0004 00000000"
#define REQ(len) "0001" len "2112a442" ID

static const struct {
    const char *name, *hex;
    enum err err;
} cases[] = {
    {"header only", REQ("0000"), E_OK},
    {"indication", "0011 0000 2112a442" ID, E_OK},
    {"success", "0101 0000 2112a442" ID, E_OK},
    {"error without code", "0111 0000 2112a442" ID, E_OK},
    {"integrity and fingerprint", REQ("0020") MI FP, E_OK},
    {"optional attribute after integrity", REQ("0028") MI "c057 0004 00000000" FP, E_OK},
    {"required attribute after integrity", REQ("0028") MI "7f00 0004 00000000" FP, E_OK},
    {"misshapen priority after integrity is not ours to judge", REQ("0024") MI "0024 0000" FP, E_OK},
    {"padding is not looked at", REQ("000c") "0006 0005 613a620000ffffff", E_OK},
    {"empty user name", REQ("0004") "0006 0000", E_OK},

    {"nothing", "", E_SHORT},
    {"19 bytes", "0001 0000 2112a442 000102030405060708090a", E_SHORT},
    {"cookie of another protocol", "0001 0000 2112a443" ID, E_FORMAT},
    {"top bits set", "c001 0000 2112a442" ID, E_FORMAT},
    {"method of TURN", "0003 0000 2112a442" ID, E_FORMAT},
    {"GOOG_PING", "0200 0000 2112a442" ID, E_FORMAT},
    {"length not a multiple of 4", REQ("0002") "0000", E_FORMAT},
    {"length above the datagram", REQ("0008") "0025 0000", E_SHORT},
    {"bytes behind the message", REQ("0000") "0025 0000", E_FORMAT},
    {"attribute longer than the message", REQ("0004") "0006 0004", E_SHORT},
    {"attribute header cut",
     REQ("0008") "0025 0001 00000000"
                 "0025",
     E_FORMAT},
    {"padding missing", "0001 0008 2112a442" ID "0006 0005 61626364", E_SHORT},
    {"integrity of 16 bytes", REQ("0014") "0008 0010 00000000000000000000000000000000", E_FORMAT},
    {"integrity of 24 bytes", REQ("001c") "0008 0018 000000000000000000000000000000000000000000000000", E_FORMAT},
    {"integrity twice", REQ("0030") MI MI, E_FORMAT},
    {"fingerprint not last", REQ("000c") FP "0025 0000", E_FORMAT},
    {"fingerprint twice", REQ("0010") FP FP, E_FORMAT},
    {"fingerprint of 8 bytes", REQ("000c") "8028 0008 0000000000000000", E_FORMAT},
    {"priority of 8 bytes", REQ("000c") "0024 0008 0000000000000000", E_FORMAT},
    {"controlling of 4 bytes", REQ("0008") "802a 0004 00000000", E_FORMAT},
    {"controlled of 4 bytes", REQ("0008") "8029 0004 00000000", E_FORMAT},
    {"use-candidate with a value", REQ("0008") "0025 0004 00000000", E_FORMAT},
    {"error code class 2", "0111 0008 2112a442" ID "0009 0004 00000200", E_FORMAT},
    {"error number 100", "0111 0008 2112a442" ID "0009 0004 00000464", E_FORMAT},
    {"error code too short", "0111 0008 2112a442" ID "0009 0003 00000400", E_FORMAT},
};

static void walk_cases(void **state) /* transport 19.2, the malformed ones */
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t buf[256];
        struct stun_walk w;
        enum err err = stun_walk_parse(from_hex(cases[i].hex, buf, sizeof buf), &w);
        if (err != cases[i].err)
            fail_msg("%s: %s", cases[i].name, err == E_OK ? "OK" : err_name(err));
    }
}

static void any_cut_of_a_good_message_is_refused(void **state) /* transport 19.2 */
{
    (void)state;
    uint8_t buf[256];
    struct bytes in = from_hex(REQ("0034") "0006 0005 613a620000ffffff 0024 0004 6e0001ff" MI FP, buf, sizeof buf);
    struct stun_walk w;
    assert_int_equal(stun_walk_parse(in, &w), E_OK);
    for (size_t n = 0; n < in.n; n++)
        assert_int_not_equal(stun_walk_parse(bytes_of(in.p, n), &w), E_OK);
}

static void the_user_name_is_split_at_its_first_colon(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct stun_walk w;
    assert_int_equal(stun_walk_parse(from_hex(REQ("000c") "0006 0006 61623a633a640000", buf, sizeof buf), &w), E_OK);
    assert_true(bytes_eq(w.local_ufrag, bytes_str("ab")));
    assert_true(bytes_eq(w.remote_ufrag, bytes_str("c:d")));
    assert_int_equal(stun_walk_parse(from_hex(REQ("0008") "0006 0002 61620000", buf, sizeof buf), &w), E_OK);
    assert_null(w.local_ufrag.p);
    assert_int_equal(w.username.n, 2);
}

static void a_user_name_behind_integrity_does_not_count(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct stun_walk w;
    assert_int_equal(stun_walk_parse(from_hex(REQ("0020") MI "0006 0003 613a6200", buf, sizeof buf), &w), E_OK);
    assert_null(w.local_ufrag.p);
    assert_true(w.integrity);
    assert_false(w.fingerprint);
}

static void unknown_required_attributes_are_told_apart_by_place(void **state) /* transport 19.3 */
{
    (void)state;
    uint8_t buf[256];
    struct stun_walk w;
    assert_int_equal(stun_walk_parse(from_hex(REQ("001c") "7f00 0000" MI, buf, sizeof buf), &w), E_OK);
    assert_true(w.unknown_before && !w.unknown_after);
    assert_int_equal(stun_walk_parse(from_hex(REQ("001c") MI "7f00 0000", buf, sizeof buf), &w), E_OK);
    assert_true(!w.unknown_before && w.unknown_after);
    assert_int_equal(stun_walk_parse(from_hex(REQ("001c") "c057 0000" MI, buf, sizeof buf), &w), E_OK);
    assert_false(w.unknown_before || w.unknown_after);
}

static void the_mapped_address_is_read(void **state) /* RFC 5769 2.2 and 2.3 */
{
    (void)state;
    uint8_t buf[256];
    char text[ADDR_TEXT_MAX];
    struct stun_walk w;
    assert_int_equal(
        stun_walk_parse(
            from_hex("0101 000c 2112a442 b7e7a701bc34d686fa87dfae 0020 0008 0001a147e112a643", buf, sizeof buf), &w),
        E_OK);
    assert_string_equal(addr_ip_str(&w.mapped, text), "192.0.2.1");
    assert_int_equal(w.mapped.port, 32853);
    assert_int_equal(stun_walk_parse(from_hex("0101 0018 2112a442 b7e7a701bc34d686fa87dfae 0020 0014 0002a147"
                                              "0113a9faa5d3f179bc25f4b5bed2b9d9",
                                              buf, sizeof buf),
                                     &w),
                     E_OK);
    assert_string_equal(addr_ip_str(&w.mapped, text), "2001:db8:1234:5678:11:2233:4455:6677");
    assert_int_equal(
        stun_walk_parse(from_hex("0101 000c 2112a442" ID "0020 0008 0003a147e112a643", buf, sizeof buf), &w), E_OK);
    assert_int_equal(w.mapped.family, ADDR_NONE); /* a family that does not exist */
}

static void sixty_five_attributes_are_too_many(void **state) /* transport 16.4 */
{
    (void)state;
    for (unsigned count = 64; count <= 65; count++) {
        uint8_t buf[512] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
        put_u16(buf + 2, (uint16_t)(4 * count));
        for (unsigned i = 0; i < count; i++)
            put_u16(buf + 20 + 4 * i, 0xc057);
        struct stun_walk w;
        assert_int_equal(stun_walk_parse(bytes_of(buf, 20 + 4 * count), &w), count == 64 ? E_OK : E_LIMIT);
    }
}

static void a_user_name_of_514_bytes_is_too_long(void **state) /* transport 16.4 */
{
    (void)state;
    for (uint16_t len = 513; len <= 514; len++) {
        uint8_t buf[600] = {0, 1, 0x02, 0x08, 0x21, 0x12, 0xa4, 0x42};
        put_u16(buf + 20, 0x0006);
        put_u16(buf + 22, len);
        memset(buf + 24, 'x', len);
        struct stun_walk w;
        assert_int_equal(stun_walk_parse(bytes_of(buf, 20 + 4 + 516), &w), len == 513 ? E_OK : E_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_cases),
        cmocka_unit_test(any_cut_of_a_good_message_is_refused),
        cmocka_unit_test(the_user_name_is_split_at_its_first_colon),
        cmocka_unit_test(a_user_name_behind_integrity_does_not_count),
        cmocka_unit_test(unknown_required_attributes_are_told_apart_by_place),
        cmocka_unit_test(the_mapped_address_is_read),
        cmocka_unit_test(sixty_five_attributes_are_too_many),
        cmocka_unit_test(a_user_name_of_514_bytes_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
