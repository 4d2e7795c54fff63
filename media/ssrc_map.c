/* ssrc_map.c - see ssrc_map.h. A table of at most 50 rows, searched from end to end. */
#include "media/ssrc_map.h"

#include <stdlib.h>

struct ssrc_map {
    ssrc_map_fresh *fresh;
    void *ctx;
    size_t limit, count;
    struct ssrc_slot slot[];
};

struct ssrc_map *ssrc_map_new(size_t limit, ssrc_map_fresh *fresh, void *ctx)
{
    struct ssrc_map *map = calloc(1, sizeof *map + limit * sizeof map->slot[0]);
    if (!map)
        abort();
    map->limit = limit;
    map->fresh = fresh;
    map->ctx = ctx;
    return map;
}

void ssrc_map_free(struct ssrc_map *map)
{
    free(map);
}

static uint32_t fresh_ssrc(struct ssrc_map *map)
{
    for (;;) {
        uint32_t ssrc = map->fresh(map->ctx);
        if (ssrc != 0 && !ssrc_map_by_ssrc(map, ssrc))
            return ssrc;
    }
}

static struct ssrc_slot *slot_of(struct ssrc_map *map, const struct ssrc_source *source)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->slot[i].source == source)
            return &map->slot[i];
    return NULL;
}

static struct ssrc_slot *add_slot(struct ssrc_map *map)
{
    struct ssrc_slot *slot = &map->slot[map->count];
    uint32_t ssrc = fresh_ssrc(map), rtx = fresh_ssrc(map);
    while (rtx == ssrc)
        rtx = fresh_ssrc(map);
    *slot = (struct ssrc_slot){.ssrc = ssrc, .rtx = rtx, .at = (uint16_t)map->count++};
    return slot;
}

/* Whether a is the better one to give away: not one in use this very moment, rather one that has settled, then the one
 * used longer ago. */
static bool better_victim(const struct ssrc_slot *a, const struct ssrc_slot *b, uint64_t now_us)
{
    if ((a->used_us == now_us) != (b->used_us == now_us))
        return b->used_us == now_us;
    bool a_settled = now_us - a->mapped_us >= SSRC_MAP_SETTLE_US,
         b_settled = now_us - b->mapped_us >= SSRC_MAP_SETTLE_US;
    if (a_settled != b_settled)
        return a_settled;
    return a->used_us < b->used_us;
}

/* A slot for a new source: without source (a reused mid keeps the client's session short), new, or taken away. */
static struct ssrc_slot *free_slot(struct ssrc_map *map, uint64_t now_us)
{
    struct ssrc_slot *slot = slot_of(map, NULL);
    if (slot)
        return slot;
    if (map->count < map->limit)
        return add_slot(map);
    for (size_t i = 0; i < map->count; i++)
        if (!slot || better_victim(&map->slot[i], slot, now_us))
            slot = &map->slot[i];
    return slot;
}

struct ssrc_slot *ssrc_map_find(struct ssrc_map *map, const struct ssrc_source *source, uint64_t now_us)
{
    struct ssrc_slot *slot = source ? slot_of(map, source) : NULL;
    if (slot)
        ssrc_map_touch(slot, now_us);
    return slot;
}

struct ssrc_slot *ssrc_map_use(struct ssrc_map *map, const struct ssrc_source *source, uint64_t now_us)
{
    struct ssrc_slot *slot = ssrc_map_find(map, source, now_us);
    if (slot || !source)
        return slot;
    slot = free_slot(map, now_us);
    if (!slot)
        return NULL; /* a limit of 0 */
    slot->source = source;
    slot->generation++;
    slot->changed = true;
    slot->mapped_us = slot->used_us = now_us;
    return slot;
}

bool ssrc_map_want(struct ssrc_map *map, const struct ssrc_source *const *sources, size_t count, uint64_t now_us)
{
    count = MIN(count, map->limit);
    bool changed = false;
    for (size_t i = 0; i < count; i++)
        ssrc_map_find(map, sources[i], now_us);
    for (size_t i = 0; i < count; i++) {
        bool had = slot_of(map, sources[i]) != NULL;
        changed |= ssrc_map_use(map, sources[i], now_us) && !had;
    }
    return changed;
}

const struct ssrc_slot *ssrc_map_poll(struct ssrc_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        if (!map->slot[i].changed)
            continue;
        map->slot[i].changed = false;
        if (map->slot[i].source)
            return &map->slot[i];
    }
    return NULL;
}

void ssrc_map_announce_all(struct ssrc_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        map->slot[i].changed = map->slot[i].source != NULL;
}

void ssrc_map_forget(struct ssrc_map *map, const struct ssrc_source *source)
{
    struct ssrc_slot *slot = source ? slot_of(map, source) : NULL;
    if (slot)
        slot->source = NULL;
}

struct ssrc_slot *ssrc_map_by_ssrc(struct ssrc_map *map, uint32_t ssrc)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->slot[i].ssrc == ssrc || map->slot[i].rtx == ssrc)
            return &map->slot[i];
    return NULL;
}

size_t ssrc_map_count(const struct ssrc_map *map)
{
    return map->count;
}
