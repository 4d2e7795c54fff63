/* What counts as unhealthy, and that a media thread that hangs does (operations 11, 19.16, 19.17). */
#include "support/hex.h"

#include "bridge/health.h"
#include "bridge/pulse.h"
#include "bridge/worker.h"

#define NO_VALID_IP "No valid IP addresses available for harvesting."
#define NO_STUN     "Address discovery through STUN failed"
#define SILENT      "Performing a health check took too long"

static const struct {
    const char *name;
    struct health_facts facts;
    const char *failure; /* its beginning; NULL: healthy */
} cases[] = {
    {"all is well", {.require_address = true, .has_address = true, .silent_limit_us = SEC(3)}, NULL},
    {"a private installation", {.require_address = false, .silent_limit_us = SEC(3)}, NULL},
    {"no public address", {.require_address = true, .silent_limit_us = SEC(3)}, NO_VALID_IP},
    {"STUN is not required", {.stun_asked = true, .stun_failed = true, .silent_limit_us = SEC(3)}, NULL},
    {"no STUN server is configured", {.require_stun = true, .stun_failed = true, .silent_limit_us = SEC(3)}, NULL},
    {"STUN answered", {.require_stun = true, .stun_asked = true, .silent_limit_us = SEC(3)}, NULL},
    {"STUN failed",
     {.require_stun = true, .stun_asked = true, .stun_failed = true, .silent_limit_us = SEC(3)},
     NO_STUN},
    {"the address comes first",
     {.require_address = true, .require_stun = true, .stun_asked = true, .stun_failed = true},
     NO_VALID_IP},
    {"a thread is slow", {.silent_us = SEC(2), .silent_limit_us = SEC(3)}, NULL},
    {"a thread hangs", {.silent_us = SEC(3), .silent_limit_us = SEC(3)}, SILENT},
    {"no patience at all is not failure", {.silent_us = 0, .silent_limit_us = 0}, NULL},
};

static void check(const char *have, const char *want)
{
    if (!want)
        assert_null(have);
    else if (!have || strncmp(have, want, strlen(want)) != 0)
        fail_msg("%s instead of %s", have ? have : "healthy", want);
}

static void each_rule_has_its_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        check(health_judge(&cases[i].facts), cases[i].failure);
    }
}

static void a_failure_sticks_only_if_asked_for_and_late(void **state)
{
    (void)state;
    const struct health_facts bad = {.silent_us = SEC(5), .silent_limit_us = SEC(3)}, good = {0};
    struct health plain = {.start_us = SEC(50)}, sticky = {.start_us = SEC(50), .sticky = true};
    check(health_check(&plain, SEC(1000), &bad), SILENT);
    check(health_check(&plain, SEC(1001), &good), NULL);
    check(health_check(&sticky, SEC(349), &bad), SILENT);
    check(health_check(&sticky, SEC(349), &good), NULL);
    check(health_check(&sticky, SEC(350), &bad), SILENT);
    check(health_check(&sticky, SEC(351), &good), "Sticky failure.");
    check(health_check(&sticky, SEC(352), &bad), SILENT);
}

/* ---- real threads ---- */

static struct {
    struct config config;
    struct bridge bridge;
    struct worker *workers[2];
    struct pulse pulse;
} world;

static int start(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    config_defaults(&world.config);
    struct bridge *b = &world.bridge;
    b->config = &world.config;
    b->workers = world.workers;
    b->worker_count = COUNT(world.workers);
    b->local_count = 1;
    assert_int_equal(addr_parse("127.0.0.1", 0, &b->locals[0]), E_OK);
    for (unsigned i = 0; i < COUNT(world.workers); i++) {
        int failed[UDP_LOCALS_MAX];
        world.workers[i] = worker_new(b, i, failed);
        assert_non_null(world.workers[i]);
    }
    for (unsigned i = 0; i < COUNT(world.workers); i++)
        worker_start(world.workers[i]);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(world.workers); i++)
        worker_stop(world.workers[i]);
    for (unsigned i = 0; i < COUNT(world.workers); i++)
        worker_join(world.workers[i]);
    for (unsigned i = 0; i < COUNT(world.workers); i++)
        worker_free(world.workers[i]);
    config_done(&world.config);
    return 0;
}

static void wait_until_answered(unsigned worker)
{
    for (int i = 0; i < 5000; i++) {
        if (atomic_load(&world.workers[worker]->pulse) == world.pulse.asked[worker])
            return;
        uv_sleep(1);
    }
    fail_msg("worker %u does not answer", worker);
}

static void hang_on(void *semaphore)
{
    uv_sem_wait(semaphore);
}

static const char *verdict(void)
{
    return health_judge(&(struct health_facts){.silent_us = pulse_silent_us(&world.pulse), .silent_limit_us = SEC(3)});
}

static void a_media_thread_that_hangs_is_unhealthy_after_three_beats_and_recovers(void **state)
{
    (void)state;
    for (int beat = 0; beat < 5; beat++) {
        pulse_beat(&world.pulse, &world.bridge);
        wait_until_answered(0);
        wait_until_answered(1);
        assert_true(pulse_silent_us(&world.pulse) == 0);
    }
    uv_sem_t semaphore;
    uv_sem_init(&semaphore, 0);
    struct worker_msg *msg = worker_msg_new(W_EP_EXPIRE, 1, 1, NULL, 0); /* of nobody; freeing it takes its time */
    msg->arg = &semaphore;
    msg->arg_free = hang_on;
    worker_post(world.workers[1], msg);
    pulse_beat(&world.pulse, &world.bridge); /* sees the last answer, asks again */
    for (unsigned beat = 1; beat <= 3; beat++) {
        assert_null(verdict());
        wait_until_answered(0);
        pulse_beat(&world.pulse, &world.bridge);
        assert_true(pulse_silent_us(&world.pulse) == SEC(beat));
    }
    check(verdict(), SILENT);
    uv_sem_post(&semaphore);
    wait_until_answered(1);
    pulse_beat(&world.pulse, &world.bridge);
    assert_null(verdict());
    wait_until_answered(0);
    wait_until_answered(1);
    uv_sem_destroy(&semaphore);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_has_its_text),
        cmocka_unit_test(a_failure_sticks_only_if_asked_for_and_late),
        cmocka_unit_test_setup_teardown(a_media_thread_that_hangs_is_unhealthy_after_three_beats_and_recovers, start,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
