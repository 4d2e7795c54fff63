/* Jingle elements: what a client may have written badly is left out, the rest is kept and written back the same. */
#include "support/hex.h"
#include "support/xml.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/jingle.h"

#define ICE      "xmlns='" JINGLE_NS_ICE_UDP "'"
#define PWD      "kq3ZkU6fJc0t1H7m2vQ9Lw8d"
#define FP(text) "<fingerprint xmlns='" JINGLE_NS_DTLS "' hash='sha-256' setup='active'>" text "</fingerprint>"

static struct jingle_transport read_transport(const char *xml, struct arena *arena)
{
    struct jingle_transport t;
    xmpp_stanza_t *el = xml_parse(xml);
    jingle_transport_parse(el, arena, &t);
    xmpp_stanza_release(el);
    return t;
}

static void the_bridges_own_description_survives_the_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        /* transport 3.1, colibri2 7.3 */
        "<transport " ICE " ufrag='67ikt1ie8pko6u' pwd='10vt4nu4jfm8raehg79o61fcpm' ice-generation='1'><rtcp-mux/>"
        "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass' cryptex='true'>9D:9F:F6"
        "</fingerprint><web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://meet.example.com/x?pwd=1'/>"
        "<candidate component='1' foundation='1' generation='0' id='44105b2201' network='0' priority='2130706431' "
        "protocol='udp' type='host' ip='192.0.2.10' port='10000'/>"
        "<candidate component='1' foundation='2' generation='0' id='54a428b202' network='0' priority='1694498815' "
        "protocol='udp' type='srflx' ip='2001:db8::7' port='10000' rel-addr='0.0.0.0' rel-port='9'/></transport>",
        "<transport " ICE "/>",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct arena arena;
        arena_init(&arena);
        struct jingle_transport t = read_transport(texts[i], &arena);
        assert_int_equal(t.ignored, 0);
        xmpp_stanza_t *el = jingle_transport_write(&t, xml_ctx());
        char *have = xml_canonical(el), *want = xml_canonical_text(texts[i]);
        assert_string_equal(have, want);
        free(have);
        free(want);
        xmpp_stanza_release(el);
        arena_done(&arena);
    }
}

static void what_a_client_sends_is_read(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct jingle_transport t = read_transport(
        "<transport " ICE " ufrag='Xa3b' pwd='" PWD "'>" FP("0f:50:C8") "<rtcp-mux/></transport>", &arena);
    static const uint8_t digest[] = {0x0f, 0x50, 0xc8};
    assert_string_equal(t.ufrag, "Xa3b");
    assert_string_equal(t.pwd, PWD);
    assert_true(t.rtcp_mux);
    assert_int_equal(t.ice_generation, 0);
    assert_int_equal(t.fingerprint_count, 1);
    assert_string_equal(t.fingerprints[0].hash, "sha-256");
    assert_int_equal(t.fingerprints[0].setup, JINGLE_ACTIVE);
    assert_int_equal(t.fingerprints[0].digest_len, sizeof digest);
    assert_memory_equal(t.fingerprints[0].digest, digest, sizeof digest);
    assert_int_equal(t.candidate_count, 0);
    arena_done(&arena);
}

#define CAND(attrs) "<candidate " attrs "/>"
#define GOOD        "component='1' foundation='1' generation='0' priority='5' protocol='udp' type='host'"

static void candidates_that_cannot_be_used_are_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *name, *xml;
        size_t kept;
    } cases[] = {
        {"IPv4", CAND(GOOD " ip='192.0.2.1' port='5'"), 1},
        {"IPv6", CAND(GOOD " ip='2001:db8::1' port='65535'"), 1},
        {"UDP in capitals, no generation", CAND("priority='5' protocol='UDP' type='relay' ip='192.0.2.1' port='5'"), 1},
        {"another generation is kept for the reader to judge",
         CAND("generation='3' priority='5' protocol='udp' type='prflx' ip='192.0.2.1' port='5'"), 1},
        {"a name is never resolved", CAND(GOOD " ip='3b9ae0f4.local' port='5'"), 0},
        {"no address", CAND(GOOD " port='5'"), 0},
        {"no port", CAND(GOOD " ip='192.0.2.1'"), 0},
        {"port 0", CAND(GOOD " ip='192.0.2.1' port='0'"), 0},
        {"port too large", CAND(GOOD " ip='192.0.2.1' port='65536'"), 0},
        {"TCP", CAND("priority='5' protocol='tcp' type='host' ip='192.0.2.1' port='5'"), 0},
        {"no protocol", CAND("priority='5' type='host' ip='192.0.2.1' port='5'"), 0},
        {"RTCP component", CAND("component='2' priority='5' protocol='udp' type='host' ip='192.0.2.1' port='5'"), 0},
        {"unknown type", CAND("priority='5' protocol='udp' type='guest' ip='192.0.2.1' port='5'"), 0},
        {"no priority", CAND("protocol='udp' type='host' ip='192.0.2.1' port='5'"), 0},
        {"priority is no number", CAND("priority='x' protocol='udp' type='host' ip='192.0.2.1' port='5'"), 0},
        {"generation is no number",
         CAND("generation='x' priority='5' protocol='udp' type='host' ip='192.0.2.1' port='5'"), 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        char xml[512];
        struct arena arena;
        arena_init(&arena);
        snprintf(xml, sizeof xml, "<transport " ICE ">%s</transport>", cases[i].xml);
        struct jingle_transport t = read_transport(xml, &arena);
        assert_int_equal(t.candidate_count, cases[i].kept);
        assert_int_equal(t.ignored, 1 - cases[i].kept);
        arena_done(&arena);
    }
}

