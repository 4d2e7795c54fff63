/* rtt.h - round-trip time to one endpoint from the report blocks it sends (RFC 3550 6.4.1, media.md 6.3).
 *
 * Remembers the last SRs sent on any SSRC; a report block that names one of them gives a sample, unsmoothed.
 * Memory: embeddable, no allocation. Thread: one. */
#ifndef MEDIA_RTT_H
#define MEDIA_RTT_H

#include "proto/rtcp.h"
#include "proto/units.h"

enum { RTT_SR_COUNT = 128 };

struct rtt {
    uint64_t last_us; /* 0: unknown */
    uint32_t at;
    struct {
        uint32_t ssrc, ntp_mid;
        uint64_t sent_us; /* 0: free */
    } sr[RTT_SR_COUNT];
};

void rtt_init(struct rtt *rtt);
void rtt_on_sr_sent(struct rtt *rtt, uint32_t ssrc, uint64_t ntp, uint64_t now_us);
/* true: rtt->last_us is new. Samples below 0 or above 7 s, and DLSR above 5 min, are ignored. */
bool rtt_on_report(struct rtt *rtt, const struct rtcp_report *report, uint64_t rx_us);

#endif
