/* control_spec.h - from what the focus wrote to what a worker needs: bounded, checked, in one block each.
 * Internal to control. Owner: the caller frees what is new. */
#ifndef BRIDGE_CONTROL_SPEC_H
#define BRIDGE_CONTROL_SPEC_H

#include "bridge/control_ops.h"

/* Adds one <media> to what the endpoint has; a payload type of the same number is replaced. */
void media_spec_add(struct media_spec *spec, const struct colibri2_media *media);
struct media_spec *media_spec_copy(const struct media_spec *spec);

/* Candidates that are no destination of ours (loopback, multicast, a family we do not have, another generation) are
 * left out. */
struct transport_spec *transport_spec_new(const struct jingle_transport *ice, bool have_ip4, bool have_ip6);

/* SIM groups give the encodings, FID groups their RTX; colibri2 7.4.1 step 6. */
struct source_set *source_set_new(const struct colibri2_endpoint *endpoint);

#endif
