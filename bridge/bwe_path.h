/* bwe_path.h - what the link to one receiver carries, joined to its packets: feedback into the estimator (gcc.h), its
 * estimate to the allocation, its probes and padding onto the wire (media.md 8.6, 8.8).
 *
 * An endpoint that receives no video has no estimator, and nothing limits it. With trust-bwe off the estimate is still
 * made and told to the client, but nothing follows from it and nothing is sent for it.
 * Rhythm:  bwe_on_sent() for each video packet; the feedback calls as RTCP comes; bwe_on_allocated() after each
 *          allocation. What has to be sent leaves from feedback and from a timer, never from within bwe_on_sent().
 * Thread:  the worker. Nothing allocates but bwe_media_changed(). Bad feedback costs itself and is counted. */
#ifndef BRIDGE_BWE_PATH_H
#define BRIDGE_BWE_PATH_H

#include "bridge/wheel.h"
#include "media/gcc.h"
#include "proto/rtcp_fb.h"

struct endpoint;

struct bwe {
    struct gcc *gcc; /* NULL: not a receiver of video */
    struct timer timer;
    int64_t acted_on_bps; /* the budget of the last allocation; -1: none yet */
    uint32_t padding_ts;
    uint16_t padding_seq;
    uint64_t probe_packets, padding_packets; /* sent so far: RTX of recent packets, and nothing but padding */
    uint64_t probe_bytes, padding_bytes;
    uint64_t refused; /* feedback that could not be read, or that was not asked for */
};

void bwe_init(struct endpoint *ep);
void bwe_done(struct endpoint *ep);
void bwe_media_changed(struct endpoint *ep); /* payload types were signalled anew */
void bwe_path_changed(struct endpoint *ep);  /* media goes another way from now on */

void bwe_on_sent(struct endpoint *ep, uint16_t twcc_seq, size_t len_bytes, uint8_t purpose);
void bwe_on_twcc(struct endpoint *ep, const struct rtcp_fb *fb);
void bwe_on_remb(struct endpoint *ep, const struct rtcp_fb *fb);
void bwe_on_report(struct endpoint *ep, const struct rtcp_report *report);
void bwe_on_rtt(struct endpoint *ep);

bool bwe_has_room(const struct endpoint *ep); /* the link carries all that is wanted */
int64_t bwe_budget_bps(const struct endpoint *ep); /* for an allocation; ALLOC_UNLIMITED */
void bwe_on_allocated(struct endpoint *ep, int64_t budget_bps, uint64_t target_bps, uint64_t ideal_bps);

#endif
