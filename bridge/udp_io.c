/* udp_io.c - recvmmsg, sendmmsg and UDP_SEGMENT; see udp_io.h. */
#include "bridge/udp_io.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h; older libc headers lack it */
#endif

enum {
    NONE = UINT16_MAX,
    GSO_SEGMENTS_MAX = 64,   /* UDP_MAX_SEGMENTS of Linux before 6.9 */
    GSO_BYTES_MAX = 65000,   /* below the largest UDP payload */
    READS_PER_WAKE = 4,      /* then other sockets and timers get their turn */
    MESSAGES_MAX = 256,      /* per sendmmsg */
};

struct out {
    uint16_t len, next; /* next: chain of the same destination */
    _Alignas(8) uint8_t data[UDP_OUT_CAP];
};

struct udp_socket {
    uv_poll_t poll;
    struct udp_io *io;
    int fd;
    uint8_t index;
};

struct udp_io {
    struct udp_socket sockets[UDP_LOCALS_MAX];
    size_t socket_count;
    unsigned open_handles;
    struct pkt_pool *pool;
    udp_on_batch *on_batch;
    void *ctx;
    struct udp_counters counters;
    int rcvbuf_bytes;
    bool gso;
    /* receive scratch */
    struct mmsghdr in_msgs[UDP_BATCH];
    struct iovec in_iov[UDP_BATCH];
    struct sockaddr_storage in_from[UDP_BATCH];
    struct pkt *in_pkts[UDP_BATCH]; /* waiting for data; refilled before each read */
    /* send queue */
    struct out *out;
    uint16_t out_count;
    struct udp_dest *dirty, **dirty_tail;
    /* send scratch */
    struct mmsghdr msgs[MESSAGES_MAX];
    struct iovec iov[UDP_OUT_MAX];
    struct sockaddr_storage to[MESSAGES_MAX];
    uint16_t segments[MESSAGES_MAX];
    union {
        char buf[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr align;
    } control[MESSAGES_MAX];
};

/* ---- receiving ---- */

static size_t refill(struct udp_io *io)
{
    size_t n = 0;
    for (; n < UDP_BATCH; n++) {
        if (!io->in_pkts[n] && !(io->in_pkts[n] = pkt_alloc(io->pool)))
            break;
        io->in_iov[n] = (struct iovec){io->in_pkts[n]->data, PKT_DATAGRAM_MAX};
        io->in_msgs[n].msg_hdr = (struct msghdr){
            .msg_name = &io->in_from[n],
            .msg_namelen = sizeof io->in_from[n],
            .msg_iov = &io->in_iov[n],
            .msg_iovlen = 1,
        };
    }
    return n;
}

static void discard_waiting(struct udp_socket *s)
{
    char byte;
    for (int i = 0; i < UDP_BATCH && recv(s->fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0; i++)
        s->io->counters.rx_no_buffer++;
}

static bool read_batch(struct udp_socket *s) /* true: there may be more */
{
    struct udp_io *io = s->io;
    size_t room = refill(io);
    if (room == 0) {
        discard_waiting(s);
        return false;
    }
    int got = recvmmsg(s->fd, io->in_msgs, (unsigned)room, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return false;
    uint64_t now_us = uv_hrtime() / 1000;
    io->counters.rx_calls++;
    struct pkt *batch[UDP_BATCH];
    size_t n = 0;
    for (int i = 0; i < got; i++) {
        struct pkt *pkt = io->in_pkts[i];
        if (io->in_msgs[i].msg_hdr.msg_flags & MSG_TRUNC) {
            io->counters.rx_truncated++;
            continue; /* the packet stays for the next read */
        }
        pkt->len = (uint16_t)io->in_msgs[i].msg_len;
        pkt->rx_us = now_us;
        pkt->local = s->index;
        addr_from_sockaddr((struct sockaddr *)&io->in_from[i], &pkt->from);
        io->counters.rx_datagrams++;
        io->counters.rx_bytes += pkt->len;
        io->in_pkts[i] = NULL;
        batch[n++] = pkt;
    }
    if (n)
        io->on_batch(io->ctx, batch, n);
    return (size_t)got == room;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error on an unconnected socket costs one packet at most; the next read says so */
    (void)events;
    struct udp_socket *s = poll->data;
    for (int i = 0; i < READS_PER_WAKE && read_batch(s); i++)
        continue;
}

/* ---- opening and closing ---- */

static int open_socket(const struct addr *local, bool shared) /* -1: errno says why */
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(local, &ss);
    int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int one = 1;
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (ss.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&ss, len) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

int udp_why_not_alone(const struct addr *local)
{
    int fd = open_socket(local, false);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int set_buffers(int fd, int rcvbuf_bytes) /* what the kernel granted */
{
    int granted = 0;
    socklen_t size = sizeof granted;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf_bytes, sizeof rcvbuf_bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &rcvbuf_bytes, sizeof rcvbuf_bytes);
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size);
    return granted;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct udp_socket *s = handle->data;
    struct udp_io *io = s->io;
    close(s->fd);
    if (--io->open_handles == 0) {
        free(io->out);
        free(io);
    }
}

struct udp_io *udp_io_new(uv_loop_t *loop, const struct addr *locals, size_t n, int rcvbuf_bytes, struct pkt_pool *pool,
                          udp_on_batch *on_batch, void *ctx, int failed[UDP_LOCALS_MAX])
{
    struct udp_io *io = calloc(1, sizeof *io);
    struct out *out = calloc(UDP_OUT_MAX, sizeof *out);
    if (!io || !out || n > UDP_LOCALS_MAX)
        abort();
    io->out = out;
    io->pool = pool;
    io->on_batch = on_batch;
    io->ctx = ctx;
    io->gso = true;
    io->dirty_tail = &io->dirty;
    io->socket_count = n;
    for (size_t i = 0; i < n; i++) {
        struct udp_socket *s = &io->sockets[i];
        *s = (struct udp_socket){.io = io, .index = (uint8_t)i};
        s->fd = open_socket(&locals[i], true);
        failed[i] = s->fd < 0 ? errno : 0;
        if (s->fd < 0)
            continue;
        if (uv_poll_init(loop, &s->poll, s->fd) != 0) {
            failed[i] = ENOMEM;
            close(s->fd);
            s->fd = -1;
            continue;
        }
        s->poll.data = s;
        uv_poll_start(&s->poll, UV_READABLE, on_readable);
        io->open_handles++;
        int granted = set_buffers(s->fd, rcvbuf_bytes);
        io->rcvbuf_bytes = io->rcvbuf_bytes ? MIN(io->rcvbuf_bytes, granted) : granted;
    }
    if (io->open_handles)
        return io;
    free(io->out);
    free(io);
    return NULL;
}

void udp_io_close(struct udp_io *io)
{
    if (!io)
        return;
    udp_flush(io);
    for (size_t i = 0; i < UDP_BATCH; i++)
        if (io->in_pkts[i])
            pkt_drop(io->in_pkts[i]);
    for (size_t i = 0, n = io->socket_count; i < n; i++)
        if (io->sockets[i].fd >= 0)
            uv_close((uv_handle_t *)&io->sockets[i].poll, on_socket_closed);
}

/* ---- sending ---- */

uint8_t *udp_out_begin(struct udp_io *io)
{
    if (io->out_count == UDP_OUT_MAX)
        udp_flush(io);
    return io->out[io->out_count].data;
}

void udp_out_end(struct udp_io *io, struct udp_dest *dest, size_t len)
{
    uint16_t at = io->out_count++;
    io->out[at].len = (uint16_t)len;
    io->out[at].next = NONE;
    if (!dest->dirty) {
        dest->dirty = true;
        dest->first = at;
        dest->next_dirty = NULL;
        *io->dirty_tail = dest;
        io->dirty_tail = &dest->next_dirty;
    } else {
        io->out[dest->last].next = at;
    }
    dest->last = at;
}

void udp_out_copy(struct udp_io *io, struct udp_dest *dest, struct bytes datagram)
{
    if (datagram.n > UDP_OUT_CAP) {
        io->counters.tx_failed++;
        return;
    }
    memcpy(udp_out_begin(io), datagram.p, datagram.n);
    udp_out_end(io, dest, datagram.n);
}

void udp_dest_set(struct udp_io *io, struct udp_dest *dest, const struct addr *to, uint8_t local)
{
    if (dest->dirty)
        udp_flush(io);
    dest->to = *to;
    dest->local = local;
}

void udp_dest_forget(struct udp_io *io, struct udp_dest *dest)
{
    if (dest->dirty)
        udp_flush(io);
}

/* Packets from *at on that may leave as one message: equal sizes, the last one may be shorter. Advances *at. */
static unsigned run_of(const struct udp_io *io, uint16_t *at, struct iovec *iov)
{
    uint16_t size = io->out[*at].len;
    size_t bytes = 0;
    unsigned n = 0;
    while (*at != NONE && n < (io->gso ? GSO_SEGMENTS_MAX : 1)) {
        struct out *out = &io->out[*at];
        if (out->len > size || bytes + out->len > GSO_BYTES_MAX)
            break;
        iov[n++] = (struct iovec){out->data, out->len};
        bytes += out->len;
        *at = out->next;
        if (out->len < size)
            break;
    }
    return n;
}

static void set_segment_size(struct udp_io *io, size_t i, uint16_t size)
{
    struct msghdr *hdr = &io->msgs[i].msg_hdr;
    hdr->msg_control = io->control[i].buf;
    hdr->msg_controllen = sizeof io->control[i].buf;
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr);
    cmsg->cmsg_level = SOL_UDP;
    cmsg->cmsg_type = UDP_SEGMENT;
    cmsg->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    memcpy(CMSG_DATA(cmsg), &size, sizeof size);
}

/* The link or kernel does not segment: send this one message packet by packet, and all later ones too. */
static void send_unsegmented(struct udp_io *io, int fd, struct msghdr *hdr)
{
    io->gso = false;
    for (size_t i = 0; i < hdr->msg_iovlen; i++) {
        ssize_t sent = sendto(fd, hdr->msg_iov[i].iov_base, hdr->msg_iov[i].iov_len, MSG_DONTWAIT, hdr->msg_name,
                              hdr->msg_namelen);
        if (sent < 0)
            io->counters.tx_failed++;
        else
            io->counters.tx_datagrams++;
    }
}

static void count_sent(struct udp_io *io, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        io->counters.tx_datagrams += io->segments[i];
        io->counters.tx_bytes += io->msgs[i].msg_len;
        if (io->segments[i] > 1)
            io->counters.tx_segmented += io->segments[i];
    }
}

