#include "identity/key_watch.h"

#include "identity/identity_internal.h"

#include <stddef.h>

#define LOOK_MS UINT64_C(10000) /* at least so often: an administrator may have changed issuers or keys */

/* One fetch for each job: what shuts down has not long to wait. */
static void look(kw_job *job)
{
    kw_key_watch *watch = (kw_key_watch *)job;
    kw_identity_gate *gate = watch->gate;
    const kw_snapshot *snapshot = NULL;
    watch->is_more_due = false;
    if (!kw_status_is_bad(kw_snapshot_get(&gate->snapshots, gate->store, gate->log, &snapshot))) {
        watch->is_more_due = kw_key_source_renew_due(gate->keys, snapshot);
        kw_snapshot_release(snapshot);
    }
}

static void look_later(kw_key_watch *watch, uint64_t ms)
{
    kw_timer_start(watch->timers, &watch->timer, kw_clock_ms(watch->gate->clock) + ms);
}

static uint64_t pause_of(const kw_key_watch *watch)
{
    const uint64_t refresh_ms = (uint64_t)watch->gate->config.issuer_keys.refresh_s * 1000;
    return refresh_ms < LOOK_MS ? refresh_ms : LOOK_MS;
}

/* Once more after a fetch, so that what it brought is in the snapshot that Sessions are held against. */
static void looked(kw_job *job)
{
    kw_key_watch *watch = (kw_key_watch *)job;
    look_later(watch, watch->is_more_due ? 1 : pause_of(watch));
}

static void on_timer(kw_timer *timer)
{
    kw_key_watch *watch = (kw_key_watch *)((char *)timer - offsetof(kw_key_watch, timer));
    if (kw_status_is_bad(kw_executor_submit(watch->executor, &watch->job))) {
        look_later(watch, pause_of(watch));
    }
}

void kw_identity_gate_watch_issuers(kw_identity_gate *gate, kw_timers *timers, const kw_executor *executor)
{
    kw_key_watch *watch = &gate->watch;
    *watch =
        (kw_key_watch){.job = {.run = look, .done = looked}, .timer.fire = on_timer, .gate = gate, .timers = timers, .executor = executor};
    look_later(watch, 1);
}

void kw_key_watch_stop(kw_key_watch *watch)
{
    if (watch->timers != NULL) {
        kw_timer_stop(&watch->timer);
    }
}
