/* audio_sub.h - which audio sources one receiver wants: ReceiverAudioSubscription (bridge-channel.md 10.5).
 *
 * A receiver that never sent one gets everything. Names may be subscribed before their source exists, so ask again when
 * sources change; keep the answer per source, this is no lookup for each packet.
 * Not for: whether an SSRC is signalled at all, or is the receiver's own. Thread: one. Copies the names. */
#ifndef MEDIA_AUDIO_SUB_H
#define MEDIA_AUDIO_SUB_H

#include "proto/bridge_msg.h"
#include "proto/map.h"

struct audio_sub {
    bool received; /* a message came */
    bool all;
    struct map include, exclude; /* sets of names */
};

void audio_sub_init(struct audio_sub *s);
void audio_sub_done(struct audio_sub *s);
void audio_sub_on_message(struct audio_sub *s, const struct bridge_msg_receiver_audio *msg); /* replaces what was */
bool audio_sub_includes(const struct audio_sub *s, const char *source); /* named explicitly, and not excluded */
/* synthetic: made by the bridge's side (a translation), sent only to those who name it. */
bool audio_sub_allows(const struct audio_sub *s, const char *source, bool synthetic);

#endif
