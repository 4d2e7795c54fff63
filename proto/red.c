/* RFC 2198 3: redundant block headers are 1|PT(7)|offset(14)|length(10), the primary's is 0|PT(7). */
#include "proto/red.h"

enum { RED_F = 0x80, RED_PT = 0x7f };

enum err red_parse(struct rd *r, struct red_view *v)
{
    *v = (struct red_view){0};
    struct red_view got = {0};
    size_t len[RED_BLOCKS_MAX] = {0};
    for (bool more = true; more && r->err == E_OK;) {
        if (got.count == RED_BLOCKS_MAX)
            return rd_fail(r, E_LIMIT, "blocks");
        struct red_block *block = &got.block[got.count];
        uint8_t first = rd_u8(r, "F|PT");
        more = (first & RED_F) != 0;
        block->pt = first & RED_PT;
        if (more) {
            uint32_t rest = rd_u24(r, "offset|length");
            block->ts_offset = (uint16_t)(rest >> 10);
            len[got.count] = rest & RED_LEN_MAX;
        }
        got.count++;
    }
    for (size_t i = 0; i + 1 < got.count; i++)
        got.block[i].data = rd_bytes(r, len[i], "redundant block");
    if (r->err != E_OK)
        return r->err;
    got.block[got.count - 1].data = rd_rest(r);
    *v = got;
    return E_OK;
}

void red_write(struct wr *w, const struct red_view *v)
{
    if (v->count == 0 || v->count > RED_BLOCKS_MAX) {
        w->err = w->err == E_OK ? E_FORMAT : w->err;
        return;
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct red_block *block = &v->block[i];
        bool primary = i + 1 == v->count;
        bool fits =
            block->pt <= RED_PT &&
            (primary ? block->ts_offset == 0 : block->ts_offset <= RED_OFFSET_MAX && block->data.n <= RED_LEN_MAX);
        if (w->err == E_OK && !fits)
            w->err = E_FORMAT;
        wr_u8(w, (uint8_t)(block->pt | (primary ? 0 : RED_F)));
        if (!primary)
            wr_u24(w, (uint32_t)block->ts_offset << 10 | (uint32_t)block->data.n);
    }
    for (size_t i = 0; i < v->count; i++)
        wr_bytes(w, v->block[i].data);
}
