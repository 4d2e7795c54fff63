/* gcc_loss.h - the rate that follows from loss: which pair of capacity and inherent loss explains best what was lost at
 * the rates sent lately (media.md 8.4; libwebrtc's second loss-based estimator). Part of gcc.h.
 *
 * Loss that comes with any rate, as on a bad radio link, is no reason to send less; loss that appears above a rate is. */
#ifndef MEDIA_GCC_LOSS_H
#define MEDIA_GCC_LOSS_H

#include <stdbool.h>

#include "media/gcc_ambient.h"
#include "media/twcc_tx.h"

enum { GCC_LOSS_WINDOW = 15 };

enum gcc_loss_state {
    GCC_LOSS_FREE, /* loss does not limit: the delay-based rate holds */
    GCC_LOSS_DECREASING,
    GCC_LOSS_INCREASING, /* limited by loss, and growing: padding helps to find out how far */
};

struct gcc_loss {
    double min_bps, max_bps;
    double best_bps, inherent; /* the best explanation so far; best_bps 0: none yet */
    struct gcc_ambient ambient;
    double lost;                 /* over the window, without its extremes: 0 to 1 */
    double blamed;               /* share of it that is not ambient */
    double average;              /* lost, as far as blamed */
    double upper_bps, lower_bps; /* bounds that follow from it and from what arrives */
    double acked_bps;            /* 0: not known */
    struct gcc_loss_seen {
        double size_kb, lost_kb, rate_bps;
        bool queued;         /* while a queue stood */
    } seen[GCC_LOSS_WINDOW]; /* one per 250 ms and more */
    uint32_t seen_count;     /* ever */

    struct { /* being filled */
        uint64_t size_bytes, lost_bytes;
        uint64_t first_us, last_us; /* when sent */
        bool any, queued;
    } now;
    uint64_t last_us; /* sending of the last packet of the newest observation; our clock here */

    enum gcc_loss_state state;
    double result_bps;
    uint64_t hold_until_us, hold_us; /* after a decrease: not above hold_bps until then */
    double hold_bps;                 /* 0: none */
    uint64_t padding_since_us;       /* 0: none */
    double padding_bps;
    uint64_t window_since_us; /* 0: none. Growth within a window is bounded */
    double window_bps;
};

void gcc_loss_init(struct gcc_loss *l, uint64_t min_bps, uint64_t max_bps);
void gcc_loss_on_packet(struct gcc_loss *l, const struct twcc_tx_result *packet); /* received and lost ones */
/* After the packets of each feedback. acked_bps 0: not known. queued: queues are growing. */
void gcc_loss_update(struct gcc_loss *l, uint64_t delay_bps, uint64_t acked_bps, bool alr, bool queued);
bool gcc_loss_ready(const struct gcc_loss *l);
uint64_t gcc_loss_bps(const struct gcc_loss *l); /* only if ready */

#endif
