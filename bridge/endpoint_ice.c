/* endpoint_ice.c - see endpoint_ice.h. */
#include "bridge/endpoint_ice.h"

#include <stdlib.h>

#include <gnutls/crypto.h>

#include "bridge/endpoint.h"
#include "proto/log.h"

/* ---- agents ---- */

static void agent_timer_fired(struct timer *timer, uint64_t now_us);

static struct endpoint_agent *agent_new(struct endpoint *ep, const struct ice_credentials *local, bool controlling,
                                        uint32_t generation)
{
    struct worker *w = ep->worker;
    struct ice_local locals[UDP_LOCALS_MAX];
    struct ice_config cfg = {
        .ufrag = local->ufrag,
        .pwd = local->pwd,
        .controlling = controlling,
        .worker = (uint8_t)w->index,
        .locals = locals,
        .local_count = bridge_bound_locals(w->bridge, locals),
        .consent_us = w->bridge->config->consent_interval_us,
        .late_checks_us = w->bridge->config->ice_termination_us,
        .pairs_max = (size_t)w->bridge->config->ice_pairs_max,
    };
    gnutls_rnd(GNUTLS_RND_RANDOM, &cfg.tie_breaker, sizeof cfg.tie_breaker);
    struct endpoint_agent *agent = ep->ice.agents;
    while (agent->ice)
        agent++; /* three places, and at most two are taken when a third agent is made */
    *agent = (struct endpoint_agent){.ep = ep, .generation = generation, .until_us = NEVER_US};
    agent->ice = ice_new(&cfg, w->now_us);
    if (!agent->ice)
        return NULL;
    if (demux_add_name(w->demux, &ep->owner, generation, local->ufrag, ice_id_prefix(agent->ice)) != E_OK) {
        ice_free(agent->ice);
        agent->ice = NULL;
        return NULL;
    }
    timer_init(&agent->timer, agent_timer_fired);
    return agent;
}

static void agent_end(struct endpoint_agent *agent)
{
    struct worker *w = agent->ep->worker;
    demux_drop_name(w->demux, &agent->ep->owner, agent->generation);
    wheel_set(&w->wheel, &agent->timer, NEVER_US);
    ice_free(agent->ice);
    agent->ice = NULL;
}

static void end_retiring(struct endpoint *ep)
{
    if (ep->ice.retiring)
        agent_end(ep->ice.retiring);
    ep->ice.retiring = NULL;
}

static void end_pending(struct endpoint *ep)
{
    if (ep->ice.pending)
        agent_end(ep->ice.pending);
    ep->ice.pending = NULL;
}

/* ---- what an agent says ---- */

static void path_changed(struct endpoint *ep)
{
    const struct ice_path *path = ice_send_path(ep->ice.established->ice);
    bool was_up = endpoint_is_up(ep);
    ep->sendable = path != NULL;
    if (path && (!addr_eq(&ep->dest.to, &path->remote) || ep->dest.local != path->local)) {
        udp_dest_set(ep->worker->udp, &ep->dest, &path->remote, path->local);
        bwe_path_changed(ep);
    }
    if (endpoint_is_up(ep) != was_up)
        receiver_up(&ep->receiver, endpoint_is_up(ep));
}

static void send_stun(struct endpoint *ep, const struct ice_path *path, struct bytes datagram)
{
    struct udp_io *udp = ep->worker->udp;
    if (!addr_eq(&ep->stun_dest.to, &path->remote) || ep->stun_dest.local != path->local)
        udp_dest_set(udp, &ep->stun_dest, &path->remote, path->local);
    udp_out_copy(udp, &ep->stun_dest, datagram);
}

static void report_restarted(struct endpoint *ep, uint32_t generation, bool ok)
{
    bridge_report(ep->worker->bridge, &(struct control_report){.msg.kind = REPORT_ICE_RESTARTED,
                                                               .conf_serial = ep->conf->serial,
                                                               .ep_serial = ep->serial,
                                                               .generation = generation,
                                                               .restarted = ok});
}

static void restart_failed(struct endpoint *ep, const char *why)
{
    log_info("ice", "endpoint=%u ICE restart ended without success (%s); media stays where it was", ep->serial, why);
    report_restarted(ep, ep->ice.pending->generation, false);
    end_pending(ep);
}

static void arm(struct endpoint_agent *agent)
{
    wheel_set(&agent->ep->worker->wheel, &agent->timer, MIN(ice_deadline_us(agent->ice), agent->until_us));
}

static void cut_over(struct endpoint *ep)
{
    struct endpoint_ice *ice = &ep->ice;
    end_retiring(ep);
    ice->retiring = ice->established;
    ice->retiring->until_us = ep->worker->now_us + ep->worker->bridge->config->ice_restart_transition_us;
    arm(ice->retiring);
    ice->established = ice->pending;
    ice->established->until_us = NEVER_US;
    ice->pending = NULL;
    log_info("ice", "endpoint=%u ICE restarted", ep->serial);
    report_restarted(ep, ice->established->generation, true);
}

