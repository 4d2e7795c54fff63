/* A window of arrivals and the spans they cover; see gcc_acked.h. */
#include "media/gcc_acked.h"

#include <string.h>

enum {
    PACKETS_VALID = 10,
    PACKETS_MIN = 20, /* the window holds at least these and WINDOW_US, */
    WINDOW_US = 1000000,
    PACKETS_MAX = 500, /* and at most these or WINDOW_MAX_US */
    WINDOW_MAX_US = 5000000,
    REORDER_MAX_US = 1000000,
    SPAN_MIN_US = 1000,
};

void gcc_acked_init(struct gcc_acked *a)
{
    memset(a, 0, sizeof *a);
}

static struct gcc_acked_packet *at(struct gcc_acked *a, uint32_t i)
{
    return &a->ring[(a->first + i) % GCC_ACKED_RING];
}

static const struct gcc_acked_packet *get(const struct gcc_acked *a, uint32_t i)
{
    return &a->ring[(a->first + i) % GCC_ACKED_RING];
}

static int32_t since(uint32_t later_us, uint32_t earlier_us)
{
    return (int32_t)(later_us - earlier_us);
}

static bool first_is_old(const struct gcc_acked *a)
{
    if (a->count <= 1)
        return false;
    int32_t span_us = since(get(a, a->count - 1)->arrived_us, get(a, 0)->arrived_us);
    if (a->count > PACKETS_MAX || span_us > WINDOW_MAX_US)
        return true;
    return a->count > PACKETS_MIN && span_us > WINDOW_US;
}

static void forget_first(struct gcc_acked *a)
{
    uint32_t sent_us = get(a, 0)->sent_us;
    if (!a->forgot || since(sent_us, a->forgot_sent_us) > 0)
        a->forgot_sent_us = sent_us;
    a->forgot = true;
    a->first = (a->first + 1) % GCC_ACKED_RING;
    a->count--;
}

void gcc_acked_on_packet(struct gcc_acked *a, const struct twcc_tx_result *packet)
{
    struct gcc_acked_packet new = {(uint32_t)packet->sent_us, (uint32_t)packet->arrived_us, packet->len_bytes};
    if (a->count) {
        int32_t ahead_us = since(new.arrived_us, get(a, a->count - 1)->arrived_us);
        if (ahead_us < -REORDER_MAX_US || ahead_us > 10 * WINDOW_MAX_US)
            gcc_acked_init(a); /* another clock, or a pause that says nothing about the rate */
    }
    uint32_t to = a->count++;
    for (; to > 0 && since(new.arrived_us, get(a, to - 1)->arrived_us) < 0; to--)
        *at(a, to) = *get(a, to - 1);
    *at(a, to) = new;
    while (first_is_old(a))
        forget_first(a);
}

static double rate_bps(uint64_t len_bytes, int32_t span_us)
{
    return (double)len_bytes * 8 * US_PER_S / (span_us > SPAN_MIN_US ? span_us : SPAN_MIN_US);
}

/* Of the packets in the window but those that overtook a forgotten one by being late. The last packet of a span of
 * sending does not belong to it: its own time on the line comes after. 0: too few. */
static double sent_rate(const struct gcc_acked *a)
{
    uint64_t len_bytes = 0;
    uint32_t n = 0, first_us = 0, last_us = 0, last_len = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct gcc_acked_packet *p = get(a, i);
        if (a->forgot && since(p->sent_us, a->forgot_sent_us) < 0)
            continue;
        if (n == 0 || since(p->sent_us, last_us) > 0) {
            last_us = p->sent_us;
            last_len = p->len_bytes;
        }
        if (n == 0 || since(p->sent_us, first_us) < 0)
            first_us = p->sent_us;
        len_bytes += p->len_bytes;
        n++;
    }
    return n < PACKETS_VALID ? 0 : rate_bps(len_bytes - last_len, since(last_us, first_us));
}

/* The largest gap counts as the second largest: a single stall is no lack of capacity. */
static double arrival_rate(const struct gcc_acked *a)
{
    int32_t largest_us = 0, second_us = 0;
    uint64_t len_bytes = 0;
    for (uint32_t i = 1; i < a->count; i++) {
        int32_t gap_us = since(get(a, i)->arrived_us, get(a, i - 1)->arrived_us);
        if (gap_us > largest_us) {
            second_us = largest_us;
            largest_us = gap_us;
        } else if (gap_us > second_us) {
            second_us = gap_us;
        }
        len_bytes += get(a, i)->len_bytes;
    }
    return rate_bps(len_bytes, since(get(a, a->count - 1)->arrived_us, get(a, 0)->arrived_us) - largest_us + second_us);
}

uint64_t gcc_acked_bps(const struct gcc_acked *a)
{
    if (a->count < PACKETS_VALID)
        return 0;
    double sent = sent_rate(a), arrived = arrival_rate(a);
    return (uint64_t)(sent > 0 && sent < arrived ? sent : arrived);
}
