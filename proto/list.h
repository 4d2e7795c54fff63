/* list.h - intrusive doubly linked list. The head is a node of its own; an initialised node points to itself.
 * Owner: the caller owns all nodes. Thread: one at a time. */
#ifndef PROTO_LIST_H
#define PROTO_LIST_H

#include <stdbool.h>

#include "proto/bytes.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *node)
{
    node->prev = node->next = node;
}
static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}
static inline void list_push_back(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}
static inline void list_remove(struct list *node) /* harmless on a node that is in no list but initialised */
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
#define list_for_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
/* `it` may be removed inside the loop */
#define list_for_each_safe(it, head)                                                                                   \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); it = it##_next, it##_next = it->next)

#endif