static void credentials_of_an_illegal_length_are_absent(void **state)
{
    (void)state;
    char xml[2048], long_text[300];
    memset(long_text, 'x', sizeof long_text);
    static const struct {
        int ufrag_len, pwd_len;
        bool ufrag, pwd;
    } cases[] = {{4, 22, true, true},    {3, 22, false, true},    {4, 21, true, false},
                 {256, 256, true, true}, {257, 256, false, true}, {256, 257, true, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        arena_init(&arena);
        snprintf(xml, sizeof xml, "<transport " ICE " ufrag='%.*s' pwd='%.*s'/>", cases[i].ufrag_len, long_text,
                 cases[i].pwd_len, long_text);
        struct jingle_transport t = read_transport(xml, &arena);
        assert_int_equal(t.ufrag != NULL, cases[i].ufrag);
        assert_int_equal(t.pwd != NULL, cases[i].pwd);
        assert_int_equal(t.ignored, !cases[i].ufrag + !cases[i].pwd);
        arena_done(&arena);
    }
}

static void only_so_many_candidates_and_fingerprints_are_kept(void **state)
{
    (void)state;
    static char xml[40000];
    char *at = xml + sprintf(xml, "<transport " ICE ">");
    for (int i = 0; i < 60; i++)
        at += sprintf(at, CAND(GOOD " ip='192.0.2.1' port='%d'"), i + 1);
    for (int i = 0; i < 10; i++)
        at += sprintf(at, FP("AB"));
    sprintf(at, "</transport>");
    struct arena arena;
    arena_init(&arena);
    struct jingle_transport t = read_transport(xml, &arena);
    assert_int_equal(t.candidate_count, JINGLE_CANDIDATES_MAX);
    assert_int_equal(t.fingerprint_count, JINGLE_FINGERPRINTS_MAX);
    assert_int_equal(t.ignored, 12);
    arena_done(&arena);
}

static void digests(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        size_t len;
    } cases[] = {
        {"AB", E_OK, 1},        {"ab:CD:0f", E_OK, 3},  {" AB:CD\n", E_OK, 2},  {"", E_FORMAT, 0},
        {"A", E_FORMAT, 0},     {"AB:", E_FORMAT, 0},   {":AB", E_FORMAT, 0},   {"ABCD", E_FORMAT, 0},
        {"AB:C", E_FORMAT, 0},  {"AB:GG", E_FORMAT, 0}, {"AB CD", E_FORMAT, 0}, {"0xAB", E_FORMAT, 0},
        {"AB:-1", E_FORMAT, 0},
    };
    uint8_t digest[JINGLE_DIGEST_MAX];
    size_t len;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  \"%s\"\n", cases[i].text);
        assert_int_equal(jingle_digest_parse(cases[i].text, digest, &len), cases[i].err);
        if (cases[i].err == E_OK)
            assert_int_equal(len, cases[i].len);
    }
    char text[3 * (JINGLE_DIGEST_MAX + 1)];
    for (int i = 0; i <= JINGLE_DIGEST_MAX; i++)
        memcpy(text + 3 * i, "AB:", 3);
    text[3 * JINGLE_DIGEST_MAX - 1] = '\0';
    assert_int_equal(jingle_digest_parse(text, digest, &len), E_OK);
    assert_int_equal(len, JINGLE_DIGEST_MAX);
    text[3 * JINGLE_DIGEST_MAX - 1] = ':';
    text[3 * (JINGLE_DIGEST_MAX + 1) - 1] = '\0';
    assert_int_equal(jingle_digest_parse(text, digest, &len), E_FORMAT);
}

