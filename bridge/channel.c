/* channel.c - the messages of the bridge channel: what each of a client's means, and what it is told when its channel
 * comes up (bridge-channel.md 4 and 5). The transport below is channels.c, the text format proto/bridge_msg. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/endpoint.h"

static void send_stored_constraints(struct endpoint *ep)
{
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        if (source->kind == COLIBRI2_VIDEO && source->demand.told)
            endpoint_send_text(ep, bridge_msg_write_sender_constraint(source->name, demand_height(&source->demand)));
    }
}

static void send_inactive(struct endpoint *ep)
{
    list_for_each (it, &ep->conf->endpoints) {
        struct endpoint *other = container_of(it, struct endpoint, node);
        if (other->shown_inactive)
            endpoint_send_text(ep, bridge_msg_write_connectivity(other->id, false));
    }
}

void endpoint_send_connection_stats(struct endpoint *ep, uint64_t downlink_bps) /* bridge-channel.md 5.15 */
{
    if (downlink_bps && ep->channel_ready)
        endpoint_send_text(ep, bridge_msg_write_connection_stats(downlink_bps));
}

void endpoint_on_channel_ready(struct endpoint *ep)
{
    ep->channel_ready = true;
    send_stored_constraints(ep);
    receiver_announce(&ep->receiver);
    send_inactive(ep);
    conference_send_dominant(ep->conf, ep);
}

static void forward_opaque(struct endpoint *ep, const struct bridge_msg *msg)
{
    if (ep->visitor)
        return;
    struct conference *conf = ep->conf;
    char *text = bridge_msg_forward(msg, ep->id);
    struct endpoint *to = msg->u.opaque.to ? map_get_str(&conf->by_id, msg->u.opaque.to) : NULL;
    if (to)
        endpoint_send_text(to, strdup(text));
    else if (!msg->u.opaque.to)
        conference_broadcast(conf, ep, text);
    free(text);
}

static void set_video_type(struct endpoint *ep, const struct bridge_msg_video_type *msg)
{
    char legacy[CONTROL_ID_LEN + 4];
    const char *name = msg->source;
    if (!name) {
        snprintf(legacy, sizeof legacy, "%s-v0", ep->id);
        name = legacy;
    }
    conference_set_video_type(ep->conf, ep, name, msg->type);
}

static void obey(struct endpoint *ep, const struct bridge_msg *msg)
{
    struct receiver *r = &ep->receiver;
    const char *version = NULL;
    switch (msg->kind) {
    case BRIDGE_CLIENT_HELLO:
        if (ep->worker->bridge->config->version_announce)
            version = KOLIBRI_VERSION;
        endpoint_send_text(ep, bridge_msg_write_server_hello(version));
        break;
    case BRIDGE_ENDPOINT_MESSAGE:
    case BRIDGE_ENDPOINT_STATS: forward_opaque(ep, msg); break;
    case BRIDGE_RECEIVER_VIDEO:
        if (alloc_wants_on_message(r->wants, &msg->u.video))
            receiver_allocate(r, ep->worker->now_us);
        break;
    case BRIDGE_LAST_N:
        if (alloc_wants_on_last_n(r->wants, msg->u.last_n))
            receiver_allocate(r, ep->worker->now_us);
        break;
    case BRIDGE_RECEIVER_AUDIO:
        audio_sub_on_message(&r->audio_sub, &msg->u.audio);
        conference_audio_unbound(ep->conf);
        break;
    case BRIDGE_VIDEO_TYPE: set_video_type(ep, &msg->u.video_type); break;
    }
}

void endpoint_on_channel_text(struct endpoint *ep, struct bytes text)
{
    struct bridge_msg *msg;
    enum bridge_msg_refusal refusal = bridge_msg_parse(text, &msg);
    ep->worker->message_refusals[refusal]++; /* those that were fine too, under OK */
    if (refusal != BRIDGE_MSG_OK)
        return;
    obey(ep, msg);
    bridge_msg_free(msg);
}
