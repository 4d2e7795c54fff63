/* config_known.c - keys that the stock bridge knows, so that a misspelt one can be told from one without effect here. */
#include <stdio.h>

#include "bridge/config_impl.h"

/* The table first. Then keys of the stock bridge that have no effect here, or are read elsewhere; ".*" means with all
 * that is below. The last group is dead keys that installed files still carry. */
static const char *const known[] = {
#define X(key, type, field, value, meaning) key,
    SETTINGS(X)
#undef X
        "videobridge.apis.xmpp-client.configs.*",
    "videobridge.apis.xmpp-client.jid-cache-size",
    "native.xmpp-component.configs.*",
    "ice4j.harvest.mapping.static-mappings.*",
    "videobridge.load-management.conference-last-n-limits.*",
    "videobridge.http-servers.public.need-client-auth",
    "videobridge.http-servers.public.tls-protocols",
    "videobridge.http-servers.public.tls-cipher-suites",
    "videobridge.http-servers.public.send-server-version",
    "videobridge.http-servers.private.need-client-auth",
    "videobridge.http-servers.private.tls-protocols",
    "videobridge.http-servers.private.tls-cipher-suites",
    "videobridge.http-servers.private.send-server-version",
    "videobridge.ice.keep-alive-strategy",
    "videobridge.ice.resolve-remote-candidates",
    "videobridge.ice.nomination-strategy",
    "ice4j.harvest.udp.use-dynamic-ports",
    "ice4j.harvest.udp.socket-pool-size",
    "ice4j.use-component-socket",
    "ice4j.send-to-last-received-from-address",
    "ice4j.redact-remote-addresses",
    "videobridge.websockets.domain",
    "videobridge.websockets.relay-domain",
    "videobridge.cc.initial-ignore-bwe-period",
    "videobridge.cc.bwe-change-threshold-pct",
    "videobridge.cc.thumbnail-max-height-px",
    "videobridge.cc.enable-onstage-video-suspend",
    "videobridge.cryptex.endpoint",
    "videobridge.cryptex.relay",
    "videobridge.load-management.reducer-enabled",
    "videobridge.load-management.load-measurements.cpu-usage.detect-cpu-steal",
    "videobridge.load-management.load-reducers.last-n.*",
    "videobridge.stats.transit-time.enable-json",
    "videobridge.stats.transit-time.enable-prometheus",
    "videobridge.stats.transit-time.enable-jitter",
    "videobridge.stats.jvm.enabled",
    "videobridge.redact-remote-addresses",
    "videobridge.redact-colibri-http-headers",
    "videobridge.exporter.*",
    "jmt.bwe.estimator.engine",
    "jmt.bwe.estimator.GoogleCc.*",
    "jmt.bwe.estimator.GoogleCc2.*",
    "jmt.bwe.send-side.*",
    "jmt.bwe.overuse-detector.*",
    "jmt.bwe.google-cc.min-bw",
    "jmt.bwe.google-cc.max-bw",
    "jmt.srtp.max-consecutive-packets-discarded-early",
    "jmt.srtp.factory-class",
    "jmt.audio.red.distance",
    "jmt.audio.red.vad-only",
    "jmt.rtp.bitrate-calculator.*",
    "jmt.transceiver.recv.queue-size",
    "jmt.transceiver.send.queue-size",
    "jmt.debug.*",
    "videobridge.stats.enabled",
    "videobridge.stats.transports.*",
    "videobridge.sctp.use-usrsctp",
    "videobridge.multi-stream.*",
    "videobridge.ice.tcp.*",
    "videobridge.octo.*",
    "ice4j.harvest.mapping.stun.enabled",
};

#define X(key, type, field, value, meaning) +1
enum { TABLE_COUNT = 0 SETTINGS(X) }; /* only these have an effect, so only these are proposed */
#undef X

enum known_as { UNKNOWN, A_BLOCK, A_VALUE, A_TREE };

static enum known_as look_up(const char *path)
{
    size_t len = strlen(path);
    enum known_as found = UNKNOWN;
    for (size_t i = 0; i < COUNT(known); i++) {
        size_t n = strlen(known[i]);
        bool tree = known[i][n - 1] == '*';
        n -= tree ? 2 : 0;
        if (n == len && memcmp(known[i], path, n) == 0)
            return tree ? A_TREE : A_VALUE;
        if (n > len && memcmp(known[i], path, len) == 0 && known[i][len] == '.')
            found = A_BLOCK;
    }
    return found;
}

static unsigned distance(const char *a, const char *b) /* Levenshtein; b is one of ours, hence short */
{
    unsigned row[128];
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

static void warn(struct reading *r, const struct hocon_value *v, const char *path)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)strlen(path) / 3 + 1;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        unsigned d = distance(path, known[i]);
        if (d < best) {
            best = d;
            nearest = known[i];
        }
    }
    config_say(r, LOG_WARN_, v->at, "%s is not a setting we know%s%s", path,
               nearest ? "; the nearest is " : ", and no known one is near", nearest ? nearest : "");
}

static void check(struct reading *r, const struct hocon_value *v, const char *path)
{
    enum known_as as = look_up(path);
    if (as == UNKNOWN) {
        warn(r, v, path);
    } else if (as == A_BLOCK && v->kind == HOCON_OBJECT) {
        for (size_t i = 0; i < v->count; i++) {
            char below[256];
            snprintf(below, sizeof below, "%s.%s", path, v->members[i].key);
            check(r, v->members[i].value, below);
        }
    } else if (as == A_BLOCK && v->kind != HOCON_NULL) {
        config_say(r, LOG_ERROR_, v->at, "%s must be a block: %s { ... }", path, path);
    }
}

void config_warn_unknown(struct reading *r)
{
    static const char *const ours[] = {"videobridge", "jmt", "ice4j", "native"};
    for (size_t i = 0; i < COUNT(ours); i++) {
        const struct hocon_value *v = hocon_member(r->root, ours[i]);
        if (v)
            check(r, v, ours[i]);
    }
    const struct hocon_value *legacy = hocon_get(r->root, "org.jitsi");
    if (legacy)
        config_say(
            r, LOG_WARN_, legacy->at,
            "org.jitsi.* names mean nothing here; they belong into sip-communicator.properties beside this file");
}
