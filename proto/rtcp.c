/* Compound walk, sender and receiver reports, BYE, SDES. */
#include "proto/rtcp.h"

enum { RTCP_VERSION = 2, RTCP_P = 0x20, RTCP_COUNT = 0x1f };

bool rtcp_next(struct rd *r, struct rtcp_item *out)
{
    *out = (struct rtcp_item){0};
    if (rd_left(r) == 0)
        return false;
    uint8_t b0 = rd_u8(r, "V|P|count");
    uint8_t type = rd_u8(r, "type");
    struct bytes body = rd_bytes(r, 4u * rd_u16(r, "length"), "body");
    if (r->err == E_OK && b0 >> 6 != RTCP_VERSION)
        rd_fail(r, E_FORMAT, "version");
    if (r->err == E_OK && (type < RTCP_TYPE_FIRST || type > RTCP_TYPE_LAST))
        rd_fail(r, E_FORMAT, "type");
    if (r->err == E_OK && (b0 & RTCP_P)) {
        uint8_t padding = body.n > 0 ? body.p[body.n - 1] : 0;
        if (padding == 0 || padding > body.n)
            rd_fail(r, E_FORMAT, "padding");
        else
            body.n -= padding;
    }
    if (r->err != E_OK)
        return false;
    *out = (struct rtcp_item){.body = body, .type = type, .count = b0 & RTCP_COUNT};
    return true;
}

enum err rtcp_check(struct bytes datagram)
{
    if (datagram.n < RTCP_HEADER_LEN)
        return E_SHORT;
    struct rd r = rd_over(datagram);
    struct rtcp_item item;
    while (rtcp_next(&r, &item))
        continue;
    return r.err;
}

size_t rtcp_item_begin(struct wr *w, size_t count, enum rtcp_type type)
{
    size_t at = wr_len(w);
    if (w->err == E_OK && count > RTCP_COUNT)
        w->err = E_LIMIT;
    wr_u8(w, (uint8_t)(RTCP_VERSION << 6 | count));
    wr_u8(w, (uint8_t)type);
    wr_u16(w, 0);
    return at;
}

void rtcp_item_end(struct wr *w, size_t at)
{
    wr_zeros(w, (4 - (wr_len(w) - at) % 4) % 4);
    if (w->err == E_OK)
        wr_u16_at(w, at + 2, (uint16_t)((wr_len(w) - at) / 4 - 1));
}

/* ---- reports ---- */

struct rtcp_report rtcp_report_at(struct bytes reports, size_t index)
{
    const uint8_t *p = reports.p + index * RTCP_REPORT_LEN;
    uint32_t lost = get_u32(p + 4) & 0xffffff;
    return (struct rtcp_report){
        .ssrc = get_u32(p),
        .fraction = p[4],
        .lost = (int32_t)(lost << 8) >> 8, /* 24 bits with sign */
        .high_seq = get_u32(p + 8),
        .jitter = get_u32(p + 12),
        .lsr = get_u32(p + 16),
        .dlsr = get_u32(p + 20),
    };
}

static void write_reports(struct wr *w, const struct rtcp_report *reports, size_t count)
{
    for (size_t i = 0; i < count && w->err == E_OK; i++) {
        int32_t lost = MAX(-0x800000, MIN(reports[i].lost, 0x7fffff));
        wr_u32(w, reports[i].ssrc);
        wr_u8(w, reports[i].fraction);
        wr_u24(w, (uint32_t)lost & 0xffffff);
        wr_u32(w, reports[i].high_seq);
        wr_u32(w, reports[i].jitter);
        wr_u32(w, reports[i].lsr);
        wr_u32(w, reports[i].dlsr);
    }
}

enum err rtcp_sr_parse(const struct rtcp_item *item, struct rtcp_sr *out)
{
    *out = (struct rtcp_sr){0};
    if (item->type != RTCP_SR)
        return E_STATE;
    struct rd r = rd_over(item->body);
    struct rtcp_sr sr = {0};
    sr.ssrc = rd_u32(&r, "ssrc");
    sr.ntp = rd_u64(&r, "ntp time");
    sr.rtp_ts = rd_u32(&r, "rtp time");
    sr.packets = rd_u32(&r, "packet count");
    sr.octets = rd_u32(&r, "octet count");
    sr.reports = rd_bytes(&r, (size_t)item->count * RTCP_REPORT_LEN, "report blocks");
    if (r.err == E_OK)
        *out = sr;
    return r.err;
}

