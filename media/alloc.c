/* alloc.c - see alloc.h. The rules are those of the stock bridge, to the letter: clients and tests rely on its choices
 * (bridge-channel.md 8.3 to 8.5). */
#include "media/alloc_wants.h"

#include <stdlib.h>

enum {
    THUMBNAIL_HEIGHT = 180, /* up to here, a camera needs no preferred size */
    HELD_BACK_MS = 500,     /* look again whether the reserve still must be kept */
};

const struct alloc_policy alloc_policy_default = {
    .default_height = 180,
    .stage_height = 360,
    .stage_framerate = 30,
    .oversend = true,
    .max_oversend_bps = 500000,
    .run_again_us = SEC(5),
};

/* One source during a run. Positions are in cand[], -1: none. */
struct work {
    const struct alloc_source *source;
    size_t at;   /* in the sources given */
    size_t rank; /* among those on stage or selected, SIZE_MAX: not among them */
    bool enabled, on_stage;
    int wanted; /* constraint */
    int height; /* effective constraint */
    bool capped;
    int count;
    struct layer cand[LAYERS_MAX];
    int preferred, oversend, target;
    int had;      /* layer index that its place had: beyond it a reserve stays free */
    bool resting; /* and beyond it there is nothing yet: it was taken away just now */
    int keeps;    /* in cand[]: what its place was given just now, -1: nothing */
    int turns;    /* that it has had already, so that it gets no more than its share for having begun with that */
};

struct place { /* what stood there in the last run */
    int height, target;
    bool on_stage, full; /* full: it got all that it could use, so that it was not the budget that set its limit */
    bool rose;           /* else it fell, when it changed last */
    uint64_t changed_us; /* 0: not since its wish changed */
};

struct memory { /* of one source, to tell what changed */
    const void *key;
    enum bridge_video_type type;
    struct alloc_choice choice;
};

struct alloc_runner {
    const struct alloc_policy *policy;
    struct alloc result;
    struct work *work;
    struct alloc_choice *choices;
    size_t *slots;
    struct memory *before, *after;
    struct place *places; /* by priority; as many as in before */
    bool same_wishes;
    size_t before_count, cap;
    bool ran;
    uint64_t ran_us;
};

/* ---- order and effective constraints (8.3) ---- */

static bool is_enabled(enum bridge_video_type type)
{
    return type != BRIDGE_VIDEO_NONE && type != BRIDGE_VIDEO_DISABLED;
}

