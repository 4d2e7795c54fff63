/* gcc.h - how much the link to one receiver carries: send-side bandwidth estimation as Google's congestion control does
 * it (media.md 8; draft-ietf-rmcat-gcc-02 for the idea, libwebrtc for the behaviour that clients are used to).
 *
 * `gcc` only joins the parts, each a file of its own: twcc_tx (what was sent, matched to feedback), gcc_acked (what
 * arrives), gcc_delay (do queues grow), gcc_aimd (what rate follows from that), gcc_loss (what rate follows from loss),
 * gcc_alr (does the bridge send less than it may), gcc_prober (when to try more), gcc_cluster
 * (what a try has shown), gcc_queue (does a queue stand), gcc_ambient (which loss is not ours), gcc_remb (receivers without
 * transport-wide feedback), pace (when the bytes of probes and padding leave). Media is never paced and never waits.
 *
 * Rhythm:  gcc_on_sent() for each packet that carries a transport-wide number, gcc_on_feedback() for each feedback about
 *          them. After any call that takes now_us: send what gcc_probe_poll() asks for until it returns false, look at
 *          gcc_estimate_bps(), and arm a timer for gcc_deadline_us() that calls gcc_on_time().
 * Memory:  embeddable, no allocation ever, nothing to free. About 42 kB, most of it the packets on their way: keep one
 *          per endpoint that may receive video, apart from what is touched for each packet.
 * Thread:  one, the worker of the receiver. gcc_on_sent() and an idle gcc_probe_poll() cost a few stores each.
 * Units:   bits per second, bytes of whole RTP packets before SRTP, monotonic microseconds; NEVER_US means never.
 * Input:   feedback may lie. Numbers never sent, and times that jump, are counted and cost themselves only. */
#ifndef MEDIA_GCC_H
#define MEDIA_GCC_H

#include <stdbool.h>
#include <stddef.h>

#include "media/gcc_acked.h"
#include "media/gcc_aimd.h"
#include "media/gcc_alr.h"
#include "media/gcc_cluster.h"
#include "media/gcc_delay.h"
#include "media/gcc_loss.h"
#include "media/gcc_prober.h"
#include "media/gcc_queue.h"
#include "media/gcc_remb.h"
#include "media/pace.h"
#include "media/rate.h"
#include "media/twcc_tx.h"

#define GCC_UNLIMITED UINT64_MAX /* an estimate: nothing limits, or nothing is known (media.md trap 21) */

/* What the receiver tells us. With GCC_TWCC gcc_on_remb and gcc_on_report change nothing (media.md 7.3); with GCC_REMB
 * the last REMB is the estimate, lowered while more than a tenth is lost; with GCC_NONE there are only loss reports. */
enum gcc_feedback { GCC_NONE, GCC_REMB, GCC_TWCC };

struct gcc_config {
    enum gcc_feedback feedback;
    uint64_t start_bps, min_bps, max_bps; /* jmt.bwe.estimator.{initial,min,max}-bw */
};
#define GCC_CONFIG_DEFAULT                                                                                             \
    (struct gcc_config)                                                                                                \
    {                                                                                                                  \
        GCC_TWCC, 2500000, 30000, 20000000                                                                             \
    } /* media.md 8.2 */

/* Why a packet is sent. 1 to GCC_CLUSTER_MAX: for that probe, as gcc_probe_poll() said. */
enum { GCC_MEDIA = PACE_MEDIA, GCC_CLUSTER_MAX = PACE_CLUSTER_MAX, GCC_PADDING = PACE_PADDING };

struct gcc_probe { /* an order: send about this much now, as RTX of recent packets or as RTP padding */
    size_t len_bytes;
    uint8_t purpose; /* hand it to gcc_on_sent() with each packet of the order */
};

enum gcc_limit {               /* what the estimate follows at the moment */
                 GCC_BY_START, /* nothing was reported yet */
                 GCC_BY_DELAY, /* growing queues, or the growth allowed in their absence */
                 GCC_BY_LOSS,
                 GCC_BY_RTT,   /* feedback stays away or the round trip is beyond reason */
                 GCC_BY_QUEUE, /* a second's pause, to see the path without its queue */
                 GCC_BY_REMB,
                 GCC_BY_CONFIG, /* min_bps or max_bps */
};
const char *gcc_limit_str(enum gcc_limit limit);

