/* retry.c - see retry.h. */
#include "xmpp/retry.h"

void retry_on_up(struct retry *retry)
{
    retry->ever_up = true;
    retry->failures = 0;
}

uint64_t retry_on_lost(struct retry *retry, bool orderly)
{
    retry->failures = 0;
    return orderly ? 0 : RETRY_LOST_MS;
}

uint64_t retry_on_failed(struct retry *retry, bool connected, bool refused)
{
    retry->failures++;
    if (!retry->ever_up || refused)
        return RETRY_FIRST_MS;
    if (!connected)
        return RETRY_LOST_MS;
    return retry->failures == 1 ? 0 : RETRY_TCP_IS_UP_MS;
}
