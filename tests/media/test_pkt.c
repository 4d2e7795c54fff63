/* Packets come home, from this thread and from another one. */
#include "support/hex.h"

#include <pthread.h>

#include "media/pkt.h"

static void an_empty_pool_says_so_and_recovers(void **state)
{
    (void)state;
    struct pkt_pool *pool = pkt_pool_new(3);
    pkt_pool_adopt(pool);
    struct pkt *p[3];
    for (int i = 0; i < 3; i++)
        assert_non_null(p[i] = pkt_alloc(pool));
    assert_null(pkt_alloc(pool));
    pkt_drop(p[1]);
    assert_non_null(p[1] = pkt_alloc(pool));
    for (int i = 0; i < 3; i++)
        pkt_drop(p[i]);
    assert_int_equal(pkt_pool_free_count(pool), 3);
    pkt_pool_free(pool);
}

static void the_last_reference_brings_it_home(void **state)
{
    (void)state;
    struct pkt_pool *pool = pkt_pool_new(1);
    pkt_pool_adopt(pool);
    const struct pkt *p = pkt_freeze(pkt_alloc(pool));
    pkt_ref(p);
    pkt_unref(p);
    assert_null(pkt_alloc(pool));
    pkt_unref(p);
    pkt_unref(NULL);
    assert_int_equal(pkt_pool_free_count(pool), 1);
    pkt_pool_free(pool);
}

static void *drop_all(void *arg)
{
    const struct pkt **p = arg;
    for (int i = 0; i < 1000; i++)
        pkt_unref(p[i]);
    return NULL;
}

static void another_thread_may_drop_the_last_reference(void **state)
{
    (void)state;
    struct pkt_pool *pool = pkt_pool_new(1000);
    pkt_pool_adopt(pool);
    const struct pkt *p[1000];
    for (int i = 0; i < 1000; i++)
        pkt_ref(p[i] = pkt_freeze(pkt_alloc(pool)));
    pthread_t thread;
    pthread_create(&thread, NULL, drop_all, p);
    drop_all(p);
    pthread_join(thread, NULL);
    assert_int_equal(pkt_pool_free_count(pool), 1000);
    pkt_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_pool_says_so_and_recovers),
        cmocka_unit_test(the_last_reference_brings_it_home),
        cmocka_unit_test(another_thread_may_drop_the_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
