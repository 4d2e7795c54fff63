/* A sender that changes its codec in mid-call, on the same SSRCs: the receiver's stream goes on without a seam, each codec
 * begins with a key frame, and that is asked for briefly. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/rtp_ext.h"
#include "support/path_rig.h"

enum { AV1 = 41, VP9 = 101, H265 = 106, H264 = 107, DD = 11, FRAMES = 60, FRAME_US = 33333, TICKS = 3000 };

static struct rig rig;
static struct peer alice, bob;

static void add_payload(struct media_spec *media, uint8_t pt, const char *name)
{
    struct media_payload *payload = &media->payloads[media->payload_count++];
    *payload = (struct media_payload){
        .pt = pt, .kind = COLIBRI2_VIDEO, .clockrate = 90000, .apt = -1, .nack_pli = true, .transport_cc = true};
    snprintf(payload->name, sizeof payload->name, "%s", name);
}

static void join(struct peer *peer, uint32_t serial)
{
    struct media_spec *media = calloc(1, sizeof *media);
    peer_join(&rig, peer, serial, true);
    rig_media(media);
    add_payload(media, VP9, "vp9");
    add_payload(media, H264, "h264");
    add_payload(media, AV1, "av1");
    add_payload(media, H265, "h265");
    struct media_extension *dd = &media->extensions[media->extension_count++];
    dd->id = DD;
    snprintf(dd->uri, sizeof dd->uri, "%s", rtp_ext_uri(RTP_EXT_DD));
    endpoint_set_media(peer->ep, media);
    free(media);
}

/* The start of a frame of one packet. Descriptors by hand: RFC 7741 4.2, 9628 4.2, 6184 5.2. */
static size_t write_payload(uint8_t pt, bool key, uint16_t picture, uint8_t buf[64])
{
    memset(buf, 0x55, 64);
    switch (pt) {
    case RIG_VP8:
        memcpy(buf, "\x90\x80", 2);
        put_u16(buf + 2, (uint16_t)(0x8000 | picture));
        memcpy(buf + 4, key ? "\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" : "\x11\x00\x00\x00\x00\x00\x00\x00\x00\x00",
               10);
        break;
    case VP9:
        buf[0] = key ? 0x8c : 0xcc;
        put_u16(buf + 1, (uint16_t)(0x8000 | picture));
        break;
    case H265: memcpy(buf, key ? "\x40\x01" : "\x02\x01", 2); break; /* RFC 7798 1.1.4: a VPS, or a trailing picture */
    default: buf[0] = key ? 0x67 : 0x41; break;
    }
    return 40;
}

/* One layer, whose frames need the one before. Key frames bring the structure: two templates (media.md 11.4). */
enum { TEMPLATES = 2 };

static struct bytes write_dd(bool key, uint16_t number, uint8_t buf[32])
{
    struct bytes dd = from_hex(key ? "c0 0000 80003a410180ef808680" : "c1 0000", buf, 32);
    put_u16(buf + 1, number);
    return dd;
}

/* The receiver of AV1 sees frame numbers that go on and templates that were never used for anything else, whatever was sent
 * in between (media.md 12.1, 12.4). */
struct dd_seen {
    bool started;
    uint16_t number;
    uint8_t offset;
};

static void check_dd(struct dd_seen *s, const struct got *got)
{
    struct bytes dd;
    assert_true(rtp_ext_find(&got->rtp, DD, &dd));
    uint16_t number = (uint16_t)(dd.p[1] << 8 | dd.p[2]);
    uint8_t template_id = dd.p[0] & 0x3f;
    bool key = dd.n > 3 && dd.p[3] & 0x80;
    if (s->started)
        assert_int_equal(number, (uint16_t)(s->number + 1));
    if (key) {
        uint8_t offset = (uint8_t)((dd.p[3] & 7) << 3 | dd.p[4] >> 5);
        assert_int_equal(template_id, offset);
        if (s->started)
            assert_int_equal(offset, (s->offset + TEMPLATES) % 64);
        s->offset = offset;
    } else {
        assert_int_equal(template_id, (s->offset + 1) % 64);
    }
    s->started = true;
    s->number = number;
}

static bool is_key(const struct got *got)
{
    const uint8_t *p = got->rtp.payload.p;
    struct bytes dd;
    switch (got->rtp.pt) {
    case AV1: return rtp_ext_find(&got->rtp, DD, &dd) && dd.n > 3 && dd.p[3] & 0x80;
    case RIG_VP8: return !(p[4] & 1);
    case VP9: return !(p[0] & 0x40);
    case H265: return p[0] == 0x40;
    default: return p[0] == 0x67;
    }
}

static void codecs_change_without_a_seam(void **state) /* media 19 */
{
    (void)state;
    static const uint8_t codecs[] = {RIG_VP8, AV1, VP9, RIG_VP8, H264, AV1, H264, H265, VP9, H265, AV1, RIG_VP8};
    struct dd_seen dd_seen = {0};
    bool started = false, asked = true;
    uint16_t seq = 65300, out_seq = 0;
    uint32_t ts = 0xfffff000u, out_ts = 0, ssrc = 0;
    rig_open(&rig);
    join(&alice, 1);
    join(&bob, 2);
    peer_wants(&bob, 180);
    for (size_t c = 0; c < COUNT(codecs); c++) {
        int requests = 0, shown = 0;
        for (int f = 0; f < FRAMES; f++) {
            uint8_t buf[64];
            struct got got;
            uint16_t picture = (uint16_t)(c * 1000 + (size_t)f);
            size_t len = write_payload(codecs[c], asked, picture, buf);
            uint8_t dd_buf[32];
            struct rtp_ext dd = {DD, write_dd(asked, picture, dd_buf)};
            asked = false;
            struct rtp_view view = {
                .pt = codecs[c], .seq = seq++, .ts = ts += TICKS, .marker = true, .ssrc = alice.video_ssrc[0]};
            peer_rtp_with(&alice, &view, &dd, codecs[c] == AV1, bytes_of(buf, len));
            rig_pass_time(&rig, FRAME_US);
            while (peer_recv(&alice, &got))
                if (got.rtcp && got.data[1] == 206 && (got.data[0] & 0x1f) == 1) {
                    asked = true;
                    requests++;
                }
            while (peer_recv(&bob, &got)) {
                if (got.rtcp || got.rtp.pt != codecs[c] || got.rtp.padded)
                    continue;
                if (shown == 0)
                    assert_true(is_key(&got));
                if (codecs[c] == AV1)
                    check_dd(&dd_seen, &got);
                if (started) {
                    assert_int_equal(got.rtp.ssrc, ssrc);
                    assert_int_equal(got.rtp.seq, (uint16_t)(out_seq + 1));
                    assert_in_range(got.rtp.ts - out_ts, 1, 6 * TICKS);
                }
                started = true;
                ssrc = got.rtp.ssrc;
                out_seq = got.rtp.seq;
                out_ts = got.rtp.ts;
                shown++;
            }
        }
        print_message("  payload type %d: %d frames shown, %d requests\n", codecs[c], shown, requests);
        assert_in_range(shown, FRAMES - 8, FRAMES);
        assert_in_range(requests, 1, 3);
    }
    rig_close_call(&rig, &alice, &bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codecs_change_without_a_seam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
