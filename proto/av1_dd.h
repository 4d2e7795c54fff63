/* av1_dd.h - the dependency descriptor: which frame a packet belongs to, what that frame needs, and who needs it
 * (AV1 RTP specification, appendix A; media.md 11.4). It comes as a header extension, with AV1 and with other codecs.
 *
 * A descriptor is short because it points into a structure of templates that was sent before, with a key frame. So it is
 * read with the structure in force; who keeps that is dd_state.h's business. What a projection changes is the frame's
 * number, where the templates begin, and which decode targets are still complete: dd_write() makes the new bytes.
 *
 * A decode target is a layer that a receiver may want: some frames are in it, some are not. A chain is a line of frames of
 * which a target needs every one. Owner: plain values. Thread: any. Allocates nothing. */
#ifndef PROTO_AV1_DD_H
#define PROTO_AV1_DD_H

#include "proto/bytes.h"

enum {
    DD_TEMPLATES_MAX = 64,
    DD_TARGETS_MAX = 32,
    DD_CHAINS_MAX = 32,
    DD_FDIFFS_MAX = 8, /* the specification sets no bound; AV1 has 7 references */
    DD_SIDS_MAX = 4,
    DD_TIDS_MAX = 8,
    DD_LEN_MAX = 255,          /* of a header extension element */
    DD_FRAME_DISTANCE_MAX = 4096, /* to a frame that one refers to */
};

enum dd_dti { DD_NOT_PRESENT, DD_DISCARDABLE, DD_SWITCH, DD_REQUIRED };

struct dd_template {
    uint64_t dti; /* enum dd_dti, 2 bits per decode target, target 0 in the lowest */
    uint8_t sid, tid;
    uint8_t fdiff_count;
    uint8_t fdiffs[DD_FDIFFS_MAX]; /* 1 to 16 */
    uint8_t chain_diffs[DD_CHAINS_MAX];
};

struct dd_structure {
    uint8_t offset; /* id of the first template; modulo 64 */
    uint8_t template_count, target_count, chain_count;
    uint8_t sid_count;
    bool has_sizes;
    uint8_t protected_by[DD_TARGETS_MAX]; /* chain */
    uint16_t width[DD_SIDS_MAX], height[DD_SIDS_MAX]; /* less one, as sent */
    struct dd_template templates[DD_TEMPLATES_MAX];
};

struct dd_desc { /* of one packet */
    uint64_t dti;    /* as in struct dd_template */
    uint32_t active; /* decode targets that are being sent, bit per target; valid if has_active */
    uint16_t frame_number;
    uint16_t mask_at, end_at; /* in bits: where the mask of active targets is or belongs, and where padding begins */
    uint16_t fdiffs[DD_FDIFFS_MAX]; /* frames that it refers to: how many numbers back, 1 to 4096 */
    uint8_t chain_diffs[DD_CHAINS_MAX]; /* numbers back to the chain's frame before, 0: none */
    uint8_t fdiff_count, chain_count;
    uint8_t template_id, template_count, target_count, offset; /* the last three: of the structure in force */
    uint8_t sid, tid;
    bool start, end; /* the packet is the frame's first, last */
    bool has_structure, has_active;
    bool known; /* false: the structure is not there, so only frame number, template id, start and end mean something */
};

static inline enum dd_dti dd_dti_of(uint64_t dti, unsigned target)
{
    return (enum dd_dti)(dti >> 2 * target & 3);
}

/* in_force: NULL or the structure that packets before this one came with. *fresh is written if and only if out->has_structure, and
 * is then in force. Without one that has the template, known is false and the rest of the descriptor is left unread.
 * E_SHORT: ends inside a field. E_FORMAT: not legal. E_LIMIT: more references than we keep. On failure *out is zeroed and *fresh
 * undefined. */
enum err dd_parse(struct bytes data, const struct dd_structure *in_force, struct dd_structure *fresh,
                  struct dd_desc *out);

struct dd_edit {
    uint16_t frame_delta;   /* added to the frame number, modulo 2^16 */
    uint8_t template_delta; /* added to template id and offset, modulo 64 */
    bool masks;             /* states the active decode targets, by silence if a structure comes with all of them: */
    uint32_t mask;
};

/* What a descriptor that was read as *desc (known, if masks) becomes. Into buf; {buf, 0}: longer than DD_LEN_MAX. */
struct bytes dd_write(struct bytes data, const struct dd_desc *desc, const struct dd_edit *edit,
                      uint8_t buf[DD_LEN_MAX]);

/* ---- what a structure says about its decode targets ---- */

struct dd_targets {
    uint8_t count;
    uint8_t sid[DD_TARGETS_MAX], tid[DD_TARGETS_MAX]; /* the highest layers that are in it */
    uint8_t chain[DD_TARGETS_MAX];                    /* that protects it; chain_count: none */
    uint8_t needs_sid[DD_TARGETS_MAX][DD_TIDS_MAX];   /* the highest of temporal layer t that must not be left out */
    uint32_t within[DD_TARGETS_MAX]; /* bit e: each frame of target e is in this one too, so e can be decoded from it */
    uint32_t reach[DD_TARGETS_MAX];  /* bit e: e can be switched to at some frame of this one that is no key frame's */
};
void dd_targets_of(const struct dd_structure *s, struct dd_targets *out);
/* Frame rates relative to the full one, by temporal layer of spatial layer 0: how many templates of it there are. */
unsigned dd_rate_share(const struct dd_structure *s, unsigned tid);

#endif
