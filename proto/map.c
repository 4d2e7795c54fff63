/* map.c - open addressing with linear probing and backward-shift deletion; see map.h. */
#include "proto/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t sip_key[2];

static void make_key(void)
{
    if (getrandom(sip_key, sizeof sip_key, 0) != sizeof sip_key)
        abort(); /* no entropy at start: nothing else would be safe either */
}

static inline uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

uint64_t map_hash(struct bytes key) /* Aumasson and Bernstein, SipHash-2-4 */
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    uint64_t v[4] = {sip_key[0] ^ 0x736f6d6570736575ull, sip_key[1] ^ 0x646f72616e646f6dull,
                     sip_key[0] ^ 0x6c7967656e657261ull, sip_key[1] ^ 0x7465646279746573ull};
    size_t i = 0;
    for (; i + 8 <= key.n; i += 8) {
        uint64_t m;
        memcpy(&m, key.p + i, 8);
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = (uint64_t)key.n << 56;
    if (key.n > i)
        memcpy(&last, key.p + i, key.n - i);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int r = 0; r < 4; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_of(struct bytes key)
{
    uint64_t h = map_hash(key);
    return h ? h : 1; /* 0 marks a free entry */
}

static const uint8_t *entry_key(const struct map_entry *e)
{
    return e->key_heap ? e->key_heap : e->key_inline;
}

static struct map_entry *find(const struct map *map, struct bytes key, uint64_t hash)
{
    if (map->cap == 0)
        return NULL;
    for (size_t i = hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
        struct map_entry *e = &map->entries[i];
        if (e->hash == 0)
            return NULL;
        if (e->hash == hash && bytes_eq(bytes_of(entry_key(e), e->key_len), key))
            return e;
    }
}

static struct map_entry *free_entry(struct map_entry *entries, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);
    while (entries[i].hash != 0)
        i = (i + 1) & (cap - 1);
    return &entries[i];
}

static void *need(void *p)
{
    if (!p)
        abort(); /* out of memory off the packet path: nothing sensible is left to do */
    return p;
}

static void grow(struct map *map)
{
    size_t cap = map->cap ? map->cap * 2 : 8;
    struct map_entry *entries = need(calloc(cap, sizeof *entries));
    for (size_t i = 0; i < map->cap; i++)
        if (map->entries[i].hash)
            *free_entry(entries, cap, map->entries[i].hash) = map->entries[i];
    free(map->entries);
    map->entries = entries;
    map->cap = cap;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        free(map->entries[i].key_heap);
    free(map->entries);
    map_init(map);
}

void *map_get(const struct map *map, struct bytes key)
{
    struct map_entry *e = find(map, key, hash_of(key));
    return e ? e->value : NULL;
}

void *map_put(struct map *map, struct bytes key, void *value)
{
    uint64_t hash = hash_of(key);
    struct map_entry *e = find(map, key, hash);
    if (e) {
        void *old = e->value;
        e->value = value;
        return old;
    }
    if ((map->count + 1) * 4 > map->cap * 3)
        grow(map);
    e = free_entry(map->entries, map->cap, hash);
    *e = (struct map_entry){.hash = hash, .value = value, .key_len = (uint32_t)key.n};
    if (key.n > sizeof e->key_inline)
        e->key_heap = need(malloc(key.n));
    if (key.n)
        memcpy(e->key_heap ? e->key_heap : e->key_inline, key.p, key.n);
    map->count++;
    return NULL;
}

void *map_del(struct map *map, struct bytes key)
{
    struct map_entry *e = find(map, key, hash_of(key));
    if (!e)
        return NULL;
    void *old = e->value;
    free(e->key_heap);
    size_t mask = map->cap - 1, hole = (size_t)(e - map->entries);
    for (size_t i = (hole + 1) & mask; map->entries[i].hash; i = (i + 1) & mask) {
        size_t home = map->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) { /* may move back without passing its home */
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole] = (struct map_entry){0};
    map->count--;
    return old;
}

void *map_next(const struct map *map, size_t *at)
{
    while (*at < map->cap) {
        struct map_entry *e = &map->entries[(*at)++];
        if (e->hash)
            return e->value;
    }
    return NULL;
}
