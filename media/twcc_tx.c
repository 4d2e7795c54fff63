/* A ring indexed by the number's low bits; see twcc_tx.h. */
#include "media/twcc_tx.h"

#include <string.h>

enum { FREE, SENT, LOST };

void twcc_tx_init(struct twcc_tx *tx)
{
    memset(tx, 0, sizeof *tx);
}

static struct twcc_tx_packet *slot(struct twcc_tx *tx, int64_t seq_wide)
{
    return &tx->ring[seq_wide & (TWCC_TX_PACKETS - 1)];
}

void twcc_tx_on_sent(struct twcc_tx *tx, uint16_t seq, size_t len_bytes, uint8_t purpose, uint64_t now_us)
{
    int64_t before = tx->sent.newest, wide = seq_unwrap_next(&tx->sent, seq);
    if (wide <= before)
        return; /* a number is used once */
    if (before == 0 || wide - before >= TWCC_TX_PACKETS)
        memset(tx->ring, 0, sizeof tx->ring);
    else
        for (int64_t unused = before + 1; unused < wide; unused++)
            slot(tx, unused)->state = FREE;
    *slot(tx, wide) = (struct twcc_tx_packet){(uint32_t)now_us,
                                              len_bytes < UINT16_MAX ? (uint16_t)len_bytes : UINT16_MAX, purpose, SENT};
}

/* The receiver's clock has any epoch. The first feedback is taken to be about now; afterwards the reference times move
 * ours along, the shorter way round their circle. */
static void move_reference(struct twcc_tx *tx, uint32_t ref_time, uint64_t now_us)
{
    int64_t ticks = (int64_t)((ref_time - tx->ref_time) & TWCC_REF_MASK);
    if (ticks > TWCC_REF_MASK / 2)
        ticks -= (int64_t)TWCC_REF_MASK + 1;
    int64_t ref_us = tx->ref_us + ticks * TWCC_REF_US, off_us = ref_us - (int64_t)now_us;
    bool absurd =
        off_us > (int64_t)SEC(86400) || off_us < -(int64_t)SEC(86400); /* a lying clock must not overflow ours */
    tx->ref_us = tx->has_ref && !absurd ? ref_us : (int64_t)now_us;
    tx->ref_time = ref_time;
    tx->has_ref = true;
}

void twcc_tx_begin(struct twcc_tx *tx, struct twcc_tx_walk *walk, const struct rtcp_twcc *fb, uint64_t now_us)
{
    move_reference(tx, fb->ref_time, now_us);
    *walk = (struct twcc_tx_walk){.statuses = {.fb = fb},
                                  .seq_wide = seq_unwrap_peek(&tx->sent, fb->base_seq),
                                  .arrival_us = tx->ref_us,
                                  .now_us = now_us};
}

static bool match(struct twcc_tx *tx, const struct twcc_tx_walk *walk, int64_t seq_wide, bool received,
                  struct twcc_tx_result *out)
{
    if (tx->sent.newest == 0 || seq_wide > tx->sent.newest || seq_wide <= tx->sent.newest - TWCC_TX_PACKETS)
        return false;
    struct twcc_tx_packet *packet = slot(tx, seq_wide);
    uint32_t age_us = (uint32_t)walk->now_us - packet->sent_low_us;
    if (packet->state == FREE || (packet->state == LOST && !received) || age_us > TWCC_TX_AGE_US ||
        age_us > walk->now_us)
        return false;
    *out = (struct twcc_tx_result){
        .sent_us = walk->now_us - age_us,
        .arrived_us = walk->arrival_us,
        .len_bytes = packet->len_bytes,
        .purpose = packet->purpose,
        .received = received,
        .timed = received && walk->statuses.fb->has_deltas,
        .was_lost = packet->state == LOST,
    };
    packet->state = received ? FREE : LOST;
    return true;
}

size_t twcc_tx_take(struct twcc_tx *tx, struct twcc_tx_walk *walk, struct twcc_tx_result *out, size_t cap)
{
    size_t n = 0;
    struct rtcp_twcc_status status;
    while (n < cap && rtcp_twcc_next(&walk->statuses, &status)) {
        if (status.received)
            walk->arrival_us += (int64_t)status.delta_ticks * TWCC_TICK_US;
        if (match(tx, walk, walk->seq_wide++, status.received, &out[n]))
            n++;
        else
            tx->unmatched++;
    }
    return n;
}
