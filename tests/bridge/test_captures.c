/* Recorded calls through the whole packet path: what a client sent to the stock bridge is sent to ours, layers are
 * changed meanwhile, and what comes out must be one stream without a seam. Nothing was lost in these captures, so nothing
 * may be missing behind the bridge. VP8 descriptors are read here again, independently (RFC 7741 4.2).
 *
 * `test_captures DIR SEED` changes layers at random instead, and writes each stream that a receiver gets to
 * DIR/NAME-RECEIVER-STREAM.rtp, each packet after its length in 16 bits: decode_captures.py decodes it. */
#include <stdio.h>
#include <stdlib.h>

#include "support/path_rig.h"
#include "support/pcap.h"

enum { SOURCES = 2 };

static const struct capture {
    const char *name;
    uint32_t audio; /* as the focus signalled it, as the following */
    struct {
        uint8_t pt; /* most of its packets */
        bool desktop;
        uint32_t video[3], rtx[3];
        int least; /* packets that each receiver must get */
    } sources[SOURCES];
    int heights[6]; /* what the rewriting receiver wants, a second each */
} captures[] = {
    {"rewriting-vp8-5s-rx",
     0x0df80664,
     {{100, false, {0xe7257912, 0x5cd0b13f, 0xa41eb3b3}, {0xb1faa4cb, 0xe70e6303, 0x271b148f}, 50}},
     {180, 720, 360, 180, 720, 360}},
    {"rewriting-vp8-rx",
     0x0df80664,
     {{100, false, {0xe7257912, 0x5cd0b13f, 0xa41eb3b3}, {0xb1faa4cb, 0xe70e6303, 0x271b148f}, 20}},
     {720, 180, 720, 180, 720, 180}},
    {"plain-vp8-rx",
     0x2ca63ce6,
     {{100, false, {0xbd82a702, 0x2bacc60c, 0x165a3a8c}, {0xb5f9af54, 0xf0bbe3a8, 0xb305de66}, 20}},
     {180, 360, 720, 180, 360, 720}},
    {"firefox-vp8-rx",
     0x5170b5a7,
     {{100, false, {0x13c8e654, 0x13e9966c, 0xa8b748c9}, {0x21c88ced, 0xa50a8db7, 0xa7fb5982}, 5}},
     {180, 360, 180, 360, 180, 360}},
    {"rewriting-av1-rx",
     0xda9d65af,
     {{41, false, {0x50cc1977, 0x2f87b835, 0xb611d551}, {0x90a25059, 0x5faf3f7b, 0x41e8f844}, 40}},
     {2160, 180, 2160, 180, 360, 2160}},
    {"rewriting-vp9-rx",
     0x3eafa3b5,
     {{101, false, {0xac38c641, 0xde9237c3, 0x8b3136d8}, {0x63e25949, 0xae72ea8b, 0xd6945eac}, 40}},
     {2160, 2160, 2160, 2160, 2160, 2160}},
    {"rewriting-vp9-9s-rx",
     0x3eafa3b5,
     {{101, false, {0xac38c641, 0xde9237c3, 0x8b3136d8}, {0x63e25949, 0xae72ea8b, 0xd6945eac}, 40}},
     {2160, 180, 2160, 180, 360, 2160}},
    {"rewriting-h264-rx",
     0xa0c407a7,
     {{107, false, {0x15eef6d8, 0x61a1600d, 0x500bb78e}, {0xd4d25fd2, 0xc7936ca4, 0x213f2215}, 40}},
     {180, 720, 360, 720, 180, 720}},
    {"share-vp8-rx",
     0x61ede0b7,
     {{100, false, {0x6f94cba2, 0xf9c313fd, 0x0ec95eed}, {0xa5835681, 0x139535db, 0xddd6de23}, 20},
      {41, true, {0x936de781, 0x2c02cf16, 0xcdaa5fb8}, {0x09ecabbc, 0x3725da57, 0xfd44fb49}, 20}},
     {180, 720, 360, 720, 180, 720}},
    {"share-vp8-2-rx",
     0x3dffb5fb,
     {{100, false, {0xac0687db, 0x4f4d4e63, 0x16dcce57}, {0x4b55bbac, 0xd5b73443, 0xd387808b}, 4},
      {41, true, {0xcbe5082e, 0x56d95318, 0x739120b3}, {0x240ae18d, 0xa8e8fdb9, 0x8b0a221a}, 20}},
     {180, 720, 360, 720, 180, 720}},
    {"share-av1-rx",
     0x1359c51e,
     {{41, false, {0xb35f4ced, 0xa2dbffba, 0xe036a26d}, {0xd2256194, 0x6326f832, 0x7993fa25}, 20},
      {41, true, {0x8012bc03, 0x132637e3, 0xc0b4d3bd}, {0x66d8caee, 0xb7c38421, 0x1850f512}, 20}},
     {180, 720, 360, 720, 180, 720}},
};

