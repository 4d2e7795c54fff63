/* main.c - start, stop, signals, exit codes. The control thread is the one that runs main().
 *
 * Start: options, configuration, sockets (a port that is taken ends it here), threads, address mapping, and only then
 * the login, so that the focus never sees a bridge that cannot take calls. Stop is the other way round: leave the rooms
 * first, so that the focus moves conferences at once. TERM, INT and HUP stop at once (exit code 128 + signal; a second
 * one does not even take leave), USR1 asks for a graceful shutdown (shutdown.h, exit code 0). QUIT, which would
 * write keys into a core dump, only says how things stand. */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "bridge/channels.h"
#include "bridge/config.h"
#include "bridge/control.h"
#include "bridge/dispatch.h"
#include "bridge/explain_socket.h"
#include "bridge/gather.h"
#include "bridge/health.h"
#include "bridge/load.h"
#include "bridge/options.h"
#include "bridge/presence.h"
#include "bridge/pulse.h"
#include "bridge/shutdown.h"
#include "bridge/ssrc_hints.h"
#include "bridge/worker.h"
#include "media/dtls.h"
#include "media/msrtp.h"
#include "proto/log.h"
#include "xmpp/connection.h"

enum { WORKERS_MAX = 64, SIGNALS = 5, DEADLINE_SLACK_MS = 1 };

struct server {
    struct config config;
    struct bridge bridge;
    struct dtls_identity *identity; /* of endpoints to come */
    struct worker *workers[WORKERS_MAX];
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t load_timer, control_timer, pulse_timer;
    struct gather *gather;
    struct gather_config gather_config;
    struct gather_mapping *mappings;
    struct gather_result addresses;
    struct control *control;
    struct connection **connections;
    size_t connection_count, connections_left;
    struct explain_socket *explain_socket; /* NULL: none is wanted */
    struct load load;
    struct presence presence;
    struct shutdown shutdown;
    struct pulse pulse;
    struct health health;
    const char *failure; /* as last logged; NULL: healthy */
    int exit_code;
    bool stopping;
};

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static uint64_t wall_s(void)
{
    uv_timeval64_t wall;
    uv_gettimeofday(&wall);
    return (uint64_t)wall.tv_sec;
}

/* ---- configuration ---- */

static const char *from_environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static void print_diag(void *ctx, const struct config_diag *diag)
{
    (void)ctx;
    fprintf(stderr, "%s: ", log_level_name(diag->level));
    if (diag->file && diag->line)
        fprintf(stderr, "%s:%d:%d: ", diag->file, diag->line, diag->column);
    else if (diag->file)
        fprintf(stderr, "%s: ", diag->file);
    fprintf(stderr, "%s\n", diag->text);
}

static bool read_config(struct server *s, const char *path)
{
    struct config_env env = {.get = from_environment, .sink = print_diag};
    return config_load(path, &env, &s->config);
}

/* ---- what control asks of the machine ---- */

static void random_bytes(void *ctx, void *out, size_t n)
{
    (void)ctx;
    gnutls_rnd(GNUTLS_RND_KEY, out, n);
}

static void settle(struct server *s);

static void on_control_timer(uv_timer_t *timer)
{
    struct server *s = timer->data;
    if (s->control)
        control_on_time(s->control, now_us());
    settle(s);
}

static void arm_control_timer(struct server *s)
{
    uint64_t deadline_us = shutdown_deadline_us(&s->shutdown), now = now_us();
    if (s->control)
        deadline_us = MIN(deadline_us, control_deadline_us(s->control));
    if (deadline_us == NEVER_US)
        uv_timer_stop(&s->control_timer);
    else
        uv_timer_start(&s->control_timer, on_control_timer,
                       deadline_us > now ? (deadline_us - now) / US_PER_MS + DEADLINE_SLACK_MS : 0, 0);
}

static void on_report(void *ctx, struct inbox_msg *msg)
{
    struct server *s = ctx;
    struct control_report *report = container_of(msg, struct control_report, msg);
    switch ((enum control_report_kind)msg->kind) {
    case REPORT_ICE_CONNECTED: control_on_ice_connected(s->control, report->conf_serial, report->ep_serial); break;
    case REPORT_DTLS_ROLE:
        control_on_dtls_role(s->control, report->conf_serial, report->ep_serial, report->we_are_server);
        break;
    case REPORT_ICE_RESTARTED:
        control_on_ice_restarted(s->control, report->conf_serial, report->ep_serial, report->generation,
                                 report->restarted);
        break;
    case REPORT_ENDPOINT_GONE:
        control_on_endpoint_gone(s->control, now_us(), report->conf_serial, report->ep_serial);
        break;
    }
    free(report);
    settle(s);
}

