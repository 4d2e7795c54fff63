/* load.h - how busy this process is, as the stress level that the focus sorts bridges by (operations 13).
 *
 * Unlike the stock bridge it counts its own process and its share of the machine, not its neighbours; and one saturated
 * media thread is full load even on a machine with many idle cores. Thread: control. */
#ifndef BRIDGE_LOAD_H
#define BRIDGE_LOAD_H

#include <stdint.h>

#include "bridge/bridge.h"

enum { LOAD_SAMPLE_MS = 10000, LOAD_WORKERS_MAX = 64 };

struct load {
    uint64_t at_us, process_us;
    uint64_t worker_us[LOAD_WORKERS_MAX]; /* CPU time of each worker's thread */
    double stress;
};

/* 1.0: as much CPU as the threshold allows. cpu_count: those this process may use. */
double load_stress(const struct load *before, const struct load *now, unsigned worker_count, unsigned cpu_count,
                   double threshold);
void load_sample(struct load *load, const struct bridge *bridge, uint64_t now_us);

#endif
