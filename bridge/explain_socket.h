/* explain_socket.h - a UNIX socket on which somebody on this machine asks why pictures are as they are.
 *
 * Off unless native.explain-socket names a path. Only the bridge's own user may connect. A client sends one line, empty or
 * "ids", and gets {"workers": [...]} (overview.h), then the end. Nothing is logged and nothing is written to disk.
 * Thread: the control thread's loop. Owner: the caller; the bridge's workers must have ended before explain_socket_free. */
#ifndef BRIDGE_EXPLAIN_SOCKET_H
#define BRIDGE_EXPLAIN_SOCKET_H

#include "bridge/bridge.h"

struct explain_socket;

/* NULL: no socket could be opened there; the reason is logged. */
struct explain_socket *explain_socket_new(uv_loop_t *loop, const struct bridge *bridge, const char *path);
void explain_socket_free(struct explain_socket *s); /* memory goes when the loop has run; NULL is fine */

#endif
