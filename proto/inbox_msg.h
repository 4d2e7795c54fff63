/* inbox_msg.h - what anything that travels between threads starts with; see bridge/inbox.h. It lives down here so that a
 * packet can be a message itself, and handing one over costs no allocation. */
#ifndef PROTO_INBOX_MSG_H
#define PROTO_INBOX_MSG_H

struct inbox_msg {
    struct inbox_msg *next; /* the inbox's, while it is in there */
    int kind;               /* the receiver's own enum */
};

#endif
