/* Joins the parts of the estimate; see gcc.h. The order of what a feedback does is on_results() and the calls behind it. */
#include "media/gcc.h"

#include <string.h>

enum {
    BATCH = 256,          /* results handled at a time; a feedback may cover 65535 packets */
    RTT_MAX_US = 3000000, /* round trips above this, or no feedback for so long, mean that too much is sent */
    RTT_STEP_US = 1000000,
    REST_PERIODS = 3,    /* a full link makes us decrease about once in a period */
    TRICKLE_BPS = 10000, /* a padding packet each 200 ms */
    RTT_AMBIENT_US = 200000, /* a longer one may be a full queue that we have never seen empty */
};
#define RTT_DECREASE 0.8
#define PROBE_FLOOR  0.85 /* a probe never shows less than this share of what arrives */

static bool by_twcc(const struct gcc *g)
{
    return g->config.feedback == GCC_TWCC;
}

const char *gcc_limit_str(enum gcc_limit limit)
{
    static const char *const names[] = {"start", "delay", "loss", "rtt", "queue", "remb", "config"};
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
    const struct gcc_config *cfg = &g->config;
    g->estimate_bps = by_twcc(g) ? cfg->start_bps : GCC_UNLIMITED;
    g->limit = GCC_BY_START;
    g->report_rtt_us = g->rtt_us = g->sent_us = g->feedback_us = g->backed_off_us = 0;
    g->acked_bps = g->probed_bps = 0;
    g->usage = GCC_NORMAL;
    g->guard_us = NEVER_US;
    gcc_delay_init(&g->delay);
    gcc_queue_init(&g->queue);
    gcc_aimd_init(&g->aimd, cfg->start_bps, cfg->min_bps, cfg->max_bps, now_us);
    gcc_loss_init(&g->loss, cfg->min_bps, cfg->max_bps);
    gcc_alr_init(&g->alr, cfg->start_bps);
    gcc_prober_init(&g->prober, cfg->start_bps, cfg->max_bps, now_us);
    gcc_cluster_init(&g->clusters);
    gcc_acked_init(&g->acked);
    gcc_remb_init(&g->remb);
    rate_init(&g->sent);
    pace_init(&g->pace);
    if (g->told)
        gcc_set_wants(g, g->target_bps, g->ideal_bps, now_us);
    /* g->tx stays: numbers go on, and a packet of the old path that is reported late is just one more arrival */
}

/* ---- probes and padding ---- */

static void start_probes(struct gcc *g, uint64_t now_us)
{
    uint64_t rate_bps;
    while (gcc_prober_poll(&g->prober, &rate_bps)) {
        g->last_cluster = g->last_cluster == GCC_CLUSTER_MAX ? 1 : g->last_cluster + 1;
        pace_add_probe(&g->pace, g->last_cluster, rate_bps, now_us);
        gcc_cluster_add(&g->clusters, g->last_cluster, (uint32_t)(rate_bps * PACE_PROBE_US / 8 / US_PER_S));
    }
}

static bool queued(const struct gcc *g)
{
    return g->usage == GCC_OVERUSE || g->queue.standing_us > GCC_QUEUE_LONG_US / 2;
}

/* media.md 8.6: up to what the receiver could use, or what its link carries, whichever is less. While queues grow nothing
 * is added to them. But whoever is sent nothing else is sent a little, or there would be no feedback to say that they are
 * gone. */
static void set_padding(struct gcc *g, uint64_t now_us)
{
    uint64_t to_bps = g->ideal_bps < g->estimate_bps ? g->ideal_bps : g->estimate_bps;
    bool of_use = g->target_bps < g->ideal_bps && g->estimate_bps < g->ideal_bps;
    if (queued(g))
        to_bps = g->target_bps ? 0 : TRICKLE_BPS;
    pace_set_padding(&g->pace, of_use && to_bps > g->target_bps ? to_bps - g->target_bps : 0, now_us);
}

