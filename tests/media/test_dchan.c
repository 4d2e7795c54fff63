/* Two ends of usrsctp in one process, packets carried by hand: opening, large messages, loss, refusals. */
#include "support/hex.h"

#include <stdlib.h>
#include <time.h>

#include "media/dchan.h"

struct end {
    struct dchan *dchan;
    int opened, closed, texts;
    size_t last_len;
    uint8_t last_first, last_last;
};

static struct end ends[2];
static bool lossy;

static void carry(void) /* until nobody has anything to say; packets may be lost on the way */
{
    struct dchan *dc;
    struct dchan_out out;
    while ((dc = dchan_next_ready())) {
        struct end *from = &ends[dchan_token(dc)], *to = &ends[1 - dchan_token(dc)];
        while (dchan_poll(dc, &out)) {
            if (out.kind == DCHAN_SEND) {
                if (lossy || !to->dchan)
                    continue;
                uint8_t copy[DCHAN_PACKET_MAX + 100];
                assert_true(out.bytes.n <= DCHAN_PACKET_MAX);
                memcpy(copy, out.bytes.p, out.bytes.n);
                dchan_on_packet(to->dchan, bytes_of(copy, out.bytes.n));
                continue;
            }
            from->opened += out.kind == DCHAN_OPEN;
            from->closed += out.kind == DCHAN_CLOSED;
            if (out.kind == DCHAN_TEXT) {
                from->texts++;
                from->last_len = out.bytes.n;
                from->last_first = out.bytes.n ? out.bytes.p[0] : 0;
                from->last_last = out.bytes.n ? out.bytes.p[out.bytes.n - 1] : 0;
            }
        }
    }
}

static void pass_ms(unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 10) {
        dchan_process_on_time(10);
        carry();
    }
}

static void connect_ends(bool both_active)
{
    memset(ends, 0, sizeof ends);
    lossy = false;
    ends[0].dchan = dchan_new(&(struct dchan_config){.token = 0, .active = both_active});
    ends[1].dchan = dchan_new(&(struct dchan_config){.token = 1, .active = true, .open = "JVB data channel"});
    assert_non_null(ends[0].dchan);
    assert_non_null(ends[1].dchan);
    carry();
    pass_ms(200);
}

static void disconnect_ends(void)
{
    dchan_free(ends[0].dchan);
    dchan_free(ends[1].dchan);
    ends[0].dchan = ends[1].dchan = NULL;
    carry();
}

static void send_text(int from, uint8_t *text, size_t len)
{
    assert_int_equal(dchan_send_text(ends[from].dchan, bytes_of(text, len)), E_OK);
    carry();
    pass_ms(500);
}

static void messages_of_200_kib_go_both_ways(void **state) /* transport 19.24 */
{
    (void)state;
    enum { LEN = 200 * 1024 };
    uint8_t *text = calloc(1, LEN);
    text[0] = 'a';
    text[LEN - 1] = 'z';
    connect_ends(false);
    assert_int_equal(ends[0].opened, 1);
    for (int from = 0; from < 2; from++) {
        send_text(from, text, LEN);
        assert_int_equal(ends[1 - from].texts, 1);
        assert_int_equal(ends[1 - from].last_len, LEN);
        assert_int_equal(ends[1 - from].last_first, 'a');
        assert_int_equal(ends[1 - from].last_last, 'z');
    }
    send_text(0, text, 0); /* an empty one is one too */
    assert_int_equal(ends[1].texts, 2);
    assert_int_equal(ends[1].last_len, 0);
    disconnect_ends();
    free(text);
}

/* usrsctp compares the age of a packet with the system's clock before it sends it again: this must really wait. */
static void pass_real_ms(unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        dchan_process_on_time(10);
        carry();
    }
}

static void thirty_seconds_without_a_packet_are_survived(void **state) /* transport 19.24 */
{
    (void)state;
    uint8_t text[] = "still here";
    connect_ends(false);
    lossy = true;
    assert_int_equal(dchan_send_text(ends[0].dchan, bytes_of(text, sizeof text)), E_OK);
    assert_int_equal(dchan_send_text(ends[1].dchan, bytes_of(text, sizeof text)), E_OK);
    carry();
    pass_real_ms(30000);
    assert_int_equal(ends[0].texts + ends[1].texts, 0);
    lossy = false;
    pass_real_ms(4000);
    assert_int_equal(ends[0].texts, 1);
    assert_int_equal(ends[1].texts, 1);
    assert_int_equal(ends[0].closed + ends[1].closed, 0);
    disconnect_ends();
}

static void both_may_connect_at_once(void **state) /* transport 19.26 */
{
    (void)state;
    uint8_t text[] = "x";
    connect_ends(true);
    assert_int_equal(ends[0].opened, 1);
    send_text(0, text, 1);
    assert_int_equal(ends[1].texts, 1);
    disconnect_ends();
}

static void what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    memset(ends, 0, sizeof ends);
    static uint8_t big[DCHAN_MESSAGE_MAX + 1];
    struct dchan *alone = dchan_new(&(struct dchan_config){.token = 0});
    assert_int_equal(dchan_send_text(alone, bytes_str("x")), E_STATE); /* nobody opened a channel */
    dchan_free(alone);
    connect_ends(false);
    assert_int_equal(dchan_send_text(ends[0].dchan, bytes_of(big, sizeof big)), E_LIMIT);
    lossy = true;
    enum err err = E_OK;
    for (int i = 0; i < 40 && err == E_OK; i++)
        err = dchan_send_text(ends[0].dchan, bytes_of(big, DCHAN_MESSAGE_MAX));
    assert_int_equal(err, E_NOSPACE); /* nobody takes anything: the queue has an end */
    assert_true(dchan_stats(ends[0].dchan)->send_drops >= 1);
    disconnect_ends();
}

static void junk_packets_cost_themselves(void **state)
{
    (void)state;
    uint8_t junk[200], text[] = "fine";
    connect_ends(false);
    srand(3);
    for (int i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizeof junk; k++)
            junk[k] = (uint8_t)rand();
        dchan_on_packet(ends[0].dchan, bytes_of(junk, (size_t)rand() % sizeof junk));
        carry();
    }
    send_text(1, text, sizeof text);
    assert_int_equal(ends[0].texts, 1);
    disconnect_ends();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_200_kib_go_both_ways),
        cmocka_unit_test(thirty_seconds_without_a_packet_are_survived),
        cmocka_unit_test(both_may_connect_at_once),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(junk_packets_cost_themselves),
    };
    if (dchan_process_init() != E_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dchan_process_done();
    return failed;
}
