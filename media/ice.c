/* ice.c - life, input and output of one ice; see ice.h. What it does with a message is in ice_rx.c, which pair it uses
 * in ice_select.c, and what it does by itself in ice_work.c. */
#include <assert.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "media/ice_priv.h"

bool ice_path_eq(const struct ice_path *a, const struct ice_path *b)
{
    return a->local == b->local && addr_eq(&a->remote, &b->remote);
}

uint64_t ice_random(void)
{
    uint64_t v;
    if (gnutls_rnd(GNUTLS_RND_NONCE, &v, sizeof v) != 0)
        abort();
    return v;
}

/* --- output --- */

static struct ice_out *push(struct ice *ice, enum ice_out_kind kind, const struct ice_path *path)
{
    static struct ice_out nowhere;
    if (ice->out_count == ICE_OUT_MAX) /* only if the caller does not poll; it loses what it does not want */
        return &nowhere;
    struct ice_out *out = &ice->out[(ice->out_at + ice->out_count++) % ICE_OUT_MAX];
    *out = (struct ice_out){.kind = kind, .path = *path};
    return out;
}

void ice_push(struct ice *ice, enum ice_out_kind kind, const struct ice_path *path)
{
    push(ice, kind, path);
}

void ice_push_tuple(struct ice *ice, const struct ice_path *path, bool proven)
{
    push(ice, ICE_TUPLE, path)->proven = proven;
}

void ice_push_send(struct ice *ice, const struct ice_path *path, struct bytes datagram)
{
    if (datagram.n)
        push(ice, ICE_SEND, path)->datagram = datagram;
}

bool ice_poll(struct ice *ice, struct ice_out *out)
{
    while (ice->out_count == 0)
        if (!ice_work_next(ice))
            return false;
    *out = ice->out[ice->out_at];
    ice->out_at = (ice->out_at + 1) % ICE_OUT_MAX;
    ice->out_count--;
    return true;
}

/* --- life --- */

static bool length_ok(const char *text, size_t min, size_t max)
{
    size_t n = strnlen(text, max + 1);
    return n >= min && n <= max;
}

static bool credentials_ok(const char *ufrag, const char *pwd)
{
    return length_ok(ufrag, ICE_UFRAG_MIN, ICE_UFRAG_MAX) && length_ok(pwd, ICE_PWD_MIN, ICE_PWD_MAX);
}

struct ice *ice_new(const struct ice_config *cfg, uint64_t now_us)
{
    if (!credentials_ok(cfg->ufrag, cfg->pwd))
        return NULL;
    struct ice *ice = calloc(1, sizeof *ice);
    if (!ice)
        abort();
    ice->now_us = ice->failed_auth.at_us = ice->checks.at_us = now_us;
    ice->failed_auth.level = ice->checks.level =
        UINT64_MAX / 2; /* full; cut to a second's worth when first looked at */
    ice->controlling = cfg->controlling;
    ice->consent_every_us = cfg->consent_us ? MAX(cfg->consent_us, MS(ICE_PACE_MS)) : SEC(ICE_CONSENT_EVERY_S);
    ice->late_checks_us = cfg->late_checks_us ? cfg->late_checks_us : SEC(ICE_LATE_CHECKS_S);
    ice->pairs_max = cfg->pairs_max ? MIN(cfg->pairs_max, (size_t)ICE_PAIRS_MAX) : ICE_PAIRS_MAX;
    ice->refuse_private = cfg->refuse_private;
    ice->tie_breaker = cfg->tie_breaker;
    strcpy(ice->local_ufrag, cfg->ufrag);
    strcpy(ice->local_pwd, cfg->pwd);
    ice->local_count = MIN(cfg->local_count, ICE_LOCALS_MAX);
    if (ice->local_count)
        memcpy(ice->locals, cfg->locals, ice->local_count * sizeof *ice->locals);
    put_u32(ice->id_prefix, (uint32_t)ice_random());
    put_u32(ice->id_prefix + 4, (uint32_t)ice_random());
    ice->id_prefix[0] = cfg->worker;
    ice->id_count = (uint32_t)ice_random();
    ice->stun = ice_stun_new(ice->local_pwd);
    ice_pairs_init(&ice->pairs);
    return ice;
}

