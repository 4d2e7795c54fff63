/* hocon_resolve.c - substitutions and concatenations: from definitions to final values.
 *
 * Lazy and memoised: a definition is resolved when somebody asks for it, so that ${bar.a} works inside bar. Asking for
 * a definition that is being resolved looks back to the older one (self reference), and fails if there is none. */
#include <stdio.h>

#include "proto/hocon_ast.h"

struct resolver {
    struct hocon *h;
    unsigned calls, substitutions; /* nested right now */
};

static const struct hocon_value *resolve_def(struct resolver *r, struct def *def);
static const struct hocon_value *resolve_node(struct resolver *r, const struct node *node, struct def *def);

static bool fail(struct resolver *r, struct hocon_at at, const char *text)
{
    return hocon_say(r->h, true, at, "%s", text);
}

static struct hocon_value *new_value(struct resolver *r, enum hocon_kind kind, struct hocon_at at)
{
    struct hocon_value *v = hocon_alloc(r->h, sizeof *v);
    *v = (struct hocon_value){.kind = kind, .at = at, .weight = 1, .depth = 1};
    return v;
}

/* Values are shared, not copied, so that size grows quietly: the weight tells what a walk over the tree would cost. */
static bool carry(struct resolver *r, struct hocon_value *parent, const struct hocon_value *child)
{
    parent->weight += child->weight;
    parent->depth = MAX(parent->depth, child->depth + 1);
    if (parent->weight > HOCON_WEIGHT_MAX || parent->depth > 2 * HOCON_DEPTH_MAX)
        return fail(r, parent->at, "substitutions make this too large");
    return true;
}

/* ---- merging ---- */

static const struct hocon_value *merge(struct resolver *r, const struct hocon_value *old, const struct hocon_value *new)
{
    if (old->kind != HOCON_OBJECT || new->kind != HOCON_OBJECT)
        return new;
    struct hocon_value *v = new_value(r, HOCON_OBJECT, new->at);
    struct hocon_member *members = hocon_alloc(r->h, (old->count + new->count) * sizeof *members);
    for (size_t i = 0; i < old->count; i++) {
        const struct hocon_value *over = hocon_member(new, old->members[i].key);
        members[v->count] = old->members[i];
        if (over)
            members[v->count].value = merge(r, old->members[i].value, over);
        v->count++;
    }
    for (size_t i = 0; i < new->count; i++)
        if (!hocon_member(old, new->members[i].key))
            members[v->count++] = new->members[i];
    v->members = members;
    for (size_t i = 0; i < v->count; i++)
        if (!members[i].value || !carry(r, v, members[i].value))
            return NULL;
    return v->count > HOCON_KEYS_MAX ? (fail(r, v->at, "too many keys in one block"), NULL) : v;
}

/* ---- looking a path up in what may not be resolved yet ---- */

static const struct hocon_value *find_in_value(const struct hocon_value *v, const struct path *path, size_t at)
{
    for (; v && at < path->n; at++)
        v = hocon_member(v, path->v[at]);
    return v;
}

static const struct hocon_value *find_in_node(struct resolver *r, const struct node *object, const struct path *path,
                                              size_t at);

static const struct hocon_value *find_in_def(struct resolver *r, struct def *def, const struct path *path, size_t at)
{
    for (; def; def = def->older) {
        if (def->node->kind == NODE_OBJECT && at < path->n) {
            const struct hocon_value *v = find_in_node(r, def->node, path, at);
            if (v || r->h->failed)
                return v;
            continue;
        }
        if (def->resolving)
            continue; /* self reference: the value before */
        const struct hocon_value *v = resolve_def(r, def);
        return r->h->failed ? NULL : find_in_value(v, path, at); /* resolve_def() has merged the older ones in */
    }
    return NULL;
}

