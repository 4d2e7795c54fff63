/* driver.c - xmpp/ alone, for tests/e2e/xmpp: logs in where the arguments say, answers by rote, obeys stdin.
 *
 *   driver key=value... [+ key=value...]   one group per connection; keys as in struct connection_config; rooms=a,b
 *   stdin: "drain on|off", "healthy on|off", "stall", "stop".
 *   stdout: "status ID CONNECTED JOINED" at each change; "stall MS": the longest time the loop was held up so far.
 * A conference-modify is answered at once; with meeting-id="later-300" after 300 ms, with "never" not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/bytes.h"
#include "xmpp/build.h"
#include "xmpp/connection.h"

static uv_loop_t loop;
static struct connection *connections[8];
static size_t count, stopped;
static bool drain, healthy = true;
static uint64_t worst_stall_ms;
static uv_timer_t heartbeat;
static uv_pipe_t input;

struct later {
    uv_timer_t timer;
    struct request *request;
    xmpp_stanza_t *answer;
};

static void on_later_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_later(uv_timer_t *timer)
{
    struct later *later = timer->data;
    request_answer(later->request, later->answer);
    uv_close((uv_handle_t *)timer, on_later_closed);
}

static void on_conference_modify(void *ctx, struct request *request, xmpp_stanza_t *iq)
{
    (void)ctx;
    xmpp_stanza_t *modify = xmpp_stanza_get_child_by_ns(iq, "jitsi:colibri2");
    const char *id = xmpp_stanza_get_attribute(modify, "meeting-id");
    xmpp_stanza_t *answer = build_element(xmpp_stanza_get_context(iq), "conference-modified", "jitsi:colibri2");
    unsigned delay_ms;
    if (id && sscanf(id, "later-%u", &delay_ms) == 1) {
        struct later *later = calloc(1, sizeof *later);
        later->request = request;
        later->answer = answer;
        uv_timer_init(&loop, &later->timer);
        later->timer.data = later;
        uv_timer_start(&later->timer, on_later, delay_ms, 0);
    } else if (id && strcmp(id, "never") == 0) {
        xmpp_stanza_release(answer);
    } else {
        request_answer(request, answer);
    }
}

static const char *on_health(void *ctx)
{
    (void)ctx;
    return healthy ? NULL : "unwell on purpose";
}

static void on_presence_due(void *ctx, struct connection *connection)
{
    (void)ctx;
    char stamp[64], now[32];
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S", gmtime(&ts.tv_sec));
    snprintf(stamp, sizeof stamp, "%s.%03ld", now, ts.tv_nsec / 1000000);
    const struct connection_stat stats[] = {
        {"stress_level", "0.01"},
        {"average_participant_stress", "0.01"},
        {"graceful_shutdown", "false"},
        {"shutting_down", "false"},
        {"drain", drain ? "true" : "false"},
        {"current_timestamp", stamp},
        {"healthy", healthy ? "true" : "false"},
        {"version", "0.1.0"},
        {"region", NULL},
    };
    connection_set_stats(connection, stats, COUNT(stats));
}

static void on_status(void *ctx, struct connection *connection)
{
    (void)ctx;
    struct connection_status status = connection_status(connection);
    printf("status %s %d %zu\n", connection_id(connection), status.connected, status.rooms_joined);
    fflush(stdout);
}

static void on_stopped(void *ctx, struct connection *connection)
{
    (void)ctx;
    connection_free(connection);
    if (++stopped < count)
        return;
    uv_close((uv_handle_t *)&heartbeat, NULL);
    uv_close((uv_handle_t *)&input, NULL);
}

static void obey(const char *line)
{
    if (strcmp(line, "drain on") == 0 || strcmp(line, "drain off") == 0)
        drain = strcmp(line, "drain on") == 0;
    else if (strcmp(line, "healthy on") == 0 || strcmp(line, "healthy off") == 0)
        healthy = strcmp(line, "healthy on") == 0;
    else if (strcmp(line, "stall") == 0)
        printf("stall %llu\n", (unsigned long long)worst_stall_ms);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(line, "stop") == 0)
            connection_stop(connections[i], on_stopped, NULL);
        else if (strncmp(line, "drain", 5) == 0)
            connection_push_presence(connections[i]);
    }
    fflush(stdout);
}

static void on_heartbeat(uv_timer_t *timer)
{
    static uint64_t before;
    uint64_t now = uv_hrtime() / 1000000;
    (void)timer;
    if (before)
        worst_stall_ms = MAX(worst_stall_ms, now - before - MIN(now - before, 20));
    before = now;
}

static void give_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char memory[256];
    (void)handle, (void)suggested;
    *buf = uv_buf_init(memory, sizeof memory - 1);
}

static void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    if (n < 0) {
        uv_read_stop(stream);
        return;
    }
    buf->base[n] = '\0';
    for (char *save = NULL, *line = strtok_r(buf->base, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        obey(line);
}

static void set(struct connection_config *cfg, const char **rooms, char *pair)
{
    char *value = strchr(pair, '=');
    if (!value)
        exit(2);
    *value++ = '\0';
    const struct {
        const char *key, **field;
    } texts[] = {
        {"id", &cfg->id},
        {"hostname", &cfg->hostname},
        {"domain", &cfg->domain},
        {"username", &cfg->username},
        {"password", &cfg->password},
        {"nickname", &cfg->nickname},
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(pair, texts[i].key) == 0)
            *texts[i].field = value;
    if (strcmp(pair, "port") == 0)
        cfg->port = (uint16_t)atoi(value);
    if (strcmp(pair, "component") == 0)
        cfg->component = atoi(value);
    if (strcmp(pair, "verify") == 0)
        cfg->verify_certificate = atoi(value);
    if (strcmp(pair, "security") == 0)
        cfg->security = (enum connection_security)atoi(value);
    if (strcmp(pair, "interval") == 0)
        cfg->presence_interval_ms = (uint64_t)atoi(value);
    if (strcmp(pair, "rooms") == 0)
        for (char *save = NULL, *room = strtok_r(value, ",", &save); room; room = strtok_r(NULL, ",", &save))
            rooms[cfg->room_count++] = room;
}

int main(int argc, char **argv)
{
    static const struct connection_handler handler = {NULL, on_conference_modify, on_health, on_presence_due,
                                                      on_status};
    uv_loop_init(&loop);
    for (int i = 1; i < argc;) {
        const char *rooms[8];
        struct connection_config cfg = {.verify_certificate = true, .version = "0.1.0", .rooms = rooms};
        for (; i < argc && strcmp(argv[i], "+") != 0; i++)
            set(&cfg, rooms, argv[i]);
        i++;
        connections[count] = connection_new(&loop, &cfg, &handler);
        connection_start(connections[count++]);
    }
    uv_timer_init(&loop, &heartbeat);
    uv_timer_start(&heartbeat, on_heartbeat, 20, 20);
    uv_pipe_init(&loop, &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, give_memory, on_input);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
