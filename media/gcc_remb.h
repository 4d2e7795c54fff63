/* gcc_remb.h - the estimate for receivers that give no transport-wide feedback (media.md 7.3, 8.4): what they say in REMB,
 * lowered while their reports show that more than a tenth is lost. Part of gcc.h, which has the rhythm and units. */
#ifndef MEDIA_GCC_REMB_H
#define MEDIA_GCC_REMB_H

#include <stdbool.h>

#include "proto/rtcp.h"
#include "proto/units.h"

enum { GCC_REMB_SSRCS = 16, GCC_REMB_SAMPLE_PACKETS = 20 };

struct gcc_remb {
    uint64_t remb_bps; /* UINT64_MAX: none, or unlimited */
    uint64_t loss_bps; /* UINT64_MAX: loss does not limit */
    uint64_t changed_us;
    uint64_t expected, lost; /* reported since the last sample was complete */
    float loss;
    unsigned next; /* the row that a new SSRC takes */
    struct {
        uint32_t ssrc, high_seq;
        int32_t lost;
    } seen[GCC_REMB_SSRCS]; /* as last reported; SSRC 0: free */
};

void gcc_remb_init(struct gcc_remb *r);
void gcc_remb_on_remb(struct gcc_remb *r, uint64_t rate_bps);
/* sent_bps: what was sent in the last second. */
void gcc_remb_on_report(struct gcc_remb *r, const struct rtcp_report *report, uint64_t sent_bps, uint64_t rtt_us,
                        uint64_t now_us);
uint64_t gcc_remb_estimate_bps(const struct gcc_remb *r); /* UINT64_MAX: unlimited */

#endif
