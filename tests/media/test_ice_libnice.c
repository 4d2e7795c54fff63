/* Our ICE against another implementation: libnice's whole agent as the client, over real UDP sockets on 127.0.0.1 and in
 * real time. libnice's agent and our ice share its STUN codec, but nothing of what makes an agent. */
#include <errno.h>
#include <nice/agent.h>
#include <time.h>
#include <unistd.h>

#include "media/ice.h"
#include "support/hex.h"

#define OUR_UFRAG "00bridgeufrag1"
#define OUR_PWD   "bridgepasswordbridgepw26"

enum { FIRST_BYTE_OF_MEDIA = 0x80, STREAM_COMPONENT = 1 };

struct bridge { /* the smallest thing that gives an ice a socket */
    struct ice *ice;
    int fd;
    struct addr addr;
    size_t media_in, writeable, connected, path_changed, errors;
};

struct nat { /* between the client and the bridge: forwards through a socket that can be replaced */
    int inside, outside;
    struct addr inside_addr, outside_addr, client, bridge;
};

struct call {
    struct bridge bridge;
    struct nat nat; /* inside < 0: there is none */
    NiceAgent *agent;
    guint stream;
    GMainContext *context;
    size_t client_media_in;
    bool gathered, ready;
};

static uint64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

static int loopback_socket(struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    addr_parse("127.0.0.1", 0, addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, addr_to_sockaddr(addr, &sa)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&sa, addr);
    return fd;
}

static void send_to(int fd, const struct addr *to, struct bytes datagram)
{
    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(to, &sa);
    sendto(fd, datagram.p, datagram.n, 0, (struct sockaddr *)&sa, len);
}

static size_t receive(int fd, uint8_t buf[2048], struct addr *from)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    ssize_t n = recvfrom(fd, buf, 1500, 0, (struct sockaddr *)&sa, &len);
    if (n <= 0)
        return 0;
    addr_from_sockaddr((struct sockaddr *)&sa, from);
    return (size_t)n;
}

static void bridge_drain(struct bridge *b)
{
    struct ice_out out;
    while (ice_poll(b->ice, &out)) {
        b->writeable += out.kind == ICE_WRITEABLE;
        b->connected += out.kind == ICE_CONNECTED;
        b->path_changed += out.kind == ICE_PATH_CHANGED;
        if (out.kind == ICE_SEND)
            send_to(b->fd, &out.path.remote, out.datagram);
    }
    ice_check(b->ice);
}

static void bridge_turn(struct bridge *b)
{
    uint8_t buf[2048];
    struct ice_path path = {0};
    size_t n;
    while ((n = receive(b->fd, buf, &path.remote)) > 0) {
        if (buf[0] < 4) {
            b->errors += ice_on_datagram(b->ice, now_us(), &path, bytes_of(buf, n)) != E_OK;
        } else {
            ice_on_media(b->ice, now_us(), &path, true);
            b->media_in++;
        }
        bridge_drain(b);
    }
    if (ice_deadline_us(b->ice) <= now_us()) {
        ice_on_time(b->ice, now_us());
        bridge_drain(b);
    }
}

static void nat_turn(struct nat *nat)
{
    uint8_t buf[2048];
    struct addr from;
    size_t n;
    while ((n = receive(nat->inside, buf, &from)) > 0) {
        nat->client = from;
        send_to(nat->outside, &nat->bridge, bytes_of(buf, n));
    }
    while ((n = receive(nat->outside, buf, &from)) > 0)
        send_to(nat->inside, &nat->client, bytes_of(buf, n));
}

static void on_client_media(NiceAgent *agent, guint stream, guint component, guint len, gchar *buf, gpointer ctx)
{
    struct call *call = ctx;
    call->client_media_in += len > 0 && (uint8_t)buf[0] == FIRST_BYTE_OF_MEDIA;
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer ctx)
{
    ((struct call *)ctx)->gathered = true;
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer ctx)
{
    ((struct call *)ctx)->ready = state == NICE_COMPONENT_STATE_READY;
}

