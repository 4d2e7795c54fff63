/* A byte budget that time fills and packets empty; see gcc_alr.h. */
#include "media/gcc_alr.h"

#include <string.h>

#define USE   0.80 /* of the estimate; less than this is application limited */
#define BEGIN 0.40 /* of the budget's maximum */
#define END   (-0.60)
enum { BUDGET_US = 500000 };

void gcc_alr_init(struct gcc_alr *a, uint64_t estimate_bps)
{
    memset(a, 0, sizeof *a);
    gcc_alr_on_estimate(a, estimate_bps);
}

void gcc_alr_on_estimate(struct gcc_alr *a, uint64_t estimate_bps)
{
    a->bytes_per_us = USE * (double)estimate_bps / 8 / US_PER_S;
    a->max_bytes = a->bytes_per_us * BUDGET_US;
    if (a->budget_bytes > a->max_bytes)
        a->budget_bytes = a->max_bytes;
    if (a->budget_bytes < -a->max_bytes)
        a->budget_bytes = -a->max_bytes;
}

void gcc_alr_on_sent(struct gcc_alr *a, size_t len_bytes, uint64_t now_us)
{
    if (a->sent_us == 0)
        a->sent_us = now_us; /* the time it took to collect the first packet is not known */
    a->budget_bytes += a->bytes_per_us * (double)(now_us - a->sent_us);
    if (a->budget_bytes > a->max_bytes)
        a->budget_bytes = a->max_bytes;
    a->budget_bytes -= (double)len_bytes;
    if (a->budget_bytes < -a->max_bytes)
        a->budget_bytes = -a->max_bytes;
    a->sent_us = now_us;
    if (!a->in && a->budget_bytes > BEGIN * a->max_bytes) {
        a->in = true;
        a->since_us = now_us;
    } else if (a->in && a->budget_bytes < END * a->max_bytes) {
        a->in = false;
    }
}
