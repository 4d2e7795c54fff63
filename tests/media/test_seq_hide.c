/* What holds of hidden drops: no gap where the bridge dropped, every gap where the network did. */
#include "support/hex.h"

#include <stdlib.h>

#include "media/seq_hide.h"
#include "proto/seq.h"

static const uint16_t starts[] = {0, 1, 32767, 32768, 65534, 65535};

static void the_reference_vector_holds(void **state) /* media 22.2: the vector of 2.1 */
{
    (void)state;
    static const struct {
        char what;
        uint16_t seq, out;
        uint32_t gaps_left;
    } rows[] = {
        {'A', 65533, 65533, 0}, {'D', 65534, 0, 0}, {'A', 65535, 65534, 0}, {'D', 65532, 0, 0}, {'A', 65531, 65532, 0},
        {'D', 1, 0, 0},         {'D', 2, 0, 0},     {'A', 3, 0, 0},         {'A', 0, 65535, 0}, {'A', 6, 3, 0},
        {'D', 4, 0, 1},         {'D', 4, 0, 1},     {'A', 0, 65535, 1},
    };
    struct seq_hide h;
    struct seq_unwrap unwrap = {0};
    seq_hide_init(&h);
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t wide = seq_unwrap_next(&unwrap, rows[i].seq);
        if (rows[i].what == 'A')
            assert_int_equal((uint16_t)seq_hide_accept(&h, wide), rows[i].out);
        else
            seq_hide_drop(&h, wide);
        assert_int_equal(h.gaps_left, rows[i].gaps_left);
    }
    for (uint16_t seq = 5; seq <= 1005; seq++)
        assert_int_equal((uint16_t)seq_hide_accept(&h, seq_unwrap_next(&unwrap, seq)), seq - 3);
    assert_int_equal((uint16_t)seq_hide_accept(&h, seq_unwrap_next(&unwrap, 3)), 0);
}

static void ten_silent_packets_then_speech(void **state) /* media 22.2: 4 + 1 go out, numbers consecutive */
{
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct seq_hide h;
        struct seq_unwrap unwrap = {0};
        seq_hide_init(&h);
        uint16_t out[11];
        int count = 0;
        for (uint16_t n = 0; n < 11; n++) {
            int64_t wide = seq_unwrap_next(&unwrap, (uint16_t)(starts[i] + n));
            if (n < 4 || n == 10)
                out[count++] = (uint16_t)seq_hide_accept(&h, wide);
            else
                seq_hide_drop(&h, wide);
        }
        assert_int_equal(count, 5);
        for (int n = 1; n < count; n++)
            assert_int_equal(out[n], (uint16_t)(out[n - 1] + 1));
    }
}

static void network_loss_stays_visible(void **state)
{
    (void)state;
    struct seq_hide h;
    seq_hide_init(&h);
    assert_int_equal(seq_hide_accept(&h, 100), 100);
    seq_hide_drop(&h, 101);
    assert_int_equal(seq_hide_accept(&h, 103), 102); /* 102 is missing, and so is 101 */
    assert_int_equal(seq_hide_accept(&h, 102), 101); /* came late, fits */
    assert_int_equal(h.gaps_left, 0);
}

static void any_order_gives_distinct_ordered_numbers(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        srand(seed);
        enum { N = 3000 };
        static int64_t order[N], out[N];
        struct seq_hide h;
        seq_hide_init(&h);
        for (int i = 0; i < N; i++) {
            order[i] = i;
            out[i] = -1;
        }
        for (int i = 0; i + 4 < N; i++) { /* reordering of up to four places */
            int k = i + rand() % 4;
            int64_t t = order[i];
            order[i] = order[k];
            order[k] = t;
        }
        for (int i = 0; i < N; i++) {
            int64_t n = order[i];
            if ((n / 7 + (int64_t)seed) % 3 == 0) /* runs of seven */
                seq_hide_drop(&h, n + 65536);
            else
                out[n] = seq_hide_accept(&h, n + 65536);
        }
        int64_t last = 0;
        for (int i = 0; i < N; i++) {
            if (out[i] < 0)
                continue;
            assert_true(out[i] > last);
            last = out[i];
        }
    }
}

static void more_runs_than_remembered_do_not_hurt(void **state)
{
    (void)state;
    struct seq_hide h;
    seq_hide_init(&h);
    int64_t want = 1000;
    for (int64_t n = 1000; n < 2000; n++) {
        if (n % 2 == 0)
            assert_int_equal(seq_hide_accept(&h, n), want++);
        else
            seq_hide_drop(&h, n);
    }
    assert_int_equal(h.hidden, 500);
    assert_int_equal(h.run_count, SEQ_HIDE_RUNS);
    assert_int_equal(seq_hide_accept(&h, 1990), 1990 - 495);
    seq_hide_drop(&h, 900); /* before everything, and no room to remember it */
    assert_int_equal(h.run_count, SEQ_HIDE_RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_vector_holds),
        cmocka_unit_test(ten_silent_packets_then_speech),
        cmocka_unit_test(network_loss_stays_visible),
        cmocka_unit_test(any_order_gives_distinct_ordered_numbers),
        cmocka_unit_test(more_runs_than_remembered_do_not_hurt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
