/* elsewhere.c - see elsewhere.h. */
#include "bridge/elsewhere.h"

#include <stdlib.h>

#include "bridge/path_key.h"
#include "proto/map.h"

enum {
    SETS = 1024, /* a power of two */
    WAYS = 8,
};

struct lesson {
    struct ice_path path;
    uint64_t at_us; /* 0: empty */
    uint16_t worker;
    bool proven;
};

struct elsewhere {
    struct lesson sets[SETS][WAYS];
};

struct elsewhere *elsewhere_new(void)
{
    struct elsewhere *e = calloc(1, sizeof *e);
    if (!e)
        abort();
    return e;
}

void elsewhere_free(struct elsewhere *e)
{
    free(e);
}

static size_t set_of(const struct ice_path *path) /* SipHash under a random key: the set cannot be aimed at */
{
    struct path_key key;
    return map_hash(path_key_of(path, &key)) & (SETS - 1);
}

static bool younger_than(const struct lesson *lesson, uint64_t now_us, uint64_t seconds)
{
    return lesson->at_us && now_us < lesson->at_us + SEC(seconds);
}

static struct lesson *known(struct lesson set[WAYS], uint64_t now_us, const struct ice_path *path)
{
    for (int i = 0; i < WAYS; i++)
        if (younger_than(&set[i], now_us, ELSEWHERE_STALE_S) && ice_path_eq(&set[i].path, path))
            return &set[i];
    return NULL;
}

/* What to give up: stale ones first, then those without proof, then the one heard of longest ago. */
static struct lesson *least_worth(struct lesson set[WAYS], uint64_t now_us)
{
    struct lesson *least = NULL;
    for (int i = 0; i < WAYS; i++) {
        struct lesson *it = &set[i];
        if (!younger_than(it, now_us, ELSEWHERE_STALE_S))
            return it;
        if (!least || it->proven < least->proven || (it->proven == least->proven && it->at_us < least->at_us))
            least = it;
    }
    return least;
}

void elsewhere_learn(struct elsewhere *e, uint64_t now_us, const struct ice_path *path, unsigned worker, bool proven)
{
    struct lesson *set = e->sets[set_of(path)], *old = known(set, now_us, path);
    if (old && old->worker != worker && !proven && younger_than(old, now_us, ELSEWHERE_HELD_S))
        return;
    struct lesson *to = old ? old : least_worth(set, now_us);
    if (!old && !proven && to->proven && younger_than(to, now_us, ELSEWHERE_STALE_S))
        return;
    *to = (struct lesson){.path = *path,
                          .at_us = now_us,
                          .worker = (uint16_t)worker,
                          .proven = proven || (old && old->worker == worker && old->proven)};
}

int elsewhere_find(const struct elsewhere *e, uint64_t now_us, const struct ice_path *path)
{
    const struct lesson *lesson = known((struct lesson *)e->sets[set_of(path)], now_us, path);
    return lesson ? lesson->worker : -1;
}
