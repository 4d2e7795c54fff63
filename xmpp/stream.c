/* stream.c - see stream.h.
 *
 * libstrophe 0.12.2, what one must know: xmpp_connect_client() resolves with getaddrinfo(), the TLS handshake loops in
 * select() until done, select() cannot take descriptors from 1024 on, a component's connection crashes without a stream
 * management state, one run_once reads 4096 bytes although TLS may hold 16384, and the reason of a failure is told to
 * its log only. Each is handled below, and tests/e2e/xmpp pins them. */
#include "xmpp/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/bytes.h"

enum {
    LOGIN_TURN_MS = 100, /* how long one turn of the login thread sleeps */
    READS_PER_TURN = 6,  /* 4 x 4096 empty one TLS record of 16384; two more for what came meanwhile */
};

enum phase { IDLE, LOGGING_IN, UP };

struct poller { /* on its own, because libuv closes it later than we may want to open the next one */
    uv_poll_t handle;
    int fd;
};

struct stream {
    uv_loop_t *loop;
    struct stream_config cfg; /* strings are ours */
    struct stream_handler handler;
    xmpp_log_t log;
    xmpp_ctx_t *xmpp;
    xmpp_conn_t *conn; /* the login thread's while LOGGING_IN, the loop's while UP */
    enum phase phase;

    /* login thread; `lock` guards what both sides touch while it runs */
    pthread_t thread;
    pthread_mutex_t lock;
    bool resolving;            /* the one part that cannot be cut short */
    bool abandoned;            /* nobody waits any more: the thread frees the stream. Only while it resolves */
    struct farewell *farewell; /* the stream is to be freed when the thread has ended */
    bool cancelled;            /* too long, or dropped */
    bool timed_out;
    int fd;          /* a duplicate of libstrophe's socket, so that we may shut it down or poll it at any time; or -1 */
    int reserved_fd; /* keeps a number below FD_SETSIZE for us */
    uv_async_t *wake;
    uv_timer_t *limit;

    /* outcome of a login, and of a stream that went down */
    bool authenticated, connected, down;
    enum stream_end end;
    char detail[160];
    int connect_errno;
    xmpp_stanza_t *early[16]; /* stanzas that came in the same breath as the login's end */
    size_t early_count;

    struct poller *poller;
    bool pumping;
};

static _Thread_local struct stream *connecting; /* libstrophe gives these two callbacks no userdata */

static void set_end(struct stream *stream, enum stream_end end, const char *detail)
{
    stream->end = end;
    snprintf(stream->detail, sizeof stream->detail, "%s", detail ? detail : "");
}

/* ---- callbacks of libstrophe ---- */

static int on_new_socket(xmpp_conn_t *conn, void *sock)
{
    (void)conn;
    struct stream *stream = connecting;
    int *fd = sock;
    if (*fd >= FD_SETSIZE) { /* would overrun libstrophe's fd_set */
        if (stream->reserved_fd < 0)
            return -1;
        dup3(*fd, stream->reserved_fd, O_CLOEXEC);
        close(*fd);
        *fd = stream->reserved_fd;
        stream->reserved_fd = -1;
    }
    fcntl(*fd, F_SETFD, FD_CLOEXEC);
    pthread_mutex_lock(&stream->lock);
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    bool refuse = stream->cancelled;
    pthread_mutex_unlock(&stream->lock);
    return refuse ? -1 : xmpp_sockopt_cb_keepalive(conn, sock);
}

static int refuse_socket(xmpp_conn_t *conn, void *sock)
{
    (void)conn;
    (void)sock;
    return -1;
}

static int on_bad_certificate(const xmpp_tlscert_t *cert, const char *const reason)
{
    (void)cert;
    struct stream *stream = connecting;
    if (stream && stream->end == STREAM_LOST)
        set_end(stream, strstr(reason, "ostname mismatch") ? STREAM_TLS_NAME : STREAM_TLS_UNTRUSTED, reason);
    return 0;
}

/* The texts are those of 0.12.2. If a later version says it otherwise, the failure is still noticed (the stream ends)
 * but its line reads "connection lost". */
