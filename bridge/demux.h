/* demux.h - to whom a datagram belongs: first byte (RFC 7983), then ufrag, transaction id or 5-tuple.
 *
 * Purpose: the tables of one worker. Requests go by local ufrag, always, even from a mapped address; answers by the first
 *          bytes of the transaction id (ice_id_prefix); DTLS and SRTP by tuple = (local socket, remote address). A tuple
 *          is mapped only after authentication on it, and taken from a live owner only with proof (demux_claim).
 *          A check of another worker's endpoint is recognised by the worker's number in ufrag and transaction id; once
 *          the owner says that it was authentic (demux_learn), DTLS and SRTP from there follow (elsewhere.h).
 *          SRTP from an unknown path goes by SSRC, a few packets per second: the sender's address may have changed,
 *          and its media is faster than its checks. Such a stray must be authenticated before anything follows from it.
 * Rhythm:  demux_route() per datagram: no allocation, no reply, no state change but counting.
 * Owner:   struct demux_owner is embedded in the endpoint (or relay) and must be released with demux_drop_owner before
 *          its memory goes. Tuples belong to the demux and live until their owner goes or they are taken over.
 * Thread:  one; the worker's. All tables are hashed with SipHash under a random key: keys are chosen by strangers.
 * Not for: sockets, counting per endpoint. */
#ifndef BRIDGE_DEMUX_H
#define BRIDGE_DEMUX_H

#include "bridge/drop.h"
#include "bridge/ssrc_hints.h"
#include "bridge/ufrag.h"
#include "media/ice.h"
#include "proto/list.h"
#include "proto/map.h"

enum {
    DEMUX_TUPLES_MAX = 100, /* per owner; the one silent for longest goes first */
    DEMUX_STRAYS_PER_S = 100, /* SRTP packets from unknown paths that somebody is asked to authenticate */
    DEMUX_LIVE_S = 5,       /* an owner heard on a tuple within this time keeps it unless the claim is proven */
};

struct demux_owner { /* read-only outside demux.c */
    struct list tuples, names, ssrcs;
    size_t tuple_count;
};

struct demux_tuple {
    struct demux_owner *owner;
    uint64_t heard_us; /* last authenticated traffic; the owner sets it when SRTP or DTLS was authentic */
    struct ice_path path;
    struct list node; /* private */
};

enum demux_kind { DEMUX_DROP, DEMUX_STUN, DEMUX_DTLS, DEMUX_RTP, DEMUX_RTCP, DEMUX_OTHER_WORKER };

struct demux_verdict {
    enum demux_kind kind;
    enum drop drop;            /* DEMUX_DROP: why; already counted */
    uint8_t worker;            /* DEMUX_OTHER_WORKER: hand the packet to this one */
    struct demux_owner *owner; /* STUN, DTLS, RTP, RTCP: never NULL */
    uint32_t generation;       /* STUN: which struct ice of the owner, as given to demux_add_name */
    struct demux_tuple *tuple; /* DTLS: never NULL. RTP, RTCP: NULL for a stray. STUN: NULL or the owner's */
};

struct demux;

/* hints: shared by all workers and outlives them; NULL: strays of other workers are dropped. */
struct demux *demux_new(unsigned worker, unsigned worker_count, const char *ufrag_prefix, struct ssrc_hints *hints);
void demux_free(struct demux *demux); /* every owner must have been dropped */

/* handed_over: it comes from another worker; it is then never sent on again (DROP_HANDOVER instead). */
void demux_route(struct demux *demux, uint64_t now_us, const struct ice_path *path, struct bytes datagram,
                 bool handed_over, struct demux_verdict *out);

void demux_owner_init(struct demux_owner *owner);
void demux_drop_owner(struct demux *demux, struct demux_owner *owner); /* all that is its */

/* Makes an ice reachable: by local ufrag and by transaction ids. E_STATE: the ufrag is taken. */
enum err demux_add_name(struct demux *demux, struct demux_owner *owner, uint32_t generation, const char *ufrag,
                        const uint8_t id_prefix[ICE_ID_PREFIX]);
void demux_drop_name(struct demux *demux, struct demux_owner *owner, uint32_t generation);

/* What it sends, by which its strays are found: replaces what was set before. One that another owner has stays with it. */
void demux_set_ssrcs(struct demux *demux, struct demux_owner *owner, const uint32_t *ssrcs, size_t n);

/* For each ICE_TUPLE: maps the path to owner, or refreshes it. A tuple of another owner is taken over at once when that
 * one has not been heard on it for DEMUX_LIVE_S, else only when proven. NULL: it stays with the other. */
struct demux_tuple *demux_claim(struct demux *demux, uint64_t now_us, struct demux_owner *owner,
                                const struct ice_path *path, bool proven);

/* What the owning worker tells the one that handed a datagram over, after its own demux_claim: from now on the path is that
 * worker's. A live tuple of an owner here is given up with proof only. */
void demux_learn(struct demux *demux, uint64_t now_us, const struct ice_path *path, unsigned worker, bool proven);

void demux_count(struct demux *demux, enum drop drop);  /* for reasons found later on the receive path */
const uint64_t *demux_drops(const struct demux *demux); /* [DROP_COUNT] */

void demux_check(const struct demux *demux); /* asserts the invariants; for tests */

#endif
