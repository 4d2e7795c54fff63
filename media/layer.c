/* layer.c - see layer.h. */
#include "media/layer.h"

#define SLOW_PAUSE_US    MS(500)
#define SLOW_PICTURE_US  MS(300) /* a large one takes its time on a narrow link */
#define SLOW_HOLD_MAX_US SEC(15)

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

static void set_nominal(struct layers *layers)
{
    static const float framerate[LAYER_TIDS] = {7.5f, 15, 30};
    for (unsigned e = 0; e < LAYER_ENCODINGS_MAX; e++) {
        struct layer_encoding_state *state = &layers->encoding[e];
        state->sids = 1;
        memset(state->of_sid, 0, sizeof state->of_sid);
        state->active = 0;
        state->seen = state->stacked = state->paced = false;
        memset(state->target_kbps, 0, sizeof state->target_kbps);
        for (unsigned s = 0; s < LAYER_SIDS; s++)
            state->height[s] = 180 << (e + s);
        memcpy(state->framerate, framerate, sizeof framerate);
    }
}

void layers_init(struct layers *layers, size_t encoding_count)
{
    memset(layers, 0, sizeof *layers);
    layers->count = (uint8_t)MAX(1u, MIN(encoding_count, (size_t)LAYER_ENCODINGS_MAX));
    layers->codec = CODEC_OTHER;
    set_nominal(layers);
    for (unsigned e = 0; e < LAYER_ENCODINGS_MAX; e++)
        for (unsigned i = 0; i < LAYER_SIDS * LAYER_TIDS; i++)
            rate_init(&layers->encoding[e].flow[i / LAYER_TIDS][i % LAYER_TIDS].rate);
}

static bool set_height(struct layer_encoding_state *state, unsigned sid, int width, int height)
{
    int least = MIN(width, height);
    if (least <= 0 || state->height[sid] == least)
        return false;
    state->height[sid] = least;
    return true;
}

static bool on_vp8(struct layer_encoding_state *state, const struct media_pkt *in, unsigned *tid)
{
    *tid = in->vp8.tid;
    return set_height(state, 0, in->vp8.width, in->vp8.height);
}

/* media.md 11.2: of the pictures of a group, those up to a temporal layer make its frame rate. */
static bool set_framerates(struct layer_encoding_state *state, const struct vp9_ss *ss)
{
    bool changed = false;
    for (unsigned t = 0; !state->paced && ss->pictures && t < LAYER_TIDS; t++) {
        unsigned count = 0;
        for (unsigned i = 0; i < ss->pictures; i++)
            count += ss->picture[i].tid <= t;
        float framerate = 30.0f * (float)count / (float)ss->pictures;
        changed |= framerate > state->framerate[t] || framerate < state->framerate[t];
        state->framerate[t] = framerate;
    }
    return changed;
}

static bool on_vp9(struct layer_encoding_state *state, const struct media_pkt *in, unsigned *sid, unsigned *tid)
{
    const struct vp9_desc *desc = &in->vp9;
    *sid = desc->sid;
    *tid = desc->tid;
    if (desc->sid > 0 && desc->inter)
        state->stacked = desc->inter_layer;
    if (!desc->ss_at)
        return false;
    struct vp9_ss ss;
    vp9_ss_parse(media_pkt_payload(in), desc, &ss);
    uint8_t sids = MIN(ss.sids, LAYER_SIDS);
    bool changed = state->sids != sids;
    state->sids = sids;
    for (unsigned s = 0; s < sids; s++)
        changed |= set_height(state, s, ss.width[s], ss.height[s]);
    return set_framerates(state, &ss) || changed;
}

