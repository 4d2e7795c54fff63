/* rtcp.h - RTCP (RFC 3550 6, reduced size RFC 5506): the walk over a compound datagram, and SR RR SDES BYE.
 * Feedback messages: rtcp_fb.h; transport-wide feedback: rtcp_twcc.h; extended reports: rtcp_xr.h.
 *
 * Rhythm: rtcp_check() the datagram once, which drops it whole if a single length lies; then rtcp_next() until false,
 *         and the _parse of the item's type.
 * Owner:  items and views point into the datagram. Thread: any. Allocation: none. */
#ifndef PROTO_RTCP_H
#define PROTO_RTCP_H

#include "proto/bytes.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205, /* transport layer feedback: NACK, TWCC */
    RTCP_PSFB = 206,  /* payload specific: PLI, FIR, REMB */
    RTCP_XR = 207,
    RTCP_TYPE_FIRST = 192, /* RFC 5761 4 */
    RTCP_TYPE_LAST = 223,
};

enum { RTCP_HEADER_LEN = 4, RTCP_REPORT_LEN = 24, RTCP_REPORTS_MAX = 31 };

struct rtcp_item {     /* one packet of a compound */
    struct bytes body; /* behind the 4-byte header, without padding */
    uint8_t type;      /* enum rtcp_type, or another in 192..223 */
    uint8_t count;     /* the five bits: report count, source count or FMT */
};

/* E_OK: the datagram is one or more items whose lengths fill it exactly. Padding is accepted on any item, because
 * libwebrtc pads transport feedback inside compounds, though RFC 3550 6.4.1 has it on the last alone. */
enum err rtcp_check(struct bytes datagram);
bool rtcp_next(struct rd *r, struct rtcp_item *out); /* false: the end, or r->err */

struct rtcp_report { /* report block, RFC 3550 6.4.1 */
    uint32_t ssrc;
    uint8_t fraction;  /* lost since the last report, of 256 */
    int32_t lost;      /* cumulative; 24 bits with sign on the wire, clamped when written */
    uint32_t high_seq; /* cycles in the upper half */
    uint32_t jitter;   /* in timestamp units */
    uint32_t lsr;      /* middle 32 bits of the last SR's NTP time; 0: none */
    uint32_t dlsr;     /* 1/65536 s since it came; 0: none */
};

struct rtcp_sr {
    uint32_t ssrc;
    uint64_t ntp;
    uint32_t rtp_ts;
    uint32_t packets, octets;
    struct bytes reports; /* whole report blocks; profile extensions behind them are left out */
};
struct rtcp_rr {
    uint32_t ssrc;
    struct bytes reports;
};

/* All: E_SHORT, E_FORMAT. `item->type` must be the matching one (E_STATE otherwise). On error *out is all zero. */
enum err rtcp_sr_parse(const struct rtcp_item *item, struct rtcp_sr *out);
enum err rtcp_rr_parse(const struct rtcp_item *item, struct rtcp_rr *out);
static inline size_t rtcp_report_count(struct bytes reports)
{
    return reports.n / RTCP_REPORT_LEN;
}
struct rtcp_report rtcp_report_at(struct bytes reports, size_t index); /* index < rtcp_report_count() */

/* Writers of other RTCP files frame their bodies with these: begin, body, end; end pads with zeros and patches the
 * length. w->err: E_LIMIT if count does not fit five bits. */
size_t rtcp_item_begin(struct wr *w, size_t count, enum rtcp_type type);
void rtcp_item_end(struct wr *w, size_t begun_at);

/* At most RTCP_REPORTS_MAX reports (E_LIMIT in w->err). sr->reports is not looked at. */
void rtcp_sr_write(struct wr *w, const struct rtcp_sr *sr, const struct rtcp_report *reports, size_t count);
void rtcp_rr_write(struct wr *w, uint32_t ssrc, const struct rtcp_report *reports, size_t count);

/* BYE: RFC 3550 6.6 */
struct rtcp_bye {
    struct bytes ssrcs;  /* 4 bytes each */
    struct bytes reason; /* {NULL, 0}: none */
};
enum err rtcp_bye_parse(const struct rtcp_item *item, struct rtcp_bye *out);
void rtcp_bye_write(struct wr *w, const uint32_t *ssrcs, size_t count, struct bytes reason); /* reason at most 255 */

/* SDES: RFC 3550 6.5: the items of all chunks one after the other, each with its chunk's SSRC. */
enum { RTCP_SDES_CNAME = 1 };
struct rtcp_sdes_item {
    uint32_t ssrc;
    uint8_t kind; /* RTCP_SDES_CNAME, ... */
    struct bytes text;
};
struct rtcp_sdes_walk {
    struct rd r;
    uint32_t ssrc;
    uint8_t chunks_left;
    bool in_chunk;
};
enum err rtcp_sdes_begin(struct rtcp_sdes_walk *walk, const struct rtcp_item *item); /* E_STATE: another type */
bool rtcp_sdes_next(struct rtcp_sdes_walk *walk, struct rtcp_sdes_item *out); /* false: the end, or walk->r.err */
void rtcp_sdes_write(struct wr *w, uint32_t ssrc,
                     struct bytes cname); /* one chunk, one item; cname at most 255 bytes */

#endif
