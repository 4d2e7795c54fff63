/* channels.c - see channels.h. */
#include "bridge/channels.h"

#include <stdlib.h>
#include <uv.h>

#include "bridge/inbox.h"
#include "bridge/worker.h"
#include "media/dchan.h"

/* The shortest time that usrsctp waits is 200 ms, for a delayed acknowledgement: a finer tick is wake-ups for nothing. */
enum { TICK_MS = 50 };

enum channel_msg_kind { CHANNEL_OPEN, CHANNEL_PACKET, CHANNEL_TEXT, CHANNEL_CLOSE, CHANNEL_STOP };

struct channel_msg {
    struct inbox_msg msg;
    uint32_t ep_serial;
    struct worker *owner; /* CHANNEL_OPEN */
    size_t len;
    uint8_t bytes[];
};

struct channel {
    struct dchan *dchan;
    struct worker *owner;
    uint32_t ep_serial;
};

struct channels {
    uv_thread_t thread;
    uv_loop_t loop;
    uv_timer_t timer;
    struct inbox *inbox;
    struct map by_serial;
    uint64_t ticked_us;
    unsigned max_channels;
};

static void tell_owner(struct channel *ch, enum worker_msg_kind kind, struct bytes bytes)
{
    worker_post(ch->owner, worker_msg_new(kind, 0, ch->ep_serial, bytes.p, bytes.n));
}

static void drain(struct channels *channels)
{
    struct dchan *dchan;
    struct dchan_out out;
    while ((dchan = dchan_next_ready())) {
        struct channel *ch = map_get_u32(&channels->by_serial, (uint32_t)dchan_token(dchan));
        while (dchan_poll(dchan, &out)) {
            switch (out.kind) {
            case DCHAN_SEND: tell_owner(ch, W_CHANNEL_PACKET, out.bytes); break;
            case DCHAN_OPEN: tell_owner(ch, W_CHANNEL_READY, bytes_of(NULL, 0)); break;
            case DCHAN_TEXT: tell_owner(ch, W_CHANNEL_TEXT, out.bytes); break;
            case DCHAN_CLOSED: tell_owner(ch, W_CHANNEL_CLOSED, bytes_of(NULL, 0)); break;
            }
        }
    }
}

static void open_channel(struct channels *channels, const struct channel_msg *msg)
{
    struct channel *ch = calloc(1, sizeof *ch);
    if (!ch)
        abort();
    struct dchan_config cfg = {.token = msg->ep_serial, .max_channels = channels->max_channels};
    ch->owner = msg->owner;
    ch->ep_serial = msg->ep_serial;
    ch->dchan = dchan_new(&cfg);
    if (ch->dchan)
        map_put_u32(&channels->by_serial, msg->ep_serial, ch);
    else
        free(ch);
}

static void close_channel(struct channels *channels, uint32_t ep_serial)
{
    struct channel *ch = map_del_u32(&channels->by_serial, ep_serial);
    if (!ch)
        return;
    dchan_free(ch->dchan);
    free(ch);
}

static void stop(struct channels *channels)
{
    struct channel *ch;
    for (size_t at = 0; (ch = map_next(&channels->by_serial, &at)); at = 0)
        close_channel(channels, ch->ep_serial);
    inbox_close(channels->inbox);
    uv_close((uv_handle_t *)&channels->timer, NULL);
}

static void on_msg(void *ctx, struct inbox_msg *in)
{
    struct channels *channels = ctx;
    struct channel_msg *msg = container_of(in, struct channel_msg, msg);
    struct channel *ch = map_get_u32(&channels->by_serial, msg->ep_serial);
    struct bytes bytes = bytes_of(msg->bytes, msg->len);
    bool stopping = false;
    switch ((enum channel_msg_kind)in->kind) {
    case CHANNEL_OPEN:
        if (!ch)
            open_channel(channels, msg);
        break;
    case CHANNEL_PACKET:
        if (ch)
            dchan_on_packet(ch->dchan, bytes);
        break;
    case CHANNEL_TEXT:
        if (ch)
            dchan_send_text(ch->dchan, bytes); /* refused: counted there, state is sent again on reconnect */
        break;
    case CHANNEL_CLOSE: close_channel(channels, msg->ep_serial); break;
    case CHANNEL_STOP: stopping = true; break;
    }
    free(msg);
    if (stopping)
        stop(channels);
    else
        drain(channels);
}

static void on_tick(uv_timer_t *timer)
{
    struct channels *channels = timer->data;
    uint64_t now_us = uv_hrtime() / 1000;
    uint32_t elapsed_ms = (uint32_t)((now_us - channels->ticked_us) / US_PER_MS);
    channels->ticked_us += elapsed_ms * US_PER_MS;
    dchan_process_on_time(elapsed_ms);
    drain(channels);
}

static void run(void *arg)
{
    struct channels *channels = arg;
    uv_run(&channels->loop, UV_RUN_DEFAULT);
}

struct channels *channels_new(unsigned max_channels)
{
    if (dchan_process_init() != E_OK)
        return NULL;
    struct channels *channels = calloc(1, sizeof *channels);
    if (!channels || uv_loop_init(&channels->loop) != 0)
        abort();
    map_init(&channels->by_serial);
    channels->max_channels = max_channels;
    channels->ticked_us = uv_hrtime() / 1000;
    channels->inbox = inbox_new(&channels->loop, on_msg, channels);
    uv_timer_init(&channels->loop, &channels->timer);
    channels->timer.data = channels;
    uv_timer_start(&channels->timer, on_tick, TICK_MS, TICK_MS);
    if (uv_thread_create(&channels->thread, run, channels) != 0)
        abort();
    return channels;
}

static void post(struct channels *channels, enum channel_msg_kind kind, struct worker *owner, uint32_t ep_serial,
                 struct bytes bytes)
{
    struct channel_msg *msg = malloc(sizeof *msg + bytes.n);
    if (!msg)
        abort();
    *msg = (struct channel_msg){.msg.kind = (int)kind, .ep_serial = ep_serial, .owner = owner, .len = bytes.n};
    if (bytes.n)
        memcpy(msg->bytes, bytes.p, bytes.n);
    inbox_post(channels->inbox, &msg->msg);
}

void channels_free(struct channels *channels)
{
    if (!channels)
        return;
    post(channels, CHANNEL_STOP, NULL, 0, bytes_of(NULL, 0));
    uv_thread_join(&channels->thread);
    uv_loop_close(&channels->loop);
    map_done(&channels->by_serial);
    free(channels);
    dchan_process_done();
}

void channels_open(struct channels *channels, struct worker *owner, uint32_t ep_serial)
{
    post(channels, CHANNEL_OPEN, owner, ep_serial, bytes_of(NULL, 0));
}

void channels_packet(struct channels *channels, uint32_t ep_serial, struct bytes packet)
{
    post(channels, CHANNEL_PACKET, NULL, ep_serial, packet);
}

void channels_text(struct channels *channels, uint32_t ep_serial, struct bytes text)
{
    post(channels, CHANNEL_TEXT, NULL, ep_serial, text);
}

void channels_close(struct channels *channels, uint32_t ep_serial)
{
    post(channels, CHANNEL_CLOSE, NULL, ep_serial, bytes_of(NULL, 0));
}
