/* Recorded calls through the whole packet path: what a client sent to the stock bridge is sent to ours, layers are
 * changed meanwhile, and what comes out must be one stream without a seam. Nothing was lost in these captures, so nothing
 * may be missing behind the bridge. VP8 descriptors are read here again, independently (RFC 7741 4.2).
 *
 * `test_captures DIR SEED` changes layers at random instead, and writes what each receiver gets to DIR/NAME-N.rtp, each packet after
 * its length in 16 bits: decode_captures.py decodes it. */
#include <stdio.h>
#include <stdlib.h>

#include "support/path_rig.h"
#include "support/pcap.h"

static const struct capture {
    const char *name;
    uint8_t pt;
    uint32_t audio, video[3], rtx[3]; /* as the focus signalled them */
    int least;                        /* packets of video that each receiver must get */
    int heights[6];                   /* what the rewriting receiver wants, a second each */
} captures[] = {
    {"rewriting-vp8-5s-rx",
     100,
     0x0df80664,
     {0xe7257912, 0x5cd0b13f, 0xa41eb3b3},
     {0xb1faa4cb, 0xe70e6303, 0x271b148f},
     50,
     {180, 720, 360, 180, 720, 360}},
    {"rewriting-vp8-rx",
     100,
     0x0df80664,
     {0xe7257912, 0x5cd0b13f, 0xa41eb3b3},
     {0xb1faa4cb, 0xe70e6303, 0x271b148f},
     20,
     {720, 180, 720, 180, 720, 180}},
    {"plain-vp8-rx",
     100,
     0x2ca63ce6,
     {0xbd82a702, 0x2bacc60c, 0x165a3a8c},
     {0xb5f9af54, 0xf0bbe3a8, 0xb305de66},
     20,
     {180, 360, 720, 180, 360, 720}},
    {"firefox-vp8-rx",
     100,
     0x5170b5a7,
     {0x13c8e654, 0x13e9966c, 0xa8b748c9},
     {0x21c88ced, 0xa50a8db7, 0xa7fb5982},
     5,
     {180, 360, 180, 360, 180, 360}},
    {"rewriting-av1-rx",
     41,
     0xda9d65af,
     {0x50cc1977, 0x2f87b835, 0xb611d551},
     {0x90a25059, 0x5faf3f7b, 0x41e8f844},
     40,
     {2160, 180, 2160, 180, 360, 2160}},
    {"rewriting-vp9-rx",
     101,
     0x3eafa3b5,
     {0xac38c641, 0xde9237c3, 0x8b3136d8},
     {0x63e25949, 0xae72ea8b, 0xd6945eac},
     40,
     {2160, 2160, 2160, 2160, 2160, 2160}},
    {"rewriting-vp9-9s-rx",
     101,
     0x3eafa3b5,
     {0xac38c641, 0xde9237c3, 0x8b3136d8},
     {0x63e25949, 0xae72ea8b, 0xd6945eac},
     40,
     {2160, 180, 2160, 180, 360, 2160}},
    {"rewriting-h264-rx",
     107,
     0xa0c407a7,
     {0x15eef6d8, 0x61a1600d, 0x500bb78e},
     {0xd4d25fd2, 0xc7936ca4, 0x213f2215},
     40,
     {180, 720, 360, 720, 180, 720}},
};

static const char *write_to; /* a folder, and nothing to compare random heights with */
static unsigned random_state;
static FILE *written[2];

static struct rig rig;
static struct peer sender, rewriting, plain;

/* ---- signalling as stock: media.md 5.1 ---- */

