/* Minima of two periods, and whether the queue above them shrinks; see gcc_queue.h. */
#include "media/gcc_queue.h"

#include <string.h>

#include "proto/units.h"

enum {
    PERIOD_US = 20000000,
    JUMP_US = 10000000,
    CHECK_US = 500000,
    FUTILE_MAX = 5, /* 0.85^5: less than half of the rate is lost to a path that became longer */
    DRAIN_EVERY_US = 10000000,
    DRAIN_US = 1000000, /* empties a queue of half a second */
    DRAIN_RTT_US = 150000,
    DRAIN_GAIN_US = 20000,
    DRAIN_PAUSE_US = 60000000,
};
#define DRAIN_LOSS 0.03
#define SHRINKS    0.9 /* at least to this, from one check to the next */

void gcc_queue_init(struct gcc_queue *q)
{
    memset(q, 0, sizeof *q);
}

void gcc_queue_on_packet(struct gcc_queue *q, uint64_t sent_us, int64_t arrived_us)
{
    int64_t transit_us = arrived_us - (int64_t)sent_us;
    if (!q->any || transit_us < q->transit_us)
        q->transit_us = transit_us;
    q->any = true;
}

static void start_at(struct gcc_queue *q, uint64_t now_us)
{
    q->least_us[0] = q->least_us[1] = q->transit_us;
    q->period_us = now_us;
    q->futile = 0;
}

static void measure(struct gcc_queue *q, uint64_t now_us)
{
    int64_t off_us = q->transit_us - q->least_us[0];
    if (q->period_us == 0 || off_us > JUMP_US ||
        off_us < -JUMP_US) { /* the first one, or the receiver's clock jumped */
        start_at(q, now_us);
    } else if (now_us - q->period_us > PERIOD_US) {
        q->least_us[1] = q->least_us[0];
        q->least_us[0] = q->transit_us;
        q->period_us = now_us;
    } else if (q->transit_us < q->least_us[0]) {
        q->least_us[0] = q->transit_us;
    }
    int64_t least_us = q->least_us[0] < q->least_us[1] ? q->least_us[0] : q->least_us[1];
    q->standing_us = (uint64_t)(q->transit_us - least_us);
}

static void check_again_later(struct gcc_queue *q, uint64_t now_us)
{
    q->checked_us = now_us;
    q->checked_standing_us = q->standing_us;
}

enum gcc_usage gcc_queue_judge(struct gcc_queue *q, enum gcc_usage usage, uint64_t now_us)
{
    if (!q->any)
        return usage;
    measure(q, now_us);
    q->any = false;
    if (usage == GCC_OVERUSE && q->standing_us < GCC_QUEUE_SHORT_US)
        usage = GCC_UNDERUSE;
    if (q->standing_us <= GCC_QUEUE_LONG_US) {
        q->checked_us = 0;
        q->futile = 0;
        return usage;
    }
    if (q->checked_us == 0 ||
        usage == GCC_OVERUSE) { /* it has just become long, or something is done about it anyway */
        check_again_later(q, now_us);
        return usage == GCC_OVERUSE ? GCC_OVERUSE : GCC_UNDERUSE;
    }
    if (now_us - q->checked_us < CHECK_US)
        return GCC_UNDERUSE;
    bool shrinks = (double)q->standing_us < SHRINKS * (double)q->checked_standing_us;
    check_again_later(q, now_us);
    q->futile = shrinks ? 0 : q->futile + 1;
    return shrinks || q->futile > FUTILE_MAX ? GCC_UNDERUSE : GCC_OVERUSE;
}

uint64_t gcc_queue_drain_bps(struct gcc_queue *q, double loss, uint64_t rtt_us, uint64_t acked_bps, uint64_t now_us)
{
    if (now_us % DRAIN_EVERY_US < DRAIN_US) {
        bool wanted = loss > DRAIN_LOSS && rtt_us > DRAIN_RTT_US && acked_bps && now_us >= q->drain_not_before_us;
        if (wanted && !q->drain_bps) {
            q->drain_bps = acked_bps / 2;
            q->drain_from_us = q->transit_us;
        }
    } else if (q->drain_bps) {
        q->drain_bps = 0;
        if (q->transit_us + DRAIN_GAIN_US > q->drain_from_us)
            q->drain_not_before_us = now_us + DRAIN_PAUSE_US;
    }
    return q->drain_bps ? q->drain_bps : UINT64_MAX;
}
