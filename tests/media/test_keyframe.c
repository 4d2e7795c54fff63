/* What holds of key frame requests (media 6.4): gathered, limited, repeated, never refused for good. */
#include "support/hex.h"

#include "media/keyframe.h"

static uint8_t fir_seq;

static bool asks(struct keyframe *k, uint64_t now_us)
{
    bool ask = keyframe_poll(k, now_us, &fir_seq);
    assert_false(keyframe_poll(k, now_us, &fir_seq)); /* once */
    return ask;
}

static void a_wish_is_passed_on_at_once(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    assert_int_equal(keyframe_deadline_us(&k), NEVER_US);
    assert_false(asks(&k, SEC(1)));
    keyframe_on_want(&k, 7, SEC(1));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1));
    assert_true(asks(&k, SEC(1)));
    assert_int_equal(fir_seq, 1);
}

static void wishes_of_many_become_one_request_per_interval(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    for (uint32_t receiver = 1; receiver < 100; receiver++)
        keyframe_on_want(&k, receiver, SEC(1));
    assert_true(asks(&k, SEC(1)));
    for (uint32_t receiver = 1; receiver < 100; receiver++)
        keyframe_on_want(&k, receiver, SEC(1) + MS(50));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1) + MS(200)); /* put off, not refused */
    assert_false(asks(&k, SEC(1) + MS(199)));
    assert_true(asks(&k, SEC(1) + MS(200)));
    assert_int_equal(k.sent_count, 2);
    assert_int_equal(fir_seq, 2);
}

static void a_key_frame_answers_all_wishes_before_it(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    keyframe_on_want(&k, 1, SEC(1));
    assert_true(asks(&k, SEC(1)));
    keyframe_on_want(&k, 1, SEC(1) + MS(30));
    keyframe_on_want(&k, 2, SEC(1) + MS(30));
    keyframe_on_frame(&k, SEC(1) + MS(60));
    assert_int_equal(keyframe_deadline_us(&k), NEVER_US);
    keyframe_on_want(&k, 2, SEC(1) + MS(300)); /* a new one is free to go */
    assert_true(asks(&k, SEC(1) + MS(300)));
}

static void a_request_without_answer_is_repeated_and_slows_down(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    keyframe_on_want(&k, 1, SEC(1));
    assert_true(asks(&k, SEC(1)));
    uint8_t first = fir_seq;
    uint64_t last = SEC(1), gap = 0;
    for (int i = 0; i < KEYFRAME_RETRIES; i++) {
        uint64_t at = keyframe_deadline_us(&k);
        assert_true(at - last >= MS(500) && at - last <= SEC(1) && at - last >= gap);
        gap = at - last;
        last = at;
        assert_true(asks(&k, at));
        assert_int_equal(fir_seq, first); /* a repetition keeps its number */
    }
    assert_int_equal(gap, SEC(1));
    assert_int_equal(keyframe_deadline_us(&k), NEVER_US); /* whoever still needs one will say so */
    keyframe_on_want(&k, 1, last + SEC(5));
    assert_true(asks(&k, last + SEC(5)));
    assert_int_equal(fir_seq, (uint8_t)(first + 1));
}

static void wishing_on_every_packet_is_no_storm(void **state) /* at most 5 in a second: media 22.15 */
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    uint64_t sent[200];
    size_t count = 0;
    for (uint64_t us = SEC(1); us < SEC(11); us += MS(1)) { /* ten seconds of nothing coming */
        keyframe_on_want(&k, 1, us);
        if (asks(&k, us))
            sent[count++] = us;
    }
    assert_in_range(count, 10, 16);
    for (size_t i = 5; i < count; i++)
        assert_true(sent[i] - sent[i - 5] >= SEC(1));
    for (size_t i = 1; i < count; i++)
        assert_true(sent[i] - sent[i - 1] <= SEC(1)); /* never silent for long while a picture is missing */
}

static void a_greedy_receiver_is_slowed_but_not_the_others(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    size_t count = 0;
    uint64_t last = 0, longest = 0;
    for (uint64_t us = SEC(1); us < SEC(21); us += MS(1)) { /* always answered, never content */
        keyframe_on_want(&k, 1, us);
        if (asks(&k, us)) {
            count++;
            longest = last && us - last > longest ? us - last : longest;
            last = us;
            keyframe_on_frame(&k, us);
        }
    }
    assert_in_range(count, 8, 14); /* three at once, then about one in two seconds */
    assert_int_equal(longest, keyframe_defaults.patience_us);
    keyframe_on_want(&k, 2, last + MS(200));
    assert_true(asks(&k, last + MS(200)));
    keyframe_on_frame(&k, last + MS(250));
    keyframe_on_want(&k, 0, last + MS(400)); /* the bridge itself */
    assert_true(asks(&k, last + MS(400)));
}