static void on_log(void *userdata, xmpp_log_level_t level, const char *area, const char *msg)
{
    (void)level;
    (void)area;
    struct stream *stream = userdata;
    if (stream->phase != LOGGING_IN)
        return;
    sscanf(msg, "connection failed, error %d", &stream->connect_errno);
    if (strstr(msg, "Connection attempt timed out"))
        stream->connect_errno = ETIMEDOUT;
    if (stream->end != STREAM_LOST) /* keep the first reason */
        return;
    if (strncmp(msg, "SASL ", 5) == 0 && strstr(msg, "auth failed"))
        set_end(stream, STREAM_PASSWORD, NULL);
    else if (strstr(msg, "Cannot authenticate with known methods"))
        set_end(stream, STREAM_MECHANISM, NULL);
    else if (strstr(msg, "set as mandatory") || strstr(msg, "TLS is not supported"))
        set_end(stream, STREAM_TLS_MISSING, NULL);
    else if (strstr(msg, "Couldn't start TLS"))
        set_end(stream, STREAM_TLS_FAILED, NULL);
}

static void end_from_error(struct stream *stream, const xmpp_stream_error_t *error)
{
    switch (error->type) {
    case XMPP_SE_HOST_UNKNOWN: set_end(stream, STREAM_HOST_UNKNOWN, NULL); break;
    case XMPP_SE_NOT_AUTHORIZED: set_end(stream, STREAM_PASSWORD, NULL); break;
    case XMPP_SE_CONFLICT: set_end(stream, STREAM_CONFLICT, NULL); break;
    case XMPP_SE_SYSTEM_SHUTDOWN: set_end(stream, STREAM_CLOSED, "server shuts down"); break;
    case XMPP_SE_CONN_TIMEOUT: set_end(stream, STREAM_LOST, "server saw a timeout"); break;
    default: set_end(stream, STREAM_LOST, "stream error"); break;
    }
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
                     void *userdata)
{
    (void)conn;
    struct stream *stream = userdata;
    if (event == XMPP_CONN_CONNECT) {
        stream->authenticated = true;
    } else if (event == XMPP_CONN_DISCONNECT) {
        stream->down = true;
        if (stream->end == STREAM_LOST && stream_error)
            end_from_error(stream, stream_error);
        else if (stream->end == STREAM_LOST && error == 0 && stream->authenticated)
            set_end(stream, STREAM_CLOSED, NULL);
    }
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *userdata)
{
    (void)conn;
    struct stream *stream = userdata;
    if (stream->phase == UP)
        stream->handler.on_stanza(stream->handler.ctx, stanza);
    else if (stream->early_count < COUNT(stream->early))
        stream->early[stream->early_count++] = xmpp_stanza_clone(stanza);
    return 1;
}

/* ---- login, on its own thread ---- */

/* 0.12.2 follows conn->sm_state without looking, but makes one for clients only. */
static void lend_sm_state(struct stream *stream, xmpp_conn_t *component)
{
    xmpp_conn_t *donor = xmpp_conn_new(stream->xmpp);
    xmpp_conn_set_jid(donor, "donor@localhost");
    xmpp_conn_set_sockopt_callback(donor, refuse_socket); /* so that it fails before it connects */
    xmpp_connect_client(donor, "127.0.0.1", 1, on_event, stream);
    xmpp_sm_state_t *state = xmpp_conn_get_sm_state(donor);
    if (state)
        xmpp_conn_set_sm_state(component, state);
    xmpp_conn_release(donor);
}

static xmpp_conn_t *conn_for(struct stream *stream, const char *jid)
{
    const struct stream_config *cfg = &stream->cfg;
    xmpp_conn_t *conn = xmpp_conn_new(stream->xmpp);
    if (!conn)
        abort();
    long flags = XMPP_CONN_FLAG_DISABLE_SM; /* connection.h says why */
    if (!cfg->username || cfg->tls == STREAM_TLS_DISABLED)
        flags |= XMPP_CONN_FLAG_DISABLE_TLS;
    else
        flags |= (cfg->tls == STREAM_TLS_REQUIRED ? XMPP_CONN_FLAG_MANDATORY_TLS : 0) |
                 (cfg->verify ? 0 : XMPP_CONN_FLAG_TRUST_TLS);
    xmpp_conn_set_flags(conn, flags);
    xmpp_conn_set_jid(conn, jid);
    xmpp_conn_set_pass(conn, cfg->password);
    xmpp_conn_set_certfail_handler(conn, on_bad_certificate);
    xmpp_conn_set_sockopt_callback(conn, on_new_socket);
    xmpp_handler_add(conn, on_stanza, NULL, NULL, NULL, stream);
    return conn;
}