static const struct media_payload stock_payloads[] = {
    {.pt = 111, .kind = COLIBRI2_AUDIO, .name = "opus", .clockrate = 48000, .apt = -1},
    {.pt = 126, .kind = COLIBRI2_AUDIO, .name = "telephone-event", .clockrate = 8000, .apt = -1},
    {.pt = 41,
     .kind = COLIBRI2_VIDEO,
     .name = "av1",
     .clockrate = 90000,
     .apt = -1,
     .nack_pli = true,
     .transport_cc = true},
    {.pt = 42, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = 41},
    {.pt = 100,
     .kind = COLIBRI2_VIDEO,
     .name = "vp8",
     .clockrate = 90000,
     .apt = -1,
     .nack_pli = true,
     .transport_cc = true},
    {.pt = 96, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = 100},
    {.pt = 107,
     .kind = COLIBRI2_VIDEO,
     .name = "h264",
     .clockrate = 90000,
     .apt = -1,
     .nack_pli = true,
     .transport_cc = true},
    {.pt = 99, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = 107},
    {.pt = 101,
     .kind = COLIBRI2_VIDEO,
     .name = "vp9",
     .clockrate = 90000,
     .apt = -1,
     .nack_pli = true,
     .transport_cc = true},
    {.pt = 97, .kind = COLIBRI2_VIDEO, .name = "rtx", .clockrate = 90000, .apt = 101},
};
static const struct {
    uint8_t id;
    enum rtp_ext_kind kind;
} stock_extensions[] = {
    {1, RTP_EXT_AUDIO_LEVEL}, {3, RTP_EXT_ABS_SEND_TIME}, {5, RTP_EXT_TWCC}, {10, RTP_EXT_MID}, {11, RTP_EXT_DD}};

static void signal_stock_media(struct peer *peer)
{
    struct media_spec *media = calloc(1, sizeof *media);
    media->accepts_audio = media->accepts_video = true;
    media->payload_count = COUNT(stock_payloads);
    memcpy(media->payloads, stock_payloads, sizeof stock_payloads);
    media->extension_count = COUNT(stock_extensions);
    for (size_t i = 0; i < COUNT(stock_extensions); i++) {
        media->extensions[i].id = stock_extensions[i].id;
        snprintf(media->extensions[i].uri, CONTROL_URI_LEN, "%s", rtp_ext_uri(stock_extensions[i].kind));
    }
    endpoint_set_media(peer->ep, media);
    free(media);
}

static void signal_recorded_sources(struct peer *peer, const struct capture *capture)
{
    struct source_spec specs[2] = {{.kind = COLIBRI2_AUDIO, .encoding_count = 1, .name = "recorded-a0"},
                                   {.kind = COLIBRI2_VIDEO, .encoding_count = 3, .name = "recorded-v0"}};
    specs[0].encodings[0].ssrc = capture->audio;
    for (int i = 0; i < 3; i++) {
        specs[1].encodings[i].ssrc = capture->video[i];
        specs[1].encodings[i].rtx_ssrc = capture->rtx[i];
    }
    struct source_set set = {.source_count = 2, .sources = specs};
    endpoint_set_sources(peer->ep, &set);
}

/* ---- what must hold of the output ---- */

struct seen { /* one stream at one receiver */
    bool started, at_frame_end;
    uint32_t ssrc, ts, packets, frames, keyframes;
    uint16_t seq;
    int picture, tl0;
};

struct vp8_fields {
    int picture, tl0, tid; /* -1: absent */
    bool start, keyframe;
};

static struct vp8_fields read_vp8(struct bytes p)
{
    struct vp8_fields f = {-1, -1, -1, false, false};
    size_t at = 1;
    f.start = (p.p[0] & 0x10) && !(p.p[0] & 0x07);
    if (p.p[0] & 0x80) {
        uint8_t x = p.p[at++];
        if (x & 0x80) {
            f.picture = p.p[at++];
            if (f.picture & 0x80)
                f.picture = (f.picture & 0x7f) << 8 | p.p[at++];
        }
        if (x & 0x40)
            f.tl0 = p.p[at++];
        if (x & 0x30)
            f.tid = p.p[at++] >> 6;
    }
    assert_true(at < p.n);
    f.keyframe = f.start && !(p.p[at] & 1);
    return f;
}

static void check_vp8(struct seen *s, const struct got *got, bool new_frame)
{
    struct vp8_fields f = read_vp8(got->rtp.payload);
    assert_int_equal(f.start, new_frame); /* no frame without its first packet */
    s->keyframes += f.keyframe;
    if (!s->started)
        assert_true(f.keyframe);
    if (s->started && f.picture >= 0)
        assert_int_equal(f.picture, new_frame ? (s->picture + 1) & 0x7fff : s->picture);
    if (s->started && f.tl0 >= 0 && s->tl0 >= 0)
        assert_int_equal(f.tl0, new_frame && f.tid == 0 ? (s->tl0 + 1) & 0xff : s->tl0);
    s->picture = f.picture;
    s->tl0 = f.tl0;
}

