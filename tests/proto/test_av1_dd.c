/* Dependency descriptors: published ones are read, what is not legal is refused, what is written reads as it was meant. */
#include "proto/av1_dd.h"
#include "support/dd_vectors.h"
#include "support/hex.h"

static const struct { /* media.md 11.4 */
    const char *name, *hex;
    unsigned frame, template_id, offset, templates /* 0: not told */, targets, chains, sids;
    unsigned heights[3];
    uint32_t within[9];
} structures[] = {
    {"L1T1", DD_L1T1, 1, 0, 0, 2, 1, 1, 1, {270}, {1}},
    {"L1T3", DD_L1T3, 1, 0, 0, 5, 3, 1, 1, {270}, {1, 3, 7}},
    {"L3T3", DD_L3T3, 308, 16, 15, 15, 9, 3, 3, {180, 360, 720}, {1, 3, 7, 9, 0x1b, 0x3f, 0x49, 0xdb, 0x1ff}},
    {"L3T3_KEY", DD_L3T3_KEY, 133, 15, 15, 15, 9, 3, 3, {180, 360, 720}, {1, 3, 7, 8, 0x18, 0x38, 0x40, 0xc0, 0x1c0}},
    {"L2T2_KEY_SHIFT", DD_L2T2_KEY_SHIFT, 237, 7, 0, 0, 4, 2, 2, {360, 720}, {1, 3, 4, 0xc}},
    {"VP8", DD_VP8, 19, 0, 0, 0, 3, 0, 1, {720}, {1, 3, 7}},
};

static struct bytes data;
static uint8_t buf[DD_LEN_MAX + 8];
static struct dd_structure in_force, fresh;

static enum err parse(const char *hex, const struct dd_structure *known, struct dd_desc *d)
{
    data = from_hex(hex, buf, sizeof buf);
    return dd_parse(data, known, &fresh, d);
}

static void published_structures_are_read(void **state) /* media 22.6 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(structures); i++) {
        struct dd_desc d;
        struct dd_targets targets;
        print_message("  %s\n", structures[i].name);
        assert_int_equal(parse(structures[i].hex, NULL, &d), E_OK);
        assert_true(d.has_structure && d.known && d.start);
        assert_int_equal(d.frame_number, structures[i].frame);
        assert_int_equal(d.template_id, structures[i].template_id);
        if (structures[i].templates) {
            assert_int_equal(fresh.offset, structures[i].offset);
            assert_int_equal(fresh.template_count, structures[i].templates);
        }
        assert_int_equal(fresh.target_count, structures[i].targets);
        assert_int_equal(fresh.chain_count, structures[i].chains);
        assert_int_equal(fresh.sid_count, structures[i].sids);
        for (unsigned s = 0; s < structures[i].sids; s++)
            assert_int_equal(MIN(fresh.width[s], fresh.height[s]) + 1, structures[i].heights[s]);
        dd_targets_of(&fresh, &targets);
        for (unsigned t = 0; t < structures[i].targets; t++)
            assert_int_equal(targets.within[t], structures[i].within[t]);
    }
}

static void targets_tell_their_layers_and_what_they_reach(void **state)
{
    (void)state;
    struct dd_desc d;
    struct dd_targets t;
    assert_int_equal(parse(DD_L3T3_KEY, NULL, &d), E_OK);
    dd_targets_of(&fresh, &t);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(t.sid[i], i / 3);
        assert_int_equal(t.tid[i], i % 3);
        assert_int_equal(t.chain[i], i / 3);
        assert_int_equal(t.reach[i] & ~(7u << i / 3 * 3), 0); /* K-SVC: another spatial layer needs a key frame */
        assert_int_equal(t.reach[i] >> i / 3 * 3 & 1, 1);
    }
    assert_int_equal(parse(DD_L3T3, NULL, &d), E_OK);
    dd_targets_of(&fresh, &t);
    assert_int_equal(t.reach[8] & 1, 1); /* full SVC: down where the lower layer may be switched to */
    assert_int_equal(t.reach[0] >> 3, 0);
    assert_int_equal(parse(DD_L1T3, NULL, &d), E_OK);
    assert_int_equal(dd_rate_share(&fresh, 0), 1);
    assert_int_equal(dd_rate_share(&fresh, 1), 2);
    assert_int_equal(dd_rate_share(&fresh, 2), 4);
}

