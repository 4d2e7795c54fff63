/* hocon.c - memory, files and diagnostics of a HOCON tree. The grammar is in hocon_parse.c. */
#include "proto/hocon.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/hocon_ast.h"

struct block {
    struct block *next;
    size_t used, cap;
    _Alignas(16) uint8_t data[];
};

void *hocon_alloc(struct hocon *h, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct block *b = h->blocks;
    if (!b || b->cap - b->used < size) {
        size_t cap = MAX(size, (size_t)16384);
        b = calloc(1, sizeof *b + cap);
        if (!b)
            abort();
        b->cap = cap;
        b->next = h->blocks;
        h->blocks = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

const char *hocon_copy(struct hocon *h, const char *text, size_t len)
{
    char *copy = hocon_alloc(h, len + 1);
    memcpy(copy, text, len);
    return copy;
}

struct node *hocon_node(struct hocon *h, enum node_kind kind, struct hocon_at at)
{
    struct node *node = hocon_alloc(h, sizeof *node);
    node->kind = kind;
    node->at = at;
    node->fields_end = &node->fields;
    node->first_end = &node->first;
    return node;
}

struct field *hocon_field(const struct node *object, const char *key)
{
    for (struct field *f = object->fields; f; f = f->next)
        if (strcmp(f->key, key) == 0)
            return f;
    return NULL;
}

const char *hocon_file_name(struct hocon_at at)
{
    return at.file ? at.file->name : NULL;
}

static size_t line_start(struct hocon_at at)
{
    size_t start = MIN(at.offset, at.file->len);
    while (start > 0 && at.file->text[start - 1] != '\n')
        start--;
    return start;
}

void hocon_where(struct hocon_at at, int *line, int *column)
{
    *line = *column = 0;
    if (!at.file)
        return;
    size_t start = line_start(at);
    *column = (int)(MIN(at.offset, at.file->len) - start) + 1;
    *line = 1;
    for (size_t i = 0; i < start; i++)
        *line += at.file->text[i] == '\n';
}

/* Copies the offending line. What follows a password-like word is nobody's business, not even a log's. */
static void quote_source(struct hocon_at at, char *out, size_t cap, int *caret)
{
    size_t start = line_start(at), end = start;
    while (end < at.file->len && at.file->text[end] != '\n' && at.file->text[end] != '\r')
        end++;
    snprintf(out, cap, "%.*s", (int)MIN(end - start, cap - 1), at.file->text + start);
    *caret = (int)MIN(MIN(at.offset, at.file->len) - start, strlen(out));
    static const char *const secret_words[] = {"password", "secret"};
    for (size_t i = 0; i < COUNT(secret_words); i++) {
        char *word = strcasestr(out, secret_words[i]);
        if (!word)
            continue;
        char *value = word + strcspn(word, "=:{");
        value += strspn(value, "=:{ \t\"");
        size_t at_value = (size_t)(value - out);
        if (at_value + 4 <= cap && *value)
            memcpy(value, "***", 4);
        *caret = MIN(*caret, (int)at_value);
        return;
    }
}

bool hocon_say(struct hocon *h, bool fatal, struct hocon_at at, const char *fmt, ...)
{
    if (fatal && h->failed)
        return false;
    h->failed |= fatal;
    char text[512], source[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct hocon_diag diag = {.fatal = fatal, .file = hocon_file_name(at), .text = text};
    hocon_where(at, &diag.line, &diag.column);
    if (at.file && at.file->len) {
        quote_source(at, source, sizeof source, &diag.caret);
        diag.source = source;
    }
    if (h->world->diag)
        h->world->diag(h->world->ctx, &diag);
    return !fatal;
}

static struct hocon_file *add_file(struct hocon *h, const char *name, const char *text, size_t len)
{
    struct hocon_file *file = hocon_alloc(h, sizeof *file);
    file->name = hocon_copy(h, name, strlen(name));
    file->text = hocon_copy(h, text, len);
    file->len = len;
    file->next = h->files;
    h->files = file;
    h->files_count++;
    h->text_total += len;
    return file;
}

struct hocon *hocon_parse(const char *name, struct bytes text, const struct hocon_world *world)
{
    struct hocon *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    h->world = world;
    const struct hocon_file *file = add_file(h, name, text.n ? (const char *)text.p : "", MIN(text.n, HOCON_TEXT_MAX));
    struct hocon_at at = {file, 0};
    h->top = hocon_node(h, NODE_OBJECT, at);
    if (text.n > HOCON_TEXT_MAX)
        hocon_say(h, true, at, "file is larger than 16 MiB");
    if (h->failed || !hocon_parse_file(h, file, h->top, (struct path){0}, 0, 0) || !hocon_resolve(h)) {
        hocon_free(h);
        return NULL;
    }
    h->world = NULL;
    return h;
}

struct hocon *hocon_load(const char *path, const struct hocon_world *world)
{
    char *text = NULL;
    size_t len = 0;
    enum hocon_read got = world->read(world->ctx, path, &text, &len);
    struct hocon *h = NULL;
    if (got == HOCON_READ_OK) {
        h = hocon_parse(path, bytes_of(text, len), world);
    } else if (world->diag) {
        struct hocon_diag diag = {.fatal = true,
                                  .file = path,
                                  .text = got == HOCON_READ_ABSENT ? "no such file; check the path"
                                                                   : "cannot be read; check owner and mode"};
        world->diag(world->ctx, &diag);
    }
    free(text);
    return h;
}

void hocon_free(struct hocon *h)
{
    if (!h)
        return;
    for (struct block *b = h->blocks, *next; b; b = next) {
        next = b->next;
        explicit_bzero(b->data, b->used); /* passwords */
        free(b);
    }
    free(h);
}

const struct hocon_value *hocon_root(const struct hocon *hocon)
{
    return hocon->root;
}

/* For includes: reads the file into the tree's memory. */
const struct hocon_file *hocon_read_file(struct hocon *h, const char *path, enum hocon_read *got)
{
    char *text = NULL;
    size_t len = 0;
    *got = h->world->read ? h->world->read(h->world->ctx, path, &text, &len) : HOCON_READ_ABSENT;
    const struct hocon_file *file = NULL;
    if (*got == HOCON_READ_OK) {
        if (len > HOCON_TEXT_MAX - h->text_total)
            *got = HOCON_READ_FAILED;
        else
            file = add_file(h, path, text, len);
    }
    if (text)
        explicit_bzero(text, len);
    free(text);
    return file;
}
