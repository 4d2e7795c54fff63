/* The loss limits of the first Google congestion control; see gcc_remb.h. */
#include "media/gcc_remb.h"

#include <string.h>

#define LOSS_HIGH 0.10f
#define LOSS_LOW  0.02f
enum { DECREASE_US = 300000 }; /* at most once in this and a round trip */

void gcc_remb_init(struct gcc_remb *r)
{
    memset(r, 0, sizeof *r);
    r->remb_bps = r->loss_bps = UINT64_MAX;
}

void gcc_remb_on_remb(struct gcc_remb *r, uint64_t rate_bps)
{
    r->remb_bps = rate_bps;
}

uint64_t gcc_remb_estimate_bps(const struct gcc_remb *r)
{
    return r->loss_bps < r->remb_bps ? r->loss_bps : r->remb_bps;
}

/* Counters of an SSRC seen for the first time say nothing yet: losses before our time are in them. */
static void count(struct gcc_remb *r, const struct rtcp_report *report)
{
    unsigned at = 0;
    while (at < GCC_REMB_SSRCS && r->seen[at].ssrc != report->ssrc)
        at++;
    bool known = at < GCC_REMB_SSRCS;
    if (!known)
        at = r->next++ % GCC_REMB_SSRCS;
    int32_t expected = (int32_t)(report->high_seq - r->seen[at].high_seq);
    int64_t lost = (int64_t)report->lost - r->seen[at].lost;
    r->seen[at].ssrc = report->ssrc;
    r->seen[at].high_seq = report->high_seq;
    r->seen[at].lost = report->lost;
    if (!known || expected <= 0 || expected > 1 << 20)
        return;
    r->expected += (uint64_t)expected;
    if (lost > 0) /* below 0: late packets and duplicates */
        r->lost += (uint64_t)(lost < expected ? lost : expected);
}

static void decrease(struct gcc_remb *r, uint64_t sent_bps, uint64_t rtt_us, uint64_t now_us)
{
    if (r->loss_bps != UINT64_MAX && now_us - r->changed_us < DECREASE_US + rtt_us)
        return;
    uint64_t from_bps = gcc_remb_estimate_bps(r);
    if (from_bps > sent_bps) /* it is what was sent that was too much */
        from_bps = sent_bps;
    r->loss_bps = (uint64_t)((double)from_bps * (1 - r->loss / 2));
    r->changed_us = now_us;
}

static void increase(struct gcc_remb *r, uint64_t sent_bps, uint64_t now_us)
{
    if (r->loss_bps == UINT64_MAX)
        return;
    uint64_t dt_us = now_us - r->changed_us < US_PER_S ? now_us - r->changed_us : US_PER_S;
    r->loss_bps += (uint64_t)((double)r->loss_bps * 0.08 * (double)dt_us / US_PER_S) + 1000;
    r->changed_us = now_us;
    if (r->loss_bps >= r->remb_bps || r->loss_bps / 4 > sent_bps) /* it does not limit any more */
        r->loss_bps = UINT64_MAX;
}

void gcc_remb_on_report(struct gcc_remb *r, const struct rtcp_report *report, uint64_t sent_bps, uint64_t rtt_us,
                        uint64_t now_us)
{
    count(r, report);
    if (r->expected < GCC_REMB_SAMPLE_PACKETS)
        return;
    r->loss = (float)r->lost / (float)r->expected;
    r->expected = r->lost = 0;
    if (r->loss > LOSS_HIGH)
        decrease(r, sent_bps, rtt_us, now_us);
    else if (r->loss <= LOSS_LOW)
        increase(r, sent_bps, now_us);
    else
        r->changed_us = now_us;
}
