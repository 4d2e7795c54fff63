/* svc_stream.h - a model sender of scalable video for tests of projections, any order of arrival, and what must hold of what goes out
 * (media.md 22.7). What a codec adds is filled in and checked by the test.
 *
 * Temporal layers 0 2 1 2: layer 0 needs the one before, layer 2 the picture before, layer 1 layer 0. Spatial layers
 * need the one below in key pictures, or always (stacked). Key pictures come at random; srand() decides. */
#ifndef TESTS_SVC_STREAM_H
#define TESTS_SVC_STREAM_H

#include "media/project.h"
#include "support/hex.h"

enum { SVC_SIDS = 3, SVC_PICTURES = 900, SVC_FRAMES = SVC_PICTURES * SVC_SIDS, SVC_MOST_PACKETS = 3 };

struct svc_frame { /* what the sender knows of one layer of a picture */
    int picture, sid, packets;
    int depends[2]; /* frames; -1: none */
    int arrived;    /* packets that the projection was offered, */
    int sent;       /* and those that went out */
    uint32_t ts;    /* as it went out, as number */
    uint16_t number;
};

struct svc_packet {
    struct media_pkt m;
    int frame;
};

extern struct svc_frame svc_frames[SVC_FRAMES];
extern struct svc_packet svc_packets[SVC_FRAMES * SVC_MOST_PACKETS];
extern size_t svc_packet_count;

struct svc_place { /* of a packet */
    int frame, picture, sid, tid;
    int back;                           /* pictures to the one that it refers to; a key picture refers to none */
    bool key, inter_layer, first, last; /* inter_layer: needs the layer below; first, last: of its frame */
};

/* fill: sets pkt and codec, and what the codec reads. */
void svc_make(bool stacked, int64_t seq, void (*fill)(struct media_pkt *m, const struct svc_place *at));

struct svc_rules {
    uint16_t (*number)(const struct media_pkt *m, const struct project_out *out); /* the frame's, as it goes out */
    void (*check_order)(const struct svc_frame *before, const struct svc_frame *after);     /* frames as they go out */
    void (*check_reference)(const struct svc_frame *frame, const struct svc_frame *needed); /* both went out; or NULL */
};

/* Offers what svc_make() made while the target moves at random, and checks what comes out: each number once, in order, one
 * timestamp and one marker in a picture, no frame whose reference was withheld. */
void svc_check_run(const struct svc_rules *rules, int loss_percent, int reorder, int64_t start);

struct svc_switch {            /* what came of a change of target, from its picture on */
    int sent[SVC_SIDS], upper; /* frames; upper: of temporal layers above 0 */
    bool asked;                /* for a key frame */
};

/* Offers pictures up to `end`; the target moves at picture `at`. Frames count from picture `from` on. */
struct svc_switch svc_offer_switch(int at, int from, int end, int before, int after);
int svc_second_key(void); /* its picture */

#endif
