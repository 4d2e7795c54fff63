/* gcc_alr.h - application limited region: clearly less is sent than the estimate allows, so that what arrives says nothing
 * about what the link could carry (media.md 8.5). Part of gcc.h. */
#ifndef MEDIA_GCC_ALR_H
#define MEDIA_GCC_ALR_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/units.h"

struct gcc_alr {
    double budget_bytes, max_bytes; /* what was not used of a share of the estimate; between -max and +max */
    double bytes_per_us;
    uint64_t sent_us; /* the last packet */
    uint64_t since_us;
    bool in;
};

void gcc_alr_init(struct gcc_alr *a, uint64_t estimate_bps);
void gcc_alr_on_estimate(struct gcc_alr *a, uint64_t estimate_bps);
void gcc_alr_on_sent(struct gcc_alr *a, size_t len_bytes, uint64_t now_us);

#endif
