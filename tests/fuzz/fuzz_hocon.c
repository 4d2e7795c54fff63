/* Property: what we accept can be written back and read again to the same text; nothing takes long or grows without
 * bound, self-includes included. */
#include <assert.h>
#include <stdlib.h>

#include "support/hocon_dump.h"

struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

static enum hocon_read read_self(void *ctx, const char *path, char **text, size_t *len)
{
    const struct fuzz_input *in = ctx;
    if (strcmp(path, "self.conf") != 0)
        return path[0] == 'x' ? HOCON_READ_FAILED : HOCON_READ_ABSENT;
    *len = in->size;
    *text = malloc(in->size + 1);
    memcpy(*text, in->data, in->size);
    return HOCON_READ_OK;
}

static const char *some_env(void *ctx, const char *name)
{
    return name[0] == 'E' ? "value" : NULL;
}

static void check_diag(void *ctx, const struct hocon_diag *diag)
{
    assert(diag->text[0] && diag->file);
    assert(!diag->source || (diag->caret >= 0 && (size_t)diag->caret <= strlen(diag->source)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    const struct hocon_world world = {read_self, some_env, check_diag, &in};
    struct hocon *h = hocon_parse("self.conf", bytes_of(data, size), &world);
    if (!h)
        return 0;
    char *text = hocon_dumped(h);
    hocon_free(h);
    const struct hocon_world empty = {.diag = check_diag};
    struct hocon *again = hocon_parse("again.conf", bytes_str(text), &empty);
    if (again) { /* bounds on nesting are tighter for text than for what substitutions build */
        char *text_again = hocon_dumped(again);
        assert(strcmp(text, text_again) == 0);
        free(text_again);
    } else {
        size_t depth = 0, deepest = 0;
        for (const char *p = text; *p; p++) {
            depth += *p == '{' || *p == '[';
            depth -= (*p == '}' || *p == ']') && depth;
            deepest = depth > deepest ? depth : deepest;
        }
        assert(deepest > 90);
    }
    hocon_free(again);
    free(text);
    return 0;
}
