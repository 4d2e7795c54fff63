/* Order on the circle, from every place where it wraps. */
#include "support/hex.h"

#include "proto/seq.h"

static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};

static void newer_means_at_most_half_a_circle_ahead(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        uint16_t s = starts[i];
        assert_true(seq_newer((uint16_t)(s + 1), s));
        assert_true(seq_newer((uint16_t)(s + 32767), s));
        assert_false(seq_newer((uint16_t)(s + 32768), s));
        assert_false(seq_newer(s, s));
        assert_false(seq_newer((uint16_t)(s - 1), s));
    }
    assert_true(ts_newer(5, 0xfffffff0u));
    assert_false(ts_newer(0xfffffff0u, 5));
}

static void unwrapping_follows_order_not_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct seq_unwrap u = {0};
        int64_t first = seq_unwrap_next(&u, starts[i]);
        assert_true(first > 0);
        assert_true(seq_unwrap_next(&u, (uint16_t)(starts[i] - 10)) == first - 10); /* late, does not move back */
        for (int64_t n = 1; n < 200000; n += 997)
            assert_true(seq_unwrap_next(&u, (uint16_t)(starts[i] + n)) == first + n);
        assert_true(seq_unwrap_peek(&u, starts[i]) >= first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_means_at_most_half_a_circle_ahead),
        cmocka_unit_test(unwrapping_follows_order_not_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