void ice_free(struct ice *ice)
{
    if (!ice)
        return;
    ice_stun_free(ice->stun);
    ice_pairs_done(&ice->pairs);
    explicit_bzero(ice, sizeof *ice);
    free(ice);
}

/* --- pairs --- */

const struct ice_local *ice_local_for(const struct ice *ice, const struct ice_path *path)
{
    for (size_t i = 0; i < ice->local_count; i++)
        if (ice->locals[i].local == path->local)
            return &ice->locals[i];
    return NULL;
}

struct ice_pair *ice_add_pair(struct ice *ice, const struct ice_path *path, enum ice_candidate_type type,
                              uint32_t priority)
{
    if (ice->pairs.count >= ice->pairs_max) {
        struct ice_pair *old = ice_pairs_oldest_invalid(&ice->pairs, ice->now_us, ice->selected);
        if (!old)
            return NULL;
        if (old == ice->nominating)
            ice->nominating = NULL;
        if (old == ice->sending)
            ice->sending = NULL;
        ice_work_cancel(ice, old);
        ice_pairs_remove(&ice->pairs, old);
    }
    struct ice_pair *pair = ice_pairs_add(&ice->pairs, path);
    if (!pair)
        return NULL;
    pair->type = type;
    pair->remote_priority = priority;
    ice_pair_set_priority(pair, ice->controlling);
    return pair;
}

/* Can a datagram get from this socket to there? A loopback candidate is only for a loopback socket, which exists only
 * if the operator wants it. Link-local IPv6 needs a scope, which candidates do not carry. */
static bool reachable(const struct ice *ice, const struct ice_local *from, const struct addr *to)
{
    return from->addr.family == to->family && addr_is_loopback(&from->addr) == addr_is_loopback(to) &&
           !(to->family == ADDR_IP6 && addr_is_link_local(to)) &&
           !(ice->refuse_private && (addr_is_private(to) || addr_is_link_local(to)));
}

static void add_candidate(struct ice *ice, const struct ice_candidate *candidate)
{
    if (addr_is_unusable(&candidate->addr) || candidate->addr.port == 0)
        return;
    for (size_t i = 0; i < ice->local_count; i++) {
        const struct ice_local *local = &ice->locals[i];
        struct ice_path path = {.remote = candidate->addr, .local = local->local};
        if (!reachable(ice, local, &candidate->addr))
            continue;
        struct ice_pair *pair = ice_pairs_find(&ice->pairs, &path);
        if (pair) { /* its check was faster than the signalling */
            pair->type = candidate->type;
            pair->remote_priority = candidate->priority;
            ice_pair_set_priority(pair, ice->controlling);
        } else {
            ice_add_pair(ice, &path, candidate->type, candidate->priority);
        }
    }
}

enum err ice_set_remote(struct ice *ice, uint64_t now_us, const char *ufrag, const char *pwd,
                        const struct ice_candidate *candidates, size_t n)
{
    ice->now_us = now_us;
    if (ufrag && pwd) {
        if (!credentials_ok(ufrag, pwd))
            return E_FORMAT;
        if (ice_knows_remote(ice) && (strcmp(ufrag, ice->remote_ufrag) != 0 || strcmp(pwd, ice->remote_pwd) != 0))
            return E_STATE;
        strcpy(ice->remote_ufrag, ufrag);
        strcpy(ice->remote_pwd, pwd);
        snprintf(ice->username, sizeof ice->username, "%s:%s", ufrag, ice->local_ufrag);
        if (ice->state == ICE_WAITING)
            ice->state = ICE_RUNNING;
    }
    for (size_t i = 0; i < MIN(n, ICE_CANDIDATES_MAX); i++)
        add_candidate(ice, &candidates[i]);
    ice_select_update(ice);
    return E_OK;
}

/* --- input --- */

static bool can_be_sent_to(const struct ice *ice, const struct ice_path *path)
{
    const struct ice_local *local = ice_local_for(ice, path);
    return local && local->addr.family == path->remote.family && !addr_is_unusable(&path->remote) && path->remote.port;
}

