/* What holds of the delays: colibri2.md 2.3. */
#include "support/hex.h"
#include "xmpp/retry.h"

static void a_first_login_is_tried_every_five_seconds(void **state)
{
    (void)state;
    struct retry retry = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(retry_on_failed(&retry, i % 2, false), 5000);
}

static void a_lost_stream_comes_back_after_one_second_for_ever(void **state)
{
    (void)state;
    struct retry retry = {0};
    retry_on_up(&retry);
    assert_int_equal(retry_on_lost(&retry, false), 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(retry_on_failed(&retry, false, false), 1000);
}

static void an_orderly_end_is_tried_at_once(void **state)
{
    (void)state;
    struct retry retry = {0};
    retry_on_up(&retry);
    assert_int_equal(retry_on_lost(&retry, true), 0);
    assert_int_equal(retry_on_failed(&retry, false, false), 1000);
}

static void a_server_that_does_not_let_us_in_is_not_hammered(void **state)
{
    (void)state;
    struct retry retry = {0};
    retry_on_up(&retry);
    retry_on_lost(&retry, false);
    assert_int_equal(retry_on_failed(&retry, true, false), 0);
    assert_int_equal(retry_on_failed(&retry, true, false), 2000);
    assert_int_equal(retry_on_failed(&retry, true, false), 2000);
    assert_int_equal(retry_on_failed(&retry, true, true), 5000);
    retry_on_up(&retry);
    assert_int_equal(retry_on_failed(&retry, true, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_login_is_tried_every_five_seconds),
        cmocka_unit_test(a_lost_stream_comes_back_after_one_second_for_ever),
        cmocka_unit_test(an_orderly_end_is_tried_at_once),
        cmocka_unit_test(a_server_that_does_not_let_us_in_is_not_hammered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
