/* What holds of the allocation: the choices of the stock bridge, value for value (bridge-channel.md 8.8). */
#include <stdio.h>
#include <stdlib.h>

#include "support/hex.h"
#include "media/alloc.h"

/* ---- input ---- */

static const struct layer nine[] = {
    {0, 180, 7.5f, true, 49500},    {1, 180, 15, true, 99000},     {2, 180, 30, true, 150000},
    {64, 360, 7.5f, true, 165000},  {65, 360, 15, true, 330000},   {66, 360, 30, true, 500000},
    {128, 720, 7.5f, true, 660000}, {129, 720, 15, true, 1320000}, {130, 720, 30, true, 2000000},
};

struct receiver {
    struct alloc_wants *wants;
    struct alloc_runner *runner;
    struct alloc_source source[8];
    size_t count;
    struct alloc_limits limits;
    const struct alloc *result;
};

static struct receiver four_cameras(void)
{
    static const char *const names[] = {"A", "B", "C", "D"};
    struct receiver r = {
        .wants = alloc_wants_new(&alloc_policy_default),
        .runner = alloc_runner_new(&alloc_policy_default),
        .count = 4,
        .limits = {.budget_bps = ALLOC_UNLIMITED, .last_n = ALLOC_NO_LAST_N, .max_sources = 50},
    };
    for (size_t i = 0; i < r.count; i++)
        r.source[i] = (struct alloc_source){names[i], BRIDGE_VIDEO_CAMERA, nine, COUNT(nine), names[i]};
    return r;
}

static void done(struct receiver *r)
{
    alloc_wants_free(r->wants);
    alloc_runner_free(r->runner);
}

/* default_height for all; "A" on stage with stage_height, 0: nobody. */
static void want(struct receiver *r, int last_n, int default_height, int stage_height)
{
    const char *stage[] = {"A"};
    struct bridge_msg_source_constraint limit = {"A", {stage_height, -1}};
    struct bridge_msg_receiver_video msg = {
        .has_last_n = true,
        .last_n = last_n,
        .has_default = true,
        .default_limit = {default_height, -1},
    };
    if (stage_height) {
        msg.has_on_stage = msg.has_constraints = true;
        msg.on_stage = (struct bridge_msg_names){stage, 1};
        msg.constraints = &limit;
        msg.constraints_count = 1;
    }
    alloc_wants_on_message(r->wants, &msg);
}

static void run(struct receiver *r, int64_t budget_bps)
{
    r->limits.budget_bps = budget_bps;
    r->result = alloc_run(r->runner, r->wants, r->source, r->count, &r->limits, 0);
}

/* "A:720@30 B:180@7.5 ~": targets in order of priority, ~ for oversending. */
static const char *shown(const struct receiver *r)
{
    static char text[256];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < r->result->count; i++) {
        const struct alloc_choice *c = &r->result->choices[i];
        if (c->target < 0)
            continue;
        const struct alloc_source *s = &r->source[c->source];
        for (size_t l = 0; l < s->layer_count; l++)
            if (s->layers[l].index == c->target)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%d@%g", n ? " " : "", s->name,
                                      s->layers[l].height, (double)s->layers[l].framerate);
    }
    if (r->result->oversending)
        snprintf(text + n, sizeof text - n, "%s~", n ? " " : "");
    return text;
}

/* ---- 8.8: the first budgets, in steps of 10 kbit/s, at which a result appears ---- */

struct step {
    int kbps;
    const char *result;
};

