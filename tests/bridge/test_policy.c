/* What the administrator sets is what the bridge does: each test changes one setting and looks at the packets. */
#include "support/path_rig.h"

#include <stdlib.h>

#include "bridge/policy.h"

static struct rig rig;
static struct peer alice, bob;

static void open_with(void (*configure)(struct config *config))
{
    rig_open_call(&rig, &alice, &bob, configure);
    peer_drain(&alice);
    peer_drain(&bob);
}

static int close_call(void **state)
{
    (void)state;
    rig_close_call(&rig, &alice, &bob);
    return 0;
}

static int silent_packets_that_pass(void)
{
    struct got got;
    int count = 0;
    for (uint16_t seq = 100; seq < 110; seq++)
        peer_audio(&alice, seq, 960u * seq, 127);
    while (peer_recv_rtp(&bob, &got, RIG_OPUS))
        count++;
    return count;
}

static void set_no_silent_packets(struct config *config)
{
    config->forwarded_silence_packets = 0;
}

static void fewer_silent_packets_pass(void **state)
{
    (void)state;
    open_with(set_no_silent_packets);
    assert_int_equal(silent_packets_that_pass(), 1);
}

static void set_silence_passes(struct config *config)
{
    config->discard_silence = false;
}

static void silence_passes_when_nothing_is_to_be_discarded(void **state)
{
    (void)state;
    open_with(set_silence_passes);
    assert_int_equal(silent_packets_that_pass(), 10);
}

static void set_initial_height(struct config *config)
{
    config->initial_max_height = 180;
}

static void pictures_come_unasked_with_an_initial_height(void **state)
{
    (void)state;
    struct got got;
    open_with(set_initial_height);
    peer_video(&alice, 0, 1, 3000, 1, true);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
}

static void set_initial_last_n(struct config *config)
{
    config->initial_max_height = 180;
    config->initial_last_n = 0;
}

static void no_picture_comes_with_an_initial_last_n_of_none(void **state)
{
    (void)state;
    struct got got;
    open_with(set_initial_last_n);
    peer_video(&alice, 0, 1, 3000, 1, true);
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8));
}

static void set_receive_buffer(struct config *config)
{
    config->udp_receive_buffer_bytes = 20000;
}

static void sockets_get_the_receive_buffer_asked_for(void **state)
{
    (void)state;
    open_with(set_receive_buffer);
    assert_int_equal(udp_io_rcvbuf_bytes(rig.worker->udp), 2 * 20000); /* Linux counts its own overhead */
}

static void set_last_n_by_size(struct config *config)
{
    config->initial_max_height = 180;
    config->size_limits = malloc(sizeof *config->size_limits);
    *config->size_limits = (struct config_size_limit){.size = 2, .last_n = 0};
    config->size_limits_count = 1;
}

static void no_picture_comes_in_a_conference_too_large_for_it(void **state)
{
    (void)state;
    struct got got;
    open_with(set_last_n_by_size);
    peer_video(&alice, 0, 1, 3000, 1, true);
    assert_false(peer_recv_rtp(&bob, &got, RIG_VP8));
}

static void the_largest_size_reached_sets_the_limit(void **state)
{
    (void)state;
    struct config_size_limit limits[] = {{30, 15}, {20, 25}, {40, -1}};
    static const struct {
        int bridge, sources, last_n;
    } rows[] = {{-1, 19, -1}, {-1, 20, 25}, {-1, 29, 25}, {-1, 30, 15}, {-1, 40, -1},
                {7, 19, 7},   {7, 30, 7},   {18, 30, 15}, {0, 30, 0},   {9, 50, 9}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config config = {
            .bridge_last_n = rows[i].bridge, .size_limits = limits, .size_limits_count = COUNT(limits)};
        assert_int_equal(policy_last_n(&config, (size_t)rows[i].sources), rows[i].last_n);
    }
}

static void key_frame_limits_are_those_of_the_settings(void **state)
{
    (void)state;
    struct config config;
    config_defaults(&config);
    struct policy policy = policy_from(&config);
    assert_int_equal(policy.alloc.default_height, alloc_policy_default.default_height);
    assert_int_equal(policy.alloc.stage_height, alloc_policy_default.stage_height);
    assert_int_equal(policy.alloc.max_oversend_bps, alloc_policy_default.max_oversend_bps);
    assert_int_equal(policy.alloc.run_again_us, alloc_policy_default.run_again_us);
    assert_int_equal(policy.keyframe.min_interval_us, MS(200));
    assert_int_equal(policy.keyframe.max_requests, 3);
    config.keyframe_source_min_interval_us = MS(700);
    config.keyframe_max_requests = 1000; /* more than the engine remembers */
    config.keyframe_window_us = SEC(4);
    policy = policy_from(&config);
    assert_int_equal(policy.keyframe.min_interval_us, MS(700));
    assert_int_equal(policy.keyframe.max_requests, KEYFRAME_REQUESTS_CAP);
    assert_int_equal(policy.keyframe.window_us, SEC(4));
    config_done(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fewer_silent_packets_pass, close_call),
        cmocka_unit_test_teardown(silence_passes_when_nothing_is_to_be_discarded, close_call),
        cmocka_unit_test_teardown(pictures_come_unasked_with_an_initial_height, close_call),
        cmocka_unit_test_teardown(no_picture_comes_with_an_initial_last_n_of_none, close_call),
        cmocka_unit_test_teardown(no_picture_comes_in_a_conference_too_large_for_it, close_call),
        cmocka_unit_test(the_largest_size_reached_sets_the_limit),
        cmocka_unit_test_teardown(sockets_get_the_receive_buffer_asked_for, close_call),
        cmocka_unit_test(key_frame_limits_are_those_of_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
