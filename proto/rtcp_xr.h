/* rtcp_xr.h - extended reports (RFC 3611): the walk over blocks, receiver reference time and DLRR, by which a receiver
 * that sends nothing can measure its round-trip time.
 *
 * The bridge accepts and ignores XR from stock clients. Thread: any. Allocation: none. */
#ifndef PROTO_RTCP_XR_H
#define PROTO_RTCP_XR_H

#include "proto/rtcp.h"

enum { RTCP_XR_RRT = 4, RTCP_XR_DLRR = 5 };

struct rtcp_xr_block {
    uint8_t kind;  /* BT */
    uint8_t flags; /* type specific */
    struct bytes body;
};
/* A cursor over the blocks. E_STATE: not an XR; E_SHORT: no SSRC. */
enum err rtcp_xr_begin(struct rd *r, const struct rtcp_item *item, uint32_t *ssrc);
bool rtcp_xr_next(struct rd *r, struct rtcp_xr_block *out); /* false: the end, or r->err */

enum err rtcp_xr_rrt_parse(const struct rtcp_xr_block *block, uint64_t *ntp);

struct rtcp_dlrr {
    uint32_t ssrc, lrr, dlrr; /* as SSRC, LSR and DLSR of a report block */
};
size_t rtcp_xr_dlrr_count(const struct rtcp_xr_block *block); /* 0: another kind, or not whole entries */
struct rtcp_dlrr rtcp_xr_dlrr_at(const struct rtcp_xr_block *block, size_t index);

void rtcp_xr_rrt_write(struct wr *w, uint32_t ssrc, uint64_t ntp);
void rtcp_xr_dlrr_write(struct wr *w, uint32_t ssrc, const struct rtcp_dlrr *entries, size_t count);

#endif
