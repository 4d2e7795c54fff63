/* ice_select.c - which pair: valid, nominated, selected, and when to move on to another one (roaming). Private.
 * Section numbers are those of RFC 8445. */
#include "media/ice_priv.h"

static struct ice_pair *best_valid(const struct ice *ice, bool even_relayed)
{
    struct ice_pair *best = NULL;
    list_for_each (it, &ice->pairs.all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (ice_pair_valid(pair, ice->now_us) && (even_relayed || pair->type != ICE_RELAY) &&
            (!best || pair->priority > best->priority))
            best = pair;
    }
    return best;
}

static bool nothing_left(const struct ice *ice)
{
    if (ice->state != ICE_RUNNING || ice->pairs.count == 0)
        return false; /* an empty list may still be filled by the peer's checks */
    list_for_each (it, &ice->pairs.all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (pair->state != PAIR_FAILED)
            return false;
    }
    return true;
}

void ice_select_update(struct ice *ice)
{
    struct ice_pair *to = ice->selected;
    if (!to) { /* before a pair is selected any valid one will do; do not jump about between several */
        to = ice->sending && ice_pair_valid(ice->sending, ice->now_us) ? ice->sending : best_valid(ice, true);
    } else if (ice->consent_lost) {
        to = NULL;
    }
    ice->sending = to;
    if (to && !ice_path_eq(&to->path, &ice->told)) {
        ice_push(ice, ice->was_writeable ? ICE_PATH_CHANGED : ICE_WRITEABLE, &to->path);
        ice->told = to->path;
        ice->was_writeable = true;
    }
    if (!nothing_left(ice))
        ice->stuck_us = 0;
    else if (ice->stuck_us == 0)
        ice->stuck_us = ice->now_us;
}

static void make_selected(struct ice *ice, struct ice_pair *pair)
{
    if (ice->selected == pair)
        return;
    bool first = !ice->selected;
    ice->selected = pair;
    ice->nominating = NULL;
    ice->nominate_us = 0;
    ice->consent_failed = ice->consent_lost = false;
    ice->suspect_us = 0;
    ice->switched_us = ice->now_us;
    ice->consent_us = ice->now_us; /* at once; on the controlling side that check also nominates */
    ice_select_update(ice);
    if (first) {
        ice->state = ICE_COMPLETED;
        ice->completed_us = ice->now_us;
        ice_push(ice, ICE_CONNECTED, &pair->path);
    }
}

void ice_select_nominate(struct ice *ice,
                         bool even_relayed) /* 8.1.1, regular nomination; JVB's first host or reflexive */
{
    if (!ice->controlling || ice->selected || (ice->nominating && ice->nominating->type != ICE_RELAY))
        return;
    struct ice_pair *pair = best_valid(ice, even_relayed);
    if (pair && pair != ice->nominating) {
        if (ice->nominating)
            ice->nominating->nominate = false;
        ice->nominating = pair;
        ice->nominate_us = 0;
        pair->nominate = true;
        if (pair->check.active)
            ice_work_cancel(ice, pair);
        ice_pair_trigger(&ice->pairs, pair, true);
    } else if (!pair && !ice->nominating && ice->nominate_us == 0 && best_valid(ice, true)) {
        ice->nominate_us = ice->now_us + MS(ICE_RELAY_PATIENCE_MS);
    }
}

void ice_select_on_success(struct ice *ice, struct ice_pair *pair) /* 7.2.5.3 */
{
    const struct ice_check *check = &pair->check;
    if (check->sent == 1) /* with more the answer may be to any of them */
        pair->rtt_us = MAX(ice->now_us - check->started_us, 1);
    pair->ok_us = pair->rx_us = ice->now_us;
    pair->state = PAIR_SUCCEEDED;
    if (ice->state == ICE_FAILED)
        ice->state = ICE_RUNNING;
    ice_push_tuple(ice, &pair->path, true);
    if (pair == ice->selected) {
        ice->consent_failed = ice->consent_lost = false;
        ice->suspect_us = 0;
        ice_push(ice, ICE_CONSENT_OK, &pair->path);
    }
    ice_select_update(ice);
    if (ice->controlling ? check->use_candidate && pair == ice->nominating : pair->nominate)
        ice_select_on_nominated(ice, pair);
    else
        ice_select_nominate(ice, false);
}

void ice_select_on_failure(struct ice *ice, struct ice_pair *pair)
{
    if (pair == ice->selected) { /* consent runs out by itself; until then media goes on */
        ice->consent_failed = true;
        return;
    }
    pair->state = PAIR_FAILED;
    pair->nominate = false;
    if (pair == ice->nominating) {
        ice->nominating = NULL;
        ice_select_nominate(ice, true);
    }
    ice_select_update(ice);
}

/* Selected now, or as soon as it is valid. The latest word of the peer counts, but a flapping one is slowed down. */
void ice_select_on_nominated(struct ice *ice, struct ice_pair *pair)
{
    pair->nominate = !ice->controlling;
    if (!ice_pair_valid(pair, ice->now_us) || pair == ice->selected)
        return;
    if (ice->selected && pair->priority <= ice->selected->priority &&
        ice->now_us < ice->switched_us + MS(ICE_SWITCH_EVERY_MS))
        return;
    if (ice->selected)
        ice->selected->nominate = false;
    make_selected(ice, pair);
}

struct ice_pair *ice_select_rival(const struct ice *ice)
{
    struct ice_pair *best = NULL;
    if (!ice->selected || !(ice->controlling || ice->consent_failed))
        return NULL;
    list_for_each (it, &ice->pairs.all) {
        struct ice_pair *pair = ice_pair_of(it);
        if (pair != ice->selected && ice_pair_valid(pair, ice->now_us) && pair->rx_us > ice->selected->rx_us &&
            (!best || pair->rx_us > best->rx_us))
            best = pair;
    }
    return best;
}

void ice_select_switch(struct ice *ice, struct ice_pair *pair)
{
    make_selected(ice, pair);
}

void ice_select_heard(struct ice *ice, struct ice_pair *pair, bool media)
{
    pair->rx_us = ice->now_us;
    if (media)
        pair->media_us = ice->now_us;
    if (pair == ice->selected) {
        ice->suspect_us = 0;
        return;
    }
    /* A check proves an address only for a while: ask again where somebody who was silent speaks up. */
    if (pair->state == PAIR_SUCCEEDED && !pair->check.active && ice->now_us >= pair->ok_us + SEC(ICE_STALE_S))
        ice_pair_trigger(&ice->pairs, pair, false);
    /* Media is the best witness of where the peer has gone; it need not be asked about. */
    if (media && ice->selected && ice->controlling && ice_pair_valid(pair, ice->now_us) &&
        ice->now_us >= ice->selected->media_us + MS(ICE_QUIET_MEDIA_MS) &&
        ice->now_us >= ice->switched_us + MS(ICE_SWITCH_EVERY_MS))
        make_selected(ice, pair);
}

void ice_select_role(struct ice *ice, bool controlling) /* 7.3.1.1 */
{
    if (ice->controlling == controlling)
        return;
    ice->controlling = controlling;
    ice->nominating = NULL;
    ice->nominate_us = 0;
    list_for_each (it, &ice->pairs.all) {
        struct ice_pair *pair = ice_pair_of(it);
        pair->nominate = false;
        ice_pair_set_priority(pair, controlling);
        if (pair->check.active) { /* it says the wrong role */
            ice_work_cancel(ice, pair);
            ice_pair_trigger(&ice->pairs, pair, false);
        }
    }
    ice_select_nominate(ice, false);
}
