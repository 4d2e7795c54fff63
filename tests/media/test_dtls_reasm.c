/* What holds in front of GnuTLS: framing is exact, plaintext handshake messages come out whole, once and in order
 * however they were cut, and what lies is counted and costs itself. Datagrams are put together here by hand. */
#include "support/hex.h"

#include <stdlib.h>

#include "media/dtls_reasm.h"

enum { CLIENT_HELLO = 1, CERTIFICATE = 11, SERVER_HELLO_DONE = 14 };

/* ---- records ---- */

static const struct {
    const char *name, *hex;
    enum err err;
    const char *what;
    size_t body_len;
} records[] = {
    {"two bytes of body", "16 fefd 0000 000000000001 0002 aabb", E_OK, NULL, 2},
    {"DTLS 1.0, as a first hello may say", "16 feff 0000 000000000000 0001 aa", E_OK, NULL, 1},
    {"no body", "14 fefd 0000 000000000000 0000", E_OK, NULL, 0},
    {"the last type, epoch and number", "18 fefd ffff ffffffffffff 0001 aa", E_OK, NULL, 1},
    {"nothing", "", E_SHORT, "type", 0},
    {"four bytes of junk", "16 fefd 00", E_SHORT, "epoch", 0},
    {"ends inside the number", "16 fefd 0000 0000", E_SHORT, "seq", 0},
    {"ends inside the length", "16 fefd 0000 000000000000 00", E_SHORT, "length", 0},
    {"length runs past the end", "16 fefd 0000 000000000000 0003 aabb", E_SHORT, "body", 0},
    {"type 19", "13 fefd 0000 000000000000 0001 aa", E_FORMAT, "type", 0},
    {"type 25, connection ids", "19 fefd 0000 000000000000 0001 aa", E_FORMAT, "type", 0},
    {"TLS, not DTLS", "16 0303 0000 000000000000 0001 aa", E_FORMAT, "version", 0},
    {"longer than a record can be", "16 fefd 0000 000000000000 4101 aa", E_LIMIT, "length", 0},
};

static void record_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        print_message("  %s\n", records[i].name);
        uint8_t buf[64];
        struct bytes in = from_hex(records[i].hex, buf, sizeof buf);
        struct rd r = rd_over(in);
        struct dtls_record rec;
        assert_int_equal(dtls_record_parse(&r, &rec), records[i].err);
        assert_int_equal(rec.body.n, records[i].body_len);
        if (records[i].what)
            assert_string_equal(r.what, records[i].what);
        else
            assert_true(bytes_eq(rec.whole, in));
        assert_int_equal(dtls_datagram_check(in), records[i].err);
    }
}

static void records_must_fill_the_datagram(void **state) /* transport 11.4, rule 1 */
{
    (void)state;
    uint8_t buf[64];
    struct bytes two = from_hex("16fefd0000000000000001 0001 aa 17fefd0001000000000001 0002 bbcc", buf, sizeof buf);
    struct dtls_reasm *ra = dtls_reasm_new();
    struct bytes out;
    for (size_t n = 0; n <= two.n; n++) {
        bool whole = n == 14 || n == two.n;
        assert_true((dtls_datagram_check(bytes_of(two.p, n)) == E_OK) == whole);
        assert_true((dtls_reasm_push(ra, bytes_of(two.p, n)) == E_OK) == whole);
        if (!whole)
            assert_false(dtls_reasm_poll(ra, &out)); /* not even the record that was whole */
        while (dtls_reasm_poll(ra, &out))
            continue;
    }
    dtls_reasm_free(ra);
}

/* ---- datagrams by hand ---- */

struct datagram {
    uint8_t bytes[20000];
    size_t n;
};

static void add(struct datagram *d, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        d->bytes[d->n++] = (uint8_t)(value >> 8 * bytes);
}

static uint8_t content(unsigned message_seq, size_t at)
{
    return (uint8_t)(at * 7 + message_seq * 53 + (at >> 8));
}

