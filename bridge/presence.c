/* presence.c - names and formats of the stats; numbers have a decimal point in every locale. */
#include "bridge/presence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static void add(struct presence *p, const char *name, const char *value)
{
    if (p->count < PRESENCE_STATS_MAX && value)
        p->stats[p->count++] = (struct connection_stat){name, value};
}

static void __attribute__((format(printf, 3, 4))) addf(struct presence *p, const char *name, const char *fmt, ...)
{
    if (p->count == PRESENCE_STATS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(p->values[p->count], PRESENCE_VALUE_LEN, fmt, args);
    va_end(args);
    add(p, name, p->values[p->count]);
}

static void add_count(struct presence *p, const char *name, uint64_t value)
{
    addf(p, name, "%" PRIu64, value);
}

static void add_flag(struct presence *p, const char *name, bool value)
{
    add(p, name, value ? "true" : "false");
}

static void add_timestamp(struct presence *p, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[24];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    addf(p, "current_timestamp", "%s.%03u", text, (unsigned)(wall_ms % 1000));
}

static bool is_listed(const struct config_strings *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], name) == 0)
            return true;
    return false;
}

static void keep_only(struct presence *p, const struct config_strings *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (is_listed(list, p->stats[i].name))
            p->stats[kept++] = p->stats[i];
    p->count = kept;
}

void presence_fill(struct presence *p, const struct presence_facts *f)
{
    const struct config *cfg = f->config;
    const struct control_stats *c = &f->control;
    p->count = 0;
    addf(p, "stress_level", "%.3f", f->stress);
    addf(p, "average_participant_stress", "%g", cfg->average_participant_stress);
    add_flag(p, "healthy", f->healthy);
    add_flag(p, "drain", f->draining); /* never absent: the focus would read that as draining */
    add_flag(p, "graceful_shutdown", f->graceful);
    add_flag(p, "shutting_down", f->leaving);
    add(p, "version", KOLIBRI_VERSION "-kolibri");
    add(p, "release", cfg->version_release);
    add(p, "region", cfg->relay_region);
    add(p, "relay_id", cfg->relay ? cfg->relay_id : NULL);
    add_timestamp(p, f->wall_ms);
    add_count(p, "conferences", c->conferences);
    add_count(p, "endpoints", c->endpoints);
    add_count(p, "participants", c->endpoints);
    add_count(p, "local_endpoints", c->endpoints);
    add_count(p, "visitors", c->visitors);
    add_count(p, "largest_conference", c->largest_conference);
    add_count(p, "total_conferences_created", c->conferences_created);
    add_count(p, "total_conferences_completed", c->conferences_completed);
    add_count(p, "total_conference_seconds", c->conference_seconds);
    add_count(p, "total_participants", c->endpoints_created);
    add_count(p, "total_visitors", c->visitors_created);
    add_count(p, "muc_clients_configured", f->connections_configured);
    add_count(p, "muc_clients_connected", f->connections_up);
    add_count(p, "mucs_configured", f->rooms_configured);
    add_count(p, "mucs_joined", f->rooms_joined);
    if (cfg->stats_filter)
        keep_only(p, &cfg->stats_whitelist);
}
