/* Real sockets on loopback: order per destination, segmentation, truncation, an empty pool. */
#include "support/hex.h"
#include "support/loopback.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/udp_io.h"

struct rig {
    uv_loop_t loop;
    struct pkt_pool *pool;
    struct udp_io *io;
    struct addr local;
    size_t got;
    uint8_t first[256];
    size_t lens[256];
};

static void on_batch(void *ctx, struct pkt **pkts, size_t n)
{
    struct rig *rig = ctx;
    for (size_t i = 0; i < n; i++) {
        assert_true(rig->got < 256);
        assert_true(pkts[i]->rx_us > 0);
        rig->first[rig->got] = pkts[i]->data[0];
        rig->lens[rig->got++] = pkts[i]->len;
        pkt_drop(pkts[i]);
    }
}

static void open_rig(struct rig *rig, size_t pkts)
{
    memset(rig, 0, sizeof *rig);
    uv_loop_init(&rig->loop);
    rig->pool = pkt_pool_new(pkts);
    pkt_pool_adopt(rig->pool);
    int failed[UDP_LOCALS_MAX] = {0};
    int probe = loopback_socket(&rig->local, SEC(2)); /* finds a free port */
    close(probe);
    rig->io = udp_io_new(&rig->loop, &rig->local, 1, 1 << 20, rig->pool, on_batch, rig, failed);
    assert_non_null(rig->io);
    assert_int_equal(failed[0], 0);
}

static void close_rig(struct rig *rig)
{
    udp_io_close(rig->io);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    pkt_pool_free(rig->pool);
}

static void send_to_rig(struct rig *rig, int fd, const void *data, size_t n)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(&rig->local, &ss);
    assert_int_equal(sendto(fd, data, n, 0, (struct sockaddr *)&ss, len), n);
}

static void batches_arrive_in_order_and_truncated_ones_do_not(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 128);
    struct addr from;
    int fd = loopback_socket(&from, SEC(2));
    uint8_t data[1600] = {0};
    for (uint8_t i = 0; i < 10; i++) {
        data[0] = i;
        send_to_rig(&rig, fd, data, i == 5 ? 1501 : 100 + i);
    }
    while (rig.got < 9)
        uv_run(&rig.loop, UV_RUN_ONCE);
    for (uint8_t i = 0, at = 0; i < 10; i++) {
        if (i == 5)
            continue;
        assert_int_equal(rig.first[at], i);
        assert_int_equal(rig.lens[at++], 100 + i);
    }
    assert_int_equal(udp_io_counters(rig.io)->rx_truncated, 1);
    close(fd);
    close_rig(&rig);
}

static void lists_leave_in_order_to_each_destination(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 128);
    struct addr to[2];
    int fd[2] = {loopback_socket(&to[0], SEC(2)), loopback_socket(&to[1], SEC(2))};
    struct udp_dest dest[2] = {0};
    udp_dest_set(rig.io, &dest[0], &to[0], 0);
    udp_dest_set(rig.io, &dest[1], &to[1], 0);
    static const size_t lens[] = {1000, 1000, 1000, 400, 1001, 1001, 60, 1001};
    for (uint8_t i = 0; i < COUNT(lens); i++)
        for (int d = 0; d < 2; d++) {
            uint8_t *p = udp_out_begin(rig.io);
            memset(p, 0, lens[i]);
            p[0] = i;
            p[1] = (uint8_t)d;
            udp_out_end(rig.io, &dest[d], lens[i]);
        }
    udp_flush(rig.io);
    for (int d = 0; d < 2; d++)
        for (uint8_t i = 0; i < COUNT(lens); i++) {
            uint8_t buf[2000];
            assert_int_equal(recv(fd[d], buf, sizeof buf, 0), lens[i]);
            assert_int_equal(buf[0], i);
            assert_int_equal(buf[1], d);
        }
    const struct udp_counters *c = udp_io_counters(rig.io);
    assert_int_equal(c->tx_datagrams, 2 * COUNT(lens));
    assert_int_equal(c->tx_calls, 1);
    assert_int_equal(c->tx_segmented, 2 * 7); /* 1000 1000 1000 400 | 1001 1001 60 | 1001 */
    close(fd[0]);
    close(fd[1]);
    close_rig(&rig);
}

static void more_than_one_flush_full_gets_through(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 128);
    struct addr to;
    int fd = loopback_socket(&to, SEC(2));
    int size = 8 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct udp_dest dest = {0};
    udp_dest_set(rig.io, &dest, &to, 0);
    uint64_t sent = 0;
    for (int i = 0; i < UDP_OUT_MAX + 10; i++) {
        udp_out_begin(rig.io)[0] = 1;
        udp_out_end(rig.io, &dest, 1 + (size_t)(i % 3));
        sent++;
    }
    udp_flush(rig.io);
    assert_int_equal(udp_io_counters(rig.io)->tx_datagrams, sent);
    close(fd);
    close_rig(&rig);
}

static void an_empty_pool_drops_and_says_so(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 4);
    struct pkt *held[4];
    for (int i = 0; i < 4; i++)
        held[i] = pkt_alloc(rig.pool);
    struct addr from;
    int fd = loopback_socket(&from, SEC(2));
    send_to_rig(&rig, fd, "a", 1);
    while (udp_io_counters(rig.io)->rx_no_buffer == 0)
        uv_run(&rig.loop, UV_RUN_ONCE);
    for (int i = 0; i < 4; i++)
        pkt_drop(held[i]);
    send_to_rig(&rig, fd, "b", 1);
    while (rig.got == 0)
        uv_run(&rig.loop, UV_RUN_ONCE);
    assert_int_equal(rig.first[0], 'b');
    close(fd);
    close_rig(&rig);
}

static void a_port_that_another_bridge_shares_is_not_ours(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 8);
    assert_int_equal(udp_why_not_alone(&rig.local), EADDRINUSE);
    close_rig(&rig);
    assert_int_equal(udp_why_not_alone(&rig.local), 0);
    assert_int_equal(udp_why_not_alone(&rig.local), 0); /* asking leaves nothing behind */
    struct addr elsewhere;
    assert_int_equal(addr_parse("192.0.2.1", 10000, &elsewhere), E_OK);
    assert_int_equal(udp_why_not_alone(&elsewhere), EADDRNOTAVAIL);
}

static void an_address_that_is_not_ours_is_skipped(void **state)
{
    (void)state;
    struct rig rig;
    memset(&rig, 0, sizeof rig);
    uv_loop_init(&rig.loop);
    rig.pool = pkt_pool_new(4);
    pkt_pool_adopt(rig.pool);
    struct addr bad;
    addr_parse("192.0.2.1", 40001, &bad);
    int failed[UDP_LOCALS_MAX] = {0};
    assert_null(udp_io_new(&rig.loop, &bad, 1, 1 << 16, rig.pool, on_batch, &rig, failed));
    assert_int_not_equal(failed[0], 0);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    pkt_pool_free(rig.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_arrive_in_order_and_truncated_ones_do_not),
        cmocka_unit_test(lists_leave_in_order_to_each_destination),
        cmocka_unit_test(more_than_one_flush_full_gets_through),
        cmocka_unit_test(an_empty_pool_drops_and_says_so),
        cmocka_unit_test(a_port_that_another_bridge_shares_is_not_ours),
        cmocka_unit_test(an_address_that_is_not_ours_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
