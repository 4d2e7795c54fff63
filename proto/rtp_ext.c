/* The insides of header extension elements. Finding the elements: rtp.c. */
#include "proto/rtp_ext.h"

#include <ctype.h>

static const char *const uris[RTP_EXT_KINDS] = {
    [RTP_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [RTP_EXT_CSRC_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:csrc-audio-level",
    [RTP_EXT_TOFFSET] = "urn:ietf:params:rtp-hdrext:toffset",
    [RTP_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [RTP_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [RTP_EXT_TWCC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [RTP_EXT_CONTENT_TYPE] = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    [RTP_EXT_FRAME_MARKING] = "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07",
    [RTP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [RTP_EXT_DD] = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [RTP_EXT_VLA] = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    [RTP_EXT_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
};

enum rtp_ext_kind rtp_ext_from_uri(struct bytes uri)
{
    for (int kind = RTP_EXT_NONE + 1; kind < RTP_EXT_KINDS; kind++)
        if (bytes_eq(uri, bytes_str(uris[kind])))
            return (enum rtp_ext_kind)kind;
    return RTP_EXT_NONE;
}

const char *rtp_ext_uri(enum rtp_ext_kind kind)
{
    return (unsigned)kind < RTP_EXT_KINDS ? uris[kind] : NULL;
}

enum err rtp_ext_level_parse(struct bytes data, struct rtp_level *out)
{
    *out = (struct rtp_level){0};
    if (data.n < 1)
        return E_SHORT;
    if (data.n > 2)
        return E_FORMAT;
    out->vad = (data.p[0] & 0x80) != 0;
    out->level = data.p[0] & 0x7f;
    return E_OK;
}

struct bytes rtp_ext_level_write(uint8_t buf[1], const struct rtp_level *in)
{
    buf[0] = (uint8_t)((in->vad ? 0x80 : 0) | MIN(in->level, 127));
    return bytes_of(buf, 1);
}

enum err rtp_ext_twcc_parse(struct bytes data, uint16_t *seq)
{
    *seq = 0;
    if (data.n < 2)
        return E_SHORT;
    if (data.n != 2 && data.n != 4)
        return E_FORMAT;
    *seq = get_u16(data.p);
    return E_OK;
}

struct bytes rtp_ext_twcc_write(uint8_t buf[2], uint16_t seq)
{
    put_u16(buf, seq);
    return bytes_of(buf, 2);
}

enum err rtp_ext_abs_send_time_parse(struct bytes data, uint32_t *units)
{
    *units = 0;
    if (data.n < 3)
        return E_SHORT;
    if (data.n > 3)
        return E_FORMAT;
    *units = (uint32_t)data.p[0] << 16 | (uint32_t)get_u16(data.p + 1);
    return E_OK;
}

uint32_t rtp_ext_abs_send_time_of(uint64_t now_us)
{
    uint64_t within = now_us % 64000000; /* 64 s is where the six integer bits wrap */
    return (uint32_t)((within << 18) / 1000000);
}

struct bytes rtp_ext_abs_send_time_write(uint8_t buf[3], uint64_t now_us)
{
    uint32_t units = rtp_ext_abs_send_time_of(now_us);
    buf[0] = (uint8_t)(units >> 16);
    put_u16(buf + 1, (uint16_t)units);
    return bytes_of(buf, 3);
}

enum err rtp_ext_text_parse(struct bytes data, struct bytes *text)
{
    *text = bytes_of(NULL, 0);
    if (data.n == 0)
        return E_SHORT;
    for (size_t i = 0; i < data.n; i++) /* RFC 8866 9: token-char */
        if (!isalnum(data.p[i]) && (data.p[i] == 0 || strchr("!#$%&'*+-.^_`{|}~", data.p[i]) == NULL))
            return E_FORMAT;
    *text = data;
    return E_OK;
}

/* AV1 leb128, here at most 32 bits: a rate in kbps. */
static uint32_t read_leb128(struct rd *r, const char *what)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = rd_u8(r, what);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            break;
        if (shift == 28)
            rd_fail(r, E_LIMIT, what);
    }
    if (value > UINT32_MAX)
        rd_fail(r, E_LIMIT, what);
    return r->err == E_OK ? (uint32_t)value : 0;
}

enum err rtp_ext_vla_parse(struct bytes data, struct rtp_vla *out)
{
    *out = (struct rtp_vla){0};
    struct rtp_vla vla = {0};
    struct rd r = rd_over(data);
    uint8_t head = rd_u8(&r, "RID|NS|sl_bm");
    vla.rid = head >> 6;
    vla.stream_count = (uint8_t)((head >> 4 & 3) + 1);
    uint8_t shared = head & 0x0f, bitmap[VLA_STREAMS_MAX] = {shared, shared, shared, shared};
    if (r.err == E_OK && head == 0 && rd_left(&r) == 0) /* one zero byte: nothing is being sent */
        return E_OK;
    if (shared == 0) { /* a bitmap for each stream, two to a byte */
        uint8_t byte = 0;
        for (unsigned s = 0; s < vla.stream_count; s++) {
            byte = s % 2 == 0 ? rd_u8(&r, "sl_bm per stream") : byte;
            bitmap[s] = s % 2 == 0 ? byte >> 4 : byte & 0x0f;
        }
    }
    for (unsigned s = 0; s < vla.stream_count; s++)
        for (unsigned spatial = 0; spatial < VLA_SPATIAL_MAX; spatial++)
            if (bitmap[s] >> spatial & 1)
                vla.layers[vla.layer_count++] =
                    (struct rtp_vla_layer){.stream = (uint8_t)s, .spatial = (uint8_t)spatial};
    uint8_t counts = 0;
    for (unsigned i = 0; i < vla.layer_count; i++) { /* two bits each, four to a byte */
        counts = i % 4 == 0 ? rd_u8(&r, "temporal layers") : counts;
        vla.layers[i].temporal_count = (uint8_t)((counts >> (6 - i % 4 * 2) & 3) + 1);
    }
    for (unsigned i = 0; i < vla.layer_count; i++)
        for (unsigned t = 0; t < vla.layers[i].temporal_count; t++)
            vla.layers[i].target_kbps[t] = read_leb128(&r, "target bitrate");
    for (unsigned i = 0; i < vla.layer_count && rd_left(&r) > 0; i++) {
        uint32_t width = rd_u16(&r, "width") + 1u, height = rd_u16(&r, "height") + 1u;
        vla.layers[i].width = (uint16_t)MIN(width, UINT16_MAX);
        vla.layers[i].height = (uint16_t)MIN(height, UINT16_MAX);
        vla.layers[i].fps = rd_u8(&r, "frame rate");
    }
    if (r.err == E_OK)
        *out = vla;
    return r.err;
}
