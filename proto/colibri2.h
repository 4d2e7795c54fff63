/* colibri2.h - the focus's requests and our answers: <conference-modify>, <conference-modified> and the error element.
 *
 * Elements <-> structs; not for the IQ around them (xmpp/requests) and not for what a request does (bridge/control).
 * Rhythm:  colibri2_request_parse a request, let control fill an answer, colibri2_answer_write it, put the element into
 *          <iq type='result'> or, if colibri2_answer_is_error, into <iq type='error'>. A request that cannot be parsed
 *          is answered too: colibri2_answer_error(&answer, COLIBRI2_BAD_REQUEST, COLIBRI2_NO_REASON, what).
 * Owner:   a request and an answer own all they point to. Both may hold passwords: they are wiped when freed.
 * Thread:  any, one at a time. Memory stays in proportion to the stanza.
 * Source:  protocol notes colibri2 7.1 to 7.7. Booleans: only "true" in any case is true. */
#ifndef PROTO_COLIBRI2_H
#define PROTO_COLIBRI2_H

#include "proto/jingle.h"

#define COLIBRI2_NS "jitsi:colibri2"

enum {
    COLIBRI2_ID_MAX = 255,      /* characters of a meeting, endpoint, relay or source id */
    COLIBRI2_MEDIA_MAX = 8,     /* <media> of one endpoint */
    COLIBRI2_PAYLOADS_MAX = 64, /* of one <media>; more are ignored, as below */
    COLIBRI2_HDREXTS_MAX = 32,
    COLIBRI2_SOURCES_MAX = 256, /* <media-source> of one endpoint */
    COLIBRI2_SSRCS_MAX = 1024,  /* <source> of one endpoint, groups not counted */
    COLIBRI2_SCTP_PORT = 5000,
};

enum colibri2_kind { COLIBRI2_AUDIO, COLIBRI2_VIDEO, COLIBRI2_OTHER_KIND };

struct colibri2_media {
    enum colibri2_kind kind;
    const struct jingle_payload_type *payload_types;
    size_t payload_type_count;
    const struct jingle_hdrext *hdrexts;
    size_t hdrext_count;
    bool extmap_allow_mixed;
};

enum colibri2_sctp_role { COLIBRI2_SCTP_NO_ROLE, COLIBRI2_SCTP_SERVER, COLIBRI2_SCTP_CLIENT, COLIBRI2_SCTP_BAD_ROLE };

struct colibri2_transport {
    bool ice_controlling, use_unique_port, ice_restart;
    bool sctp; /* <sctp/> is there: a data channel is wanted */
    enum colibri2_sctp_role sctp_role;
    int32_t sctp_port;                  /* -1: absent */
    const struct jingle_transport *ice; /* NULL: absent */
};

struct colibri2_media_source {
    enum colibri2_kind kind;
    const char *id; /* the source's name */
    bool synthetic;
    const struct jingle_source *sources;
    size_t source_count;
    const struct jingle_source_group *groups;
    size_t group_count;
};

enum colibri2_capability { /* bits; unknown names are skipped */
                           COLIBRI2_SOURCE_NAMES = 1 << 0,
                           COLIBRI2_SSRC_REWRITING = 1 << 1,
                           COLIBRI2_PRIVATE_ADDRESSES = 1 << 2,
                           COLIBRI2_MID_DEMUX = 1 << 3,
};

struct colibri2_endpoint {
    const char *id;
    bool create, expire, diarize, visitor;
    const char *stats_id; /* NULL: absent */
    const struct colibri2_media *media;
    size_t media_count;
    const struct colibri2_transport *transport; /* NULL: absent */
    bool has_sources;                           /* present: the full new set, perhaps empty */
    const struct colibri2_media_source *sources;
    size_t source_count;
    bool has_force_mute, force_mute_audio, force_mute_video;
    unsigned capabilities; /* of enum colibri2_capability */
    bool has_initial_last_n;
    int32_t initial_last_n; /* -1: unlimited */
};

