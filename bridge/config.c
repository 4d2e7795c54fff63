/* config.c - see config.h. One walk over the table of settings reads, another frees; what the table cannot hold (logins,
 * address mappings) has a function each. */
#include "bridge/config_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/hocon.h"

#define DEFAULT_PATH "/etc/jitsi/videobridge/jvb.conf"

enum { LIST_MAX = 256, FILE_MAX = 4 << 20 };

void config_say(struct reading *r, enum log_level level, struct hocon_at at, const char *fmt, ...)
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

void config_strings_insert(struct config_strings *list, size_t at, const char *text)
{
    add_string(list, text, strlen(text));
    char *added = list->v[list->n - 1];
    memmove(list->v + at + 1, list->v + at, (list->n - 1 - at) * sizeof *list->v);
    list->v[at] = added;
}

/* "a,b" or "a;b", blanks around the names dropped */
void config_strings_split(struct config_strings *list, const char *text, const char *separators)
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

void config_strings_clear(struct config_strings *list)
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
    if (!hocon_as_int(v, &n) || n < -1 || n > INT32_MAX)
        return false;
    *out = (int32_t)n;
    return true;
}

static bool read_COUNT(const struct hocon_value *v, int32_t *out)
{
    int32_t n;
    if (!read_INT(v, &n) || n < 0)
        return false;
    *out = n;
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
    double d;
    if (!hocon_as_double(v, &d) || d < 0)
        return false;
    *out = d;
    return true;
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
    if (!*text && *out) /* templates leave unused variables empty: the default stays */
        return true;
    free(*out);
    *out = *text ? copy(text) : NULL;
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
    config_strings_clear(out);
    if (hocon_as_list(v, items, LIST_MAX, &n) && n <= LIST_MAX) {
        for (size_t i = 0; i < n; i++) {
            const char *text = hocon_as_string(items[i]);
            if (!text)
                return false;
            add_string(out, text, strlen(text));
        }
        return true;
    }
    return false;
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
        {"BOOL", "true or false"},
        {"INT", "a whole number, -1 or more"},
        {"COUNT", "a whole number, 0 or more"},
        {"PORT", "a port from 1 to 65535, or -1 for none"},
        {"DOUBLE", "a number, 0 or more"},
        {"US", "a duration such as 5 seconds"},
        {"BPS", "a bit rate with its unit, such as 2500 kbps"},
        {"STRING", "a text"},
        {"SECRET", "a text"},
        {"STRINGS", "a list of texts, [\"a\", \"b\"]"},
        {"TRI", "true or false"},
        {"LOAD", "cpu-usage or packet-rate"},
        {"RED", "NOOP, STRIP or PROTECT_ALL"},
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(type, texts[i].type) == 0)
            return texts[i].text;
    return "something else";
}

bool config_set(struct config *cfg, const char *key, const struct hocon_value *v)
{
#define X(name, type, field, value, meaning)                                                                           \
    if (strcmp(key, name) == 0)                                                                                        \
        return read_##type(v, &cfg->field);
    SETTINGS(X)
#undef X
    return false;
}