static int by_priority(const void *left, const void *right)
{
    const struct work *a = left, *b = right;
    if (a->enabled != b->enabled)
        return a->enabled ? -1 : 1;
    if (a->enabled && a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

static size_t smallest_last_n(const struct alloc_wants *wants, const struct alloc_limits *limits, bool *by_bridge)
{
    const int all[] = {alloc_wants_last_n(wants), limits->max_sources, limits->last_n};
    size_t n = SIZE_MAX;
    for (size_t i = 0; i < COUNT(all); i++) {
        bool less = all[i] >= 0 && (size_t)all[i] < n;
        n = less ? (size_t)all[i] : n;
        *by_bridge = less && i == COUNT(all) - 1;
    }
    return n;
}

static void order_sources(struct work *work, const struct alloc_wants *wants, const struct alloc_source *sources,
                          size_t count, const struct alloc_limits *limits)
{
    for (size_t i = 0; i < count; i++) {
        struct work *w = &work[i];
        *w = (struct work){.source = &sources[i], .at = i, .preferred = -1, .oversend = -1, .target = -1, .keeps = -1};
        w->enabled = is_enabled(sources[i].type);
        w->rank = alloc_wants_rank(wants, sources[i].name, &w->on_stage);
    }
    qsort(work, count, sizeof *work, by_priority);
    bool by_bridge;
    size_t n = 0, last_n = smallest_last_n(wants, limits, &by_bridge);
    for (size_t i = 0; i < count; i++) {
        struct work *w = &work[i];
        w->wanted = alloc_wants_height(wants, w->source->name);
        w->height = w->enabled && n < last_n ? w->wanted : 0;
        w->capped = by_bridge && n >= last_n;
        n += w->height != 0;
    }
}

/* ---- candidate layers (8.4) ---- */

static bool within(int height, int limit)
{
    return limit < 0 || height <= limit;
}

static bool any_active(const struct alloc_source *s)
{
    for (size_t i = 0; i < s->layer_count; i++)
        if (s->layers[i].bitrate_bps > 0)
            return true;
    return false;
}

static int smallest_height(const struct layer *layers, size_t count)
{
    int height = INT32_MAX;
    for (size_t i = 0; i < count; i++)
        height = MIN(height, layers[i].height);
    return height;
}

static void camera_candidates(struct work *w, const struct alloc_policy *policy)
{
    const struct alloc_source *s = w->source;
    int least = smallest_height(s->layers, s->layer_count);
    bool stage = !within(w->height, THUMBNAIL_HEIGHT) || w->height < 0;
    int height = stage ? policy->stage_height : -1;
    float fastest = LAYER_RATE_UNKNOWN, framerate = stage ? policy->stage_framerate : -1;
    for (size_t i = 0; i < s->layer_count; i++)
        fastest = MAX(fastest, s->layers[i].framerate);
    if (fastest > 0)
        framerate = MIN(framerate, fastest);
    bool active = any_active(s);

    for (size_t i = 0; i < s->layer_count; i++) {
        const struct layer *l = &s->layers[i];
        bool smooth = l->framerate < 0 || l->framerate >= framerate;
        bool fits = l->height < height || (within(l->height, w->height) && smooth) || l->height == least;
        if (!fits || (active && l->bitrate_bps == 0))
            continue;
        w->cand[w->count++] = *l;
        if (l->height <= MAX(height, least))
            w->preferred = w->count - 1;
    }
}

static void desktop_candidates(struct work *w, const struct alloc_policy *policy)
{
    const struct alloc_source *s = w->source;
    struct layer usable[LAYERS_MAX];
    size_t n = 0;
    bool active = any_active(s);
    for (size_t i = 0; i < s->layer_count; i++)
        if (!active || s->layers[i].bitrate_bps > 0)
            usable[n++] = s->layers[i];
    for (size_t i = 0; i < n; i++)
        if (within(usable[i].height, w->height))
            w->cand[w->count++] = usable[i];
    if (w->count == 0) {
        int least = smallest_height(usable, n);
        for (size_t i = 0; i < n; i++)
            if (usable[i].height == least)
                w->cand[w->count++] = usable[i];
        if (!w->on_stage && w->cand[0].framerate < 0)
            w->count = 1;
    }
    w->preferred = w->count - 1;
    if (!w->on_stage || !policy->oversend)
        return;
    w->oversend = 0; /* the cheapest of the largest */
    for (int i = 1; i < w->count; i++) {
        const struct layer *l = &w->cand[i], *best = &w->cand[w->oversend];
        if (l->height > best->height || (l->height == best->height && l->bitrate_bps < best->bitrate_bps))
            w->oversend = i;
    }
}

static void find_candidates(struct work *w, const struct alloc_policy *policy)
{
    if (w->height == 0 || w->source->layer_count == 0)
        return;
    switch (w->source->type) {
    case BRIDGE_VIDEO_CAMERA: camera_candidates(w, policy); break;
    case BRIDGE_VIDEO_DESKTOP:
    case BRIDGE_VIDEO_DESKTOP_HIGH_FPS: desktop_candidates(w, policy); break;
    case BRIDGE_VIDEO_DISABLED:
    case BRIDGE_VIDEO_NONE: break;
    }
}

/* ---- sharing the budget (8.5) ---- */

static int64_t bitrate_at(const struct work *w, int i)
{
    return i < 0 ? 0 : (int64_t)w->cand[i].bitrate_bps;
}

struct purse { /* while one budget is being shared */
    int64_t remaining_bps, reserve_bps, oversend_bps;
    bool held_back;
};

/* Whether a layer is affordable, at most (greedy) or with something to spare. */
static bool affords(struct purse *purse, const struct work *w, int i, int64_t most, bool greedy)
{
    int64_t cost = bitrate_at(w, i);
    if (greedy ? cost > most : cost >= most)
        return false;
    bool spares = cost <= most - purse->reserve_bps || cost <= bitrate_at(w, w->target);
    bool starves = w->on_stage && w->target < 0 && w->had < 0; /* a picture that flaps is better than none */
    if (w->cand[i].index <= w->had || (spares && !w->resting) || starves)
        return true;
    purse->held_back = true;
    return false;
}

/* One step up for one source; returns what it costs. The first source may go beyond the budget by oversend_bps. */
static int64_t improve(struct work *w, struct purse *purse, int64_t oversend_bps)
{
    if (w->count == 0)
        return 0;
    int64_t before = bitrate_at(w, w->target), most = purse->remaining_bps + before;
    if (w->target < 0 && w->preferred >= 0 && w->on_stage) {
        while (w->target < w->preferred && affords(purse, w, w->target + 1, most, true))
            w->target++;
    } else if (w->target + 1 < w->count && affords(purse, w, w->target + 1, most, false)) {
        w->target++;
    }
    if (w->target >= 0) { /* better layers that are not dearer; as the stock bridge, down to the nearest of them */
        int from = w->target;
        for (int i = w->count - 1; i > from; i--)
            if (bitrate_at(w, i) <= bitrate_at(w, w->target))
                w->target = i;
    }
    if (oversend_bps > 0 && w->oversend > w->target) {
        int from = w->target;
        for (int i = w->oversend; i > from; i--)
            if (bitrate_at(w, i) <= most + oversend_bps)
                w->target = i;
    }
    return bitrate_at(w, w->target) - before;
}

/* Goes on while a target moves. The stock bridge goes on while something is spent, so that a source whose temporal layers
 * cost the same (an encoder without them) stays at its lowest encoding, and one that has sent nothing yet is to start in
 * its lowest (bridge-channel.md 8.8: index 1). Ours is to start with the best: its first key frames may go out whole. */
static bool share(struct work *work, size_t count, struct purse *purse) /* true: oversending */
{
    bool oversending = false, moved;
    do {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            struct work *w = &work[i];
            if (w->height == 0)
                continue;
            int target = w->target;
            bool waits = w->turns > 0;
            if (waits)
                w->turns--;
            else
                purse->remaining_bps -= improve(w, purse, i == 0 ? purse->oversend_bps : 0);
            moved |= waits || w->target > target;
            oversending |= purse->remaining_bps < 0;
            if (w->on_stage && w->target < w->preferred)
                break; /* thumbnails wait for the stage */
        }
    } while (moved);
    return oversending;
}

/* ---- what each place had ---- */

static bool is_served(const struct alloc_runner *r, size_t at) /* then and now */
{
    return at < r->before_count && r->places[at].height != 0 && r->work[at].height != 0;
}

static int find_layer(const struct work *w, int index) /* in cand[] */
{
    for (int i = 0; i < w->count; i++)
        if (w->cand[i].index == index)
            return i;
    return -1;
}

static void recall_places(struct alloc_runner *r, size_t count, uint64_t hold_us, uint64_t now_us)
{
    r->same_wishes = true;
    for (size_t i = 0; i < count; i++)
        if (is_served(r, i))
            r->same_wishes &= r->places[i].height == r->work[i].height && r->places[i].on_stage == r->work[i].on_stage;
    for (size_t i = 0; i < count; i++) {
        struct work *w = &r->work[i];
        const struct place *place = &r->places[i];
        bool known = r->same_wishes && is_served(r, i), limited = known && !place->full;
        bool young = known && place->changed_us && now_us - place->changed_us < hold_us;
        w->had = limited ? place->target : INT32_MAX;
        w->resting = limited && young && !place->rose;
        w->keeps = young && place->rose ? find_layer(w, place->target) : -1;
    }
}

/* What was given just now comes first, but only if nobody has to go down: else it is shared anew, in order. */
static void keep_what_is_young(struct alloc_runner *r, size_t count, struct purse *purse)
{
    int64_t cost_bps = 0;
    for (size_t i = 0; r->same_wishes && i < count; i++)
        if (is_served(r, i))
            cost_bps += bitrate_at(&r->work[i], find_layer(&r->work[i], r->places[i].target));
    for (size_t i = 0; i < count && cost_bps <= purse->remaining_bps; i++) {
        struct work *w = &r->work[i];
        w->target = w->keeps;
        w->turns = w->keeps + 1;
        purse->remaining_bps -= bitrate_at(w, w->target);
        cost_bps -= bitrate_at(w, w->target);
    }
}

static struct place next_place(const struct place *before, const struct alloc_choice *c, bool known, uint64_t now_us)
{
    struct place next = {.height = c->max_height, .target = c->target, .on_stage = c->on_stage};
    next.full = c->target == c->ideal;
    bool changed = known && c->target != before->target;
    next.rose = changed ? c->target > before->target : known && before->rose;
    next.changed_us = changed ? now_us : known ? before->changed_us : 0;
    return next;
}

static void remember_places(struct alloc_runner *r, size_t count, uint64_t now_us)
{
    r->result.raised = r->result.lowered = false;
    for (size_t i = 0; i < count; i++) {
        const struct alloc_choice *c = &r->choices[i];
        bool known = r->same_wishes && is_served(r, i);
        struct place next = next_place(&r->places[i], c, known, now_us);
        r->result.raised |= known && c->target > r->places[i].target;
        r->result.lowered |= known && c->target < r->places[i].target && !next.full;
        r->places[i] = next;
    }
}

/* ---- the result, and how it differs from the last ---- */

static struct alloc_choice choice_of(const struct work *w)
{
    int ideal = w->count - 1;
    return (struct alloc_choice){
        .source = w->at,
        .wanted_height = w->wanted,
        .max_height = w->height,
        .capped = w->capped,
        .target = w->target < 0 ? LAYER_NONE : w->cand[w->target].index,
        .ideal = ideal < 0 ? LAYER_NONE : w->cand[ideal].index,
        .target_bps = bitrate_at(w, w->target),
        .ideal_bps = bitrate_at(w, ideal),
        .on_stage = w->on_stage,
        .suspended = w->count > 0 && w->cand[0].bitrate_bps > 0 && w->target < 0,
    };
}

static int by_key(const void *left, const void *right)
{
    const struct memory *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

static void compare(struct alloc_runner *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct alloc_choice *c = &r->choices[i];
        const struct alloc_source *s = r->work[i].source;
        r->after[i] = (struct memory){s->key, s->type, *c};
    }
    qsort(r->after, count, sizeof *r->after, by_key);
    bool other = !r->ran || count != r->before_count;
    struct alloc *a = &r->result;
    a->targets_changed = a->forwarded_changed = a->heights_changed = other;
    for (size_t i = 0; i < count && !other; i++) {
        const struct memory *x = &r->before[i], *y = &r->after[i];
        bool same = x->key == y->key && x->type == y->type;
        a->targets_changed |= !same || x->choice.target != y->choice.target;
        a->forwarded_changed |= x->key != y->key || (x->choice.target < 0) != (y->choice.target < 0);
        a->heights_changed |= !same || x->choice.max_height != y->choice.max_height;
    }
    struct memory *swap = r->before;
    r->before = r->after;
    r->after = swap;
    r->before_count = count;
}

static void list_slots(struct alloc_runner *r, size_t count, size_t max)
{
    size_t n = 0;
    for (int wanted = 1; wanted >= 0; wanted--) /* those nobody asked for fill up, so that asking needs no new SSRC */
        for (size_t i = 0; i < count && n < max; i++)
            if (r->work[i].enabled && (r->work[i].height != 0) == wanted)
                r->slots[n++] = r->work[i].at;
    r->result.slots = r->slots;
    r->result.slot_count = n;
}

static void *resize(void *array, size_t count, size_t size)
{
    void *memory = reallocarray(array, count, size);
    if (!memory)
        abort();
    return memory;
}

static void make_room(struct alloc_runner *r, size_t count)
{
    if (count <= r->cap)
        return;
    r->cap = MAX(count, 2 * r->cap);
    r->work = resize(r->work, r->cap, sizeof *r->work);
    r->choices = resize(r->choices, r->cap, sizeof *r->choices);
    r->slots = resize(r->slots, r->cap, sizeof *r->slots);
    r->before = resize(r->before, r->cap, sizeof *r->before);
    r->after = resize(r->after, r->cap, sizeof *r->after);
    r->places = resize(r->places, r->cap, sizeof *r->places);
}

struct alloc_runner *alloc_runner_new(const struct alloc_policy *policy)
{
    struct alloc_runner *r = resize(NULL, 1, sizeof *r);
    *r = (struct alloc_runner){.policy = policy};
    make_room(r, 8);
    return r;
}

void alloc_runner_free(struct alloc_runner *r)
{
    if (!r)
        return;
    free(r->work);
    free(r->choices);
    free(r->slots);
    free(r->before);
    free(r->after);
    free(r->places);
    free(r);
}

const struct alloc *alloc_run(struct alloc_runner *r, const struct alloc_wants *wants,
                              const struct alloc_source *sources, size_t count, const struct alloc_limits *limits,
                              uint64_t now_us)
{
    make_room(r, count);
    order_sources(r->work, wants, sources, count, limits);
    for (size_t i = 0; i < count; i++)
        find_candidates(&r->work[i], r->policy);
    bool was_oversending = r->result.oversending;
    recall_places(r, count, limits->hold_us, now_us);
    struct purse purse = {.remaining_bps = MIN(limits->budget_bps, ALLOC_UNLIMITED),
                          .reserve_bps = limits->reserve_bps,
                          .oversend_bps = r->policy->max_oversend_bps};
    keep_what_is_young(r, count, &purse);
    r->result.oversending = share(r->work, count, &purse);
    r->result.held_back = purse.held_back;
    for (size_t i = 0; i < count; i++)
        r->choices[i] = choice_of(&r->work[i]);
    remember_places(r, count, now_us);
    r->result.choices = r->choices;
    r->result.count = count;
    list_slots(r, count, limits->max_sources < 0 ? SIZE_MAX : (size_t)limits->max_sources);
    compare(r, count);
    r->result.targets_changed |= was_oversending != r->result.oversending;
    r->ran = true;
    r->ran_us = now_us;
    return &r->result;
}

bool alloc_last(const struct alloc_runner *r, const void *key, struct alloc_choice *out)
{
    struct memory wanted = {.key = key};
    const struct memory *found = bsearch(&wanted, r->before, r->before_count, sizeof *r->before, by_key);
    if (found)
        *out = found->choice;
    return found;
}

uint64_t alloc_deadline_us(const struct alloc_runner *r)
{
    if (!r->ran)
        return 0;
    return r->ran_us + (r->result.held_back ? MIN(MS(HELD_BACK_MS), r->policy->run_again_us) : r->policy->run_again_us);
}

bool alloc_budget_moved(int64_t acted_on_bps, int64_t now_bps, double threshold)
{
    if (acted_on_bps == now_bps)
        return false;
    if (acted_on_bps < 0 || now_bps < 0)
        return true;
    int64_t step = now_bps > acted_on_bps ? now_bps - acted_on_bps : acted_on_bps - now_bps;
    return (double)step > threshold * (double)acted_on_bps;
}
