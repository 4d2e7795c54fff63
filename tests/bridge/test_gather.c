/* Which addresses are bound, and how the outside is told of them. */
#include "support/hex.h"

#include "bridge/gather.h"
#include "support/stun_peer.h"

static struct addr ip(const char *text, uint16_t port)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, port, &addr), E_OK);
    return addr;
}

static const char *const eth0[] = {"eth0"}, *const lo[] = {"lo"}, *const ten[] = {"10.0.0.5"},
                         *const local[] = {"127.0.0.1"};

static void interface_rules(void **state) /* transport 2.2 */
{
    (void)state;
    const struct gather_interface all[] = {
        {"lo", ip("127.0.0.1", 0), true},      {"eth0", ip("10.0.0.5", 0), false},    {"eth0", ip("fe80::1", 0), false},
        {"eth0", ip("2001:db8::1", 0), false}, {"eth1", ip("203.0.113.7", 0), false},
    };
    const struct {
        const char *name;
        struct gather_config cfg;
        const char *bound; /* first address of the list, and how many */
        size_t count;
    } rows[] = {
        {"default", {.use_ipv6 = true}, "10.0.0.5", 3},
        {"without IPv6", {.use_ipv6 = false}, "10.0.0.5", 2},
        {"with link-local", {.use_ipv6 = true, .use_link_local = true}, "10.0.0.5", 4},
        {"one interface", {.use_ipv6 = true, .allowed_interfaces = {eth0, 1}}, "10.0.0.5", 2},
        {"not that interface", {.use_ipv6 = true, .blocked_interfaces = {eth0, 1}}, "203.0.113.7", 1},
        {"allowed wins over blocked",
         {.allowed_interfaces = {eth0, 1}, .blocked_interfaces = {eth0, 1}},
         "10.0.0.5",
         1},
        {"one address", {.allowed_addresses = {ten, 1}}, "10.0.0.5", 1},
        {"not that address", {.blocked_addresses = {ten, 1}}, "203.0.113.7", 1},
        {"loopback by its interface", {.allowed_interfaces = {lo, 1}}, "127.0.0.1", 1},
        {"loopback by its address", {.allowed_addresses = {local, 1}}, "127.0.0.1", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gather_config cfg = rows[i].cfg;
        struct addr bound[GATHER_LOCALS_MAX];
        cfg.port = 10000;
        print_message("  %s\n", rows[i].name);
        assert_int_equal(gather_bind_list(&cfg, all, COUNT(all), bound), rows[i].count);
        struct addr first = ip(rows[i].bound, 10000);
        assert_true(addr_eq(&bound[0], &first));
    }
}

static void mappings_add_candidates_for_the_address_they_name(void **state) /* transport 2.3 */
{
    (void)state;
    const struct ice_local locals[] = {{ip("10.0.0.5", 10000), 0}, {ip("10.0.0.6", 10000), 1}};
    const struct gather_mapping mappings[] = {
        {ip("10.0.0.5", 0), ip("203.0.113.7", 0)},       {ip("10.0.0.5", 0), ip("203.0.113.7", 0)}, /* the same again */
        {ip("10.0.0.5", 0), ip("10.0.0.5", 0)},                                                     /* to itself */
        {ip("10.0.0.6", 10000), ip("203.0.113.8", 443)},                                            /* with ports */
        {ip("10.0.0.6", 10001), ip("203.0.113.9", 443)}, /* for another port */
        {ip("10.0.0.9", 0), ip("203.0.113.10", 0)},      /* for nobody */
    };
    struct gather_config cfg = {.mappings = mappings, .mapping_count = COUNT(mappings)};
    struct gather_result r;
    gather_candidates(&cfg, locals, 2, NULL, 0, &r);
    assert_int_equal(r.candidate_count, 4);
    assert_int_equal(r.candidates[0].type, ICE_HOST);
    assert_int_equal(r.candidates[0].priority >> 24, 126);
    struct addr first = ip("203.0.113.7", 10000), second = ip("203.0.113.8", 443);
    assert_int_equal(r.candidates[2].type, ICE_SRFLX);
    assert_true(addr_eq(&r.candidates[2].addr, &first));
    assert_true(addr_eq(&r.candidates[2].base, &locals[0].addr));
    assert_true(addr_eq(&r.candidates[3].addr, &second));
    assert_int_equal(r.candidates[3].local, 1);
    assert_true(r.has_public);
    gather_candidates(&cfg, locals, 0, NULL, 0, &r);
    assert_false(r.has_public);
}

struct done {
    int count;
    struct gather_result result;
};

static void on_done(void *ctx, const struct gather_result *result)
{
    struct done *done = ctx;
    done->count++;
    done->result = *result;
}

static void without_servers_it_is_done_at_once(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct ice_local here = {ip("127.0.0.1", 10000), 0};
    struct gather_config cfg = {0};
    struct done done = {0};
    gather_start(&loop, &cfg, &here, 1, on_done, &done);
    assert_int_equal(done.count, 0); /* never from inside */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done.count, 1);
    assert_int_equal(done.result.candidate_count, 1);
    assert_false(done.result.stun_asked);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_cancelled_one_says_nothing(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct gather_config cfg = {0};
    struct done done = {0};
    gather_cancel(gather_start(&loop, &cfg, NULL, 0, on_done, &done));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done.count, 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- with a STUN server of the test's own on loopback ---- */

enum { RTO = 50, REQUESTS_MAX = 16, PORT = 10000 };

enum manner { ANSWERS, SAYS_ERROR, LIES_ABOUT_ID, SAYS_NOTHING };

struct server {
    uv_udp_t udp;
    char name[64];      /* for the configuration */
    const char *mapped; /* what it says the asker's address is */
    enum manner manner;
    int lost; /* so many requests it never sees */
    int heard;
    uint64_t at_ms[REQUESTS_MAX];
    uint8_t first[20], answer[SP_CAP], buf[1500];
    bool same_bytes;
};

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)size;
    struct server *s = handle->data;
    *buf = uv_buf_init((char *)s->buf, sizeof s->buf);
}

