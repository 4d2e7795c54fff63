/* What holds of layers: SSRCs find their encoding, and what is being sent is measured, not believed. */
#include "support/dd_vectors.h"
#include "support/hex.h"
#include "media/layer.h"

static void signalled_ssrcs_become_encodings(void **state) /* media 10.1 */
{
    (void)state;
    static const uint32_t sim[] = {1, 2, 3}, fid1[] = {1, 11}, fid2[] = {2, 12}, fid3[] = {3, 13}, alone[] = {5, 15},
                          fec[] = {5, 25}, five[] = {1, 2, 3, 4, 5};
    static const struct {
        const char *name;
        uint32_t ssrcs[8];
        size_t count;
        struct layer_group groups[5];
        size_t group_count;
        struct layer_source want[3];
        size_t want_count;
    } rows[] = {
        {"simulcast with RTX",
         {1, 2, 3, 11, 12, 13},
         6,
         {{LAYER_GROUP_FID, fid1, 2},
          {LAYER_GROUP_SIM, sim, 3},
          {LAYER_GROUP_FID, fid2, 2},
          {LAYER_GROUP_FID, fid3, 2}},
         4,
         {{3, {{1, 11}, {2, 12}, {3, 13}}}},
         1},
        {"simulcast without RTX", {3, 2, 1}, 3, {{LAYER_GROUP_SIM, sim, 3}}, 1, {{3, {{1, 0}, {2, 0}, {3, 0}}}}, 1},
        {"one pair", {5, 15}, 2, {{LAYER_GROUP_FID, alone, 2}}, 1, {{1, {{5, 15}}}}, 1},
        {"one SSRC", {5}, 1, {{0}}, 0, {{1, {{5, 0}}}}, 1},
        {"FEC carries no video", {5, 25}, 2, {{LAYER_GROUP_OTHER, fec, 2}}, 1, {{1, {{5, 0}}}}, 1},
        {"simulcast and a pair",
         {1, 2, 3, 5, 15},
         5,
         {{LAYER_GROUP_FID, alone, 2}, {LAYER_GROUP_SIM, sim, 3}},
         2,
         {{3, {{1, 0}, {2, 0}, {3, 0}}}, {1, {{5, 15}}}},
         2},
        {"a group of one is no pair", {5}, 1, {{LAYER_GROUP_FID, alone, 1}}, 1, {{1, {{5, 0}}}}, 1},
        {"more encodings than we take",
         {1, 2, 3, 4},
         4,
         {{LAYER_GROUP_SIM, five, 5}},
         1,
         {{4, {{1, 0}, {2, 0}, {3, 0}, {4, 0}}}},
         1},
        {"the same group twice",
         {1, 2, 3},
         3,
         {{LAYER_GROUP_SIM, sim, 3}, {LAYER_GROUP_SIM, sim, 3}},
         2,
         {{3, {{1, 0}, {2, 0}, {3, 0}}}},
         1},
        {"an empty group", {5}, 1, {{LAYER_GROUP_SIM, sim, 0}}, 1, {{1, {{5, 0}}}}, 1},
        {"nothing", {0}, 0, {{0}}, 0, {{0}}, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct layer_source out[3];
        size_t n = layer_sources_from(rows[i].ssrcs, rows[i].count, rows[i].groups, rows[i].group_count, out, 3);
        assert_int_equal(n, rows[i].want_count);
        for (size_t s = 0; s < n; s++) {
            assert_int_equal(out[s].count, rows[i].want[s].count);
            for (size_t e = 0; e < out[s].count; e++) {
                assert_int_equal(out[s].encoding[e].ssrc, rows[i].want[s].encoding[e].ssrc);
                assert_int_equal(out[s].encoding[e].rtx, rows[i].want[s].encoding[e].rtx);
            }
        }
    }
    static const uint32_t many[] = {1, 2, 3, 4, 5};
    struct layer_source out[2];
    assert_int_equal(layer_sources_from(many, 5, NULL, 0, out, 2), 2);
}

static struct media_pkt packet(int encoding, int tid)
{
    struct media_pkt m = {.codec = CODEC_VP8, .encoding = (uint8_t)encoding, .payload_at = 12, .payload_len = 1238};
    m.vp8.tid = (uint8_t)tid;
    return m;
}

static void a_signalled_source_has_nominal_layers(void **state)
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 3);
    assert_int_equal(layers_describe(&layers, SEC(1), out), 9);
    static const int index[] = {0, 1, 2, 64, 65, 66, 128, 129, 130};
    static const float framerate[] = {7.5f, 15, 30};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(out[i].index, index[i]);
        assert_int_equal(out[i].height, 180 << i / 3);
        assert_true(out[i].framerate == framerate[i % 3]);
        assert_int_equal(out[i].bitrate_bps, 0);
    }
    assert_int_equal(layer_encoding(130), 2);
    assert_int_equal(layer_tid(130), 2);
    assert_int_equal(layer_encoding(LAYER_NONE), -1);
    layers_init(&layers, 0);
    assert_int_equal(layers.count, 1);
    layers_init(&layers, 99);
    assert_int_equal(layers.count, LAYER_ENCODINGS_MAX);
}

