/* sim_priv.h - what sim.c (the call), judge.c (what must hold from time to time) and repair.c share. For them only. */
#ifndef SIM_SIM_PRIV_H
#define SIM_SIM_PRIV_H

#include "sim/box.h"
#include "sim/net.h"
#include "sim/receiver.h"
#include "sim/sim.h"
#include "sim/watch.h"

enum {
    SIM_CLIENTS_MAX = WATCH_CLIENTS - 1,
    SIM_START_US = 1000000000,
    SIM_SETTLE_US = 8000000,
    SIM_CHECK_US = 500000,
    SIM_HISTORY = 16, /* checks looked back */
};

struct sim;
struct event;

struct client {
    struct sim *sim;
    uint32_t id; /* also its serial at the bridge, and its place */
    bool good;   /* over such a network everything must be seen */
    bool rewriting;
    struct sender sender;
    struct m_receiver receiver;
    struct net_link up, down;
    int max_height, last_n, stage_height; /* what it asked for: of all, and of the one on stage */
    char stage_name[16];                  /* "": none */
    bool stage_screen;
    char name[16];    /* of its camera or screen */
    int told_height;  /* what the bridge said last that is wanted of it; -2: nothing yet */
    uint64_t text_us; /* arrival of the newest text at it */
    unsigned checks;
    struct { /* at the newest checks */
        int64_t budget_bps;
        uint64_t media_bytes;
    } past[SIM_HISTORY];
};

struct sim {
    struct box box;
    struct watch watch;
    struct rng rng;
    bool verbose;
    uint64_t now_us, act_us, check_us, settled_us; /* settled: when nothing more follows from the last act */
    uint64_t order;
    struct event *heap;
    size_t heap_count, heap_cap;
    struct client *clients[SIM_CLIENTS_MAX + 1]; /* by id; NULL: has left */
    struct client *present[SIM_CLIENTS_MAX];
    unsigned present_count;
    uint32_t client_count; /* ever */
    void *lost_ctx;        /* told of each datagram that a link loses */
    void (*on_lost)(void *ctx, struct client *c, bool up, const uint8_t *data, size_t len, bool rtcp);
    struct sim_result *result;
};

void sim_say(struct sim *sim, const char *format, ...);
void sim_violation(void *ctx, uint32_t serial, const char *what); /* ctx: the sim */
struct sim *sim_open(uint64_t seed, int verbose, struct sim_result *result);
void sim_close(struct sim *sim);
struct client *sim_join(struct sim *sim); /* NULL: too many were here already */
void sim_send_text(struct client *c, const char *text);
void sim_step(struct sim *sim);
void sim_judge(struct sim *sim); /* judge.c; each SIM_CHECK_US */

#endif
