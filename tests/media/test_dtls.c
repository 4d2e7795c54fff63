/* DTLS against OpenSSL, both roles, over a link that the test loses, reorders and spoils. Virtual time throughout. */
#include "media/dtls.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/dtls_peer.h"

#define BOTH       "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM" /* libwebrtc's order */
#define ONE_WAY_US 10000u                                                               /* one way */

static struct dtls_identity *id;

struct net; /* decides what becomes of a datagram: returns false to lose it */
typedef bool policy(struct net *net, bool to_us, struct bytes datagram);

struct net {
    struct dtls *d;
    struct peer *p;
    policy *policy;
    unsigned sent_to_us, sent_to_peer; /* so far, lost ones included */
    unsigned lose_at;                  /* for lose_nth */
    bool lose_to_us;
    struct bytes held; /* for swap_first_two */
    struct dtls_keys keys;
    bool up, failed, closed;
    char reason[80];
    uint8_t data[4096];
    size_t data_len;
    unsigned wakeups; /* times that only the clock moved us */
};

static void net_start(struct net *n, const struct peer_options *o)
{
    *n = (struct net){.d = dtls_new(id, clock_us), .p = peer_new(o)};
}

static void set_remote(struct net *n, enum dtls_role ours, const char *hash, const char *value)
{
    struct dtls_fingerprint fp = {hash, value};
    assert_int_equal(dtls_set_remote(n->d, clock_us, ours, &fp, 1), E_OK);
}

static void net_ready(struct net *n, bool peer_is_client)
{
    set_remote(n, peer_is_client ? DTLS_SERVER : DTLS_CLIENT, "sha-256", peer_fingerprint(n->p, "SHA256"));
    dtls_start(n->d, clock_us);
}

static void net_done(struct net *n)
{
    dtls_free(n->d);
    peer_free(n->p);
    free((void *)n->held.p);
}

static void deliver_to_us(struct net *n, struct bytes datagram)
{
    n->sent_to_us++;
    if (!n->policy || n->policy(n, true, datagram))
        dtls_on_datagram(n->d, clock_us, datagram);
}

static void take(struct net *n, const struct dtls_out *out)
{
    switch (out->kind) {
    case DTLS_SEND:
        n->sent_to_peer++;
        assert_true(out->bytes.n <= 1232);
        if (!n->policy || n->policy(n, false, out->bytes))
            peer_on_datagram(n->p, out->bytes);
        break;
    case DTLS_UP:
        assert_false(n->up);
        n->up = true;
        n->keys = *out->keys;
        break;
    case DTLS_DATA:
        memcpy(n->data + n->data_len, out->bytes.p, out->bytes.n);
        n->data_len += out->bytes.n;
        break;
    case DTLS_FAILED:
        assert_false(n->failed || n->up);
        n->failed = true;
        snprintf(n->reason, sizeof n->reason, "%s", out->reason);
        break;
    case DTLS_CLOSED:
        assert_false(n->closed);
        n->closed = true;
        break;
    }
}

static bool exchange(struct net *n) /* everything that is under way now; false: nothing was */
{
    bool moved = false;
    struct dtls_out out;
    while (dtls_poll(n->d, &out)) {
        take(n, &out);
        moved = true;
    }
    for (struct bytes b; peer_poll(n->p, &b); moved = true) {
        deliver_to_us(n, b);
        free((void *)b.p);
    }
    return moved;
}

/* Until both sides are quiet or the time is over; jumps from deadline to deadline. */
static void run_until(struct net *n, uint64_t until_us)
{
    peer_step(n->p);
    for (;;) {
        while (exchange(n))
            clock_us += ONE_WAY_US;
        uint64_t ours = dtls_deadline_us(n->d), theirs = peer_deadline_us(n->p), next = MIN(ours, theirs);
        if (next > until_us)
            break;
        clock_us = MAX(clock_us, next);
        if (ours <= clock_us) {
            n->wakeups++;
            dtls_on_time(n->d, clock_us);
        }
        peer_on_time(n->p);
    }
    clock_us = MAX(clock_us, until_us);
}

static void run_for(struct net *n, uint64_t us)
{
    run_until(n, clock_us + us);
}

