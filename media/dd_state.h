/* dd_state.h - which dependency structure is in force for each packet of one SSRC (media.md 11.4).
 *
 * A structure comes with a key frame and holds for the packets from there on, by sequence number; the one before it is kept for
 * packets that come late. Memory: embeddable, about 11 KB, no allocation. Thread: one. */
#ifndef MEDIA_DD_STATE_H
#define MEDIA_DD_STATE_H

#include "proto/av1_dd.h"

enum { DD_STATE_STRUCTURES = 3 }; /* in force, before that, and being read */

struct dd_state {
    struct dd_structure structure[DD_STATE_STRUCTURES];
    int64_t from[DD_STATE_STRUCTURES]; /* widened sequence number that it came with */
    uint8_t newest, before, spare;
    uint8_t count;    /* of structures known: 0 to 2 */
    int64_t mask_seq; /* of the packet that `active` is of */
    uint32_t active;
    bool has_keyframe;
    uint16_t keyframe; /* number of the newest */
};

void dd_state_init(struct dd_state *s);
/* As dd_parse(); out->active is then that in force, told or not, and *keyframe whether the packet is (part of) a key frame. */
enum err dd_state_read(struct dd_state *s, struct bytes data, int64_t seq_wide, struct dd_desc *out, bool *keyframe);

#endif
