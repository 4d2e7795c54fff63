/* xml.h - XML in tests: text to tree and back, and one canonical text for trees that mean the same. Reads libstrophe's
 * tree by itself, without proto/stanza. */
#ifndef TESTS_XML_H
#define TESTS_XML_H

#include <strophe.h>

xmpp_ctx_t *xml_ctx(void);                  /* one for the whole test, silent */
xmpp_stanza_t *xml_parse(const char *text); /* fails the test; xmpp_stanza_release it */
xmpp_stanza_t *xml_parse_or_null(const char *text);

/* "{ns}name a='1' b='2'[child child]" with attributes and children sorted; free() it. `el` is written to text inside an
 * IQ and read again first, so namespaces are those on the wire. */
char *xml_canonical(xmpp_stanza_t *el);
char *xml_canonical_text(const char *text);

#endif
