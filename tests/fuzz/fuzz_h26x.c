/* Whatever is accepted by the readers of H.264 and H.265 payloads is accepted alike with other content in its units, since
 * they read headers only; and an aggregate of the payload's single unit says what the unit says. */
#include <assert.h>
#include <stdlib.h>

#include "proto/h264.h"
#include "proto/h265.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes aggregate(uint8_t *buf, struct bytes head, struct bytes unit)
{
    memcpy(buf, head.p, head.n);
    put_u16(buf + head.n, (uint16_t)unit.n);
    memcpy(buf + head.n + 2, unit.p, unit.n);
    return bytes_of(buf, head.n + 2 + unit.n);
}

static void check_h264(struct bytes in, uint8_t *buf)
{
    struct h264_desc d, again;
    if (h264_desc_parse(in, &d) != E_OK)
        return;
    unsigned type = in.p[0] & 0x1f;
    assert(d.units >= 1 && (!d.sequence || d.keyframe));
    assert(type == 24 || d.units == 1);
    if (type > 23)
        return;
    assert(h264_desc_parse(aggregate(buf, bytes_of("\x78", 1), in), &again) == E_OK);
    assert(memcmp(&d, &again, sizeof d) == 0);
    for (size_t i = 1; i < in.n; i++)
        buf[3 + i] ^= 0xff;
    assert(h264_desc_parse(bytes_of(buf + 3, in.n), &again) == E_OK);
    assert(memcmp(&d, &again, sizeof d) == 0);
}

static void check_h265(struct bytes in, uint8_t *buf)
{
    struct h265_desc d, again;
    if (h265_desc_parse(in, &d) != E_OK)
        return;
    unsigned type = in.p[0] >> 1 & 0x3f;
    assert(d.units >= 1 && d.tid < 7 && (!d.sequence || d.keyframe));
    assert(type == 48 || d.units == 1);
    if (type > 47)
        return;
    uint8_t head[2] = {0x60, in.p[1] & 7};
    assert(h265_desc_parse(aggregate(buf, bytes_of(head, 2), in), &again) == E_OK);
    assert(memcmp(&d, &again, sizeof d) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    uint8_t *buf = malloc(size + 8);
    check_h264(bytes_of(data, size), buf);
    check_h265(bytes_of(data, size), buf);
    free(buf);
    return 0;
}
