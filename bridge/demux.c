/* demux.c - see demux.h. */
#include "bridge/demux.h"

#include <assert.h>
#include <stdlib.h>

#include "bridge/elsewhere.h"
#include "bridge/path_key.h"
#include "bridge/ufrag.h"
#include "proto/stun_walk.h"

enum { NAME_MAX_LEN = 260 };

struct name {         /* one ice: reachable by ufrag and by transaction ids */
    struct list node; /* in owner->names */
    struct demux_owner *owner;
    uint32_t generation;
    uint8_t id_prefix[ICE_ID_PREFIX];
    size_t ufrag_len;
    char ufrag[NAME_MAX_LEN];
};

struct sender {
    struct list node; /* in owner->ssrcs */
    struct demux_owner *owner;
    uint32_t ssrc;
};

struct demux {
    unsigned worker, worker_count;
    char *prefix;
    struct map by_ufrag, by_id, tuples, by_ssrc;
    struct ssrc_hints *hints;
    uint64_t strays_since_us; /* the second that strays_left is for */
    unsigned strays_left;
    uint64_t drops[DROP_COUNT];
    struct elsewhere *elsewhere;
};

struct demux *demux_new(unsigned worker, unsigned worker_count, const char *ufrag_prefix, struct ssrc_hints *hints)
{
    struct demux *d = calloc(1, sizeof *d);
    if (!d || !(d->prefix = strdup(ufrag_prefix ? ufrag_prefix : "")))
        abort();
    d->worker = worker;
    d->worker_count = worker_count;
    map_init(&d->by_ufrag);
    map_init(&d->by_id);
    map_init(&d->tuples);
    map_init(&d->by_ssrc);
    d->hints = hints;
    d->elsewhere = elsewhere_new();
    return d;
}

void demux_free(struct demux *d)
{
    if (!d)
        return;
    map_done(&d->by_ufrag);
    map_done(&d->by_id);
    map_done(&d->tuples);
    map_done(&d->by_ssrc);
    elsewhere_free(d->elsewhere);
    free(d->prefix);
    free(d);
}

void demux_count(struct demux *d, enum drop drop)
{
    d->drops[drop]++;
}

const uint64_t *demux_drops(const struct demux *d)
{
    return d->drops;
}

/* ---- owners ---- */

void demux_owner_init(struct demux_owner *owner)
{
    list_init(&owner->tuples);
    list_init(&owner->names);
    list_init(&owner->ssrcs);
    owner->tuple_count = 0;
}

enum err demux_add_name(struct demux *d, struct demux_owner *owner, uint32_t generation, const char *ufrag,
                        const uint8_t id_prefix[ICE_ID_PREFIX])
{
    size_t len = strlen(ufrag);
    if (len > NAME_MAX_LEN)
        return E_LIMIT;
    if (map_get_str(&d->by_ufrag, ufrag) || map_get(&d->by_id, bytes_of(id_prefix, ICE_ID_PREFIX)))
        return E_STATE;
    struct name *name = calloc(1, sizeof *name);
    if (!name)
        abort();
    name->owner = owner;
    name->generation = generation;
    name->ufrag_len = len;
    memcpy(name->ufrag, ufrag, len);
    memcpy(name->id_prefix, id_prefix, ICE_ID_PREFIX);
    list_push_back(&owner->names, &name->node);
    map_put(&d->by_ufrag, bytes_of(name->ufrag, len), name);
    map_put(&d->by_id, bytes_of(id_prefix, ICE_ID_PREFIX), name);
    return E_OK;
}

static void drop_name(struct demux *d, struct name *name)
{
    map_del(&d->by_ufrag, bytes_of(name->ufrag, name->ufrag_len));
    map_del(&d->by_id, bytes_of(name->id_prefix, ICE_ID_PREFIX));
    list_remove(&name->node);
    free(name);
}

