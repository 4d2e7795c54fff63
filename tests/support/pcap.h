/* pcap.h - the UDP payloads of a small capture: classic pcap, either byte order, Ethernet, IPv4 without fragments.
 * Only for the captures in tests/vectors; anything else fails the test. */
#ifndef TESTS_PCAP_H
#define TESTS_PCAP_H

#include "support/hex.h"

struct pcap {
    struct bytes file;
    size_t at;
};

void pcap_open(struct pcap *pcap, const char *path);
bool pcap_next(struct pcap *pcap, uint64_t *us, struct bytes *datagram); /* false: the end */
void pcap_close(struct pcap *pcap);

#endif
