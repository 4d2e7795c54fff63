/* json_walk.c - RFC 8259 by recursive descent, with a bound on the descent. */
#include "proto/json_walk.h"

#include <stdlib.h>

#include "proto/map.h"
#include "proto/utf8.h"

struct walk {
    const uint8_t *pos, *end;
    const struct json_limits *limits;
    size_t values;
    uint32_t objects; /* serial number of the newest object: names are unique per object */
    struct map seen;  /* key: serial number and unescaped name */
    uint8_t *key;     /* room for a serial number and the longest possible name */
    enum json_verdict verdict;
    json_member *on_member;
    void *ctx;
};

static bool fail(struct walk *w, enum json_verdict why)
{
    if (w->verdict == JSON_OK)
        w->verdict = why;
    return false;
}

static bool bad(struct walk *w)
{
    return fail(w, JSON_NOT_AN_OBJECT);
}

static void skip_blanks(struct walk *w)
{
    while (w->pos < w->end && (*w->pos == ' ' || *w->pos == '\t' || *w->pos == '\n' || *w->pos == '\r'))
        w->pos++;
}

static bool take(struct walk *w, char c)
{
    if (w->pos == w->end || *w->pos != (uint8_t)c)
        return false;
    w->pos++;
    return true;
}

static bool take_word(struct walk *w, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(w->end - w->pos) < n || memcmp(w->pos, word, n) != 0)
        return bad(w);
    w->pos += n;
    return true;
}

static bool take_digits(struct walk *w)
{
    const uint8_t *start = w->pos;
    while (w->pos < w->end && *w->pos >= '0' && *w->pos <= '9')
        w->pos++;
    return w->pos > start || bad(w);
}

static bool number(struct walk *w) /* RFC 8259 6 */
{
    take(w, '-');
    if (!take(w, '0') && !take_digits(w))
        return false;
    if (take(w, '.') && !take_digits(w))
        return false;
    if (take(w, 'e') || take(w, 'E')) {
        if (!take(w, '+'))
            take(w, '-');
        return take_digits(w);
    }
    return true;
}

static bool four_hex(struct walk *w, uint32_t *unit)
{
    if (w->end - w->pos < 4)
        return bad(w);
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = *w->pos++;
        uint32_t d;
        if (c >= '0' && c <= '9')
            d = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            d = (uint32_t)(c | 32) - 'a' + 10;
        else
            return bad(w);
        *unit = *unit << 4 | d;
    }
    return true;
}

/* After the backslash. A lone surrogate is legal JSON but has no UTF-8 form, and cJSON refuses it: so do we. */
static bool escape(struct walk *w, uint8_t *out, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (w->pos == w->end)
        return bad(w);
    uint8_t c = *w->pos++;
    if (c != 'u') {
        const char *at = c ? strchr(from, c) : NULL;
        if (!at)
            return bad(w);
        out[(*n)++] = (uint8_t)to[at - from];
        return true;
    }
    uint32_t unit, low;
    if (!four_hex(w, &unit))
        return false;
    if (unit >= 0xdc00 && unit < 0xe000)
        return bad(w);
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!take(w, '\\') || !take(w, 'u') || !four_hex(w, &low) || low < 0xdc00 || low >= 0xe000)
            return bad(w);
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    *n += utf8_put(out + *n, unit);
    return true;
}

/* Unescapes behind the serial number in w->key; *n is the length of the name. */
static bool string(struct walk *w, size_t *n)
{
    uint8_t *out = w->key + sizeof w->objects;
    *n = 0;
    if (!take(w, '"'))
        return bad(w);
    while (w->pos < w->end) {
        uint8_t c = *w->pos;
        if (c == '"') {
            w->pos++;
            return true;
        }
        if (c < 0x20)
            return bad(w);
        if (c == '\\') {
            w->pos++;
            if (!escape(w, out, n))
                return false;
            continue;
        }
        size_t len = utf8_len(w->pos, w->end);
        if (len == 0)
            return bad(w);
        memcpy(out + *n, w->pos, len);
        *n += len;
        w->pos += len;
    }
    return bad(w);
}

static bool value(struct walk *w, unsigned depth);

static bool member(struct walk *w, unsigned depth, uint32_t serial)
{
    const uint8_t *start = w->pos;
    size_t n;
    if (!string(w, &n))
        return false;
    memcpy(w->key, &serial, sizeof serial);
    uint8_t *name = w->key + sizeof serial;
    if (memchr(name, 0, n)) /* cJSON would see a shorter name, maybe one that is there already */
        return bad(w);
    if (map_put(&w->seen, bytes_of(w->key, sizeof serial + n), w))
        return fail(w, JSON_DUPLICATE);
    uint8_t *kept = NULL; /* the value's strings overwrite w->key */
    if (depth == 1 && w->on_member) {
        kept = malloc(n + 1);
        if (!kept)
            abort();
        memcpy(kept, name, n);
    }
    skip_blanks(w);
    bool ok = take(w, ':') ? value(w, depth) : bad(w);
    if (ok && kept)
        w->on_member(w->ctx, bytes_of(kept, n), bytes_of(start, (size_t)(w->pos - start)));
    free(kept);
    return ok;
}

static bool object(struct walk *w, unsigned depth)
{
    uint32_t serial = ++w->objects;
    skip_blanks(w);
    if (take(w, '}'))
        return true;
    do {
        skip_blanks(w);
        if (!member(w, depth, serial))
            return false;
        skip_blanks(w);
    } while (take(w, ','));
    return take(w, '}') || bad(w);
}

static bool array(struct walk *w, unsigned depth)
{
    skip_blanks(w);
    if (take(w, ']'))
        return true;
    do {
        if (!value(w, depth))
            return false;
        skip_blanks(w);
    } while (take(w, ','));
    return take(w, ']') || bad(w);
}

static bool value(struct walk *w, unsigned depth) /* depth: of what encloses it */
{
    skip_blanks(w);
    if (w->pos == w->end)
        return bad(w);
    if (++w->values > w->limits->values_max)
        return fail(w, JSON_TOO_MANY);
    size_t n;
    switch (*w->pos) {
    case '{':
    case '[':
        if (depth >= w->limits->depth_max)
            return fail(w, JSON_TOO_DEEP);
        return *w->pos++ == '{' ? object(w, depth + 1) : array(w, depth + 1);
    case '"': return string(w, &n);
    case 't': return take_word(w, "true");
    case 'f': return take_word(w, "false");
    case 'n': return take_word(w, "null");
    default: return number(w);
    }
}

enum json_verdict json_walk(struct bytes text, const struct json_limits *limits, json_member *on_member, void *ctx)
{
    struct walk w = {.pos = text.p, .end = text.p + text.n, .limits = limits, .on_member = on_member, .ctx = ctx};
    if (text.n == 0)
        return JSON_NOT_AN_OBJECT;
    w.key = malloc(text.n + sizeof w.objects);
    if (!w.key)
        abort();
    map_init(&w.seen);
    skip_blanks(&w);
    if (w.pos == w.end || *w.pos != '{') {
        bad(&w);
    } else if (value(&w, 0)) {
        skip_blanks(&w);
        if (w.pos != w.end)
            bad(&w);
    }
    map_done(&w.seen);
    free(w.key);
    return w.verdict;
}