static void assert_both_up_with_equal_keys(struct net *n, bool peer_is_client, int profile)
{
    assert_true(n->up);
    assert_true(peer_is_up(n->p));
    assert_int_equal(n->keys.profile, profile);
    assert_int_equal(peer_profile(n->p), profile);
    size_t salt = profile == 7 ? 12 : 14;
    assert_int_equal(n->keys.len, 16 + salt);
    uint8_t all[60], client[30], server[30];
    peer_export(n->p, all, 2 * (16 + salt));
    memcpy(client, all, 16);
    memcpy(client + 16, all + 32, salt);
    memcpy(server, all + 16, 16);
    memcpy(server + 16, all + 32 + salt, salt);
    assert_memory_equal(n->keys.rx, peer_is_client ? client : server, 16 + salt);
    assert_memory_equal(n->keys.tx, peer_is_client ? server : client, 16 + salt);
}

/* ---- profiles and roles ---- */

static void both_roles_come_up_and_agree_on_gcm(void **state) /* transport 19.12 */
{
    (void)state;
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        struct net n;
        net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = BOTH});
        assert_int_equal(dtls_our_role(n.d), DTLS_ROLE_UNKNOWN);
        net_ready(&n, peer_is_client);
        run_for(&n, SEC(1));
        assert_both_up_with_equal_keys(&n, peer_is_client, peer_is_client ? 7 : 1); /* as server OpenSSL chooses */
        char seen[96];
        peer_saw_certificate_of(n.p, seen);
        assert_string_equal(seen, dtls_identity_fingerprint(id));
        assert_true(dtls_deadline_us(n.d) == NEVER_US);
        net_done(&n);
    }
}

static void as_client_we_offer_gcm_first(void **state) /* transport 19.12 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.srtp = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"});
    net_ready(&n, false);
    run_for(&n, SEC(1));
    assert_both_up_with_equal_keys(&n, false, 7);
    net_done(&n);
}

static void only_cm_80_gives_cm_80(void **state) /* transport 19.13 */
{
    (void)state;
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        struct net n;
        net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = "SRTP_AES128_CM_SHA1_80"});
        net_ready(&n, peer_is_client);
        run_for(&n, SEC(1));
        assert_both_up_with_equal_keys(&n, peer_is_client, 1);
        net_done(&n);
    }
}

static void without_a_common_profile_there_is_no_call(void **state) /* transport 19.13 */
{
    (void)state;
    static const char *const offers[] = {"SRTP_AES128_CM_SHA1_32", "SRTP_AEAD_AES_256_GCM", NULL};
    for (size_t i = 0; i < COUNT(offers); i++) {
        for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
            struct net n;
            net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = offers[i]});
            net_ready(&n, peer_is_client);
            run_for(&n, SEC(1));
            if (peer_is_client)
                assert_true(peer_has_failed(n.p)); /* got handshake_failure */
            run_for(&n, SEC(60));
            assert_false(n.up);
            assert_true(n.failed);
            assert_true(dtls_deadline_us(n.d) == NEVER_US);
            net_done(&n);
        }
    }
}

/* ---- order of things ---- */

static void a_hello_before_the_remote_description_is_kept(void **state) /* transport 18 trap 2 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
    peer_step(n.p);
    exchange(&n); /* the hello comes first of all */
    assert_int_equal(n.sent_to_us, 1);
    dtls_start(n.d, clock_us);
    exchange(&n);
    assert_int_equal(n.sent_to_peer, 0); /* nothing answers before the fingerprint is known */
    set_remote(&n, DTLS_SERVER, "sha-256", peer_fingerprint(n.p, "SHA256"));
    uint64_t before_us = clock_us;
    while (exchange(&n))
        clock_us += ONE_WAY_US;
    assert_both_up_with_equal_keys(&n, true, 7);
    assert_true(clock_us - before_us < MS(100)); /* without a retransmission */
    net_done(&n);
}

static void the_early_queue_is_bounded(void **state)
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
    uint8_t record[13 + 100] = {22, 0xfe, 0xfd, [12] = 100};
    for (int i = 0; i < 100; i++)
        dtls_on_datagram(n.d, clock_us, bytes_of(record, sizeof record));
    assert_int_equal(dtls_stats(n.d)->early_drops, 92);
    net_ready(&n, true);
    run_for(&n, SEC(3));
    assert_both_up_with_equal_keys(&n, true, 7);
    net_done(&n);
}

