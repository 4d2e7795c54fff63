/* box.h - the bridge core in virtual time: one worker without thread, sockets, ICE, DTLS and SCTP. Everything above them
 * is the real thing: packets in and out of the SRTP layer, bridge-channel texts in and out, timers.
 *
 * box_io.c takes the place of bridge/udp_io.c, bridge/channels.c and media/msrtp.c when the simulation is linked: SRTP
 * leaves bytes as they are, appends a trailer of the right length and checks what real ciphers rely on: replays are
 * refused, and no two plaintexts are sealed under one number. Random numbers of the bridge come from the seed. */
#ifndef SIM_BOX_H
#define SIM_BOX_H

#include "bridge/endpoint.h"
#include "bridge/rx_path.h"
#include "sim/rng.h"

struct box_sink { /* what the bridge sends; bytes and text live during the call */
    void *ctx;
    void (*on_datagram)(void *ctx, uint32_t serial, const uint8_t *data, size_t len, bool rtcp); /* without trailer */
    void (*on_text)(void *ctx, uint32_t serial, const char *text);
    void (*on_violation)(void *ctx, uint32_t serial, const char *what);
};

enum { BOX_TRAILER = 16, BOX_TRAILER_RTCP = 20 };

struct box {
    struct config config;
    struct bridge bridge;
    struct dtls_identity *identity;
    struct worker *worker;
    struct conference *conf;
    uv_loop_t loop;
};

/* One at a time in a process: the replaced modules have their state in static memory. */
void box_open(struct box *box, const struct box_sink *sink, uint64_t seed, uint64_t now_us);
void box_close(struct box *box);

uint64_t box_next_us(const struct box *box);       /* of the bridge's timers */
void box_run_to(struct box *box, uint64_t now_us); /* fires them */

struct endpoint *box_join(struct box *box, uint32_t serial, bool rewriting, const struct media_spec *media,
                          const struct source_set *sources);
struct endpoint *box_endpoint(struct box *box, uint32_t serial); /* NULL: gone */
void box_move(struct box *box, uint32_t serial, uint16_t port);  /* media goes to another address from now on */
void box_leave(struct box *box, uint32_t serial);
void box_deliver(struct box *box, uint32_t serial, const uint8_t *data, size_t len, bool rtcp);
void box_text(struct box *box, uint32_t serial, const char *text);

/* box_io.c */
void box_io_start(const struct box_sink *sink, uint64_t seed);
void box_io_stop(void);
struct msrtp *box_io_srtp(uint32_t serial);

#endif