static const char *write_to; /* a folder, and nothing to compare random heights with */
static unsigned random_state;
static FILE *written[2][SOURCES]; /* by receiver and stream */

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
    struct source_spec specs[1 + SOURCES] = {{.kind = COLIBRI2_AUDIO, .encoding_count = 1, .name = "recorded-a0"}};
    struct source_set set = {.source_count = 1, .sources = specs};
    specs[0].encodings[0].ssrc = capture->audio;
    for (int v = 0; v < SOURCES && capture->sources[v].pt; v++) {
        struct source_spec *spec = &specs[set.source_count++];
        *spec =
            (struct source_spec){.kind = COLIBRI2_VIDEO, .encoding_count = 3, .desktop = capture->sources[v].desktop};
        snprintf(spec->name, sizeof spec->name, "recorded-v%d", v);
        for (int i = 0; i < 3; i++) {
            spec->encodings[i].ssrc = capture->sources[v].video[i];
            spec->encodings[i].rtx_ssrc = capture->sources[v].rtx[i];
        }
    }
    endpoint_set_sources(peer->ep, &set);
}

/* ---- what must hold of the output ---- */

struct seen { /* one stream at one receiver */
    bool started, at_frame_end;
    uint32_t ssrc, ts, packets, frames, keyframes, torn;
    uint32_t digest; /* of sizes and markers, in order */
    uint16_t seq;
    uint8_t pt;
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

static void check_vp8(struct seen *s, const struct got *got, bool new_frame, bool torn)
{
    struct vp8_fields f = read_vp8(got->rtp.payload);
    assert_int_equal(f.start, new_frame); /* no frame without its first packet */
    s->keyframes += f.keyframe;
    bool first = !s->started || s->pt != got->rtp.pt;
    if (first || torn)
        assert_true(f.keyframe);
    if (!first && f.picture >= 0)
        assert_int_equal(f.picture, new_frame ? (s->picture + 1) & 0x7fff : s->picture);
    if (!first && f.tl0 >= 0 && s->tl0 >= 0)
        assert_int_equal(f.tl0, new_frame && f.tid == 0 ? (s->tl0 + 1) & 0xff : s->tl0);
    s->picture = f.picture;
    s->tl0 = f.tl0;
}

static void check(struct seen *s, const struct got *got)
{
    bool video = got->rtp.pt != 111;
    /* to go on with another encoding in the middle of a frame leaves one number out, so that it looks torn by loss (project.h) */
    bool torn = video && s->started && !s->at_frame_end && got->rtp.ts != s->ts;
    bool new_frame = !s->started || !video || s->at_frame_end || torn;
    s->torn += torn;
    if (s->started) {
        assert_int_equal(got->rtp.ssrc, s->ssrc);
        assert_int_equal((uint16_t)(got->rtp.seq - s->seq), 1 + torn);
        int32_t step = (int32_t)(got->rtp.ts - s->ts);
        if (new_frame)
            assert_true(step > 0 && step < 10 * 90000);
        else
            assert_int_equal(step, 0);
    }
    if (got->rtp.pt == 100)
        check_vp8(s, got, new_frame, torn);
    s->started = true;
    s->at_frame_end = got->rtp.marker;
    s->ssrc = got->rtp.ssrc;
    s->seq = got->rtp.seq;
    s->pt = got->rtp.pt;
    s->ts = got->rtp.ts;
    s->packets++;
    s->digest = s->digest * 31 + (uint32_t)(got->rtp.payload.n << 1 | got->rtp.marker);
    s->frames += new_frame;
}

static void write_packet(FILE *file, const struct got *got)
{
    uint8_t len[2];
    put_u16(len, (uint16_t)got->len);
    assert_int_equal(fwrite(len, 2, 1, file), 1);
    assert_int_equal(fwrite(got->data, got->len, 1, file), 1);
}

struct shown {                         /* to one receiver */
    struct seen audio, video[SOURCES]; /* in the order in which they began */
};

static void open_written(const struct capture *capture, int receiver, int stream)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%d-%d.rtp", write_to, capture->name, receiver, stream);
    written[receiver][stream] = fopen(path, "wb");
    assert_non_null(written[receiver][stream]);
}