static void the_limit_is_over_with_its_window(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    for (int i = 0; i < 3; i++) {
        uint64_t us = SEC(1) + MS(300) * (uint64_t)i;
        keyframe_on_want(&k, 1, us);
        assert_true(asks(&k, us));
        keyframe_on_frame(&k, us + MS(50));
    }
    keyframe_on_want(&k, 1, SEC(2));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1) + MS(600) + SEC(2));
    keyframe_on_frame(&k, SEC(2)); /* one that came by itself costs nothing */
    keyframe_on_want(&k, 1, SEC(11) + MS(50));
    assert_int_equal(keyframe_deadline_us(&k), SEC(11) + MS(50));
}

static void a_repetition_serves_those_who_were_put_off(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    for (int i = 0; i < 3; i++) {
        uint64_t us = SEC(1) + MS(300) * (uint64_t)i;
        keyframe_on_want(&k, 1, us);
        assert_true(asks(&k, us));
        keyframe_on_frame(&k, us + MS(50));
    }
    keyframe_on_want(&k, 2, SEC(2));
    assert_true(asks(&k, SEC(2)));
    keyframe_on_want(&k, 1, SEC(2) + MS(10)); /* put off to 4 s */
    assert_int_equal(keyframe_deadline_us(&k), SEC(2) + MS(500));
    assert_true(asks(&k, SEC(2) + MS(500)));
    keyframe_on_want(&k, 1, SEC(2) + MS(510)); /* still heard */
    assert_true(keyframe_deadline_us(&k) < NEVER_US);
}

static void the_sender_gets_the_time_to_make_a_picture(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    keyframe_on_rtt(&k, MS(1));
    unsigned count = 0;
    for (uint64_t us = SEC(1); us < SEC(1) + MS(100); us += MS(1)) { /* a projection wishes on every packet */
        keyframe_on_want(&k, 1, us);
        count += asks(&k, us);
    }
    assert_int_equal(count, 1);
    keyframe_on_want(&k, 1, SEC(1) + MS(100));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1) + MS(101)); /* the request was lost, or its answer */
}

static void key_frames_of_other_encodings_follow_the_first(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    keyframe_on_rtt(&k, MS(1));
    keyframe_on_want(&k, 1, SEC(1));
    assert_true(asks(&k, SEC(1)));
    keyframe_on_frame(&k, SEC(1) + MS(40)); /* the smallest is encoded first */
    keyframe_on_want(&k, 1, SEC(1) + MS(41));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1) + MS(140));
    keyframe_on_frame(&k, SEC(1) + MS(60)); /* this is the one */
    assert_int_equal(keyframe_deadline_us(&k), NEVER_US);
    keyframe_on_want(&k, 2, SEC(1) + MS(70));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1) + MS(140)); /* it did not move: no wish is put off for ever */
}

static void a_short_round_trip_allows_a_shorter_distance(void **state)
{
    (void)state;
    struct keyframe k;
    keyframe_init(&k, &keyframe_defaults);
    keyframe_on_rtt(&k, MS(150));
    keyframe_on_want(&k, 1, SEC(1));
    assert_true(asks(&k, SEC(1)));
    keyframe_on_frame(&k, SEC(1) + MS(40));
    keyframe_on_want(&k, 1, SEC(1) + MS(141));
    assert_int_equal(keyframe_deadline_us(&k), SEC(1) + MS(160));
    keyframe_on_rtt(&k, SEC(1));
    assert_int_equal(k.interval_us, MS(200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_is_passed_on_at_once),
        cmocka_unit_test(wishes_of_many_become_one_request_per_interval),
        cmocka_unit_test(a_key_frame_answers_all_wishes_before_it),
        cmocka_unit_test(a_request_without_answer_is_repeated_and_slows_down),
        cmocka_unit_test(wishing_on_every_packet_is_no_storm),
        cmocka_unit_test(a_greedy_receiver_is_slowed_but_not_the_others),
        cmocka_unit_test(the_limit_is_over_with_its_window),
        cmocka_unit_test(a_repetition_serves_those_who_were_put_off),
        cmocka_unit_test(the_sender_gets_the_time_to_make_a_picture),
        cmocka_unit_test(key_frames_of_other_encodings_follow_the_first),
        cmocka_unit_test(a_short_round_trip_allows_a_shorter_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