void gcc_set_wants(struct gcc *g, uint64_t target_bps, uint64_t ideal_bps, uint64_t now_us)
{
    g->target_bps = target_bps;
    g->ideal_bps = ideal_bps;
    g->told = true;
    gcc_prober_on_wants(&g->prober, ideal_bps, now_us);
    start_probes(g, now_us);
    set_padding(g, now_us);
}

bool gcc_probe_poll(struct gcc *g, uint64_t now_us, struct gcc_probe *out)
{
    out->len_bytes = pace_poll(&g->pace, now_us, &out->purpose);
    return out->len_bytes > 0;
}

void gcc_on_sent(struct gcc *g, uint16_t twcc_seq, size_t len_bytes, uint8_t purpose, uint64_t now_us)
{
    uint8_t counts_for = pace_on_sent(&g->pace, len_bytes, purpose, now_us);
    if (!by_twcc(g)) {
        rate_add(&g->sent, now_us, (uint32_t)len_bytes);
        return;
    }
    twcc_tx_on_sent(&g->tx, twcc_seq, len_bytes, counts_for, now_us);
    g->sent_us = now_us;
    if (g->feedback_us && g->guard_us == NEVER_US)
        g->guard_us = now_us + RTT_MAX_US;
    gcc_alr_on_sent(&g->alr, len_bytes, now_us);
    if (g->alr.in != g->prober.alr)
        gcc_prober_on_alr(&g->prober, g->alr.in, now_us);
    if (purpose == GCC_MEDIA && g->prober.state == GCC_PROBER_IDLE) {
        gcc_prober_on_media(&g->prober, now_us);
        start_probes(g, now_us);
    }
}

/* ---- the estimate ---- */

static enum gcc_room room(const struct gcc *g)
{
    if (queued(g) || g->limit == GCC_BY_RTT || g->limit == GCC_BY_QUEUE || g->loss.state == GCC_LOSS_DECREASING)
        return GCC_ROOM_NONE;
    return g->loss.state == GCC_LOSS_INCREASING ? GCC_ROOM_LITTLE : GCC_ROOM_FREE;
}

static void set_estimate(struct gcc *g, uint64_t bps, enum gcc_limit limit, uint64_t now_us)
{
    if (bps > g->config.max_bps || bps < g->config.min_bps) {
        bps = bps < g->config.min_bps ? g->config.min_bps : g->config.max_bps;
        limit = GCC_BY_CONFIG;
    }
    g->estimate_bps = bps;
    g->limit = limit;
    gcc_alr_on_estimate(&g->alr, bps);
    gcc_prober_set_rest(&g->prober, limit == GCC_BY_LOSS ? 0 : REST_PERIODS * gcc_aimd_period_us(&g->aimd));
    gcc_prober_on_estimate(&g->prober, bps, room(g), now_us);
    set_padding(g, now_us);
}

static void join(struct gcc *g, uint64_t now_us)
{
    uint64_t bps = g->aimd.rate_bps;
    enum gcc_limit limit = GCC_BY_DELAY;
    if (gcc_loss_ready(&g->loss) && g->loss.state != GCC_LOSS_FREE && gcc_loss_bps(&g->loss) < bps) {
        bps = gcc_loss_bps(&g->loss);
        limit = GCC_BY_LOSS;
    }
    uint64_t drain_bps = gcc_queue_drain_bps(&g->queue, g->loss.average, g->rtt_us, g->acked_bps, now_us);
    if (drain_bps < bps) {
        bps = drain_bps;
        limit = GCC_BY_QUEUE;
    }
    set_estimate(g, bps, limit, now_us);
}

static void back_off_from_rtt(struct gcc *g, uint64_t now_us)
{
    g->guard_us = now_us + RTT_STEP_US;
    g->backed_off_us = now_us;
    gcc_aimd_set(&g->aimd, (uint64_t)(RTT_DECREASE * (double)g->estimate_bps), now_us);
    set_estimate(g, g->aimd.rate_bps, GCC_BY_RTT, now_us);
}

