/* payload.h - the head of a video payload in each codec, as model senders write it and model receivers read it: RFC 7741 4.2
 * (VP8, with 10 bytes as at the start of a frame), RFC 9628 4.2 (VP9), RFC 6184 5 (H.264), RFC 7798 4 (H.265). PLAIN
 * is a codec that the bridge does not know. Shares nothing with proto/. */
#ifndef SIM_PAYLOAD_H
#define SIM_PAYLOAD_H

#include "sim/wire.h"

enum payload_codec { PAYLOAD_VP8, PAYLOAD_VP9, PAYLOAD_H264, PAYLOAD_H265, PAYLOAD_PLAIN, PAYLOAD_CODECS };

enum { PAYLOAD_HEAD_MAX = 40, PAYLOAD_SIDS = 3, PAYLOAD_REFS_MAX = 3, PAYLOAD_GROUP_MAX = 4 };

struct payload_head {
    uint8_t codec;   /* enum payload_codec */
    bool start, end; /* of the frame; VP9: of the layer frame */
    bool key;        /* VP8, VP9: refers to no earlier picture; H.26x: begins a sequence */
    bool sync;       /* Y of VP8, U of VP9 */
    bool sealed;     /* H.26x: encrypted, nothing can be read */
    uint8_t tid, sid, tl0;
    uint16_t pictureid; /* VP8, VP9: 15 bits */
    unsigned height;    /* VP8: of the encoding, on key frames; VP9: of the highest layer, with the structure */
    /* VP9 */
    bool inter_layer, not_upper_ref, flexible;
    uint8_t ref_count, refs[PAYLOAD_REFS_MAX]; /* flexible: how many pictures back */
    uint8_t sids;                              /* with a structure: spatial layers; 0: none here */
    uint8_t group;                             /* pictures in it, */
    uint8_t group_tid[PAYLOAD_GROUP_MAX], group_ref[PAYLOAD_GROUP_MAX]; /* each with one reference */
};

uint8_t payload_pt(enum payload_codec codec);
uint8_t payload_rtx_pt(enum payload_codec codec);
int payload_of_pt(uint8_t pt); /* enum payload_codec; -1: no video */
bool payload_is_rtx(uint8_t pt);
const char *payload_name(enum payload_codec codec); /* as signalled */

/* len: of the whole payload, note included. Returns what follows the head. */
uint8_t *payload_write(uint8_t *p, size_t len, const struct payload_head *head);
bool payload_read(const uint8_t *p, size_t n, enum payload_codec codec, struct payload_head *head);

#endif
