/* Which addresses are bound, and how the outside is told of them. */
#include "support/hex.h"

#include "bridge/gather.h"

static struct addr ip(const char *text, uint16_t port)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, port, &addr), E_OK);
    return addr;
}

static const char *const eth0[] = {"eth0"}, *const lo[] = {"lo"}, *const ten[] = {"10.0.0.5"}, *const local[] = {"127.0.0.1"};

static void interface_rules(void **state) /* transport 2.2 */
{
    (void)state;
    const struct gather_interface all[] = {
        {"lo", ip("127.0.0.1", 0), true},          {"eth0", ip("10.0.0.5", 0), false},
        {"eth0", ip("fe80::1", 0), false},         {"eth0", ip("2001:db8::1", 0), false},
        {"eth1", ip("203.0.113.7", 0), false},
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
        {"allowed wins over blocked", {.allowed_interfaces = {eth0, 1}, .blocked_interfaces = {eth0, 1}}, "10.0.0.5", 1},
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
        {ip("10.0.0.5", 0), ip("203.0.113.7", 0)},
        {ip("10.0.0.5", 0), ip("203.0.113.7", 0)},        /* the same again */
        {ip("10.0.0.5", 0), ip("10.0.0.5", 0)},           /* to itself */
        {ip("10.0.0.6", 10000), ip("203.0.113.8", 443)},  /* with ports */
        {ip("10.0.0.6", 10001), ip("203.0.113.9", 443)},  /* for another port */
        {ip("10.0.0.9", 0), ip("203.0.113.10", 0)},       /* for nobody */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interface_rules),
        cmocka_unit_test(mappings_add_candidates_for_the_address_they_name),
        cmocka_unit_test(without_servers_it_is_done_at_once),
        cmocka_unit_test(a_cancelled_one_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
