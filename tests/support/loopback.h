/* loopback.h - UDP sockets of test clients on 127.0.0.1. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include "proto/addr.h"
#include "proto/units.h"

/* Bound to a port that was free, which *addr tells. wait_us: how long a recv() waits, 0: not at all. Fails the test where it cannot. */
int loopback_socket(struct addr *addr, uint64_t wait_us);

#endif
