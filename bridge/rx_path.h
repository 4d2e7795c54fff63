/* rx_path.h - the receive path of one SRTP or SRTCP datagram, as a list of stages that can be read (rx_path.c).
 *
 * Thread: the worker. Nothing here allocates, locks or logs. */
#ifndef BRIDGE_RX_PATH_H
#define BRIDGE_RX_PATH_H

#include "bridge/worker.h"

struct endpoint;

#define RX_STAGES(X)                                                                                                   \
    X(parse, "header and extensions; the payload is still encrypted")                                                  \
    X(open, "SRTP in place: the last write to these bytes")                                                            \
    X(twcc, "arrival for transport-wide feedback or REMB, before anything else may drop it")                           \
    X(source, "which source and encoding the SSRC belongs to, and what the payload type means")                        \
    X(count, "loss, jitter, rate")                                                                                     \
    X(unpad, "padding off; a packet of nothing but padding ends here")                                                 \
    X(rtx, "RFC 4588: look at the original packet inside")                                                             \
    X(nack, "tick it off, ask again for what is missing")                                                              \
    X(mute, "what a moderator muted ends here")                                                                        \
    X(level, "audio level: silence and all but the loudest end here")                                                  \
    X(codec, "layer and key frame out of the payload's descriptor")                                                    \
    X(forward, "offer it to every track of the source")

struct worker_counters { /* packets dropped in each stage */
#define X(name, text) uint64_t name;
    RX_STAGES(X)
#undef X
};
struct worker_counters *rx_path_counters_new(void);

/* Takes the packet. True: it was authentic. */
bool rx_path_srtp(struct endpoint *ep, struct pkt *pkt, bool rtcp);
void rx_path_send_nacks(struct endpoint *ep, uint64_t now_us);
void rx_path_on_time(struct endpoint *ep, uint64_t now_us); /* every 500 ms: lets histories forget */

#endif
