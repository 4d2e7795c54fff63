/* forward.h - offers one packet of a source to every track that shows it. */
#ifndef BRIDGE_FORWARD_H
#define BRIDGE_FORWARD_H

#include "media/media_pkt.h"

struct encoding;

void forward_media(struct encoding *encoding, const struct media_pkt *m);

#endif