static void record_header(struct datagram *d, uint8_t type, uint16_t epoch, uint64_t seq, size_t len)
{
    add(d, type, 1);
    add(d, 0xfefd, 2);
    add(d, epoch, 2);
    add(d, seq, 6);
    add(d, len, 2);
}

struct piece {
    uint8_t type;
    unsigned total, message_seq, offset, len;
};

static void piece_add(struct datagram *d, const struct piece *p)
{
    add(d, p->type, 1);
    add(d, p->total, 3);
    add(d, p->message_seq, 2);
    add(d, p->offset, 3);
    add(d, p->len, 3);
    for (unsigned i = 0; i < p->len; i++)
        add(d, content(p->message_seq, p->offset + i), 1);
}

/* One fragment, alone in a record, alone in a datagram. */
static struct datagram *cut(uint8_t type, unsigned total, unsigned message_seq, unsigned offset, unsigned len)
{
    static struct datagram d;
    d.n = 0;
    record_header(&d, DTLS_HANDSHAKE, 0, 9, 12 + len);
    piece_add(&d, &(struct piece){type, total, message_seq, offset, len});
    return &d;
}

static void push(struct dtls_reasm *ra, const struct datagram *d)
{
    assert_int_equal(dtls_reasm_push(ra, bytes_of(d->bytes, d->n)), E_OK);
}

/* The next thing that comes out is this message, whole, in a record numbered `record`. */
static void comes_out(struct dtls_reasm *ra, uint8_t type, unsigned total, unsigned message_seq, uint64_t record)
{
    struct datagram want = {.n = 0};
    struct bytes out;
    record_header(&want, DTLS_HANDSHAKE, 0, record, 12 + total);
    piece_add(&want, &(struct piece){type, total, message_seq, 0, total});
    assert_true(dtls_reasm_poll(ra, &out));
    assert_int_equal(out.n, want.n);
    assert_memory_equal(out.p, want.bytes, want.n);
}

static void nothing_comes_out(struct dtls_reasm *ra)
{
    struct bytes out;
    assert_false(dtls_reasm_poll(ra, &out));
}

/* ---- cutting ---- */

enum { HELLO = 1401 }; /* Chrome's, with a post-quantum key: fragments of 1175 and the rest (transport 11.6) */

static void a_hello_in_two_pieces_is_one_in_any_order(void **state) /* transport 11.6, 19.14 */
{
    (void)state;
    static const struct {
        const char *name;
        int pieces[5]; /* -1 ends; the last one is what completes it */
    } orders[] = {
        {"in order", {0, 1, -1}},
        {"swapped", {1, 0, -1}},
        {"the first lost, then both again", {1, 0, 1, -1}},
        {"the first twice", {0, 0, 1, -1}},
        {"the second three times", {1, 1, 1, 0, -1}},
    };
    for (size_t i = 0; i < COUNT(orders); i++) {
        print_message("  %s\n", orders[i].name);
        struct dtls_reasm *ra = dtls_reasm_new();
        bool seen[2] = {false}, done = false;
        for (const int *p = orders[i].pieces; *p >= 0; p++) {
            push(ra, *p == 0 ? cut(CLIENT_HELLO, HELLO, 0, 0, 1175) : cut(CLIENT_HELLO, HELLO, 0, 1175, HELLO - 1175));
            seen[*p] = true;
            if (seen[0] && seen[1] && !done) {
                comes_out(ra, CLIENT_HELLO, HELLO, 0, 0);
                done = true;
            }
            nothing_comes_out(ra);
        }
        assert_true(done);
        assert_int_equal(dtls_reasm_pending(ra), 0);
        assert_int_equal(dtls_reasm_bad_fragments(ra), 0);
        dtls_reasm_free(ra);
    }
}

static void a_message_without_content_comes_out(void **state)
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    push(ra, cut(SERVER_HELLO_DONE, 0, 0, 0, 0));
    comes_out(ra, SERVER_HELLO_DONE, 0, 0, 0);
    nothing_comes_out(ra);
    dtls_reasm_free(ra);
}

