/* ice_work.c - what an ice does by itself, and when: every job is a deadline and an action. Private. */
#include "media/ice_priv.h"

static void fresh_id(struct ice *ice, uint8_t id[STUN_WALK_ID_LEN])
{
    memcpy(id, ice->id_prefix, ICE_ID_PREFIX);
    put_u32(id + ICE_ID_PREFIX, ice->id_count++);
}

void ice_work_cancel(struct ice *ice, struct ice_pair *pair)
{
    if (!pair->check.active)
        return;
    ice_stun_forget(ice->stun, pair->check.id);
    pair->check.active = false;
    if (pair->state == PAIR_IN_PROGRESS)
        pair->state = PAIR_WAITING;
}

static void send_check(struct ice *ice, struct ice_pair *pair)
{
    ice_check_sent(&pair->check, ice->now_us);
    ice_push_send(ice, &pair->path, bytes_of(pair->check.bytes, pair->check.len));
}

void ice_work_start_check(struct ice *ice, struct ice_pair *pair, bool consent)
{
    ice_work_cancel(ice, pair);
    list_remove(&pair->triggered);
    pair->insisted = false;
    struct ice_check *check = &pair->check;
    *check = (struct ice_check){
        .active = true,
        .use_candidate = ice->controlling && (pair->nominate || pair == ice->selected),
        .consent = consent,
        .controlling = ice->controlling,
        .started_us = ice->now_us,
    };
    fresh_id(ice, check->id);
    struct ice_stun_request request = {check->id,        ice->username,    ice->remote_pwd,
                                       ice->tie_breaker, ice->controlling, check->use_candidate};
    check->len = (uint16_t)ice_stun_write_check(ice->stun, &request, check->bytes, sizeof check->bytes);
    if (pair->state != PAIR_SUCCEEDED)
        pair->state = PAIR_IN_PROGRESS;
    if (check->len == 0) { /* the library has no room left, which the limit on pairs rules out */
        check->active = false;
        ice_select_on_failure(ice, pair);
        return;
    }
    send_check(ice, pair);
}

/* Retransmissions, and giving up after the last one. */
static struct ice_pair *first_due(const struct ice *ice)
{
    struct ice_pair *first = NULL;
    list_for_each (it, &ice->pairs.all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (pair->check.active && (!first || pair->check.due_us < first->check.due_us))
            first = pair;
    }
    return first;
}
static uint64_t retransmission_due(const struct ice *ice)
{
    const struct ice_pair *pair = first_due(ice);
    return pair ? pair->check.due_us : NEVER_US;
}
static void retransmit(struct ice *ice)
{
    struct ice_pair *pair = first_due(ice);
    if (!ice_check_exhausted(&pair->check)) {
        send_check(ice, pair);
        return;
    }
    ice_work_cancel(ice, pair);
    ice_select_on_failure(ice, pair);
    if (pair->insisted && pair->state == PAIR_FAILED) {
        pair->state = PAIR_WAITING;
        ice_pair_trigger(&ice->pairs, pair, false);
        ice_select_update(ice);
    }
}

/* Triggered checks in order of arrival, then ordinary ones by priority; one every Ta. */
static struct ice_pair *next_pair(const struct ice *ice)
{
    if (!list_empty(&ice->pairs.triggered))
        return container_of(ice->pairs.triggered.next, struct ice_pair, triggered);
    bool ordinary = ice->state == ICE_RUNNING ||
                    (ice->state == ICE_COMPLETED && ice->now_us < ice->completed_us + ice->late_checks_us);
    return ordinary ? ice_pairs_best_waiting(&ice->pairs) : NULL;
}
static uint64_t check_due(const struct ice *ice)
{
    return ice_knows_remote(ice) && next_pair(ice) ? ice->next_check_us : NEVER_US;
}
static void check_next(struct ice *ice)
{
    ice->next_check_us = ice->now_us + MS(ICE_PACE_MS);
    ice_work_start_check(ice, next_pair(ice), false);
}

static uint64_t relay_due(const struct ice *ice)
{
    return ice->nominate_us ? ice->nominate_us : NEVER_US;
}
static void nominate_relay(struct ice *ice)
{
    ice->nominate_us = 0;
    ice_select_nominate(ice, true);
}

