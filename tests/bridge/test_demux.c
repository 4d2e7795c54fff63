/* To whom a datagram goes: by ufrag always, by tuple only after authentication, never by claim alone. */
#include "support/hex.h"

#include <stdio.h>

#include "bridge/demux.h"
#include "bridge/ufrag.h"
#include "support/stun_peer.h"

static const uint8_t prefix_a[ICE_ID_PREFIX] = {0, 1, 2, 3, 4, 5, 6, 7},
                     prefix_b[ICE_ID_PREFIX] = {0, 9, 9, 9, 9, 9, 9, 9};

static struct demux *demux;
static struct ssrc_hints *hints;
static struct demux_owner alice, bob;
static char ufrag_a[UFRAG_TEXT_MAX], ufrag_b[UFRAG_TEXT_MAX];

static int open_demux(void **state)
{
    (void)state;
    static const uint8_t random_a[UFRAG_RANDOM] = {1}, random_b[UFRAG_RANDOM] = {2};
    hints = ssrc_hints_new();
    demux = demux_new(0, 2, NULL, hints);
    demux_owner_init(&alice);
    demux_owner_init(&bob);
    ufrag_write(NULL, 0, random_a, ufrag_a);
    ufrag_write(NULL, 0, random_b, ufrag_b);
    assert_int_equal(demux_add_name(demux, &alice, 0, ufrag_a, prefix_a), E_OK);
    assert_int_equal(demux_add_name(demux, &bob, 0, ufrag_b, prefix_b), E_OK);
    return 0;
}

static int close_demux(void **state)
{
    (void)state;
    demux_drop_owner(demux, &alice);
    demux_drop_owner(demux, &bob);
    demux_check(demux);
    demux_free(demux);
    ssrc_hints_free(hints);
    return 0;
}

static struct ice_path path_of(uint16_t port)
{
    struct ice_path path = {.local = 1};
    addr_parse("192.0.2.1", port, &path.remote);
    return path;
}

static struct demux_verdict route(const struct ice_path *path, struct bytes datagram, bool handed_over)
{
    struct demux_verdict verdict;
    demux_route(demux, SEC(100), path, datagram, handed_over, &verdict);
    demux_check(demux);
    return verdict;
}

static struct bytes request(const char *ufrag, uint8_t buf[SP_CAP])
{
    char user[UFRAG_TEXT_MAX + 8];
    snprintf(user, sizeof user, "%s:peer", ufrag);
    struct sp_request ask = {.username = user, .key = "any", .priority = 1};
    return bytes_of(buf, sp_write_request(buf, &ask));
}

static const struct {
    const char *name, *hex;
    enum drop drop;
} refusals[] = {
    {"nothing", "", DROP_EMPTY},
    {"ZRTP", "10000000", DROP_PROTOCOL},
    {"TURN channel data", "40000004 00000000", DROP_PROTOCOL},
    {"a high first byte", "c0000000", DROP_PROTOCOL},
    {"STUN header alone, wrong cookie", "0001 0000 00000000 000000000000000000000000", DROP_STUN_MALFORMED},
    {"STUN cut short", "0001 0000 2112a442", DROP_STUN_MALFORMED},
    {"DTLS from nobody", "16feff0000", DROP_DTLS_TUPLE},
    {"a record type that DTLS 1.2 has not", "19feff0000", DROP_DTLS_TYPE},
    {"RTP from nobody", "80600001 00000002 00000003 aabbccdd", DROP_RTP_TUPLE},
    {"RTP too short", "80600001 00000002", DROP_RTP_SHORT},
};

static void what_belongs_to_nobody_is_dropped_under_its_name(void **state) /* transport 19.2 */
{
    (void)state;
    struct ice_path path = path_of(1);
    for (size_t i = 0; i < COUNT(refusals); i++) {
        uint8_t buf[64];
        print_message("  %s\n", refusals[i].name);
        uint64_t before = demux_drops(demux)[refusals[i].drop];
        struct demux_verdict v = route(&path, from_hex(refusals[i].hex, buf, sizeof buf), false);
        assert_int_equal(v.kind, DEMUX_DROP);
        assert_int_equal(v.drop, refusals[i].drop);
        assert_int_equal(demux_drops(demux)[refusals[i].drop], before + 1);
        assert_non_null(drop_label(v.drop));
    }
}