static void send_messages(struct udp_io *io, int fd, size_t n)
{
    size_t at = 0;
    while (at < n) {
        int sent = sendmmsg(fd, io->msgs + at, (unsigned)(n - at), MSG_DONTWAIT);
        io->counters.tx_calls++;
        if (sent > 0) {
            count_sent(io, at, (size_t)sent);
            at += (size_t)sent;
            continue;
        }
        if (errno == EINTR)
            continue;
        struct msghdr *bad = &io->msgs[at].msg_hdr;
        if (errno == EAGAIN || errno == ENOBUFS) {
            for (; at < n; at++)
                io->counters.tx_full += io->segments[at];
            return;
        }
        if (io->segments[at] > 1 && (errno == EIO || errno == EINVAL || errno == EOPNOTSUPP || errno == EMSGSIZE))
            send_unsegmented(io, fd, bad);
        else
            io->counters.tx_failed += io->segments[at];
        at++;
    }
}

/* Sends what destinations with this local address have queued. */
static void flush_local(struct udp_io *io, uint8_t local)
{
    int fd = io->sockets[local].fd;
    size_t n = 0, iov = 0;
    for (struct udp_dest *d = io->dirty; d; d = d->next_dirty) {
        if (d->local != local)
            continue;
        for (uint16_t at = d->first; at != NONE;) {
            if (n == MESSAGES_MAX) {
                send_messages(io, fd, n);
                n = iov = 0;
            }
            uint16_t size = io->out[at].len;
            unsigned segments = run_of(io, &at, &io->iov[iov]);
            socklen_t to_len = addr_to_sockaddr(&d->to, &io->to[n]);
            io->msgs[n].msg_hdr = (struct msghdr){
                .msg_name = &io->to[n], .msg_namelen = to_len, .msg_iov = &io->iov[iov], .msg_iovlen = segments};
            io->segments[n] = (uint16_t)segments;
            if (segments > 1)
                set_segment_size(io, n, size);
            iov += segments;
            n++;
        }
    }
    if (n)
        send_messages(io, fd, n);
}

void udp_flush(struct udp_io *io)
{
    if (!io->dirty)
        return;
    uint32_t locals = 0;
    for (struct udp_dest *d = io->dirty; d; d = d->next_dirty)
        locals |= d->local < io->socket_count && io->sockets[d->local].fd >= 0 ? 1u << d->local : 0;
    for (; locals; locals &= locals - 1)
        flush_local(io, (uint8_t)__builtin_ctz(locals));
    for (struct udp_dest *d = io->dirty, *next; d; d = next) {
        next = d->next_dirty;
        d->dirty = false;
        d->next_dirty = NULL;
    }
    io->dirty = NULL;
    io->dirty_tail = &io->dirty;
    io->out_count = 0;
}

const struct udp_counters *udp_io_counters(const struct udp_io *io)
{
    return &io->counters;
}

int udp_io_rcvbuf_bytes(const struct udp_io *io)
{
    return io->rcvbuf_bytes;
}
