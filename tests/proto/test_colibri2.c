/* Requests: what is read is written back the same; what is not legal is refused with the place named; what a client may
 * have caused is left out instead. */
#include "support/hex.h"
#include "support/xml.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/colibri2.h"

#define C(attrs, inner)                                                                                                \
    "<conference-modify xmlns='jitsi:colibri2' meeting-id='m' " attrs ">" inner "</conference-modify>"

static void what_is_read_is_written_back_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        C("", ""),
        C("name='r@c' rtcstats-enabled='false' create='true' expire='true'", ""),
        C("", "<endpoint id='a' expire='true'/><endpoint id='b'><force-mute/></endpoint>"
              "<endpoint id='c'><force-mute audio='true' video='true'/></endpoint>"),
        C("", "<endpoint id='a' create='true' stats-id='s' muc-role='visitor' diarize='true'>"
              "<media type='video'><payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='100' name='VP8'/>"
              "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='3' uri='u'/>"
              "<extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/></media><media type='audio'/>"
              "<transport ice-controlling='true' use-unique-port='true' ice-restart='true'>"
              "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd'><rtcp-mux/></transport>"
              "<sctp role='client' port='5000'/></transport><sources/><capability name='source-names'/>"
              "<capability name='ssrc-rewriting'/><capability name='private-address-connectivity'/>"
              "<capability name='rtp-mid-demux'/><initial-last-n value='-1'/></endpoint>"),
        C("", "<endpoint id='a'><sources><media-source type='video' id='a-v0' synthetic='true'>"
              "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1' name='a-v0' videoType='camera'/>"
              "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'><source ssrc='1'/><source ssrc='2'/>"
              "</ssrc-group></media-source></sources></endpoint>"),
        C("",
          "<relay id='r' create='true' mesh-id='0'><media type='audio'/><transport><sctp role='server'/></transport>"
          "<endpoints><endpoint id='a' create='true'><capability name='source-names'/></endpoint></endpoints></relay>"),
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct colibri2_request *request;
        const char *what;
        xmpp_stanza_t *el = xml_parse(texts[i]);
        assert_int_equal(colibri2_request_parse(el, &request, &what), E_OK);
        assert_int_equal(request->ignored, 0);
        xmpp_stanza_t *back = colibri2_request_write(request, xml_ctx());
        char *have = xml_canonical(back), *want = xml_canonical_text(texts[i]);
        assert_string_equal(have, want);
        free(have);
        free(want);
        xmpp_stanza_release(back);
        xmpp_stanza_release(el);
        colibri2_request_free(request);
    }
}

#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64