static void bitrates_add_up_over_temporal_layers(void **state)
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 2);
    for (int i = 0; i < 100; i++) { /* 1250 bytes each 20 ms, two in three on layer 1 */
        struct media_pkt m = packet(1, i % 3 ? 1 : 0);
        layers_on_packet(&layers, &m, MS(20) * (uint64_t)i);
    }
    layers_describe(&layers, MS(1999), out);
    assert_int_equal(out[0].bitrate_bps, 0);
    assert_true(out[3].bitrate_bps > 150000 && out[3].bitrate_bps < 185000);
    assert_true(out[4].bitrate_bps > 480000 && out[4].bitrate_bps < 520000);
    assert_true(out[5].bitrate_bps == out[4].bitrate_bps); /* nothing on layer 2: the same stream */
}

static void waking_up_is_reported_once_and_again_after_silence_was_seen(void **state) /* media trap 24 */
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 2);
    struct media_pkt low = packet(0, 0), high = packet(1, 0);
    assert_true(layers_on_packet(&layers, &low, SEC(1)));
    assert_false(layers_on_packet(&layers, &low, SEC(1) + MS(20)));
    assert_true(layers_on_packet(&layers, &high, SEC(1) + MS(30)));
    layers_describe(&layers, SEC(1) + MS(900), out);
    assert_true(out[3].bitrate_bps > 0);
    assert_false(layers_on_packet(&layers, &high, SEC(4))); /* nobody has looked in between */
    layers_describe(&layers, SEC(6), out);
    assert_int_equal(out[3].bitrate_bps, 0);
    assert_true(layers_on_packet(&layers, &high, SEC(6) + MS(1)));
    struct media_pkt stray = packet(2, 0);
    assert_false(layers_on_packet(&layers, &stray, SEC(6)));
}

static void a_slow_source_is_not_silent_between_its_pictures(void **state) /* a still screen */
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 2);
    struct media_pkt low = packet(0, 0), high = packet(1, 0);
    uint64_t us = SEC(1);
    unsigned woken = 0;
    for (int picture = 0; picture < 20; picture++, us += SEC(3)) {
        for (int i = 0; i < 3; i++) {
            woken += layers_on_packet(&layers, &low, us + MS(10) * (uint64_t)i);
            woken += layers_on_packet(&layers, &high, us + MS(10) * (uint64_t)i);
        }
        layers_describe(&layers, us + MS(100), out);
        uint64_t at_once_bps = out[3].bitrate_bps;
        layers_describe(&layers, us + SEC(2), out);
        if (picture >= 2) {
            assert_in_range(out[3].bitrate_bps, 9900, 10100); /* three packets of 1250 bytes in three seconds */
            assert_int_equal(out[3].bitrate_bps, at_once_bps);
            assert_true(out[0].sent);
        }
    }
    assert_int_equal(woken, 6);                            /* with the first three pictures, until it is known */
    layers_describe(&layers, us - SEC(3) + MS(7600), out); /* two pictures and a half did not come */
    assert_int_equal(out[3].bitrate_bps, 0);
    us += SEC(10);
    for (int i = 0; i < 100; i++) /* moving pictures end within a second, whatever was before */
        layers_on_packet(&layers, &high, us + MS(10) * (uint64_t)i);
    layers_describe(&layers, us + SEC(1), out);
    assert_true(out[3].bitrate_bps > 900000);
    layers_describe(&layers, us + SEC(2) + MS(20), out);
    assert_int_equal(out[3].bitrate_bps, 0);
}