static size_t write_answer(struct server *s, const uint8_t *request)
{
    struct addr mapped = ip(s->mapped, 4711);
    return sp_write_answer(s->answer, request, "key", s->manner == SAYS_ERROR ? 500 : 0, mapped.ip,
                           mapped.family == ADDR_IP4 ? 4 : 16, mapped.port);
}

static void on_request(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    struct server *s = udp->data;
    const uint8_t *request = (const uint8_t *)buf->base;
    if (n <= 0 || !from || s->heard == REQUESTS_MAX)
        return;
    assert_int_equal(n, 20);
    assert_int_equal(sp_get(request, 4), 0x00010000);
    assert_int_equal(sp_get(request + 4, 4), 0x2112a442);
    if (s->heard == 0)
        memcpy(s->first, request, sizeof s->first);
    s->same_bytes = memcmp(s->first, request, sizeof s->first) == 0;
    s->at_ms[s->heard++] = uv_now(udp->loop);
    if (s->manner == SAYS_NOTHING || s->heard <= s->lost)
        return;
    uv_buf_t out = uv_buf_init((char *)s->answer, (unsigned)write_answer(s, request));
    s->answer[19] ^= s->manner == LIES_ABOUT_ID;
    uv_udp_try_send(udp, &out, 1, from);
}

static bool serve(uv_loop_t *loop, struct server *s, const char *on)
{
    struct addr addr = ip(on, 0);
    struct sockaddr_storage ss;
    int len = sizeof ss;
    addr_to_sockaddr(&addr, &ss);
    uv_udp_init(loop, &s->udp);
    s->udp.data = s;
    bool up = uv_udp_bind(&s->udp, (struct sockaddr *)&ss, 0) == 0 &&
              uv_udp_recv_start(&s->udp, give_buffer, on_request) == 0 &&
              uv_udp_getsockname(&s->udp, (struct sockaddr *)&ss, &len) == 0;
    addr_from_sockaddr((struct sockaddr *)&ss, &addr);
    snprintf(s->name, sizeof s->name, addr.family == ADDR_IP6 ? "[%s]:%u" : "%s:%u", on, addr.port);
    return up;
}

