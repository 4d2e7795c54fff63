/* wheel.c - see wheel.h. A deadline belongs to the tick at or after it, so nothing fires early. */
#include "bridge/wheel.h"

static uint64_t tick_of(uint64_t deadline_us)
{
    return deadline_us / US_PER_MS + (deadline_us % US_PER_MS != 0);
}

void wheel_init(struct wheel *wheel, uint64_t now_us)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
    memset(wheel->used, 0, sizeof wheel->used);
    wheel->done_tick = now_us / US_PER_MS;
}

void timer_init(struct timer *timer, timer_fired *fired)
{
    list_init(&timer->node);
    timer->deadline_us = NEVER_US;
    timer->fired = fired;
}

void wheel_set(struct wheel *wheel, struct timer *timer, uint64_t deadline_us)
{
    if (timer->deadline_us == deadline_us && (deadline_us == NEVER_US || !list_empty(&timer->node)))
        return;
    list_remove(&timer->node);
    timer->deadline_us = deadline_us;
    if (deadline_us == NEVER_US)
        return;
    uint64_t tick = MAX(tick_of(deadline_us), wheel->done_tick + 1); /* the past fires at the next tick */
    size_t slot = tick % WHEEL_SLOTS;
    list_push_back(&wheel->slots[slot], &timer->node);
    wheel->used[slot / 64] |= 1ull << slot % 64;
}

static void run_slot(struct wheel *wheel, size_t slot, uint64_t now_us)
{
    struct list due;
    list_init(&due);
    wheel->used[slot / 64] &= ~(1ull << slot % 64);
    list_for_each_safe(it, &wheel->slots[slot]) {
        struct timer *timer = container_of(it, struct timer, node);
        if (timer->deadline_us <= now_us) {
            list_remove(it);
            list_push_back(&due, it);
        } else {
            wheel->used[slot / 64] |= 1ull << slot % 64;
        }
    }
    while (!list_empty(&due)) { /* a callback may take others out of this list, or arm them anew */
        struct timer *timer = container_of(due.next, struct timer, node);
        list_remove(&timer->node);
        timer->deadline_us = NEVER_US;
        timer->fired(timer, now_us);
    }
}

void wheel_run(struct wheel *wheel, uint64_t now_us)
{
    uint64_t now_tick = now_us / US_PER_MS;
    if (now_tick > wheel->done_tick + WHEEL_SLOTS)
        wheel->done_tick = now_tick - WHEEL_SLOTS; /* one round visits every slot */
    while (wheel->done_tick < now_tick) {
        size_t slot = ++wheel->done_tick % WHEEL_SLOTS;
        if (wheel->used[slot / 64] >> slot % 64 & 1)
            run_slot(wheel, slot, now_us);
    }
}

uint64_t wheel_next_us(const struct wheel *wheel)
{
    for (size_t ahead = 1; ahead <= WHEEL_SLOTS;) {
        size_t slot = (wheel->done_tick + ahead) % WHEEL_SLOTS;
        uint64_t bits = wheel->used[slot / 64] >> slot % 64;
        if (bits)
            return (wheel->done_tick + ahead + (uint64_t)__builtin_ctzll(bits)) * US_PER_MS;
        ahead += 64 - slot % 64;
    }
    return NEVER_US;
}
