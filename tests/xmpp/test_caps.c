/* What holds of the capabilities' hash. */
#include <stdio.h>

#include "support/hex.h"
#include "xmpp/caps.h"

static void the_hash_is_that_of_the_specification(void **state) /* XEP-0115 5.2, "Simple Generation Example" */
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    const struct caps_identity exodus = {"client", "pc", "Exodus 0.9.1"};
    const char *const features[] = {
        "http://jabber.org/protocol/muc",
        "http://jabber.org/protocol/disco#items",
        "http://jabber.org/protocol/caps",
        "http://jabber.org/protocol/disco#info",
    };
    char *hash = caps_hash(ctx, &exodus, features, COUNT(features));
    assert_string_equal(hash, "QgayPKawpkPSDYmwT/WM94uAlu0=");
    xmpp_free(ctx, hash);
    xmpp_ctx_free(ctx);
}

static void disco_knows_our_node_only(void **state)
{
    (void)state;
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    xmpp_stanza_t *c = caps_element(ctx);
    char node[256];
    snprintf(node, sizeof node, "%s#%s", xmpp_stanza_get_attribute(c, "node"), xmpp_stanza_get_attribute(c, "ver"));
    xmpp_stanza_t *info = caps_disco_info(ctx, node);
    assert_non_null(info);
    assert_string_equal(xmpp_stanza_get_attribute(info, "node"), node);
    node[strlen(node) - 2] ^= 1;
    assert_null(caps_disco_info(ctx, node));
    assert_null(caps_disco_info(ctx, ""));
    assert_null(caps_disco_info(ctx, xmpp_stanza_get_attribute(c, "node")));
    xmpp_stanza_release(info);
    xmpp_stanza_release(c);
    xmpp_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_that_of_the_specification),
        cmocka_unit_test(disco_knows_our_node_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
