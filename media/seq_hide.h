/* seq_hide.h - makes packets dropped by the bridge invisible in one stream's sequence numbers (media.md 2.1).
 *
 * For silence and padding-only packets that are dropped on purpose; packets lost on the way stay visible. Call exactly
 * one of the two for each packet of the SSRC, in arrival order. A drop behind newer packets that have passed leaves a
 * gap that cannot be closed any more (gaps_left).
 * Memory: embeddable, no allocation. What it remembers is the last drops, as runs of consecutive numbers: older packets
 * than the oldest remembered run get the offset from just before it. Thread: one. */
#ifndef MEDIA_SEQ_HIDE_H
#define MEDIA_SEQ_HIDE_H

#include <stddef.h>
#include <stdint.h>

enum { SEQ_HIDE_RUNS = 32 };

struct seq_hide {
    int64_t oldest, newest; /* seen; newest 0: nothing yet */
    int64_t hidden;         /* how far numbers behind the newest are moved down */
    int64_t last_gap;       /* so that dropping one number twice counts once */
    uint32_t gaps_left;
    uint8_t run_count;
    struct {
        int64_t first, last;
    } run[SEQ_HIDE_RUNS]; /* dropped numbers, ascending */
};

void seq_hide_init(struct seq_hide *h);
int64_t seq_hide_accept(struct seq_hide *h, int64_t seq_wide); /* the number to go on with */
void seq_hide_drop(struct seq_hide *h, int64_t seq_wide);

#endif
