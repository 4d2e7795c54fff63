/* ICE restarts, and a client that moves, on a worker in virtual time: the client is a pair of real sockets on loopback
 * that speaks STUN. */
#include "support/path_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/dtls.h"
#include "support/stun_peer.h"
#include "support/loopback.h"

#define PWD_1    "abcdefghijklmnopqrstuvwxyz" /* path_rig's */
#define PEER_PWD "clientpasswordclientpw24"

static const char *const peer_ufrags[] = {"cln0", "cln1", "cln2"};

struct client { /* one address of the client; it answers the checks that come there */
    int fd;
    struct addr addr;
    int checks, answers, media; /* received so far */
    bool deaf;                  /* does not answer */
    const char *pwd;            /* of its user; checks signed with another one are somebody else's */
};

static struct rig rig;
static struct peer alice, bob; /* alice's ICE is restarted; bob talks */
static struct client old_way, new_way;

static struct client client_open(void)
{
    struct client c = {.pwd = PEER_PWD};
    c.fd = loopback_socket(&c.addr, 0);
    return c;
}

/* As the worker does with a datagram. False: it belongs to nobody. */
static bool give(const struct client *from, const uint8_t *m, size_t n)
{
    struct worker *w = rig.worker;
    struct pkt *pkt = pkt_alloc(w->pool);
    struct ice_path path = {.remote = from->addr, .local = 0};
    struct demux_verdict verdict;
    memcpy(pkt->data, m, n);
    pkt->len = (uint16_t)n;
    pkt->from = from->addr;
    pkt->local = 0;
    pkt->rx_us = w->now_us;
    demux_route(w->demux, w->now_us, &path, bytes_of(pkt->data, n), false, &verdict);
    if (verdict.kind == DEMUX_DROP) {
        pkt_drop(pkt);
        return false;
    }
    endpoint_on_datagram(container_of(verdict.owner, struct endpoint, owner), &verdict, &path, pkt);
    return true;
}

static void receive(struct client *c)
{
    uint8_t m[2048], answer[SP_CAP];
    udp_flush(rig.worker->udp);
    for (ssize_t n; (n = recv(c->fd, m, sizeof m, 0)) > 0; udp_flush(rig.worker->udp)) {
        if (m[0] >= 128) {
            c->media++;
        } else if (sp_get(m, 2) == 0x0101) {
            c->answers++;
        } else if (sp_get(m, 2) == 0x0001 && sp_verify(m, (size_t)n, c->pwd)) {
            c->checks++;
            if (!c->deaf)
                give(c, answer, sp_write_answer(answer, m, c->pwd, 0, rig.bridge.locals[0].ip, 4, 10000));
        }
    }
}

static void pass(uint64_t us) /* bob talks all the time */
{
    for (uint64_t end_us = rig.worker->now_us + us; rig.worker->now_us < end_us;) {
        rig_pass_time(&rig, MS(20));
        bob.audio_seq++;
        peer_audio(&bob, bob.audio_seq, bob.audio_seq * 960u, 20);
        receive(&old_way);
        receive(&new_way);
        peer_drain(&bob);
    }
    uv_run(&rig.loop, UV_RUN_NOWAIT); /* reports */
}

/* A check of the client, signed with our password. False: there is no answer. */
static bool check(struct client *from, const char *ufrag, const char *pwd)
{
    static uint8_t number;
    char user[300];
    uint8_t m[SP_CAP];
    int before = from->answers;
    snprintf(user, sizeof user, "%s:peer", ufrag);
    struct sp_request ask = {.username = user, .key = pwd, .tie_breaker = 5, .priority = 1853824767, .id = {++number}};
    give(from, m, sp_write_request(m, &ask));
    receive(from);
    return from->answers > before;
}

static void signal_peer(struct endpoint *ep, uint32_t generation, const char *ufrag, const char *peer_pwd)
{
    struct transport_spec spec = {.has_credentials = true, .ice_generation = generation};
    snprintf(spec.remote.ufrag, sizeof spec.remote.ufrag, "%s", ufrag);
    snprintf(spec.remote.pwd, sizeof spec.remote.pwd, "%s", peer_pwd);
    endpoint_set_transport(ep, &spec);
}