static void close_written(void)
{
    for (int i = 0; i < 2 * SOURCES; i++) {
        FILE **file = &written[i / SOURCES][i % SOURCES];
        assert_true(!*file || fclose(*file) == 0);
        *file = NULL;
    }
}

/* Which of its streams a packet is of: the one of that SSRC, or a new one. */
static int stream_of(const struct shown *shown, uint32_t ssrc)
{
    for (int i = 0; i < SOURCES; i++)
        if (!shown->video[i].started || shown->video[i].ssrc == ssrc)
            return i;
    fail_msg("one stream too many");
    return 0;
}

static void look(struct peer *peer, const struct capture *capture, int receiver, struct shown *shown)
{
    struct got got;
    while (peer_recv(peer, &got)) {
        if (got.rtcp)
            continue;
        struct bytes ext;
        bool video = got.rtp.pt == 100 || got.rtp.pt == 101 || got.rtp.pt == 107 || got.rtp.pt == 41;
        assert_true(video || got.rtp.pt == 111);
        assert_int_equal(rtp_ext_find(&got.rtp, 5, &ext), video); /* numbered anew, audio not at all */
        assert_false(rtp_ext_find(&got.rtp, 3, &ext));            /* a receiver that does transport-cc needs no times */
        assert_false(got.rtp.padded);
        int stream = video ? stream_of(shown, got.rtp.ssrc) : 0;
        if (video && write_to && !shown->video[stream].started)
            open_written(capture, receiver, stream);
        if (video && write_to)
            write_packet(written[receiver][stream], &got);
        check(video ? &shown->video[stream] : &shown->audio, &got);
    }
}

