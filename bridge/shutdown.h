/* shutdown.h - the states between "running" and the end of the process (colibri2 6.2, operations 12.1).
 *
 * RUNNING:  takes everything.
 * GRACEFUL: new conferences are refused; the ones there go on and take endpoints. It ends when few enough endpoints are
 *           left, or after a day.
 * LEAVING:  told in presence as `shutting_down`, upon which the focus moves whoever is left. It ends after a delay, and
 *           then the process is to stop with exit code 0.
 * There is no way back: the focus remembers both flags until we have left the room.
 *
 * Pure logic: no threads, signals or clock. Rhythm: after each call ask shutdown_deadline_us when to call
 * shutdown_on_time next; a call that returns true changed the state, so presence is due at once.
 * Not for: how the process ends, and signals that end it at once (main.c). */
#ifndef BRIDGE_SHUTDOWN_H
#define BRIDGE_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

enum shutdown_state { SHUTDOWN_RUNNING, SHUTDOWN_GRACEFUL, SHUTDOWN_LEAVING };

struct shutdown_config {
    uint64_t graceful_max_us; /* GRACEFUL lasts no longer, counted from the first request */
    uint64_t leaving_us;      /* how long LEAVING lasts */
    uint32_t endpoints_min;   /* GRACEFUL ends when no more than these are left */
};

struct shutdown { /* zero and cfg filled in: RUNNING. Read only outside. */
    struct shutdown_config cfg;
    enum shutdown_state state;
    bool graceful;        /* was asked for gracefully; stays true when leaving */
    uint64_t deadline_us; /* of the state, unless running */
};

/* Somebody asks for the end. Graceful: only counts when running. Not graceful: goes to LEAVING from any state. Asking
 * again has no effect. endpoints: how many there are now. True: the state changed. */
bool shutdown_ask(struct shutdown *shutdown, uint64_t now_us, bool graceful, uint32_t endpoints);

/* The number of endpoints may have changed. True: the state changed. */
bool shutdown_on_endpoints(struct shutdown *shutdown, uint64_t now_us, uint32_t endpoints);

bool shutdown_on_time(struct shutdown *shutdown, uint64_t now_us); /* true: the state changed */
uint64_t shutdown_deadline_us(const struct shutdown *shutdown);    /* NEVER_US: none */

bool shutdown_refuses_conferences(const struct shutdown *shutdown); /* the stock bridge takes them again when leaving */
bool shutdown_is_over(const struct shutdown *shutdown, uint64_t now_us); /* stop now */

#endif
