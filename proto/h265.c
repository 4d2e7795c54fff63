/* h265.c - see h265.h. */
#include "proto/h265.h"

enum { /* RFC 7798 1.1.4, 4.4 */
       NAL_FORBIDDEN = 0x8000,
       NAL_TID = 7, /* plus one */
       NAL_IRAP_FIRST = 16,
       NAL_IRAP_LAST = 21,
       NAL_VPS = 32,
       NAL_SPS = 33,
       NAL_PPS = 34,
       NAL_UNIT_MAX = 47,
       NAL_AP = 48,
       NAL_FU = 49,
       NAL_PACI = 50,
       FU_START = 0x80,
       FU_END = 0x40,
       FU_TYPE = 0x3f,
};

static unsigned type_of(uint16_t head)
{
    return head >> 9 & 0x3f;
}

static void note_unit(struct h265_desc *d, unsigned type)
{
    d->keyframe |= (type >= NAL_IRAP_FIRST && type <= NAL_IRAP_LAST) || (type >= NAL_VPS && type <= NAL_PPS);
    d->sequence |= type == NAL_VPS || type == NAL_SPS;
}

static uint16_t read_head(struct rd *r)
{
    uint16_t head = rd_u16(r, "NAL unit header");
    if (r->err == E_OK && (head & NAL_FORBIDDEN || !(head & NAL_TID)))
        rd_fail(r, E_FORMAT, "NAL unit header");
    return head;
}

static void read_aggregate(struct rd *r, struct h265_desc *d)
{
    do {
        size_t size = rd_u16(r, "NAL unit size");
        struct rd unit = rd_sub(r, size, "NAL unit");
        uint16_t head = read_head(&unit);
        if (r->err == E_OK && unit.err != E_OK)
            rd_fail(r, unit.err, unit.what);
        if (r->err == E_OK && type_of(head) > NAL_UNIT_MAX)
            rd_fail(r, E_FORMAT, "aggregate in an aggregate");
        note_unit(d, type_of(head));
        d->tid = MIN(d->tid, (uint8_t)((head & NAL_TID) - 1));
        if (d->units < UINT8_MAX)
            d->units++;
    } while (rd_left(r) > 0);
}

static void read_fragment(struct rd *r, struct h265_desc *d)
{
    uint8_t fu = rd_u8(r, "FU header");
    if (r->err == E_OK && ((fu & FU_TYPE) > NAL_UNIT_MAX || (fu & FU_START && fu & FU_END)))
        rd_fail(r, E_FORMAT, "FU header");
    if (r->err == E_OK && rd_left(r) == 0)
        rd_fail(r, E_SHORT, "FU payload");
    if (fu & FU_START)
        note_unit(d, fu & FU_TYPE);
    d->units = 1;
}

enum err h265_desc_parse(struct bytes payload, struct h265_desc *out)
{
    struct rd r = rd_over(payload);
    uint16_t head = read_head(&r);
    struct h265_desc d = {.tid = (uint8_t)((head & NAL_TID) - 1)};
    unsigned type = type_of(head);
    if (r.err == E_OK && type >= NAL_PACI)
        rd_fail(&r, E_FORMAT, "NAL unit type");
    else if (r.err == E_OK && type == NAL_AP)
        read_aggregate(&r, &d);
    else if (r.err == E_OK && type == NAL_FU)
        read_fragment(&r, &d);
    else {
        note_unit(&d, type);
        d.units = 1;
    }
    *out = r.err == E_OK ? d : (struct h265_desc){0};
    return r.err;
}
