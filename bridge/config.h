/* config.h - the configuration as one plain struct, filled once at start.
 *
 * For: finding, reading and checking what the administrator wrote in jvb.conf (HOCON). settings.h lists every key.
 * Not for: the syntax (proto/hocon), options of the command line (options.h), or acting on any of it.
 *
 * Order, first one wins: sip-communicator.properties beside jvb.conf (or where JAVA_SYS_PROPS puts it) and -D words of
 * JAVA_SYS_PROPS, both with the names of former versions; such names in jvb.conf; jvb.conf; defaults. An old line that
 * overrides jvb.conf is reported. Every wrong value is reported, not only the first. A key that no version of the stock
 * bridge knows gets one warning with the nearest one that is known.
 * Owner:  config_load() fills memory of the caller's; config_done() frees what hangs on it and wipes secrets.
 * Thread: load on one; afterwards immutable, hence readable from all.
 * Files are only ever read, and only here.
 * Privacy: diagnostics name files, lines and keys; values only where the key cannot hold a secret. */
#ifndef BRIDGE_CONFIG_H
#define BRIDGE_CONFIG_H

#include "bridge/settings.h"
#include "proto/bytes.h"
#include "proto/log.h"
#include "proto/units.h"

enum config_tri { CONFIG_UNSET = -1, CONFIG_NO = 0, CONFIG_YES = 1 };
enum config_load_measurement { CONFIG_LOAD_CPU, CONFIG_LOAD_PACKET_RATE };
enum config_red_policy { CONFIG_RED_NOOP, CONFIG_RED_STRIP, CONFIG_RED_PROTECT_ALL };

struct config_strings {
    char **v;
    size_t n;
};

/* C types of the table's types. INT is -1 or more, COUNT 0 or more; PORT is -1 or 1 to 65535; US and BPS are never negative (a negative
 * duration in a file reads as 0). STRING may be NULL where the default is; SECRET is a STRING that is wiped on free. */
#define CONFIG_C_BOOL    bool
#define CONFIG_C_INT     int32_t
#define CONFIG_C_COUNT   int32_t
#define CONFIG_C_PORT    int32_t
#define CONFIG_C_DOUBLE  double
#define CONFIG_C_US      uint64_t
#define CONFIG_C_BPS     uint64_t
#define CONFIG_C_STRING  char *
#define CONFIG_C_SECRET  char *
#define CONFIG_C_STRINGS struct config_strings
#define CONFIG_C_TRI     enum config_tri
#define CONFIG_C_LOAD    enum config_load_measurement
#define CONFIG_C_RED     enum config_red_policy

enum config_starttls { CONFIG_TLS_REQUIRED, CONFIG_TLS_IF_POSSIBLE, CONFIG_TLS_DISABLED };

/* One login at a Prosody: videobridge.apis.xmpp-client.configs.<id>, or native.xmpp-component.configs.<id> (own). */
struct config_xmpp {
    char *id;       /* free text, unique */
    bool component; /* XEP-0114: domain is the component host, password its secret; no username, no TLS */
    char *hostname; /* TCP host: name or literal */
    uint16_t port;  /* 5222; component: 5347 */
    char *domain;   /* of the login, and the name the certificate must match; defaults to hostname */
    char *username, *password;
    struct config_strings muc_jids; /* rooms to join, at least one */
    char *muc_nickname;             /* unique per bridge */
    bool verify_certificate;
    enum config_starttls starttls;
};

/* ice4j.harvest.mapping.static-mappings: what clients see instead of a local address. Names are not resolved yet. */
struct config_mapping {
    char *local_address, *public_address;
    uint16_t local_port, public_port; /* 0: the mapping is for all ports; both or none */
};

/* videobridge.load-management.conference-last-n-limits: with `size` or more video sources, at most last_n are shown. */
struct config_size_limit {
    int32_t size, last_n;
};

struct config {
#define X(key, type, field, value, meaning) CONFIG_C_##type field;
    SETTINGS(X)
#undef X
    struct config_xmpp *xmpp; /* complete entries only; none is legal, they may come over REST */
    size_t xmpp_count;
    struct config_mapping *mappings;
    size_t mappings_count;
    struct config_size_limit *size_limits; /* in no order */
    size_t size_limits_count;
    char *path; /* the jvb.conf that was read; NULL: none, defaults */
};

struct config_diag {
    enum log_level level; /* LOG_ERROR_: the bridge must not start; LOG_WARN_, LOG_INFO_ */
    const char *file;     /* NULL: not about a file */
    int line, column;     /* 1-based; 0: unknown */
    const char *text;     /* one line: what is wrong and what to do */
};
typedef void config_sink(void *ctx, const struct config_diag *diag);
typedef const char *config_getenv(void *ctx, const char *name); /* NULL: not set */

struct config_env { /* the world, so that tests bring their own */
    config_getenv *get;
    config_sink *sink;
    void *ctx; /* given to both */
};

/* path: of jvb.conf (option --config), or NULL: -Dconfig.file=... in JAVA_SYS_PROPS, else
 * /etc/jitsi/videobridge/jvb.conf, whose absence is fine. True: *cfg is complete. False: at least one LOG_ERROR_ went
 * to the sink, exit with 78; *cfg is filled as far as possible. Either way config_done() is owed. */
bool config_load(const char *path, const struct config_env *env, struct config *cfg);
void config_defaults(struct config *cfg); /* as config_load() without any file; config_done() is owed */
void config_done(struct config *cfg);

#endif
