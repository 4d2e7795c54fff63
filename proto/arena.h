/* arena.h - memory for one parsed message: many small pieces, given back together.
 *
 * Everything from an arena is zeroed and lives until arena_done. Owner: the arena owns all it hands out. Thread: one
 * at a time. Allocation failure aborts: this is for the control plane, never for the packet path. Secrets: arena_done
 * wipes what it frees. */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include "proto/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *last;
};

void arena_init(struct arena *arena);
void arena_done(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t count, size_t size); /* zeroed, aligned for any type; count 0 is fine */
char *arena_str(struct arena *arena, const char *s);               /* a copy; NULL gives NULL */
char *arena_strn(struct arena *arena, const char *s, size_t n);    /* the first n characters and a NUL */

#define ARENA_NEW(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

#endif
