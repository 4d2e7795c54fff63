/* The rate of arrival, and what must not spoil it. */
#include "support/hex.h"

#include "media/gcc_acked.h"

static struct gcc_acked a;

static void packet(uint64_t sent_us, int64_t arrived_us, uint32_t len_bytes)
{
    struct twcc_tx_result r = {
        .sent_us = sent_us, .arrived_us = arrived_us, .len_bytes = len_bytes, .received = true, .timed = true};
    gcc_acked_on_packet(&a, &r);
}

static void a_steady_stream_has_its_rate(void **state)
{
    (void)state;
    static const uint64_t offsets_us[] = {0, 1, 0xfffffff0, 0xffffffff, 0x7ffffff0}; /* kept in 32 bits: they wrap */
    for (size_t k = 0; k < sizeof offsets_us / sizeof offsets_us[0]; k++) {
        gcc_acked_init(&a);
        for (unsigned i = 0; i < 300; i++)
            packet(offsets_us[k] + i * 10000ull, (int64_t)(offsets_us[k] + i * 10000ull) + 50000, 1250);
        assert_in_range(gcc_acked_bps(&a), 999000, 1001000);
    }
}

static void nothing_is_said_of_nine_packets(void **state)
{
    (void)state;
    gcc_acked_init(&a);
    for (unsigned i = 0; i < 9; i++)
        packet(i * 10000ull, i * 10000, 1250);
    assert_int_equal(gcc_acked_bps(&a), 0);
    packet(90000, 90000, 1250);
    assert_in_range(gcc_acked_bps(&a), 999000, 1001000);
}

static void a_stall_and_the_burst_after_it_do_not_show(void **state)
{
    (void)state;
    gcc_acked_init(&a);
    for (unsigned i = 0; i < 200; i++) {
        int64_t arrived_us = (int64_t)i * 10000;
        if (arrived_us > 1500000 && arrived_us < 1900000)
            arrived_us = 1900000 + i * 10;
        packet(i * 10000ull, arrived_us, 1250);
    }
    assert_in_range(gcc_acked_bps(&a), 980000, 1020000);
}

static void a_full_link_shows_what_it_carries(void **state)
{
    (void)state;
    gcc_acked_init(&a);
    for (unsigned i = 0; i < 300; i++)
        packet(i * 5000ull, (int64_t)i * 10000, 1250);
    assert_in_range(gcc_acked_bps(&a), 999000, 1020000);
}

static void late_packets_are_put_in_order(void **state)
{
    (void)state;
    gcc_acked_init(&a);
    for (unsigned i = 0; i < 300; i++) {
        unsigned j = i ^ 3;
        packet(j * 10000ull, (int64_t)j * 10000, 1250);
    }
    assert_in_range(gcc_acked_bps(&a), 990000, 1010000);
}

static void another_clock_starts_anew(void **state)
{
    (void)state;
    gcc_acked_init(&a);
    for (unsigned i = 0; i < 100; i++)
        packet(i * 10000ull, (int64_t)SEC(100) + i * 10000, 1250);
    packet(1000000, (int64_t)SEC(10), 1250);
    assert_int_equal(gcc_acked_bps(&a), 0);
}

static void a_fast_stream_fits_the_window(void **state)
{
    (void)state;
    gcc_acked_init(&a);
    for (unsigned i = 0; i < 3000; i++)
        packet(i * 500ull, (int64_t)i * 500, 1250);
    assert_true(a.count <= 500);
    assert_in_range(gcc_acked_bps(&a), 19900000, 20100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_stream_has_its_rate),
        cmocka_unit_test(nothing_is_said_of_nine_packets),
        cmocka_unit_test(a_stall_and_the_burst_after_it_do_not_show),
        cmocka_unit_test(a_full_link_shows_what_it_carries),
        cmocka_unit_test(late_packets_are_put_in_order),
        cmocka_unit_test(another_clock_starts_anew),
        cmocka_unit_test(a_fast_stream_fits_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
