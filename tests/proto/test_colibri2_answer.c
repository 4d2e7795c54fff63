/* Answers, letter by letter as the focus's parser wants them (colibri2 7.5, 7.7). */
#include "support/hex.h"
#include "support/xml.h"

#include <stdlib.h>

#include "proto/colibri2.h"

static void writes(struct colibri2_answer *answer, const char *want_xml)
{
    xmpp_stanza_t *el = colibri2_answer_write(answer, xml_ctx());
    char *have = xml_canonical(el), *want = xml_canonical_text(want_xml);
    assert_string_equal(have, want);
    free(have);
    free(want);
    xmpp_stanza_release(el);
    colibri2_answer_done(answer);
}

static void an_empty_answer_is_still_a_conference_modified(void **state)
{
    (void)state;
    struct colibri2_answer answer;
    colibri2_answer_init(&answer);
    assert_false(colibri2_answer_is_error(&answer));
    writes(&answer, "<conference-modified xmlns='jitsi:colibri2'/>");
}

static void a_full_answer(void **state)
{
    (void)state;
    struct colibri2_answer answer;
    colibri2_answer_init(&answer);
    struct colibri2_answer_part *part = colibri2_answer_add(&answer, "a");
    part->has_transport = part->sctp = true;
    part->ice = (struct jingle_transport){.ufrag = "u", .pwd = "p", .rtcp_mux = true};
    colibri2_answer_add(&answer, "b")->expire = true;
    part = colibri2_answer_add(&answer, "r");
    part->relay = part->has_transport = part->sctp = true;
    part->sctp_role = COLIBRI2_SCTP_CLIENT;
    answer.has_feedback = true;
    answer.feedback_audio_ssrc = 411312308;
    answer.feedback_video_ssrc = 3929652146;
    writes(&answer,
           "<conference-modified xmlns='jitsi:colibri2'><endpoint id='a'><transport>"
           "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'><rtcp-mux/></transport>"
           "<sctp port='5000' role='server'/></transport></endpoint><endpoint id='b' expire='true'/>"
           "<relay id='r'><transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>"
           "<sctp port='5000' role='client'/></transport></relay><sources>"
           "<media-source type='audio' id='jvb-a0'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='411312308' "
           "name='jvb-a0'/></media-source><media-source type='video' id='jvb-v0'>"
           "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='3929652146' name='jvb-v0'/></media-source></sources>"
           "</conference-modified>");
}

static void every_error_in_its_letters(void **state)
{
    (void)state;
#define STANZAS               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
#define ERR(type, cond, more) "<error xmlns='jabber:server' type='" type "'><" cond " " STANZAS "/>" more "</error>"
#define REASON(r)             "<error xmlns='jitsi:colibri2' reason='" r "'/>"
    static const struct {
        enum colibri2_condition condition;
        enum colibri2_reason reason;
        const char *want;
    } cases[] = {
        {COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, ERR("modify", "bad-request", "")},
        {COLIBRI2_BAD_REQUEST, COLIBRI2_UNSPECIFIED, ERR("modify", "bad-request", REASON("unspecified"))},
        {COLIBRI2_CONFLICT, COLIBRI2_CONFERENCE_ALREADY_EXISTS,
         ERR("cancel", "conflict", REASON("conference_already_exists"))},
        {COLIBRI2_FEATURE_NOT_IMPLEMENTED, COLIBRI2_FEATURE_NOT_IMPLEMENTED_REASON,
         ERR("cancel", "feature-not-implemented", REASON("feature_not_implemented"))},
        {COLIBRI2_FORBIDDEN, COLIBRI2_NO_REASON, ERR("auth", "forbidden", "")},
        {COLIBRI2_INTERNAL_SERVER_ERROR, COLIBRI2_NO_REASON, ERR("cancel", "internal-server-error", "")},
        {COLIBRI2_ITEM_NOT_FOUND, COLIBRI2_CONFERENCE_NOT_FOUND,
         ERR("cancel", "item-not-found", REASON("conference_not_found"))},
        {COLIBRI2_SERVICE_UNAVAILABLE, COLIBRI2_GRACEFUL_SHUTDOWN,
         ERR("cancel", "service-unavailable", REASON("graceful_shutdown"))},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct colibri2_answer answer;
        colibri2_answer_init(&answer);
        colibri2_answer_add(&answer, "dropped");
        colibri2_answer_error(&answer, cases[i].condition, cases[i].reason, NULL);
        assert_true(colibri2_answer_is_error(&answer));
        writes(&answer, cases[i].want);
    }
    struct colibri2_answer answer;
    colibri2_answer_init(&answer);
    colibri2_answer_error(&answer, COLIBRI2_ITEM_NOT_FOUND, COLIBRI2_UNKNOWN_ENDPOINT, "Endpoint not found");
    answer.unknown_endpoint = "a1b2c3d4";
    writes(&answer, ERR("cancel", "item-not-found",
                        "<text " STANZAS " xml:lang='en'>Endpoint not found</text>" REASON(
                            "unknown_endpoint") "<endpoint xmlns='jitsi:colibri2' id='a1b2c3d4'/>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_answer_is_still_a_conference_modified),
        cmocka_unit_test(a_full_answer),
        cmocka_unit_test(every_error_in_its_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
