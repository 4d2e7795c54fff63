/* load.c - see load.h. */
#include "bridge/load.h"

#include <pthread.h>
#include <time.h>

#include "bridge/worker.h"

static uint64_t clock_us(clockid_t clock)
{
    struct timespec ts;
    if (clock_gettime(clock, &ts) != 0)
        return 0;
    return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

double load_stress(const struct load *before, const struct load *now, unsigned worker_count, unsigned cpu_count,
                   double threshold)
{
    uint64_t elapsed_us = now->at_us - before->at_us;
    if (before->at_us == 0 || elapsed_us == 0)
        return 0;
    double share = (double)(now->process_us - before->process_us) / (double)elapsed_us / cpu_count;
    for (unsigned i = 0; i < worker_count && i < LOAD_WORKERS_MAX; i++)
        share = MAX(share, (double)(now->worker_us[i] - before->worker_us[i]) / (double)elapsed_us);
    return share / threshold;
}

void load_sample(struct load *load, const struct bridge *bridge, uint64_t now_us)
{
    struct load now = {.at_us = now_us, .process_us = clock_us(CLOCK_PROCESS_CPUTIME_ID)};
    for (unsigned i = 0; i < bridge->worker_count && i < LOAD_WORKERS_MAX; i++) {
        clockid_t clock;
        if (pthread_getcpuclockid(bridge->workers[i]->thread, &clock) == 0)
            now.worker_us[i] = clock_us(clock);
    }
    now.stress = load_stress(load, &now, bridge->worker_count, uv_available_parallelism(), bridge->config->load_cpu);
    *load = now;
}
