/* build.c - see build.h. */
#include "xmpp/build.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/bytes.h"

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

xmpp_stanza_t *build_element(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
    xmpp_stanza_t *el = must(xmpp_stanza_new(ctx));
    xmpp_stanza_set_name(el, name);
    if (ns)
        xmpp_stanza_set_ns(el, ns);
    return el;
}

void build_append(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
    xmpp_stanza_add_child_ex(parent, child, 0);
}

xmpp_stanza_t *build_child(xmpp_stanza_t *parent, const char *name, const char *ns)
{
    xmpp_stanza_t *child = build_element(xmpp_stanza_get_context(parent), name, ns);
    build_append(parent, child);
    return child;
}

void build_text(xmpp_stanza_t *parent, const char *text)
{
    xmpp_stanza_t *node = must(xmpp_stanza_new(xmpp_stanza_get_context(parent)));
    xmpp_stanza_set_text(node, text);
    build_append(parent, node);
}

void build_attr(xmpp_stanza_t *el, const char *name, const char *value)
{
    if (value)
        xmpp_stanza_set_attribute(el, name, value);
}

/* RFC 6120 8.3.3 names a type for each condition; those not listed are `cancel`. */
static const char *error_type(const char *condition)
{
    if (strcmp(condition, "forbidden") == 0)
        return "auth";
    if (strcmp(condition, "bad-request") == 0)
        return "modify";
    return "cancel";
}

xmpp_stanza_t *build_error(xmpp_ctx_t *ctx, const char *condition, const char *text)
{
    xmpp_stanza_t *error = build_element(ctx, "error", NULL);
    build_attr(error, "type", error_type(condition));
    build_child(error, condition, XMPP_NS_STANZAS_IETF);
    if (text) {
        xmpp_stanza_t *el = build_child(error, "text", XMPP_NS_STANZAS_IETF);
        build_attr(el, "xml:lang", "en");
        build_text(el, text);
    }
    return error;
}

xmpp_stanza_t *build_stats(xmpp_ctx_t *ctx, const struct connection_stat *stats, size_t count)
{
    xmpp_stanza_t *el = build_element(ctx, "stats", BUILD_NS_STATS);
    for (size_t i = 0; i < count; i++) {
        if (!stats[i].value)
            continue;
        xmpp_stanza_t *stat = build_child(el, "stat", NULL);
        build_attr(stat, "name", stats[i].name);
        build_attr(stat, "value", stats[i].value);
    }
    return el;
}

static void add_field(xmpp_stanza_t *form, const char *var, const char *value)
{
    xmpp_stanza_t *field = build_child(form, "field", NULL);
    build_attr(field, "var", var);
    build_text(build_child(field, "value", NULL), value);
}

xmpp_stanza_t *build_room_config(xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *query = build_element(ctx, "query", BUILD_NS_MUC_OWNER);
    xmpp_stanza_t *form = build_child(query, "x", "jabber:x:data");
    build_attr(form, "type", "submit");
    add_field(form, "FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig");
    add_field(form, "muc#roomconfig_whois", "anyone");
    return query;
}

bool build_same_bare(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    size_t len = strcspn(a, "/");
    return len == strcspn(b, "/") && strncasecmp(a, b, len) == 0;
}

const char *build_resource(const char *jid)
{
    const char *slash = strchr(jid, '/');
    return slash ? slash + 1 : NULL;
}
