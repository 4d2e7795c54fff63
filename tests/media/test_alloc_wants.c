/* What holds of a receiver's wishes: absent members stay, present ones replace, and the first message is special. */
#include "support/hex.h"
#include "media/alloc_wants.h"

static void before_the_first_message_nothing_is_wanted(void **state)
{
    (void)state;
    struct alloc_wants *w = alloc_wants_new(&alloc_policy_default);
    assert_int_equal(alloc_wants_height(w, "a-v0"), 0);
    assert_int_equal(alloc_wants_last_n(w), ALLOC_NO_LAST_N);
    assert_int_equal(alloc_wants_assumed_bps(w), -1);
    alloc_wants_free(w);
    alloc_wants_free(NULL);
}

static void an_absent_default_means_180_only_in_the_first_message(void **state) /* bridge-channel trap 4 */
{
    (void)state;
    struct alloc_wants *w = alloc_wants_new(&alloc_policy_default);
    struct bridge_msg_receiver_video none = {0}, zero = {.has_default = true, .default_limit = {0, -1}};
    assert_true(alloc_wants_on_message(w, &none));
    assert_int_equal(alloc_wants_height(w, "a-v0"), 180);
    assert_true(alloc_wants_on_message(w, &zero));
    assert_int_equal(alloc_wants_height(w, "a-v0"), 0);
    assert_false(alloc_wants_on_message(w, &none));
    assert_int_equal(alloc_wants_height(w, "a-v0"), 0);
    alloc_wants_free(w);
}

static void constraints_are_replaced_whole(void **state)
{
    (void)state;
    struct alloc_wants *w = alloc_wants_new(&alloc_policy_default);
    struct bridge_msg_source_constraint two[] = {{"a-v0", {720, -1}}, {"b-v0", {-1, 15}}}, one[] = {{"b-v0", {360, 0}}};
    struct bridge_msg_receiver_video msg = {.has_constraints = true, .constraints = two, .constraints_count = 2};
    assert_true(alloc_wants_on_message(w, &msg));
    assert_int_equal(alloc_wants_height(w, "a-v0"), 720);
    assert_int_equal(alloc_wants_height(w, "b-v0"), -1);
    assert_false(alloc_wants_on_message(w, &msg)); /* the same again is no change */
    msg.constraints = one;
    msg.constraints_count = 1;
    assert_true(alloc_wants_on_message(w, &msg));
    assert_int_equal(alloc_wants_height(w, "a-v0"), 180);
    assert_int_equal(alloc_wants_height(w, "b-v0"), 0); /* frame rate 0 */
    msg.constraints_count = 0;
    assert_true(alloc_wants_on_message(w, &msg));
    assert_int_equal(alloc_wants_height(w, "b-v0"), 180);
    alloc_wants_free(w);
}

static void ranks_follow_the_lists(void **state)
{
    (void)state;
    struct alloc_wants *w = alloc_wants_new(&alloc_policy_default);
    const char *stage[] = {"x", "y", "x"}, *selected[] = {"y", "z"};
    struct bridge_msg_receiver_video msg = {
        .has_on_stage = true, .on_stage = {stage, 3}, .has_selected = true, .selected = {selected, 2}};
    assert_true(alloc_wants_on_message(w, &msg));
    static const struct {
        const char *name;
        size_t rank;
        bool on_stage;
    } rows[] = {{"x", 0, true}, {"y", 1, true}, {"z", 4, false}, {"w", SIZE_MAX, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool on_stage;
        assert_true(alloc_wants_rank(w, rows[i].name, &on_stage) == rows[i].rank);
        assert_int_equal(on_stage, rows[i].on_stage);
    }
    struct bridge_msg_receiver_video empty = {.has_on_stage = true};
    assert_true(alloc_wants_on_message(w, &empty));
    bool on_stage;
    assert_true(alloc_wants_rank(w, "x", &on_stage) == SIZE_MAX);
    assert_true(alloc_wants_rank(w, "y", &on_stage) == 0 && !on_stage);
    alloc_wants_free(w);
}

static void the_initial_last_n_yields_to_a_message(void **state)
{
    (void)state;
    struct alloc_wants *w = alloc_wants_new(&alloc_policy_default);
    assert_true(alloc_wants_set_initial_last_n(w, 5));
    assert_true(alloc_wants_on_last_n(w, 7));
    assert_false(alloc_wants_on_last_n(w, 7));
    assert_true(alloc_wants_set_initial_last_n(w, 3)); /* LastNChangedEvent is not that message */
    struct bridge_msg_receiver_video msg = {.has_last_n = true, .last_n = 2};
    assert_true(alloc_wants_on_message(w, &msg));
    assert_false(alloc_wants_set_initial_last_n(w, 9));
    assert_int_equal(alloc_wants_last_n(w), 2);
    alloc_wants_free(w);
}

static void assumed_bandwidth_is_kept(void **state)
{
    (void)state;
    struct alloc_wants *w = alloc_wants_new(&alloc_policy_default);
    struct bridge_msg_receiver_video msg = {.has_assumed_bandwidth = true, .assumed_bandwidth_bps = 700000};
    assert_true(alloc_wants_on_message(w, &msg));
    assert_int_equal(alloc_wants_assumed_bps(w), 700000);
    msg.assumed_bandwidth_bps = -9;
    assert_true(alloc_wants_on_message(w, &msg));
    assert_int_equal(alloc_wants_assumed_bps(w), -1);
    alloc_wants_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_message_nothing_is_wanted),
        cmocka_unit_test(an_absent_default_means_180_only_in_the_first_message),
        cmocka_unit_test(constraints_are_replaced_whole),
        cmocka_unit_test(ranks_follow_the_lists),
        cmocka_unit_test(the_initial_last_n_yields_to_a_message),
        cmocka_unit_test(assumed_bandwidth_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