void demux_drop_name(struct demux *d, struct demux_owner *owner, uint32_t generation)
{
    list_for_each_safe (it, &owner->names) {
        struct name *name = container_of(it, struct name, node);
        if (name->generation == generation)
            drop_name(d, name);
    }
}

static void drop_tuple(struct demux *d, struct demux_tuple *tuple)
{
    struct path_key key;
    map_del(&d->tuples, path_key_of(&tuple->path, &key));
    list_remove(&tuple->node);
    tuple->owner->tuple_count--;
    free(tuple);
}

static void drop_ssrcs(struct demux *d, struct demux_owner *owner)
{
    list_for_each_safe (it, &owner->ssrcs) {
        struct sender *sender = container_of(it, struct sender, node);
        map_del_u32(&d->by_ssrc, sender->ssrc);
        if (d->hints)
            ssrc_hints_clear(d->hints, sender->ssrc, d->worker);
        list_remove(&sender->node);
        free(sender);
    }
}

void demux_set_ssrcs(struct demux *d, struct demux_owner *owner, const uint32_t *ssrcs, size_t n)
{
    drop_ssrcs(d, owner);
    for (size_t i = 0; i < n; i++) {
        if (map_get_u32(&d->by_ssrc, ssrcs[i]))
            continue;
        struct sender *sender = calloc(1, sizeof *sender);
        if (!sender)
            abort();
        sender->owner = owner;
        sender->ssrc = ssrcs[i];
        list_push_back(&owner->ssrcs, &sender->node);
        map_put_u32(&d->by_ssrc, ssrcs[i], sender);
        if (d->hints)
            ssrc_hints_set(d->hints, ssrcs[i], d->worker);
    }
}

void demux_drop_owner(struct demux *d, struct demux_owner *owner)
{
    list_for_each_safe (it, &owner->names)
        drop_name(d, container_of(it, struct name, node));
    drop_ssrcs(d, owner);
    list_for_each_safe (it, &owner->tuples)
        drop_tuple(d, container_of(it, struct demux_tuple, node));
}

static struct demux_tuple *longest_silent(struct demux_owner *owner)
{
    struct demux_tuple *oldest = NULL;
    list_for_each (it, &owner->tuples) {
        struct demux_tuple *tuple = container_of(it, struct demux_tuple, node);
        if (!oldest || tuple->heard_us < oldest->heard_us)
            oldest = tuple;
    }
    return oldest;
}

static void give(struct demux_tuple *tuple, struct demux_owner *owner)
{
    list_remove(&tuple->node);
    if (tuple->owner)
        tuple->owner->tuple_count--;
    tuple->owner = owner;
    owner->tuple_count++;
    list_push_back(&owner->tuples, &tuple->node);
}

struct demux_tuple *demux_claim(struct demux *d, uint64_t now_us, struct demux_owner *owner,
                                const struct ice_path *path, bool proven)
{
    struct path_key key;
    struct demux_tuple *tuple = map_get(&d->tuples, path_key_of(path, &key));
    if (tuple && tuple->owner != owner && !proven && now_us - tuple->heard_us < SEC(DEMUX_LIVE_S))
        return NULL; /* an authenticated request alone does not prove its source address */
    if (!tuple || tuple->owner != owner)
        while (owner->tuple_count >= DEMUX_TUPLES_MAX)
            drop_tuple(d, longest_silent(owner));
    if (!tuple) {
        tuple = calloc(1, sizeof *tuple);
        if (!tuple)
            abort();
        list_init(&tuple->node);
        tuple->path = *path;
        map_put(&d->tuples, path_key_of(path, &key), tuple);
    }
    if (tuple->owner != owner)
        give(tuple, owner);
    tuple->heard_us = now_us;
    return tuple;
}

/* ---- what belongs to other workers ---- */

