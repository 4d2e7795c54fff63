/* Elements by name and namespace, attributes as the types they should be. */
#include "support/hex.h"
#include "support/xml.h"

#include <stdlib.h>

#include "proto/stanza.h"

static void children_are_found_by_name_and_namespace(void **state)
{
    (void)state;
    xmpp_stanza_t *el = xml_parse("<a xmlns='x'>text<b/><c/><b xmlns='y'/><d><b/></d><b n='2'/></a>");
    assert_int_equal(stanza_count(el, "b", "x"), 2);
    assert_int_equal(stanza_count(el, "b", "y"), 1);
    assert_int_equal(stanza_count(el, "b", "z"), 0);
    xmpp_stanza_t *first = stanza_first(el, "b", "x"), *second = stanza_next(first, "b", "x");
    assert_null(stanza_attr(first, "n"));
    assert_string_equal(stanza_attr(second, "n"), "2");
    assert_null(stanza_next(second, "b", "x"));
    xmpp_stanza_release(el);
}

static void numbers_are_digits_that_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool u32, i32;
        uint32_t u;
        int32_t i;
    } cases[] = {
        {"0", true, true, 0, 0},
        {"-1", false, true, 0, -1},
        {"4294967295", true, false, UINT32_MAX, 0},
        {"4294967296", false, false, 0, 0},
        {"2147483647", true, true, INT32_MAX, INT32_MAX},
        {"-2147483648", false, true, 0, INT32_MIN},
        {"-2147483649", false, false, 0, 0},
        {"99999999999999999999999999", false, false, 0, 0},
        {"", false, false, 0, 0},
        {"-", false, false, 0, 0},
        {"--1", false, false, 0, 0},
        {" 1", false, false, 0, 0},
        {"1 ", false, false, 0, 0},
        {"+1", false, false, 0, 0},
        {"0x10", false, false, 0, 0},
        {"1.5", false, false, 0, 0},
    };
    xmpp_stanza_t *el = xml_parse("<a xmlns='x'/>");
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  \"%s\"\n", cases[i].text);
        uint32_t u = 7;
        int32_t s = 7;
        xmpp_stanza_set_attribute(el, "n", cases[i].text);
        assert_int_equal(stanza_attr_u32(el, "n", &u), cases[i].u32);
        assert_int_equal(u, cases[i].u32 ? cases[i].u : 7);
        assert_int_equal(stanza_attr_i32(el, "n", &s), cases[i].i32);
        assert_int_equal(s, cases[i].i32 ? cases[i].i : 7);
    }
    uint32_t u = 7;
    assert_false(stanza_attr_u32(el, "absent", &u));
    xmpp_stanza_release(el);
}

static void only_true_is_true(void **state)
{
    (void)state;
    xmpp_stanza_t *el = xml_parse("<a xmlns='x' t='true' u='TrUe' one='1' yes='yes' f='false' e=''/>");
    assert_true(stanza_attr_bool(el, "t", false));
    assert_true(stanza_attr_bool(el, "u", false));
    assert_false(stanza_attr_bool(el, "one", true));
    assert_false(stanza_attr_bool(el, "yes", true));
    assert_false(stanza_attr_bool(el, "f", true));
    assert_false(stanza_attr_bool(el, "e", true));
    assert_true(stanza_attr_bool(el, "absent", true));
    assert_false(stanza_attr_bool(el, "absent", false));
    xmpp_stanza_release(el);
}

static void what_is_kept_is_bounded_and_printable(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    xmpp_stanza_t *el = xml_parse("<a xmlns='x' id='abc' empty='' lines='a&#10;b&#9;c'/>");
    assert_string_equal(stanza_keep(el, "id", 3, &arena), "abc");
    assert_null(stanza_keep(el, "id", 2, &arena));
    assert_null(stanza_keep(el, "empty", 3, &arena));
    assert_null(stanza_keep(el, "absent", 3, &arena));
    assert_string_equal(stanza_keep(el, "lines", 9, &arena), "a b c");
    xmpp_stanza_release(el);
    arena_done(&arena);
}

static void what_is_built_reads_as_meant(void **state)
{
    (void)state;
    xmpp_stanza_t *el = stanza_new(xml_ctx(), "a", "x");
    stanza_set(el, "n", "<&'\">");
    stanza_set(el, "none", NULL);
    stanza_set_u32(el, "u", UINT32_MAX);
    stanza_set_i32(el, "i", -1);
    stanza_set_true(el, "yes", true);
    stanza_set_true(el, "no", false);
    stanza_add_text(stanza_add_new(el, "b", "y"), "t");
    char *have = xml_canonical(el),
         *want = xml_canonical_text("<a xmlns='x' n='&lt;&amp;&apos;&quot;&gt;' u='4294967295' i='-1' yes='true'>"
                                    "<b xmlns='y'>t</b></a>");
    assert_string_equal(have, want);
    free(have);
    free(want);
    xmpp_stanza_release(el);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_are_found_by_name_and_namespace),
        cmocka_unit_test(numbers_are_digits_that_fit),
        cmocka_unit_test(only_true_is_true),
        cmocka_unit_test(what_is_kept_is_bounded_and_printable),
        cmocka_unit_test(what_is_built_reads_as_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
