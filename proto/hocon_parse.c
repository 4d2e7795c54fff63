/* hocon_parse.c - the grammar of HOCON, by recursive descent over characters. */
#include <stdlib.h>

#include "proto/hocon_lex.h"
#include "proto/utf8.h"

/* ---- values ---- */

static bool parse_object(struct lex *p, struct node *object);
static struct node *parse_value(struct lex *p);

static struct node *scalar(struct lex *p, enum hocon_kind kind, const char *where, const char *text, size_t len)
{
    struct node *node = hocon_node(p->h, NODE_SCALAR, lex_at(p, where));
    struct hocon_value *v = hocon_alloc(p->h, sizeof *v);
    *v = (struct hocon_value){
        .kind = kind, .at = node->at, .text = hocon_copy(p->h, text, len), .weight = 1 + len / 32, .depth = 1};
    node->scalar = v;
    return node;
}

static struct node *quoted_value(struct lex *p)
{
    const char *start = p->pos;
    p->str.n = 0;
    if (!lex_quoted(p))
        return NULL;
    const char *text = p->str.p;
    if (p->str.n > 2 && memmem(text, p->str.n, "${", 2))
        lex_warn(p, start, "inside quotes ${...} is plain text; write \"prefix-\"${NAME} to have it replaced");
    return scalar(p, HOCON_STRING, start, text, p->str.n);
}

static struct node *substitution(struct lex *p) /* pos is behind "${" */
{
    struct node *node = hocon_node(p->h, NODE_SUBST, lex_at(p, p->pos - 2));
    node->optional = lex_take(p, "?");
    const char *name = p->pos;
    if (!lex_path(p, &node->path, true))
        return NULL;
    node->name = hocon_copy(p->h, name, (size_t)(p->pos - name));
    if (!lex_take(p, "}")) {
        lex_fail(p, name - 2, "this ${ has no } on its line");
        return NULL;
    }
    node->prefix = p->prefix;
    return node;
}

static bool is_number(const char *text, size_t len)
{
    size_t i = 0, digits = 0;
    i += i < len && text[i] == '-';
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        digits++;
    if (digits && i < len && text[i] == '.') {
        size_t fraction = ++i;
        while (i < len && text[i] >= '0' && text[i] <= '9')
            i++;
        if (i == fraction)
            return false;
    }
    if (digits && i < len && (text[i] | 32) == 'e') {
        i++;
        i += i < len && (text[i] == '-' || text[i] == '+');
        size_t exponent = i;
        while (i < len && text[i] >= '0' && text[i] <= '9')
            i++;
        if (i == exponent)
            return false;
    }
    return digits && i == len;
}

static bool has_typographic_quote(const char *text, size_t len)
{
    static const char *const quotes[] = {"\xe2\x80\x9e", "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x98",
                                         "\xe2\x80\x99"};
    for (size_t i = 0; i < COUNT(quotes); i++)
        if (memmem(text, len, quotes[i], 3))
            return true;
    return false;
}

static void warn_about_unquoted(struct lex *p, const char *start, size_t len)
{
    const char *after = start + len;
    if (has_typographic_quote(start, len))
        lex_warn(p, start, "typographic quotes are part of the value; use straight double quotes");
    if (start[len - 1] == ';') {
        struct lex look = *p;
        look.pos = after;
        lex_skip_blanks(&look);
        if (look.pos == look.end || *look.pos == '\n' || lex_at_comment(&look, look.pos))
            lex_warn(p, after - 1, "the semicolon is part of the value; remove it");
    }
    if (after < p->end && *after == '#')
        lex_warn(p, after, "everything from # on is a comment; put the value in double quotes if # belongs to it");
}

static struct node *unquoted_value(struct lex *p)
{
    const char *start = p->pos;
    while (p->pos < p->end && *p->pos != '\n' && !lex_blank_len(p, p->pos) && !lex_at_comment(p, p->pos)) {
        if (*p->pos == '+' && p->pos > start && (p->pos[-1] | 32) == 'e' && (*start == '-' || *start <= '9') &&
            p->pos + 1 < p->end && p->pos[1] >= '0' && p->pos[1] <= '9') {
            p->pos++; /* 1e+5 */
            continue;
        }
        if (strchr("$\"{}[],", *p->pos))
            break;
        if (strchr(":=+`^?!@*&\\", *p->pos)) {
            lex_fail(p, p->pos, "'%c' needs quotes: put the whole value in double quotes", *p->pos);
            return NULL;
        }
        p->pos++;
    }
    size_t len = (size_t)(p->pos - start);
    if (len == 0) {
        lex_fail(p, p->pos, "unexpected '%c'", *p->pos);
        return NULL;
    }
    warn_about_unquoted(p, start, len);
    enum hocon_kind kind = HOCON_STRING;
    if (is_number(start, len))
        kind = HOCON_NUMBER;
    else if ((len == 4 && memcmp(start, "true", 4) == 0) || (len == 5 && memcmp(start, "false", 5) == 0))
        kind = HOCON_BOOL;
    else if (len == 4 && memcmp(start, "null", 4) == 0)
        kind = HOCON_NULL;
    return scalar(p, kind, start, start, len);
}

