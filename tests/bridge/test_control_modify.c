/* What each request does and how it is answered; numbers are those of the protocol notes' "How to verify". */
#include "support/control_world.h"
#include "support/hex.h"

#include "bridge/ufrag.h"
#include "media/dtls.h"
#include "proto/log.h"

#include <stdio.h>
#include <stdlib.h>

#define M         "meeting-id='m1'"
#define MAKE      M " name='room@conference.meet.test' create='true'"
#define SCTP      "<transport ice-controlling='true'><sctp/></transport>"
#define NAMES     "<capability name='source-names'/>"
#define NEW(id)   "<endpoint id='" id "' create='true'>" SCTP "<sources/>" NAMES "</endpoint>"
#define EXP(id)   "<endpoint id='" id "' expire='true'/>"
#define MUTE(id)  "<endpoint id='" id "'><force-mute audio='true'/></endpoint>"
#define ICE_NS    "urn:xmpp:jingle:transports:ice-udp:1"
#define ICE(more) "<transport><transport xmlns='" ICE_NS "' " more "</transport></transport>"
#define CREDS     "ufrag='Xa3b' pwd='kq3ZkU6fJc0t1H7m2vQ9Lw8d'"
#define EMPTY     "{jitsi:colibri2}conference-modified[]"

static struct world w;

static int start(void **state)
{
    (void)state;
    world_init(&w);
    world_start(&w);
    return 0;
}
static int stop(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static void is(const char *attrs, const char *inner, const char *want)
{
    char *have = world_ask_text(&w, attrs, inner);
    assert_string_equal(have, want);
    free(have);
}
static void has(const char *attrs, const char *inner, const char *want)
{
    char *have = world_ask_text(&w, attrs, inner);
    assert_non_null(have);
    if (!strstr(have, want))
        fail_msg("%s\n  lacks %s", have, want);
    free(have);
}
static void told(const char *want)
{
    assert_string_equal(world_told(&w), want);
}
static void call(void) /* a conference with two endpoints; serials 1, 2, 3 */
{
    has(MAKE, NEW("a"), "endpoint id='a'");
    has(M, NEW("b"), "endpoint id='b'");
    told("conference conf=1\nendpoint a conf=1 ep=2\nsources count=0 ssrcs=0 conf=1 ep=2\n"
         "endpoint b conf=1 ep=3\nsources count=0 ssrcs=0 conf=1 ep=3\n");
}

/* colibri2 16.6 */
static void a_create_is_answered_with_everything_the_focus_needs(void **state)
{
    (void)state;
    char *first = world_ask_text(&w, MAKE, NEW("a")), want[640];
    static const char *const parts[] = {
        "{jitsi:colibri2}endpoint id='a'[{jitsi:colibri2}transport[",
        "{jitsi:colibri2}sctp port='5000' role='server'[]",
        "rtcp-mux[]",
        "fingerprint hash='sha-256' setup='actpass'[",
        "candidate component='1' foundation='1' generation='0' id='",
        "media-source id='jvb-a0' type='audio'",
        "media-source id='jvb-v0' type='video'",
    };
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(first, parts[i]))
            fail_msg("%s\n  lacks %s", first, parts[i]);
    assert_non_null(strstr(first, dtls_identity_fingerprint(w.env.identity)));
    assert_int_equal(strlen(w.ep.local.ufrag), UFRAG_DIGITS);
    assert_int_equal(strlen(w.ep.local.pwd), 26);
    snprintf(want, sizeof want, "{" ICE_NS "}transport pwd='%s' ufrag='%s'", w.ep.local.pwd, w.ep.local.ufrag);
    assert_non_null(strstr(first, want));
    assert_true(w.ep.ice_controlling && w.ep.sctp && !w.ep.ssrc_rewriting);

    /* the second endpoint: same feedback SSRCs, other credentials */
    struct ice_credentials one = w.ep.local;
    char *second = world_ask_text(&w, M, NEW("b"));
    assert_string_equal(strstr(first, "{jitsi:colibri2}sources"), strstr(second, "{jitsi:colibri2}sources"));
    snprintf(want, sizeof want, "name='jvb-a0' ssrc='%u'", w.conf.feedback_audio_ssrc);
    assert_non_null(strstr(second, want));
    assert_string_not_equal(one.ufrag, w.ep.local.ufrag);
    assert_string_not_equal(one.pwd, w.ep.local.pwd);
    free(first);
    free(second);
}

