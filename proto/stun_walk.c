/* stun_walk.c - see stun_walk.h. Section numbers are those of RFC 8489. */
#include "proto/stun_walk.h"

enum attr {
    MAPPED_ADDRESS = 0x0001,
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000a,
    REALM = 0x0014,
    NONCE = 0x0015,
    XOR_MAPPED_ADDRESS = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    OPTIONAL = 0x8000, /* from here on an attribute may be ignored */
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
    ICE_CONTROLLING = 0x802a,
};

const uint16_t stun_walk_known[] = {
    MAPPED_ADDRESS,     USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES, REALM, NONCE,
    XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE,     0};

static bool is_known(uint16_t type)
{
    for (size_t i = 0; stun_walk_known[i]; i++)
        if (stun_walk_known[i] == type)
            return true;
    return false;
}

/* 14.2. An address of another family or length is left out; it costs nobody but who sent it. */
static void read_xor_mapped(struct bytes value, const uint8_t *header, struct addr *out)
{
    if (value.n < 8)
        return;
    unsigned family = value.p[1];
    size_t ip_len = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (ip_len == 0 || value.n != 4 + ip_len)
        return;
    out->family = family == 1 ? ADDR_IP4 : ADDR_IP6;
    out->port = get_u16(value.p + 2) ^ (uint16_t)(STUN_WALK_COOKIE >> 16);
    for (size_t i = 0; i < ip_len; i++)
        out->ip[i] = value.p[4 + i] ^ header[4 + i]; /* cookie, then transaction id */
}

static void split_username(struct bytes name, struct stun_walk *out)
{
    const uint8_t *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
    out->username = name;
    if (!colon)
        return;
    out->local_ufrag = bytes_of(name.p, (size_t)(colon - name.p));
    out->remote_ufrag = bytes_of(colon + 1, name.n - out->local_ufrag.n - 1);
}

/* Lengths of what integrity covers; the first of several equal attributes counts (14). */
static enum err take(uint16_t type, struct bytes value, const uint8_t *header, struct stun_walk *out)
{
    switch (type) {
    case USERNAME:
        if (value.n > STUN_WALK_USERNAME_MAX)
            return E_LIMIT;
        if (!out->username.p)
            split_username(value, out);
        return E_OK;
    case PRIORITY: out->priority = true; return value.n == 4 ? E_OK : E_FORMAT;
    case ICE_CONTROLLED:
    case ICE_CONTROLLING: return value.n == 8 ? E_OK : E_FORMAT;
    case USE_CANDIDATE: return value.n == 0 ? E_OK : E_FORMAT;
    case XOR_MAPPED_ADDRESS:
        if (out->mapped.family == ADDR_NONE)
            read_xor_mapped(value, header, &out->mapped);
        return E_OK;
    case ERROR_CODE: /* 14.8: class in three bits, number in the next byte */
        if (value.n < 4 || (value.p[2] & 7) < 3 || (value.p[2] & 7) > 6 || value.p[3] > 99)
            return E_FORMAT;
        if (out->error_code == 0)
            out->error_code = (uint16_t)((value.p[2] & 7) * 100 + value.p[3]);
        return E_OK;
    default: out->unknown_before |= type < OPTIONAL && !is_known(type); return E_OK;
    }
}

static enum err walk_attributes(struct rd *r, const uint8_t *header, struct stun_walk *out)
{
    for (unsigned count = 0; rd_left(r) > 0; count++) {
        if (count == STUN_WALK_ATTRS_MAX)
            return E_LIMIT;
        if (out->fingerprint) /* 14.7: nothing comes behind it */
            return E_FORMAT;
        uint16_t type = rd_u16(r, "attribute type");
        uint16_t len = rd_u16(r, "attribute length");
        struct bytes value = rd_bytes(r, len, "attribute value");
        rd_bytes(r, -len & 3u, "attribute padding");
        if (r->err != E_OK)
            return r->err;
        enum err err = E_OK;
        if (type == FINGERPRINT) {
            out->fingerprint = true;
            err = len == 4 ? E_OK : E_FORMAT;
        } else if (type == MESSAGE_INTEGRITY) {
            err = len == 20 && !out->integrity ? E_OK : E_FORMAT;
            out->integrity = true;
        } else if (out->integrity) {
            out->unknown_after |= type < OPTIONAL && !is_known(type);
        } else {
            err = take(type, value, header, out);
        }
        if (err != E_OK)
            return err;
    }
    return E_OK;
}

enum err stun_walk_parse(struct bytes datagram, struct stun_walk *out)
{
    *out = (struct stun_walk){0};
    struct rd r = rd_over(datagram);
    uint16_t type = rd_u16(&r, "type");
    uint16_t len = rd_u16(&r, "length");
    uint32_t cookie = rd_u32(&r, "cookie");
    struct bytes id = rd_bytes(&r, STUN_WALK_ID_LEN, "transaction id");
    if (r.err != E_OK)
        return r.err;
    switch (type) { /* 5: the class bits are spread, so with one method four values are all there are */
    case 0x0001: out->class = STUN_WALK_REQUEST; break;
    case 0x0011: out->class = STUN_WALK_INDICATION; break;
    case 0x0101: out->class = STUN_WALK_SUCCESS; break;
    case 0x0111: out->class = STUN_WALK_ERROR; break;
    default: return E_FORMAT;
    }
    if (cookie != STUN_WALK_COOKIE || len % 4 != 0)
        return E_FORMAT;
    if (len != rd_left(&r))
        return len > rd_left(&r) ? E_SHORT : E_FORMAT;
    out->id = id.p;
    return walk_attributes(&r, datagram.p, out);
}
