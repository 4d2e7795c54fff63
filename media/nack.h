/* nack.h - what to ask the sender of one SSRC for again, and when (RFC 4585 6.2.1, media.md 4.1).
 *
 * Rhythm:  nack_on_packet() for every packet of the primary SSRC, those recovered by RTX included; then, and at
 *          nack_deadline_us(), nack_poll() and write the numbers with rtcp_nack_write().
 * Each number is asked for at most NACK_TIMES_MAX times, nack.retry_us apart; a gap of NACK_GAP_MAX or more is a jump of
 * the stream and nothing is asked for. Unlike the stock bridge a new gap does not repeat what was asked a moment ago.
 * Once a round-trip time is known that makes it worth while, each request goes out twice, nack.copy_us apart: a sender
 * answers one of them (it sends nothing twice within its round-trip time), so a lost request costs no round trip.
 * Memory: embeddable, no allocation; when full the oldest numbers are given up. Thread: one. */
#ifndef MEDIA_NACK_H
#define MEDIA_NACK_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/units.h"

enum {
    NACK_GAP_MAX = 100,
    NACK_TIMES_MAX = 10,
    NACK_MISSING_MAX = 256,
    NACK_RETRY_US = 150000, /* while no round-trip time is known */
    NACK_RETRY_MIN_US = 20000,
    NACK_RETRY_MAX_US = 500000,
    NACK_COPY_MAX_US = 10000,
    NACK_COPY_RTT_US = 24000, /* below, a lost request is soon made up for */
};

struct nack_missing {
    int64_t seq_wide;
    uint64_t due_us : 56; /* when to ask next */
    uint64_t times : 7;
    uint64_t copy : 1; /* that is for the copy of the newest request */
};

struct nack {
    int64_t newest;      /* 0: nothing seen */
    uint64_t reorder_us; /* how long a gap may close by itself before the first request */
    uint64_t retry_us;
    uint64_t copy_us;     /* 0: requests go out once */
    uint64_t deadline_us; /* the earliest due_us, or earlier */
    uint64_t given_up;    /* numbers asked for in vain, or thrown out when full */
    uint16_t count;
    struct nack_missing missing[NACK_MISSING_MAX]; /* ascending */
};

void nack_init(struct nack *n, uint64_t reorder_us);
void nack_on_rtt(struct nack *n, uint64_t rtt_us); /* requests then go out at that distance, and a little more */
/* How often it had been asked for: 0 for one that was not missing. */
unsigned nack_on_packet(struct nack *n, int64_t seq_wide, uint64_t now_us);
uint64_t nack_deadline_us(const struct nack *n);
/* Writes up to cap numbers that are due into seqs, ascending on the circle, and counts them as asked for. 0: none. */
size_t nack_poll(struct nack *n, uint64_t now_us, uint16_t *seqs, size_t cap);

#endif
