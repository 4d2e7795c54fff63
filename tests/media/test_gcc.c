/* The estimate as a whole: what its caller sees. Feedback comes in as parsed bytes; the link is perfect unless said. */
#include "support/hex.h"

#include "media/gcc.h"

static struct gcc g;
static uint64_t now_us;
static uint16_t seq;

static void feedback(uint16_t first, unsigned n, uint64_t first_arrival_us, uint64_t apart_us)
{
    uint8_t buf[TWCC_PACKET_MAX + 20];
    struct rtcp_twcc_build b;
    struct wr w = wr_over(buf, sizeof buf);
    struct rtcp_item item;
    struct rtcp_fb fb;
    struct rtcp_twcc twcc;
    rtcp_twcc_build_init(&b, first, first_arrival_us);
    for (unsigned i = 0; i < n; i++)
        assert_true(rtcp_twcc_build_add(&b, 0, first_arrival_us + i * apart_us));
    rtcp_twcc_build_write(&b, &w, 1, 2, 0);
    struct rd rd = rd_over(wr_done(&w));
    assert_true(rtcp_next(&rd, &item));
    assert_int_equal(rtcp_fb_parse(&item, &fb), E_OK);
    assert_int_equal(rtcp_twcc_parse(&fb, &twcc), E_OK);
    gcc_on_feedback(&g, &twcc, now_us);
}

/* Sends a packet every 10 ms, fed back each 100 ms with the given slowness of arrival, 50 ms round trip. */
static void run(unsigned tenths, size_t len_bytes, double pace)
{
    double arrival_us = (double)now_us;
    for (unsigned k = 0; k < tenths; k++) {
        uint16_t first = seq;
        uint64_t first_arrival_us = (uint64_t)arrival_us + 25000;
        for (unsigned i = 0; i < 10; i++, now_us += MS(10)) {
            gcc_on_sent(&g, seq++, len_bytes, GCC_MEDIA, now_us);
            arrival_us += MS(10) * pace;
        }
        now_us += MS(40);
        feedback(first, 10, first_arrival_us, (uint64_t)(MS(10) * pace));
        now_us -= MS(40);
    }
}

static void start(void)
{
    now_us = SEC(10);
    seq = 1;
    gcc_init(&g, &GCC_CONFIG_DEFAULT, now_us);
}

static struct gcc_target target(void)
{
    struct gcc_target t;
    gcc_target(&g, &t);
    return t;
}

static void before_feedback_it_is_the_start_rate(void **state)
{
    (void)state;
    start();
    assert_int_equal(gcc_estimate_bps(&g), 2500000);
    assert_int_equal(gcc_deadline_us(&g), NEVER_US);
    assert_int_equal(target().limit, GCC_BY_START);
    assert_string_equal(gcc_limit_str(GCC_BY_LOSS), "loss");
}

static void the_first_media_is_probed_with_padding_at_3_and_6_times_the_start(void **state) /* media.md 8.5 */
{
    (void)state;
    start();
    struct gcc_probe order;
    assert_false(gcc_probe_poll(&g, now_us, &order));
    gcc_on_sent(&g, seq++, 1000, GCC_MEDIA, now_us);
    uint64_t bytes[3] = {0};
    for (uint64_t until_us = now_us + MS(100); now_us < until_us; now_us += 1000)
        while (gcc_probe_poll(&g, now_us, &order)) {
            assert_in_range(order.purpose, 1, 2);
            bytes[order.purpose] += order.len_bytes;
            gcc_on_sent(&g, seq++, order.len_bytes, order.purpose, now_us);
        }
    assert_in_range(bytes[1], 7500000 * 15 / 8000, 7500000 * 19 / 8000);
    assert_in_range(bytes[2], 15000000 * 15 / 8000, 15000000 * 19 / 8000);
}

static void nothing_is_padded_before_wants_and_nothing_when_they_are_met(void **state) /* media.md 8.6 */
{
    (void)state;
    start();
    gcc_set_wants(&g, 500000, 2000000, now_us); /* the estimate is enough for all */
    assert_int_equal(g.pace.padding_bps, 0);
    gcc_set_wants(&g, 500000, 4000000, now_us);
    assert_int_equal(g.pace.padding_bps, 2000000); /* up to the estimate */
    gcc_set_wants(&g, 2600000, 4000000, now_us);   /* oversending */
    assert_int_equal(g.pace.padding_bps, 0);
    gcc_set_wants(&g, 4000000, 4000000, now_us);
    assert_int_equal(g.pace.padding_bps, 0);
}

static void nothing_is_padded_into_a_queue_but_a_trickle_where_all_else_is_silent(void **state)
{
    (void)state;
    start();
    run(40, 1000, 1.2);
    assert_true(target().overusing);
    gcc_set_wants(&g, 100000, 4000000, now_us);
    assert_int_equal(g.pace.padding_bps, 0);
    gcc_set_wants(&g, 0, 4000000, now_us);
    assert_int_equal(g.pace.padding_bps, 10000);
    gcc_set_wants(&g, 0, 0, now_us); /* nothing is wanted */
    assert_int_equal(g.pace.padding_bps, 0);
}

