/* What holds of requests for lost packets (media 22.3), in virtual time. */
#include "support/hex.h"

#include "media/nack.h"

static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};

static int64_t base_of(size_t i)
{
    return 65536 + starts[i];
}

static void a_gap_is_asked_for_at_once_and_ten_times(void **state) /* media 22.3 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        int64_t b = base_of(i);
        struct nack n;
        uint16_t seqs[8];
        nack_init(&n, 0);
        nack_on_packet(&n, b + 1, SEC(1));
        nack_on_packet(&n, b + 2, SEC(1));
        assert_int_equal(nack_deadline_us(&n), NEVER_US);
        nack_on_packet(&n, b + 5, SEC(1));
        for (unsigned times = 0; times < NACK_TIMES_MAX; times++) {
            assert_int_equal(nack_deadline_us(&n), SEC(1) + times * MS(150));
            assert_int_equal(nack_poll(&n, nack_deadline_us(&n) - 1, seqs, COUNT(seqs)), 0);
            assert_int_equal(nack_poll(&n, nack_deadline_us(&n), seqs, COUNT(seqs)), 2);
            assert_int_equal(seqs[0], (uint16_t)(b + 3));
            assert_int_equal(seqs[1], (uint16_t)(b + 4));
        }
        assert_int_equal(nack_poll(&n, nack_deadline_us(&n), seqs, COUNT(seqs)), 0);
        assert_int_equal(nack_deadline_us(&n), NEVER_US);
        assert_int_equal(n.given_up, 2);
        assert_int_equal(n.count, 0);
    }
}

static void ninety_nine_missing_are_asked_for_a_hundred_are_not(void **state) /* media 22.3 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct nack n;
        uint16_t seqs[NACK_MISSING_MAX];
        nack_init(&n, 0);
        nack_on_packet(&n, base_of(i) + 5, 1);
        nack_on_packet(&n, base_of(i) + 105, 1);
        assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), 99);
        for (size_t k = 0; k < 99; k++)
            assert_int_equal(seqs[k], (uint16_t)(base_of(i) + 6 + (int64_t)k));
        nack_init(&n, 0);
        nack_on_packet(&n, base_of(i) + 2, 1);
        nack_on_packet(&n, base_of(i) + 5, 1);
        nack_on_packet(&n, base_of(i) + 106, 1); /* the two of before are forgotten, too */
        assert_int_equal(nack_poll(&n, SEC(1), seqs, COUNT(seqs)), 0);
        assert_int_equal(nack_deadline_us(&n), NEVER_US);
        assert_int_equal(n.newest, base_of(i) + 106);
    }
}

static void a_late_arrival_is_not_asked_for_any_more(void **state) /* media 22.3 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        int64_t b = base_of(i);
        struct nack n;
        uint16_t seqs[8];
        nack_init(&n, 0);
        nack_on_packet(&n, b, 1);
        nack_on_packet(&n, b + 4, 1);
        assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), 3);
        assert_int_equal(nack_on_packet(&n, b + 2, 2), 1);
        assert_int_equal(nack_on_packet(&n, b + 2, 3), 0); /* and again: harmless */
        nack_on_packet(&n, b - 7, 3);                      /* from before everything: harmless */
        assert_int_equal(nack_poll(&n, MS(151), seqs, COUNT(seqs)), 2);
        assert_int_equal(seqs[0], (uint16_t)(b + 1));
        assert_int_equal(seqs[1], (uint16_t)(b + 3));
        assert_int_equal(nack_on_packet(&n, b + 1, MS(160)), 2);
        nack_on_packet(&n, b + 3, MS(160));
        assert_int_equal(nack_deadline_us(&n), NEVER_US);
        assert_int_equal(n.given_up, 0);
    }
}

static void a_new_gap_does_not_repeat_what_was_just_asked(void **state)
{
    (void)state;
    struct nack n;
    uint16_t seqs[8];
    nack_init(&n, 0);
    nack_on_packet(&n, 100, 1);
    nack_on_packet(&n, 102, 1);
    assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), 1);
    nack_on_packet(&n, 104, MS(10));
    assert_int_equal(nack_poll(&n, MS(10), seqs, COUNT(seqs)), 1);
    assert_int_equal(seqs[0], 103);
    assert_int_equal(nack_deadline_us(&n), MS(150) + 1);
}

