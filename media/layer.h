/* layer.h - the encodings and layers of one video source: which SSRCs belong together, what size each has, and whether
 * it is being sent (media.md 10).
 *
 * A source has 1 to LAYER_ENCODINGS_MAX encodings (simulcast, low to high), each with 1 to LAYER_SIDS spatial layers
 * (SVC) of LAYER_TIDS temporal layers. Until the stream says otherwise, encoding e has one spatial layer, height 180 * 2^e
 * and 7.5, 15, 30 frames/s. Sizes come from VP8 key frames, VP9 scalability structures, dependency descriptors and what the sender
 * says of its allocation (VLA, media.md 10.5); rates are measured, or by_targets those that the sender says it aims at. Height is
 * the smaller of width and height everywhere. An SVC sender uses one of its signalled encodings (media.md trap 25): the
 * others do not count as layers until something is sent on them.
 * Not for: deciding who gets which layer (alloc.h). Codecs that we do not look into count as one layer of each kind.
 *
 * Rhythm:  layers_on_packet() for each packet of the source, before it is offered to receivers. When it returns true the
 *          layering changed (a silent layer woke up, a size or the codec changed): re-run the allocation of every
 *          receiver first, then offer that very packet (media.md trap 24).
 * Memory:  embeddable, no allocation. Thread: one, the worker of the conference. */
#ifndef MEDIA_LAYER_H
#define MEDIA_LAYER_H

#include "media/media_pkt.h"
#include "media/rate.h"
#include "proto/rtp_ext.h"

enum {
    LAYER_ENCODINGS_MAX = 4,
    LAYER_SIDS = 3, /* what a stream has above counts for the highest, as with LAYER_TIDS */
    LAYER_TIDS = 3,
    LAYERS_MAX = LAYER_ENCODINGS_MAX * LAYER_SIDS * LAYER_TIDS,
    LAYER_NONE = -1,         /* as an index: suspended */
    LAYER_RATE_UNKNOWN = -1, /* as a frame rate */
};

/* A layer is named by one number that orders the layers of a source by quality (media.md 10.2). */
static inline int layer_index(int encoding, int sid, int tid)
{
    return encoding << 6 | sid << 3 | tid;
}
static inline int layer_encoding(int index) /* -1 for LAYER_NONE */
{
    return index < 0 ? -1 : index >> 6;
}
static inline int layer_sid(int index)
{
    return index < 0 ? -1 : index >> 3 & 7;
}
static inline int layer_tid(int index)
{
    return index < 0 ? -1 : index & 7;
}

/* ---- from signalling to encodings ---- */

struct layer_ssrcs { /* one encoding */
    uint32_t ssrc;
    uint32_t rtx; /* 0: none signalled */
};

struct layer_source { /* one source; its id is the SSRC of encoding 0 */
    size_t count;
    struct layer_ssrcs encoding[LAYER_ENCODINGS_MAX];
};

enum layer_group_kind { LAYER_GROUP_SIM, LAYER_GROUP_FID, LAYER_GROUP_OTHER };

struct layer_group { /* an ssrc-group as signalled; SIM lists its SSRCs low to high, FID primary and RTX */
    enum layer_group_kind kind;
    const uint32_t *ssrcs;
    size_t count;
};

/* Sorts what one media source signalled into sources (media.md 10.1): each SIM group is one, then each FID pair outside
 * them, then each SSRC left over. Returns how many; what does not fit into max sources or LAYER_ENCODINGS_MAX
 * encodings is left out. */
size_t layer_sources_from(const uint32_t *ssrcs, size_t count, const struct layer_group *groups, size_t group_count,
                          struct layer_source *out, size_t max);

/* ---- what is being sent ---- */

struct layer { /* as the allocator sees it */
    int index;
    int height;           /* pixels, > 0 */
    float framerate;      /* frames/s, or LAYER_RATE_UNKNOWN */
    bool sent;            /* it arrives; with by_targets it may have a bitrate although it does not */
    uint64_t bitrate_bps; /* with all layers it depends on; 0: not being sent */
};

/* Bytes of one layer. A still screen has a picture each few seconds: such a source is slow, not silent. */
struct layer_flow {
    struct rate rate;
    uint64_t newest_us, burst_us;     /* of the newest packet, and of the first one after the last pause */
    uint64_t gap_us;                  /* between the beginnings of the last two bursts; 0: there was one only */
    uint32_t burst_bytes, last_bytes; /* since burst_us; of the burst before */
    uint8_t pauses;                   /* in a row, each with one picture at most between them; clamped */
};

struct layers {
    uint8_t count;   /* of encodings */
    uint8_t codec;   /* enum codec of the newest packet; CODEC_OTHER before the first */
    bool by_targets; /* the caller's choice: what a sender aims at counts, where it says so, and not what is measured */
    struct layer_encoding_state {
        int height[LAYER_SIDS];
        float framerate[LAYER_TIDS];
        uint8_t sids;  /* spatial layers, at least 1 */
        uint8_t awake; /* bit per spatial layer: was being sent when last described, or has been since */
        bool seen;     /* a packet of this codec came */
        bool paced;    /* the sender told its frame rates, which no structure overrides */
        uint32_t target_kbps[LAYER_SIDS][LAYER_TIDS]; /* with all layers below; 0: the sender said nothing */
        uint32_t of_sid[LAYER_SIDS]; /* dependency descriptor: targets of each spatial layer, */
        uint32_t active;             /* and those that are being sent */
        bool stacked;  /* each spatial layer needs those below in every picture (full SVC), not in key pictures alone */
        struct layer_flow flow[LAYER_SIDS][LAYER_TIDS]; /* bytes of the layer alone */
    } encoding[LAYER_ENCODINGS_MAX];
};

void layers_init(struct layers *layers, size_t encoding_count); /* clamped to 1..LAYER_ENCODINGS_MAX */
/* Returns true when the layering changed. Packets of an encoding that was not signalled count for nothing. */
bool layers_on_packet(struct layers *layers, const struct media_pkt *in, uint64_t now_us);
/* What the sender says with a packet of this codec. Returns true when a size changed: re-run allocations as above. What it
 * does not mention any more has no target. */
bool layers_on_vla(struct layers *layers, uint8_t codec, const struct rtp_vla *vla);
/* All layers in order of their index: LAYER_TIDS for each spatial layer of each encoding. Also notes which have gone
 * silent, so that their waking up is reported again. */
size_t layers_describe(struct layers *layers, uint64_t now_us, struct layer out[LAYERS_MAX]);

#endif
