/* pulse.c - see pulse.h. */
#include "bridge/pulse.h"

#include "bridge/worker.h"

void pulse_beat(struct pulse *pulse, const struct bridge *bridge)
{
    for (unsigned i = 0; i < bridge->worker_count && i < PULSE_WORKERS_MAX; i++) {
        struct worker *w = bridge->workers[i];
        if (atomic_load_explicit(&w->pulse, memory_order_relaxed) != pulse->asked[i]) {
            pulse->silent[i]++;
            continue;
        }
        pulse->silent[i] = 0;
        pulse->asked[i] = pulse->asked[i] == INT32_MAX ? 1 : pulse->asked[i] + 1;
        struct worker_msg *msg = worker_msg_new(W_PULSE, 0, 0, NULL, 0);
        msg->number = pulse->asked[i];
        worker_post(w, msg);
    }
}

uint64_t pulse_silent_us(const struct pulse *pulse)
{
    unsigned longest = 0;
    for (unsigned i = 0; i < PULSE_WORKERS_MAX; i++)
        longest = MAX(longest, pulse->silent[i]);
    return (uint64_t)longest * PULSE_MS * US_PER_MS;
}

void pulse_answer(struct worker *w, int number)
{
    const struct udp_counters *udp = udp_io_counters(w->udp);
    atomic_store_explicit(&w->packets, udp->rx_datagrams + udp->tx_datagrams, memory_order_relaxed);
    atomic_store_explicit(&w->pulse, number, memory_order_relaxed);
}
