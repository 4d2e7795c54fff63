/* explain_socket.c - see explain_socket.h. */
#include "bridge/explain_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/overview.h"
#include "bridge/worker.h"
#include "proto/list.h"
#include "proto/log.h"

enum { CLIENTS_MAX = 4, LINE_LEN = 8 };

struct explain_socket {
    uv_pipe_t listener;
    const struct bridge *bridge;
    struct inbox *answers;
    struct list clients; /* oldest first */
    size_t client_count;
    uint32_t last_number;
};

struct client {
    struct list node;
    struct explain_socket *owner;
    uint32_t number;
    uv_pipe_t pipe;
    uv_write_t write;
    char line[LINE_LEN];
    size_t line_len;
    unsigned answers, expected; /* expected 0: it has not asked yet */
    FILE *out;
    char *text;
    size_t text_len;
};

static struct client *client_at(struct list *node)
{
    return container_of(node, struct client, node);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    free(c->text);
    free(c);
}

static void close_client(struct client *c)
{
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    list_remove(&c->node);
    c->owner->client_count--;
    if (c->out)
        fclose(c->out);
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    close_client(write->data);
}

static void send_answer(struct client *c)
{
    fputs("]}\n", c->out);
    fclose(c->out);
    c->out = NULL;
    uv_buf_t buf = uv_buf_init(c->text, (unsigned)c->text_len);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0)
        close_client(c);
}

static void on_answer(void *ctx, struct inbox_msg *msg)
{
    struct explain_socket *s = ctx;
    struct overview_answer *answer = container_of(msg, struct overview_answer, msg);
    list_for_each_safe (it, &s->clients) {
        struct client *c = client_at(it);
        if (c->number != answer->number)
            continue;
        fprintf(c->out, "%s%s", c->answers ? ", " : "", answer->text);
        if (++c->answers == c->expected)
            send_answer(c);
    }
    free(answer->text);
    free(answer);
}

static void ask_workers(struct client *c, bool ids)
{
    struct explain_socket *s = c->owner;
    c->out = open_memstream(&c->text, &c->text_len);
    if (!c->out)
        abort();
    fputs("{\"workers\": [", c->out);
    c->expected = s->bridge->worker_count;
    for (unsigned i = 0; i < c->expected; i++) {
        struct overview_request *request = malloc(sizeof *request);
        if (!request)
            abort();
        *request = (struct overview_request){.to = s->answers, .number = c->number, .ids = ids};
        struct worker_msg *msg = worker_msg_new(W_OVERVIEW, 0, 0, NULL, 0);
        msg->arg = request;
        msg->arg_free = free;
        worker_post(s->bridge->workers[i], msg);
    }
}

static void give_buffer(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void)hint;
    struct client *c = handle->data;
    *buf = uv_buf_init(c->line + c->line_len, (unsigned)(LINE_LEN - c->line_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct client *c = stream->data;
    if (n < 0) { /* also when the line is too long: no buffer is left */
        close_client(c);
        return;
    }
    c->line_len += (size_t)n;
    const char *end = memchr(c->line, '\n', c->line_len);
    if (!end)
        return;
    uv_read_stop(stream);
    size_t len = (size_t)(end - c->line);
    bool ids = len == 3 && memcmp(c->line, "ids", 3) == 0;
    if (ids || len == 0)
        ask_workers(c, ids);
    else
        close_client(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct explain_socket *s = listener->data;
    if (status != 0)
        return;
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    if (s->client_count == CLIENTS_MAX)
        close_client(client_at(s->clients.next));
    c->owner = s;
    c->number = ++s->last_number;
    c->pipe.data = c;
    uv_pipe_init(listener->loop, &c->pipe, 0);
    list_push_back(&s->clients, &c->node);
    s->client_count++;
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) != 0 ||
        uv_read_start((uv_stream_t *)&c->pipe, give_buffer, on_read) != 0)
        close_client(c);
}

/* A bridge that crashed leaves its socket behind: nobody answers there, and nobody misses it. */
static void remove_stale(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof at.sun_path || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    memcpy(at.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0 && errno == ECONNREFUSED)
        unlink(path);
    if (fd >= 0)
        close(fd);
}

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct explain_socket *explain_socket_new(uv_loop_t *loop, const struct bridge *bridge, const char *path)
{
    struct explain_socket *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->bridge = bridge;
    s->listener.data = s;
    list_init(&s->clients);
    uv_pipe_init(loop, &s->listener, 0);
    remove_stale(path);
    mode_t before = umask(0177);
    bool fits = strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path; /* libuv would cut it */
    int status = fits ? uv_pipe_bind(&s->listener, path) : UV_ENAMETOOLONG;
    umask(before);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&s->listener, CLIENTS_MAX, on_connection);
    if (status != 0) {
        log_error("explain", "the socket of native.explain-socket cannot be opened: %s", uv_strerror(status));
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
        return NULL;
    }
    s->answers = inbox_new(loop, on_answer, s);
    return s;
}

void explain_socket_free(struct explain_socket *s)
{
    if (!s)
        return;
    inbox_close(s->answers);
    while (!list_empty(&s->clients))
        close_client(client_at(s->clients.next));
    uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}
