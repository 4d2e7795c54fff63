/* What feedback makes of sent packets. The feedback is written as bytes, from an arrival list. */
#include "support/hex.h"

#include "media/twcc_tx.h"

struct arrival {
    uint16_t seq;
    uint64_t us;
};

static struct bytes write_fb(uint8_t *buf, size_t cap, const struct arrival *arrivals, size_t n)
{
    struct rtcp_twcc_build b;
    struct wr w = wr_over(buf, cap);
    rtcp_twcc_build_init(&b, arrivals[0].seq, arrivals[0].us);
    for (size_t i = 0; i < n; i++)
        assert_true(
            rtcp_twcc_build_add(&b, i ? (uint16_t)(arrivals[i].seq - arrivals[i - 1].seq - 1) : 0, arrivals[i].us));
    rtcp_twcc_build_write(&b, &w, 1, 2, 0);
    return wr_done(&w);
}

static size_t report(struct twcc_tx *tx, const struct arrival *arrivals, size_t n, uint64_t now_us,
                     struct twcc_tx_result *out, size_t cap)
{
    uint8_t buf[TWCC_PACKET_MAX];
    struct rd rd = rd_over(write_fb(buf, sizeof buf, arrivals, n));
    struct rtcp_item item;
    struct rtcp_fb fb;
    struct rtcp_twcc twcc;
    struct twcc_tx_walk walk;
    assert_true(rtcp_next(&rd, &item));
    assert_int_equal(rtcp_fb_parse(&item, &fb), E_OK);
    assert_int_equal(rtcp_twcc_parse(&fb, &twcc), E_OK);
    twcc_tx_begin(tx, &walk, &twcc, now_us);
    return twcc_tx_take(tx, &walk, out, cap);
}

static struct twcc_tx tx;
static struct twcc_tx_result out[64];

static void send_from(uint16_t first, unsigned n)
{
    twcc_tx_init(&tx);
    for (unsigned i = 0; i < n; i++)
        twcc_tx_on_sent(&tx, (uint16_t)(first + i), 1000 + i, (uint8_t)i, SEC(5) + MS(10) * i);
}

static void received_and_lost_packets_are_told_apart_from_any_number_on(void **state) /* media.md 8.1 */
{
    (void)state;
    static const uint16_t firsts[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t k = 0; k < sizeof firsts / sizeof firsts[0]; k++) {
        uint16_t first = firsts[k];
        send_from(first, 4);
        struct arrival arrivals[] = {
            {first, SEC(900)}, {(uint16_t)(first + 1), SEC(900) + 10000}, {(uint16_t)(first + 3), SEC(900) + 30500}};
        assert_int_equal(report(&tx, arrivals, 3, SEC(6), out, 64), 4);
        assert_int_equal(out[0].sent_us, SEC(5));
        assert_int_equal(out[0].len_bytes, 1000);
        assert_true(out[1].received && out[1].timed);
        assert_int_equal(out[1].arrived_us - out[0].arrived_us, 10000);
        assert_int_equal(out[1].purpose, 1);
        assert_false(out[2].received);
        assert_int_equal(out[3].arrived_us - out[0].arrived_us, 30500);
        assert_int_equal(tx.unmatched, 0);
    }
}

static void a_packet_reported_lost_may_still_arrive_but_counts_once(void **state)
{
    (void)state;
    send_from(10, 3);
    struct arrival without[] = {{10, SEC(1)}, {12, SEC(1) + 20000}},
                   with[] = {{11, SEC(1) + 50000}, {12, SEC(1) + 60000}};
    assert_int_equal(report(&tx, without, 2, SEC(6), out, 64), 3);
    assert_int_equal(report(&tx, without, 2, SEC(6), out, 64), 0); /* said before */
    assert_int_equal(tx.unmatched, 3);
    assert_int_equal(report(&tx, with, 2, SEC(6), out, 64), 1);
    assert_true(out[0].received && out[0].was_lost);
    assert_int_equal(out[0].arrived_us,
                     SEC(6) + SEC(1) + 50000 - 1000000 / TWCC_REF_US * TWCC_REF_US); /* reference: now */
}

