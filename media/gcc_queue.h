/* gcc_queue.h - a queue that stands between us and the receiver, and what to do about it. Part of gcc.h.
 *
 * gcc_delay sees queues grow, and is blind to one that is full and stays so, as flows that meet behind one bottleneck can
 * keep it for minutes. Its length is how much longer packets take than the fastest of the last half minute took. While
 * it is long the rate does not grow; while it does not shrink either, the rate is lowered, a few times: if that changes
 * nothing the path may have become longer, which will show when the shorter one is forgotten.
 *
 * A queue that grows but is not worth the name yet makes the rate hold, not fall: on a fast link one frame is seen to grow.
 *
 * Who comes when the queue is full has never seen it empty. So flows that lose packets on a long path send only half for
 * one second in ten; and all of them in the same second, that of the process's clock, as those behind one bottleneck are
 * often receivers of one bridge. If nothing is faster then, the path is what it is, and is left alone for a minute.
 *
 * libwebrtc has no such part. */
#ifndef MEDIA_GCC_QUEUE_H
#define MEDIA_GCC_QUEUE_H

#include "media/gcc_delay.h"

enum { GCC_QUEUE_SHORT_US = 10000, GCC_QUEUE_LONG_US = 100000 };

struct gcc_queue {
    int64_t
        least_us[2]; /* shortest transit of the present and of the last period; clocks differ, so any offset is in it */
    uint64_t period_us; /* when the present one began; 0: nothing seen */
    int64_t transit_us; /* the shortest of the feedback being read */
    bool any;
    uint64_t standing_us; /* length of the queue */
    uint64_t checked_us;  /* when it was last looked whether it shrinks; 0: it is not long */
    uint64_t checked_standing_us;
    unsigned futile; /* decreases in a row that changed nothing */

    uint64_t drain_bps;    /* 0: not draining */
    int64_t drain_from_us; /* transit when it began */
    uint64_t drain_not_before_us;
};

void gcc_queue_init(struct gcc_queue *q);
void gcc_queue_on_packet(struct gcc_queue *q, uint64_t sent_us, int64_t arrived_us);
/* After the packets of a feedback. What gcc_delay has found, or overuse or a hold because of the queue that stands. */
enum gcc_usage gcc_queue_judge(struct gcc_queue *q, enum gcc_usage usage, uint64_t now_us);
/* The rate not to exceed because it is time to see the queue empty; UINT64_MAX: it is not. Ask after each feedback. */
uint64_t gcc_queue_drain_bps(struct gcc_queue *q, double loss, uint64_t rtt_us, uint64_t acked_bps, uint64_t now_us);

#endif
