/* A capture as a list of datagrams; see pcap.h. */
#include "support/pcap.h"

#include <stdlib.h>

enum { FILE_HEAD = 24, RECORD_HEAD = 16, ETHERNET_HEAD = 14, UDP_HEAD = 8, LINK_ETHERNET = 1 };

static uint32_t word(const struct pcap *pcap, size_t at)
{
    const uint8_t *p = pcap->file.p;
    bool little = p[0] == 0xd4;
    uint32_t big = get_u32(p + at);
    return little ? __builtin_bswap32(big) : big;
}

void pcap_open(struct pcap *pcap, const char *path)
{
    *pcap = (struct pcap){.file = read_file(path), .at = FILE_HEAD};
    assert_true(pcap->file.n >= FILE_HEAD);
    assert_int_equal(word(pcap, 0), 0xa1b2c3d4); /* microseconds */
    assert_int_equal(word(pcap, 20), LINK_ETHERNET);
}

bool pcap_next(struct pcap *pcap, uint64_t *us, struct bytes *datagram)
{
    if (pcap->at == pcap->file.n)
        return false;
    assert_true(pcap->at + RECORD_HEAD <= pcap->file.n);
    size_t at = pcap->at, len = word(pcap, at + 8);
    assert_int_equal(len, word(pcap, at + 12)); /* nothing cut off */
    *us = (uint64_t)word(pcap, at) * 1000000 + word(pcap, at + 4);
    at += RECORD_HEAD;
    assert_true(at + len <= pcap->file.n);
    const uint8_t *p = pcap->file.p + at;
    assert_true(len > ETHERNET_HEAD + 20 && p[ETHERNET_HEAD] >> 4 == 4 && p[ETHERNET_HEAD + 9] == 17);
    size_t udp = ETHERNET_HEAD + 4u * (p[ETHERNET_HEAD] & 0x0f);
    size_t udp_len = get_u16(p + udp + 4);
    assert_true(udp_len >= UDP_HEAD && udp + udp_len <= len);
    *datagram = bytes_of(p + udp + UDP_HEAD, udp_len - UDP_HEAD);
    pcap->at = at + len;
    return true;
}

void pcap_close(struct pcap *pcap)
{
    free((void *)pcap->file.p);
}
