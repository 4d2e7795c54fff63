/* What holds of transport-wide feedback. The decoder here is written from the draft, apart from the one tested. */
#include "support/hex.h"

#include <stdlib.h>

#include "proto/rtcp_twcc.h"
#include "proto/units.h"

static enum err parse(struct bytes in, struct rtcp_twcc *out)
{
    struct rd r = rd_over(in);
    struct rtcp_item item;
    struct rtcp_fb fb;
    assert_true(rtcp_next(&r, &item));
    assert_int_equal(rtcp_fb_parse(&item, &fb), E_OK);
    return rtcp_twcc_parse(&fb, out);
}

enum { LOST = 99999 };

static const struct {
    const char *hex;
    uint16_t base;
    uint32_t ref;
    uint8_t fb;
    size_t count;
    int ticks[16];
} vectors[] = {
    {"8fcd0007 320f223a 8ee50fae fffa0009 19b0b157 2009 d8 00 18 14 18 14 18 14 18 00",
     65530,
     1683633,
     87,
     9,
     {0xd8, 0, 0x18, 0x14, 0x18, 0x14, 0x18, 0x14, 0x18}},
    {"8fcd0009 320f223a 8ee50fae 1500000c 19b26158 2009 e500 08 00 00 00 58 04 00 00 20 fffc 04 00 000000",
     5376,
     0x19b261,
     88,
     12,
     {8, 0, 0, 0, 88, 4, 0, 0, 32, -4, 4, 0}},
    {"8fcd0005 320f223a 8ee50fae 18530002 19b29ea2 c400 00 00", 6227, 0x19b29e, 0xa2, 2, {LOST, 0}},
};

static void recorded_feedback_is_understood(void **state) /* media 22.5: the vectors of 7.1 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        uint8_t buf[64];
        struct rtcp_twcc fb;
        struct bytes in = from_hex(vectors[i].hex, buf, sizeof buf);
        assert_int_equal(parse(in, &fb), E_OK);
        assert_int_equal(fb.sender, 0x320f223a);
        assert_int_equal(fb.media, 0x8ee50fae);
        assert_int_equal(fb.base_seq, vectors[i].base);
        assert_int_equal(fb.ref_time, vectors[i].ref);
        assert_int_equal(fb.fb_count, vectors[i].fb);
        assert_int_equal(fb.status_count, vectors[i].count);
        struct rtcp_twcc_walk walk = {.fb = &fb};
        struct rtcp_twcc_status status;
        for (size_t k = 0; k < vectors[i].count; k++) {
            assert_true(rtcp_twcc_next(&walk, &status));
            assert_int_equal(status.seq, (uint16_t)(vectors[i].base + k));
            assert_int_equal(status.received, vectors[i].ticks[k] != LOST);
            if (status.received)
                assert_int_equal(status.delta_ticks, vectors[i].ticks[k]);
        }
        assert_false(rtcp_twcc_next(&walk, &status));
    }
}

static void recorded_feedback_is_written_alike(void **state) /* media 22.5 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        uint8_t want[64], got[64];
        struct bytes in = from_hex(vectors[i].hex, want, sizeof want);
        uint64_t us = (uint64_t)vectors[i].ref * TWCC_REF_US;
        uint32_t skipped = 0;
        struct rtcp_twcc_build b;
        rtcp_twcc_build_init(&b, vectors[i].base, us);
        for (size_t k = 0; k < vectors[i].count; k++) {
            if (vectors[i].ticks[k] == LOST) {
                skipped++;
                continue;
            }
            us = (uint64_t)((int64_t)us + vectors[i].ticks[k] * TWCC_TICK_US);
            assert_true(rtcp_twcc_build_add(&b, skipped, us));
            skipped = 0;
        }
        struct wr w = wr_over(got, sizeof got);
        rtcp_twcc_build_write(&b, &w, 0x320f223a, 0x8ee50fae, vectors[i].fb);
        assert_int_equal(wr_done(&w).n, in.n);
        assert_memory_equal(got, want, in.n);
    }
}

static const struct {
    const char *name, *hex;
    enum err err;
} hostile[] = {
    {"no chunk", "8fcd0004 00000001 00000002 00000001 00000000", E_SHORT},
    {"no status", "8fcd0004 00000001 00000002 00000000 00000000", E_FORMAT},
    {"cut in the fixed part", "8fcd0003 00000001 00000002 00000001", E_SHORT},
    {"symbol 3 in a run", "8fcd0005 00000001 00000002 00000001 00000000 60010000", E_FORMAT},
    {"symbol 3 in a vector", "8fcd0005 00000001 00000002 00000003 00000000 d3000000", E_FORMAT},
    {"symbol 3 behind the last status", "8fcd0005 00000001 00000002 00000001 00000000 d3000100", E_OK},
    {"no deltas at all", "8fcd0005 00000001 00000002 00000004 00000000 20040000", E_OK},
    {"some deltas, not all", "8fcd0006 00000001 00000002 00000007 00000000 20070101 01010101", E_SHORT},
    {"two non-zero bytes of four deltas", "8fcd0005 00000001 00000002 00000004 00000000 20040101", E_SHORT},
    {"more chunks promised", "8fcd0005 00000001 00000002 0000ffff 00000000 00010001", E_SHORT},
    {"runs of nothing for ever", "8fcd0005 00000001 00000002 00000001 00000000 00000000", E_SHORT},
    {"an empty run before the real one", "8fcd0005 00000001 00000002 00000001 00000000 00000001", E_OK},
    {"65528 lost", "8fcd0008 00000001 00000002 0000fff8 00000000 1fff1fff 1fff1fff 1fff1fff 1fff1fff", E_OK},
};

static void hostile_feedback_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hostile); i++) {
        print_message("  %s\n", hostile[i].name);
        uint8_t buf[64];
        struct rtcp_twcc fb;
        assert_int_equal(parse(from_hex(hostile[i].hex, buf, sizeof buf), &fb), hostile[i].err);
        struct rtcp_twcc_walk walk = {.fb = &fb};
        struct rtcp_twcc_status status;
        size_t count = 0;
        while (rtcp_twcc_next(&walk, &status))
            count++;
        assert_int_equal(count, fb.status_count);
    }
}

/* Expands the chunks of a feedback packet bit by bit into symbols, as the draft's figures have them. */
static size_t independent_symbols(const uint8_t *p, size_t n, size_t wanted, uint8_t *symbols, size_t *used)
{
    size_t count = 0, at = 16 + 4;
    while (count < wanted) {
        assert_true(at + 2 <= n);
        unsigned word = (unsigned)p[at] * 256 + p[at + 1];
        at += 2;
        if (word < 0x8000) {
            for (unsigned i = 0; i < word % 0x2000 && count < wanted; i++)
                symbols[count++] = (uint8_t)(word / 0x2000);
        } else if (word < 0xc000) {
            for (unsigned bit = 0x2000; bit && count < wanted; bit >>= 1)
                symbols[count++] = (word & bit) != 0;
        } else {
            for (int shift = 12; shift >= 0 && count < wanted; shift -= 2)
                symbols[count++] = (uint8_t)((word >> shift) % 4);
        }
    }
    *used = at;
    return count;
}

