/* bridge_msg.h - the JSON messages of the bridge channel (SCTP data channel or WebSocket) between a client and us.
 *
 * For: client -> bridge text to structs, bridge -> client structs to text. The only module that includes cJSON.
 * Not for: the transports, messages between bridges, or what a message means for the conference.
 *
 * Parsing:  hostile text is the normal case. Before cJSON sees a byte, json_walk checks the grammar, depth, count and
 *           duplicate names; see the limits below. A refusal has a name, to be counted; the channel stays open.
 *           Unknown members are ignored. A member that is null counts as absent. Names are case-sensitive.
 * Writing:  each function returns NUL-terminated text, to be freed with free(); never NULL (out of memory aborts).
 *           Strings given must be UTF-8.
 * Owner:    a parsed message owns everything it points to, bridge_msg_free() frees it all; it keeps no pointer into the
 *           text it was parsed from.
 * Thread:   any; no shared state. Allocates, hence not for the packet path.
 * Source:   the stock bridge's BridgeChannelMessage.kt and lib-jitsi-meet's BridgeChannel.ts, as documented by Jitsi. */
#ifndef PROTO_BRIDGE_MSG_H
#define PROTO_BRIDGE_MSG_H

#include "proto/bytes.h"

enum {
    BRIDGE_MSG_TEXT_MAX = 262144,  /* bytes of one message: what our SDP promises to accept */
    BRIDGE_MSG_DEPTH_MAX = 32,     /* nested arrays and objects */
    BRIDGE_MSG_VALUES_MAX = 16384, /* values in one message, at all depths */
    BRIDGE_MSG_NAME_MAX = 512,     /* bytes of an endpoint or source name */
};

/* Why a message was refused: the label in metrics, and what it means. */
#define BRIDGE_MSG_REFUSAL_MAP(X)                                                                                      \
    X(TOO_LARGE, "longer than BRIDGE_MSG_TEXT_MAX")                                                                    \
    X(NOT_JSON, "not one JSON object in valid UTF-8")                                                                  \
    X(TOO_DEEP, "nested deeper than BRIDGE_MSG_DEPTH_MAX")                                                             \
    X(TOO_MANY, "more values than BRIDGE_MSG_VALUES_MAX")                                                              \
    X(DUPLICATE, "the same member twice in one object")                                                                \
    X(NO_CLASS, "colibriClass is missing or not a string")                                                             \
    X(UNKNOWN_CLASS, "colibriClass names nothing we know")                                                             \
    X(UNEXPECTED, "a class that clients never send")                                                                   \
    X(MISSING, "a required member is absent")                                                                          \
    X(WRONG_TYPE, "a member has another type than it must have")                                                       \
    X(RANGE, "a number or name is outside its range")

enum bridge_msg_refusal {
    BRIDGE_MSG_OK = 0,
#define X(name, text) BRIDGE_MSG_##name,
    BRIDGE_MSG_REFUSAL_MAP(X)
#undef X
        BRIDGE_MSG_REFUSAL_COUNT
};

const char *bridge_msg_refusal_name(enum bridge_msg_refusal why); /* "NOT_JSON", "OK"; a static string */

/* ---- client -> bridge ---- */

enum bridge_msg_kind {
    BRIDGE_CLIENT_HELLO,     /* answer with bridge_msg_write_server_hello() on the same transport */
    BRIDGE_ENDPOINT_MESSAGE, /* u.opaque: relay to u.opaque.to */
    BRIDGE_ENDPOINT_STATS,   /* u.opaque: relay to everybody who wants stats */
    BRIDGE_RECEIVER_VIDEO,   /* u.video: ReceiverVideoConstraints */
    BRIDGE_LAST_N,           /* u.last_n: LastNChangedEvent, from old clients; no "first constraints message" */
    BRIDGE_RECEIVER_AUDIO,   /* u.audio: ReceiverAudioSubscription, both forms */
    BRIDGE_VIDEO_TYPE,       /* u.video_type: SourceVideoTypeMessage, or the legacy VideoTypeMessage */
};