static void candidate_from(const struct local_candidate *in, size_t number, struct jingle_candidate *out)
{
    *out = (struct jingle_candidate){
        .type = (enum jingle_candidate_type)in->type, .priority = in->priority, .addr = in->addr};
    if (in->type == ICE_SRFLX)
        out->related = in->base;
    snprintf(out->foundation, sizeof out->foundation, "%u", in->foundation);
    snprintf(out->id, sizeof out->id, "c%zu", number);
}

static void make_control(struct server *s)
{
    struct jingle_candidate candidates[GATHER_CANDIDATES_MAX];
    for (size_t i = 0; i < s->addresses.candidate_count; i++)
        candidate_from(&s->addresses.candidates[i], i, &candidates[i]);
    struct control_env env = {
        .random = random_bytes,
        .worker_count = s->bridge.worker_count,
        .ufrag_prefix = s->config.ice_ufrag_prefix,
        .candidates = candidates,
        .candidate_count = s->addresses.candidate_count,
        .advertise_private = s->config.ice_advertise_private,
        .identity = s->identity,
        .sctp_enabled = s->config.sctp,
        .ice_restart_enabled = s->config.ice_restart && s->config.ice_restart_timeout_us > 0,
        .empty_conference_us = s->config.expiration_check_us,
    };
    s->control = control_new(&env, &dispatch_ops, &s->bridge);
    if (shutdown_refuses_conferences(&s->shutdown))
        control_refuse_conferences(s->control);
}

/* ---- XMPP ---- */

static void on_conference_modify(void *ctx, struct request *request, xmpp_stanza_t *iq)
{
    struct server *s = ctx;
    request_answer(request, control_on_iq(s->control, now_us(), iq));
    settle(s);
}

static const char *on_health(void *ctx)
{
    struct server *s = ctx;
    struct health_facts facts = {
        .require_address = s->config.health_require_address,
        .has_address = s->addresses.has_public,
        .require_stun = s->config.health_require_stun,
        .stun_asked = s->addresses.stun_asked,
        .stun_failed = s->addresses.stun_failed,
        .silent_us = pulse_silent_us(&s->pulse),
        .silent_limit_us = s->config.health_max_check_us,
    };
    return health_check(&s->health, now_us(), &facts);
}

static void say_health(struct server *s)
{
    const char *failure = on_health(s);
    if (failure == s->failure)
        return;
    s->failure = failure;
    if (failure)
        log_warn("health", "the focus is told that this bridge is not fit for use: %s", failure);
    else
        log_info("health", "fit for use again");
}

static void on_pulse_timer(uv_timer_t *timer)
{
    struct server *s = timer->data;
    pulse_beat(&s->pulse, &s->bridge);
    say_health(s);
}

static void on_presence_due(void *ctx, struct connection *connection)
{
    struct server *s = ctx;
    struct presence_facts facts = {
        .config = &s->config,
        .stress = s->load.stress,
        .healthy = on_health(s) == NULL,
        .draining = s->config.initial_drain,
        .graceful = s->shutdown.graceful,
        .leaving = s->shutdown.state == SHUTDOWN_LEAVING || s->stopping,
        .connections_configured = s->connection_count,
    };
    control_stats(s->control, &facts.control);
    for (size_t i = 0; i < s->connection_count; i++) {
        struct connection_status status = connection_status(s->connections[i]);
        facts.connections_up += status.connected;
        facts.rooms_configured += status.rooms_configured;
        facts.rooms_joined += status.rooms_joined;
    }
    uv_timeval64_t wall;
    uv_gettimeofday(&wall);
    facts.wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_usec / 1000;
    presence_fill(&s->presence, &facts);
    connection_set_stats(connection, s->presence.stats, s->presence.count);
}