static void sizes_come_from_key_frames_and_go_with_the_codec(void **state)
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 1);
    struct media_pkt m = packet(0, 0);
    layers_on_packet(&layers, &m, SEC(1));
    m.vp8.keyframe = true;
    m.vp8.width = 270; /* portrait: the smaller side counts */
    m.vp8.height = 480;
    assert_true(layers_on_packet(&layers, &m, SEC(1)));
    assert_false(layers_on_packet(&layers, &m, SEC(1)));
    layers_describe(&layers, SEC(1), out);
    assert_int_equal(out[2].height, 270);
    m.codec = CODEC_AV1;
    m.vp8 = (struct vp8_desc){0};
    assert_true(layers_on_packet(&layers, &m, SEC(1)));
    layers_describe(&layers, SEC(1), out);
    assert_int_equal(out[2].height, 180);
}

/* ---- spatial layers ---- */

static struct media_pkt vp9_packet(struct pkt *pkt, const char *payload_hex)
{
    struct media_pkt m = {.pkt = pkt, .codec = CODEC_VP9, .payload_at = 12};
    struct bytes payload = from_hex(payload_hex, pkt->data + 12, 64);
    m.payload_len = (uint16_t)payload.n;
    assert_int_equal(vp9_desc_parse(payload, &m.vp9), E_OK);
    m.payload_len = 1238; /* counts, is not looked at */
    return m;
}

static const char ss_of_three[] = "aa 9e65 00 fd 58 0140 00b4 0280 0168 0500 02d0 04 04 04 54 01 34 02 54 01 01";

static void a_structure_makes_one_encoding_of_spatial_layers(void **state) /* media trap 25 */
{
    (void)state;
    static struct pkt pkt;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 3);
    struct media_pkt m = vp9_packet(&pkt, ss_of_three);
    assert_true(layers_on_packet(&layers, &m, SEC(1)));
    assert_false(layers_on_packet(&layers, &m, SEC(1)));
    assert_int_equal(layers_describe(&layers, SEC(1), out), 9); /* encodings 1 and 2 are silent: left out */
    for (int i = 0; i < 9; i++) {
        assert_int_equal(out[i].index, layer_index(0, i / 3, i % 3));
        assert_int_equal(layer_sid(out[i].index), i / 3);
        assert_int_equal(out[i].height, 180 << i / 3);
    }
    m = vp9_packet(&pkt, "a8 8001 04 05 01");
    assert_true(layers_on_packet(&layers, &m, SEC(1))); /* spatial layer 2 wakes up */
    assert_false(layers_on_packet(&layers, &m, SEC(1)));
    m = vp9_packet(&pkt, "aa 9e65 00 fd 38 00b4 0140 0168 0280 01 10 01"); /* portrait, one picture in the group */
    assert_true(layers_on_packet(&layers, &m, SEC(1)));
    assert_int_equal(layers_describe(&layers, SEC(1), out), 6);
    assert_int_equal(out[5].height, 360);
    assert_true(out[3].framerate == 30.0f);
    m.encoding = 1;
    assert_true(layers_on_packet(&layers, &m, SEC(1))); /* simulcast after all */
    assert_int_equal(layers_describe(&layers, SEC(1), out), 12);
}

/* Of a stream with this structure: its key frame, or a frame of the template of (sid, tid) that comes last. */
static struct media_pkt dd_packet(struct pkt *pkt, const char *hex, bool key, unsigned sid, unsigned tid)
{
    static struct dd_structure s;
    struct bytes data = from_hex(hex, pkt->data, 256);
    struct media_pkt m = {
        .pkt = pkt, .codec = CODEC_AV1, .has_dd = true, .dd_len = (uint8_t)data.n, .payload_len = 100};
    assert_int_equal(dd_parse(data, NULL, &s, &m.dd), E_OK);
    m.dd.active = (1u << s.target_count) - 1;
    if (key)
        return m;
    m.dd.has_structure = false;
    for (unsigned i = 0; i < s.template_count; i++) {
        const struct dd_template *t = &s.templates[i];
        if (t->sid != sid || t->tid != tid || (t->fdiff_count == 0 && m.dd.fdiff_count))
            continue;
        m.dd.sid = t->sid;
        m.dd.tid = t->tid;
        m.dd.dti = t->dti;
        m.dd.fdiff_count = t->fdiff_count;
    }
    return m;
}

