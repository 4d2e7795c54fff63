/* Data channels seen from the other side of SCTP (RFC 9260) by hand, chunk by chunk: which OPEN is acknowledged, which
 * messages count. No usrsctp on this side. */
#include "support/hex.h"

#include <stdio.h>

#include "media/dchan.h"

enum {
    PORT = 5000,
    TAG = 0x12345678,
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_COOKIE_ECHO = 10,
    CHUNK_COOKIE_ACK = 11,
    STATE_COOKIE = 7,
    DCEP = 50,
    STRING = 51,
    BINARY = 53,
    EMPTY_STRING = 56
};

static struct dchan *dchan;
static uint32_t their_tag, tsn;
static uint16_t ssn[8];
static uint8_t cookie[2048];
static size_t cookie_len;
static bool cookie_acked;
static int acks[8], opened, texts; /* what came, acks by stream */
static char last_text[64];

static uint32_t crc32c(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
    }
    return ~crc;
}

static void on_chunk(uint8_t type, const uint8_t *p, size_t n) /* without its header */
{
    if (type == CHUNK_INIT_ACK) {
        their_tag = get_u32(p);
        for (size_t at = 16; at + 4 <= n;) {
            size_t len = get_u16(p + at + 2);
            if (get_u16(p + at) == STATE_COOKIE)
                memcpy(cookie, p + at + 4, cookie_len = len - 4);
            at += (len + 3) & ~3u;
        }
    } else if (type == CHUNK_COOKIE_ACK) {
        cookie_acked = true;
    } else if (type == CHUNK_DATA && get_u32(p + 8) == DCEP) {
        assert_int_equal(n, 13);
        assert_int_equal(p[12], 2);
        acks[get_u16(p + 4)]++;
    }
}

static void take_output(void)
{
    struct dchan_out out;
    while (dchan_poll(dchan, &out)) {
        opened += out.kind == DCHAN_OPEN;
        if (out.kind == DCHAN_TEXT) {
            texts++;
            snprintf(last_text, sizeof last_text, "%.*s", (int)out.bytes.n, (const char *)out.bytes.p);
        }
        for (size_t at = 12; out.kind == DCHAN_SEND && at + 4 <= out.bytes.n;) {
            size_t len = get_u16(out.bytes.p + at + 2);
            on_chunk(out.bytes.p[at], out.bytes.p + at + 4, len - 4);
            at += (len + 3) & ~3u;
        }
    }
}

static void send_chunk(uint8_t type, uint8_t flags, const uint8_t *body, size_t n)
{
    static uint8_t buf[4096];
    memset(buf, 0, sizeof buf);
    put_u16(buf, PORT);
    put_u16(buf + 2, PORT);
    put_u32(buf + 4, type == CHUNK_INIT ? 0 : their_tag);
    buf[12] = type;
    buf[13] = flags;
    put_u16(buf + 14, (uint16_t)(4 + n));
    memcpy(buf + 16, body, n);
    size_t len = (16 + n + 3) & ~(size_t)3;
    uint32_t crc = crc32c(buf, len);
    for (int i = 0; i < 4; i++)
        buf[8 + i] = (uint8_t)(crc >> 8 * i);
    dchan_on_packet(dchan, bytes_of(buf, len));
    take_output();
}

static void send_message(uint16_t stream, uint32_t ppid, const void *text, size_t n)
{
    uint8_t body[1000];
    put_u32(body, tsn++);
    put_u16(body + 4, stream);
    put_u16(body + 6, ssn[stream]++);
    put_u32(body + 8, ppid);
    memcpy(body + 12, text, n);
    send_chunk(CHUNK_DATA, 3, body, 12 + n); /* first and last fragment */
}

static void send_open(uint16_t stream)
{
    static const uint8_t open[] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'c'};
    send_message(stream, DCEP, open, sizeof open);
}

