/* judge.c - what must hold from time to time, beside what watch.h looks at packet by packet:
 *   - nobody starves: a source that is wanted and that the estimate can pay is sent, and over a good network it is decoded
 *   - what is sent stays within the estimate, but for the margin by which an estimate may move before the bridge acts,
 *     key frames, and a screen on stage
 *   - senders are told the most that anybody wants of them
 *   - the bridge holds no more packets than its histories may, and drops nobody who is alive */
#include <limits.h>
#include <stdio.h>

#include "proto/bytes.h"
#include "sim/sim_priv.h"

enum {
    SHOWN_US = 3000000,
    STARVED_US = 5000000,
    HELD_US =
        25000000, /* with native.steady-layers: after it had to take something away, it gives nothing for up to 20 s */
    LOWEST_BPS = 200000, /* of any source; with what varies */
    STAGE_BPS = 1200000, /* on stage, up to what thumbnails wait for */
    OVERSEND_BPS = 500000,
    KEYS_BITS = 500000, /* key frames may add so much in a window */
    WINDOW = 8,         /* checks */
};

static bool is_settled(const struct sim *sim)
{
    return sim->now_us >= sim->settled_us;
}

/* What it asked for of this source; INT_MAX: without limit. */
static int asked_height(const struct client *to, const struct client *from)
{
    int height = strcmp(to->stage_name, from->name) == 0 ? to->stage_height : to->max_height;
    return height < 0 ? INT_MAX : height;
}

/* No more sources than this are given to anybody. */
static unsigned sources_max(const struct sim *sim)
{
    return (unsigned)sim->box.config.ssrc_limit_video;
}

static bool wants(const struct client *to, const struct client *from)
{
    return to != from && to->last_n < 0 && asked_height(to, from) > 0 &&
           to->sim->present_count - 1 <= sources_max(to->sim);
}

/* ---- who is shown ---- */

static void check_decoded(struct sim *sim, struct client *to, const struct client *from)
{
    if (!to->good || !from->good || !from->sender.camera || !is_settled(sim))
        return;
    uint64_t shown_us = receiver_model_shown_us(&to->receiver, from->id);
    if (sim->now_us - shown_us <= SHOWN_US)
        return;
    char text[100];
    snprintf(text, sizeof text, "has not seen client %u for %.1f s", from->id,
             shown_us ? (double)(sim->now_us - shown_us) / 1e6 : -1);
    sim_violation(sim, to->id, text);
}

static int64_t least_budget_bps(const struct client *c)
{
    int64_t least = INT64_MAX;
    for (unsigned i = 0; i < SIM_HISTORY; i++)
        least = MIN(least, c->past[i].budget_bps);
    return least;
}

static bool is_affordable(const struct client *to)
{
    int64_t sources = to->sim->present_count - 1, need_bps = sources * LOWEST_BPS + (to->stage_name[0] ? STAGE_BPS : 0);
    return to->checks > SIM_HISTORY && least_budget_bps(to) >= need_bps;
}

static uint64_t patience_us(const struct client *to)
{
    const struct endpoint *ep = box_endpoint(&to->sim->box, to->id);
    return to->sim->now_us < ep->receiver.steady.hold_until_us + STARVED_US ? HELD_US : STARVED_US;
}

/* At the bridge's edges: what comes in from a good network must go out, however poor the network is that it goes to. */
static void check_sent(struct sim *sim, struct client *to, const struct client *from)
{
    const struct watch_in *in = sim->watch.in[from->id][0];
    if (!in || !from->good || !is_settled(sim) || !is_affordable(to) || sim->now_us - in->newest_us > SEC(1) ||
        sim->now_us - in->since_us < patience_us(to))
        return;
    uint64_t sent_us = watch_shown_us(&sim->watch, to->id, from->id);
    if (sim->now_us - sent_us <= patience_us(to))
        return;
    char text[120];
    snprintf(text, sizeof text, "bridge: starves of client %u, %.1f s, with an estimate of %lld bit/s", from->id,
             sent_us ? (double)(sim->now_us - sent_us) / 1e6 : -1, (long long)least_budget_bps(to));
    sim_violation(sim, to->id, text);
}

/* ---- what is sent ---- */

