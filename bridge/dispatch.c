/* dispatch.c - see dispatch.h. Order per conference is kept because inboxes keep the order of a sender. */
#include "bridge/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/worker.h"

static void post(void *ctx, struct control_target at, struct worker_msg *msg)
{
    struct bridge *bridge = ctx;
    worker_post(bridge->workers[at.worker], msg);
}

static void post_arg(void *ctx, struct control_target at, enum worker_msg_kind kind, void *arg, void (*arg_free)(void *))
{
    struct worker_msg *msg = worker_msg_new(kind, at.conf, at.ep, NULL, 0);
    msg->arg = arg;
    msg->arg_free = arg_free;
    post(ctx, at, msg);
}

static void free_endpoint_spec(void *spec)
{
    endpoint_spec_free(spec);
}
static void free_transport_spec(void *spec)
{
    transport_spec_free(spec);
}
static void free_source_set(void *set)
{
    source_set_free(set);
}
static void free_media_spec(void *spec)
{
    media_spec_free(spec);
}

static void free_restart_spec(void *spec)
{
    explicit_bzero(spec, sizeof(struct restart_spec));
    free(spec);
}

static void conference_new(void *ctx, struct control_target at, const struct conference_spec *spec)
{
    struct conference_spec *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *spec;
    post_arg(ctx, at, W_CONF_NEW, copy, free);
}

static void conference_expire(void *ctx, struct control_target at)
{
    post(ctx, at, worker_msg_new(W_CONF_EXPIRE, at.conf, 0, NULL, 0));
}

static void endpoint_new(void *ctx, struct control_target at, struct endpoint_spec *moved)
{
    post_arg(ctx, at, W_EP_NEW, moved, free_endpoint_spec);
}

static void endpoint_media(void *ctx, struct control_target at, struct media_spec *moved)
{
    post_arg(ctx, at, W_EP_MEDIA, moved, free_media_spec);
}

static void endpoint_transport(void *ctx, struct control_target at, struct transport_spec *moved)
{
    post_arg(ctx, at, W_EP_TRANSPORT, moved, free_transport_spec);
}

static void endpoint_sources(void *ctx, struct control_target at, struct source_set *moved)
{
    post_arg(ctx, at, W_EP_SOURCES, moved, free_source_set);
}

static void endpoint_force_mute(void *ctx, struct control_target at, bool audio, bool video)
{
    struct worker_msg *msg = worker_msg_new(W_EP_MUTE, at.conf, at.ep, NULL, 0);
    msg->audio = audio;
    msg->video = video;
    post(ctx, at, msg);
}

static void endpoint_initial_last_n(void *ctx, struct control_target at, int32_t last_n)
{
    struct worker_msg *msg = worker_msg_new(W_EP_LAST_N, at.conf, at.ep, NULL, 0);
    msg->number = last_n;
    post(ctx, at, msg);
}

static void endpoint_ice_restart(void *ctx, struct control_target at, const struct ice_credentials *local,
                                 uint32_t generation)
{
    struct restart_spec *spec = malloc(sizeof *spec);
    if (!spec)
        abort();
    *spec = (struct restart_spec){.generation = generation, .local = *local};
    post_arg(ctx, at, W_EP_ICE_RESTART, spec, free_restart_spec);
}

static void endpoint_expire(void *ctx, struct control_target at)
{
    post(ctx, at, worker_msg_new(W_EP_EXPIRE, at.conf, at.ep, NULL, 0));
}

const struct control_ops dispatch_ops = {
    .conference_new = conference_new,
    .conference_expire = conference_expire,
    .endpoint_new = endpoint_new,
    .endpoint_media = endpoint_media,
    .endpoint_transport = endpoint_transport,
    .endpoint_sources = endpoint_sources,
    .endpoint_force_mute = endpoint_force_mute,
    .endpoint_initial_last_n = endpoint_initial_last_n,
    .endpoint_ice_restart = endpoint_ice_restart,
    .endpoint_expire = endpoint_expire,
};