static void checks_go_by_ufrag_even_from_a_mapped_address(void **state)
{
    (void)state;
    uint8_t buf[SP_CAP];
    struct ice_path path = path_of(5);
    assert_non_null(demux_claim(demux, SEC(100), &alice, &path, true));
    struct demux_verdict v = route(&path, request(ufrag_b, buf), false);
    assert_int_equal(v.kind, DEMUX_STUN);
    assert_ptr_equal(v.owner, &bob);
    assert_null(v.tuple); /* it is alice's */
    assert_int_equal(route(&path, request("nobody-at-all", buf), false).kind, DEMUX_DROP);
}

static void media_goes_by_tuple_once_claimed(void **state)
{
    (void)state;
    uint8_t buf[16];
    struct bytes rtp = from_hex("80600001 00000002 00000003", buf, sizeof buf);
    struct ice_path path = path_of(6), other_socket = path;
    other_socket.local = 2;
    assert_non_null(demux_claim(demux, SEC(100), &alice, &path, false));
    assert_ptr_equal(route(&path, rtp, false).owner, &alice);
    assert_int_equal(route(&other_socket, rtp, false).kind, DEMUX_DROP);
    buf[1] = 200;
    assert_int_equal(route(&path, rtp, false).kind, DEMUX_RTCP);
    demux_drop_owner(demux, &alice);
    assert_int_equal(route(&path, rtp, false).kind, DEMUX_DROP);
}

static void a_live_tuple_is_only_taken_with_proof(void **state) /* transport 19.9 */
{
    (void)state;
    struct ice_path path = path_of(7);
    assert_non_null(demux_claim(demux, SEC(100), &alice, &path, false));
    assert_null(demux_claim(demux, SEC(102), &bob, &path, false));
    struct demux_tuple *tuple = demux_claim(demux, SEC(102), &bob, &path, true);
    assert_non_null(tuple);
    assert_ptr_equal(tuple->owner, &bob);
    assert_non_null(demux_claim(demux, SEC(102 + DEMUX_LIVE_S), &alice, &path, false)); /* bob has gone silent */
}

static void an_owner_has_a_bounded_number_of_tuples(void **state)
{
    (void)state;
    for (uint16_t port = 1; port <= DEMUX_TUPLES_MAX + 20; port++) {
        struct ice_path path = path_of(port);
        assert_non_null(demux_claim(demux, SEC(port), &alice, &path, false));
    }
    assert_int_equal(alice.tuple_count, DEMUX_TUPLES_MAX);
    uint8_t buf[16];
    struct bytes rtp = from_hex("80600001 00000002 00000003", buf, sizeof buf);
    struct ice_path first = path_of(1), last = path_of(DEMUX_TUPLES_MAX + 20);
    assert_int_equal(route(&first, rtp, false).kind, DEMUX_DROP); /* the longest silent went */
    assert_int_equal(route(&last, rtp, false).kind, DEMUX_RTP);
}

static char *theirs(char ufrag[UFRAG_TEXT_MAX]) /* a session of worker 1 */
{
    static const uint8_t random[UFRAG_RANDOM] = {3};
    return ufrag_write(NULL, 1, random, ufrag);
}

static void another_workers_checks_are_handed_over_once(void **state)
{
    (void)state;
    char ufrag[UFRAG_TEXT_MAX];
    uint8_t buf[SP_CAP];
    struct ice_path path = path_of(8);
    struct demux_verdict v = route(&path, request(theirs(ufrag), buf), false);
    assert_int_equal(v.kind, DEMUX_OTHER_WORKER);
    assert_int_equal(v.worker, 1);
    v = route(&path, request(theirs(ufrag), buf), true);
    assert_int_equal(v.kind, DEMUX_DROP);
    assert_int_equal(v.drop, DROP_HANDOVER);
}

