/* map.h - hash map from bytes to a pointer, keyed with SipHash-2-4 because keys are chosen by strangers.
 *
 * Owner: keys are copied, values belong to the caller. Thread: one at a time. Allocation: map_put may allocate;
 * map_get and map_del never do. Open addressing, so pointers to entries are never handed out. */
#ifndef PROTO_MAP_H
#define PROTO_MAP_H

#include "proto/bytes.h"

struct map_entry {
    uint64_t hash; /* 0: free */
    void *value;
    uint32_t key_len;
    uint8_t key_inline[24];
    uint8_t *key_heap; /* for keys longer than key_inline */
};

struct map {
    struct map_entry *entries;
    size_t cap, count; /* cap: 0 or a power of two */
};

void map_init(struct map *map);
void map_done(struct map *map); /* frees the table, not the values */
void *map_get(const struct map *map, struct bytes key);
void *map_put(struct map *map, struct bytes key, void *value); /* returns the value replaced, or NULL; value not NULL */
void *map_del(struct map *map, struct bytes key);              /* returns the value removed, or NULL */

static inline void *map_get_str(const struct map *map, const char *key)
{
    return map_get(map, bytes_str(key));
}
static inline void *map_get_u32(const struct map *map, uint32_t key)
{
    return map_get(map, bytes_of(&key, sizeof key));
}
static inline void *map_put_u32(struct map *map, uint32_t key, void *value)
{
    return map_put(map, bytes_of(&key, sizeof key), value);
}
static inline void *map_del_u32(struct map *map, uint32_t key)
{
    return map_del(map, bytes_of(&key, sizeof key));
}

/* for (void *v; (v = map_next(&map, &at)); ) with size_t at = 0 before; do not put or delete meanwhile */
void *map_next(const struct map *map, size_t *at);

uint64_t map_hash(struct bytes key); /* SipHash-2-4 with the process's random key */

#endif