static void a_later_description_disturbs_nothing(void **state) /* transport 18 trap 11 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
    net_ready(&n, true);
    run_for(&n, SEC(1));
    struct dtls_fingerprint other = {"sha-1", "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13"};
    assert_int_equal(dtls_set_remote(n.d, clock_us, DTLS_CLIENT, &other, 1), E_OK);
    dtls_start(n.d, clock_us);
    assert_int_equal(dtls_our_role(n.d), DTLS_SERVER);
    peer_send(n.p, "still here");
    run_for(&n, SEC(1));
    assert_memory_equal(n.data, "still here", 10);
    net_done(&n);
}

static void setup_values_give_our_role(void **state)
{
    (void)state;
    assert_int_equal(dtls_role_from_setup("active"), DTLS_SERVER);
    assert_int_equal(dtls_role_from_setup("Active"), DTLS_SERVER);
    assert_int_equal(dtls_role_from_setup("passive"), DTLS_CLIENT);
    assert_int_equal(dtls_role_from_setup("actpass"), DTLS_ROLE_UNKNOWN);
    assert_int_equal(dtls_role_from_setup("holdconn"), DTLS_ROLE_UNKNOWN);
    assert_int_equal(dtls_role_from_setup(""), DTLS_ROLE_UNKNOWN);
    assert_int_equal(dtls_role_from_setup(NULL), DTLS_ROLE_UNKNOWN);
}

/* ---- large hellos: in two fragments since browsers send post-quantum keys ---- */

static bool swap_first_two(struct net *n, bool to_us, struct bytes datagram)
{
    if (!to_us || n->sent_to_us > 2)
        return true;
    if (n->sent_to_us == 1) {
        uint8_t *copy = malloc(datagram.n);
        memcpy(copy, datagram.p, datagram.n);
        n->held = bytes_of(copy, datagram.n);
        return false;
    }
    dtls_on_datagram(n->d, clock_us, datagram);
    dtls_on_datagram(n->d, clock_us, n->held);
    return false;
}

static bool lose_first(struct net *n, bool to_us, struct bytes datagram)
{
    return !to_us || n->sent_to_us != 1;
}

static bool lose_second(struct net *n, bool to_us, struct bytes datagram)
{
    return !to_us || n->sent_to_us != 2;
}

static bool send_all_twice(struct net *n, bool to_us, struct bytes datagram)
{
    if (to_us)
        dtls_on_datagram(n->d, clock_us, datagram);
    return true;
}

static void a_hello_in_fragments_is_answered(void **state) /* transport 19.14 */
{
    (void)state;
    static const struct {
        const char *name;
        policy *policy;
        uint64_t within_us;
    } cases[] = {
        {"in order", NULL, MS(100)},
        {"swapped", swap_first_two, MS(100)}, /* without any retransmission */
        {"first lost", lose_first, MS(1200)}, /* OpenSSL retransmits after a second */
        {"second lost", lose_second, MS(1200)},
        {"every datagram twice", send_all_twice, MS(100)},
    };
    static const size_t paddings[] = {1100, 3000, 8000}; /* 2, 3 and 7 fragments */
    for (size_t i = 0; i < COUNT(cases) * COUNT(paddings); i++) {
        size_t c = i / COUNT(paddings);
        print_message("  %s, padding %zu\n", cases[c].name, paddings[i % COUNT(paddings)]);
        struct net n;
        net_start(&n,
                  &(struct peer_options){.client = true, .srtp = BOTH, .hello_padding = paddings[i % COUNT(paddings)]});
        n.policy = cases[c].policy;
        net_ready(&n, true);
        uint64_t before_us = clock_us;
        run_for(&n, cases[c].within_us);
        assert_true(clock_us - before_us <= cases[c].within_us);
        assert_both_up_with_equal_keys(&n, true, 7);
        assert_true(n.sent_to_us >= 2);
        assert_int_equal(dtls_stats(n.d)->restarts, 0);
        net_done(&n);
    }
}

/* ---- what browsers really send: tests/vectors/dtls, a datagram per line, recorded from a call ---- */

struct recorded {
    uint8_t bytes[2][1500];
    size_t len[2];
};

static struct recorded recording(const char *name)
{
    struct recorded r;
    char path[300], line[4000];
    snprintf(path, sizeof path, VECTORS "/dtls/%s.hex", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int i = 0; i < 2; i++) {
        assert_non_null(fgets(line, sizeof line, f));
        r.len[i] = from_hex(line, r.bytes[i], sizeof r.bytes[i]).n;
    }
    fclose(f);
    return r;
}

