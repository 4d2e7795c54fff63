/* av1_dd.c - see av1_dd.h. The order of fields is that of AV1 RTP specification A.8.2. */
#include "proto/av1_dd.h"

#include "proto/bits.h"

enum { MANDATORY_BITS = 24, FLAG_BITS = 5, OFFSET_BITS = 6 };

static enum err refuse(struct bits *b, enum err err, const char *what)
{
    if (b->err == E_OK) {
        b->err = err;
        b->what = what;
    }
    return b->err;
}

/* A.8.1, ns(n): n values in as few bits as can be. */
static uint32_t read_ns(struct bits *b, uint32_t n, const char *what)
{
    unsigned width = 0;
    while (n >> width)
        width++;
    uint32_t short_ones = (1u << width) - n, v = bits_u(b, width - 1, what);
    return v < short_ones ? v : (v << 1) - short_ones + bits_u(b, 1, what);
}

/* ---- the structure ---- */

static void read_layers(struct bits *b, struct dd_structure *s)
{
    enum { SAME, NEXT_TID, NEXT_SID, END };
    unsigned sid = 0, tid = 0, next = SAME;
    s->template_count = 0;
    while (b->err == E_OK && next != END) {
        if (s->template_count == DD_TEMPLATES_MAX || sid >= DD_SIDS_MAX || tid >= DD_TIDS_MAX) {
            refuse(b, E_FORMAT, "template layers");
            return;
        }
        struct dd_template *t = &s->templates[s->template_count++];
        *t = (struct dd_template){.sid = (uint8_t)sid, .tid = (uint8_t)tid};
        next = bits_u(b, 2, "next_layer_idc");
        tid = next == NEXT_TID ? tid + 1 : next == NEXT_SID ? 0 : tid;
        sid += next == NEXT_SID;
    }
    s->sid_count = (uint8_t)(sid + 1);
}

static uint64_t read_dti(struct bits *b, unsigned targets, const char *what)
{
    uint64_t dti = 0;
    for (unsigned t = 0; t < targets; t++)
        dti |= (uint64_t)bits_u(b, 2, what) << 2 * t;
    return dti;
}

static void read_template_fdiffs(struct bits *b, struct dd_template *t)
{
    while (bits_flag(b, "fdiff_follows")) {
        uint32_t fdiff = bits_u(b, 4, "fdiff_minus_one") + 1;
        if (t->fdiff_count == DD_FDIFFS_MAX) {
            refuse(b, E_LIMIT, "template fdiffs");
            return;
        }
        t->fdiffs[t->fdiff_count++] = (uint8_t)fdiff;
    }
}

static void read_chains(struct bits *b, struct dd_structure *s)
{
    s->chain_count = (uint8_t)read_ns(b, s->target_count + 1u, "chain_cnt");
    for (unsigned t = 0; t < s->target_count; t++)
        s->protected_by[t] = s->chain_count ? (uint8_t)read_ns(b, s->chain_count, "protected_by_chain") : 0;
    for (unsigned i = 0; s->chain_count && b->err == E_OK && i < s->template_count; i++)
        for (unsigned c = 0; c < s->chain_count; c++)
            s->templates[i].chain_diffs[c] = (uint8_t)bits_u(b, 4, "template_chain_fdiff");
}

static void read_structure(struct bits *b, struct dd_structure *s)
{
    s->offset = (uint8_t)bits_u(b, OFFSET_BITS, "template_id_offset");
    s->target_count = (uint8_t)(bits_u(b, 5, "dt_cnt_minus_one") + 1);
    read_layers(b, s);
    for (unsigned i = 0; b->err == E_OK && i < s->template_count; i++)
        s->templates[i].dti = read_dti(b, s->target_count, "template_dti");
    for (unsigned i = 0; b->err == E_OK && i < s->template_count; i++)
        read_template_fdiffs(b, &s->templates[i]);
    read_chains(b, s);
    s->has_sizes = bits_flag(b, "resolutions_present_flag");
    for (unsigned i = 0; s->has_sizes && b->err == E_OK && i < s->sid_count; i++) {
        s->width[i] = (uint16_t)bits_u(b, 16, "max_render_width_minus_1");
        s->height[i] = (uint16_t)bits_u(b, 16, "max_render_height_minus_1");
    }
}

/* ---- the frame ---- */

