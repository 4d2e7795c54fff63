/* stanza.c - see stanza.h. */
#include "proto/stanza.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

bool stanza_is(xmpp_stanza_t *el, const char *name, const char *ns)
{
    const char *el_name = xmpp_stanza_get_name(el), *el_ns = xmpp_stanza_get_ns(el);
    return el_name && el_ns && strcmp(el_name, name) == 0 && strcmp(el_ns, ns) == 0;
}

static xmpp_stanza_t *from(xmpp_stanza_t *el, const char *name, const char *ns)
{
    while (el && !stanza_is(el, name, ns))
        el = xmpp_stanza_get_next(el);
    return el;
}

xmpp_stanza_t *stanza_first(xmpp_stanza_t *parent, const char *name, const char *ns)
{
    return from(xmpp_stanza_get_children(parent), name, ns);
}

xmpp_stanza_t *stanza_next(xmpp_stanza_t *el, const char *name, const char *ns)
{
    return from(xmpp_stanza_get_next(el), name, ns);
}

size_t stanza_count(xmpp_stanza_t *parent, const char *name, const char *ns)
{
    size_t n = 0;
    for (xmpp_stanza_t *el = stanza_first(parent, name, ns); el; el = stanza_next(el, name, ns))
        n++;
    return n;
}

const char *stanza_attr(xmpp_stanza_t *el, const char *name)
{
    return xmpp_stanza_get_attribute(el, name);
}

/* strtoul would take blanks, signs and "0x"; this takes digits. */
static bool digits(const char *s, uint64_t most, uint64_t *out)
{
    uint64_t v = 0;
    if (!*s)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        v = v * 10 + (uint64_t)(*s - '0');
        if (v > most)
            return false;
    }
    *out = v;
    return true;
}

bool stanza_attr_u32(xmpp_stanza_t *el, const char *name, uint32_t *out)
{
    const char *s = stanza_attr(el, name);
    uint64_t v;
    if (!s || !digits(s, UINT32_MAX, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool stanza_attr_i32(xmpp_stanza_t *el, const char *name, int32_t *out)
{
    const char *s = stanza_attr(el, name);
    uint64_t v;
    bool minus = s && *s == '-';
    if (!s || !digits(s + minus, (uint64_t)INT32_MAX + minus, &v))
        return false;
    *out = (int32_t)(minus ? -(int64_t)v : (int64_t)v);
    return true;
}

bool stanza_attr_bool(xmpp_stanza_t *el, const char *name, bool absent)
{
    const char *s = stanza_attr(el, name);
    return s ? strcasecmp(s, "true") == 0 : absent;
}

const char *stanza_keep(xmpp_stanza_t *el, const char *name, size_t most, struct arena *arena)
{
    const char *s = stanza_attr(el, name);
    size_t n = s ? strnlen(s, most + 1) : 0;
    if (n == 0 || n > most)
        return NULL;
    char *copy = arena_strn(arena, s, n);
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return copy;
}

xmpp_stanza_t *stanza_new(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
    xmpp_stanza_t *el = xmpp_stanza_new(ctx);
    xmpp_stanza_set_name(el, name);
    xmpp_stanza_set_ns(el, ns);
    return el;
}

void stanza_add(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
    xmpp_stanza_add_child(parent, child);
    xmpp_stanza_release(child);
}

xmpp_stanza_t *stanza_add_new(xmpp_stanza_t *parent, const char *name, const char *ns)
{
    xmpp_stanza_t *el = stanza_new(xmpp_stanza_get_context(parent), name, ns);
    stanza_add(parent, el);
    return el;
}

void stanza_add_text(xmpp_stanza_t *el, const char *text)
{
    xmpp_stanza_t *node = xmpp_stanza_new(xmpp_stanza_get_context(el));
    xmpp_stanza_set_text(node, text);
    stanza_add(el, node);
}

void stanza_set(xmpp_stanza_t *el, const char *name, const char *value)
{
    if (value)
        xmpp_stanza_set_attribute(el, name, value);
}

void stanza_set_u32(xmpp_stanza_t *el, const char *name, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, value);
    stanza_set(el, name, text);
}

void stanza_set_i32(xmpp_stanza_t *el, const char *name, int32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRId32, value);
    stanza_set(el, name, text);
}

void stanza_set_true(xmpp_stanza_t *el, const char *name, bool value)
{
    if (value)
        stanza_set(el, name, "true");
}
