/* bytes.h - bounds-checked cursors for reading and writing network byte order.
 *
 * The first failure sticks: later reads return 0 and change nothing, so a parser reads like the RFC's diagram and
 * checks r->err once at the end. `what` is the name of the field that failed, a string literal.
 * Owner: cursors and views point into the caller's bytes and own nothing. Thread: any. */
#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/param.h> /* MIN, MAX: libuv's header brings them too */

#include "proto/err.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

struct bytes { /* a view: n bytes that somebody else owns */
    const uint8_t *p;
    size_t n;
};

static inline struct bytes bytes_of(const void *p, size_t n)
{
    return (struct bytes){p, n};
}
static inline struct bytes bytes_str(const char *s) /* without the final NUL */
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_eq_consttime(struct bytes a, struct bytes b); /* for secrets and digests */

struct rd {
    const uint8_t *base, *pos, *end;
    enum err err;
    const char *what;
};

struct rd rd_over(struct bytes in);
enum err rd_fail(struct rd *r, enum err err, const char *what); /* keeps the first failure; returns r->err */
uint8_t rd_u8(struct rd *r, const char *what);
uint16_t rd_u16(struct rd *r, const char *what);
uint32_t rd_u24(struct rd *r, const char *what);
uint32_t rd_u32(struct rd *r, const char *what);
uint64_t rd_u64(struct rd *r, const char *what);
struct bytes rd_bytes(struct rd *r, size_t n, const char *what); /* {NULL, 0} on failure */
struct bytes rd_rest(struct rd *r);                              /* all that is left; {NULL, 0} after a failure */
struct rd rd_sub(struct rd *r, size_t n, const char *what);      /* a cursor of its own over the next n bytes */
static inline size_t rd_left(const struct rd *r)
{
    return r->err == E_OK ? (size_t)(r->end - r->pos) : 0;
}

struct wr {
    uint8_t *base, *pos, *end;
    enum err err; /* E_NOSPACE once something did not fit; nothing is written after that */
};

struct wr wr_over(void *buf, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u24(struct wr *w, uint32_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, struct bytes b);
void wr_zeros(struct wr *w, size_t n);
void wr_u16_at(struct wr *w, size_t at, uint16_t v); /* overwrites bytes already written; out of range: E_NOSPACE */
static inline size_t wr_len(const struct wr *w)
{
    return (size_t)(w->pos - w->base);
}
static inline struct bytes wr_done(const struct wr *w) /* {base, 0} after a failure */
{
    return (struct bytes){w->base, w->err == E_OK ? wr_len(w) : 0};
}

/* Unchecked access for hot paths that have checked the length already. */
static inline uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

#endif
