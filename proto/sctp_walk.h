/* sctp_walk.h - is a packet of SCTP sound enough for the library? Lengths only (RFC 9260 3).
 *
 * usrsctp 0.9.5 looks for addresses in the parameters of an INIT before it checks them and goes round for ever at one of
 * length 0, so one client that went through DTLS could hold up the channels of all. Nothing here looks at values. */
#ifndef PROTO_SCTP_WALK_H
#define PROTO_SCTP_WALK_H

#include "proto/bytes.h"

/* E_OK: chunks, and the parameters or causes of those that have some, lie one behind the other to the end, none shorter
 * than its own header. The last may lack its padding. */
enum err sctp_walk_check(struct bytes packet);

#endif
