/* config_old.c - names of former versions, which the stock bridge still reads and lets win: old keys in jvb.conf, lines
 * of sip-communicator.properties, and -D words of JAVA_SYS_PROPS. A value that does not parse is passed over, as there. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "bridge/config_impl.h"

enum how { AS_IS, INVERTED, SECONDS, PERCENT, SEMICOLONS, COMMAS, ONLY_FALSE };

#define JITSI "org.jitsi.videobridge."
#define ICE4J "org.ice4j.ice."
static const struct alias {
    const char *old, *key;
    enum how how;
} aliases[] = {
    {"videobridge.octo.bind-address", "videobridge.relay.relay-id", AS_IS}, /* last fallback: octo.relay-id is next */
    {"videobridge.octo.enabled", "videobridge.relay.enabled", AS_IS},
    {"videobridge.octo.region", "videobridge.relay.region", AS_IS},
    {"videobridge.octo.relay-id", "videobridge.relay.relay-id", AS_IS},
    {"videobridge.cc.bwe-change-threshold-pct", "videobridge.cc.bwe-change-threshold", PERCENT},
    {"videobridge.cc.thumbnail-max-height-px", "videobridge.cc.initial-max-height-px", AS_IS},
    {"videobridge.cc.thumbnail-max-height-px", "videobridge.cc.default-max-height-px", AS_IS},
    {"videobridge.cc.enable-onstage-video-suspend", "videobridge.cc.allow-oversend-onstage", INVERTED},
    {"jmt.bwe.google-cc.min-bw", "jmt.bwe.estimator.min-bw", AS_IS},
    {"jmt.bwe.google-cc.max-bw", "jmt.bwe.estimator.max-bw", AS_IS},

    {JITSI "ENABLE_REST_COLIBRI", "videobridge.apis.rest.enabled", ONLY_FALSE},
    {JITSI "ENABLE_REST_SHUTDOWN", "videobridge.rest.shutdown.enabled", AS_IS},
    {JITSI "SINGLE_PORT_HARVESTER_PORT", "videobridge.ice.udp.port", AS_IS},
    {JITSI "ICE_UFRAG_PREFIX", "videobridge.ice.ufrag-prefix", AS_IS},
    {JITSI "REGION", "videobridge.relay.region", AS_IS},
    {JITSI "health.INTERVAL", "videobridge.health.interval", AS_IS},
    {JITSI "health.TIMEOUT", "videobridge.health.timeout", AS_IS},
    {JITSI "health.STICKY_FAILURES", "videobridge.health.sticky-failures", AS_IS},
    {JITSI "rest.COLIBRI_WS_DISABLE", "videobridge.websockets.enabled", INVERTED},
    {JITSI "rest.COLIBRI_WS_TLS", "videobridge.websockets.tls", AS_IS},
    {JITSI "rest.COLIBRI_WS_SERVER_ID", "videobridge.websockets.server-id", AS_IS},
    {JITSI "rest.jetty.port", "videobridge.http-servers.public.port", AS_IS},
    {JITSI "rest.jetty.host", "videobridge.http-servers.public.host", AS_IS},
    {JITSI "rest.jetty.tls.port", "videobridge.http-servers.public.tls-port", AS_IS},
    {JITSI "rest.jetty.sslContextFactory.keyStorePath", "videobridge.http-servers.public.key-store-path", AS_IS},
    {JITSI "rest.jetty.sslContextFactory.keyStorePassword", "videobridge.http-servers.public.key-store-password",
     AS_IS},
    {JITSI "rest.private.jetty.port", "videobridge.http-servers.private.port", AS_IS},
    {JITSI "rest.private.jetty.host", "videobridge.http-servers.private.host", AS_IS},
    {JITSI "rest.private.jetty.tls.port", "videobridge.http-servers.private.tls-port", AS_IS},
    {JITSI "EXPIRE_CHECK_SLEEP_SEC", "videobridge.entity-expiration.check-interval", SECONDS},
    {JITSI "BWE_CHANGE_THRESHOLD_PCT", "videobridge.cc.bwe-change-threshold", PERCENT},
    {JITSI "ONSTAGE_PREFERRED_HEIGHT", "videobridge.cc.onstage-preferred-height-px", AS_IS},
    {JITSI "ONSTAGE_PREFERRED_FRAME_RATE", "videobridge.cc.onstage-preferred-framerate", AS_IS},
    {JITSI "ENABLE_ONSTAGE_VIDEO_SUSPEND", "videobridge.cc.allow-oversend-onstage", INVERTED},
    {JITSI "TRUST_BWE", "videobridge.cc.trust-bwe", AS_IS},
    {JITSI "PADDING_PERIOD_MS", "videobridge.cc.padding-period", AS_IS},
    {JITSI "EndpointConnectionStatus.FIRST_TRANSFER_TIMEOUT", "videobridge.ep-connection-status.first-transfer-timeout",
     AS_IS},
    {JITSI "EndpointConnectionStatus.MAX_INACTIVITY_LIMIT", "videobridge.ep-connection-status.max-inactivity-limit",
     AS_IS},

    {ICE4J "harvest.STUN_MAPPING_HARVESTER_ADDRESSES", "ice4j.harvest.mapping.stun.addresses", COMMAS},
    {ICE4J "harvest.DISABLE_AWS_HARVESTER", "ice4j.harvest.mapping.aws.enabled", INVERTED},
    {ICE4J "harvest.ALLOWED_ADDRESSES", "ice4j.harvest.allowed-addresses", SEMICOLONS},
    {ICE4J "harvest.BLOCKED_ADDRESSES", "ice4j.harvest.blocked-addresses", SEMICOLONS},
    {ICE4J "harvest.ALLOWED_INTERFACES", "ice4j.harvest.allowed-interfaces", SEMICOLONS},
    {ICE4J "harvest.BLOCKED_INTERFACES", "ice4j.harvest.blocked-interfaces", SEMICOLONS},
    {ICE4J "harvest.DISABLE_LINK_LOCAL_ADDRESSES", "ice4j.harvest.use-link-local-addresses", INVERTED},
    {"org.ice4j.ipv6.DISABLED", "ice4j.harvest.use-ipv6", INVERTED},
    {ICE4J "harvest.HARVESTING_TIMEOUT", "ice4j.harvest.timeout", SECONDS},
    {ICE4J "harvest.AbstractUdpListener.SO_RCVBUF", "ice4j.harvest.udp.receive-buffer-size", AS_IS},
    {ICE4J "CONSENT_FRESHNESS_INTERVAL", "ice4j.consent-freshness.interval", AS_IS},
    {ICE4J "CONSENT_FRESHNESS_WAIT_INTERVAL", "ice4j.consent-freshness.original-wait-interval", AS_IS},
    {ICE4J "CONSENT_FRESHNESS_MAX_WAIT_INTERVAL", "ice4j.consent-freshness.max-wait-interval", AS_IS},
    {ICE4J "CONSENT_FRESHNESS_MAX_RETRANSMISSIONS", "ice4j.consent-freshness.max-retransmissions", AS_IS},
    {"org.ice4j.TERMINATION_DELAY", "ice4j.ice.termination-delay", AS_IS},
    {"org.ice4j.MAX_CHECK_LIST_SIZE", "ice4j.ice.max-check-list-size", AS_IS},
    {"org.ice4j.SOFTWARE", "ice4j.software", AS_IS},
};

