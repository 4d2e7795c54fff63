/* config_impl.h - shared by config*.c alone. */
#ifndef BRIDGE_CONFIG_IMPL_H
#define BRIDGE_CONFIG_IMPL_H

#include "bridge/config.h"
#include "proto/hocon.h"

struct reading {
    const struct config_env *env;
    struct config *cfg;
    const struct hocon_value *root; /* of jvb.conf; NULL: none */
    bool failed;
};

void config_say(struct reading *r, enum log_level level, struct hocon_at at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct hocon_at config_where(const struct hocon_value *root, const char *key); /* nowhere, if it is not there */

enum hocon_read config_read_file(void *ctx, const char *path, char **text, size_t *len);

/* Sets one setting of the table as if jvb.conf said so; false: no such key, or not of its type. */
bool config_set(struct config *cfg, const char *key, const struct hocon_value *v);
bool config_is_bool(const char *key);
/* Adds a login made of `object` (as below xmpp-client.configs), unless it is incomplete, which it says. */
void config_add_login(struct reading *r, const char *id, const struct hocon_value *object, bool component);
void config_drop_logins(struct config *cfg, size_t count);                                          /* the first ones */
void config_add_mapping(struct config *cfg, const char *local_address, const char *public_address); /* in front */
void config_strings_split(struct config_strings *list, const char *text, const char *separators);
void config_strings_insert(struct config_strings *list, size_t at, const char *text);
void config_strings_clear(struct config_strings *list);

void config_read_limits(struct reading *r);  /* config_limits.c */
void config_warn_unknown(struct reading *r); /* config_known.c */
void config_read_old(struct reading *r);     /* config_old.c */

/* ---- config_props.c: Java properties ---- */

struct prop { /* one line, or one -D word */
    char *key, *value;
    const char *file; /* NULL: a -D word; else as given */
    int line;
};
struct props {
    struct prop *v;
    size_t n;
};
void config_props_parse(struct props *out, const char *file, const char *text, size_t len);
void config_props_words(struct props *out, const char *java_sys_props);
const struct prop *config_props_get(const struct props *props, const char *key); /* the last one counts */
void config_props_free(struct props *props);

#endif
