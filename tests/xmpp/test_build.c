/* What holds of the pieces we send, and of comparing addresses. */
#include "support/hex.h"
#include "xmpp/build.h"

static void addresses_compare_up_to_the_resource(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"room@muc.d", "room@muc.d", true},
        {"room@muc.d", "ROOM@muc.D/focus", true},
        {"room@muc.d/a", "room@muc.d/b", true},
        {"room@muc.d", "room@muc.d/", true},
        {"room@muc.d", "room@muc.de", false},
        {"room@muc.de", "room@muc.d/e", false},
        {"room@muc.d", "", false},
        {"room@muc.d", NULL, false},
        {NULL, NULL, false},
        {"room@muc.d", "/room@muc.d", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(build_same_bare(cases[i].a, cases[i].b), cases[i].same);
    assert_string_equal(build_resource("a@b/c/d"), "c/d");
    assert_null(build_resource("a@b"));
}

static void what_is_sent_is_escaped(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    const struct connection_stat stats[] = {{"a", "<'&\">"}, {"b", NULL}};
    xmpp_stanza_t *el = build_stats(ctx, stats, COUNT(stats));
    char *text;
    size_t len;
    assert_int_equal(xmpp_stanza_to_text(el, &text, &len), XMPP_EOK);
    xmpp_stanza_t *again = xmpp_stanza_new_from_string(ctx, text);
    assert_non_null(again);
    xmpp_stanza_t *stat = xmpp_stanza_get_children(again);
    assert_string_equal(xmpp_stanza_get_attribute(stat, "value"), "<'&\">");
    assert_null(xmpp_stanza_get_next(stat)); /* the one without a value is left out */
    xmpp_stanza_release(again);
    xmpp_free(ctx, text);
    xmpp_stanza_release(el);
    xmpp_ctx_free(ctx);
}

static void errors_have_the_type_of_their_condition(void **state) /* RFC 6120 8.3.3 */
{
    (void)state;
    static const struct {
        const char *condition, *type;
    } cases[] = {{"forbidden", "auth"},
                 {"bad-request", "modify"},
                 {"feature-not-implemented", "cancel"},
                 {"service-unavailable", "cancel"},
                 {"internal-server-error", "cancel"}};
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        xmpp_stanza_t *error = build_error(ctx, cases[i].condition, NULL);
        assert_string_equal(xmpp_stanza_get_attribute(error, "type"), cases[i].type);
        xmpp_stanza_t *child = xmpp_stanza_get_children(error);
        assert_string_equal(xmpp_stanza_get_name(child), cases[i].condition);
        assert_string_equal(xmpp_stanza_get_ns(child), XMPP_NS_STANZAS_IETF);
        assert_null(xmpp_stanza_get_next(child));
        xmpp_stanza_release(error);
    }
    xmpp_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_compare_up_to_the_resource),
        cmocka_unit_test(what_is_sent_is_escaped),
        cmocka_unit_test(errors_have_the_type_of_their_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
