/* gather.c - see gather.h. */
#include "bridge/gather.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "proto/stun_walk.h"

/* ---- which addresses to bind ---- */

size_t gather_interfaces(struct gather_interface *out, size_t cap)
{
    struct ifaddrs *list;
    size_t n = 0;
    if (getifaddrs(&list) != 0)
        return 0;
    for (struct ifaddrs *it = list; it && n < cap; it = it->ifa_next) {
        int family = it->ifa_addr ? it->ifa_addr->sa_family : 0;
        if (!(it->ifa_flags & IFF_UP) || (family != AF_INET && family != AF_INET6))
            continue;
        struct gather_interface *to = &out[n++];
        addr_from_sockaddr(it->ifa_addr, &to->addr);
        to->addr.port = 0;
        snprintf(to->name, sizeof to->name, "%.15s", it->ifa_name);
        to->loopback = it->ifa_flags & IFF_LOOPBACK;
    }
    freeifaddrs(list);
    return n;
}

static bool contains(const struct gather_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i], name) == 0)
            return true;
    return false;
}

static bool contains_addr(const struct gather_names *names, const struct addr *addr)
{
    for (size_t i = 0; i < names->n; i++) {
        struct addr named;
        if (addr_parse(names->v[i], 0, &named) == E_OK && addr_same_ip(&named, addr))
            return true;
    }
    return false;
}

static bool may_bind(const struct gather_config *cfg, const struct gather_interface *in)
{
    bool named = contains(&cfg->allowed_interfaces, in->name) || contains_addr(&cfg->allowed_addresses, &in->addr);
    if (in->loopback && !named)
        return false;
    if (cfg->allowed_interfaces.n ? !contains(&cfg->allowed_interfaces, in->name)
                                  : contains(&cfg->blocked_interfaces, in->name))
        return false;
    if (cfg->allowed_addresses.n ? !contains_addr(&cfg->allowed_addresses, &in->addr)
                                 : contains_addr(&cfg->blocked_addresses, &in->addr))
        return false;
    if (in->addr.family == ADDR_IP6 && !cfg->use_ipv6)
        return false;
    return cfg->use_link_local || !addr_is_link_local(&in->addr);
}

size_t gather_bind_list(const struct gather_config *cfg, const struct gather_interface *interfaces, size_t n,
                        struct addr out[GATHER_LOCALS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < n && count < GATHER_LOCALS_MAX; i++)
        if (may_bind(cfg, &interfaces[i])) {
            out[count] = interfaces[i].addr;
            out[count++].port = cfg->port;
        }
    return count;
}

/* ---- candidates (RFC 8445 5.1) ---- */

static uint32_t priority_of(enum ice_candidate_type type, size_t number) /* component 1; earlier ones are preferred */
{
    uint32_t preference = type == ICE_HOST ? 126 : 100;
    return preference << 24 | (uint32_t)(65535 - number) << 8 | 255;
}

static void add_candidate(struct gather_result *r, enum ice_candidate_type type, const struct addr *addr,
                          const struct ice_local *base)
{
    for (size_t i = 0; i < r->candidate_count; i++)
        if (addr_eq(&r->candidates[i].addr, addr))
            return;
    if (r->candidate_count == GATHER_CANDIDATES_MAX)
        return;
    size_t number = r->candidate_count++;
    r->candidates[number] = (struct local_candidate){
        .type = type,
        .addr = *addr,
        .base = base->addr,
        .foundation = (uint32_t)number + 1,
        .priority = priority_of(type, number),
        .local = base->local,
    };
    r->has_public |= !addr_is_loopback(addr) && !addr_is_link_local(addr) && !addr_is_private(addr);
}

