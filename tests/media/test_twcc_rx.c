/* What holds of transport-wide feedback generation (media 22.5), in virtual time. */
#include "support/hex.h"

#include "media/twcc_rx.h"

static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};

struct told { /* one feedback packet as its receiver reads it */
    uint16_t base, count;
    uint8_t fb_count;
    uint32_t media;
    uint64_t at_us[4000]; /* by status; 0: not received */
};

static bool poll(struct twcc_rx *t, uint64_t now_us, struct told *told)
{
    uint8_t buf[TWCC_PACKET_MAX];
    struct wr w = wr_over(buf, sizeof buf);
    if (!twcc_rx_poll(t, now_us, 77, &w))
        return false;
    struct rd r = rd_over(wr_done(&w));
    struct rtcp_item item;
    struct rtcp_fb fb;
    struct rtcp_twcc twcc;
    assert_true(rtcp_next(&r, &item));
    assert_int_equal(rtcp_fb_parse(&item, &fb), E_OK);
    assert_int_equal(rtcp_twcc_parse(&fb, &twcc), E_OK);
    assert_int_equal(twcc.sender, 77);
    told->base = twcc.base_seq;
    told->count = twcc.status_count;
    told->fb_count = twcc.fb_count;
    told->media = twcc.media;
    uint64_t us = (uint64_t)twcc.ref_time * TWCC_REF_US;
    struct rtcp_twcc_walk walk = {.fb = &twcc};
    struct rtcp_twcc_status status;
    for (size_t i = 0; rtcp_twcc_next(&walk, &status); i++) {
        us += (uint64_t)((int64_t)status.delta_ticks * TWCC_TICK_US);
        told->at_us[i] = status.received ? us : 0;
    }
    return true;
}

static struct told told;

static void nothing_is_sent_before_its_time(void **state) /* media 22.5: 20 ms and a marker, or 100 ms */
{
    (void)state;
    struct twcc_rx *t = twcc_rx_new();
    assert_int_equal(twcc_rx_deadline_us(t), NEVER_US);
    assert_false(poll(t, SEC(1), &told));
    twcc_rx_on_packet(t, 1, 5, true, SEC(1)); /* the first check only remembers the time */
    assert_false(poll(t, SEC(1), &told));
    twcc_rx_on_packet(t, 2, 5, true, SEC(1) + MS(20) - 1);
    assert_false(poll(t, SEC(1) + MS(20) - 1, &told));
    twcc_rx_on_packet(t, 3, 5, false, SEC(1) + MS(30));
    assert_false(poll(t, SEC(1) + MS(30), &told));
    twcc_rx_on_packet(t, 4, 6, true, SEC(1) + MS(31));
    assert_true(poll(t, SEC(1) + MS(31), &told));
    assert_int_equal(told.base, 1);
    assert_int_equal(told.count, 4);
    assert_int_equal(told.media, 6);
    assert_false(poll(t, SEC(2), &told));

    twcc_rx_on_packet(t, 5, 5, false, SEC(1) + MS(40));
    assert_int_equal(twcc_rx_deadline_us(t), SEC(1) + MS(131)); /* the tail of a burst is told from a timer */
    assert_false(poll(t, SEC(1) + MS(131) - 1, &told));
    assert_true(poll(t, SEC(1) + MS(131), &told));
    assert_int_equal(told.base, 5);
    assert_int_equal(told.fb_count, 1);
    assert_int_equal(twcc_rx_deadline_us(t), NEVER_US);
    twcc_rx_free(t);
}

static void a_marker_is_not_forgotten_when_polled_late(void **state)
{
    (void)state;
    struct twcc_rx *t = twcc_rx_new();
    twcc_rx_on_packet(t, 1, 5, false, SEC(1));
    twcc_rx_on_packet(t, 2, 5, true, SEC(1) + MS(25));
    twcc_rx_on_packet(t, 3, 5, false, SEC(1) + MS(26));
    assert_true(poll(t, SEC(1) + MS(26), &told));
    assert_int_equal(told.count, 3);
    twcc_rx_free(t);
}

static void losses_are_between_what_arrived(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct twcc_rx *t = twcc_rx_new();
        uint16_t s = starts[i];
        twcc_rx_on_packet(t, s, 5, false, SEC(1));
        twcc_rx_on_packet(t, (uint16_t)(s + 3), 5, false, SEC(1) + MS(2));
        twcc_rx_on_packet(t, (uint16_t)(s + 3), 5, false, SEC(1) + MS(9)); /* again: the first arrival counts */
        assert_true(poll(t, SEC(2), &told));
        assert_int_equal(told.base, s);
        assert_int_equal(told.count, 4);
        assert_int_equal(told.at_us[0], SEC(1));
        assert_int_equal(told.at_us[1], 0);
        assert_int_equal(told.at_us[2], 0);
        assert_int_equal(told.at_us[3], SEC(1) + MS(2));
        assert_int_equal(twcc_rx_stats(t).lost, 2);
        assert_int_equal(twcc_rx_stats(t).received, 2);
        twcc_rx_free(t);
    }
}

