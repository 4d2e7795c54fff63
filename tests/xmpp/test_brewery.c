/* What holds of one room: joining, staying, leaving, and who else sits on our nickname. Time is virtual. */
#include <stdio.h>

#include "support/hex.h"
#include "xmpp/brewery.h"

#define S UINT64_C(1000000)

static char sent[8][1024];
static size_t sent_count, event_count;
static enum brewery_event last;
static char detail[64];

static void keep(void *ctx, xmpp_stanza_t *stanza)
{
    (void)ctx;
    char *text;
    size_t len;
    assert_int_equal(xmpp_stanza_to_text(stanza, &text, &len), XMPP_EOK);
    assert_true(sent_count < COUNT(sent));
    snprintf(sent[sent_count++], sizeof sent[0], "%s", text);
    xmpp_free(xmpp_stanza_get_context(stanza), text);
}

static void note(void *ctx, struct brewery *brewery, enum brewery_event event, const char *what)
{
    (void)ctx, (void)brewery;
    event_count++;
    last = event;
    snprintf(detail, sizeof detail, "%s", what ? what : "");
}

static struct brewery *logged_in(xmpp_ctx_t *ctx, bool component)
{
    static const struct connection_stat stats[] = {{"drain", "false"}, {"region", NULL}};
    sent_count = event_count = 0;
    struct brewery *brewery = brewery_new(
        &(struct brewery_config){
            .room = "brewery@muc.d", .nickname = "n", .component = component, .send = keep, .event = note},
        ctx);
    brewery_set_stats(brewery, stats, COUNT(stats));
    brewery_on_login(brewery, "jvb@d/n", component, 0);
    return brewery;
}

static void tell(struct brewery *brewery, xmpp_ctx_t *ctx, const char *text, uint64_t now_us)
{
    xmpp_stanza_t *presence = xmpp_stanza_new_from_string(ctx, text);
    assert_non_null(presence);
    brewery_on_presence(brewery, presence, now_us);
    xmpp_stanza_release(presence);
}

#define X(inner)     "<x xmlns='http://jabber.org/protocol/muc#user'>" inner "<status code='110'/></x></presence>"
#define OWN          "<presence from='Brewery@muc.d/n'>" X("<item jid='jvb@d/n'/>")
#define OWN_AND(jid) "<presence from='brewery@muc.d/n'>" X("<item jid='jvb@d/n'/><item jid='" jid "'/>")
#define ERROR(what)                                                                                                    \
    "<presence type='error' from='brewery@muc.d/n'><error type='cancel'><" what                                        \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"

static void only_the_join_asks_for_the_room(void **state) /* colibri2 16.1 */
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, false);
    assert_int_equal(sent_count, 1);
    assert_non_null(strstr(sent[0], "http://jabber.org/protocol/muc\""));
    assert_non_null(strstr(sent[0], "name=\"drain\""));
    assert_null(strstr(sent[0], "region"));
    assert_null(strstr(sent[0], "from="));
    brewery_publish(brewery);
    assert_int_equal(sent_count, 1); /* not before we are in */
    tell(brewery, ctx, OWN, S);
    assert_int_equal(last, BREWERY_JOINED);
    brewery_publish(brewery);
    assert_int_equal(sent_count, 2);
    assert_null(strstr(sent[1], "http://jabber.org/protocol/muc\""));
    brewery_leave(brewery);
    assert_non_null(strstr(sent[2], "type=\"unavailable\""));
    assert_true(brewery_deadline_us(brewery) == UINT64_MAX);
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

static void a_new_room_is_configured(void **state) /* colibri2 16.2 */
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, false);
    tell(brewery, ctx, "<presence from='brewery@muc.d/n'>" X("<status code='201'/>"), S);
    assert_int_equal(sent_count, 2);
    assert_non_null(strstr(sent[1], "muc#roomconfig_whois\"><value>anyone</value>"));
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

