/* remb_rx.h - what a sender is told it may send, if it takes REMB and knows no transport-wide feedback (media.md 7.2,
 * draft-alvestrand-rmcat-remb-03). Old clients only: with transport-wide feedback the sender estimates for itself.
 *
 * The delay-based half of gcc.h with sides changed: sending times are read from the packets (abs-send-time), arrival is
 * ours. Loss is left to the sender, who sees it in receiver reports.
 * Rhythm: remb_rx_on_packet() for each packet that carries the time; remb_rx_write() along with receiver reports.
 * Memory: embeddable, no allocation. Thread: one. */
#ifndef MEDIA_REMB_RX_H
#define MEDIA_REMB_RX_H

#include "media/gcc_aimd.h"
#include "media/gcc_delay.h"
#include "media/rate.h"
#include "proto/bytes.h"

enum { REMB_RX_SSRCS = 8 }; /* those seen last are named */

struct remb_rx {
    struct gcc_delay delay;
    struct gcc_aimd aimd;
    struct rate bytes;
    enum gcc_usage usage; /* that the rate was last told */
    uint64_t told_us;
    uint64_t sent_us; /* by the sender's clock; 0: no packet yet */
    uint32_t newest;  /* abs-send-time of that, 24 bits */
    uint32_t ssrcs[REMB_RX_SSRCS];
    size_t ssrc_count, next_ssrc;
};

void remb_rx_init(struct remb_rx *r, uint64_t start_bps, uint64_t min_bps, uint64_t max_bps, uint64_t now_us);
void remb_rx_on_packet(struct remb_rx *r, uint32_t ssrc, uint32_t abs_send_time, size_t len_bytes, uint64_t rx_us);
uint64_t remb_rx_bps(const struct remb_rx *r); /* 0: nothing to tell yet */
/* Appends a REMB; nothing, if there is nothing to tell. */
void remb_rx_write(const struct remb_rx *r, struct wr *w, uint32_t sender_ssrc);

#endif
