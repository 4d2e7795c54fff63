/* bits.h - a bit cursor for codec descriptors; same rules as struct rd: the first failure sticks. */
#ifndef PROTO_BITS_H
#define PROTO_BITS_H

#include "proto/bytes.h"

struct bits {
    struct bytes in;
    size_t at; /* in bits */
    enum err err;
    const char *what;
};

static inline struct bits bits_over(struct bytes in)
{
    return (struct bits){.in = in};
}

static inline uint32_t bits_u(struct bits *b, unsigned count, const char *what) /* count: 0 to 32, big endian */
{
    if (b->err != E_OK)
        return 0;
    if (count > 32 || b->in.n * 8 - b->at < count) {
        b->err = E_SHORT;
        b->what = what;
        return 0;
    }
    uint32_t v = 0;
    for (unsigned i = 0; i < count; i++, b->at++)
        v = v << 1 | (b->in.p[b->at / 8] >> (7 - b->at % 8) & 1u);
    return v;
}

static inline bool bits_flag(struct bits *b, const char *what)
{
    return bits_u(b, 1, what) != 0;
}

static inline size_t bits_left(const struct bits *b)
{
    return b->err == E_OK ? b->in.n * 8 - b->at : 0;
}

#endif
