/* What holds of projection whatever the codec: temporal layers that are not wanted stay away and come back, encodings switch at key
 * frames, and the receiver sees one stream without a hole all the while. Frames have one packet each. */
#include "media/project.h"
#include "support/dd_vectors.h"
#include "support/hex.h"

enum { ENCODINGS = 3, PICTURES = 40 };

/* Temporal layers 0 2 1 2, as in most of what browsers send. How a frame says that it is of one is the codec's: */
enum says { BY_NUMBERS, BY_GROUP, BY_REFERENCES, BY_DD };

static const struct sender {
    const char *name;
    enum codec codec;
    enum says says;
} senders[] = {
    {"VP8", CODEC_VP8, BY_NUMBERS},
    {"VP9", CODEC_VP9, BY_GROUP},
    {"VP9, flexible", CODEC_VP9, BY_REFERENCES},
    {"AV1", CODEC_AV1, BY_DD},
    {"H.264 with a descriptor", CODEC_H264, BY_DD},
    {"H.265 with a descriptor", CODEC_H265, BY_DD},
    {"another codec with a descriptor", CODEC_OTHER, BY_DD},
};

static const uint8_t tids[] = {0, 2, 1, 2}, back[] = {4, 1, 2, 1};
static struct pkt structure_pkt, group_pkt;
static struct dd_structure structure;
static struct bytes structure_bytes;

static void fill_vp8(struct media_pkt *m, int picture, bool key)
{
    unsigned tid = tids[picture % 4];
    m->vp8 = (struct vp8_desc){.len = 1,
                               .start = true,
                               .keyframe = key,
                               .has_tid = true,
                               .tid = (uint8_t)tid,
                               .layer_sync = tid > 0,
                               .pictureid_at = 2,
                               .pictureid_long = true,
                               .pictureid = (uint16_t)(picture + 10) & 0x7fff,
                               .tl0picidx_at = 4,
                               .tl0picidx = (uint8_t)(picture / 4)};
}

static void fill_vp9(struct media_pkt *m, enum says says, int picture, bool key)
{
    m->pkt = &group_pkt;
    m->vp9 = (struct vp9_desc){.has_layers = true,
                               .tid = tids[picture % 4],
                               .inter = !key,
                               .start = true,
                               .end = true,
                               .not_upper_ref = true,
                               .switch_up = tids[picture % 4] > 0,
                               .flexible = says == BY_REFERENCES,
                               .pictureid_at = 1,
                               .pictureid_long = true,
                               .pictureid = (uint16_t)(picture + 10) & 0x7fff};
    if (says == BY_GROUP) {
        m->vp9.tl0picidx_at = 4;
        m->vp9.tl0picidx = (uint8_t)(picture / 4);
        m->vp9.ss_at = key ? 5 : 0;
        m->vp9.sids = key;
    } else if (!key) {
        m->vp9.ref_count = 1;
        m->vp9.refs[0] = back[picture % 4];
    }
}

static void fill_dd(struct media_pkt *m, int picture, bool key)
{
    unsigned at = 0, tid = tids[picture % 4];
    while (structure.templates[at].tid != tid || (structure.templates[at].fdiff_count == 0) != key)
        at++;
    m->pkt = &structure_pkt;
    m->has_dd = true;
    m->dd_len = (uint8_t)structure_bytes.n;
    m->dd = (struct dd_desc){.dti = structure.templates[at].dti,
                             .active = 7,
                             .frame_number = (uint16_t)(picture + 10),
                             .fdiffs = {back[picture % 4]},
                             .fdiff_count = !key,
                             .template_id = (uint8_t)at,
                             .template_count = structure.template_count,
                             .target_count = structure.target_count,
                             .tid = (uint8_t)tid,
                             .start = true,
                             .end = true,
                             .has_structure = key,
                             .known = true};
}

static struct media_pkt packet_of(const struct sender *s, int encoding, int picture, bool key)
{
    struct media_pkt m = {.codec = (uint8_t)s->codec,
                          .encoding = (uint8_t)encoding,
                          .ssrc = 100u + (unsigned)encoding,
                          .payload_len = 100,
                          .seq_wide = 65536 + encoding * 1000 + picture,
                          .ts = (uint32_t)(encoding * 7777777 + picture * 3000),
                          .marker = true,
                          .keyframe = key,
                          .frame_start = true};
    if (s->says == BY_NUMBERS)
        fill_vp8(&m, picture, key);
    else if (s->says == BY_DD)
        fill_dd(&m, picture, key);
    else
        fill_vp9(&m, s->says, picture, key);
    return m;
}

static int make_structure(void **state)
{
    (void)state;
    struct dd_desc d;
    /* a descriptor, and from its sixth byte the group of pictures, RFC 9628 4.2.1 */
    from_hex("aa 9e65 00 fd 08 04 0404 5401 3402 5401", group_pkt.data, 64);
    structure_bytes = from_hex(DD_L1T3, structure_pkt.data, 256);
    assert_int_equal(dd_parse(structure_bytes, NULL, &structure, &d), E_OK);
    return 0;
}

