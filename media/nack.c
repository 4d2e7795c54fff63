/* Missing numbers in ascending order, each with the time it is to be asked for next; see nack.h. */
#include "media/nack.h"

#include <string.h>

#include "proto/bytes.h"

void nack_init(struct nack *n, uint64_t reorder_us)
{
    n->newest = 0;
    n->reorder_us = reorder_us;
    n->retry_us = NACK_RETRY_US;
    n->copy_us = 0;
    n->deadline_us = NEVER_US;
    n->given_up = 0;
    n->count = 0;
}

void nack_on_rtt(struct nack *n, uint64_t rtt_us)
{
    uint64_t retry_us = rtt_us + rtt_us / 16 + MS(3); /* and the answer has to queue behind other packets */
    n->retry_us = retry_us < NACK_RETRY_MIN_US   ? NACK_RETRY_MIN_US
                  : retry_us > NACK_RETRY_MAX_US ? NACK_RETRY_MAX_US
                                                 : retry_us;
    n->copy_us = rtt_us < NACK_COPY_RTT_US ? 0 : MIN(rtt_us / 8, (uint64_t)NACK_COPY_MAX_US);
}

static void drop_oldest(struct nack *n, size_t count)
{
    memmove(n->missing, n->missing + count, (n->count - count) * sizeof n->missing[0]);
    n->count = (uint16_t)(n->count - count);
    n->given_up += count;
}

static unsigned found(struct nack *n, int64_t seq_wide)
{
    size_t low = 0, high = n->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (n->missing[mid].seq_wide < seq_wide)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == n->count || n->missing[low].seq_wide != seq_wide)
        return 0;
    unsigned times = n->missing[low].times;
    memmove(n->missing + low, n->missing + low + 1, (n->count - low - 1) * sizeof n->missing[0]);
    if (--n->count == 0)
        n->deadline_us = NEVER_US;
    return times;
}

unsigned nack_on_packet(struct nack *n, int64_t seq_wide, uint64_t now_us)
{
    if (n->newest == 0) {
        n->newest = seq_wide;
        return 0;
    }
    if (seq_wide <= n->newest) {
        return found(n, seq_wide);
    }
    int64_t first = n->newest + 1;
    size_t gap = (size_t)(seq_wide - first);
    n->newest = seq_wide;
    if (gap == 0)
        return 0;
    if (gap >= NACK_GAP_MAX) { /* a new beginning: nothing behind it is worth having */
        n->given_up += n->count;
        n->count = 0;
        n->deadline_us = NEVER_US;
        return 0;
    }
    if (n->count + gap > NACK_MISSING_MAX)
        drop_oldest(n, n->count + gap - NACK_MISSING_MAX);
    uint64_t due_us = now_us + n->reorder_us;
    for (size_t i = 0; i < gap; i++)
        n->missing[n->count++] = (struct nack_missing){.seq_wide = first + (int64_t)i, .due_us = due_us};
    if (due_us < n->deadline_us)
        n->deadline_us = due_us;
    return 0;
}

uint64_t nack_deadline_us(const struct nack *n)
{
    return n->deadline_us;
}

static void asked_for(const struct nack *n, struct nack_missing *m, uint64_t now_us)
{
    if (m->copy) {
        m->copy = false;
        m->due_us = now_us + n->retry_us - MIN(n->copy_us, n->retry_us);
        return;
    }
    m->times++;
    m->copy = n->copy_us > 0;
    m->due_us = now_us + (m->copy ? n->copy_us : n->retry_us);
}

size_t nack_poll(struct nack *n, uint64_t now_us, uint16_t *seqs, size_t cap)
{
    if (now_us < n->deadline_us)
        return 0;
    size_t asked = 0, kept = 0;
    uint64_t next_us = NEVER_US;
    for (size_t i = 0; i < n->count; i++) {
        struct nack_missing m = n->missing[i];
        if (m.due_us <= now_us && m.times == NACK_TIMES_MAX && !m.copy) {
            n->given_up++; /* the answer to the last request did not come either */
            continue;
        }
        if (m.due_us <= now_us && asked < cap) {
            seqs[asked++] = (uint16_t)m.seq_wide;
            asked_for(n, &m, now_us);
        }
        if (m.due_us < next_us)
            next_us = m.due_us;
        n->missing[kept++] = m;
    }
    n->count = (uint16_t)kept;
    n->deadline_us = next_us;
    return asked;
}
