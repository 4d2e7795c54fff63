/* What holds of packets before the keys: bounded in number and bytes, oldest dropped first, nothing leaks. */
#include "support/hex.h"

#include "media/early_queue.h"

enum { POOL = 400 };

static struct pkt *packet(struct pkt_pool *pool, uint64_t rx_us, uint16_t len)
{
    struct pkt *pkt = pkt_alloc(pool);
    assert_non_null(pkt);
    pkt->rx_us = rx_us;
    pkt->len = len;
    return pkt;
}

static struct pkt_pool *pool_make(void)
{
    struct pkt_pool *pool = pkt_pool_new(POOL);
    pkt_pool_adopt(pool);
    return pool;
}

static void all_home(struct pkt_pool *pool)
{
    assert_int_equal(pkt_pool_free_count(pool), POOL);
    pkt_pool_free(pool);
}

static void packets_come_out_in_order_with_the_time_they_came(void **state)
{
    (void)state;
    struct pkt_pool *pool = pool_make();
    struct early_queue q;
    early_queue_init(&q);
    assert_null(early_queue_pop(&q));
    for (int round = 0; round < 2; round++) { /* emptied, it starts again */
        for (uint64_t i = 0; i < EARLY_QUEUE_PKTS; i++)
            early_queue_push(&q, packet(pool, 1000 + i, 100));
        assert_int_equal(q.count, EARLY_QUEUE_PKTS);
        assert_int_equal(q.bytes, EARLY_QUEUE_PKTS * 100);
        for (uint64_t i = 0; i < EARLY_QUEUE_PKTS; i++) {
            struct pkt *pkt = early_queue_pop(&q);
            assert_int_equal(pkt->rx_us, 1000 + i);
            pkt_drop(pkt);
        }
        assert_null(early_queue_pop(&q));
        assert_int_equal(q.bytes, 0);
    }
    assert_int_equal(q.dropped, 0);
    early_queue_done(&q);
    all_home(pool);
}

static void one_too_many_costs_the_oldest(void **state)
{
    (void)state;
    struct pkt_pool *pool = pool_make();
    struct early_queue q;
    early_queue_init(&q);
    for (uint64_t i = 0; i < EARLY_QUEUE_PKTS + 3; i++)
        early_queue_push(&q, packet(pool, i, 100));
    assert_int_equal(q.count, EARLY_QUEUE_PKTS);
    assert_int_equal(q.dropped, 3);
    struct pkt *pkt = early_queue_pop(&q);
    assert_int_equal(pkt->rx_us, 3);
    pkt_drop(pkt);
    early_queue_done(&q);
    all_home(pool);
}

static void bytes_are_bounded_too(void **state)
{
    (void)state;
    struct pkt_pool *pool = pool_make();
    struct early_queue q;
    early_queue_init(&q);
    enum { FIT = EARLY_QUEUE_BYTES / 1500 };
    for (uint64_t i = 0; i < FIT + 10; i++) {
        early_queue_push(&q, packet(pool, i, 1500));
        assert_true(q.bytes <= EARLY_QUEUE_BYTES);
    }
    assert_int_equal(q.count, FIT);
    assert_int_equal(q.dropped, 10);
    struct pkt *pkt = early_queue_pop(&q);
    assert_int_equal(pkt->rx_us, 10);
    pkt_drop(pkt);
    early_queue_done(&q);
    all_home(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(one_too_many_costs_the_oldest),
        cmocka_unit_test(packets_come_out_in_order_with_the_time_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