static void a_dependency_structure_names_layers_and_the_mask_those_that_are_sent(void **state) /* media.md 11.4 */
{
    (void)state;
    static struct pkt pkt;
    static const struct {
        const char *hex;
        bool stacked;
    } rows[] = {{DD_L3T3_KEY, false}, {DD_L3T3, true}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct layers layers;
        struct layer out[LAYERS_MAX];
        layers_init(&layers, 3);
        struct media_pkt m = dd_packet(&pkt, rows[r].hex, true, 0, 0);
        assert_true(layers_on_packet(&layers, &m, SEC(1)));
        assert_false(layers_on_packet(&layers, &m, SEC(1)));
        assert_int_equal(layers_describe(&layers, SEC(1), out), 9); /* one encoding, as with VP9: media trap 25 */
        static const float framerate[] = {7.5f, 15, 30};
        for (int i = 0; i < 9; i++) {
            assert_int_equal(out[i].height, 180 << i / 3);
            assert_true(out[i].framerate == framerate[i % 3]);
        }
        m = dd_packet(&pkt, rows[r].hex, false, 0, 0);
        layers_on_packet(&layers, &m, SEC(1));
        assert_int_equal(layers.encoding[0].stacked, rows[r].stacked);
        m.dd.active = 7; /* the sender leaves out all but the lowest spatial layer */
        assert_true(layers_on_packet(&layers, &m, SEC(1)));
        assert_false(layers_on_packet(&layers, &m, SEC(1)));
        assert_int_equal(layers_describe(&layers, SEC(1), out), 3);
        m.dd.known = false; /* what cannot be read changes nothing */
        m.dd.active = 0x1ff;
        assert_false(layers_on_packet(&layers, &m, SEC(1)));
    }
}

static void spatial_layers_add_up_only_where_they_are_stacked(void **state) /* media.md 10.3 */
{
    (void)state;
    static struct pkt pkt;
    static const struct {
        const char *low, *high;
        bool stacked;
    } rows[] = {
        {"e9 8001 00 05 01", "e8 8001 04 05 01", false}, /* K-SVC */
        {"e8 8001 00 05 01", "e8 8001 05 05 01", true},  /* full SVC */
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct layers layers;
        struct layer out[LAYERS_MAX];
        layers_init(&layers, 1);
        struct media_pkt ss = vp9_packet(&pkt, ss_of_three);
        layers_on_packet(&layers, &ss, 0);
        for (int i = 0; i < 100; i++) {
            struct media_pkt m = vp9_packet(&pkt, rows[r].low);
            layers_on_packet(&layers, &m, MS(20) * (uint64_t)i);
            m = vp9_packet(&pkt, rows[r].high);
            layers_on_packet(&layers, &m, MS(20) * (uint64_t)i);
            layers_on_packet(&layers, &m, MS(20) * (uint64_t)i);
        }
        assert_int_equal(layers_describe(&layers, MS(1999), out), 9);
        assert_true(out[0].bitrate_bps > 480000 && out[0].bitrate_bps < 520000);
        assert_int_equal(out[3].bitrate_bps, 0); /* spatial layer 1 is not sent */
        uint64_t high_bps = rows[r].stacked ? 1500000 : 1000000;
        assert_true(out[6].bitrate_bps > high_bps - 40000 && out[6].bitrate_bps < high_bps + 40000);
    }
}

/* ---- what the sender says of its layers ---- */

static struct rtp_vla vla(const char *hex)
{
    uint8_t buf[128];
    struct rtp_vla v;
    assert_int_equal(rtp_ext_vla_parse(from_hex(hex, buf, sizeof buf), &v), E_OK);
    return v;
}

static const char two_encodings[] =
    "11 a0 50 78 c801 fa01 f403 e807 013f 00b3 18 0167 027f 18"; /* the second in portrait */