static void later_messages_wait_for_earlier_ones(void **state)
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    push(ra, cut(CERTIFICATE, 300, 2, 0, 300));
    nothing_comes_out(ra);
    push(ra, cut(CERTIFICATE, 200, 1, 0, 200));
    nothing_comes_out(ra);
    assert_int_equal(dtls_reasm_pending(ra), 2);
    push(ra, cut(CLIENT_HELLO, 100, 0, 0, 100));
    comes_out(ra, CLIENT_HELLO, 100, 0, 0);
    comes_out(ra, CERTIFICATE, 200, 1, 1);
    comes_out(ra, CERTIFICATE, 300, 2, 2);
    nothing_comes_out(ra);
    push(ra, cut(CERTIFICATE, 200, 1, 0, 200)); /* sent again: it was handed on */
    nothing_comes_out(ra);
    assert_int_equal(dtls_reasm_bad_fragments(ra), 0);
    dtls_reasm_free(ra);
}

static void a_flight_in_one_datagram_comes_apart(void **state)
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    struct datagram d = {.n = 0};
    const struct piece a = {CERTIFICATE, 20, 0, 0, 20}, b = {16, 33, 1, 0, 33};
    record_header(&d, DTLS_HANDSHAKE, 0, 3, 24 + 53); /* two messages in one record */
    piece_add(&d, &a);
    piece_add(&d, &b);
    record_header(&d, DTLS_CCS, 0, 4, 1);
    add(&d, 1, 1);
    size_t at = d.n;
    record_header(&d, DTLS_HANDSHAKE, 1, 0, 40); /* encrypted: not ours to read */
    for (int i = 0; i < 40; i++)
        add(&d, (uint64_t)i, 1);
    push(ra, &d);
    struct bytes out;
    uint8_t ccs[32];
    comes_out(ra, CERTIFICATE, 20, 0, 0);
    comes_out(ra, 16, 33, 1, 1);
    assert_true(dtls_reasm_poll(ra, &out));
    assert_true(bytes_eq(out, from_hex("14 fefd 0000 000000000002 0001 01", ccs, sizeof ccs)));
    assert_true(dtls_reasm_poll(ra, &out));
    assert_true(bytes_eq(out, bytes_of(d.bytes + at, d.n - at)));
    nothing_comes_out(ra);
    dtls_reasm_free(ra);
}

static void what_is_plaintext_and_no_handshake_stays_outside(void **state) /* anybody could have sent it */
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    static const uint8_t types[] = {DTLS_ALERT, DTLS_APPDATA, DTLS_HEARTBEAT};
    for (size_t i = 0; i < COUNT(types); i++) {
        struct datagram d = {.n = 0};
        record_header(&d, types[i], 0, 5, 2);
        add(&d, 0x0228, 2);
        push(ra, &d);
        nothing_comes_out(ra);
    }
    dtls_reasm_free(ra);
}

/* ---- lies ---- */

static void lying_fragments_are_counted_and_the_message_still_comes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct piece lie;
    } lies[] = {
        {"another type", {CERTIFICATE, HELLO, 0, 1175, 226}},
        {"another total", {CLIENT_HELLO, HELLO + 1, 0, 1175, 226}},
        {"runs past its total", {CLIENT_HELLO, HELLO, 0, 1176, 226}},
        {"begins past its total", {CLIENT_HELLO, HELLO, 0, HELLO + 1, 0}},
        {"offset wraps", {CLIENT_HELLO, HELLO, 0, 0xffffff, 226}},
        {"a total beyond a record", {CLIENT_HELLO, DTLS_MESSAGE_MAX + 1, 0, 0, 10}},
        {"asks for renegotiation", {0, 0, 0, 0, 0}},
        {"a message number no handshake reaches", {CLIENT_HELLO, 10, DTLS_MESSAGE_SEQS, 0, 10}},
        {"the last message number", {CLIENT_HELLO, 10, 65535, 0, 10}},
    };
    for (size_t i = 0; i < COUNT(lies); i++) {
        print_message("  %s\n", lies[i].name);
        const struct piece *lie = &lies[i].lie;
        struct dtls_reasm *ra = dtls_reasm_new();
        push(ra, cut(CLIENT_HELLO, HELLO, 0, 0, 1175));
        nothing_comes_out(ra);
        push(ra, cut(lie->type, lie->total, lie->message_seq, lie->offset, lie->len));
        nothing_comes_out(ra);
        assert_int_equal(dtls_reasm_bad_fragments(ra), 1);
        push(ra, cut(CLIENT_HELLO, HELLO, 0, 1175, HELLO - 1175));
        comes_out(ra, CLIENT_HELLO, HELLO, 0, 0);
        nothing_comes_out(ra);
        assert_int_equal(dtls_reasm_pending(ra), 0);
        dtls_reasm_free(ra);
    }
}

