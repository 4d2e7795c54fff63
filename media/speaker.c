/* speaker.c - see speaker.h. The mathematics of one speaker is in speaker_dsi.c. */
#include "media/speaker.h"

#include <math.h>
#include <stdlib.h>

#include "media/speaker_dsi.h"
#include "proto/map.h"

enum {
    DECISION_US = 300000,
    IDLE_US = 15000000, /* without levels for so long, deciding stops until the next one */
};

/* Thresholds a challenger must pass, on the logarithm of its score over the dominant speaker's. */
static const double immediate_threshold = 3, medium_threshold = 2, long_threshold = 0;

struct person {
    uint32_t endpoint;
    bool video;
    bool gone; /* left while dominant: its scores stay to be beaten, lest somebody silent inherits */
    struct dsi dsi;
};

struct loud {
    uint32_t endpoint;
    int energy;
    uint64_t level_us;
};

struct ids {
    uint32_t *v;
    size_t n, cap;
};

struct speakers {
    struct speaker_config config;
    struct map by_endpoint;
    struct person **people; /* by joining */
    size_t count, cap;
    struct ids by_speech; /* all endpoints here: latest speaker first, then by joining */
    struct ids recent;    /* those that were dominant and are still here */
    struct ids order;     /* by_speech, those with video first */

    struct person *dominant; /* in the detector's eyes; NULL: nobody */
    uint32_t told;           /* the last dominant endpoint told, if any was */
    bool told_any, silent;
    bool running;
    uint64_t start_us, level_us, decided_us;

    struct loud *loud; /* loudest first */
    size_t loud_count;

    bool news_dominant, news_recent, news_order;
};

static void *take(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

struct speaker_config speaker_config_default(void)
{
    return (struct speaker_config){
        .recent_count = 10,
        .silence_us = SEC(3),
        .loudest_count = 3,
        .keep_dominant = true,
        .energy_us = MS(150),
        .energy_percent = 50,
    };
}

struct speakers *speaker_new(const struct speaker_config *config)
{
    struct speakers *s = take(calloc(1, sizeof *s));
    s->config = *config;
    s->loud = take(calloc(config->loudest_count + 1u, sizeof *s->loud));
    map_init(&s->by_endpoint);
    return s;
}

void speaker_free(struct speakers *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->people[i]);
    free(s->people);
    free(s->by_speech.v);
    free(s->recent.v);
    free(s->order.v);
    free(s->loud);
    map_done(&s->by_endpoint);
    free(s);
}

/* ---- lists of endpoints ---- */

static void ids_insert(struct ids *ids, size_t at, uint32_t endpoint)
{
    if (ids->n == ids->cap) {
        ids->cap = ids->cap ? 2 * ids->cap : 8;
        ids->v = take(reallocarray(ids->v, ids->cap, sizeof *ids->v));
    }
    memmove(&ids->v[at + 1], &ids->v[at], (ids->n - at) * sizeof *ids->v);
    ids->v[at] = endpoint;
    ids->n++;
}

static bool ids_remove(struct ids *ids, uint32_t endpoint, size_t *was_at)
{
    for (size_t i = 0; i < ids->n; i++) {
        if (ids->v[i] != endpoint)
            continue;
        ids->n--;
        memmove(&ids->v[i], &ids->v[i + 1], (ids->n - i) * sizeof *ids->v);
        *was_at = i;
        return true;
    }
    return false;
}

static void ids_to_front(struct ids *ids, uint32_t endpoint)
{
    size_t was_at;
    ids_remove(ids, endpoint, &was_at);
    ids_insert(ids, 0, endpoint);
}

static struct person *person_of(const struct speakers *s, uint32_t endpoint)
{
    return map_get_u32(&s->by_endpoint, endpoint);
}

/* Those with video first, each part by speech (8.2). */
static void update_order(struct speakers *s)
{
    bool changed = s->order.n != s->by_speech.n;
    size_t n = 0;
    for (int video = 1; video >= 0; video--)
        for (size_t i = 0; i < s->by_speech.n; i++) {
            uint32_t endpoint = s->by_speech.v[i];
            if (person_of(s, endpoint)->video != video)
                continue;
            if (n == s->order.n)
                ids_insert(&s->order, n, endpoint);
            changed |= s->order.v[n] != endpoint;
            s->order.v[n++] = endpoint;
        }
    s->order.n = n;
    s->news_order |= changed;
}

