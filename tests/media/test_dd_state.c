/* Which structure is in force for a packet, in order or not. */
#include "media/dd_state.h"
#include "support/hex.h"

static struct dd_state s;

/* A key frame's descriptor with one template of this id, frame number `frame`. */
static enum err key(int64_t seq, uint8_t template_id, uint16_t frame, struct dd_desc *d, bool *keyframe)
{
    uint8_t bytes[8] = {0xc0 | template_id, (uint8_t)(frame >> 8), (uint8_t)frame};
    bytes[3] = (uint8_t)(0x80 | template_id >> 3); /* structure_present, offset */
    bytes[4] = (uint8_t)(template_id << 5);        /* one target */
    bytes[5] = 3 << 6;                             /* one template */
    return dd_state_read(&s, bytes_of(bytes, sizeof bytes), seq, d, keyframe);
}

static enum err delta(int64_t seq, uint8_t template_id, uint16_t frame, struct dd_desc *d, bool *keyframe)
{
    uint8_t bytes[3] = {0xc0 | template_id, (uint8_t)(frame >> 8), (uint8_t)frame};
    return dd_state_read(&s, bytes_of(bytes, sizeof bytes), seq, d, keyframe);
}

static void packets_are_read_by_the_newest_structure_at_or_before_them(void **state) /* media.md 11.4 */
{
    (void)state;
    struct dd_desc d;
    bool keyframe;
    dd_state_init(&s);
    assert_int_equal(delta(99, 5, 6, &d, &keyframe), E_OK);
    assert_false(d.known || keyframe);
    assert_int_equal(key(100, 5, 7, &d, &keyframe), E_OK);
    assert_true(d.known && keyframe);
    assert_int_equal(d.active, 1);
    assert_int_equal(delta(101, 5, 7, &d, &keyframe), E_OK); /* the key frame's next packet */
    assert_true(d.known && keyframe);
    assert_int_equal(d.active, 1);
    assert_int_equal(key(200, 6, 50, &d, &keyframe), E_OK);
    assert_int_equal(delta(150, 5, 30, &d, &keyframe), E_OK); /* late: by the structure before */
    assert_true(d.known && !keyframe);
    assert_int_equal(delta(201, 5, 51, &d, &keyframe), E_OK); /* no template of the one in force */
    assert_false(d.known);
    assert_int_equal(delta(201, 6, 51, &d, &keyframe), E_OK);
    assert_true(d.known);
    assert_int_equal(delta(98, 5, 5, &d, &keyframe), E_OK); /* before both */
    assert_false(d.known);
}

static void late_and_doubled_structures_leave_the_newest_in_force(void **state)
{
    (void)state;
    struct dd_desc d;
    bool keyframe;
    dd_state_init(&s);
    assert_int_equal(key(300, 8, 80, &d, &keyframe), E_OK);
    assert_int_equal(key(300, 8, 80, &d, &keyframe), E_OK);
    assert_int_equal(key(250, 7, 70, &d, &keyframe), E_OK); /* comes late, and is known for late ones */
    assert_true(d.known && !keyframe);
    assert_int_equal(key(200, 9, 60, &d, &keyframe), E_OK); /* older still: of no use any more */
    assert_int_equal(delta(301, 8, 81, &d, &keyframe), E_OK);
    assert_true(d.known);
    assert_int_equal(delta(251, 7, 71, &d, &keyframe), E_OK);
    assert_true(d.known);
    assert_int_equal(delta(201, 9, 61, &d, &keyframe), E_OK);
    assert_false(d.known);
}

static void a_number_that_comes_again_is_no_key_frame(void **state)
{
    (void)state;
    struct dd_desc d;
    bool keyframe;
    dd_state_init(&s);
    assert_int_equal(key(1, 5, 65530, &d, &keyframe), E_OK);
    for (int64_t i = 1; i < 200000; i++) {
        assert_int_equal(delta(1 + i, 5, (uint16_t)(65530 + i), &d, &keyframe), E_OK);
        assert_false(keyframe);
    }
}

static void what_is_refused_changes_nothing(void **state)
{
    (void)state;
    struct dd_desc d;
    bool keyframe;
    dd_state_init(&s);
    assert_int_equal(key(100, 5, 7, &d, &keyframe), E_OK);
    uint8_t cut[4] = {0xc6, 0, 8, 0x80}; /* ends in its structure */
    assert_int_equal(dd_state_read(&s, bytes_of(cut, 4), 110, &d, &keyframe), E_SHORT);
    assert_int_equal(dd_state_read(&s, bytes_of(cut, 2), 111, &d, &keyframe), E_SHORT);
    assert_int_equal(delta(112, 5, 9, &d, &keyframe), E_OK);
    assert_true(d.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read_by_the_newest_structure_at_or_before_them),
        cmocka_unit_test(late_and_doubled_structures_leave_the_newest_in_force),
        cmocka_unit_test(a_number_that_comes_again_is_no_key_frame),
        cmocka_unit_test(what_is_refused_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
