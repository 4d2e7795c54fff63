/* Media that overtakes the end of the handshake (transport 12.6): kept, and delivered when the keys are there. The client
 * is DTLS server here, since that side is ready first. Virtual time. */
#include "support/path_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "media/dtls.h"
#include "proto/jingle.h"

enum { FLIGHT_MAX = 16 };

static struct rig rig;
static struct peer alice, bob; /* alice has no keys yet; bob listens */
static struct dtls *client;    /* alice's */
static struct dtls_identity *client_id;
static struct demux_verdict verdict;
static struct ice_path path;
static struct msrtp *client_srtp; /* once the client is ready */

static struct datagram {
    _Alignas(8) uint8_t bytes[2048];
    size_t n;
} flight[FLIGHT_MAX]; /* from the client, not delivered */
static size_t flight_count;

static int open_call(void **state)
{
    (void)state;
    rig_open(&rig);
    peer_join(&rig, &alice, 1, true);
    peer_join(&rig, &bob, 2, true);
    msrtp_free(alice.ep->srtp);
    alice.ep->srtp = NULL;
    client_id = dtls_identity_new(1700000000);
    client = dtls_new(client_id, rig.worker->now_us);
    client_srtp = NULL;
    flight_count = 0;
    path = (struct ice_path){.remote = alice.ep->dest.to};
    verdict = (struct demux_verdict){
        .owner = &alice.ep->owner,
        .tuple = demux_claim(rig.worker->demux, rig.worker->now_us, &alice.ep->owner, &path, true)};
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    peer_leave(&alice);
    peer_leave(&bob);
    dtls_free(client);
    dtls_identity_unref(client_id);
    msrtp_free(client_srtp);
    rig_close(&rig); /* ends with an error if a packet has not come home */
    return 0;
}

static void deliver(enum demux_kind kind, const uint8_t *bytes, size_t n, uint64_t rx_us)
{
    struct pkt *pkt = pkt_alloc(rig.worker->pool);
    memcpy(pkt->data, bytes, n);
    pkt->len = (uint16_t)n;
    pkt->rx_us = rx_us;
    verdict.kind = kind;
    endpoint_on_datagram(alice.ep, &verdict, &path, pkt);
}

static void drain_client(void)
{
    struct dtls_out out;
    while (dtls_poll(client, &out))
        if (out.kind == DTLS_SEND) {
            assert_true(flight_count < FLIGHT_MAX && out.bytes.n <= sizeof flight[0].bytes);
            memcpy(flight[flight_count].bytes, out.bytes.p, out.bytes.n);
            flight[flight_count++].n = out.bytes.n;
        } else if (out.kind == DTLS_UP) {
            client_srtp = msrtp_new((enum msrtp_profile)out.keys->profile, bytes_of(out.keys->rx, out.keys->len),
                                    bytes_of(out.keys->tx, out.keys->len), MSRTP_SSRCS_ENDPOINT);
            assert_non_null(client_srtp);
        }
}

static bool client_receives(void) /* what the bridge sent to it */
{
    struct got got;
    bool any = false;
    while (peer_recv_sealed(&alice, &got)) {
        dtls_on_datagram(client, rig.worker->now_us, bytes_of(got.data, got.len));
        drain_client();
        any = true;
    }
    return any;
}

static void deliver_flight(void)
{
    size_t n = flight_count;
    flight_count = 0;
    for (size_t i = 0; i < n; i++)
        deliver(DEMUX_DTLS, flight[i].bytes, flight[i].n, rig.worker->now_us);
}

/* Up to where the client has keys and its last flight is on its way. */
static void handshake_but_the_last_flight(void)
{
    struct dtls_fingerprint ours = {"sha-256", dtls_identity_fingerprint(rig.identity)};
    assert_int_equal(dtls_set_remote(client, rig.worker->now_us, DTLS_SERVER, &ours, 1), E_OK);
    dtls_start(client, rig.worker->now_us);
    struct transport_spec *spec = calloc(1, sizeof *spec);
    spec->setup = JINGLE_PASSIVE;
    spec->fingerprint_count = 1;
    snprintf(spec->fingerprints[0].hash, sizeof spec->fingerprints[0].hash, "sha-256");
    assert_int_equal(jingle_digest_parse(dtls_identity_fingerprint(client_id), spec->fingerprints[0].digest,
                                         &spec->fingerprints[0].digest_len),
                     E_OK);
    endpoint_set_transport(alice.ep, spec);
    transport_spec_free(spec);
    endpoint_start_dtls(alice.ep);
    for (int i = 0; i < 10 && client_receives() && !client_srtp; i++)
        deliver_flight();
    assert_non_null(client_srtp);
    assert_null(alice.ep->srtp);
    assert_true(flight_count > 0);
}

static struct datagram sealed_audio(uint16_t seq)
{
    struct datagram d;
    struct wr w = wr_over(d.bytes, sizeof d.bytes);
    struct rtp_view view = {.pt = RIG_OPUS, .seq = seq, .ts = 960u * seq, .ssrc = alice.audio_ssrc};
    rtp_write_header(&w, &view, NULL, 0);
    wr_u16(&w, seq);
    d.n = wr_len(&w);
    assert_int_equal(msrtp_seal_rtp(client_srtp, d.bytes, &d.n, sizeof d.bytes), E_OK);
    return d;
}

