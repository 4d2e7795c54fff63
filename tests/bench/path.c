/* path.c - what one packet costs on its way through a worker. As a test it asserts only that what it measures happened.
 *
 * A tile view: each of N peers sends VP8, one packet a frame, and is shown all the others. What arrives was sealed before,
 * and what is sent is read after the clock was stopped. Printed per forwarded packet, feedback to the senders included:
 *   work    from the datagram to the sealed packets in the send queue; of this
 *   cipher  what sealing one packet of that size costs by itself, for as many peers and SSRCs
 *   kernel  handing the queue to loopback sockets; how many calls that took
 *   allocations
 * usage: path [PEERS [ROUNDS]] */
#include "support/alloc_count.h"
#include "support/path_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/rtp_ext.h"

enum { PEERS_MAX = 100, WARM_UP = 90, PAYLOAD = 800 };

static struct rig rig;
static struct peer peers[PEERS_MAX];
static unsigned peer_count = 20, rounds = 900;

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t write_frame(struct peer *peer, uint8_t *buf, size_t cap)
{
    static const uint8_t zeros[PAYLOAD];
    uint16_t seq = ++peer->video_seq[0];
    uint8_t twcc[2];
    struct wr w = wr_over(buf, cap);
    struct rtp_view view = {.pt = RIG_VP8, .seq = seq, .ts = 3000u * seq, .ssrc = peer->video_ssrc[0], .marker = true};
    struct rtp_ext ext = {RIG_TWCC_ID, rtp_ext_twcc_write(twcc, (uint16_t)peer->twcc++)};
    rtp_write_header(&w, &view, &ext, 1);
    wr_u16(&w, 0x9080);                   /* X, S; I */
    wr_u16(&w, (uint16_t)(0x8000 | seq)); /* picture id of 15 bits */
    wr_u24(&w, 0x110000);                 /* no key frame */
    wr_bytes(&w, bytes_of(zeros, sizeof zeros));
    assert_int_equal(w.err, E_OK);
    return wr_len(&w);
}

static struct pkt *sealed_frame(struct peer *peer)
{
    struct pkt *pkt = pkt_alloc(rig.worker->pool);
    assert_non_null(pkt);
    size_t len = write_frame(peer, pkt->data, PKT_CAP - MSRTP_TRAILER_MAX);
    assert_int_equal(msrtp_seal_rtp(peer->srtp, pkt->data, &len, PKT_CAP), E_OK);
    pkt->len = (uint16_t)len;
    pkt->rx_us = rig.worker->now_us;
    return pkt;
}

static unsigned read_all(void) /* how many media packets have come */
{
    static struct got got;
    unsigned media = 0;
    for (unsigned i = 0; i < peer_count; i++)
        while (peer_recv_sealed(&peers[i], &got))
            media += !got.rtcp;
    return media;
}

/* By its name callgrind finds what is to be counted. */
void bench_work(struct peer *from, struct pkt *pkt);
__attribute__((noinline)) void bench_work(struct peer *from, struct pkt *pkt)
{
    rx_path_srtp(from->ep, pkt, false);
}

struct cost {
    uint64_t work_ns, kernel_ns, forwarded, calls, allocations;
};

static void run(unsigned count, struct cost *cost)
{
    const struct udp_counters *io = udp_io_counters(rig.worker->udp);
    for (unsigned r = 0; r < count; r++) {
        for (unsigned i = 0; i < peer_count; i++) {
            struct pkt *pkt = sealed_frame(&peers[i]);
            udp_flush(rig.worker->udp); /* what timers have queued */
            uint64_t calls = io->tx_calls, allocations = alloc_count();
            uint64_t t0 = cpu_ns();
            bench_work(&peers[i], pkt);
            uint64_t t1 = cpu_ns();
            udp_flush(rig.worker->udp);
            uint64_t t2 = cpu_ns();
            cost->work_ns += t1 - t0;
            cost->kernel_ns += t2 - t1;
            cost->calls += io->tx_calls - calls;
            cost->allocations += alloc_count() - allocations;
            rig_pass_time(&rig, US_PER_S / 30 / peer_count);
        }
        cost->forwarded += read_all();
    }
}