static void reordering_gets_a_moment_if_allowed(void **state)
{
    (void)state;
    struct nack n;
    uint16_t seqs[8];
    nack_init(&n, MS(5));
    nack_on_packet(&n, 100, MS(1));
    nack_on_packet(&n, 102, MS(1));
    assert_int_equal(nack_deadline_us(&n), MS(6));
    assert_int_equal(nack_poll(&n, MS(2), seqs, COUNT(seqs)), 0);
    nack_on_packet(&n, 101, MS(3));
    assert_int_equal(nack_deadline_us(&n), NEVER_US);
    assert_int_equal(nack_poll(&n, MS(6), seqs, COUNT(seqs)), 0);
}

static void the_round_trip_sets_the_pace_within_bounds(void **state)
{
    (void)state;
    struct nack n;
    nack_init(&n, 0);
    assert_int_equal(n.retry_us, MS(150));
    nack_on_rtt(&n, MS(1));
    assert_int_equal(n.retry_us, NACK_RETRY_MIN_US);
    nack_on_rtt(&n, MS(80));
    assert_int_equal(n.retry_us, MS(88));
    nack_on_rtt(&n, SEC(3));
    assert_int_equal(n.retry_us, NACK_RETRY_MAX_US);
}

static void each_request_goes_out_twice_where_a_lost_one_would_cost_a_round_trip(void **state)
{
    (void)state;
    struct nack n;
    uint16_t seqs[8];
    nack_init(&n, 0);
    nack_on_rtt(&n, MS(80));
    nack_on_packet(&n, 100, SEC(1));
    nack_on_packet(&n, 102, SEC(1));
    for (unsigned times = 0; times < NACK_TIMES_MAX; times++) {
        uint64_t at_us = SEC(1) + times * MS(88);
        assert_int_equal(nack_deadline_us(&n), at_us);
        assert_int_equal(nack_poll(&n, at_us, seqs, COUNT(seqs)), 1);
        assert_int_equal(nack_deadline_us(&n), at_us + MS(10));
        assert_int_equal(nack_poll(&n, at_us + MS(10), seqs, COUNT(seqs)), 1);
        assert_int_equal(seqs[0], 101);
    }
    assert_int_equal(n.given_up, 0);
    assert_int_equal(nack_poll(&n, nack_deadline_us(&n), seqs, COUNT(seqs)), 0);
    assert_int_equal(n.given_up, 1);
    nack_on_rtt(&n, MS(10)); /* the next one comes soon enough */
    nack_on_packet(&n, 104, SEC(3));
    assert_int_equal(nack_poll(&n, SEC(3), seqs, COUNT(seqs)), 1);
    assert_int_equal(nack_deadline_us(&n), SEC(3) + NACK_RETRY_MIN_US);
}

static void what_does_not_fit_a_message_stays_due(void **state)
{
    (void)state;
    struct nack n;
    uint16_t seqs[4];
    nack_init(&n, 0);
    nack_on_packet(&n, 100, 1);
    nack_on_packet(&n, 107, 1);
    assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), 4);
    assert_int_equal(nack_deadline_us(&n), 1);
    assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), 2);
    assert_int_equal(seqs[1], 106);
    assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), 0);
}

static void the_oldest_go_when_there_is_no_room(void **state)
{
    (void)state;
    struct nack n;
    uint16_t seqs[NACK_MISSING_MAX];
    nack_init(&n, 0);
    int64_t seq = 70000;
    nack_on_packet(&n, seq, 1);
    for (int i = 0; i < 5; i++)
        nack_on_packet(&n, seq += 100, 1); /* five gaps of 99 */
    assert_int_equal(n.count, NACK_MISSING_MAX);
    assert_int_equal(n.given_up, 5 * 99 - NACK_MISSING_MAX);
    assert_int_equal(nack_poll(&n, 1, seqs, COUNT(seqs)), NACK_MISSING_MAX);
    assert_int_equal(seqs[NACK_MISSING_MAX - 1], (uint16_t)(seq - 1));
    nack_on_packet(&n, seq - 1, 2);
    assert_int_equal(n.count, NACK_MISSING_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_asked_for_at_once_and_ten_times),
        cmocka_unit_test(ninety_nine_missing_are_asked_for_a_hundred_are_not),
        cmocka_unit_test(a_late_arrival_is_not_asked_for_any_more),
        cmocka_unit_test(a_new_gap_does_not_repeat_what_was_just_asked),
        cmocka_unit_test(reordering_gets_a_moment_if_allowed),
        cmocka_unit_test(the_round_trip_sets_the_pace_within_bounds),
        cmocka_unit_test(each_request_goes_out_twice_where_a_lost_one_would_cost_a_round_trip),
        cmocka_unit_test(what_does_not_fit_a_message_stays_due),
        cmocka_unit_test(the_oldest_go_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
