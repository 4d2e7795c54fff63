/* See early_queue.h. */
#include "media/early_queue.h"

void early_queue_init(struct early_queue *q)
{
    *q = (struct early_queue){0};
}

void early_queue_done(struct early_queue *q)
{
    for (struct pkt *pkt; (pkt = early_queue_pop(q)) != NULL;)
        pkt_drop(pkt);
}

void early_queue_push(struct early_queue *q, struct pkt *pkt)
{
    pkt->next = NULL;
    if (q->tail)
        q->tail->next = pkt;
    else
        q->head = pkt;
    q->tail = pkt;
    q->count++;
    q->bytes += pkt->len;
    while (q->count > EARLY_QUEUE_PKTS || q->bytes > EARLY_QUEUE_BYTES) {
        pkt_drop(early_queue_pop(q));
        q->dropped++;
    }
}

struct pkt *early_queue_pop(struct early_queue *q)
{
    struct pkt *pkt = q->head;
    if (!pkt)
        return NULL;
    q->head = pkt->next;
    if (!q->head)
        q->tail = NULL;
    pkt->next = NULL;
    q->count--;
    q->bytes -= pkt->len;
    return pkt;
}
