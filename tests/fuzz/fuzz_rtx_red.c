/* RTX and RED: what is accepted lies inside the payload and writes back to the same bytes. */
#include <stdlib.h>

#include "proto/red.h"
#include "proto/rtx.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    static uint8_t buf[8192];
    struct bytes in = bytes_of(data, size);
    struct rd r = rd_over(in);
    struct red_view red;
    if (red_parse(&r, &red) == E_OK) {
        struct wr w = wr_over(buf, sizeof buf);
        red_write(&w, &red);
        must(bytes_eq(wr_done(&w), in));
    }

    r = rd_over(in);
    struct rtp_view rtx, orig, again;
    if (rtp_parse(&r, &rtx) != E_OK || rtp_unpad(&rtx) != E_OK)
        return 0;
    enum err err = rtx_unwrap(&rtx, 100, 4, &orig);
    must((err == E_OK) == (rtx.payload.n >= RTX_OSN_LEN));
    if (err != E_OK)
        return 0;
    struct wr w = wr_over(buf, sizeof buf);
    rtx_write_header(&w, &orig, rtx.pt, rtx.ssrc, rtx.seq, NULL, 0);
    wr_bytes(&w, orig.payload);
    r = rd_over(wr_done(&w));
    must(rtp_parse(&r, &again) == E_OK && again.seq == rtx.seq && again.ssrc == rtx.ssrc && again.pt == rtx.pt);
    must(again.ts == rtx.ts && again.marker == rtx.marker && bytes_eq(again.payload, rtx.payload));
    return 0;
}
