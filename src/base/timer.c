#include "base/timer.h"

#include <stdlib.h>

/*
 * Four levels of 64 slots of 1, 64, 4,096 and 262,144 ms, and one list for what lies beyond (4.6 hours). A timer moves to a finer
 * level when the wheel comes to its slot; what fires, fires in the order of its due time because slots of the finest level hold
 * one millisecond each. What is due already when it is started waits in a list of its own, in order, for the next advance.
 */
#define LEVELS 4
#define SLOTS 64
#define SLOT_BITS 6

struct kw_timers {
    uint64_t now;
    kw_timer slots[LEVELS][SLOTS]; /* heads of rings; those of the present are empty */
    kw_timer overdue, beyond;
    size_t count;
};

static void ring_init(kw_timer *head)
{
    head->prev = head->next = head;
}

static void ring_remove(kw_timer *t)
{
    if (t->prev == NULL || t->next == NULL) { /* in no ring */
        return;
    }
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

static void ring_append(kw_timer *head, kw_timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

kw_timers *kw_timers_new(uint64_t now)
{
    kw_timers *timers = calloc(1, sizeof(*timers));
    if (timers == NULL) {
        return NULL;
    }
    timers->now = now;
    for (int level = 0; level < LEVELS; level++) {
        for (int i = 0; i < SLOTS; i++) {
            ring_init(&timers->slots[level][i]);
        }
    }
    ring_init(&timers->overdue);
    ring_init(&timers->beyond);
    return timers;
}

static void forget_ring(kw_timer *head)
{
    while (head->next != head) {
        kw_timer *t = head->next;
        ring_remove(t);
        t->timers = NULL;
    }
}

void kw_timers_free(kw_timers *timers)
{
    if (timers == NULL) {
        return;
    }
    for (int level = 0; level < LEVELS; level++) {
        for (int i = 0; i < SLOTS; i++) {
            forget_ring(&timers->slots[level][i]);
        }
    }
    forget_ring(&timers->overdue);
    forget_ring(&timers->beyond);
    free(timers);
}

/* The ring for a timer that is not overdue: the finest level in which its slot lies within one turn. */
static kw_timer *ring_for(kw_timers *timers, uint64_t due)
{
    for (int level = 0; level < LEVELS; level++) {
        const int shift = level * SLOT_BITS;
        if ((due >> shift) - (timers->now >> shift) < SLOTS) {
            return &timers->slots[level][(due >> shift) & (SLOTS - 1)];
        }
    }
    return &timers->beyond;
}

void kw_timer_stop(kw_timer *timer)
{
    if (timer->timers != NULL) {
        ring_remove(timer);
        timer->timers->count--;
        timer->timers = NULL;
    }
}

void kw_timer_start(kw_timers *timers, kw_timer *timer, uint64_t due)
{
    kw_timer_stop(timer);
    timer->due = due;
    timer->timers = timers;
    timers->count++;
    if (due > timers->now) {
        ring_append(ring_for(timers, due), timer);
        return;
    }
    kw_timer *later = timers->overdue.prev;
    while (later != &timers->overdue && later->due > due) {
        later = later->prev;
    }
    ring_append(later->next, timer);
}

/* Take a whole ring over; the former head is empty then. */
static void take_ring(kw_timer *head, kw_timer *out)
{
    if (head->next == head) {
        ring_init(out);
        return;
    }
    *out = *head;
    out->next->prev = out;
    out->prev->next = out;
    ring_init(head);
}

/* Sort the timers of a coarser slot, which the wheel has come to, into finer ones. */
static void cascade(kw_timers *timers, kw_timer *head)
{
    kw_timer all;
    take_ring(head, &all); /* its members may go back into it */
    while (all.next != &all) {
        kw_timer *t = all.next;
        ring_remove(t);
        ring_append(ring_for(timers, t->due), t);
    }
}

static void enter_millisecond(kw_timers *timers, uint64_t now)
{
    timers->now = now;
    if ((now & ((UINT64_C(1) << (LEVELS * SLOT_BITS)) - 1)) == 0) {
        cascade(timers, &timers->beyond);
    }
    for (int level = LEVELS - 1; level > 0; level--) {
        if ((now & ((UINT64_C(1) << (level * SLOT_BITS)) - 1)) == 0) {
            cascade(timers, &timers->slots[level][(now >> (level * SLOT_BITS)) & (SLOTS - 1)]);
        }
    }
}

/* What is started overdue while firing waits for the next advance: a timer that restarts itself cannot hold us up. */
static void fire_ring(kw_timer *head)
{
    kw_timer due;
    take_ring(head, &due);
    while (due.next != &due) {
        kw_timer *t = due.next;
        kw_timer_stop(t);
        t->fire(t);
    }
}

/* How many slots ahead of the present the first one that is not empty lies; 0: all of this level are. */
static uint64_t slots_ahead(const kw_timers *timers, int level)
{
    for (uint64_t i = 1; i < SLOTS; i++) {
        const kw_timer *head = &timers->slots[level][((timers->now >> (level * SLOT_BITS)) + i) & (SLOTS - 1)];
        if (head->next != head) {
            return i;
        }
    }
    return 0;
}

/* The first millisecond after `now` in which something fires or a slot has to be sorted, at most `limit`. */
static uint64_t next_stop(const kw_timers *timers, uint64_t limit)
{
    uint64_t stop = limit;
    for (int level = 0; level < LEVELS; level++) {
        const int shift = level * SLOT_BITS;
        const uint64_t ahead = slots_ahead(timers, level);
        const uint64_t start = ((timers->now >> shift) + ahead) << shift;
        stop = ahead > 0 && start < stop ? start : stop;
    }
    if (timers->beyond.next != &timers->beyond) {
        const uint64_t turn = (timers->now | ((UINT64_C(1) << (LEVELS * SLOT_BITS)) - 1)) + 1;
        stop = turn < stop ? turn : stop;
    }
    return stop;
}

void kw_timers_advance(kw_timers *timers, uint64_t now)
{
    fire_ring(&timers->overdue);
    while (timers->now < now) {
        enter_millisecond(timers, next_stop(timers, now));
        fire_ring(&timers->slots[0][timers->now & (SLOTS - 1)]);
    }
}

static void earliest_in(const kw_timer *head, uint64_t *earliest)
{
    for (const kw_timer *t = head->next; t != head; t = t->next) {
        *earliest = t->due < *earliest ? t->due : *earliest;
    }
}

uint64_t kw_timers_next(const kw_timers *timers)
{
    uint64_t earliest = UINT64_MAX;
    earliest_in(&timers->overdue, &earliest);
    for (int level = 0; level < LEVELS && timers->count > 0; level++) {
        /* The first slot that is not empty has the earliest of its level. */
        const uint64_t ahead = slots_ahead(timers, level);
        if (ahead > 0) {
            earliest_in(&timers->slots[level][((timers->now >> (level * SLOT_BITS)) + ahead) & (SLOTS - 1)], &earliest);
        }
    }
    earliest_in(&timers->beyond, &earliest); /* time went on since they were put there: they need not be the last any more */
    return earliest;
}