enum err rtcp_rr_parse(const struct rtcp_item *item, struct rtcp_rr *out)
{
    *out = (struct rtcp_rr){0};
    if (item->type != RTCP_RR)
        return E_STATE;
    struct rd r = rd_over(item->body);
    struct rtcp_rr rr = {0};
    rr.ssrc = rd_u32(&r, "ssrc");
    rr.reports = rd_bytes(&r, (size_t)item->count * RTCP_REPORT_LEN, "report blocks");
    if (r.err == E_OK)
        *out = rr;
    return r.err;
}

void rtcp_sr_write(struct wr *w, const struct rtcp_sr *sr, const struct rtcp_report *reports, size_t count)
{
    size_t at = rtcp_item_begin(w, count, RTCP_SR);
    wr_u32(w, sr->ssrc);
    wr_u64(w, sr->ntp);
    wr_u32(w, sr->rtp_ts);
    wr_u32(w, sr->packets);
    wr_u32(w, sr->octets);
    write_reports(w, reports, count);
    rtcp_item_end(w, at);
}

void rtcp_rr_write(struct wr *w, uint32_t ssrc, const struct rtcp_report *reports, size_t count)
{
    size_t at = rtcp_item_begin(w, count, RTCP_RR);
    wr_u32(w, ssrc);
    write_reports(w, reports, count);
    rtcp_item_end(w, at);
}

/* ---- BYE ---- */

enum err rtcp_bye_parse(const struct rtcp_item *item, struct rtcp_bye *out)
{
    *out = (struct rtcp_bye){0};
    if (item->type != RTCP_BYE)
        return E_STATE;
    struct rd r = rd_over(item->body);
    struct rtcp_bye bye = {.ssrcs = rd_bytes(&r, 4u * item->count, "ssrcs")};
    if (rd_left(&r) > 0)
        bye.reason = rd_bytes(&r, rd_u8(&r, "reason length"), "reason");
    if (r.err == E_OK)
        *out = bye;
    return r.err;
}

void rtcp_bye_write(struct wr *w, const uint32_t *ssrcs, size_t count, struct bytes reason)
{
    size_t at = rtcp_item_begin(w, count, RTCP_BYE);
    for (size_t i = 0; i < count && w->err == E_OK; i++)
        wr_u32(w, ssrcs[i]);
    if (w->err == E_OK && reason.n > 255)
        w->err = E_LIMIT;
    if (reason.n > 0) {
        wr_u8(w, (uint8_t)reason.n);
        wr_bytes(w, reason);
    }
    rtcp_item_end(w, at);
}

/* ---- SDES ---- */

enum err rtcp_sdes_begin(struct rtcp_sdes_walk *walk, const struct rtcp_item *item)
{
    *walk = (struct rtcp_sdes_walk){.r = rd_over(item->body), .chunks_left = item->count};
    return item->type == RTCP_SDES ? E_OK : rd_fail(&walk->r, E_STATE, "type");
}

/* A chunk is an SSRC, items of (kind, length, text), a zero kind that ends them, and zeros up to 32 bits. */
bool rtcp_sdes_next(struct rtcp_sdes_walk *walk, struct rtcp_sdes_item *out)
{
    struct rd *r = &walk->r;
    *out = (struct rtcp_sdes_item){0};
    while (r->err == E_OK && (walk->in_chunk || walk->chunks_left > 0)) {
        if (!walk->in_chunk) {
            walk->ssrc = rd_u32(r, "chunk ssrc");
            walk->in_chunk = true;
            walk->chunks_left--;
        }
        uint8_t kind = rd_u8(r, "item kind");
        if (kind != 0) {
            struct bytes text = rd_bytes(r, rd_u8(r, "item length"), "item text");
            if (r->err == E_OK)
                *out = (struct rtcp_sdes_item){.ssrc = walk->ssrc, .kind = kind, .text = text};
            return r->err == E_OK;
        }
        rd_bytes(r, (4 - (size_t)(r->pos - r->base) % 4) % 4, "chunk padding");
        walk->in_chunk = false;
    }
    return false;
}

void rtcp_sdes_write(struct wr *w, uint32_t ssrc, struct bytes cname)
{
    if (w->err == E_OK && cname.n > 255)
        w->err = E_LIMIT;
    size_t at = rtcp_item_begin(w, 1, RTCP_SDES);
    wr_u32(w, ssrc);
    wr_u8(w, RTCP_SDES_CNAME);
    wr_u8(w, (uint8_t)cname.n);
    wr_bytes(w, cname);
    wr_u8(w, 0); /* ends the items; rtcp_item_end() adds the rest of the zeros */
    rtcp_item_end(w, at);
}
