/* project.h - turns a source with several encodings into one continuous RTP stream for one receiver (media.md 12).
 *
 * One struct project per sent video or audio stream. It is offered every packet of the source (all encodings), says
 * which go out, and with which sequence number, timestamp, marker and codec fields. It sits on the OUTPUT: when the
 * slot of an SSRC-rewriting receiver is given to another source (ssrc_map.h), or the codec changes, it carries on where
 * it was, so the receiver sees one stream without a seam. Which rules apply is chosen per packet by its codec:
 *   VP8            switches between encodings at key frames, drops temporal layers, renumbers (project_vp8.c)
 *   VP9            the same, and picks a spatial layer in each encoding (project_vp9.c)
 *   AV1, and others with a dependency descriptor
 *                  the same by decode targets, which the descriptor names (project_dd.c)
 *   H.264, H.265   switches between encodings at key frames (project_h26x.c)
 *   anything else  one encoding passes with an offset (project_plain.c)
 *
 * Promises, for any input: no sequence number goes out twice; packets keep their order; all packets of a frame have one
 * timestamp; timestamps grow with frames; a frame is sent whole or not at all, unless the stream is suspended, restarted or goes
 * on with another encoding in its middle (then one number stays open, so that it looks torn by loss); no frame is sent
 * whose reference was withheld; numbers of withheld packets are closed up, numbers of packets lost on their way to us stay open and are
 * filled if the packet arrives late.
 *
 * Rhythm:  project_set_target() when the allocation changes; project_offer() per packet, in arrival order; after each
 *          offer look at project_wants_keyframe().
 * Memory:  embeddable, about 5 KB, no allocation. Thread: one. Units: now_us is the packet's arrival, monotonic. */
#ifndef MEDIA_PROJECT_H
#define MEDIA_PROJECT_H

#include "media/layer.h"
#include "media/tx_edit.h"

struct project_out {
    uint16_t seq;
    bool marker;
    uint32_t ts;
    struct tx_edit edit;
};

/* ---- inside; use the functions below ---- */

struct project_head { /* the newest that went out, of whatever codec and source */
    bool started;
    bool open; /* its frame's last packet has not passed: if the stream goes on elsewhere, that must look like a loss */
    bool has_pictureid, has_tl0picidx, has_dd;
    uint8_t dd_template; /* the first template id behind those of the newest structure */
    uint16_t dd_frame;
    uint8_t tl0picidx;
    uint16_t seq;
    uint16_t pictureid;
    uint32_t ts;
    uint64_t arrival_us; /* of the first packet of the newest frame */
    uint64_t ntp_us;     /* its sender's clock; 0: unknown */
};

enum { PROJECT_FRAMES = 64, PROJECT_SENT_MAX = 1024 };

/* One frame of an encoding that is or was going out. Offsets are added to the source's values, modulo their width. */
struct project_frame {
    int64_t lo, hi; /* source sequence numbers that belong to it */
    uint32_t ts;    /* of the source, as pictureid */
    uint32_t ts_delta;
    uint16_t seq_delta;
    uint16_t pictureid;
    uint16_t pictureid_delta;
    uint16_t limit; /* once the stream went on elsewhere: no output number behind this one may be used any more */
    uint8_t tl0picidx_delta;
    uint8_t encoding;
    uint8_t run;          /* frames since the last switch have the same number */
    uint8_t tids;         /* bit t: temporal layer t is going out; lower layers of a set bit are set too */
    uint8_t sid;          /* spatial layer that it is */
    uint8_t spatial, top; /* spatial layer (project_dd.c: decode target + 1) going out from this frame on, and the most that its key picture may have */
    bool sent;            /* false: withheld */
    bool has_pictureid, long_pictureid;
    bool end_seen;
    bool picture_end; /* its end is that of the picture, as the source marked it */
    bool last;        /* its end is that of the picture, as it goes out */
};

struct project_log { /* ring of frames, oldest first */
    uint8_t run;     /* counts switches */
    uint8_t at, count;
    struct project_frame frame[PROJECT_FRAMES];
};

struct project_pick { /* which encoding */
    int current;      /* going out, -1: none */
    bool need_keyframe;
    bool in_group;        /* keyed_us means something */
    uint8_t lower_frames; /* frames of lower encodings since the newest packet of `current` */
    uint64_t keyed_us;    /* arrival of the first key frame of a group */
    uint64_t current_us;  /* arrival of the newest packet of `current` */
};

enum { PROJECT_PICTURES = 128, PROJECT_GROUP_MAX = 16 };

