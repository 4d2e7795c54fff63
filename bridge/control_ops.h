/* control_ops.h - what the directory of conferences (control) tells the workers, and what it asks of the machine.
 *
 * The directory decides and answers the focus at once; the workers do. Each op carries what a worker needs to act on
 * its own, so no worker ever asks back. `struct control_target` names the worker and the objects by serial: serials are
 * never 0 and never used twice, so that an endpoint which is expired and made again under the same id within one
 * second is two objects. Order: ops for one conference come in the order in which they must be applied.
 * Owner:  structs passed as non-const pointers are moved: the receiver frees them with the function named beside them
 *         (they are one block of memory each, fit to travel in a message, and are wiped because of their secrets).
 * Thread: ops and env functions are called on the control thread, inside control_on_*. */
#ifndef BRIDGE_CONTROL_OPS_H
#define BRIDGE_CONTROL_OPS_H

#include "proto/addr.h"
#include "proto/colibri2.h"

enum {
    CONTROL_ID_LEN = COLIBRI2_ID_MAX + 1, /* with the final NUL */
    CONTROL_PAYLOADS_MAX = 64,            /* of one endpoint, both kinds together */
    CONTROL_EXTENSIONS_MAX = 32,
    CONTROL_URI_LEN = 128, /* longer extension URIs are unknown to us anyway */
    CONTROL_ENCODINGS_MAX = 8,
    CONTROL_WS_PASSWORD_LEN = 25,
};

struct control_target {
    uint32_t worker; /* 0 .. worker_count-1; a conference stays where it was put */
    uint32_t conf;
    uint32_t ep; /* 0 in ops about the conference itself */
};

struct conference_spec {
    uint64_t id; /* ours, random; the hexadecimal conference id in WebSocket URLs and /debug */
    uint32_t feedback_audio_ssrc, feedback_video_ssrc; /* sender SSRCs of all RTCP the bridge originates */
    bool rtcstats_enabled;
};

/* What arrives in RTP, as the focus numbered it. Numbers never differ inside a conference, sets do. */
struct media_payload {
    uint8_t pt;
    uint8_t kind;       /* enum colibri2_kind */
    char name[32];      /* lower case: "vp8", "av1", "h264", "vp9", "rtx", "opus", "red", "telephone-event" */
    uint32_t clockrate; /* 0: not said */
    uint8_t channels;   /* 0: not said */
    int16_t apt;        /* rtx: the payload type it repairs; else -1 */
    bool nack, nack_pli, ccm_fir, transport_cc, goog_remb;
};

struct media_extension {
    uint8_t id;
    uint8_t kind; /* enum colibri2_kind */
    char uri[CONTROL_URI_LEN];
};

/* All that was ever signalled for this endpoint: each one replaces the one before. */
struct media_spec {
    bool accepts_audio, accepts_video; /* it has a payload type of this kind */
    bool extmap_allow_mixed;
    uint16_t payload_count, extension_count;
    struct media_payload payloads[CONTROL_PAYLOADS_MAX];
    struct media_extension extensions[CONTROL_EXTENSIONS_MAX];
};

struct ice_credentials {
    char ufrag[JINGLE_UFRAG_MAX + 1];
    char pwd[JINGLE_PWD_MAX + 1];
};

struct dtls_identity;

struct endpoint_spec {
    char id[CONTROL_ID_LEN];
    char stats_id[64]; /* cut to fit; may be empty */
    bool visitor, diarize;
    bool ssrc_rewriting, mid_demux, private_addresses;
    bool ice_controlling; /* our role */
    bool sctp;            /* a data channel is wanted; we are the SCTP server on port 5000 */
    struct ice_credentials local;
    char ws_password[CONTROL_WS_PASSWORD_LEN]; /* of the bridge channel's WebSocket; constant for life */
    struct dtls_identity *identity; /* whose fingerprint the client was told; a reference */
    struct media_spec media;
};

