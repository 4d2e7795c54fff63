/* A descriptor that we accept can be rewritten, and reads again with what was meant to change changed, and nothing else. The input is
 * two descriptors, the length of the first in the first byte: its structure is in force for the second. */
#include <assert.h>

#include "proto/av1_dd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dd_structure in_force, fresh, again_fresh, moved;

static void check(struct bytes in, const struct dd_structure *known, const struct dd_desc *d)
{
    static uint8_t buf[DD_LEN_MAX];
    struct dd_edit edit = {.frame_delta = 40000, .template_delta = 37, .masks = in.p[2] & 1, .mask = in.p[1]};
    struct dd_desc again;
    if (d->target_count < 32)
        edit.mask &= (1u << d->target_count) - 1;
    struct bytes out = dd_write(in, d, &edit, buf);
    if (out.n == 0)
        return;
    const struct dd_structure *now_known = known;
    if (known) {
        moved = *known;
        moved.offset = (moved.offset + 37) & 63;
        now_known = &moved;
    }
    assert(dd_parse(out, now_known, &again_fresh, &again) == E_OK);
    assert(again.frame_number == (uint16_t)(d->frame_number + 40000));
    assert(again.template_id == ((d->template_id + 37) & 63));
    assert(again.start == d->start && again.end == d->end && again.known == d->known);
    assert(again.has_structure == d->has_structure);
    if (!d->known)
        return;
    bool all = d->has_structure && edit.mask == (uint32_t)((1ull << d->target_count) - 1); /* goes without saying */
    assert(again.has_active == (edit.masks ? !all : d->has_active));
    assert(again.active == (!edit.masks ? d->active : all ? 0 : edit.mask));
    assert(again.dti == d->dti && again.sid == d->sid && again.tid == d->tid);
    assert(again.fdiff_count == d->fdiff_count && again.chain_count == d->chain_count);
    assert(memcmp(again.fdiffs, d->fdiffs, sizeof d->fdiffs) == 0);
    assert(memcmp(again.chain_diffs, d->chain_diffs, sizeof d->chain_diffs) == 0);
    if (d->has_structure) {
        struct dd_targets targets;
        dd_targets_of(&again_fresh, &targets);
        assert(targets.count == d->target_count);
        for (unsigned t = 0; t < targets.count; t++)
            assert(targets.within[t] >> t & 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dd_desc d;
    if (size < 1 || data[0] > size - 1)
        return 0;
    struct bytes first = bytes_of(data + 1, data[0]), second = bytes_of(data + 1 + data[0], size - 1 - data[0]);
    bool has = dd_parse(first, NULL, &fresh, &d) == E_OK && d.has_structure;
    if (d.has_structure)
        check(first, NULL, &d);
    if (has)
        in_force = fresh;
    if (dd_parse(second, has ? &in_force : NULL, &fresh, &d) == E_OK)
        check(second, has ? &in_force : NULL, &d);
    return 0;
}