static const struct hocon_value *find_in_node(struct resolver *r, const struct node *object, const struct path *path,
                                              size_t at)
{
    struct field *f = hocon_field(object, path->v[at]);
    return f ? find_in_def(r, f->newest, path, at + 1) : NULL;
}

/* ---- nodes ---- */

static const struct hocon_value *from_environment(struct resolver *r, const struct node *node)
{
    const struct hocon_world *world = r->h->world;
    const char *text = world->getenv ? world->getenv(world->ctx, node->name) : NULL;
    if (!text)
        return NULL;
    struct hocon_value *v = new_value(r, HOCON_STRING, node->at);
    v->text = hocon_copy(r->h, text, strlen(text));
    v->weight += strlen(text) / 32;
    v->env = node->name;
    return v;
}

static const struct hocon_value *resolve_subst(struct resolver *r, const struct node *node)
{
    if (r->substitutions == HOCON_SUBST_DEPTH_MAX) {
        fail(r, node->at, "substitutions nest too deep; does this one lead back to itself?");
        return NULL;
    }
    r->substitutions++;
    const struct hocon_value *v = NULL;
    if (node->prefix.n) {
        struct path inner = {hocon_alloc(r->h, (node->prefix.n + node->path.n) * sizeof *inner.v), 0};
        for (size_t i = 0; i < node->prefix.n; i++)
            inner.v[inner.n++] = node->prefix.v[i];
        for (size_t i = 0; i < node->path.n; i++)
            inner.v[inner.n++] = node->path.v[i];
        v = find_in_node(r, r->h->top, &inner, 0);
    }
    if (!v && !r->h->failed)
        v = find_in_node(r, r->h->top, &node->path, 0);
    r->substitutions--;
    if (!v && !r->h->failed)
        v = from_environment(r, node);
    if (!v && !r->h->failed && !node->optional)
        hocon_say(r->h, true, node->at,
                  "${%s} is neither a key (or it leads back to itself) nor an environment variable; "
                  "set it, or write ${?%s} if it may be absent",
                  node->name, node->name);
    return v;
}

static const struct hocon_value *resolve_object(struct resolver *r, const struct node *node)
{
    struct hocon_value *v = new_value(r, HOCON_OBJECT, node->at);
    struct hocon_member *members = hocon_alloc(r->h, node->count * sizeof *members);
    for (struct field *f = node->fields; f; f = f->next) {
        const struct hocon_value *value = resolve_def(r, f->newest);
        if (r->h->failed || (value && !carry(r, v, value)))
            return NULL;
        if (value)
            members[v->count++] = (struct hocon_member){f->key, value};
    }
    v->members = members;
    return v;
}

static const struct hocon_value *resolve_array(struct resolver *r, const struct node *node)
{
    size_t cap = 0;
    for (const struct node *item = node->first; item; item = item->next)
        cap++;
    struct hocon_value *v = new_value(r, HOCON_ARRAY, node->at);
    const struct hocon_value **items = hocon_alloc(r->h, cap * sizeof *items);
    for (const struct node *item = node->first; item; item = item->next) {
        const struct hocon_value *value = resolve_node(r, item, NULL);
        if (r->h->failed || (value && !carry(r, v, value)))
            return NULL;
        if (value)
            items[v->count++] = value;
    }
    v->items = items;
    return v;
}

static const struct hocon_value *join_texts(struct resolver *r, const struct hocon_value *a,
                                            const struct hocon_value *b)
{
    size_t an = strlen(a->text), bn = strlen(b->text);
    struct hocon_value *v = new_value(r, HOCON_STRING, a->at);
    v->weight += (an + bn) / 32;
    if (v->weight > HOCON_WEIGHT_MAX) {
        fail(r, a->at, "substitutions make this too large");
        return NULL;
    }
    char *text = hocon_alloc(r->h, an + bn + 1);
    memcpy(text, a->text, an);
    memcpy(text + an, b->text, bn);
    v->text = text;
    v->env = a->env ? a->env : b->env;
    return v;
}