struct gcc_target { /* for statistics and for explaining a choice; 0: not known */
    uint64_t estimate_bps;
    uint64_t delay_bps, loss_bps;
    uint64_t acked_bps;
    uint64_t rtt_us;     /* of the last feedback, without the time that packets waited for it */
    uint64_t probed_bps; /* the last result of a probe */
    uint64_t unmatched;  /* numbers in feedback that we do not know: never sent, too old, or reported before */
    float loss;          /* 0 to 1, weighted over the last seconds */
    enum gcc_limit limit;
    bool alr; /* sending clearly less than the estimate, so that it cannot grow without probes */
    bool overusing;
};

struct gcc { /* the insides are gcc's own */
    struct gcc_config config;
    uint64_t estimate_bps;
    enum gcc_limit limit;
    uint64_t target_bps, ideal_bps; /* what the allocator said */
    bool told;                      /* it did */
    uint64_t report_rtt_us;         /* 0: reports gave none yet */
    uint64_t rtt_us;                /* of the last feedback */
    uint64_t sent_us, feedback_us;  /* the last ones; 0: none */
    uint64_t guard_us;              /* when to look whether feedback stays away */
    uint64_t backed_off_us;         /* because of the round trip */
    uint64_t acked_bps, probed_bps;
    uint8_t last_cluster;
    enum gcc_usage usage; /* by delay and queue */
    struct gcc_delay delay;
    struct gcc_queue queue;
    struct gcc_aimd aimd;
    struct gcc_loss loss;
    struct gcc_alr alr;
    struct gcc_prober prober;
    struct gcc_clusters clusters;
    struct pace pace;
    struct gcc_remb remb;
    struct rate sent; /* without TWCC only */
    struct gcc_acked acked;
    struct twcc_tx tx;
};

void gcc_init(struct gcc *g, const struct gcc_config *cfg, uint64_t now_us);
/* The path under it is another one (ICE chose another pair): what was learnt is void. Wants stay. */
void gcc_on_path_changed(struct gcc *g, uint64_t now_us);

/* A packet of video class leaves: media, retransmission (GCC_MEDIA too), padding or probe. Numbers are consecutive, modulo
 * 2^16; one that was not used after all just stays out. Without TWCC the number is ignored. */
void gcc_on_sent(struct gcc *g, uint16_t twcc_seq, size_t len_bytes, uint8_t purpose, uint64_t now_us);
/* now_us: when the feedback was received. fb is read during the call only. */
void gcc_on_feedback(struct gcc *g, const struct rtcp_twcc *fb, uint64_t now_us);
void gcc_on_rtt(struct gcc *g, uint64_t rtt_us);                     /* from receiver reports (rtt.h) */
void gcc_on_remb(struct gcc *g, uint64_t rate_bps, uint64_t now_us); /* UINT64_MAX: unlimited */
/* One report block about a video SSRC that we send. Only its counters are used, never its fraction. */
void gcc_on_report(struct gcc *g, const struct rtcp_report *report, uint64_t now_us);

/* After each allocation: what its target layers need together, and what the layers would need that it would choose if the
 * estimate were high enough. The difference is what is worth trying for: padding (media.md 8.6) and probes stay below it.
 * Before the first call nothing is known: the probes at the start are then bounded by max_bps only, and nothing is padded. */
void gcc_set_wants(struct gcc *g, uint64_t target_bps, uint64_t ideal_bps, uint64_t now_us);

/* What may be sent to this receiver. Before any feedback: start_bps with TWCC, GCC_UNLIMITED without. */
uint64_t gcc_estimate_bps(const struct gcc *g);
void gcc_target(const struct gcc *g, struct gcc_target *out);

void gcc_on_time(struct gcc *g, uint64_t now_us);
/* An order at a time; false: nothing more now. An order that cannot be carried out, wholly or in part, is simply dropped:
 * the next one allows for it. Packets of one order should not be longer than len_bytes by more than one packet. */
bool gcc_probe_poll(struct gcc *g, uint64_t now_us, struct gcc_probe *out);
uint64_t gcc_deadline_us(const struct gcc *g);

#endif
