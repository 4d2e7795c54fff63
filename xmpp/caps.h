/* caps.h - what we say we are and can do: disco#info (XEP-0030) and its hash in presence (XEP-0115). colibri2.md 5.5 */
#ifndef XMPP_CAPS_H
#define XMPP_CAPS_H

#include <stddef.h>
#include <strophe.h>

struct caps_identity {
    const char *category, *type, *name;
};

/* XEP-0115 5.1 for one identity and no forms. Features in any order. Free with xmpp_free. */
char *caps_hash(xmpp_ctx_t *ctx, const struct caps_identity *identity, const char *const *features, size_t count);

xmpp_stanza_t *caps_element(xmpp_ctx_t *ctx); /* <c/> of our presence */
/* <query> for a disco#info that asked for `node` (NULL: none). NULL: there is no such node here. */
xmpp_stanza_t *caps_disco_info(xmpp_ctx_t *ctx, const char *node);

#endif