static void numbers_that_were_never_sent_are_counted_and_ignored(void **state)
{
    (void)state;
    send_from(100, 2);
    struct arrival before[] = {{98, SEC(1)}, {99, SEC(1)}, {100, SEC(1)}},
                   after[] = {{101, SEC(1)}, {102, SEC(1)}, {140, SEC(1)}};
    assert_int_equal(report(&tx, before, 3, SEC(6), out, 64), 1);
    assert_int_equal(report(&tx, after, 3, SEC(6), out, 64), 1);
    assert_int_equal(tx.unmatched, 2 + 39);
}

static void nothing_matches_before_anything_is_sent(void **state)
{
    (void)state;
    twcc_tx_init(&tx);
    struct arrival some[] = {{1, SEC(1)}, {2, SEC(1)}};
    assert_int_equal(report(&tx, some, 2, SEC(6), out, 64), 0);
}

static void a_number_that_was_left_out_is_unknown(void **state)
{
    (void)state;
    send_from(1, 1);
    twcc_tx_on_sent(&tx, 3, 500, 0, SEC(5));
    struct arrival some[] = {{1, SEC(1)}, {2, SEC(1)}, {3, SEC(1)}};
    assert_int_equal(report(&tx, some, 3, SEC(6), out, 64), 2);
    assert_int_equal(tx.unmatched, 1);
}

static void old_packets_give_way_and_60_s_are_remembered(void **state)
{
    (void)state;
    twcc_tx_init(&tx);
    for (unsigned i = 0; i <= TWCC_TX_PACKETS; i++)
        twcc_tx_on_sent(&tx, (uint16_t)i, 100, 0, SEC(5));
    struct arrival first_two[] = {{0, SEC(1)}, {1, SEC(1)}}, third[] = {{2, SEC(1)}}, fourth[] = {{3, SEC(1)}};
    assert_int_equal(report(&tx, first_two, 2, SEC(6), out, 64), 1);
    assert_int_equal(report(&tx, third, 1, SEC(65), out, 64), 1);
    assert_int_equal(report(&tx, fourth, 1, SEC(65) + 1, out, 64), 0);
}

static void the_reference_time_goes_round_its_circle(void **state)
{
    (void)state;
    send_from(1, 2);
    uint64_t turn_us = 0x1000000ull * TWCC_REF_US;
    struct arrival last[] = {{1, turn_us - 1000}}, first[] = {{2, turn_us + 9000}};
    assert_int_equal(report(&tx, last, 1, SEC(6), out, 64), 1);
    int64_t before_us = out[0].arrived_us;
    assert_int_equal(report(&tx, first, 1, SEC(6), out, 64), 1);
    assert_int_equal(out[0].arrived_us - before_us, 10000);
}

static void a_clock_that_runs_away_is_taken_back(void **state)
{
    (void)state;
    send_from(1, 40);
    for (unsigned i = 0; i < 40; i++) { /* five days on, each time */
        struct arrival one[] = {{(uint16_t)(i + 1), (i * 5ull * 86400 + 1) * US_PER_S}};
        assert_int_equal(report(&tx, one, 1, SEC(6) + i, out, 64), 1);
        assert_in_range(out[0].arrived_us + (int64_t)SEC(86400), 0, 2 * SEC(86400) + SEC(100));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_and_lost_packets_are_told_apart_from_any_number_on),
        cmocka_unit_test(a_packet_reported_lost_may_still_arrive_but_counts_once),
        cmocka_unit_test(numbers_that_were_never_sent_are_counted_and_ignored),
        cmocka_unit_test(nothing_matches_before_anything_is_sent),
        cmocka_unit_test(a_number_that_was_left_out_is_unknown),
        cmocka_unit_test(old_packets_give_way_and_60_s_are_remembered),
        cmocka_unit_test(the_reference_time_goes_round_its_circle),
        cmocka_unit_test(a_clock_that_runs_away_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