static void refusals_name_the_place(void **state)
{
    (void)state;
#define EP(inner) C("", "<endpoint id='a'>" inner "</endpoint>")
    static const struct {
        const char *xml;
        enum err err;
        const char *what;
    } cases[] = {
        {"<conference-modify xmlns='jitsi:colibri2'/>", E_FORMAT, "no usable meeting-id"},
        {"<conference-modify xmlns='jitsi:colibri2' meeting-id=''/>", E_FORMAT, "no usable meeting-id"},
        {"<conference-modify xmlns='jitsi:colibri2' meeting-id='" X256 "'/>", E_LIMIT, "no usable meeting-id"},
        {"<conference-modify xmlns='jitsi:colibri3' meeting-id='m'/>", E_FORMAT, "not a conference-modify"},
        {"<conference xmlns='jitsi:colibri2' meeting-id='m'/>", E_FORMAT, "not a conference-modify"},
        {C("", "<endpoint/>"), E_FORMAT, "endpoint without a usable id"},
        {C("", "<endpoint id='" X256 "'/>"), E_LIMIT, "endpoint without a usable id"},
        {C("", "<relay/>"), E_FORMAT, "relay without a usable id"},
        {C("", "<relay id='r'><endpoints><endpoint/></endpoints></relay>"), E_FORMAT, "endpoint without a usable id"},
        {EP("<media/>"), E_FORMAT, "media without a type"},
        {EP("<media type='audio'/><media type='audio'/><media type='audio'/><media type='audio'/><media type='audio'/>"
            "<media type='audio'/><media type='audio'/><media type='audio'/><media type='audio'/>"),
         E_LIMIT, "too many media elements"},
        {EP("<transport><sctp port='x'/></transport>"), E_FORMAT, "sctp port is not a number"},
        {EP("<transport><sctp port='-5'/></transport>"), E_FORMAT, "sctp port is not a number"},
        {EP("<sources><media-source id='a'/></sources>"), E_FORMAT, "media-source without a type"},
        {EP("<sources><media-source type='audio'/></sources>"), E_FORMAT, "media-source without an id"},
        {EP("<initial-last-n/>"), E_FORMAT, "initial-last-n without an integer"},
        {EP("<initial-last-n value='many'/>"), E_FORMAT, "initial-last-n without an integer"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %.100s\n", cases[i].xml);
        struct colibri2_request *request;
        const char *what;
        xmpp_stanza_t *el = xml_parse(cases[i].xml);
        assert_int_equal(colibri2_request_parse(el, &request, &what), cases[i].err);
        assert_null(request);
        assert_string_equal(what, cases[i].what);
        xmpp_stanza_release(el);
    }
}

static void what_a_client_may_have_caused_is_left_out(void **state)
{
    (void)state;
    static char xml[400000];
    char *at = xml + sprintf(xml,
                             "<conference-modify xmlns='jitsi:colibri2' meeting-id='m'><endpoint id='a'><sources>"
                             "<media-source type='audio' id='%s'/>",
                             X256);
    for (int i = 0; i < 3; i++) { /* 1200 SSRCs, of which 1024 are kept */
        at += sprintf(at, "<media-source type='video' id='v%d'>", i);
        for (int j = 0; j < 400; j++)
            at += sprintf(at, "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='%d'/>", 1 + i * 400 + j);
        at += sprintf(at, "</media-source>");
    }
    sprintf(at, "</sources></endpoint></conference-modify>");
    struct colibri2_request *request;
    const char *what;
    xmpp_stanza_t *el = xml_parse(xml);
    assert_int_equal(colibri2_request_parse(el, &request, &what), E_OK);
    const struct colibri2_endpoint *ep = &request->endpoints[0];
    assert_int_equal(ep->source_count, 3);
    assert_int_equal(ep->sources[2].source_count, COLIBRI2_SSRCS_MAX - 800);
    assert_int_equal(request->ignored, 1 + 1200 - COLIBRI2_SSRCS_MAX);
    xmpp_stanza_release(el);
    colibri2_request_free(request);
}

static void a_batch_as_large_as_a_large_conference_is_read(void **state) /* colibri2 15.26 */
{
    (void)state;
    enum { N = 5000 };
    char *xml = malloc(N * 80 + 200),
         *at = xml + sprintf(xml, "<conference-modify xmlns='jitsi:colibri2' meeting-id='m'>");
    for (int i = 0; i < N; i++)
        at += sprintf(at, "<endpoint id='%08x'><force-mute audio='true'/></endpoint>", i);
    sprintf(at, "</conference-modify>");
    struct colibri2_request *request;
    const char *what;
    xmpp_stanza_t *el = xml_parse(xml);
    assert_int_equal(colibri2_request_parse(el, &request, &what), E_OK);
    assert_int_equal(request->endpoint_count, N);
    assert_string_equal(request->endpoints[N - 1].id, "00001387");
    xmpp_stanza_release(el);
    colibri2_request_free(request);
    free(xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_back_the_same),
        cmocka_unit_test(refusals_name_the_place),
        cmocka_unit_test(what_a_client_may_have_caused_is_left_out),
        cmocka_unit_test(a_batch_as_large_as_a_large_conference_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
