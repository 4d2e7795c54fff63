/* sctp_peer.c - see sctp_peer.h. */
#include "support/sctp_peer.h"

#include "proto/bytes.h"

enum {
    PORT = 5000,
    TAG = 0x12345678,
    FIRST_TSN = 1000,
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_COOKIE_ECHO = 10,
    CHUNK_COOKIE_ACK = 11,
    STATE_COOKIE = 7,
    HEADER = 12,
    DCEP_ACK_BYTE = 2,
};

static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t n)
{
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
    }
    return crc;
}

static uint32_t checksum(const uint8_t *p, size_t n) /* as if the field were zero */
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(0xffffffff, p, 8);
    crc = crc32c(crc, zero, 4);
    return ~crc32c(crc, p + HEADER, n - HEADER);
}

bool sctp_peer_checksum_is_right(struct bytes packet)
{
    uint32_t crc = checksum(packet.p, packet.n);
    for (int i = 0; i < 4; i++)
        if (packet.p[8 + i] != (uint8_t)(crc >> 8 * i))
            return false;
    return true;
}

struct bytes sctp_peer_chunk(struct sctp_peer *peer, uint8_t type, uint8_t flags, struct bytes body)
{
    uint8_t *buf = peer->buf;
    size_t n = MIN(body.n, sizeof peer->buf - HEADER - 8), len = (HEADER + 4 + n + 3) & ~(size_t)3;
    memset(buf, 0, len);
    put_u16(buf, PORT);
    put_u16(buf + 2, PORT);
    put_u32(buf + 4, type == CHUNK_INIT ? 0 : peer->their_tag);
    buf[12] = type;
    buf[13] = flags;
    put_u16(buf + 14, (uint16_t)(4 + n));
    if (n)
        memcpy(buf + 16, body.p, n);
    uint32_t crc = checksum(buf, len);
    for (int i = 0; i < 4; i++)
        buf[8 + i] = (uint8_t)(crc >> 8 * i);
    return bytes_of(buf, len);
}

struct bytes sctp_peer_init(struct sctp_peer *peer)
{
    uint8_t init[16];
    peer->tsn = FIRST_TSN;
    memset(peer->ssn, 0, sizeof peer->ssn);
    put_u32(init, TAG);
    put_u32(init + 4, 1 << 20);
    put_u16(init + 8, 1024);
    put_u16(init + 10, 1024);
    put_u32(init + 12, FIRST_TSN);
    return sctp_peer_chunk(peer, CHUNK_INIT, 0, bytes_of(init, sizeof init));
}

struct bytes sctp_peer_cookie_echo(struct sctp_peer *peer)
{
    return sctp_peer_chunk(peer, CHUNK_COOKIE_ECHO, 0, bytes_of(peer->cookie, peer->cookie_len));
}

struct bytes sctp_peer_message(struct sctp_peer *peer, uint16_t stream, uint32_t ppid, struct bytes text)
{
    enum { FIRST_AND_LAST = 3, HEAD = 12 };
    uint8_t body[9000];
    size_t n = MIN(text.n, sizeof body - HEAD);
    put_u32(body, peer->tsn++);
    put_u16(body + 4, stream);
    put_u16(body + 6, peer->ssn[stream % SCTP_PEER_STREAMS]++);
    put_u32(body + 8, ppid);
    if (n)
        memcpy(body + HEAD, text.p, n);
    return sctp_peer_chunk(peer, CHUNK_DATA, FIRST_AND_LAST, bytes_of(body, HEAD + n));
}

static void learn_cookie(struct sctp_peer *peer, struct bytes body)
{
    if (body.n < 16)
        return;
    peer->their_tag = get_u32(body.p);
    for (size_t at = 16; at + 4 <= body.n;) {
        size_t len = get_u16(body.p + at + 2);
        if (len < 4 || at + len > body.n)
            return;
        if (get_u16(body.p + at) == STATE_COOKIE && len - 4 <= sizeof peer->cookie)
            memcpy(peer->cookie, body.p + at + 4, peer->cookie_len = len - 4);
        at += (len + 3) & ~(size_t)3;
    }
}

static void on_chunk(struct sctp_peer *peer, uint8_t type, struct bytes body)
{
    if (type == CHUNK_INIT_ACK)
        learn_cookie(peer, body);
    else if (type == CHUNK_COOKIE_ACK)
        peer->cookie_acked = true;
    else if (type == CHUNK_DATA && body.n == 13 && get_u32(body.p + 8) == SCTP_PEER_DCEP && body.p[12] == DCEP_ACK_BYTE)
        peer->acks[get_u16(body.p + 4) % SCTP_PEER_STREAMS]++;
}

void sctp_peer_on_packet(struct sctp_peer *peer, struct bytes packet)
{
    for (size_t at = HEADER; at + 4 <= packet.n;) {
        size_t len = get_u16(packet.p + at + 2);
        if (len < 4 || at + len > packet.n)
            return;
        on_chunk(peer, packet.p[at], bytes_of(packet.p + at + 4, len - 4));
        at += (len + 3) & ~(size_t)3;
    }
}
