/* repair.c - how losses are repaired: a call over links that lose, in which nothing else happens. Whatever the network
 * loses is followed, so that a repair which took longer can be told from one that the network lost again.
 *
 * Measured is the time from the receiver's seeing a hole until it is filled, in round trips between a client and the bridge;
 * the packet may have been lost on either side. For each attempt there are two round trips: where the repair or the request
 * for it was lost, too, nobody can do with two in all. Whether it was still soon enough the pictures tell: none may freeze.
 * The first seconds, in which no round-trip time is known yet, do not count. */
#include <stdlib.h>

#include "proto/bytes.h"
#include "sim/sim_priv.h"

enum { TABLE = 1 << 16, TIMES_MAX = 1 << 16, MINUTE_US = 60000000, UNKNOWN_US = 3000000 };

/* Packets by what they truly are; the slots of long ago are overwritten. */
struct lost_packet {
    uint32_t sender, encoding, packet;
    uint32_t receiver; /* 0: lost on its way to the bridge */
    unsigned times;    /* that it, what was to repair it, or the request for that was lost */
};

struct study {
    struct sim *sim;
    struct sim_repair *repair;
    uint64_t limit_us;
    struct lost_packet *table;
    uint64_t *times_us;
    size_t count;
};

static struct lost_packet *slot(struct study *st, uint32_t sender, uint32_t encoding, uint32_t packet,
                                uint32_t receiver)
{
    uint32_t hash = (sender * 31 + encoding) * 2654435761u + packet * 40503u + receiver * 97u;
    struct lost_packet *p = &st->table[hash % TABLE];
    if (p->sender != sender || p->encoding != encoding || p->packet != packet || p->receiver != receiver)
        *p = (struct lost_packet){sender, encoding, packet, receiver, 0};
    return p;
}

/* A request for it was lost: up, of what a receiver was sent; down, of what a sender sent. */
static void on_lost_nack(struct study *st, struct client *c, bool up, const uint8_t *body, size_t n)
{
    uint32_t ssrc = get32(body + 4);
    for (size_t at = 8; at + 4 <= n; at += 4)
        for (unsigned bit = 0; bit <= 16; bit++) {
            if (bit && !(get16(body + at + 2) >> (bit - 1) & 1))
                continue;
            uint16_t seq = (uint16_t)(get16(body + at) + bit);
            uint32_t key[2] = {c->id, ssrc};
            struct watch_out *out = up ? map_get(&st->sim->watch.outs, bytes_of(key, sizeof key)) : NULL;
            int64_t wide = out ? widen16(out->newest, seq) : 0;
            if (out && out->sent[(size_t)wide % WATCH_PACKETS].seq == wide) {
                const struct wire_note *note = &out->sent[(size_t)wide % WATCH_PACKETS].note;
                slot(st, note->sender, note->encoding, note->packet, c->id)->times++;
            }
            for (int i = 0; !up && i < SENDER_ENCODINGS; i++) {
                const struct sender_encoding *e = &c->sender.encoding[i];
                if (e->ssrc == ssrc)
                    slot(st, c->id, (uint32_t)i, (uint32_t)widen16(e->packets, seq), 0)->times++;
            }
        }
}

struct lost_rtcp {
    struct study *st;
    struct client *c;
    bool up;
};

static void on_lost_rtcp(void *ctx, uint8_t type, uint8_t count, const uint8_t *body, size_t n)
{
    struct lost_rtcp *l = ctx;
    if (type == 205 && count == 1 && n >= 8)
        on_lost_nack(l->st, l->c, l->up, body, n);
}

static void on_lost(void *ctx, struct client *c, bool up, const uint8_t *data, size_t len, bool rtcp)
{
    struct study *st = ctx;
    struct wire_rtp rtp;
    struct wire_note note;
    if (rtcp)
        wire_rtcp_read(data, len, on_lost_rtcp, &(struct lost_rtcp){st, c, up});
    else if (wire_read(data, len, &rtp) && wire_note_read(rtp.payload, rtp.len, &note))
        slot(st, note.sender, note.encoding, note.packet, up ? 0 : c->id)->times++;
}

