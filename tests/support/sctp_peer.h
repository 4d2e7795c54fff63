/* sctp_peer.h - the other side of SCTP by hand, chunk by chunk (RFC 9260): no usrsctp on this side.
 *
 * Rhythm: what sctp_peer_init() and the like give back goes to dchan_on_packet(); what the dchan sends goes to
 *         sctp_peer_on_packet(), which learns tag and cookie from it. Bytes given back live until the next call. */
#ifndef TESTS_SCTP_PEER_H
#define TESTS_SCTP_PEER_H

#include "media/dchan.h"

enum { SCTP_PEER_DCEP = 50, SCTP_PEER_STRING = 51, SCTP_PEER_STREAMS = 16 };

struct sctp_peer {
    struct dchan *dchan; /* who is talked to; the caller's */
    uint32_t their_tag, tsn;
    uint16_t ssn[SCTP_PEER_STREAMS];
    uint8_t cookie[2048];
    size_t cookie_len;
    bool cookie_acked;
    int acks[SCTP_PEER_STREAMS]; /* DATA_CHANNEL_ACK by stream */
    uint8_t buf[16384];
};

struct bytes sctp_peer_init(struct sctp_peer *peer);
struct bytes sctp_peer_cookie_echo(struct sctp_peer *peer);
struct bytes sctp_peer_message(struct sctp_peer *peer, uint16_t stream, uint32_t ppid, struct bytes text);
struct bytes sctp_peer_chunk(struct sctp_peer *peer, uint8_t type, uint8_t flags, struct bytes body);
void sctp_peer_on_packet(struct sctp_peer *peer, struct bytes packet);
bool sctp_peer_checksum_is_right(struct bytes packet);

#endif