static int random_below(int n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (int)((random_state >> 8) % (unsigned)n);
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

/* How much of the payload stays clear: what is the packetizer's own and not the frame's, and of VP8 what encryption leaves
 * (media.md 11.1). With a dependency descriptor nothing else is read. */
static size_t clear_of(const struct rtp_view *v, struct bytes payload)
{
    struct vp8_desc vp8;
    struct vp9_desc vp9;
    struct bytes dd;
    switch (v->pt) {
    case 100: assert_int_equal(vp8_desc_parse(payload, &vp8), E_OK); return vp8.len + (vp8.keyframe ? 10u : 3u);
    case 101: assert_int_equal(vp9_desc_parse(payload, &vp9), E_OK); return vp9.len;
    default: assert_true(rtp_ext_find(v, 11, &dd)); return 0;
    }
}

/* As end-to-end encryption does it, and worse: noise for all the rest. */
static struct bytes encrypt(struct bytes datagram, uint8_t buf[2048])
{
    struct rd r = rd_over(datagram);
    struct rtp_view v;
    assert_int_equal(rtp_parse(&r, &v), E_OK);
    assert_true(datagram.n <= 2048);
    memcpy(buf, datagram.p, datagram.n);
    size_t end = datagram.n - (v.padded ? datagram.p[datagram.n - 1] : 0);
    size_t at = (size_t)(v.payload.p - datagram.p);
    if ((v.pt != 100 && v.pt != 101 && v.pt != 107 && v.pt != 41) || at >= end)
        return bytes_of(buf, datagram.n);
    for (size_t i = at + clear_of(&v, bytes_of(datagram.p + at, end - at)); i < end; i++)
        buf[i] = (uint8_t)random_below(256);
    return bytes_of(buf, datagram.n);
}

/* Enough of the stream came; a receiver without rewriting knows it as it was signalled. */
static void check_whole(const struct capture *capture, int stream, bool plain_names, const struct seen *seen)
{
    if (!capture->sources[stream].pt)
        return;
    print_message("    video %u packets, %u frames, %u key frames\n", seen->packets, seen->frames, seen->keyframes);
    const uint32_t names[SOURCES] = {capture->sources[0].video[0], capture->sources[1].video[0]};
    bool signalled = seen->ssrc == names[0] || seen->ssrc == names[1];
    assert_int_equal(signalled, plain_names);
    int least = write_to ? 1 : capture->sources[seen->ssrc == names[1] || (!plain_names && stream)].least;
    assert_in_range(seen->packets, (unsigned)least, 100000);
    assert_in_range(seen->torn, 0, write_to ? 3 : 0); /* wishes at random moments do it, one a second does not */
}

static void play(const struct capture *capture, bool encrypted, struct shown shown[2])
{
    char path[512];
    struct pcap pcap;
    struct bytes datagram;
    uint64_t us, first_us = 0, passed_us = 0, due_us = 0;
    uint8_t sealed[2048];
    int second = -1;
    print_message("  %s%s\n", capture->name, encrypted ? ", encrypted" : "");
    memset(shown, 0, 2 * sizeof *shown);
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
            peer_raw(&sender, encrypted ? encrypt(datagram, sealed) : datagram);
        else
            peer_rtcp(&sender, datagram);
        peer_drain(&sender);
        look(&rewriting, capture, 0, &shown[0]);
        look(&plain, capture, 1, &shown[1]);
    }
    pcap_close(&pcap);
    for (int i = 0; i < 2; i++) {
        assert_true(shown[i].audio.packets > 20);
        for (int v = 0; v < SOURCES; v++)
            check_whole(capture, v, i == 1, &shown[i].video[v]);
    }
    assert_int_equal(shown[1].audio.ssrc, capture->audio);
    peer_leave(&sender);
    peer_leave(&rewriting);
    peer_leave(&plain);
    rig_close(&rig);
    close_written();
}

static void recorded_calls_leave_the_bridge_without_a_seam(void **state)
{
    (void)state;
    struct shown shown[2];
    for (size_t i = 0; i < COUNT(captures); i++)
        play(&captures[i], false, shown);
}

static void encrypted_payloads_change_no_decision(void **state) /* media.md 11.1 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(captures); i++) {
        struct shown clear[2], sealed[2];
        play(&captures[i], false, clear);
        play(&captures[i], true, sealed);
        for (int r = 0; r < 2; r++) {
            assert_int_equal(sealed[r].audio.packets, clear[r].audio.packets);
            for (int v = 0; v < SOURCES; v++) {
                assert_int_equal(sealed[r].video[v].packets, clear[r].video[v].packets);
                assert_int_equal(sealed[r].video[v].digest, clear[r].video[v].digest);
                assert_int_equal(sealed[r].video[v].frames, clear[r].video[v].frames);
                assert_int_equal(sealed[r].video[v].keyframes, clear[r].video[v].keyframes);
            }
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
