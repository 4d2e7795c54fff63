/* ice.h - one side of ICE for one endpoint, one component (RFC 8445, consent RFC 7675): a full agent without sockets.
 *
 * Purpose: answers the peer's checks, sends its own, nominates, keeps consent, follows a peer whose address changes
 *          without being told (no signalling needed), and says where packets may be sent. One struct ice is one
 *          generation of credentials; an ICE restart is a second struct ice beside the first.
 * Rhythm:  bytes and time come in as arguments; after any call that takes now_us (ice_on_media: when it returns true), call
 *          ice_poll() until it returns false, then ask ice_deadline_us() when to call ice_on_time() next.
 * Owner:   ice_new() copies what it is given; ice_free() wipes and frees everything. Bytes in an ice_out belong to the
 *          ice and live until the next call on it.
 * Thread:  one; the worker that owns the endpoint.
 * Units:   now_us and deadlines are monotonic microseconds; NEVER_US means never.
 * Errors:  of a datagram cost only that datagram; the reason is returned for counting. Nothing unauthenticated is
 *          answered or changes anything.
 * Memory:  one allocation per pair when an authenticated check shows a new address; nothing per packet.
 * Not for: routing datagrams to the right ice (bridge/demux), DTLS, candidates of ours (bridge/gather). */
#ifndef MEDIA_ICE_H
#define MEDIA_ICE_H

#include "proto/addr.h"
#include "proto/bytes.h"
#include "proto/units.h"

enum {
    ICE_LOCALS_MAX = 16,
    ICE_CANDIDATES_MAX = 50, /* remote candidates looked at per update */
    ICE_PAIRS_MAX = 100,
    ICE_UFRAG_MIN = 4,
    ICE_UFRAG_MAX = 256,
    ICE_PWD_MIN = 22,
    ICE_PWD_MAX = 256,
};

/* The way of a datagram: our socket and the peer's address. The address is of the family on the wire, never v4-mapped. */
struct ice_path {
    struct addr remote;
    uint8_t local; /* index of the socket, as in struct pkt */
};
bool ice_path_eq(const struct ice_path *a, const struct ice_path *b);

struct ice_local { /* one socket that candidates of this endpoint are based on */
    struct addr addr;
    uint8_t local; /* index of the socket */
};

struct ice_config {
    const char *ufrag, *pwd; /* ours */
    uint64_t tie_breaker;    /* random, 64 bits */
    bool controlling;        /* the bridge is, for endpoints; relays are told */
    bool refuse_private;     /* ignore signalled candidates with private or link-local addresses */
    uint8_t worker;          /* first byte of our transaction ids, so that any worker can tell whose answer it sees */
    const struct ice_local *locals;
    size_t local_count;

    /* 0: the default */
    uint64_t consent_us;     /* period of consent checks, varied by 0.8 to 1.2: 5 s */
    uint64_t late_checks_us; /* ordinary checks go on this long after a pair is selected: 3 s */
    size_t pairs_max;        /* at most, and by default, ICE_PAIRS_MAX */
};

enum ice_candidate_type { ICE_HOST, ICE_SRFLX, ICE_PRFLX, ICE_RELAY };

struct ice_candidate { /* of the peer; UDP, component 1, generation 0, a literal address */
    struct addr addr;
    enum ice_candidate_type type;
    uint32_t priority;
};

enum ice_state {
    ICE_WAITING,   /* the peer's credentials are not known; its checks are answered and remembered */
    ICE_RUNNING,   /* checking */
    ICE_COMPLETED, /* a pair is selected; stays so when consent is lost and comes back */
    ICE_FAILED, /* every pair failed, none was ever selected; a new check of the peer brings it back to ICE_RUNNING */
};

