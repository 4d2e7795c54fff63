/* Transport-wide feedback: chunks of symbols, then the deltas of those that arrived; see rtcp_twcc.h. */
#include "proto/rtcp_twcc.h"

enum { SYMBOL_LOST, SYMBOL_SMALL, SYMBOL_LARGE, SYMBOL_RESERVED };
enum { FMT_TWCC = 15, HEAD_LEN = 20, RUN_MAX = 8191, ONE_BIT_SYMBOLS = 14, TWO_BIT_SYMBOLS = 7 };
enum { CHUNK_VECTOR = 0x8000, CHUNK_TWO_BIT = 0x4000, TICKS_PER_REF = TWCC_REF_US / TWCC_TICK_US };

/* ---- reading ---- */

static unsigned symbols_in(uint16_t chunk)
{
    if (!(chunk & CHUNK_VECTOR))
        return chunk & RUN_MAX;
    return chunk & CHUNK_TWO_BIT ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS;
}

static unsigned symbol_at(uint16_t chunk, unsigned index)
{
    if (!(chunk & CHUNK_VECTOR))
        return chunk >> 13 & 3;
    if (chunk & CHUNK_TWO_BIT)
        return chunk >> (12 - 2 * index) & 3;
    return chunk >> (13 - index) & 1;
}

enum err rtcp_twcc_parse(const struct rtcp_fb *fb, struct rtcp_twcc *out)
{
    *out = (struct rtcp_twcc){0};
    if (fb->kind != RTCP_FB_TWCC)
        return E_STATE;
    struct rd r = rd_over(fb->fci);
    struct rtcp_twcc got = {.sender = fb->sender, .media = fb->media};
    got.base_seq = rd_u16(&r, "base sequence number");
    got.status_count = rd_u16(&r, "packet status count");
    got.ref_time = rd_u24(&r, "reference time");
    got.fb_count = rd_u8(&r, "feedback packet count");
    if (r.err == E_OK && got.status_count == 0)
        return E_FORMAT;
    const uint8_t *chunks = r.pos;
    size_t delta_len = 0;
    for (uint32_t done = 0; done < got.status_count && r.err == E_OK;) {
        uint16_t chunk = rd_u16(&r, "packet chunk");
        unsigned count = MIN(symbols_in(chunk), got.status_count - done); /* the last may hold more than is needed */
        bool run = !(chunk & CHUNK_VECTOR);
        for (unsigned i = 0; i < (run ? 1 : count); i++) {
            unsigned symbol = symbol_at(chunk, i);
            if (symbol == SYMBOL_RESERVED)
                return E_FORMAT;
            delta_len += (run ? count : 1) * symbol; /* the symbol is the number of bytes */
        }
        done += count;
    }
    if (r.err != E_OK)
        return r.err;
    got.chunks = bytes_of(chunks, (size_t)(r.pos - chunks));
    struct bytes rest = rd_rest(&r);
    got.has_deltas = delta_len <= rest.n;
    bool only_padding = rest.n < 4;
    for (size_t i = 0; i < rest.n && i < 4; i++)
        only_padding &= rest.p[i] == 0;
    if (!got.has_deltas && !only_padding)
        return E_SHORT;
    if (got.has_deltas)
        got.deltas = bytes_of(rest.p, delta_len);
    *out = got;
    return E_OK;
}

bool rtcp_twcc_next(struct rtcp_twcc_walk *walk, struct rtcp_twcc_status *out)
{
    const struct rtcp_twcc *fb = walk->fb;
    if (walk->done == fb->status_count)
        return false;
    while (walk->in_chunk == 0) {
        walk->chunk = get_u16(fb->chunks.p + walk->chunk_at);
        walk->chunk_at += 2;
        walk->in_chunk = (uint16_t)symbols_in(walk->chunk);
    }
    unsigned symbol = symbol_at(walk->chunk, symbols_in(walk->chunk) - walk->in_chunk);
    walk->in_chunk--;
    *out = (struct rtcp_twcc_status){.seq = (uint16_t)(fb->base_seq + walk->done++), .received = symbol != SYMBOL_LOST};
    if (fb->has_deltas && symbol == SYMBOL_SMALL)
        out->delta_ticks = fb->deltas.p[walk->delta_at];
    else if (fb->has_deltas && symbol == SYMBOL_LARGE)
        out->delta_ticks = (int16_t)get_u16(fb->deltas.p + walk->delta_at);
    walk->delta_at += symbol;
    return true;
}

/* ---- writing ---- */

void rtcp_twcc_build_init(struct rtcp_twcc_build *b, uint16_t base_seq, uint64_t first_arrival_us)
{
    uint64_t ref = first_arrival_us / TWCC_REF_US;
    b->now_ticks = ref * TICKS_PER_REF;
    b->ref_time = (uint32_t)ref & TWCC_REF_MASK;
    b->status_count = 0;
    b->base_seq = base_seq;
    b->pending = (struct rtcp_twcc_pending){.equal = true};
    b->chunk_count = b->delta_len = 0;
}