static void log_in(struct server *s)
{
    struct connection_handler handler = {
        .ctx = s,
        .on_conference_modify = on_conference_modify,
        .on_health = on_health,
        .on_presence_due = on_presence_due,
    };
    s->connections = calloc(s->config.xmpp_count + 1, sizeof *s->connections);
    for (size_t i = 0; i < s->config.xmpp_count; i++) {
        const struct config_xmpp *in = &s->config.xmpp[i];
        struct connection_config cfg = {
            .id = in->id,
            .component = in->component,
            .hostname = in->hostname,
            .port = in->port,
            .domain = in->domain,
            .username = in->username,
            .password = in->password,
            .rooms = (const char *const *)in->muc_jids.v,
            .room_count = in->muc_jids.n,
            .nickname = in->muc_nickname,
            .verify_certificate = in->verify_certificate,
            .security = (enum connection_security)in->starttls,
            .presence_interval_ms = s->config.presence_interval_us / US_PER_MS,
            .version = KOLIBRI_VERSION "-kolibri",
        };
        s->connections[s->connection_count++] = connection_new(&s->loop, &cfg, &handler);
    }
    for (size_t i = 0; i < s->connection_count; i++)
        connection_start(s->connections[i]);
    if (s->connection_count == 0)
        log_warn("xmpp", "no server is configured, so no focus can find this bridge. Fill in "
                         "videobridge.apis.xmpp-client.configs in the configuration file.");
}

/* ---- stop ---- */

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void threads_stop(struct server *s)
{
    for (unsigned i = 0; i < s->bridge.worker_count; i++)
        worker_stop(s->workers[i]);
    channels_free(s->bridge.channels);
    for (unsigned i = 0; i < s->bridge.worker_count; i++)
        worker_join(s->workers[i]);
    for (unsigned i = 0; i < s->bridge.worker_count; i++)
        worker_free(s->workers[i]);
    explain_socket_free(s->explain_socket);
    inbox_close(s->bridge.control);
}

static void end_loop(struct server *s)
{
    threads_stop(s);
    uv_timer_t *timers[] = {&s->load_timer, &s->control_timer, &s->pulse_timer};
    for (size_t i = 0; i < COUNT(timers); i++)
        uv_close((uv_handle_t *)timers[i], NULL);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
}

static void on_connection_stopped(void *ctx, struct connection *connection)
{
    struct server *s = ctx;
    connection_free(connection); /* the loop goes on as long as it is there */
    if (--s->connections_left == 0)
        end_loop(s);
}

static void stop(struct server *s, int exit_code)
{
    s->stopping = true;
    s->exit_code = exit_code;
    uv_timer_stop(&s->control_timer);
    gather_cancel(s->gather);
    s->connections_left = s->connection_count;
    for (size_t i = 0; i < s->connection_count; i++) {
        connection_push_presence(s->connections[i]); /* whoever reads it last shall see that we mean to go */
        connection_stop(s->connections[i], on_connection_stopped, s);
    }
    if (s->connection_count == 0)
        end_loop(s);
}

static uint32_t count_endpoints(const struct server *s)
{
    struct control_stats stats = {0};
    if (s->control)
        control_stats(s->control, &stats);
    return stats.endpoints;
}

static void on_shutdown_changed(struct server *s)
{
    if (s->control)
        control_refuse_conferences(s->control);
    for (size_t i = 0; i < s->connection_count; i++)
        connection_push_presence(s->connections[i]);
    log_info("main", "%s endpoints=%" PRIu32,
             s->shutdown.state == SHUTDOWN_GRACEFUL
                 ? "graceful shutdown: no new conferences, waiting for the last to end"
                 : "shutting down: asking the focus to move whoever is left",
             count_endpoints(s));
}

/* After anything that may have changed the directory, or when time has passed. */
static void settle(struct server *s)
{
    if (s->stopping)
        return;
    uint64_t now = now_us();
    bool changed = shutdown_on_time(&s->shutdown, now);
    if (s->shutdown.state == SHUTDOWN_GRACEFUL)
        changed |= shutdown_on_endpoints(&s->shutdown, now, count_endpoints(s));
    if (changed)
        on_shutdown_changed(s);
    if (shutdown_is_over(&s->shutdown, now))
        stop(s, EXIT_CODE_OK);
    else
        arm_control_timer(s);
}

static void ask_for_shutdown(struct server *s, bool graceful)
{
    if (shutdown_ask(&s->shutdown, now_us(), graceful, count_endpoints(s)))
        on_shutdown_changed(s);
    settle(s);
}

static void say_state(const struct server *s)
{
    log_info("main", "signal %d: endpoints=%" PRIu32 " stress=%.2f threads_silent_ms=%" PRIu64, SIGQUIT,
             count_endpoints(s), s->load.stress, (uint64_t)(pulse_silent_us(&s->pulse) / US_PER_MS));
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct server *s = signal->data;
    if (number == SIGQUIT) {
        if (!s->stopping)
            say_state(s);
        return;
    }
    if (number == SIGUSR1) {
        if (!s->stopping)
            ask_for_shutdown(s, true);
        return;
    }
    if (s->stopping)
        _exit(128 + number); /* asked twice: at once */
    log_info("main", "signal %d: leaving the rooms, then stopping", number);
    stop(s, 128 + number);
}

