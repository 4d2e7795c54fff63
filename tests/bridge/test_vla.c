/* What senders say of their layers (media.md 10.5): it counts where it was negotiated, and nobody is sent it. */
#include "support/path_rig.h"

#include <stdlib.h>

enum { VLA_ID = 12 };

static struct rig rig;
static struct peer alice, bob;

static void negotiate_vla(struct peer *peer)
{
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    struct media_extension *ext = &media->extensions[media->extension_count++];
    ext->id = VLA_ID;
    snprintf(ext->uri, sizeof ext->uri, "%s", rtp_ext_uri(RTP_EXT_VLA));
    endpoint_set_media(peer->ep, media);
    free(media);
}

static void by_targets(struct config *config)
{
    config->use_vla_target_bitrate = true;
}

static void open_call(void (*configure)(struct config *config), bool negotiated)
{
    rig_open_with(&rig, configure);
    peer_join(&rig, &alice, 1, true);
    peer_join(&rig, &bob, 2, false);
    if (negotiated) {
        negotiate_vla(&alice);
        negotiate_vla(&bob);
    }
    rig_pass_time(&rig, MS(20));
    peer_wants(&bob, 720);
}

static void close_call(void)
{
    peer_leave(&alice);
    peer_leave(&bob);
    rig_close(&rig);
}

/* One key frame of alice's lowest encoding, which says what she does: 80, 120, 200 kbit/s, 320x240, 33 frames/s. */
static void send_vla(const char *vla_hex)
{
    uint8_t buf[256], vla[64];
    struct wr w = wr_over(buf, sizeof buf);
    uint16_t seq = ++alice.video_seq[0];
    struct rtp_view view = {.pt = RIG_VP8, .seq = seq, .ts = 3000u * seq, .ssrc = alice.video_ssrc[0], .marker = true};
    struct rtp_ext ext = {VLA_ID, from_hex(vla_hex, vla, sizeof vla)};
    rtp_write_header(&w, &view, &ext, 1);
    wr_bytes(&w, bytes_of("\x90\x80\x80\x01\x10\0\0\x9d\x01\x2a\x40\x01\xf0\0\0\0\0\0\0\0", 20));
    peer_raw(&alice, wr_done(&w));
}

static const struct layers *alices_layers(void)
{
    list_for_each (it, &alice.ep->sources) {
        const struct source *source = container_of(it, struct source, node);
        if (source->kind == COLIBRI2_VIDEO)
            return &source->layers;
    }
    return NULL;
}

static const char told[] = "01 80 50 78 c801 013f 00ef 21";

static void it_is_read_where_negotiated_and_sent_to_nobody(void **state)
{
    (void)state;
    for (int negotiated = 0; negotiated < 2; negotiated++) {
        struct got got;
        struct bytes data;
        open_call(NULL, negotiated);
        send_vla(told);
        assert_int_equal(alices_layers()->encoding[0].target_kbps[0][2], negotiated ? 200 : 0);
        assert_true((alices_layers()->encoding[0].framerate[2] == 33) == negotiated);
        assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
        assert_false(rtp_ext_find(&got.rtp, VLA_ID, &data));
        close_call();
    }
}

static void a_broken_one_changes_nothing_and_the_packet_goes_on(void **state)
{
    (void)state;
    struct got got;
    open_call(NULL, true);
    send_vla("01 80 50 78");
    assert_int_equal(alices_layers()->encoding[0].target_kbps[0][0], 0);
    assert_true(peer_recv_rtp(&bob, &got, RIG_VP8));
    close_call();
}

static int64_t allocated_bps(void)
{
    struct alloc_choice choice;
    list_for_each (it, &alice.ep->sources) {
        const struct source *source = container_of(it, struct source, node);
        if (source->kind == COLIBRI2_VIDEO && alloc_last(bob.ep->receiver.runner, source, &choice))
            return choice.target_bps;
    }
    return -1;
}

static void targets_are_allocated_by_when_the_setting_says_so(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        open_call(on ? by_targets : NULL, true);
        send_vla(told);
        receiver_allocate(&bob.ep->receiver, rig.worker->now_us);
        assert_true((allocated_bps() == 200000) == on);
        close_call();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_where_negotiated_and_sent_to_nobody),
        cmocka_unit_test(a_broken_one_changes_nothing_and_the_packet_goes_on),
        cmocka_unit_test(targets_are_allocated_by_when_the_setting_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
