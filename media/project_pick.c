/* project_pick.c - which encoding of a source goes out: switches at key frames (media.md 12.2).
 *
 * It differs from 12.2 in one thing: a key frame of a lower encoding does not pull a stream down that is alive on a
 * better one. Senders key all encodings whenever anybody joins, and everybody else would see a low frame flash by. */
#include "media/project_kind.h"

enum {
    GROUP_US = 300000, /* key frames of one request's encodings arrive within this: "switch phase" */
    STALL_US = 500000, /* the current encoding is silent so long, */
    STALL_FRAMES = 10, /* while so many frames of lower ones came: it is not being sent any more */
};

void project_pick_init(struct project_pick *k)
{
    *k = (struct project_pick){.current = -1};
}

static bool in_group(const struct project_pick *k, uint64_t now_us)
{
    return k->in_group && now_us - k->keyed_us < GROUP_US;
}

static bool stalled(const struct project_pick *k, uint64_t now_us)
{
    return k->lower_frames >= STALL_FRAMES && now_us - k->current_us >= STALL_US;
}

bool project_pick_keyframe(struct project_pick *k, const struct project_in *in, int wanted)
{
    int e = in->pkt->encoding;
    k->need_keyframe = false;
    if (in_group(k, in->now_us))
        return (k->current <= e && e <= wanted) || (e <= wanted && wanted < k->current);
    k->in_group = true;
    k->keyed_us = in->now_us;
    if (e < k->current && k->current <= wanted && !stalled(k, in->now_us))
        return false;
    return e <= wanted;
}

void project_pick_watch(struct project_pick *k, const struct project_in *in, int wanted, bool frame_start)
{
    int e = in->pkt->encoding;
    if (e < k->current && frame_start && k->lower_frames < UINT8_MAX)
        k->lower_frames++;
    if (k->current < 0 || e > wanted || in_group(k, in->now_us))
        return;
    bool up = k->current < e;
    bool down = e < k->current && (k->current > wanted || stalled(k, in->now_us));
    if (up || down)
        k->need_keyframe = true;
}

void project_pick_alive(struct project_pick *k, uint64_t now_us)
{
    k->current_us = now_us;
    k->lower_frames = 0;
}

uint8_t project_tid_mask(int target)
{
    return layer_tid(target) < LAYER_TIDS - 1 ? (uint8_t)((2u << layer_tid(target)) - 1) : PROJECT_ALL_TIDS;
}