static void even_arrivals_let_it_grow_and_growing_queues_lower_it(void **state)
{
    (void)state;
    start();
    gcc_set_wants(&g, 2500000, 2500000, now_us);
    run(50, 3000, 1.0); /* 2.4 Mbit/s */
    uint64_t grown_bps = gcc_estimate_bps(&g);
    assert_true(grown_bps > 2500000);
    assert_in_range(target().acked_bps, 2350000, 2450000);
    run(10, 3000, 1.25);
    assert_true(gcc_estimate_bps(&g) < grown_bps * 8 / 10);
    assert_int_equal(target().limit, GCC_BY_DELAY);
    assert_int_equal(target().unmatched, 0);
}

static void it_stays_within_its_configuration(void **state)
{
    (void)state;
    now_us = SEC(10);
    gcc_init(&g, &(struct gcc_config){GCC_TWCC, 500000, 400000, 600000}, now_us);
    run(100, 3000, 1.0);
    assert_int_equal(gcc_estimate_bps(&g), 600000);
    run(40, 300, 1.3);
    assert_true(gcc_estimate_bps(&g) >= 400000);
}

static void missing_feedback_lowers_it_once_a_second_while_sending(void **state) /* media.md 8.4 */
{
    (void)state;
    start();
    run(20, 3000, 1.0);
    uint64_t before_bps = gcc_estimate_bps(&g), lowered = 0;
    for (uint64_t until_us = now_us + SEC(6); now_us < until_us; now_us += MS(10)) {
        gcc_on_sent(&g, seq++, 1000, GCC_MEDIA, now_us);
        uint64_t was_bps = gcc_estimate_bps(&g);
        if (now_us >= gcc_deadline_us(&g))
            gcc_on_time(&g, now_us);
        lowered += gcc_estimate_bps(&g) < was_bps;
    }
    assert_in_range(lowered, 2, 4);
    assert_in_range(gcc_estimate_bps(&g), before_bps / 3, before_bps * 7 / 10);
    assert_int_equal(target().limit, GCC_BY_RTT);
    uint64_t low_bps = gcc_estimate_bps(&g);
    now_us += SEC(60); /* nobody sends, nobody answers */
    gcc_on_time(&g, now_us);
    gcc_on_time(&g, now_us + SEC(2));
    assert_true(gcc_estimate_bps(&g) >= low_bps * 8 / 10);
}

static void feedback_that_lies_changes_nothing(void **state)
{
    (void)state;
    start();
    run(20, 3000, 1.0);
    uint64_t bps = gcc_estimate_bps(&g);
    feedback((uint16_t)(seq + 100), 50, SEC(99), 10);
    feedback((uint16_t)(seq - 30), 25, SEC(1), 100000);
    assert_int_equal(gcc_estimate_bps(&g), bps);
    assert_int_equal(target().unmatched, 75);
}

static void another_path_starts_anew_but_keeps_wants_and_numbers(void **state)
{
    (void)state;
    start();
    gcc_set_wants(&g, 500000, 4000000, now_us);
    run(40, 1000, 1.2);
    gcc_on_path_changed(&g, now_us);
    assert_int_equal(gcc_estimate_bps(&g), 2500000);
    assert_int_equal(g.pace.padding_bps, 2000000);
    run(2, 1000, 1.0);
    assert_int_equal(target().unmatched, 0);
}

static void feedback_over_thousands_of_packets_is_taken_in_batches(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 1000; i++, now_us += 1000)
        gcc_on_sent(&g, seq++, 1000, GCC_MEDIA, now_us);
    feedback(1, 1000, SEC(77), 1000);
    assert_int_equal(target().unmatched, 0);
    assert_in_range(target().acked_bps, 7900000, 8100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_feedback_it_is_the_start_rate),
        cmocka_unit_test(the_first_media_is_probed_with_padding_at_3_and_6_times_the_start),
        cmocka_unit_test(nothing_is_padded_before_wants_and_nothing_when_they_are_met),
        cmocka_unit_test(nothing_is_padded_into_a_queue_but_a_trickle_where_all_else_is_silent),
        cmocka_unit_test(even_arrivals_let_it_grow_and_growing_queues_lower_it),
        cmocka_unit_test(it_stays_within_its_configuration),
        cmocka_unit_test(missing_feedback_lowers_it_once_a_second_while_sending),
        cmocka_unit_test(feedback_that_lies_changes_nothing),
        cmocka_unit_test(another_path_starts_anew_but_keeps_wants_and_numbers),
        cmocka_unit_test(feedback_over_thousands_of_packets_is_taken_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
