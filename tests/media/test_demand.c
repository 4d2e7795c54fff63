/* What holds of demand: the maximum over all receivers, with unlimited above all, told once per change. */
#include "support/hex.h"
#include "media/demand.h"

static void the_owner_is_told_the_maximum_when_it_changes(void **state) /* media 13.7, bridge-channel trap 23 */
{
    (void)state;
    enum { DROP = -2 };
    static const struct {
        uint32_t receiver;
        int height;
        bool told;
        int maximum;
    } rows[] = {
        {1, 0, true, 0}, /* the first value is told, also 0 */
        {2, 0, false, 0},    {1, 180, true, 180},  {2, 720, true, 720},   {1, 360, false, 720}, {3, -1, true, -1},
        {2, 0, false, -1},   {3, DROP, true, 360}, {3, DROP, false, 360}, {1, DROP, true, 0},   {2, DROP, false, 0},
        {9, DROP, false, 0}, {4, -1, true, -1},    {5, 180, false, -1},   {6, 180, false, -1},  {7, 180, false, -1},
        {8, 720, false, -1}, {4, DROP, true, 720},
    };
    struct demand d;
    demand_init(&d);
    assert_int_equal(demand_height(&d), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool told = rows[i].height == DROP ? demand_drop(&d, rows[i].receiver)
                                           : demand_set(&d, rows[i].receiver, rows[i].height);
        assert_int_equal(told, rows[i].told);
        assert_int_equal(demand_height(&d), rows[i].maximum);
    }
    demand_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_is_told_the_maximum_when_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
