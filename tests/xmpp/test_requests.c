/* What holds of requests: who may ask what, which answer each gets, in order, each exactly once. */
#include <stdio.h>

#include "support/hex.h"
#include "xmpp/requests.h"

static char sent[16][2048];
static size_t sent_count;
static struct request *held[8];
static size_t held_count;
static const char *problem;

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

static void hold(void *ctx, struct request *request, xmpp_stanza_t *iq)
{
    (void)ctx;
    assert_string_equal(xmpp_stanza_get_name(iq), "iq");
    held[held_count++] = request;
}

static const char *health(void *ctx)
{
    (void)ctx;
    return problem;
}

static struct requests *fresh(void)
{
    static const char *const rooms[] = {"JvbBrewery@internal.auth.d", "second@internal.auth.d"};
    static const struct connection_handler handler = {.on_conference_modify = hold, .on_health = health};
    sent_count = held_count = 0;
    problem = NULL;
    return requests_new(&(struct requests_config){.rooms = rooms, .room_count = 2, .version = "1.2.3", .send = keep},
                        &handler);
}

static void ask(struct requests *requests, xmpp_ctx_t *ctx, const char *text, uint64_t now_us)
{
    xmpp_stanza_t *iq = xmpp_stanza_new_from_string(ctx, text);
    assert_non_null(iq);
    requests_on_iq(requests, iq, now_us);
    xmpp_stanza_release(iq);
}

#define IN      "<iq from='jvbbrewery@internal.auth.d/focus' to='jvb@auth.d/r' id='aZ+/=' "
#define OUT     "<iq from='stranger@auth.d/x' to='jvb@auth.d/r' id='aZ+/=' "
#define HEALTH  "<healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/></iq>"
#define MODIFY  "<conference-modify xmlns='jitsi:colibri2'/></iq>"
#define COLIBRI "xmlns='http://jitsi.org/protocol/colibri'/></iq>"

/* colibri2 16.3, 16.4, 16.5. `part` must be in the one answer; NULL: there must be none. */
static const struct {
    const char *name, *iq, *part;
} cases[] = {
    {"health, get", IN "type='get'>" HEALTH, "type=\"result\""},
    {"health, set", IN "type='set'>" HEALTH, "type=\"result\""},
    {"health, other room", "<iq from='SECOND@internal.auth.d/f' id='1' type='get'>" HEALTH, "type=\"result\""},
    {"version", IN "type='get'><query xmlns='jabber:iq:version'/></iq>", "<version>1.2.3</version>"},
    {"ping", OUT "type='get'><ping xmlns='urn:xmpp:ping'/></iq>", "type=\"result\""},
    {"disco", OUT "type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", "urn:xmpp:ping"},
    {"disco items", OUT "type='get'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", "type=\"result\""},
    {"blanks around", IN "type='get'>  " HEALTH, "type=\"result\""},
    {"health, stranger", OUT "type='get'>" HEALTH, "<forbidden"},
    {"health, nobody", "<iq id='1' type='get'>" HEALTH, "<forbidden"},
    {"health, longer room", "<iq from='jvbbrewery@internal.auth.dd/f' id='1' type='get'>" HEALTH, "<forbidden"},
    {"health, shorter room", "<iq from='jvbbrewery@internal.auth./f' id='1' type='get'>" HEALTH, "<forbidden"},
    {"modify, stranger", OUT "type='get'>" MODIFY, "<forbidden"},
    {"version, stranger", OUT "type='get'><query xmlns='jabber:iq:version'/></iq>", "<forbidden"},
    {"shutdown, stranger", OUT "type='set'><force-shutdown " COLIBRI, "<forbidden"},
    {"force-shutdown", IN "type='set'><force-shutdown " COLIBRI, "Unsupported IQ request force-shutdown"},
    {"graceful-shutdown", IN "type='set'><graceful-shutdown " COLIBRI, "<service-unavailable"},
    {"colibri 1", IN "type='get'><conference " COLIBRI, "<feature-not-implemented"},
    {"colibri stats", IN "type='get'><stats " COLIBRI, "<feature-not-implemented"},
    {"other namespace", IN "type='get'><healthcheck xmlns='x'/></iq>", "<feature-not-implemented"},
    {"no namespace", IN "type='get'><healthcheck/></iq>", "<feature-not-implemented"},
    {"unknown node", IN "type='get'><query node='n' xmlns='http://jabber.org/protocol/disco#info'/></iq>",
     "<item-not-found"},
    {"empty", IN "type='get'/>", "<bad-request"},
    {"text only", IN "type='get'>x</iq>", "<bad-request"},
    {"no id", "<iq from='jvbbrewery@internal.auth.d/f' type='get'>" HEALTH, "<bad-request"},
    {"a result", IN "type='result'>" HEALTH, NULL},
    {"an error", IN "type='error'>" HEALTH, NULL},
    {"no type", IN ">" HEALTH, NULL},
    {"odd type", IN "type='put'>" HEALTH, NULL},
};

