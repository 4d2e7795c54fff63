/* alloc_wants.c - what one receiver asked for, kept between its messages. See alloc.h. */
#include "media/alloc_wants.h"

#include <stdlib.h>

struct names {
    char **v;
    size_t n;
};

struct limit {
    char *source;
    int height;
};

struct alloc_wants {
    const struct alloc_policy *policy;
    bool received; /* a ReceiverVideoConstraints message came */
    int last_n;
    int default_height;
    int64_t assumed_bps;
    struct names on_stage, selected;
    struct map ranks; /* name -> position + 1 in on_stage, then selected */
    struct limit *limits;
    size_t limit_count;
    struct map heights; /* name -> its struct limit */
};

static void *take(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static int height_of(const struct bridge_msg_constraint *c) /* a frame rate of 0 disables, others are not used */
{
    return c->max_framerate == 0 ? 0 : MAX(c->max_height, ALLOC_UNLIMITED_HEIGHT);
}

struct alloc_wants *alloc_wants_new(const struct alloc_policy *policy)
{
    struct alloc_wants *w = take(calloc(1, sizeof *w));
    w->last_n = ALLOC_NO_LAST_N;
    w->policy = policy;
    w->default_height = policy->initial_height;
    w->assumed_bps = -1;
    map_init(&w->ranks);
    map_init(&w->heights);
    return w;
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    free(names->v);
    *names = (struct names){0};
}

static void free_limits(struct alloc_wants *w)
{
    for (size_t i = 0; i < w->limit_count; i++)
        free(w->limits[i].source);
    free(w->limits);
    w->limits = NULL;
    w->limit_count = 0;
    map_done(&w->heights);
    map_init(&w->heights);
}

void alloc_wants_free(struct alloc_wants *w)
{
    if (!w)
        return;
    free_names(&w->on_stage);
    free_names(&w->selected);
    free_limits(w);
    map_done(&w->ranks);
    map_done(&w->heights);
    free(w);
}

static bool set_int(int *field, int value)
{
    bool changed = *field != value;
    *field = value;
    return changed;
}

static bool set_names(struct names *names, const struct bridge_msg_names *to)
{
    bool same = names->n == to->n;
    for (size_t i = 0; same && i < to->n; i++)
        same = strcmp(names->v[i], to->v[i]) == 0;
    if (same)
        return false;
    free_names(names);
    names->v = take(calloc(to->n + 1, sizeof *names->v));
    for (; names->n < to->n; names->n++)
        names->v[names->n] = take(strdup(to->v[names->n]));
    return true;
}

static bool set_limits(struct alloc_wants *w, const struct bridge_msg_source_constraint *to, size_t count)
{
    bool same = w->limit_count == count;
    for (size_t i = 0; same && i < count; i++)
        same = w->limits[i].height == height_of(&to[i].limit) && strcmp(w->limits[i].source, to[i].source) == 0;
    if (same)
        return false;
    free_limits(w);
    w->limits = take(calloc(count + 1, sizeof *w->limits));
    for (size_t i = 0; i < count; i++, w->limit_count++) {
        w->limits[i] = (struct limit){take(strdup(to[i].source)), height_of(&to[i].limit)};
        map_put(&w->heights, bytes_str(to[i].source), &w->limits[i]);
    }
    return true;
}

static void rank_names(struct alloc_wants *w)
{
    map_done(&w->ranks);
    map_init(&w->ranks);
    const struct names *lists[] = {&w->on_stage, &w->selected};
    uintptr_t rank = 0;
    for (size_t l = 0; l < COUNT(lists); l++)
        for (size_t i = 0; i < lists[l]->n; i++) {
            rank++;
            if (!map_get_str(&w->ranks, lists[l]->v[i]))
                map_put(&w->ranks, bytes_str(lists[l]->v[i]), (void *)rank);
        }
}

bool alloc_wants_on_message(struct alloc_wants *w, const struct bridge_msg_receiver_video *msg)
{
    bool changed = false, ranks_changed = false;
    if (msg->has_last_n)
        changed |= alloc_wants_on_last_n(w, msg->last_n);
    if (msg->has_default)
        changed |= set_int(&w->default_height, height_of(&msg->default_limit));
    else if (!w->received)
        changed |= set_int(&w->default_height, w->policy->default_height);
    if (msg->has_on_stage)
        ranks_changed |= set_names(&w->on_stage, &msg->on_stage);
    if (msg->has_selected)
        ranks_changed |= set_names(&w->selected, &msg->selected);
    if (ranks_changed)
        rank_names(w);
    if (msg->has_constraints)
        changed |= set_limits(w, msg->constraints, msg->constraints_count);
    if (msg->has_assumed_bandwidth && w->assumed_bps != MAX(msg->assumed_bandwidth_bps, -1)) {
        w->assumed_bps = MAX(msg->assumed_bandwidth_bps, -1);
        changed = true;
    }
    w->received = true;
    return changed || ranks_changed;
}

bool alloc_wants_on_last_n(struct alloc_wants *w, int last_n)
{
    return set_int(&w->last_n, MAX(last_n, ALLOC_NO_LAST_N));
}

bool alloc_wants_set_initial_last_n(struct alloc_wants *w, int last_n)
{
    return !w->received && alloc_wants_on_last_n(w, last_n);
}

int alloc_wants_last_n(const struct alloc_wants *w)
{
    return w->last_n;
}

int64_t alloc_wants_assumed_bps(const struct alloc_wants *w)
{
    return w->assumed_bps;
}

int alloc_wants_height(const struct alloc_wants *w, const char *source)
{
    const struct limit *limit = map_get_str(&w->heights, source);
    return limit ? limit->height : w->default_height;
}

size_t alloc_wants_rank(const struct alloc_wants *w, const char *source, bool *on_stage)
{
    size_t rank = (size_t)(uintptr_t)map_get_str(&w->ranks, source);
    *on_stage = rank > 0 && rank <= w->on_stage.n;
    return rank > 0 ? rank - 1 : SIZE_MAX;
}