static const struct scenario {
    const char *name;
    enum bridge_video_type first_type;
    int last_n, default_height, stage_height;
    struct step steps[24];
} scenarios[] = {
    {"stage, camera",
     BRIDGE_VIDEO_CAMERA,
     -1,
     180,
     720,
     {{0, ""},
      {50, "A:180@7.5"},
      {100, "A:180@15"},
      {150, "A:180@30"},
      {500, "A:360@30"},
      {550, "A:360@30 B:180@7.5"},
      {600, "A:360@30 B:180@7.5 C:180@7.5"},
      {650, "A:360@30 B:180@7.5 C:180@7.5 D:180@7.5"},
      {700, "A:360@30 B:180@15 C:180@7.5 D:180@7.5"},
      {750, "A:360@30 B:180@15 C:180@15 D:180@7.5"},
      {800, "A:360@30 B:180@15 C:180@15 D:180@15"},
      {850, "A:360@30 B:180@30 C:180@15 D:180@15"},
      {900, "A:360@30 B:180@30 C:180@30 D:180@15"},
      {960, "A:360@30 B:180@30 C:180@30 D:180@30"},
      {2150, "A:720@30 B:180@7.5 C:180@7.5 D:180@7.5"},
      {2200, "A:720@30 B:180@15 C:180@7.5 D:180@7.5"},
      {2250, "A:720@30 B:180@15 C:180@15 D:180@7.5"},
      {2300, "A:720@30 B:180@15 C:180@15 D:180@15"},
      {2350, "A:720@30 B:180@30 C:180@15 D:180@15"},
      {2400, "A:720@30 B:180@30 C:180@30 D:180@15"},
      {2460, "A:720@30 B:180@30 C:180@30 D:180@30"}}},
    {"stage, desktop",
     BRIDGE_VIDEO_DESKTOP,
     -1,
     180,
     720,
     {{0, "A:360@30 ~"},
      {160, "A:720@7.5 ~"},
      {660, "A:720@7.5"},
      {1320, "A:720@15"},
      {2000, "A:720@30"},
      {2050, "A:720@30 B:180@7.5"},
      {2100, "A:720@30 B:180@7.5 C:180@7.5"},
      {2150, "A:720@30 B:180@7.5 C:180@7.5 D:180@7.5"},
      {2200, "A:720@30 B:180@15 C:180@7.5 D:180@7.5"},
      {2250, "A:720@30 B:180@15 C:180@15 D:180@7.5"},
      {2300, "A:720@30 B:180@15 C:180@15 D:180@15"},
      {2350, "A:720@30 B:180@30 C:180@15 D:180@15"},
      {2400, "A:720@30 B:180@30 C:180@30 D:180@15"},
      {2460, "A:720@30 B:180@30 C:180@30 D:180@30"}}},
    {"tiles, 180",
     BRIDGE_VIDEO_CAMERA,
     -1,
     180,
     0,
     {{0, ""},
      {50, "A:180@7.5"},
      {100, "A:180@7.5 B:180@7.5"},
      {150, "A:180@7.5 B:180@7.5 C:180@7.5"},
      {200, "A:180@7.5 B:180@7.5 C:180@7.5 D:180@7.5"},
      {250, "A:180@15 B:180@7.5 C:180@7.5 D:180@7.5"},
      {300, "A:180@15 B:180@15 C:180@7.5 D:180@7.5"},
      {350, "A:180@15 B:180@15 C:180@15 D:180@7.5"},
      {400, "A:180@15 B:180@15 C:180@15 D:180@15"},
      {450, "A:180@30 B:180@15 C:180@15 D:180@15"},
      {500, "A:180@30 B:180@30 C:180@15 D:180@15"},
      {550, "A:180@30 B:180@30 C:180@30 D:180@15"},
      {610, "A:180@30 B:180@30 C:180@30 D:180@30"}}},
    {"tiles, 360",
     BRIDGE_VIDEO_CAMERA,
     -1,
     360,
     0,
     {{0, ""},
      {50, "A:180@7.5"},
      {100, "A:180@7.5 B:180@7.5"},
      {150, "A:180@7.5 B:180@7.5 C:180@7.5"},
      {200, "A:180@7.5 B:180@7.5 C:180@7.5 D:180@7.5"},
      {250, "A:180@15 B:180@7.5 C:180@7.5 D:180@7.5"},
      {300, "A:180@15 B:180@15 C:180@7.5 D:180@7.5"},
      {350, "A:180@15 B:180@15 C:180@15 D:180@7.5"},
      {400, "A:180@15 B:180@15 C:180@15 D:180@15"},
      {450, "A:180@30 B:180@15 C:180@15 D:180@15"},
      {500, "A:180@30 B:180@30 C:180@15 D:180@15"},
      {550, "A:180@30 B:180@30 C:180@30 D:180@15"},
      {610, "A:180@30 B:180@30 C:180@30 D:180@30"},
      {960, "A:360@30 B:180@30 C:180@30 D:180@30"},
      {1310, "A:360@30 B:360@30 C:180@30 D:180@30"},
      {1660, "A:360@30 B:360@30 C:360@30 D:180@30"},
      {2010, "A:360@30 B:360@30 C:360@30 D:360@30"}}},
    {"last-n 0", BRIDGE_VIDEO_CAMERA, 0, 180, 720, {{0, ""}}},
    {"stage, last-n 1",
     BRIDGE_VIDEO_CAMERA,
     1,
     180,
     720,
     {{0, ""}, {50, "A:180@7.5"}, {100, "A:180@15"}, {150, "A:180@30"}, {500, "A:360@30"}, {2010, "A:720@30"}}},
    {"tiles, last-n 1",
     BRIDGE_VIDEO_CAMERA,
     1,
     180,
     0,
     {{0, ""}, {50, "A:180@7.5"}, {100, "A:180@15"}, {160, "A:180@30"}}},
};