static void on_repair(void *ctx, const struct stream *s, int64_t seq, uint64_t took_us)
{
    struct client *c = ctx;
    struct study *st = c->sim->lost_ctx;
    const struct wire_note *note = &s->packet[seq % STREAM_PACKETS].note;
    if (st->sim->now_us < SIM_START_US + UNKNOWN_US)
        return;
    unsigned times = slot(st, note->sender, note->encoding, note->packet, 0)->times +
                     slot(st, note->sender, note->encoding, note->packet, c->id)->times;
    bool in_time = took_us <= st->limit_us, in_turn = took_us <= st->limit_us * MAX(times, 1u);
    if (st->count < TIMES_MAX)
        st->times_us[st->count++] = took_us;
    st->repair->repaired++;
    st->repair->in_time += in_time;
    st->repair->lost_again += !in_time && in_turn;
    st->repair->late += !in_turn;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The most that came within one minute. */
static uint64_t busiest_minute(const struct sender *s)
{
    uint64_t most = 0, kept = MIN(s->requests, (uint64_t)SENDER_REQUESTS);
    for (uint64_t i = s->requests - kept; i < s->requests; i++) {
        uint64_t n = 0;
        for (uint64_t k = i; k < s->requests; k++)
            n += s->requests_us[k % SENDER_REQUESTS] - s->requests_us[i % SENDER_REQUESTS] < MINUTE_US;
        most = MAX(most, n);
    }
    return most;
}

static void tally(struct study *st, const struct client *c)
{
    struct sim_repair *repair = st->repair;
    for (size_t k = 0; k < c->receiver.stream_count; k++) {
        const struct stream *s = c->receiver.streams[k];
        repair->longest_gap_us = MAX(repair->longest_gap_us, s->longest_gap_us);
        repair->given_up += s->given_up;
        repair->jumps += s->jumps;
        repair->freezes += s->shown.freezes;
    }
    repair->requests += c->sender.requests;
    repair->requests_most = MAX(repair->requests_most, busiest_minute(&c->sender));
}

void sim_run_lossy(uint64_t seed, const struct net_config *link, unsigned clients, unsigned seconds,
                   struct sim_repair *repair)
{
    struct sim_result result;
    struct sim *sim = sim_open(seed, 0, &result);
    struct study st = {.sim = sim,
                       .repair = repair,
                       .limit_us = 4 * (uint64_t)link->delay_us,
                       .table = calloc(TABLE, sizeof *st.table),
                       .times_us = malloc(TIMES_MAX * sizeof *st.times_us)};
    static const struct camera_shape shape = {.codec = PAYLOAD_VP8, .encodings = 3, .sids = 1, .tids = 3};
    *repair = (struct sim_repair){0};
    sim->lost_ctx = &st;
    sim->on_lost = on_lost;
    result.clients = clients;
    for (uint32_t i = 1; i <= clients; i++) {
        struct client *c = sim_join(sim);
        c->up.config = c->down.config = *link;
        c->sender.shape = shape;
        c->sender.target_bps = c->sender.max_bps = 3000000;
        c->receiver.rtt_us = c->sender.rtt_us = 2 * (link->delay_us + link->jitter_us);
        c->receiver.on_repair = on_repair;
        sim_send_text(c, "{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":-1,"
                         "\"defaultConstraints\":{\"maxHeight\":720}}");
    }
    while (sim->now_us < SIM_START_US + SEC((uint64_t)seconds))
        sim_step(sim);
    for (unsigned i = 0; i < sim->present_count; i++)
        tally(&st, sim->present[i]);
    qsort(st.times_us, st.count, sizeof *st.times_us, compare);
    repair->p50_us = st.count ? st.times_us[st.count / 2] : 0;
    repair->p99_us = st.count ? st.times_us[st.count * 99 / 100] : 0;
    sim->on_lost = NULL;
    sim_close(sim);
    free(st.table);
    free(st.times_us);
}