static void random_loss_and_jitter_survive_the_round_trip(void **state) /* media 22.5 */
{
    (void)state;
    srand(20);
    for (int round = 0; round < 400; round++) {
        static uint64_t arrival[4000];
        static uint8_t symbols[65536];
        size_t n = 1 + (size_t)rand() % 4000, loss = (size_t)rand() % 60;
        int jitter_us = 1 + rand() % 200000;
        uint64_t us = (uint64_t)(rand() % 1000000000);
        for (size_t i = 0; i < n; i++) {
            us += (uint64_t)(rand() % 20000);
            bool lost = (size_t)(rand() % 100) < loss && i + 1 < n && i > 0;
            arrival[i] = lost ? 0 : us + (uint64_t)(rand() % jitter_us) + 1;
        }
        size_t at = 0, packets = 0;
        while (at < n) { /* one feedback packet per turn */
            size_t first = at;
            while (arrival[first] == 0)
                first++;
            uint16_t base = (uint16_t)(65000 + at);
            struct rtcp_twcc_build b;
            rtcp_twcc_build_init(&b, base, arrival[first]);
            size_t next = at;
            for (size_t i = first; i < n; i++) {
                if (arrival[i] == 0)
                    continue;
                if (!rtcp_twcc_build_add(&b, (uint32_t)(i - next), arrival[i]))
                    break;
                next = i + 1;
            }
            assert_true(next > first);
            uint8_t buf[TWCC_PACKET_MAX];
            struct wr w = wr_over(buf, sizeof buf);
            rtcp_twcc_build_write(&b, &w, 1, 2, (uint8_t)packets++);
            struct bytes out = wr_done(&w);
            assert_true(out.n > 0 && out.n % 4 == 0);
            assert_int_equal(get_u16(out.p + 12), base);
            assert_int_equal(get_u16(out.p + 14), next - at);
            size_t delta_at;
            independent_symbols(out.p, out.n, next - at, symbols, &delta_at);
            uint64_t ticks = (uint64_t)((uint32_t)out.p[16] << 16 | (uint32_t)get_u16(out.p + 17)) * 256;
            struct rtcp_twcc fb;
            assert_int_equal(parse(out, &fb), E_OK);
            struct rtcp_twcc_walk walk = {.fb = &fb};
            for (size_t i = at; i < next; i++) {
                uint8_t symbol = symbols[i - at];
                assert_int_equal(symbol != 0, arrival[i] != 0);
                int delta = symbol == 1 ? out.p[delta_at] : symbol == 2 ? (int16_t)get_u16(out.p + delta_at) : 0;
                delta_at += symbol;
                ticks += (uint64_t)(int64_t)delta;
                if (symbol) /* to half a tick, however many were added up */
                    assert_true(llabs((long long)(ticks * 250) - (long long)arrival[i]) <= 125);
                struct rtcp_twcc_status status;
                assert_true(rtcp_twcc_next(&walk, &status));
                assert_int_equal(status.received, symbol != 0);
                assert_int_equal(status.delta_ticks, delta);
            }
            assert_true(out.n - delta_at < 4);
            at = next;
        }
    }
}