static bool may_oversend(const struct client *c)
{
    return c->stage_name[0] && c->stage_screen;
}

/* As allocated, by what the bridge measured. */
static void check_target(struct sim *sim, struct client *c, const struct bwe *bwe)
{
    if (!bwe->gcc || bwe->acted_on_bps < 0 || may_oversend(c) || bwe->gcc->target_bps <= (uint64_t)bwe->acted_on_bps)
        return;
    char text[100];
    snprintf(text, sizeof text, "is to get %llu bit/s of an estimate of %lld", (unsigned long long)bwe->gcc->target_bps,
             (long long)bwe->acted_on_bps);
    sim_violation(sim, c->id, text);
}

/* As it went out, over a window, against the most that was allowed in it and before. */
static void check_rate(struct sim *sim, struct client *c)
{
    unsigned at = c->checks % SIM_HISTORY, from = (c->checks + SIM_HISTORY - WINDOW) % SIM_HISTORY;
    int64_t most_bps = may_oversend(c) ? OVERSEND_BPS : 0;
    for (unsigned i = 0; i < SIM_HISTORY; i++)
        most_bps = MAX(most_bps, c->past[i].budget_bps + (may_oversend(c) ? OVERSEND_BPS : 0));
    if (c->checks <= SIM_HISTORY || most_bps >= ALLOC_UNLIMITED)
        return;
    uint64_t bits = (c->past[at].media_bytes - c->past[from].media_bytes) * 8, window_us = WINDOW * SIM_CHECK_US;
    uint64_t allowed = (uint64_t)most_bps * 5 / 4 * window_us / US_PER_S + KEYS_BITS;
    if (bits <= allowed)
        return;
    char text[120];
    snprintf(text, sizeof text, "bridge: was sent %llu bits in %llu s, with an estimate of at most %lld bit/s",
             (unsigned long long)bits, (unsigned long long)(window_us / US_PER_S), (long long)most_bps);
    sim_violation(sim, c->id, text);
}

static void note_past(struct client *c, const struct endpoint *ep)
{
    unsigned at = ++c->checks % SIM_HISTORY;
    c->past[at].budget_bps = bwe_budget_bps(ep);
    c->past[at].media_bytes = watch_media_bytes(&c->sim->watch, c->id);
}

/* ---- what senders are told ---- */

static void check_demand(struct sim *sim, const struct client *from)
{
    int least = 0, most = 0, told = from->told_height < 0 && from->told_height != -2 ? INT_MAX : from->told_height;
    if (!is_settled(sim))
        return;
    for (unsigned i = 0; i < sim->present_count; i++) {
        const struct client *to = sim->present[i];
        if (to == from)
            continue;
        most = MAX(most, asked_height(to, from));
        if (wants(to, from))
            least = MAX(least, asked_height(to, from));
    }
    if (told == -2 || (told >= least && told <= most))
        return;
    char text[100];
    snprintf(text, sizeof text, "bridge: is told that %d lines are wanted, of %d to %d", told, least, most);
    sim_violation(sim, from->id, text);
}

/* ---- all ---- */

static void check_client(struct sim *sim, struct client *c, const struct endpoint *ep)
{
    note_past(c, ep);
    check_target(sim, c, &ep->bwe);
    check_rate(sim, c);
    check_demand(sim, c);
    for (unsigned i = 0; i < sim->present_count; i++)
        if (wants(c, sim->present[i])) {
            check_decoded(sim, c, sim->present[i]);
            check_sent(sim, c, sim->present[i]);
        }
}

void sim_judge(struct sim *sim)
{
    size_t used = WORKER_PKTS - pkt_pool_free_count(sim->box.worker->pool);
    if (used > (size_t)sim->present_count * SENDER_ENCODINGS * HISTORY_PACKETS)
        sim_violation(sim, 0, "the bridge holds more packets than its histories may");
    for (unsigned i = 0; i < sim->present_count; i++) {
        struct client *c = sim->present[i];
        const struct endpoint *ep = box_endpoint(&sim->box, c->id);
        if (ep)
            check_client(sim, c, ep);
        else
            sim_violation(sim, c->id, "the bridge has dropped an endpoint that is alive");
    }
}