/* colibri2 16.7 and the table of 7.7 */
static void errors_are_exactly_those_the_focus_knows(void **state)
{
    (void)state;
#define STANZAS        "{urn:ietf:params:xml:ns:xmpp-stanzas}"
#define REASON(r)      "{jitsi:colibri2}error reason='" r "'[]"
#define WITH(tr, caps) "<endpoint id='n' create='true'>" tr caps "</endpoint>"
    static const struct {
        const char *name, *attrs, *inner, *condition, *also; /* also NULL: no reason at all */
    } cases[] = {
        {"create twice", MAKE, NEW("n"), "conflict", REASON("conference_already_exists")},
        {"unknown meeting", "meeting-id='m2'", NEW("n"), "item-not-found", REASON("conference_not_found")},
        {"expire of an unknown meeting", "meeting-id='m2' expire='true'", "", "item-not-found",
         REASON("conference_not_found")},
        {"unknown endpoint", M, "<endpoint id='n'><sources/></endpoint>", "item-not-found",
         "{jitsi:colibri2}endpoint id='n'[]{jitsi:colibri2}error reason='unknown_endpoint'[]"},
        {"name is no JID", "meeting-id='m2' create='true' name='room'", "", "bad-request", NULL},
        {"name has a resource", "meeting-id='m2' create='true' name='room@a/b'", "", "bad-request", NULL},
        {"both endpoint and relay", M, EXP("n") "<relay id='r' expire='true'/>", "feature-not-implemented",
         REASON("feature_not_implemented")},
        {"two creates", M, NEW("n") NEW("o"), "feature-not-implemented", REASON("feature_not_implemented")},
        {"a source update in a batch", M, MUTE("a") "<endpoint id='b'><sources/></endpoint>", "feature-not-implemented",
         REASON("feature_not_implemented")},
        {"two relays", M, "<relay id='r' expire='true'/><relay id='s' expire='true'/>", "feature-not-implemented",
         REASON("feature_not_implemented")},
        {"a relay", M, "<relay id='r' create='true'/>", "feature-not-implemented", NULL},
        {"endpoint exists", M, NEW("a"), "conflict", NULL},
        {"no transport", M, WITH("", NAMES), "bad-request", NULL},
        {"no source names", M, WITH(SCTP, "<capability name='ssrc-rewriting'/>"), "bad-request", NULL},
        {"SCTP client", M, WITH("<transport><sctp role='client'/></transport>", NAMES), "feature-not-implemented",
         NULL},
        {"another SCTP port", M, WITH("<transport><sctp port='5001'/></transport>", NAMES), "bad-request", NULL},
        {"visitor with sources", M,
         "<endpoint id='n' create='true' muc-role='visitor'>" SCTP NAMES
         "<sources><media-source type='audio' id='n-a0'/></sources></endpoint>",
         "bad-request", NULL},
        /* colibri2 16.12, second half; better than silence */
        {"no meeting-id", "create='true'", "", "bad-request", NULL},
        {"empty meeting-id", "meeting-id='' create='true'", "", "bad-request", NULL},
        {"endpoint without id", M, "<endpoint create='true'/>", "bad-request", NULL},
        {"media without type", M, "<endpoint id='a'><media/></endpoint>", "bad-request", NULL},
        {"initial-last-n without value", M, "<endpoint id='a'><initial-last-n/></endpoint>", "bad-request", NULL},
    };
    call();
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        char want[128];
        char *have = world_ask_text(&w, cases[i].attrs, cases[i].inner);
        snprintf(want, sizeof want, STANZAS "%s[]", cases[i].condition);
        assert_non_null(strstr(have, "}error type='"));
        assert_non_null(strstr(have, want));
        assert_true(cases[i].also ? strstr(have, cases[i].also) != NULL : strstr(have, "reason=") == NULL);
        assert_null(strstr(have, "m1")); /* names stay out of texts */
        free(have);
        told(""); /* validated before anything is applied */
    }
    struct control_stats stats;
    control_stats(w.control, &stats);
    assert_int_equal(stats.errors, COUNT(cases));
    assert_int_equal(stats.requests, COUNT(cases) + 2);
}