static uint64_t consent_due(const struct ice *ice)
{
    return ice->selected && ice_knows_remote(ice) ? ice->consent_us : NEVER_US;
}
static void ask_consent(struct ice *ice)
{
    uint64_t every_us = ice->consent_every_us;
    ice->consent_us = ice->now_us + every_us * 4 / 5 + ice_random() % (every_us * 2 / 5);
    if (!ice->selected->check.active || (ice->controlling && !ice->selected->check.use_candidate))
        ice_work_start_check(ice, ice->selected, true);
}

static uint64_t loss_due(const struct ice *ice)
{
    const struct ice_pair *pair = ice->sending; /* NULL when lost already */
    return pair ? pair->ok_us + SEC(ICE_VALID_S) : NEVER_US;
}
static void lose_consent(struct ice *ice)
{
    if (!ice->selected) { /* it was valid, and nobody nominated it */
        ice_select_update(ice);
        return;
    }
    ice->consent_lost = ice->consent_failed = true;
    ice_push(ice, ICE_CONSENT_LOST, &ice->selected->path);
    ice_select_update(ice);
}

/* Roaming: somebody speaks on another valid pair and the selected one is quiet. Ask it; without an answer, leave. */
static uint64_t roam_due(const struct ice *ice)
{
    if (!ice_select_rival(ice))
        return NEVER_US;
    uint64_t due = ice->selected->rx_us + MS(ICE_QUIET_MS);
    if (ice->consent_failed)
        due = 0;
    else if (ice->suspect_us)
        due = ice->suspect_us + MAX(MS(ICE_ASK_MS), 2 * ice->selected->rtt_us);
    return MAX(due, ice->switched_us + MS(ICE_SWITCH_EVERY_MS));
}
static void roam(struct ice *ice)
{
    if (ice->consent_failed || ice->suspect_us) {
        ice_select_switch(ice, ice_select_rival(ice));
        return;
    }
    ice->suspect_us = ice->now_us;
    if (!ice->selected->check.active)
        ice_work_start_check(ice, ice->selected, true);
}

/* Media has stopped without a word: the peer's way may be dead while another that it keeps in reserve is not. Ask on all
 * that ever worked; whoever answers while the selected pair does not is a rival. */
static bool has_worked(const struct ice *ice, const struct ice_pair *pair)
{
    return pair != ice->selected && pair->ok_us != 0;
}
static uint64_t silence_due(const struct ice *ice)
{
    const struct ice_pair *pair = ice->selected;
    if (!pair || !ice->controlling || ice->suspect_us || !pair->media_us ||
        pair->rx_us - pair->media_us >= MS(ICE_QUIET_MEDIA_MS))
        return NEVER_US; /* it lives, and sends no media */
    list_for_each (it, &ice->pairs.all)
        if (has_worked(ice, ice_pair_of(it)))
            return pair->rx_us + MS(ICE_QUIET_MEDIA_MS);
    return NEVER_US;
}
static void ask_everywhere(struct ice *ice)
{
    ice->suspect_us = ice->now_us;
    if (!ice->selected->check.active)
        ice_work_start_check(ice, ice->selected, true);
    list_for_each (it, &ice->pairs.all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (!has_worked(ice, pair) || pair->check.active)
            continue;
        if (pair->state == PAIR_FAILED)
            pair->state = PAIR_WAITING;
        ice_pair_trigger(&ice->pairs, pair, false);
    }
}

static uint64_t failure_due(const struct ice *ice)
{
    return ice->stuck_us ? ice->stuck_us + SEC(ICE_FAIL_DELAY_S) : NEVER_US;
}
static void fail(struct ice *ice)
{
    ice->state = ICE_FAILED;
    ice->stuck_us = 0;
    ice_push(ice, ICE_FAILED_NOW, &(struct ice_path){0});
}

static const struct job {
    uint64_t (*due)(const struct ice *ice);
    void (*run)(struct ice *ice); /* must put its own deadline off */
} jobs[] = {
    {retransmission_due, retransmit}, {roam_due, roam},
    {loss_due, lose_consent},         {consent_due, ask_consent},
    {silence_due, ask_everywhere},    {relay_due, nominate_relay},
    {check_due, check_next},          {failure_due, fail},
};

bool ice_work_next(struct ice *ice)
{
    for (size_t i = 0; i < COUNT(jobs); i++)
        if (jobs[i].due(ice) <= ice->now_us) {
            jobs[i].run(ice);
            return true;
        }
    return false;
}

uint64_t ice_work_due_us(const struct ice *ice)
{
    uint64_t due = NEVER_US;
    for (size_t i = 0; i < COUNT(jobs); i++)
        due = MIN(due, jobs[i].due(ice));
    return due;
}
