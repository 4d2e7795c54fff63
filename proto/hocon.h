/* hocon.h - the syntax of jvb.conf: HOCON, the JSON superset of Lightbend's "config" library, as far as installed files
 * use it.
 *
 * For: text to a tree in which every substitution, include and merge is done, and diagnostics an administrator can act
 * on. Not for: which keys exist (bridge/config), include url(...) (refused), .properties includes (warned, empty).
 * Source: HOCON.md and the behaviour of version 1.4.2 of that library.
 *
 * Pure: files, environment and diagnostics are callbacks. Owner: hocon_free() frees the tree and all its texts.
 * Thread: any; no shared state. Bounds: nesting 100, substitutions 64 deep, includes 16 deep, 16 MiB of text; going
 * over one is an error like any other. */
#ifndef PROTO_HOCON_H
#define PROTO_HOCON_H

#include "proto/bytes.h"

enum hocon_kind { HOCON_NULL, HOCON_BOOL, HOCON_NUMBER, HOCON_STRING, HOCON_ARRAY, HOCON_OBJECT };

struct hocon_file; /* one text that was read */

struct hocon_at {
    const struct hocon_file *file; /* NULL: nowhere */
    size_t offset;
};

struct hocon_value {
    enum hocon_kind kind;
    struct hocon_at at;
    const char *text;                       /* null, bool, number, string: as written, numbers with every digit */
    const char *env;                        /* the environment variable it came from, or NULL */
    size_t count;                           /* of members or items */
    const struct hocon_member *members;     /* object: in order of first appearance */
    const struct hocon_value *const *items; /* array */
    size_t weight;                          /* size of the tree below, to bound growth by substitution */
    unsigned depth;
};

struct hocon_member {
    const char *key; /* one element, unquoted */
    const struct hocon_value *value;
};

struct hocon_diag {
    bool fatal; /* false: a warning */
    const char *file;
    int line, column;   /* 1-based; column in bytes; 0: about the whole file */
    const char *text;   /* what is wrong and what to do, one line */
    const char *source; /* the line, with values of password-like keys replaced by ***; NULL: none */
    int caret;          /* 0-based position in source to point at */
};

enum hocon_read { HOCON_READ_OK, HOCON_READ_ABSENT, HOCON_READ_FAILED };

struct hocon_world {
    enum hocon_read (*read)(void *ctx, const char *path, char **text, size_t *len); /* text: malloc'd, we free it */
    const char *(*getenv)(void *ctx, const char *name);                             /* NULL: not set; copied at once */
    void (*diag)(void *ctx, const struct hocon_diag *diag);
    void *ctx;
};

struct hocon;

/* NULL after a fatal diagnostic. An absent file is one, too. */
struct hocon *hocon_load(const char *path, const struct hocon_world *world);
/* The same for a text in memory; name stands in diagnostics, and includes are relative to its directory. */
struct hocon *hocon_parse(const char *name, struct bytes text, const struct hocon_world *world);
void hocon_free(struct hocon *hocon);

const struct hocon_value *hocon_root(const struct hocon *hocon); /* an object */
/* Follows one key per element; path "a.b.c" is split at dots. NULL: not there, or something on the way is no object. */
const struct hocon_value *hocon_get(const struct hocon_value *object, const char *path);
const struct hocon_value *hocon_member(const struct hocon_value *object, const char *key); /* one element */
const char *hocon_file_name(struct hocon_at at);
void hocon_where(struct hocon_at at, int *line, int *column); /* 0, 0: nowhere */

/* Coercions as the stock bridge's accessors do them; false: not of that type. */
bool hocon_as_bool(const struct hocon_value *v, bool *out);     /* true/false in any case, yes, on, no, off */
bool hocon_as_int(const struct hocon_value *v, int64_t *out);   /* number or quoted number; fractions are cut */
bool hocon_as_double(const struct hocon_value *v, double *out); /* also "5%", "0 %" */
bool hocon_as_us(const struct hocon_value *v, int64_t *out);    /* duration: a bare number is milliseconds; "0.5 s" */
bool hocon_as_bps(const struct hocon_value *v, uint64_t *out);  /* bandwidth: "2500 kbps"; the unit is mandatory */
const char *hocon_as_string(const struct hocon_value *v);       /* scalars but null: their text; else NULL */
/* An array, or an object with keys 0, 1, ...: fills items (count of them, at most cap) in order. A bare string is not a
 * list. false: no list. *count may exceed cap. */
bool hocon_as_list(const struct hocon_value *v, const struct hocon_value **items, size_t cap, size_t *count);

/* The same coercions for text that comes from elsewhere (old property files). */
bool hocon_text_us(const char *text, int64_t *out);
bool hocon_text_bps(const char *text, uint64_t *out);

#endif
