/* ufrag.h - local ICE user fragments that name the worker which owns them.
 *
 * PREFIX (as configured, may be empty), two base-32 digits for the worker, twelve random base-32 digits (60 bits):
 * unique among all that live or lived lately. A datagram that lands on the wrong worker is handed to the one its ufrag
 * names. Not for remote ufrags. Thread: any. Characters: 0-9 a-v, all of them ice-chars (RFC 8839 5.4). */
#ifndef BRIDGE_UFRAG_H
#define BRIDGE_UFRAG_H

#include "proto/bytes.h"

enum {
    UFRAG_WORKERS_MAX = 1024,
    UFRAG_DIGITS = 14, /* behind the prefix */
    UFRAG_RANDOM = 12, /* bytes of randomness wanted, one per digit */
    PWD_DIGITS = 26,   /* 130 bits */
    UFRAG_PREFIX_MAX = 64,
    UFRAG_TEXT_MAX = UFRAG_PREFIX_MAX + UFRAG_DIGITS + 1,
};

/* A longer prefix is cut to UFRAG_PREFIX_MAX. Returns out. */
char *ufrag_write(const char *prefix, uint32_t worker, const uint8_t random[UFRAG_RANDOM], char out[UFRAG_TEXT_MAX]);
char *ufrag_write_pwd(const uint8_t random[PWD_DIGITS], char out[PWD_DIGITS + 1]);

/* The worker a local ufrag names, or -1 if it is none of ours. The number may be above worker_count: check. */
int32_t ufrag_worker(struct bytes ufrag, const char *prefix);

#endif
