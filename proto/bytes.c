/* bytes.c - cursors; see bytes.h. */
#include "proto/bytes.h"

bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_eq_consttime(struct bytes a, struct bytes b)
{
    if (a.n != b.n)
        return false;
    uint8_t diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff |= a.p[i] ^ b.p[i];
    return diff == 0;
}

struct rd rd_over(struct bytes in)
{
    static const uint8_t nothing[1];
    const uint8_t *p = in.p ? in.p : nothing;
    return (struct rd){.base = p, .pos = p, .end = p + in.n};
}

enum err rd_fail(struct rd *r, enum err err, const char *what)
{
    if (r->err == E_OK) {
        r->err = err;
        r->what = what;
    }
    return r->err;
}

static const uint8_t *take(struct rd *r, size_t n, const char *what)
{
    if (r->err != E_OK)
        return NULL;
    if ((size_t)(r->end - r->pos) < n) {
        rd_fail(r, E_SHORT, what);
        return NULL;
    }
    const uint8_t *p = r->pos;
    r->pos += n;
    return p;
}

uint8_t rd_u8(struct rd *r, const char *what)
{
    const uint8_t *p = take(r, 1, what);
    return p ? p[0] : 0;
}

uint16_t rd_u16(struct rd *r, const char *what)
{
    const uint8_t *p = take(r, 2, what);
    return p ? get_u16(p) : 0;
}

uint32_t rd_u24(struct rd *r, const char *what)
{
    const uint8_t *p = take(r, 3, what);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

uint32_t rd_u32(struct rd *r, const char *what)
{
    const uint8_t *p = take(r, 4, what);
    return p ? get_u32(p) : 0;
}

uint64_t rd_u64(struct rd *r, const char *what)
{
    const uint8_t *p = take(r, 8, what);
    return p ? (uint64_t)get_u32(p) << 32 | get_u32(p + 4) : 0;
}

struct bytes rd_bytes(struct rd *r, size_t n, const char *what)
{
    const uint8_t *p = take(r, n, what);
    return p ? bytes_of(p, n) : bytes_of(NULL, 0);
}

struct bytes rd_rest(struct rd *r)
{
    return rd_bytes(r, rd_left(r), "rest");
}

struct rd rd_sub(struct rd *r, size_t n, const char *what)
{
    struct rd sub = rd_over(rd_bytes(r, n, what));
    sub.err = r->err;
    sub.what = r->what;
    return sub;
}

struct wr wr_over(void *buf, size_t cap)
{
    return (struct wr){.base = buf, .pos = buf, .end = (uint8_t *)buf + cap};
}

static uint8_t *room(struct wr *w, size_t n)
{
    if (w->err != E_OK)
        return NULL;
    if ((size_t)(w->end - w->pos) < n) {
        w->err = E_NOSPACE;
        return NULL;
    }
    uint8_t *p = w->pos;
    w->pos += n;
    return p;
}

void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *p = room(w, 1);
    if (p)
        *p = v;
}

void wr_u16(struct wr *w, uint16_t v)
{
    uint8_t *p = room(w, 2);
    if (p)
        put_u16(p, v);
}

void wr_u24(struct wr *w, uint32_t v)
{
    uint8_t *p = room(w, 3);
    if (p) {
        p[0] = (uint8_t)(v >> 16);
        put_u16(p + 1, (uint16_t)v);
    }
}

void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *p = room(w, 4);
    if (p)
        put_u32(p, v);
}

void wr_u64(struct wr *w, uint64_t v)
{
    uint8_t *p = room(w, 8);
    if (p) {
        put_u32(p, (uint32_t)(v >> 32));
        put_u32(p + 4, (uint32_t)v);
    }
}

void wr_bytes(struct wr *w, struct bytes b)
{
    uint8_t *p = room(w, b.n);
    if (p && b.n)
        memcpy(p, b.p, b.n);
}

void wr_zeros(struct wr *w, size_t n)
{
    uint8_t *p = room(w, n);
    if (p)
        memset(p, 0, n);
}

void wr_u16_at(struct wr *w, size_t at, uint16_t v)
{
    if (w->err != E_OK)
        return;
    if (at + 2 > wr_len(w))
        w->err = E_NOSPACE;
    else
        put_u16(w->base + at, v);
}
