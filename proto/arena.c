/* arena.c - blocks that double in size, chained for the one walk at the end; see arena.h. */
#include "proto/arena.h"

#include <stdlib.h>

enum { FIRST_BLOCK = 1024, LARGEST_STEP = 256 * 1024 };

struct arena_block {
    struct arena_block *before;
    size_t used, cap;
    _Alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *arena)
{
    arena->last = NULL;
}

void arena_done(struct arena *arena)
{
    while (arena->last) {
        struct arena_block *block = arena->last;
        arena->last = block->before;
        explicit_bzero(block->bytes, block->used); /* passwords and URLs with passwords */
        free(block);
    }
}

static struct arena_block *block_for(struct arena *arena, size_t need)
{
    size_t cap = arena->last ? MIN(arena->last->cap * 2, (size_t)LARGEST_STEP) : FIRST_BLOCK;
    cap = MAX(cap, need);
    struct arena_block *block = calloc(1, sizeof *block + cap);
    if (!block)
        abort(); /* out of memory off the packet path: nothing sensible is left to do */
    block->cap = cap;
    block->before = arena->last;
    arena->last = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t need;
    if (__builtin_mul_overflow(count, size, &need) || need > SIZE_MAX / 2)
        abort(); /* counts come from trees in memory, so this cannot be input */
    struct arena_block *block = arena->last;
    size_t align = _Alignof(max_align_t);
    need = (need + align - 1) / align * align;
    if (!block || block->cap - block->used < need)
        block = block_for(arena, need);
    void *at = block->bytes + block->used;
    block->used += need;
    return at;
}

char *arena_str(struct arena *arena, const char *s)
{
    return s ? arena_strn(arena, s, strlen(s)) : NULL;
}

char *arena_strn(struct arena *arena, const char *s, size_t n)
{
    char *copy = arena_alloc(arena, n + 1, 1);
    memcpy(copy, s, n);
    return copy;
}