static bool note_structure(struct layer_encoding_state *state, const struct media_pkt *in)
{
    struct dd_structure s;
    struct dd_desc desc;
    struct dd_targets targets;
    if (dd_parse(media_pkt_dd(in), NULL, &s, &desc) != E_OK || !desc.has_structure)
        return false;
    dd_targets_of(&s, &targets);
    memset(state->of_sid, 0, sizeof state->of_sid);
    for (unsigned t = 0; t < targets.count; t++)
        state->of_sid[MIN(targets.sid[t], LAYER_SIDS - 1)] |= 1u << t;
    bool changed = false;
    for (unsigned i = 0; s.has_sizes && i < s.sid_count && i < LAYER_SIDS; i++)
        changed |= set_height(state, i, s.width[i] + 1, s.height[i] + 1);
    unsigned full = dd_rate_share(&s, DD_TIDS_MAX);
    for (unsigned t = 0; !state->paced && full && t < LAYER_TIDS; t++) {
        float framerate = 30.0f * (float)dd_rate_share(&s, t < LAYER_TIDS - 1 ? t : DD_TIDS_MAX) / (float)full;
        changed |= framerate > state->framerate[t] || framerate < state->framerate[t];
        state->framerate[t] = framerate;
    }
    return changed;
}

static bool on_dd(struct layer_encoding_state *state, const struct media_pkt *in, unsigned *sid, unsigned *tid)
{
    const struct dd_desc *desc = &in->dd;
    if (!desc->known)
        return false;
    *sid = desc->sid;
    *tid = desc->tid;
    bool changed = desc->has_structure && note_structure(state, in);
    if (desc->sid == 0 && desc->fdiff_count > 0) { /* not of a key picture: do upper layers need the base? */
        uint32_t in_targets = 0;
        for (unsigned t = 0; t < desc->target_count; t++)
            in_targets |= (uint32_t)(dd_dti_of(desc->dti, t) != DD_NOT_PRESENT) << t;
        state->stacked = (in_targets & ~state->of_sid[0]) != 0;
    }
    if (in->late || (!desc->has_structure && desc->active == state->active))
        return changed;
    state->active = desc->active;
    uint8_t sids = 1;
    for (unsigned s = 1; s < LAYER_SIDS; s++)
        if (state->of_sid[s] & desc->active)
            sids = (uint8_t)(s + 1);
    changed |= sids != state->sids;
    state->sids = sids;
    return changed;
}

/* Pauses with a picture each between them make a slow source; one alone may be a layer that was off for a while. */
static bool is_slow(const struct layer_flow *flow)
{
    return flow->pauses >= 2;
}

static void flow_add(struct layer_flow *flow, uint64_t now_us, uint32_t len_bytes)
{
    if (flow->newest_us && now_us >= flow->newest_us + SLOW_PAUSE_US) {
        flow->pauses = (uint8_t)MIN(flow->pauses + 1, 2);
        flow->gap_us = now_us - flow->burst_us;
        flow->last_bytes = flow->burst_bytes;
        flow->burst_bytes = 0;
        flow->burst_us = now_us;
    } else if (now_us >= flow->burst_us + SLOW_PICTURE_US) {
        flow->pauses = 0;
    }
    flow->burst_bytes += len_bytes;
    flow->newest_us = now_us;
    rate_add(&flow->rate, now_us, len_bytes);
}

/* 0: silent. A slow source has its rate over whole distances of its pictures, else it would be idle or a flood by turns. */
static uint64_t flow_bps(struct layer_flow *flow, uint64_t now_us)
{
    if (is_slow(flow) && now_us < flow->newest_us + MIN(flow->gap_us * 5 / 2, SLOW_HOLD_MAX_US))
        return MAX(flow->burst_bytes, flow->last_bytes) * 8 * US_PER_S / MAX(flow->gap_us, US_PER_S);
    return 8 * rate_per_s(&flow->rate, now_us);
}

static bool on_codec(struct layers *layers, uint8_t codec)
{
    bool changed = codec != layers->codec;
    if (changed)
        set_nominal(layers);
    layers->codec = codec;
    return changed;
}

/* Temporal layers that a sender does not have are empty: they are as good as its highest. Each has twice the frames of the
 * one below. */
