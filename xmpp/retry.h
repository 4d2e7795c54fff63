/* retry.h - when to try again after a login failed or a stream was lost. Pure. colibri2.md 2.3, the stock delays.
 *
 * For ever: a Prosody that comes back after a week finds us knocking. */
#ifndef XMPP_RETRY_H
#define XMPP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_FIRST_MS = 5000,    /* as long as no login has ever succeeded, and after a refused password */
    RETRY_LOST_MS = 1000,     /* after an error */
    RETRY_TCP_IS_UP_MS = 2000 /* the server answers but does not let us in (yet) */
};

struct retry {
    bool ever_up;
    unsigned failures; /* since the last success */
};

void retry_on_up(struct retry *retry);

/* A stream that was up ended. `orderly`: the server closed it. Returns the delay. */
uint64_t retry_on_lost(struct retry *retry, bool orderly);

/* A login failed. `connected`: TCP was up. `refused`: user or password is wrong. Returns the delay. */
uint64_t retry_on_failed(struct retry *retry, bool connected, bool refused);

#endif