static void media_is_handed_over_when_its_owner_has_vouched_for_the_path(void **state)
{
    (void)state;
    char ufrag[UFRAG_TEXT_MAX];
    uint8_t buf[SP_CAP], rtp_buf[16];
    struct bytes rtp = from_hex("80600001 00000002 00000003", rtp_buf, sizeof rtp_buf);
    struct ice_path path = path_of(8);
    assert_int_equal(route(&path, request(theirs(ufrag), buf), false).kind, DEMUX_OTHER_WORKER);
    assert_int_equal(route(&path, rtp, false).kind, DEMUX_DROP); /* a ufrag alone teaches nothing */
    demux_learn(demux, SEC(100), &path, 1, false);
    struct demux_verdict v = route(&path, rtp, false);
    assert_int_equal(v.kind, DEMUX_OTHER_WORKER);
    assert_int_equal(v.worker, 1);
    assert_int_equal(route(&path, rtp, true).drop, DROP_HANDOVER);
}

static void strangers_push_no_path_out(void **state)
{
    (void)state;
    char ufrag[UFRAG_TEXT_MAX];
    uint8_t buf[SP_CAP], rtp_buf[16];
    struct bytes rtp = from_hex("80600001 00000002 00000003", rtp_buf, sizeof rtp_buf);
    struct ice_path path = path_of(8);
    struct demux_verdict v;
    demux_learn(demux, SEC(100), &path, 1, false);
    struct bytes forged = request(theirs(ufrag), buf);
    for (int ip = 0; ip < 64; ip++)
        for (int port = 1; port <= 1000; port++) {
            struct ice_path spoofed = path_of((uint16_t)port);
            spoofed.remote.ip[0] = (uint8_t)(ip + 1);
            demux_route(demux, SEC(100), &spoofed, forged, false, &v);
            assert_int_equal(v.kind, DEMUX_OTHER_WORKER);
        }
    assert_int_equal(route(&path, rtp, false).kind, DEMUX_OTHER_WORKER);
}

static void a_live_tuple_goes_to_another_worker_with_proof_only(void **state) /* transport 19.9 */
{
    (void)state;
    uint8_t buf[16];
    struct bytes rtp = from_hex("80600001 00000002 00000003", buf, sizeof buf);
    struct ice_path path = path_of(8);
    assert_non_null(demux_claim(demux, SEC(100), &alice, &path, true));
    demux_learn(demux, SEC(101), &path, 1, false);
    assert_ptr_equal(route(&path, rtp, false).owner, &alice);
    demux_learn(demux, SEC(101), &path, 1, true);
    assert_int_equal(route(&path, rtp, false).kind, DEMUX_OTHER_WORKER);
    assert_int_equal(alice.tuple_count, 0);
    demux_learn(demux, SEC(101), &path, 7, true); /* there is no such worker */
    assert_int_equal(route(&path, rtp, false).worker, 1);
}

static void media_from_an_unknown_path_goes_to_the_sender_of_its_ssrc(void **state) /* transport 7.3 */
{
    (void)state;
    uint8_t buf[32], rtcp_buf[32];
    struct bytes rtp = from_hex("80600001 00000002 0000abcd", buf, sizeof buf);
    struct bytes rtcp = from_hex("80c90001 0000abcd 00000000", rtcp_buf, sizeof rtcp_buf);
    static const uint32_t ssrcs[] = {0xabcd, 0xef01}, taken[] = {0xabcd};
    struct ice_path path = path_of(9);
    demux_set_ssrcs(demux, &alice, ssrcs, COUNT(ssrcs));
    demux_set_ssrcs(demux, &bob, taken, COUNT(taken)); /* one who lies about what he sends takes nothing away */
    for (int handed_over = 0; handed_over <= 1; handed_over++) {
        struct demux_verdict v = route(&path, rtp, handed_over);
        assert_int_equal(v.kind, DEMUX_RTP);
        assert_ptr_equal(v.owner, &alice);
        assert_null(v.tuple);
        v = route(&path, rtcp, handed_over);
        assert_int_equal(v.kind, DEMUX_RTCP);
        assert_ptr_equal(v.owner, &alice);
    }
    demux_set_ssrcs(demux, &alice, ssrcs + 1, 1);
    assert_int_equal(route(&path, rtp, false).drop, DROP_RTP_TUPLE);
    demux_drop_owner(demux, &alice);
    assert_int_equal(ssrc_hints_find(hints, 0xef01), -1);
}

