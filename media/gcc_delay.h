/* gcc_delay.h - whether queues grow between us and the receiver (media.md 8.3; draft-ietf-rmcat-gcc-02 5.1 to 5.4, with
 * a trendline in place of its Kalman filter). Part of gcc.h.
 *
 * Packets sent together make a group; how much further apart groups arrive than they were sent is one delay variation; a
 * line through the last twenty sums of them has a slope; a slope above a threshold that adapts itself means overuse. */
#ifndef MEDIA_GCC_DELAY_H
#define MEDIA_GCC_DELAY_H

#include <stdbool.h>
#include <stdint.h>

enum gcc_usage { GCC_NORMAL, GCC_OVERUSE, GCC_UNDERUSE };
enum { GCC_DELAY_POINTS = 20 };

struct gcc_delay {
    struct gcc_delay_group {
        uint64_t first_sent_us, sent_us; /* of its first packet and of the latest */
        int64_t first_arrived_us, arrived_us;
        uint64_t reported_us; /* when we heard of it */
        bool used;
    } group, before;    /* the one being filled, the one before it */
    unsigned reordered; /* groups in a row that seem to have arrived before their predecessor */
    uint64_t seen_us;   /* the last report */

    unsigned delta_count;
    double delay_ms, smoothed_ms; /* sums of delay variations */
    int64_t first_arrived_us;
    unsigned point_count, next_point;
    struct {
        double at_ms, delay_ms;
    } points[GCC_DELAY_POINTS];

    double slope, threshold;
    double over_ms; /* how long the slope has been above the threshold; below 0: it is not */
    unsigned over_count;
    int64_t adapted_us;
    bool adapted;
    enum gcc_usage usage;
};

void gcc_delay_init(struct gcc_delay *d);
/* In order of arrival. now_us: of the feedback. arrived_us by the receiver's clock. */
void gcc_delay_on_packet(struct gcc_delay *d, uint64_t sent_us, int64_t arrived_us, uint64_t now_us);

#endif
