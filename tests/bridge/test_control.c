/* The directory: placement, reports from workers, expiry in virtual time, WebSocket log-ins, numbers. */
#include "support/control_world.h"
#include "support/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/ufrag.h"
#include "proto/log.h"

#define NEW(id)   "<endpoint id='" id "' create='true'><transport/><capability name='source-names'/></endpoint>"
#define NOT_FOUND "conference_not_found"

static struct world w;

static int init(void **state)
{
    (void)state;
    world_init(&w);
    return 0;
}
static int stop(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static void has(const char *attrs, const char *inner, const char *want)
{
    char *have = world_ask_text(&w, attrs, inner);
    if (!strstr(have, want))
        fail_msg("%s\n  lacks %s", have, want);
    free(have);
}

static uint32_t load_of(void *ctx, uint32_t worker)
{
    return ((struct world *)ctx)->loads[worker];
}

static void a_new_conference_goes_to_the_least_loaded_worker_and_stays(void **state)
{
    (void)state;
    w.env.worker_count = 3;
    w.env.worker_load = load_of;
    w.loads[0] = 5, w.loads[1] = 2, w.loads[2] = 9;
    world_start(&w);
    has("meeting-id='m1' create='true'", NEW("a"), "id='a'");
    assert_int_equal(w.at.worker, 1);
    assert_int_equal(ufrag_worker(bytes_str(w.ep.local.ufrag), NULL), 1);
    w.loads[1] = 100;
    has("meeting-id='m1'", NEW("b"), "id='b'");
    assert_int_equal(w.at.worker, 1);
    has("meeting-id='m2' create='true'", NEW("a"), "id='a'");
    assert_int_equal(w.at.worker, 0);
}

static void without_a_measure_endpoints_are_counted_and_empty_conferences_too(void **state)
{
    (void)state;
    w.env.worker_count = 2;
    w.env.ufrag_prefix = "eu";
    world_start(&w);
    has("meeting-id='m1' create='true'", "", "jvb-a0");
    assert_int_equal(w.at.worker, 0);
    has("meeting-id='m2' create='true'", NEW("a"), "id='a'");
    assert_int_equal(w.at.worker, 1);
    assert_int_equal(ufrag_worker(bytes_str(w.ep.local.ufrag), "eu"), 1);
    has("meeting-id='m3' create='true'", "", "jvb-a0");
    assert_int_equal(w.at.worker, 0);
    has("meeting-id='m2'", "<endpoint id='a' expire='true'/>", "expire='true'");
    has("meeting-id='m4' create='true'", "", "jvb-a0"); /* 2 conferences against none */
    assert_int_equal(w.at.worker, 1);
}

static void an_endpoint_reported_gone_is_unknown_and_its_empty_conference_follows(void **state) /* colibri2 7.8 */
{
    (void)state;
    world_start(&w);
    has("meeting-id='m1' create='true'", NEW("a"), "id='a'");
    assert_true(control_deadline_us(w.control) == NEVER_US);
    control_on_endpoint_gone(w.control, w.now_us, 7, 2); /* not of that conference */
    control_on_endpoint_gone(w.control, w.now_us, 1, 9); /* never heard of */
    assert_true(control_deadline_us(w.control) == NEVER_US);
    w.now_us += SEC(5);
    control_on_endpoint_gone(w.control, w.now_us, 1, 2);
    control_on_endpoint_gone(w.control, w.now_us, 1, 2); /* reported twice */
    assert_true(control_deadline_us(w.control) == w.now_us + SEC(60));
    has("meeting-id='m1'", "<endpoint id='a'><sources/></endpoint>", "unknown_endpoint");
    world_told(&w);
    control_on_time(w.control, w.now_us + SEC(60) - 1);
    assert_string_equal(world_told(&w), "");
    control_on_time(w.control, w.now_us + SEC(60));
    assert_string_equal(world_told(&w), "expire conf=1\n");
    has("meeting-id='m1'", "", NOT_FOUND);
    assert_true(control_deadline_us(w.control) == NEVER_US);
}

static void a_conference_that_was_never_used_expires_but_not_one_that_came_to_life(void **state)
{
    (void)state;
    world_start(&w);
    has("meeting-id='m1' create='true'", "", "jvb-a0");
    w.now_us += SEC(10);
    has("meeting-id='m2' create='true'", "", "jvb-a0");
    w.now_us += SEC(10);
    has("meeting-id='m2'", NEW("a"), "id='a'");
    assert_true(control_deadline_us(w.control) == SEC(1000) + SEC(60));
    world_told(&w);
    control_on_time(w.control, w.now_us + SEC(3600));
    assert_string_equal(world_told(&w), "expire conf=1\n");
    has("meeting-id='m2'", "<endpoint id='a'/>", "id='a'");
}

static void web_sockets_need_the_whole_truth(void **state)
{
    (void)state;
    world_start(&w);
    has("meeting-id='m1' create='true'", NEW("a b/&#233;"), "/a%20b%2F%C3%A9?pwd=");
    char conf[20];
    struct control_target at = {0};
    snprintf(conf, sizeof conf, "%016" PRIx64, w.conf.id);
    const char *id = "a b/\xc3\xa9", *pwd = w.ep.ws_password;
    assert_int_equal(strlen(pwd), 24);
    assert_true(control_web_socket_login(w.control, conf, id, pwd, &at));
    assert_int_equal(at.conf, 1);
    assert_int_equal(at.ep, 2);
    assert_false(control_web_socket_login(w.control, conf, "a", pwd, &at));
    assert_false(control_web_socket_login(w.control, conf, id, "", &at));
    assert_false(control_web_socket_login(w.control, conf, id, "x", &at));
    assert_false(control_web_socket_login(w.control, "", id, pwd, &at));
    assert_false(control_web_socket_login(w.control, "0x00000000000000", id, pwd, &at));
    assert_false(control_web_socket_login(w.control, "m1", id, pwd, &at));
    conf[0] = conf[0] == '0' ? '1' : '0';
    assert_false(control_web_socket_login(w.control, conf, id, pwd, &at));
}

static bool count_one(void *ctx, const struct control_conference_info *info)
{
    *(uint32_t *)ctx += info->endpoints;
    return true;
}

static void numbers_add_up(void **state)
{
    (void)state;
    struct control_stats stats;
    uint32_t seen = 0;
    world_start(&w);
    has("meeting-id='m1' create='true'", NEW("a"), "id='a'");
    has("meeting-id='m1'",
        "<endpoint id='v' create='true' muc-role='visitor'><transport/><capability name='source-names'/></endpoint>",
        "id='v'");
    has("meeting-id='m2' create='true'", NEW("a"), "id='a'");
    w.now_us += SEC(30);
    has("meeting-id='m2' expire='true'", "", "conference-modified[]");
    has("meeting-id='m3'", "", NOT_FOUND);
    control_stats(w.control, &stats);
    assert_int_equal(stats.conferences, 1);
    assert_int_equal(stats.endpoints, 2);
    assert_int_equal(stats.visitors, 1);
    assert_int_equal(stats.largest_conference, 2);
    assert_int_equal(stats.conferences_created, 2);
    assert_int_equal(stats.conferences_completed, 1);
    assert_int_equal(stats.conference_seconds, 30);
    assert_int_equal(stats.endpoints_created, 3);
    assert_int_equal(stats.visitors_created, 1);
    assert_int_equal(stats.requests, 5);
    assert_int_equal(stats.errors, 1);
    control_each_conference(w.control, count_one, &seen);
    assert_int_equal(seen, 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, init, stop)
    const struct CMUnitTest tests[] = {
        T(a_new_conference_goes_to_the_least_loaded_worker_and_stays),
        T(without_a_measure_endpoints_are_counted_and_empty_conferences_too),
        T(an_endpoint_reported_gone_is_unknown_and_its_empty_conference_follows),
        T(a_conference_that_was_never_used_expires_but_not_one_that_came_to_life),
        T(web_sockets_need_the_whole_truth),
        T(numbers_add_up),
    };
    log_set_level(LOG_WARN_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
