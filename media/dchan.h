/* dchan.h - the bridge channel over SCTP over DTLS: one association of usrsctp for one transport (RFC 8831, 8832).
 *
 * For: text messages up to 256 KiB both ways on one data channel. The peer opens it; towards another bridge we may.
 * Not for: DTLS (packets come in and go out as bytes), what the messages mean.
 * Rhythm: dchan_on_packet() and dchan_send_text() as things happen, dchan_process_on_time() about every 10 ms. After
 *         any of them, and after dchan_new():
 *             while ((dc = dchan_next_ready()))
 *                 while (dchan_poll(dc, &out)) ...
 * Owner:  bytes in a dchan_out belong to the dchan and live until the next call on it. dchan_free() is allowed between
 *         any two calls, also between next_ready and poll.
 * Thread: usrsctp is global to the process; every function here runs on the one thread that owns it.
 * Limits: an association does not die of lost packets, as in the stock bridge: ICE and inactivity end a transport. */
#ifndef MEDIA_DCHAN_H
#define MEDIA_DCHAN_H

#include "proto/bytes.h"

enum {
    DCHAN_PACKET_MAX = 1188,            /* largest SCTP packet we make */
    DCHAN_MESSAGE_MAX = 256 * 1024,     /* either way */
    DCHAN_SEND_QUEUE_MAX = 2000 * 1000, /* bytes waiting in front of usrsctp */
};

enum err dchan_process_init(void);
void dchan_process_done(void);                   /* every dchan must have been freed */
void dchan_process_on_time(uint32_t elapsed_ms); /* since the last call, from the real clock */

struct dchan;
struct dchan_config {
    uint64_t token;        /* the caller's name for it; comes back from dchan_token() */
    bool active;           /* connect, rather than wait for INIT */
    const char *open;      /* active only: label of the channel to open on stream 0, NULL for none */
    unsigned max_channels; /* opened by the peer; a further OPEN is ignored. 0 means 1 */
};

enum dchan_out_kind {
    DCHAN_SEND,   /* bytes: one SCTP packet for dtls_send() */
    DCHAN_OPEN,   /* label: the bridge channel is open, dchan_send_text() works */
    DCHAN_TEXT,   /* bytes: one message, a string; may be empty. Binary ones are ignored */
    DCHAN_CLOSED, /* the peer closed the channel or the association, or broke the rules; last, comes once */
};
struct dchan_out {
    enum dchan_out_kind kind;
    struct bytes bytes; /* for DCHAN_OPEN the label */
};

struct dchan_stats {
    uint32_t bad_packets;      /* lengths that make no sense; usrsctp does not see them (proto/sctp_walk.h) */
    uint32_t bad_dcep;         /* OPEN too short, type unknown */
    uint32_t refused_opens;    /* beyond max_channels, the stream was open already, or all was closed before */
    uint32_t ignored_messages; /* no channel on that stream, binary or unknown PPID */
    uint32_t send_drops;       /* dchan_send_text() refused: queue full */
};

struct dchan *dchan_new(const struct dchan_config *cfg);
void dchan_free(struct dchan *dc); /* NULL is fine; frees at once, an ABORT to the peer is not waited for */
uint64_t dchan_token(const struct dchan *dc);

void dchan_on_packet(struct dchan *dc, struct bytes packet);
/* E_STATE: no channel is open. E_LIMIT: above DCHAN_MESSAGE_MAX. E_NOSPACE: the send queue is full, not sent. */
enum err dchan_send_text(struct dchan *dc, struct bytes text);
bool dchan_poll(struct dchan *dc, struct dchan_out *out);
struct dchan *dchan_next_ready(void); /* one with output; NULL: none. The same one again until it is polled dry. */
const struct dchan_stats *dchan_stats(const struct dchan *dc);

#endif
