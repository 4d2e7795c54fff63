/* See dtls_reasm.h. */
#include "media/dtls_reasm.h"

#include <stdlib.h>

enum { HELLO_REQUEST = 0 };
enum { VERSION_MAJOR = 0xFE }; /* DTLS 1.0 is FEFF, 1.2 FEFD; a ClientHello's record may say either */

struct message { /* one handshake message being put together */
    bool used;
    bool complete;
    uint8_t type;
    uint16_t version;
    uint32_t total, got;
    uint8_t *bytes; /* total of them, then total flags: which have come */
};

struct dtls_reasm {
    struct message pending[DTLS_MESSAGE_SEQS]; /* by message_seq; at most DTLS_PENDING_MAX used */
    size_t pending_count, pending_bytes;
    uint32_t next_message; /* message_seq to hand on next */
    uint64_t next_record;  /* our own numbers for epoch 0 */
    uint32_t bad_fragments;

    uint8_t *datagram; /* the one being walked; a copy, since polling comes after the caller's buffer is gone */
    size_t datagram_cap;
    struct rd walk;     /* over records */
    struct rd messages; /* over the handshake messages inside one record */
    struct dtls_record record;
    uint8_t out[DTLS_RECORD_HEADER + DTLS_RECORD_MAX];
};

enum err dtls_record_parse(struct rd *r, struct dtls_record *rec)
{
    *rec = (struct dtls_record){0};
    const uint8_t *from = r->pos;
    rec->type = rd_u8(r, "type");
    rec->version = rd_u16(r, "version");
    rec->epoch = rd_u16(r, "epoch");
    rec->seq = (uint64_t)rd_u16(r, "seq") << 32;
    rec->seq |= rd_u32(r, "seq");
    uint16_t len = rd_u16(r, "length");
    if (r->err != E_OK)
        return r->err;
    if (rec->type < DTLS_CCS || rec->type > DTLS_HEARTBEAT)
        return rd_fail(r, E_FORMAT, "type");
    if (rec->version >> 8 != VERSION_MAJOR)
        return rd_fail(r, E_FORMAT, "version");
    if (len > DTLS_RECORD_MAX)
        return rd_fail(r, E_LIMIT, "length");
    rec->body = rd_bytes(r, len, "body");
    if (r->err == E_OK)
        rec->whole = bytes_of(from, (size_t)(r->pos - from));
    return r->err;
}

enum err dtls_datagram_check(struct bytes datagram)
{
    struct rd r = rd_over(datagram);
    struct dtls_record rec;
    do {
        if (dtls_record_parse(&r, &rec) != E_OK)
            return r.err;
    } while (rd_left(&r) > 0);
    return E_OK;
}

struct dtls_reasm *dtls_reasm_new(void)
{
    struct dtls_reasm *ra = calloc(1, sizeof *ra);
    if (!ra)
        abort();
    return ra;
}

static void message_clear(struct dtls_reasm *ra, struct message *m)
{
    if (!m->used)
        return;
    ra->pending_count--;
    ra->pending_bytes -= m->total;
    free(m->bytes);
    *m = (struct message){0};
}

void dtls_reasm_reset(struct dtls_reasm *ra)
{
    for (size_t i = 0; i < COUNT(ra->pending); i++)
        message_clear(ra, &ra->pending[i]);
    ra->next_message = 0;
    ra->next_record = 0;
    ra->walk = ra->messages = (struct rd){0};
}

void dtls_reasm_free(struct dtls_reasm *ra)
{
    if (!ra)
        return;
    dtls_reasm_reset(ra);
    free(ra->datagram);
    free(ra);
}

size_t dtls_reasm_pending(const struct dtls_reasm *ra)
{
    return ra->pending_count;
}

uint32_t dtls_reasm_bad_fragments(const struct dtls_reasm *ra)
{
    return ra->bad_fragments;
}

enum err dtls_reasm_push(struct dtls_reasm *ra, struct bytes datagram)
{
    ra->walk = ra->messages = (struct rd){0};
    enum err err = dtls_datagram_check(datagram);
    if (err != E_OK)
        return err;
    if (ra->datagram_cap < datagram.n) {
        free(ra->datagram);
        ra->datagram = malloc(datagram.n);
        if (!ra->datagram)
            abort();
        ra->datagram_cap = datagram.n;
    }
    memcpy(ra->datagram, datagram.p, datagram.n);
    ra->walk = rd_over(bytes_of(ra->datagram, datagram.n));
    return E_OK;
}

struct fragment {
    uint8_t type;
    uint32_t total, message_seq, offset;
    struct bytes body;
};

/* RFC 6347 4.2.2 */
static enum err fragment_parse(struct rd *r, struct fragment *f)
{
    f->type = rd_u8(r, "msg_type");
    f->total = rd_u24(r, "length");
    f->message_seq = rd_u16(r, "message_seq");
    f->offset = rd_u24(r, "fragment_offset");
    uint32_t len = rd_u24(r, "fragment_length");
    f->body = rd_bytes(r, len, "fragment");
    if (r->err != E_OK)
        return r->err;
    if (f->type == HELLO_REQUEST)
        return rd_fail(r, E_FORMAT, "msg_type"); /* renegotiation; it would take a number from the real handshake */
    if (f->total > DTLS_MESSAGE_MAX)
        return rd_fail(r, E_LIMIT, "length");
    if (f->offset > f->total || len > f->total - f->offset)
        return rd_fail(r, E_FORMAT, "fragment_offset");
    return E_OK;
}