static void an_iq_without_a_request_is_answered_too(void **state)
{
    (void)state;
    static const char *const texts[] = {"<iq/>", "<iq><conference-modify/></iq>", "<iq>text</iq>",
                                        "<iq><conference-modify xmlns='jitsi:colibri1' meeting-id='m'/></iq>"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        xmpp_stanza_t *iq = xml_parse(texts[i]), *answer = control_on_iq(w.control, w.now_us, iq);
        char *have = xml_canonical(answer);
        assert_non_null(strstr(have, STANZAS "bad-request[]"));
        free(have);
        xmpp_stanza_release(answer);
        xmpp_stanza_release(iq);
    }
}

/* colibri2 16.7, last part; 7.4 step 4 */
static void unknown_ids_in_a_batch_are_successes(void **state)
{
    (void)state;
    call();
    is(M, EXP("x") EXP("a") EXP("a"),
       "{jitsi:colibri2}conference-modified[{jitsi:colibri2}endpoint expire='true' id='a'[]"
       "{jitsi:colibri2}endpoint expire='true' id='a'[]{jitsi:colibri2}endpoint expire='true' id='x'[]]");
    told("expire conf=1 ep=2\n");
    is(M, MUTE("b") MUTE("x"),
       "{jitsi:colibri2}conference-modified[{jitsi:colibri2}endpoint id='b'[]{jitsi:colibri2}endpoint id='x'[]]");
    told("mute audio=1 video=0 conf=1 ep=3\n");
    is(M, "<relay id='r' expire='true'/>",
       "{jitsi:colibri2}conference-modified[{jitsi:colibri2}relay expire='true' id='r'[]]");
}

/* colibri2 16.8 */
static void the_last_endpoint_takes_the_conference_with_it(void **state)
{
    (void)state;
    call();
    is(M, EXP("a") EXP("b"),
       "{jitsi:colibri2}conference-modified[{jitsi:colibri2}endpoint expire='true' id='a'[]"
       "{jitsi:colibri2}endpoint expire='true' id='b'[]]");
    told("expire conf=1 ep=2\nexpire conf=1 ep=3\nexpire conf=1\n");
    has(M, MUTE("a"), REASON("conference_not_found"));
}

static void expire_and_create_back_to_back_never_conflict(void **state) /* colibri2 16.8, 15.11 */
{
    (void)state;
    call();
    uint32_t last = w.at.ep;
    for (int i = 0; i < 1000; i++) {
        is(M " expire='true'", "", EMPTY);
        has(MAKE, NEW("a"), "setup='actpass'");
        has(M, EXP("a"), "expire='true'");
        has(MAKE, NEW("a"), "setup='actpass'");
        assert_true(w.at.ep > last); /* a new object each time, though the id is the same */
        last = w.at.ep;
        world_told(&w);
    }
    struct control_stats stats;
    control_stats(w.control, &stats);
    assert_int_equal(stats.conferences, 1);
    assert_int_equal(stats.endpoints, 1);
    assert_int_equal(stats.errors, 0);
    assert_int_equal(stats.conferences_created, 2001);
    assert_int_equal(stats.conferences_completed, 2000);
}

