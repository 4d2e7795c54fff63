/* What holds of H.264 and H.265 projection: the receiver sees one stream, whatever encodings it is made of and however its
 * packets arrive; and payloads that tell nothing do not stop it. */
#include <stdlib.h>

#include "support/hex.h"
#include "media/project.h"
#include "proto/seq.h"

enum { ENCODINGS = 3 };

struct sender {
    int64_t seq[ENCODINGS];
    uint32_t ts_base[ENCODINGS];
    bool encrypted; /* payloads tell nothing: rx_path sees where frames begin, but no key frames */
    enum codec codec;
};

static struct sender sender_at(int64_t seq)
{
    struct sender s = {.codec = CODEC_H264};
    for (int e = 0; e < ENCODINGS; e++) {
        s.seq[e] = 65536 + seq + e * 1000;
        s.ts_base[e] = 0xffff0000u + (uint32_t)e * 77777777u;
    }
    return s;
}

static void make_frame(struct sender *s, int encoding, int packets, bool key, uint64_t time_ms, struct media_pkt *out)
{
    for (int i = 0; i < packets; i++)
        out[i] = (struct media_pkt){
            .codec = (uint8_t)s->codec,
            .encoding = (uint8_t)encoding,
            .ssrc = 100u + (unsigned)encoding,
            .seq_wide = s->seq[encoding]++,
            .ts = (uint32_t)(s->ts_base[encoding] + time_ms * 90),
            .marker = i == packets - 1,
            .frame_start = i == 0,
            .keyframe = key && i < 2 && !s->encrypted, /* as with parameter sets in a packet of their own */
        };
}

static struct project receiver(int encoding)
{
    struct project p;
    project_init(&p, 90000, 1000, 5000);
    project_set_target(&p, encoding < 0 ? LAYER_NONE : layer_index(encoding, 0, 2));
    return p;
}

static bool offer_one(struct project *p, struct sender *s, int encoding, bool key, uint64_t time_ms,
                      struct project_out *out)
{
    struct media_pkt m;
    make_frame(s, encoding, 1, key, time_ms, &m);
    return project_offer(p, &m, MS(time_ms), out);
}

static void it_starts_with_a_key_frame_and_asks_until_then(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        struct sender s = sender_at(0);
        s.codec = c ? CODEC_H265 : CODEC_H264;
        struct project p = receiver(0);
        struct project_out out;
        assert_true(project_wants_keyframe(&p));
        assert_false(offer_one(&p, &s, 0, false, 0, &out));
        assert_true(project_wants_keyframe(&p));
        assert_true(offer_one(&p, &s, 0, true, 33, &out));
        assert_false(project_wants_keyframe(&p));
        assert_int_equal(out.seq, 1000);
        assert_int_equal(out.ts, 5000);
        assert_int_equal(project_encoding(&p), 0);
        assert_true(offer_one(&p, &s, 0, false, 66, &out));
        assert_int_equal(out.seq, 1001);
        assert_int_equal(out.ts, 5000 + 2970);
    }
}

static void the_second_packet_of_a_key_frame_is_no_start(void **state)
{
    (void)state;
    struct sender s = sender_at(0);
    struct media_pkt m[3];
    struct project_out out;
    struct project p = receiver(0);
    make_frame(&s, 0, 3, true, 0, m);
    assert_false(project_offer(&p, &m[1], 0, &out));
    assert_false(project_offer(&p, &m[0], 0, &out)); /* its rest has been withheld */
    assert_false(project_offer(&p, &m[2], 0, &out));
    assert_true(project_wants_keyframe(&p));
}

static void encodings_switch_at_key_frames_without_a_seam(void **state)
{
    (void)state;
    static const int64_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct sender s = sender_at(starts[i]);
        struct project p = receiver(0);
        struct project_out out;
        uint16_t next = 1000;
        uint32_t ts = 0;
        int shown = 0;
        bool asked = true; /* the sender answers with a key frame on all encodings */
        for (int f = 0; f < 200; f++) {
            int target = f < 50 ? 0 : f < 100 ? 2 : f < 150 ? 1 : 2;
            project_set_target(&p, layer_index(target, 0, 2));
            bool key = asked;
            asked = false;
            int sent = 0;
            for (int e = 0; e < ENCODINGS; e++) {
                struct media_pkt m[2];
                make_frame(&s, e, 2, key, (uint64_t)f * 33, m);
                for (int k = 0; k < 2; k++) {
                    bool goes = project_offer(&p, &m[k], MS(33) * (uint64_t)f, &out);
                    asked |= project_wants_keyframe(&p);
                    if (!goes)
                        continue;
                    sent++;
                    assert_int_equal(out.seq, next++);
                    assert_int_equal(out.marker, m[k].marker);
                    assert_true(!ts || (m[k].frame_start ? ts_newer(out.ts, ts) : out.ts == ts));
                    if (e != shown)
                        assert_true(key && k == 0);
                    shown = e;
                    ts = out.ts;
                }
            }
            assert_true(sent >= 2); /* the picture never stands still */
        }
        assert_int_equal(shown, 2);
        assert_false(project_wants_keyframe(&p));
    }
}

