/* receiver.h - a model of a client that watches: for each SSRC (stream.h) it asks again for what is missing (NACK), and
 * for a key frame when it is stuck (PLI); transport-wide feedback, or REMB, and receiver reports for all of them.
 * Time: receiver_on_time() at receiver_next_us(). Not for: any code of the bridge. */
#ifndef SIM_RECEIVER_H
#define SIM_RECEIVER_H

#include "sim/stream.h"

enum { RECEIVER_STREAMS = 256, RECEIVER_REPAIRS = 8192 };

typedef void receiver_on_repair(void *ctx, const struct stream *s, int64_t seq, uint64_t took_us);

struct m_receiver {
    struct sender_out out;
    uint64_t now_us, nack_us, report_us, feedback_us, rtt_us;
    uint32_t ssrc; /* in its RTCP */
    struct stream *streams[RECEIVER_STREAMS];
    size_t stream_count;
    receiver_on_repair *on_repair; /* may be NULL; ctx is out.ctx */
    uint64_t remb_least_bps;       /* it never says less */
    uint64_t remb_us, remb_bytes;  /* when it was told last, and what had come by then */
    /* arrivals since the last transport-wide feedback */
    int64_t twcc_base, twcc_newest; /* base: next to be told */
    bool twcc_started;
    bool remb; /* says how much it can take, instead of what arrived when */
    uint8_t feedback_count;
    struct {
        int64_t number;
        uint64_t at_us;
    } * arrival; /* SENDER_TWCC of them */
    uint64_t bytes, audio_packets, padding;
};

void receiver_model_init(struct m_receiver *r, uint32_t ssrc, uint64_t rtt_us, uint64_t now_us,
                         const struct sender_out *out);
void receiver_model_done(struct m_receiver *r);
void receiver_model_map(struct m_receiver *r, uint32_t ssrc, uint32_t rtx_ssrc); /* told by signalling */
void receiver_model_on_rtp(struct m_receiver *r, const uint8_t *data, size_t len, uint64_t now_us);
void receiver_model_on_rtcp(struct m_receiver *r, const uint8_t *data, size_t len, uint64_t now_us);
uint64_t receiver_model_shown_us(const struct m_receiver *r, uint32_t sender); /* its newest decoded frame; 0: none */
uint64_t receiver_model_next_us(const struct m_receiver *r);
void receiver_model_on_time(struct m_receiver *r, uint64_t now_us);

#endif