static void the_first_bytes_win(void **state)
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    push(ra, cut(CLIENT_HELLO, 100, 0, 10, 50));
    nothing_comes_out(ra);
    struct datagram *d = cut(CLIENT_HELLO, 100, 0, 0, 100);
    memset(d->bytes + 13 + 12 + 10, 0xee, 50); /* differs where we have it already */
    push(ra, d);
    comes_out(ra, CLIENT_HELLO, 100, 0, 0);
    dtls_reasm_free(ra);
}

static void a_fragment_that_ends_early_costs_the_rest_of_its_record_only(void **state)
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    struct datagram d = {.n = 0};
    record_header(&d, DTLS_HANDSHAKE, 0, 1, 12 + 5);
    add(&d, CLIENT_HELLO, 1);
    add(&d, 100, 3);
    add(&d, 0, 2);
    add(&d, 0, 3);
    add(&d, 100, 3); /* says 100, has 5 */
    add(&d, 0, 5);
    record_header(&d, DTLS_HANDSHAKE, 0, 2, 12 + 30);
    piece_add(&d, &(struct piece){CLIENT_HELLO, 30, 0, 0, 30});
    push(ra, &d);
    comes_out(ra, CLIENT_HELLO, 30, 0, 0);
    assert_int_equal(dtls_reasm_bad_fragments(ra), 1);
    dtls_reasm_free(ra);
}

/* ---- bounds ---- */

static void pending_messages_are_bounded_and_never_in_the_way_of_earlier_ones(void **state) /* transport 16.4 */
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    for (unsigned seq = 1; seq < DTLS_MESSAGE_SEQS; seq++) {
        push(ra, cut(CERTIFICATE, 100, seq, 0, 10));
        nothing_comes_out(ra);
        assert_true(dtls_reasm_pending(ra) <= DTLS_PENDING_MAX);
    }
    assert_int_equal(dtls_reasm_pending(ra), DTLS_PENDING_MAX);
    assert_int_equal(dtls_reasm_bad_fragments(ra), DTLS_MESSAGE_SEQS - 1 - DTLS_PENDING_MAX);
    push(ra, cut(CLIENT_HELLO, HELLO, 0, 0, 1175));
    push(ra, cut(CLIENT_HELLO, HELLO, 0, 0, 1175));
    nothing_comes_out(ra);
    push(ra, cut(CLIENT_HELLO, HELLO, 0, 1175, HELLO - 1175));
    comes_out(ra, CLIENT_HELLO, HELLO, 0, 0);
    dtls_reasm_free(ra);
}

static void pending_bytes_are_bounded_and_never_in_the_way_of_earlier_ones(void **state) /* transport 16.4 */
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    push(ra, cut(CERTIFICATE, DTLS_MESSAGE_MAX, 2, 0, 10)); /* a claim alone reserves it */
    nothing_comes_out(ra);
    push(ra, cut(CERTIFICATE, 100, 3, 0, 100));
    nothing_comes_out(ra);
    assert_int_equal(dtls_reasm_pending(ra), 1);
    assert_int_equal(dtls_reasm_bad_fragments(ra), 1);
    push(ra, cut(CLIENT_HELLO, HELLO, 0, 0, HELLO)); /* whole at once: needs room for a moment only */
    comes_out(ra, CLIENT_HELLO, HELLO, 0, 0);
    push(ra, cut(CERTIFICATE, DTLS_MESSAGE_MAX, 1, 0, DTLS_MESSAGE_MAX));
    comes_out(ra, CERTIFICATE, DTLS_MESSAGE_MAX, 1, 1);
    dtls_reasm_free(ra);
}

