/* connection.c - see connection.h. Here things happen: the clock is read, timers fire, lines are logged. */
#include "xmpp/connection.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proto/bytes.h"
#include "proto/log.h"
#include "xmpp/advice.h"
#include "xmpp/build.h"
#include "xmpp/requests.h"
#include "xmpp/retry.h"

#define AREA   "xmpp"
#define S_US   UINT64_C(1000000)
#define NEVER  UINT64_MAX
#define MIN_US (60 * S_US)

enum {
    PRESENCE_MS = 5000,
    PING_S = 30,        /* MucClient's ping interval */
    PING_ANSWER_S = 15, /* Smack's reply timeout */
    STOP_MS = 1500,
    QUIET_MIN = 10,    /* operations.md 17.1, W4 */
    SAY_AGAIN_MIN = 5, /* a failure that goes on */
    EVICTIONS_MAX = 3, /* per hour; more of them is a living bridge that comes back each time */
};

enum phase { WAITING, LOGGING_IN, UP, STOPPING, STOPPED };

struct said { /* the last failure that was logged, so that it is not logged again at each try */
    int what; /* enum stream_end or enum brewery_event; -1: none */
    uint64_t at_us;
};

struct connection {
    uv_loop_t *loop;
    struct connection_config cfg; /* strings are ours; nickname is the one in use */
    struct connection_handler handler;
    struct stream *stream;
    struct requests *requests;
    struct brewery **breweries;
    uv_timer_t timer;
    enum phase phase;
    struct retry retry;
    char *base_nickname;
    char *resource; /* the nickname, or a ghost's that we had to replace */
    bool ghosts_sent_away;
    bool replacing; /* we cut the stream ourselves, to come back under a ghost's resource */
    unsigned evictions;
    uint64_t evictions_since_us;

    /* deadlines */
    uint64_t login_at_us, presence_at_us, ping_at_us, stop_at_us, quiet_at_us;
    bool ping_open;
    unsigned pings;
    char ping_id[24];

    struct said said, *room_said; /* of the stream; of each room */
    bool greeted;                 /* the first request has been seen */

    connection_stopped *done;
    void *done_ctx;
};

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static char *copy(const char *text)
{
    char *dup = text ? strdup(text) : NULL;
    if (text && !dup)
        abort();
    return dup;
}

static void replace(const char **field, const char *text)
{
    char *dup = copy(text);
    free((char *)*field);
    *field = dup;
}

