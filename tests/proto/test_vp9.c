/* What holds of the VP9 payload descriptor (RFC 9628): every optional field is found where it is, and nothing is read
 * past the end. */
#include "support/hex.h"
#include "proto/vp9.h"

static const struct {
    const char *name, *hex;
    enum err err;
    struct vp9_desc want;
} cases[] = {
    {"first byte only", "00 01", E_OK, {.len = 1}},
    {"start and end of a layer frame", "0c 01", E_OK, {.len = 1, .start = true, .end = true}},
    {"not a reference for higher layers", "01 01", E_OK, {.len = 1, .not_upper_ref = true}},
    {"7-bit picture id", "80 11 01", E_OK, {.len = 2, .pictureid_at = 1, .pictureid = 17}},
    {"15-bit picture id",
     "80 9234 01",
     E_OK,
     {.len = 3, .pictureid_at = 1, .pictureid_long = true, .pictureid = 0x1234}},
    {"layers without picture id",
     "20 55 ff 01",
     E_OK,
     {.len = 3,
      .has_layers = true,
      .tid = 2,
      .switch_up = true,
      .sid = 2,
      .inter_layer = true,
      .tl0picidx_at = 2,
      .tl0picidx = 255}},
    {"highest layers", "20 ee 00 01", E_OK, {.len = 3, .has_layers = true, .tid = 7, .sid = 7, .tl0picidx_at = 2}},
    {"non-flexible inter picture",
     "e8 8001 04 2a 01",
     E_OK,
     {.len = 5,
      .start = true,
      .inter = true,
      .pictureid_at = 1,
      .pictureid_long = true,
      .pictureid = 1,
      .has_layers = true,
      .sid = 2,
      .tl0picidx_at = 4,
      .tl0picidx = 42}},
    {"flexible, one reference", /* media.md 11.2 */
     "f8 ec57 00 02 01",
     E_OK,
     {.len = 5,
      .start = true,
      .inter = true,
      .flexible = true,
      .pictureid_at = 1,
      .pictureid_long = true,
      .pictureid = 27735,
      .has_layers = true,
      .ref_count = 1,
      .refs = {1}}},
    {"flexible, three references",
     "d0 05 03 05 fe 01",
     E_OK,
     {.len = 5,
      .inter = true,
      .flexible = true,
      .pictureid_at = 1,
      .pictureid = 5,
      .ref_count = 3,
      .refs = {1, 2, 127}}},
    {"flexible key picture: no references, no tl0picidx",
     "b0 05 00 01",
     E_OK,
     {.len = 3, .flexible = true, .pictureid_at = 1, .pictureid = 5, .has_layers = true}},
    {"flexible without picture id, but nothing counts from it", "10 01", E_OK, {.len = 1, .flexible = true}},
    {"structure of three layers and four pictures", /* media.md 11.2 */
     "aa 9e65 00 fd 58 0140 00b4 0280 0168 0500 02d0 04 04 04 54 01 34 02 54 01 01",
     E_OK,
     {.len = 27,
      .start = true,
      .pictureid_at = 1,
      .pictureid_long = true,
      .pictureid = 7781,
      .has_layers = true,
      .tl0picidx_at = 4,
      .tl0picidx = 253,
      .ss_at = 5,
      .sids = 3}},
    {"structure with nothing in it", "02 e0 01", E_OK, {.len = 2, .ss_at = 1, .sids = 8}},
    {"structure with an empty group", "02 08 00 01", E_OK, {.len = 3, .ss_at = 1, .sids = 1}},
    {"nothing", "", E_SHORT, {0}},
    {"descriptor only", "0c", E_SHORT, {0}},
    {"ends before the picture id", "80", E_SHORT, {0}},
    {"ends inside the picture id", "80 80", E_SHORT, {0}},
    {"ends after the picture id", "80 8001", E_SHORT, {0}},
    {"ends before the layers", "a0 01", E_SHORT, {0}},
    {"ends before tl0picidx", "a0 01 00", E_SHORT, {0}},
    {"ends after tl0picidx", "a0 01 00 07", E_SHORT, {0}},
    {"ends before the first reference", "d0 05", E_SHORT, {0}},
    {"ends before the second reference", "d0 05 03", E_SHORT, {0}},
    {"ends after the last reference", "d0 05 02", E_SHORT, {0}},
    {"a fourth reference", "d0 05 03 03 03 02 01", E_FORMAT, {0}},
    {"a reference to itself", "d0 05 00 01", E_FORMAT, {0}},
    {"references without a picture id", "50 02 01", E_FORMAT, {0}},
    {"ends before the structure", "02", E_SHORT, {0}},
    {"ends inside a width", "02 10 01", E_SHORT, {0}},
    {"ends before a height", "02 10 0140", E_SHORT, {0}},
    {"ends before the second layer's size", "02 30 0140 00b4", E_SHORT, {0}},
    {"ends before the group", "02 08", E_SHORT, {0}},
    {"ends before a picture of the group", "02 08 02 00", E_SHORT, {0}},
    {"ends before a reference in the group", "02 08 01 08 01", E_SHORT, {0}},
    {"ends after the group", "02 08 01 04 01", E_SHORT, {0}},
};

