/* history.h - the last packets of one source SSRC, shared by all its receivers, so that a lost one can be built again.
 *
 * Holds references to frozen packets, not copies: the ring is fixed, its packets come out of the worker's pool, so age is
 * bounded as well as count. Receivers keep only what they changed (tx_log in tx_stream.h).
 * Owner:  history_new/free; history_put takes a reference of its own. No allocation after history_new.
 * Thread: one, the worker of the source. */
#ifndef MEDIA_HISTORY_H
#define MEDIA_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/units.h"

struct media_pkt;
struct history;

enum { HISTORY_PACKETS = 512, HISTORY_AGE_US = 2000000 }; /* a good choice for video */

struct history *history_new(size_t capacity, uint64_t max_age_us); /* capacity: a power of two */
void history_free(struct history *h);                              /* gives back every reference; NULL is fine */

/* Keyed by m->seq_wide. false: already there, or older than the ring reaches; no reference is then taken. */
bool history_put(struct history *h, const struct media_pkt *m);
/* NULL: not there. Lives until the next call that is not a get. */
const struct media_pkt *history_get(const struct history *h, int64_t seq_wide);
void history_on_time(struct history *h, uint64_t now_us); /* lets go of what is too old */
uint64_t history_deadline_us(const struct history *h);    /* when history_on_time has something to do */
size_t history_count(const struct history *h);
int64_t history_newest(const struct history *h); /* seq_wide; 0: empty */

#endif