static double cipher_ns(void)
{
    enum { TURNS = 20 };
    static const uint8_t key[28] = {7, 8, 9};
    static _Alignas(8) uint8_t buf[PKT_CAP];
    struct msrtp *srtp[PEERS_MAX];
    uint64_t ns = 0, sealed = 0;
    for (unsigned to = 0; to < peer_count; to++)
        srtp[to] = msrtp_new(MSRTP_AEAD_AES_128_GCM, bytes_of(key, 28), bytes_of(key, 28), MSRTP_SSRCS_ENDPOINT);
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (unsigned from = 0; from < peer_count; from++) {
            size_t written = write_frame(&peers[from], buf, sizeof buf - MSRTP_TRAILER_MAX);
            uint64_t t0 = cpu_ns();
            for (unsigned to = 0; to < peer_count; to++) {
                size_t len = written; /* what is sealed once more is as long as ever */
                assert_int_equal(msrtp_seal_rtp(srtp[to], buf, &len, sizeof buf), E_OK);
            }
            if (turn) { /* the first makes the SSRCs */
                ns += cpu_ns() - t0;
                sealed += peer_count;
            }
        }
    for (unsigned to = 0; to < peer_count; to++)
        msrtp_free(srtp[to]);
    return (double)ns / (double)sealed;
}

static uint64_t clock_ns(void) /* what a pair of clock readings adds */
{
    enum { TIMES = 10000 };
    uint64_t ns = 0;
    for (int i = 0; i < TIMES; i++) {
        uint64_t t0 = cpu_ns();
        ns += cpu_ns() - t0;
    }
    return ns / TIMES;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        peer_count = (unsigned)atoi(argv[1]);
    if (argc > 2)
        rounds = (unsigned)atoi(argv[2]);
    if (peer_count < 2 || peer_count > PEERS_MAX || rounds < 1) {
        fprintf(stderr, "usage: path [PEERS [ROUNDS]], 2 to %d peers\n", PEERS_MAX);
        return 2;
    }
    rig_open(&rig);
    for (unsigned i = 0; i < peer_count; i++)
        peer_join(&rig, &peers[i], i + 1, true);
    rig_pass_time(&rig, MS(20));
    for (unsigned i = 0; i < peer_count; i++)
        peer_wants(&peers[i], 180);
    for (unsigned i = 0; i < peer_count; i++)
        peer_simulcast(&peers[i], 2, true);
    read_all();
    struct cost warm = {0}, cost = {0};
    run(WARM_UP, &warm);
    run(rounds, &cost);
    uint64_t in = (uint64_t)rounds * peer_count, clock = clock_ns();
    if (cost.forwarded != in * (peer_count - 1)) {
        fprintf(stderr, "%u packets were forwarded instead of %u\n", (unsigned)cost.forwarded,
                (unsigned)in * (peer_count - 1));
        return 1;
    }
    double work = (double)(cost.work_ns - in * clock) / (double)cost.forwarded;
    double kernel = (double)(cost.kernel_ns - in * clock) / (double)cost.forwarded;
    printf("%u peers, %u packets in, %u forwarded, of %d bytes; %s\n", peer_count, (unsigned)in,
           (unsigned)cost.forwarded, PAYLOAD, msrtp_backend_name());
    printf("per forwarded packet: work %.0f ns (cipher %.0f), kernel %.0f ns in %.3f calls, allocations %.3f\n", work,
           cipher_ns(), kernel, (double)cost.calls / (double)cost.forwarded,
           (double)cost.allocations / (double)cost.forwarded);
    for (unsigned i = 0; i < peer_count; i++)
        peer_leave(&peers[i]);
    rig_close(&rig);
    return 0;
}
