/* link.h - a small model of one direction of a network path, in virtual time: random loss, a first-in first-out queue of
 * limited length before a bottleneck, then a fixed delay and jitter that does not reorder. Seeded: the same calls give
 * the same results. Not a network: one bottleneck, no cross traffic but what is sent into it. */
#ifndef TESTS_LINK_H
#define TESTS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_QUEUE = 8192 };

struct link_config {
    uint64_t capacity_bps, delay_us, jitter_us;
    uint64_t queue_ms; /* longest queue, as time at this capacity */
    double loss;       /* 0 to 1, independent of everything */
    uint64_t seed;
};

struct link_packet {
    uint64_t sent_us;
    uint32_t len_bytes;
    uint64_t tag; /* the sender's */
};

struct link {
    struct link_config cfg;
    uint64_t random;
    uint64_t served_us;  /* the bottleneck has worked up to here */
    double left_bits;    /* of the packet at the head */
    uint64_t arrived_us; /* the last one, so that jitter does not reorder */
    uint64_t queued_bytes;
    uint64_t lost, dropped; /* at random; because the queue was full */
    size_t first, count;
    struct link_packet queue[LINK_QUEUE];
};

struct link *link_new(const struct link_config *cfg);
void link_free(struct link *l);
void link_set_capacity(struct link *l, uint64_t capacity_bps, uint64_t now_us);
void link_send(struct link *l, const struct link_packet *packet); /* in order of sent_us */
/* The next packet through the bottleneck by now_us, and when it arrives, which may be later than now_us. */
bool link_poll(struct link *l, uint64_t now_us, struct link_packet *out, uint64_t *arrives_us);
double link_random(uint64_t *state); /* 0 to 1 */

#endif
