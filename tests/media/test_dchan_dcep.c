/* Data channels seen from the other side of SCTP (RFC 9260) by hand, chunk by chunk: which OPEN is acknowledged, which
 * messages count. No usrsctp on this side. */
#include "support/hex.h"

#include <stdio.h>

#include "support/sctp_peer.h"

enum { BINARY = 53, EMPTY_STRING = 56, CHUNK_INIT = 1 };

static struct sctp_peer peer;
static int opened, texts; /* what came */
static char last_text[64];

static void take_output(void)
{
    struct dchan_out out;
    while (dchan_poll(peer.dchan, &out)) {
        opened += out.kind == DCHAN_OPEN;
        if (out.kind == DCHAN_TEXT) {
            texts++;
            snprintf(last_text, sizeof last_text, "%.*s", (int)out.bytes.n, (const char *)out.bytes.p);
        }
        if (out.kind == DCHAN_SEND)
            sctp_peer_on_packet(&peer, out.bytes);
    }
}

static void deliver(struct bytes packet)
{
    dchan_on_packet(peer.dchan, packet);
    take_output();
}

static void send_message(uint16_t stream, uint32_t ppid, const void *text, size_t n)
{
    deliver(sctp_peer_message(&peer, stream, ppid, bytes_of(text, n)));
}

static void send_open(uint16_t stream)
{
    static const uint8_t open[] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'c'};
    send_message(stream, SCTP_PEER_DCEP, open, sizeof open);
}

static int associate(void **state)
{
    (void)state;
    opened = texts = 0;
    peer = (struct sctp_peer){.dchan = dchan_new(&(struct dchan_config){.token = 1, .max_channels = 1})};
    deliver(sctp_peer_init(&peer));
    assert_true(peer.cookie_len > 0);
    deliver(sctp_peer_cookie_echo(&peer));
    assert_true(peer.cookie_acked);
    return 0;
}

static int part(void **state)
{
    (void)state;
    dchan_free(peer.dchan);
    return 0;
}

static void an_open_is_acknowledged_on_its_own_stream(void **state) /* bridge-channel 5 */
{
    (void)state;
    send_open(0);
    assert_int_equal(peer.acks[0], 1);
    assert_int_equal(opened, 1);
    send_message(0, SCTP_PEER_STRING, "hello", 5);
    assert_int_equal(texts, 1);
    assert_string_equal(last_text, "hello");
}

static void whichever_stream_it_is(void **state) /* bridge-channel 5 */
{
    (void)state;
    send_open(1);
    assert_int_equal(peer.acks[1], 1);
    assert_int_equal(peer.acks[0], 0);
    send_message(1, SCTP_PEER_STRING, "hello", 5);
    assert_string_equal(last_text, "hello");
}

static void a_second_open_is_not_acknowledged(void **state) /* bridge-channel 5, transport 25 */
{
    (void)state;
    send_open(0);
    send_open(0);
    send_open(2);
    assert_int_equal(peer.acks[0], 1);
    assert_int_equal(peer.acks[2], 0);
    assert_int_equal(opened, 1);
    assert_int_equal(dchan_stats(peer.dchan)->refused_opens, 2);
    send_message(2, SCTP_PEER_STRING, "elsewhere", 9); /* no channel there */
    send_message(0, SCTP_PEER_STRING, "here", 4);
    assert_int_equal(texts, 1);
    assert_string_equal(last_text, "here");
}

static void only_strings_count(void **state) /* bridge-channel 5, transport 25 */
{
    (void)state;
    send_message(0, SCTP_PEER_STRING, "too early", 9);
    assert_int_equal(texts, 0);
    send_open(0);
    send_message(0, BINARY, "binary", 6);
    send_message(0, 52, "partial", 7);
    send_message(0, 4711, "unheard of", 10);
    assert_int_equal(texts, 0);
    assert_int_equal(dchan_stats(peer.dchan)->ignored_messages, 4);
    send_message(0, EMPTY_STRING, "", 1);
    assert_int_equal(texts, 1);
    assert_string_equal(last_text, "");
}

static void malformed_opens_are_counted_and_cost_themselves(void **state) /* transport 25 */
{
    (void)state;
    static const uint8_t lying[] = {3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}; /* a label of 65535 bytes */
    send_message(0, SCTP_PEER_DCEP, lying, sizeof lying);
    send_message(0, SCTP_PEER_DCEP, lying, 1);
    send_message(0, SCTP_PEER_DCEP, "\x09", 1);
    assert_int_equal(peer.acks[0], 0);
    assert_int_equal(dchan_stats(peer.dchan)->bad_dcep, 3);
    send_open(0);
    assert_int_equal(peer.acks[0], 1);
}

static void an_init_with_a_parameter_of_no_length_holds_up_nobody(void **state) /* usrsctp 0.9.5 goes round for ever */
{
    (void)state;
    uint8_t init[20];
    struct bytes good = sctp_peer_init(&(struct sctp_peer){0});
    assert_true(good.n >= 32);
    memcpy(init, good.p + 16, 16);
    memset(init + 16, 0, 4);
    deliver(sctp_peer_chunk(&peer, CHUNK_INIT, 0, bytes_of(init, sizeof init)));
    assert_int_equal(dchan_stats(peer.dchan)->bad_packets, 1);
    send_open(0);
    assert_int_equal(peer.acks[0], 1);
}

#define ASSOCIATED(name) cmocka_unit_test_setup_teardown(name, associate, part)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASSOCIATED(an_open_is_acknowledged_on_its_own_stream),
        ASSOCIATED(whichever_stream_it_is),
        ASSOCIATED(a_second_open_is_not_acknowledged),
        ASSOCIATED(only_strings_count),
        ASSOCIATED(malformed_opens_are_counted_and_cost_themselves),
        ASSOCIATED(an_init_with_a_parameter_of_no_length_holds_up_nobody),
    };
    if (dchan_process_init() != E_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dchan_process_done();
    return failed;
}