static void established_says(struct endpoint *ep, const struct ice_out *out)
{
    switch (out->kind) {
    case ICE_WRITEABLE:
        path_changed(ep);
        endpoint_start_dtls(ep);
        break;
    case ICE_CONNECTED:
        path_changed(ep);
        ep->active_us = ep->worker->now_us;
        bridge_report(ep->worker->bridge, &(struct control_report){.msg.kind = REPORT_ICE_CONNECTED,
                                                                   .conf_serial = ep->conf->serial,
                                                                   .ep_serial = ep->serial});
        break;
    case ICE_CONSENT_OK:
        ep->active_us = ep->worker->now_us;
        path_changed(ep);
        break;
    case ICE_PATH_CHANGED:
    case ICE_CONSENT_LOST: path_changed(ep); break;
    case ICE_FAILED_NOW:
        log_info("ice", "endpoint=%u no pair works; it goes at the next check of lifetimes", ep->serial);
        break;
    default: break;
    }
}

/* The agent may be gone afterwards. */
static void drain(struct endpoint_agent *agent)
{
    struct endpoint *ep = agent->ep;
    struct worker *w = ep->worker;
    struct ice_out out;
    bool failed = false;
    while (ice_poll(agent->ice, &out)) {
        if (out.kind == ICE_SEND) {
            send_stun(ep, &out.path, out.datagram);
        } else if (out.kind == ICE_TUPLE) {
            if (demux_claim(w->demux, w->now_us, &ep->owner, &out.path, out.proven))
                worker_tell_path(w, &out.path, out.proven);
        } else if (agent == ep->ice.established) {
            established_says(ep, &out);
        } else if (agent == ep->ice.pending && out.kind == ICE_CONNECTED) {
            cut_over(ep);
            ep->active_us = w->now_us;
            path_changed(ep);
        } else {
            failed |= agent == ep->ice.pending && out.kind == ICE_FAILED_NOW;
        }
    }
    if (failed)
        restart_failed(ep, "no pair works");
    else
        arm(agent);
}

static void agent_timer_fired(struct timer *timer, uint64_t now_us)
{
    struct endpoint_agent *agent = container_of(timer, struct endpoint_agent, timer);
    struct endpoint *ep = agent->ep;
    if (now_us < agent->until_us) {
        ice_on_time(agent->ice, now_us);
        drain(agent);
    } else if (agent == ep->ice.pending) {
        restart_failed(ep, "too late");
    } else {
        end_retiring(ep);
    }
}

/* ---- what is asked of it ---- */

static struct endpoint_agent *agent_of(struct endpoint *ep, uint32_t generation)
{
    for (struct endpoint_agent *agent = ep->ice.agents; agent < ep->ice.agents + ENDPOINT_AGENTS; agent++)
        if (agent->ice && agent->generation == generation)
            return agent;
    return NULL;
}

bool endpoint_ice_init(struct endpoint *ep, const struct ice_credentials *local, bool controlling)
{
    ep->ice.established = agent_new(ep, local, controlling, 0);
    return ep->ice.established != NULL;
}

void endpoint_ice_done(struct endpoint *ep)
{
    end_retiring(ep);
    end_pending(ep);
    agent_end(ep->ice.established);
    ep->ice.established = NULL;
}

void endpoint_ice_on_stun(struct endpoint *ep, uint32_t generation, const struct ice_path *path, const struct pkt *pkt)
{
    struct endpoint_agent *agent = agent_of(ep, generation);
    if (!agent)
        return;
    enum err err = ice_on_datagram(agent->ice, pkt->rx_us, path, bytes_of(pkt->data, pkt->len));
    if (err != E_OK)
        demux_count(ep->worker->demux, drop_of_ice(err));
    drain(agent);
}

void endpoint_ice_on_heard(struct endpoint *ep, const struct ice_path *path, bool media)
{
    if (ice_on_media(ep->ice.established->ice, ep->worker->now_us, path, media))
        drain(ep->ice.established);
}

void endpoint_ice_on_stray(struct endpoint *ep, const struct ice_path *path)
{
    if (ice_on_stray(ep->ice.established->ice, ep->worker->now_us, path))
        drain(ep->ice.established);
}

void endpoint_ice_set_remote(struct endpoint *ep, const struct transport_spec *spec)
{
    struct endpoint_agent *agent = spec->ice_generation ? ep->ice.pending : ep->ice.established;
    struct ice_candidate candidates[JINGLE_CANDIDATES_MAX];
    if (!agent || (spec->ice_generation && spec->ice_generation != agent->generation))
        return;
    for (size_t i = 0; i < spec->candidate_count; i++)
        candidates[i] = (struct ice_candidate){.addr = spec->candidates[i].addr,
                                               .type = (enum ice_candidate_type)spec->candidates[i].type,
                                               .priority = spec->candidates[i].priority};
    ice_set_remote(agent->ice, ep->worker->now_us, spec->has_credentials ? spec->remote.ufrag : NULL,
                   spec->has_credentials ? spec->remote.pwd : NULL, candidates, spec->candidate_count);
    drain(agent);
}

void endpoint_ice_restart(struct endpoint *ep, const struct ice_credentials *local, uint32_t generation)
{
    struct worker *w = ep->worker;
    end_pending(ep);
    ep->ice.pending = agent_new(ep, local, ice_is_controlling(ep->ice.established->ice), generation);
    if (!ep->ice.pending) {
        report_restarted(ep, generation, false);
        return;
    }
    ep->ice.pending->until_us = w->now_us + w->bridge->config->ice_restart_timeout_us;
    drain(ep->ice.pending);
}

bool endpoint_ice_has_failed(const struct endpoint *ep)
{
    return ice_get_state(ep->ice.established->ice) == ICE_FAILED;
}