static void a_packet_stays_below_1200_bytes(void **state) /* media 22.5 */
{
    (void)state;
    struct rtcp_twcc_build b;
    rtcp_twcc_build_init(&b, 0, 0);
    size_t added = 0;
    while (rtcp_twcc_build_add(&b, added % 3, added * 70000)) /* large deltas, broken runs */
        added++;
    uint8_t buf[2000];
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_twcc_build_write(&b, &w, 1, 2, 0);
    assert_int_equal(w.err, E_OK);
    assert_in_range(wr_len(&w), TWCC_PACKET_MAX - 8, TWCC_PACKET_MAX);
    uint32_t count = b.status_count;
    assert_false(rtcp_twcc_build_add(&b, added % 3, added * 70000)); /* refused, and unchanged by it */
    assert_int_equal(b.status_count, count);
}

static void deltas_that_do_not_fit_16_bits_are_refused(void **state) /* media 22.5 */
{
    (void)state;
    struct rtcp_twcc_build b;
    rtcp_twcc_build_init(&b, 0, SEC(100));
    assert_true(rtcp_twcc_build_add(&b, 0, SEC(100)));
    uint64_t most = (uint64_t)INT16_MAX * TWCC_TICK_US;
    assert_false(rtcp_twcc_build_add(&b, 0, SEC(100) + most + TWCC_TICK_US));
    assert_true(rtcp_twcc_build_add(&b, 0, SEC(100) + most));
    assert_false(rtcp_twcc_build_add(&b, 0, SEC(100) - 2 * TWCC_TICK_US));
    assert_true(rtcp_twcc_build_add(&b, 0, SEC(100) - TWCC_TICK_US));
    assert_false(rtcp_twcc_build_add(&b, TWCC_STATUS_MAX - 3, SEC(100)));
    assert_int_equal(b.status_count, 3);
    assert_true(rtcp_twcc_build_add(&b, TWCC_STATUS_MAX - 4, SEC(100)));
}

static void the_reference_time_wraps_after_24_bits(void **state)
{
    (void)state;
    struct rtcp_twcc_build b;
    uint64_t us = ((uint64_t)TWCC_REF_MASK + 1) * TWCC_REF_US;
    rtcp_twcc_build_init(&b, 0, us - 1);
    assert_int_equal(b.ref_time, TWCC_REF_MASK);
    rtcp_twcc_build_init(&b, 0, us + 3 * TWCC_REF_US);
    assert_int_equal(b.ref_time, 3);
    assert_true(rtcp_twcc_build_add(&b, 0, us + 3 * TWCC_REF_US + 500));
    assert_int_equal(b.deltas[0], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_feedback_is_understood),
        cmocka_unit_test(recorded_feedback_is_written_alike),
        cmocka_unit_test(hostile_feedback_is_refused),
        cmocka_unit_test(random_loss_and_jitter_survive_the_round_trip),
        cmocka_unit_test(a_packet_stays_below_1200_bytes),
        cmocka_unit_test(deltas_that_do_not_fit_16_bits_are_refused),
        cmocka_unit_test(the_reference_time_wraps_after_24_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
