/* test_net.c - the link model does what its numbers say. */
#include "sim/net.h"

#include "proto/units.h"
#include "support/hex.h"

enum { LEN = 1000 - NET_HEADERS };

static struct net_link link_of(struct net_config config)
{
    struct net_link link;
    net_init(&link, &config, (struct rng){7});
    return link;
}

static void a_packet_takes_its_bits_and_the_delay(void **state)
{
    (void)state;
    uint64_t at_us[2];
    struct net_link link = link_of((struct net_config){.bps = 1000000, .delay_us = 20000, .queue_bytes = 10000});
    assert_int_equal(net_send(&link, SEC(1), LEN, at_us), 1);
    assert_int_equal(at_us[0], SEC(1) + 8000 + 20000);
    assert_int_equal(net_send(&link, SEC(1), LEN, at_us), 1); /* behind the first */
    assert_int_equal(at_us[0], SEC(1) + 16000 + 20000);
    assert_int_equal(net_backlog_us(&link, SEC(1)), 16000);
    assert_int_equal(net_backlog_us(&link, SEC(2)), 0);
}

static void what_does_not_fit_the_queue_is_lost(void **state)
{
    (void)state;
    uint64_t at_us[2];
    int arrived = 0;
    struct net_link link = link_of((struct net_config){.bps = 1000000, .queue_bytes = 10000});
    for (int i = 0; i < 100; i++)
        arrived += net_send(&link, SEC(1), LEN, at_us);
    assert_int_equal(arrived, 11); /* ten wait, and one is on its way */
    assert_int_equal(link.overflowed, 89);
}

static void the_rate_is_the_capacity_less_cross_traffic(void **state)
{
    (void)state;
    uint64_t at_us[2];
    size_t bytes[2] = {0};
    for (int cross = 0; cross < 2; cross++) {
        struct net_link link =
            link_of((struct net_config){.bps = 1000000, .cross_bps = cross ? 500000 : 0, .queue_bytes = 20000});
        for (uint64_t now_us = SEC(1); now_us < SEC(101); now_us += 4000)
            bytes[cross] += net_send(&link, now_us, LEN, at_us) ? 1000 : 0;
    }
    assert_in_range(bytes[0], 12400000, 12600000);
    assert_in_range(bytes[1], 7000000, 11500000);
}

static void losses_are_as_frequent_as_asked_for(void **state)
{
    (void)state;
    uint64_t at_us[2];
    struct net_link link = link_of((struct net_config){.bps = 1000000000, .queue_bytes = 100000, .loss_ppm = 30000});
    for (uint64_t i = 0; i < 100000; i++)
        net_send(&link, SEC(1) + i * 1000, LEN, at_us);
    assert_in_range(link.lost, 2700, 3300);
}

static void order_is_kept_under_jitter_and_broken_by_reordering(void **state)
{
    (void)state;
    for (int reorder = 0; reorder < 2; reorder++) {
        struct net_link link = link_of((struct net_config){.bps = 10000000,
                                                           .jitter_us = 30000,
                                                           .queue_bytes = 100000,
                                                           .reorder_ppm = reorder ? 100000 : 0,
                                                           .reorder_us = 50000});
        uint64_t last_us = 0, at_us[2];
        unsigned behind = 0;
        for (uint64_t i = 0; i < 10000; i++) {
            net_send(&link, SEC(1) + i * 2000, LEN, at_us);
            behind += at_us[0] < last_us;
            last_us = at_us[0];
        }
        assert_true(reorder ? behind > 100 : behind == 0);
    }
}

static void nothing_passes_in_an_outage_and_everything_after(void **state)
{
    (void)state;
    uint64_t at_us[2];
    struct net_link link = link_of((struct net_config){.bps = 10000000, .queue_bytes = 100000});
    net_outage(&link, SEC(2));
    assert_int_equal(net_send(&link, SEC(2) - 1, LEN, at_us), 0);
    assert_int_equal(net_send(&link, SEC(2), LEN, at_us), 1);
}

static void the_same_seed_gives_the_same_network(void **state)
{
    (void)state;
    struct net_config config = {.bps = 1000000,
                                .cross_bps = 300000,
                                .jitter_us = 10000,
                                .queue_bytes = 9000,
                                .loss_ppm = 50000,
                                .burst_ppm = 1000,
                                .burst_us = 100000,
                                .reorder_ppm = 10000,
                                .reorder_us = 9000,
                                .double_ppm = 10000};
    struct net_link a = link_of(config), b = link_of(config);
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t at_a[2] = {0}, at_b[2] = {0};
        assert_int_equal(net_send(&a, SEC(1) + i * 9000, LEN, at_a), net_send(&b, SEC(1) + i * 9000, LEN, at_b));
        assert_memory_equal(at_a, at_b, sizeof at_a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_takes_its_bits_and_the_delay),
        cmocka_unit_test(what_does_not_fit_the_queue_is_lost),
        cmocka_unit_test(the_rate_is_the_capacity_less_cross_traffic),
        cmocka_unit_test(losses_are_as_frequent_as_asked_for),
        cmocka_unit_test(order_is_kept_under_jitter_and_broken_by_reordering),
        cmocka_unit_test(nothing_passes_in_an_outage_and_everything_after),
        cmocka_unit_test(the_same_seed_gives_the_same_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