static const struct hocon_value *join_arrays(struct resolver *r, const struct hocon_value *a,
                                             const struct hocon_value *b)
{
    struct hocon_value *v = new_value(r, HOCON_ARRAY, a->at);
    const struct hocon_value **items = hocon_alloc(r->h, (a->count + b->count) * sizeof *items);
    for (size_t i = 0; i < a->count + b->count; i++) {
        items[i] = i < a->count ? a->items[i] : b->items[i - a->count];
        if (!carry(r, v, items[i]))
            return NULL;
        v->count++;
    }
    v->items = items;
    return v;
}

static const struct hocon_value *join(struct resolver *r, const struct hocon_value *a, const struct hocon_value *b)
{
    bool a_holds = a->kind >= HOCON_ARRAY, b_holds = b->kind >= HOCON_ARRAY;
    if (!a_holds && !b_holds)
        return join_texts(r, a, b);
    if (a->kind != b->kind) {
        fail(r, b->at, "a block, a list and text cannot be joined on one line; is a quote or comma missing?");
        return NULL;
    }
    return a->kind == HOCON_OBJECT ? merge(r, a, b) : join_arrays(r, a, b);
}

/* Blanks count only between two texts. Undefined pieces are left out. */
static const struct hocon_value *resolve_concat(struct resolver *r, const struct node *node, struct def *def)
{
    const struct hocon_value *all = NULL;
    for (const struct node *piece = node->first; piece; piece = piece->next) {
        if (piece->blank) {
            if (all && all->kind < HOCON_ARRAY && piece->next &&
                (piece->next->kind == NODE_SCALAR || piece->next->kind == NODE_SUBST))
                all = join_texts(r, all, piece->scalar);
            else if (!all && piece != node->first)
                all = piece->scalar;
        } else {
            const struct hocon_value *value = resolve_node(r, piece, def);
            bool only_blanks = all && all->kind == HOCON_STRING && value && value->kind >= HOCON_ARRAY &&
                               all->text[strspn(all->text, " \t")] == 0;
            if (value)
                all = all && !only_blanks ? join(r, all, value) : value;
        }
        if (r->h->failed)
            return NULL;
    }
    return all;
}

static const struct hocon_value *resolve_node(struct resolver *r, const struct node *node, struct def *def)
{
    const struct hocon_value *v = NULL;
    switch (node->kind) {
    case NODE_SCALAR: v = node->scalar; break;
    case NODE_OBJECT: v = resolve_object(r, node); break;
    case NODE_ARRAY: v = resolve_array(r, node); break;
    case NODE_CONCAT: v = resolve_concat(r, node, def); break;
    case NODE_SUBST: v = resolve_subst(r, node); break;
    case NODE_PREVIOUS: v = def && def->older ? resolve_def(r, def->older) : NULL; break;
    }
    return v;
}

static const struct hocon_value *resolve_def(struct resolver *r, struct def *def)
{
    if (def->resolved)
        return def->value;
    if (def->resolving) {
        fail(r, def->node->at, "this value leads back to itself");
        return NULL;
    }
    if (++r->calls > HOCON_RESOLVE_MAX) {
        fail(r, def->node->at, "substitutions nest too deep; does one lead back to itself?");
        return NULL;
    }
    def->resolving = true;
    const struct hocon_value *v = resolve_node(r, def->node, def);
    if (def->older && !r->h->failed && (!v || v->kind == HOCON_OBJECT)) {
        const struct hocon_value *old = resolve_def(r, def->older);
        if (old && !r->h->failed)
            v = v ? merge(r, old, v) : old;
    }
    def->resolving = false;
    r->calls--;
    def->resolved = true;
    def->value = r->h->failed ? NULL : v;
    return def->value;
}

bool hocon_resolve(struct hocon *h)
{
    struct resolver r = {.h = h};
    h->root = resolve_node(&r, h->top, NULL);
    return h->root && !h->failed;
}
