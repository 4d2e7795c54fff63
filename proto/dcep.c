/* See dcep.h. */
#include "proto/dcep.h"

static bool channel_type_known(uint8_t type)
{
    return (type & ~DCEP_UNORDERED) <= DCEP_LIMITED_LIFETIME;
}

/* RFC 8832 5.1, 5.2 */
enum err dcep_parse(struct bytes message, struct dcep *out)
{
    *out = (struct dcep){0};
    struct rd r = rd_over(message);
    uint8_t kind = rd_u8(&r, "message type");
    if (r.err != E_OK)
        return r.err;
    if (kind == DCEP_ACK) {
        out->kind = DCEP_ACK;
        return E_OK;
    }
    if (kind != DCEP_OPEN)
        return E_UNKNOWN;
    out->kind = DCEP_OPEN;
    out->channel_type = rd_u8(&r, "channel type");
    out->priority = rd_u16(&r, "priority");
    out->reliability = rd_u32(&r, "reliability");
    uint16_t label_len = rd_u16(&r, "label length");
    uint16_t protocol_len = rd_u16(&r, "protocol length");
    out->label = rd_bytes(&r, label_len, "label");
    out->protocol = rd_bytes(&r, protocol_len, "protocol");
    if (r.err == E_OK && !channel_type_known(out->channel_type))
        rd_fail(&r, E_UNKNOWN, "channel type");
    if (r.err != E_OK)
        *out = (struct dcep){0};
    return r.err;
}

enum err dcep_write(struct wr *w, const struct dcep *in)
{
    wr_u8(w, (uint8_t)in->kind);
    if (in->kind == DCEP_ACK)
        return w->err;
    if (in->label.n > UINT16_MAX || in->protocol.n > UINT16_MAX)
        return E_LIMIT;
    wr_u8(w, in->channel_type);
    wr_u16(w, in->priority);
    wr_u32(w, in->reliability);
    wr_u16(w, (uint16_t)in->label.n);
    wr_u16(w, (uint16_t)in->protocol.n);
    wr_bytes(w, in->label);
    wr_bytes(w, in->protocol);
    return w->err;
}