static void the_same_endpoint_id_lives_again_in_the_same_conference(void **state)
{
    (void)state;
    call();
    has(M, EXP("a"), "expire='true'");
    has(M, NEW("a"), "setup='actpass'");
    told("expire conf=1 ep=2\nendpoint a conf=1 ep=4\nsources count=0 ssrcs=0 conf=1 ep=4\n");
    control_on_endpoint_gone(w.control, w.now_us, 1, 2); /* a late report about the first life */
    has(M, "<endpoint id='a'><sources/></endpoint>", "endpoint id='a'[]");
    told("sources count=0 ssrcs=0 conf=1 ep=4\n");
}

/* colibri2 16.9: the half that is signalling */
static void force_mute_gives_both_flags_each_time(void **state)
{
    (void)state;
    call();
    is(M, "<endpoint id='a'><force-mute audio='true'/></endpoint><endpoint id='b'><force-mute/></endpoint>",
       "{jitsi:colibri2}conference-modified[{jitsi:colibri2}endpoint id='a'[]{jitsi:colibri2}endpoint id='b'[]]");
    told("mute audio=1 video=0 conf=1 ep=2\nmute audio=0 video=0 conf=1 ep=3\n");
    has(M, "<endpoint id='a'/>", "endpoint id='a'[]"); /* absent changes nothing */
    told("");
}

/* colibri2 16.10: the half that is signalling */
static void sources_are_the_full_set_each_time(void **state)
{
    (void)state;
#define AUDIO(ssrc)                                                                                                    \
    "<media-source type='audio' id='a-a0'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='" ssrc                 \
    "' name='a-a0'/></media-source>"
    call();
    has(M, "<endpoint id='a'><sources>" AUDIO("5") AUDIO("6") "</sources></endpoint>", "id='a'[]");
    told("sources count=2 ssrcs=2 conf=1 ep=2\n");
    has(M, "<endpoint id='a'><sources>" AUDIO("6") "</sources></endpoint>", "id='a'[]");
    told("sources count=1 ssrcs=1 conf=1 ep=2\n");
    assert_int_equal(w.sources->ssrcs[0].ssrc, 6);
    has(M, "<endpoint id='a'><sources/></endpoint>", "id='a'[]");
    told("sources count=0 ssrcs=0 conf=1 ep=2\n");
}

/* colibri2 16.11: the half that is signalling */
static void credentials_without_candidates_are_passed_on(void **state)
{
    (void)state;
    call();
    has(M,
        "<endpoint id='a'>" ICE(CREDS "><fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='active'>"
                                      "AB:CD</fingerprint>") "<initial-last-n value='20'/></endpoint>",
        "endpoint id='a'[]");
    told("last-n 20 conf=1 ep=2\ntransport ufrag=Xa3b candidates=0 conf=1 ep=2\n");
    assert_true(w.transport.has_credentials);
    assert_int_equal(w.transport.setup, JINGLE_ACTIVE);
    assert_int_equal(w.transport.fingerprint_count, 1);
}

/* colibri2 16.12 */
static void order_and_unknown_pieces_do_not_matter(void **state)
{
    (void)state;
#define AUDIO_MEDIA                                                                                                    \
    "<media type='audio'><payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='111' name='opus'/></media>"
#define VIDEO_MEDIA "<media type='video'><payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='100' name='VP8'/></media>"
    static const char *const variants[] = {
        "<endpoint id='n' create='true'>" AUDIO_MEDIA VIDEO_MEDIA SCTP NAMES "<sources/></endpoint>",
        "<endpoint create='TRUE' id='n'><sources/>" NAMES SCTP VIDEO_MEDIA AUDIO_MEDIA "</endpoint>",
        "<unknown xmlns='x'><endpoint id='q'/></unknown><endpoint odd='1' id='n' create='true'>text<sources/>"
        "<capability name='time-travel'/>" NAMES VIDEO_MEDIA SCTP "<transport xmlns='other'/>" AUDIO_MEDIA
        "</endpoint><connects><connect id='transcriber' url='wss://x/' create='true'/></connects>",
    };
    has(MAKE, "", "jvb-a0");
    for (size_t i = 0; i < COUNT(variants); i++) {
        has(M, variants[i], "{jitsi:colibri2}sctp port='5000' role='server'[]");
        assert_true(w.ep.media.accepts_audio && w.ep.media.accepts_video && w.ep.sctp);
        assert_int_equal(w.ep.media.payload_count, 2);
        has(M, EXP("n"), "expire='true'");
        has(MAKE, "", "jvb-a0");
    }
}