static void frames_are_read_by_the_structure_in_force(void **state)
{
    (void)state;
    struct dd_desc d;
    assert_int_equal(parse(DD_L3T3, NULL, &d), E_OK);
    in_force = fresh;
    assert_int_equal(parse("d10146401c", &in_force, &d), E_OK); /* media.md 11.4 */
    assert_int_equal(d.frame_number, 326);
    assert_int_equal(d.template_id, 17);
    assert_true(d.has_active && d.known && !d.has_structure);
    assert_int_equal(d.active, 7);
    assert_int_equal(d.target_count, 9);

    assert_int_equal(parse("100147", &in_force, &d), E_OK); /* three bytes: in the middle of a frame */
    assert_true(d.known && !d.start && !d.end);
    assert_int_equal(d.sid, in_force.templates[1].sid);

    assert_int_equal(parse("100147", NULL, &d), E_OK); /* nothing to read it by */
    assert_false(d.known);
    assert_int_equal(d.frame_number, 327);
    assert_int_equal(parse("010147", &in_force, &d), E_OK); /* a template of another structure */
    assert_false(d.known);
}

static struct bytes bits(const char *text)
{
    return from_bits(text, buf, sizeof buf);
}

#define HEAD "1 1 000000 0000000000000001 "
#define X8(bits) bits bits bits bits bits bits bits bits

static void what_is_not_legal_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bits;
        enum err err;
    } rows[] = {
        {"nothing", "", E_SHORT},
        {"ends in the frame number", "1 1 000000 00000000", E_SHORT},
        {"ends in the offset", HEAD "10000 000", E_SHORT},
        {"ends in the template layers", HEAD "10000 000000 00000 00 00", E_SHORT},
        {"a structure in the middle of a frame", "0 1 000000 0000000000000001 10000 000000 00000 11 00 0 0 0", E_FORMAT},
        {"a template that its structure lacks", "1 1 000001 0000000000000001 10000 000000 00000 11 00 0 0 0", E_FORMAT},
        {"a fifth spatial layer", HEAD "10000 000000 00000 10 10 10 10 11" X8("00000000"), E_FORMAT},
        {"a ninth temporal layer", HEAD "10000 000000 00000" X8("01") "11" X8("00000000"), E_FORMAT},
        {"65 templates", HEAD "10000 000000 00000" X8(X8("00")) "11" X8("00000000"), E_FORMAT},
        {"nine references of a template", HEAD "10000 000000 00000 11 00" X8("10000") "10000 0 0 0", E_LIMIT},
        {"nine references of a frame", HEAD "10010 000000 00000 11 00 0 0 0" X8("010000") "010000 00", E_LIMIT},
        {"ends in the sizes", HEAD "10000 000000 00000 11 00 0 0 1 0000000000000000", E_SHORT},
        {"ends in the chains of the frame", HEAD "10001 000000 00000 11 00 0 1 0000 0 0000", E_SHORT},
        {"ends in the mask", HEAD "11000 000000 11111 11" X8(X8("0")), E_SHORT},
        {"something behind the end", HEAD "10000 000000 00000 11 00 0 0 0 1", E_FORMAT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dd_desc d;
        print_message("  %s\n", rows[i].name);
        assert_int_equal(dd_parse(bits(rows[i].bits), NULL, &fresh, &d), rows[i].err);
        assert_false(d.known || d.start || d.has_structure);
    }
    struct dd_desc d;
    assert_int_equal(parse("d10146401d", &in_force, &d), E_FORMAT); /* padding that is none */
    static uint8_t long_one[DD_LEN_MAX + 1] = {0x80};
    assert_int_equal(dd_parse(bytes_of(long_one, sizeof long_one), NULL, &fresh, &d), E_LIMIT);
    for (size_t i = 0; i < COUNT(structures); i++) /* cut anywhere, it is refused, or has no structure */
        for (size_t cut = 0; cut + 1 < strlen(structures[i].hex) / 2; cut++) {
            data = from_hex(structures[i].hex, buf, sizeof buf);
            assert_true(dd_parse(bytes_of(buf, cut), NULL, &fresh, &d) != E_OK || (cut == 3 && !d.known));
        }
}

