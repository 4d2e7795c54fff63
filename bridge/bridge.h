/* bridge.h - what the threads of one process share. Filled before they start, never changed afterwards; what is pointed
 * to has its own rules (inboxes take messages from any thread, the identity is reference-counted). */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "bridge/config.h"
#include "bridge/inbox.h"
#include "bridge/udp_io.h"

struct channels;
struct dtls_identity;
struct worker;

struct bridge {
    const struct config *config;
    struct dtls_identity *identity;
    struct addr locals[UDP_LOCALS_MAX]; /* where every worker has a socket; index = pkt.local */
    size_t local_count;
    struct worker **workers;
    unsigned worker_count;
    struct channels *channels; /* the thread that owns usrsctp */
    struct inbox *control;     /* takes struct control_report */
};

/* What workers tell the control thread. */
enum control_report_kind { REPORT_ICE_CONNECTED, REPORT_DTLS_ROLE, REPORT_ENDPOINT_GONE };
struct control_report {
    struct inbox_msg msg;
    uint32_t conf_serial, ep_serial;
    bool we_are_server; /* REPORT_DTLS_ROLE */
};

void bridge_report(const struct bridge *bridge, enum control_report_kind kind, uint32_t conf_serial,
                   uint32_t ep_serial, bool we_are_server);

#endif
