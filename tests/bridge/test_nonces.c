/* transport 19.23: whatever happens in a call, no two packets are ever sealed under one SSRC, roll-over counter and number
 * (SRTCP: one SSRC and index) with the keys of one transport, or AES-GCM would give both away. Random calls: loss, repeated
 * NACKs for old and new packets, duplicates, layers that change, mutes, sources that go and come back, codecs and
 * extensions signalled anew, over wraps of the senders' numbers; and receivers with and without RTX and rewriting. */
#include "support/path_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/map.h"
#include "proto/rtcp_fb.h"
#include "proto/rtp_ext.h"
#include "proto/seq.h"

enum { PEERS = 4, PLAIN = 2, NO_RTX = 3, STEPS = 1500, RECENT = 256, ABS_SEND_TIME_ID = 3 };

static struct rig rig;
static struct peer peers[PEERS];
static uint64_t seed;

static struct ledger { /* of one receiver's transport */
    struct map sealed; /* nonce -> hash of the datagram */
    struct map rolls;  /* SSRC -> struct seq_unwrap */
    struct recent {
        uint32_t ssrc;
        uint16_t seq;
    } recent[RECENT];
    unsigned received, again;
} ledgers[PEERS];

static unsigned pick(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* ---- what was sealed ---- */

static uint64_t index_of(struct ledger *l, const struct got *got, uint32_t ssrc)
{
    if (got->rtcp)
        return get_u32(got->data + got->len - 4); /* RFC 7714 9.1: behind the tag */
    struct seq_unwrap *roll = map_get_u32(&l->rolls, ssrc);
    if (!roll) {
        roll = calloc(1, sizeof *roll);
        map_put_u32(&l->rolls, ssrc, roll);
    }
    return (uint64_t)seq_unwrap_next(roll, get_u16(got->data + 2));
}

static void enter(struct ledger *l, const struct got *got)
{
    struct {
        uint64_t index;
        uint32_t ssrc, rtcp;
    } nonce = {.ssrc = get_u32(got->data + (got->rtcp ? 4 : 8)), .rtcp = got->rtcp};
    nonce.index = index_of(l, got, nonce.ssrc);
    uintptr_t hash = (uintptr_t)map_hash(bytes_of(got->data, got->len)) | 1;
    uintptr_t before = (uintptr_t)map_put(&l->sealed, bytes_of(&nonce, sizeof nonce), (void *)hash);
    if (before && before != hash)
        fail_msg("%s of SSRC %u, index %llu: two packets under one nonce", got->rtcp ? "RTCP" : "RTP", nonce.ssrc,
                 (unsigned long long)nonce.index);
    l->again += before != 0;
    if (!got->rtcp)
        l->recent[l->received++ % RECENT] = (struct recent){nonce.ssrc, get_u16(got->data + 2)};
}

static void receive_all(void)
{
    struct got got;
    for (int i = 0; i < PEERS; i++)
        while (peer_recv_sealed(&peers[i], &got))
            enter(&ledgers[i], &got);
}

/* ---- what happens in a call ---- */

static void ask_again(int i)
{
    const struct ledger *l = &ledgers[i];
    if (!l->received)
        return;
    const struct recent *r = &l->recent[pick(MIN(l->received, (unsigned)RECENT))];
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_nack_write(&w, 77, r->ssrc, &r->seq, 1);
    for (unsigned n = 1 + pick(2); n; n--)
        peer_rtcp(&peers[i], wr_done(&w));
}

static void film(struct peer *peer)
{
    for (unsigned e = 0; e < 3; e++) {
        uint16_t seq = ++peer->video_seq[e];
        if (pick(20) == 0)
            continue; /* lost, or late */
        peer_video(peer, e, seq, 1000u * e + 3000u * seq, seq, pick(10) == 0);
        if (pick(20) == 0)
            peer_video(peer, e, (uint16_t)(seq - pick(8)), 1000u * e + 3000u * seq, seq, false);
    }
}

static void signal_media(struct peer *peer, bool rtx)
{
    struct media_spec *media = calloc(1, sizeof *media);
    rig_media(media);
    media->payload_count = rtx ? 3 : 2; /* opus, VP8, RTX */
    media->payloads[1].transport_cc = pick(2);
    media->extension_count = 2 + pick(2); /* with or without MID */
    struct media_extension *ext = &media->extensions[media->extension_count++];
    *ext = (struct media_extension){.id = ABS_SEND_TIME_ID, .kind = COLIBRI2_VIDEO};
    snprintf(ext->uri, CONTROL_URI_LEN, "%s", rtp_ext_uri(RTP_EXT_ABS_SEND_TIME));
    endpoint_set_media(peer->ep, media);
    free(media);
}

static void signal_sources(struct peer *peer, bool audio, bool video)
{
    struct source_spec specs[2];
    size_t n = 0;
    if (audio) {
        specs[n] = (struct source_spec){.kind = COLIBRI2_AUDIO, .encoding_count = 1};
        snprintf(specs[n].name, sizeof specs[n].name, "%.64s-a0", peer->ep->id);
        specs[n++].encodings[0].ssrc = peer->audio_ssrc;
    }
    if (video) {
        specs[n] = (struct source_spec){.kind = COLIBRI2_VIDEO, .encoding_count = 3};
        snprintf(specs[n].name, sizeof specs[n].name, "%.64s-v0", peer->ep->id);
        for (int e = 0; e < 3; e++) {
            specs[n].encodings[e].ssrc = peer->video_ssrc[e];
            specs[n].encodings[e].rtx_ssrc = peer->rtx_ssrc[e];
        }
        n++;
    }
    struct source_set set = {.source_count = n, .sources = specs};
    endpoint_set_sources(peer->ep, &set);
}

static void step(void)
{
    static const int heights[] = {0, 180, 360, 720};
    int i = (int)pick(PEERS);
    struct peer *peer = &peers[i];
    switch (pick(64)) {
    case 0: peer_wants(peer, heights[pick(COUNT(heights))]); break;
    case 1: endpoint_force_mute(peer->ep, pick(4) == 0, pick(4) == 0); break;
    case 2: signal_sources(peer, pick(3), pick(3)); break;
    case 3: signal_media(peer, i != NO_RTX && pick(4)); break;
    case 4: rig_pass_time(&rig, MS(pick(1500))); break;
    case 5:                                                        /* fall through */
    case 6:                                                        /* fall through */
    case 7: peer->video_seq[pick(3)] += (uint16_t)pick(30); break; /* a burst of loss */
    default:
        film(peer);
        peer->audio_seq++;
        peer_audio(peer, peer->audio_seq, 960u * peer->audio_seq, (int)pick(128));
        ask_again((int)pick(PEERS));
        rig_pass_time(&rig, MS(pick(40)));
    }
}

static void trust(struct config *config)
{
    config->trust_bwe = true;
}

static void no_two_packets_share_a_nonce(void **state)
{
    (void)state;
    unsigned again = 0, received = 0;
    for (uint64_t round = 1; round <= 12; round++) {
        seed = round;
        rig_open_with(&rig, trust);
        for (int i = 0; i < PEERS; i++) {
            struct ledger *l = &ledgers[i];
            *l = (struct ledger){0};
            map_init(&l->sealed);
            map_init(&l->rolls);
            peer_join(&rig, &peers[i], (uint32_t)i + 1, i != PLAIN);
            peers[i].audio_seq = (uint16_t)(65300 + 100 * i);
            for (int e = 0; e < 3; e++)
                peers[i].video_seq[e] = (uint16_t)(65500 - 40 * e);
        }
        signal_media(&peers[NO_RTX], false);
        for (int i = 0; i < PEERS; i++)
            peer_wants(&peers[i], 360);
        for (int n = 0; n < STEPS; n++) {
            step();
            receive_all();
        }
        for (int i = 0; i < PEERS; i++) {
            struct ledger *l = &ledgers[i];
            size_t at = 0;
            assert_true(l->received > STEPS / 4); /* it was a call */
            again += l->again;
            received += l->received;
            for (void *roll; (roll = map_next(&l->rolls, &at));)
                free(roll);
            map_done(&l->rolls);
            map_done(&l->sealed);
            peer_leave(&peers[i]);
        }
        rig_close(&rig);
    }
    print_message("  %u packets, %u of them sent a second time as they were\n", received, again);
    assert_true(again > 20); /* repeats under a packet's own number were among them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_packets_share_a_nonce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