static bool is_cancelled(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool cancelled = stream->cancelled;
    pthread_mutex_unlock(&stream->lock);
    return cancelled;
}

/* True: logged in, or failed in a way that another address of the same server cannot mend. */
static bool try_address(struct stream *stream, const char *jid, const char *address)
{
    const struct stream_config *cfg = &stream->cfg;
    xmpp_conn_t *conn = conn_for(stream, jid);
    stream->down = false;
    stream->connect_errno = 0;
    if (!cfg->username)
        lend_sm_state(stream, conn);
    stream->down = false; /* the donor's */
    int failed = cfg->username ? xmpp_connect_client(conn, address, cfg->port, on_event, stream)
                               : xmpp_connect_component(conn, address, cfg->port, on_event, stream);
    bool connected = false;
    while (!failed && !stream->authenticated && !stream->down && stream->end == STREAM_LOST && !is_cancelled(stream)) {
        xmpp_run_once(stream->xmpp, LOGIN_TURN_MS);
        connected |= xmpp_conn_is_connected(conn) || stream->authenticated;
    }
    stream->connected |= connected;
    if (stream->authenticated && !stream->down) {
        stream->conn = conn;
        return true;
    }
    if (!connected && stream->end == STREAM_LOST)
        snprintf(stream->detail, sizeof stream->detail, "%s",
                 strerror(stream->connect_errno ? stream->connect_errno : ECONNREFUSED));
    xmpp_conn_release(conn);
    return connected;
}

static void log_in(struct stream *stream, const char *jid)
{
    struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    int err = getaddrinfo(stream->cfg.hostname, NULL, &hints, &list);
    pthread_mutex_lock(&stream->lock);
    stream->resolving = false;
    pthread_mutex_unlock(&stream->lock);
    if (err) {
        set_end(stream, STREAM_RESOLVE, gai_strerror(err));
        return;
    }
    bool settled = false;
    for (struct addrinfo *it = list; it && !settled && !is_cancelled(stream); it = it->ai_next) {
        char address[NI_MAXHOST];
        if (getnameinfo(it->ai_addr, it->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) == 0)
            settled = try_address(stream, jid, address);
    }
    freeaddrinfo(list);
    if (!settled && stream->end == STREAM_LOST) { /* keeps the detail of the last address */
        stream->end = STREAM_CONNECT;
    }
}

static void destroy(struct stream *stream);

struct login {
    struct stream *stream;
    char *jid;
};

static void *login_thread(void *arg)
{
    struct login *login = arg;
    struct stream *stream = login->stream;
    connecting = stream;
    log_in(stream, login->jid);
    connecting = NULL;
    free(login->jid);
    free(login);
    pthread_mutex_lock(&stream->lock);
    bool abandoned = stream->abandoned;
    if (!abandoned)
        uv_async_send(stream->wake);
    pthread_mutex_unlock(&stream->lock);
    if (abandoned)
        destroy(stream);
    return NULL;
}

static void cancel_login(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->cancelled = true;
    if (stream->fd >= 0)
        shutdown(stream->fd, SHUT_RDWR);
    pthread_mutex_unlock(&stream->lock);
}

static void on_limit(uv_timer_t *timer)
{
    struct stream *stream = timer->data;
    if (stream && stream->phase == LOGGING_IN) {
        stream->timed_out = true;
        cancel_login(stream);
    }
}

void stream_open(struct stream *stream, const char *resource)
{
    const struct stream_config *cfg = &stream->cfg;
    stream->phase = LOGGING_IN;
    stream->authenticated = stream->connected = stream->down = stream->cancelled = stream->timed_out = false;
    stream->resolving = true;
    set_end(stream, STREAM_LOST, NULL);
    uv_timer_start(stream->limit, on_limit, STREAM_LOGIN_MS, 0);
    struct login *login = malloc(sizeof *login);
    if (!login)
        abort();
    login->stream = stream;
    if (asprintf(&login->jid, "%s%s%s%s%s", cfg->username ? cfg->username : "", cfg->username ? "@" : "", cfg->domain,
                 cfg->username && resource ? "/" : "", cfg->username && resource ? resource : "") < 0)
        abort();
    sigset_t all, before;
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&stream->thread, NULL, login_thread, login) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- up, on the loop ---- */

