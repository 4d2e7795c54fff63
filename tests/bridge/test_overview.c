/* What holds of the overview: it tells who is shown what and why, and nothing that names anybody unless asked. Read by
 * looking for words in it: no parser of ours. */
#include "support/path_rig.h"

#include <stdlib.h>

#include "bridge/overview.h"
#include "proto/rtcp_fb.h"
#include "proto/rtp_ext.h"

static struct rig rig;
static struct peer alice, bob;

static int open_with(void (*configure)(struct config *config))
{
    rig_open_call(&rig, &alice, &bob, configure);
    return 0;
}

static int open_call(void **state)
{
    (void)state;
    return open_with(NULL);
}

static int close_call(void **state)
{
    (void)state;
    rig_close_call(&rig, &alice, &bob);
    return 0;
}

static char *overview(bool ids)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    overview_write(rig.worker, ids, out);
    fclose(out);
    return text;
}

/* What bob is told of alice's camera: each of these, up to NULL, is in the row that starts at the owner. */
static void bob_is_told(const char *words[])
{
    char *text = overview(false);
    char *row = strstr(text, "{\"owner\": 1, \"source\": 0, ");
    assert_non_null(row);
    *strchr(row, '}') = '\0';
    for (size_t i = 0; words[i]; i++)
        if (!strstr(row, words[i]))
            fail_msg("%s is not in %s", words[i], row);
    free(text);
}
#define BOB_IS_TOLD(...) bob_is_told((const char *[]){__VA_ARGS__, NULL})

/* `frames` frames at 30 a second on the first encodings alone. */
static void send_encodings(unsigned encodings, int frames, bool key)
{
    for (int i = 0; i < frames; i++) {
        for (unsigned e = 0; e < encodings; e++) {
            uint16_t seq = ++alice.video_seq[e];
            peer_video(&alice, e, seq, 3000u * seq, seq, key && i == 0);
        }
        rig_pass_time(&rig, MS(33));
    }
}

static void says(struct peer *peer, const char *message)
{
    endpoint_on_channel_text(peer->ep, bytes_str(message));
}

static void the_reason_follows_the_picture(void **state)
{
    (void)state;
    BOB_IS_TOLD("\"type\": \"camera\", \"wanted_height\": 0, \"height\": 0, \"framerate\": 0, \"target_height\": 0, "
                "\"target_framerate\": 0, \"target_bps\": 0, \"sent_height\": 0, \"reason\": \"constraint\"");
    peer_wants(&bob, 720);
    BOB_IS_TOLD("\"wanted_height\": 720, \"height\": 0, ", "\"target_height\": 720, \"target_framerate\": 30, ",
                "\"sent_height\": 0, \"reason\": \"not sending\"");
    peer_simulcast(&alice, 10, false);
    BOB_IS_TOLD("\"height\": 0, ", "\"target_height\": 720, ", "\"sent_height\": 720, \"reason\": \"key frame\"");
    peer_simulcast(&alice, 30, true);
    BOB_IS_TOLD("\"wanted_height\": 720, \"height\": 720, \"framerate\": 30, \"target_height\": 720, ",
                "\"reason\": \"best\"");
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 30, true);
    BOB_IS_TOLD("\"wanted_height\": 180, \"height\": 180, ", "\"target_height\": 180, ",
                "\"sent_height\": 720, \"reason\": \"constraint\"");
    peer_wants(&bob, 720);
    peer_simulcast(&alice, 5, false); /* up, which needs a key frame */
    BOB_IS_TOLD("\"height\": 180, ", "\"target_height\": 720, ", "\"reason\": \"key frame\"");
}

static void a_sender_of_lower_layers_alone_is_named(void **state)
{
    (void)state;
    peer_wants(&bob, 720);
    send_encodings(2, 60, true);
    BOB_IS_TOLD("\"wanted_height\": 720, \"height\": 360, ", "\"sent_height\": 360, \"reason\": \"sender's link\"");
    rig_pass_time(&rig, SEC(3)); /* and nothing at all any more */
    BOB_IS_TOLD("\"sent_height\": 0, \"reason\": \"not sending\"");
    says(&alice, "{\"colibriClass\":\"SourceVideoTypeMessage\",\"sourceName\":\"00000001-v0\",\"videoType\":\"none\"}");
    BOB_IS_TOLD("\"type\": \"off\", ", "\"reason\": \"not sending\"");
}

static void a_last_n_of_the_receiver_is_named(void **state)
{
    (void)state;
    peer_wants(&bob, 720);
    peer_simulcast(&alice, 30, true);
    BOB_IS_TOLD("\"height\": 720, ", "\"reason\": \"best\"");
    says(&bob, "{\"colibriClass\":\"LastNChangedEvent\",\"lastN\":0}");
    peer_simulcast(&alice, 5, false);
    BOB_IS_TOLD("\"wanted_height\": 720, \"height\": 0, ", "\"target_height\": 0, ",
                "\"sent_height\": 720, \"reason\": \"last-n\"");
}

