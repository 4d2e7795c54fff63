/* What holds of data channel establishment messages (RFC 8832 5). */
#include "support/hex.h"

#include "proto/dcep.h"

static const struct {
    const char *name, *hex;
    enum err err;
    enum dcep_kind kind;
    const char *label, *protocol;
} cases[] = {
    {"ACK", "02", E_OK, DCEP_ACK, "", ""},
    {"ACK with more behind it", "02 0000", E_OK, DCEP_ACK, "", ""},
    {"OPEN without names", "03 00 0000 00000000 0000 0000", E_OK, DCEP_OPEN, "", ""},
    {"OPEN", "03 00 0100 00000000 0003 0001 616263 70", E_OK, DCEP_OPEN, "abc", "p"},
    {"OPEN, unordered and limited", "03 82 0000 000003e8 0001 0000 61", E_OK, DCEP_OPEN, "a", ""},
    {"OPEN with more behind it", "03 00 0000 00000000 0001 0000 61 ffff", E_OK, DCEP_OPEN, "a", ""},
    {"nothing", "", E_SHORT, 0, "", ""},
    {"OPEN cut", "03 00 0000 0000", E_SHORT, 0, "", ""},
    {"a label of 65535 in a message of 12", "03 00 0000 00000000 ffff 0000", E_SHORT, 0, "", ""},
    {"a protocol that runs out", "03 00 0000 00000000 0001 0002 61 70", E_SHORT, 0, "", ""},
    {"an unknown channel type", "03 03 0000 00000000 0000 0000", E_UNKNOWN, 0, "", ""},
    {"an unknown message", "04", E_UNKNOWN, 0, "", ""},
    {"a reserved message", "00", E_UNKNOWN, 0, "", ""},
};

static void messages_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[64], back[64];
        struct dcep dcep;
        struct bytes in = from_hex(cases[i].hex, buf, sizeof buf);
        assert_int_equal(dcep_parse(in, &dcep), cases[i].err);
        assert_int_equal(dcep.kind, cases[i].kind);
        assert_true(bytes_eq(dcep.label, bytes_str(cases[i].label)));
        assert_true(bytes_eq(dcep.protocol, bytes_str(cases[i].protocol)));
        if (cases[i].err != E_OK)
            continue;
        struct wr w = wr_over(back, sizeof back);
        assert_int_equal(dcep_write(&w, &dcep), E_OK);
        assert_memory_equal(back, in.p, wr_len(&w)); /* but for what was behind it */
    }
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    static uint8_t big[70000];
    uint8_t small[8];
    struct wr w = wr_over(big, sizeof big);
    struct dcep dcep = {.kind = DCEP_OPEN, .label = bytes_of(big, 65536)};
    assert_int_equal(dcep_write(&w, &dcep), E_LIMIT);
    w = wr_over(small, sizeof small);
    dcep.label = bytes_str("label");
    assert_int_equal(dcep_write(&w, &dcep), E_NOSPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read_or_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