static void add_mapped(struct gather_result *r, const struct gather_mapping *mapping, const struct ice_local *base)
{
    struct addr addr = mapping->public;
    if (!addr_same_ip(&mapping->local, &base->addr) || addr_same_ip(&mapping->public, &base->addr))
        return;
    if (mapping->local.port && mapping->local.port != base->addr.port)
        return;
    if (!addr.port)
        addr.port = base->addr.port;
    add_candidate(r, ICE_SRFLX, &addr, base);
}

void gather_candidates(const struct gather_config *cfg, const struct ice_local *locals, size_t local_count,
                       const struct gather_mapping *stun, size_t stun_count, struct gather_result *out)
{
    *out = (struct gather_result){.local_count = MIN(local_count, (size_t)GATHER_LOCALS_MAX)};
    memcpy(out->locals, locals, out->local_count * sizeof *locals);
    for (size_t i = 0; i < out->local_count; i++)
        add_candidate(out, ICE_HOST, &locals[i].addr, &locals[i]);
    for (size_t i = 0; i < out->local_count; i++) {
        for (size_t m = 0; m < cfg->mapping_count; m++)
            add_mapped(out, &cfg->mappings[m], &locals[i]);
        for (size_t m = 0; m < stun_count; m++)
            add_mapped(out, &stun[m], &locals[i]);
    }
}

/* ---- STUN mapping: one request per server and local IPv4 address, from sockets of their own ---- */

struct asked {
    struct gather *gather;
    uv_udp_t udp;
    bool open;
    struct addr local;
    uint8_t id[STUN_WALK_ID_LEN];
    uint8_t buf[1500];
};

struct gather {
    uv_loop_t *loop;
    const struct gather_config *cfg;
    struct ice_local locals[GATHER_LOCALS_MAX];
    size_t local_count;
    gather_done *on_done;
    void *ctx;
    uv_timer_t timeout;
    uv_getaddrinfo_t lookups[GATHER_MAPPINGS_MAX];
    struct asked asked[GATHER_MAPPINGS_MAX];
    size_t asked_count, answers_due, lookup_count;
    unsigned open; /* handles and look-ups that still hold memory */
    struct gather_mapping found[GATHER_MAPPINGS_MAX];
    size_t found_count;
    bool finished;
};

static void release(struct gather *g)
{
    if (--g->open == 0)
        free(g);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_udp_closed(uv_handle_t *handle)
{
    struct asked *a = handle->data;
    release(a->gather);
}

static void close_all(struct gather *g)
{
    g->finished = true;
    for (size_t i = 0; i < g->asked_count; i++)
        if (g->asked[i].open)
            uv_close((uv_handle_t *)&g->asked[i].udp, on_udp_closed);
    for (size_t i = 0; i < g->lookup_count; i++)
        uv_cancel((uv_req_t *)&g->lookups[i]);
    uv_close((uv_handle_t *)&g->timeout, on_closed);
}

static void finish(struct gather *g)
{
    struct gather_result result;
    if (g->finished)
        return;
    gather_candidates(g->cfg, g->locals, g->local_count, g->found, g->found_count, &result);
    result.stun_asked = g->cfg->stun_servers.n > 0;
    result.stun_failed = result.stun_asked && !g->found_count;
    close_all(g);
    g->on_done(g->ctx, &result);
}

static void on_timeout(uv_timer_t *timer)
{
    finish(timer->data);
}

static void answer_came(struct gather *g)
{
    if (--g->answers_due == 0)
        finish(g);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)size;
    struct asked *a = handle->data;
    *buf = uv_buf_init((char *)a->buf, sizeof a->buf);
}

static void on_answer(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct asked *a = udp->data;
    struct gather *g = a->gather;
    struct stun_walk stun;
    (void)flags;
    if (n <= 0 || !from || g->finished || stun_walk_parse(bytes_of(buf->base, (size_t)n), &stun) != E_OK)
        return;
    if (stun.class != STUN_WALK_SUCCESS || memcmp(stun.id, a->id, sizeof a->id) != 0 ||
        stun.mapped.family == ADDR_NONE || g->found_count == GATHER_MAPPINGS_MAX)
        return;
    struct gather_mapping *m = &g->found[g->found_count++];
    m->local = a->local;
    m->public = stun.mapped; /* the address counts, the port was this socket's */
    m->local.port = m->public.port = 0;
    uv_udp_recv_stop(udp);
    answer_came(g);
}