/* colibri2 16.15: the half that is signalling */
static void in_graceful_shutdown_conferences_live_on_but_none_is_made(void **state)
{
    (void)state;
    call();
    control_refuse_conferences(w.control);
    has("meeting-id='m2' create='true'", "", STANZAS "service-unavailable[]");
    has("meeting-id='m2' create='true'", "", REASON("graceful_shutdown"));
    has(M, NEW("c"), "endpoint id='c'");
}

/* colibri2 16.16: the half that is signalling; transport 8.1 */
static void ice_restart(void **state)
{
    (void)state;
#define RESTART   "<endpoint id='a'><transport ice-restart='true'/></endpoint>"
#define ANSWER(g) "<endpoint id='a'>" ICE(CREDS " ice-generation='" g "'>") "</endpoint>"
    char want[640];
    has(MAKE, NEW("a"), "endpoint id='a'");
    struct ice_credentials first = w.ep.local;
    world_told(&w);
    snprintf(want, sizeof want, "transport pwd='%s' ufrag='%s'[", first.pwd, first.ufrag); /* without a generation */
    has(M, RESTART, want);
    told("");

    control_on_ice_connected(w.control, 1, 2);
    control_on_dtls_role(w.control, 1, 2, true);
    has(M, RESTART, "ice-generation='1'");
    told("restart generation=1 conf=1 ep=2\n");
    struct ice_credentials second = w.restart;
    assert_string_not_equal(first.ufrag, second.ufrag);
    snprintf(want, sizeof want, "transport ice-generation='1' pwd='%s' ufrag='%s'[", second.pwd, second.ufrag);
    has(M, RESTART, want); /* again, before the client has answered: the same */
    has(M, RESTART, "setup='passive'");
    told("");

    has(M, ANSWER("2"), "id='a'[]"); /* stale or invented: ignored */
    told("");
    has(M, ANSWER("1"), "id='a'[]");
    told("transport ufrag=Xa3b candidates=0 conf=1 ep=2\n");
    assert_int_equal(w.transport.ice_generation, 1);
    has(M, ANSWER("1"), "id='a'[]"); /* once */
    told("");

    has(M, RESTART, "ice-generation='2'"); /* its checks have begun: superseded */
    told("restart generation=2 conf=1 ep=2\n");
    control_on_ice_restarted(w.control, 1, 2, 1, true); /* a late report about the first round */
    has(M, RESTART, "ice-generation='2'");
    control_on_ice_restarted(w.control, 1, 2, 2, false); /* no success: the old pair stays */
    has(M, ANSWER("2"), "id='a'[]");
    told("");
    has(M, RESTART, "ice-generation='3'"); /* never a number twice */
    control_on_ice_restarted(w.control, 1, 2, 3, true);
}

/* transport 11.2: what a client was told holds as long as its transport */
static void a_renewed_certificate_is_for_endpoints_to_come(void **state)
{
    (void)state;
    struct dtls_identity *first = w.env.identity, *second = dtls_identity_new(1700086400);
    has(MAKE, NEW("a"), dtls_identity_fingerprint(first));
    assert_ptr_equal(w.ep.identity, first);

    control_set_identity(w.control, second);
    control_on_ice_connected(w.control, 1, 2);
    has(M, RESTART, dtls_identity_fingerprint(first)); /* in mid-call: as before */
    has(M, NEW("b"), dtls_identity_fingerprint(second));
    assert_ptr_equal(w.ep.identity, second);

    world_told(&w);
    has(M, "<endpoint id='a' expire='true'/>", "");
    has(M, NEW("a"), dtls_identity_fingerprint(second)); /* the same name, a new transport */
    assert_ptr_equal(w.ep.identity, second);
    dtls_identity_unref(second);
}