static void signal_client(uint32_t generation, const char *ufrag)
{
    signal_peer(alice.ep, generation, ufrag, PEER_PWD);
}

static struct ice_credentials restart(uint32_t generation)
{
    struct ice_credentials local;
    snprintf(local.ufrag, sizeof local.ufrag, "00round%u", generation);
    snprintf(local.pwd, sizeof local.pwd, "round%uabcdefghijklmnopqrstu", generation);
    endpoint_ice_restart(alice.ep, &local, generation);
    return local;
}

static int media_during(struct client *c, uint64_t us)
{
    int before = c->media;
    pass(us);
    return c->media - before;
}

static void assert_report(uint32_t generation, bool ok)
{
    assert_int_equal(rig.last_report.msg.kind, REPORT_ICE_RESTARTED);
    assert_int_equal(rig.last_report.generation, generation);
    assert_int_equal(rig.last_report.restarted, ok);
}

static int open_call(void **state)
{
    (void)state;
    rig_open(&rig);
    peer_join(&rig, &alice, 1, true);
    peer_join(&rig, &bob, 2, true);
    old_way = client_open();
    new_way = client_open();
    assert_true(check(&old_way, "00test1", PWD_1));
    signal_client(0, peer_ufrags[0]);
    pass(MS(500));
    assert_int_equal(rig.last_report.msg.kind, REPORT_ICE_CONNECTED);
    assert_true(media_during(&old_way, MS(200)) >= 10);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    peer_leave(&alice);
    peer_leave(&bob);
    demux_check(rig.worker->demux);
    rig_close(&rig);
    close(old_way.fd);
    close(new_way.fd);
    return 0;
}

static void media_flows_on_and_changes_over_when_the_new_way_works(void **state) /* transport 19.10 */
{
    (void)state;
    struct ice_credentials local = restart(1);
    assert_true(media_during(&old_way, MS(200)) >= 10);
    assert_true(check(&new_way, local.ufrag, local.pwd)); /* answered before the client's side is known */
    signal_client(2, peer_ufrags[1]);                     /* of another round */
    pass(MS(200));
    assert_int_equal(new_way.checks, 0);

    int before = old_way.media + new_way.media;
    signal_client(1, peer_ufrags[1]);
    pass(MS(400));
    assert_int_equal(old_way.media + new_way.media - before, 400 / 20); /* not one packet is missing */
    assert_true(new_way.checks >= 2);
    assert_report(1, true);
    assert_true(media_during(&new_way, MS(200)) >= 10);
    assert_int_equal(media_during(&old_way, MS(200)), 0);

    assert_true(check(&old_way, "00test1", PWD_1)); /* for the transition window, */
    pass(SEC(3));
    assert_false(check(&old_way, "00test1", PWD_1)); /* then silence */
    assert_true(media_during(&new_way, SEC(10)) >= 490);
}

static void the_same_address_serves_both_rounds(void **state) /* transport 8.2: in the stock bridge it does not */
{
    (void)state;
    for (uint32_t round = 1; round <= 2; round++) {
        struct ice_credentials local = restart(round);
        assert_true(check(&old_way, local.ufrag, local.pwd));
        int before = old_way.media;
        signal_client(round, peer_ufrags[round]);
        pass(SEC(1));
        assert_report(round, true);
        assert_int_equal(old_way.media - before, 50);
    }
    assert_true(media_during(&old_way, SEC(40)) >= 1990); /* consent is kept by the new agent */
}

static void without_success_media_stays_where_it_was(void **state)
{
    (void)state;
    new_way.deaf = true;
    struct ice_credentials local = restart(1);
    assert_true(check(&new_way, local.ufrag, local.pwd));
    signal_client(1, peer_ufrags[1]);
    assert_true(media_during(&old_way, SEC(19)) >= 940);
    pass(SEC(2));
    assert_report(1, false);
    assert_false(check(&new_way, local.ufrag, local.pwd));
    assert_int_equal(media_during(&new_way, SEC(1)), 0);
    assert_true(media_during(&old_way, SEC(15)) >= 740);
    assert_false(endpoint_ice_has_failed(alice.ep));
}