struct asking {
    uv_loop_t loop;
    struct server *servers;
    size_t server_count;
    struct done done;
    uint64_t took_ms;
};

static void close_any(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Asks the servers from one address of ours; returns when it is done and all memory is released. */
static void ask_all(struct asking *a, const char *ours)
{
    const char *names[4];
    for (size_t i = 0; i < a->server_count; i++)
        names[i] = a->servers[i].name;
    struct ice_local here = {ip(ours, PORT), 0};
    struct gather_config cfg = {.stun_servers = {names, a->server_count}, .stun_rto_ms = RTO};
    uv_update_time(&a->loop);
    uint64_t from_ms = uv_now(&a->loop);
    gather_start(&a->loop, &cfg, &here, 1, on_done, &a->done);
    while (!a->done.count)
        uv_run(&a->loop, UV_RUN_ONCE);
    a->took_ms = uv_now(&a->loop) - from_ms;
    uv_walk(&a->loop, close_any, NULL);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&a->loop), 0);
    assert_int_equal(a->done.count, 1);
    assert_true(a->done.result.stun_asked);
}

static void ask_one(struct asking *a, struct server *s)
{
    uv_loop_init(&a->loop);
    a->servers = s;
    a->server_count = 1;
    assert_true(serve(&a->loop, s, "127.0.0.1"));
    ask_all(a, "127.0.0.1");
}

static void assert_mapped(const struct gather_result *r, const char *public, const char *base)
{
    struct addr want = ip(public, PORT), from = ip(base, PORT);
    assert_false(r->stun_failed);
    assert_int_equal(r->candidate_count, 2);
    assert_int_equal(r->candidates[1].type, ICE_SRFLX);
    assert_true(addr_eq(&r->candidates[1].addr, &want)); /* the port is that of our media socket */
    assert_true(addr_eq(&r->candidates[1].base, &from));
}

static void a_server_tells_how_the_outside_sees_us(void **state) /* transport 2.3 */
{
    (void)state;
    struct server s = {.mapped = "203.0.113.7"};
    struct asking a = {0};
    ask_one(&a, &s);
    assert_mapped(&a.done.result, "203.0.113.7", "127.0.0.1");
    assert_true(a.took_ms < GATHER_LIMIT_RTOS * RTO);
}

static void lost_requests_are_sent_again_at_doubling_distance(void **state) /* RFC 8489 6.2.1 */
{
    (void)state;
    struct server s = {.mapped = "203.0.113.7", .lost = 3};
    struct asking a = {0};
    ask_one(&a, &s);
    assert_mapped(&a.done.result, "203.0.113.7", "127.0.0.1");
    assert_int_equal(s.heard, 4);
    assert_true(s.same_bytes);
    for (int i = 1; i < 4; i++)
        assert_true(s.at_ms[i] - s.at_ms[0] + 2 >= (uint64_t)RTO * ((1u << i) - 1));
}

static void a_server_that_says_nothing_holds_us_up_for_the_limit_only(void **state)
{
    (void)state;
    struct server s = {.mapped = "203.0.113.7", .manner = SAYS_NOTHING};
    struct asking a = {0};
    ask_one(&a, &s);
    assert_true(a.done.result.stun_failed);
    assert_int_equal(a.done.result.candidate_count, 1);
    assert_in_range(s.heard, 3, 4); /* 4 unless this machine is very busy */
    assert_true(a.took_ms + 2 >= GATHER_LIMIT_RTOS * RTO);
}

static void a_server_that_refuses_is_not_asked_again(void **state)
{
    (void)state;
    struct server s = {.mapped = "203.0.113.7", .manner = SAYS_ERROR};
    struct asking a = {0};
    ask_one(&a, &s);
    assert_true(a.done.result.stun_failed);
    assert_true(a.took_ms < GATHER_LIMIT_RTOS * RTO);
}