void demux_learn(struct demux *d, uint64_t now_us, const struct ice_path *path, unsigned worker, bool proven)
{
    struct path_key key;
    struct demux_tuple *own = map_get(&d->tuples, path_key_of(path, &key));
    if (worker == d->worker || worker >= d->worker_count)
        return;
    if (own && !proven && now_us - own->heard_us < SEC(DEMUX_LIVE_S))
        return; /* as in demux_claim */
    if (own)
        drop_tuple(d, own);
    elsewhere_learn(d->elsewhere, now_us, path, worker, proven);
}

/* ---- routing ---- */

static void drop(struct demux *d, struct demux_verdict *out, enum drop why)
{
    d->drops[why]++;
    out->kind = DEMUX_DROP;
    out->drop = why;
}

static void other_worker(struct demux *d, unsigned worker, bool handed_over, struct demux_verdict *out)
{
    if (handed_over || worker == d->worker || worker >= d->worker_count) {
        drop(d, out, handed_over ? DROP_HANDOVER : DROP_STUN_UFRAG);
        return;
    }
    out->kind = DEMUX_OTHER_WORKER;
    out->worker = (uint8_t)worker;
}

static void to_name(struct demux *d, const struct name *name, const struct ice_path *path, struct demux_verdict *out)
{
    struct path_key key;
    out->kind = DEMUX_STUN;
    out->owner = name->owner;
    out->generation = name->generation;
    out->tuple = map_get(&d->tuples, path_key_of(path, &key));
    if (out->tuple && out->tuple->owner != name->owner)
        out->tuple = NULL;
}

static void route_request(struct demux *d, const struct ice_path *path, const struct stun_walk *stun, bool handed_over,
                          struct demux_verdict *out)
{
    struct bytes ufrag = stun->local_ufrag;
    if (!ufrag.n) {
        drop(d, out, DROP_STUN_NO_USER);
        return;
    }
    struct name *name = map_get(&d->by_ufrag, ufrag);
    if (name) {
        to_name(d, name, path, out);
        return;
    }
    int32_t worker = ufrag_worker(ufrag, d->prefix);
    if (worker < 0)
        drop(d, out, DROP_STUN_UFRAG);
    else
        other_worker(d, (unsigned)worker, handed_over, out);
}

static void route_stun(struct demux *d, const struct ice_path *path, struct bytes datagram, bool handed_over,
                       struct demux_verdict *out)
{
    struct stun_walk stun;
    if (stun_walk_parse(datagram, &stun) != E_OK) {
        drop(d, out, DROP_STUN_MALFORMED);
        return;
    }
    switch (stun.class) {
    case STUN_WALK_REQUEST: route_request(d, path, &stun, handed_over, out); return;
    case STUN_WALK_INDICATION: drop(d, out, DROP_STUN_INDICATION); return;
    default: break;
    }
    const struct name *name = map_get(&d->by_id, bytes_of(stun.id, ICE_ID_PREFIX));
    if (name)
        to_name(d, name, path, out);
    else if (stun.id[0] != d->worker && stun.id[0] < d->worker_count)
        other_worker(d, stun.id[0], handed_over, out);
    else
        drop(d, out, DROP_STUN_RESPONSE);
}

static bool may_stray(struct demux *d, uint64_t now_us)
{
    if (now_us >= d->strays_since_us + US_PER_S) {
        d->strays_since_us = now_us;
        d->strays_left = DEMUX_STRAYS_PER_S;
    }
    if (d->strays_left == 0)
        return false;
    d->strays_left--;
    return true;
}

