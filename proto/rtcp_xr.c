/* Extended report blocks; see rtcp_xr.h. */
#include "proto/rtcp_xr.h"

enum { DLRR_LEN = 12 };

enum err rtcp_xr_begin(struct rd *r, const struct rtcp_item *item, uint32_t *ssrc)
{
    *r = rd_over(item->body);
    if (item->type != RTCP_XR)
        rd_fail(r, E_STATE, "type");
    *ssrc = rd_u32(r, "ssrc");
    return r->err;
}

bool rtcp_xr_next(struct rd *r, struct rtcp_xr_block *out)
{
    *out = (struct rtcp_xr_block){0};
    if (rd_left(r) == 0)
        return false;
    struct rtcp_xr_block block;
    block.kind = rd_u8(r, "block type");
    block.flags = rd_u8(r, "type specific");
    block.body = rd_bytes(r, 4u * rd_u16(r, "block length"), "block");
    if (r->err == E_OK)
        *out = block;
    return r->err == E_OK;
}

enum err rtcp_xr_rrt_parse(const struct rtcp_xr_block *block, uint64_t *ntp)
{
    *ntp = 0;
    if (block->kind != RTCP_XR_RRT)
        return E_STATE;
    struct rd r = rd_over(block->body);
    uint64_t got = rd_u64(&r, "ntp time");
    if (r.err == E_OK && rd_left(&r) > 0)
        return E_FORMAT;
    *ntp = got;
    return r.err;
}

size_t rtcp_xr_dlrr_count(const struct rtcp_xr_block *block)
{
    return block->kind == RTCP_XR_DLRR && block->body.n % DLRR_LEN == 0 ? block->body.n / DLRR_LEN : 0;
}

struct rtcp_dlrr rtcp_xr_dlrr_at(const struct rtcp_xr_block *block, size_t index)
{
    const uint8_t *p = block->body.p + index * DLRR_LEN;
    return (struct rtcp_dlrr){.ssrc = get_u32(p), .lrr = get_u32(p + 4), .dlrr = get_u32(p + 8)};
}

static size_t block_begin(struct wr *w, uint32_t ssrc, uint8_t kind, size_t body_words)
{
    size_t at = rtcp_item_begin(w, 0, RTCP_XR);
    wr_u32(w, ssrc);
    wr_u8(w, kind);
    wr_u8(w, 0);
    wr_u16(w, (uint16_t)body_words);
    return at;
}

void rtcp_xr_rrt_write(struct wr *w, uint32_t ssrc, uint64_t ntp)
{
    size_t at = block_begin(w, ssrc, RTCP_XR_RRT, 2);
    wr_u64(w, ntp);
    rtcp_item_end(w, at);
}

void rtcp_xr_dlrr_write(struct wr *w, uint32_t ssrc, const struct rtcp_dlrr *entries, size_t count)
{
    size_t at = block_begin(w, ssrc, RTCP_XR_DLRR, count * DLRR_LEN / 4);
    for (size_t i = 0; i < count && w->err == E_OK; i++) {
        wr_u32(w, entries[i].ssrc);
        wr_u32(w, entries[i].lrr);
        wr_u32(w, entries[i].dlrr);
    }
    rtcp_item_end(w, at);
}