static void sizes_and_frame_rates_are_those_the_sender_tells(void **state) /* media.md 10.5 */
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 3);
    struct rtp_vla v = vla(two_encodings);
    assert_true(layers_on_vla(&layers, CODEC_VP8, &v));
    assert_false(layers_on_vla(&layers, CODEC_VP8, &v));
    layers_describe(&layers, SEC(1), out);
    static const float framerates[] = {6, 12, 24};
    static const int heights[] = {180, 360, 720};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(out[i].height, heights[i / 3]);
        assert_int_equal(out[i].bitrate_bps, 0); /* measured, and nothing has come */
        assert_true(i >= 6 || out[i].framerate == framerates[i % 3]);
    }
    v = vla("11 90 50 78 c801 fa01 f403 01df 010d 1e 027f 0167 0f"); /* another size, two temporal layers */
    assert_true(layers_on_vla(&layers, CODEC_VP8, &v));
    layers_describe(&layers, SEC(1), out);
    assert_int_equal(out[0].height, 270);
    assert_true(out[3].framerate == 7.5f && out[4].framerate == 15 && out[5].framerate == 15);
    assert_true(layers_on_vla(&layers, CODEC_VP9, &v)); /* another codec begins anew, then takes it over */
    layers_describe(&layers, SEC(1), out);
    assert_int_equal(out[0].height, 270);
    assert_int_equal(out[6].height, 720);
}

static void targets_count_only_when_chosen_and_as_long_as_they_are_told(void **state) /* use-vla-target-bitrate */
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    layers_init(&layers, 3);
    layers.by_targets = true;
    struct rtp_vla v = vla(two_encodings);
    layers_on_vla(&layers, CODEC_VP8, &v);
    layers_describe(&layers, SEC(1), out);
    static const uint64_t kbps[] = {80, 120, 200, 250, 500, 1000, 0, 0, 0};
    for (int i = 0; i < 9; i++)
        assert_int_equal(out[i].bitrate_bps, 1000 * kbps[i]);
    struct media_pkt m = packet(2, 0); /* of which it says nothing: measured */
    layers_on_packet(&layers, &m, SEC(1));
    layers_describe(&layers, SEC(1), out);
    assert_true(out[6].bitrate_bps > 0);
    v = vla("00"); /* all off */
    layers_on_vla(&layers, CODEC_VP8, &v);
    layers_describe(&layers, SEC(1), out);
    assert_int_equal(out[0].bitrate_bps, 0);
    assert_int_equal(out[3].bitrate_bps, 0);
}

static void spatial_layers_are_told_apart_and_more_than_there_can_be_are_left_out(void **state)
{
    (void)state;
    struct layers layers;
    struct layer out[LAYERS_MAX];
    static struct pkt pkt;
    layers_init(&layers, 1);
    layers.by_targets = true;
    struct media_pkt ss = vp9_packet(&pkt, ss_of_three);
    layers_on_packet(&layers, &ss, SEC(1));
    struct rtp_vla v = vla("3f 000000 00 0a 14 1e 28 32 3c 46 50 5a 5b 5c 5d 5e 5f 60 61"); /* four of four */
    layers_on_vla(&layers, CODEC_VP9, &v);
    assert_int_equal(layers_describe(&layers, SEC(1), out), 9);
    static const uint64_t kbps[] = {10, 20, 30};
    for (int i = 0; i < 9; i++)
        assert_int_equal(out[i].bitrate_bps, 1000 * kbps[i / 3]); /* one temporal layer is as good as three */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signalled_ssrcs_become_encodings),
        cmocka_unit_test(a_signalled_source_has_nominal_layers),
        cmocka_unit_test(bitrates_add_up_over_temporal_layers),
        cmocka_unit_test(waking_up_is_reported_once_and_again_after_silence_was_seen),
        cmocka_unit_test(a_slow_source_is_not_silent_between_its_pictures),
        cmocka_unit_test(sizes_come_from_key_frames_and_go_with_the_codec),
        cmocka_unit_test(a_structure_makes_one_encoding_of_spatial_layers),
        cmocka_unit_test(a_dependency_structure_names_layers_and_the_mask_those_that_are_sent),
        cmocka_unit_test(spatial_layers_add_up_only_where_they_are_stacked),
        cmocka_unit_test(sizes_and_frame_rates_are_those_the_sender_tells),
        cmocka_unit_test(targets_count_only_when_chosen_and_as_long_as_they_are_told),
        cmocka_unit_test(spatial_layers_are_told_apart_and_more_than_there_can_be_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
