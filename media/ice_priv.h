/* ice_priv.h - the inside of struct ice, shared by ice.c (life, input and output), ice_rx.c (requests and answers),
 * ice_select.c (which pair) and ice_work.c (what is due when). Private to media/ice*.c. */
#ifndef MEDIA_ICE_PRIV_H
#define MEDIA_ICE_PRIV_H

#include "media/ice_pair.h"
#include "media/ice_stun.h"

enum {
    ICE_OUT_MAX = 12,            /* one datagram makes at most six */
    ICE_PACE_MS = 20,            /* Ta, RFC 8445 14.2; between new checks of one ice */
    ICE_FAIL_DELAY_S = 5,        /* with nothing left to try, before giving up */
    ICE_LATE_CHECKS_S = 3,       /* ordinary checks go on this long after a pair is selected; a default */
    ICE_RELAY_PATIENCE_MS = 800, /* a relayed pair is not nominated before */
    ICE_CONSENT_EVERY_S = 5,     /* times 0.8 to 1.2, RFC 7675 5.1; a default */
    ICE_FAILED_AUTH_PER_S = 100,
    ICE_CHECKS_PER_S = 200,
    /* Roaming. A quiet selected pair is asked before it is left: it may just have nothing to say. */
    ICE_QUIET_MS = 1000,      /* nothing authenticated on the selected pair */
    ICE_QUIET_MEDIA_MS = 500, /* media has stopped on the selected pair, or is elsewhere */
    ICE_ASK_MS = 500,         /* time for its answer; at least two round trips */
    ICE_SWITCH_EVERY_MS = 1000,
    ICE_STALE_S = 5, /* a pair heard again after this long without an answered check is checked again */
};

struct ice_bucket { /* one token per event, at most a second's worth */
    uint64_t at_us;
    uint64_t level; /* in millionths of a token */
};

struct ice {
    uint64_t now_us; /* of the last call */
    enum ice_state state;
    bool controlling, refuse_private, was_writeable;
    uint64_t tie_breaker;
    char local_ufrag[ICE_UFRAG_MAX + 1], local_pwd[ICE_PWD_MAX + 1];
    char remote_ufrag[ICE_UFRAG_MAX + 1], remote_pwd[ICE_PWD_MAX + 1]; /* "": not known yet */
    char username[ICE_UFRAG_MAX * 2 + 2];                              /* of our checks: remote:local */
    struct ice_local locals[ICE_LOCALS_MAX];
    size_t local_count;
    uint8_t id_prefix[ICE_ID_PREFIX];
    uint32_t id_count;

    struct ice_stun *stun;
    struct ice_pairs pairs;
    struct ice_pair *nominating, *selected;
    struct ice_pair *sending; /* what ice_send_path() tells */
    struct ice_path told;     /* the path of the last ICE_WRITEABLE or ICE_PATH_CHANGED */
    struct ice_bucket failed_auth, checks;

    uint64_t next_check_us; /* pacing */
    uint64_t nominate_us;   /* when to be content with a relayed pair; 0: not waiting */
    uint64_t stuck_us;      /* since when nothing is left to try; 0: something is */
    uint64_t consent_every_us, late_checks_us; /* of the configuration */
    size_t pairs_max;
    uint64_t completed_us;  /* when the first pair was selected */
    uint64_t consent_us;    /* when the next consent check is due */
    bool consent_failed;    /* the last check on the selected pair was not answered */
    bool consent_lost;      /* for 30 s */
    uint64_t suspect_us;    /* since when the selected pair has been asked whether it is alive; 0: it has not */
    uint64_t switched_us;   /* last change of the selected pair */

    struct ice_out out[ICE_OUT_MAX];
    size_t out_at, out_count;
};

static inline bool ice_knows_remote(const struct ice *ice)
{
    return ice->remote_ufrag[0] != 0;
}

/* ice.c */
void ice_push(struct ice *ice, enum ice_out_kind kind, const struct ice_path *path);
void ice_push_tuple(struct ice *ice, const struct ice_path *path, bool proven);
void ice_push_send(struct ice *ice, const struct ice_path *path, struct bytes datagram);
const struct ice_local *ice_local_for(const struct ice *ice, const struct ice_path *path); /* NULL: no such socket */
struct ice_pair *ice_add_pair(struct ice *ice, const struct ice_path *path, enum ice_candidate_type type,
                              uint32_t priority); /* NULL: the table is full of better ones */
uint64_t ice_random(void);

/* ice_rx.c */
enum err ice_rx_request(struct ice *ice, const struct ice_path *path, struct bytes datagram,
                        const struct stun_walk *walk);
enum err ice_rx_answer(struct ice *ice, const struct ice_path *path, struct bytes datagram,
                       const struct stun_walk *walk);
void ice_rx_stray(struct ice *ice, const struct ice_path *path); /* authentic media from where no check came */

/* ice_select.c */
void ice_select_on_success(struct ice *ice, struct ice_pair *pair); /* our check was answered from the right place */
void ice_select_on_failure(struct ice *ice,
                           struct ice_pair *pair); /* refused, unanswered, or answered from elsewhere */
void ice_select_on_nominated(struct ice *ice, struct ice_pair *pair);      /* controlled: the peer wants this one */
void ice_select_heard(struct ice *ice, struct ice_pair *pair, bool media); /* something authenticated came on it */
void ice_select_role(struct ice *ice, bool controlling);
void ice_select_nominate(struct ice *ice, bool even_relayed);
void ice_select_update(struct ice *ice); /* after anything that may change where to send, or whether anything is left */
struct ice_pair *ice_select_rival(const struct ice *ice); /* valid and heard after the selected pair; NULL: none */
void ice_select_switch(struct ice *ice, struct ice_pair *pair);

/* ice_work.c */
void ice_work_start_check(struct ice *ice, struct ice_pair *pair, bool consent);
void ice_work_cancel(struct ice *ice, struct ice_pair *pair);
bool ice_work_next(struct ice *ice); /* does one thing that is due at ice->now_us; false: nothing is */
uint64_t ice_work_due_us(const struct ice *ice);

#endif