static void ask(struct gather *g, const struct ice_local *local, const struct sockaddr *server)
{
    struct asked *a = &g->asked[g->asked_count];
    struct sockaddr_storage ss;
    struct addr from = local->addr;
    uint8_t request[STUN_WALK_HEADER];
    struct wr w = wr_over(request, sizeof request);
    from.port = 0;
    addr_to_sockaddr(&from, &ss);
    if (g->asked_count == GATHER_MAPPINGS_MAX)
        return;
    g->asked_count++;
    *a = (struct asked){.gather = g, .local = from, .open = true};
    if (getrandom(a->id, sizeof a->id, 0) != sizeof a->id || uv_udp_init(g->loop, &a->udp) != 0)
        abort();
    a->udp.data = a;
    g->open++;
    wr_u16(&w, 0x0001); /* Binding request, no attributes: RFC 8489 5 */
    wr_u16(&w, 0);
    wr_u32(&w, STUN_WALK_COOKIE);
    wr_bytes(&w, bytes_of(a->id, sizeof a->id));
    uv_buf_t buf = uv_buf_init((char *)request, sizeof request);
    if (uv_udp_bind(&a->udp, (struct sockaddr *)&ss, 0) == 0 && uv_udp_recv_start(&a->udp, give_buffer, on_answer) == 0 &&
        uv_udp_try_send(&a->udp, &buf, 1, server) > 0)
        g->answers_due++;
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct gather *g = lookup->data;
    if (!g->finished) {
        for (size_t i = 0; status == 0 && i < g->local_count; i++) {
            const struct addr *addr = &g->locals[i].addr;
            if (addr->family == ADDR_IP4 && !addr_is_loopback(addr) && !addr_is_link_local(addr))
                ask(g, &g->locals[i], list->ai_addr);
        }
        answer_came(g); /* the look-up itself */
    }
    uv_freeaddrinfo(list);
    release(g);
}

static void resolve(struct gather *g, const char *server)
{
    char host[256];
    const char *colon = strrchr(server, ':');
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    if (!colon || colon == server || (size_t)(colon - server) >= sizeof host || g->lookup_count == GATHER_MAPPINGS_MAX)
        return;
    snprintf(host, sizeof host, "%.*s", (int)(colon - server), server);
    uv_getaddrinfo_t *lookup = &g->lookups[g->lookup_count];
    lookup->data = g;
    if (uv_getaddrinfo(g->loop, lookup, on_resolved, host, colon + 1, &hints) != 0)
        return;
    g->lookup_count++;
    g->answers_due++;
    g->open++;
}

struct gather *gather_start(uv_loop_t *loop, const struct gather_config *cfg, const struct ice_local *locals,
                            size_t local_count, gather_done *on_done, void *ctx)
{
    struct gather *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    g->loop = loop;
    g->cfg = cfg;
    g->local_count = MIN(local_count, (size_t)GATHER_LOCALS_MAX);
    memcpy(g->locals, locals, g->local_count * sizeof *locals);
    g->on_done = on_done;
    g->ctx = ctx;
    uv_timer_init(loop, &g->timeout);
    g->timeout.data = g;
    g->open = 1;
    for (size_t i = 0; i < cfg->stun_servers.n; i++)
        resolve(g, cfg->stun_servers.v[i]);
    uv_timer_start(&g->timeout, on_timeout, g->answers_due ? GATHER_STUN_TIMEOUT_MS : 0, 0);
    return g;
}

void gather_cancel(struct gather *g)
{
    if (g && !g->finished)
        close_all(g);
}
