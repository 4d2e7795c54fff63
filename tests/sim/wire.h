/* wire.h - the little of RTP and RTCP that the model clients speak, read and written without the bridge's code, and the
 * note in each payload that tells what it truly is, whatever the headers say.
 *
 * The note is the last WIRE_NOTE_LEN bytes of a payload; what comes before is the codec's (payload.h). */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_OPUS = 111, WIRE_LEVEL_ID = 1, WIRE_SEND_TIME_ID = 3, WIRE_TWCC_ID = 5, WIRE_MID_ID = 10, WIRE_DD_ID = 11 };
enum { WIRE_MAX = 1500, WIRE_DEPS_MAX = 2, WIRE_NOTE_LEN = 40, WIRE_DD_MAX = 120 };

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}
static inline uint8_t *put8(uint8_t *p, unsigned v)
{
    *p = (uint8_t)v;
    return p + 1;
}
static inline uint8_t *put16(uint8_t *p, unsigned v)
{
    return put8(put8(p, v >> 8), v);
}
static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v >> 16), v & 0xffff);
}

/* The number with these low 16 bits that is nearest to `near`. */
static inline int64_t widen16(int64_t near, uint16_t low)
{
    return near + (int16_t)(low - (uint16_t)near);
}

struct wire_note {               /* what a packet is */
    uint32_t sender;             /* client number */
    uint32_t encoding;           /* 0 is the lowest; 0xff: audio */
    uint32_t packet;             /* count of packets of this encoding: its sequence number, wide */
    uint32_t frame;              /* count of frames of this encoding; each spatial layer of a picture is one */
    uint32_t dep[WIRE_DEPS_MAX]; /* frames of this encoding that it refers to; 0: none. Counts begin at 1. */
    uint32_t ts;                 /* of its picture, as its sender stamped it */
    uint8_t tid, sid;
    uint8_t epoch;    /* counts its sender's sources, one after the other */
    bool key;         /* refers to nothing: decoding can begin here */
    bool first, last; /* packet of the frame; of the picture */
    bool sealed;      /* encrypted end to end: the bridge cannot tell what is in it */
};

struct wire_rtp {
    uint8_t pt;
    bool marker;
    uint16_t seq;
    uint32_t ts, ssrc;
    const uint8_t *payload;
    size_t len;
    int twcc;           /* -1: none */
    int level;          /* audio level, -1: none */
    int64_t send_units; /* abs-send-time, -1: none */
    char mid[8];
    const uint8_t *dd; /* dependency descriptor, NULL: none */
    size_t dd_len;
};

bool wire_read(const uint8_t *p, size_t n, struct wire_rtp *out);   /* false: not well formed */
uint8_t *wire_write(uint8_t *p, const struct wire_rtp *rtp);        /* the header; returns where the payload goes */
uint8_t *wire_note_write(uint8_t *p, const struct wire_note *note); /* WIRE_NOTE_LEN bytes */
bool wire_note_read(const uint8_t *payload, size_t n, struct wire_note *note);

/* RTCP: calls back for each packet of a compound. False: not well formed. */
typedef void wire_on_rtcp(void *ctx, uint8_t type, uint8_t count, const uint8_t *body, size_t n);
bool wire_rtcp_read(const uint8_t *p, size_t n, wire_on_rtcp *on, void *ctx);
uint8_t *wire_rtcp_begin(uint8_t *p, uint8_t type, unsigned count); /* 4 bytes, then the body */
size_t wire_rtcp_end(uint8_t *start, uint8_t *end);                 /* sets the length; end is at a multiple of 4 */

#endif