static void on_poller_closed(uv_handle_t *handle)
{
    struct poller *poller = container_of((uv_poll_t *)handle, struct poller, handle);
    close(poller->fd);
    free(poller);
}

static void let_go(struct stream *stream) /* of connection and descriptors; the phase is IDLE afterwards */
{
    stream->phase = IDLE;
    if (stream->poller) {
        stream->poller->handle.data = NULL;
        uv_close((uv_handle_t *)&stream->poller->handle, on_poller_closed);
        stream->poller = NULL;
        stream->fd = -1; /* the poller closes it */
    }
    if (stream->conn)
        xmpp_conn_release(stream->conn);
    stream->conn = NULL;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
    for (size_t i = 0; i < stream->early_count; i++)
        xmpp_stanza_release(stream->early[i]);
    stream->early_count = 0;
    if (stream->reserved_fd < 0) {
        stream->reserved_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (stream->reserved_fd >= FD_SETSIZE) {
            close(stream->reserved_fd);
            stream->reserved_fd = -1;
        }
    }
}

static void go_down(struct stream *stream)
{
    char detail[sizeof stream->detail];
    memcpy(detail, stream->detail, sizeof detail);
    enum stream_end end = stream->end;
    let_go(stream);
    stream->handler.on_down(stream->handler.ctx, end, stream->connected, detail);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct stream *stream)
{
    int events = UV_READABLE | (xmpp_conn_send_queue_len(stream->conn) > 0 ? UV_WRITABLE : 0);
    uv_poll_start(&stream->poller->handle, events, on_poll);
}

static void pump(struct stream *stream)
{
    stream->pumping = true;
    for (int i = 0; i < READS_PER_TURN && !stream->down; i++)
        xmpp_run_once(stream->xmpp, 0);
    stream->pumping = false;
    if (stream->down)
        go_down(stream);
    else
        watch(stream);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status; /* an error shows when libstrophe reads */
    (void)events;
    if (handle->data)
        pump(handle->data);
}

static void start_polling(struct stream *stream)
{
    stream->poller = calloc(1, sizeof *stream->poller);
    if (!stream->poller)
        abort();
    stream->poller->fd = stream->fd;
    uv_poll_init(stream->loop, &stream->poller->handle, stream->fd);
    stream->poller->handle.data = stream;
}

static void say_farewell(struct stream *stream, struct farewell *farewell);

static void on_login_done(uv_async_t *wake)
{
    struct stream *stream = wake->data;
    if (!stream || stream->phase != LOGGING_IN)
        return;
    pthread_join(stream->thread, NULL);
    if (stream->farewell) {
        say_farewell(stream, stream->farewell);
        return;
    }
    uv_timer_stop(stream->limit);
    if (!stream->conn || stream->cancelled) {
        if (stream->timed_out && stream->end == STREAM_LOST)
            set_end(stream, STREAM_TIMEOUT, NULL);
        go_down(stream);
        return;
    }
    stream->phase = UP;
    set_end(stream, STREAM_LOST, NULL);
    start_polling(stream);
    const char *bound = xmpp_conn_get_bound_jid(stream->conn);
    stream->pumping = true;
    stream->handler.on_up(stream->handler.ctx, bound ? bound : stream->cfg.domain);
    for (size_t i = 0; i < stream->early_count && !stream->down; i++)
        stream->handler.on_stanza(stream->handler.ctx, stream->early[i]);
    stream->pumping = false;
    pump(stream);
}

void stream_send(struct stream *stream, xmpp_stanza_t *stanza)
{
    if (stream->phase != UP || stream->down)
        return;
    xmpp_send(stream->conn, stanza);
    if (!stream->pumping)
        watch(stream); /* the loop will find it writable: sending never calls back into the caller */
}

void stream_close(struct stream *stream)
{
    if (stream->phase == LOGGING_IN) {
        cancel_login(stream);
    } else if (stream->phase == UP && !stream->down) {
        xmpp_disconnect(stream->conn);
        if (!stream->pumping)
            watch(stream);
    }
}

