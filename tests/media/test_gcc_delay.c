/* When queues are said to grow, by the vectors of media.md 8.8 and by what must not disturb. */
#include "support/hex.h"

#include "media/gcc_delay.h"
#include "proto/units.h"

enum { STEP_US = 20000 };
static struct gcc_delay d;

/* Packets every 20 ms that arrive at `pace` times that distance. Returns after how many overuse was said; 0: never. */
static unsigned send_paced(unsigned n, double pace)
{
    unsigned overused_at = 0;
    gcc_delay_init(&d);
    for (unsigned i = 0; i < n; i++) {
        uint64_t sent_us = SEC(5) + (uint64_t)i * STEP_US;
        int64_t arrived_us = (int64_t)SEC(900) + (int64_t)((double)i * STEP_US * pace);
        gcc_delay_on_packet(&d, sent_us, arrived_us, sent_us + 50000);
        if (d.usage == GCC_OVERUSE && !overused_at)
            overused_at = i + 1;
    }
    return overused_at;
}

static void an_even_pace_is_normal(void **state) /* media 10, media.md 8.8 trendline */
{
    (void)state;
    assert_int_equal(send_paced(25, 1.0), 0);
    assert_int_equal(d.usage, GCC_NORMAL);
}

static void a_pace_a_tenth_slower_is_overuse_before_the_25th_packet(void **state) /* media 10 */
{
    (void)state;
    /* the vector feeds distances; a group is only known to be complete with the next one, and a distance takes two */
    assert_in_range(send_paced(27, 1.1), 22, 26);
}

static void a_faster_pace_is_underuse(void **state) /* media 10 */
{
    (void)state;
    send_paced(25, 0.85);
    assert_int_equal(d.usage, GCC_UNDERUSE);
}

static void packets_of_a_burst_are_one_group(void **state)
{
    (void)state;
    gcc_delay_init(&d);
    for (unsigned frame = 0; frame < 60; frame++) /* frames of 8 packets, 1 ms apart on the line: no trend */
        for (unsigned i = 0; i < 8; i++)
            gcc_delay_on_packet(&d, SEC(5) + frame * 33333ull, (int64_t)(SEC(9) + frame * 33333ull + i * 1000ull),
                                SEC(5) + frame * 33333ull);
    assert_int_equal(d.usage, GCC_NORMAL);
    assert_int_equal(d.delta_count, 58); /* not one per packet */
}

static void a_silence_of_2_s_starts_anew(void **state)
{
    (void)state;
    send_paced(25, 1.1);
    assert_int_not_equal(d.delta_count, 0);
    gcc_delay_on_packet(&d, SEC(8), (int64_t)SEC(903), SEC(8));
    assert_int_equal(d.delta_count, 0);
    assert_int_equal(d.usage, GCC_NORMAL);
}

static void a_jump_of_the_receivers_clock_is_no_delay(void **state)
{
    (void)state;
    gcc_delay_init(&d);
    for (unsigned i = 0; i < 100; i++) {
        int64_t jump_us = i < 50 ? 0 : 5000000;
        gcc_delay_on_packet(&d, SEC(5) + i * 20000ull, (int64_t)(SEC(9) + i * 20000ull) + jump_us,
                            SEC(5) + i * 20000ull);
        assert_int_equal(d.usage, GCC_NORMAL);
    }
}

static void a_clock_that_jumps_back_recovers(void **state)
{
    (void)state;
    gcc_delay_init(&d);
    for (unsigned i = 0; i < 200; i++) {
        int64_t jump_us = i < 50 ? 0 : -5000000;
        gcc_delay_on_packet(&d, SEC(5) + i * 20000ull, (int64_t)(SEC(9) + i * 20000ull) + jump_us,
                            SEC(5) + i * 20000ull);
        assert_int_not_equal(d.usage, GCC_OVERUSE);
    }
    unsigned count = d.delta_count;
    assert_true(count > 150);
}

static void the_threshold_gets_used_to_jitter(void **state)
{
    (void)state;
    gcc_delay_init(&d);
    double least = d.threshold;
    for (unsigned i = 0; i < 3000; i++) {
        int64_t jitter_us = (int64_t)(i * 7919 % 100) * 20;
        gcc_delay_on_packet(&d, SEC(5) + i * 20000ull, (int64_t)(SEC(9) + i * 20000ull) + jitter_us,
                            SEC(5) + i * 20000ull);
        assert_int_not_equal(d.usage, GCC_OVERUSE);
        if (d.threshold < least)
            least = d.threshold;
    }
    assert_true(least >= 6 && least < 12.5); /* on a quiet link it comes down to its least */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_pace_is_normal),
        cmocka_unit_test(a_pace_a_tenth_slower_is_overuse_before_the_25th_packet),
        cmocka_unit_test(a_faster_pace_is_underuse),
        cmocka_unit_test(packets_of_a_burst_are_one_group),
        cmocka_unit_test(a_silence_of_2_s_starts_anew),
        cmocka_unit_test(a_jump_of_the_receivers_clock_is_no_delay),
        cmocka_unit_test(a_clock_that_jumps_back_recovers),
        cmocka_unit_test(the_threshold_gets_used_to_jitter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
