/* dispatch.h - control_ops that turn what the directory decides into messages to the workers. */
#ifndef BRIDGE_DISPATCH_H
#define BRIDGE_DISPATCH_H

#include "bridge/bridge.h"
#include "bridge/control_ops.h"

extern const struct control_ops dispatch_ops; /* ctx: struct bridge */

#endif
