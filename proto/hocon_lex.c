/* hocon_lex.c - see hocon_lex.h. */
#include "proto/hocon_lex.h"

#include <ctype.h>

#include "proto/utf8.h"

static void str_add(struct lex *p, const char *text, size_t n) /* never outgrows the file it comes from */
{
    memcpy(p->str.p + p->str.n, text, n);
    p->str.n += n;
}

/* ---- blanks and comments ---- */

/* Length of the whitespace at pos; a line feed is none, it separates. Other Unicode blanks come from web pages. */
size_t lex_blank_len(const struct lex *p, const char *pos)
{
    static const char *const wide[] = {"\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
                                       "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87",
                                       "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                       "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf"};
    if (pos == p->end)
        return 0;
    if (*pos == ' ' || *pos == '\t' || (*pos >= 0x0b && *pos <= 0x0d) || (*pos >= 0x1c && *pos <= 0x1f))
        return 1;
    for (size_t i = 0; (uint8_t)*pos >= 0xc2 && i < COUNT(wide); i++) {
        size_t n = strlen(wide[i]);
        if ((size_t)(p->end - pos) >= n && memcmp(pos, wide[i], n) == 0)
            return n;
    }
    return 0;
}

void lex_skip_blanks(struct lex *p)
{
    for (size_t n; (n = lex_blank_len(p, p->pos)) > 0;)
        p->pos += n;
}

bool lex_at_comment(const struct lex *p, const char *pos)
{
    return pos < p->end && (*pos == '#' || (*pos == '/' && pos + 1 < p->end && pos[1] == '/'));
}

/* Blanks, comments and line feeds; true: there was a line feed. */
bool lex_skip_lines(struct lex *p)
{
    bool newline = false;
    for (;;) {
        lex_skip_blanks(p);
        if (lex_at_comment(p, p->pos)) {
            while (p->pos < p->end && *p->pos != '\n')
                p->pos++;
        } else if (p->pos < p->end && *p->pos == '\n') {
            newline = true;
            p->pos++;
        } else {
            return newline;
        }
    }
}

bool lex_take(struct lex *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->pos) < n || memcmp(p->pos, word, n) != 0)
        return false;
    p->pos += n;
    return true;
}

/* ---- strings ---- */

static bool hex_unit(struct lex *p, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, p->pos++) {
        if (p->pos == p->end || !isxdigit((unsigned char)*p->pos))
            return lex_fail(p, p->pos, "\\u needs four hexadecimal digits");
        *unit = *unit << 4 | (uint32_t)(*p->pos <= '9' ? *p->pos - '0' : (*p->pos | 32) - 'a' + 10);
    }
    return true;
}

static bool escape(struct lex *p) /* pos is at the backslash */
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *start = p->pos++;
    if (p->pos == p->end)
        return lex_fail(p, start, "the string does not end");
    const char *known = *p->pos ? strchr(from, *p->pos) : NULL;
    if (known) {
        p->pos++;
        str_add(p, &to[known - from], 1);
        return true;
    }
    uint32_t unit, low;
    if (!lex_take(p, "u"))
        return lex_fail(p, start, "unknown escape; a backslash in a string is written \\\\");
    if (!hex_unit(p, &unit))
        return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!lex_take(p, "\\u") || !hex_unit(p, &low) || low < 0xdc00 || low >= 0xe000)
            return lex_fail(p, start, "half of a surrogate pair");
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (unit == 0 || (unit >= 0xdc00 && unit < 0xe000)) {
        return lex_fail(p, start, "this character cannot stand in a string");
    }
    uint8_t utf8[4];
    str_add(p, (char *)utf8, utf8_put(utf8, unit));
    return true;
}

static bool raw_string(struct lex *p, const char *start) /* after the three quotes */
{
    const char *close = memmem(p->pos, (size_t)(p->end - p->pos), "\"\"\"", 3);
    if (!close)
        return lex_fail(p, start, "this \"\"\" has no closing \"\"\"");
    while (close + 3 < p->end && close[3] == '"') /* further quotes belong to the string */
        close++;
    str_add(p, p->pos, (size_t)(close - p->pos));
    p->pos = close + 3;
    return true;
}

bool lex_quoted(struct lex *p) /* appends to p->str */
{
    const char *start = p->pos;
    if (lex_take(p, "\"\"\""))
        return raw_string(p, start);
    p->pos++;
    while (p->pos < p->end) {
        switch (*p->pos) {
        case '"': p->pos++; return true;
        case '\n': return lex_fail(p, start, "this quote is not closed on its line");
        case '\\':
            if (!escape(p))
                return false;
            break;
        default: str_add(p, p->pos++, 1); break;
        }
    }
    return lex_fail(p, start, "this quote is never closed");
}

/* ---- keys and paths ---- */

static bool add_element(struct lex *p, struct path *path, const char *where, bool was_quoted)
{
    if (p->str.n == 0 && !was_quoted)
        return lex_fail(p, where, "a key is missing here (two dots in a row, or a dot at an end)");
    if (path->n == HOCON_DEPTH_MAX)
        return lex_fail(p, where, "nested deeper than %d", HOCON_DEPTH_MAX);
    path->v[path->n++] = hocon_copy(p->h, p->str.p, p->str.n);
    p->str.n = 0;
    return true;
}

static bool ends_key(const struct lex *p, bool in_substitution)
{
    if (p->pos == p->end || *p->pos == '\n' || *p->pos == '}')
        return true;
    return !in_substitution && (strchr("=:{,]", *p->pos) || lex_at_comment(p, p->pos) ||
                                (*p->pos == '+' && p->pos + 1 < p->end && p->pos[1] == '='));
}

bool lex_path(struct lex *p, struct path *path, bool in_substitution)
{
    path->v = hocon_alloc(p->h, HOCON_DEPTH_MAX * sizeof *path->v);
    path->n = 0;
    p->str.n = 0;
    bool was_quoted = false;
    lex_skip_blanks(p);
    while (!ends_key(p, in_substitution)) {
        const char *blanks = p->pos;
        lex_skip_blanks(p);
        if (ends_key(p, in_substitution))
            break; /* blanks at the end do not count */
        if (p->pos > blanks) {
            str_add(p, blanks, (size_t)(p->pos - blanks));
            if (p->pos - blanks != 1 || *blanks != ' ')
                lex_warn(p, blanks, "the key contains blanks (a tab or a blank copied from a web page?)");
        }
        if (*p->pos == '"') {
            if (!lex_quoted(p))
                return false;
            was_quoted = true;
        } else if (*p->pos == '.') {
            if (!add_element(p, path, p->pos, was_quoted))
                return false;
            was_quoted = false;
            p->pos++;
        } else if (strchr("$[]{}:=,+#`^?!@*&\\", *p->pos)) {
            return lex_fail(p, p->pos, "'%c' cannot stand in a key; put the key in double quotes", *p->pos);
        } else {
            str_add(p, p->pos++, 1);
        }
    }
    return add_element(p, path, p->pos, was_quoted);
}