struct colibri2_relay {
    const char *id;
    bool create, expire;
    const char *mesh_id; /* NULL: absent */
    const struct colibri2_media *media;
    size_t media_count;
    const struct colibri2_transport *transport;
    const struct colibri2_endpoint *endpoints; /* on the bridge at the other end */
    size_t endpoint_count;
};

struct colibri2_request {
    struct arena arena;
    const char *meeting_id;
    const char *name; /* a room JID; NULL: absent */
    bool rtcstats_enabled, create, expire;
    const struct colibri2_endpoint *endpoints;
    size_t endpoint_count;
    const struct colibri2_relay *relays;
    size_t relay_count;
    size_t connect_count; /* exports to recorders and transcribers; recognised, not read */
    size_t ignored;       /* pieces left out because they were unusable or too many */
};

/* `el` is <conference-modify>, or NULL if there was none. On failure *out is NULL and *what a static text saying where: E_FORMAT, a required
 * attribute is missing or illegal; E_LIMIT, an id is too long or there is too much of something. */
enum err colibri2_request_parse(xmpp_stanza_t *el, struct colibri2_request **out, const char **what);
void colibri2_request_free(struct colibri2_request *request); /* NULL is fine */
xmpp_stanza_t *colibri2_request_write(const struct colibri2_request *request, xmpp_ctx_t *ctx);

enum colibri2_condition { /* RFC 6120 8.3.3 */
                          COLIBRI2_BAD_REQUEST,
                          COLIBRI2_CONFLICT,
                          COLIBRI2_FEATURE_NOT_IMPLEMENTED,
                          COLIBRI2_FORBIDDEN,
                          COLIBRI2_INTERNAL_SERVER_ERROR,
                          COLIBRI2_ITEM_NOT_FOUND,
                          COLIBRI2_SERVICE_UNAVAILABLE,
};

enum colibri2_reason { /* the only ones the focus's parser knows */
                       COLIBRI2_NO_REASON,
                       COLIBRI2_CONFERENCE_NOT_FOUND,
                       COLIBRI2_CONFERENCE_ALREADY_EXISTS,
                       COLIBRI2_FEATURE_NOT_IMPLEMENTED_REASON,
                       COLIBRI2_GRACEFUL_SHUTDOWN,
                       COLIBRI2_UNKNOWN_ENDPOINT,
                       COLIBRI2_UNSPECIFIED,
};

struct colibri2_answer_part { /* <endpoint> or <relay> in the answer */
    struct colibri2_answer_part *next;
    const char *id;
    bool relay, expire;
    bool has_transport;
    struct jingle_transport ice;
    bool sctp; /* <sctp port='5000' role=.../> */
    enum colibri2_sctp_role sctp_role;
};

struct colibri2_answer {
    struct arena arena; /* what control points to from here is allocated in it */
    bool error;
    enum colibri2_condition condition;
    enum colibri2_reason reason;
    const char *text;                               /* NULL: none */
    const char *unknown_endpoint;                   /* the id, with COLIBRI2_UNKNOWN_ENDPOINT */
    struct colibri2_answer_part *parts, *last_part; /* in the request's order */
    bool has_feedback;
    uint32_t feedback_audio_ssrc, feedback_video_ssrc; /* jvb-a0, jvb-v0 */
};

void colibri2_answer_init(struct colibri2_answer *answer); /* an empty <conference-modified/> */
void colibri2_answer_done(struct colibri2_answer *answer);
struct colibri2_answer_part *colibri2_answer_add(struct colibri2_answer *answer, const char *id);
void colibri2_answer_error(struct colibri2_answer *answer, enum colibri2_condition condition,
                           enum colibri2_reason reason, const char *text); /* drops what was added before */
static inline bool colibri2_answer_is_error(const struct colibri2_answer *answer)
{
    return answer->error;
}

/* <conference-modified> or <error>: the one child of the answering IQ. The caller adds or releases it. */
xmpp_stanza_t *colibri2_answer_write(const struct colibri2_answer *answer, xmpp_ctx_t *ctx);

#endif
