/* presence.h - what the focus and monitoring read in the brewery presence (colibri2.md 5). Thread: control. */
#ifndef BRIDGE_PRESENCE_H
#define BRIDGE_PRESENCE_H

#include "bridge/config.h"
#include "bridge/control.h"
#include "xmpp/connection.h"

enum { PRESENCE_STATS_MAX = 40, PRESENCE_VALUE_LEN = 32 };

struct presence_facts { /* gathered by the caller at this moment */
    const struct config *config;
    struct control_stats control;
    double stress;
    bool healthy, draining;
    bool graceful, leaving; /* shutdown.h: asked for gracefully; about to be gone */
    size_t connections_configured, connections_up, rooms_configured, rooms_joined;
    uint64_t wall_ms; /* Unix time */
};

struct presence {
    struct connection_stat stats[PRESENCE_STATS_MAX]; /* point into values, or to static text and the config */
    char values[PRESENCE_STATS_MAX][PRESENCE_VALUE_LEN];
    size_t count;
};

void presence_fill(struct presence *presence, const struct presence_facts *facts);

#endif