/* Within the bounds, or made so at the cost of the latest message: nothing may keep the next one out, and what was
 * forgotten is sent again. */
static bool make_room(struct dtls_reasm *ra, const struct fragment *f)
{
    for (size_t last = DTLS_MESSAGE_SEQS - 1;
         ra->pending_count >= DTLS_PENDING_MAX || ra->pending_bytes + f->total > DTLS_PENDING_BYTES; last--) {
        if (last <= f->message_seq)
            return false;
        message_clear(ra, &ra->pending[last]);
    }
    return true;
}

static struct message *message_start(struct dtls_reasm *ra, const struct fragment *f)
{
    struct message *m = &ra->pending[f->message_seq];
    if (!make_room(ra, f))
        return NULL;
    m->bytes = calloc(2, f->total + 1);
    if (!m->bytes)
        abort();
    m->used = true;
    m->type = f->type;
    m->version = ra->record.version;
    m->total = f->total;
    ra->pending_count++;
    ra->pending_bytes += f->total;
    return m;
}

/* False: the fragment lies, or there is no room. One that only repeats what we have is fine. */
static bool message_add(struct dtls_reasm *ra, const struct fragment *f)
{
    if (f->message_seq < ra->next_message)
        return true; /* sent again although it has been handed on */
    if (f->message_seq >= DTLS_MESSAGE_SEQS)
        return false;
    struct message *m = &ra->pending[f->message_seq];
    if (!m->used && !(m = message_start(ra, f)))
        return false;
    if (m->type != f->type || m->total != f->total)
        return false;
    uint8_t *have = m->bytes + m->total;
    for (size_t i = 0; i < f->body.n; i++) {
        size_t at = f->offset + i;
        if (have[at])
            continue; /* the first bytes win: a later overlap cannot change what was checked */
        have[at] = 1;
        m->bytes[at] = f->body.p[i];
        m->got++;
    }
    m->complete = m->got == m->total;
    return true;
}

static void record_begin(struct dtls_reasm *ra, struct wr *w, uint8_t type, uint16_t version, size_t len)
{
    *w = wr_over(ra->out, sizeof ra->out);
    wr_u8(w, type);
    wr_u16(w, version);
    wr_u16(w, 0); /* epoch */
    wr_u16(w, (uint16_t)(ra->next_record >> 32));
    wr_u32(w, (uint32_t)ra->next_record);
    wr_u16(w, (uint16_t)len);
    ra->next_record++;
}

/* The next message in order, if it is whole, as one record with one fragment. */
static bool next_complete(struct dtls_reasm *ra, struct bytes *out)
{
    if (ra->next_message >= DTLS_MESSAGE_SEQS || !ra->pending[ra->next_message].complete)
        return false;
    struct message *m = &ra->pending[ra->next_message];
    struct wr w;
    record_begin(ra, &w, DTLS_HANDSHAKE, m->version, DTLS_HANDSHAKE_HEADER + m->total);
    wr_u8(&w, m->type);
    wr_u24(&w, m->total);
    wr_u16(&w, (uint16_t)ra->next_message);
    wr_u24(&w, 0);
    wr_u24(&w, m->total);
    wr_bytes(&w, bytes_of(m->bytes, m->total));
    message_clear(ra, m);
    ra->next_message++;
    *out = wr_done(&w);
    return true;
}

/* Takes fragments off the current handshake record until a message is whole or the record ends. */
static void take_fragments(struct dtls_reasm *ra)
{
    struct fragment f;
    while (rd_left(&ra->messages) > 0) {
        if (fragment_parse(&ra->messages, &f) != E_OK || !message_add(ra, &f)) {
            ra->bad_fragments++;
            ra->messages = (struct rd){0};
        }
        if (f.message_seq == ra->next_message)
            return; /* perhaps whole now: let the poll look before the next one needs room */
    }
}

static bool pass_on(struct dtls_reasm *ra, struct bytes *out)
{
    if (ra->record.epoch > 0) {
        *out = ra->record.whole;
        return true;
    }
    if (ra->record.type != DTLS_CCS)
        return false; /* a plaintext alert could be anybody's, and GnuTLS as client would believe it */
    struct wr w;
    record_begin(ra, &w, ra->record.type, ra->record.version, ra->record.body.n);
    wr_bytes(&w, ra->record.body);
    *out = wr_done(&w);
    return true;
}

bool dtls_reasm_poll(struct dtls_reasm *ra, struct bytes *record)
{
    for (;;) {
        if (next_complete(ra, record))
            return true;
        if (rd_left(&ra->messages) > 0) {
            take_fragments(ra);
            continue;
        }
        if (rd_left(&ra->walk) == 0)
            return false;
        dtls_record_parse(&ra->walk, &ra->record);
        if (ra->record.type == DTLS_HANDSHAKE && ra->record.epoch == 0)
            ra->messages = rd_over(ra->record.body);
        else if (pass_on(ra, record))
            return true;
    }
}
