/* gather.h - our own candidates: which local addresses to bind, and how the outside sees them.
 *
 * Purpose: interface rules, static mappings, STUN mapping, priorities and foundations (RFC 8445 5.1), all at start, before
 *          the bridge announces itself. The core is pure: interfaces in, addresses and candidates out; the part with a
 *          loop (gather_start) resolves and asks STUN servers, with a limit on time.
 * Order:   gather_interfaces -> gather_bind_list -> (udp_io binds; what failed is left out) -> gather_start -> on_done
 *          with a struct gather_result, which is immutable from then on and may be read by any thread.
 * Loopback: skipped, as in the stock bridge, unless allowed-interfaces names the interface or allowed-addresses the
 *          address. That is for tests and demonstrations on one machine; such candidates reach nobody else.
 * Not for: sockets that carry media (bridge/udp_io), XML (proto/jingle). */
#ifndef BRIDGE_GATHER_H
#define BRIDGE_GATHER_H

#include <uv.h>

#include "media/ice.h"

enum {
    GATHER_LOCALS_MAX = ICE_LOCALS_MAX,
    GATHER_CANDIDATES_MAX = 64,
    GATHER_MAPPINGS_MAX = 64, /* static ones and those found by STUN, each */
    GATHER_RTO_MS = 500,    /* a request that is not answered is sent again after 1, 3 and 7 of these */
    GATHER_LIMIT_RTOS = 10, /* then it ends without the servers that never answered, */
    GATHER_SETTLE_RTOS = 3, /* or so long after the first mapping was found: some addresses never reach a server */
};

struct gather_names { /* a list of texts from the configuration */
    const char *const *v;
    size_t n;
};

struct gather_mapping {
    struct addr local,
        public; /* ports both 0: keep the local port; else only a candidate with that local port is mapped */
};

struct gather_config {
    uint16_t port;          /* 0 for sockets with a port of their own (relays): locals carry the bound one */
    bool use_ipv6;          /* default true */
    bool use_link_local;    /* default false */
    bool advertise_private; /* default true */
    struct gather_names allowed_interfaces, blocked_interfaces; /* allowed not empty: blocked is ignored */
    struct gather_names allowed_addresses, blocked_addresses;
    const struct gather_mapping *mappings; /* videobridge's static-mappings; mask == face and duplicates are ignored */
    size_t mapping_count;
    struct gather_names stun_servers; /* "host:port" or "[v6]:port" */
    uint32_t stun_rto_ms;             /* 0: GATHER_RTO_MS */
};

struct gather_interface { /* one address of an interface */
    char name[16];
    struct addr addr; /* port 0 */
    bool loopback;
};

struct local_candidate {
    enum ice_candidate_type type; /* ICE_HOST or ICE_SRFLX */
    struct addr addr;             /* what the peer is told */
    struct addr base;             /* the address of our socket: rel-addr and rel-port of a srflx candidate */
    uint32_t foundation;          /* equal for equal type, base and mapping source */
    uint32_t priority;
    uint8_t local; /* index of the socket it is based on */
};

struct gather_result {
    struct ice_local locals[GATHER_LOCALS_MAX]; /* for struct ice_config */
    size_t local_count;
    struct local_candidate candidates[GATHER_CANDIDATES_MAX]; /* all of them */
    size_t candidate_count;
    bool stun_asked, stun_failed; /* servers were configured; none of them answered (require-stun) */
    bool has_public; /* an address that is neither loopback nor link-local nor private (require-valid-address) */
};

size_t gather_interfaces(struct gather_interface *out, size_t cap);

/* Addresses to bind, with cfg->port, in the order of the interfaces. */
size_t gather_bind_list(const struct gather_config *cfg, const struct gather_interface *interfaces, size_t n,
                        struct addr out[GATHER_LOCALS_MAX]);

/* The candidates of the addresses that were bound; locals[i].addr has the bound port. stun: found mappings, ports 0. */
void gather_candidates(const struct gather_config *cfg, const struct ice_local *locals, size_t local_count,
                       const struct gather_mapping *stun, size_t stun_count, struct gather_result *out);

/* Asks each STUN server from each local address of its family that is not link-local (from loopback only a server on
 * loopback), with retransmission as RFC 8489 6.2.1 says, then calls on_done once, from the loop (never from inside
 * gather_start), at the latest after GATHER_LIMIT_RTOS. Servers that have both families are asked in both. cfg must live
 * until then. Cancel: gather_cancel, after which on_done is not called; the memory goes when the loop has run. */
struct gather;
typedef void gather_done(void *ctx, const struct gather_result *result);
struct gather *gather_start(uv_loop_t *loop, const struct gather_config *cfg, const struct ice_local *locals,
                            size_t local_count, gather_done *on_done, void *ctx);
void gather_cancel(struct gather *gather);

#endif
