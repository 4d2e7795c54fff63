/* bridge.h - what the threads of one process share. Filled before they start, never changed afterwards; what is pointed
 * to has its own rules (inboxes take messages from any thread). */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "bridge/config.h"
#include "bridge/inbox.h"
#include "bridge/udp_io.h"
#include "media/ice.h"

struct channels;
struct ssrc_hints;
struct worker;

struct bridge {
    const struct config *config;
    struct addr locals[UDP_LOCALS_MAX]; /* where every worker opens a socket; index = pkt.local */
    size_t local_count;
    int bind_errors[UDP_LOCALS_MAX]; /* of each local address: 0, or why no worker may use it */
    struct ssrc_hints *ssrc_hints; /* NULL: there is one worker */
    struct worker **workers;
    unsigned worker_count;
    struct channels *channels; /* the thread that owns usrsctp */
    struct inbox *control;     /* takes struct control_report */
};

/* While the workers are made: failed[] is what udp_io_new said of the addresses. One that a single worker could not bind
 * is used by none, since the kernel would lose what it spreads to that worker. Returns how many are left. */
size_t bridge_note_bound(struct bridge *bridge, const int failed[UDP_LOCALS_MAX]);

/* Those that are left: what candidates may be based on. Returns how many. */
size_t bridge_bound_locals(const struct bridge *bridge, struct ice_local out[UDP_LOCALS_MAX]);

/* What workers tell the control thread. */
enum control_report_kind { REPORT_ICE_CONNECTED, REPORT_DTLS_ROLE, REPORT_ICE_RESTARTED, REPORT_ENDPOINT_GONE };
struct control_report {
    struct inbox_msg msg;
    uint32_t conf_serial, ep_serial;
    bool we_are_server;  /* REPORT_DTLS_ROLE */
    uint32_t generation; /* REPORT_ICE_RESTARTED: of which round, */
    bool restarted;      /* and whether media goes by its agent now */
};

void bridge_report(const struct bridge *bridge, const struct control_report *report); /* posts a copy */

#endif
