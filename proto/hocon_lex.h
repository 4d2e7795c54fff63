/* hocon_lex.h - blanks, comments, quoted strings and keys of HOCON. Private to hocon*.c. */
#ifndef PROTO_HOCON_LEX_H
#define PROTO_HOCON_LEX_H

#include "proto/hocon_ast.h"

struct lex {
    struct hocon *h;
    const struct hocon_file *file;
    const char *pos, *end;
    const char *keys[HOCON_DEPTH_MAX]; /* of the blocks we are in, from the root */
    size_t keys_count;
    struct path prefix; /* keys of the block that this file was included in */
    unsigned include_depth, depth;
    struct str { /* the string being put together; strings do not nest */
        char *p;
        size_t n;
    } str;
};

static inline struct hocon_at lex_at(const struct lex *p, const char *pos)
{
    return (struct hocon_at){p->file, (size_t)(pos - p->file->text)};
}
static inline bool lex_at_char(const struct lex *p, char c)
{
    return p->pos < p->end && *p->pos == c;
}
#define lex_fail(p, where, ...) hocon_say((p)->h, true, lex_at(p, where), __VA_ARGS__) /* false */
#define lex_warn(p, where, ...) hocon_say((p)->h, false, lex_at(p, where), __VA_ARGS__)

size_t lex_blank_len(const struct lex *p, const char *pos); /* of the whitespace at pos; a line feed is none */
void lex_skip_blanks(struct lex *p);
bool lex_at_comment(const struct lex *p, const char *pos);
bool lex_skip_lines(struct lex *p);             /* blanks, comments and line feeds; true: there was a line feed */
bool lex_take(struct lex *p, const char *word); /* steps over it if it is there */
bool lex_quoted(struct lex *p);                 /* pos at a quote; appends to p->str */
bool lex_path(struct lex *p, struct path *path, bool in_substitution); /* up to what ends a key, or } */

#endif