static bool can_hold(const struct rtcp_twcc_pending *p, uint8_t symbol)
{
    if (p->count < TWO_BIT_SYMBOLS)
        return true;
    if (p->count < ONE_BIT_SYMBOLS && !p->large && symbol != SYMBOL_LARGE)
        return true;
    return p->count < RUN_MAX && p->equal && p->symbol[0] == symbol;
}

static void hold(struct rtcp_twcc_pending *p, uint8_t symbol)
{
    if (p->count < ONE_BIT_SYMBOLS)
        p->symbol[p->count] = symbol;
    p->count++;
    p->equal &= symbol == p->symbol[0];
    p->large |= symbol == SYMBOL_LARGE;
}

static uint16_t vector_chunk(const struct rtcp_twcc_pending *p, bool two_bit, unsigned count)
{
    uint16_t chunk = two_bit ? CHUNK_VECTOR | CHUNK_TWO_BIT : CHUNK_VECTOR;
    for (unsigned i = 0; i < count; i++)
        chunk |= (uint16_t)(p->symbol[i] << (two_bit ? 12 - 2 * i : 13 - i));
    return chunk;
}

/* The chunk for what is pending; what it does not cover stays pending. */
static uint16_t take_chunk(struct rtcp_twcc_pending *p, bool last)
{
    struct rtcp_twcc_pending was = *p;
    *p = (struct rtcp_twcc_pending){.equal = true};
    if (was.equal)
        return (uint16_t)(was.symbol[0] << 13 | was.count);
    if (was.count == ONE_BIT_SYMBOLS || (last && was.count > TWO_BIT_SYMBOLS))
        return vector_chunk(&was, false, was.count);
    for (unsigned i = TWO_BIT_SYMBOLS; i < was.count && i < ONE_BIT_SYMBOLS; i++) /* more are pending only when all are equal */
        hold(p, was.symbol[i]);
    return vector_chunk(&was, true, MIN(was.count, (uint32_t)TWO_BIT_SYMBOLS));
}

static bool push(struct rtcp_twcc_build *b, uint8_t symbol)
{
    while (!can_hold(&b->pending, symbol)) {
        if (b->chunk_count == COUNT(b->chunks))
            return false;
        b->chunks[b->chunk_count++] = take_chunk(&b->pending, false);
    }
    hold(&b->pending, symbol);
    b->status_count++;
    return true;
}

bool rtcp_twcc_build_add(struct rtcp_twcc_build *b, uint32_t skipped, uint64_t arrival_us)
{
    uint64_t ticks = (arrival_us + TWCC_TICK_US / 2) / TWCC_TICK_US;
    int64_t delta = (int64_t)(ticks - b->now_ticks);
    if (delta < INT16_MIN || delta > INT16_MAX || b->status_count + (uint64_t)skipped + 1 > TWCC_STATUS_MAX)
        return false;
    bool small = delta >= 0 && delta <= UINT8_MAX;
    size_t delta_len = small ? 1 : 2;

    struct rtcp_twcc_pending pending = b->pending; /* all or nothing */
    size_t chunk_count = b->chunk_count;
    uint32_t status_count = b->status_count;
    bool ok = true;
    for (uint32_t i = 0; ok && i < skipped; i++)
        ok = push(b, SYMBOL_LOST);
    ok = ok && push(b, small ? SYMBOL_SMALL : SYMBOL_LARGE);
    if (!ok || HEAD_LEN + 2 * (b->chunk_count + 1) + b->delta_len + delta_len > TWCC_PACKET_MAX) {
        b->pending = pending;
        b->chunk_count = chunk_count;
        b->status_count = status_count;
        return false;
    }
    if (small)
        b->deltas[b->delta_len] = (uint8_t)delta;
    else
        put_u16(b->deltas + b->delta_len, (uint16_t)delta);
    b->delta_len += delta_len;
    b->now_ticks = ticks;
    return true;
}

void rtcp_twcc_build_write(const struct rtcp_twcc_build *b, struct wr *w, uint32_t sender, uint32_t media,
                           uint8_t fb_count)
{
    size_t at = rtcp_item_begin(w, FMT_TWCC, RTCP_RTPFB);
    wr_u32(w, sender);
    wr_u32(w, media);
    wr_u16(w, b->base_seq);
    wr_u16(w, (uint16_t)b->status_count);
    wr_u24(w, b->ref_time);
    wr_u8(w, fb_count);
    for (size_t i = 0; i < b->chunk_count; i++)
        wr_u16(w, b->chunks[i]);
    struct rtcp_twcc_pending pending = b->pending;
    while (pending.count > 0)
        wr_u16(w, take_chunk(&pending, true));
    wr_bytes(w, bytes_of(b->deltas, b->delta_len));
    rtcp_item_end(w, at);
}
