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
    if (out->local_count)
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

/* ---- STUN mapping: each server is asked from each local address, from sockets of their own ---- */

struct asked { /* one request (RFC 8489 6.2.1): the same bytes again after 1, 3 and 7 RTO, until an answer or the end */
    struct gather *gather;
    uv_udp_t udp;
    uv_timer_t again;
    uint64_t wait_ms;
    bool due;
    struct addr local;
    struct sockaddr_storage server;
    uint8_t request[STUN_WALK_HEADER];
    uint8_t buf[1500];
};

struct gather {
    uv_loop_t *loop;
    const struct gather_config *cfg;
    uint64_t rto_ms;
    struct ice_local locals[GATHER_LOCALS_MAX];
    size_t local_count;
    gather_done *on_done;
    void *ctx;
    uv_timer_t limit;
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

static void on_limit_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_asked_closed(uv_handle_t *handle)
{
    struct asked *a = handle->data;
    release(a->gather);
}

static void close_all(struct gather *g)
{
    g->finished = true;
    for (size_t i = 0; i < g->asked_count; i++) {
        uv_close((uv_handle_t *)&g->asked[i].udp, on_asked_closed);
        uv_close((uv_handle_t *)&g->asked[i].again, on_asked_closed);
    }
    for (size_t i = 0; i < g->lookup_count; i++)
        uv_cancel((uv_req_t *)&g->lookups[i]);
    uv_close((uv_handle_t *)&g->limit, on_limit_closed);
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

static void on_limit(uv_timer_t *limit)
{
    finish(limit->data);
}

static void one_less_due(struct gather *g)
{
    if (--g->answers_due == 0)
        finish(g);
}

static void end_asking(struct asked *a)
{
    a->due = false;
    uv_timer_stop(&a->again);
    uv_udp_recv_stop(&a->udp);
    one_less_due(a->gather);
}

static void learn_mapping(struct gather *g, const struct addr *local, const struct addr *mapped)
{
    if (g->found_count == GATHER_MAPPINGS_MAX)
        return;
    if (g->found_count == 0 && uv_timer_get_due_in(&g->limit) > GATHER_SETTLE_RTOS * g->rto_ms)
        uv_timer_start(&g->limit, on_limit, GATHER_SETTLE_RTOS * g->rto_ms, 0);
    struct gather_mapping *m = &g->found[g->found_count++];
    m->local = *local;
    m->public = *mapped; /* the address counts, the port was this socket's */
    m->local.port = m->public.port = 0;
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
    struct stun_walk stun;
    struct addr source, server;
    if (n <= 0 || !from || flags & UV_UDP_PARTIAL || !a->due)
        return;
    addr_from_sockaddr(from, &source);
    addr_from_sockaddr((struct sockaddr *)&a->server, &server);
    if (!addr_eq(&source, &server) || stun_walk_parse(bytes_of(buf->base, (size_t)n), &stun) != E_OK ||
        memcmp(stun.id, a->request + STUN_WALK_HEADER - STUN_WALK_ID_LEN, STUN_WALK_ID_LEN) != 0)
        return;
    if (stun.class == STUN_WALK_SUCCESS && stun.mapped.family == a->local.family)
        learn_mapping(a->gather, &a->local, &stun.mapped);
    else if (stun.class != STUN_WALK_ERROR)
        return;
    end_asking(a);
}

static bool transmit(struct asked *a) /* false: this server cannot be reached from here */
{
    uv_buf_t buf = uv_buf_init((char *)a->request, sizeof a->request);
    int sent = uv_udp_try_send(&a->udp, &buf, 1, (struct sockaddr *)&a->server);
    return sent >= 0 || sent == UV_EAGAIN;
}

static void on_again(uv_timer_t *again)
{
    struct asked *a = again->data;
    a->wait_ms *= 2;
    uv_timer_start(again, on_again, a->wait_ms, 0);
    if (!transmit(a))
        end_asking(a);
}

static void write_request(uint8_t request[STUN_WALK_HEADER]) /* Binding, no attributes: RFC 8489 5 */
{
    uint8_t id[STUN_WALK_ID_LEN];
    struct wr w = wr_over(request, STUN_WALK_HEADER);
    if (getrandom(id, sizeof id, 0) != sizeof id)
        abort();
    wr_u16(&w, 0x0001);
    wr_u16(&w, 0);
    wr_u32(&w, STUN_WALK_COOKIE);
    wr_bytes(&w, bytes_of(id, sizeof id));
}

static void ask(struct gather *g, const struct addr *local, const struct addr *server)
{
    if (g->asked_count == GATHER_MAPPINGS_MAX)
        return;
    struct asked *a = &g->asked[g->asked_count++];
    struct sockaddr_storage from;
    *a = (struct asked){.gather = g, .local = *local, .wait_ms = g->rto_ms};
    a->local.port = 0;
    addr_to_sockaddr(&a->local, &from);
    addr_to_sockaddr(server, &a->server);
    write_request(a->request);
    if (uv_udp_init(g->loop, &a->udp) != 0 || uv_timer_init(g->loop, &a->again) != 0)
        abort();
    a->udp.data = a->again.data = a;
    g->open += 2;
    if (uv_udp_bind(&a->udp, (struct sockaddr *)&from, 0) != 0 ||
        uv_udp_recv_start(&a->udp, give_buffer, on_answer) != 0 || !transmit(a))
        return;
    a->due = true;
    g->answers_due++;
    uv_timer_start(&a->again, on_again, a->wait_ms, 0);
}

/* A loopback address of ours is only bound for tests on one machine, and then the server is there too. */
static bool may_ask(const struct addr *local, const struct addr *server)
{
    return local->family == server->family && !addr_is_link_local(local) &&
           addr_is_loopback(local) == addr_is_loopback(server);
}

static bool first_of_family(const struct addrinfo *list, const struct addrinfo *it)
{
    for (; list != it; list = list->ai_next)
        if (list->ai_family == it->ai_family)
            return false;
    return it->ai_family == AF_INET || it->ai_family == AF_INET6;
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct gather *g = lookup->data;
    if (!g->finished) {
        for (struct addrinfo *it = status == 0 ? list : NULL; it; it = it->ai_next) {
            struct addr server;
            if (!first_of_family(list, it))
                continue;
            addr_from_sockaddr(it->ai_addr, &server);
            for (size_t i = 0; i < g->local_count; i++)
                if (may_ask(&g->locals[i].addr, &server))
                    ask(g, &g->locals[i].addr, &server);
        }
        one_less_due(g); /* the look-up itself */
    }
    uv_freeaddrinfo(list);
    release(g);
}

static bool split_server(const char *server, char host[256], const char **port) /* "host:port" or "[v6]:port" */
{
    const char *colon = strrchr(server, ':');
    if (!colon || colon == server)
        return false;
    size_t len = (size_t)(colon - server);
    if (server[0] == '[' && colon[-1] == ']')
        server++, len -= 2;
    if (len == 0 || len > 255)
        return false;
    memcpy(host, server, len);
    host[len] = 0;
    *port = colon + 1;
    return true;
}

static void resolve(struct gather *g, const char *server)
{
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    if (g->lookup_count == GATHER_MAPPINGS_MAX || !split_server(server, host, &port))
        return;
    uv_getaddrinfo_t *lookup = &g->lookups[g->lookup_count];
    lookup->data = g;
    if (uv_getaddrinfo(g->loop, lookup, on_resolved, host, port, &hints) != 0)
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
    g->rto_ms = cfg->stun_rto_ms ? cfg->stun_rto_ms : GATHER_RTO_MS;
    g->local_count = MIN(local_count, (size_t)GATHER_LOCALS_MAX);
    if (g->local_count)
        memcpy(g->locals, locals, g->local_count * sizeof *locals);
    g->on_done = on_done;
    g->ctx = ctx;
    uv_timer_init(loop, &g->limit);
    g->limit.data = g;
    g->open = 1;
    for (size_t i = 0; i < cfg->stun_servers.n; i++)
        resolve(g, cfg->stun_servers.v[i]);
    uv_timer_start(&g->limit, on_limit, g->answers_due ? GATHER_LIMIT_RTOS * g->rto_ms : 0, 0);
    return g;
}

void gather_cancel(struct gather *g)
{
    if (g && !g->finished)
        close_all(g);
}