static void a_client_that_never_answers_does_not_hold_it_up(void **state)
{
    (void)state;
    struct ice_credentials local = restart(1);
    pass(SEC(19));
    assert_true(check(&new_way, local.ufrag, local.pwd));
    pass(SEC(2));
    assert_report(1, false);
    assert_false(check(&new_way, local.ufrag, local.pwd));
}

static void a_new_request_supersedes_one_that_is_pending(void **state)
{
    (void)state;
    struct ice_credentials first = restart(1), second = restart(2);
    unsigned reports = rig.report_count;
    assert_false(check(&new_way, first.ufrag, first.pwd));
    assert_true(check(&new_way, second.ufrag, second.pwd));
    signal_client(1, peer_ufrags[1]); /* too late */
    pass(MS(500));
    assert_int_equal(rig.report_count, reports);
    signal_client(2, peer_ufrags[2]);
    pass(MS(500));
    assert_report(2, true);
    struct ice_credentials third = restart(3); /* while the first agent still retires */
    assert_true(check(&old_way, third.ufrag, third.pwd));
    assert_true(check(&old_way, "00test1", PWD_1));
    assert_true(check(&new_way, second.ufrag, second.pwd));
    assert_true(media_during(&new_way, MS(200)) >= 10);
}

/* ---- a client that moves (transport 7.3, 19.7) ---- */

static uint8_t sealed[256]; /* what alice said last */
static size_t sealed_len;

static void alice_talks(const struct client *from, bool forged)
{
    memset(sealed, 0, sizeof sealed);
    sealed_len = 60;
    alice.audio_seq++;
    sealed[0] = 0x80;
    sealed[1] = RIG_OPUS;
    sp_put(sealed + 2, alice.audio_seq, 2);
    sp_put(sealed + 4, alice.audio_seq * 960u, 4);
    sp_put(sealed + 8, alice.audio_ssrc, 4);
    assert_int_equal(msrtp_seal_rtp(alice.srtp, sealed, &sealed_len, sizeof sealed), E_OK);
    sealed[sealed_len - 1] ^= forged;
    give(from, sealed, sealed_len);
}

static int heard_by_bob(void)
{
    struct got got;
    int n = 0;
    while (peer_recv_rtp(&bob, &got, RIG_OPUS))
        n++;
    return n;
}

static void media_shows_the_new_address_before_any_check(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++, pass(MS(20)))
        alice_talks(&old_way, false);
    old_way.deaf = true; /* its NAT has given it another port */
    peer_drain(&bob);
    int heard = 0;
    for (int i = 0; i < 30; i++) {
        alice_talks(&new_way, false);
        heard += heard_by_bob();
        receive(&new_way); /* answers the bridge's check */
        pass(MS(20));
    }
    assert_int_equal(heard, 30); /* not one packet is missing */
    assert_true(new_way.checks >= 1);
    assert_int_equal(media_during(&old_way, MS(200)), 0); /* within 600 ms */
    assert_true(media_during(&new_way, MS(200)) >= 10);
}

static void media_goes_nowhere_that_does_not_answer(void **state)
{
    (void)state;
    new_way.deaf = true; /* somebody caught packets of hers and sends them on from there */
    for (int i = 0; i < 300; i++, pass(MS(20)))
        alice_talks(&new_way, false);
    assert_in_range(new_way.checks, 1, 20);
    assert_int_equal(new_way.media, 0);
    assert_true(media_during(&old_way, MS(200)) >= 10);
}

static void forged_media_from_a_new_address_is_nothing(void **state)
{
    (void)state;
    uint64_t before = demux_drops(rig.worker->demux)[DROP_SRTP_AUTH];
    for (int i = 0; i < 20; i++, pass(MS(20)))
        alice_talks(&new_way, true);
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_SRTP_AUTH], before + 20);
    assert_int_equal(heard_by_bob(), 0);
    assert_int_equal(new_way.checks + new_way.media, 0);
}

static void media_seen_before_shows_nothing(void **state)
{
    (void)state;
    uint64_t before = demux_drops(rig.worker->demux)[DROP_SRTP_REPLAY];
    for (int i = 0; i < 20; i++, pass(MS(20))) {
        alice_talks(&old_way, false);
        give(&new_way, sealed, sealed_len);
    }
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_SRTP_REPLAY], before + 20);
    assert_int_equal(new_way.checks + new_way.media, 0);
}