static void read_custom_fdiffs(struct bits *b, struct dd_desc *d)
{
    uint32_t nibbles;
    d->fdiff_count = 0;
    while ((nibbles = bits_u(b, 2, "next_fdiff_size")) != 0) {
        uint32_t fdiff = bits_u(b, 4 * nibbles, "fdiff_minus_one") + 1;
        if (d->fdiff_count == DD_FDIFFS_MAX) {
            refuse(b, E_LIMIT, "custom fdiffs");
            return;
        }
        d->fdiffs[d->fdiff_count++] = (uint16_t)fdiff;
    }
}

static void read_frame(struct bits *b, const struct dd_structure *s, bool custom_dti, bool custom_fdiffs,
                       bool custom_chains, struct dd_desc *d)
{
    const struct dd_template *t = &s->templates[(d->template_id - s->offset) & (DD_TEMPLATES_MAX - 1)];
    d->sid = t->sid;
    d->tid = t->tid;
    d->dti = custom_dti ? read_dti(b, s->target_count, "frame_dti") : t->dti;
    d->fdiff_count = t->fdiff_count;
    for (unsigned i = 0; i < t->fdiff_count; i++)
        d->fdiffs[i] = t->fdiffs[i];
    if (custom_fdiffs)
        read_custom_fdiffs(b, d);
    d->chain_count = s->chain_count;
    for (unsigned c = 0; c < s->chain_count; c++)
        d->chain_diffs[c] = custom_chains ? (uint8_t)bits_u(b, 8, "frame_chain_fdiff") : t->chain_diffs[c];
}

static void read_padding(struct bits *b)
{
    while (bits_left(b) > 0)
        if (bits_flag(b, "zero_padding"))
            refuse(b, E_FORMAT, "zero_padding");
}

static bool has_template(const struct dd_structure *s, uint8_t id)
{
    return s && ((id - s->offset) & (DD_TEMPLATES_MAX - 1)) < s->template_count;
}

static void read_extended(struct bits *b, const struct dd_structure *s, struct dd_structure *fresh, struct dd_desc *d)
{
    bool extended = bits_left(b) > 0;
    d->has_structure = extended && bits_flag(b, "structure_present");
    d->has_active = extended && bits_flag(b, "active_decode_targets_present");
    bool custom_dti = extended && bits_flag(b, "custom_dtis");
    bool custom_fdiffs = extended && bits_flag(b, "custom_fdiffs");
    bool custom_chains = extended && bits_flag(b, "custom_chains");
    if (d->has_structure) {
        if (!d->start) /* A.8.3: at the first packet of a frame only */
            refuse(b, E_FORMAT, "structure_present");
        read_structure(b, fresh);
        s = fresh;
        if (b->err == E_OK && !has_template(s, d->template_id))
            refuse(b, E_FORMAT, "frame_dependency_template_id");
    }
    if (b->err != E_OK || !has_template(s, d->template_id))
        return;
    d->known = true;
    d->offset = s->offset;
    d->template_count = s->template_count;
    d->target_count = s->target_count;
    d->mask_at = (uint16_t)b->at;
    if (d->has_active)
        d->active = bits_u(b, s->target_count, "active_decode_targets_bitmask");
    read_frame(b, s, custom_dti, custom_fdiffs, custom_chains, d);
    d->end_at = (uint16_t)b->at;
    read_padding(b);
}

enum err dd_parse(struct bytes data, const struct dd_structure *in_force, struct dd_structure *fresh,
                  struct dd_desc *out)
{
    struct bits b = bits_over(data);
    *out = (struct dd_desc){0};
    if (data.n > DD_LEN_MAX)
        return E_LIMIT;
    out->start = bits_flag(&b, "start_of_frame");
    out->end = bits_flag(&b, "end_of_frame");
    out->template_id = (uint8_t)bits_u(&b, 6, "frame_dependency_template_id");
    out->frame_number = (uint16_t)bits_u(&b, 16, "frame_number");
    if (b.err == E_OK)
        read_extended(&b, in_force, fresh, out);
    if (b.err != E_OK)
        *out = (struct dd_desc){0};
    return b.err;
}

/* ---- writing ---- */

struct bits_out {
    uint8_t *buf;
    size_t at; /* in bits */
};

static void put_bits(struct bits_out *o, uint32_t v, unsigned count)
{
    for (; count > 0; count--, o->at++) {
        if (o->at % 8 == 0)
            o->buf[o->at / 8] = 0;
        o->buf[o->at / 8] |= (uint8_t)((v >> (count - 1) & 1) << (7 - o->at % 8));
    }
}

