/* SCTP packets into usrsctp, from a peer who has come through DTLS and may send whatever it likes. The input is a run of
 * chunks, each behind a byte that says how and a length in two: as one chunk of a sound packet (tag and checksum right),
 * or as the bytes of a whole packet. A byte of how may first make the association, open a channel, or let time pass.
 *
 * What comes out: SCTP packets with our ports, a sound checksum and a bounded length; as many channels opened as are
 * allowed; messages of a bounded length and only while a channel is open; the end once, and nothing but packets after it.
 * Counters count up. And whatever one peer does, the next one is served. */
#include <stdlib.h>

#include "media/dchan.h"
#include "support/sctp_peer.h"

enum { CHANNELS_MAX = 2, INPUT_MAX = 8192, HEADER = 12 };

struct seen {
    unsigned opened, texts;
    bool closed;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_packet(struct bytes packet)
{
    must(packet.n >= HEADER && packet.n <= DCHAN_PACKET_MAX);
    must(packet.n % 4 == 0 && sctp_peer_checksum_is_right(packet));
}

static void take_output(struct sctp_peer *peer, struct seen *seen)
{
    struct dchan *ready;
    struct dchan_out out;
    while ((ready = dchan_next_ready())) {
        must(ready == peer->dchan);
        while (dchan_poll(ready, &out)) {
            must(out.kind == DCHAN_SEND || !seen->closed);
            switch (out.kind) {
            case DCHAN_SEND:
                check_packet(out.bytes);
                sctp_peer_on_packet(peer, out.bytes);
                break;
            case DCHAN_OPEN: must(++seen->opened <= CHANNELS_MAX); break;
            case DCHAN_TEXT:
                must(seen->opened > 0 && out.bytes.n <= DCHAN_MESSAGE_MAX);
                seen->texts++;
                break;
            case DCHAN_CLOSED: seen->closed = true; break;
            }
        }
    }
}

static void say(struct sctp_peer *peer, struct seen *seen, struct bytes packet)
{
    dchan_on_packet(peer->dchan, packet);
    take_output(peer, seen);
}

static void come_up(struct sctp_peer *peer, struct seen *seen)
{
    say(peer, seen, sctp_peer_init(peer));
    say(peer, seen, sctp_peer_cookie_echo(peer));
}

static void open_channel(struct sctp_peer *peer, struct seen *seen, uint16_t stream)
{
    static const uint8_t open[] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'c'};
    say(peer, seen, sctp_peer_message(peer, stream, SCTP_PEER_DCEP, bytes_of(open, sizeof open)));
}

static void step(struct sctp_peer *peer, struct seen *seen, uint8_t how, struct bytes bytes)
{
    switch (how & 7) {
    case 0: say(peer, seen, bytes); break;
    case 1: come_up(peer, seen); break;
    case 2: open_channel(peer, seen, how >> 4); break;
    case 3:
        dchan_process_on_time(how);
        take_output(peer, seen);
        break;
    case 4:
        dchan_send_text(peer->dchan, bytes);
        take_output(peer, seen);
        break;
    case 5: say(peer, seen, sctp_peer_message(peer, how >> 4, SCTP_PEER_STRING, bytes)); break;
    case 6: say(peer, seen, sctp_peer_message(peer, how >> 4, SCTP_PEER_DCEP, bytes)); break;
    default:
        if (bytes.n >= 2)
            say(peer, seen, sctp_peer_chunk(peer, bytes.p[0], bytes.p[1], bytes_of(bytes.p + 2, bytes.n - 2)));
    }
}

static uint64_t sum(const struct dchan_stats *s)
{
    return (uint64_t)s->bad_packets + s->bad_dcep + s->refused_opens + s->ignored_messages + s->send_drops;
}

static void the_next_one_is_served(void)
{
    struct sctp_peer peer = {.dchan = dchan_new(&(struct dchan_config){.token = 2, .max_channels = 1})};
    struct seen seen = {0};
    must(peer.dchan != NULL);
    come_up(&peer, &seen);
    open_channel(&peer, &seen, 0);
    say(&peer, &seen, sctp_peer_message(&peer, 0, SCTP_PEER_STRING, bytes_str("hello")));
    must(seen.opened == 1 && seen.texts == 1 && !seen.closed);
    dchan_free(peer.dchan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        must(dchan_process_init() == E_OK);
    started = true;
    if (size > INPUT_MAX)
        return 0;
    struct sctp_peer peer = {.dchan = dchan_new(&(struct dchan_config){.token = 1, .max_channels = CHANNELS_MAX})};
    struct seen seen = {0};
    must(peer.dchan != NULL);
    struct rd r = rd_over(bytes_of(data, size));
    for (uint64_t count = 0; rd_left(&r) >= 3;) {
        uint8_t how = rd_u8(&r, "how");
        size_t len = rd_u16(&r, "length");
        step(&peer, &seen, how, rd_bytes(&r, MIN(len, rd_left(&r)), "bytes"));
        must(sum(dchan_stats(peer.dchan)) >= count);
        count = sum(dchan_stats(peer.dchan));
    }
    dchan_free(peer.dchan);
    the_next_one_is_served();
    return 0;
}
