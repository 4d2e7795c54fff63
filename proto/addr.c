/* addr.c - see addr.h. */
#include "proto/addr.h"

#include <arpa/inet.h>

enum err addr_parse(const char *ip, uint16_t port, struct addr *out)
{
    *out = (struct addr){.port = port};
    if (inet_pton(AF_INET, ip, out->ip) == 1) {
        out->family = ADDR_IP4;
        return E_OK;
    }
    if (inet_pton(AF_INET6, ip, out->ip) == 1) {
        out->family = ADDR_IP6;
        return E_OK;
    }
    *out = (struct addr){0};
    return E_FORMAT;
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    *out = (struct addr){0};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        out->family = ADDR_IP4;
        out->port = ntohs(in.sin_port);
        memcpy(out->ip, &in.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        out->port = ntohs(in6.sin6_port);
        if (memcmp(&in6.sin6_addr, mapped, 12) == 0) {
            out->family = ADDR_IP4;
            memcpy(out->ip, in6.sin6_addr.s6_addr + 12, 4);
        } else {
            out->family = ADDR_IP6;
            memcpy(out->ip, &in6.sin6_addr, 16);
        }
    }
}

socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr->family == ADDR_IP4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(addr->port);
        memcpy(&in->sin_addr, addr->ip, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(addr->port);
    memcpy(&in6->sin6_addr, addr->ip, 16);
    return sizeof *in6;
}

const char *addr_ip_str(const struct addr *addr, char buf[ADDR_TEXT_MAX])
{
    if (!inet_ntop(addr->family == ADDR_IP4 ? AF_INET : AF_INET6, addr->ip, buf, ADDR_TEXT_MAX))
        buf[0] = 0;
    return buf;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool addr_is_loopback(const struct addr *addr)
{
    static const uint8_t one[16] = {[15] = 1};
    return addr->family == ADDR_IP4 ? addr->ip[0] == 127 : memcmp(addr->ip, one, 16) == 0;
}

bool addr_is_link_local(const struct addr *addr)
{
    const uint8_t *ip = addr->ip;
    return addr->family == ADDR_IP4 ? ip[0] == 169 && ip[1] == 254 : ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

bool addr_is_private(const struct addr *addr)
{
    const uint8_t *ip = addr->ip;
    if (addr->family == ADDR_IP4)
        return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) || (ip[0] == 192 && ip[1] == 168);
    return (ip[0] == 0xfe && (ip[1] & 0xc0) == 0xc0) || (ip[0] & 0xfe) == 0xfc;
}

bool addr_is_unusable(const struct addr *addr)
{
    static const uint8_t zero[16];
    const uint8_t *ip = addr->ip;
    if (memcmp(ip, zero, 16) == 0 || addr->family == ADDR_NONE)
        return true;
    return addr->family == ADDR_IP4 ? ip[0] >= 224 || ip[0] == 0 : ip[0] == 0xff;
}
