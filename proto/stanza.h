/* stanza.h - reading and building elements of libstrophe's tree with few words.
 *
 * libstrophe's parser puts the resolved namespace on every element it reads, and its writer leaves out one that equals
 * the parent's. So reading compares name and namespace exactly, and building names the namespace each time.
 * Not for text content, nor for sending. Owner: see each. Thread: one at a time per tree. */
#ifndef PROTO_STANZA_H
#define PROTO_STANZA_H

#include <strophe.h>

#include "proto/arena.h"

bool stanza_is(xmpp_stanza_t *el, const char *name, const char *ns);
size_t stanza_count(xmpp_stanza_t *parent, const char *name, const char *ns); /* children of that name */

/* for (xmpp_stanza_t *el = stanza_first(parent, name, ns); el; el = stanza_next(el, name, ns)) */
xmpp_stanza_t *stanza_first(xmpp_stanza_t *parent, const char *name, const char *ns);
xmpp_stanza_t *stanza_next(xmpp_stanza_t *el, const char *name, const char *ns);

/* An attribute's value, or NULL. The numbers take decimal digits only (a minus sign for i32); false: absent or not
 * such a number, and *out is as before. The bool is true for "true" in any case, as Java reads it. */
const char *stanza_attr(xmpp_stanza_t *el, const char *name);
bool stanza_attr_u32(xmpp_stanza_t *el, const char *name, uint32_t *out);
bool stanza_attr_i32(xmpp_stanza_t *el, const char *name, int32_t *out);
bool stanza_attr_bool(xmpp_stanza_t *el, const char *name, bool absent);

/* A copy of an attribute's value in the arena; NULL if it is absent, empty or longer than `most`. Control characters (a
 * newline written as &#10;) become blanks, so that what is written back reads the same. */
const char *stanza_keep(xmpp_stanza_t *el, const char *name, size_t most, struct arena *arena);

xmpp_stanza_t *stanza_new(xmpp_ctx_t *ctx, const char *name, const char *ns);
void stanza_add(xmpp_stanza_t *parent, xmpp_stanza_t *child); /* the parent owns it from here on */
xmpp_stanza_t *stanza_add_new(xmpp_stanza_t *parent, const char *name, const char *ns); /* owned by the parent */
void stanza_add_text(xmpp_stanza_t *el, const char *text);
void stanza_set(xmpp_stanza_t *el, const char *name, const char *value); /* value NULL: nothing happens */
void stanza_set_u32(xmpp_stanza_t *el, const char *name, uint32_t value);
void stanza_set_i32(xmpp_stanza_t *el, const char *name, int32_t value);
void stanza_set_true(xmpp_stanza_t *el, const char *name, bool value); /* false is the default and not written */

#endif
