/* sctp_walk.c - see sctp_walk.h. */
#include "proto/sctp_walk.h"

enum { COMMON_HEADER = 12, TLV_HEADER = 4, NO_PARAMS = -1 };

/* Bytes between the header of a chunk and its parameters. */
static int params_at(uint8_t chunk_type)
{
    switch (chunk_type) {
    case 1:           /* INIT */
    case 2:           /* INIT ACK */
        return 16;
    case 0xc1:        /* ASCONF (RFC 5061 4.1.1) */
    case 0x80:        /* ASCONF-ACK */
        return 4;
    case 4:           /* HEARTBEAT */
    case 5:           /* HEARTBEAT ACK */
    case 6:           /* ABORT: causes have the form of parameters */
    case 9:           /* ERROR */
    case 0x82:        /* RE-CONFIG (RFC 6525 3.1) */
        return 0;
    default: return NO_PARAMS;
    }
}

/* One piece behind its type and length; what is left stands behind its padding. */
static struct bytes take_tlv(struct rd *r, bool chunk, uint8_t *type)
{
    *type = rd_u8(r, "type");
    rd_u8(r, "flags or type");
    uint16_t len = rd_u16(r, "length");
    if (r->err == E_OK && len < TLV_HEADER)
        rd_fail(r, E_FORMAT, chunk ? "chunk length" : "parameter length");
    if (r->err != E_OK)
        return bytes_of(NULL, 0);
    struct bytes body = rd_bytes(r, (size_t)len - TLV_HEADER, chunk ? "chunk" : "parameter");
    rd_bytes(r, MIN((size_t)(-len & 3), rd_left(r)), "padding");
    return body;
}

static enum err check_params(struct bytes params)
{
    struct rd r = rd_over(params);
    uint8_t type;
    while (r.err == E_OK && rd_left(&r) > 0)
        take_tlv(&r, false, &type);
    return r.err;
}

enum err sctp_walk_check(struct bytes packet)
{
    struct rd r = rd_over(packet);
    rd_bytes(&r, COMMON_HEADER, "header");
    if (r.err == E_OK && rd_left(&r) == 0)
        return rd_fail(&r, E_FORMAT, "no chunk");
    while (r.err == E_OK && rd_left(&r) > 0) {
        uint8_t type;
        struct bytes body = take_tlv(&r, true, &type);
        int skip = params_at(type);
        if (r.err != E_OK || skip == NO_PARAMS)
            continue;
        if (body.n < (size_t)skip)
            return rd_fail(&r, E_SHORT, "fixed part of a chunk");
        if (check_params(bytes_of(body.p + skip, body.n - (size_t)skip)) != E_OK)
            return rd_fail(&r, E_FORMAT, "parameter");
    }
    return r.err;
}
