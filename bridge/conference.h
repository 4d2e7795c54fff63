/* conference.h - one conference as its worker sees it: endpoints, who speaks, and what follows from that.
 *
 * Owner: the worker, by serial. Thread: the worker. Not for signalling: that is control.h, on another thread. */
#ifndef BRIDGE_CONFERENCE_H
#define BRIDGE_CONFERENCE_H

#include "bridge/control_ops.h"
#include "bridge/worker.h"
#include "media/alloc.h"
#include "media/speaker.h"

struct source;

struct conference {
    struct worker *worker;
    uint32_t serial;
    uint32_t feedback_audio_ssrc, feedback_video_ssrc;
    struct list endpoints;
    size_t endpoint_count;
    struct map by_id;       /* endpoint id -> struct endpoint */
    struct map video_types; /* source name -> (enum bridge_video_type + 1): may come before the source */
    struct speakers *speakers;
    struct timer speaker_timer, status_timer;
    uint64_t expiry_checked_us;
    /* all video sources in speaker order, as allocation wants them; made anew when stale */
    struct alloc_source *sources;
    struct layer (*layers)[LAYERS_MAX];
    struct endpoint **source_owners;
    struct alloc_source *others; /* the same without those of one endpoint */
    size_t source_count, source_cap;
    uint64_t sources_us; /* when; 0: stale */
};

struct conference *conference_new(struct worker *worker, uint32_t serial, const struct conference_spec *spec);
void conference_free(struct conference *conf); /* with its endpoints; NULL is fine */
void conference_add(struct conference *conf, struct endpoint *ep);
void conference_remove(struct conference *conf, struct endpoint *ep);

void conference_broadcast(struct conference *conf, const struct endpoint *except, const char *text);
struct source *conference_find_source(struct conference *conf, const char *name);

void conference_changed(struct conference *conf);      /* allocation runs for everybody, soon */
void conference_allocate_now(struct conference *conf); /* before the packet that changed something goes on */
void conference_sources_changed(struct conference *conf, struct endpoint *owner);
void conference_audio_unbound(struct conference *conf); /* some receiver may lack tracks for audio sources */
void conference_set_video_type(struct conference *conf, struct endpoint *owner, const char *name,
                               enum bridge_video_type type);

/* Every video source but those of `except`; lives until the next call. */
const struct alloc_source *conference_video_sources(struct conference *conf, const struct endpoint *except, size_t *count,
                                                    uint64_t now_us);

/* One audio packet with a level; false: it is not among the loudest, keep it back. */
bool conference_on_level(struct conference *conf, struct source *source, uint8_t rfc6464_level, uint64_t now_us);
void conference_send_dominant(struct conference *conf, struct endpoint *to); /* NULL: everybody */

#endif
