/* hocon_ast.h - what the parser hands to the resolver. Private to hocon*.c.
 *
 * Objects are merged while parsing, as far as literals go. Each field keeps its definitions in order, newest first:
 * a substitution may look back at earlier ones, and an undefined optional one uncovers them. */
#ifndef PROTO_HOCON_AST_H
#define PROTO_HOCON_AST_H

#include "proto/hocon.h"

enum {
    HOCON_DEPTH_MAX = 100,
    HOCON_SUBST_DEPTH_MAX = 64,
    HOCON_INCLUDE_DEPTH_MAX = 16,
    HOCON_FILES_MAX = 256,
    HOCON_KEYS_MAX = 4096,    /* per object */
    HOCON_DEFS_MAX = 256,     /* of one key, after the last scalar */
    HOCON_RESOLVE_MAX = 1024, /* nested calls, over all substitutions */
    HOCON_TEXT_MAX = 16 << 20,
    HOCON_WEIGHT_MAX = 1 << 18,
};

enum node_kind { NODE_SCALAR, NODE_OBJECT, NODE_ARRAY, NODE_CONCAT, NODE_SUBST, NODE_PREVIOUS };

struct path { /* elements of a key or substitution */
    const char **v;
    size_t n;
};

struct node {
    enum node_kind kind;
    struct hocon_at at;
    const struct hocon_value *scalar;   /* SCALAR */
    bool blank;                         /* SCALAR: only the blanks between two others */
    struct field *fields, **fields_end; /* OBJECT */
    size_t count;                       /* OBJECT: of fields */
    struct node *first, **first_end;    /* ARRAY items, CONCAT pieces */
    struct node *next;                  /* in the list it belongs to */
    struct path path, prefix;           /* SUBST: tried below prefix (of the include) first, then from the root */
    const char *name;                   /* SUBST: as written, the name of an environment variable */
    bool optional;                      /* SUBST */
};

struct def { /* one definition of a field */
    struct node *node;
    struct def *older;
    unsigned count; /* of itself and all older ones */
    bool resolving, resolved;
    const struct hocon_value *value; /* once resolved; NULL: undefined */
};

struct field {
    const char *key;
    struct def *newest;
    struct field *next;
};

struct hocon_file {
    const char *name;
    const char *text;
    size_t len;
    struct hocon_file *next;
};

struct block; /* of memory */

struct hocon {
    struct block *blocks;
    struct hocon_file *files;
    size_t files_count, text_total;
    const struct hocon_world *world; /* only until hocon_parse() returns */
    bool failed;
    struct node *top;
    const struct hocon_value *root;
};

void *hocon_alloc(struct hocon *h, size_t size); /* zeroed; freed with h */
const char *hocon_copy(struct hocon *h, const char *text, size_t len);
struct node *hocon_node(struct hocon *h, enum node_kind kind, struct hocon_at at);
struct field *hocon_field(const struct node *object, const char *key);
/* Returns !fatal. After a fatal one only warnings are heard: what follows is mostly its echo. */
bool hocon_say(struct hocon *h, bool fatal, struct hocon_at at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

const struct hocon_file *hocon_read_file(struct hocon *h, const char *path, enum hocon_read *got);
bool hocon_parse_file(struct hocon *h, const struct hocon_file *file, struct node *into, struct path prefix,
                      unsigned include_depth, unsigned depth); /* hocon_parse.c */
bool hocon_resolve(struct hocon *h);                           /* hocon_resolve.c: top to root */

#endif
