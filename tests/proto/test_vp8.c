/* What holds of the VP8 payload descriptor (RFC 7741): every optional field is found where it is, and nothing is read
 * past the end. */
#include "support/hex.h"
#include "proto/vp8.h"

static const struct {
    const char *name, *hex;
    enum err err;
    struct vp8_desc want;
} cases[] = {
    {"mandatory byte only, inter frame", "10 01", E_OK, {.len = 1, .start = true}},
    {"mandatory byte only, key frame too short for a size",
     "10 00 0000",
     E_OK,
     {.len = 1, .start = true, .keyframe = true}},
    {"key frame 640x360",
     "10 10 0200 9d012a 8002 6801 ff",
     E_OK,
     {.len = 1, .start = true, .keyframe = true, .width = 640, .height = 360}},
    {"scale bits are not part of the size",
     "10 10 0200 9d012a 80c2 6841",
     E_OK,
     {.len = 1, .start = true, .keyframe = true, .width = 640, .height = 360}},
    {"wrong start code: a key frame of unknown size",
     "10 10 0200 9d012b 8002 6801",
     E_OK,
     {.len = 1, .start = true, .keyframe = true}},
    {"continuation never says key frame", "00 00", E_OK, {.len = 1}},
    {"start of partition 1 is not a frame start", "11 00", E_OK, {.len = 1, .start = true, .pid = 1}},
    {"non-reference", "30 01", E_OK, {.len = 1, .start = true, .nonref = true}},
    {"X without fields", "90 00 01", E_OK, {.len = 2, .start = true}},
    {"7-bit picture id", "90 80 11 01", E_OK, {.len = 3, .start = true, .pictureid_at = 2, .pictureid = 17}},
    {"15-bit picture id",
     "90 80 9234 01",
     E_OK,
     {.len = 4, .start = true, .pictureid_at = 2, .pictureid_long = true, .pictureid = 0x1234}},
    {"tl0picidx alone", "90 40 ff 01", E_OK, {.len = 3, .start = true, .tl0picidx_at = 2, .tl0picidx = 255}},
    {"tid and sync", "90 20 a0 01", E_OK, {.len = 3, .start = true, .has_tid = true, .tid = 2, .layer_sync = true}},
    {"keyidx alone hides the tid bits",
     "90 10 f1 01",
     E_OK,
     {.len = 3, .start = true, .has_keyidx = true, .keyidx = 17}},
    {"everything, as Chromium sends it",
     "90 f0 ffff 2a 4d 01",
     E_OK,
     {.len = 6,
      .start = true,
      .pictureid_at = 2,
      .pictureid_long = true,
      .pictureid = 32767,
      .tl0picidx_at = 4,
      .tl0picidx = 42,
      .has_tid = true,
      .tid = 1,
      .has_keyidx = true,
      .keyidx = 13}},
    {"nothing", "", E_SHORT, {0}},
    {"descriptor only", "10", E_SHORT, {0}},
    {"ends before the extension byte", "90", E_SHORT, {0}},
    {"extension byte only", "90 00", E_SHORT, {0}},
    {"ends before the picture id", "90 80", E_SHORT, {0}},
    {"ends inside the picture id", "90 80 80", E_SHORT, {0}},
    {"ends after the picture id", "90 80 8001", E_SHORT, {0}},
    {"ends before tl0picidx", "90 c0 8001", E_SHORT, {0}},
    {"ends before tid", "90 e0 8001 05", E_SHORT, {0}},
    {"full descriptor and no payload", "90 f0 8001 05 40", E_SHORT, {0}},
};

static void assert_desc_equal(const struct vp8_desc *a, const struct vp8_desc *b)
{
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->pid, b->pid);
    assert_int_equal(a->nonref, b->nonref);
    assert_int_equal(a->pictureid_at, b->pictureid_at);
    assert_int_equal(a->pictureid_long, b->pictureid_long);
    assert_int_equal(a->pictureid, b->pictureid);
    assert_int_equal(a->tl0picidx_at, b->tl0picidx_at);
    assert_int_equal(a->tl0picidx, b->tl0picidx);
    assert_int_equal(a->has_tid, b->has_tid);
    assert_int_equal(a->tid, b->tid);
    assert_int_equal(a->layer_sync, b->layer_sync);
    assert_int_equal(a->has_keyidx, b->has_keyidx);
    assert_int_equal(a->keyidx, b->keyidx);
    assert_int_equal(a->keyframe, b->keyframe);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
}

static void descriptors_are_read_or_refused(void **state) /* media 22.6, VP8 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[32];
        struct vp8_desc d;
        assert_int_equal(vp8_desc_parse(from_hex(cases[i].hex, buf, sizeof buf), &d), cases[i].err);
        if (cases[i].err == E_OK)
            assert_desc_equal(&d, &cases[i].want);
    }
}

static void the_descriptor_stays_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct vp8_desc) <= 24); /* it is part of every struct media_pkt */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_read_or_refused),
        cmocka_unit_test(the_descriptor_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
