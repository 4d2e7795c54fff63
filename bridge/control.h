/* control.h - the directory of conferences: what the focus asked for, which worker has it, and the one answer to each
 * request. Protocol notes colibri2 7.4 to 7.8, transport 8.1.
 *
 * Pure logic: no threads, sockets or clock. It never touches media and never waits: a request is validated, applied
 * (through control_ops), answered, all in one call, so requests are answered in the order they come in, exactly once
 * each, and an `expire` directly followed by a `create` of the same meeting is never a conflict.
 *
 * Rhythm:  after any call that takes now_us, ask control_deadline_us when to call control_on_time next.
 * Owner:   control_new copies what it is given, except ops and the ctx behind them. control_free expires nothing on
 *          the workers: stop those first.
 * Thread:  the control thread. Workers' reports reach it through the control thread's inbox.
 * Lost connection to the server: nothing happens here. Media goes on; endpoints that go silent are reported by the
 *          workers; a focus that came back and creates a meeting we still have gets `conflict`, upon which it expires
 *          ours and asks again. After a restart of the process every meeting is unknown, and the focus is told so.
 * Privacy: logs name conferences and endpoints by serial. */
#ifndef BRIDGE_CONTROL_H
#define BRIDGE_CONTROL_H

#include "bridge/control_ops.h"
#include "proto/units.h"

struct control;

struct control *control_new(const struct control_env *env, const struct control_ops *ops, void *ops_ctx);
void control_free(struct control *control); /* NULL is fine */

/* Answers a parsed request. `answer` was initialised by the caller. */
void control_on_modify(struct control *control, uint64_t now_us, const struct colibri2_request *request,
                       struct colibri2_answer *answer);

/* The same for the XMPP side: a whole IQ with <conference-modify> in, the one child of the answering IQ out. A request
 * that cannot be read is answered with bad-request. The caller owns what is returned. */
xmpp_stanza_t *control_on_iq(struct control *control, uint64_t now_us, xmpp_stanza_t *iq);

/* Reports from workers, by serial; unknown serials (reports that crossed an expire) are ignored. */
void control_on_ice_connected(struct control *control, uint32_t conf, uint32_t ep);
/* The role settled: what `setup` says in a later description. */
void control_on_dtls_role(struct control *control, uint32_t conf, uint32_t ep, bool we_are_server);
/* The pending agent of this generation took over (ok), or failed and is gone. */
void control_on_ice_restarted(struct control *control, uint32_t conf, uint32_t ep, uint32_t generation, bool ok);
/* ICE failed, never active or inactive for too long: the worker has freed the endpoint. */
void control_on_endpoint_gone(struct control *control, uint64_t now_us, uint32_t conf, uint32_t ep);

void control_on_time(struct control *control, uint64_t now_us);
uint64_t control_deadline_us(const struct control *control); /* NEVER_US: none */

/* The certificate of endpoints to come. Those there keep theirs: what a client was told once holds for the whole life of
 * its transport, also in a description asked for later. Takes a reference. */
void control_set_identity(struct control *control, struct dtls_identity *identity);

/* From graceful shutdown on no conference is created; the ones there go on and take endpoints. */
void control_refuse_conferences(struct control *control);

/* May this client of the bridge channel's WebSocket come in? The ids as they stand in the URL. */
bool control_web_socket_login(const struct control *control, const char *conf_id_hex, const char *endpoint_id,
                              const char *password, struct control_target *out);

struct control_stats { /* current counts, then totals since start */
    uint32_t conferences, endpoints, visitors, largest_conference;
    uint64_t conferences_created, conferences_completed, conference_seconds, endpoints_created, visitors_created;
    uint64_t requests, errors, pieces_ignored;
};
void control_stats(const struct control *control, struct control_stats *out);

/* For /debug: walks conferences in no particular order. Return false from `each` to stop. */
struct control_conference_info {
    struct control_target at;
    uint64_t id, created_us;
    uint32_t endpoints;
};
void control_each_conference(const struct control *control,
                             bool (*each)(void *ctx, const struct control_conference_info *info), void *ctx);

#endif
