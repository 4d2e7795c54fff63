/* config.c - see config.h. One walk over the table of settings reads, another frees; what the table cannot hold (logins,
 * address mappings) has a function each. */
#include "bridge/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/hocon.h"

#define DEFAULT_PATH "/etc/jitsi/videobridge/jvb.conf"

enum { LIST_MAX = 256, FILE_MAX = 4 << 20 };

struct reading {
    const struct config_env *env;
    struct config *cfg;
    bool failed;
};

static void __attribute__((format(printf, 4, 5)))
say(struct reading *r, enum log_level level, struct hocon_at at, const char *fmt, ...)
{
    char text[512];
    struct config_diag diag = {.level = level, .text = text, .file = at.file ? hocon_file_name(at) : NULL};
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    hocon_where(at, &diag.line, &diag.column);
    r->failed |= level == LOG_ERROR_;
    r->env->sink(r->env->ctx, &diag);
}

static char *copy(const char *s)
{
    char *out = s ? strdup(s) : NULL;
    if (s && !out)
        abort();
    return out;
}

static void add_string(struct config_strings *list, const char *s, size_t len)
{
    list->v = realloc(list->v, (list->n + 2) * sizeof *list->v);
    if (!list->v || !(list->v[list->n] = strndup(s, len)))
        abort();
    list->v[++list->n] = NULL;
}

/* "a,b" or "a;b", blanks around the names dropped */
static void split(struct config_strings *list, const char *text, const char *separators)
{
    while (*text) {
        text += strspn(text, " \t");
        size_t len = strcspn(text, separators), end = len;
        while (end && (text[end - 1] == ' ' || text[end - 1] == '\t'))
            end--;
        if (end)
            add_string(list, text, end);
        text += len;
        text += strspn(text, separators);
    }
}

static void clear_strings(struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
    *list = (struct config_strings){0};
}

/* ---- one reader per type of the table; false: not of that type ---- */

static bool read_BOOL(const struct hocon_value *v, bool *out)
{
    return hocon_as_bool(v, out);
}

static bool read_INT(const struct hocon_value *v, int32_t *out)
{
    int64_t n;
    if (!hocon_as_int(v, &n) || n < INT32_MIN || n > INT32_MAX)
        return false;
    *out = (int32_t)n;
    return true;
}

static bool read_PORT(const struct hocon_value *v, int32_t *out)
{
    int32_t n;
    if (!read_INT(v, &n) || n < -1 || n == 0 || n > 65535)
        return false;
    *out = n;
    return true;
}

static bool read_DOUBLE(const struct hocon_value *v, double *out)
{
    return hocon_as_double(v, out);
}

static bool read_US(const struct hocon_value *v, uint64_t *out)
{
    int64_t us;
    if (!hocon_as_us(v, &us))
        return false;
    *out = us < 0 ? 0 : (uint64_t)us;
    return true;
}

static bool read_BPS(const struct hocon_value *v, uint64_t *out)
{
    return hocon_as_bps(v, out);
}

static bool read_STRING(const struct hocon_value *v, char **out)
{
    const char *text = hocon_as_string(v);
    if (!text)
        return false;
    free(*out);
    *out = copy(text);
    return true;
}

static bool read_SECRET(const struct hocon_value *v, char **out)
{
    return read_STRING(v, out);
}

static bool read_STRINGS(const struct hocon_value *v, struct config_strings *out)
{
    const struct hocon_value *items[LIST_MAX];
    size_t n;
    clear_strings(out);
    if (hocon_as_list(v, items, LIST_MAX, &n)) {
        for (size_t i = 0; i < n; i++) {
            const char *text = hocon_as_string(items[i]);
            if (!text)
                return false;
            add_string(out, text, strlen(text));
        }
        return true;
    }
    const char *text = hocon_as_string(v);
    if (text)
        split(out, text, ",;");
    return text != NULL;
}

static bool read_TRI(const struct hocon_value *v, enum config_tri *out)
{
    bool yes;
    if (!hocon_as_bool(v, &yes))
        return false;
    *out = yes ? CONFIG_YES : CONFIG_NO;
    return true;
}

static bool read_word(const struct hocon_value *v, const char *const *words, size_t count, int *out)
{
    const char *text = hocon_as_string(v);
    for (size_t i = 0; text && i < count; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *out = (int)i;
            return true;
        }
    return false;
}

static bool read_LOAD(const struct hocon_value *v, enum config_load_measurement *out)
{
    static const char *const words[] = {"cpu-usage", "packet-rate"};
    int i;
    if (!read_word(v, words, COUNT(words), &i))
        return false;
    *out = (enum config_load_measurement)i;
    return true;
}