static enum err on_stun(struct ice *ice, const struct ice_path *path, struct bytes datagram)
{
    struct stun_walk walk;
    enum err err = stun_walk_parse(datagram, &walk);
    if (err != E_OK)
        return err;
    if (!can_be_sent_to(ice, path))
        return E_FORMAT;
    switch (walk.class) {
    case STUN_WALK_REQUEST: return ice_rx_request(ice, path, datagram, &walk);
    case STUN_WALK_SUCCESS:
    case STUN_WALK_ERROR: return ice_rx_answer(ice, path, datagram, &walk);
    case STUN_WALK_INDICATION: break;
    }
    return E_STATE;
}

enum err ice_on_datagram(struct ice *ice, uint64_t now_us, const struct ice_path *path, struct bytes datagram)
{
    ice->now_us = now_us;
    return on_stun(ice, path, datagram);
}

bool ice_on_media(struct ice *ice, uint64_t now_us, const struct ice_path *path, bool media)
{
    ice->now_us = now_us;
    struct ice_pair *pair = ice->selected;
    if (!pair || !ice_path_eq(&pair->path, path))
        pair = ice_pairs_find(&ice->pairs, path);
    if (pair)
        ice_select_heard(ice, pair, media);
    return ice->out_count > 0 || (pair && ice->selected && pair != ice->selected); /* the deadline may be nearer now */
}

bool ice_on_stray(struct ice *ice, uint64_t now_us, const struct ice_path *path)
{
    ice->now_us = now_us;
    if (ice->selected && can_be_sent_to(ice, path))
        ice_rx_stray(ice, path);
    return ice->out_count > 0;
}

void ice_on_time(struct ice *ice, uint64_t now_us)
{
    ice->now_us = now_us;
}

/* --- questions --- */

uint64_t ice_deadline_us(const struct ice *ice)
{
    return ice->out_count ? ice->now_us : ice_work_due_us(ice);
}

const struct ice_path *ice_send_path(const struct ice *ice)
{
    return ice->sending ? &ice->sending->path : NULL;
}

enum ice_state ice_get_state(const struct ice *ice)
{
    return ice->state;
}

const char *ice_state_name(enum ice_state state)
{
    static const char *const names[] = {"waiting", "running", "completed", "failed"};
    return names[state];
}

bool ice_is_controlling(const struct ice *ice)
{
    return ice->controlling;
}

bool ice_has_remote(const struct ice *ice)
{
    return ice_knows_remote(ice);
}

bool ice_is_relayed(const struct ice *ice)
{
    return ice->selected && ice->selected->type == ICE_RELAY;
}

uint64_t ice_rtt_us(const struct ice *ice)
{
    return ice->selected ? ice->selected->rtt_us : 0;
}

const char *ice_ufrag(const struct ice *ice)
{
    return ice->local_ufrag;
}

const uint8_t *ice_id_prefix(const struct ice *ice)
{
    return ice->id_prefix;
}

void ice_check(const struct ice *ice)
{
    size_t count = 0, triggered = 0;
    bool selected = !ice->selected, sending = !ice->sending, nominating = !ice->nominating;
    list_for_each (it, &ice->pairs.all) {
        const struct ice_pair *pair = ice_pair_of(it);
        count++;
        selected |= pair == ice->selected;
        sending |= pair == ice->sending;
        nominating |= pair == ice->nominating;
        assert(!pair->check.active || (ice_knows_remote(ice) && pair->check.len > 0 && pair->check.sent > 0));
        assert(pair->state != PAIR_IN_PROGRESS || pair->check.active);
        assert(pair->state != PAIR_SUCCEEDED || pair->ok_us > 0);
        assert(pair->rx_us <= ice->now_us && pair->ok_us <= ice->now_us);
        list_for_each (other, it)
            assert(other == &ice->pairs.all || !ice_path_eq(&ice_pair_of(other)->path, &pair->path) || other == it);
    }
    list_for_each (it, &ice->pairs.triggered)
        triggered++;
    assert(count == ice->pairs.count && count <= ICE_PAIRS_MAX && triggered <= count);
    assert(selected && sending && nominating);        /* they point into the table */
    assert(!ice->sending || ice->sending->ok_us > 0); /* only to who answered */
    assert(!ice->selected || ice->sending == ice->selected || !ice->sending);
    assert((ice->state == ICE_COMPLETED) == (ice->selected != NULL));
    assert((ice->state == ICE_WAITING) == !ice_knows_remote(ice));
    assert(!ice->consent_lost || !ice->sending);
}
