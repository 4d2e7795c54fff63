/* ice_pair.h - the candidate pairs of one ice: a table of (socket, remote address), each with at most one check under way.
 * Private to media/ice*.c. A pair is sent from the base of the local candidate, so our server-reflexive candidates
 * make no pairs of their own (RFC 8445 6.1.2.4). */
#ifndef MEDIA_ICE_PAIR_H
#define MEDIA_ICE_PAIR_H

#include "media/ice.h"
#include "proto/list.h"
#include "proto/stun_walk.h"

enum {
    ICE_CHECK_CAP = 640,   /* user name of 513 bytes and everything else */
    ICE_CHECK_SENDS = 7,   /* at 0, 100, 300, 700, 1500, 3100, 4700 ms; failed at 6300 ms */
    ICE_CONSENT_SENDS = 6, /* every 500 ms; failed at 3000 ms */
    ICE_VALID_S = 30,      /* RFC 7675 5.1: consent lasts this long after an answer */
};

enum ice_pair_state {
    PAIR_WAITING,
    PAIR_IN_PROGRESS, /* its first check is under way */
    PAIR_SUCCEEDED,   /* stays so during later checks */
    PAIR_FAILED,
};

struct ice_check { /* one transaction; the same bytes are sent again and again */
    bool active, use_candidate, consent, controlling;
    uint8_t sent;
    uint64_t started_us, sent_us, due_us; /* due: the next transmission, or giving up */
    uint8_t id[STUN_WALK_ID_LEN];
    uint16_t len;
    uint8_t bytes[ICE_CHECK_CAP];
};

struct ice_pair {
    struct list node, triggered; /* in order of arrival; in the queue of triggered checks */
    struct ice_path path;
    enum ice_candidate_type type; /* of the remote candidate */
    uint32_t remote_priority;
    uint64_t priority;
    enum ice_pair_state state;
    bool heard;    /* an authenticated request came here */
    bool insisted; /* the peer checked again after our last copy was sent: start over if that one fails too */
    bool nominate; /* controlling: the next check nominates; controlled: the peer has nominated it */
    uint64_t ok_us, rx_us, media_us; /* last answered check, last authenticated anything, last SRTP; 0: never */
    uint64_t rtt_us;
    struct ice_check check;
};

struct ice_pairs {
    struct list all, triggered;
    size_t count;
};

void ice_pairs_init(struct ice_pairs *pairs);
void ice_pairs_done(struct ice_pairs *pairs);
struct ice_pair *ice_pairs_find(const struct ice_pairs *pairs, const struct ice_path *path);
struct ice_pair *ice_pairs_find_check(const struct ice_pairs *pairs, const uint8_t id[STUN_WALK_ID_LEN]);
struct ice_pair *ice_pairs_add(struct ice_pairs *pairs, const struct ice_path *path); /* NULL: out of memory */
void ice_pairs_remove(struct ice_pairs *pairs, struct ice_pair *pair);

/* The oldest peer-reflexive pair that is not valid, for when the table is full; NULL: none. */
struct ice_pair *ice_pairs_oldest_invalid(const struct ice_pairs *pairs, uint64_t now_us, const struct ice_pair *keep);
struct ice_pair *ice_pairs_best_waiting(const struct ice_pairs *pairs);
void ice_pair_trigger(struct ice_pairs *pairs, struct ice_pair *pair, bool first); /* once in the queue is enough */

bool ice_pair_valid(const struct ice_pair *pair, uint64_t now_us);
void ice_pair_set_priority(struct ice_pair *pair, bool controlling); /* RFC 8445 6.1.2.3 */

/* Notes that the check's bytes were sent now, and when it is due next. */
void ice_check_sent(struct ice_check *check, uint64_t now_us);
bool ice_check_exhausted(const struct ice_check *check);

#define ice_pair_of(it) container_of((it), struct ice_pair, node)

#endif
