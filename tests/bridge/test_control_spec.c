/* From what the focus wrote to what a worker needs: encodings, RTX, kinds; what is no destination is left out. */
#include "support/hex.h"
#include "support/xml.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/control_spec.h"

static struct colibri2_request *read_endpoint(const char *inner)
{
    size_t n = strlen(inner) + 200;
    char *text = malloc(n);
    const char *what;
    struct colibri2_request *request;
    snprintf(text, n,
             "<conference-modify xmlns='jitsi:colibri2' meeting-id='m'><endpoint id='a'>%s</endpoint>"
             "</conference-modify>",
             inner);
    xmpp_stanza_t *el = xml_parse(text);
    assert_int_equal(colibri2_request_parse(el, &request, &what), E_OK);
    xmpp_stanza_release(el);
    free(text);
    return request;
}

#define S(ssrc, more)  "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='" ssrc "' " more "/>"
#define G(sem, list)   "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='" sem "'>" list "</ssrc-group>"
#define MS(type, list) "<media-source type='" type "' id='a-x0'>" list "</media-source>"

static void sources_become_what_can_be_forwarded(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sources;
        size_t source_count, ssrc_count;
        struct source_spec first;
    } cases[] = {
        {"simulcast with RTX, in the group's order",
         MS("video", S("11", "videoType='camera'") S("12", "") S("13", "") S("21", "") S("22", "") S("23", "")
                         G("FID", "<source ssrc='13'/><source ssrc='23'/>")
                             G("SIM", "<source ssrc='13'/><source ssrc='11'/>"
                                      "<source ssrc='12'/>") G("fid", "<source ssrc='11'/><source ssrc='21'/>")),
         1,
         6,
         {"a-x0", COLIBRI2_VIDEO, .encoding_count = 3, .encodings = {{13, 23}, {11, 21}, {12, 0}}}},
        {"a lone pair, desktop",
         MS("video", S("1", "videoType='desktop'") S("2", "") G("FID", "<source ssrc='1'/>"
                                                                       "<source ssrc='2'/>")),
         1,
         2,
         {"a-x0", COLIBRI2_VIDEO, .desktop = true, .encoding_count = 1, .encodings = {{1, 2}}}},
        {"a lone video SSRC",
         MS("video", S("9", "")),
         1,
         1,
         {"a-x0", COLIBRI2_VIDEO, .encoding_count = 1, .encodings = {{9, 0}}}},
        {"audio: one source per SSRC",
         MS("audio", S("5", "name='a-a0'") S("6", "")),
         2,
         2,
         {"a-a0", COLIBRI2_AUDIO, .encoding_count = 1, .encodings = {{5, 0}}}},
        {"an SSRC that stands in a group only",
         MS("video", G("SIM", "<source ssrc='7'/><source ssrc='8'/>")),
         1,
         2,
         {"a-x0", COLIBRI2_VIDEO, .encoding_count = 2, .encodings = {{7, 0}, {8, 0}}}},
        {"a video source without any SSRC", MS("video", ""), 0, 0, {""}},
        {"another kind", MS("message", S("5", "")), 0, 0, {""}},
        {"synthetic",
         "<media-source type='audio' id='a-x0' synthetic='true'>" S("5", "") "</media-source>",
         1,
         1,
         {"a-x0", COLIBRI2_AUDIO, .synthetic = true, .encoding_count = 1, .encodings = {{5, 0}}}},
        {"nine encodings are eight",
         MS("video",
            G("SIM", "<source ssrc='1'/><source ssrc='2'/><source ssrc='3'/><source ssrc='4'/><source ssrc='5'/>"
                     "<source ssrc='6'/><source ssrc='7'/><source ssrc='8'/><source ssrc='9'/>")),
         1,
         8,
         {"a-x0", COLIBRI2_VIDEO, .encoding_count = 8,
          .encodings = {{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}}}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        char inner[4096];
        snprintf(inner, sizeof inner, "<sources>%s</sources>", cases[i].sources);
        struct colibri2_request *request = read_endpoint(inner);
        struct source_set *set = source_set_new(&request->endpoints[0]);
        assert_int_equal(set->source_count, cases[i].source_count);
        assert_int_equal(set->ssrc_count, cases[i].ssrc_count);
        if (set->source_count > 0) {
            const struct source_spec *have = &set->sources[0], *want = &cases[i].first;
            assert_string_equal(have->name, want->name);
            assert_int_equal(have->kind, want->kind);
            assert_int_equal(have->desktop, want->desktop);
            assert_int_equal(have->synthetic, want->synthetic);
            assert_int_equal(have->encoding_count, want->encoding_count);
            assert_memory_equal(have->encodings, want->encodings, sizeof have->encodings);
        }
        source_set_free(set);
        colibri2_request_free(request);
    }
}

