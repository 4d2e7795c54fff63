/* The whole receive path behind the keys. The input is a run of datagrams from two clients of a call, each after a byte
 * that says from whom, how and when, and a length: sealed with the client's keys, which a malicious participant has, or
 * as they are, which anybody on the path can send. Each is authentic or counted under one name, what is not sealed never
 * is authentic, what goes out can be opened and read by its receiver, and in the end every packet is home. */
#include "support/path_rig.h"

#include <stdlib.h>

#include "proto/log.h"
#include "proto/rtcp.h"

enum { PEERS = 2, INPUT_MAX = 4096, DATAGRAM_CAP = 1400 };

static struct rig rig;
static struct peer peers[PEERS];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t refused(void) /* for what is wrong with a packet itself */
{
    static const enum drop reasons[] = {DROP_RTP_MALFORMED, DROP_SRTP_AUTH,  DROP_SRTP_REPLAY,
                                        DROP_SRTP_OLD,      DROP_SRTP_OTHER, DROP_SSRC_LIMIT};
    uint64_t sum = 0;
    for (size_t i = 0; i < COUNT(reasons); i++)
        sum += demux_drops(rig.worker->demux)[reasons[i]];
    return sum;
}

static uint64_t ended(void) /* in a stage of the receive path, for whatever reason */
{
    const struct worker_counters *c = rig.worker->counters;
    return 0
#define X(name, text) +c->name
        RX_STAGES(X)
#undef X
            ;
}

static void check_received(void)
{
    struct got got;
    for (int i = 0; i < PEERS; i++)
        while (peer_recv_sealed(&peers[i], &got)) {
            enum err err = (got.rtcp ? msrtp_open_rtcp : msrtp_open_rtp)(peers[i].srtp, got.data, &got.len);
            if (err == E_REPLAY)
                continue; /* asked for again by one who has no RTX for it */
            must(err == E_OK);
            struct rd r = rd_over(bytes_of(got.data, got.len));
            must(got.rtcp ? rtcp_check(bytes_of(got.data, got.len)) == E_OK : rtp_parse(&r, &got.rtp) == E_OK);
        }
}

/* Bytes found at random name nobody: most of them shall get past the table of SSRCs. */
static void name_an_ssrc(const struct peer *peer, uint8_t *buf, size_t len, bool rtcp)
{
    size_t at = rtcp ? 4 : 8;
    if (len < at + 4)
        return;
    const uint32_t known[] = {peer->audio_ssrc,  peer->video_ssrc[0], peer->video_ssrc[1], peer->video_ssrc[2],
                              peer->rtx_ssrc[0], peer->rtx_ssrc[1],   peer->rtx_ssrc[2],   get_u32(buf + at)};
    put_u32(buf + at, known[buf[at + 3] % COUNT(known)]);
}

static void deliver(struct peer *peer, struct bytes in, bool rtcp, bool sealed)
{
    struct pkt *pkt = pkt_alloc(rig.worker->pool);
    must(pkt != NULL);
    size_t len = MIN(in.n, (size_t)DATAGRAM_CAP);
    memcpy(pkt->data, in.p, len);
    name_an_ssrc(peer, pkt->data, len, rtcp);
    sealed = sealed && (rtcp ? msrtp_seal_rtcp : msrtp_seal_rtp)(peer->srtp, pkt->data, &len, PKT_CAP) == E_OK;
    pkt->len = (uint16_t)len;
    pkt->rx_us = rig.worker->now_us;

    uint64_t packets = peer->ep->rx_packets, drops = refused(), stages = ended();
    bool authentic = rx_path_srtp(peer->ep, pkt, rtcp);
    packets = peer->ep->rx_packets - packets;
    drops = refused() - drops;
    stages = ended() - stages;
    must(packets == authentic);
    must(sealed || !authentic);
    must(authentic ? drops <= rtcp : drops == 1); /* an authentic compound may still make no sense */
    must(stages <= !rtcp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    if (!rig.worker) {
        log_set_level(LOG_ERROR_);
        rig_open(&rig);
    }
    size_t home = pkt_pool_free_count(rig.worker->pool);
    for (int i = 0; i < PEERS; i++) {
        peer_join(&rig, &peers[i], (uint32_t)i + 1, i == 0);
        peer_wants(&peers[i], 720);
    }
    struct rd r = rd_over(bytes_of(data, size));
    while (rd_left(&r) >= 2) {
        uint8_t how = rd_u8(&r, "how");
        size_t len = rd_u8(&r, "length");
        struct bytes datagram = rd_bytes(&r, MIN(len, rd_left(&r)), "datagram");
        deliver(&peers[how & 1], datagram, how & 2, !(how & 4));
        rig_pass_time(&rig, MS(how >> 3) * (how >> 3));
        check_received();
    }
    for (int i = 0; i < PEERS; i++)
        peer_leave(&peers[i]);
    uv_run(&rig.loop, UV_RUN_NOWAIT); /* reports to the directory */
    must(pkt_pool_free_count(rig.worker->pool) == home);
    return 0;
}