/* ---- feedback ---- */

struct told { /* by one feedback */
    bool any, arrived, recovered;
    uint64_t probed_bps;
    uint64_t sent_us; /* of the latest arrival that has a time */
    int64_t arrived_us;
};

static void sort_by_arrival(struct twcc_tx_result *v, size_t n) /* nearly sorted already */
{
    for (size_t i = 1; i < n; i++) {
        struct twcc_tx_result one = v[i];
        size_t to = i;
        for (; to > 0 && v[to - 1].arrived_us > one.arrived_us; to--)
            v[to] = v[to - 1];
        v[to] = one;
    }
}

static void on_arrival(struct gcc *g, const struct twcc_tx_result *r, struct told *told, uint64_t now_us)
{
    gcc_acked_on_packet(&g->acked, r);
    gcc_queue_on_packet(&g->queue, r->sent_us, r->arrived_us);
    uint64_t probed_bps = gcc_cluster_on_packet(&g->clusters, r);
    if (probed_bps)
        told->probed_bps = probed_bps;
    enum gcc_usage before = g->delay.usage;
    gcc_delay_on_packet(&g->delay, r->sent_us, r->arrived_us, now_us);
    if (before == GCC_UNDERUSE && g->delay.usage == GCC_NORMAL)
        told->recovered = true;
    if (!told->arrived || r->arrived_us >= told->arrived_us) {
        told->arrived_us = r->arrived_us;
        told->sent_us = r->sent_us;
    }
    told->arrived = true;
}

static void on_results(struct gcc *g, struct twcc_tx_result *results, size_t n, struct told *told, uint64_t now_us)
{
    size_t timed = 0;
    told->any = true;
    for (size_t i = 0; i < n; i++) {
        gcc_loss_on_packet(&g->loss, &results[i]);
        if (results[i].timed)
            results[timed++] = results[i];
    }
    sort_by_arrival(results, timed);
    for (size_t i = 0; i < timed; i++)
        on_arrival(g, &results[i], told, now_us);
}

/* The packet that arrived last waited least for the feedback. */
static void on_feedback_rtt(struct gcc *g, const struct told *told, uint64_t now_us)
{
    g->rtt_us = now_us - told->sent_us;
    g->aimd.rtt_us = g->report_rtt_us ? g->report_rtt_us : g->rtt_us;
    g->feedback_us = now_us;
    g->guard_us = NEVER_US;
}

/* What the link lets through of what is sent: with what is lost in bad air, that no queue is to blame for. */
static uint64_t carried_bps(const struct gcc *g)
{
    return (uint64_t)((double)g->acked_bps / (1 - g->loss.ambient.loss));
}

static void follow_delay(struct gcc *g, const struct told *told, uint64_t now_us)
{
    uint64_t probed_bps = told->probed_bps;
    if (!probed_bps || g->usage == GCC_OVERUSE) {
        gcc_aimd_on_usage(&g->aimd, g->usage, carried_bps(g), now_us);
        return;
    }
    g->probed_bps = probed_bps;
    uint64_t floor_bps = (uint64_t)(PROBE_FLOOR * (double)g->acked_bps);
    if (floor_bps > g->aimd.rate_bps)
        floor_bps = g->aimd.rate_bps;
    gcc_aimd_set(&g->aimd, probed_bps > floor_bps ? probed_bps : floor_bps, now_us);
}