static int associate(void **state)
{
    (void)state;
    their_tag = 0;
    tsn = 1000;
    cookie_len = 0;
    cookie_acked = false;
    memset(ssn, 0, sizeof ssn);
    memset(acks, 0, sizeof acks);
    opened = texts = 0;
    dchan = dchan_new(&(struct dchan_config){.token = 1, .max_channels = 1});
    uint8_t init[16];
    put_u32(init, TAG);
    put_u32(init + 4, 1 << 20);
    put_u16(init + 8, 1024);
    put_u16(init + 10, 1024);
    put_u32(init + 12, tsn);
    send_chunk(CHUNK_INIT, 0, init, sizeof init);
    assert_true(cookie_len > 0);
    send_chunk(CHUNK_COOKIE_ECHO, 0, cookie, cookie_len);
    assert_true(cookie_acked);
    return 0;
}

static int part(void **state)
{
    (void)state;
    dchan_free(dchan);
    return 0;
}

static void an_open_is_acknowledged_on_its_own_stream(void **state) /* bridge-channel 5 */
{
    (void)state;
    send_open(0);
    assert_int_equal(acks[0], 1);
    assert_int_equal(opened, 1);
    send_message(0, STRING, "hello", 5);
    assert_int_equal(texts, 1);
    assert_string_equal(last_text, "hello");
}

static void whichever_stream_it_is(void **state) /* bridge-channel 5 */
{
    (void)state;
    send_open(1);
    assert_int_equal(acks[1], 1);
    assert_int_equal(acks[0], 0);
    send_message(1, STRING, "hello", 5);
    assert_string_equal(last_text, "hello");
}

static void a_second_open_is_not_acknowledged(void **state) /* bridge-channel 5, transport 25 */
{
    (void)state;
    send_open(0);
    send_open(0);
    send_open(2);
    assert_int_equal(acks[0], 1);
    assert_int_equal(acks[2], 0);
    assert_int_equal(opened, 1);
    assert_int_equal(dchan_stats(dchan)->refused_opens, 2);
    send_message(2, STRING, "elsewhere", 9); /* no channel there */
    send_message(0, STRING, "here", 4);
    assert_int_equal(texts, 1);
    assert_string_equal(last_text, "here");
}

static void only_strings_count(void **state) /* bridge-channel 5, transport 25 */
{
    (void)state;
    send_message(0, STRING, "too early", 9);
    assert_int_equal(texts, 0);
    send_open(0);
    send_message(0, BINARY, "binary", 6);
    send_message(0, 52, "partial", 7);
    send_message(0, 4711, "unheard of", 10);
    assert_int_equal(texts, 0);
    assert_int_equal(dchan_stats(dchan)->ignored_messages, 4);
    send_message(0, EMPTY_STRING, "", 1);
    assert_int_equal(texts, 1);
    assert_string_equal(last_text, "");
}

static void malformed_opens_are_counted_and_cost_themselves(void **state) /* transport 25 */
{
    (void)state;
    static const uint8_t lying[] = {3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}; /* a label of 65535 bytes */
    send_message(0, DCEP, lying, sizeof lying);
    send_message(0, DCEP, lying, 1);
    send_message(0, DCEP, "\x09", 1);
    assert_int_equal(acks[0], 0);
    assert_int_equal(dchan_stats(dchan)->bad_dcep, 3);
    send_open(0);
    assert_int_equal(acks[0], 1);
}

static void an_init_with_a_parameter_of_no_length_holds_up_nobody(void **state) /* usrsctp 0.9.5 goes round for ever */
{
    (void)state;
    uint8_t init[20] = {0};
    put_u32(init, TAG);
    put_u16(init + 8, 1024);
    put_u16(init + 10, 1024);
    send_chunk(CHUNK_INIT, 0, init, sizeof init);
    assert_int_equal(dchan_stats(dchan)->bad_packets, 1);
    send_open(0);
    assert_int_equal(acks[0], 1);
}

#define ASSOCIATED(name) cmocka_unit_test_setup_teardown(name, associate, part)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASSOCIATED(an_open_is_acknowledged_on_its_own_stream),
        ASSOCIATED(whichever_stream_it_is),
        ASSOCIATED(a_second_open_is_not_acknowledged),
        ASSOCIATED(only_strings_count),
        ASSOCIATED(malformed_opens_are_counted_and_cost_themselves),
        ASSOCIATED(an_init_with_a_parameter_of_no_length_holds_up_nobody),
    };
    if (dchan_process_init() != E_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dchan_process_done();
    return failed;
}
