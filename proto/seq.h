/* seq.h - order and unwrapping of 16-bit sequence numbers and 32-bit timestamps (RFC 1982, RFC 3550 A.1). */
#ifndef PROTO_SEQ_H
#define PROTO_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline int16_t seq_diff(uint16_t a, uint16_t b) /* a - b on the circle */
{
    return (int16_t)(uint16_t)(a - b);
}
static inline bool seq_newer(uint16_t a, uint16_t b) /* a comes after b; 32768 apart counts as older */
{
    return seq_diff(a, b) > 0;
}
static inline int32_t ts_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}
static inline bool ts_newer(uint32_t a, uint32_t b)
{
    return ts_diff(a, b) > 0;
}

/* Widens 16-bit numbers to 64 bits, choosing the value nearest to the newest one seen. The first number maps to
 * itself + 65536, so that slightly older ones stay positive. */
struct seq_unwrap {
    int64_t newest; /* 0: nothing seen */
};
static inline int64_t seq_unwrap_peek(const struct seq_unwrap *u, uint16_t seq) /* without remembering */
{
    if (u->newest == 0)
        return (int64_t)seq + 65536;
    return u->newest + seq_diff(seq, (uint16_t)u->newest);
}
static inline int64_t seq_unwrap_next(struct seq_unwrap *u, uint16_t seq)
{
    int64_t wide = seq_unwrap_peek(u, seq);
    if (wide > u->newest)
        u->newest = wide;
    return wide;
}

#endif
