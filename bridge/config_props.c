/* config_props.c - Java properties files, and -Dkey=value words. Never rejects anything, as Java does not. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/config_impl.h"
#include "proto/utf8.h"

static void add(struct props *out, char *key, char *value, const char *file, int line)
{
    out->v = realloc(out->v, (out->n + 1) * sizeof *out->v);
    if (!out->v || !key || !value)
        abort();
    out->v[out->n++] = (struct prop){key, value, file, line};
}

/* One logical line, without its line feed, into out (room for n + 1 bytes); returns how much of text it was. Lines that
 * end in an odd number of backslashes go on in the next one, whose blanks at the start do not count. */
static size_t logical_line(const char *text, size_t len, char *out, int *lines)
{
    size_t n = 0, i = 0;
    for (;;) {
        while (i < len && strchr(" \t\f", text[i]) && text[i])
            i++;
        bool comment = n == 0 && i < len && (text[i] == '#' || text[i] == '!');
        bool odd = false;
        for (; i < len && text[i] != '\n'; i++) {
            if (text[i] == '\r' || text[i] == 0)
                continue;
            odd = text[i] == '\\' && !odd;
            out[n++] = text[i];
        }
        i += i < len;
        ++*lines;
        if (comment)
            n = 0;
        if (comment || !odd || i >= len)
            break;
        n--; /* the backslash */
    }
    out[n] = 0;
    return i;
}

static const char *unescape_one(const char *p, char *out, size_t *n) /* p: behind the backslash */
{
    static const char from[] = "tnrf", to[] = "\t\n\r\f";
    unsigned unit;
    if (*p == 'u' && sscanf(p + 1, "%4x", &unit) == 1 && strlen(p) > 4 && unit && (unit < 0xd800 || unit > 0xdfff)) {
        *n += utf8_put((uint8_t *)out + *n, unit);
        return p + 5;
    }
    const char *known = *p ? strchr(from, *p) : NULL;
    if (*p)
        out[(*n)++] = known ? to[known - from] : *p;
    return p + (*p != 0);
}

/* Copies up to an unescaped character of `until` (NULL: all), unescaping. */
static char *take_part(const char **line, const char *until)
{
    char *out = calloc(1, strlen(*line) + 4);
    if (!out)
        abort();
    size_t n = 0;
    const char *p = *line;
    while (*p && !(until && strchr(until, *p))) {
        if (*p == '\\')
            p = unescape_one(p + 1, out, &n);
        else
            out[n++] = *p++;
    }
    *line = p;
    out[n] = 0;
    while (n && strchr(" \t\r\n\f", out[n - 1]))
        out[--n] = 0;
    return out;
}

void config_props_parse(struct props *out, const char *file, const char *text, size_t len)
{
    char *line_text = malloc(len + 1);
    if (!line_text)
        abort();
    int lines = 0;
    for (size_t at = 0; at < len;) {
        int first = lines + 1;
        at += logical_line(text + at, len - at, line_text, &lines);
        if (!*line_text)
            continue;
        const char *p = line_text;
        char *key = take_part(&p, "=: \t\f");
        p += strspn(p, " \t\f");
        p += *p == '=' || *p == ':';
        p += strspn(p, " \t\f");
        add(out, key, take_part(&p, NULL), file, first);
    }
    explicit_bzero(line_text, len + 1);
    free(line_text);
}

void config_props_words(struct props *out, const char *java_sys_props)
{
    const char *p = java_sys_props;
    while (*(p += strspn(p, " \t\r\n"))) {
        size_t n = strcspn(p, " \t\r\n");
        const char *equals = memchr(p, '=', n);
        if (n > 2 && memcmp(p, "-D", 2) == 0 && equals)
            add(out, strndup(p + 2, (size_t)(equals - p) - 2), strndup(equals + 1, n - (size_t)(equals - p) - 1), NULL,
                0);
        p += n;
    }
}

const struct prop *config_props_get(const struct props *props, const char *key)
{
    for (size_t i = props->n; i-- > 0;)
        if (strcmp(props->v[i].key, key) == 0)
            return &props->v[i];
    return NULL;
}

void config_props_free(struct props *props)
{
    for (size_t i = 0; i < props->n; i++) {
        explicit_bzero(props->v[i].value, strlen(props->v[i].value));
        free(props->v[i].value);
        free(props->v[i].key);
    }
    free(props->v);
    *props = (struct props){0};
}
