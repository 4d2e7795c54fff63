/* Which worker has the sender of an SSRC. */
#include "support/hex.h"

#include "bridge/ssrc_hints.h"

static void a_hint_is_found_until_it_is_cleared(void **state)
{
    (void)state;
    struct ssrc_hints *hints = ssrc_hints_new();
    static const uint32_t ssrcs[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    for (unsigned i = 0; i < COUNT(ssrcs); i++) {
        assert_int_equal(ssrc_hints_find(hints, ssrcs[i]), -1);
        ssrc_hints_set(hints, ssrcs[i], i);
        assert_int_equal(ssrc_hints_find(hints, ssrcs[i]), i);
    }
    ssrc_hints_set(hints, 1, 1023); /* it has moved */
    ssrc_hints_clear(hints, 1, 1);  /* the old worker is late */
    assert_int_equal(ssrc_hints_find(hints, 1), 1023);
    ssrc_hints_clear(hints, 1, 1023);
    assert_int_equal(ssrc_hints_find(hints, 1), -1);
    ssrc_hints_free(hints);
}

static void most_of_many_are_found_and_strangers_are_not(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    struct ssrc_hints *hints = ssrc_hints_new();
    int known = 0, strange = 0;
    for (uint32_t i = 0; i < MANY; i++)
        ssrc_hints_set(hints, i * 2654435761u, i % 8);
    for (uint32_t i = 0; i < MANY; i++) {
        known += ssrc_hints_find(hints, i * 2654435761u) == (int)(i % 8);
        strange += ssrc_hints_find(hints, (MANY + i) * 2654435761u) >= 0;
    }
    assert_true(known > MANY * 8 / 10);
    assert_true(strange < 10);
    ssrc_hints_free(hints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hint_is_found_until_it_is_cleared),
        cmocka_unit_test(most_of_many_are_found_and_strangers_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
