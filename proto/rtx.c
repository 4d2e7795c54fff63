/* RFC 4588: the original packet inside a retransmission, and the other way round. */
#include "proto/rtx.h"

enum err rtx_unwrap(const struct rtp_view *rtx, uint8_t apt, uint32_t primary_ssrc, struct rtp_view *out)
{
    struct rtp_view in = *rtx; /* out may be rtx */
    *out = (struct rtp_view){0};
    if (in.payload.n < RTX_OSN_LEN)
        return E_SHORT;
    *out = in;
    out->seq = get_u16(in.payload.p);
    out->payload = bytes_of(in.payload.p + RTX_OSN_LEN, in.payload.n - RTX_OSN_LEN);
    out->pt = apt;
    out->ssrc = primary_ssrc;
    return E_OK;
}

void rtx_write_header(struct wr *w, const struct rtp_view *orig, uint8_t rtx_pt, uint32_t rtx_ssrc, uint16_t rtx_seq,
                      const struct rtp_ext *exts, size_t ext_count)
{
    struct rtp_view rtx = *orig;
    rtx.pt = rtx_pt;
    rtx.ssrc = rtx_ssrc;
    rtx.seq = rtx_seq;
    rtp_write_header(w, &rtx, exts, ext_count);
    wr_u16(w, orig->seq);
}