void speaker_join(struct speakers *s, uint32_t endpoint)
{
    if (person_of(s, endpoint))
        return;
    struct person *person = take(calloc(1, sizeof *person));
    person->endpoint = endpoint;
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 8;
        s->people = take(reallocarray(s->people, s->cap, sizeof(struct person *)));
    }
    s->people[s->count++] = person;
    map_put_u32(&s->by_endpoint, endpoint, person);
    ids_insert(&s->by_speech, s->by_speech.n, endpoint);
    s->news_recent |= s->by_speech.n == 1;
    update_order(s);
}

static void remove_person(struct speakers *s, struct person *person)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->people[i] != person)
            continue;
        s->count--;
        memmove(&s->people[i], &s->people[i + 1], (s->count - i) * sizeof(struct person *));
        break;
    }
    free(person);
}

static void forget_loud(struct speakers *s, uint32_t endpoint, uint64_t oldest_us)
{
    size_t n = 0;
    for (size_t i = 0; i < s->loud_count; i++)
        if (s->loud[i].endpoint != endpoint && s->loud[i].level_us >= oldest_us)
            s->loud[n++] = s->loud[i];
    s->loud_count = n;
}

void speaker_leave(struct speakers *s, uint32_t endpoint)
{
    struct person *person = map_del_u32(&s->by_endpoint, endpoint);
    if (!person)
        return;
    size_t at;
    if (ids_remove(&s->by_speech, endpoint, &at))
        s->news_recent |= at == 0;
    if (ids_remove(&s->recent, endpoint, &at))
        s->news_recent |= at <= s->config.recent_count;
    forget_loud(s, endpoint, 0);
    if (person == s->dominant)
        person->gone = true;
    else
        remove_person(s, person);
    update_order(s);
}

void speaker_set_video(struct speakers *s, uint32_t endpoint, bool available)
{
    struct person *person = person_of(s, endpoint);
    if (!person || person->video == available)
        return;
    person->video = available;
    update_order(s);
}

/* ---- the loudest (10.4) ---- */

/* The place of this level among the loudest; loudest_count or more: not among them. */
static size_t rank_level(struct speakers *s, const struct person *person, bool in_time, uint64_t now_us)
{
    if (!in_time) {
        for (size_t i = 0; i < s->loud_count; i++)
            if (s->loud[i].endpoint == person->endpoint)
                return i;
        return s->config.loudest_count;
    }
    int alpha = (int)s->config.energy_percent, before = 0;
    for (size_t i = 0; i < s->loud_count; i++)
        if (s->loud[i].endpoint == person->endpoint)
            before = s->loud[i].energy;
    struct loud now = {person->endpoint, (alpha * dsi_cooked(&person->dsi) + (100 - alpha) * before + 50) / 100,
                       now_us};
    forget_loud(s, person->endpoint, now_us > s->config.energy_us ? now_us - s->config.energy_us : 0);
    size_t rank = 0;
    while (rank < s->loud_count && s->loud[rank].energy >= now.energy)
        rank++;
    if (rank < s->config.loudest_count) {
        memmove(&s->loud[rank + 1], &s->loud[rank], (s->loud_count - rank) * sizeof *s->loud);
        s->loud[rank] = now;
        s->loud_count = MIN(s->loud_count + 1, (size_t)s->config.loudest_count);
    }
    return rank;
}

/* ---- the dominant speaker (10.3) ---- */

static bool beats(const struct dsi_score *a, const struct dsi_score *b, double *by)
{
    *by = log(a->medium / b->medium);
    return log(a->immediate / b->immediate) > immediate_threshold && *by > medium_threshold &&
           log(a->lasting / b->lasting) > long_threshold;
}

static struct dsi_score score_at(struct person *person, uint64_t now_us)
{
    struct dsi_score score = dsi_score(&person->dsi);
    if (score.lasting > DSI_SCORE_MIN)
        person->dsi.loud_us = now_us;
    return score;
}

static bool fell_silent(const struct speakers *s, const struct person *person, uint64_t now_us)
{
    return s->config.detect_silence && now_us - person->dsi.loud_us > s->config.silence_us;
}

