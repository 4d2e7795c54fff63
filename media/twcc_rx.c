/* A ring of arrival times by unwrapped number, and the point up to which it has been reported; see twcc_rx.h. */
#include "media/twcc_rx.h"

#include <stdlib.h>

#include "proto/seq.h"

struct twcc_rx {
    struct seq_unwrap unwrap; /* unwrap.newest: the highest number received */
    int64_t start;            /* first number of the next feedback; newest + 1: all reported */
    uint64_t last_sent_us, due_us;
    uint32_t media_ssrc; /* of the packet that came last */
    uint8_t fb_count;
    struct twcc_rx_stats stats;
    uint64_t arrived_us[TWCC_RX_LOG]; /* 0: not received */
};

static uint64_t *slot(struct twcc_rx *t, int64_t wide)
{
    return &t->arrived_us[wide & (TWCC_RX_LOG - 1)];
}

struct twcc_rx *twcc_rx_new(void)
{
    struct twcc_rx *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->due_us = NEVER_US;
    return t;
}

void twcc_rx_free(struct twcc_rx *t)
{
    free(t);
}

/* Empties the slots of the numbers between the highest and wide, which have not arrived. */
static void move_forward(struct twcc_rx *t, int64_t wide)
{
    int64_t newest = t->unwrap.newest;
    for (int64_t n = MAX(newest + 1, wide - TWCC_RX_LOG + 1); n < wide; n++)
        *slot(t, n) = 0;
    t->stats.lost += (uint64_t)(wide - newest - 1);
    if (wide - newest >= TWCC_RX_LOG) /* nothing sensible can be said about the gap */
        t->start = wide;
    else
        t->start = MAX(t->start, wide - TWCC_RX_LOG + 1);
    t->unwrap.newest = wide;
}

void twcc_rx_on_packet(struct twcc_rx *t, uint16_t seq, uint32_t ssrc, bool marker, uint64_t rx_us)
{
    int64_t newest = t->unwrap.newest;
    int64_t wide = seq_unwrap_peek(&t->unwrap, seq);
    if (newest == 0) {
        t->unwrap.newest = t->start = wide;
        t->last_sent_us = rx_us; /* the first check only remembers the time */
    } else if (wide > newest) {
        move_forward(t, wide);
    } else {
        if (newest - wide >= TWCC_RX_LOG || *slot(t, wide) != 0)
            return; /* too old to tell, or a duplicate: the first arrival counts */
        t->stats.recovered++;
        t->start = MIN(t->start, wide);
    }
    *slot(t, wide) = MAX(rx_us, 1);
    t->stats.received++;
    t->media_ssrc = ssrc;
    t->due_us = MIN(t->due_us, t->last_sent_us + TWCC_RX_INTERVAL_US);
    if (marker && rx_us >= t->last_sent_us + TWCC_RX_MARKER_US)
        t->due_us = MIN(t->due_us, rx_us);
}

uint64_t twcc_rx_deadline_us(const struct twcc_rx *t)
{
    return t->due_us;
}

bool twcc_rx_poll(struct twcc_rx *t, uint64_t now_us, uint32_t sender_ssrc, struct wr *w)
{
    int64_t newest = t->unwrap.newest;
    if (now_us < t->due_us || t->start > newest || w->err != E_OK || w->end - w->pos < TWCC_PACKET_MAX)
        return false;
    int64_t first = t->start; /* the highest number has arrived, so there is one */
    while (*slot(t, first) == 0)
        first++;
    struct rtcp_twcc_build b;
    rtcp_twcc_build_init(&b, (uint16_t)t->start, *slot(t, first));
    int64_t next = t->start; /* first number that b does not cover */
    for (int64_t n = first; n <= newest; n++) {
        if (*slot(t, n) == 0)
            continue;
        if (!rtcp_twcc_build_add(&b, (uint32_t)(n - next), *slot(t, n)))
            break; /* the rest is for another packet */
        next = n + 1;
    }
    rtcp_twcc_build_write(&b, w, sender_ssrc, t->media_ssrc, t->fb_count++);
    t->stats.feedbacks++;
    t->start = next;
    t->last_sent_us = now_us;
    if (t->start > newest)
        t->due_us = NEVER_US;
    return true;
}

struct twcc_rx_stats twcc_rx_stats(const struct twcc_rx *t)
{
    return t->stats;
}
