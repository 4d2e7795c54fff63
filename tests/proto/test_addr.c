/* Addresses: what is a literal, and which class each belongs to. */
#include "support/hex.h"

#include "proto/addr.h"

static const struct {
    const char *ip;
    enum err err;
    bool loopback, link_local, private, unusable;
} cases[] = {
    {"127.0.0.1", E_OK, true, false, false, false},
    {"::1", E_OK, true, false, false, false},
    {"169.254.1.2", E_OK, false, true, false, false},
    {"fe80::1", E_OK, false, true, false, false},
    {"febf::1", E_OK, false, true, false, false},
    {"10.0.0.1", E_OK, false, false, true, false},
    {"172.16.0.1", E_OK, false, false, true, false},
    {"172.31.255.255", E_OK, false, false, true, false},
    {"172.32.0.1", E_OK, false, false, false, false},
    {"192.168.9.9", E_OK, false, false, true, false},
    {"fec0::1", E_OK, false, false, true, false},
    {"fd12::1", E_OK, false, false, true, false},
    {"2001:db8::1", E_OK, false, false, false, false},
    {"0.0.0.0", E_OK, false, false, false, true},
    {"::", E_OK, false, false, false, true},
    {"224.0.0.1", E_OK, false, false, false, true},
    {"255.255.255.255", E_OK, false, false, false, true},
    {"ff02::1", E_OK, false, false, false, true},
    {"", E_FORMAT},
    {"example.org", E_FORMAT},
    {"c3f1a1a2-0000.local", E_FORMAT},
    {"1.2.3", E_FORMAT},
    {"1.2.3.256", E_FORMAT},
    {"fe80::1%eth0", E_FORMAT},
    {"1.2.3.4 ", E_FORMAT},
};

static void literals_and_classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].ip);
        struct addr a;
        assert_int_equal(addr_parse(cases[i].ip, 10000, &a), cases[i].err);
        if (cases[i].err != E_OK)
            continue;
        assert_int_equal(addr_is_loopback(&a), cases[i].loopback);
        assert_int_equal(addr_is_link_local(&a), cases[i].link_local);
        assert_int_equal(addr_is_private(&a), cases[i].private);
        assert_int_equal(addr_is_unusable(&a), cases[i].unusable);
        char text[ADDR_TEXT_MAX];
        assert_string_equal(addr_ip_str(&a, text), cases[i].ip);
        struct sockaddr_storage ss;
        struct addr back;
        addr_to_sockaddr(&a, &ss);
        addr_from_sockaddr((struct sockaddr *)&ss, &back);
        assert_true(addr_eq(&a, &back));
    }
}

static void mapped_addresses_are_ipv4(void **state)
{
    (void)state;
    struct addr v6, v4, got;
    assert_int_equal(addr_parse("::ffff:192.0.2.7", 5, &v6), E_OK);
    assert_int_equal(addr_parse("192.0.2.7", 5, &v4), E_OK);
    struct sockaddr_storage ss;
    addr_to_sockaddr(&v6, &ss);
    addr_from_sockaddr((struct sockaddr *)&ss, &got);
    assert_true(addr_eq(&got, &v4));
    v6.port = 6;
    assert_false(addr_same_ip(&v6, &v4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_classes),
        cmocka_unit_test(mapped_addresses_are_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
