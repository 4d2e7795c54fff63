/* drop.h - every reason for which a datagram is dropped, written once: enum, label in metrics, explanation.
 * A dropped datagram is counted and never logged one by one. */
#ifndef BRIDGE_DROP_H
#define BRIDGE_DROP_H

#include "proto/err.h"

#define DROP_MAP(X)                                                                                                    \
    X(EMPTY, "empty", "no byte in it")                                                                                 \
    X(PROTOCOL, "protocol", "first byte is none of STUN, DTLS, RTP (RFC 7983)")                                        \
    X(STUN_MALFORMED, "stun_malformed", "not a legal Binding message, or without fingerprint")                         \
    X(STUN_NO_USER, "stun_no_username", "a request without a user name for us")                                        \
    X(STUN_UFRAG, "stun_unknown_ufrag", "a request for nobody here")                                                   \
    X(STUN_RESPONSE, "stun_unmatched_response", "an answer to nothing that was asked")                                 \
    X(STUN_INDICATION, "stun_indication", "an indication: nothing to do")                                              \
    X(STUN_INTEGRITY, "stun_bad_integrity", "message integrity missing or wrong")                                      \
    X(STUN_RATE, "stun_rate_limited", "more checks than a session may send")                                           \
    X(DTLS_TUPLE, "dtls_unknown_tuple", "DTLS from an address nobody authenticated")                                   \
    X(DTLS_TYPE, "dtls_record_type", "first byte 25 to 63: not a DTLS 1.2 record")                                     \
    X(DTLS_FRAMING, "dtls_framing", "record or fragment lengths that do not add up")                                   \
    X(DTLS_EARLY, "dtls_early_overflow", "more early handshake datagrams than are kept")                               \
    X(RTP_TUPLE, "rtp_unknown_tuple", "RTP or RTCP from an address nobody authenticated")                              \
    X(RTP_SHORT, "rtp_short", "too short to be RTP or RTCP")                                                           \
    X(RTP_MALFORMED, "rtp_malformed", "header or extension lengths that do not add up")                                \
    X(RTP_EARLY, "rtp_early_overflow", "more media before the keys than is kept")                                      \
    X(SRTP_AUTH, "srtp_auth_fail", "SRTP authentication failed")                                                       \
    X(SRTP_REPLAY, "srtp_replay_fail", "SRTP seen before")                                                             \
    X(SRTP_OLD, "srtp_replay_old", "SRTP older than the replay window")                                                \
    X(SRTP_OTHER, "srtp_other", "SRTP refused for another reason")                                                     \
    X(SSRC_LIMIT, "ssrc_limit", "more SSRCs than a transport may have")                                                \
    X(SSRC_UNKNOWN, "ssrc_unknown", "an SSRC that nobody signalled")                                                   \
    X(HANDOVER, "handover", "meant for another worker, which did not know it either")

enum drop {
#define X(name, label, text) DROP_##name,
    DROP_MAP(X)
#undef X
        DROP_COUNT
};

const char *drop_label(enum drop drop); /* "stun_malformed"; a static string */
const char *drop_text(enum drop drop);
enum drop drop_of_ice(enum err err); /* what ice_on_datagram returned, other than E_OK */

#endif
