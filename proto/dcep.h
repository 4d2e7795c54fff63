/* dcep.h - data channel establishment messages (RFC 8832).
 * Not for: what to do about them (media/dchan). Thread: any. */
#ifndef PROTO_DCEP_H
#define PROTO_DCEP_H

#include "proto/bytes.h"

enum dcep_ppid { /* SCTP payload protocol identifiers (RFC 8831 8) */
                 DCEP_PPID_DCEP = 50,
                 DCEP_PPID_STRING = 51,
                 DCEP_PPID_BINARY = 53,
                 DCEP_PPID_STRING_EMPTY = 56, /* SCTP cannot carry no bytes: one byte that means nothing */
                 DCEP_PPID_BINARY_EMPTY = 57,
};

enum dcep_kind { DCEP_ACK = 2, DCEP_OPEN = 3 };

enum { DCEP_UNORDERED = 0x80, DCEP_RELIABLE = 0, DCEP_LIMITED_RETRANSMITS = 1, DCEP_LIMITED_LIFETIME = 2 };

struct dcep {
    enum dcep_kind kind;
    /* of DCEP_OPEN */
    uint8_t channel_type; /* one of the above, with or without DCEP_UNORDERED */
    uint16_t priority;
    uint32_t reliability;         /* retransmissions or ms, by channel_type */
    struct bytes label, protocol; /* views into the message; may be empty; not checked to be UTF-8 */
};

/* E_SHORT: a length runs past the end. E_UNKNOWN: another message type or channel type. Bytes behind the protocol
 * are allowed and ignored. */
enum err dcep_parse(struct bytes message, struct dcep *out);
enum err dcep_write(struct wr *w, const struct dcep *in);

#endif
