/* bridge.c - see bridge.h. */
#include "bridge/bridge.h"

#include <stdlib.h>

#include "proto/log.h"

size_t bridge_note_bound(struct bridge *bridge, const int failed[UDP_LOCALS_MAX])
{
    for (size_t i = 0; i < bridge->local_count; i++)
        if (failed[i] && !bridge->bind_errors[i]) {
            bridge->bind_errors[i] = failed[i];
            log_warn("ice", "local address number %zu of %zu cannot be used: %s. Clients are not told of it.", i + 1,
                     bridge->local_count, strerror(failed[i]));
        }
    struct ice_local bound[UDP_LOCALS_MAX];
    return bridge_bound_locals(bridge, bound);
}

size_t bridge_bound_locals(const struct bridge *bridge, struct ice_local out[UDP_LOCALS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < bridge->local_count; i++)
        if (bridge->bind_errors[i] == 0)
            out[n++] = (struct ice_local){bridge->locals[i], (uint8_t)i};
    return n;
}

void bridge_report(const struct bridge *bridge, const struct control_report *report)
{
    struct control_report *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *report;
    inbox_post(bridge->control, &copy->msg);
}