static bool set_list(struct config *cfg, const char *key, const char *text, char separator)
{
    struct config_strings words = {0};
    config_strings_split(&words, text, (char[]){separator, 0});
    struct hocon_value *values = calloc(words.n + 1, sizeof *values);
    const struct hocon_value **items = calloc(words.n + 1, sizeof *items);
    if (!values || !items)
        abort();
    for (size_t i = 0; i < words.n; i++) {
        values[i] = (struct hocon_value){.kind = HOCON_STRING, .text = words.v[i]};
        items[i] = &values[i];
    }
    bool ok = config_set(cfg, key, &(struct hocon_value){.kind = HOCON_ARRAY, .count = words.n, .items = items});
    free(values);
    free(items);
    config_strings_clear(&words);
    return ok;
}

/* Turns an old text into one of today's and sets it. */
static bool set_old(struct config *cfg, const struct alias *a, const char *text)
{
    char buf[64];
    const char *now = text;
    bool is_true = strcasecmp(text, "true") == 0;
    switch (a->how) {
    case AS_IS: break;
    case INVERTED: now = is_true ? "false" : "true"; break;
    case SECONDS:
        snprintf(buf, sizeof buf, "%s s", text);
        now = buf;
        break;
    case PERCENT:
        snprintf(buf, sizeof buf, "%s%%", text);
        now = buf;
        break;
    case SEMICOLONS: return set_list(cfg, a->key, text, ';');
    case COMMAS: return set_list(cfg, a->key, text, ',');
    case ONLY_FALSE:
        if (is_true)
            return false;
        now = "false";
        break;
    }
    return config_set(cfg, a->key, &(struct hocon_value){.kind = HOCON_STRING, .text = now}) ||
           (config_is_bool(a->key) && /* in Java any word but true is false */
            config_set(cfg, a->key, &(struct hocon_value){.kind = HOCON_BOOL, .text = "false"}));
}

