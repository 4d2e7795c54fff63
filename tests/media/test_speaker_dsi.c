/* What holds of one speaker's scores: the values of the stock bridge's detector. */
#include <math.h>

#include "support/hex.h"
#include "proto/units.h"
#include "media/speaker_dsi.h"

static void scores_have_the_known_values(void **state) /* bridge-channel 16.20 */
{
    (void)state;
    static const double immediate[] = {0,      0,      0,      0,      0.9298, 2.2976, 3.3653,
                                       4.1453, 4.6376, 4.8298, 4.6935, 4.1743, 3.1625};
    static const double medium[] = {0, 18.9656, 43.6588, 67.6588, 90.9656, 113.3562};
    for (unsigned v = 0; v < COUNT(immediate); v++)
        assert_true(fabs(dsi_immediate_score(v) - (immediate[v] == 0 ? DSI_SCORE_MIN : immediate[v])) < 6e-5);
    for (unsigned v = 0; v < COUNT(medium); v++)
        assert_true(fabs(dsi_medium_score(v) - (medium[v] == 0 ? DSI_SCORE_MIN : medium[v])) < 6e-5);
    assert_true(dsi_long_score(0) == DSI_SCORE_MIN);
    assert_true(fabs(dsi_long_score(1) - 38.521) < 6e-4);
    assert_true(fabs(dsi_long_score(2) - 87.025) < 6e-4);
    assert_true(fabs(dsi_long_score(10) - 459.218) < 6e-4);
}

static void a_constant_level_is_background(void **state) /* bridge-channel trap 16 */
{
    (void)state;
    struct dsi d = {0};
    for (uint64_t i = 0; i < 100; i++)
        dsi_on_level(&d, 100, MS(20) * i);
    assert_int_equal(dsi_cooked(&d), 0);
    assert_true(dsi_score(&d).lasting == DSI_SCORE_MIN);
    dsi_on_level(&d, 110, SEC(3));
    assert_int_equal(dsi_cooked(&d), 110);
}

static void the_background_rises_slowly(void **state)
{
    (void)state;
    struct dsi d = {0};
    dsi_on_level(&d, 25, 0);
    for (uint64_t i = 1; i <= 749; i++)
        dsi_on_level(&d, 100, MS(20) * i);
    assert_int_equal(d.least, 25);
    dsi_on_level(&d, 100, SEC(15));
    assert_int_equal(d.least, 50); /* sqrt(25 * 100) */
    dsi_on_level(&d, 0, SEC(16));  /* digital silence tells nothing about the room */
    assert_int_equal(d.least, 50);
    dsi_on_level(&d, 40, SEC(17));
    assert_int_equal(d.least, 40);
}

static void silence_is_filled_in_at_each_tick_after_one_without_level(void **state)
{
    (void)state;
    struct dsi d = {0};
    dsi_on_level(&d, 99, MS(10));
    dsi_fill(&d, 0, MS(50)); /* the tick at 40 finds it 30 ms old */
    assert_int_equal(d.level[0], 99);
    dsi_fill(&d, 0, MS(79));
    assert_int_equal(d.level[0], 99);
    dsi_fill(&d, 0, MS(80));
    assert_int_equal(d.level[0], 0);
    assert_int_equal(d.level[1], 99);
    dsi_fill(&d, 0, MS(80));
    assert_int_equal(d.level[1], 99);
    dsi_fill(&d, 0, MS(160));
    assert_int_equal(d.level[3], 99);
    dsi_fill(&d, 0, SEC(100000));
    for (int i = 0; i < DSI_LEVELS; i++)
        assert_int_equal(d.level[i], 0);
    assert_false(dsi_on_level(&d, 5, MS(9))); /* older than the newest level */
    assert_true(dsi_on_level(&d, 200, SEC(100001)));
    assert_int_equal(d.level[0], 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_have_the_known_values),
        cmocka_unit_test(a_constant_level_is_background),
        cmocka_unit_test(the_background_rises_slowly),
        cmocka_unit_test(silence_is_filled_in_at_each_tick_after_one_without_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
