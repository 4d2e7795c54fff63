/* layer.c - see layer.h. */
#include "media/layer.h"

static bool find(const uint32_t *ssrcs, size_t count, uint32_t ssrc)
{
    for (size_t i = 0; i < count; i++)
        if (ssrcs[i] == ssrc)
            return true;
    return false;
}

/* ---- from signalling to encodings ---- */

static bool is_placed(const struct layer_source *out, size_t count, uint32_t ssrc)
{
    for (size_t s = 0; s < count; s++)
        for (size_t e = 0; e < out[s].count; e++)
            if (out[s].encoding[e].ssrc == ssrc || out[s].encoding[e].rtx == ssrc)
                return true;
    return false;
}

static struct layer_ssrcs *find_encoding(struct layer_source *out, size_t count, uint32_t ssrc)
{
    for (size_t s = 0; s < count; s++)
        for (size_t e = 0; e < out[s].count; e++)
            if (out[s].encoding[e].ssrc == ssrc)
                return &out[s].encoding[e];
    return NULL;
}

static bool is_pair(const struct layer_group *group)
{
    return group->kind == LAYER_GROUP_FID && group->count == 2;
}

static size_t add_single(struct layer_source *out, size_t n, size_t max, uint32_t ssrc, uint32_t rtx)
{
    if (n < max)
        out[n++] = (struct layer_source){.count = 1, .encoding = {{ssrc, rtx}}};
    return n;
}

/* In a repair group of any kind but not its first: it carries no video of its own. */
static bool is_repair(const struct layer_group *groups, size_t count, uint32_t ssrc)
{
    for (size_t g = 0; g < count; g++)
        if (groups[g].kind != LAYER_GROUP_SIM && groups[g].count > 1 &&
            find(groups[g].ssrcs + 1, groups[g].count - 1, ssrc))
            return true;
    return false;
}

size_t layer_sources_from(const uint32_t *ssrcs, size_t count, const struct layer_group *groups, size_t group_count,
                          struct layer_source *out, size_t max)
{
    size_t n = 0;
    for (size_t g = 0; g < group_count && n < max; g++) {
        if (groups[g].kind != LAYER_GROUP_SIM || groups[g].count == 0 || is_placed(out, n, groups[g].ssrcs[0]))
            continue;
        struct layer_source *source = &out[n++];
        *source = (struct layer_source){.count = MIN(groups[g].count, (size_t)LAYER_ENCODINGS_MAX)};
        for (size_t e = 0; e < source->count; e++)
            source->encoding[e].ssrc = groups[g].ssrcs[e];
    }
    for (size_t g = 0; g < group_count; g++) {
        if (!is_pair(&groups[g]))
            continue;
        struct layer_ssrcs *encoding = find_encoding(out, n, groups[g].ssrcs[0]);
        if (encoding)
            encoding->rtx = groups[g].ssrcs[1];
        else
            n = add_single(out, n, max, groups[g].ssrcs[0], groups[g].ssrcs[1]);
    }
    for (size_t i = 0; i < count; i++)
        if (!is_placed(out, n, ssrcs[i]) && !is_repair(groups, group_count, ssrcs[i]))
            n = add_single(out, n, max, ssrcs[i], 0);
    return n;
}

/* ---- what is being sent ---- */

static const float nominal_framerate[LAYER_TIDS] = {7.5f, 15, 30};

static void set_nominal(struct layers *layers)
{
    for (unsigned e = 0; e < LAYER_ENCODINGS_MAX; e++)
        layers->encoding[e].height = 180 << e;
}

void layers_init(struct layers *layers, size_t encoding_count)
{
    memset(layers, 0, sizeof *layers);
    layers->count = (uint8_t)MAX(1u, MIN(encoding_count, (size_t)LAYER_ENCODINGS_MAX));
    layers->codec = CODEC_OTHER;
    set_nominal(layers);
    for (unsigned e = 0; e < LAYER_ENCODINGS_MAX; e++)
        for (unsigned t = 0; t < LAYER_TIDS; t++)
            rate_init(&layers->encoding[e].rate[t]);
}

bool layers_on_packet(struct layers *layers, const struct media_pkt *in, uint64_t now_us)
{
    if (in->encoding >= layers->count)
        return false;
    bool changed = !layers->encoding[in->encoding].awake;
    layers->encoding[in->encoding].awake = true;
    if (in->codec != layers->codec) {
        layers->codec = in->codec;
        set_nominal(layers);
        changed = true;
    }
    unsigned tid = 0;
    if (in->codec == CODEC_VP8) {
        tid = MIN(in->vp8.tid, LAYER_TIDS - 1u);
        int height = MIN(in->vp8.width, in->vp8.height);
        if (height > 0 && height != layers->encoding[in->encoding].height) {
            layers->encoding[in->encoding].height = height;
            changed = true;
        }
    }
    rate_add(&layers->encoding[in->encoding].rate[tid], now_us, (uint32_t)in->payload_at + in->payload_len);
    return changed;
}

size_t layers_describe(struct layers *layers, uint64_t now_us, struct layer out[LAYERS_MAX])
{
    size_t n = 0;
    for (unsigned e = 0; e < layers->count; e++) {
        uint64_t bitrate_bps = 0;
        for (unsigned t = 0; t < LAYER_TIDS; t++) {
            bitrate_bps += 8 * rate_per_s(&layers->encoding[e].rate[t], now_us);
            out[n++] = (struct layer){
                .index = layer_index((int)e, 0, (int)t),
                .height = layers->encoding[e].height,
                .framerate = nominal_framerate[t],
                .bitrate_bps = bitrate_bps,
            };
        }
        layers->encoding[e].awake = bitrate_bps > 0;
    }
    return n;
}