static void the_smallest_structure_is_legal(void **state)
{
    (void)state;
    struct dd_desc d;
    assert_int_equal(dd_parse(bits(HEAD "10000 000000 00000 11 00 0 0 0"), NULL, &fresh, &d), E_OK);
    assert_int_equal(fresh.template_count, 1);
    assert_int_equal(fresh.target_count, 1);
    assert_int_equal(
        dd_parse(bits(HEAD "10011 000000 00000 11 00 0 1 0011 0 10 00010000 00 00000101"), NULL, &fresh, &d), E_OK);
    assert_int_equal(d.fdiff_count, 1);
    assert_int_equal(d.fdiffs[0], 17); /* two nibbles */
    assert_int_equal(d.chain_diffs[0], 5);
}

/* A structure of six targets, each with a chain of its own; 0 bit as long as there are chains to tell. */
#define SIX_CHAINS                                                                                                     \
    "000000 00101 11"                 /* offset, 6 targets, one template */                                            \
    "10 10 10 10 10 10 0"             /* all may be switched to at it, no references */                                \
    "111 00 01 100 101 110 111"       /* ns(7): 6 chains; ns(6): target t is protected by chain t */                   \
    "0001 0010 0011 0100 0101 0110 0" /* each chain's frame before; no sizes */

static void every_chain_is_read(void **state)
{
    (void)state;
    struct dd_desc d;
    struct dd_targets t;
    assert_int_equal(dd_parse(bits(HEAD "10000" SIX_CHAINS), NULL, &fresh, &d), E_OK);
    dd_targets_of(&fresh, &t);
    assert_int_equal(fresh.chain_count, 6);
    assert_int_equal(d.chain_count, 6);
    for (unsigned c = 0; c < 6; c++) {
        assert_int_equal(t.chain[c], c);
        assert_int_equal(d.chain_diffs[c], c + 1);
    }
    assert_int_equal(dd_parse(bits(HEAD "10001" SIX_CHAINS X8("00001001")), NULL, &fresh, &d),
                     E_FORMAT); /* two too many */
    assert_int_equal(dd_parse(bits(HEAD "10001" SIX_CHAINS "00000001 00000010 00000011 00000100 00000101 11111111"),
                              NULL, &fresh, &d),
                     E_OK);
    assert_int_equal(d.chain_diffs[4], 5);
    assert_int_equal(d.chain_diffs[5], 255);
}

static void what_is_needed_in_a_picture_is_told(void **state) /* where its end is, if what can be left out is */
{
    (void)state;
    struct dd_desc d;
    struct dd_targets t;
    assert_int_equal(parse(DD_L3T3, NULL, &d), E_OK);
    dd_targets_of(&fresh, &t);
    assert_int_equal(t.needs_sid[8][0], 2);
    assert_int_equal(t.needs_sid[8][1], 2);
    assert_int_equal(t.needs_sid[8][2], 1);
    assert_int_equal(t.needs_sid[5][2], 0);
    assert_int_equal(t.needs_sid[3][0], 1);
}

/* Where a structure is, no mask means all: media.md 12.2. */
static void a_mask_of_all_targets_is_left_out_beside_a_structure(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bits; /* three targets */
        uint32_t mask;
        bool told;
    } rows[] = {
        {"all, and there was none", HEAD "10000 000000 00010 11 10 10 10 0 00 0", 7, false},
        {"all, in place of some", HEAD "11000 000000 00010 11 10 10 10 0 00 0 101", 7, false},
        {"all, in place of all", HEAD "11000 000000 00010 11 10 10 10 0 00 0 111", 7, false},
        {"some, and there was none", HEAD "10000 000000 00010 11 10 10 10 0 00 0", 3, true},
        {"some, in place of all", HEAD "11000 000000 00010 11 10 10 10 0 00 0 111", 3, true},
    };
    struct dd_desc d, again;
    uint8_t out[DD_LEN_MAX];
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        data = bits(rows[i].bits);
        assert_int_equal(dd_parse(data, NULL, &fresh, &d), E_OK);
        struct bytes w = dd_write(data, &d, &(struct dd_edit){.masks = true, .mask = rows[i].mask}, out);
        assert_int_equal(dd_parse(w, NULL, &fresh, &again), E_OK);
        assert_true(again.has_structure);
        assert_int_equal(again.has_active, rows[i].told);
        assert_int_equal(again.active, rows[i].told ? rows[i].mask : 0);
    }
    in_force = fresh; /* without a structure all of them is news */
    data = from_hex("c00002", buf, sizeof buf);
    assert_int_equal(dd_parse(data, &in_force, &fresh, &d), E_OK);
    struct bytes w = dd_write(data, &d, &(struct dd_edit){.masks = true, .mask = 7}, out);
    assert_int_equal(dd_parse(w, &in_force, &fresh, &again), E_OK);
    assert_true(again.has_active);
    assert_int_equal(again.active, 7);
}