static void a_late_packet_moves_the_base_back_and_repeats_the_truth(void **state) /* media 22.5 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct twcc_rx *t = twcc_rx_new();
        uint16_t s = starts[i];
        twcc_rx_on_packet(t, s, 5, false, SEC(1));
        twcc_rx_on_packet(t, (uint16_t)(s + 2), 5, false, SEC(1) + MS(2));
        assert_true(poll(t, SEC(1) + MS(100), &told));
        twcc_rx_on_packet(t, (uint16_t)(s + 1), 5, false, SEC(1) + MS(110));
        twcc_rx_on_packet(t, (uint16_t)(s + 3), 5, false, SEC(1) + MS(111));
        assert_true(poll(t, SEC(1) + MS(200), &told));
        assert_int_equal(told.base, (uint16_t)(s + 1));
        assert_int_equal(told.count, 3);
        assert_int_equal(told.at_us[0], SEC(1) + MS(110));
        assert_int_equal(told.at_us[1], SEC(1) + MS(2)); /* reported before, and still true */
        assert_int_equal(told.at_us[2], SEC(1) + MS(111));
        assert_int_equal(twcc_rx_stats(t).recovered, 1);
        twcc_rx_free(t);
    }
}

static void what_is_too_much_for_one_packet_fills_several(void **state) /* media 22.5 */
{
    (void)state;
    struct twcc_rx *t = twcc_rx_new();
    for (uint16_t n = 0; n < 2000; n++) /* 100 ms apart: two bytes each */
        twcc_rx_on_packet(t, (uint16_t)(65000 + n), 5, false, SEC(1) + MS(100) * n);
    uint16_t next = 65000;
    int packets = 0, statuses = 0;
    while (poll(t, SEC(300), &told)) {
        assert_int_equal(told.base, next);
        assert_int_equal(told.fb_count, packets);
        for (uint16_t i = 0; i < told.count; i++)
            assert_int_equal(told.at_us[i], SEC(1) + MS(100) * (uint64_t)(statuses + i));
        next = (uint16_t)(next + told.count);
        statuses += told.count;
        packets++;
    }
    assert_int_equal(statuses, 2000);
    assert_true(packets > 3);
    twcc_rx_free(t);
}

static void a_pause_longer_than_a_delta_starts_another_packet(void **state) /* media 22.5 */
{
    (void)state;
    struct twcc_rx *t = twcc_rx_new();
    twcc_rx_on_packet(t, 1, 5, false, SEC(1));
    twcc_rx_on_packet(t, 2, 5, false, SEC(1));
    twcc_rx_on_packet(t, 4, 5, false, SEC(20)); /* 19 s do not fit 16 bits of 250 us */
    assert_true(poll(t, SEC(20), &told));
    assert_int_equal(told.count, 2);
    assert_true(poll(t, SEC(20), &told));
    assert_int_equal(told.base, 3);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.at_us[0], 0);
    assert_int_equal(told.at_us[1], SEC(20));
    assert_false(poll(t, SEC(20), &told));
    twcc_rx_free(t);
}

static void rounding_does_not_add_up(void **state) /* media trap 4 */
{
    (void)state;
    struct twcc_rx *t = twcc_rx_new();
    for (uint16_t n = 0; n < 500; n++)
        twcc_rx_on_packet(t, n, 5, false, SEC(1) + 130u * n);
    assert_true(poll(t, SEC(2), &told));
    for (uint16_t n = 0; n < 500; n++)
        assert_in_range(told.at_us[n] + 125, SEC(1) + 130u * n, SEC(1) + 130u * n + 250);
    twcc_rx_free(t);
}

static void jumps_do_not_report_what_is_not_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct twcc_rx *t = twcc_rx_new();
        uint16_t s = starts[i];
        twcc_rx_on_packet(t, s, 5, false, SEC(1));
        twcc_rx_on_packet(t, (uint16_t)(s + TWCC_RX_LOG), 5, false, SEC(1)); /* beyond the log */
        twcc_rx_on_packet(t, s, 5, false, SEC(1));                            /* too old to tell */
        assert_true(poll(t, SEC(2), &told));
        assert_int_equal(told.base, (uint16_t)(s + TWCC_RX_LOG));
        assert_int_equal(told.count, 1);
        twcc_rx_on_packet(t, (uint16_t)(s + 2 * TWCC_RX_LOG - 1), 5, false, SEC(3)); /* just within */
        assert_true(poll(t, SEC(4), &told));
        assert_int_equal(told.base, (uint16_t)(s + TWCC_RX_LOG + 1));
        assert_int_equal(told.count, TWCC_RX_LOG - 1);
        twcc_rx_free(t);
    }
}

static void without_room_the_feedback_waits(void **state)
{
    (void)state;
    struct twcc_rx *t = twcc_rx_new();
    uint8_t buf[TWCC_PACKET_MAX];
    twcc_rx_on_packet(t, 1, 5, false, SEC(1));
    struct wr w = wr_over(buf, sizeof buf - 1);
    assert_false(twcc_rx_poll(t, SEC(2), 77, &w));
    assert_int_equal(wr_len(&w), 0);
    assert_true(poll(t, SEC(2), &told));
    twcc_rx_free(t);
    twcc_rx_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_before_its_time),
        cmocka_unit_test(a_marker_is_not_forgotten_when_polled_late),
        cmocka_unit_test(losses_are_between_what_arrived),
        cmocka_unit_test(a_late_packet_moves_the_base_back_and_repeats_the_truth),
        cmocka_unit_test(what_is_too_much_for_one_packet_fills_several),
        cmocka_unit_test(a_pause_longer_than_a_delta_starts_another_packet),
        cmocka_unit_test(rounding_does_not_add_up),
        cmocka_unit_test(jumps_do_not_report_what_is_not_known),
        cmocka_unit_test(without_room_the_feedback_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
