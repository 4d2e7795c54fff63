/* What holds of explanations: every reason has its row, and the first one that would have to change is told. */
#include "support/hex.h"
#include "media/explain.h"

static struct layer layers[] = {
    {0, 180, 7.5f, false, 0},   {1, 180, 15, false, 0},   {2, 180, 30, false, 0},
    {64, 360, 7.5f, false, 0},  {65, 360, 15, false, 0},  {66, 360, 30, false, 0},
    {128, 720, 7.5f, false, 0}, {129, 720, 15, false, 0}, {130, 720, 30, false, 0},
};

static void every_difference_has_one_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int wanted, most;
        bool capped, on;
        int sent; /* encodings that arrive */
        int target, ideal, layer; /* layer: going out */
        bool waits;
        enum explain_reason reason;
        int height, sent_height;
        bool announced; /* those that do not arrive */
    } rows[] = {
        {"all there is", 720, 720, false, true, 3, 130, 130, 130, false, EXPLAIN_BEST, 720, 720},
        {"unlimited", -1, -1, false, true, 3, 130, 130, 130, false, EXPLAIN_BEST, 720, 720},
        {"a thumbnail was asked for", 180, 180, false, true, 3, 2, 2, 2, false, EXPLAIN_CONSTRAINT, 180, 720},
        {"nothing was asked for", 0, 0, false, true, 0, -1, -1, -1, false, EXPLAIN_CONSTRAINT, 0, 0},
        {"nor of a camera that is off", 0, 0, false, false, 0, -1, -1, -1, false, EXPLAIN_CONSTRAINT, 0, 0},
        {"others come first", 180, 0, false, true, 3, -1, -1, -1, false, EXPLAIN_LAST_N, 0, 720},
        {"the bridge caps everybody", 180, 0, true, true, 3, -1, -1, -1, false, EXPLAIN_CAP, 0, 720},
        {"the camera is off", 720, 0, true, false, 0, -1, -1, -1, false, EXPLAIN_NOT_SENDING, 0, 0},
        {"nothing arrives", 720, 720, false, true, 0, 130, 130, -1, true, EXPLAIN_NOT_SENDING, 0, 0},
        {"the highest does not arrive", 720, 720, false, true, 2, 66, 66, 66, false, EXPLAIN_SENDERS_LINK, 360, 360},
        {"nor is it wanted", 360, 360, false, true, 2, 66, 66, 66, false, EXPLAIN_CONSTRAINT, 360, 360},
        {"the link carries less", 720, 720, false, true, 3, 65, 130, 65, false, EXPLAIN_ESTIMATE, 360, 720},
        {"the link carries nothing", 180, 180, false, true, 3, -1, 2, -1, false, EXPLAIN_ESTIMATE, 0, 720},
        {"nothing goes out yet", 720, 720, false, true, 3, 130, 130, -1, true, EXPLAIN_KEYFRAME, 0, 720},
        {"a lower one still goes out", 720, 720, false, true, 3, 130, 130, 2, true, EXPLAIN_KEYFRAME, 180, 720},
        {"before the estimate matters", 720, 720, false, true, 3, 66, 130, 2, true, EXPLAIN_KEYFRAME, 180, 720},
        {"fewer pictures still go out", 720, 720, false, true, 3, 130, 130, 128, true, EXPLAIN_KEYFRAME, 720, 720},
        {"the highest is announced and silent", 720, 720, false, true, 2, 130, 130, 66, true, EXPLAIN_SENDERS_LINK, 360,
         360, true},
        {"all is announced and silent", 720, 720, false, true, 0, 130, 130, -1, true, EXPLAIN_NOT_SENDING, 0, 0, true},
        {"what is announced and silent is not wanted", 360, 360, false, true, 2, 66, 66, 66, false, EXPLAIN_CONSTRAINT,
         360, 360, true},
    };
    bool seen[EXPLAIN_REASONS] = {false};
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s: %s\n", rows[i].name, explain_word(rows[i].reason));
        for (size_t l = 0; l < COUNT(layers); l++) {
            layers[l].sent = layer_encoding(layers[l].index) < rows[i].sent;
            layers[l].bitrate_bps = layers[l].sent || rows[i].announced ? 100000 * (l + 1) : 0;
        }
        struct alloc_choice choice = {.wanted_height = rows[i].wanted,
                                      .max_height = rows[i].most,
                                      .capped = rows[i].capped,
                                      .target = rows[i].target,
                                      .ideal = rows[i].ideal};
        struct explain_in in = {.choice = &choice,
                                .video_on = rows[i].on,
                                .layers = layers,
                                .layer_count = COUNT(layers),
                                .layer = rows[i].layer,
                                .waits = rows[i].waits};
        struct explain out = explain_source(&in);
        assert_int_equal(out.reason, rows[i].reason);
        assert_int_equal(out.wanted_height, rows[i].wanted);
        assert_int_equal(out.height, rows[i].height);
        assert_int_equal(out.sent_height, rows[i].sent_height);
        seen[out.reason] = true;
    }
    for (int i = 0; i < EXPLAIN_REASONS; i++)
        assert_true(seen[i] && explain_word((enum explain_reason)i)[0]);
}