static void give_recorded(struct dtls *d, struct recorded *r, int which, uint8_t record_seq)
{
    r->bytes[which][10] = record_seq; /* a retransmission is the same but for this */
    dtls_on_datagram(d, clock_us, bytes_of(r->bytes[which], r->len[which]));
}

/* The first thing we say: a ServerHello with DTLS 1.2 and the suite that comes first with an ECDSA certificate. */
static bool says_server_hello(struct dtls *d)
{
    struct dtls_out out;
    bool said = false;
    for (bool first = true; dtls_poll(d, &out); first = false) {
        if (out.kind != DTLS_SEND || !first)
            continue;
        struct rd r = rd_over(out.bytes);
        assert_int_equal(rd_u8(&r, "type"), 22);
        rd_bytes(&r, 12, "record");
        assert_int_equal(rd_u8(&r, "message"), 2);
        rd_bytes(&r, 11, "handshake");
        assert_int_equal(rd_u16(&r, "version"), 0xfefd);
        rd_bytes(&r, 32, "random");
        rd_bytes(&r, rd_u8(&r, "session id length"), "session id");
        assert_int_equal(rd_u16(&r, "suite"), 0xc02b); /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
        assert_int_equal(r.err, E_OK);
        said = true;
    }
    return said;
}

static void recorded_hellos_of_browsers_are_answered_at_once(void **state) /* transport 19.14 */
{
    (void)state;
    static const char *const names[] = {"chromium_156_hello", "firefox_153_hello"};
    static const struct {
        const char *name;
        int order[6]; /* datagrams as they arrive, from 1; the answer is due after the last one */
    } cases[] = {
        {"in order", {1, 2}},
        {"swapped", {2, 1}},
        {"second lost, both again", {1, 1, 2}},
        {"second comes twice before the first", {2, 2, 1}},
    };
    for (size_t i = 0; i < COUNT(names) * COUNT(cases); i++) {
        struct recorded hello = recording(names[i % COUNT(names)]);
        const int *order = cases[i / COUNT(names)].order;
        print_message("  %s, %s\n", names[i % COUNT(names)], cases[i / COUNT(names)].name);
        struct net n;
        net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
        net_ready(&n, true);
        bool both[3] = {false};
        for (uint8_t at = 0; order[at]; at++) {
            assert_false(says_server_hello(n.d)); /* with one half it cannot */
            give_recorded(n.d, &hello, order[at] - 1, at);
            both[order[at]] = true;
            if (both[1] && both[2])
                break;
        }
        assert_true(says_server_hello(n.d));
        assert_int_equal(dtls_stats(n.d)->restarts, 0);
        net_done(&n);
    }
}

static void a_small_mtu_fragments_certificates_both_ways(void **state)
{
    (void)state;
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        struct net n;
        net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = BOTH, .mtu = 256, .rsa = true});
        net_ready(&n, peer_is_client);
        run_for(&n, SEC(1));
        assert_true(n.up);
        assert_true(n.sent_to_us > 4);
        net_done(&n);
    }
}

/* ---- junk ---- */

static bool surround_with_junk(struct net *n, bool to_us, struct bytes datagram)
{
    if (!to_us)
        return true;
    uint8_t junk[600];
    for (size_t len = 1; len <= 12; len++) { /* shorter than a record header: wedges GnuTLS for good */
        memset(junk, 22, sizeof junk);
        dtls_on_datagram(n->d, clock_us, bytes_of(junk, len));
    }
    static const char *const records[] = {
        "16 fefd 0000 000000000000 ffff 00",       /* length runs past the end */
        "16 fefd 0000 000000000000 0001 00 16",    /* a byte too many */
        "16 fefd 0000 000000000000 0000",          /* empty handshake record */
        "14 fefd 0000 000000000001 0001 01",       /* stray ChangeCipherSpec */
        "15 fefd 0000 000000000001 0002 0100",     /* plaintext close_notify */
        "17 fefd 0000 000000000001 0004 61626364", /* plaintext data */
        "17 fefd 0001 000000000001 0020 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
        "16 fefd 0007 000000000001 0004 61626364",                        /* an epoch to come */
        "16 0303 0000 000000000000 0004 61626364",                        /* TLS, not DTLS */
        "18 fefd 0000 000000000000 0003 010000",                          /* heartbeat */
        "16 fefd 0000 000000000009 000d 01 ffffff 000f 000000 000001 00", /* 16 MB ClientHello */
    };
    for (size_t i = 0; i < COUNT(records); i++)
        dtls_on_datagram(n->d, clock_us, from_hex(records[i], junk, sizeof junk));
    for (int i = 0; i < 50; i++) { /* random bytes with a first byte from DTLS's range */
        size_t len = 1 + (size_t)rand() % sizeof junk;
        for (size_t k = 0; k < len; k++)
            junk[k] = (uint8_t)rand();
        junk[0] = (uint8_t)(20 + rand() % 44);
        dtls_on_datagram(n->d, clock_us, bytes_of(junk, len));
    }
    return true;
}

