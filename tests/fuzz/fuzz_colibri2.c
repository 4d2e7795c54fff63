/* Property: any XML is read or refused; what is read, written and read again is written the same, and a refusal says where.
 * Writing once first settles what reading may leave out. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/colibri2.h"

static xmpp_ctx_t *ctx;

/* One round: text -> tree -> struct -> tree -> text. NULL: refused. */
static char *round_trip(const char *text)
{
    struct colibri2_request *request;
    const char *what = NULL;
    char *out = NULL;
    size_t len;
    xmpp_stanza_t *el = xmpp_stanza_new_from_string(ctx, text);
    if (!el)
        return NULL;
    if (colibri2_request_parse(el, &request, &what) == E_OK) {
        xmpp_stanza_t *back = colibri2_request_write(request, ctx);
        xmpp_stanza_to_text(back, &out, &len);
        xmpp_stanza_release(back);
        colibri2_request_free(request);
    } else {
        assert(!request && what);
    }
    xmpp_stanza_release(el);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ctx) {
        xmpp_initialize();
        ctx = xmpp_ctx_new(NULL, NULL);
    }
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    char *once = round_trip(text);
    if (once) {
        char *twice = round_trip(once);
        assert(twice && strcmp(once, twice) == 0);
        xmpp_free(ctx, twice);
        xmpp_free(ctx, once);
    }
    free(text);
    return 0;
}
