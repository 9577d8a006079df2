/* Signing keys are looked after while nobody asks: a timer on the loop, and a job each time. */
#include "authority/authority_internal.h"

#include <stddef.h>

#define LOOK_MS UINT64_C(30000)

static void look(kw_job *job)
{
    kw_signing_watch *watch = (kw_signing_watch *)job;
    watch->status = kw_key_ring_look_after(watch->ring);
}

static void look_later(kw_signing_watch *watch)
{
    kw_timer_start(watch->env->timers, &watch->timer, kw_clock_ms(watch->env->clock) + LOOK_MS);
}

static void looked(kw_job *job)
{
    kw_signing_watch *watch = (kw_signing_watch *)job;
    if (kw_status_is_bad(watch->status)) {
        KW_LOG(watch->env->log, KW_LOG_WARN, "the signing keys cannot be looked after", kw_field_status("status", watch->status));
    }
    look_later(watch);
}

static void on_timer(kw_timer *timer)
{
    kw_signing_watch *watch = (kw_signing_watch *)((char *)timer - offsetof(kw_signing_watch, timer));
    watch->status = KW_GOOD;
    if (kw_status_is_bad(kw_executor_submit(watch->env->executor, &watch->job))) {
        look_later(watch);
    }
}

void kw_signing_watch_start(kw_signing_watch *watch, const kw_key_ring *ring, const kw_server_env *env)
{
    *watch = (kw_signing_watch){.job = {.run = look, .done = looked}, .timer.fire = on_timer, .ring = ring, .env = env};
    look_later(watch);
}

void kw_signing_watch_stop(kw_signing_watch *watch)
{
    if (watch->ring != NULL) {
        kw_timer_stop(&watch->timer);
    }
}