static void every_budget_gives_what_the_stock_bridge_gives(void **state) /* bridge-channel 16.15, media 22.9 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        const struct scenario *sc = &scenarios[i];
        print_message("  %s\n", sc->name);
        struct receiver r = four_cameras();
        r.source[0].type = sc->first_type;
        want(&r, sc->last_n, sc->default_height, sc->stage_height);
        size_t at = 0;
        for (int kbps = 0; kbps <= 3000; kbps += 10) {
            if (at + 1 < COUNT(sc->steps) && sc->steps[at + 1].result && sc->steps[at + 1].kbps == kbps)
                at++;
            run(&r, kbps * 1000LL);
            if (strcmp(shown(&r), sc->steps[at].result) != 0)
                fail_msg("%d kbit/s: %s instead of %s", kbps, shown(&r), sc->steps[at].result);
        }
        done(&r);
    }
}

static void single_sources_at_the_edges(void **state) /* bridge-channel 16.15 */
{
    (void)state;
    static const struct layer only_720[] = {
        {0, 720, 7.5f, true, 660000}, {1, 720, 15, true, 1320000}, {2, 720, 30, true, 2000000}};
    static const struct layer uneven[] = {
        {0, 720, 7.5f, true, 300000}, {1, 720, 15, true, 100000}, {2, 720, 30, true, 200000}};
    static const struct layer svc[] = {
        {0, 720, -1, true, 150000}, {1, 720, -1, true, 370000}, {2, 720, -1, true, 750000}};
    static const struct layer one[] = {{0, 720, 30, true, 700000}};
    struct layer silent[COUNT(nine)], flat[COUNT(nine)];
    for (size_t i = 0; i < COUNT(nine); i++) {
        silent[i] = flat[i] = nine[i];
        silent[i].bitrate_bps = 0;
        flat[i].bitrate_bps = nine[i - i % 3].bitrate_bps; /* the same for all temporal layers */
    }
    const struct {
        const char *name;
        enum bridge_video_type type;
        const struct layer *layers;
        size_t count;
        int height;
        bool stage;
        int64_t budget_bps;
        int target;
        bool oversending;
    } rows[] = {
        {"the normal step is strict", BRIDGE_VIDEO_CAMERA, only_720, 3, 180, false, 660000, LAYER_NONE, false},
        {"one bit more", BRIDGE_VIDEO_CAMERA, only_720, 3, 180, false, 660001, 0, false},
        {"a better layer that is cheaper", BRIDGE_VIDEO_CAMERA, uneven, 3, 720, false, 310000, 2, false},
        {"SVC desktop on stage without budget", BRIDGE_VIDEO_DESKTOP, svc, 3, 720, true, 0, 0, true},
        {"SVC desktop as thumbnail: only the first", BRIDGE_VIDEO_DESKTOP, svc, 3, 180, false, ALLOC_UNLIMITED, 0,
         false},
        {"desktop too dear even to oversend", BRIDGE_VIDEO_DESKTOP, one, 1, -1, true, 100000, LAYER_NONE, false},
        {"desktop oversent", BRIDGE_VIDEO_DESKTOP, one, 1, -1, true, 200000, 0, true},
        {"just signalled, 180", BRIDGE_VIDEO_CAMERA, silent, 9, 180, false, ALLOC_UNLIMITED, 2, false},   /* stock: 1 */
        {"just signalled, 720", BRIDGE_VIDEO_CAMERA, silent, 9, 720, false, ALLOC_UNLIMITED, 130, false}, /* stock: 1 */
        {"no temporal layers, 720", BRIDGE_VIDEO_CAMERA, flat, 9, 720, false, ALLOC_UNLIMITED, 130, false},
        {"just signalled, on stage", BRIDGE_VIDEO_CAMERA, silent, 9, 720, true, ALLOC_UNLIMITED, 130, false},
        {"unlimited budget, 180", BRIDGE_VIDEO_CAMERA, nine, 9, 180, false, ALLOC_UNLIMITED, 2, false},
        {"unlimited budget, 720", BRIDGE_VIDEO_CAMERA, nine, 9, 720, false, ALLOC_UNLIMITED, 130, false},
        {"unlimited budget, unlimited height", BRIDGE_VIDEO_CAMERA, nine, 9, -1, false, ALLOC_UNLIMITED, 130, false},
        {"a height between two layers", BRIDGE_VIDEO_CAMERA, nine, 9, 400, false, ALLOC_UNLIMITED, 66, false},
        {"less than the least still gets the least", BRIDGE_VIDEO_CAMERA, nine, 9, 90, false, ALLOC_UNLIMITED, 2,
         false},
        {"no layers", BRIDGE_VIDEO_CAMERA, nine, 0, 720, false, ALLOC_UNLIMITED, LAYER_NONE, false},
        {"unwanted", BRIDGE_VIDEO_CAMERA, nine, 9, 0, false, ALLOC_UNLIMITED, LAYER_NONE, false},
        {"no video", BRIDGE_VIDEO_NONE, nine, 9, 720, true, ALLOC_UNLIMITED, LAYER_NONE, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct receiver r = four_cameras();
        r.count = 1;
        r.source[0] = (struct alloc_source){"A", rows[i].type, rows[i].layers, rows[i].count, "A"};
        want(&r, -1, rows[i].height, rows[i].stage ? rows[i].height : 0);
        run(&r, rows[i].budget_bps);
        assert_int_equal(r.result->choices[0].target, rows[i].target);
        assert_int_equal(r.result->oversending, rows[i].oversending);
        done(&r);
    }
}

static void last_n_counts_only_what_is_on_and_wanted(void **state)
{
    (void)state;
    static const char *const names[] = {"s1", "s2", "s3", "s4", "s5", "s6"};
    static const struct {
        const char *name;
        int last_n, cap, default_height;
        struct bridge_msg_source_constraint limits[2];
        size_t limit_count;
        int heights[6];
    } rows[] = {
        {"the first only", 1, 50, 180, {{0}}, 0, {180}},
        {"an unwanted one takes no place", 1, 50, 0, {{"s2", {180, -1}}, {"s3", {180, -1}}}, 2, {0, 180}},
        {"a source that is off gets nothing", -1, 50, 0, {{"s4", {720, -1}}}, 1, {0}},
        {"all that are on", -1, 50, 180, {{0}}, 0, {180, 180, 180}},
        {"the table of SSRCs is a limit", -1, 2, 180, {{0}}, 0, {180, 180}},
        {"a frame rate of 0 is no video", 1, 50, 180, {{"s1", {720, 0}}}, 1, {0, 180}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct receiver r = four_cameras();
        r.count = 6;
        r.limits.max_sources = rows[i].cap;
        for (size_t s = 0; s < 6; s++)
            r.source[s] =
                (struct alloc_source){names[s], s < 3 ? BRIDGE_VIDEO_CAMERA : BRIDGE_VIDEO_NONE, nine, 9, names[s]};
        struct bridge_msg_receiver_video msg = {
            .has_last_n = true,
            .has_default = true,
            .has_constraints = true,
            .last_n = rows[i].last_n,
            .default_limit = {rows[i].default_height, -1},
            .constraints = (struct bridge_msg_source_constraint *)rows[i].limits,
            .constraints_count = rows[i].limit_count,
        };
        alloc_wants_on_message(r.wants, &msg);
        run(&r, ALLOC_UNLIMITED);
        for (size_t s = 0; s < 6; s++)
            assert_int_equal(r.result->choices[s].max_height, rows[i].heights[r.result->choices[s].source]);
        done(&r);
    }
}

/* With 300 kbit/s nobody gets more before everybody has something; and a screen on stage takes it all. */
static void little_bandwidth_is_shared_in_tiles_and_kept_for_a_screen_on_stage(void **state) /* bridge-channel 16.19 */
{
    (void)state;
    struct receiver r = four_cameras();
    want(&r, -1, 180, 0);
    run(&r, 300001);
    assert_string_equal(shown(&r), "A:180@15 B:180@15 C:180@7.5 D:180@7.5");
    r.source[0].type = BRIDGE_VIDEO_DESKTOP;
    want(&r, -1, 180, 720);
    run(&r, 300000);
    assert_string_equal(shown(&r), "A:720@7.5 ~");
    for (size_t i = 0; i < r.result->count; i++)
        assert_int_equal(r.result->choices[i].suspended, r.result->choices[i].source != 0);
    assert_true(r.result->forwarded_changed); /* clients show the thumbnails as inactive */
    done(&r);
}

static void stage_goes_before_selection_and_selection_before_speech(void **state)
{
    (void)state;
    struct receiver r = four_cameras();
    const char *stage[] = {"D", "nobody"}, *selected[] = {"C", "D"};
    struct bridge_msg_receiver_video msg = {
        .has_on_stage = true,
        .on_stage = {stage, 2},
        .has_selected = true,
        .selected = {selected, 2},
        .has_default = true,
        .default_limit = {180, -1},
    };
    alloc_wants_on_message(r.wants, &msg);
    r.source[0].type = BRIDGE_VIDEO_NONE;
    run(&r, ALLOC_UNLIMITED);
    static const size_t order[] = {3, 2, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r.result->choices[i].source, order[i]);
        assert_int_equal(r.result->choices[i].on_stage, order[i] == 3);
    }
    done(&r);
}

static void slots_go_to_the_wanted_then_fill_up(void **state)
{
    (void)state;
    struct receiver r = four_cameras();
    struct bridge_msg_source_constraint limit = {"C", {180, -1}};
    struct bridge_msg_receiver_video msg = {.has_default = true,
                                            .default_limit = {0, -1},
                                            .has_constraints = true,
                                            .constraints = &limit,
                                            .constraints_count = 1};
    alloc_wants_on_message(r.wants, &msg);
    r.source[1].type = BRIDGE_VIDEO_NONE;
    run(&r, ALLOC_UNLIMITED);
    static const size_t all[] = {2, 0, 3};
    assert_int_equal(r.result->slot_count, 3);
    assert_memory_equal(r.result->slots, all, sizeof all);
    r.limits.max_sources = 2;
    run(&r, ALLOC_UNLIMITED);
    assert_int_equal(r.result->slot_count, 2);
    assert_memory_equal(r.result->slots, all, 2 * sizeof *all);
    done(&r);
}

static void changes_are_reported_once_and_apart(void **state)
{
    (void)state;
    struct receiver r = four_cameras();
    want(&r, -1, 180, 0);
    run(&r, 0);
    assert_true(r.result->targets_changed && r.result->forwarded_changed && r.result->heights_changed);
    run(&r, 0);
    assert_false(r.result->targets_changed || r.result->forwarded_changed || r.result->heights_changed);
    run(&r, 200000); /* everybody appears */
    assert_true(r.result->targets_changed && r.result->forwarded_changed);
    assert_false(r.result->heights_changed);
    run(&r, 400000); /* the same, smoother */
    assert_true(r.result->targets_changed);
    assert_false(r.result->forwarded_changed || r.result->heights_changed);
    struct alloc_source swap = r.source[0]; /* another order alone is no news */
    r.source[0] = r.source[3];
    r.source[3] = swap;
    run(&r, 400000);
    assert_false(r.result->targets_changed || r.result->forwarded_changed || r.result->heights_changed);
    r.source[0].key = "another source of the same name";
    run(&r, 400000);
    assert_true(r.result->targets_changed && r.result->forwarded_changed && r.result->heights_changed);
    done(&r);
}

static void random_input_stays_in_budget_whatever_was_before(void **state) /* bridge-channel 16.15, properties */
{
    (void)state;
    srand(1576267371);
    struct receiver r = four_cameras();
    for (int round = 0; round < 20000; round++) {
        static struct layer layers[4][9];
        for (size_t s = 0; s < 4; s++) {
            uint64_t bitrate_bps = 0;
            for (size_t l = 0; l < 9; l++) {
                layers[s][l] = nine[l];
                layers[s][l].bitrate_bps = rand() % 4 ? bitrate_bps += (uint64_t)rand() % 400000 : 0;
            }
            r.source[s].layers = layers[s];
            r.source[s].type = (enum bridge_video_type)(rand() % 4);
        }
        static const int heights[] = {-1, 0, 90, 180, 360, 720, 1080};
        want(&r, rand() % 6 - 1, heights[rand() % 7], rand() % 2 ? heights[rand() % 7] : 0);
        int64_t budget_bps = rand() % 5000000;
        run(&r, budget_bps);
        int64_t total_bps = 0;
        for (size_t i = 0; i < 4; i++)
            total_bps += r.result->choices[i].target_bps;
        if (r.result->oversending) {
            const struct alloc_choice *top = &r.result->choices[0];
            assert_true(top->on_stage);
            assert_true(r.source[top->source].type == BRIDGE_VIDEO_DESKTOP ||
                        r.source[top->source].type == BRIDGE_VIDEO_DESKTOP_HIGH_FPS);
        } else {
            assert_true(total_bps <= budget_bps);
        }
        struct alloc_runner *fresh = alloc_runner_new(&alloc_policy_default);
        const struct alloc *again = alloc_run(fresh, r.wants, r.source, 4, &r.limits, 0);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(again->choices[i].target, r.result->choices[i].target);
        alloc_runner_free(fresh);
    }
    done(&r);
}

static void an_estimate_counts_when_it_moved_by_more_than_15_percent(void **state)
{
    (void)state;
    static const struct {
        int64_t acted_on_bps, now_bps;
        bool moved;
    } rows[] = {
        {-1, -1, false},         {-1, 0, true},           {100000, -1, true},
        {100000, 100000, false}, {100000, 115000, false}, {100000, 115001, true},
        {100000, 85000, false},  {100000, 84999, true},   {0, 1, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(alloc_budget_moved(rows[i].acted_on_bps, rows[i].now_bps, 0.15), rows[i].moved);
}

static void it_asks_to_be_run_again_after_5_s(void **state)
{
    (void)state;
    struct receiver r = four_cameras();
    assert_true(alloc_deadline_us(r.runner) == 0);
    alloc_run(r.runner, r.wants, r.source, r.count, &r.limits, 7);
    assert_true(alloc_deadline_us(r.runner) == 5000007);
    done(&r);
}

/* B is dear: once its layer fits, A must go down for it, or what A was given would have been a mistake. */
static void with_a_hold_places_turn_round_after_it_or_when_they_must(void **state)
{
    (void)state;
    static const struct layer dear[] = {{0, 180, 30, true, 100000}};
    static const struct {
        uint64_t at_us;
        int64_t budget_bps;
        const char *held, *stock;
        bool held_back;
    } rows[] = {
        {SEC(1), 60000, "A:180@7.5", "A:180@7.5", false},
        {SEC(2), 149000, "A:180@15", "A:180@15", false},
        {SEC(3), 160000, "A:180@30", "A:180@7.5 B:180@30", false},
        {SEC(8), 160000, "A:180@7.5 B:180@30", "A:180@7.5 B:180@30", false},
        {SEC(9), 260000, "A:180@7.5 B:180@30", "A:180@30 B:180@30", true},
        {SEC(13), 260000, "A:180@30 B:180@30", "A:180@30 B:180@30", false},
        {SEC(14), 60000, "A:180@7.5", "A:180@7.5", false}, /* must */
    };
    for (int hold = 0; hold < 2; hold++) {
        struct receiver r = four_cameras();
        r.count = 2;
        r.source[1].layers = dear;
        r.source[1].layer_count = 1;
        r.limits.hold_us = hold ? SEC(5) : 0;
        want(&r, -1, 180, 0);
        for (size_t i = 0; i < COUNT(rows); i++) {
            r.limits.budget_bps = rows[i].budget_bps;
            r.result = alloc_run(r.runner, r.wants, r.source, r.count, &r.limits, rows[i].at_us);
            assert_string_equal(shown(&r), hold ? rows[i].held : rows[i].stock);
            assert_int_equal(r.result->held_back, hold && rows[i].held_back);
        }
        done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_budget_gives_what_the_stock_bridge_gives),
        cmocka_unit_test(single_sources_at_the_edges),
        cmocka_unit_test(last_n_counts_only_what_is_on_and_wanted),
        cmocka_unit_test(little_bandwidth_is_shared_in_tiles_and_kept_for_a_screen_on_stage),
        cmocka_unit_test(stage_goes_before_selection_and_selection_before_speech),
        cmocka_unit_test(slots_go_to_the_wanted_then_fill_up),
        cmocka_unit_test(changes_are_reported_once_and_apart),
        cmocka_unit_test(random_input_stays_in_budget_whatever_was_before),
        cmocka_unit_test(an_estimate_counts_when_it_moved_by_more_than_15_percent),
        cmocka_unit_test(it_asks_to_be_run_again_after_5_s),
        cmocka_unit_test(with_a_hold_places_turn_round_after_it_or_when_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