static bool on_vla_layer(struct layer_encoding_state *state, const struct rtp_vla_layer *in)
{
    unsigned highest = in->temporal_count - 1u;
    for (unsigned t = 0; t < LAYER_TIDS; t++) {
        unsigned tid = MIN(t, highest);
        state->target_kbps[in->spatial][t] = in->target_kbps[tid];
        if (in->fps)
            state->framerate[t] = (float)in->fps / (float)(1u << (highest - tid));
    }
    state->paced |= in->fps > 0;
    return set_height(state, in->spatial, in->width, in->height);
}

bool layers_on_vla(struct layers *layers, uint8_t codec, const struct rtp_vla *vla)
{
    bool changed = on_codec(layers, codec);
    for (unsigned e = 0; e < layers->count; e++)
        memset(layers->encoding[e].target_kbps, 0, sizeof layers->encoding[e].target_kbps);
    for (unsigned i = 0; i < vla->layer_count; i++) {
        const struct rtp_vla_layer *in = &vla->layers[i];
        if (in->stream < layers->count && in->spatial < LAYER_SIDS)
            changed |= on_vla_layer(&layers->encoding[in->stream], in);
    }
    return changed;
}

bool layers_on_packet(struct layers *layers, const struct media_pkt *in, uint64_t now_us)
{
    if (in->encoding >= layers->count)
        return false;
    bool changed = on_codec(layers, in->codec);
    struct layer_encoding_state *state = &layers->encoding[in->encoding];
    state->seen = true;
    unsigned sid = 0, tid = 0;
    if (in->has_dd)
        changed |= on_dd(state, in, &sid, &tid);
    else if (in->codec == CODEC_VP8)
        changed |= on_vp8(state, in, &tid);
    else if (in->codec == CODEC_VP9)
        changed |= on_vp9(state, in, &sid, &tid);
    sid = MIN(sid, state->sids - 1u);
    tid = MIN(tid, LAYER_TIDS - 1u);
    changed |= !(state->awake >> sid & 1);
    state->awake |= (uint8_t)(1u << sid);
    flow_add(&state->flow[sid][tid], now_us, (uint32_t)in->payload_at + in->payload_len);
    return changed;
}

static size_t describe(struct layer_encoding_state *state, int e, bool by_targets, uint64_t now_us, struct layer *out)
{
    size_t n = 0;
    uint64_t below_bps[LAYER_TIDS] = {0}; /* of the spatial layers that this one needs */
    for (unsigned s = 0; s < state->sids; s++) {
        uint64_t own_bps = 0;
        for (unsigned t = 0; t < LAYER_TIDS; t++) {
            own_bps += flow_bps(&state->flow[s][t], now_us);
            bool sent = own_bps > 0; /* what is missing cannot be had with the layers below */
            uint32_t target_kbps = by_targets ? state->target_kbps[s][t] : 0;
            out[n++] = (struct layer){
                .index = layer_index(e, (int)s, (int)t),
                .height = state->height[s],
                .framerate = state->framerate[t],
                .bitrate_bps = target_kbps ? 1000ull * target_kbps
                               : sent      ? own_bps + below_bps[t]
                                           : 0,
                .sent = sent,
            };
            if (state->stacked)
                below_bps[t] += own_bps;
        }
        if (!own_bps)
            state->awake &= (uint8_t) ~(1u << s);
    }
    return n;
}

static bool is_svc(const struct layers *layers)
{
    for (unsigned e = 0; e < layers->count; e++)
        if (layers->encoding[e].seen && (layers->encoding[e].sids > 1 || layers->encoding[e].of_sid[1]))
            return true;
    return false;
}

size_t layers_describe(struct layers *layers, uint64_t now_us, struct layer out[LAYERS_MAX])
{
    size_t n = 0;
    bool svc = is_svc(layers);
    for (unsigned e = 0; e < layers->count; e++)
        if (layers->encoding[e].seen || !svc)
            n += describe(&layers->encoding[e], (int)e, layers->by_targets, now_us, out + n);
    return n;
}