enum bridge_video_type {
    BRIDGE_VIDEO_CAMERA,
    BRIDGE_VIDEO_DESKTOP,
    BRIDGE_VIDEO_DESKTOP_HIGH_FPS,
    BRIDGE_VIDEO_DISABLED,
    BRIDGE_VIDEO_NONE,
};

struct bridge_msg_names {
    const char **v;
    size_t n;
};

/* Both values: -1 unlimited, 0 no video, else a limit. Height is the smaller of width and height. */
struct bridge_msg_constraint {
    int32_t max_height;   /* absent in the message: 0 */
    double max_framerate; /* absent: -1 */
};

struct bridge_msg_source_constraint {
    const char *source;
    struct bridge_msg_constraint limit;
};

/* A member that is absent (has_x false) leaves the stored value unchanged; a present one replaces it whole. */
struct bridge_msg_receiver_video {
    bool has_last_n, has_selected, has_on_stage, has_default, has_constraints, has_assumed_bandwidth;
    int32_t last_n; /* -1 unlimited (also for any other negative number), 0 none */
    struct bridge_msg_names selected, on_stage;
    struct bridge_msg_constraint default_limit;
    struct bridge_msg_source_constraint *constraints;
    size_t constraints_count;
    int64_t assumed_bandwidth_bps; /* below 0: none */
};

struct bridge_msg_receiver_audio { /* exclude wins over include, include over all */
    bool all;
    struct bridge_msg_names include, exclude;
};

struct bridge_msg_video_type {
    const char *source; /* NULL in the legacy form: the sender's first video source, "<endpoint id>-v0" */
    enum bridge_video_type type;
};

struct bridge_msg_opaque {
    const char *to;   /* EndpointMessage: an endpoint id, NULL for a broadcast (blank in the message); stats: NULL */
    const char *body; /* the members to pass on, as text: ",\"to\":\"\",..." or "" */
};

struct bridge_msg {
    enum bridge_msg_kind kind;
    union {
        struct bridge_msg_opaque opaque;
        struct bridge_msg_receiver_video video;
        int32_t last_n;
        struct bridge_msg_receiver_audio audio;
        struct bridge_msg_video_type video_type;
    } u;
    void *owned; /* what the pointers above point into */
};

/* Fills *out and returns BRIDGE_MSG_OK, or sets *out to NULL and says why not. */
enum bridge_msg_refusal bridge_msg_parse(struct bytes text, struct bridge_msg **out);
void bridge_msg_free(struct bridge_msg *msg); /* NULL is fine */

/* The text to send on for BRIDGE_ENDPOINT_MESSAGE and BRIDGE_ENDPOINT_STATS: `from` is set by us, every `from` of the
 * sender is gone, all other members are byte for byte what the sender wrote (numbers keep all their digits). */
char *bridge_msg_forward(const struct bridge_msg *msg, const char *from_endpoint);

/* ---- bridge -> client ---- */

struct bridge_msg_mapped_source { /* one changed slot; see VideoSourcesMap and AudioSourcesMap */
    const char *source, *owner;
    uint32_t ssrc;
    uint32_t rtx;                /* video only; must be a real SSRC there, clients mishandle anything else */
    enum bridge_video_type type; /* video only */
    const char *mid;             /* NULL: the receiver did not ask for mids */
};

char *bridge_msg_write_server_hello(const char *version); /* NULL: none announced */
/* previous: most recent first, without the dominant one. silence: nobody speaks now, id is the last who did. */
char *bridge_msg_write_dominant_speaker(const char *id, const char *const *previous, size_t previous_count,
                                        bool silence);
char *bridge_msg_write_connection_stats(uint64_t estimated_downlink_bps);
char *bridge_msg_write_connectivity(const char *endpoint, bool active); /* EndpointConnectivityStatusChangeEvent */
char *bridge_msg_write_forwarded_sources(const char *const *sources, size_t count); /* the full set; may be empty */
char *bridge_msg_write_sender_constraint(const char *source, int32_t max_height);   /* -1 unlimited, 0 unwanted */
char *bridge_msg_write_audio_map(const struct bridge_msg_mapped_source *slots, size_t count);
char *bridge_msg_write_video_map(const struct bridge_msg_mapped_source *slots, size_t count);

#endif