bool config_is_bool(const char *key)
{
#define X(name, type, field, value, meaning)                                                                           \
    if (strcmp(key, name) == 0)                                                                                        \
        return strcmp(#type, "BOOL") == 0;
    SETTINGS(X)
#undef X
    return false;
}

struct hocon_at config_where(const struct hocon_value *root, const char *key)
{
    const struct hocon_value *v = hocon_get(root, key);
    return v ? v->at : (struct hocon_at){0};
}

static void read_settings(struct reading *r, const struct hocon_value *root)
{
    const struct hocon_value *v;
#define X(key, type, field, value, meaning)                                                                            \
    if ((v = hocon_get(root, key)) && v->kind != HOCON_NULL && !read_##type(v, &r->cfg->field))                        \
        config_say(r, LOG_ERROR_, v->at, "%s must be %s", key, wanted(#type));
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
    const char *text = v ? hocon_as_string(v) : NULL;
    return text && *text ? copy(text) : NULL;
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
        config_say(r, LOG_WARN_, v->at, "SECURITY_MODE must be required, ifpossible or disabled; login %s is not used",
                   x->id);
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
    config_strings_clear(&x->muc_jids);
}

static void read_rooms(const struct hocon_value *v, struct config_strings *out) /* "a, b", or a list */
{
    if (hocon_as_string(v))
        config_strings_split(out, hocon_as_string(v), ",");
    else if (!read_STRINGS(v, out))
        config_strings_clear(out);
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
        read_rooms(v, &x->muc_jids);
    if ((v = any_case(object, "PORT")) && (!read_PORT(v, &port) || port < 0)) {
        config_say(r, LOG_WARN_, v->at, "PORT must be from 1 to 65535; login %s is not used", id);
        return false;
    }
    x->port = (uint16_t)port;
    if ((v = any_case(object, "DISABLE_CERTIFICATE_VERIFICATION")))
        hocon_as_bool(v, &no_check);
    x->verify_certificate = !no_check;
    const char *missing = !x->hostname                 ? "HOSTNAME"
                          : !x->username && !component ? "USERNAME"
                          : !x->password               ? "PASSWORD"
                          : !x->muc_jids.n             ? "MUC_JIDS"
                          : !x->muc_nickname           ? "MUC_NICKNAME"
                                                       : NULL;
    if (missing) {
        config_say(r, LOG_WARN_, object->at, "login %s has no %s, so it is not used", id, missing);
        return false;
    }
    if (!x->domain)
        x->domain = copy(x->hostname);
    return read_security(r, object, x);
}

void config_add_login(struct reading *r, const char *id, const struct hocon_value *object, bool component)
{
    struct config *cfg = r->cfg;
    cfg->xmpp = realloc(cfg->xmpp, (cfg->xmpp_count + 1) * sizeof *cfg->xmpp);
    if (!cfg->xmpp)
        abort();
    if (read_login(r, id, object, component, &cfg->xmpp[cfg->xmpp_count]))
        cfg->xmpp_count++;
    else
        free_xmpp(&cfg->xmpp[cfg->xmpp_count]);
}

void config_drop_logins(struct config *cfg, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_xmpp(&cfg->xmpp[i]);
    cfg->xmpp_count -= count;
    memmove(cfg->xmpp, cfg->xmpp + count, cfg->xmpp_count * sizeof *cfg->xmpp);
}

static void read_logins(struct reading *r, const char *path, bool component)
{
    const struct hocon_value *logins = hocon_get(r->root, path);
    for (size_t i = 0; logins && logins->kind == HOCON_OBJECT && i < logins->count; i++) {
        const struct hocon_member *m = &logins->members[i];
        if (m->value->kind == HOCON_OBJECT)
            config_add_login(r, m->key, m->value, component);
        else
            config_say(r, LOG_WARN_, m->value->at, "%s.%s must be an object with HOSTNAME and the rest", path, m->key);
    }
}

/* ---- address mappings ---- */

static void free_mapping(struct config_mapping *m)
{
    free(m->local_address);
    free(m->public_address);
}

void config_add_mapping(struct config *cfg, const char *local_address, const char *public_address)
{
    cfg->mappings = realloc(cfg->mappings, (cfg->mappings_count + 1) * sizeof *cfg->mappings);
    if (!cfg->mappings)
        abort();
    memmove(cfg->mappings + 1, cfg->mappings, cfg->mappings_count++ * sizeof *cfg->mappings);
    cfg->mappings[0] =
        (struct config_mapping){.local_address = copy(local_address), .public_address = copy(public_address)};
}

static void read_mappings(struct reading *r, const struct hocon_value *root)
{
    struct config *cfg = r->cfg;
    const struct hocon_value *items[LIST_MAX], *v = hocon_get(root, "ice4j.harvest.mapping.static-mappings");
    size_t n = 0;
    if (v && (!hocon_as_list(v, items, LIST_MAX, &n) || n > LIST_MAX)) {
        n = 0;
        config_say(r, LOG_ERROR_, v->at,
                   "static-mappings must be a list of { local-address = ..., public-address = ... }");
    }
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
            config_say(r, LOG_ERROR_, items[i]->at,
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

/* ---- what no single value shows ---- */

static void check_sense(struct reading *r)
{
    const struct config *c = r->cfg;
    const struct hocon_at whole = {0};
    if (c->ice_udp_port < 1)
        config_say(r, LOG_ERROR_, config_where(r->root, "videobridge.ice.udp.port"),
                   "videobridge.ice.udp.port must be from 1 to 65535");
    if (c->energy_alpha_pct > 100)
        config_say(r, LOG_ERROR_, config_where(r->root, "videobridge.loudest.energy-alpha-pct"),
                   "videobridge.loudest.energy-alpha-pct must be from 0 to 100");
    if (c->relay && !c->relay_id)
        config_say(r, LOG_ERROR_, whole,
                   "videobridge.relay.relay-id is missing: relay.enabled = true needs a unique one");
    if (c->bwe_min_bps > c->bwe_max_bps)
        config_say(r, LOG_ERROR_, whole, "jmt.bwe.estimator.min-bw is above max-bw");
    if (c->websockets && c->http_public_port < 0 && c->http_public_tls_port < 0)
        config_say(
            r, LOG_WARN_, whole,
            "websockets.enabled = true, but nobody serves them: set videobridge.http-servers.public.port, or rely on "
            "sctp.enabled = true");
    if (!r->failed && c->xmpp_count == 0 && !hocon_get(r->root, "videobridge.apis.xmpp-client.configs"))
        config_say(r, LOG_INFO_, whole, "no XMPP login is configured (videobridge.apis.xmpp-client.configs)");
}

/* ---- files ---- */

enum hocon_read config_read_file(void *ctx, const char *path, char **text, size_t *len)
{
    (void)ctx;
    FILE *f = fopen(path, "rb");
    if (!f)
        return errno == ENOENT ? HOCON_READ_ABSENT : HOCON_READ_FAILED;
    char *buf = malloc(FILE_MAX);
    if (!buf)
        abort();
    *len = fread(buf, 1, FILE_MAX, f);
    bool whole = !ferror(f) && *len < FILE_MAX;
    fclose(f);
    if (whole)
        *text = buf;
    else
        free(buf);
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
    struct config_diag diag = {.level = in->fatal ? LOG_ERROR_ : LOG_WARN_,
                               .file = in->file,
                               .line = in->line,
                               .column = in->column,
                               .text = in->text};
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
    struct hocon_world world = {config_read_file, world_getenv, world_diag, &r};
    config_defaults(cfg);
    cfg->path = find_path(env, path);
    struct hocon *hocon = cfg->path ? hocon_load(cfg->path, &world) : NULL;
    if (cfg->path && !hocon)
        return false;
    r.root = hocon ? hocon_root(hocon) : NULL;
    read_settings(&r, r.root);
    read_logins(&r, "videobridge.apis.xmpp-client.configs", false);
    read_logins(&r, "native.xmpp-component.configs", true);
    read_mappings(&r, r.root);
    config_read_limits(&r);
    config_read_old(&r);
    check_sense(&r);
    config_warn_unknown(&r);
    hocon_free(hocon);
    return !r.failed;
}

/* ---- defaults and end ---- */

#define DEFAULT_BOOL(field, value)    cfg->field = (value);
#define DEFAULT_INT(field, value)     cfg->field = (value);
#define DEFAULT_COUNT(field, value)   cfg->field = (value);
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
        config_strings_split(list, text, ",");
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
#define DONE_COUNT(field)
#define DONE_PORT(field)
#define DONE_DOUBLE(field)
#define DONE_US(field)
#define DONE_BPS(field)
#define DONE_TRI(field)
#define DONE_LOAD(field)
#define DONE_RED(field)
#define DONE_STRING(field)  done_STRING(&cfg->field);
#define DONE_SECRET(field)  done_SECRET(&cfg->field);
#define DONE_STRINGS(field) config_strings_clear(&cfg->field);

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
    free(cfg->size_limits);
    free(cfg->path);
    *cfg = (struct config){0};
}
