/* shard.h - a conference on more than one worker.
 *
 * Each worker that has endpoints of a conference has a struct conference of the same serial: a shard. An endpoint lives
 * on one worker, its home. On the other shards it is a mirror: a struct endpoint without a transport, that owns mirrors
 * of the sources. So tracks, projections, histories, allocation and speakers are on each shard the code that they are
 * anyway; only what enters and leaves a mirror is different, and that is here:
 *
 *   home -> mirror   packets and sender reports that home accepted, once per worker that wants the source. They travel
 *                    as references in envelopes from home's packet pool: nothing is copied, nothing is allocated. Video
 *                    types and connectivity.
 *   mirror -> home   the most that anybody there wants of a source, requests for key frames, messages to the client.
 *
 * Speakers are elected on each shard from the same levels, as the bridges of one meeting do.
 *
 * Who makes them: control posts W_CONF_NEW to each worker of the conference; W_EP_NEW to an endpoint's home and
 * W_EP_MIRROR to the others; then W_EP_MEDIA, W_EP_SOURCES and W_EP_EXPIRE to all of them, home first: a mirror may ask
 * its home for what it was told itself.
 * Thread: each function runs on the worker of the object that it is given. Workers of one conference are stopped
 * together (worker.h): a shard may hold packets of the others' pools. */
#ifndef BRIDGE_SHARD_H
#define BRIDGE_SHARD_H

#include "bridge/endpoint.h"

enum { SHARD_WORKERS_MAX = 64 };

/* On the worker of `conf`; home: index of the worker where it lives. NULL: no such worker. Ends by endpoint_free(). */
struct endpoint *shard_mirror_new(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec,
                                  unsigned home);

/* At home: to every worker that wants the source. */
void shard_send_media(struct encoding *encoding, const struct media_pkt *m);
void shard_send_sr(struct encoding *encoding);
void shard_send_video_type(struct endpoint *ep, const char *name, enum bridge_video_type type);
void shard_send_activity(struct endpoint *ep);

/* At a mirror: to its home. */
void shard_want(struct source *source, int height); /* 0: nothing; audio: anything else */
void shard_want_keyframe(struct source *source);
void shard_send_text(struct endpoint *mirror, const char *text);

void shard_on_packet(struct worker *worker, struct pkt *envelope); /* W_SHARD_PACKET; takes it */
void shard_on_msg(struct endpoint *ep, const struct worker_msg *msg);

#endif