static void tell_status(struct connection *connection)
{
    if (connection->handler.on_status)
        connection->handler.on_status(connection->handler.ctx, connection);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

static uint64_t next_deadline_us(const struct connection *connection)
{
    uint64_t next = MIN(connection->login_at_us, connection->stop_at_us);
    if (connection->phase != UP)
        return next;
    next = MIN(next, MIN(connection->presence_at_us, MIN(connection->ping_at_us, connection->quiet_at_us)));
    next = MIN(next, requests_deadline_us(connection->requests));
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        next = MIN(next, brewery_deadline_us(connection->breweries[i]));
    return next;
}

static void arm(struct connection *connection)
{
    uint64_t next = next_deadline_us(connection), now = now_us();
    if (next == NEVER)
        uv_timer_stop(&connection->timer);
    else
        uv_timer_start(&connection->timer, on_timer, next <= now ? 0 : (next - now + 999) / 1000, 0);
}

/* ---- presence ---- */

static void refresh_stats(struct connection *connection)
{
    if (connection->handler.on_presence_due)
        connection->handler.on_presence_due(connection->handler.ctx, connection);
}

void connection_set_stats(struct connection *connection, const struct connection_stat *stats, size_t count)
{
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        brewery_set_stats(connection->breweries[i], stats, count);
}

void connection_push_presence(struct connection *connection)
{
    if (connection->phase != UP)
        return;
    refresh_stats(connection);
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        brewery_publish(connection->breweries[i]);
}

/* ---- the nickname, and who else has it ---- */

static void take_resource(struct connection *connection, const char *resource)
{
    char *dup = copy(resource);
    free(connection->resource);
    connection->resource = dup;
}

static void rename_us(struct connection *connection)
{
    uint16_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        random = (uint16_t)now_us();
    char nickname[1100];
    snprintf(nickname, sizeof nickname, "%.1000s-%04x", connection->base_nickname, random);
    replace(&connection->cfg.nickname, nickname);
    take_resource(connection, nickname);
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        brewery_set_nickname(connection->breweries[i], nickname);
    log_warn(AREA, "%s: using the nickname %s instead", connection->cfg.id, nickname);
}

static void replace_ghost(struct connection *connection, const char *resource)
{
    uint64_t now = now_us();
    if (now - connection->evictions_since_us > 60 * MIN_US) {
        connection->evictions_since_us = now;
        connection->evictions = 0;
    }
    if (++connection->evictions > EVICTIONS_MAX)
        rename_us(connection);
    else
        take_resource(connection, resource);
    connection->replacing = true;
    stream_drop(connection->stream);
}

static bool worth_saying(struct said *said, int what)
{
    uint64_t now = now_us();
    if (said->what == what && now - said->at_us < SAY_AGAIN_MIN * MIN_US)
        return false;
    *said = (struct said){what, now};
    return true;
}

static struct said *room_said(struct connection *connection, const struct brewery *brewery)
{
    size_t i = 0;
    while (connection->breweries[i] != brewery)
        i++;
    return &connection->room_said[i];
}

static void on_room_event(void *ctx, struct brewery *brewery, enum brewery_event event, const char *detail)
{
    struct connection *connection = ctx;
    char line[512];
    bool fine = event == BREWERY_JOINED || event == BREWERY_GHOST;
    bool with_stream = connection->phase != UP || (event == BREWERY_LEFT && !detail); /* that has a line of its own */
    if (!with_stream && worth_saying(room_said(connection, brewery), (int)event))
        log_at(fine ? LOG_INFO_ : LOG_WARN_, AREA, "%s: %s", connection->cfg.id,
               advice_on_room(line, sizeof line, &connection->cfg, brewery_room(brewery), event, detail));
    switch (event) {
    case BREWERY_NICK_CONFLICT: rename_us(connection); break;
    case BREWERY_GHOST: replace_ghost(connection, detail); break;
    case BREWERY_JOINED:
        if (connection->quiet_at_us == NEVER && !connection->greeted)
            connection->quiet_at_us = now_us() + QUIET_MIN * MIN_US;
        break;
    default: break;
    }
    tell_status(connection);
}

/* ---- the stream ---- */

static void send_stanza(void *ctx, xmpp_stanza_t *stanza)
{
    struct connection *connection = ctx;
    stream_send(connection->stream, stanza);
}

static void open_stream(struct connection *connection)
{
    connection->phase = LOGGING_IN;
    connection->login_at_us = NEVER;
    stream_open(connection->stream, connection->resource);
}

static const char *domain_of(const char *jid)
{
    const char *at = strchr(jid, '@');
    return at ? at + 1 : jid;
}

static void send_ping(struct connection *connection)
{
    const struct connection_config *cfg = &connection->cfg;
    snprintf(connection->ping_id, sizeof connection->ping_id, "ping-%u", ++connection->pings);
    xmpp_stanza_t *iq = xmpp_iq_new(stream_xmpp(connection->stream), "get", connection->ping_id);
    build_child(iq, "ping", BUILD_NS_PING);
    if (cfg->component) { /* a component has no server of its own to ask; the MUC is the one that matters */
        char from[2100];
        snprintf(from, sizeof from, "%.1000s@%.1000s/bridge", cfg->username, cfg->domain);
        build_attr(iq, "from", from);
        build_attr(iq, "to", cfg->room_count > 0 ? domain_of(cfg->rooms[0]) : cfg->domain);
    } else {
        build_attr(iq, "to", cfg->domain);
    }
    stream_send(connection->stream, iq);
    xmpp_stanza_release(iq);
    connection->ping_open = true;
    connection->ping_at_us = now_us() + PING_ANSWER_S * S_US;
}

static void on_up(void *ctx, const char *jid)
{
    struct connection *connection = ctx;
    if (connection->phase == STOPPED)
        return;
    const struct connection_config *cfg = &connection->cfg;
    uint64_t now = now_us();
    char self[2100];
    if (cfg->component)
        snprintf(self, sizeof self, "%.1000s@%.1000s/bridge", cfg->username, cfg->domain);
    else
        snprintf(self, sizeof self, "%s", jid);
    connection->phase = UP;
    connection->said.what = -1;
    connection->ping_open = false;
    connection->ping_at_us = now + PING_S * S_US;
    connection->presence_at_us = now + cfg->presence_interval_ms * 1000;
    retry_on_up(&connection->retry);
    log_info(AREA, "%s: logged in at %s:%u as %s%s%s", cfg->id, cfg->hostname, cfg->port,
             cfg->component ? "component " : cfg->username, cfg->component ? "" : "@", cfg->domain);
    refresh_stats(connection);
    bool first = cfg->component && !connection->ghosts_sent_away;
    connection->ghosts_sent_away = true;
    for (size_t i = 0; i < cfg->room_count; i++)
        brewery_on_login(connection->breweries[i], self, first, now);
    tell_status(connection);
    arm(connection);
}

static void say_failure(struct connection *connection, enum stream_end end, const char *detail)
{
    if (!worth_saying(&connection->said, (int)end))
        return;
    char line[512];
    log_warn(AREA, "%s: %s", connection->cfg.id, advice_on_stream(line, sizeof line, &connection->cfg, end, detail));
}

static void finish(struct connection *connection)
{
    connection->phase = STOPPED;
    connection->stop_at_us = NEVER;
    uv_timer_stop(&connection->timer);
    if (connection->done)
        connection->done(connection->done_ctx, connection);
}

static void on_down(void *ctx, enum stream_end end, bool connected, const char *detail)
{
    struct connection *connection = ctx;
    enum phase was = connection->phase;
    if (was == STOPPED)
        return;
    connection->phase = WAITING;
    requests_forget(connection->requests);
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        brewery_on_logout(connection->breweries[i]);
    connection->quiet_at_us = NEVER;
    if (was == STOPPING) {
        tell_status(connection);
        finish(connection);
        return;
    }
    uint64_t delay_ms = 0;
    if (connection->replacing) {
        connection->replacing = false;
    } else {
        say_failure(connection, end, detail);
        if (was == UP && end == STREAM_CONFLICT && !connection->cfg.component)
            rename_us(connection);
        delay_ms = was == UP ? retry_on_lost(&connection->retry, end == STREAM_CLOSED)
                             : retry_on_failed(&connection->retry, connected, end == STREAM_PASSWORD);
    }
    connection->login_at_us = now_us() + delay_ms * 1000;
    tell_status(connection);
    arm(connection);
}

static bool is_pong(const struct connection *connection, xmpp_stanza_t *iq)
{
    const char *id = xmpp_stanza_get_id(iq), *type = xmpp_stanza_get_type(iq);
    return connection->ping_open && id && type && strcmp(id, connection->ping_id) == 0 &&
           (strcmp(type, "result") == 0 || strcmp(type, "error") == 0); /* an error is a sign of life as well */
}

static void on_stanza(void *ctx, xmpp_stanza_t *stanza)
{
    struct connection *connection = ctx;
    const char *name = xmpp_stanza_get_name(stanza);
    if (connection->phase != UP || !name)
        return;
    if (strcmp(name, "presence") == 0) {
        for (size_t i = 0; i < connection->cfg.room_count; i++)
            brewery_on_presence(connection->breweries[i], stanza, now_us());
    } else if (strcmp(name, "iq") == 0 && is_pong(connection, stanza)) {
        connection->ping_open = false;
        connection->ping_at_us = now_us() + PING_S * S_US;
    } else if (strcmp(name, "iq") == 0) {
        requests_on_iq(connection->requests, stanza, now_us());
        if (!connection->greeted && requests_from_focus(connection->requests) > 0) {
            connection->greeted = true;
            connection->quiet_at_us = NEVER;
            log_info(AREA, "%s: first request of the focus", connection->cfg.id);
        }
    }
    arm(connection);
}

static void on_timer(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    uint64_t now = now_us();
    if (now >= connection->stop_at_us) {
        finish(connection);
        return;
    }
    if (now >= connection->login_at_us)
        open_stream(connection);
    if (connection->phase == UP) {
        requests_on_time(connection->requests, now);
        for (size_t i = 0; i < connection->cfg.room_count; i++)
            brewery_on_time(connection->breweries[i], now);
        if (now >= connection->presence_at_us) {
            connection->presence_at_us += connection->cfg.presence_interval_ms * 1000;
            if (connection->presence_at_us <= now) /* we were asleep: one is enough */
                connection->presence_at_us = now + connection->cfg.presence_interval_ms * 1000;
            connection_push_presence(connection);
        }
        if (now >= connection->ping_at_us && connection->ping_open) {
            connection->ping_at_us = NEVER;
            stream_drop(connection->stream);
        } else if (now >= connection->ping_at_us) {
            send_ping(connection);
        }
        if (now >= connection->quiet_at_us) {
            connection->quiet_at_us = NEVER;
            log_warn(AREA,
                     "%s: in the room for %d minutes without a request of Jicofo: compare MUC_JIDS with Jicofo's "
                     "bridge.brewery-jid",
                     connection->cfg.id, QUIET_MIN);
        }
    }
    arm(connection);
}

/* ---- birth and end ---- */

static void copy_config(struct connection_config *to, const struct connection_config *from)
{
    *to = *from;
    to->id = copy(from->id ? from->id : "xmpp");
    to->hostname = copy(from->hostname);
    to->domain = copy(from->domain ? from->domain : from->hostname);
    to->username = copy(from->username ? from->username : "jvb");
    to->password = copy(from->password ? from->password : "");
    to->nickname = copy(from->nickname);
    to->version = copy(from->version ? from->version : "");
    if (to->port == 0)
        to->port = from->component ? 5347 : 5222;
    if (to->presence_interval_ms == 0)
        to->presence_interval_ms = PRESENCE_MS;
    char **rooms = calloc(from->room_count + 1, sizeof *rooms);
    if (!rooms)
        abort();
    for (size_t i = 0; i < from->room_count; i++)
        rooms[i] = copy(from->rooms[i]);
    to->rooms = (const char *const *)rooms;
}

static void free_config(struct connection_config *cfg)
{
    for (size_t i = 0; i < cfg->room_count; i++)
        free((char *)cfg->rooms[i]);
    free((char **)cfg->rooms);
    explicit_bzero((char *)cfg->password, strlen(cfg->password));
    const char *texts[] = {cfg->id,       cfg->hostname, cfg->domain, cfg->username,
                           cfg->password, cfg->nickname, cfg->version};
    for (size_t i = 0; i < COUNT(texts); i++)
        free((char *)texts[i]);
}

struct connection *connection_new(uv_loop_t *loop, const struct connection_config *cfg,
                                  const struct connection_handler *handler)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    signal(SIGPIPE, SIG_IGN);
    copy_config(&connection->cfg, cfg);
    cfg = &connection->cfg;
    connection->loop = loop;
    connection->handler = *handler;
    connection->base_nickname = copy(cfg->nickname);
    connection->resource = copy(cfg->nickname);
    connection->said.what = -1;
    connection->login_at_us = connection->presence_at_us = connection->ping_at_us = NEVER;
    connection->stop_at_us = connection->quiet_at_us = NEVER;
    uv_timer_init(loop, &connection->timer);
    connection->timer.data = connection;

    const struct stream_config stream = {
        .hostname = cfg->hostname,
        .port = cfg->port,
        .domain = cfg->domain,
        .username = cfg->component ? NULL : cfg->username,
        .password = cfg->password,
        .verify = cfg->verify_certificate,
        .tls = cfg->security == CONNECTION_TLS_REQUIRED      ? STREAM_TLS_REQUIRED
               : cfg->security == CONNECTION_TLS_IF_POSSIBLE ? STREAM_TLS_IF_POSSIBLE
                                                             : STREAM_TLS_DISABLED,
    };
    connection->stream = stream_new(loop, &stream, &(struct stream_handler){connection, on_up, on_stanza, on_down});
    connection->requests = requests_new(&(struct requests_config){.rooms = cfg->rooms,
                                                                  .room_count = cfg->room_count,
                                                                  .version = cfg->version,
                                                                  .send = send_stanza,
                                                                  .ctx = connection},
                                        handler);
    connection->breweries = calloc(cfg->room_count + 1, sizeof *connection->breweries);
    connection->room_said = calloc(cfg->room_count + 1, sizeof *connection->room_said);
    if (!connection->breweries || !connection->room_said)
        abort();
    for (size_t i = 0; i < cfg->room_count; i++)
        connection->room_said[i].what = -1;
    for (size_t i = 0; i < cfg->room_count; i++)
        connection->breweries[i] = brewery_new(&(struct brewery_config){.room = cfg->rooms[i],
                                                                        .nickname = cfg->nickname,
                                                                        .component = cfg->component,
                                                                        .send = send_stanza,
                                                                        .event = on_room_event,
                                                                        .ctx = connection},
                                               stream_xmpp(connection->stream));
    return connection;
}

