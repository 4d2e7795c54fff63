/* control_impl.h - what control.c (the directory) and control_modify.c (requests) share. Not for others. */
#ifndef BRIDGE_CONTROL_IMPL_H
#define BRIDGE_CONTROL_IMPL_H

#include "bridge/control.h"
#include "bridge/ufrag.h"
#include "media/dtls.h"
#include "proto/list.h"
#include "proto/map.h"

struct control_conference {
    struct control_target at; /* ep 0 */
    struct conference_spec spec;
    char *meeting_id;
    uint64_t created_us, empty_since_us;
    struct list empty_link; /* in control.empty while it has no endpoint */
    struct map endpoints;   /* by endpoint id */
};

struct control_restart { /* an in-place ICE restart that has not ended */
    bool pending;
    bool answered; /* the client's side was passed on: its checks have begun */
    uint32_t generation;
    struct ice_credentials local;
};

struct control_endpoint {
    struct control_conference *conf;
    struct control_target at;
    char *id;
    bool visitor, private_addresses, ice_connected;
    struct dtls_identity *identity; /* a reference */
    enum jingle_setup setup; /* how we describe ourselves: ACTPASS while the DTLS role is open */
    struct ice_credentials local;
    struct control_restart restart;
    uint32_t last_generation;
    char ws_password[CONTROL_WS_PASSWORD_LEN];
    struct media_spec media;
};

struct control {
    struct control_env env; /* strings and arrays are copies in `arena` */
    struct control_ops ops;
    void *ops_ctx;
    struct arena arena;
    bool have_ip4, have_ip6;
    bool refuse_conferences;
    uint32_t last_serial;
    struct map by_meeting; /* meeting-id -> struct control_conference */
    struct map by_id;      /* our 64-bit conference id -> the same */
    struct map by_serial;  /* endpoint serial -> struct control_endpoint */
    struct list empty;     /* conferences without endpoints, longest first */
    uint32_t *worker_endpoints, *worker_conferences;
    struct control_stats totals; /* the totals only */
};

struct control_conference *control_conference_new(struct control *control, uint64_t now_us, const char *meeting_id,
                                                  bool rtcstats_enabled);
struct control_conference *control_conference_get(const struct control *control, const char *meeting_id);
void control_conference_expire(struct control *control, uint64_t now_us, struct control_conference *conf);

/* The caller fills in the rest and tells the worker. */
struct control_endpoint *control_endpoint_new(struct control *control, struct control_conference *conf, const char *id);
struct control_endpoint *control_endpoint_get(const struct control_conference *conf, const char *id);
void control_endpoint_forget(struct control *control, uint64_t now_us, struct control_endpoint *ep);
void control_endpoint_expire(struct control *control, uint64_t now_us, struct control_endpoint *ep);

void control_make_credentials(struct control *control, uint32_t worker, struct ice_credentials *out);

#endif