/* True: somebody should look whether it is authentic. */
static bool route_stray(struct demux *d, uint64_t now_us, struct bytes datagram, enum demux_kind kind, bool handed_over,
                        struct demux_verdict *out)
{
    struct rd r = rd_over(datagram);
    rd_bytes(&r, kind == DEMUX_RTCP ? 4 : 8, "in front of the SSRC");
    uint32_t ssrc = rd_u32(&r, "ssrc");
    const struct sender *sender = map_get_u32(&d->by_ssrc, ssrc);
    int worker = sender || handed_over || !d->hints ? -1 : ssrc_hints_find(d->hints, ssrc);
    if ((!sender && (worker < 0 || worker == (int)d->worker)) || !may_stray(d, now_us))
        return false;
    out->kind = sender ? kind : DEMUX_OTHER_WORKER;
    out->owner = sender ? sender->owner : NULL;
    out->worker = sender ? 0 : (uint8_t)worker;
    return true;
}

static void route_tuple(struct demux *d, uint64_t now_us, const struct ice_path *path, struct bytes datagram,
                        enum demux_kind kind, bool handed_over, struct demux_verdict *out)
{
    struct path_key key;
    out->tuple = map_get(&d->tuples, path_key_of(path, &key));
    if (out->tuple) {
        out->kind = kind;
        out->owner = out->tuple->owner;
        return;
    }
    int elsewhere = handed_over ? -1 : elsewhere_find(d->elsewhere, now_us, path);
    if (elsewhere >= 0) {
        out->kind = DEMUX_OTHER_WORKER;
        out->worker = (uint8_t)elsewhere;
        return;
    }
    if (kind == DEMUX_DTLS || !route_stray(d, now_us, datagram, kind, handed_over, out))
        drop(d, out, handed_over ? DROP_HANDOVER : kind == DEMUX_DTLS ? DROP_DTLS_TUPLE : DROP_RTP_TUPLE);
}

void demux_route(struct demux *d, uint64_t now_us, const struct ice_path *path, struct bytes datagram, bool handed_over,
                 struct demux_verdict *out)
{
    *out = (struct demux_verdict){.kind = DEMUX_DROP};
    if (!datagram.n) {
        drop(d, out, DROP_EMPTY);
        return;
    }
    uint8_t first = datagram.p[0];
    if (first < 4) {
        route_stun(d, path, datagram, handed_over, out);
    } else if (first >= 20 && first <= 24) {
        route_tuple(d, now_us, path, datagram, DEMUX_DTLS, handed_over, out);
    } else if (first >= 25 && first <= 63) {
        drop(d, out, DROP_DTLS_TYPE);
    } else if (first >= 128 && first <= 191) {
        if (datagram.n < 12)
            drop(d, out, DROP_RTP_SHORT);
        else
            route_tuple(d, now_us, path, datagram,
                        datagram.p[1] >= 192 && datagram.p[1] <= 223 ? DEMUX_RTCP : DEMUX_RTP, handed_over, out);
    } else {
        drop(d, out, DROP_PROTOCOL);
    }
}

/* ---- drop.h ---- */

const char *drop_label(enum drop drop)
{
    static const char *const labels[DROP_COUNT] = {
#define X(name, label, text) label,
        DROP_MAP(X)
#undef X
    };
    return labels[drop];
}

const char *drop_text(enum drop drop)
{
    static const char *const texts[DROP_COUNT] = {
#define X(name, label, text) text,
        DROP_MAP(X)
#undef X
    };
    return texts[drop];
}

enum drop drop_of_ice(enum err err)
{
    switch (err) {
    case E_AUTH: return DROP_STUN_INTEGRITY;
    case E_LIMIT: return DROP_STUN_RATE;
    case E_UNKNOWN: return DROP_STUN_RESPONSE;
    case E_STATE: return DROP_STUN_INDICATION;
    default: return DROP_STUN_MALFORMED;
    }
}

void demux_check(const struct demux *d)
{
    struct demux_tuple *tuple;
    for (size_t at = 0; (tuple = map_next(&d->tuples, &at));) {
        struct path_key key;
        assert(tuple->owner);
        assert(map_get(&d->tuples, path_key_of(&tuple->path, &key)) == tuple);
        assert(tuple->owner->tuple_count <= DEMUX_TUPLES_MAX);
    }
}
