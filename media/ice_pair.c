/* ice_pair.c - see ice_pair.h. */
#include "media/ice_pair.h"

#include <stdlib.h>

/* What a host candidate with full local preference has; all of ours count alike, the peer's tell pairs apart. */
enum { LOCAL_PRIORITY = 2130706431 };

void ice_pairs_init(struct ice_pairs *pairs)
{
    list_init(&pairs->all);
    list_init(&pairs->triggered);
    pairs->count = 0;
}

void ice_pairs_done(struct ice_pairs *pairs)
{
    list_for_each_safe (it, &pairs->all)
        ice_pairs_remove(pairs, ice_pair_of(it));
}

struct ice_pair *ice_pairs_find(const struct ice_pairs *pairs, const struct ice_path *path)
{
    list_for_each (it, &pairs->all)
        if (ice_path_eq(&ice_pair_of(it)->path, path))
            return ice_pair_of(it);
    return NULL;
}

struct ice_pair *ice_pairs_find_check(const struct ice_pairs *pairs, const uint8_t id[STUN_WALK_ID_LEN])
{
    list_for_each (it, &pairs->all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (pair->check.active && memcmp(pair->check.id, id, STUN_WALK_ID_LEN) == 0)
            return pair;
    }
    return NULL;
}

struct ice_pair *ice_pairs_add(struct ice_pairs *pairs, const struct ice_path *path)
{
    struct ice_pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return NULL;
    pair->path = *path;
    list_init(&pair->triggered);
    list_push_back(&pairs->all, &pair->node);
    pairs->count++;
    return pair;
}

void ice_pairs_remove(struct ice_pairs *pairs, struct ice_pair *pair)
{
    list_remove(&pair->node);
    list_remove(&pair->triggered);
    pairs->count--;
    free(pair);
}

struct ice_pair *ice_pairs_oldest_invalid(const struct ice_pairs *pairs, uint64_t now_us, const struct ice_pair *keep)
{
    list_for_each (it, &pairs->all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (pair != keep && pair->type == ICE_PRFLX && !ice_pair_valid(pair, now_us))
            return pair;
    }
    return NULL;
}

struct ice_pair *ice_pairs_best_waiting(const struct ice_pairs *pairs)
{
    struct ice_pair *best = NULL;
    list_for_each (it, &pairs->all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (pair->state == PAIR_WAITING && (!best || pair->priority > best->priority))
            best = pair;
    }
    return best;
}

void ice_pair_trigger(struct ice_pairs *pairs, struct ice_pair *pair, bool first)
{
    if (first) {
        list_remove(&pair->triggered);
        list_push_back(pairs->triggered.next, &pair->triggered); /* in front of the first */
    } else if (list_empty(&pair->triggered)) {
        list_push_back(&pairs->triggered, &pair->triggered);
    }
}

bool ice_pair_valid(const struct ice_pair *pair, uint64_t now_us)
{
    return pair->state == PAIR_SUCCEEDED && now_us < pair->ok_us + SEC(ICE_VALID_S);
}

void ice_pair_set_priority(struct ice_pair *pair, bool controlling)
{
    uint64_t g = controlling ? LOCAL_PRIORITY : pair->remote_priority;
    uint64_t d = controlling ? pair->remote_priority : LOCAL_PRIORITY;
    pair->priority = (MIN(g, d) << 32) + 2 * MAX(g, d) + (g > d);
}

void ice_check_sent(struct ice_check *check, uint64_t now_us)
{
    static const uint16_t gap_ms[ICE_CHECK_SENDS] = {100, 200, 400, 800, 1600, 1600, 1600};
    check->due_us = now_us + MS(check->consent ? 500 : gap_ms[check->sent]);
    check->sent_us = now_us;
    check->sent++;
}

bool ice_check_exhausted(const struct ice_check *check)
{
    return check->sent >= (check->consent ? ICE_CONSENT_SENDS : ICE_CHECK_SENDS);
}
