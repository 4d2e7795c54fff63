/* speaker.h - who speaks in a conference: the dominant speaker, the loudest, the order of endpoints
 * (bridge-channel.md 8.2, 10.1 to 10.4; the algorithm is Volfin and Cohen's, "Dominant Speaker Identification for
 * Multipoint Videoconferencing", with the constants of the stock bridge).
 *
 * Levels are loudness: 127 - (RFC 6464 level), so 0 is silence. Endpoints are named by the caller's numbers.
 *
 * Rhythm:  after any call that takes now_us, and after join/leave/video, call speaker_poll() until it returns
 *          SPEAKER_NOTHING; speaker_deadline_us() says when to call speaker_on_time().
 * Memory:  allocates on join; none per level. Thread: one. Units: monotonic microseconds. */
#ifndef MEDIA_SPEAKER_H
#define MEDIA_SPEAKER_H

#include "proto/bytes.h"
#include "proto/units.h"

struct speaker_config {      /* {0} and then speaker_config_default() */
    unsigned recent_count;   /* recent speakers told besides the dominant one: 10 */
    bool detect_silence;     /* false */
    uint64_t silence_us;     /* 3 s */
    bool loudest_only;       /* rank levels at all: false */
    unsigned loudest_count;  /* 3 */
    bool keep_dominant;      /* the dominant speaker is always loud enough: true */
    uint64_t energy_us;      /* levels older than this leave the ranking: 150 ms */
    unsigned energy_percent; /* weight of the newest level: 50 */
};
struct speaker_config speaker_config_default(void);

struct speakers;
struct speakers *speaker_new(const struct speaker_config *config);
void speaker_free(struct speakers *s);

void speaker_join(struct speakers *s, uint32_t endpoint); /* not for visitors */
void speaker_leave(struct speakers *s, uint32_t endpoint);
/* Whether some video source of the endpoint is on (its type is not none); false after joining. */
void speaker_set_video(struct speakers *s, uint32_t endpoint, bool available);

/* One audio packet with a level. True: forward it. False: it is not among the loudest (only with loudest_only).
 * wanted_explicitly: some receiver includes this source by name. Synthetic sources must not be fed. */
bool speaker_on_level(struct speakers *s, uint32_t endpoint, uint8_t loudness, bool wanted_explicitly, uint64_t now_us);
void speaker_on_time(struct speakers *s, uint64_t now_us);
uint64_t speaker_deadline_us(const struct speakers *s); /* NEVER_US while nobody is heard */

enum speaker_event {
    SPEAKER_NOTHING,
    SPEAKER_DOMINANT, /* another endpoint dominates: as SPEAKER_RECENT, and worth a key frame of its camera */
    SPEAKER_RECENT,   /* tell all clients: DominantSpeakerEndpointChangeEvent with speaker_recent() and silence */
    SPEAKER_ORDER,    /* speaker_order() changed: run every allocation */
};
enum speaker_event speaker_poll(struct speakers *s);

/* Recent speakers that are still here, the dominant one first; at most max and recent_count + 1. 0: tell nothing. */
size_t speaker_recent(const struct speakers *s, uint32_t *out, size_t max);
bool speaker_is_silent(const struct speakers *s); /* nobody dominates any more (only with detect_silence) */
/* "LastN order" of all endpoints: those with video, then the others, each by last speech, then by joining. The array
 * lives until the next join, leave or change of order. */
size_t speaker_order(const struct speakers *s, const uint32_t **out);

/* ---- one audio SSRC: which silent packets to keep back ---- */

struct speaker_silence {
    uint8_t run; /* consecutive silent packets */
};
/* True: hold this packet back, and hide its number (seq_hide.h). Of consecutive silent packets 1 + limit pass, 255 at
 * most. Packets without a level are never held back. */
bool speaker_silence_hides(struct speaker_silence *s, int limit, bool has_level, uint8_t rfc6464_level);

#endif
