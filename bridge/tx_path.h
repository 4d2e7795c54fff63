/* tx_path.h - the send path of one RTP packet: header and payload into the send buffer, sealed there, queued for its
 * destination. First sending and retransmission write the packet with the same code, from the same struct tx_sent.
 *
 * Thread: the worker. Nothing here allocates, locks or logs. */
#ifndef BRIDGE_TX_PATH_H
#define BRIDGE_TX_PATH_H

#include "bridge/track.h"
#include "proto/rtp.h"
#include "proto/rtp_ext.h"

struct endpoint;

enum { TX_KEPT_MAX = 2 };

struct tx_packet { /* what all receivers of a packet share */
    const struct media_pkt *m;
    struct tx_kept { /* header extensions that go on unchanged */
        enum rtp_ext_kind kind;
        struct bytes data;
    } kept[TX_KEPT_MAX];
    size_t kept_count;
};

void tx_path_prepare(struct tx_packet *packet, const struct endpoint *from, const struct media_pkt *m);
/* The receiver knows the payload type. */
void tx_path_send(struct track *track, const struct tx_packet *packet, const struct project_out *out);
void tx_path_on_nack(struct track *track, uint16_t out_seq, uint64_t now_us);

/* For the estimate of the link (bwe_path.h). Give the bytes that left, as counted before SRTP; 0: none, because there is
 * nothing left to send or it would be more than most_bytes. purpose: gcc.h. */
size_t tx_path_send_again(struct track *track, uint16_t out_seq, size_t most_bytes, uint8_t purpose, uint64_t now_us);
size_t tx_path_send_padding(struct endpoint *to, const struct rtp_view *view, size_t most_bytes, uint8_t purpose,
                            uint64_t now_us);

/* RTCP of the bridge's own making; buf holds RTCP_OUT_CAP bytes at least. */
enum { RTCP_OUT_CAP = 1400 };
void tx_path_send_rtcp(struct endpoint *to, struct bytes rtcp);

#endif
