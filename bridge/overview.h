/* overview.h - what each endpoint of a worker is shown of each source, and why no better: media/explain.h as JSON.
 *
 *   {"worker": 0, "conferences": [{"conference": 7, "endpoints": [{"endpoint": 9, "up": true, "estimate_bps": 2500000,
 *     "sources": [{"owner": 8, "source": 0, "type": "camera", "wanted_height": 720, "height": 360, "framerate": 30,
 *                  "target_height": 360, "target_framerate": 30, "target_bps": 500000, "sent_height": 720,
 *                  "reason": "estimate"}]}]}]}
 *
 * Heights: -1 unlimited, 0 none; `height` is of what goes out, `target_height` of what is to. type: "camera", "desktop", or
 * "off". reason: a word of media/explain.h. estimate_bps 0: unknown. Endpoints and conferences are numbers that mean nothing outside
 * this process, sources are numbered within their owner; "id" and "name" are added on request only.
 * Thread: overview_write and overview_answer on the worker. Not for the packet path: it allocates. */
#ifndef BRIDGE_OVERVIEW_H
#define BRIDGE_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bridge/inbox.h"

struct worker;

struct overview_request { /* W_OVERVIEW: arg */
    struct inbox *to;
    uint32_t number; /* the asker's */
    bool ids;
};

struct overview_answer { /* to the asker's inbox, who frees it and the text */
    struct inbox_msg msg;
    uint32_t number;
    char *text;
};

void overview_write(struct worker *worker, bool ids, FILE *out);
void overview_answer(struct worker *worker, const struct overview_request *request);

#endif
