/* twcc_rx.h - arrival log of one transport and the transport-wide feedback made of it (media.md 7.1).
 *
 * Feed it every authenticated RTP packet that carries the extension: audio and video, RTX and padding, whatever happens
 * to it later. A packet missing here is a packet lost in the sender's eyes, and its estimate does not grow.
 *
 * Rhythm: twcc_rx_on_packet(); after it, and at twcc_rx_deadline_us(), call twcc_rx_poll() until it returns false.
 *         Feedback goes out 100 ms after the last one, 20 ms if a packet has the marker bit; the deadline reports the
 *         tail of a burst. A late packet moves the next feedback's start back; what was reported stays known for
 *         TWCC_RX_LOG numbers, so that repeated statuses stay true.
 * Times:  rx_us is the socket's receive time, on one clock for the transport's whole life.
 * Owner:  twcc_rx_new/free. No allocation afterwards. Thread: one. */
#ifndef MEDIA_TWCC_RX_H
#define MEDIA_TWCC_RX_H

#include "proto/rtcp_twcc.h"
#include "proto/units.h"

enum {
    TWCC_RX_LOG = 2048, /* numbers remembered; a power of two */
    TWCC_RX_INTERVAL_US = 100000,
    TWCC_RX_MARKER_US = 20000,
};

struct twcc_rx;

struct twcc_rx *twcc_rx_new(void);
void twcc_rx_free(struct twcc_rx *t);
void twcc_rx_on_packet(struct twcc_rx *t, uint16_t seq, uint32_t ssrc, bool marker, uint64_t rx_us);
uint64_t twcc_rx_deadline_us(const struct twcc_rx *t);
/* Writes one feedback packet (at most TWCC_PACKET_MAX bytes). false: nothing is due, or w has not room for it. */
bool twcc_rx_poll(struct twcc_rx *t, uint64_t now_us, uint32_t sender_ssrc, struct wr *w);

struct twcc_rx_stats {
    uint64_t received, lost; /* lost: forward gaps, as they show when they open */
    uint64_t recovered;      /* arrived after having counted as lost */
    uint64_t feedbacks;
};
struct twcc_rx_stats twcc_rx_stats(const struct twcc_rx *t);

#endif