static void junk_between_datagrams_changes_nothing(void **state) /* transport 19.15 */
{
    (void)state;
    srand(1);
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        struct net n;
        net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = BOTH, .hello_padding = 1100});
        n.policy = surround_with_junk;
        net_ready(&n, peer_is_client);
        run_for(&n, MS(500));
        assert_true(n.up);
        assert_true(peer_is_up(n.p));
        assert_int_equal(dtls_stats(n.d)->restarts, 0);
        assert_true(dtls_stats(n.d)->framing_drops > 12);
        peer_send(n.p, "through the junk");
        run_for(&n, MS(100));
        assert_int_equal(n.data_len, 16);
        assert_memory_equal(n.data, "through the junk", 16);
        assert_false(n.closed);
        net_done(&n);
    }
}

/* ---- loss ---- */

static bool lose_nth(struct net *n, bool to_us, struct bytes datagram)
{
    return to_us != n->lose_to_us || (to_us ? n->sent_to_us : n->sent_to_peer) != n->lose_at;
}

static void any_single_loss_is_repaired(void **state) /* transport 19.16 */
{
    (void)state;
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        for (unsigned lost = 0; lost < 20; lost++) {
            struct net n;
            net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = BOTH, .hello_padding = 1100});
            n.policy = lose_nth;
            n.lose_at = 1 + lost / 2;
            n.lose_to_us = lost % 2;
            dtls_set_rtt(n.d, MS(20));
            net_ready(&n, peer_is_client);
            run_for(&n, SEC(8));
            assert_true(n.up);
            assert_true(peer_is_up(n.p));
            assert_int_equal(dtls_stats(n.d)->restarts, 0);
            assert_true(n.wakeups < 10); /* idle while it waits: transport 18 trap 13 */
            net_done(&n);
        }
    }
}

static void a_lost_flight_of_ours_comes_again_within_a_few_round_trips(void **state) /* transport 11.5 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
    n.policy = lose_nth;
    n.lose_at = 1;
    dtls_set_rtt(n.d, MS(20));
    net_ready(&n, true);
    run_for(&n, MS(300)); /* the peer's own timer is a second */
    assert_true(n.up);
    net_done(&n);
}

static void a_server_without_a_client_sleeps_for_30_s(void **state) /* transport 18 trap 13 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = false, .srtp = BOTH});
    uint64_t from_us = clock_us;
    net_ready(&n, true);
    assert_true(dtls_deadline_us(n.d) == from_us + SEC(30));
    run_until(&n, from_us + SEC(30) - 1);
    assert_false(n.failed);
    run_for(&n, 1);
    exchange(&n);
    assert_true(n.failed);
    assert_string_equal(n.reason, "handshake timed out");
    assert_int_equal(n.wakeups, 1);
    assert_int_equal(n.sent_to_peer, 0);
    net_done(&n);
}

/* ---- fingerprints ---- */

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'F')
            *s = (char)(*s + 'a' - 'A');
}