static void a_restart_can_be_refused_or_unsupported(void **state) /* transport 8.1 step 3 */
{
    (void)state;
    for (int supported = 0; supported <= 1; supported++) {
        struct world other;
        world_init(&other);
        if (supported)
            other.env.ice_restart_enabled = false;
        else
            other.ops.endpoint_ice_restart = NULL;
        world_start(&other);
        free(world_ask_text(&other, MAKE, NEW("a")));
        control_on_ice_connected(other.control, 1, 2);
        char *have = world_ask_text(&other, M, RESTART);
        if (supported)
            assert_string_equal(have, "{jitsi:colibri2}conference-modified[{jitsi:colibri2}endpoint id='a'[]]");
        else
            assert_non_null(strstr(have, other.ep.local.ufrag));
        assert_null(strstr(have, "ice-generation"));
        free(have);
        world_done(&other);
    }
}

static void sctp_is_refused_when_switched_off(void **state)
{
    (void)state;
    struct world other;
    world_init(&other);
    other.env.sctp_enabled = false;
    world_start(&other);
    char *have = world_ask_text(&other, MAKE, NEW("a"));
    assert_non_null(strstr(have, STANZAS "feature-not-implemented[]"));
    free(have);
    have = world_ask_text(&other, M, "<endpoint id='a' create='true'><transport/>" NAMES "</endpoint>");
    assert_non_null(strstr(have, "ufrag=")); /* the conference is there although its first endpoint was refused */
    assert_null(strstr(have, "sctp"));
    free(have);
    world_done(&other);
}

static void private_candidates_are_shown_to_those_who_may_see_them(void **state) /* transport 2.4 */
{
    (void)state;
    static struct jingle_candidate list[2] = {{.type = JINGLE_HOST, .foundation = "1", .priority = 2},
                                              {.type = JINGLE_SRFLX, .foundation = "2", .priority = 1}};
    struct world other;
    world_init(&other);
    addr_parse("10.0.0.5", 10000, &list[0].addr);
    addr_parse("203.0.113.7", 10000, &list[1].addr);
    list[1].related = list[0].addr;
    other.env.candidates = list;
    other.env.candidate_count = 2;
    other.env.advertise_private = false;
    world_start(&other);
    char *have = world_ask_text(&other, MAKE, NEW("a"));
    assert_null(strstr(have, "10.0.0.5"));
    assert_non_null(strstr(have, "rel-addr='0.0.0.0' rel-port='9'"));
    free(have);
    have = world_ask_text(&other, M,
                          "<endpoint id='b' create='true'><transport/>" NAMES
                          "<capability name='private-address-connectivity'/></endpoint>");
    assert_non_null(strstr(have, "ip='10.0.0.5'"));
    assert_non_null(strstr(have, "rel-addr='10.0.0.5' rel-port='10000'"));
    free(have);
    world_done(&other);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        T(a_create_is_answered_with_everything_the_focus_needs),
        T(errors_are_exactly_those_the_focus_knows),
        T(an_iq_without_a_request_is_answered_too),
        T(unknown_ids_in_a_batch_are_successes),
        T(the_last_endpoint_takes_the_conference_with_it),
        T(expire_and_create_back_to_back_never_conflict),
        T(the_same_endpoint_id_lives_again_in_the_same_conference),
        T(force_mute_gives_both_flags_each_time),
        T(sources_are_the_full_set_each_time),
        T(credentials_without_candidates_are_passed_on),
        T(order_and_unknown_pieces_do_not_matter),
        T(in_graceful_shutdown_conferences_live_on_but_none_is_made),
        T(ice_restart),
        T(a_renewed_certificate_is_for_endpoints_to_come),
        T(a_restart_can_be_refused_or_unsupported),
        T(sctp_is_refused_when_switched_off),
        T(private_candidates_are_shown_to_those_who_may_see_them),
    };
    log_set_level(LOG_WARN_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