static void lost_reordered_and_doubled_packets_keep_their_numbers(void **state)
{
    (void)state;
    static const int64_t starts[] = {0, 1, 32767, 32768, 65534, 65535};
    static const int order[] = {0, 1, 2, 5, 3, 4, 4, 8, 7, 11, 10, 9, 9, 12};  /* 6 is lost */
    static const int want[] = {0, 1, 2, 5, 3, 4, -1, 8, 7, 11, 10, 9, -1, 12}; /* -1: withheld */
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct sender s = sender_at(starts[i]);
        struct media_pkt m[15];
        struct project_out out;
        struct project p = receiver(0);
        for (int f = 0; f < 5; f++)
            make_frame(&s, 0, 3, f == 0, (uint64_t)f * 33, &m[f * 3]);
        for (size_t k = 0; k < COUNT(order); k++) {
            bool sent = project_offer(&p, &m[order[k]], MS(k), &out);
            assert_int_equal(sent ? out.seq - 1000 : -1, want[k]);
            if (sent)
                assert_int_equal(out.ts, 5000 + (uint32_t)(order[k] / 3) * 2970);
        }
        assert_true(project_offer(&p, &m[6], SEC(1), &out)); /* retransmitted */
        assert_int_equal(out.seq, 1006);
    }
}

static void a_suspended_stream_comes_back_with_a_key_frame(void **state)
{
    (void)state;
    struct sender s = sender_at(0);
    struct project p = receiver(1);
    struct project_out out;
    assert_true(offer_one(&p, &s, 1, true, 0, &out));
    project_set_target(&p, LAYER_NONE);
    assert_false(project_wants_keyframe(&p));
    assert_false(offer_one(&p, &s, 1, true, 33, &out));
    project_set_target(&p, layer_index(1, 0, 2));
    assert_true(project_wants_keyframe(&p));
    assert_false(offer_one(&p, &s, 1, false, 66, &out));
    assert_true(offer_one(&p, &s, 1, true, 2000, &out));
    assert_int_equal(out.seq, 1001);
    assert_int_equal(out.ts, 5000 + 2 * 90000);
}

static void a_stream_whose_key_frames_cannot_be_told_starts_anyway(void **state)
{
    (void)state;
    struct sender s = sender_at(0);
    s.encrypted = true;
    struct project p = receiver(2);
    struct project_out out;
    uint16_t next = 1000;
    int before = 0;
    for (int f = 0; f < 300; f++) {
        if (f == 150)
            project_set_target(&p, layer_index(1, 0, 2));
        for (int e = 0; e < ENCODINGS; e++) {
            bool sent = offer_one(&p, &s, e, f % 30 == 0, (uint64_t)f * 33, &out);
            if (sent)
                assert_int_equal(out.seq, next++);
            else if (next == 1000) {
                before += e == 2;
                assert_true(project_wants_keyframe(&p));
            }
        }
    }
    assert_in_range(before, 45, 47); /* 1.5 s */
    assert_int_equal(project_encoding(&p), 1);
    assert_in_range(next - 1000, 250, 260);
}

/* A sender whose payloads can be read is waited for: what goes out can be decoded. */
static void a_readable_stream_never_starts_blindly(void **state)
{
    (void)state;
    struct sender s = sender_at(0);
    struct project p = receiver(1);
    struct project_out out;
    assert_true(offer_one(&p, &s, 0, true, 0, &out));
    for (int f = 1; f < 300; f++) {
        assert_true(offer_one(&p, &s, 0, false, (uint64_t)f * 33, &out));
        assert_false(offer_one(&p, &s, 1, false, (uint64_t)f * 33, &out));
    }
    assert_true(project_wants_keyframe(&p));
}

static void a_codec_that_changes_in_mid_stream_leaves_no_seam(void **state) /* media trap 29 */
{
    (void)state;
    static const enum codec codecs[] = {CODEC_VP8, CODEC_H264, CODEC_VP9, CODEC_H265, CODEC_VP8, CODEC_AV1, CODEC_H264};
    struct project p = receiver(0);
    struct project_out out;
    uint16_t next = 1000;
    for (int f = 0; f < 70; f++) {
        enum codec codec = codecs[f / 10];
        bool key = f % 10 == 2;
        struct media_pkt m = {.codec = (uint8_t)codec, .ssrc = 100, .seq_wide = 65536 + 32760 + f, .marker = true};
        m.ts = 0xfffff000u + (uint32_t)f * 2970;
        m.frame_start = true;
        m.keyframe = key;
        if (codec == CODEC_VP8)
            m.vp8 = (struct vp8_desc){.len = 1, .start = true, .keyframe = key};
        if (codec == CODEC_VP9)
            m.vp9 = (struct vp9_desc){.len = 1, .start = true, .end = true, .inter = !key};
        bool sent = project_offer(&p, &m, MS(33) * (uint64_t)f, &out);
        assert_true(sent == (f % 10 >= 2) || codec == CODEC_AV1);
        if (!sent) {
            assert_true(project_wants_keyframe(&p));
            continue;
        }
        assert_int_equal(out.seq, next++);
        assert_int_equal(out.ts, 5000u + (uint32_t)(f - 2) * 2970);
    }
    assert_in_range(next, 1050, 1070);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_with_a_key_frame_and_asks_until_then),
        cmocka_unit_test(the_second_packet_of_a_key_frame_is_no_start),
        cmocka_unit_test(encodings_switch_at_key_frames_without_a_seam),
        cmocka_unit_test(lost_reordered_and_doubled_packets_keep_their_numbers),
        cmocka_unit_test(a_suspended_stream_comes_back_with_a_key_frame),
        cmocka_unit_test(a_stream_whose_key_frames_cannot_be_told_starts_anyway),
        cmocka_unit_test(a_readable_stream_never_starts_blindly),
        cmocka_unit_test(a_codec_that_changes_in_mid_stream_leaves_no_seam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
