/* dd_state.c - see dd_state.h. */
#include "media/dd_state.h"

#include "proto/seq.h"

enum { KEYFRAME_FORGOTTEN = 10000 }; /* so many frames on, no packet of it comes any more */

void dd_state_init(struct dd_state *s)
{
    s->newest = 0;
    s->before = 1;
    s->spare = 2;
    s->count = 0;
    s->mask_seq = INT64_MIN;
    s->active = 0;
    s->has_keyframe = false;
}

static const struct dd_structure *in_force(const struct dd_state *s, int64_t seq_wide)
{
    if (s->count > 0 && seq_wide >= s->from[s->newest])
        return &s->structure[s->newest];
    if (s->count > 1 && seq_wide >= s->from[s->before])
        return &s->structure[s->before];
    return NULL;
}

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t was = *a;
    *a = *b;
    *b = was;
}

static void keep_spare(struct dd_state *s, int64_t seq_wide) /* unless it is older than both, or known */
{
    s->from[s->spare] = seq_wide;
    if (s->count == 0 || seq_wide > s->from[s->newest]) {
        swap(&s->newest, &s->spare); /* now newest, spare: the former newest */
        swap(&s->before, &s->spare);
    } else if (seq_wide < s->from[s->newest] && (s->count < 2 || seq_wide > s->from[s->before])) {
        swap(&s->before, &s->spare);
    } else {
        return;
    }
    s->count = (uint8_t)MIN(s->count + 1, 2);
}

enum err dd_state_read(struct dd_state *s, struct bytes data, int64_t seq_wide, struct dd_desc *out, bool *keyframe)
{
    enum err err = dd_parse(data, in_force(s, seq_wide), &s->structure[s->spare], out);
    *keyframe = false;
    if (err != E_OK)
        return err;
    if (out->has_structure) {
        if (!out->has_active) /* A.8.3: all of them */
            out->active = (uint32_t)((1ull << out->target_count) - 1);
        if (!s->count || seq_wide >= s->from[s->newest]) {
            s->has_keyframe = true;
            s->keyframe = out->frame_number;
        }
        keep_spare(s, seq_wide);
    }
    if ((out->has_structure || out->has_active) && seq_wide >= s->mask_seq) {
        s->mask_seq = seq_wide;
        s->active = out->active;
    } else if (!out->has_structure && !out->has_active) {
        out->active = s->active;
    }
    *keyframe = s->has_keyframe && out->frame_number == s->keyframe;
    if (s->has_keyframe && seq_newer(out->frame_number, (uint16_t)(s->keyframe + KEYFRAME_FORGOTTEN)))
        s->has_keyframe = false; /* its number will come again */
    return E_OK;
}