void connection_start(struct connection *connection)
{
    open_stream(connection);
}

void connection_stop(struct connection *connection, connection_stopped *done, void *ctx)
{
    connection->done = done;
    connection->done_ctx = ctx;
    connection->login_at_us = NEVER;
    connection->stop_at_us = now_us(); /* unless there is something to take leave of */
    if (connection->phase == UP) {
        for (size_t i = 0; i < connection->cfg.room_count; i++)
            brewery_leave(connection->breweries[i]);
        stream_close(connection->stream);
        connection->stop_at_us += STOP_MS * 1000;
        connection->phase = STOPPING;
    } else {
        connection->phase = STOPPED;
    }
    arm(connection);
}

static void on_stream_freed(void *ctx)
{
    free(ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    requests_free(connection->requests);
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        brewery_free(connection->breweries[i]);
    free(connection->breweries);
    free(connection->room_said);
    free(connection->base_nickname);
    free(connection->resource);
    free_config(&connection->cfg);
    stream_free(connection->stream, on_stream_freed, connection);
}

void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    connection->phase = STOPPED;
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
}

struct connection_status connection_status(const struct connection *connection)
{
    struct connection_status status = {connection->phase == UP, connection->cfg.room_count, 0};
    for (size_t i = 0; i < connection->cfg.room_count; i++)
        status.rooms_joined += brewery_is_joined(connection->breweries[i]);
    return status;
}

const char *connection_id(const struct connection *connection)
{
    return connection->cfg.id;
}
