/* Feedback messages: NACK, PLI, FIR, REMB; see rtcp_fb.h. */
#include "proto/rtcp_fb.h"

enum { FMT_NACK = 1, FMT_CCFB = 11, FMT_TWCC = 15, FMT_PLI = 1, FMT_FIR = 4, FMT_AFB = 15 };
enum { FB_HEAD_LEN = 12, NACK_LEN = 4, FIR_LEN = 8, NACK_SPAN = 17, REMB_MANTISSA_BITS = 18 };

static const uint8_t remb_name[4] = {'R', 'E', 'M', 'B'};

static enum rtcp_fb_kind kind_of(const struct rtcp_item *item, struct bytes fci)
{
    if (item->type == RTCP_RTPFB) {
        switch (item->count) {
        case FMT_NACK: return RTCP_FB_NACK;
        case FMT_CCFB: return RTCP_FB_CCFB;
        case FMT_TWCC: return RTCP_FB_TWCC;
        default: return RTCP_FB_OTHER;
        }
    }
    switch (item->count) {
    case FMT_PLI: return RTCP_FB_PLI;
    case FMT_FIR: return RTCP_FB_FIR;
    case FMT_AFB: return fci.n >= 4 && memcmp(fci.p, remb_name, 4) == 0 ? RTCP_FB_REMB : RTCP_FB_OTHER;
    default: return RTCP_FB_OTHER;
    }
}

enum err rtcp_fb_parse(const struct rtcp_item *item, struct rtcp_fb *out)
{
    *out = (struct rtcp_fb){0};
    if (item->type != RTCP_RTPFB && item->type != RTCP_PSFB)
        return E_STATE;
    struct rd r = rd_over(item->body);
    struct rtcp_fb fb = {0};
    fb.sender = rd_u32(&r, "sender ssrc");
    fb.media = rd_u32(&r, "media ssrc");
    fb.fci = rd_rest(&r);
    if (r.err != E_OK)
        return r.err;
    fb.kind = kind_of(item, fb.fci);
    size_t entry = fb.kind == RTCP_FB_NACK ? NACK_LEN : fb.kind == RTCP_FB_FIR ? FIR_LEN : 0;
    if (entry > 0 && fb.fci.n < entry)
        return E_SHORT;
    if (entry > 0 && fb.fci.n % entry != 0)
        return E_FORMAT;
    *out = fb;
    return E_OK;
}

static size_t fb_begin(struct wr *w, enum rtcp_type type, unsigned fmt, uint32_t sender, uint32_t media)
{
    size_t at = rtcp_item_begin(w, fmt, type);
    wr_u32(w, sender);
    wr_u32(w, media);
    return at;
}

/* `at` counts 17 candidate numbers per block: PID, then the 16 bits of BLP. */
bool rtcp_nack_next(const struct rtcp_fb *fb, size_t *at, uint16_t *seq)
{
    if (fb->kind != RTCP_FB_NACK)
        return false;
    for (; *at < fb->fci.n / NACK_LEN * NACK_SPAN; ++*at) {
        const uint8_t *block = fb->fci.p + *at / NACK_SPAN * NACK_LEN;
        unsigned bit = *at % NACK_SPAN;
        if (bit == 0 || get_u16(block + 2) >> (bit - 1) & 1) {
            *seq = (uint16_t)(get_u16(block) + bit);
            ++*at;
            return true;
        }
    }
    return false;
}

size_t rtcp_nack_write(struct wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs, size_t count)
{
    if (count == 0 || w->err != E_OK || (size_t)(w->end - w->pos) < FB_HEAD_LEN + NACK_LEN)
        return 0;
    size_t at = fb_begin(w, RTCP_RTPFB, FMT_NACK, sender, media), done = 0;
    while (done < count && (size_t)(w->end - w->pos) >= NACK_LEN) {
        uint16_t pid = seqs[done++], blp = 0;
        for (; done < count; done++) {
            uint16_t ahead = (uint16_t)(seqs[done] - pid);
            if (ahead >= NACK_SPAN)
                break;
            if (ahead > 0)
                blp |= (uint16_t)(1u << (ahead - 1));
        }
        wr_u16(w, pid);
        wr_u16(w, blp);
    }
    rtcp_item_end(w, at);
    return done;
}

void rtcp_pli_write(struct wr *w, uint32_t sender, uint32_t media)
{
    rtcp_item_end(w, fb_begin(w, RTCP_PSFB, FMT_PLI, sender, media));
}

size_t rtcp_fir_count(const struct rtcp_fb *fb)
{
    return fb->kind == RTCP_FB_FIR ? fb->fci.n / FIR_LEN : 0;
}

struct rtcp_fir rtcp_fir_at(const struct rtcp_fb *fb, size_t index)
{
    const uint8_t *p = fb->fci.p + index * FIR_LEN;
    return (struct rtcp_fir){.ssrc = get_u32(p), .seq = p[4]};
}

void rtcp_fir_write(struct wr *w, uint32_t sender, const struct rtcp_fir *entries, size_t count)
{
    size_t at = fb_begin(w, RTCP_PSFB, FMT_FIR, sender, 0); /* RFC 5104 4.3.1.2: the SSRCs are in the entries */
    for (size_t i = 0; i < count && w->err == E_OK; i++) {
        wr_u32(w, entries[i].ssrc);
        wr_u8(w, entries[i].seq);
        wr_u24(w, 0);
    }
    rtcp_item_end(w, at);
}

enum err rtcp_remb_parse(const struct rtcp_fb *fb, struct rtcp_remb *out)
{
    *out = (struct rtcp_remb){0};
    if (fb->kind != RTCP_FB_REMB)
        return E_STATE;
    struct rd r = rd_over(fb->fci);
    rd_u32(&r, "name");
    uint8_t count = rd_u8(&r, "ssrc count");
    uint32_t packed = rd_u24(&r, "exponent|mantissa");
    struct bytes ssrcs = rd_bytes(&r, 4u * count, "ssrcs");
    if (r.err != E_OK)
        return r.err;
    unsigned exponent = packed >> REMB_MANTISSA_BITS;
    uint64_t mantissa = packed & ((1u << REMB_MANTISSA_BITS) - 1);
    bool overflows = mantissa != 0 && mantissa > UINT64_MAX >> exponent;
    *out = (struct rtcp_remb){.bitrate_bps = overflows ? UINT64_MAX : mantissa << exponent, .ssrcs = ssrcs};
    return E_OK;
}

void rtcp_remb_write(struct wr *w, uint32_t sender, uint64_t bitrate_bps, const uint32_t *ssrcs, size_t count)
{
    uint32_t exponent = 0;
    while (bitrate_bps >> REMB_MANTISSA_BITS) { /* rounds down: never promise more than there is */
        bitrate_bps >>= 1;
        exponent++;
    }
    if (w->err == E_OK && count > 255)
        w->err = E_LIMIT;
    size_t at = fb_begin(w, RTCP_PSFB, FMT_AFB, sender, 0);
    wr_bytes(w, bytes_of(remb_name, sizeof remb_name));
    wr_u8(w, (uint8_t)count);
    wr_u24(w, exponent << REMB_MANTISSA_BITS | (uint32_t)bitrate_bps);
    for (size_t i = 0; i < count && w->err == E_OK; i++)
        wr_u32(w, ssrcs[i]);
    rtcp_item_end(w, at);
}
