/* inbox.h - messages into a thread: any number of senders, one receiver, no lock, no waiting for replies.
 *
 * A message embeds a struct inbox_msg. Sending moves ownership to the receiver's handler. Order is kept per sender.
 * Thread: inbox_post on any thread while the inbox is open; the rest on the receiver's loop. */
#ifndef BRIDGE_INBOX_H
#define BRIDGE_INBOX_H

#include <uv.h>

#include "proto/inbox_msg.h"

struct inbox;
typedef void inbox_handler(void *ctx, struct inbox_msg *msg);

struct inbox *inbox_new(uv_loop_t *loop, inbox_handler *handler, void *ctx);
void inbox_post(struct inbox *inbox, struct inbox_msg *msg);
void inbox_close(struct inbox *inbox); /* delivers what is queued, then closes; memory goes when the loop has run */

#endif