/* ---- others at the same address, and clients that go ---- */

#define CAROLS_PWD "passwordofcarolsclient24"

static void two_at_one_address_one_after_the_other(void **state) /* transport 19.9: NAT port reuse, page reload */
{
    (void)state;
    struct peer carol;
    peer_join(&rig, &carol, 3, true);
    old_way.pwd = CAROLS_PWD; /* from now on it is carol's: alice's client is gone without a word */
    pass(SEC(DEMUX_LIVE_S + 1));
    assert_true(check(&old_way, "00test3", PWD_1));
    signal_peer(carol.ep, 0, "crl0", CAROLS_PWD);
    pass(MS(500));
    uint64_t alices = alice.ep->rx_packets, carols = carol.ep->rx_packets;
    for (int i = 0; i < 10; i++, pass(MS(20)))
        alice_talks(&old_way, false); /* the rig's keys are the same for all */
    assert_int_equal(carol.ep->rx_packets - carols, 10);
    assert_int_equal(alice.ep->rx_packets, alices);
    peer_leave(&carol);
}

static void a_spoofed_address_takes_nothing_from_a_live_client(void **state) /* transport 19.9 */
{
    (void)state;
    struct peer carol;
    peer_join(&rig, &carol, 3, true);
    signal_peer(carol.ep, 0, "crl0", CAROLS_PWD);
    uint64_t before = alice.ep->rx_packets;
    int media = old_way.media;
    for (int i = 0; i < 100; i++, pass(MS(20))) {
        alice_talks(&old_way, false);
        if (i % 10 == 0)
            check(&old_way, "00test3", PWD_1); /* hers, with alice's address as its source */
    }
    assert_int_equal(alice.ep->rx_packets - before, 100);
    assert_int_equal(carol.ep->rx_packets, 0);
    assert_true(old_way.media - media >= 98);
    peer_leave(&carol);
}

static void without_consent_media_stops_after_30_s_and_comes_back_with_it(void **state) /* transport 19.8 */
{
    (void)state;
    old_way.deaf = true;
    assert_true(media_during(&old_way, SEC(24)) >= 1190);
    pass(SEC(7));
    assert_int_equal(media_during(&old_way, SEC(5)), 0);
    old_way.deaf = false;
    pass(SEC(7));
    assert_true(media_during(&old_way, SEC(1)) >= 49);
}

static void who_never_answers_is_removed_at_the_next_look(void **state) /* transport 19.6 */
{
    (void)state;
    struct peer carol;
    peer_join(&rig, &carol, 3, true);
    new_way.pwd = CAROLS_PWD;
    new_way.deaf = true;
    assert_true(check(&new_way, "00test3", PWD_1));
    signal_peer(carol.ep, 0, "crl0", CAROLS_PWD);
    pass(SEC(12));
    assert_int_equal(new_way.checks, 7);
    assert_true(endpoint_ice_has_failed(carol.ep));
    pass(rig.config.expiration_check_us);
    assert_int_equal(rig.last_report.msg.kind, REPORT_ENDPOINT_GONE);
    assert_int_equal(rig.last_report.ep_serial, 3);
    carol.ep = NULL;
    peer_leave(&carol);
}

static void leaving_in_the_middle_leaves_nothing_behind(void **state) /* the leak sanitizer has the last word */
{
    (void)state;
    restart(1);
    pass(MS(100));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(media_flows_on_and_changes_over_when_the_new_way_works),
        T(the_same_address_serves_both_rounds),
        T(without_success_media_stays_where_it_was),
        T(a_client_that_never_answers_does_not_hold_it_up),
        T(a_new_request_supersedes_one_that_is_pending),
        T(media_shows_the_new_address_before_any_check),
        T(media_goes_nowhere_that_does_not_answer),
        T(forged_media_from_a_new_address_is_nothing),
        T(media_seen_before_shows_nothing),
        T(two_at_one_address_one_after_the_other),
        T(a_spoofed_address_takes_nothing_from_a_live_client),
        T(without_consent_media_stops_after_30_s_and_comes_back_with_it),
        T(who_never_answers_is_removed_at_the_next_look),
        T(leaving_in_the_middle_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
