/* pkt.c - reference-counted packets; see pkt.h. */
#include "media/pkt.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slot { /* the count sits in front of the packet, out of the readers' reach */
    atomic_uint refs;
    struct pkt_pool *home;
    struct slot *next_free;
    struct pkt pkt;
};

struct pkt_pool {
    struct slot *slots;
    size_t count, free_count;
    size_t fresh;                         /* slots from here on were never used, so their memory was never touched */
    struct slot *free;                    /* owner only */
    _Atomic(struct slot *) returned;      /* pushed by other threads, taken whole by the owner */
};

static _Thread_local struct pkt_pool *my_pool;

static struct slot *slot_of(const struct pkt *pkt)
{
    return container_of(pkt, struct slot, pkt);
}

struct pkt_pool *pkt_pool_new(size_t count)
{
    struct pkt_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->slots = calloc(count, sizeof *pool->slots);
    if (!pool->slots) {
        free(pool);
        return NULL;
    }
    pool->count = pool->free_count = count;
    return pool;
}

static void collect(struct pkt_pool *pool)
{
    struct slot *s = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (s) {
        struct slot *next = s->next_free;
        s->next_free = pool->free;
        pool->free = s;
        pool->free_count++;
        s = next;
    }
}

void pkt_pool_free(struct pkt_pool *pool)
{
    if (!pool)
        return;
    collect(pool);
    assert(pool->free_count == pool->count);
    if (my_pool == pool)
        my_pool = NULL;
    free(pool->slots);
    free(pool);
}

void pkt_pool_adopt(struct pkt_pool *pool)
{
    my_pool = pool;
}

size_t pkt_pool_free_count(struct pkt_pool *pool)
{
    collect(pool);
    return pool->free_count;
}

struct pkt *pkt_alloc(struct pkt_pool *pool)
{
    assert(my_pool == pool);
    if (!pool->free)
        collect(pool);
    struct slot *s = pool->free;
    if (s) {
        pool->free = s->next_free;
    } else if (pool->fresh < pool->count) {
        s = &pool->slots[pool->fresh++];
        s->home = pool;
    } else {
        return NULL;
    }
    pool->free_count--;
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    s->pkt.next = NULL;
    s->pkt.len = 0;
    return &s->pkt;
}

static void give_back(struct slot *s)
{
    struct pkt_pool *pool = s->home;
    if (pool == my_pool) {
        s->next_free = pool->free;
        pool->free = s;
        pool->free_count++;
        return;
    }
    struct slot *head = atomic_load_explicit(&pool->returned, memory_order_relaxed);
    do
        s->next_free = head;
    while (!atomic_compare_exchange_weak_explicit(&pool->returned, &head, s, memory_order_release,
                                                  memory_order_relaxed));
}

void pkt_drop(struct pkt *pkt)
{
    pkt_unref(pkt);
}

const struct pkt *pkt_freeze(struct pkt *pkt)
{
    return pkt;
}

const struct pkt *pkt_ref(const struct pkt *pkt)
{
    atomic_fetch_add_explicit(&slot_of(pkt)->refs, 1, memory_order_relaxed);
    return pkt;
}

void pkt_unref(const struct pkt *pkt)
{
    if (!pkt)
        return;
    struct slot *s = slot_of(pkt);
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        give_back(s);
}