/* The client's side of the transport, checked and bounded. Any part may be missing. */
struct transport_spec {
    bool has_credentials; /* start ICE with the first ones, even without a candidate (clients send none) */
    struct ice_credentials remote;
    uint32_t ice_generation;  /* 0: for the established agent; else for the pending one of this generation */
    enum jingle_setup setup;  /* of the first fingerprint; ACTIVE: we are DTLS server, PASSIVE: we are client */
    size_t fingerprint_count; /* 0: the ones given before stay */
    struct jingle_fingerprint fingerprints[JINGLE_FINGERPRINTS_MAX];
    size_t candidate_count;
    struct jingle_candidate candidates[JINGLE_CANDIDATES_MAX]; /* usable destinations of a family we have */
};

struct source_spec { /* one source = one thing that can be forwarded: a microphone, a camera, a shared screen */
    char name[CONTROL_ID_LEN];
    uint8_t kind; /* enum colibri2_kind: AUDIO or VIDEO */
    bool desktop; /* video type; false: camera */
    bool synthetic;
    uint8_t encoding_count; /* >= 1; video: low to high as signalled, 180 lines doubling; audio: 1 */
    struct {
        uint32_t ssrc, rtx_ssrc; /* rtx_ssrc 0: none */
    } encodings[CONTROL_ENCODINGS_MAX];
};

struct source_set { /* the complete set; what is not in it is no longer forwarded */
    size_t source_count;
    size_t ssrc_count;
    struct source_spec *sources;
    struct source_ssrc {
        uint32_t ssrc;
        uint8_t kind;
    } * ssrcs; /* every SSRC announced, primary or not: all may be received */
};

void endpoint_spec_free(struct endpoint_spec *spec); /* all of these: NULL is fine */
void transport_spec_free(struct transport_spec *spec);
void source_set_free(struct source_set *set);
void media_spec_free(struct media_spec *spec);

struct control_ops {
    void (*conference_new)(void *ctx, struct control_target at, const struct conference_spec *spec);
    void (*conference_expire)(void *ctx, struct control_target at); /* with all that is left in it */
    void (*endpoint_new)(void *ctx, struct control_target at, struct endpoint_spec *moved);
    void (*endpoint_media)(void *ctx, struct control_target at, struct media_spec *moved);
    void (*endpoint_transport)(void *ctx, struct control_target at, struct transport_spec *moved);
    void (*endpoint_sources)(void *ctx, struct control_target at, struct source_set *moved);
    void (*endpoint_force_mute)(void *ctx, struct control_target at, bool audio, bool video);
    void (*endpoint_initial_last_n)(void *ctx, struct control_target at, int32_t last_n);
    /* A second agent with new credentials beside the established one, superseding one still pending (protocol notes
     * transport 8). Its timeout is the worker's, which reports the end by control_on_ice_restarted. NULL: not
     * supported; a restart is then answered with the existing transport. */
    void (*endpoint_ice_restart)(void *ctx, struct control_target at, const struct ice_credentials *local,
                                 uint32_t generation);
    void (*endpoint_expire)(void *ctx, struct control_target at);
};

/* What must be random or comes from the machine. Copied by control_new, strings and arrays included. */
struct control_env {
    void *ctx;                                           /* for random, worker_load and now_us */
    void (*random)(void *ctx, void *out, size_t n);      /* from a CSPRNG */
    uint32_t (*worker_load)(void *ctx, uint32_t worker); /* any unit; the least loaded gets a new conference. NULL:
                                                            the one with the fewest endpoints */
    uint32_t worker_count;                               /* 1..1024 */
    const char *ufrag_prefix;                            /* videobridge.ice.ufrag-prefix; NULL or "": none */
    const struct jingle_candidate *candidates;           /* gathered at start; generation 0 */
    size_t candidate_count;
    bool advertise_private;                       /* videobridge.ice.advertise-private-candidates */
    struct dtls_identity *identity;               /* until control_set_identity; the directory takes a reference */
    const char *const *web_sockets; /* "wss://DOMAIN/colibri-ws/SERVER_ID", one per domain; none: switched off */
    size_t web_socket_count;
    bool sctp_enabled;
    bool ice_restart_enabled;     /* videobridge.ice.restart.enabled, and its timeout above 0 */
    uint64_t empty_conference_us; /* videobridge.entity-expiration.check-interval */
};

#endif
