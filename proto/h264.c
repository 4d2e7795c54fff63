/* h264.c - see h264.h. */
#include "proto/h264.h"

enum { /* RFC 6184 5.2, 5.4 */
       NAL_FORBIDDEN = 0x80,
       NAL_TYPE = 0x1f,
       NAL_IDR = 5,
       NAL_SPS = 7,
       NAL_PPS = 8,
       NAL_UNIT_MAX = 23,
       NAL_STAP_A = 24,
       NAL_FU_A = 28,
       FU_START = 0x80,
       FU_END = 0x40,
};

static void note_unit(struct h264_desc *d, unsigned type)
{
    d->keyframe |= type == NAL_IDR || type == NAL_SPS || type == NAL_PPS;
    d->sequence |= type == NAL_SPS;
    if (d->units < UINT8_MAX)
        d->units++;
}

static void check_unit(struct rd *r, uint8_t head, struct h264_desc *d)
{
    unsigned type = head & NAL_TYPE;
    if (head & NAL_FORBIDDEN || type == 0 || type > NAL_UNIT_MAX)
        rd_fail(r, E_FORMAT, "NAL unit type");
    note_unit(d, type);
}

static void read_aggregate(struct rd *r, struct h264_desc *d)
{
    do {
        size_t size = rd_u16(r, "NAL unit size");
        struct rd unit = rd_sub(r, size, "NAL unit");
        uint8_t head = rd_u8(&unit, "NAL unit header");
        if (unit.err != E_OK)
            rd_fail(r, unit.err, unit.what);
        else
            check_unit(r, head, d);
    } while (rd_left(r) > 0);
}

static void read_fragment(struct rd *r, struct h264_desc *d)
{
    uint8_t fu = rd_u8(r, "FU header");
    unsigned type = fu & NAL_TYPE;
    if (r->err == E_OK && (type == 0 || type > NAL_UNIT_MAX || (fu & FU_START && fu & FU_END)))
        rd_fail(r, E_FORMAT, "FU header");
    if (r->err == E_OK && rd_left(r) == 0)
        rd_fail(r, E_SHORT, "FU payload");
    if (fu & FU_START)
        note_unit(d, type);
    d->units = 1;
}

enum err h264_desc_parse(struct bytes payload, struct h264_desc *out)
{
    struct h264_desc d = {0};
    struct rd r = rd_over(payload);
    uint8_t head = rd_u8(&r, "NAL unit header");
    if (r.err == E_OK && head & NAL_FORBIDDEN)
        rd_fail(&r, E_FORMAT, "forbidden_zero_bit");
    if (r.err == E_OK && (head & NAL_TYPE) == NAL_STAP_A)
        read_aggregate(&r, &d);
    else if (r.err == E_OK && (head & NAL_TYPE) == NAL_FU_A)
        read_fragment(&r, &d);
    else if (r.err == E_OK)
        check_unit(&r, head, &d);
    *out = r.err == E_OK ? d : (struct h264_desc){0};
    return r.err;
}
