/* The DTLS record walker and handshake reassembly. The input is a run of datagrams, each behind its length in two bytes.
 * What comes out is one record a time; in plaintext it is whole handshake messages numbered without a gap, or a change
 * of ciphers; all else is a record of the datagram as it was; and a second reassembly has nothing to change about it. */
#include <stdlib.h>

#include "media/dtls_reasm.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct seen {
    uint32_t messages;
    uint64_t records; /* of epoch 0 */
    struct dtls_reasm *second;
};

static void check_message(struct seen *seen, const struct dtls_record *rec)
{
    struct rd r = rd_over(rec->body);
    must(rd_u8(&r, "type") != 0);
    uint32_t total = rd_u24(&r, "length");
    must(rd_u16(&r, "message_seq") == seen->messages++);
    must(rd_u24(&r, "offset") == 0);
    must(rd_u24(&r, "fragment length") == total);
    must(r.err == E_OK && rd_left(&r) == total && total <= DTLS_MESSAGE_MAX);
}

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.n <= whole.n && memmem(whole.p, whole.n, part.p, part.n) != NULL;
}

static void check_record(struct seen *seen, struct bytes out, struct bytes datagram)
{
    struct rd r = rd_over(out);
    struct dtls_record rec;
    must(dtls_record_parse(&r, &rec) == E_OK && rd_left(&r) == 0);
    if (rec.epoch > 0) {
        must(lies_in(out, datagram));
        return;
    }
    must(rec.seq == seen->records++);
    if (rec.type == DTLS_HANDSHAKE)
        check_message(seen, &rec);
    else
        must(rec.type == DTLS_CCS && lies_in(rec.body, datagram));

    struct bytes again;
    must(dtls_reasm_push(seen->second, out) == E_OK);
    must(dtls_reasm_poll(seen->second, &again) && bytes_eq(again, out));
    must(!dtls_reasm_poll(seen->second, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dtls_reasm *ra = dtls_reasm_new();
    struct seen seen = {.second = dtls_reasm_new()};
    struct rd r = rd_over(bytes_of(data, size));
    while (rd_left(&r) >= 2) {
        size_t len = rd_u16(&r, "len");
        struct bytes out, datagram = rd_bytes(&r, MIN(len, rd_left(&r)), "datagram");
        must(dtls_reasm_push(ra, datagram) == dtls_datagram_check(datagram));
        while (dtls_reasm_poll(ra, &out)) {
            must(dtls_datagram_check(datagram) == E_OK);
            check_record(&seen, out, datagram);
        }
        must(dtls_reasm_pending(ra) <= DTLS_PENDING_MAX);
    }
    dtls_reasm_free(ra);
    dtls_reasm_free(seen.second);
    return 0;
}