static void no_video(struct config *config)
{
    config->bridge_last_n = 0;
}

static void a_cap_for_everybody_is_named(void **state)
{
    (void)state;
    open_with(no_video);
    peer_wants(&bob, 720);
    peer_simulcast(&alice, 30, true);
    BOB_IS_TOLD("\"height\": 0, ", "\"sent_height\": 720, \"reason\": \"bridge's cap\"");
}

static void trust(struct config *config)
{
    config->trust_bwe = true;
}

static void a_narrow_link_of_the_receiver_is_named(void **state)
{
    (void)state;
    uint8_t buf[64];
    uint32_t ssrc = 1;
    struct wr w = wr_over(buf, sizeof buf);
    open_with(trust);
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payloads[1].transport_cc = false;
    media->payloads[1].goog_remb = true;
    endpoint_set_media(bob.ep, media);
    free(media);
    peer_wants(&bob, 720);
    peer_simulcast(&alice, 60, true);
    rtcp_remb_write(&w, 77, 80000, &ssrc, 1);
    peer_rtcp(&bob, wr_done(&w));
    peer_simulcast(&alice, 30, true);
    BOB_IS_TOLD("\"wanted_height\": 720, \"height\": 180, ", "\"target_height\": 180, ",
                "\"sent_height\": 720, \"reason\": \"estimate\"");
}

static void by_targets(struct config *config)
{
    config->use_vla_target_bitrate = true;
}

/* media.md 10.5: three encodings are announced, 2 Mbit/s in all, and two of them arrive. */
static void what_is_announced_and_does_not_arrive_is_not_sent(void **state)
{
    (void)state;
    enum { VLA_ID = 12 };
    uint8_t buf[256], vla[64];
    struct wr w = wr_over(buf, sizeof buf);
    open_with(by_targets);
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    struct media_extension *ext = &media->extensions[media->extension_count++];
    ext->id = VLA_ID;
    snprintf(ext->uri, sizeof ext->uri, "%s", rtp_ext_uri(RTP_EXT_VLA));
    endpoint_set_media(alice.ep, media);
    free(media);
    peer_wants(&bob, 720);
    send_encodings(2, 20, true);
    uint16_t seq = ++alice.video_seq[0];
    struct rtp_view view = {.pt = RIG_VP8, .seq = seq, .ts = 3000u * seq, .ssrc = alice.video_ssrc[0], .marker = true};
    struct rtp_ext told = {VLA_ID, from_hex("21 a8 50 78 c801 ac02 9003 f403 e807 dc0b d00f"
                                            "013f00b31e 027f01671e 04ff02cf1e",
                                            vla, sizeof vla)};
    rtp_write_header(&w, &view, &told, 1);
    wr_bytes(&w, bytes_of("\x90\x80\x80\x20\x11\0\0\0\0\0\0\0", 12));
    peer_raw(&alice, wr_done(&w));
    send_encodings(2, 20, true);
    receiver_allocate(&bob.ep->receiver, rig.worker->now_us);
    BOB_IS_TOLD("\"wanted_height\": 720, \"height\": 360, ", "\"target_height\": 720, ", "\"target_bps\": 2000000, ",
                "\"sent_height\": 360, \"reason\": \"sender's link\"");
}

static void names_are_told_on_request_only(void **state)
{
    (void)state;
    strcpy(alice.ep->id, "al\"ice\\\n");
    char *without = overview(false), *with = overview(true);
    assert_null(strstr(without, "ice"));
    assert_null(strstr(without, "00000001"));
    assert_null(strstr(without, "-v0"));
    assert_non_null(strstr(with, "\"id\": \"al\\\"ice\\\\\\u000a\""));
    assert_non_null(strstr(with, "\"name\": \"00000001-v0\""));
    free(without);
    free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_reason_follows_the_picture, open_call, close_call),
        cmocka_unit_test_setup_teardown(a_sender_of_lower_layers_alone_is_named, open_call, close_call),
        cmocka_unit_test_setup_teardown(a_last_n_of_the_receiver_is_named, open_call, close_call),
        cmocka_unit_test_teardown(a_cap_for_everybody_is_named, close_call),
        cmocka_unit_test_teardown(a_narrow_link_of_the_receiver_is_named, close_call),
        cmocka_unit_test_teardown(what_is_announced_and_does_not_arrive_is_not_sent, close_call),
        cmocka_unit_test_setup_teardown(names_are_told_on_request_only, open_call, close_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
