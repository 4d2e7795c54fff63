/* rtp.h - RTP header (RFC 3550 5.1) and the frame of its extension block (RFC 8285).
 *
 * For finding and writing extension elements. What is inside an element: rtp_ext.h.
 * Not for SRTP: the header is readable before decryption, payload and padding are not.
 * Owner: a view points into the caller's bytes and owns nothing. Thread: any. Allocation: none. */
#ifndef PROTO_RTP_H
#define PROTO_RTP_H

#include "proto/bytes.h"

enum {
    RTP_VERSION = 2,
    RTP_HEADER_LEN = 12, /* without CSRCs and extensions */
    RTP_PADDING_MAX = 255,
    RTP_PROFILE_ONE_BYTE = 0xbede, /* RFC 8285 4.2 */
    RTP_PROFILE_TWO_BYTE = 0x1000, /* RFC 8285 4.3; the low four bits are "appbits", ignored */
    RTP_EXT_COUNT_MAX = 16,        /* elements we are ready to write into one packet */
};

struct rtp_view {
    struct bytes csrcs;   /* 4 bytes each */
    struct bytes ext;     /* body of the extension block, without its 4-byte head */
    struct bytes payload; /* with the padding until rtp_unpad() */
    uint32_t ts, ssrc;
    uint16_t ext_profile; /* 0: no extension block, or one with profile 0 */
    uint16_t seq;
    uint8_t pt;
    bool marker;
    bool padded; /* P: cleared by rtp_unpad() */
};

struct rtp_ext {
    uint8_t id; /* 1 to 255 */
    struct bytes data;
};

enum rtp_kind { RTP_KIND_NONE, RTP_KIND_RTP, RTP_KIND_RTCP };

/* RFC 5761 4: looks at the first two bytes and the least length only. */
enum rtp_kind rtp_classify(struct bytes datagram);

/* Errors: E_SHORT, E_FORMAT (version); r->what names the field. On error *v is all zero. */
enum err rtp_parse(struct rd *r, struct rtp_view *v);

/* Cuts the padding off v->payload and clears v->padded. E_FORMAT: count is 0 or more than the payload; v unchanged.
 * An empty payload afterwards is a padding-only packet. */
enum err rtp_unpad(struct rtp_view *v);

/* Walks the elements in order: for (size_t at = 0; rtp_ext_next(&v, &at, &ext);). Zero bytes are skipped. Ends at an
 * element that runs over the block, at id 15 of the one-byte form, and at once for an unknown profile. */
bool rtp_ext_next(const struct rtp_view *v, size_t *at, struct rtp_ext *out);
bool rtp_ext_find(const struct rtp_view *v, uint8_t id, struct bytes *out); /* the first of that id */

/* Writes V P X CC M PT seq ts ssrc csrcs from v (its ext, ext_profile and payload are not looked at), then exts as one
 * block: one-byte form, or two-byte form for all if one of them has id > 14, length 0 or length > 16. No X bit without
 * elements. w->err: E_NOSPACE; E_FORMAT for id 0, data over 255 bytes or more than 15 CSRCs. */
void rtp_write_header(struct wr *w, const struct rtp_view *v, const struct rtp_ext *exts, size_t ext_count);
size_t rtp_header_len(const struct rtp_view *v, const struct rtp_ext *exts, size_t ext_count);
void rtp_write_padding(struct wr *w, uint8_t count); /* count bytes, the last says how many; 0 writes nothing */

#endif
