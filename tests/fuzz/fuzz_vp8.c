/* A descriptor we accept lies inside the payload, and rewriting its fields is read back without changing any other. */
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
    vp8_put_pictureid(copy, &d, (uint16_t)(d.pictureid + 0x1357));
    vp8_put_tl0picidx(copy, &d, (uint8_t)(d.tl0picidx + 0x35));
    assert(vp8_desc_parse(bytes_of(copy, size), &again) == E_OK);
    if (d.pictureid_at)
        assert(again.pictureid == ((d.pictureid + 0x1357) & (d.pictureid_long ? 0x7fff : 0x7f)));
    if (d.tl0picidx_at)
        assert(again.tl0picidx == (uint8_t)(d.tl0picidx + 0x35));
    vp8_put_pictureid(copy, &d, d.pictureid);
    vp8_put_tl0picidx(copy, &d, d.tl0picidx);
    assert(memcmp(copy, data, size) == 0);
    free(copy);
    return 0;
}
