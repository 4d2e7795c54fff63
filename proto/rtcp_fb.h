/* rtcp_fb.h - feedback messages (RFC 4585): NACK, PLI, FIR (RFC 5104), REMB (draft-alvestrand-rmcat-remb-03).
 *
 * Transport-wide congestion feedback has a file of its own: rtcp_twcc.h. Thread: any. Allocation: none. */
#ifndef PROTO_RTCP_FB_H
#define PROTO_RTCP_FB_H

#include "proto/rtcp.h"

enum rtcp_fb_kind { /* what (packet type, FMT) means to us */
                    RTCP_FB_OTHER,
                    RTCP_FB_NACK, /* 205/1 */
                    RTCP_FB_TWCC, /* 205/15 */
                    RTCP_FB_CCFB, /* 205/11, RFC 8888: recognised only */
                    RTCP_FB_PLI,  /* 206/1 */
                    RTCP_FB_FIR,  /* 206/4 */
                    RTCP_FB_REMB, /* 206/15 with the name REMB */
};

struct rtcp_fb {
    enum rtcp_fb_kind kind;
    uint32_t sender; /* SSRC of who sends the feedback */
    uint32_t media;  /* SSRC it is about; 0 in FIR and REMB */
    struct bytes fci;
};

/* E_STATE: neither 205 nor 206; E_SHORT: no room for the two SSRCs, or no FCI where there must be one;
 * E_FORMAT: FCI not a whole number of entries. On error *out is all zero. */
enum err rtcp_fb_parse(const struct rtcp_item *item, struct rtcp_fb *out);

/* NACK: for (size_t at = 0; rtcp_nack_next(&fb, &at, &seq);) gives PID and the bits of BLP, block by block. */
bool rtcp_nack_next(const struct rtcp_fb *fb, size_t *at, uint16_t *seq);
/* seqs in sending order (ascending on the circle). Nothing is written for count 0. Returns how many numbers fitted: the
 * rest belongs into a further packet. */
size_t rtcp_nack_write(struct wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs, size_t count);

void rtcp_pli_write(struct wr *w, uint32_t sender, uint32_t media);

struct rtcp_fir {
    uint32_t ssrc;
    uint8_t seq; /* a repetition of one request keeps its number */
};
size_t rtcp_fir_count(const struct rtcp_fb *fb);
struct rtcp_fir rtcp_fir_at(const struct rtcp_fb *fb, size_t index);
void rtcp_fir_write(struct wr *w, uint32_t sender, const struct rtcp_fir *entries, size_t count);

struct rtcp_remb {
    uint64_t bitrate_bps; /* UINT64_MAX: does not fit 64 bits, so no limit */
    struct bytes ssrcs;   /* 4 bytes each */
};
enum err rtcp_remb_parse(const struct rtcp_fb *fb, struct rtcp_remb *out); /* E_SHORT: fewer SSRCs than announced */
void rtcp_remb_write(struct wr *w, uint32_t sender, uint64_t bitrate_bps, const uint32_t *ssrcs, size_t count);

#endif
