/* A descriptor we accept lies inside the payload, and what is written at the offsets it gives is read back without
 * changing any other field. */
#include <assert.h>
#include <stdlib.h>

#include "proto/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vp8_desc d, again;
    if (vp8_desc_parse(bytes_of(data, size), &d) != E_OK)
        return 0;
    assert(d.len >= 1 && d.len <= 6 && d.len < size);
    assert(d.pictureid_at + (d.pictureid_at ? 1 + d.pictureid_long : 0) <= d.len);
    assert(d.tl0picidx_at < d.len);
    assert(!d.keyframe || vp8_frame_start(&d));

    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    if (d.pictureid_at && d.pictureid_long)
        put_u16(copy + d.pictureid_at, (uint16_t)(~d.pictureid | 0x8000));
    else if (d.pictureid_at)
        copy[d.pictureid_at] = ~d.pictureid & 0x7f;
    if (d.tl0picidx_at)
        copy[d.tl0picidx_at] = (uint8_t)~d.tl0picidx;
    assert(vp8_desc_parse(bytes_of(copy, size), &again) == E_OK);
    if (d.pictureid_at)
        assert(again.pictureid == (~d.pictureid & (d.pictureid_long ? 0x7fff : 0x7f)));
    if (d.tl0picidx_at)
        assert(again.tl0picidx == (uint8_t)~d.tl0picidx);
    again.pictureid = d.pictureid;
    again.tl0picidx = d.tl0picidx;
    assert(memcmp(&again, &d, sizeof d) == 0);
    free(copy);
    return 0;
}