static bool deeper(struct lex *p)
{
    return ++p->depth <= HOCON_DEPTH_MAX || lex_fail(p, p->pos, "nested deeper than %d", HOCON_DEPTH_MAX);
}

/* After an element: a comma, line feeds, or the closing bracket. */
static bool separator(struct lex *p, char close)
{
    bool newline = lex_skip_lines(p);
    if (p->pos == p->end || lex_at_char(p, close))
        return true;
    bool comma = lex_take(p, ",");
    lex_skip_lines(p);
    if (comma && lex_at_char(p, ','))
        return lex_fail(p, p->pos, "two commas in a row");
    if (!comma && !newline)
        return lex_fail(p, p->pos, "expected a new line or a comma before this");
    return true;
}

static struct node *array_value(struct lex *p)
{
    const char *open = p->pos++;
    struct node *array = hocon_node(p->h, NODE_ARRAY, lex_at(p, open));
    if (!deeper(p))
        return NULL;
    lex_skip_lines(p);
    while (p->pos < p->end && *p->pos != ']') {
        struct node *item = parse_value(p);
        if (!item || !separator(p, ']'))
            return NULL;
        *array->first_end = item;
        array->first_end = &item->next;
    }
    if (!lex_take(p, "]")) {
        lex_fail(p, open, "this [ is never closed");
        return NULL;
    }
    p->depth--;
    return array;
}

static struct node *object_value(struct lex *p)
{
    const char *open = p->pos++;
    struct node *object = hocon_node(p->h, NODE_OBJECT, lex_at(p, open));
    if (!deeper(p) || !parse_object(p, object))
        return NULL;
    if (!lex_take(p, "}")) {
        if (p->pos == p->end)
            lex_fail(p, open, "this { is never closed; a } is missing somewhere below");
        else
            lex_fail(p, p->pos, "unexpected '%c'", *p->pos);
        return NULL;
    }
    p->depth--;
    return object;
}

static struct node *piece(struct lex *p)
{
    switch (*p->pos) {
    case '{': return object_value(p);
    case '[': return array_value(p);
    case '"': return quoted_value(p);
    case '$':
        if (lex_take(p, "${"))
            return substitution(p);
        lex_fail(p, p->pos, "'$' needs quotes, or a { for a substitution");
        return NULL;
    default: return unquoted_value(p);
    }
}

/* All pieces up to the end of the line or a comma or bracket. Callers have skipped blanks and line feeds. */
static struct node *parse_value(struct lex *p)
{
    struct node *concat = hocon_node(p->h, NODE_CONCAT, lex_at(p, p->pos));
    size_t pieces = 0;
    for (const char *blanks = p->pos;; blanks = p->pos) {
        lex_skip_blanks(p);
        if (p->pos == p->end || strchr("\n,}]", *p->pos) || lex_at_comment(p, p->pos))
            break;
        if (pieces && p->pos > blanks) {
            struct node *gap = scalar(p, HOCON_STRING, blanks, blanks, (size_t)(p->pos - blanks));
            gap->blank = true;
            *concat->first_end = gap;
            concat->first_end = &gap->next;
        }
        struct node *next = piece(p);
        if (!next)
            return NULL;
        *concat->first_end = next;
        concat->first_end = &next->next;
        pieces++;
    }
    if (pieces == 0) {
        lex_fail(p, p->pos, "a value is missing here");
        return NULL;
    }
    return pieces == 1 ? concat->first : concat;
}

/* ---- fields ---- */

static struct field *get_field(struct lex *p, struct node *object, const char *key, struct hocon_at at)
{
    struct field *f = hocon_field(object, key);
    if (f)
        return f;
    if (++object->count > HOCON_KEYS_MAX) {
        hocon_say(p->h, true, at, "more than %d keys in one block", HOCON_KEYS_MAX);
        return NULL;
    }
    f = hocon_alloc(p->h, sizeof *f);
    f->key = key;
    *object->fields_end = f;
    object->fields_end = &f->next;
    return f;
}

static bool define(struct lex *p, struct node *object, const char *key, struct node *value);