enum ice_out_kind {
    ICE_SEND,         /* send `datagram` on `path` */
    ICE_TUPLE,        /* authenticated on `path`: map it to this endpoint, or refresh it (demux_claim with `proven`) */
    ICE_WRITEABLE,    /* the first pair is valid: `path` may be sent on (start DTLS) */
    ICE_CONNECTED,    /* the first time a pair is selected: ICE_COMPLETED */
    ICE_PATH_CHANGED, /* after ICE_WRITEABLE: ice_send_path() is now `path`; the congestion controller must know */
    ICE_CONSENT_OK,   /* a check on the selected pair was answered: activity; ends an ICE_CONSENT_LOST */
    ICE_CONSENT_LOST, /* 30 s without an answer: ice_send_path() is NULL until ICE_CONSENT_OK or ICE_PATH_CHANGED */
    ICE_FAILED_NOW,   /* the state became ICE_FAILED */
};

struct ice_out {
    enum ice_out_kind kind;
    bool proven; /* ICE_TUPLE: the peer answered a check of ours there, so its source address is no lie */
    struct ice_path path;
    struct bytes datagram;
};

struct ice;

struct ice *ice_new(const struct ice_config *cfg, uint64_t now_us); /* NULL: ufrag or pwd of illegal length */
void ice_free(struct ice *ice);                                     /* NULL is fine */

/* The peer's credentials and candidates. The first call with credentials starts the checks, also without candidates;
 * later calls may pass NULL credentials and add candidates. Other credentials than the first ones are E_STATE: that
 * would be a restart. E_FORMAT: a length is illegal; nothing is changed then. Candidates that must not be used (unusable
 * address, loopback unless a socket of ours is too, forbidden private ones, no socket of that family, above the limits)
 * are skipped. */
enum err ice_set_remote(struct ice *ice, uint64_t now_us, const char *ufrag, const char *pwd,
                        const struct ice_candidate *candidates, size_t n);

/* One STUN datagram. At least 32 bytes behind datagram.p + datagram.n must be readable (they are never interpreted).
 * E_OK: it was what it claimed. E_SHORT, E_FORMAT: malformed, or no fingerprint. E_AUTH: integrity missing or wrong.
 * E_LIMIT: rate limited. E_UNKNOWN: another ufrag, or an answer to nothing we asked. E_STATE: an indication or an answer
 * that is no use. */
enum err ice_on_datagram(struct ice *ice, uint64_t now_us, const struct ice_path *path, struct bytes datagram);

/* SRTP, SRTCP or a DTLS record was authenticated on path; cheap when it is the selected one. `media`: it was SRTP or
 * SRTCP. True: there is something to poll. */
bool ice_on_media(struct ice *ice, uint64_t now_us, const struct ice_path *path, bool media);

/* SRTP or SRTCP was authenticated on a path that nothing is known of: the peer's address has changed, and its media is
 * faster than its checks. It is mapped and checked; nothing is sent there before that is answered. True: as above. */
bool ice_on_stray(struct ice *ice, uint64_t now_us, const struct ice_path *path);

void ice_on_time(struct ice *ice, uint64_t now_us);
bool ice_poll(struct ice *ice, struct ice_out *out);
uint64_t ice_deadline_us(const struct ice *ice);

/* Where anything but STUN may be sent now: the selected pair, else the best valid one; NULL: nowhere (none is valid, or
 * consent is lost). The pointer lives until the next call on the ice. */
const struct ice_path *ice_send_path(const struct ice *ice);

enum ice_state ice_get_state(const struct ice *ice);
const char *ice_state_name(enum ice_state state);
bool ice_is_controlling(const struct ice *ice);
bool ice_has_remote(const struct ice *ice);   /* the peer's credentials are known */
bool ice_is_relayed(const struct ice *ice);   /* the selected pair's remote candidate was signalled as a relay */
uint64_t ice_rtt_us(const struct ice *ice);   /* of the last answered check on the selected pair; 0: none yet */
const char *ice_ufrag(const struct ice *ice); /* ours */

/* Our transaction ids begin with these bytes: the worker, then random ones of this ice. Answers are routed by them, so
 * nothing has to be registered per check. (RFC 8489 wants ids random against off-path forgery; ours are authenticated.) */
enum { ICE_ID_PREFIX = 8 };
const uint8_t *ice_id_prefix(const struct ice *ice);

void ice_check(const struct ice *ice); /* asserts the invariants; for tests */

#endif
