/* red.h - redundant audio data (RFC 2198): block headers, then the blocks in the same order, the primary last.
 *
 * Says whether a payload is well formed and where each block lies. What to do with it: media.md 9.6. Thread: any. */
#ifndef PROTO_RED_H
#define PROTO_RED_H

#include "proto/bytes.h"

enum { RED_BLOCKS_MAX = 8, RED_OFFSET_MAX = 16383, RED_LEN_MAX = 1023 };

struct red_block {
    struct bytes data;
    uint16_t ts_offset; /* primary's timestamp minus this block's; 0 for the primary */
    uint8_t pt;
};
struct red_view {
    struct red_block block[RED_BLOCKS_MAX];
    size_t count; /* at least 1; block[count - 1] is the primary */
};

/* Errors: E_SHORT (headers or blocks run over the payload), E_LIMIT (more than RED_BLOCKS_MAX blocks). A redundant
 * block may be empty, the primary too. On error *v is all zero. */
enum err red_parse(struct rd *r, struct red_view *v);
void red_write(struct wr *w, const struct red_view *v); /* w->err: E_NOSPACE, or E_FORMAT if a field does not fit */

static inline const struct red_block *red_primary(const struct red_view *v)
{
    return &v->block[v->count - 1];
}

#endif