static void an_answer_to_another_question_is_none(void **state)
{
    (void)state;
    struct server s = {.mapped = "203.0.113.7", .manner = LIES_ABOUT_ID};
    struct asking a = {0};
    ask_one(&a, &s);
    assert_true(a.done.result.stun_failed);
    assert_in_range(s.heard, 3, 4);
}

static void one_answer_is_enough_after_a_while(void **state)
{
    (void)state;
    struct server s[2] = {{.mapped = "203.0.113.7", .manner = SAYS_NOTHING}, {.mapped = "203.0.113.7"}};
    struct asking a = {.servers = s, .server_count = 2};
    uv_loop_init(&a.loop);
    assert_true(serve(&a.loop, &s[0], "127.0.0.1") && serve(&a.loop, &s[1], "127.0.0.1"));
    ask_all(&a, "127.0.0.1");
    assert_mapped(&a.done.result, "203.0.113.7", "127.0.0.1");
    assert_in_range(s[0].heard, 1, 3); /* at 0, 1 and perhaps 3 RTO: it ends 3 RTO after the answer */
    assert_true(a.took_ms < GATHER_LIMIT_RTOS * RTO);
}

static void servers_on_ipv6_are_asked_from_ipv6(void **state)
{
    (void)state;
    struct server s = {.mapped = "2001:db8::7"};
    struct asking a = {.servers = &s, .server_count = 1};
    uv_loop_init(&a.loop);
    if (!serve(&a.loop, &s, "::1")) {
        print_message("  this machine has no ::1\n");
        uv_walk(&a.loop, close_any, NULL);
        uv_run(&a.loop, UV_RUN_DEFAULT);
        uv_loop_close(&a.loop);
        skip();
    }
    ask_all(&a, "::1");
    assert_mapped(&a.done.result, "2001:db8::7", "::1");
}

static void a_server_of_the_other_family_is_not_waited_for(void **state)
{
    (void)state;
    struct server s = {.mapped = "203.0.113.7"};
    struct asking a = {.servers = &s, .server_count = 1};
    uv_loop_init(&a.loop);
    assert_true(serve(&a.loop, &s, "127.0.0.1"));
    ask_all(&a, "::1");
    assert_true(a.done.result.stun_failed);
    assert_int_equal(s.heard, 0);
    assert_true(a.took_ms < GATHER_LIMIT_RTOS * RTO);
}

static void cancelled_while_it_asks_it_says_nothing(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct server s = {.mapped = "203.0.113.7", .manner = SAYS_NOTHING};
    uv_loop_init(&loop);
    assert_true(serve(&loop, &s, "127.0.0.1"));
    const char *name = s.name;
    struct ice_local here = {ip("127.0.0.1", PORT), 0};
    struct gather_config cfg = {.stun_servers = {&name, 1}, .stun_rto_ms = RTO};
    struct done done = {0};
    struct gather *gather = gather_start(&loop, &cfg, &here, 1, on_done, &done);
    while (!s.heard)
        uv_run(&loop, UV_RUN_ONCE);
    gather_cancel(gather);
    uv_close((uv_handle_t *)&s.udp, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done.count, 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interface_rules),
        cmocka_unit_test(mappings_add_candidates_for_the_address_they_name),
        cmocka_unit_test(without_servers_it_is_done_at_once),
        cmocka_unit_test(a_cancelled_one_says_nothing),
        cmocka_unit_test(a_server_tells_how_the_outside_sees_us),
        cmocka_unit_test(lost_requests_are_sent_again_at_doubling_distance),
        cmocka_unit_test(a_server_that_says_nothing_holds_us_up_for_the_limit_only),
        cmocka_unit_test(a_server_that_refuses_is_not_asked_again),
        cmocka_unit_test(an_answer_to_another_question_is_none),
        cmocka_unit_test(one_answer_is_enough_after_a_while),
        cmocka_unit_test(servers_on_ipv6_are_asked_from_ipv6),
        cmocka_unit_test(a_server_of_the_other_family_is_not_waited_for),
        cmocka_unit_test(cancelled_while_it_asks_it_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