static void a_new_handshake_begins_at_zero(void **state)
{
    (void)state;
    struct dtls_reasm *ra = dtls_reasm_new();
    push(ra, cut(CLIENT_HELLO, 50, 0, 0, 50));
    comes_out(ra, CLIENT_HELLO, 50, 0, 0);
    push(ra, cut(CERTIFICATE, 50, 1, 0, 20));
    nothing_comes_out(ra);
    dtls_reasm_reset(ra);
    assert_int_equal(dtls_reasm_pending(ra), 0);
    push(ra, cut(CLIENT_HELLO, 60, 0, 0, 60));
    comes_out(ra, CLIENT_HELLO, 60, 0, 0);
    dtls_reasm_free(ra);
}

/* ---- any cut, any order ---- */

static unsigned pick(unsigned below)
{
    static uint64_t x = 1;
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(x >> 33) % below;
}

static void random_cuts_duplicates_and_orders_always_give_the_messages(void **state)
{
    (void)state;
    enum { MESSAGES = 5, PIECES_MAX = 64 };
    for (int round = 0; round < 300; round++) {
        struct dtls_reasm *ra = dtls_reasm_new();
        struct piece pieces[PIECES_MAX];
        unsigned n = 0, next = 0, totals[MESSAGES];
        for (unsigned seq = 0; seq < MESSAGES; seq++) {
            totals[seq] = pick(3000);
            unsigned at = 0;
            do {
                unsigned len = 300 + pick(1200), back = pick(40); /* overlapping */
                len = MIN(totals[seq] - at, len);
                back = MIN(at, back);
                pieces[n++] = (struct piece){CERTIFICATE, totals[seq], seq, at - back, len + back};
                at += len;
            } while (at < totals[seq]);
        }
        for (unsigned i = 0, from = n; i < from; i++)
            if (pick(3) == 0)
                pieces[n++] = pieces[i];
        for (unsigned i = n - 1; i > 0; i--) {
            unsigned k = pick(i + 1);
            struct piece swap = pieces[i];
            pieces[i] = pieces[k];
            pieces[k] = swap;
        }
        for (unsigned i = 0; i < n; i++) {
            push(ra, cut(pieces[i].type, pieces[i].total, pieces[i].message_seq, pieces[i].offset, pieces[i].len));
            for (struct bytes out; dtls_reasm_poll(ra, &out); next++) {
                assert_true(next < MESSAGES);
                assert_int_equal(get_u16(out.p + 13 + 4), next);
                assert_int_equal(out.n, 25 + totals[next]);
                for (unsigned k = 0; k < totals[next]; k++)
                    assert_int_equal(out.p[25 + k], content(next, k));
            }
        }
        assert_int_equal(next, MESSAGES);
        assert_int_equal(dtls_reasm_pending(ra), 0);
        assert_int_equal(dtls_reasm_bad_fragments(ra), 0);
        dtls_reasm_free(ra);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flight_in_one_datagram_comes_apart),
        cmocka_unit_test(a_fragment_that_ends_early_costs_the_rest_of_its_record_only),
        cmocka_unit_test(a_hello_in_two_pieces_is_one_in_any_order),
        cmocka_unit_test(a_message_without_content_comes_out),
        cmocka_unit_test(a_new_handshake_begins_at_zero),
        cmocka_unit_test(later_messages_wait_for_earlier_ones),
        cmocka_unit_test(lying_fragments_are_counted_and_the_message_still_comes),
        cmocka_unit_test(pending_bytes_are_bounded_and_never_in_the_way_of_earlier_ones),
        cmocka_unit_test(pending_messages_are_bounded_and_never_in_the_way_of_earlier_ones),
        cmocka_unit_test(random_cuts_duplicates_and_orders_always_give_the_messages),
        cmocka_unit_test(record_cases),
        cmocka_unit_test(records_must_fill_the_datagram),
        cmocka_unit_test(the_first_bytes_win),
        cmocka_unit_test(what_is_plaintext_and_no_handshake_stays_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
