/* xml.c - see xml.h. */
#include "support/xml.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/hex.h"

xmpp_ctx_t *xml_ctx(void)
{
    static xmpp_ctx_t *ctx;
    if (!ctx) {
        xmpp_initialize();
        ctx = xmpp_ctx_new(NULL, NULL);
    }
    return ctx;
}

xmpp_stanza_t *xml_parse_or_null(const char *text)
{
    return xmpp_stanza_new_from_string(xml_ctx(), text);
}

xmpp_stanza_t *xml_parse(const char *text)
{
    xmpp_stanza_t *el = xml_parse_or_null(text);
    if (!el)
        fail_msg("not XML: %.200s", text);
    return el;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void append(char **out, const char *text)
{
    size_t have = *out ? strlen(*out) : 0;
    *out = realloc(*out, have + strlen(text) + 1);
    memcpy(*out + have, text, strlen(text) + 1);
}

static void append_sorted(char **out, char **parts, size_t n, const char *before)
{
    qsort(parts, n, sizeof *parts, by_text);
    for (size_t i = 0; i < n; i++) {
        append(out, before);
        append(out, parts[i]);
        free(parts[i]);
    }
}

static char *canonical(xmpp_stanza_t *el)
{
    char *out = NULL, *parts[512];
    size_t n = 0;
    if (xmpp_stanza_is_text(el))
        return strdup(xmpp_stanza_get_text_ptr(el));
    const char *ns = xmpp_stanza_get_ns(el), *attrs[64];
    append(&out, "{");
    append(&out, ns ? ns : "");
    append(&out, "}");
    append(&out, xmpp_stanza_get_name(el));
    int filled = xmpp_stanza_get_attributes(el, attrs, (int)COUNT(attrs));
    for (int i = 0; i + 1 < filled; i += 2)
        if (strcmp(attrs[i], "xmlns") != 0) {
            parts[n] = NULL;
            append(&parts[n], attrs[i]);
            append(&parts[n], "='");
            append(&parts[n], attrs[i + 1]);
            append(&parts[n++], "'");
        }
    append_sorted(&out, parts, n, " ");
    n = 0;
    for (xmpp_stanza_t *c = xmpp_stanza_get_children(el); c && n < COUNT(parts); c = xmpp_stanza_get_next(c))
        parts[n++] = canonical(c);
    append(&out, "[");
    append_sorted(&out, parts, n, "");
    append(&out, "]");
    return out;
}

char *xml_canonical_text(const char *text)
{
    xmpp_stanza_t *el = xml_parse(text);
    char *out = canonical(el);
    xmpp_stanza_release(el);
    return out;
}

char *xml_canonical(xmpp_stanza_t *el)
{
    char *text;
    size_t len;
    xmpp_stanza_t *iq = xmpp_iq_new(xml_ctx(), "result", "1");
    xmpp_stanza_set_ns(iq, "jabber:server"); /* libstrophe drops jabber:client from a root */
    xmpp_stanza_add_child(iq, el);
    xmpp_stanza_to_text(iq, &text, &len);
    xmpp_stanza_t *again = xml_parse(text);
    char *out = canonical(xmpp_stanza_get_children(again));
    xmpp_stanza_release(again);
    xmpp_stanza_release(iq); /* only borrowed el */
    xmpp_free(xml_ctx(), text);
    return out;
}
