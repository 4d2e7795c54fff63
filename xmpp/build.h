/* build.h - the stanzas we send, piece by piece, over libstrophe's tree; and the one comparison of addresses we need.
 *
 * Owner: a function that returns a new element gives the caller one reference; build_child's result belongs to its
 * parent. Memory: running out of it aborts (control plane). Thread: any, one per tree. */
#ifndef XMPP_BUILD_H
#define XMPP_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "xmpp/handler.h"

#define BUILD_NS_STATS     "http://jitsi.org/protocol/colibri"
#define BUILD_NS_CAPS      "http://jabber.org/protocol/caps"
#define BUILD_NS_MUC       "http://jabber.org/protocol/muc"
#define BUILD_NS_MUC_OWNER "http://jabber.org/protocol/muc#owner"
#define BUILD_NS_PING      "urn:xmpp:ping"

xmpp_stanza_t *build_element(xmpp_ctx_t *ctx, const char *name, const char *ns); /* ns NULL: that of the parent */
xmpp_stanza_t *build_child(xmpp_stanza_t *parent, const char *name, const char *ns);
void build_append(xmpp_stanza_t *parent, xmpp_stanza_t *child); /* takes over child */
void build_text(xmpp_stanza_t *parent, const char *text);
void build_attr(xmpp_stanza_t *el, const char *name, const char *value); /* value NULL: left out */

/* RFC 6120 8.3: <error> with the type that belongs to the condition; text NULL: none. */
xmpp_stanza_t *build_error(xmpp_ctx_t *ctx, const char *condition, const char *text);

xmpp_stanza_t *build_stats(xmpp_ctx_t *ctx, const struct connection_stat *stats, size_t count); /* colibri2.md 5.1 */

/* <x type='submit'> in <query muc#owner>: muc#roomconfig_whois=anyone, all that a new brewery needs (XEP-0045 10.2). */
xmpp_stanza_t *build_room_config(xmpp_ctx_t *ctx);

bool build_same_bare(const char *a, const char *b); /* the same address up to the resource, ASCII case ignored */
const char *build_resource(const char *jid);        /* inside jid; NULL if it is bare */

#endif
