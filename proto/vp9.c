/* vp9.c - see vp9.h. */
#include "proto/vp9.h"

enum { /* RFC 9628 4.2 */
       VP9_I = 0x80,
       VP9_P = 0x40,
       VP9_L = 0x20,
       VP9_F = 0x10,
       VP9_B = 0x08,
       VP9_E = 0x04,
       VP9_V = 0x02,
       VP9_Z = 0x01,
       VP9_M = 0x80, /* picture id has 15 bits */
       VP9_U = 0x10,
       VP9_D = 0x01,
       VP9_N = 0x01, /* another P_DIFF follows */
       VP9_Y = 0x10,
       VP9_G = 0x08,
};

static size_t offset(const struct rd *r)
{
    return (size_t)(r->pos - r->base);
}

static void read_pictureid(struct rd *r, struct vp9_desc *d)
{
    d->pictureid_at = (uint8_t)offset(r);
    d->pictureid = rd_u8(r, "picture id");
    if (d->pictureid & VP9_M) {
        d->pictureid_long = true;
        d->pictureid = (uint16_t)((d->pictureid & 0x7f) << 8 | rd_u8(r, "picture id low"));
    }
}

static void read_layers(struct rd *r, struct vp9_desc *d)
{
    uint8_t b = rd_u8(r, "TID|U|SID|D");
    d->has_layers = true;
    d->tid = b >> 5;
    d->switch_up = b & VP9_U;
    d->sid = b >> 1 & 7;
    d->inter_layer = b & VP9_D;
    if (!d->flexible) {
        d->tl0picidx_at = (uint8_t)offset(r);
        d->tl0picidx = rd_u8(r, "tl0picidx");
    }
}

static void read_refs(struct rd *r, struct vp9_desc *d)
{
    uint8_t b = VP9_N;
    while ((b & VP9_N) && r->err == E_OK) {
        if (d->ref_count == VP9_REFS_MAX) {
            rd_fail(r, E_FORMAT, "P_DIFF: too many");
            return;
        }
        b = rd_u8(r, "P_DIFF");
        if (b >> 1 == 0)
            rd_fail(r, E_FORMAT, "P_DIFF: refers to itself");
        d->refs[d->ref_count++] = b >> 1;
    }
}

static void read_ss(struct rd *r, struct vp9_ss *ss)
{
    uint8_t b = rd_u8(r, "N_S|Y|G");
    ss->sids = (uint8_t)((b >> 5) + 1);
    ss->has_sizes = b & VP9_Y;
    for (unsigned s = 0; ss->has_sizes && s < ss->sids; s++) {
        ss->width[s] = rd_u16(r, "width");
        ss->height[s] = rd_u16(r, "height");
    }
    ss->pictures = b & VP9_G ? rd_u8(r, "N_G") : 0;
    for (unsigned i = 0; i < ss->pictures && r->err == E_OK; i++) {
        struct vp9_picture *picture = &ss->picture[i];
        uint8_t head = rd_u8(r, "TID|U|R");
        picture->tid = head >> 5;
        picture->switch_up = head & VP9_U;
        picture->ref_count = head >> 2 & 3;
        for (unsigned k = 0; k < picture->ref_count; k++)
            picture->refs[k] = rd_u8(r, "P_DIFF");
    }
}

enum err vp9_desc_parse(struct bytes payload, struct vp9_desc *d)
{
    *d = (struct vp9_desc){0};
    struct rd r = rd_over(payload);
    uint8_t b0 = rd_u8(&r, "I|P|L|F|B|E|V|Z");
    d->inter = b0 & VP9_P;
    d->flexible = b0 & VP9_F;
    d->start = b0 & VP9_B;
    d->end = b0 & VP9_E;
    d->not_upper_ref = b0 & VP9_Z;
    if (b0 & VP9_I)
        read_pictureid(&r, d);
    if (b0 & VP9_L)
        read_layers(&r, d);
    if (d->flexible && d->inter) {
        if (!d->pictureid_at)
            rd_fail(&r, E_FORMAT, "flexible mode without picture id");
        read_refs(&r, d);
    }
    if (b0 & VP9_V) {
        struct vp9_ss ss;
        d->ss_at = (uint16_t)offset(&r);
        read_ss(&r, &ss);
        d->sids = ss.sids;
    }
    d->len = (uint16_t)offset(&r);
    if (r.err == E_OK && rd_left(&r) == 0)
        rd_fail(&r, E_SHORT, "payload");
    return r.err;
}

void vp9_ss_parse(struct bytes payload, const struct vp9_desc *d, struct vp9_ss *ss)
{
    *ss = (struct vp9_ss){0};
    struct rd r = rd_over(payload);
    rd_bytes(&r, d->ss_at, "before the structure");
    read_ss(&r, ss);
}
