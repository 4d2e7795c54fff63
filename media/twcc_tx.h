/* twcc_tx.h - the packets sent under transport-wide numbers, until feedback tells what became of them (media.md 8.1).
 *
 * Each packet becomes a result at most twice: lost, and then received after all. Repeated reports are counted as unmatched.
 * What the results mean: gcc.h. Memory: embeddable, 32 kB, no allocation. Thread: one. */
#ifndef MEDIA_TWCC_TX_H
#define MEDIA_TWCC_TX_H

#include "proto/rtcp_twcc.h"
#include "proto/seq.h"
#include "proto/units.h"

enum {
    TWCC_TX_PACKETS = 4096, /* a power of two; 2 s of 20 Mbit/s */
    TWCC_TX_AGE_US = 60000000,
};

struct twcc_tx_result {
    uint64_t sent_us;
    int64_t arrived_us; /* by the receiver's clock, shifted to about ours; only if timed */
    uint32_t len_bytes;
    uint8_t purpose;
    bool received;
    bool timed;
    bool was_lost; /* an earlier feedback said so */
};

struct twcc_tx {
    struct seq_unwrap sent;
    uint64_t unmatched;
    int64_t ref_us; /* our time of the receiver's reference time ref_time */
    uint32_t ref_time;
    bool has_ref;
    struct twcc_tx_packet {
        uint32_t sent_low_us; /* the rest follows from the time of the feedback */
        uint16_t len_bytes;
        uint8_t purpose;
        uint8_t state;
    } ring[TWCC_TX_PACKETS];
};

void twcc_tx_init(struct twcc_tx *tx);
void twcc_tx_on_sent(struct twcc_tx *tx, uint16_t seq, size_t len_bytes, uint8_t purpose, uint64_t now_us);

struct twcc_tx_walk {
    struct rtcp_twcc_walk statuses;
    int64_t seq_wide;
    int64_t arrival_us; /* running sum of the deltas */
    uint64_t now_us;
};
/* Starts on a feedback; then take results, in order of their numbers, until there are none. fb must live as long. */
void twcc_tx_begin(struct twcc_tx *tx, struct twcc_tx_walk *walk, const struct rtcp_twcc *fb, uint64_t now_us);
size_t twcc_tx_take(struct twcc_tx *tx, struct twcc_tx_walk *walk, struct twcc_tx_result *out, size_t cap);

#endif
