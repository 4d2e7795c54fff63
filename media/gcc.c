/* Joins the parts of the estimate; see gcc.h. */
#include "media/gcc.h"

#include <string.h>

const char *gcc_limit_str(enum gcc_limit limit)
{
    static const char *const names[] = {"start", "delay", "loss", "rtt", "remb", "config"};
    return names[limit];
}

void gcc_init(struct gcc *g, const struct gcc_config *cfg, uint64_t now_us)
{
    memset(g, 0, sizeof *g);
    g->config = *cfg;
    gcc_on_path_changed(g, now_us);
}

void gcc_on_path_changed(struct gcc *g, uint64_t now_us)
{
    (void)now_us;
    g->estimate_bps = g->config.feedback == GCC_TWCC ? g->config.start_bps : GCC_UNLIMITED;
    g->limit = GCC_BY_START;
    rate_init(&g->sent);
    gcc_remb_init(&g->remb);
    twcc_tx_init(&g->tx);
}

void gcc_on_sent(struct gcc *g, uint16_t twcc_seq, size_t len_bytes, uint8_t purpose, uint64_t now_us)
{
    rate_add(&g->sent, now_us, (uint32_t)len_bytes);
    if (g->config.feedback == GCC_TWCC)
        twcc_tx_on_sent(&g->tx, twcc_seq, len_bytes, purpose, now_us);
}

void gcc_on_feedback(struct gcc *g, const struct rtcp_twcc *fb, uint64_t now_us)
{
    struct twcc_tx_result results[256];
    struct twcc_tx_walk walk;
    if (g->config.feedback != GCC_TWCC)
        return;
    twcc_tx_begin(&g->tx, &walk, fb, now_us);
    while (twcc_tx_take(&g->tx, &walk, results, sizeof results / sizeof results[0]))
        continue;
}

void gcc_on_rtt(struct gcc *g, uint64_t rtt_us)
{
    g->rtt_us = rtt_us;
}

static void follow_remb(struct gcc *g)
{
    uint64_t bps = gcc_remb_estimate_bps(&g->remb);
    g->limit = g->remb.loss_bps < g->remb.remb_bps ? GCC_BY_LOSS : GCC_BY_REMB;
    if (bps < g->config.min_bps) {
        bps = g->config.min_bps;
        g->limit = GCC_BY_CONFIG;
    }
    g->estimate_bps = bps;
}

void gcc_on_remb(struct gcc *g, uint64_t rate_bps, uint64_t now_us)
{
    (void)now_us;
    if (g->config.feedback != GCC_REMB)
        return;
    gcc_remb_on_remb(&g->remb, rate_bps);
    follow_remb(g);
}

void gcc_on_report(struct gcc *g, const struct rtcp_report *report, uint64_t now_us)
{
    if (g->config.feedback == GCC_TWCC)
        return;
    gcc_remb_on_report(&g->remb, report, rate_per_s(&g->sent, now_us) * 8, g->rtt_us, now_us);
    follow_remb(g);
}

void gcc_set_wants(struct gcc *g, uint64_t target_bps, uint64_t ideal_bps, uint64_t now_us)
{
    (void)g, (void)target_bps, (void)ideal_bps, (void)now_us;
}

uint64_t gcc_estimate_bps(const struct gcc *g)
{
    return g->estimate_bps;
}

void gcc_target(const struct gcc *g, struct gcc_target *out)
{
    *out = (struct gcc_target){
        .estimate_bps = g->estimate_bps,
        .unmatched = g->tx.unmatched,
        .loss = g->remb.loss,
        .limit = g->limit,
    };
}

void gcc_on_time(struct gcc *g, uint64_t now_us)
{
    (void)g, (void)now_us;
}

bool gcc_probe_poll(struct gcc *g, uint64_t now_us, struct gcc_probe *out)
{
    (void)g, (void)now_us, (void)out;
    return false;
}

uint64_t gcc_deadline_us(const struct gcc *g)
{
    (void)g;
    return NEVER_US;
}