static void only_the_certificate_that_was_signalled_is_accepted(void **state) /* transport 19.17 */
{
    (void)state;
    enum { RIGHT, WRONG, LOWER, SECOND, NO_CERT, RSA, SHA1, SHA512, STRONGER_WRONG, CASES };
    for (int i = 0; i < 2 * CASES; i++) {
        int c = i / 2;
        bool peer_is_client = i % 2;
        if (c == NO_CERT && !peer_is_client)
            continue; /* a server cannot do without */
        struct net n;
        net_start(&n, &(struct peer_options){
                          .client = peer_is_client, .srtp = BOTH, .rsa = c == RSA, .no_certificate = c == NO_CERT});
        char right[96], other[96], wide[3 * 64];
        snprintf(right, sizeof right, "%s", peer_fingerprint(n.p, "SHA256"));
        snprintf(other, sizeof other, "%s", right);
        other[0] = other[0] == '0' ? '1' : '0';
        snprintf(wide, sizeof wide, "%s", peer_fingerprint(n.p, c == SHA1 ? "SHA1" : "SHA512"));
        struct dtls_fingerprint fp[2] = {{"sha-256", right}, {"sha-256", right}};
        size_t count = 1;
        switch (c) {
        case WRONG: fp[0].value = other; break;
        case LOWER:
            lower(right);
            fp[0].hash = "SHA-256";
            break;
        case SECOND:
            fp[0].value = other;
            count = 2;
            break;
        case SHA1: fp[0] = (struct dtls_fingerprint){"sha-1", wide}; break;
        case SHA512: fp[0] = (struct dtls_fingerprint){"sha-512", wide}; break;
        case STRONGER_WRONG: /* only the strongest hash counts */
            wide[0] = wide[0] == '0' ? '1' : '0';
            fp[1] = (struct dtls_fingerprint){"sha-512", wide};
            count = 2;
            break;
        }
        assert_int_equal(dtls_set_remote(n.d, clock_us, peer_is_client ? DTLS_SERVER : DTLS_CLIENT, fp, count), E_OK);
        dtls_start(n.d, clock_us);
        run_for(&n, SEC(40));
        bool accept = c != WRONG && c != NO_CERT && c != STRONGER_WRONG;
        assert_int_equal(n.up, accept);
        assert_int_equal(n.failed, !accept);
        assert_int_equal(dtls_is_up(n.d), accept);
        net_done(&n);
    }
}

static void md5_or_nonsense_alone_starts_nothing(void **state) /* transport 19.17 */
{
    (void)state;
    static const struct dtls_fingerprint bad[] = {
        {"md5", "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F"},
        {"sha-256", "00:01"},
        {"sha-1", "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:1G"},
        {"sha-1", "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14"},
        {"sha-1", "00010203"},
        {"sha-1", ""},
        {"", "00"},
        {NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct net n;
        net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
        assert_int_equal(dtls_set_remote(n.d, clock_us, DTLS_SERVER, &bad[i], 1), E_FORMAT);
        dtls_start(n.d, clock_us);
        run_for(&n, SEC(5));
        assert_int_equal(n.sent_to_peer, 0);
        assert_false(n.up);
        net_done(&n);
    }
    struct dtls *d = dtls_new(id, 0);
    assert_int_equal(dtls_set_remote(d, 0, DTLS_SERVER, bad, 9), E_LIMIT);
    assert_int_equal(dtls_set_remote(d, 0, DTLS_SERVER, NULL, 0), E_FORMAT);
    dtls_free(d);
}

/* ---- a client that fails and tries again ---- */

static void a_handshake_may_be_begun_again_three_times(void **state) /* transport 11.4 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = true, .srtp = NULL}); /* refused */
    for (int i = 0; i < 4; i++) {
        struct peer *good = peer_new(&(struct peer_options){.client = true, .srtp = i == 3 ? BOTH : NULL});
        peer_free(n.p);
        n.p = good;
        net_ready(&n, true);
        assert_int_equal(dtls_set_remote(n.d, clock_us, DTLS_SERVER,
                                         &(struct dtls_fingerprint){"sha-256", peer_fingerprint(n.p, "SHA256")}, 1),
                         E_OK);
        run_for(&n, SEC(1));
        assert_int_equal(n.up, i == 3);
    }
    assert_int_equal(dtls_stats(n.d)->restarts, 3);
    net_done(&n);
}

/* ---- data ---- */