static bool merge_objects(struct lex *p, struct node *into, const struct def *oldest_last, const char *key)
{
    if (!oldest_last)
        return true;
    return merge_objects(p, into, oldest_last->older, key) && define(p, into, key, oldest_last->node);
}

static bool define(struct lex *p, struct node *object, const char *key, struct node *value)
{
    struct field *f = get_field(p, object, key, value->at);
    if (!f)
        return false;
    if (f->newest && f->newest->node->kind == NODE_OBJECT && value->kind == NODE_OBJECT) {
        for (struct field *sub = value->fields; sub; sub = sub->next)
            if (!merge_objects(p, f->newest->node, sub->newest, sub->key))
                return false;
        return true;
    }
    struct def *def = hocon_alloc(p->h, sizeof *def);
    def->node = value;
    if (value->kind != NODE_SCALAR) /* a scalar hides what was there before */
        def->older = f->newest;
    def->count = def->older ? def->older->count + 1 : 1;
    if (def->count > HOCON_DEFS_MAX) {
        hocon_say(p->h, true, value->at, "this key is set more than %d times", HOCON_DEFS_MAX);
        return false;
    }
    f->newest = def;
    return true;
}

static bool define_path(struct lex *p, struct node *object, const struct path *path, struct node *value)
{
    for (size_t i = 0; i + 1 < path->n; i++) {
        if (!define(p, object, path->v[i], hocon_node(p->h, NODE_OBJECT, value->at)))
            return false;
        object = hocon_field(object, path->v[i])->newest->node;
    }
    return define(p, object, path->v[path->n - 1], value);
}

static struct node *appended(struct lex *p, struct node *value) /* for `+=` */
{
    struct node *concat = hocon_node(p->h, NODE_CONCAT, value->at);
    struct node *array = hocon_node(p->h, NODE_ARRAY, value->at);
    concat->first = hocon_node(p->h, NODE_PREVIOUS, value->at);
    concat->first->next = array;
    array->first = value;
    return concat;
}

static bool parse_assignment(struct lex *p, struct node *object)
{
    const char *start = p->pos;
    struct path path;
    if (!lex_path(p, &path, false))
        return false;
    lex_skip_lines(p);
    bool append = lex_take(p, "+=");
    if (!append && !lex_at_char(p, '{') && !lex_take(p, "=") && !lex_take(p, ":"))
        return lex_fail(p, start, "after this key comes =, : or {");
    if (p->keys_count + path.n > HOCON_DEPTH_MAX || p->depth + path.n > HOCON_DEPTH_MAX)
        return lex_fail(p, start, "nested deeper than %d", HOCON_DEPTH_MAX);
    memcpy(p->keys + p->keys_count, path.v, path.n * sizeof *path.v);
    p->keys_count += path.n;
    p->depth += (unsigned)path.n - 1;
    lex_skip_lines(p);
    struct node *value = parse_value(p);
    p->keys_count -= path.n;
    p->depth -= (unsigned)path.n - 1;
    return value && define_path(p, object, &path, append ? appended(p, value) : value);
}

/* ---- includes ---- */

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

static bool include_file(struct lex *p, struct node *object, const char *start, const char *name, bool *found)
{
    const char *slash = strrchr(p->file->name, '/');
    size_t dir_len = name[0] == '/' || !slash ? 0 : (size_t)(slash - p->file->name) + 1;
    char *path = hocon_alloc(p->h, dir_len + strlen(name) + 1);
    memcpy(path, p->file->name, dir_len);
    strcpy(path + dir_len, name);
    if (p->include_depth == HOCON_INCLUDE_DEPTH_MAX || p->h->files_count >= HOCON_FILES_MAX)
        return lex_fail(p, start, "includes nest too deep; does a file include itself?");
    enum hocon_read got;
    const struct hocon_file *file = hocon_read_file(p->h, path, &got);
    if (got == HOCON_READ_FAILED)
        return lex_fail(p, start, "this file exists but cannot be read; check its owner, mode and size");
    if (!file)
        return true;
    *found = true;
    if (has_suffix(name, ".properties")) {
        lex_warn(p, start, ".properties files are not read by include; write the keys here");
        return true;
    }
    struct path prefix = {hocon_alloc(p->h, p->keys_count * sizeof *prefix.v), p->keys_count};
    memcpy(prefix.v, p->keys, p->keys_count * sizeof *prefix.v);
    return hocon_parse_file(p->h, file, object, prefix, p->include_depth + 1, p->depth);
}

