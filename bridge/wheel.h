/* wheel.h - timer wheel: deadlines embedded in their owners, re-armed after every drain.
 *
 * Units: monotonic microseconds; a timer fires at most 1 ms late, never early. NEVER_US disarms.
 * Owner: the timer's memory is its owner's; wheel_set(NEVER_US) before it goes away.
 * Thread: one. Setting or clearing any timer inside a callback is fine. Allocation: none after wheel_init. */
#ifndef BRIDGE_WHEEL_H
#define BRIDGE_WHEEL_H

#include "proto/list.h"
#include "proto/units.h"

enum { WHEEL_SLOTS = 4096 }; /* of 1 ms each; later deadlines go round */

struct timer;
typedef void timer_fired(struct timer *timer, uint64_t now_us);

struct timer {
    struct list node;
    uint64_t deadline_us;
    timer_fired *fired;
};

struct wheel {
    struct list slots[WHEEL_SLOTS];
    uint64_t used[WHEEL_SLOTS / 64]; /* one bit per slot that may hold something */
    uint64_t done_tick;              /* every tick up to this one has been handled */
};

void wheel_init(struct wheel *wheel, uint64_t now_us);
void timer_init(struct timer *timer, timer_fired *fired);
void wheel_set(struct wheel *wheel, struct timer *timer, uint64_t deadline_us);
void wheel_run(struct wheel *wheel, uint64_t now_us);
uint64_t wheel_next_us(const struct wheel *wheel); /* not later than the first deadline; NEVER_US: none armed */

#endif
