/* What holds of H.264 payloads (RFC 6184): key frames are seen in each form of packet, and nothing is read past the end. */
#include "support/hex.h"
#include "proto/h264.h"

static const struct {
    const char *name, *hex;
    enum err err;
    struct h264_desc want;
} cases[] = {
    {"slice of another frame", "41 9a", E_OK, {.units = 1}},
    {"IDR slice", "65 88", E_OK, {.keyframe = true, .units = 1}},
    {"IDR slice, header alone", "65", E_OK, {.keyframe = true, .units = 1}},
    {"sequence parameter set", "67 42e01f", E_OK, {.keyframe = true, .sequence = true, .units = 1}},
    {"picture parameter set", "68 ce3c80", E_OK, {.keyframe = true, .units = 1}},
    {"SEI says nothing", "06 05", E_OK, {.units = 1}},
    {"access unit delimiter says nothing", "09 10", E_OK, {.units = 1}},
    {"type 23 is reserved but a unit", "77 00", E_OK, {.units = 1}},
    {"aggregate as Chromium sends it",
     "78 0004 6742e01f 0002 68ce",
     E_OK,
     {.keyframe = true, .sequence = true, .units = 2}},
    {"aggregate, SEI first", "78 0002 0605 0001 65", E_OK, {.keyframe = true, .units = 2}},
    {"aggregate of slices", "58 0002 419a 0002 419b", E_OK, {.units = 2}},
    {"fragment that begins an IDR slice", "7c 85 88", E_OK, {.keyframe = true, .units = 1}},
    {"fragment that begins an SPS", "7c 87 42", E_OK, {.keyframe = true, .sequence = true, .units = 1}},
    {"fragment in the middle of an IDR slice", "7c 05 88", E_OK, {.units = 1}},
    {"fragment that ends an IDR slice", "7c 45 88", E_OK, {.units = 1}},
    {"fragment that begins another slice", "5c 81 9a", E_OK, {.units = 1}},
    {"nothing", "", E_SHORT, {0}},
    {"forbidden bit", "e5 88", E_FORMAT, {0}},
    {"type 0", "60 88", E_FORMAT, {0}},
    {"type 31", "7f 88", E_FORMAT, {0}},
    {"STAP-B", "79 0001 0001 65", E_FORMAT, {0}},
    {"FU-B", "7d 85 0001 88", E_FORMAT, {0}},
    {"aggregate without units", "78", E_SHORT, {0}},
    {"aggregate, half a size", "78 00", E_SHORT, {0}},
    {"aggregate, empty unit", "78 0000 0001 65", E_SHORT, {0}},
    {"aggregate, unit cut off", "78 0004 6742e0", E_SHORT, {0}},
    {"aggregate, rest after the units", "78 0001 65 00", E_SHORT, {0}},
    {"aggregate in an aggregate", "78 0004 78000165", E_FORMAT, {0}},
    {"forbidden bit inside an aggregate", "78 0001 e5", E_FORMAT, {0}},
    {"fragment without its header", "7c", E_SHORT, {0}},
    {"fragment of nothing", "7c 85", E_SHORT, {0}},
    {"fragment of an aggregate", "7c 98 00", E_FORMAT, {0}},
    {"fragment that begins and ends", "7c c5 88", E_FORMAT, {0}},
};

static void key_frames_are_seen_or_the_payload_is_refused(void **state) /* media 22.6, H.264 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[32];
        struct h264_desc d;
        assert_int_equal(h264_desc_parse(from_hex(cases[i].hex, buf, sizeof buf), &d), cases[i].err);
        assert_int_equal(d.keyframe, cases[i].want.keyframe);
        assert_int_equal(d.sequence, cases[i].want.sequence);
        assert_int_equal(d.units, cases[i].want.units);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_frames_are_seen_or_the_payload_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
