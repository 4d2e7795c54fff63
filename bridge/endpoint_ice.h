/* endpoint_ice.h - the ICE agents of an endpoint: one, and around an ICE restart (RFC 8445 9) up to three.
 *
 * Established: media goes where it says. Pending: new credentials, told to the client or about to be; its checks are
 * answered, nothing else is sent by it until it has selected a pair. Then they change places and the old one retires:
 * it answers checks for the transition window more. DTLS, SRTP and SCTP know nothing of this: tuples belong to the
 * endpoint, not to an agent.
 * Owner: embedded in struct endpoint. Thread: the worker's. Not for: who may restart and how often (control_modify). */
#ifndef BRIDGE_ENDPOINT_ICE_H
#define BRIDGE_ENDPOINT_ICE_H

#include "bridge/control_ops.h"
#include "bridge/demux.h"
#include "bridge/wheel.h"
#include "media/pkt.h"

struct endpoint;

enum { ENDPOINT_AGENTS = 3 };

struct endpoint_agent { /* one generation of credentials */
    struct endpoint *ep;
    struct ice *ice; /* NULL: this place is free */
    uint32_t generation;
    uint64_t until_us; /* when it ends: a pending one unsuccessfully; NEVER_US: not by time */
    struct timer timer;
};

struct endpoint_ice {
    struct endpoint_agent agents[ENDPOINT_AGENTS];
    struct endpoint_agent *established; /* never NULL */
    struct endpoint_agent *pending, *retiring;
};

/* False: the credentials are unusable; nothing is left to free. Needs ep->worker and ep->owner. */
bool endpoint_ice_init(struct endpoint *ep, const struct ice_credentials *local, bool controlling);
void endpoint_ice_done(struct endpoint *ep);

void endpoint_ice_on_stun(struct endpoint *ep, uint32_t generation, const struct ice_path *path, const struct pkt *pkt);
/* Something authentic came on path; media: SRTP or SRTCP, else a DTLS record. */
void endpoint_ice_on_heard(struct endpoint *ep, const struct ice_path *path, bool media);
/* It came on a path that was not the endpoint's. */
void endpoint_ice_on_stray(struct endpoint *ep, const struct ice_path *path);

/* Credentials and candidates of the client. spec->ice_generation: 0 or that of the pending agent, else ignored. */
void endpoint_ice_set_remote(struct endpoint *ep, const struct transport_spec *spec);

/* Supersedes one that is pending. Reports the end as REPORT_ICE_RESTARTED, unless it is superseded itself. */
void endpoint_ice_restart(struct endpoint *ep, const struct ice_credentials *local, uint32_t generation);

bool endpoint_ice_has_failed(const struct endpoint *ep);

#endif
