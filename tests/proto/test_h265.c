/* What holds of H.265 payloads (RFC 7798): key frames are seen in each form of packet, and nothing is read past the end. */
#include "support/hex.h"
#include "proto/h265.h"

static const struct {
    const char *name, *hex;
    enum err err;
    struct h265_desc want;
} cases[] = {
    {"TRAIL_R", "0201 d0", E_OK, {.units = 1}},
    {"TSA_N of temporal layer 2", "0403 d0", E_OK, {.units = 1, .tid = 2}},
    {"BLA_W_LP is the first that begins", "2001 af", E_OK, {.keyframe = true, .units = 1}},
    {"IDR_W_RADL", "2601 af", E_OK, {.keyframe = true, .units = 1}},
    {"CRA", "2a01 af", E_OK, {.keyframe = true, .units = 1}},
    {"type 15 does not", "1e01 af", E_OK, {.units = 1}},
    {"type 22 does not", "2c01 af", E_OK, {.units = 1}},
    {"VPS", "4001 0c", E_OK, {.keyframe = true, .sequence = true, .units = 1}},
    {"SPS", "4201 01", E_OK, {.keyframe = true, .sequence = true, .units = 1}},
    {"PPS", "4401 c1", E_OK, {.keyframe = true, .units = 1}},
    {"SEI says nothing", "4e01 05", E_OK, {.units = 1}},
    {"aggregate of parameter sets",
     "6001 0003 40010c 0003 420101 0003 4401c1",
     E_OK,
     {.keyframe = true, .sequence = true, .units = 3}},
    {"aggregate, SEI first", "6001 0003 4e0105 0002 2601", E_OK, {.keyframe = true, .units = 2}},
    {"fragment that begins an IDR", "6201 93 af", E_OK, {.keyframe = true, .units = 1}},
    {"fragment in the middle of an IDR", "6201 13 af", E_OK, {.units = 1}},
    {"fragment that ends a TRAIL_R", "6202 41 af", E_OK, {.units = 1, .tid = 1}},
    {"nothing", "", E_SHORT, {0}},
    {"half a header", "26", E_SHORT, {0}},
    {"forbidden bit", "a601 af", E_FORMAT, {0}},
    {"no temporal id", "2600 af", E_FORMAT, {0}},
    {"PACI", "6401 0000", E_FORMAT, {0}},
    {"undefined type", "7e01 00", E_FORMAT, {0}},
    {"aggregate without units", "6001", E_SHORT, {0}},
    {"aggregate, half a size", "6001 00", E_SHORT, {0}},
    {"aggregate, unit of one octet", "6001 0001 26", E_SHORT, {0}},
    {"aggregate, empty unit", "6001 0000", E_SHORT, {0}},
    {"aggregate, unit cut off", "6001 0004 2601af", E_SHORT, {0}},
    {"aggregate, rest after the units", "6001 0002 2601 00", E_SHORT, {0}},
    {"aggregate in an aggregate", "6001 0006 6001 0002 2601", E_FORMAT, {0}},
    {"forbidden bit inside an aggregate", "6001 0002 a601", E_FORMAT, {0}},
    {"fragment without its header", "6201", E_SHORT, {0}},
    {"fragment of nothing", "6201 93", E_SHORT, {0}},
    {"fragment of an aggregate", "6201 b0 00", E_FORMAT, {0}},
    {"fragment that begins and ends", "6201 d3 00", E_FORMAT, {0}},
};

static void key_frames_are_seen_or_the_payload_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[32];
        struct h265_desc d;
        assert_int_equal(h265_desc_parse(from_hex(cases[i].hex, buf, sizeof buf), &d), cases[i].err);
        assert_int_equal(d.keyframe, cases[i].want.keyframe);
        assert_int_equal(d.sequence, cases[i].want.sequence);
        assert_int_equal(d.units, cases[i].want.units);
        assert_int_equal(d.tid, cases[i].want.tid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_frames_are_seen_or_the_payload_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
