/* What the threads share: which local addresses are used. */
#include "support/hex.h"

#include <errno.h>

#include "bridge/bridge.h"

static struct bridge three_addresses(void)
{
    struct bridge b = {.local_count = 3};
    addr_parse("10.0.0.5", 10000, &b.locals[0]);
    addr_parse("192.0.2.1", 10000, &b.locals[1]);
    addr_parse("2001:db8::1", 10000, &b.locals[2]);
    return b;
}

static void an_address_that_a_worker_could_not_bind_is_used_by_none(void **state) /* transport 2.1 */
{
    (void)state;
    struct bridge b = three_addresses();
    struct ice_local left[UDP_LOCALS_MAX];
    const int first_worker[UDP_LOCALS_MAX] = {0, EADDRNOTAVAIL}, second_worker[UDP_LOCALS_MAX] = {0};
    assert_int_equal(bridge_bound_locals(&b, left), 3);
    assert_int_equal(bridge_note_bound(&b, first_worker), 2);
    assert_int_equal(bridge_note_bound(&b, second_worker), 2);
    assert_int_equal(bridge_bound_locals(&b, left), 2);
    assert_true(addr_eq(&left[0].addr, &b.locals[0]));
    assert_true(addr_eq(&left[1].addr, &b.locals[2]));
    assert_int_equal(left[1].local, 2); /* the socket keeps its number */
}

static void without_any_address_there_is_nothing_to_use(void **state)
{
    (void)state;
    struct bridge b = three_addresses();
    const int failed[UDP_LOCALS_MAX] = {EADDRINUSE, EADDRINUSE, EADDRINUSE};
    assert_int_equal(bridge_note_bound(&b, failed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_a_worker_could_not_bind_is_used_by_none),
        cmocka_unit_test(without_any_address_there_is_nothing_to_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
