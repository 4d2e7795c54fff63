/* What probes show, by the vectors of media.md 8.8. */
#include "support/hex.h"

#include "media/gcc_cluster.h"

struct row {
    const char *name;
    unsigned count, len_bytes;
    int64_t sent_ms[6], arrived_ms[6];
    uint64_t shown_bps; /* 0: refused */
};

static const struct row rows[] = {
    /* media 10 */
    {"as fast as it was sent", 4, 1000, {0, 10, 20, 30}, {10, 20, 30, 40}, 800000},
    {"slower: a little less than the link carries", 4, 1000, {0, 10, 20, 30}, {10, 40, 70, 85}, 304000},
    {"far faster than it was sent", 4, 1000, {0, 10, 20, 30}, {19, 22, 25, 27}, 0},
    {"all at once", 4, 1000, {0, 10, 20, 30}, {50, 50, 50, 50}, 0},
    {"many small packets", 6, 150, {0, 10, 20, 30, 40, 50}, {10, 20, 30, 40, 50, 60}, 120000},
    {"sent at once", 5, 1000, {3, 3, 3, 3, 3}, {10, 20, 30, 40, 50}, 0},
    {"too few arrived", 3, 1000, {0, 10, 20}, {10, 20, 30}, 0},
    {"longer than a second", 5, 1000, {0, 300, 600, 900, 1200}, {0, 300, 600, 900, 1200}, 26667},
    {"out of order", 4, 1000, {20, 0, 10, 30}, {30, 10, 20, 40}, 800000},
};

static void clusters_show_rates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        print_message("  %s\n", row->name);
        struct gcc_clusters c;
        gcc_cluster_init(&c);
        gcc_cluster_add(&c, 7, 500);
        uint64_t shown_bps = 0, last_bps;
        for (unsigned k = 0; k < row->count; k++) {
            struct twcc_tx_result packet = {.sent_us = SEC(1) + MS((uint64_t)row->sent_ms[k]),
                                            .arrived_us = row->arrived_ms[k] * 1000,
                                            .len_bytes = row->len_bytes,
                                            .purpose = 7,
                                            .received = true,
                                            .timed = true};
            last_bps = gcc_cluster_on_packet(&c, &packet);
            if (last_bps)
                shown_bps = last_bps;
        }
        assert_int_equal(shown_bps, row->shown_bps);
    }
}

static void a_cluster_that_was_not_announced_shows_nothing(void **state)
{
    (void)state;
    struct gcc_clusters c;
    gcc_cluster_init(&c);
    for (unsigned i = 0; i < 10; i++) {
        struct twcc_tx_result packet = {.sent_us = MS(10 * i),
                                        .arrived_us = (int64_t)MS(10 * i),
                                        .len_bytes = 1000,
                                        .purpose = (uint8_t)(i / 5 ? 3 : 0)};
        assert_int_equal(gcc_cluster_on_packet(&c, &packet), 0);
    }
}

static void fewer_bytes_than_four_fifths_show_nothing(void **state)
{
    (void)state;
    struct gcc_clusters c;
    gcc_cluster_init(&c);
    gcc_cluster_add(&c, 1, 10000);
    for (unsigned i = 0; i < 9; i++) {
        struct twcc_tx_result packet = {
            .sent_us = MS(10 * i), .arrived_us = (int64_t)MS(10 * i), .len_bytes = 1000, .purpose = 1};
        uint64_t bps = gcc_cluster_on_packet(&c, &packet);
        assert_int_equal(bps, i < 7 ? 0 : 800000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_show_rates),
        cmocka_unit_test(a_cluster_that_was_not_announced_shows_nothing),
        cmocka_unit_test(fewer_bytes_than_four_fifths_show_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
