/* project_kind.h - what project.c and the codecs' rules (project_vp8.c, project_plain.c) share. For them only. */
#ifndef MEDIA_PROJECT_KIND_H
#define MEDIA_PROJECT_KIND_H

#include "media/project.h"
#include "proto/seq.h"

/* One packet on its way through a projection. */
struct project_in {
    const struct media_pkt *pkt;
    uint64_t now_us;
    bool ahead; /* nothing newer of its SSRC has come, here or before this stream began */
};

/* The timestamp for a frame that cannot be placed by its source's timestamps: the first after a switch. */
uint32_t project_next_ts(const struct project *p, const struct project_in *in);
/* The sequence number for it: the next one, and one is left out if the frame before it was not complete. */
uint16_t project_next_seq(const struct project *p);

void project_vp8_init(struct project_vp8 *v);
bool project_vp8_offer(struct project *p, const struct project_in *in, struct project_out *out);

void project_plain_init(struct project_plain *l);
bool project_plain_offer(struct project *p, const struct project_in *in, struct project_out *out);

#endif