static void check(struct seen *s, const struct got *got, bool video, bool vp8)
{
    bool new_frame = !s->started || !video || s->at_frame_end;
    if (s->started) {
        assert_int_equal(got->rtp.ssrc, s->ssrc);
        assert_int_equal(got->rtp.seq, (uint16_t)(s->seq + 1));
        int32_t step = (int32_t)(got->rtp.ts - s->ts);
        if (new_frame)
            assert_true(step > 0 && step < 10 * 90000);
        else
            assert_int_equal(step, 0);
    }
    if (vp8)
        check_vp8(s, got, new_frame);
    s->started = true;
    s->at_frame_end = got->rtp.marker;
    s->ssrc = got->rtp.ssrc;
    s->seq = got->rtp.seq;
    s->ts = got->rtp.ts;
    s->packets++;
    s->frames += new_frame;
}

static void write_packet(FILE *file, const struct got *got)
{
    uint8_t len[2];
    put_u16(len, (uint16_t)got->len);
    assert_int_equal(fwrite(len, 2, 1, file), 1);
    assert_int_equal(fwrite(got->data, got->len, 1, file), 1);
}

static void look(struct peer *peer, const struct capture *capture, struct seen *audio, struct seen *video, FILE *file)
{
    struct got got;
    while (peer_recv(peer, &got)) {
        if (got.rtcp)
            continue;
        struct bytes ext;
        bool is_video = got.rtp.pt == capture->pt;
        assert_true(is_video || got.rtp.pt == 111);
        assert_int_equal(rtp_ext_find(&got.rtp, 5, &ext), is_video); /* numbered anew, audio not at all */
        assert_false(rtp_ext_find(&got.rtp, 3, &ext)); /* a receiver that does transport-cc needs no times */
        assert_false(got.rtp.padded);
        if (is_video && file)
            write_packet(file, &got);
        check(is_video ? video : audio, &got, is_video, is_video && capture->pt == 100);
    }
}

static int random_below(int n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (int)((random_state >> 8) % (unsigned)n);
}

static void open_written(const struct capture *capture)
{
    char path[512];
    for (int i = 0; write_to && i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s-%d.rtp", write_to, capture->name, i);
        written[i] = fopen(path, "wb");
        assert_non_null(written[i]);
    }
}

static void close_written(void)
{
    for (int i = 0; i < 2; i++) {
        assert_true(!written[i] || fclose(written[i]) == 0);
        written[i] = NULL;
    }
}

/* What the rewriting receiver wants from now on. Key frames are rare: most switches happen where these cluster. */
static void change_wish(const struct capture *capture, uint64_t passed_us, int *second, uint64_t *due_us)
{
    static const int heights[] = {180, 360, 720,
                                  720}; /* not 0: suspending may tear a frame, and then leaves a number out */
    if (write_to && passed_us >= *due_us) {
        *due_us = passed_us + MS(30 + (uint64_t)random_below(passed_us < SEC(1) ? 100 : 800));
        peer_wants(&rewriting, heights[random_below(COUNT(heights))]);
    }
    if (!write_to && (int)(passed_us / US_PER_S) != *second && *second + 1 < (int)COUNT(capture->heights)) {
        *second = (int)(passed_us / US_PER_S);
        peer_wants(&rewriting, capture->heights[*second]);
    }
}

/* As end-to-end encryption does it, and worse: noise for all that lies beyond the descriptor, but for the bytes of VP8 that
 * stay clear (media.md 11.1). */
static struct bytes encrypt(const struct capture *capture, struct bytes datagram, uint8_t buf[2048])
{
    struct rd r = rd_over(datagram);
    struct rtp_view v;
    assert_int_equal(rtp_parse(&r, &v), E_OK);
    assert_true(datagram.n <= 2048);
    memcpy(buf, datagram.p, datagram.n);
    size_t clear = 0, end = datagram.n - (v.padded ? datagram.p[datagram.n - 1] : 0);
    size_t at = (size_t)(v.payload.p - datagram.p);
    if (v.pt != capture->pt || at >= end)
        return bytes_of(buf, datagram.n);
    if (capture->pt == 100) {
        struct vp8_desc d;
        assert_int_equal(vp8_desc_parse(bytes_of(datagram.p + at, end - at), &d), E_OK);
        clear = d.len + (d.keyframe ? 10u : 3u);
    } else {
        struct vp9_desc d;
        assert_int_equal(vp9_desc_parse(bytes_of(datagram.p + at, end - at), &d), E_OK);
        clear = d.len;
    }
    for (size_t i = at + clear; i < end; i++)
        buf[i] = (uint8_t)random_below(256);
    return bytes_of(buf, datagram.n);
}