static void what_is_written_reads_as_it_was_meant(void **state)
{
    (void)state;
    static const char *const later[] = {"d10146401c", "100147"};
    struct dd_edit edit = {.frame_delta = 65500, .template_delta = 50, .masks = true, .mask = 0x5};
    for (size_t i = 0; i < COUNT(structures); i++) {
        struct dd_desc d, again;
        struct dd_structure before;
        uint8_t out[DD_LEN_MAX];
        assert_int_equal(parse(structures[i].hex, NULL, &d), E_OK);
        before = fresh;
        for (int masks = 0; masks < 2; masks++) {
            edit.masks = masks;
            edit.mask = 0x5 & ((1u << d.target_count) - 1);
            struct bytes w = dd_write(data, &d, &edit, out);
            assert_int_equal(dd_parse(w, NULL, &fresh, &again), E_OK);
            assert_int_equal(again.frame_number, (uint16_t)(d.frame_number + 65500));
            assert_int_equal(again.template_id, (d.template_id + 50) % 64);
            assert_int_equal(fresh.offset, (before.offset + 50) % 64);
            bool all = edit.mask == (1u << d.target_count) - 1; /* goes without saying */
            assert_int_equal(again.has_active, masks ? !all : d.has_active);
            assert_int_equal(again.active, !masks ? d.active : all ? 0 : edit.mask);
            assert_int_equal(again.dti, d.dti);
            assert_int_equal(again.fdiff_count, d.fdiff_count);
            fresh.offset = before.offset;
            assert_memory_equal(fresh.templates, before.templates, before.template_count * sizeof *before.templates);
        }
    }
    struct dd_desc d, again;
    assert_int_equal(parse(DD_L3T3, NULL, &d), E_OK);
    in_force = fresh;
    struct dd_structure moved = in_force;
    moved.offset = (moved.offset + 50) % 64;
    edit = (struct dd_edit){.frame_delta = 1, .template_delta = 50, .masks = true, .mask = 0x1b};
    for (size_t i = 0; i < COUNT(later); i++) {
        uint8_t out[DD_LEN_MAX];
        assert_int_equal(parse(later[i], &in_force, &d), E_OK);
        struct bytes w = dd_write(data, &d, &edit, out);
        assert_int_equal(dd_parse(w, &moved, &fresh, &again), E_OK);
        assert_true(again.known && again.has_active);
        assert_int_equal(again.active, 0x1b);
        assert_int_equal(again.frame_number, (uint16_t)(d.frame_number + 1));
        assert_int_equal(again.dti, d.dti);
        assert_int_equal(again.start, d.start);
        assert_int_equal(again.end, d.end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_structures_are_read),
        cmocka_unit_test(targets_tell_their_layers_and_what_they_reach),
        cmocka_unit_test(frames_are_read_by_the_structure_in_force),
        cmocka_unit_test(what_is_not_legal_is_refused),
        cmocka_unit_test(the_smallest_structure_is_legal),
        cmocka_unit_test(every_chain_is_read),
        cmocka_unit_test(what_is_needed_in_a_picture_is_told),
        cmocka_unit_test(a_mask_of_all_targets_is_left_out_beside_a_structure),
        cmocka_unit_test(what_is_written_reads_as_it_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