/* ---- start ---- */

static void renew_identity(struct server *s)
{
    uint64_t now_s = wall_s();
    if (!dtls_identity_is_due(s->identity, now_s))
        return;
    dtls_identity_unref(s->identity);
    s->identity = dtls_identity_new(now_s);
    if (s->control)
        control_set_identity(s->control, s->identity);
    log_info("dtls", "a new certificate for transports to come");
}

static void on_load_timer(uv_timer_t *timer)
{
    struct server *s = timer->data;
    renew_identity(s);
    load_sample(&s->load, &s->bridge, now_us());
}

static void on_gathered(void *ctx, const struct gather_result *result)
{
    struct server *s = ctx;
    s->gather = NULL;
    s->addresses = *result;
    if (result->stun_failed)
        log_warn("ice",
                 "none of the STUN servers in ice4j.harvest.mapping.stun.addresses answered within %d s; clients "
                 "are told local addresses only. Is outbound UDP to them allowed?",
                 GATHER_LIMIT_RTOS * GATHER_RTO_MS / 1000);
    make_control(s);
    s->health = (struct health){.start_us = now_us(), .sticky = s->config.health_sticky};
    uv_timer_start(&s->pulse_timer, on_pulse_timer, 0, PULSE_MS);
    log_in(s);
}

static struct gather_names names(const struct config_strings *in)
{
    return (struct gather_names){(const char *const *)in->v, in->n};
}

static void fill_gather_config(struct server *s)
{
    const struct config *cfg = &s->config;
    s->mappings = calloc(cfg->mappings_count + 1, sizeof *s->mappings);
    size_t n = 0;
    for (size_t i = 0; i < cfg->mappings_count; i++) {
        const struct config_mapping *in = &cfg->mappings[i];
        if (addr_parse(in->local_address, in->local_port, &s->mappings[n].local) == E_OK &&
            addr_parse(in->public_address, in->public_port, &s->mappings[n].public) == E_OK)
            n++;
        else
            log_error("ice", "static mapping number %zu has a name instead of an IP address; it is not used", i + 1);
    }
    s->gather_config = (struct gather_config){
        .port = (uint16_t)cfg->ice_udp_port,
        .use_ipv6 = cfg->harvest_ipv6,
        .use_link_local = cfg->harvest_link_local,
        .advertise_private = cfg->ice_advertise_private,
        .allowed_interfaces = names(&cfg->harvest_allowed_interfaces),
        .blocked_interfaces = names(&cfg->harvest_blocked_interfaces),
        .allowed_addresses = names(&cfg->harvest_allowed_addresses),
        .blocked_addresses = names(&cfg->harvest_blocked_addresses),
        .mappings = s->mappings,
        .mapping_count = n,
        .stun_servers = names(&cfg->stun_servers),
    };
}

static void say_why_no_port(const struct server *s, int err)
{
    const char *what_to_do = err == EADDRINUSE ? "Is another bridge running? `ss -ulpn` shows who has it; "
                             : err == EACCES   ? "Ports below 1024 need the capability CAP_NET_BIND_SERVICE; "
                                               : "";
    fprintf(stderr, "error: UDP port %d cannot be opened: %s. %svideobridge.ice.udp.port chooses another.\n",
            s->config.ice_udp_port, strerror(err), what_to_do);
}

static bool port_is_ours(const struct server *s)
{
    for (size_t i = 0; i < s->bridge.local_count; i++)
        if (udp_why_not_alone(&s->bridge.locals[i]) == EADDRINUSE) {
            say_why_no_port(s, EADDRINUSE);
            return false;
        }
    return true;
}

static bool make_workers(struct server *s)
{
    struct bridge *b = &s->bridge;
    struct gather_interface interfaces[64];
    size_t n = gather_interfaces(interfaces, COUNT(interfaces));
    b->local_count = gather_bind_list(&s->gather_config, interfaces, n, b->locals);
    if (b->local_count == 0) {
        fprintf(stderr,
                "error: no network address is left to listen on. Check ice4j.harvest.allowed-* and blocked-*.\n");
        return false;
    }
    if (!port_is_ours(s))
        return false;
    unsigned cpus = uv_available_parallelism();
    b->worker_count = MIN(s->config.workers > 0 ? (unsigned)s->config.workers : cpus, (unsigned)WORKERS_MAX);
    b->workers = s->workers;
    b->ssrc_hints = ssrc_hints_new();
    for (unsigned i = 0; i < b->worker_count; i++) {
        int failed[UDP_LOCALS_MAX] = {0};
        s->workers[i] = worker_new(b, i, failed);
        if (!s->workers[i] || bridge_note_bound(b, failed) == 0) {
            say_why_no_port(s, failed[0] ? failed[0] : b->bind_errors[0]);
            return false;
        }
    }
    return true;
}

