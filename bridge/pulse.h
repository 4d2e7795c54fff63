/* pulse.h - do the media threads still turn? Each is sent a message each second and notes that it has seen it.
 *
 * Counted in beats of the control thread, not in time: when the whole process was stopped or the machine slept, nothing
 * is held against the threads. One that hangs is sent no second message.
 * Thread: control; pulse_answer on the worker's. */
#ifndef BRIDGE_PULSE_H
#define BRIDGE_PULSE_H

#include <stdint.h>

#include "bridge/bridge.h"

enum { PULSE_MS = 1000, PULSE_WORKERS_MAX = 64 };

struct pulse {
    int asked[PULSE_WORKERS_MAX];       /* number of the last message to each worker */
    unsigned silent[PULSE_WORKERS_MAX]; /* beats since, without an answer */
};

void pulse_beat(struct pulse *pulse, const struct bridge *bridge); /* each PULSE_MS */
uint64_t pulse_silent_us(const struct pulse *pulse);               /* of the worker that has not answered for longest */

void pulse_answer(struct worker *worker, int number);

#endif