static struct person *elect(struct speakers *s, uint64_t now_us)
{
    struct person *defender = s->dominant, *any = NULL, *winner = NULL;
    size_t heard = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->people[i]->dsi.heard)
            continue;
        dsi_fill(&s->people[i]->dsi, s->start_us, now_us);
        heard++;
        if (!any)
            any = s->people[i];
    }
    if (heard < 2)
        return any;
    if (!defender)
        defender = any;
    struct dsi_score own = score_at(defender, now_us);
    double best = medium_threshold, by;
    for (size_t i = 0; i < s->count; i++) {
        struct person *other = s->people[i];
        if (other == defender || !other->dsi.heard)
            continue;
        struct dsi_score score = score_at(other, now_us);
        if (beats(&score, &own, &by) && by > best) {
            best = by;
            winner = other;
        }
    }
    if (winner)
        return winner;
    return fell_silent(s, defender, now_us) ? NULL : defender;
}

static void decide(struct speakers *s, uint64_t now_us)
{
    s->decided_us = now_us;
    struct person *person = elect(s, now_us), *before = s->dominant;
    if (person == before)
        return;
    s->dominant = person;
    if (before && before->gone)
        remove_person(s, before);
    bool was_silent = s->silent;
    s->silent = !person;
    if (!person || (s->told_any && s->told == person->endpoint)) {
        s->news_recent |= s->silent != was_silent;
        return;
    }
    s->told_any = true;
    s->told = person->endpoint;
    ids_to_front(&s->by_speech, person->endpoint);
    ids_to_front(&s->recent, person->endpoint);
    s->news_dominant = true;
    update_order(s);
}

bool speaker_on_level(struct speakers *s, uint32_t endpoint, uint8_t loudness, bool wanted_explicitly, uint64_t now_us)
{
    struct person *person = person_of(s, endpoint);
    if (!person)
        return true;
    if (s->running)
        dsi_fill(&person->dsi, s->start_us, now_us);
    bool in_time = dsi_on_level(&person->dsi, loudness, now_us);
    s->level_us = MAX(s->level_us, now_us);
    if (!s->running) {
        s->running = true;
        s->start_us = now_us;
        decide(s, now_us);
    }
    if (!s->config.loudest_only)
        return true;
    size_t rank = rank_level(s, person, in_time, now_us);
    return rank < s->config.loudest_count || wanted_explicitly || (s->config.keep_dominant && person == s->dominant);
}

void speaker_on_time(struct speakers *s, uint64_t now_us)
{
    if (!s->running || now_us < s->decided_us + DECISION_US)
        return;
    decide(s, now_us);
    if (s->decided_us >= s->level_us + IDLE_US)
        s->running = false;
}

uint64_t speaker_deadline_us(const struct speakers *s)
{
    return s->running ? s->decided_us + DECISION_US : NEVER_US;
}

enum speaker_event speaker_poll(struct speakers *s)
{
    enum speaker_event event = SPEAKER_NOTHING;
    if (s->news_dominant && s->recent.n > 0)
        event = SPEAKER_DOMINANT;
    else if (s->news_recent && s->recent.n > 0)
        event = SPEAKER_RECENT;
    s->news_dominant = s->news_recent = false; /* with nobody to tell of, there is nothing to tell */
    if (event == SPEAKER_NOTHING && s->news_order) {
        s->news_order = false;
        event = SPEAKER_ORDER;
    }
    return event;
}

size_t speaker_recent(const struct speakers *s, uint32_t *out, size_t max)
{
    size_t n = MIN(MIN(s->recent.n, s->config.recent_count + (size_t)1), max);
    if (n > 0)
        memcpy(out, s->recent.v, n * sizeof *out);
    return n;
}

bool speaker_is_silent(const struct speakers *s)
{
    return s->silent;
}

size_t speaker_order(const struct speakers *s, const uint32_t **out)
{
    *out = s->order.v;
    return s->order.n;
}

/* ---- silence (10.1) ---- */

bool speaker_silence_hides(struct speaker_silence *s, int limit, bool has_level, uint8_t rfc6464_level)
{
    if (!has_level)
        return false;
    if (rfc6464_level != 127) {
        s->run = 0;
        return false;
    }
    if (s->run > MIN(limit, UINT8_MAX - 1))
        return true;
    s->run++;
    return false;
}