/* Turns everything for some time; the client and the bridge send media whenever they can. */
static void turn(struct call *call, unsigned ms, bool media)
{
    uint8_t rtp[64] = {FIRST_BYTE_OF_MEDIA, 96};
    uint64_t until_us = now_us() + MS(ms), media_us = 0;
    while (now_us() < until_us) {
        while (g_main_context_iteration(call->context, FALSE))
            continue;
        bridge_turn(&call->bridge);
        if (call->nat.inside >= 0)
            nat_turn(&call->nat);
        if (media && now_us() >= media_us) {
            const struct ice_path *to = ice_send_path(call->bridge.ice);
            media_us = now_us() + MS(20);
            if (to)
                send_to(call->bridge.fd, &to->remote, bytes_of(rtp, sizeof rtp));
            if (call->ready)
                nice_agent_send(call->agent, call->stream, STREAM_COMPONENT, sizeof rtp, (const gchar *)rtp);
        }
        usleep(1000);
    }
}

static void make_client(struct call *call)
{
    NiceAddress address;
    call->context = g_main_context_new();
    call->agent = nice_agent_new_full(call->context, NICE_COMPATIBILITY_RFC5245,
                                      NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
    g_object_set(call->agent, "controlling-mode", FALSE, "upnp", FALSE, "ice-tcp", FALSE, NULL);
    nice_address_init(&address);
    nice_address_set_from_string(&address, "127.0.0.1");
    assert_true(nice_agent_add_local_address(call->agent, &address));
    g_signal_connect(call->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), call);
    g_signal_connect(call->agent, "component-state-changed", G_CALLBACK(on_state), call);
    call->stream = nice_agent_add_stream(call->agent, 1);
    nice_agent_attach_recv(call->agent, call->stream, STREAM_COMPONENT, call->context, on_client_media, call);
    assert_true(nice_agent_gather_candidates(call->agent, call->stream));
}

