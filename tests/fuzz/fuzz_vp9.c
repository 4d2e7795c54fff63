/* A descriptor we accept lies inside the payload, what is written at the offsets it gives is read back without changing
 * any other field, and a payload cut inside it is refused. */
#include <assert.h>
#include <stdlib.h>

#include "proto/vp9.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vp9_desc d, again;
    if (vp9_desc_parse(bytes_of(data, size), &d) != E_OK)
        return 0;
    assert(d.len >= 1 && d.len < size);
    assert(d.pictureid_at + (d.pictureid_at ? 1 + d.pictureid_long : 0) <= d.len);
    assert(d.tl0picidx_at < d.len && d.ss_at < d.len);
    assert(d.ref_count <= VP9_REFS_MAX && d.sids <= VP9_SIDS_MAX && d.tid < 8 && d.sid < 8);
    assert((d.sids == 0) == (d.ss_at == 0));
    if (d.ss_at) {
        struct vp9_ss ss;
        vp9_ss_parse(bytes_of(data, size), &d, &ss);
        size_t len = 1 + (ss.has_sizes ? 4u * ss.sids : 0) + (data[d.ss_at] >> 3 & 1);
        for (unsigned i = 0; i < ss.pictures; i++)
            len += 1u + ss.picture[i].ref_count;
        assert(ss.sids == d.sids && d.ss_at + len == d.len);
    }
    for (size_t cut = 0; cut <= d.len && cut < 64; cut++)
        assert(vp9_desc_parse(bytes_of(data, cut), &again) != E_OK);

    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    if (d.pictureid_at && d.pictureid_long)
        put_u16(copy + d.pictureid_at, (uint16_t)(~d.pictureid | 0x8000));
    else if (d.pictureid_at)
        copy[d.pictureid_at] = ~d.pictureid & 0x7f;
    if (d.tl0picidx_at)
        copy[d.tl0picidx_at] = (uint8_t)~d.tl0picidx;
    assert(vp9_desc_parse(bytes_of(copy, size), &again) == E_OK);
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
