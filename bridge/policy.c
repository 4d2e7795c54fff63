/* policy.c - see policy.h. */
#include "bridge/policy.h"

static struct alloc_policy alloc_from(const struct config *cfg)
{
    return (struct alloc_policy){
        .initial_height = cfg->initial_max_height,
        .default_height = cfg->default_max_height,
        .stage_height = cfg->onstage_preferred_height,
        .stage_framerate = (float)cfg->onstage_preferred_framerate,
        .oversend = cfg->allow_oversend_onstage,
        .max_oversend_bps = (int64_t)MIN(cfg->max_oversend_bps, (uint64_t)INT64_MAX / 2),
        .run_again_us = cfg->max_between_allocations_us,
    };
}

/* The stock bridge counts requests per receiver and once more for all; ours gathers wishes into one request per source,
 * so that the longer of the two intervals rules. */
static struct keyframe_config keyframe_from(const struct config *cfg)
{
    struct keyframe_config out = keyframe_defaults;
    out.min_interval_us = MAX(cfg->keyframe_min_interval_us, cfg->keyframe_source_min_interval_us);
    if (cfg->keyframe_source_max_requests > 0)
        out.min_interval_us =
            MAX(out.min_interval_us, cfg->keyframe_source_window_us / (uint64_t)cfg->keyframe_source_max_requests);
    out.window_us = cfg->keyframe_window_us;
    out.max_requests = (uint8_t)MAX(1, MIN(cfg->keyframe_max_requests, KEYFRAME_REQUESTS_CAP));
    return out;
}

struct policy policy_from(const struct config *cfg)
{
    return (struct policy){alloc_from(cfg), keyframe_from(cfg)};
}

int policy_last_n(const struct config *cfg, size_t source_count)
{
    const struct config_size_limit *limit = NULL; /* of those that the conference has reached, the largest */
    for (size_t i = 0; i < cfg->size_limits_count; i++) {
        const struct config_size_limit *l = &cfg->size_limits[i];
        if ((size_t)l->size <= source_count && (!limit || l->size >= limit->size))
            limit = l;
    }
    int by_size = limit ? limit->last_n : ALLOC_NO_LAST_N;
    if (by_size < 0 || cfg->bridge_last_n < 0)
        return MAX(by_size, cfg->bridge_last_n);
    return MIN(by_size, cfg->bridge_last_n);
}
