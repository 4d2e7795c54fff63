/* advice.h - one line per failure that an administrator can mend: what is wrong, where, what to do. Pure.
 * operations.md 17.2. Names what is configured (host, domain, user, room, nickname); never a secret. */
#ifndef XMPP_ADVICE_H
#define XMPP_ADVICE_H

#include "xmpp/brewery.h"
#include "xmpp/connection.h"
#include "xmpp/stream.h"

/* Both write one line without its end into text[cap], cut if need be, and return text. */
const char *advice_on_stream(char *text, size_t cap, const struct connection_config *cfg, enum stream_end end,
                             const char *detail);
const char *advice_on_room(char *text, size_t cap, const struct connection_config *cfg, const char *room,
                           enum brewery_event event, const char *detail);

#endif