static bool read_RED(const struct hocon_value *v, enum config_red_policy *out)
{
    static const char *const words[] = {"NOOP", "STRIP", "PROTECT_ALL"};
    int i;
    if (!read_word(v, words, COUNT(words), &i))
        return false;
    *out = (enum config_red_policy)i;
    return true;
}

static const char *wanted(const char *type)
{
    static const struct {
        const char *type, *text;
    } texts[] = {
        {"BOOL", "true or false"},   {"INT", "a whole number"},
        {"PORT", "a port from 1 to 65535, or -1 for none"},
        {"DOUBLE", "a number"},      {"US", "a duration such as 5 seconds"},
        {"BPS", "a bit rate with its unit, such as 2500 kbps"},
        {"STRING", "a text"},        {"SECRET", "a text"},
        {"STRINGS", "a list of texts, [\"a\", \"b\"]"},
        {"TRI", "true or false"},    {"LOAD", "cpu-usage or packet-rate"},
        {"RED", "NOOP, STRIP or PROTECT_ALL"},
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(type, texts[i].type) == 0)
            return texts[i].text;
    return "something else";
}

static void read_settings(struct reading *r, const struct hocon_value *root)
{
    const struct hocon_value *v;
#define X(key, type, field, value, meaning)                                                                            \
    if ((v = hocon_get(root, key)) && !read_##type(v, &r->cfg->field))                                                 \
        say(r, LOG_ERROR_, v->at, "%s must be %s", key, wanted(#type));
    SETTINGS(X)
#undef X
}

/* ---- logins ---- */

static const struct hocon_value *any_case(const struct hocon_value *object, const char *key)
{
    for (size_t i = 0; i < object->count; i++)
        if (strcasecmp(object->members[i].key, key) == 0)
            return object->members[i].value;
    return NULL;
}

static char *text_of(const struct hocon_value *object, const char *key)
{
    const struct hocon_value *v = any_case(object, key);
    return v ? copy(hocon_as_string(v)) : NULL;
}

static bool is_here(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

static bool read_security(struct reading *r, const struct hocon_value *object, struct config_xmpp *x)
{
    static const char *const words[] = {"required", "ifpossible", "disabled"};
    const struct hocon_value *v = any_case(object, "SECURITY_MODE");
    int i = is_here(x->hostname) ? CONFIG_TLS_IF_POSSIBLE : CONFIG_TLS_REQUIRED;
    if (v && !read_word(v, words, COUNT(words), &i)) {
        say(r, LOG_WARN_, v->at, "SECURITY_MODE must be required, ifpossible or disabled; login %s is not used", x->id);
        return false;
    }
    x->starttls = (enum config_starttls)i;
    return true;
}

static void free_xmpp(struct config_xmpp *x)
{
    if (x->password)
        explicit_bzero(x->password, strlen(x->password));
    free(x->id);
    free(x->hostname);
    free(x->domain);
    free(x->username);
    free(x->password);
    free(x->muc_nickname);
    clear_strings(&x->muc_jids);
}

static bool read_login(struct reading *r, const char *id, const struct hocon_value *object, bool component,
                       struct config_xmpp *x)
{
    const struct hocon_value *v;
    bool no_check = false;
    int32_t port = component ? 5347 : 5222;
    *x = (struct config_xmpp){.id = copy(id), .component = component};
    x->hostname = text_of(object, "HOSTNAME");
    x->domain = text_of(object, "DOMAIN");
    x->username = text_of(object, "USERNAME");
    x->password = text_of(object, "PASSWORD");
    x->muc_nickname = text_of(object, "MUC_NICKNAME");
    if ((v = any_case(object, "MUC_JIDS")))
        read_STRINGS(v, &x->muc_jids);
    if ((v = any_case(object, "PORT")) && (!read_PORT(v, &port) || port < 0)) {
        say(r, LOG_WARN_, v->at, "PORT must be from 1 to 65535; login %s is not used", id);
        return false;
    }
    x->port = (uint16_t)port;
    if ((v = any_case(object, "DISABLE_CERTIFICATE_VERIFICATION")))
        hocon_as_bool(v, &no_check);
    x->verify_certificate = !no_check;
    const char *missing = !x->hostname                  ? "HOSTNAME"
                          : !x->username && !component  ? "USERNAME"
                          : !x->password                ? "PASSWORD"
                          : !x->muc_jids.n              ? "MUC_JIDS"
                          : !x->muc_nickname            ? "MUC_NICKNAME"
                                                        : NULL;
    if (missing) {
        say(r, LOG_WARN_, object->at, "login %s has no %s, so it is not used", id, missing);
        return false;
    }
    if (!x->domain)
        x->domain = copy(x->hostname);
    return read_security(r, object, x);
}

static void read_logins(struct reading *r, const struct hocon_value *root, const char *path, bool component)
{
    struct config *cfg = r->cfg;
    const struct hocon_value *logins = hocon_get(root, path);
    for (size_t i = 0; logins && logins->kind == HOCON_OBJECT && i < logins->count; i++) {
        const struct hocon_member *m = &logins->members[i];
        if (m->value->kind != HOCON_OBJECT) {
            say(r, LOG_WARN_, m->value->at, "%s.%s must be an object with HOSTNAME and the rest", path, m->key);
            continue;
        }
        cfg->xmpp = realloc(cfg->xmpp, (cfg->xmpp_count + 1) * sizeof *cfg->xmpp);
        if (!cfg->xmpp)
            abort();
        if (read_login(r, m->key, m->value, component, &cfg->xmpp[cfg->xmpp_count]))
            cfg->xmpp_count++;
        else
            free_xmpp(&cfg->xmpp[cfg->xmpp_count]);
    }
}

/* ---- address mappings ---- */

static void free_mapping(struct config_mapping *m)
{
    free(m->local_address);
    free(m->public_address);
}

static void read_mappings(struct reading *r, const struct hocon_value *root)
{
    struct config *cfg = r->cfg;
    const struct hocon_value *items[LIST_MAX], *v = hocon_get(root, "ice4j.harvest.mapping.static-mappings");
    size_t n = 0;
    if (v && !hocon_as_list(v, items, LIST_MAX, &n))
        say(r, LOG_ERROR_, v->at, "static-mappings must be a list of { local-address = ..., public-address = ... }");
    cfg->mappings = calloc(n + 1, sizeof *cfg->mappings);
    for (size_t i = 0; i < n; i++) {
        struct config_mapping *m = &cfg->mappings[cfg->mappings_count];
        int32_t local_port = 0, public_port = 0;
        bool ok = items[i]->kind == HOCON_OBJECT;
        if (ok) {
            m->local_address = text_of(items[i], "local-address");
            m->public_address = text_of(items[i], "public-address");
            const struct hocon_value *lp = any_case(items[i], "local-port"), *pp = any_case(items[i], "public-port");
            ok = m->local_address && m->public_address && (!lp || read_PORT(lp, &local_port)) &&
                 (!pp || read_PORT(pp, &public_port)) && !lp == !pp;
        }
        if (!ok) {
            say(r, LOG_ERROR_, items[i]->at,
                "a static mapping needs local-address and public-address, and both ports or none");
            free_mapping(m);
            *m = (struct config_mapping){0};
            continue;
        }
        m->local_port = (uint16_t)local_port;
        m->public_port = (uint16_t)public_port;
        cfg->mappings_count++;
    }
}

/* ---- keys that mean nothing ---- */

static const char *const known_keys[] = {
#define X(key, type, field, value, meaning) key,
    SETTINGS(X)
#undef X
};

static unsigned distance(const char *a, const char *b) /* Levenshtein */
{
    unsigned row[256];
    size_t n = MIN(strlen(b), COUNT(row) - 1);
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned above = row[j];
            row[j] = MIN(MIN(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

static bool is_known(const char *path)
{
    /* read elsewhere, or legal in stock files without a meaning here */
    static const char *const prefixes[] = {
        "videobridge.apis.xmpp-client.configs", "native.xmpp-component.configs", "ice4j.harvest.mapping.static-mappings",
        "videobridge.stats", "videobridge.load-management", "videobridge.octo", "videobridge.rest", "videobridge.apis",
        "videobridge.exporter", "videobridge.http-servers", "videobridge.websockets", "jmt", "ice4j",
    };
    for (size_t i = 0; i < COUNT(known_keys); i++)
        if (strcmp(path, known_keys[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static void warn_unknown(struct reading *r, const struct hocon_value *object, const char *path)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct hocon_member *m = &object->members[i];
        char full[256];
        snprintf(full, sizeof full, "%s.%s", path, m->key);
        if (is_known(full))
            continue;
        if (m->value->kind == HOCON_OBJECT) {
            warn_unknown(r, m->value, full);
            continue;
        }
        size_t best = 0;
        for (size_t k = 1; k < COUNT(known_keys); k++)
            if (distance(full, known_keys[k]) < distance(full, known_keys[best]))
                best = k;
        say(r, LOG_WARN_, m->value->at, "%s is not a setting we know; the nearest is %s", full, known_keys[best]);
    }
}

/* ---- files ---- */

static enum hocon_read read_file(void *ctx, const char *path, char **text, size_t *len)
{
    (void)ctx;
    FILE *f = fopen(path, "rb");
    if (!f)
        return errno == ENOENT ? HOCON_READ_ABSENT : HOCON_READ_FAILED;
    *text = malloc(FILE_MAX);
    if (!*text)
        abort();
    *len = fread(*text, 1, FILE_MAX, f);
    bool whole = !ferror(f) && *len < FILE_MAX;
    fclose(f);
    if (!whole)
        free(*text);
    return whole ? HOCON_READ_OK : HOCON_READ_FAILED;
}

static const char *world_getenv(void *ctx, const char *name)
{
    const struct reading *r = ctx;
    return r->env->get(r->env->ctx, name);
}

static void world_diag(void *ctx, const struct hocon_diag *in)
{
    struct reading *r = ctx;
    struct config_diag diag = {.level = in->fatal ? LOG_ERROR_ : LOG_WARN_, .file = in->file, .line = in->line,
                               .column = in->column, .text = in->text};
    r->failed |= in->fatal;
    r->env->sink(r->env->ctx, &diag);
}

static char *find_path(const struct config_env *env, const char *path)
{
    static const char word[] = "-Dconfig.file=";
    const char *props = env->get(env->ctx, "JAVA_SYS_PROPS");
    const char *at = props ? strstr(props, word) : NULL;
    if (path)
        return copy(path);
    if (at) {
        at += sizeof word - 1;
        return strndup(at, strcspn(at, " \t"));
    }
    FILE *f = fopen(DEFAULT_PATH, "rb");
    if (!f)
        return NULL;
    fclose(f);
    return copy(DEFAULT_PATH);
}

bool config_load(const char *path, const struct config_env *env, struct config *cfg)
{
    struct reading r = {.env = env, .cfg = cfg};
    struct hocon_world world = {read_file, world_getenv, world_diag, &r};
    config_defaults(cfg);
    cfg->path = find_path(env, path);
    if (!cfg->path)
        return true;
    struct hocon *hocon = hocon_load(cfg->path, &world);
    if (!hocon)
        return false;
    const struct hocon_value *root = hocon_root(hocon), *section;
    read_settings(&r, root);
    read_logins(&r, root, "videobridge.apis.xmpp-client.configs", false);
    read_logins(&r, root, "native.xmpp-component.configs", true);
    read_mappings(&r, root);
    if ((section = hocon_get(root, "videobridge")) && section->kind == HOCON_OBJECT)
        warn_unknown(&r, section, "videobridge");
    hocon_free(hocon);
    return !r.failed;
}

/* ---- defaults and end ---- */

#define DEFAULT_BOOL(field, value)    cfg->field = (value);
#define DEFAULT_INT(field, value)     cfg->field = (value);
#define DEFAULT_PORT(field, value)    cfg->field = (value);
#define DEFAULT_DOUBLE(field, value)  cfg->field = (value);
#define DEFAULT_US(field, value)      cfg->field = (value);
#define DEFAULT_BPS(field, value)     cfg->field = (value);
#define DEFAULT_STRING(field, value)  cfg->field = copy(value);
#define DEFAULT_SECRET(field, value)  cfg->field = copy(value);
#define DEFAULT_STRINGS(field, value) default_strings(&cfg->field, value);
#define DEFAULT_TRI(field, value)     cfg->field = (value);
#define DEFAULT_LOAD(field, value)    cfg->field = (value);
#define DEFAULT_RED(field, value)     cfg->field = (value);

static void default_strings(struct config_strings *list, const char *text)
{
    if (text)
        split(list, text, ",");
}

void config_defaults(struct config *cfg)
{
    *cfg = (struct config){0};
#define X(key, type, field, value, meaning) DEFAULT_##type(field, value)
    SETTINGS(X)
#undef X
}

static void done_STRING(char **text)
{
    free(*text);
}

static void done_SECRET(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
}

#define DONE_BOOL(field)
#define DONE_INT(field)
#define DONE_PORT(field)
#define DONE_DOUBLE(field)
#define DONE_US(field)
#define DONE_BPS(field)
#define DONE_TRI(field)
#define DONE_LOAD(field)
#define DONE_RED(field)
#define DONE_STRING(field)  done_STRING(&cfg->field);
#define DONE_SECRET(field)  done_SECRET(&cfg->field);
#define DONE_STRINGS(field) clear_strings(&cfg->field);

void config_done(struct config *cfg)
{
#define X(key, type, field, value, meaning) DONE_##type(field)
    SETTINGS(X)
#undef X
    for (size_t i = 0; i < cfg->xmpp_count; i++)
        free_xmpp(&cfg->xmpp[i]);
    for (size_t i = 0; i < cfg->mappings_count; i++)
        free_mapping(&cfg->mappings[i]);
    free(cfg->xmpp);
    free(cfg->mappings);
    free(cfg->path);
    *cfg = (struct config){0};
}