static void data_flows_both_ways_and_close_is_heard(void **state)
{
    (void)state;
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        struct net n;
        net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = BOTH});
        assert_int_equal(dtls_send(n.d, clock_us, bytes_str("early")), E_STATE);
        net_ready(&n, peer_is_client);
        run_for(&n, SEC(1));
        static uint8_t big[DTLS_DATA_MAX + 1];
        memset(big, 'x', sizeof big);
        assert_int_equal(dtls_send(n.d, clock_us, bytes_of(big, DTLS_DATA_MAX)), E_OK);
        assert_int_equal(dtls_send(n.d, clock_us, bytes_of(big, DTLS_DATA_MAX + 1)), E_LIMIT);
        peer_send(n.p, "one");
        peer_send(n.p, "two");
        run_for(&n, MS(100));
        uint8_t got[2048];
        assert_int_equal(peer_recv(n.p, got, sizeof got), DTLS_DATA_MAX);
        assert_memory_equal(got, big, DTLS_DATA_MAX);
        assert_int_equal(n.data_len, 6);
        assert_memory_equal(n.data, "onetwo", 6);
        if (peer_is_client) {
            peer_close(n.p);
            run_for(&n, MS(100));
            assert_true(n.closed);
            assert_int_equal(dtls_send(n.d, clock_us, bytes_str("late")), E_STATE);
        } else {
            dtls_close(n.d, clock_us);
            run_for(&n, MS(100));
            assert_true(peer_was_closed(n.p));
            assert_false(n.closed); /* that one is for the peer's close */
        }
        net_done(&n);
    }
}

static bool lose_our_last_flight(struct net *n, bool to_us, struct bytes datagram)
{
    return to_us || n->sent_to_peer != 2;
}

static void a_lost_final_flight_is_sent_again(void **state) /* transport 18 trap 16 */
{
    (void)state;
    struct net n;
    net_start(&n, &(struct peer_options){.client = true, .srtp = BOTH});
    n.policy = lose_our_last_flight;
    net_ready(&n, true);
    peer_step(n.p);
    while (exchange(&n))
        clock_us += ONE_WAY_US;
    assert_true(n.up);
    assert_false(peer_is_up(n.p)); /* it still waits for our Finished */
    run_for(&n, SEC(3));
    assert_both_up_with_equal_keys(&n, true, 7);
    net_done(&n);
}

static void freeing_at_any_moment_is_clean(void **state) /* transport 19.18, with the address sanitizer */
{
    (void)state;
    srand(2);
    for (int i = 0; i < 1000; i++) {
        bool peer_is_client = rand() % 2;
        struct net n;
        net_start(&n, &(struct peer_options){.client = peer_is_client, .srtp = BOTH});
        n.policy = rand() % 2 ? lose_nth : NULL;
        n.lose_at = 1 + (unsigned)rand() % 4;
        n.lose_to_us = rand() % 2;
        if (rand() % 8)
            net_ready(&n, peer_is_client);
        peer_step(n.p);
        for (int steps = rand() % 12; steps > 0; steps--) {
            exchange(&n);
            clock_us += (uint64_t)rand() % MS(700);
            dtls_on_time(n.d, clock_us);
            peer_on_time(n.p);
        }
        if (rand() % 2)
            dtls_close(n.d, clock_us);
        net_done(&n);
    }
}

/* ---- identity ---- */

static void an_identity_lives_as_long_as_its_transports(void **state)
{
    (void)state;
    struct dtls_identity *one = dtls_identity_new(1700000000), *two = dtls_identity_new(1700000000);
    assert_int_equal(strlen(dtls_identity_fingerprint(one)), 95);
    assert_string_not_equal(dtls_identity_fingerprint(one), dtls_identity_fingerprint(two));
    struct dtls *d = dtls_new(one, 0);
    dtls_identity_unref(one);
    dtls_identity_unref(two);
    dtls_identity_unref(NULL);
    struct dtls_fingerprint fp = {"sha-256", dtls_identity_fingerprint(id)};
    assert_int_equal(dtls_set_remote(d, 0, DTLS_CLIENT, &fp, 1), E_OK);
    dtls_start(d, 0); /* uses the certificate */
    struct dtls_out out;
    assert_true(dtls_poll(d, &out));
    assert_int_equal(out.kind, DTLS_SEND);
    dtls_free(d);
    dtls_free(NULL);
}

static void showed(struct net *n, const char *fingerprint)
{
    char seen[96];
    peer_saw_certificate_of(n->p, seen);
    assert_string_equal(seen, fingerprint);
}