void gcc_on_feedback(struct gcc *g, const struct rtcp_twcc *fb, uint64_t now_us)
{
    struct twcc_tx_result results[BATCH];
    struct twcc_tx_walk walk;
    struct told told = {0};
    size_t n;
    if (!by_twcc(g))
        return;
    twcc_tx_begin(&g->tx, &walk, fb, now_us);
    while ((n = twcc_tx_take(&g->tx, &walk, results, BATCH)) > 0)
        on_results(g, results, n, &told, now_us);
    if (!told.any)
        return;
    if (told.arrived) {
        on_feedback_rtt(g, &told, now_us);
        g->usage = gcc_queue_judge(&g->queue, g->delay.usage, now_us);
        g->acked_bps = gcc_acked_bps(&g->acked);
        follow_delay(g, &told, now_us);
    }
    gcc_loss_update(&g->loss, g->aimd.rate_bps, g->acked_bps, g->alr.in, queued(g) || g->rtt_us > RTT_AMBIENT_US);
    join(g, now_us);
    if (told.recovered)
        gcc_prober_on_recovered(&g->prober, now_us);
    if (g->rtt_us > RTT_MAX_US && now_us - g->backed_off_us >= RTT_STEP_US)
        back_off_from_rtt(g, now_us);
    start_probes(g, now_us);
}

void gcc_on_rtt(struct gcc *g, uint64_t rtt_us)
{
    g->report_rtt_us = g->aimd.rtt_us = rtt_us;
}

/* ---- without transport-wide feedback ---- */

static void follow_remb(struct gcc *g, uint64_t now_us)
{
    uint64_t bps = gcc_remb_estimate_bps(&g->remb);
    g->limit = g->remb.loss_bps < g->remb.remb_bps ? GCC_BY_LOSS : GCC_BY_REMB;
    if (bps < g->config.min_bps) {
        bps = g->config.min_bps;
        g->limit = GCC_BY_CONFIG;
    }
    g->estimate_bps = bps;
    set_padding(g, now_us);
}

void gcc_on_remb(struct gcc *g, uint64_t rate_bps, uint64_t now_us)
{
    if (g->config.feedback != GCC_REMB)
        return;
    gcc_remb_on_remb(&g->remb, rate_bps);
    follow_remb(g, now_us);
}

void gcc_on_report(struct gcc *g, const struct rtcp_report *report, uint64_t now_us)
{
    if (by_twcc(g))
        return;
    gcc_remb_on_report(&g->remb, report, rate_per_s(&g->sent, now_us) * 8, g->report_rtt_us, now_us);
    follow_remb(g, now_us);
}

/* ---- results ---- */

uint64_t gcc_estimate_bps(const struct gcc *g)
{
    return g->estimate_bps;
}

void gcc_target(const struct gcc *g, struct gcc_target *out)
{
    *out = (struct gcc_target){
        .estimate_bps = g->estimate_bps,
        .delay_bps = by_twcc(g) ? g->aimd.rate_bps : 0,
        .loss_bps = gcc_loss_ready(&g->loss) ? gcc_loss_bps(&g->loss) : 0,
        .acked_bps = g->acked_bps,
        .rtt_us = g->rtt_us,
        .probed_bps = g->probed_bps,
        .unmatched = g->tx.unmatched,
        .loss = by_twcc(g) ? (float)g->loss.lost : g->remb.loss,
        .limit = g->limit,
        .alr = g->alr.in,
        .overusing = g->usage == GCC_OVERUSE,
    };
}

void gcc_on_time(struct gcc *g, uint64_t now_us)
{
    if (!by_twcc(g))
        return;
    if (now_us >= g->guard_us) {
        bool silent = g->sent_us > g->feedback_us && g->sent_us - g->feedback_us + g->rtt_us > RTT_MAX_US;
        if (silent && g->sent_us > g->backed_off_us) /* a sender that has stopped waits for nothing */
            back_off_from_rtt(g, now_us);
        else
            g->guard_us = NEVER_US;
    }
    gcc_prober_on_time(&g->prober, now_us);
    start_probes(g, now_us);
}

uint64_t gcc_deadline_us(const struct gcc *g)
{
    uint64_t pace_us = pace_deadline_us(&g->pace);
    if (!by_twcc(g))
        return pace_us;
    uint64_t prober_us = gcc_prober_deadline_us(&g->prober);
    uint64_t us = g->guard_us < prober_us ? g->guard_us : prober_us;
    return us < pace_us ? us : pace_us;
}
