/* shutdown.c - see shutdown.h. */
#include "bridge/shutdown.h"

#include "proto/units.h"

static bool leave(struct shutdown *shutdown, uint64_t now_us)
{
    shutdown->state = SHUTDOWN_LEAVING;
    shutdown->deadline_us = now_us + shutdown->cfg.leaving_us;
    return true;
}

bool shutdown_ask(struct shutdown *shutdown, uint64_t now_us, bool graceful, uint32_t endpoints)
{
    if (shutdown->state == SHUTDOWN_LEAVING)
        return false;
    if (!graceful)
        return leave(shutdown, now_us);
    if (shutdown->state == SHUTDOWN_GRACEFUL)
        return false;
    shutdown->state = SHUTDOWN_GRACEFUL;
    shutdown->graceful = true;
    shutdown->deadline_us = now_us + shutdown->cfg.graceful_max_us;
    shutdown_on_endpoints(shutdown, now_us, endpoints);
    return true;
}

bool shutdown_on_endpoints(struct shutdown *shutdown, uint64_t now_us, uint32_t endpoints)
{
    return shutdown->state == SHUTDOWN_GRACEFUL && endpoints <= shutdown->cfg.endpoints_min && leave(shutdown, now_us);
}

bool shutdown_on_time(struct shutdown *shutdown, uint64_t now_us)
{
    return shutdown->state == SHUTDOWN_GRACEFUL && now_us >= shutdown->deadline_us && leave(shutdown, now_us);
}

uint64_t shutdown_deadline_us(const struct shutdown *shutdown)
{
    return shutdown->state == SHUTDOWN_RUNNING ? NEVER_US : shutdown->deadline_us;
}

bool shutdown_refuses_conferences(const struct shutdown *shutdown)
{
    return shutdown->state != SHUTDOWN_RUNNING;
}

bool shutdown_is_over(const struct shutdown *shutdown, uint64_t now_us)
{
    return shutdown->state == SHUTDOWN_LEAVING && now_us >= shutdown->deadline_us;
}
