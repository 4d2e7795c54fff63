/* ssrc_hints.c - see ssrc_hints.h. */
#include "bridge/ssrc_hints.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "proto/map.h"

enum { PLACES = 1 << 16, WORKER_BITS = 10 }; /* as many workers as a ufrag can name */

struct ssrc_hints {
    _Atomic uint32_t places[PLACES]; /* 22 bits of the hash, and the worker; 0: empty */
};

struct ssrc_hints *ssrc_hints_new(void)
{
    struct ssrc_hints *hints = calloc(1, sizeof *hints);
    if (!hints)
        abort();
    return hints;
}

void ssrc_hints_free(struct ssrc_hints *hints)
{
    free(hints);
}

static uint32_t place_of(uint32_t ssrc, uint32_t *tag) /* the hash is keyed: places cannot be aimed at */
{
    uint64_t hash = map_hash(bytes_of(&ssrc, sizeof ssrc));
    *tag = ((uint32_t)(hash >> 32) | 1) << WORKER_BITS; /* never 0 */
    return (uint32_t)hash & (PLACES - 1);
}

void ssrc_hints_set(struct ssrc_hints *hints, uint32_t ssrc, unsigned worker)
{
    uint32_t tag, place = place_of(ssrc, &tag);
    atomic_store_explicit(&hints->places[place], tag | worker, memory_order_relaxed);
}

void ssrc_hints_clear(struct ssrc_hints *hints, uint32_t ssrc, unsigned worker)
{
    uint32_t tag, place = place_of(ssrc, &tag), mine = tag | worker;
    atomic_compare_exchange_strong_explicit(&hints->places[place], &mine, 0, memory_order_relaxed,
                                            memory_order_relaxed);
}

int ssrc_hints_find(const struct ssrc_hints *hints, uint32_t ssrc)
{
    uint32_t tag, place = place_of(ssrc, &tag);
    uint32_t found = atomic_load_explicit(&((struct ssrc_hints *)hints)->places[place], memory_order_relaxed);
    return (found & ~((1u << WORKER_BITS) - 1)) == tag ? (int)(found & ((1u << WORKER_BITS) - 1)) : -1;
}
