/* What senders without transport-wide feedback are told, over a simulated link, in virtual time. */
#include "support/hex.h"

#include "media/remb_rx.h"

static struct remb_rx remb;
static uint64_t now_us, link_free_us;
static uint32_t clock_at; /* of the sender: its own offset */

/* A sender of `bps` for `ms` in packets of 1000 bytes behind a link that carries link_bps and queues the rest. */
static void run(uint64_t bps, uint64_t link_bps, unsigned ms)
{
    uint64_t step_us = 1000 * 8 * US_PER_S / bps, end_us = now_us + MS(ms);
    for (; now_us < end_us; now_us += step_us) {
        uint64_t start_us = MAX(now_us, link_free_us);
        link_free_us = start_us + 1000 * 8 * US_PER_S / link_bps;
        uint32_t units = (uint32_t)((now_us << 18) / US_PER_S) + clock_at;
        remb_rx_on_packet(&remb, 7, units & 0xffffff, 1000, link_free_us + MS(20));
    }
}

static int open_link(void **state)
{
    (void)state;
    now_us = SEC(100);
    link_free_us = 0;
    clock_at = 0xfffff0; /* wraps soon */
    remb_rx_init(&remb, 2500000, 30000, 20000000, now_us);
    return 0;
}

static void nothing_is_told_before_something_is_known(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    remb_rx_write(&remb, &w, 1);
    assert_int_equal(wr_len(&w), 0);
    run(500000, 10000000, 500);
    assert_int_equal(remb_rx_bps(&remb), 0);
    run(500000, 10000000, 1000);
    assert_true(remb_rx_bps(&remb) > 0);
}

static void a_free_link_does_not_hold_the_sender_back(void **state)
{
    (void)state;
    run(1000000, 20000000, 20000);
    assert_in_range(remb_rx_bps(&remb), 1200000, 20000000);
}

static void a_full_link_brings_the_rate_below_what_it_carries(void **state)
{
    (void)state;
    run(800000, 1000000, 3000);
    run(2000000, 1000000, 3000);
    assert_in_range(remb_rx_bps(&remb), 30000, 1000000);
}

static void the_message_names_who_was_heard(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    run(1000000, 20000000, 2000);
    remb_rx_on_packet(&remb, 9, 0, 100, now_us);
    remb_rx_on_packet(&remb, 7, 0, 100, now_us);
    remb_rx_write(&remb, &w, 0x11223344);
    static const uint8_t head[] = {0x8f, 206, 0, 6, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 2};
    assert_int_equal(wr_len(&w), 28);
    assert_memory_equal(buf, head, sizeof head);
    uint64_t told_bps = (uint64_t)((buf[17] & 3) << 16 | buf[18] << 8 | buf[19]) << (buf[17] >> 2);
    assert_in_range(told_bps, remb_rx_bps(&remb) * 99 / 100, remb_rx_bps(&remb));
    assert_int_equal(get_u32(buf + 20), 7);
    assert_int_equal(get_u32(buf + 24), 9);
}

static void many_ssrcs_and_wild_times_do_no_harm(void **state)
{
    (void)state;
    uint8_t buf[64];
    uint32_t x = 1;
    for (uint32_t i = 0; i < 100000; i++) {
        x = x * 1664525u + 1013904223u;
        now_us += x >> 20;
        remb_rx_on_packet(&remb, x, x >> 8, x >> 22, now_us);
    }
    assert_in_range(remb_rx_bps(&remb), 30000, 20000000);
    struct wr w = wr_over(buf, sizeof buf);
    remb_rx_write(&remb, &w, 1);
    assert_int_equal(w.err, E_OK);
    assert_int_equal(wr_len(&w), 20 + 4 * REMB_RX_SSRCS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_told_before_something_is_known, open_link),
        cmocka_unit_test_setup(a_free_link_does_not_hold_the_sender_back, open_link),
        cmocka_unit_test_setup(a_full_link_brings_the_rate_below_what_it_carries, open_link),
        cmocka_unit_test_setup(the_message_names_who_was_heard, open_link),
        cmocka_unit_test_setup(many_ssrcs_and_wild_times_do_no_harm, open_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
