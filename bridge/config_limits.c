/* config_limits.c - videobridge.load-management.conference-last-n-limits: how many videos anybody gets, by how large the
 * conference is. An object whose keys are numbers, which the table of settings cannot hold. */
#include <errno.h>
#include <stdlib.h>

#include "bridge/config_impl.h"
#include "proto/hocon.h"

#define KEY "videobridge.load-management.conference-last-n-limits"

static bool read_size(const char *key, int32_t *out)
{
    char *end;
    errno = 0;
    long n = strtol(key, &end, 10);
    *out = (int32_t)n;
    return !errno && end != key && !*end && n >= 0 && n <= INT32_MAX;
}

void config_read_limits(struct reading *r)
{
    struct config *cfg = r->cfg;
    const struct hocon_value *v = hocon_get(r->root, KEY);
    if (!v)
        return;
    if (v->kind != HOCON_OBJECT) {
        config_say(r, LOG_ERROR_, v->at, KEY " must be { size = last-n, ... }");
        return;
    }
    cfg->size_limits = calloc(v->count + 1, sizeof *cfg->size_limits);
    if (!cfg->size_limits)
        abort();
    for (size_t i = 0; i < v->count; i++) {
        struct config_size_limit *limit = &cfg->size_limits[cfg->size_limits_count];
        int64_t last_n;
        if (read_size(v->members[i].key, &limit->size) && hocon_as_int(v->members[i].value, &last_n) && last_n >= -1 &&
            last_n <= INT32_MAX) {
            limit->last_n = (int32_t)last_n;
            cfg->size_limits_count++;
        } else {
            config_say(r, LOG_ERROR_, v->members[i].value->at, KEY " takes numbers only: size = last-n");
        }
    }
}
