/* stun_walk.h - strict check of a STUN message before any library sees it, and the few fields that routing needs.
 *
 * RFC 8489 sections 5, 6, 14; only the Binding method. libnice trusts some lengths of the wire; whatever passes here is
 * safe for it (the buffer still needs 32 readable bytes behind the message). Nothing here is authenticated yet.
 * Attributes behind MESSAGE-INTEGRITY other than FINGERPRINT are walked but otherwise ignored (RFC 8489 14.5).
 * Owner: views point into the datagram. Thread: any. */
#ifndef PROTO_STUN_WALK_H
#define PROTO_STUN_WALK_H

#include "proto/addr.h"
#include "proto/bytes.h"

enum {
    STUN_WALK_COOKIE = 0x2112a442,
    STUN_WALK_HEADER = 20,
    STUN_WALK_ID_LEN = 12,
    STUN_WALK_ATTRS_MAX = 64,
    STUN_WALK_USERNAME_MAX = 513,
};

enum stun_walk_class { STUN_WALK_REQUEST, STUN_WALK_INDICATION, STUN_WALK_SUCCESS, STUN_WALK_ERROR };

struct stun_walk {
    enum stun_walk_class class;
    const uint8_t *id;        /* the 12 bytes behind the cookie */
    struct bytes username;    /* {NULL, 0}: none before the integrity attribute */
    struct bytes local_ufrag; /* of the receiver: left of the first ':'; {NULL, 0}: no ':' */
    struct bytes remote_ufrag;
    struct addr mapped;  /* XOR-MAPPED-ADDRESS of a response; family ADDR_NONE: absent */
    uint16_t error_code; /* of an error response: 300 to 699; 0: absent */
    bool integrity, fingerprint, priority;
    bool unknown_before; /* an unknown comprehension-required attribute that integrity covers: answer 420 */
    bool unknown_after;  /* such attributes only behind integrity mean nothing, though libnice reports them */
};

/* E_SHORT, E_FORMAT, E_LIMIT: drop silently; out->... is then undefined. */
enum err stun_walk_parse(struct bytes datagram, struct stun_walk *out);

/* Zero-terminated: the comprehension-required attributes that we understand, for a library that wants such a list. */
extern const uint16_t stun_walk_known[];

#endif
