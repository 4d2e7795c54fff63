/* What holds of the packet history: bounded in count and age, and every reference comes home. */
#include "support/hex.h"

#include <stdlib.h>

#include "media/history.h"
#include "media/media_pkt.h"

enum { POOL = 64 };

static struct pkt_pool *pool;

static int make_pool(void **state)
{
    (void)state;
    pool = pkt_pool_new(POOL);
    pkt_pool_adopt(pool);
    return 0;
}
static int all_came_home(void **state)
{
    (void)state;
    int lost = POOL - (int)pkt_pool_free_count(pool);
    pkt_pool_free(pool);
    return lost;
}

static bool put(struct history *h, int64_t seq_wide, uint64_t rx_us)
{
    struct pkt *fresh = pkt_alloc(pool);
    assert_non_null(fresh);
    fresh->rx_us = rx_us;
    put_u16(fresh->data, (uint16_t)seq_wide);
    const struct pkt *pkt = pkt_freeze(fresh);
    struct media_pkt m = {.pkt = pkt, .rx_us = rx_us, .seq_wide = seq_wide, .seq = (uint16_t)seq_wide};
    bool ok = history_put(h, &m);
    pkt_unref(pkt); /* the history has its own reference, or none */
    return ok;
}

static void packets_are_found_by_number_until_the_ring_is_full(void **state) /* media 22.4: one too old is missed */
{
    (void)state;
    static const int64_t starts[] = {65536, 65537, 65536 + 32767, 65536 + 32768, 65536 + 65534, 65536 + 65535};
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct history *h = history_new(16, SEC(10));
        for (int64_t n = 0; n < 20; n++)
            assert_true(put(h, starts[i] + n, SEC(1)));
        assert_int_equal(history_count(h), 16);
        assert_int_equal(pkt_pool_free_count(pool), POOL - 16);
        assert_null(history_get(h, starts[i] + 3));
        assert_null(history_get(h, starts[i] + 20));
        for (int64_t n = 4; n < 20; n++) {
            const struct media_pkt *m = history_get(h, starts[i] + n);
            assert_non_null(m);
            assert_int_equal(get_u16(m->pkt->data), (uint16_t)(starts[i] + n));
        }
        assert_int_equal(history_newest(h), starts[i] + 19);
        history_free(h);
        assert_int_equal(pkt_pool_free_count(pool), POOL);
    }
    history_free(NULL);
}

static void late_packets_fill_their_place_and_doubles_are_refused(void **state)
{
    (void)state;
    struct history *h = history_new(16, SEC(10));
    assert_true(put(h, 100, SEC(1)));
    assert_true(put(h, 103, SEC(1)));
    assert_true(put(h, 101, SEC(1)));
    assert_false(put(h, 101, SEC(1)));
    assert_true(put(h, 95, SEC(1))); /* older than the first, but within reach */
    assert_false(put(h, 87, SEC(1)));
    assert_true(put(h, 88, SEC(1)));
    assert_null(history_get(h, 102));
    assert_int_equal(history_count(h), 5);
    history_free(h);
}

static void a_jump_lets_everything_behind_it_go(void **state)
{
    (void)state;
    struct history *h = history_new(16, SEC(10));
    for (int64_t n = 0; n < 16; n++)
        put(h, 1000 + n, SEC(1));
    assert_true(put(h, 1020, SEC(1)));
    assert_int_equal(history_count(h), 12); /* 1005 to 1015, and 1020 */
    assert_true(put(h, 1000000, SEC(1)));
    assert_int_equal(history_count(h), 1);
    assert_int_equal(pkt_pool_free_count(pool), POOL - 1);
    history_free(h);
}

static void age_is_bounded_and_has_a_deadline(void **state)
{
    (void)state;
    struct history *h = history_new(16, SEC(2));
    assert_int_equal(history_deadline_us(h), NEVER_US);
    put(h, 100, SEC(1));
    put(h, 102, SEC(1) + MS(10));
    assert_int_equal(history_deadline_us(h), SEC(3));
    history_on_time(h, SEC(3) - 1);
    assert_int_equal(history_count(h), 2);
    history_on_time(h, SEC(3));
    assert_int_equal(history_count(h), 1);
    assert_null(history_get(h, 100));
    assert_int_equal(history_deadline_us(h), SEC(3) + MS(10));
    history_on_time(h, SEC(20));
    assert_int_equal(history_count(h), 0);
    assert_int_equal(history_deadline_us(h), NEVER_US);
    assert_int_equal(history_newest(h), 0);
    assert_int_equal(pkt_pool_free_count(pool), POOL);
    assert_true(put(h, 50, SEC(21))); /* and it starts anew */
    assert_non_null(history_get(h, 50));
    history_free(h);
}

static void any_sequence_of_calls_keeps_the_bounds(void **state)
{
    (void)state;
    srand(7);
    struct history *h = history_new(32, MS(100));
    int64_t newest = 70000;
    uint64_t us = SEC(1);
    for (int i = 0; i < 100000; i++) {
        us += (uint64_t)(rand() % 3000);
        int64_t n = newest + rand() % 60 - 55;
        if (rand() % 500 == 0)
            n = newest + rand() % 200;
        bool ok = put(h, n, us);
        newest = n > newest ? n : newest;
        if (ok)
            assert_int_equal(history_get(h, n)->seq_wide, n);
        if (rand() % 4 == 0)
            history_on_time(h, us);
        assert_true(history_count(h) <= 32);
        assert_int_equal(pkt_pool_free_count(pool), POOL - history_count(h));
        size_t found = 0;
        for (int64_t k = newest - 31; k <= newest; k++)
            found += history_get(h, k) != NULL;
        assert_true(found == history_count(h) || newest != history_newest(h));
    }
    history_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_are_found_by_number_until_the_ring_is_full, make_pool, all_came_home),
        cmocka_unit_test_setup_teardown(late_packets_fill_their_place_and_doubles_are_refused, make_pool, all_came_home),
        cmocka_unit_test_setup_teardown(a_jump_lets_everything_behind_it_go, make_pool, all_came_home),
        cmocka_unit_test_setup_teardown(age_is_bounded_and_has_a_deadline, make_pool, all_came_home),
        cmocka_unit_test_setup_teardown(any_sequence_of_calls_keeps_the_bounds, make_pool, all_came_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
