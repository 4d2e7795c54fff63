/* bwe_rig.h - one or more estimators in closed loop over one modelled link, in virtual time: each sends what its estimate
 * allows, the packets queue, the receiver's transport-wide feedback comes back as bytes. */
#ifndef TESTS_BWE_RIG_H
#define TESTS_BWE_RIG_H

#include "media/gcc.h"
#include "media/twcc_rx.h"
#include "support/link.h"

enum { BWE_FLOWS_MAX = 20, BWE_BACK_MAX = 64, BWE_WIRE_BYTES = 38 /* IP, UDP, SRTP tag */ };

enum bwe_media {
    BWE_SMOOTH, /* an encoder that follows the estimate */
    BWE_LAYERS, /* a bridge's choice among layers of fixed rates, padded as it asks to be */
};

struct bwe_flow {
    struct gcc gcc;
    struct twcc_rx *rx;
    enum bwe_media media;
    uint64_t start_us, media_bps, want_bps; /* want_bps: what the receiver could use */
    uint64_t next_frame_us, frame_left_bytes, next_packet_us;
    uint16_t twcc_seq;
    uint64_t delivered_bytes, padding_bytes, media_bytes, probe_bytes;
    struct {
        uint64_t due_us;
        size_t len;
        uint8_t bytes[TWCC_PACKET_MAX + 20];
    } back[BWE_BACK_MAX]; /* feedback on its way */
    size_t back_first, back_count;
};

struct bwe_rig {
    struct link *link;
    uint64_t now_us, random;
    uint64_t back_delay_us;
    struct bwe_flow *flows;
    size_t flow_count;
    struct { /* through the bottleneck, on their way */
        struct link_packet packet;
        uint64_t arrives_us;
    } * air;
    size_t air_first, air_count;
    uint32_t *delays_ms; /* histogram of queueing, 0 to 1999 ms */
    uint64_t delay_count;
};

void bwe_rig_init(struct bwe_rig *r, const struct link_config *link, size_t flows, enum bwe_media media,
                  uint64_t want_bps);
void bwe_rig_done(struct bwe_rig *r);
void bwe_rig_run(struct bwe_rig *r, uint64_t us);                 /* lets so much time pass */
void bwe_rig_count_anew(struct bwe_rig *r);                       /* delivered bytes and delays */
unsigned bwe_rig_delay_ms(const struct bwe_rig *r, double share); /* quantile of what queueing added */
double bwe_rig_used(const struct bwe_rig *r, uint64_t capacity_bps, uint64_t us);

#endif
