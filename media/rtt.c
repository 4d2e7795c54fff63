/* Round-trip time from LSR and DLSR; see rtt.h. */
#include "media/rtt.h"

#include <string.h>

enum { DLSR_MAX = 5 * 60 * 65536 };
#define RTT_MAX_US SEC(7)

void rtt_init(struct rtt *rtt)
{
    memset(rtt, 0, sizeof *rtt);
}

void rtt_on_sr_sent(struct rtt *rtt, uint32_t ssrc, uint64_t ntp, uint64_t now_us)
{
    uint32_t at = rtt->at++ % RTT_SR_COUNT;
    rtt->sr[at].ssrc = ssrc;
    rtt->sr[at].ntp_mid = (uint32_t)(ntp >> 16);
    rtt->sr[at].sent_us = now_us;
}

bool rtt_on_report(struct rtt *rtt, const struct rtcp_report *report, uint64_t rx_us)
{
    if ((report->lsr == 0 && report->dlsr == 0) || report->dlsr > DLSR_MAX)
        return false;
    uint64_t held_us = (uint64_t)report->dlsr * US_PER_S / 65536;
    for (uint32_t back = 1; back <= RTT_SR_COUNT; back++) { /* newest first: that is the one they mean */
        uint32_t i = (rtt->at - back) % RTT_SR_COUNT;
        if (rtt->sr[i].sent_us == 0 || rtt->sr[i].ssrc != report->ssrc || rtt->sr[i].ntp_mid != report->lsr)
            continue;
        uint64_t sent_us = rtt->sr[i].sent_us;
        if (rx_us < sent_us + held_us || rx_us - sent_us - held_us > RTT_MAX_US)
            return false;
        uint64_t sample_us = rx_us - sent_us - held_us;
        rtt->last_us = sample_us > 0 ? sample_us : 1; /* 0 means unknown */
        return true;
    }
    return false;
}