struct project_vp9 {
    uint8_t sid;       /* spatial layer going out */
    uint8_t wanted;    /* spatial layer to reach, as of the newest picture: none changes its mind in its middle */
    uint8_t sids;      /* spatial layers the source sends; 8: unknown */
    uint8_t limit;     /* bit t: temporal layer t may go out */
    uint8_t tids;      /* bit t: it does, where only the order of layers tells what a picture needs */
    uint8_t base_sent; /* bit s: so was the newest picture of temporal layer 0 on spatial layer s */
    uint8_t absent;    /* pictures since the newest that had `sid` */
    bool sid_seen;     /* in the newest picture */
    bool has_picture;  /* ts and pictureid mean something */
    uint32_t ts;       /* of the newest picture, as pictureid */
    uint32_t key_ts;   /* of the newest key picture */
    bool before_key;   /* what is being looked at is older than that: its place is told by the picture before the key picture */
    uint8_t old_group_at;
    uint16_t old_pictureid;
    uint16_t pictureid;
    uint8_t group_at, group; /* the newest picture's place in the group that repeats; 0: no group known */
    struct {
        uint8_t tid, ref_count, refs[3];
    } in_group[PROJECT_GROUP_MAX];
    struct {
        uint16_t pictureid;
        uint8_t seen, sent;      /* bit per spatial layer */
    } picture[PROJECT_PICTURES]; /* by picture id */
};

enum { PROJECT_DD_FRAMES = DD_FRAME_DISTANCE_MAX };

struct project_dd {
    struct dd_targets targets;      /* of the newest structure */
    int target;                     /* going out, -1: none */
    uint8_t wanted_sid, wanted_tid; /* layers to reach, as of the newest picture: none changes its mind in its middle */
    bool told;                      /* the receiver was told that it is `target` */
    bool thin;                      /* waiting for a lower encoding: frames that can be left out are */
    bool has_picture, has_newest;
    bool ended;                     /* the newest picture: its end, as it goes out, has been marked */
    uint32_t ts;                    /* of the newest picture */
    uint16_t newest;                /* frame number */
    uint64_t withheld[PROJECT_DD_FRAMES / 64]; /* by frame number */
};

struct project_h26x {
    bool keyed;                     /* key frames can be told */
    bool waiting;                   /* frames of the wanted encoding come, and no key frame, */
    uint64_t waiting_us, newest_us; /* since then; the newest of them */
};

struct project_plain {
    int current; /* encoding going out, -1: none */
    bool need_keyframe;
    uint16_t seq_delta;
    uint32_t ts_delta;
    int64_t first; /* source sequence number it started with */
    uint64_t started_us;
};

struct project {
    uint32_t clock_hz;
    int target;   /* layer index */
    uint8_t kind; /* which member of u, by the codec of the newest packet */
    uint8_t codec; /* of which that was */
    struct project_head head;
    struct project_pick pick; /* codecs with encodings: what goes out, */
    struct project_seen {
        uint32_t ssrc;
        int64_t newest;  /* source sequence number; 0: none */
        int64_t watched; /* nothing newer that came can have been missed here; 0: not yet */
        /* project_dd.c: the newest packets that did not go out, while another encoding did: */
        int64_t missed;  /* of a frame that others need */
        int64_t skipped; /* of a frame that can be left out; */
        uint16_t skipped_number;
    } encoding[LAYER_ENCODINGS_MAX];
    struct project_log log; /* and under which numbers */
    uint64_t sent[PROJECT_SENT_MAX / 64]; /* by output sequence number: went out */
    union {
        struct project_plain plain;
        struct project_vp9 vp9;
        struct project_dd dd;
        struct project_h26x h26x;
    } u;
};

/* ---- the interface ---- */

/* clock_hz: 90000 for video, that of the codec for audio. The first packet goes out with first_seq and first_ts: choose
 * them at random, first_seq below 32768 (RFC 3711 3.3.1). Starts suspended. */
void project_init(struct project *p, uint32_t clock_hz, uint16_t first_seq, uint32_t first_ts);
void project_set_target(struct project *p, int layer_index); /* LAYER_NONE suspends */
/* Another source feeds this stream from now on: forget the old one, carry on its numbers. Keeps the target. */
void project_restart(struct project *p);
/* True: send it as *out says. False: not for this receiver. */
bool project_offer(struct project *p, const struct media_pkt *in, uint64_t now_us, struct project_out *out);
/* True while nothing decodable can be sent, or a better encoding waits: ask the owner of the source for a key frame (on
 * the SSRC of encoding 0, whichever encoding is wanted; throttling is keyframe.h's). */
bool project_wants_keyframe(const struct project *p);
int project_encoding(const struct project *p); /* encoding going out; -1: none */
int project_layer(const struct project *p); /* layer going out, as an index; LAYER_NONE: none. For people to look at */
/* Translates the RTP timestamp of a sender report of `encoding`. False: not the encoding going out, drop the report. */
bool project_map_ts(const struct project *p, unsigned encoding, uint32_t ts, uint32_t *out);
void project_apply(const struct tx_edit *edit, uint8_t *payload, size_t len); /* in a writable copy of the payload */

/* What every offer reads is in front, up to here; a caller with many projections fetches it ahead of time, */
enum { PROJECT_HOT_BYTES = offsetof(struct project, log) + offsetof(struct project_log, frame) };
/* and then, when that has come, the newest frame and the place of the next number. */
static inline void project_prefetch(const struct project *p)
{
    __builtin_prefetch(&p->log.frame[p->log.at]);
    __builtin_prefetch(&p->sent[(uint16_t)(p->head.seq + 1) % PROJECT_SENT_MAX / 64], 1);
}

#endif
