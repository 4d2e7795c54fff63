/* project_kind.h - what project.c and the codecs' rules (project_vp8.c, project_vp9.c, project_h26x.c, project_plain.c) share: which
 * encoding goes out (project_pick.c) and under which numbers (project_log.c). For them only. */
#ifndef MEDIA_PROJECT_KIND_H
#define MEDIA_PROJECT_KIND_H

#include "media/project.h"
#include "proto/seq.h"

/* One packet on its way through a projection. */
struct project_in {
    const struct media_pkt *pkt;
    uint64_t now_us;
    bool ahead; /* nothing newer of its SSRC has come, here or before this stream began */
};

/* The timestamp for a frame that cannot be placed by its source's timestamps: the first after a switch. */
uint32_t project_next_ts(const struct project *p, const struct project_in *in);
/* The sequence number for it: the next one, and one is left out if the frame before it was not complete. */
uint16_t project_next_seq(const struct project *p);

/* ---- which encoding ---- */

enum { PROJECT_ALL_TIDS = 0xff };

void project_pick_init(struct project_pick *k);
/* The first packet of a key frame: does the stream go on with its encoding? */
bool project_pick_keyframe(struct project_pick *k, const struct project_in *in, int wanted);
/* A packet of another encoding, not the start of a key frame: may tell that a switch is due. */
void project_pick_watch(struct project_pick *k, const struct project_in *in, int wanted, bool frame_start);
void project_pick_alive(struct project_pick *k, uint64_t now_us); /* a packet of the current one */
uint8_t project_tid_mask(int target);                             /* temporal layers that a target lets out */

/* ---- under which numbers ---- */

/* What the log needs to know of the frame that a packet belongs to. A frame is one spatial layer of a picture. */
struct project_unit {
    uint16_t pictureid;
    uint8_t pictureid_at, tl0picidx_at; /* as in struct vp8_desc */
    uint8_t tl0picidx;
    uint8_t sid;
    bool pictureid_long;
    bool start, end; /* the packet is the frame's first, last */
    bool own_ids;    /* the codec's rules number its frames themselves, by the frame's two deltas */
};

void project_log_init(struct project_log *log);
const struct project_frame *project_log_newest(const struct project_log *log);
struct project_frame project_frame_of(const struct project *p, const struct media_pkt *pkt,
                                      const struct project_unit *unit);
bool project_frame_has(const struct project_frame *f, const struct media_pkt *pkt, const struct project_unit *unit);
/* Fills in *out. Always true. */
bool project_frame_send(const struct project_frame *f, const struct media_pkt *pkt, const struct project_unit *unit,
                        struct project_out *out);
/* The stream goes on with this frame; nothing joins it to what was before but the numbers. f: as project_frame_of()
 * gives it, and what the codec adds. */
bool project_log_start(struct project *p, const struct project_in *in, const struct project_unit *unit,
                       struct project_frame f, struct project_out *out);
/* How many picture ids f is ahead of prev; -1: the source jumped, or has just begun with ids. */
int project_pictureid_step(const struct project_frame *prev, const struct project_frame *f);
/* The first packet seen of a frame newer than all in the log. adjacent: no frame is missing before it. step: as above;
 * compact: picture ids of withheld frames close up. */
bool project_log_append(struct project *p, const struct project_in *in, const struct project_unit *unit,
                        struct project_frame f, int step, bool adjacent, bool compact, struct project_out *out);
/* Another packet of the newest frame. */
bool project_log_part(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit,
                      struct project_out *out);

/* A packet that is not newer than the log. before, next: its neighbours there. by: whose offsets it gets, NULL: it
 * cannot be placed. whole: it is of a frame that was missing altogether, and the codec says whether that goes out. */
struct project_place {
    struct project_frame *by, *before, *next;
    bool whole;
};
struct project_place project_log_place(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit);
/* Of a whole frame: did the rest of its picture, which came before it, stay back? Then it is the picture's end. */
bool project_place_alone(const struct project_place *place, const struct media_pkt *pkt);
/* Sends it, unless its number must not be used any more since the stream has gone on elsewhere. */
bool project_log_late(struct project *p, const struct project_place *place, const struct media_pkt *pkt,
                      const struct project_unit *unit, struct project_out *out);

/* ---- the codecs ---- */

bool project_vp8_offer(struct project *p, const struct project_in *in, struct project_out *out);

void project_vp9_init(struct project_vp9 *v);
bool project_vp9_offer(struct project *p, const struct project_in *in, struct project_out *out);

void project_dd_init(struct project_dd *d);
bool project_dd_offer(struct project *p, const struct project_in *in, struct project_out *out);

void project_h26x_init(struct project_h26x *h);
bool project_h26x_offer(struct project *p, const struct project_in *in, struct project_out *out);

void project_plain_init(struct project_plain *l);
bool project_plain_offer(struct project *p, const struct project_in *in, struct project_out *out);

#endif
