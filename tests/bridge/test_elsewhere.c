/* What a worker remembers of paths that are not its own. */
#include "support/hex.h"

#include "bridge/elsewhere.h"

enum { MANY = 100000 };

static struct ice_path path_of(uint32_t number)
{
    struct ice_path path = {.local = 1};
    addr_parse("192.0.2.1", (uint16_t)number, &path.remote);
    path.remote.ip[1] = (uint8_t)(number >> 16);
    return path;
}

static void the_last_lesson_holds_until_it_is_stale(void **state)
{
    (void)state;
    struct elsewhere *e = elsewhere_new();
    struct ice_path path = path_of(1), other = path_of(2), other_socket = path;
    other_socket.local = 2;
    assert_int_equal(elsewhere_find(e, SEC(1), &path), -1);
    elsewhere_learn(e, SEC(1), &path, 3, false);
    assert_int_equal(elsewhere_find(e, SEC(1), &path), 3);
    assert_int_equal(elsewhere_find(e, SEC(1), &other), -1);
    assert_int_equal(elsewhere_find(e, SEC(1), &other_socket), -1);
    elsewhere_learn(e, SEC(11), &path, 3, false);
    assert_int_equal(elsewhere_find(e, SEC(11 + ELSEWHERE_STALE_S) - 1, &path), 3);
    assert_int_equal(elsewhere_find(e, SEC(11 + ELSEWHERE_STALE_S), &path), -1);
    elsewhere_free(e);
}

static void a_held_path_goes_to_another_worker_with_proof_only(void **state) /* transport 6.7, 19.9 */
{
    (void)state;
    struct elsewhere *e = elsewhere_new();
    struct ice_path path = path_of(1);
    elsewhere_learn(e, SEC(1), &path, 3, true);
    elsewhere_learn(e, SEC(2), &path, 4, false);
    assert_int_equal(elsewhere_find(e, SEC(2), &path), 3);
    elsewhere_learn(e, SEC(3), &path, 4, true);
    assert_int_equal(elsewhere_find(e, SEC(3), &path), 4);
    elsewhere_learn(e, SEC(3 + ELSEWHERE_HELD_S), &path, 5, false); /* nothing authentic came for long */
    assert_int_equal(elsewhere_find(e, SEC(3 + ELSEWHERE_HELD_S), &path), 5);
    elsewhere_free(e);
}

static void proven_paths_are_not_pushed_out_by_unproven_ones(void **state)
{
    (void)state;
    struct elsewhere *e = elsewhere_new();
    enum { PROVEN = 500 };
    for (uint32_t i = 0; i < PROVEN; i++) {
        struct ice_path path = path_of(i);
        elsewhere_learn(e, SEC(1), &path, 3, true);
    }
    for (uint32_t i = PROVEN; i < MANY; i++) {
        struct ice_path path = path_of(i);
        elsewhere_learn(e, SEC(2), &path, 4, false);
    }
    for (uint32_t i = 0; i < PROVEN; i++) {
        struct ice_path path = path_of(i);
        assert_int_equal(elsewhere_find(e, SEC(3), &path), 3);
    }
    elsewhere_free(e);
}

static void when_all_is_proven_the_oldest_goes(void **state)
{
    (void)state;
    struct elsewhere *e = elsewhere_new();
    for (uint32_t i = 0; i < MANY; i++) {
        struct ice_path path = path_of(i);
        elsewhere_learn(e, SEC(1) + i, &path, 3, true);
        assert_int_equal(elsewhere_find(e, SEC(1) + i, &path), 3);
    }
    struct ice_path first = path_of(0);
    assert_int_equal(elsewhere_find(e, SEC(1) + MANY, &first), -1);
    elsewhere_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_lesson_holds_until_it_is_stale),
        cmocka_unit_test(a_held_path_goes_to_another_worker_with_proof_only),
        cmocka_unit_test(proven_paths_are_not_pushed_out_by_unproven_ones),
        cmocka_unit_test(when_all_is_proven_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
