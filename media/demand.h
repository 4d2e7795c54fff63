/* demand.h - the most that anybody wants of one source: SenderSourceConstraints to its owner (bridge-channel.md 8.7).
 *
 * One struct demand per source, on the owner's side; receivers are local endpoints and relays, by the caller's numbers.
 * Rhythm:  demand_set()/demand_drop() whenever a receiver's effective constraints change; when they return true, tell
 *          the owner demand_height(). The first value is always told, also 0. Tell all again when the owner's channel
 *          comes up or its sources are signalled anew: clients forget constraints for sources they do not know.
 * Memory:  allocates as receivers are added; demand_done() frees. Thread: one. Heights: -1 unlimited (the most), 0 none. */
#ifndef MEDIA_DEMAND_H
#define MEDIA_DEMAND_H

#include "proto/bytes.h"

struct demand {
    struct demand_entry {
        uint32_t receiver;
        int height;
    } * entries;
    size_t count, cap;
    int height; /* the maximum */
    bool told;  /* a value has been reported */
};

void demand_init(struct demand *d);
void demand_done(struct demand *d);
bool demand_set(struct demand *d, uint32_t receiver, int height); /* true: the maximum changed, or is the first */
bool demand_drop(struct demand *d, uint32_t receiver);            /* the receiver or its interest is gone */
static inline int demand_height(const struct demand *d)           /* nobody: 0 */
{
    return d->height;
}

#endif