static void payload_types_accumulate_and_are_replaced_by_number(void **state)
{
    (void)state;
#define PT(id, name, more)                                                                                             \
    "<payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='" id "' name='" name "'>" more "</payload-type>"
#define FB(more)     "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' " more "/>"
#define EXT(id, uri) "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='" id "' uri='" uri "'/>"
    struct colibri2_request *request = read_endpoint(
        "<media type='video'>" PT("100", "VP8",
                                  FB("type='nack'") FB("type='nack' subtype='pli'") FB("type='transport-cc'"))
            PT("96", "RTX", "<parameter name='apt' value='100'/>")
                EXT("5", "tcc") "<extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/></media>"
                                "<media type='audio'>" PT("112", "red", "<parameter value='111/111'/>")
                                    EXT("5", "tcc") "</media>"
                                                    "<media type='video'>" PT("100", "vp8",
                                                                              FB("type='ccm' subtype='fir'")
                                                                                  FB("type='goog-remb'")) "</media>");
    const struct colibri2_endpoint *ep = &request->endpoints[0];
    struct media_spec spec = {0};
    media_spec_add(&spec, &ep->media[0]);
    assert_true(spec.accepts_video && !spec.accepts_audio && spec.extmap_allow_mixed);
    assert_string_equal(spec.payloads[0].name, "vp8");
    assert_true(spec.payloads[0].nack && spec.payloads[0].nack_pli && spec.payloads[0].transport_cc);
    assert_true(!spec.payloads[0].ccm_fir && !spec.payloads[0].goog_remb);
    assert_int_equal(spec.payloads[0].apt, -1);
    assert_int_equal(spec.payloads[1].apt, 100);
    media_spec_add(&spec, &ep->media[1]);
    assert_true(spec.accepts_audio && !spec.extmap_allow_mixed); /* the last one wins */
    assert_int_equal(spec.extension_count, 2);                   /* one for each kind */
    media_spec_add(&spec, &ep->media[2]);
    assert_int_equal(spec.payload_count, 3);
    assert_true(spec.payloads[0].ccm_fir && spec.payloads[0].goog_remb && !spec.payloads[0].nack);
    colibri2_request_free(request);
}

static void only_destinations_of_a_family_we_have_are_kept(void **state) /* transport 3.4 */
{
    (void)state;
    static const struct {
        const char *ip;
        uint32_t generation;
        bool ip4, ip6, kept;
    } cases[] = {
        {"192.0.2.1", 0, true, false, true},    {"192.0.2.1", 0, false, true, false},
        {"192.0.2.1", 1, true, true, false},    {"2001:db8::1", 0, false, true, true},
        {"2001:db8::1", 0, true, false, false}, {"10.0.0.1", 0, true, true, true},
        {"127.0.0.1", 0, true, true, false},    {"::1", 0, true, true, false},
        {"0.0.0.0", 0, true, true, false},      {"224.0.0.1", 0, true, true, false},
        {"ff02::1", 0, true, true, false},      {"255.255.255.255", 0, true, true, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].ip);
        struct jingle_candidate candidate = {.generation = cases[i].generation};
        assert_int_equal(addr_parse(cases[i].ip, 5, &candidate.addr), E_OK);
        struct jingle_transport ice = {.ufrag = "abcd", .candidates = &candidate, .candidate_count = 1};
        struct transport_spec *spec = transport_spec_new(&ice, cases[i].ip4, cases[i].ip6);
        assert_int_equal(spec->candidate_count, cases[i].kept);
        assert_false(spec->has_credentials); /* half of them is none */
        assert_int_equal(spec->setup, JINGLE_SETUP_NONE);
        transport_spec_free(spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_become_what_can_be_forwarded),
        cmocka_unit_test(payload_types_accumulate_and_are_replaced_by_number),
        cmocka_unit_test(only_destinations_of_a_family_we_have_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
