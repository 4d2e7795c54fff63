/* hocon_value.c - reading a finished tree: paths, and the types the stock bridge's accessors know. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/hocon.h"

const struct hocon_value *hocon_member(const struct hocon_value *object, const char *key)
{
    if (object && object->kind == HOCON_OBJECT)
        for (size_t i = 0; i < object->count; i++)
            if (strcmp(object->members[i].key, key) == 0)
                return object->members[i].value;
    return NULL;
}

const struct hocon_value *hocon_get(const struct hocon_value *object, const char *path)
{
    char key[256];
    while (object && *path) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof key)
            return NULL;
        memcpy(key, path, n);
        key[n] = 0;
        object = hocon_member(object, key);
        path += n + (path[n] == '.');
    }
    return object;
}

static bool is_scalar(const struct hocon_value *v)
{
    return v->kind == HOCON_BOOL || v->kind == HOCON_NUMBER || v->kind == HOCON_STRING;
}

const char *hocon_as_string(const struct hocon_value *v)
{
    return is_scalar(v) ? v->text : NULL;
}

bool hocon_as_bool(const struct hocon_value *v, bool *out)
{
    if (v->kind != HOCON_BOOL && v->kind != HOCON_STRING)
        return false;
    bool yes = strcasecmp(v->text, "true") == 0 || strcmp(v->text, "yes") == 0 || strcmp(v->text, "on") == 0;
    bool no = strcasecmp(v->text, "false") == 0 || strcmp(v->text, "no") == 0 || strcmp(v->text, "off") == 0;
    if (yes || no)
        *out = yes;
    return yes || no;
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* A decimal number at the start of text; NULL: none. No "inf", no hexadecimal, whatever strtod thinks. */
static const char *read_double(const char *text, double *out)
{
    text = skip_space(text);
    const char *digits = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*digits) && !(*digits == '.' && isdigit((unsigned char)digits[1])))
        return NULL;
    if (*digits == '0' && (digits[1] | 32) == 'x')
        return NULL;
    char *end;
    *out = strtod(text, &end);
    return isfinite(*out) ? end : NULL;
}

static bool plain_double(const struct hocon_value *v, double *out)
{
    if (v->kind != HOCON_NUMBER && v->kind != HOCON_STRING)
        return false;
    const char *end = read_double(v->text, out);
    return end && *skip_space(end) == 0;
}

bool hocon_as_int(const struct hocon_value *v, int64_t *out)
{
    double d;
    if (!plain_double(v, &d) || !(d > -9.2e18 && d < 9.2e18))
        return false;
    *out = (int64_t)d;
    return true;
}

bool hocon_as_double(const struct hocon_value *v, double *out)
{
    if (plain_double(v, out))
        return true;
    if (v->kind != HOCON_STRING)
        return false;
    const char *end = read_double(v->text, out);
    end = end ? skip_space(end) : NULL;
    *out /= 100;
    return end && *end == '%' && *skip_space(end + 1) == 0;
}

bool hocon_text_us(const char *text, int64_t *out)
{
    static const struct {
        double us;
        const char *names[6];
    } units[] = {
        {1e-3, {"ns", "nano", "nanos", "nanosecond", "nanoseconds"}},
        {1, {"us", "micro", "micros", "microsecond", "microseconds"}},
        {1e3, {"", "ms", "milli", "millis", "millisecond", "milliseconds"}}, /* a bare number is milliseconds */
        {1e6, {"s", "second", "seconds"}},
        {60e6, {"m", "minute", "minutes"}},
        {3600e6, {"h", "hour", "hours"}},
        {86400e6, {"d", "day", "days"}},
    };
    double d;
    const char *unit = read_double(text, &d);
    if (!unit)
        return false;
    unit = skip_space(unit);
    size_t n = strlen(unit);
    while (n && isspace((unsigned char)unit[n - 1]))
        n--;
    for (size_t i = 0; i < COUNT(units); i++)
        for (size_t k = 0; k < COUNT(units[i].names) && units[i].names[k]; k++)
            if (strlen(units[i].names[k]) == n && strncmp(units[i].names[k], unit, n) == 0) {
                d *= units[i].us;
                *out = (int64_t)(d > 9e18 ? 9e18 : d < -9e18 ? -9e18 : d);
                return true;
            }
    return false;
}

bool hocon_text_bps(const char *text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t bps;
    } units[] = {{"bps", 1}, {"kbps", 1000}, {"mbps", 1000000}};
    text = skip_space(text);
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    char *unit;
    unsigned long long n = strtoull(text, &unit, 10);
    const char *name = skip_space(unit);
    size_t len = strlen(name);
    while (len && isspace((unsigned char)name[len - 1]))
        len--;
    for (size_t i = 0; i < COUNT(units); i++)
        if (strlen(units[i].name) == len && strncasecmp(units[i].name, name, len) == 0) {
            *out = n * units[i].bps;
            return errno == 0 && n <= UINT64_MAX / units[i].bps;
        }
    return false;
}

bool hocon_as_us(const struct hocon_value *v, int64_t *out)
{
    return (v->kind == HOCON_NUMBER || v->kind == HOCON_STRING) && hocon_text_us(v->text, out);
}

bool hocon_as_bps(const struct hocon_value *v, uint64_t *out)
{
    return v->kind == HOCON_STRING && hocon_text_bps(v->text, out);
}

static const struct hocon_value *by_index(const struct hocon_value *object, size_t index)
{
    char key[24];
    size_t at = sizeof key;
    key[--at] = 0;
    do
        key[--at] = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    return hocon_member(object, key + at);
}

bool hocon_as_list(const struct hocon_value *v, const struct hocon_value **items, size_t cap, size_t *count)
{
    *count = 0;
    if (v->kind == HOCON_ARRAY) {
        for (; *count < v->count; ++*count)
            if (*count < cap)
                items[*count] = v->items[*count];
        return true;
    }
    if (v->kind != HOCON_OBJECT)
        return false;
    for (const struct hocon_value *item; (item = by_index(v, *count)); ++*count)
        if (*count < cap)
            items[*count] = item;
    return *count == v->count;
}