static void a_renewed_certificate_disturbs_neither_calls_nor_handshakes(void **state) /* transport 11.2, trap 28 */
{
    (void)state;
    for (int peer_is_client = 0; peer_is_client < 2; peer_is_client++) {
        const struct peer_options o = {.client = peer_is_client, .srtp = BOTH};
        struct net up, half, waiting, later;
        char first[DTLS_FINGERPRINT_TEXT];
        snprintf(first, sizeof first, "%s", dtls_identity_fingerprint(id));
        net_start(&up, &o);
        net_ready(&up, peer_is_client);
        run_for(&up, SEC(1));
        net_start(&half, &o);
        net_ready(&half, peer_is_client);
        peer_step(half.p);
        exchange(&half); /* the first flight, or two */
        assert_false(half.up || peer_is_up(half.p));
        net_start(&waiting, &o); /* described, and nothing came yet */

        dtls_identity_unref(id); /* as the directory does, a day on */
        id = dtls_identity_new(1700086400);
        assert_string_not_equal(dtls_identity_fingerprint(id), first);
        clock_us += MS(10);

        run_for(&half, SEC(3));
        assert_both_up_with_equal_keys(&half, peer_is_client, peer_is_client ? 7 : 1);
        showed(&half, first);
        net_ready(&waiting, peer_is_client);
        run_for(&waiting, SEC(3));
        assert_both_up_with_equal_keys(&waiting, peer_is_client, peer_is_client ? 7 : 1);
        showed(&waiting, first);
        net_start(&later, &o);
        net_ready(&later, peer_is_client);
        run_for(&later, SEC(3));
        assert_both_up_with_equal_keys(&later, peer_is_client, peer_is_client ? 7 : 1);
        showed(&later, dtls_identity_fingerprint(id));
        peer_send(up.p, "still here");
        run_for(&up, SEC(1));
        assert_int_equal(up.data_len, 10);
        assert_false(up.closed);

        net_done(&up);
        net_done(&half);
        net_done(&waiting);
        net_done(&later);
    }
}

static void an_identity_is_due_after_a_day_or_when_the_clock_was_wrong(void **state)
{
    (void)state;
    enum { DAY = 24 * 3600 };
    static const struct {
        const char *name;
        int64_t later_s;
        bool due;
    } cases[] = {
        {"just made", 0, false},
        {"a second short of a day", DAY - 1, false},
        {"a day", DAY, true},
        {"years: it was made before the clock was set", 20LL * 365 * DAY, true},
        {"the clock went back an hour", -3600, false},
        {"the clock went back a day", -DAY, true},
    };
    struct dtls_identity *one = dtls_identity_new(1700000000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        assert_true(dtls_identity_is_due(one, (uint64_t)(1700000000 + cases[i].later_s)) == cases[i].due);
    }
    dtls_identity_unref(one);
}

int main(void)
{
    clock_us = SEC(1000);
    id = dtls_identity_new(1700000000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roles_come_up_and_agree_on_gcm),
        cmocka_unit_test(as_client_we_offer_gcm_first),
        cmocka_unit_test(only_cm_80_gives_cm_80),
        cmocka_unit_test(without_a_common_profile_there_is_no_call),
        cmocka_unit_test(a_hello_before_the_remote_description_is_kept),
        cmocka_unit_test(the_early_queue_is_bounded),
        cmocka_unit_test(a_later_description_disturbs_nothing),
        cmocka_unit_test(setup_values_give_our_role),
        cmocka_unit_test(a_hello_in_fragments_is_answered),
        cmocka_unit_test(recorded_hellos_of_browsers_are_answered_at_once),
        cmocka_unit_test(a_small_mtu_fragments_certificates_both_ways),
        cmocka_unit_test(junk_between_datagrams_changes_nothing),
        cmocka_unit_test(any_single_loss_is_repaired),
        cmocka_unit_test(a_lost_flight_of_ours_comes_again_within_a_few_round_trips),
        cmocka_unit_test(a_server_without_a_client_sleeps_for_30_s),
        cmocka_unit_test(only_the_certificate_that_was_signalled_is_accepted),
        cmocka_unit_test(md5_or_nonsense_alone_starts_nothing),
        cmocka_unit_test(a_handshake_may_be_begun_again_three_times),
        cmocka_unit_test(data_flows_both_ways_and_close_is_heard),
        cmocka_unit_test(a_lost_final_flight_is_sent_again),
        cmocka_unit_test(freeing_at_any_moment_is_clean),
        cmocka_unit_test(an_identity_lives_as_long_as_its_transports),
        cmocka_unit_test(an_identity_is_due_after_a_day_or_when_the_clock_was_wrong),
        cmocka_unit_test(a_renewed_certificate_disturbs_neither_calls_nor_handshakes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dtls_identity_unref(id);
    return failed;
}
