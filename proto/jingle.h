/* jingle.h - the Jingle elements that Colibri2 carries: ICE transport (XEP-0176) with DTLS fingerprint (XEP-0320),
 * payload types (XEP-0167) with feedback (XEP-0293), header extensions (XEP-0294), sources (XEP-0339).
 *
 * Elements <-> structs on libstrophe's stanza tree; not for SDP, and not for the Colibri2 elements around them.
 * Reading: children are matched by name and namespace in any order, unknown ones are skipped. What a client may have
 * put there is never a reason to refuse the message (the focus would take the bridge from the whole conference):
 * unusable pieces are left out and counted in `ignored`. Owner: a struct read points into the arena it was read with;
 * a struct written points to whatever the caller likes. Thread: any, one at a time per tree and arena. */
#ifndef PROTO_JINGLE_H
#define PROTO_JINGLE_H

#include <strophe.h>

#include "proto/addr.h"
#include "proto/arena.h"

#define JINGLE_NS_RTP     "urn:xmpp:jingle:apps:rtp:1"
#define JINGLE_NS_RTCP_FB "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
#define JINGLE_NS_HDREXT  "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
#define JINGLE_NS_SSMA    "urn:xmpp:jingle:apps:rtp:ssma:0"
#define JINGLE_NS_ICE_UDP "urn:xmpp:jingle:transports:ice-udp:1"
#define JINGLE_NS_DTLS    "urn:xmpp:jingle:apps:dtls:0"
#define JINGLE_NS_COLIBRI "http://jitsi.org/protocol/colibri"

enum { /* what is kept of one element; the rest is ignored and counted */
       JINGLE_UFRAG_MIN = 4,
       JINGLE_UFRAG_MAX = 256,
       JINGLE_PWD_MIN = 22,
       JINGLE_PWD_MAX = 256,
       JINGLE_CANDIDATES_MAX = 50,
       JINGLE_FINGERPRINTS_MAX = 8,
       JINGLE_WEB_SOCKETS_MAX = 8,
       JINGLE_DIGEST_MAX = 64, /* sha-512 */
       JINGLE_PARAMETERS_MAX = 32,
       JINGLE_FEEDBACKS_MAX = 32,
       JINGLE_GROUP_SSRCS_MAX = 16,
       JINGLE_TEXT_MAX = 1023, /* any other attribute value */
};

enum jingle_candidate_type { JINGLE_HOST, JINGLE_SRFLX, JINGLE_PRFLX, JINGLE_RELAY };

/* Component 1, UDP, a literal address: other candidates are not kept. Names are never resolved. */
struct jingle_candidate {
    enum jingle_candidate_type type;
    uint32_t priority;
    uint32_t generation;
    struct addr addr;
    struct addr related; /* family ADDR_NONE: absent */
    char foundation[33]; /* RFC 8839 5.1: up to 32 characters */
    char id[33];
};

enum jingle_setup { JINGLE_SETUP_NONE, JINGLE_ACTPASS, JINGLE_ACTIVE, JINGLE_PASSIVE };

struct jingle_fingerprint {
    char hash[16]; /* lower case: "sha-256" */
    uint8_t digest[JINGLE_DIGEST_MAX];
    size_t digest_len;
    enum jingle_setup setup;
    bool cryptex;
};

struct jingle_transport {
    const char *ufrag, *pwd; /* NULL: absent (or not of a legal length) */
    uint32_t ice_generation; /* 0: absent; only in an ICE restart */
    bool rtcp_mux;
    const struct jingle_fingerprint *fingerprints; /* the first one's setup counts */
    size_t fingerprint_count;
    const struct jingle_candidate *candidates;
    size_t candidate_count;
    const char *const *web_sockets; /* URLs; they hold a password */
    size_t web_socket_count;
    size_t ignored;
};

struct jingle_parameter {
    const char *name; /* NULL: red's "111/111" comes without one */
    const char *value;
};

struct jingle_feedback {
    const char *type;    /* "nack" */
    const char *subtype; /* "pli"; NULL: absent */
};

struct jingle_payload_type {
    uint8_t id;
    const char *name;             /* as sent: "VP8", "opus", "rtx"; compare without case */
    uint32_t clockrate, channels; /* 0: absent */
    const struct jingle_parameter *parameters;
    size_t parameter_count;
    const struct jingle_feedback *feedbacks;
    size_t feedback_count;
};

struct jingle_hdrext {
    uint8_t id; /* 1..255 */
    const char *uri;
};

struct jingle_source {
    uint32_t ssrc;
    const char *name;       /* NULL: absent */
    const char *video_type; /* NULL: absent, which means camera */
};

struct jingle_source_group {
    const char *semantics; /* "SIM", "FID"; compare without case */
    const uint32_t *ssrcs; /* in order */
    size_t ssrc_count;
};

/* `el` is the element itself. The bool ones return false when the element has to be left out. */
void jingle_transport_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_transport *out);
bool jingle_payload_type_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_payload_type *out);
bool jingle_hdrext_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_hdrext *out);
bool jingle_source_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_source *out);
bool jingle_source_group_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_source_group *out);

/* Each returns a new element; the caller adds it to a parent or releases it. Every element carries its namespace. */
xmpp_stanza_t *jingle_transport_write(const struct jingle_transport *in, xmpp_ctx_t *ctx);
xmpp_stanza_t *jingle_payload_type_write(const struct jingle_payload_type *in, xmpp_ctx_t *ctx);
xmpp_stanza_t *jingle_hdrext_write(const struct jingle_hdrext *in, xmpp_ctx_t *ctx);
xmpp_stanza_t *jingle_source_write(const struct jingle_source *in, xmpp_ctx_t *ctx);
xmpp_stanza_t *jingle_source_group_write(const struct jingle_source_group *in, xmpp_ctx_t *ctx);

/* "AB:CD:.." in either case -> bytes. E_FORMAT: not hexadecimal pairs with colons, or more than JINGLE_DIGEST_MAX. */
enum err jingle_digest_parse(const char *text, uint8_t digest[JINGLE_DIGEST_MAX], size_t *len);

#endif
