/* Arrival against sending times of one sender, and the rate that follows; see remb_rx.h. */
#include "media/remb_rx.h"

#include <string.h>

#include "proto/rtcp_fb.h"

enum {
    TELL_US = 50000,     /* the rate is reconsidered so often, and at once when queues begin to grow */
    SETTLE_US = 1000000, /* of packets before an estimate means something */
    START_US = 1 << 30,  /* so that sending times can go back a little */
    UNITS_BITS = 18,     /* abs-send-time: 6.18 fixed point seconds */
};

void remb_rx_init(struct remb_rx *r, uint64_t start_bps, uint64_t min_bps, uint64_t max_bps, uint64_t now_us)
{
    memset(r, 0, sizeof *r);
    gcc_delay_init(&r->delay);
    gcc_aimd_init(&r->aimd, start_bps, min_bps, max_bps, now_us);
    rate_init(&r->bytes);
}

static void remember(struct remb_rx *r, uint32_t ssrc)
{
    for (size_t i = 0; i < r->ssrc_count; i++)
        if (r->ssrcs[i] == ssrc)
            return;
    r->ssrcs[r->next_ssrc] = ssrc;
    r->next_ssrc = (r->next_ssrc + 1) % REMB_RX_SSRCS;
    r->ssrc_count += r->ssrc_count < REMB_RX_SSRCS;
}

static uint64_t widen(struct remb_rx *r, uint32_t abs_send_time) /* wraps every 64 s */
{
    if (!r->sent_us) {
        r->sent_us = START_US;
        r->newest = abs_send_time;
    }
    int32_t ahead = (int32_t)((abs_send_time - r->newest) << 8) >> 8;
    uint64_t sent_us = r->sent_us + (uint64_t)((int64_t)ahead * (int64_t)US_PER_S / (1 << UNITS_BITS));
    if (ahead > 0) {
        r->sent_us = sent_us;
        r->newest = abs_send_time;
    }
    return sent_us;
}

void remb_rx_on_packet(struct remb_rx *r, uint32_t ssrc, uint32_t abs_send_time, size_t len_bytes, uint64_t rx_us)
{
    remember(r, ssrc);
    rate_add(&r->bytes, rx_us, (uint32_t)len_bytes);
    gcc_delay_on_packet(&r->delay, widen(r, abs_send_time), (int64_t)rx_us, rx_us);
    bool worse = r->delay.usage == GCC_OVERUSE && r->usage != GCC_OVERUSE;
    if (!worse && rx_us < r->told_us + TELL_US)
        return;
    bool known = rx_us - r->bytes.first_us >= SETTLE_US;
    gcc_aimd_on_usage(&r->aimd, r->delay.usage, known ? rate_per_s(&r->bytes, rx_us) * 8 : 0, rx_us);
    r->usage = r->delay.usage;
    r->told_us = rx_us;
}

uint64_t remb_rx_bps(const struct remb_rx *r)
{
    return r->told_us && r->told_us - r->bytes.first_us >= SETTLE_US ? r->aimd.rate_bps : 0;
}

void remb_rx_write(const struct remb_rx *r, struct wr *w, uint32_t sender_ssrc)
{
    if (remb_rx_bps(r))
        rtcp_remb_write(w, sender_ssrc, remb_rx_bps(r), r->ssrcs, r->ssrc_count);
}