static void a_component_sends_its_ghost_away_first(void **state) /* colibri2 16.14 */
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, true);
    assert_int_equal(sent_count, 2);
    assert_non_null(strstr(sent[0], "type=\"unavailable\""));
    assert_non_null(strstr(sent[1], "from=\"jvb@d/n\""));
    tell(brewery, ctx, "<presence type='unavailable' from='brewery@muc.d/n'>" X(""), S);
    assert_int_equal(event_count, 0); /* that was the ghost */
    tell(brewery, ctx, OWN, S);
    assert_true(brewery_is_joined(brewery));
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

static void refusals_and_silence_are_tried_again(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, false);
    brewery_on_time(brewery, 15 * S - 1);
    assert_int_equal(event_count, 0);
    brewery_on_time(brewery, 15 * S);
    assert_int_equal(last, BREWERY_JOIN_TIMEOUT);
    brewery_on_time(brewery, 20 * S);
    assert_int_equal(sent_count, 2);
    tell(brewery, ctx, ERROR("not-allowed"), 21 * S);
    assert_int_equal(last, BREWERY_JOIN_REFUSED);
    assert_string_equal(detail, "not-allowed");
    assert_true(brewery_deadline_us(brewery) == 26 * S);
    brewery_on_time(brewery, 26 * S);
    tell(brewery, ctx, ERROR("conflict"), 27 * S);
    assert_int_equal(last, BREWERY_NICK_CONFLICT);
    brewery_set_nickname(brewery, "other");
    brewery_on_time(brewery, 27 * S);
    assert_non_null(strstr(sent[3], "brewery@muc.d/other"));
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

static void a_room_that_lost_us_is_joined_again(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, false);
    tell(brewery, ctx, OWN, S);
    tell(brewery, ctx, "<presence type='unavailable' from='brewery@muc.d/n'>" X("<status code='307'/>"), 2 * S);
    assert_int_equal(last, BREWERY_LEFT);
    assert_string_equal(detail, "kicked");
    brewery_on_time(brewery, 7 * S);
    tell(brewery, ctx, OWN, 8 * S);
    tell(brewery, ctx, ERROR("item-not-found"), 9 * S); /* our presence was one of a stranger */
    assert_int_equal(last, BREWERY_LEFT);
    assert_true(brewery_deadline_us(brewery) == 14 * S);
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

static void an_older_session_is_a_ghost_and_a_younger_one_a_rival(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, false);
    tell(brewery, ctx, OWN_AND("jvb@d/old one"), S);
    assert_int_equal(last, BREWERY_GHOST);
    assert_string_equal(detail, "old one");
    brewery_on_logout(brewery);
    brewery_on_login(brewery, "jvb@d/n", false, 2 * S);
    tell(brewery, ctx, OWN, 3 * S);
    event_count = 0;
    tell(brewery, ctx, OWN_AND("jvb@d/young"), 4 * S);
    tell(brewery, ctx, OWN_AND("jvb@d/young"), 5 * S);
    assert_int_equal(last, BREWERY_RIVAL);
    assert_int_equal(event_count, 1);
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

static void what_concerns_others_is_ignored(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<presence from='brewery@muc.d/focus'><x xmlns='http://jabber.org/protocol/muc#user'/></presence>",
        "<presence from='other@muc.d/n'>" X(""),
        "<presence from='brewery@muc.d/n'/>",
        "<presence>" X(""),
        "<presence type='unavailable' from='brewery@muc.d/focus'/>",
        "<presence type='subscribe' from='brewery@muc.d/n'>" X(""),
    };
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct brewery *brewery = logged_in(ctx, false);
    for (size_t i = 0; i < COUNT(texts); i++)
        tell(brewery, ctx, texts[i], S);
    assert_int_equal(event_count, 0);
    assert_int_equal(sent_count, 1);
    assert_false(brewery_is_joined(brewery));
    brewery_free(brewery);
    xmpp_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_join_asks_for_the_room),
        cmocka_unit_test(a_new_room_is_configured),
        cmocka_unit_test(a_component_sends_its_ghost_away_first),
        cmocka_unit_test(refusals_and_silence_are_tried_again),
        cmocka_unit_test(a_room_that_lost_us_is_joined_again),
        cmocka_unit_test(an_older_session_is_a_ghost_and_a_younger_one_a_rival),
        cmocka_unit_test(what_concerns_others_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