void stream_drop(struct stream *stream)
{
    if (stream->phase == LOGGING_IN)
        cancel_login(stream);
    else if (stream->phase == UP) /* the next read fails; this also spares us libstrophe's wait in SSL_shutdown */
        shutdown(stream->fd, SHUT_RDWR);
}

/* ---- birth and end ---- */

static char *copy(const char *text)
{
    char *dup = text ? strdup(text) : NULL;
    if (text && !dup)
        abort();
    return dup;
}

struct stream *stream_new(uv_loop_t *loop, const struct stream_config *cfg, const struct stream_handler *handler)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, xmpp_initialize);
    struct stream *stream = calloc(1, sizeof *stream);
    uv_async_t *wake = calloc(1, sizeof *wake);
    uv_timer_t *limit = calloc(1, sizeof *limit);
    if (!stream || !wake || !limit)
        abort();
    stream->loop = loop;
    stream->cfg = *cfg;
    stream->cfg.hostname = copy(cfg->hostname);
    stream->cfg.domain = copy(cfg->domain);
    stream->cfg.username = copy(cfg->username);
    stream->cfg.password = copy(cfg->password);
    stream->handler = *handler;
    stream->log = (xmpp_log_t){on_log, stream};
    stream->xmpp = xmpp_ctx_new(NULL, &stream->log);
    stream->fd = -1;
    stream->reserved_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pthread_mutex_init(&stream->lock, NULL);
    uv_async_init(loop, wake, on_login_done);
    uv_timer_init(loop, limit);
    wake->data = limit->data = stream;
    stream->wake = wake;
    stream->limit = limit;
    return stream;
}

xmpp_ctx_t *stream_xmpp(struct stream *stream)
{
    return stream->xmpp;
}

static void destroy(struct stream *stream)
{
    let_go(stream);
    xmpp_ctx_free(stream->xmpp);
    if (stream->reserved_fd >= 0)
        close(stream->reserved_fd);
    pthread_mutex_destroy(&stream->lock);
    free((char *)stream->cfg.hostname);
    free((char *)stream->cfg.domain);
    free((char *)stream->cfg.username);
    if (stream->cfg.password)
        explicit_bzero((char *)stream->cfg.password, strlen(stream->cfg.password));
    free((char *)stream->cfg.password);
    free(stream);
}

struct farewell { /* outlives the stream, which the login thread may have to free */
    unsigned handles;
    uv_async_t *wake;
    uv_timer_t *limit;
    void (*done)(void *ctx);
    void *ctx;
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct farewell *farewell = handle->data;
    free(handle);
    if (--farewell->handles > 0)
        return;
    farewell->done(farewell->ctx);
    free(farewell);
}

static void say_farewell(struct stream *stream, struct farewell *farewell) /* stream NULL: its thread frees it */
{
    if (stream)
        destroy(stream);
    farewell->wake->data = farewell->limit->data = farewell;
    uv_close((uv_handle_t *)farewell->wake, on_handle_closed);
    uv_close((uv_handle_t *)farewell->limit, on_handle_closed);
}

/* A login under way is cut short and waited for, on the loop: a thread inside OpenSSL while the process exits crashes.
 * One that sits in the resolver is left behind, since that may take long; it ends without touching the network. */
void stream_free(struct stream *stream, void (*done)(void *ctx), void *ctx)
{
    struct farewell *farewell = malloc(sizeof *farewell);
    if (!farewell)
        abort();
    *farewell = (struct farewell){2, stream->wake, stream->limit, done, ctx};
    if (stream->phase == LOGGING_IN) {
        cancel_login(stream);
        pthread_t thread = stream->thread;
        pthread_mutex_lock(&stream->lock);
        bool abandoned = stream->abandoned = stream->resolving;
        pthread_mutex_unlock(&stream->lock); /* from here on an abandoned thread may free the stream */
        if (!abandoned) {
            stream->farewell = farewell; /* on_login_done goes on */
            return;
        }
        pthread_detach(thread);
        stream = NULL;
    } else if (stream->phase == UP) {
        shutdown(stream->fd, SHUT_RDWR);
    }
    say_farewell(stream, farewell);
}
