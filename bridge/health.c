/* health.c - see health.h. The texts begin as the stock bridge's do. */
#include "bridge/health.h"

#include <stddef.h>

#include "proto/units.h"

#define GRACE_US SEC(300)

const char *health_judge(const struct health_facts *facts)
{
    if (facts->require_address && !facts->has_address)
        return "No valid IP addresses available for harvesting. A private installation? Set "
               "videobridge.health.require-valid-address=false in jvb.conf; else see ice4j.harvest.mapping.";
    if (facts->require_stun && facts->stun_asked && facts->stun_failed)
        return "Address discovery through STUN failed";
    if (facts->silent_us > 0 && facts->silent_us >= facts->silent_limit_us)
        return "Performing a health check took too long: a media thread does not answer";
    return NULL;
}

const char *health_check(struct health *health, uint64_t now_us, const struct health_facts *facts)
{
    const char *failure = health_judge(facts);
    if (failure && health->sticky && now_us - health->start_us >= GRACE_US)
        health->stuck = true;
    return failure || !health->stuck ? failure : "Sticky failure.";
}