static void such_media_finds_another_worker_too(void **state)
{
    (void)state;
    uint8_t buf[32];
    struct bytes rtp = from_hex("80600001 00000002 0000abcd", buf, sizeof buf);
    struct ice_path path = path_of(9);
    ssrc_hints_set(hints, 0xabcd, 1);
    struct demux_verdict v = route(&path, rtp, false);
    assert_int_equal(v.kind, DEMUX_OTHER_WORKER);
    assert_int_equal(v.worker, 1);
    assert_int_equal(route(&path, rtp, true).drop, DROP_HANDOVER);
    ssrc_hints_set(hints, 0xabcd, 0); /* ours, but it has left */
    assert_int_equal(route(&path, rtp, false).drop, DROP_RTP_TUPLE);
}

static void only_so_many_are_looked_at(void **state)
{
    (void)state;
    uint8_t buf[32];
    struct bytes rtp = from_hex("80600001 00000002 0000abcd", buf, sizeof buf);
    static const uint32_t ssrcs[] = {0xabcd};
    struct demux_verdict v;
    int routed = 0;
    demux_set_ssrcs(demux, &alice, ssrcs, 1);
    for (uint16_t port = 1; port <= 5000; port++) { /* in half a second */
        struct ice_path path = path_of(port);
        demux_route(demux, SEC(100) + 100u * port, &path, rtp, false, &v);
        routed += v.kind == DEMUX_RTP;
    }
    assert_int_equal(routed, DEMUX_STRAYS_PER_S);
    struct ice_path path = path_of(9);
    demux_route(demux, SEC(102), &path, rtp, false, &v);
    assert_int_equal(v.kind, DEMUX_RTP);
}

static void answers_go_by_transaction(void **state)
{
    (void)state;
    uint8_t ask[32] = {0}, answer[SP_CAP];
    struct ice_path path = path_of(9);
    memcpy(ask + 8, prefix_b, ICE_ID_PREFIX);
    size_t n = sp_write_answer(answer, ask, "key", 0, path.remote.ip, 4, 9);
    assert_ptr_equal(route(&path, bytes_of(answer, n), false).owner, &bob);
    memset(ask + 8, 0, ICE_ID_PREFIX);
    n = sp_write_answer(answer, ask, "key", 0, path.remote.ip, 4, 9);
    assert_int_equal(route(&path, bytes_of(answer, n), false).drop, DROP_STUN_RESPONSE);
}

static void a_ufrag_is_taken_once(void **state)
{
    (void)state;
    assert_int_equal(demux_add_name(demux, &bob, 1, ufrag_a, prefix_a), E_STATE);
    demux_drop_name(demux, &alice, 0);
    assert_int_equal(demux_add_name(demux, &bob, 1, ufrag_a, prefix_a), E_OK);
}

#define DEMUX_TEST(name) cmocka_unit_test_setup_teardown(name, open_demux, close_demux)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEMUX_TEST(what_belongs_to_nobody_is_dropped_under_its_name),
        DEMUX_TEST(checks_go_by_ufrag_even_from_a_mapped_address),
        DEMUX_TEST(media_goes_by_tuple_once_claimed),
        DEMUX_TEST(a_live_tuple_is_only_taken_with_proof),
        DEMUX_TEST(an_owner_has_a_bounded_number_of_tuples),
        DEMUX_TEST(another_workers_checks_are_handed_over_once),
        DEMUX_TEST(media_is_handed_over_when_its_owner_has_vouched_for_the_path),
        DEMUX_TEST(strangers_push_no_path_out),
        DEMUX_TEST(a_live_tuple_goes_to_another_worker_with_proof_only),
        DEMUX_TEST(media_from_an_unknown_path_goes_to_the_sender_of_its_ssrc),
        DEMUX_TEST(such_media_finds_another_worker_too),
        DEMUX_TEST(only_so_many_are_looked_at),
        DEMUX_TEST(answers_go_by_transaction),
        DEMUX_TEST(a_ufrag_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
