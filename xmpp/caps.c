/* caps.c - see caps.h. */
#include "xmpp/caps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "xmpp/build.h"

#define NODE "https://kolibri.invalid/caps" /* a name, not a page: XEP-0115 only wants it stable per software */

static const struct caps_identity us = {"component", "generic", "Kolibri"};
static const char *const features[] = {
    BUILD_NS_CAPS,
    XMPP_NS_DISCO_INFO,
    "http://jitsi.org/protocol/healthcheck",
    "jabber:iq:version",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:xmpp:jingle:transports:ice-udp:1",
    BUILD_NS_PING,
};

static int by_octets(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *caps_hash(xmpp_ctx_t *ctx, const struct caps_identity *identity, const char *const *list, size_t count)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    const char **sorted = malloc((count + 1) * sizeof *sorted);
    if (!out || !sorted)
        abort();
    memcpy(sorted, list, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_octets);
    fprintf(out, "%s/%s//%s<", identity->category, identity->type, identity->name);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s<", sorted[i]);
    fclose(out);
    unsigned char digest[XMPP_SHA1_DIGEST_SIZE];
    xmpp_sha1_digest((unsigned char *)text, len, digest);
    free(sorted);
    free(text);
    return xmpp_base64_encode(ctx, digest, sizeof digest);
}

static char *our_hash(xmpp_ctx_t *ctx)
{
    return caps_hash(ctx, &us, features, COUNT(features));
}

xmpp_stanza_t *caps_element(xmpp_ctx_t *ctx)
{
    char *ver = our_hash(ctx);
    xmpp_stanza_t *c = build_element(ctx, "c", BUILD_NS_CAPS);
    build_attr(c, "hash", "sha-1");
    build_attr(c, "node", NODE);
    build_attr(c, "ver", ver);
    xmpp_free(ctx, ver);
    return c;
}

static bool is_our_node(xmpp_ctx_t *ctx, const char *node)
{
    size_t len = strlen(NODE);
    if (strncmp(node, NODE "#", len + 1) != 0)
        return false;
    char *ver = our_hash(ctx);
    bool same = strcmp(node + len + 1, ver) == 0;
    xmpp_free(ctx, ver);
    return same;
}

xmpp_stanza_t *caps_disco_info(xmpp_ctx_t *ctx, const char *node)
{
    if (node && !is_our_node(ctx, node))
        return NULL;
    xmpp_stanza_t *query = build_element(ctx, "query", XMPP_NS_DISCO_INFO);
    build_attr(query, "node", node);
    xmpp_stanza_t *identity = build_child(query, "identity", NULL);
    build_attr(identity, "category", us.category);
    build_attr(identity, "type", us.type);
    build_attr(identity, "name", us.name);
    for (size_t i = 0; i < COUNT(features); i++)
        build_attr(build_child(query, "feature", NULL), "var", features[i]);
    return query;
}
