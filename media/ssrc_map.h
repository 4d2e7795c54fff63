/* ssrc_map.h - the fixed set of SSRCs shown to one client, and which source is behind each (bridge-channel.md 6).
 *
 * One map per receiver and media type. A slot is a pair of SSRCs (media, RTX) and a mid number, made once and kept for
 * the life of the receiver; sources come and go behind it. When all slots are taken, the one used least recently is
 * given to the new source. Clients are told with AudioSourcesMap / VideoSourcesMap messages, which carry changes only.
 *   audio  ssrc_map_use() when a source is about to be sent
 *   video  ssrc_map_want() after each allocation, never by a packet: a source without slot is not sent
 * Not for: sequence numbers and timestamps. The stream of a slot is a struct project of the caller, found by slot->at;
 * on a slot that changed hands (slot->generation) call project_restart() on it: its numbers carry on.
 *
 * Order:   hand the message to the channel before the first packet of a changed slot is sent, and ask for a key frame
 *          when the source starts; so: use/want, ssrc_map_poll() until false, send the message, then forward.
 * Owner:   sources are the caller's and must live until ssrc_map_forget(). Slots never move. Allocates in _new only.
 * Thread:  one. */
#ifndef MEDIA_SSRC_MAP_H
#define MEDIA_SSRC_MAP_H

#include "proto/bytes.h"
#include "proto/units.h"

enum { SSRC_MAP_LIMIT = 50, SSRC_MAP_SETTLE_US = 5000000 };

struct ssrc_source; /* the caller's; told apart by address, so a source whose primary SSRC changes is a new one */

struct ssrc_slot {
    uint32_t ssrc, rtx;               /* rtx: made for audio too, unused there */
    uint16_t at;                      /* position in the map, from 0: the number in the mid "a0", "v0" */
    bool changed;                     /* to be announced */
    uint32_t generation;              /* one more each time another source moves in */
    uint64_t used_us, mapped_us;      /* last use; since when this source has it */
    const struct ssrc_source *source; /* NULL: nobody */
};

/* A fresh random SSRC that nothing else in the conference uses. The map itself refuses 0 and its own. */
typedef uint32_t ssrc_map_fresh(void *ctx);

struct ssrc_map;
struct ssrc_map *ssrc_map_new(size_t limit, ssrc_map_fresh *fresh, void *ctx); /* limit: SSRC_MAP_LIMIT, if not set */
void ssrc_map_free(struct ssrc_map *map);

/* The slot of a source, refreshed as used now; NULL: none. Cheap, but a caller may keep the slot and look whether
 * slot->source is still its own, then ssrc_map_touch(). */
struct ssrc_slot *ssrc_map_find(struct ssrc_map *map, const struct ssrc_source *source, uint64_t now_us);
static inline void ssrc_map_touch(struct ssrc_slot *slot, uint64_t now_us)
{
    slot->used_us = now_us;
}
/* As find, but gives the source a slot if it has none: a new one, else one without source, else the least recently used,
 * of those the ones mapped for SSRC_MAP_SETTLE_US first: clients ignore a remap of a track they are still making. */
struct ssrc_slot *ssrc_map_use(struct ssrc_map *map, const struct ssrc_source *source, uint64_t now_us);
/* Gives each of these a slot, most important first (alloc_result.slots): those that have one are touched first, so that
 * none of them is taken; what exceeds the limit gets none. True: something changed, poll. */
bool ssrc_map_want(struct ssrc_map *map, const struct ssrc_source *const *sources, size_t count, uint64_t now_us);

const struct ssrc_slot *ssrc_map_poll(struct ssrc_map *map); /* next slot to be announced, NULL: none left */
void ssrc_map_announce_all(struct ssrc_map *map);            /* a channel came up: every mapped slot is told again */
/* The source is gone: its slot keeps SSRCs and mid for the next source. Nothing is announced. */
void ssrc_map_forget(struct ssrc_map *map, const struct ssrc_source *source);

/* Feedback from the receiver: which slot has this SSRC, as media or RTX; NULL: none. */
struct ssrc_slot *ssrc_map_by_ssrc(struct ssrc_map *map, uint32_t ssrc);
size_t ssrc_map_count(const struct ssrc_map *map); /* slots made so far; their .at are 0 to count - 1 */

#endif