static bool include_name(struct lex *p, struct node *object, const char *start, const char *name, bool required)
{
    static const char *const suffixes[] = {".conf", ".json", ".properties"};
    bool found = false;
    for (size_t i = 0; i < COUNT(suffixes); i++)
        if (has_suffix(name, suffixes[i]))
            return include_file(p, object, start, name, &found) &&
                   (found || !required || lex_fail(p, start, "the required file does not exist"));
    for (size_t i = 0; i < COUNT(suffixes); i++) { /* all that exist */
        char *with_suffix = hocon_alloc(p->h, strlen(name) + 16);
        strcat(strcpy(with_suffix, name), suffixes[i]);
        if (!include_file(p, object, start, with_suffix, &found))
            return false;
    }
    return found || !required || lex_fail(p, start, "the required file does not exist");
}

/* An unquoted first word `include`, unless it turns out to be a key. */
static bool at_include(const struct lex *p)
{
    struct lex look = *p;
    if (!lex_take(&look, "include"))
        return false;
    const char *word_end = look.pos;
    lex_skip_blanks(&look);
    return look.pos < look.end && (*look.pos == '"' || (look.pos > word_end && !strchr("=:{.+\n", *look.pos) &&
                                                        !lex_at_comment(&look, look.pos)));
}

static bool parse_include(struct lex *p, struct node *object)
{
    const char *start = p->pos;
    int open = 0;
    bool classpath = false, required = false;
    p->pos += strlen("include");
    lex_skip_blanks(p);
    if ((required = lex_take(p, "required(")))
        open++;
    lex_skip_blanks(p);
    if (lex_take(p, "url("))
        return lex_fail(p, start, "include url(...) is refused: a configuration file opens no connection");
    if ((classpath = lex_take(p, "classpath(")) || lex_take(p, "file("))
        open++;
    lex_skip_blanks(p);
    p->str.n = 0;
    if (!lex_at_char(p, '"'))
        return lex_fail(p, p->pos, "after include comes a file name in double quotes");
    if (!lex_quoted(p))
        return false;
    const char *name = hocon_copy(p->h, p->str.p, p->str.n);
    for (; open > 0; open--) {
        lex_skip_blanks(p);
        if (!lex_take(p, ")"))
            return lex_fail(p, p->pos, "a ) is missing here");
    }
    if (strstr(name, "://"))
        return lex_fail(p, start, "including a URL is refused: a configuration file opens no connection");
    if (classpath) {
        lex_warn(p, start, "classpath(...) means nothing here; nothing is included");
        return true;
    }
    return include_name(p, object, start, name, required);
}

static bool parse_object(struct lex *p, struct node *object) /* up to } or the end, which it leaves */
{
    lex_skip_lines(p);
    while (p->pos < p->end && *p->pos != '}') {
        if (lex_at_char(p, ','))
            return lex_fail(p, p->pos, "a comma without anything in front");
        if (!(at_include(p) ? parse_include(p, object) : parse_assignment(p, object)) || !separator(p, '}'))
            return false;
    }
    return true;
}

static bool parse_root(struct lex *p, struct node *into)
{
    for (const char *at = p->pos; at < p->end;) {
        size_t n = utf8_len((const uint8_t *)at, (const uint8_t *)p->end);
        if (n == 0 || *at == 0)
            return lex_fail(p, at, "not UTF-8 text; save the file as UTF-8");
        at += n;
    }
    lex_skip_lines(p);
    const char *start = p->pos;
    if (lex_at_char(p, '['))
        return lex_fail(p, start, "the file must hold an object, not an array");
    bool braces = lex_take(p, "{");
    if (!parse_object(p, into))
        return false;
    if (braces && !lex_take(p, "}"))
        return lex_fail(p, start, "this { is never closed; a } is missing somewhere below");
    lex_skip_lines(p);
    return p->pos == p->end || lex_fail(p, p->pos,
                                        *p->pos == '}' ? "this } closes nothing; one too many, or a { is missing above"
                                                       : "text after the closing }");
}

bool hocon_parse_file(struct hocon *h, const struct hocon_file *file, struct node *into, struct path prefix,
                      unsigned include_depth, unsigned depth)
{
    struct lex p = {.h = h,
                    .file = file,
                    .pos = file->text,
                    .end = file->text + file->len,
                    .include_depth = include_depth,
                    .depth = depth,
                    .prefix = prefix,
                    .keys_count = prefix.n};
    for (size_t i = 0; i < prefix.n; i++)
        p.keys[i] = prefix.v[i];
    p.str.p = malloc(file->len + 1);
    if (!p.str.p)
        abort();
    bool ok = parse_root(&p, into) && !h->failed;
    explicit_bzero(p.str.p, file->len + 1);
    free(p.str.p);
    return ok;
}