static void tell_client_about_bridge(struct call *call)
{
    const struct addr *to = call->nat.inside >= 0 ? &call->nat.inside_addr : &call->bridge.addr;
    NiceCandidate *candidate = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
    nice_address_set_from_string(&candidate->addr, "127.0.0.1");
    nice_address_set_port(&candidate->addr, to->port);
    candidate->stream_id = call->stream;
    candidate->component_id = STREAM_COMPONENT;
    candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    candidate->priority = 2130706431;
    g_strlcpy(candidate->foundation, "1", NICE_CANDIDATE_MAX_FOUNDATION);
    GSList *list = g_slist_append(NULL, candidate);
    assert_true(nice_agent_set_remote_credentials(call->agent, call->stream, OUR_UFRAG, OUR_PWD));
    assert_int_equal(nice_agent_set_remote_candidates(call->agent, call->stream, STREAM_COMPONENT, list), 1);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

static void tell_bridge_about_client(struct call *call, bool with_candidates)
{
    struct ice_candidate candidates[8];
    size_t n = 0;
    gchar *ufrag, *pwd;
    assert_true(nice_agent_get_local_credentials(call->agent, call->stream, &ufrag, &pwd));
    GSList *list = nice_agent_get_local_candidates(call->agent, call->stream, STREAM_COMPONENT);
    for (GSList *it = list; with_candidates && it && n < COUNT(candidates); it = it->next) {
        NiceCandidate *candidate = it->data;
        char ip[NICE_ADDRESS_STRING_LEN];
        nice_address_to_string(&candidate->addr, ip);
        addr_parse(ip, (uint16_t)nice_address_get_port(&candidate->addr), &candidates[n].addr);
        candidates[n].type = ICE_HOST;
        candidates[n++].priority = candidate->priority;
    }
    assert_true(!with_candidates || n > 0);
    assert_int_equal(ice_set_remote(call->bridge.ice, now_us(), ufrag, pwd, candidates, n), E_OK);
    bridge_drain(&call->bridge);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    g_free(ufrag);
    g_free(pwd);
}

static struct call *start(bool with_nat)
{
    struct call *call = calloc(1, sizeof *call);
    call->bridge.fd = loopback_socket(&call->bridge.addr);
    struct ice_local local = {call->bridge.addr, 0};
    struct ice_config cfg = {.ufrag = OUR_UFRAG,
                             .pwd = OUR_PWD,
                             .tie_breaker = 0x1234567890abcdef,
                             .controlling = true,
                             .locals = &local,
                             .local_count = 1};
    call->bridge.ice = ice_new(&cfg, now_us());
    call->nat.inside = call->nat.outside = -1;
    if (with_nat) {
        call->nat.inside = loopback_socket(&call->nat.inside_addr);
        call->nat.outside = loopback_socket(&call->nat.outside_addr);
        call->nat.bridge = call->bridge.addr;
    }
    make_client(call);
    for (int i = 0; i < 200 && !call->gathered; i++)
        turn(call, 10, false);
    assert_true(call->gathered);
    return call;
}

static void finish(struct call *call)
{
    nice_agent_remove_stream(call->agent, call->stream);
    g_object_unref(call->agent);
    while (g_main_context_iteration(call->context, FALSE))
        continue;
    g_main_context_unref(call->context);
    ice_free(call->bridge.ice);
    close(call->bridge.fd);
    if (call->nat.inside >= 0) {
        close(call->nat.inside);
        close(call->nat.outside);
    }
    free(call);
}

static void wait_connected(struct call *call)
{
    for (int i = 0; i < 500 && !(call->ready && call->bridge.connected); i++)
        turn(call, 10, false);
    assert_true(call->ready);
    assert_int_equal(ice_get_state(call->bridge.ice), ICE_COMPLETED);
    assert_int_equal(call->bridge.writeable, 1);
    assert_int_equal(call->bridge.connected, 1);
    assert_true(ice_is_controlling(call->bridge.ice));
}

static void expect_media_both_ways(struct call *call)
{
    size_t to_bridge = call->bridge.media_in, to_client = call->client_media_in;
    turn(call, 500, true);
    assert_true(call->bridge.media_in - to_bridge >= 5); /* of 25; the machine may be busy */
    assert_true(call->client_media_in - to_client >= 5);
}

static void connects_when_candidates_are_signalled(void **state) /* transport 19.11, libnice */
{
    (void)state;
    struct call *call = start(false);
    tell_bridge_about_client(call, true);
    tell_client_about_bridge(call);
    wait_connected(call);
    expect_media_both_ways(call);
    finish(call);
}

static void connects_when_the_bridge_learns_the_client_from_its_checks(void **state) /* transport 19.11, 19.1 */
{
    (void)state;
    struct call *call = start(false);
    tell_client_about_bridge(call);
    turn(call, 300, false); /* the client has been checking for a while */
    assert_int_equal(ice_get_state(call->bridge.ice), ICE_WAITING);
    tell_bridge_about_client(call, false);
    wait_connected(call);
    expect_media_both_ways(call);
    assert_int_equal(call->bridge.errors, 0);
    finish(call);
}

static void
follows_the_client_to_another_source_address(void **state) /* transport 19.7, libnice behind a NAT that rebinds */
{
    (void)state;
    struct call *call = start(true);
    tell_client_about_bridge(call);
    tell_bridge_about_client(call, false);
    wait_connected(call);
    expect_media_both_ways(call);
    assert_true(addr_eq(&ice_send_path(call->bridge.ice)->remote, &call->nat.outside_addr));

    close(call->nat.outside); /* what goes to the old address is lost from now on */
    call->nat.outside = loopback_socket(&call->nat.outside_addr);
    for (int i = 0; i < 1200 && call->bridge.path_changed == 0; i++)
        turn(call, 10, true);
    assert_int_equal(call->bridge.path_changed, 1);
    assert_true(addr_eq(&ice_send_path(call->bridge.ice)->remote, &call->nat.outside_addr));
    expect_media_both_ways(call);
    assert_true(call->ready);
    finish(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_when_candidates_are_signalled),
        cmocka_unit_test(connects_when_the_bridge_learns_the_client_from_its_checks),
        cmocka_unit_test(follows_the_client_to_another_source_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
