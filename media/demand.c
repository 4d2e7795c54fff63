/* demand.c - see demand.h. */
#include "media/demand.h"

#include <stdlib.h>

void demand_init(struct demand *d)
{
    *d = (struct demand){0};
}

void demand_done(struct demand *d)
{
    free(d->entries);
    demand_init(d);
}

static int larger(int a, int b) /* -1 is unlimited */
{
    return a < 0 || b < 0 ? -1 : MAX(a, b);
}

static bool update(struct demand *d)
{
    int height = 0;
    for (size_t i = 0; i < d->count; i++)
        height = larger(height, d->entries[i].height);
    bool news = !d->told || height != d->height;
    d->height = height;
    d->told = true;
    return news;
}

static struct demand_entry *entry_of(struct demand *d, uint32_t receiver)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->entries[i].receiver == receiver)
            return &d->entries[i];
    return NULL;
}

bool demand_set(struct demand *d, uint32_t receiver, int height)
{
    struct demand_entry *entry = entry_of(d, receiver);
    if (!entry) {
        if (d->count == d->cap) {
            d->cap = d->cap ? 2 * d->cap : 4;
            d->entries = realloc(d->entries, d->cap * sizeof *d->entries);
            if (!d->entries)
                abort();
        }
        entry = &d->entries[d->count++];
        entry->receiver = receiver;
    }
    entry->height = height;
    return update(d);
}

bool demand_drop(struct demand *d, uint32_t receiver)
{
    struct demand_entry *entry = entry_of(d, receiver);
    if (!entry)
        return false;
    *entry = d->entries[--d->count];
    return update(d);
}
