/* Dropped numbers as runs; the number to go on with is the original one less the drops before it. See seq_hide.h. */
#include "media/seq_hide.h"

#include <stdbool.h>
#include <string.h>

void seq_hide_init(struct seq_hide *h)
{
    memset(h, 0, sizeof *h);
}

/* How many remembered drops lie behind seq_wide. */
static int64_t drops_after(const struct seq_hide *h, int64_t seq_wide)
{
    int64_t count = 0;
    for (int i = h->run_count - 1; i >= 0 && h->run[i].last > seq_wide; i--)
        count += h->run[i].last - (h->run[i].first > seq_wide ? h->run[i].first : seq_wide + 1) + 1;
    return count;
}

static bool was_dropped(const struct seq_hide *h, int64_t seq_wide)
{
    for (int i = h->run_count - 1; i >= 0 && h->run[i].last >= seq_wide; i--)
        if (h->run[i].first <= seq_wide)
            return true;
    return false;
}

static void see(struct seq_hide *h, int64_t seq_wide)
{
    if (h->newest == 0)
        h->oldest = h->newest = seq_wide;
    if (seq_wide > h->newest)
        h->newest = seq_wide;
    if (seq_wide < h->oldest)
        h->oldest = seq_wide;
}

int64_t seq_hide_accept(struct seq_hide *h, int64_t seq_wide)
{
    see(h, seq_wide);
    return seq_wide - (h->hidden - drops_after(h, seq_wide));
}

static void append_run(struct seq_hide *h, int64_t seq_wide)
{
    if (h->run_count > 0 && h->run[h->run_count - 1].last == seq_wide - 1) {
        h->run[h->run_count - 1].last = seq_wide;
        return;
    }
    if (h->run_count == SEQ_HIDE_RUNS) {
        memmove(&h->run[0], &h->run[1], (SEQ_HIDE_RUNS - 1) * sizeof h->run[0]);
        h->run_count--;
    }
    h->run[h->run_count].first = h->run[h->run_count].last = seq_wide;
    h->run_count++;
}

static void prepend_run(struct seq_hide *h, int64_t seq_wide)
{
    if (h->run_count > 0 && h->run[0].first == seq_wide + 1) {
        h->run[0].first = seq_wide;
    } else if (h->run_count < SEQ_HIDE_RUNS) {
        memmove(&h->run[1], &h->run[0], h->run_count * sizeof h->run[0]);
        h->run[0].first = h->run[0].last = seq_wide;
        h->run_count++;
    }
}

void seq_hide_drop(struct seq_hide *h, int64_t seq_wide)
{
    bool forward = h->newest == 0 || seq_wide > h->newest;
    bool before_all = !forward && seq_wide < h->oldest;
    see(h, seq_wide);
    if (forward) {
        append_run(h, seq_wide);
        h->hidden++;
    } else if (before_all) {
        prepend_run(h, seq_wide); /* moves what comes even earlier up, not the newer ones that are out already */
    } else if (!was_dropped(h, seq_wide) && h->last_gap != seq_wide) {
        h->last_gap = seq_wide;
        h->gaps_left++; /* its number was kept free for it when newer ones passed */
    }
}
