/* ice_stun.c - see ice_stun.h. The only file that includes stun/. */
#include "media/ice_stun.h"

#include <stdlib.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "media/ice_pair.h"

enum { CHECK_PRIORITY = 1862270975 }; /* RFC 8445 7.1.1: that of a peer-reflexive candidate */

struct ice_stun {
    StunAgent agent;
    StunMessage request; /* the one verified last; points into the caller's datagram */
    const char *local_pwd;
    uint8_t reply[1024]; /* the library asserts that a reply fits: at most 600 bytes with the longest user name */
};

struct ice_stun *ice_stun_new(const char *local_pwd)
{
    struct ice_stun *stun = calloc(1, sizeof *stun);
    if (!stun)
        abort();
    stun->local_pwd = local_pwd;
    stun_agent_init(&stun->agent, stun_walk_known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    return stun;
}

void ice_stun_free(struct ice_stun *stun)
{
    if (!stun)
        return;
    explicit_bzero(stun, sizeof *stun);
    free(stun);
}

size_t ice_stun_write_check(struct ice_stun *stun, const struct ice_stun_request *check, uint8_t *out, size_t cap)
{
    StunMessage msg;
    if (!stun_agent_init_request(&stun->agent, &msg, out, cap, STUN_BINDING))
        return 0;
    memcpy(out + 8, check->id, STUN_WALK_ID_LEN); /* ours instead of the library's, before anything covers it */
    bool ok =
        stun_message_append_bytes(&msg, STUN_ATTRIBUTE_USERNAME, check->username, strlen(check->username)) ==
            STUN_MESSAGE_RETURN_SUCCESS &&
        stun_message_append64(&msg, check->controlling ? STUN_ATTRIBUTE_ICE_CONTROLLING : STUN_ATTRIBUTE_ICE_CONTROLLED,
                              check->tie_breaker) == STUN_MESSAGE_RETURN_SUCCESS &&
        stun_message_append32(&msg, STUN_ATTRIBUTE_PRIORITY, CHECK_PRIORITY) == STUN_MESSAGE_RETURN_SUCCESS;
    if (ok && check->use_candidate)
        ok = stun_message_append_flag(&msg, STUN_ATTRIBUTE_USE_CANDIDATE) == STUN_MESSAGE_RETURN_SUCCESS;
    return ok ? stun_agent_finish_message(&stun->agent, &msg, (const uint8_t *)check->pwd, strlen(check->pwd)) : 0;
}

void ice_stun_forget(struct ice_stun *stun, const uint8_t *id)
{
    StunTransactionId whole = {STUN_WALK_COOKIE >> 24, STUN_WALK_COOKIE >> 16 & 255, STUN_WALK_COOKIE >> 8 & 255,
                               STUN_WALK_COOKIE & 255};
    memcpy(whole + 4, id, STUN_WALK_ID_LEN);
    stun_agent_forget_transaction(&stun->agent, whole);
}

static bool give_local_pwd(StunAgent *agent, StunMessage *msg, uint8_t *username, uint16_t username_len,
                           uint8_t **password, size_t *password_len, void *ctx)
{
    struct ice_stun *stun = ctx;
    *password = (uint8_t *)stun->local_pwd;
    *password_len = strlen(stun->local_pwd);
    return true;
}

enum err ice_stun_verify_request(struct ice_stun *stun, struct bytes datagram, const struct stun_walk *walk)
{
    if (!walk->fingerprint)
        return E_FORMAT;
    if (!walk->integrity || !walk->local_ufrag.p)
        return E_AUTH;
    switch (stun_agent_validate(&stun->agent, &stun->request, datagram.p, datagram.n, give_local_pwd, stun)) {
    case STUN_VALIDATION_SUCCESS:
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE: return E_OK; /* integrity is verified by then; walk knows where */
    case STUN_VALIDATION_UNAUTHORIZED:
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST: return E_AUTH;
    default: return E_FORMAT;
    }
}

uint32_t ice_stun_priority(const struct ice_stun *stun)
{
    return stun_usage_ice_conncheck_priority(&stun->request);
}

bool ice_stun_use_candidate(const struct ice_stun *stun)
{
    return stun_usage_ice_conncheck_use_candidate(&stun->request);
}

struct bytes ice_stun_reply_400(struct ice_stun *stun)
{
    StunMessage msg;
    size_t len = 0;
    if (stun_agent_init_error(&stun->agent, &msg, stun->reply, sizeof stun->reply, &stun->request,
                              STUN_ERROR_BAD_REQUEST))
        len = stun_agent_finish_message(&stun->agent, &msg, NULL, 0); /* signs with the request's key */
    return bytes_of(stun->reply, len);
}

struct bytes ice_stun_reply_420(struct ice_stun *stun)
{
    StunMessage msg;
    size_t len =
        stun_agent_build_unknown_attributes_error(&stun->agent, &msg, stun->reply, sizeof stun->reply, &stun->request);
    return bytes_of(stun->reply, len);
}

struct bytes ice_stun_reply(struct ice_stun *stun, const struct addr *from, uint64_t tie_breaker, bool *controlling,
                            bool *refused)
{
    struct sockaddr_storage sa;
    socklen_t sa_len = addr_to_sockaddr(from, &sa);
    StunMessage msg;
    size_t len = sizeof stun->reply;
    bool role = *controlling;
    StunUsageIceReturn r =
        stun_usage_ice_conncheck_create_reply(&stun->agent, &stun->request, &msg, stun->reply, &len, &sa, sa_len,
                                              controlling, tie_breaker, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    /* "Role conflict" is returned both for a 487 and for a success after we gave in: the toggled role tells which. */
    *refused = r == STUN_USAGE_ICE_RETURN_ROLE_CONFLICT && *controlling == role;
    if (r != STUN_USAGE_ICE_RETURN_SUCCESS && r != STUN_USAGE_ICE_RETURN_ROLE_CONFLICT)
        len = 0;
    return bytes_of(stun->reply, len);
}

/* These the library lets through without checking integrity. They could come from anybody, so they are no answer: the
 * transaction goes on, and a peer that did not know us yet gets another chance. */
static bool is_unverifiable(uint16_t error_code)
{
    return error_code == 300 || error_code == 400 || error_code == 401 || error_code == 438;
}

enum err ice_stun_on_answer(struct ice_stun *stun, struct bytes datagram, const struct stun_walk *walk,
                            enum ice_stun_answer *answer)
{
    if (!walk->fingerprint)
        return E_FORMAT;
    if (!walk->integrity || (walk->class == STUN_WALK_ERROR && is_unverifiable(walk->error_code)))
        return E_AUTH;
    StunMessage msg;
    switch (stun_agent_validate(&stun->agent, &msg, datagram.p, datagram.n, NULL, NULL)) {
    case STUN_VALIDATION_SUCCESS: break;
    case STUN_VALIDATION_UNKNOWN_ATTRIBUTE: /* RFC 8489 6.3.3: not understood, unless it means nothing where it stands */
        if (!walk->unknown_before)
            break;
        *answer = ANSWER_ERROR;
        return E_OK;
    case STUN_VALIDATION_UNAUTHORIZED:
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST: return E_AUTH;
    case STUN_VALIDATION_UNMATCHED_RESPONSE: return E_UNKNOWN;
    default: return E_FORMAT;
    }
    if (walk->class == STUN_WALK_ERROR)
        *answer = walk->error_code == 487 ? ANSWER_ROLE_CONFLICT : ANSWER_ERROR;
    else
        *answer = walk->mapped.family == ADDR_NONE ? ANSWER_ERROR : ANSWER_SUCCESS;
    return E_OK;
}
