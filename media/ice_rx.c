/* ice_rx.c - one STUN message from the peer: a check of its own, or the answer to one of ours. Private.
 * Section numbers are those of RFC 8445. */
#include "media/ice_priv.h"

static const uint64_t TOKEN = 1000000;

static void fill(struct ice_bucket *bucket, uint64_t now_us, uint64_t rate_per_s)
{
    uint64_t gained = MIN(now_us - bucket->at_us, US_PER_S) * rate_per_s; /* a microsecond times a rate: millionths */
    bucket->level = MIN(bucket->level + gained, rate_per_s * TOKEN);
    bucket->at_us = now_us;
}

static void take(struct ice_bucket *bucket)
{
    bucket->level -= MIN(bucket->level, TOKEN);
}

/* 7.3.1.4: check back, soon. A check that is under way already is sent once more instead of being replaced, so that
 * answers to its earlier copies still count when round trips are longer than the peer's patience. */
static void check_back(struct ice *ice, struct ice_pair *pair)
{
    struct ice_check *check = &pair->check;
    switch (pair->state) {
    case PAIR_IN_PROGRESS:
        if (ice_check_exhausted(check))
            pair->insisted = true;
        else if (ice->now_us >= check->sent_us + MS(100))
            check->due_us = ice->now_us;
        break;
    case PAIR_FAILED: pair->state = PAIR_WAITING; /* fall through */
    case PAIR_WAITING: ice_pair_trigger(&ice->pairs, pair, false); break;
    case PAIR_SUCCEEDED: break;
    }
}

static void learn_from_request(struct ice *ice, const struct ice_path *path)
{
    ice_push_tuple(ice, path, false);
    struct ice_pair *pair = ice_pairs_find(&ice->pairs, path);
    if (!pair) /* 7.3.1.3: a peer-reflexive candidate */
        pair = ice_add_pair(ice, path, ICE_PRFLX, ice_stun_priority(ice->stun));
    if (!pair)
        return;
    pair->heard = true;
    if (ice->state == ICE_FAILED) /* it lives after all */
        ice->state = ICE_RUNNING;
    check_back(ice, pair);
    ice_select_heard(ice, pair, false);
    if (!ice->controlling && ice_stun_use_candidate(ice->stun)) /* 7.3.1.5 */
        ice_select_on_nominated(ice, pair);
    ice_select_update(ice);
}

void ice_rx_stray(struct ice *ice, const struct ice_path *path)
{
    fill(&ice->checks, ice->now_us, ICE_CHECKS_PER_S);
    if (ice->checks.level < TOKEN)
        return;
    take(&ice->checks);
    ice_push_tuple(ice, path, false);
    struct ice_pair *pair = ice_pairs_find(&ice->pairs, path);
    if (!pair) /* as good as the candidate that it took the place of */
        pair = ice_add_pair(ice, path, ICE_PRFLX, ice->selected->remote_priority);
    if (!pair)
        return;
    pair->heard = true;
    check_back(ice, pair);
    ice_select_heard(ice, pair, true);
    ice_select_update(ice);
}

static enum err admit(struct ice *ice, const struct ice_path *path, struct bytes datagram, const struct stun_walk *walk)
{
    if (!walk->local_ufrag.p || !bytes_eq(walk->local_ufrag, bytes_str(ice->local_ufrag)))
        return E_UNKNOWN;
    fill(&ice->failed_auth, ice->now_us, ICE_FAILED_AUTH_PER_S);
    fill(&ice->checks, ice->now_us, ICE_CHECKS_PER_S);
    const struct ice_pair *pair = ice_pairs_find(&ice->pairs, path);
    /* Who has seen a ufrag can spend the tokens of failure; that must not shut out an address known to be good. */
    if (ice->checks.level < TOKEN || (ice->failed_auth.level < TOKEN && !(pair && pair->heard)))
        return E_LIMIT;
    enum err err = ice_stun_verify_request(ice->stun, datagram, walk);
    take(err == E_OK ? &ice->checks : &ice->failed_auth);
    return err;
}

enum err ice_rx_request(struct ice *ice, const struct ice_path *path, struct bytes datagram,
                        const struct stun_walk *walk)
{
    enum err err = admit(ice, path, datagram, walk);
    if (err != E_OK)
        return err;
    if (walk->unknown_before) {
        ice_push_send(ice, path, ice_stun_reply_420(ice->stun));
        return E_OK;
    }
    if (!walk->priority) {
        ice_push_send(ice, path, ice_stun_reply_400(ice->stun));
        return E_OK;
    }
    bool controlling = ice->controlling, refused;
    ice_push_send(ice, path, ice_stun_reply(ice->stun, &path->remote, ice->tie_breaker, &controlling, &refused));
    if (refused) /* it was told 487 and changes its role */
        return E_OK;
    ice_select_role(ice, controlling);
    learn_from_request(ice, path);
    return E_OK;
}

enum err ice_rx_answer(struct ice *ice, const struct ice_path *path, struct bytes datagram,
                       const struct stun_walk *walk)
{
    struct ice_pair *pair = ice_pairs_find_check(&ice->pairs, walk->id);
    if (!pair)
        return E_UNKNOWN;
    enum ice_stun_answer answer;
    enum err err = ice_stun_on_answer(ice->stun, datagram, walk, &answer);
    if (err != E_OK)
        return err; /* not authentic: the transaction goes on */
    pair->check.active = false;
    if (!ice_path_eq(path, &pair->path)) { /* 7.2.5.2.1: not symmetric */
        ice_select_on_failure(ice, pair);
        return E_STATE;
    }
    switch (answer) {
    case ANSWER_SUCCESS: ice_select_on_success(ice, pair); break;
    case ANSWER_ERROR: ice_select_on_failure(ice, pair); break;
    case ANSWER_ROLE_CONFLICT: /* 7.2.5.1; if the role has changed since the check was sent, it is right now */
        if (pair->state == PAIR_IN_PROGRESS)
            pair->state = PAIR_WAITING;
        if (pair->check.controlling == ice->controlling)
            ice_select_role(ice, !ice->controlling);
        ice_pair_trigger(&ice->pairs, pair, true);
        break;
    }
    return E_OK;
}
