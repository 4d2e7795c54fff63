/* RTP: what is accepted lies inside the input, and header and extensions written from it read back the same. */
#include <stdlib.h>

#include "proto/rtp.h"
#include "proto/rtp_ext.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void inside(struct bytes part, struct bytes whole)
{
    must(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct rtp_vla vla;
    rtp_ext_vla_parse(in, &vla);
    must(vla.layer_count <= COUNT(vla.layers));

    struct rd r = rd_over(in);
    struct rtp_view v, back;
    rtp_classify(in);
    if (rtp_parse(&r, &v) != E_OK)
        return 0;
    inside(v.csrcs, in);
    inside(v.ext, in);
    inside(v.payload, in);
    struct rtp_ext exts[RTP_EXT_COUNT_MAX], ext;
    size_t count = 0;
    for (size_t at = 0; count < COUNT(exts) && rtp_ext_next(&v, &at, &ext);) {
        inside(ext.data, v.ext);
        must(ext.id != 0);
        exts[count++] = ext;
    }
    static uint8_t buf[8192];
    struct wr w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, &v, exts, count);
    must(w.err == E_OK && wr_len(&w) == rtp_header_len(&v, exts, count));
    r = rd_over(wr_done(&w));
    must(rtp_parse(&r, &back) == E_OK);
    must(back.seq == v.seq && back.ts == v.ts && back.ssrc == v.ssrc && back.pt == v.pt && back.marker == v.marker);
    must(back.padded == v.padded && bytes_eq(back.csrcs, v.csrcs) && back.payload.n == 0);
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        must(rtp_ext_next(&back, &at, &ext) && ext.id == exts[i].id && bytes_eq(ext.data, exts[i].data));
    must(!rtp_ext_next(&back, &at, &ext));

    size_t before = v.payload.n;
    if (rtp_unpad(&v) == E_OK)
        must(v.payload.n <= before && !v.padded);
    return 0;
}
