/* A layers allocation we accept names layers in order, each once; written again from what was read it reads back the
 * same; and what is refused leaves nothing behind. */
#include <assert.h>

#include "proto/rtp_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_leb128(struct wr *w, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        wr_u8(w, (uint8_t)(value | 0x80));
    wr_u8(w, (uint8_t)value);
}

/* A bitmap for each stream, whether or not they could share one. */
static struct bytes write_vla(const struct rtp_vla *v, uint8_t *buf, size_t cap)
{
    struct wr w = wr_over(buf, cap);
    uint8_t bitmap[VLA_STREAMS_MAX] = {0}, counts = 0;
    for (unsigned i = 0; i < v->layer_count; i++)
        bitmap[v->layers[i].stream] |= (uint8_t)(1u << v->layers[i].spatial);
    wr_u8(&w, (uint8_t)(v->rid << 6 | (v->stream_count - 1) << 4));
    for (unsigned s = 0; s < v->stream_count; s += 2)
        wr_u8(&w, (uint8_t)(bitmap[s] << 4 | (s + 1 < v->stream_count ? bitmap[s + 1] : 0)));
    for (unsigned i = 0; i < v->layer_count; i++) {
        counts |= (uint8_t)((v->layers[i].temporal_count - 1) << (6 - i % 4 * 2));
        if (i % 4 == 3 || i + 1u == v->layer_count) {
            wr_u8(&w, counts);
            counts = 0;
        }
    }
    for (unsigned i = 0; i < v->layer_count; i++)
        for (unsigned t = 0; t < v->layers[i].temporal_count; t++)
            write_leb128(&w, v->layers[i].target_kbps[t]);
    for (unsigned i = 0; i < v->layer_count && v->layers[i].width; i++) {
        wr_u16(&w, (uint16_t)(v->layers[i].width - 1));
        wr_u16(&w, (uint16_t)(v->layers[i].height - 1));
        wr_u8(&w, v->layers[i].fps);
    }
    assert(w.err == E_OK);
    return wr_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtp_vla v, back;
    static const struct rtp_vla nothing;
    if (rtp_ext_vla_parse(bytes_of(data, size), &v) != E_OK) {
        assert(memcmp(&v, &nothing, sizeof v) == 0);
        return 0;
    }
    if (v.stream_count == 0)
        return 0;
    assert(v.rid < 4 && v.stream_count <= VLA_STREAMS_MAX && v.layer_count <= COUNT(v.layers));
    for (unsigned i = 0; i < v.layer_count; i++) {
        const struct rtp_vla_layer *l = &v.layers[i];
        assert(l->stream < v.stream_count && l->spatial < VLA_SPATIAL_MAX);
        assert(l->temporal_count >= 1 && l->temporal_count <= VLA_TEMPORAL_MAX);
        assert(i == 0 || l->stream * 4 + l->spatial > l[-1].stream * 4 + l[-1].spatial);
    }
    uint8_t buf[512];
    assert(rtp_ext_vla_parse(write_vla(&v, buf, sizeof buf), &back) == E_OK);
    assert(memcmp(&v, &back, sizeof v) == 0);
    return 0;
}
