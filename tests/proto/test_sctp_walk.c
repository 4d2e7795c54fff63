#include "support/hex.h"

#include "proto/sctp_walk.h"

#define HEAD "1388 1388 00000000 00000000"
#define INIT_FIXED "12345678 00100000 0400 0400 000003e8"

static const struct {
    const char *name, *hex;
    bool sound;
} cases[] = {
    {"an INIT without parameters", HEAD "01000014" INIT_FIXED, true},
    {"an INIT that ends before it says", HEAD "01000021" INIT_FIXED "c0000004 80080009 c0c1 82", false},
    {"an INIT with two parameters", HEAD "0100001f" INIT_FIXED "c0000004 80080007 c0c182 00", true},
    {"the padding of the packet's end is missing", HEAD "0100001f" INIT_FIXED "c0000004 80080007 c0c182", true},
    {"DATA with any content", HEAD "00030013 00000001 0000 0000 00000033 0000ff 00", true},
    {"two chunks", HEAD "0b000004 00030011 00000001 0000 0000 00000033 00 000000", true},
    {"an unknown chunk", HEAD "3f000008 00000000", true},
    {"an ABORT without a cause", HEAD "06000004", true},
    {"an ABORT with a cause", HEAD "06000008 000c0004", true},
    {"RE-CONFIG", HEAD "82000016 000d0012 000003e8 00000000 000003e9 0000 0000", true},
    {"HEARTBEAT", HEAD "0400000c 00010008 deadbeef", true},
    {"nothing", "", false},
    {"a header cut short", "1388 1388 00000000 0000", false},
    {"a header alone", HEAD, false},
    {"half a chunk header", HEAD "0100", false},
    {"a chunk of length 0", HEAD "00000000", false},
    {"a chunk of length 3", HEAD "00000003", false},
    {"a chunk longer than the packet", HEAD "00000010 00000000", false},
    {"an INIT too short for its fixed part", HEAD "01000008 12345678", false},
    {"a parameter of length 0", HEAD "01000018" INIT_FIXED "00000000", false},
    {"a parameter of length 3", HEAD "01000018" INIT_FIXED "c0000003", false},
    {"a parameter longer than its chunk", HEAD "01000018" INIT_FIXED "c0000005", false},
    {"half a parameter's header", HEAD "01000016" INIT_FIXED "c000 0000", false},
    {"a cause of length 0", HEAD "09000008 00000000", false},
    {"RE-CONFIG of length 0 inside", HEAD "82000008 000d0000", false},
    {"a bad chunk behind a good one", HEAD "0b000004 00000001", false},
};

static void lengths_are_sound_or_the_packet_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t buf[256];
        bool sound = sctp_walk_check(from_hex(cases[i].hex, buf, sizeof buf)) == E_OK;
        if (sound != cases[i].sound)
            fail_msg("%s: %s", cases[i].name, sound ? "taken" : "refused");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lengths_are_sound_or_the_packet_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
