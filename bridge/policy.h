/* policy.h - the administrator's settings in the words of the engines that obey them: what many objects share and none
 * may change. Made once per worker, immutable afterwards. Settings that one place alone uses are read there. */
#ifndef BRIDGE_POLICY_H
#define BRIDGE_POLICY_H

#include "bridge/config.h"
#include "media/alloc.h"
#include "media/keyframe.h"

struct policy {
    struct alloc_policy alloc;
    struct keyframe_config keyframe;
};

/* Values beyond what an engine can do are brought into its range. */
struct policy policy_from(const struct config *cfg);

/* The cap on video sources for everybody in a conference of so many: jvb-last-n and conference-last-n-limits. */
int policy_last_n(const struct config *cfg, size_t source_count); /* ALLOC_NO_LAST_N: none */

#endif
