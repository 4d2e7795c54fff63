/* What holds of round-trip times: only an answer to our own report counts. */
#include "support/hex.h"

#include "media/rtt.h"

static void an_answer_gives_the_time_less_what_it_was_held(void **state)
{
    (void)state;
    struct rtt rtt;
    rtt_init(&rtt);
    rtt_on_sr_sent(&rtt, 5, 0x1111222233334444, SEC(10));
    struct rtcp_report report = {.ssrc = 5, .lsr = 0x22223333, .dlsr = 65536};
    assert_true(rtt_on_report(&rtt, &report, SEC(11) + MS(70)));
    assert_int_equal(rtt.last_us, MS(70));
}

static void nonsense_is_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct rtcp_report report;
        uint64_t rx_us;
    } rows[] = {
        {"no report seen", {.ssrc = 5}, SEC(11)},
        {"another ssrc", {.ssrc = 6, .lsr = 0x22223333, .dlsr = 1}, SEC(11)},
        {"another report", {.ssrc = 5, .lsr = 0x22223334, .dlsr = 1}, SEC(11)},
        {"held longer than it was away", {.ssrc = 5, .lsr = 0x22223333, .dlsr = 2 * 65536}, SEC(11)},
        {"over 7 s", {.ssrc = 5, .lsr = 0x22223333, .dlsr = 0}, SEC(17) + 1},
        {"held over 5 min", {.ssrc = 5, .lsr = 0x22223333, .dlsr = 301 * 65536}, SEC(312)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct rtt rtt;
        rtt_init(&rtt);
        rtt_on_sr_sent(&rtt, 5, 0x1111222233334444, SEC(10));
        assert_false(rtt_on_report(&rtt, &rows[i].report, rows[i].rx_us));
        assert_int_equal(rtt.last_us, 0);
    }
}

static void old_reports_are_forgotten(void **state)
{
    (void)state;
    struct rtt rtt;
    rtt_init(&rtt);
    for (uint32_t i = 0; i <= RTT_SR_COUNT; i++)
        rtt_on_sr_sent(&rtt, 5, (uint64_t)(i + 1) << 16, SEC(10));
    struct rtcp_report first = {.ssrc = 5, .lsr = 1}, second = {.ssrc = 5, .lsr = 2};
    assert_false(rtt_on_report(&rtt, &first, SEC(11)));
    assert_true(rtt_on_report(&rtt, &second, SEC(11)));
    assert_true(rtt_on_report(&rtt, &second, SEC(10))); /* faster than the clock: known, not 0 */
    assert_int_equal(rtt.last_us, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_gives_the_time_less_what_it_was_held),
        cmocka_unit_test(nonsense_is_ignored),
        cmocka_unit_test(old_reports_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
