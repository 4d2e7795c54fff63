/* A recorded ramp of one receiver's estimate, with the rates that six cameras had meanwhile (tests/vectors/alloc): how
 * often does what is shown change? The stock bridge's own bound is under 20 times. */
#include <stdio.h>
#include <stdlib.h>

#include "support/hex.h"
#include "media/alloc.h"
#include "media/steady.h"

enum { CAMERAS = 6, EVENTS = 427, FLAP_S = 5 };

struct ramp {
    FILE *file;
    uint64_t now_us;
    int64_t estimate_bps;
    struct layer layers[CAMERAS][2];
};

static void open_ramp(struct ramp *r)
{
    *r = (struct ramp){.file = fopen(VECTORS "/alloc/bwe-ramp.txt", "r")};
    assert_non_null(r->file);
    for (int i = 0; i < CAMERAS; i++) {
        r->layers[i][0] = (struct layer){.index = 0, .height = 180, .framerate = 7.5f};
        r->layers[i][1] = (struct layer){.index = 2, .height = 180, .framerate = 30};
    }
}

static bool next_event(struct ramp *r)
{
    char line[256];
    do
        if (!fgets(line, sizeof line, r->file))
            return false;
    while (line[0] == '#');
    char *at = line;
    r->now_us = MS(strtoull(at, &at, 10));
    r->estimate_bps = strtoll(at, &at, 10);
    for (int i = 0; i < 2 * CAMERAS; i++)
        r->layers[i / 2][i % 2].bitrate_bps = strtoull(at, &at, 10);
    assert_int_equal(*at, '\n');
    return true;
}

struct count {
    int events, changes;
    int flaps;  /* changes undone within 5 s, although all that was shown before still fitted */
    int forced; /* or did not: a camera's own rate trebles in mid-ramp */
    bool whole; /* everybody has all at the end */
};

static struct count replay(bool timed, bool steadily)
{
    static const char *const names[CAMERAS] = {"A", "B", "C", "D", "E", "F"};
    struct ramp ramp;
    struct count count = {0};
    struct alloc_source sources[CAMERAS];
    struct {
        int target;
        bool up, changed;
        uint64_t at_us;
    } shown[CAMERAS];
    struct alloc_wants *wants = alloc_wants_new(&alloc_policy_default);
    struct alloc_runner *runner = alloc_runner_new(&alloc_policy_default);
    struct steady steady;
    steady_init(&steady);
    struct bridge_msg_receiver_video msg = {.has_default = true, .default_limit = {180, -1}};
    alloc_wants_on_message(wants, &msg);
    open_ramp(&ramp);
    for (int i = 0; i < CAMERAS; i++) {
        sources[i] = (struct alloc_source){names[i], BRIDGE_VIDEO_CAMERA, ramp.layers[i], 2, names[i]};
        memset(&shown[i], 0, sizeof shown[i]);
        shown[i].target = LAYER_NONE;
    }
    int64_t acted_bps = -1;
    for (; next_event(&ramp); count.events++) {
        struct alloc_limits limits = {.budget_bps = ramp.estimate_bps, .last_n = ALLOC_NO_LAST_N, .max_sources = 50};
        steady_on_estimate(&steady, ramp.estimate_bps, ramp.now_us);
        bool due = timed && ramp.now_us >= alloc_deadline_us(runner);
        if (!due && !alloc_budget_moved(acted_bps, ramp.estimate_bps, 0.15))
            continue;
        bool less = ramp.estimate_bps < acted_bps;
        acted_bps = ramp.estimate_bps;
        limits.hold_us = steadily ? STEADY_HOLD_US : 0;
        if (steadily)
            limits.reserve_bps = steady_reserve(&steady, ramp.estimate_bps, ramp.now_us);
        const struct alloc *alloc = alloc_run(runner, wants, sources, CAMERAS, &limits, ramp.now_us);
        steady_on_alloc(&steady, alloc->raised, alloc->lowered && less, ramp.now_us);
        count.changes += alloc->targets_changed;
        int64_t cost_bps = 0; /* of what was shown, now */
        for (int i = 0; i < CAMERAS; i++)
            if (shown[i].target != LAYER_NONE)
                cost_bps += (int64_t)ramp.layers[i][shown[i].target / 2].bitrate_bps;
        count.whole = true;
        for (size_t i = 0; i < alloc->count; i++) {
            const struct alloc_choice *c = &alloc->choices[i];
            bool up = c->target > shown[c->source].target;
            count.whole &= c->target == 2;
            if (c->target == shown[c->source].target)
                continue;
            bool undone = shown[c->source].changed && up != shown[c->source].up &&
                          ramp.now_us - shown[c->source].at_us < SEC(FLAP_S);
            count.flaps += undone && cost_bps <= ramp.estimate_bps;
            count.forced += undone && cost_bps > ramp.estimate_bps;
            shown[c->source].target = c->target;
            shown[c->source].up = up;
            shown[c->source].changed = true;
            shown[c->source].at_us = ramp.now_us;
        }
    }
    fclose(ramp.file);
    alloc_wants_free(wants);
    alloc_runner_free(runner);
    return count;
}

static void a_recorded_ramp_changes_what_is_shown_less_than_20_times(void **state) /* media 22.9 */
{
    (void)state;
    static const struct {
        const char *name;
        bool timed, steadily;
    } rows[] = {
        {"when the estimate moves, as the stock bridge counts", false, false},
        {"and at least every 5 s", true, false},
        {"steadily", true, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct count count = replay(rows[i].timed, rows[i].steadily);
        print_message("  %s: %d changes, %d flaps, %d forced\n", rows[i].name, count.changes, count.flaps,
                      count.forced);
        assert_int_equal(count.events, EVENTS);
        assert_in_range(count.changes, CAMERAS, 19); /* everybody appears, one by one or together */
        assert_true(count.whole);
        assert_true(!rows[i].steadily || (count.flaps == 0 && count.forced <= 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_ramp_changes_what_is_shown_less_than_20_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