static void send_audio(uint16_t seq, uint64_t rx_us)
{
    struct datagram d = sealed_audio(seq);
    deliver(DEMUX_RTP, d.bytes, d.n, rx_us);
}

static void keys_arrive(void)
{
    rig_pass_time(&rig, MS(200));
    deliver_flight();
    assert_non_null(alice.ep->srtp);
}

static void media_before_the_keys_is_delivered_with_its_own_time(void **state) /* transport 19.20 */
{
    (void)state;
    struct got got;
    handshake_but_the_last_flight();
    uint64_t from_us = rig.worker->now_us;
    for (uint16_t i = 0; i < 3; i++)
        send_audio((uint16_t)(100 + i), from_us + i * MS(20));
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS));
    keys_arrive();
    uint16_t first = 0;
    for (uint16_t i = 0; i < 3; i++) { /* all of them, at once and in order */
        assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
        assert_int_equal(get_u16(got.rtp.payload.p), 100 + i);
        first = i ? first : got.rtp.seq;
        assert_int_equal(got.rtp.seq, (uint16_t)(first + i));
    }
    assert_int_equal(alice.ep->active_us, from_us + MS(40)); /* when it was received, not when it was read */
    send_audio(103, rig.worker->now_us);
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_RTP_EARLY], 0);
}

static void early_media_is_bounded_and_what_is_dropped_is_counted(void **state)
{
    (void)state;
    struct got got;
    handshake_but_the_last_flight();
    for (uint16_t i = 0; i < EARLY_QUEUE_PKTS + 44; i++)
        send_audio(i, rig.worker->now_us);
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_RTP_EARLY], 44);
    keys_arrive();
    for (uint16_t i = 0; i < EARLY_QUEUE_PKTS; i++) {
        assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
        assert_int_equal(get_u16(got.rtp.payload.p), 44 + i); /* the oldest went first */
    }
    assert_false(peer_recv_rtp(&bob, &got, RIG_OPUS));
}

static void forged_media_before_the_keys_costs_itself(void **state)
{
    (void)state;
    struct got got;
    static const uint8_t junk[64] = {0x80, RIG_OPUS, 0, 7};
    handshake_but_the_last_flight();
    deliver(DEMUX_RTP, junk, sizeof junk, rig.worker->now_us);
    send_audio(1, rig.worker->now_us);
    deliver(DEMUX_RTCP, junk, sizeof junk, rig.worker->now_us);
    keys_arrive();
    assert_true(peer_recv_rtp(&bob, &got, RIG_OPUS));
    assert_int_equal(get_u16(got.rtp.payload.p), 1);
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_SRTP_AUTH], 2);
}

static void an_endpoint_that_goes_before_its_keys_leaves_nothing(void **state)
{
    (void)state;
    handshake_but_the_last_flight();
    for (uint16_t i = 0; i < 20; i++)
        send_audio(i, rig.worker->now_us);
}

static void dtls_that_is_none_is_counted(void **state) /* transport 11.4 */
{
    (void)state;
    static const uint8_t junk[] = {22, 0xfe, 0xfd, 0, 0};
    handshake_but_the_last_flight();
    deliver(DEMUX_DTLS, junk, sizeof junk, rig.worker->now_us);
    assert_int_equal(demux_drops(rig.worker->demux)[DROP_DTLS_FRAMING], 1);
    keys_arrive();
}

static void each_refusal_of_srtp_has_its_own_name(void **state) /* transport 16.6 */
{
    (void)state;
    handshake_but_the_last_flight();
    struct datagram first = sealed_audio(1), now = sealed_audio(3000);
    keys_arrive();
    const uint64_t *drops = demux_drops(rig.worker->demux);
    deliver(DEMUX_RTP, now.bytes, now.n, rig.worker->now_us);
    deliver(DEMUX_RTP, now.bytes, now.n, rig.worker->now_us);
    assert_int_equal(drops[DROP_SRTP_REPLAY], 1);
    deliver(DEMUX_RTP, first.bytes, first.n, rig.worker->now_us);
    assert_int_equal(drops[DROP_SRTP_OLD], 1);
    now.bytes[20] ^= 1;
    put_u16(now.bytes + 2, 3001);
    deliver(DEMUX_RTP, now.bytes, now.n, rig.worker->now_us);
    assert_int_equal(drops[DROP_SRTP_AUTH], 1);
    assert_int_equal(drops[DROP_SRTP_REPLAY] + drops[DROP_SRTP_OLD] + drops[DROP_SRTP_OTHER], 2);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(an_endpoint_that_goes_before_its_keys_leaves_nothing),
        CALL_TEST(dtls_that_is_none_is_counted),
        CALL_TEST(each_refusal_of_srtp_has_its_own_name),
        CALL_TEST(early_media_is_bounded_and_what_is_dropped_is_counted),
        CALL_TEST(forged_media_before_the_keys_costs_itself),
        CALL_TEST(media_before_the_keys_is_delivered_with_its_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