static void assert_desc_equal(const struct vp9_desc *a, const struct vp9_desc *b)
{
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->pictureid_at, b->pictureid_at);
    assert_int_equal(a->pictureid_long, b->pictureid_long);
    assert_int_equal(a->pictureid, b->pictureid);
    assert_int_equal(a->tl0picidx_at, b->tl0picidx_at);
    assert_int_equal(a->tl0picidx, b->tl0picidx);
    assert_int_equal(a->has_layers, b->has_layers);
    assert_int_equal(a->tid, b->tid);
    assert_int_equal(a->sid, b->sid);
    assert_int_equal(a->switch_up, b->switch_up);
    assert_int_equal(a->inter_layer, b->inter_layer);
    assert_int_equal(a->inter, b->inter);
    assert_int_equal(a->flexible, b->flexible);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->not_upper_ref, b->not_upper_ref);
    assert_int_equal(a->ref_count, b->ref_count);
    assert_memory_equal(a->refs, b->refs, sizeof a->refs);
    assert_int_equal(a->ss_at, b->ss_at);
    assert_int_equal(a->sids, b->sids);
}

static void descriptors_are_read_or_refused(void **state) /* media 22.6, VP9 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        uint8_t buf[64];
        struct vp9_desc d;
        assert_int_equal(vp9_desc_parse(from_hex(cases[i].hex, buf, sizeof buf), &d), cases[i].err);
        if (cases[i].err == E_OK)
            assert_desc_equal(&d, &cases[i].want);
    }
}

static void a_structure_gives_sizes_and_the_group_of_pictures(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct vp9_desc d;
    struct vp9_ss ss;
    struct bytes payload =
        from_hex("aa 9e65 00 fd 58 0140 00b4 0280 0168 0500 02d0 04 04 04 54 01 34 02 5c 010301 01", buf, sizeof buf);
    assert_int_equal(vp9_desc_parse(payload, &d), E_OK);
    vp9_ss_parse(payload, &d, &ss);
    static const uint16_t sizes[][2] = {{320, 180}, {640, 360}, {1280, 720}};
    static const struct vp9_picture pictures[] = {
        {0, false, 1, {4}}, {2, true, 1, {1}}, {1, true, 1, {2}}, {2, true, 3, {1, 3, 1}}};
    assert_int_equal(ss.sids, 3);
    assert_true(ss.has_sizes);
    assert_int_equal(ss.pictures, 4);
    for (int s = 0; s < 3; s++) {
        assert_int_equal(ss.width[s], sizes[s][0]);
        assert_int_equal(ss.height[s], sizes[s][1]);
    }
    for (int i = 0; i < 3; i++)
        assert_memory_equal(&ss.picture[i], &pictures[i], sizeof pictures[i]);
    assert_int_equal(ss.picture[3].ref_count, 3);
}

static void only_the_base_of_a_picture_without_references_is_a_key_frame(void **state)
{
    (void)state;
    assert_true(vp9_is_key(&(struct vp9_desc){0}));
    assert_false(vp9_is_key(&(struct vp9_desc){.inter = true}));
    assert_false(vp9_is_key(&(struct vp9_desc){.sid = 1, .inter_layer = true}));
    assert_false(vp9_is_key(&(struct vp9_desc){.sid = 1})); /* the picture's base comes before it */
}

static void the_descriptor_stays_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct vp9_desc) <= 32); /* it is part of every struct media_pkt */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_read_or_refused),
        cmocka_unit_test(a_structure_gives_sizes_and_the_group_of_pictures),
        cmocka_unit_test(only_the_base_of_a_picture_without_references_is_a_key_frame),
        cmocka_unit_test(the_descriptor_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