static void check_receive_buffer(const struct server *s)
{
    int wanted = s->config.udp_receive_buffer_bytes, granted = udp_io_rcvbuf_bytes(s->workers[0]->udp) / 2;
    if (granted < wanted) /* Linux tells twice what it grants */
        log_warn("main",
                 "the kernel grants a receive buffer of %d bytes instead of %d: `sysctl -w net.core.rmem_max=%d`",
                 granted, wanted, wanted);
}

static void start_gathering(struct server *s)
{
    struct ice_local locals[UDP_LOCALS_MAX];
    size_t n = bridge_bound_locals(&s->bridge, locals);
    s->gather = gather_start(&s->loop, &s->gather_config, locals, n, on_gathered, s);
}

static void catch_signals(struct server *s)
{
    static const int caught[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT};
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, caught[i]);
    }
}

static int run(struct server *s)
{
    uv_loop_init(&s->loop);
    s->bridge.config = &s->config;
    s->shutdown.cfg = (struct shutdown_config){.graceful_max_us = s->config.graceful_max_us,
                                               .leaving_us = s->config.shutting_down_delay_us,
                                               .endpoints_min = (uint32_t)s->config.graceful_min_participants};
    s->identity = dtls_identity_new(wall_s());
    s->bridge.control = inbox_new(&s->loop, on_report, s);
    fill_gather_config(s);
    if (!make_workers(s))
        return EXIT_CODE_RUNTIME;
    s->bridge.channels = channels_new((unsigned)s->config.sctp_max_channels);
    if (!s->bridge.channels) {
        fprintf(stderr, "error: usrsctp did not start\n");
        return EXIT_CODE_RUNTIME;
    }
    for (unsigned i = 0; i < s->bridge.worker_count; i++)
        worker_start(s->workers[i]);
    catch_signals(s);
    if (s->config.explain_socket)
        s->explain_socket = explain_socket_new(&s->loop, &s->bridge, s->config.explain_socket);
    uv_timer_init(&s->loop, &s->control_timer);
    uv_timer_init(&s->loop, &s->load_timer);
    uv_timer_init(&s->loop, &s->pulse_timer);
    s->control_timer.data = s->load_timer.data = s->pulse_timer.data = s;
    uv_timer_start(&s->load_timer, on_load_timer, 0, LOAD_SAMPLE_MS);
    check_receive_buffer(s);
    start_gathering(s);
    log_info("main", "kolibri " KOLIBRI_VERSION " workers=%u addresses=%zu ciphers: %s", s->bridge.worker_count,
             s->bridge.local_count, msrtp_backend_name());
    uv_run(&s->loop, UV_RUN_DEFAULT);
    free(s->connections);
    control_free(s->control);
    ssrc_hints_free(s->bridge.ssrc_hints);
    dtls_identity_unref(s->identity);
    free(s->mappings);
    uv_walk(&s->loop, close_handle, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    return s->exit_code;
}

static void print_version(void)
{
    msrtp_process_init();
    printf("kolibri " KOLIBRI_VERSION "\nSRTP ciphers: %s\n", msrtp_backend_name());
}

int main(int argc, char *argv[])
{
    static struct server server;
    struct options options;
    char error[160];
    setlocale(LC_NUMERIC, "C");
    if (!options_parse(argc, argv, &options, error)) {
        fprintf(stderr, "error: %s\n", error);
        return EXIT_CODE_USAGE;
    }
    if (options.action == OPTIONS_HELP) {
        fputs(options_usage, stdout);
        return EXIT_CODE_OK;
    }
    if (options.action == OPTIONS_VERSION) {
        print_version();
        return EXIT_CODE_OK;
    }
    int code = EXIT_CODE_CONFIG;
    if (read_config(&server, options.config_path)) {
        if (options.action == OPTIONS_CHECK_CONFIG) {
            puts("the configuration is fine");
            code = EXIT_CODE_OK;
        } else if (msrtp_process_init() != E_OK) {
            fprintf(stderr, "error: libsrtp2 did not start\n");
            code = EXIT_CODE_RUNTIME;
        } else {
            code = run(&server);
        }
    }
    config_done(&server.config);
    return code;
}