static void each_request_has_its_answer(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        struct requests *requests = fresh();
        ask(requests, ctx, cases[i].iq, 0);
        assert_int_equal(sent_count, cases[i].part ? 1 : 0);
        if (cases[i].part)
            assert_non_null(strstr(sent[0], cases[i].part));
        requests_free(requests);
    }
    xmpp_ctx_free(ctx);
}

static void the_envelope_turns_addresses_around_and_keeps_the_id(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct requests *requests = fresh();
    problem = "no address";
    ask(requests, ctx, IN "type='get'>" HEALTH, 0);
    assert_non_null(strstr(sent[0], "id=\"aZ+/=\""));
    assert_non_null(strstr(sent[0], "to=\"jvbbrewery@internal.auth.d/focus\""));
    assert_non_null(strstr(sent[0], "from=\"jvb@auth.d/r\""));
    assert_non_null(strstr(sent[0], "<internal-server-error"));
    assert_non_null(strstr(sent[0], ">no address</text>"));
    requests_free(requests);
    xmpp_ctx_free(ctx);
}

static xmpp_stanza_t *named(xmpp_ctx_t *ctx, const char *name)
{
    xmpp_stanza_t *el = xmpp_stanza_new(ctx);
    xmpp_stanza_set_name(el, name);
    return el;
}

static void answers_leave_in_the_order_of_the_requests(void **state) /* colibri2 16.8 */
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct requests *requests = fresh();
    for (int i = 0; i < 3; i++)
        ask(requests, ctx, IN "type='get'>" MODIFY, 0);
    assert_int_equal(held_count, 3);
    request_answer(held[2], named(ctx, "third"));
    request_answer(held[1], named(ctx, "error"));
    assert_int_equal(sent_count, 0);
    request_answer(held[0], named(ctx, "first"));
    assert_int_equal(sent_count, 3);
    assert_non_null(strstr(sent[0], "<first"));
    assert_non_null(strstr(sent[1], "type=\"error\""));
    assert_non_null(strstr(sent[2], "<third"));
    requests_free(requests);
    xmpp_ctx_free(ctx);
}

static void one_that_waits_too_long_is_answered_once(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct requests *requests = fresh();
    assert_true(requests_deadline_us(requests) == UINT64_MAX);
    ask(requests, ctx, IN "type='get'>" MODIFY, 5);
    ask(requests, ctx, IN "type='get'>" MODIFY, 6);
    request_answer(held[1], named(ctx, "second"));
    assert_true(requests_deadline_us(requests) == 5 + REQUESTS_ANSWER_US);
    requests_on_time(requests, 4 + REQUESTS_ANSWER_US);
    assert_int_equal(sent_count, 0);
    requests_on_time(requests, 5 + REQUESTS_ANSWER_US);
    assert_int_equal(sent_count, 2);
    assert_non_null(strstr(sent[0], "<internal-server-error"));
    assert_non_null(strstr(sent[1], "<second"));
    request_answer(held[0], named(ctx, "late"));
    assert_int_equal(sent_count, 2);
    requests_free(requests);
    xmpp_ctx_free(ctx);
}

static void a_lost_stream_answers_nobody(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    struct requests *requests = fresh();
    ask(requests, ctx, IN "type='get'>" MODIFY, 0);
    ask(requests, ctx, IN "type='get'>" MODIFY, 0);
    request_answer(held[1], named(ctx, "held-back"));
    requests_forget(requests);
    assert_true(requests_deadline_us(requests) == UINT64_MAX);
    request_answer(held[0], named(ctx, "late"));
    assert_int_equal(sent_count, 0);
    ask(requests, ctx, IN "type='get'>" MODIFY, 0); /* its token is freed with the rest */
    requests_free(requests);
    xmpp_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_answer),
        cmocka_unit_test(the_envelope_turns_addresses_around_and_keeps_the_id),
        cmocka_unit_test(answers_leave_in_the_order_of_the_requests),
        cmocka_unit_test(one_that_waits_too_long_is_answered_once),
        cmocka_unit_test(a_lost_stream_answers_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
