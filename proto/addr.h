/* addr.h - an IPv4 or IPv6 address and port as a value that can be compared and hashed byte by byte.
 * Not for name resolution: text must be a literal. Thread: any. */
#ifndef PROTO_ADDR_H
#define PROTO_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/bytes.h"

enum addr_family { ADDR_NONE = 0, ADDR_IP4 = 4, ADDR_IP6 = 6 };

struct addr {
    uint8_t ip[16]; /* IPv4: the first four bytes, the rest zero */
    uint16_t port;  /* host byte order */
    uint16_t family; /* enum addr_family; 16 bits so that the struct has no padding */
};

enum { ADDR_TEXT_MAX = 64 };

enum err addr_parse(const char *ip, uint16_t port, struct addr *out); /* E_FORMAT: not a literal */
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out); /* v4-mapped IPv6 becomes IPv4 */
socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out);
const char *addr_ip_str(const struct addr *addr, char buf[ADDR_TEXT_MAX]); /* "192.0.2.1", "2001:db8::1" */
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_same_ip(const struct addr *a, const struct addr *b);

bool addr_is_loopback(const struct addr *addr);
bool addr_is_link_local(const struct addr *addr); /* 169.254/16, fe80::/10 */
bool addr_is_private(const struct addr *addr);    /* RFC 1918, fec0::/10, fc00::/7: what Java calls site-local, and ULA */
bool addr_is_unusable(const struct addr *addr);   /* unspecified, multicast or broadcast: never a destination */

#endif