static void from_conf(struct reading *r)
{
    for (size_t i = 0; i < COUNT(aliases); i++) {
        const struct hocon_value *v = hocon_get(r->root, aliases[i].old);
        const char *text = v ? hocon_as_string(v) : NULL;
        bool last_resort = i == 0; /* octo.bind-address */
        if (text && !(last_resort && hocon_get(r->root, aliases[i].key)) && !set_old(r->cfg, &aliases[i], text))
            config_say(r, LOG_WARN_, v->at, "%s has no usable value; today it is %s", aliases[i].old, aliases[i].key);
    }
}

static void from_props(struct reading *r, const struct props *props)
{
    for (size_t i = 0; i < COUNT(aliases); i++) {
        const struct prop *p = config_props_get(props, aliases[i].old);
        if (!p || !set_old(r->cfg, &aliases[i], p->value))
            continue;
        const struct hocon_value *v = hocon_get(r->root, aliases[i].key);
        const char *text = v ? hocon_as_string(v) : NULL;
        if (v && !(text && strcasecmp(text, p->value) == 0))
            config_say(r, LOG_INFO_, v->at, "%s:%d overrides %s", p->file ? "sip-communicator.properties" : "-D word",
                       p->line, aliases[i].key);
    }
}

/* -Dvideobridge.x=y counts only where jvb.conf says nothing. */
static void from_words(struct reading *r, const struct props *words)
{
    for (size_t i = 0; i < words->n; i++)
        if (!hocon_get(r->root, words->v[i].key))
            config_set(r->cfg, words->v[i].key, &(struct hocon_value){.kind = HOCON_STRING, .text = words->v[i].value});
}

static const char *either(const struct props *lines, const struct props *words, const char *key)
{
    const struct prop *p = config_props_get(lines, key);
    p = p ? p : config_props_get(words, key);
    return p ? p->value : NULL;
}

/* The most common pair in the field. */
static void nat_mapping(struct reading *r, const struct props *lines, const struct props *words)
{
    const char *local = either(lines, words, ICE4J "harvest.NAT_HARVESTER_LOCAL_ADDRESS");
    const char *public = either(lines, words, ICE4J "harvest.NAT_HARVESTER_PUBLIC_ADDRESS");
    if (local && public && *local && *public)
        config_add_mapping(r->cfg, local, public);
}

/* The domain of one URL, in front of the list of domains. */
static void websocket_domain(struct reading *r, struct config_strings *list, const char *key, const char *legacy)
{
    const struct hocon_value *v = hocon_get(r->root, key);
    const char *text = legacy ? legacy : v ? hocon_as_string(v) : NULL;
    for (size_t i = 0; text && i < list->n; i++)
        if (strcmp(list->v[i], text) == 0)
            return;
    if (text && *text)
        config_strings_insert(list, 0, text);
}

/* ---- logins: org.jitsi.videobridge.xmpp.user.[<id>.]<PROP> ---- */