/* A camera of 640x360 whose third encoding was never seen, so that it still counts as 720. */
static void a_small_cameras_silent_encoding_is_missed(void **state)
{
    (void)state;
    const struct layer small[] = {{0, 90, 30, true, 50000}, {64, 180, 30, true, 150000}, {128, 720, 30, false, 0}};
    static const struct {
        int wanted;
        enum explain_reason reason;
    } rows[] = {{-1, EXPLAIN_SENDERS_LINK},
                {720, EXPLAIN_SENDERS_LINK},
                {360, EXPLAIN_SENDERS_LINK},
                {180, EXPLAIN_CONSTRAINT}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct alloc_choice choice = {
            .wanted_height = rows[i].wanted, .max_height = rows[i].wanted, .target = 64, .ideal = 64};
        struct explain_in in = {
            .choice = &choice, .video_on = true, .layers = small, .layer_count = COUNT(small), .layer = 64};
        assert_int_equal(explain_source(&in).reason, rows[i].reason);
    }
}

static void a_source_without_layers_is_not_sending(void **state)
{
    (void)state;
    struct alloc_choice choice = {.wanted_height = 180, .max_height = 180, .target = LAYER_NONE, .ideal = LAYER_NONE};
    struct explain_in in = {.choice = &choice, .video_on = true, .layer = LAYER_NONE};
    assert_int_equal(explain_source(&in).reason, EXPLAIN_NOT_SENDING);
}

/* One encoding of three spatial layers: what goes out is told by its layer, not by its encoding. */
static void a_spatial_layer_below_the_chosen_is_told_as_it_is(void **state)
{
    (void)state;
    const struct layer svc[] = {{2, 180, 30, true, 50000}, {9, 360, 15, true, 150000}, {18, 720, 30, true, 500000}};
    struct alloc_choice choice = {.wanted_height = 720, .max_height = 720, .target = 18, .ideal = 18};
    struct explain_in in = {
        .choice = &choice, .video_on = true, .layers = svc, .layer_count = COUNT(svc), .layer = 9, .waits = true};
    struct explain out = explain_source(&in);
    assert_int_equal(out.reason, EXPLAIN_KEYFRAME);
    assert_int_equal(out.height, 360);
    assert_true(out.framerate > 14 && out.framerate < 16);
    assert_int_equal(out.target_height, 720);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_difference_has_one_reason),
        cmocka_unit_test(a_small_cameras_silent_encoding_is_missed),
        cmocka_unit_test(a_spatial_layer_below_the_chosen_is_told_as_it_is),
        cmocka_unit_test(a_source_without_layers_is_not_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
