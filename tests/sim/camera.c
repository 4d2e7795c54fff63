/* camera.c - see camera.h. */
#include "sim/camera.h"

#include <stdio.h>

/* By number of temporal layers and place: layer, and how many pictures back what it refers to is. */
static const uint8_t pattern_tid[4][4] = {{0}, {0, 0, 0, 0}, {0, 1, 0, 1}, {0, 2, 1, 2}};
static const uint8_t pattern_back[4][4] = {{0}, {1, 1, 1, 1}, {2, 1, 2, 1}, {4, 1, 2, 1}};

static uint32_t made(const struct camera *c, unsigned pictures_back, unsigned sid)
{
    return c->made[(c->pictures - pictures_back) % CAMERA_RING][sid];
}

static void describe_group(struct payload_head *h, const struct camera_shape *shape)
{
    h->group = shape->flexible ? 0 : shape->tids == 3 ? 4 : shape->tids;
    for (unsigned i = 0; i < h->group; i++) {
        h->group_tid[i] = pattern_tid[shape->tids][i];
        h->group_ref[i] = pattern_back[shape->tids][i];
    }
}

static void make_frame(struct camera *c, const struct camera_shape *shape, unsigned sid, bool key,
                       struct camera_frame *out)
{
    unsigned back = pattern_back[shape->tids][c->position];
    struct wire_note *note = &out->note;
    struct payload_head *head = &out->head;
    bool vp9 = shape->codec == PAYLOAD_VP9;
    note->frame = ++c->frames;
    note->tid = head->tid = pattern_tid[shape->tids][c->position];
    note->sid = head->sid = (uint8_t)sid;
    note->key = key && sid == 0;
    head->sealed = shape->sealed;
    note->sealed = shape->sealed || shape->codec == PAYLOAD_PLAIN;
    head->codec = shape->codec;
    head->key = key;
    head->pictureid = c->pictureid;
    head->tl0 = c->tl0;
    head->sync = vp9 ? note->tid > 0 : !key && (c->position == 1 || c->position == 2);
    head->flexible = vp9 && shape->flexible;
    head->inter_layer = sid > 0 && (key || shape->stacked);
    head->not_upper_ref = vp9 && !key && !shape->stacked;
    if (!key) {
        note->dep[0] = made(c, back, sid);
        head->refs[head->ref_count++] = (uint8_t)back;
    }
    if (head->inter_layer)
        note->dep[1] = note->frame - 1;
    else if (!key && shape->codec == PAYLOAD_VP8 && shape->tids == 3 && c->position == 3)
        note->dep[1] = made(c, 3, sid); /* libvpx: the highest layer needs both below */
    c->made[c->pictures % CAMERA_RING][sid] = note->frame;
}

size_t camera_picture(struct camera *c, const struct camera_shape *shape, unsigned sids, unsigned height, bool key,
                      struct camera_frame out[PAYLOAD_SIDS])
{
    c->position = key ? 0 : (c->position + 1) % 4;
    c->pictures++;
    c->pictureid = (c->pictureid + 1) & 0x7fff;
    c->tl0 += pattern_tid[shape->tids][c->position] == 0;
    c->restate |= key || sids != c->sids;
    c->sids = (uint8_t)sids;
    for (unsigned sid = 0; sid < sids; sid++) {
        out[sid] = (struct camera_frame){0};
        make_frame(c, shape, sid, key, &out[sid]);
        out[sid].head.height = height;
        if (sid + 1 == sids)
            out[sid].head.not_upper_ref = shape->codec == PAYLOAD_VP9;
    }
    if (shape->codec == PAYLOAD_VP9 && out[0].note.tid == 0 && c->restate) {
        out[0].head.sids = (uint8_t)sids;
        describe_group(&out[0].head, shape);
        c->restate = false;
    }
    return sids;
}

struct camera_shape camera_random_shape(uint64_t random)
{
    static const struct camera_shape shapes[] = {
        {PAYLOAD_VP8, 3, 1, 3, false, false, false, false},  {PAYLOAD_VP8, 3, 1, 3, false, false, false, false},
        {PAYLOAD_VP8, 3, 1, 2, false, false, false, false},  {PAYLOAD_VP8, 1, 1, 1, false, false, true, false},
        {PAYLOAD_VP9, 3, 3, 3, false, false, false, false},  {PAYLOAD_VP9, 3, 3, 3, false, true, false, false},
        {PAYLOAD_VP9, 3, 3, 3, true, false, false, false},   {PAYLOAD_VP9, 3, 3, 1, true, true, false, false},
        {PAYLOAD_VP9, 3, 1, 3, false, false, false, false},  {PAYLOAD_VP9, 1, 2, 1, true, true, true, false},
        {PAYLOAD_H264, 3, 1, 1, false, false, false, false}, {PAYLOAD_H264, 1, 1, 1, false, false, true, false},
        {PAYLOAD_H264, 3, 1, 1, false, false, false, true},  {PAYLOAD_H265, 1, 1, 1, false, false, false, false},
        {PAYLOAD_H265, 3, 1, 1, false, false, false, false}, {PAYLOAD_PLAIN, 1, 1, 1, false, false, false, false},
    };
    return shapes[random % (sizeof shapes / sizeof *shapes)];
}

const char *camera_describe(const struct camera_shape *shape)
{
    static char text[128];
    snprintf(text, sizeof text, "%s, %u encodings of %u spatial and %u temporal layers%s%s%s%s",
             payload_name(shape->codec), shape->sids > 1 ? 1 : shape->encodings, shape->sids, shape->tids,
             shape->stacked ? ", full SVC" : "", shape->flexible ? ", flexible" : "", shape->screen ? ", screen" : "",
             shape->sealed ? ", sealed" : "");
    return text;
}