struct watch { /* what the receiver saw */
    bool started;
    struct project_out last;
    int count, of_encoding[ENCODINGS], of_tid[3];
};

static void see(struct watch *w, const struct media_pkt *m, int picture, const struct project_out *out)
{
    if (w->started) {
        assert_int_equal((uint16_t)(out->seq - w->last.seq), 1);
        assert_in_range(out->ts - w->last.ts, 90, 9 * 3000);
    }
    assert_true(out->marker);
    w->started = true;
    w->last = *out;
    w->count++;
    w->of_encoding[m->encoding]++;
    w->of_tid[tids[picture % 4]]++;
}

static void temporal_layers_that_are_not_wanted_stay_away_and_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(senders); i++) {
        print_message("  %s\n", senders[i].name);
        static const int wanted[] = {2, 1, 0, 1, 2}; /* for 8 pictures each */
        struct project p;
        struct watch all = {0};
        project_init(&p, 90000, 65530, 0xffffff00u);
        for (size_t w = 0; w < COUNT(wanted); w++) {
            struct watch seen = {.started = all.started, .last = all.last};
            project_set_target(&p, layer_index(0, 0, wanted[w]));
            for (int k = 0; k < 8; k++) {
                int picture = (int)w * 8 + k;
                struct media_pkt m = packet_of(&senders[i], 0, picture, picture == 0);
                struct project_out out;
                if (project_offer(&p, &m, MS(33) * (uint64_t)picture, &out))
                    see(&seen, &m, picture, &out);
            }
            assert_int_equal(seen.of_tid[0], 2); /* a change of target takes the pictures from the next on */
            assert_int_equal(seen.of_tid[1], wanted[w] >= 1 ? 2 : 0);
            assert_int_equal(seen.of_tid[2], wanted[w] >= 2 ? 4 : 0);
            assert_int_equal(project_layer(&p), layer_index(0, 0, wanted[w]));
            all = seen;
        }
        assert_false(project_wants_keyframe(&p));
    }
}

static void encodings_switch_at_key_frames_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(senders); i++) {
        print_message("  %s\n", senders[i].name);
        static const int wanted[] = {0, 2, 1,
                                     0}; /* for twelve pictures each; key frames come in the fifth, where asked for */
        struct project p;
        struct watch all = {0};
        project_init(&p, 90000, 65530, 0xffffff00u);
        for (size_t w = 0; w < COUNT(wanted); w++) {
            struct watch seen = {.started = all.started, .last = all.last};
            bool asked = false;
            project_set_target(&p, layer_index(wanted[w], 0, 2));
            for (int k = 0; k < 12; k++) {
                int picture = (int)w * 12 + k;
                for (int e = 0; e < ENCODINGS; e++) {
                    struct media_pkt m = packet_of(&senders[i], e, picture, (asked || w == 0) && k == (w ? 4 : 0));
                    struct project_out out;
                    if (project_offer(&p, &m, SEC(1) * (uint64_t)w + MS(33) * (uint64_t)picture, &out))
                        see(&seen, &m, picture, &out);
                }
                asked |= project_wants_keyframe(&p);
            }
            assert_int_equal(asked, w > 0);
            assert_int_equal(project_encoding(&p), wanted[w]);
            assert_int_equal(seen.of_encoding[wanted[w]], w ? 8 : 12);
            for (int e = 0; e < ENCODINGS; e++) /* of a group of key frames, those on the way may go out */
                if (e != wanted[w] && (w == 0 || e != wanted[w - 1]))
                    assert_in_range(seen.of_encoding[e], 0, w > 0);
            if (w > 0)
                assert_in_range(seen.of_encoding[wanted[w - 1]], 1, 5);
            all = seen;
        }
    }
}

/* On the same SSRC: nothing of the new one goes out before its key frame, whether or not the same rules apply (media trap 29). */
static void another_codec_starts_with_a_key_frame(void **state)
{
    (void)state;
    for (size_t from = 0; from < COUNT(senders); from++)
        for (size_t to = 0; to < COUNT(senders); to++) {
            if (senders[from].codec == senders[to].codec)
                continue;
            print_message("  %s to %s\n", senders[from].name, senders[to].name);
            struct project p;
            struct project_out out;
            struct watch seen = {0};
            project_init(&p, 90000, 65530, 0xffffff00u);
            project_set_target(&p, layer_index(0, 0, 2));
            for (int picture = 0; picture < 24; picture++) {
                bool changed = picture >= 8, key = picture == 0 || picture == 12;
                struct media_pkt m = packet_of(&senders[changed ? to : from], 0, picture, key);
                bool sent = project_offer(&p, &m, MS(33) * (uint64_t)picture, &out);
                assert_int_equal(sent, !changed || picture >= 12);
                assert_int_equal(project_wants_keyframe(&p), changed && picture < 12);
                if (sent)
                    see(&seen, &m, picture, &out);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temporal_layers_that_are_not_wanted_stay_away_and_come_back),
        cmocka_unit_test(encodings_switch_at_key_frames_alone),
        cmocka_unit_test(another_codec_starts_with_a_key_frame),
    };
    return cmocka_run_group_tests(tests, make_structure, NULL);
}
