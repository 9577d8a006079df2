/*
 * Timers of the core: intrusive, in a hashed wheel, driven by whoever owns the loop (or the simulation).
 * Times are monotonic milliseconds. Not thread safe.
 */
#ifndef KW_BASE_TIMER_H
#define KW_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kw_timers kw_timers;
typedef struct kw_timer kw_timer;

struct kw_timer {
    void (*fire)(kw_timer *timer); /* may start or stop any timer, this one included, and free its owner */
    uint64_t due;                  /* monotonic ms; read only */
    kw_timer *prev, *next;         /* the wheel's */
    kw_timers *timers;             /* NULL while it is not running */
};

kw_timers *kw_timers_new(uint64_t now);
void kw_timers_free(kw_timers *timers);                                /* timers still running are forgotten */
void kw_timer_start(kw_timers *timers, kw_timer *timer, uint64_t due); /* restarts a running one */
void kw_timer_stop(kw_timer *timer);                                   /* fine when not running */
/* Fire everything that is due at `now`, in order of its due time. */
void kw_timers_advance(kw_timers *timers, uint64_t now);
/* The earliest due time, or UINT64_MAX. */
uint64_t kw_timers_next(const kw_timers *timers);

#endif