static void copy_bits(struct bits_out *o, struct bits *in, size_t to)
{
    while (in->at < to) {
        unsigned count = (unsigned)MIN(to - in->at, (size_t)32);
        put_bits(o, bits_u(in, count, ""), count);
    }
}

/* The same with another mask, or without one: what follows it moves. */
static size_t splice_mask(struct bytes data, const struct dd_desc *d, bool present, uint32_t mask, uint8_t *buf)
{
    enum { MASK_FLAG = 1 << (FLAG_BITS - 2) };
    struct bits in = bits_over(data);
    struct bits_out out = {buf, 0};
    bool extended = data.n * 8 > MANDATORY_BITS;
    copy_bits(&out, &in, MANDATORY_BITS);
    uint32_t flags = extended ? bits_u(&in, FLAG_BITS, "") : 0;
    put_bits(&out, present ? flags | MASK_FLAG : flags & ~(uint32_t)MASK_FLAG, FLAG_BITS);
    copy_bits(&out, &in, d->mask_at);
    put_bits(&out, mask, present ? d->target_count : 0);
    if (d->has_active)
        in.at += d->target_count;
    copy_bits(&out, &in, d->end_at);
    return (out.at + 7) / 8;
}

static void put_offset(uint8_t *buf, uint8_t offset) /* six bits from bit 29 on */
{
    buf[3] = (uint8_t)((buf[3] & 0xf8) | offset >> 3);
    buf[4] = (uint8_t)((buf[4] & 0x1f) | (offset & 7) << 5);
}

static uint32_t all_targets(unsigned count)
{
    return (uint32_t)((1ull << count) - 1);
}

struct bytes dd_write(struct bytes data, const struct dd_desc *desc, const struct dd_edit *edit,
                      uint8_t buf[DD_LEN_MAX])
{
    size_t n = data.n;
    bool masks = edit->masks && desc->known;
    bool present = masks && !(desc->has_structure && edit->mask == all_targets(desc->target_count));
    if (present && (desc->end_at + FLAG_BITS + (desc->has_active ? 0u : desc->target_count) + 7u) / 8 > DD_LEN_MAX)
        return bytes_of(buf, 0);
    if (present || (masks && desc->has_active))
        n = splice_mask(data, desc, present, edit->mask, buf);
    else
        memcpy(buf, data.p, n);
    buf[0] = (uint8_t)((buf[0] & 0xc0) | ((desc->template_id + edit->template_delta) & 0x3f));
    put_u16(buf + 1, (uint16_t)(desc->frame_number + edit->frame_delta));
    if (desc->has_structure)
        put_offset(buf, (desc->offset + edit->template_delta) & 0x3f);
    return bytes_of(buf, n);
}

/* ---- decode targets ---- */

static bool is_inter_picture(const struct dd_template *t) /* frames of a picture follow each other */
{
    for (unsigned i = 0; i < t->fdiff_count; i++)
        if (t->fdiffs[i] > t->sid)
            return true;
    return false;
}

void dd_targets_of(const struct dd_structure *s, struct dd_targets *out)
{
    *out = (struct dd_targets){.count = s->target_count};
    for (unsigned t = 0; t < s->target_count; t++) {
        out->within[t] = all_targets(s->target_count);
        out->chain[t] = s->chain_count ? s->protected_by[t] : DD_CHAINS_MAX;
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        const struct dd_template *from = &s->templates[i];
        uint32_t present = 0, switches = 0;
        for (unsigned t = 0; t < s->target_count; t++) {
            enum dd_dti dti = dd_dti_of(from->dti, t);
            present |= (uint32_t)(dti != DD_NOT_PRESENT) << t;
            switches |= (uint32_t)(dti == DD_SWITCH) << t;
        }
        for (unsigned t = 0; t < s->target_count; t++) {
            if (!(present >> t & 1)) {
                out->within[t] &= ~present;
                continue;
            }
            out->sid[t] = MAX(out->sid[t], from->sid);
            out->tid[t] = MAX(out->tid[t], from->tid);
            uint8_t *needs = &out->needs_sid[t][from->tid];
            if (dd_dti_of(from->dti, t) != DD_DISCARDABLE)
                *needs = MAX(*needs, from->sid);
            if (is_inter_picture(from))
                out->reach[t] |= switches;
        }
    }
}

unsigned dd_rate_share(const struct dd_structure *s, unsigned tid)
{
    unsigned count = 0;
    for (unsigned i = 0; i < s->template_count; i++)
        count += s->templates[i].sid == 0 && s->templates[i].tid <= tid && is_inter_picture(&s->templates[i]);
    return count;
}