/* Each kind of small element: kept and written back the same, or left out. */
static void small_elements(void **state)
{
    (void)state;
    enum what { PAYLOAD, HDREXT, SOURCE, GROUP };
#define PT  "<payload-type xmlns='" JINGLE_NS_RTP "'"
#define EXT "<rtp-hdrext xmlns='" JINGLE_NS_HDREXT "'"
#define SRC "<source xmlns='" JINGLE_NS_SSMA "'"
#define GRP "<ssrc-group xmlns='" JINGLE_NS_SSMA "'"
    static const struct {
        enum what what;
        bool kept;
        const char *xml;
    } cases[] = {
        {PAYLOAD, true,
         PT " id='107' name='H264' clockrate='90000'><parameter name='profile-level-id' "
            "value='42e01f;level-asymmetry-allowed=1;packetization-mode=1;'/>"
            "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='ccm' subtype='fir'/>"
            "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack'/></payload-type>"},
        {PAYLOAD, true,
         PT " id='112' name='red' clockrate='48000' channels='2'><parameter value='111/111'/></payload-type>"},
        {PAYLOAD, true, PT " id='0' name='PCMU'/>"},
        {PAYLOAD, false, PT " id='128' name='VP8'/>"},
        {PAYLOAD, false, PT " id='-1' name='VP8'/>"},
        {PAYLOAD, false, PT " name='VP8'/>"},
        {PAYLOAD, false, PT " id='100'/>"},
        {HDREXT, true, EXT " id='1' uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>"},
        {HDREXT, true, EXT " id='255' uri='x'/>"},
        {HDREXT, false, EXT " id='0' uri='x'/>"},
        {HDREXT, false, EXT " id='256' uri='x'/>"},
        {HDREXT, false, EXT " id='1'/>"},
        {HDREXT, false, EXT " uri='x'/>"},
        {SOURCE, true, SRC " ssrc='4294967295' name='a1b2c3d4-v0' videoType='camera'/>"},
        {SOURCE, true, SRC " ssrc='1'/>"},
        {SOURCE, false, SRC " ssrc='0'/>"},
        {SOURCE, false, SRC " ssrc='4294967296'/>"},
        {SOURCE, false, SRC " ssrc='-5'/>"},
        {SOURCE, false, SRC " name='a1b2c3d4-v0'/>"},
        {GROUP, true, GRP " semantics='SIM'><source ssrc='3'/><source ssrc='2'/><source ssrc='1'/></ssrc-group>"},
        {GROUP, false, GRP " semantics='FID'><source ssrc='3'/></ssrc-group>"},
        {GROUP, false, GRP " semantics='FID'><source ssrc='3'/><source/></ssrc-group>"},
        {GROUP, false, GRP " semantics='FID'><source ssrc='3'/><source ssrc='0'/></ssrc-group>"},
        {GROUP, false, GRP "><source ssrc='3'/><source ssrc='4'/></ssrc-group>"},
        {GROUP, false, GRP " semantics='FID'/>"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].xml);
        struct arena arena;
        arena_init(&arena);
        xmpp_stanza_t *el = xml_parse(cases[i].xml), *back = NULL;
        struct jingle_payload_type pt;
        struct jingle_hdrext ext;
        struct jingle_source source;
        struct jingle_source_group group;
        bool kept = false;
        switch (cases[i].what) {
        case PAYLOAD:
            if ((kept = jingle_payload_type_parse(el, &arena, &pt)))
                back = jingle_payload_type_write(&pt, xml_ctx());
            break;
        case HDREXT:
            if ((kept = jingle_hdrext_parse(el, &arena, &ext)))
                back = jingle_hdrext_write(&ext, xml_ctx());
            break;
        case SOURCE:
            if ((kept = jingle_source_parse(el, &arena, &source)))
                back = jingle_source_write(&source, xml_ctx());
            break;
        case GROUP:
            if ((kept = jingle_source_group_parse(el, &arena, &group)))
                back = jingle_source_group_write(&group, xml_ctx());
            break;
        }
        assert_int_equal(kept, cases[i].kept);
        if (back) {
            char *have = xml_canonical(back), *want = xml_canonical_text(cases[i].xml);
            assert_string_equal(have, want);
            free(have);
            free(want);
            xmpp_stanza_release(back);
        }
        xmpp_stanza_release(el);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bridges_own_description_survives_the_round_trip),
        cmocka_unit_test(what_a_client_sends_is_read),
        cmocka_unit_test(candidates_that_cannot_be_used_are_left_out),
        cmocka_unit_test(credentials_of_an_illegal_length_are_absent),
        cmocka_unit_test(only_so_many_candidates_and_fingerprints_are_kept),
        cmocka_unit_test(digests),
        cmocka_unit_test(small_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