struct shown { /* to both receivers */
    struct seen audio[2], video[2];
};

static struct shown play(const struct capture *capture, bool encrypted)
{
    char path[512];
    struct pcap pcap;
    struct bytes datagram;
    uint64_t us, first_us = 0, passed_us = 0, due_us = 0;
    uint8_t sealed[2048];
    struct shown shown = {0};
    struct seen *audio = shown.audio, *video = shown.video;
    int second = -1;
    print_message("  %s%s\n", capture->name, encrypted ? ", encrypted" : "");
    open_written(capture);
    rig_open(&rig);
    peer_join(&rig, &sender, 1, true);
    peer_join(&rig, &rewriting, 2, true);
    peer_join(&rig, &plain, 3, false);
    signal_stock_media(&sender);
    signal_stock_media(&rewriting);
    signal_stock_media(&plain);
    signal_recorded_sources(&sender, capture);
    peer_wants(&plain, 2160);
    snprintf(path, sizeof path, "%s/rtp/%s.pcap", VECTORS, capture->name);
    pcap_open(&pcap, path);
    while (pcap_next(&pcap, &us, &datagram)) {
        first_us = first_us ? first_us : us;
        rig_pass_time(&rig, us - first_us - passed_us);
        passed_us = us - first_us;
        change_wish(capture, passed_us, &second, &due_us);
        if (rtp_classify(datagram) == RTP_KIND_RTP)
            peer_raw(&sender, encrypted ? encrypt(capture, datagram, sealed) : datagram);
        else
            peer_rtcp(&sender, datagram);
        peer_drain(&sender);
        look(&rewriting, capture, &audio[0], &video[0], written[0]);
        look(&plain, capture, &audio[1], &video[1], written[1]);
    }
    pcap_close(&pcap);
    for (int i = 0; i < 2; i++) {
        print_message("    audio %u, video %u packets, %u frames, %u key frames\n", audio[i].packets, video[i].packets,
                      video[i].frames, video[i].keyframes);
        assert_true(audio[i].packets > 20);
        assert_in_range(video[i].packets, write_to ? 1 : (unsigned)capture->least, 100000);
    }
    assert_int_equal(audio[1].ssrc, capture->audio);
    assert_int_equal(video[1].ssrc, capture->video[0]);
    assert_int_not_equal(video[0].ssrc, capture->video[0]);
    peer_leave(&sender);
    peer_leave(&rewriting);
    peer_leave(&plain);
    rig_close(&rig);
    close_written();
    return shown;
}

static void recorded_calls_leave_the_bridge_without_a_seam(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(captures); i++)
        play(&captures[i], false);
}

static void encrypted_payloads_change_no_decision(void **state) /* media.md 11.1 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(captures); i++) {
        if (captures[i].pt != 100 && captures[i].pt != 101)
            continue;
        struct shown clear = play(&captures[i], false), sealed = play(&captures[i], true);
        for (int r = 0; r < 2; r++) {
            assert_int_equal(sealed.audio[r].packets, clear.audio[r].packets);
            assert_int_equal(sealed.video[r].packets, clear.video[r].packets);
            assert_int_equal(sealed.video[r].frames, clear.video[r].frames);
            assert_int_equal(sealed.video[r].keyframes, clear.video[r].keyframes);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        write_to = argv[1];
        random_state = (unsigned)strtoul(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_calls_leave_the_bridge_without_a_seam),
        cmocka_unit_test(encrypted_payloads_change_no_decision),
    };
    if (write_to) /* one run is enough to decode */
        return cmocka_run_group_tests_name("written", ((const struct CMUnitTest[]){tests[0]}), NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