static bool split_user(const char *key, char *id, size_t cap, const char **prop)
{
    static const char prefix[] = JITSI "xmpp.user.";
    if (strncmp(key, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *rest = key + sizeof prefix - 1, *dot = strrchr(rest, '.');
    size_t n = dot ? (size_t)(dot - rest) : 0;
    if (n >= cap)
        return false;
    memcpy(id, rest, n);
    id[n] = 0;
    *prop = dot ? dot + 1 : rest;
    return **prop != 0;
}

static void add_user(struct reading *r, const struct props *lines, const char *wanted)
{
    struct hocon_member *members = calloc(lines->n, sizeof *members);
    struct hocon_value *values = calloc(lines->n, sizeof *values);
    struct hocon_value object = {.kind = HOCON_OBJECT, .members = members};
    if (!members || !values)
        abort();
    for (size_t i = lines->n; i-- > 0;) { /* the last one of a name counts, and the first one found */
        char id[128];
        const char *prop;
        if (!split_user(lines->v[i].key, id, sizeof id, &prop) || strcmp(id, wanted) != 0)
            continue;
        values[object.count] = (struct hocon_value){.kind = HOCON_STRING, .text = lines->v[i].value};
        members[object.count] = (struct hocon_member){prop, &values[object.count]};
        object.count++;
    }
    config_add_login(r, *wanted ? wanted : "default", &object, false);
    free(members);
    free(values);
}

static void old_logins(struct reading *r, const struct props *lines)
{
    size_t stock = r->cfg->xmpp_count;
    for (size_t i = 0; i < lines->n; i++) {
        char id[128], other[128];
        const char *prop;
        if (!split_user(lines->v[i].key, id, sizeof id, &prop))
            continue;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = split_user(lines->v[k].key, other, sizeof other, &prop) && strcmp(id, other) == 0;
        if (!seen)
            add_user(r, lines, id);
    }
    if (r->cfg->xmpp_count == stock || stock == 0)
        return;
    config_drop_logins(r->cfg, stock);
    config_say(r, LOG_INFO_, (struct hocon_at){0},
               "sip-communicator.properties has XMPP logins, so those of jvb.conf are not used");
}

/* ---- where they stand ---- */

static void read_lines(struct reading *r, const struct props *words, struct props *lines)
{
    const struct prop *where = config_props_get(words, "net.java.sip.communicator.SC_HOME_DIR_LOCATION");
    const struct prop *name = config_props_get(words, "net.java.sip.communicator.SC_HOME_DIR_NAME");
    const char *conf = r->cfg->path ? r->cfg->path : "/etc/jitsi/videobridge/jvb.conf", *slash = strrchr(conf, '/');
    char path[1024], *text = NULL;
    size_t len;
    if (where && name)
        snprintf(path, sizeof path, "%s/%s/sip-communicator.properties", where->value, name->value);
    else
        snprintf(path, sizeof path, "%.*ssip-communicator.properties", slash ? (int)(slash - conf) + 1 : 0, conf);
    enum hocon_read got = config_read_file(NULL, path, &text, &len);
    if (got == HOCON_READ_FAILED)
        config_say(r, LOG_ERROR_, (struct hocon_at){0},
                   "sip-communicator.properties exists but cannot be read; check its owner and mode");
    if (got != HOCON_READ_OK)
        return;
    config_props_parse(lines, path, text, len);
    explicit_bzero(text, len);
    free(text);
}

void config_read_old(struct reading *r)
{
    struct props words = {0}, lines = {0};
    const char *java = r->env->get(r->env->ctx, "JAVA_SYS_PROPS");
    config_props_words(&words, java ? java : "");
    read_lines(r, &words, &lines);
    from_words(r, &words);
    from_conf(r);
    from_props(r, &words);
    from_props(r, &lines);
    nat_mapping(r, &lines, &words);
    websocket_domain(r, &r->cfg->websocket_domains, "videobridge.websockets.domain",
                     either(&lines, &words, JITSI "rest.COLIBRI_WS_DOMAIN"));
    websocket_domain(r, &r->cfg->websocket_relay_domains, "videobridge.websockets.relay-domain", NULL);
    old_logins(r, &lines);
    config_props_free(&words);
    config_props_free(&lines);
}
