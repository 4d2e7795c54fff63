/* fake_channels.h - in place of bridge/channels.c: what the bridge tells each endpoint over its channel is kept here, in
 * order, and no usrsctp runs. Workers may tell on threads of their own. */
#ifndef TESTS_FAKE_CHANNELS_H
#define TESTS_FAKE_CHANNELS_H

#include "bridge/channels.h"

/* The next text for the endpoint that contains `part`; those before it are passed over. NULL: none. Lives until the end
 * of the test. */
const char *told(uint32_t ep_serial, const char *part);
void told_nothing_more(uint32_t ep_serial, const char *part); /* asserts it */
void told_forget(void);                                       /* everything so far */

#endif
