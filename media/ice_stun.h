/* ice_stun.h - STUN messages of ICE over libnice's STUN library, which is included by ice_stun.c alone.
 *
 * Private to media/ice*.c. One object per ice, because the library keeps the ids of requests that await an answer (at
 * most 200, and we never have more than ICE_PAIRS_MAX) and pointers to their keys: the passwords given to ice_stun_new
 * and ice_stun_write_check must outlive the object. Everything given here has passed stun_walk_parse. */
#ifndef MEDIA_ICE_STUN_H
#define MEDIA_ICE_STUN_H

#include "media/ice.h"
#include "proto/stun_walk.h"

struct ice_stun;

struct ice_stun *ice_stun_new(const char *local_pwd); /* aborts when out of memory: it is made off the packet path */
void ice_stun_free(struct ice_stun *stun);

struct ice_stun_request {
    const uint8_t *id; /* 12 bytes */
    const char *username, *pwd;
    uint64_t tie_breaker;
    bool controlling, use_candidate;
};
size_t ice_stun_write_check(struct ice_stun *stun, const struct ice_stun_request *check, uint8_t *out, size_t cap);
void ice_stun_forget(struct ice_stun *stun, const uint8_t *id);

/* Verifies a request with our password. E_OK, E_FORMAT (fingerprint wrong), E_AUTH. The replies below answer the request
 * verified last; their bytes live until the next reply. An empty reply: could not be built. */
enum err ice_stun_verify_request(struct ice_stun *stun, struct bytes datagram, const struct stun_walk *walk);
uint32_t ice_stun_priority(const struct ice_stun *stun);
bool ice_stun_use_candidate(const struct ice_stun *stun);
struct bytes ice_stun_reply_400(struct ice_stun *stun);
struct bytes ice_stun_reply_420(struct ice_stun *stun);
/* Success, or 487 (*refused) when the peer has our role and must change; when we must, *controlling is toggled. */
struct bytes ice_stun_reply(struct ice_stun *stun, const struct addr *from, uint64_t tie_breaker, bool *controlling,
                            bool *refused);

/* Verifies an answer to a check of ours. E_OK: *answer says what it means, and the transaction is over. E_FORMAT, E_AUTH:
 * nothing happened. E_UNKNOWN: no such transaction. */
enum ice_stun_answer { ANSWER_SUCCESS, ANSWER_ROLE_CONFLICT, ANSWER_ERROR };
enum err ice_stun_on_answer(struct ice_stun *stun, struct bytes datagram, const struct stun_walk *walk,
                            enum ice_stun_answer *answer);

#endif
