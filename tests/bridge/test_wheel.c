/* Timers never fire early, at most one tick late, and once per setting. */
#include "support/hex.h"

#include <stdlib.h>

#include "bridge/wheel.h"

struct probe {
    struct timer timer;
    struct wheel *wheel;
    uint64_t want_us, fired_us, again_us;
    int count;
};

static void on_fired(struct timer *timer, uint64_t now_us)
{
    struct probe *probe = container_of(timer, struct probe, timer);
    probe->fired_us = now_us;
    probe->count++;
    if (probe->again_us)
        wheel_set(probe->wheel, timer, now_us + probe->again_us);
}

static struct wheel wheel;

static void on_time_whatever_the_distance(void **state)
{
    (void)state;
    uint64_t start = 12345678901ull;
    wheel_init(&wheel, start);
    enum { N = 500 };
    static struct probe probes[N];
    srand(7);
    for (int i = 0; i < N; i++) {
        timer_init(&probes[i].timer, on_fired);
        probes[i].want_us = start + (uint64_t)rand() % SEC(20);
        wheel_set(&wheel, &probes[i].timer, probes[i].want_us);
    }
    for (uint64_t now = start; now < start + SEC(21);) {
        uint64_t next = wheel_next_us(&wheel);
        now = next == NEVER_US ? start + SEC(21) : MAX(next, now);
        wheel_run(&wheel, now);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(probes[i].count, 1);
        assert_true(probes[i].fired_us >= probes[i].want_us);
        assert_true(probes[i].fired_us - probes[i].want_us <= MS(1));
    }
    assert_true(wheel_next_us(&wheel) == NEVER_US);
}

static void a_cleared_timer_is_silent_and_a_moved_one_fires_once(void **state)
{
    (void)state;
    wheel_init(&wheel, 0);
    struct probe gone = {0}, moved = {0};
    timer_init(&gone.timer, on_fired);
    timer_init(&moved.timer, on_fired);
    wheel_set(&wheel, &gone.timer, MS(5));
    wheel_set(&wheel, &moved.timer, MS(5));
    wheel_set(&wheel, &gone.timer, NEVER_US);
    wheel_set(&wheel, &moved.timer, MS(9));
    wheel_run(&wheel, MS(8));
    assert_int_equal(moved.count, 0);
    wheel_run(&wheel, MS(50));
    assert_int_equal(moved.count, 1);
    assert_int_equal(gone.count, 0);
}

static void a_callback_may_rearm_itself(void **state)
{
    (void)state;
    wheel_init(&wheel, 0);
    struct probe probe = {.wheel = &wheel, .again_us = MS(10)};
    timer_init(&probe.timer, on_fired);
    wheel_set(&wheel, &probe.timer, MS(10));
    for (uint64_t now = 0; now <= MS(100); now += MS(1))
        wheel_run(&wheel, now);
    assert_int_equal(probe.count, 10);
}

static void a_long_sleep_fires_what_is_due(void **state)
{
    (void)state;
    wheel_init(&wheel, 0);
    struct probe a = {0}, b = {0};
    timer_init(&a.timer, on_fired);
    timer_init(&b.timer, on_fired);
    wheel_set(&wheel, &a.timer, SEC(1));
    wheel_set(&wheel, &b.timer, SEC(100));
    wheel_run(&wheel, SEC(60));
    assert_int_equal(a.count, 1);
    assert_int_equal(b.count, 0);
    wheel_run(&wheel, SEC(200));
    assert_int_equal(b.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_time_whatever_the_distance),
        cmocka_unit_test(a_cleared_timer_is_silent_and_a_moved_one_fires_once),
        cmocka_unit_test(a_callback_may_rearm_itself),
        cmocka_unit_test(a_long_sleep_fires_what_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
