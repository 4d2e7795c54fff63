/* inbox.c - a lock-free stack that the receiver takes whole and turns round. */
#include "bridge/inbox.h"

#include <stdatomic.h>
#include <stdlib.h>

struct inbox {
    uv_async_t async;
    _Atomic(struct inbox_msg *) head;
    inbox_handler *handler;
    void *ctx;
};

static void deliver(struct inbox *inbox)
{
    struct inbox_msg *stack = atomic_exchange_explicit(&inbox->head, NULL, memory_order_acquire);
    struct inbox_msg *ordered = NULL;
    while (stack) {
        struct inbox_msg *next = stack->next;
        stack->next = ordered;
        ordered = stack;
        stack = next;
    }
    while (ordered) {
        struct inbox_msg *msg = ordered;
        ordered = msg->next;
        msg->next = NULL;
        inbox->handler(inbox->ctx, msg);
    }
}

static void on_async(uv_async_t *async)
{
    deliver(async->data);
}

struct inbox *inbox_new(uv_loop_t *loop, inbox_handler *handler, void *ctx)
{
    struct inbox *inbox = calloc(1, sizeof *inbox);
    if (!inbox)
        return NULL;
    inbox->handler = handler;
    inbox->ctx = ctx;
    if (uv_async_init(loop, &inbox->async, on_async) != 0) {
        free(inbox);
        return NULL;
    }
    inbox->async.data = inbox;
    return inbox;
}

void inbox_post(struct inbox *inbox, struct inbox_msg *msg)
{
    struct inbox_msg *head = atomic_load_explicit(&inbox->head, memory_order_relaxed);
    do
        msg->next = head;
    while (!atomic_compare_exchange_weak_explicit(&inbox->head, &head, msg, memory_order_release,
                                                  memory_order_relaxed));
    if (!head) /* whoever made it non-empty wakes the receiver */
        uv_async_send(&inbox->async);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void inbox_close(struct inbox *inbox)
{
    if (!inbox)
        return;
    deliver(inbox);
    uv_close((uv_handle_t *)&inbox->async, on_closed);
}
