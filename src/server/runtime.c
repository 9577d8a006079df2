/* The loop with its timers, signals and offload pool. */
#include "server/runtime_internal.h"

#include <signal.h>
#include <stdlib.h>

/* --- mail from other threads --------------------------------------------------------------------------------------------------- */

static void post(void *ctx, kw_job *job)
{
    kw_runtime *runtime = ctx;
    job->next = NULL;
    uv_mutex_lock(&runtime->mail_lock);
    *runtime->mail_end = job;
    runtime->mail_end = &job->next;
    uv_mutex_unlock(&runtime->mail_lock);
    uv_async_send(&runtime->mail_bell);
}

void kw_runtime_read_mail(kw_runtime *runtime)
{
    uv_mutex_lock(&runtime->mail_lock);
    kw_job *mail = runtime->mail;
    runtime->mail = NULL;
    runtime->mail_end = &runtime->mail;
    uv_mutex_unlock(&runtime->mail_lock);
    for (kw_job *job = mail, *next; job != NULL; job = next) {
        next = job->next; /* it may be gone once it ran */
        job->run(job);
    }
}

static void on_mail(uv_async_t *bell)
{
    kw_runtime_read_mail(bell->data);
}

const kw_mailbox *kw_runtime_mailbox(kw_runtime *runtime)
{
    return &runtime->mailbox;
}

/* --- timers ------------------------------------------------------------------------------------------------------------------ */

static void on_tick(uv_timer_t *tick)
{
    kw_runtime *runtime = tick->data;
    kw_timers_advance(runtime->timers, kw_clock_ms(&KW_CLOCK_SYSTEM));
}

/* Before the loop waits: wake up for the earliest timer. */
static void on_prepare(uv_prepare_t *prepare)
{
    kw_runtime *runtime = prepare->data;
    const uint64_t next = kw_timers_next(runtime->timers);
    const uint64_t now = kw_clock_ms(&KW_CLOCK_SYSTEM);
    if (next == UINT64_MAX) {
        uv_timer_stop(&runtime->tick);
        return;
    }
    uv_update_time(&runtime->loop);
    uv_timer_start(&runtime->tick, on_tick, next > now ? next - now : 0, 0);
}

/* --- stopping ------------------------------------------------------------------------------------------------------------------ */

static void on_drained(void *ctx)
{
    kw_runtime *runtime = ctx;
    if (--runtime->servers_left == 0) {
        uv_stop(&runtime->loop);
    }
}

static void on_grace_over(uv_timer_t *timer)
{
    kw_runtime *runtime = timer->data;
    uv_stop(&runtime->loop);
}

static void begin_stop(kw_runtime *runtime)
{
    if (runtime->is_stopping) {
        return;
    }
    runtime->is_stopping = true;
    kw_listeners_close(runtime);
    runtime->servers_left = runtime->server_count + 1; /* this call keeps one: they may drain at once */
    for (size_t i = 0; i < runtime->server_count; i++) {
        kw_server_shutdown(runtime->servers[i], on_drained, runtime);
    }
    on_drained(runtime);
}

static void on_wake(uv_async_t *async)
{
    begin_stop(async->data);
}

void kw_runtime_stop(kw_runtime *runtime)
{
    uv_async_send(&runtime->wake);
}

static void on_signal(uv_signal_t *signal, int number)
{
    kw_runtime *runtime = signal->data;
    if (number == SIGHUP) {
        if (runtime->told.hangup != NULL) {
            runtime->told.hangup(runtime->told.ctx);
        }
        return;
    }
    KW_LOG(runtime->log, KW_LOG_INFO, "stopping", kw_field_int("signal", number));
    if (!runtime->is_stopping && runtime->told.stopping != NULL) {
        runtime->told.stopping(runtime->told.ctx);
    }
    begin_stop(runtime);
}

/* --- life ------------------------------------------------------------------------------------------------------------------------ */

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void close_loop(kw_runtime *runtime)
{
    uv_walk(&runtime->loop, close_handle, NULL);
    uv_run(&runtime->loop, UV_RUN_DEFAULT);
    uv_loop_close(&runtime->loop);
    uv_mutex_destroy(&runtime->mail_lock);
    kw_timers_free(runtime->timers);
    free(runtime);
}

kw_status kw_runtime_new(const kw_log *log, uint32_t max_jobs, kw_runtime **out)
{
    kw_runtime *runtime = calloc(1, sizeof(*runtime));
    if (runtime == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    runtime->timers = kw_timers_new(kw_clock_ms(&KW_CLOCK_SYSTEM));
    if (runtime->timers == NULL || uv_loop_init(&runtime->loop) != 0) {
        kw_timers_free(runtime->timers);
        free(runtime);
        return KW_BAD_OUT_OF_MEMORY;
    }
    runtime->log = log;
    uv_timer_init(&runtime->loop, &runtime->tick);
    uv_prepare_init(&runtime->loop, &runtime->before_poll);
    uv_async_init(&runtime->loop, &runtime->wake, on_wake);
    uv_async_init(&runtime->loop, &runtime->mail_bell, on_mail);
    uv_mutex_init(&runtime->mail_lock);
    runtime->mailbox = (kw_mailbox){post, runtime};
    runtime->mail_end = &runtime->mail;
    runtime->tick.data = runtime->before_poll.data = runtime->wake.data = runtime->mail_bell.data = runtime;
    uv_prepare_start(&runtime->before_poll, on_prepare);
    if (kw_status_is_bad(kw_workers_start(&runtime->workers, &runtime->loop, max_jobs))) {
        close_loop(runtime);
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = runtime;
    return KW_GOOD;
}

kw_status kw_runtime_add_server(kw_runtime *runtime, kw_server *server)
{
    for (size_t i = 0; i < runtime->server_count; i++) {
        if (runtime->servers[i] == server) {
            return KW_GOOD;
        }
    }
    if (runtime->server_count == KW_SERVERS_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    runtime->servers[runtime->server_count++] = server;
    return KW_GOOD;
}

/* Sockets that outlived the grace are closed the way they are meant to be: their connections must learn of it. */
static void close_sockets(kw_runtime *runtime)
{
    kw_listeners_close(runtime);
    kw_sockets_close(runtime);
    while (runtime->workers.under_way > 0 || runtime->socket_count > 0) {
        uv_run(&runtime->loop, UV_RUN_ONCE);
    }
}

void kw_runtime_free(kw_runtime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    while (runtime->workers.under_way > 0) {
        uv_run(&runtime->loop, UV_RUN_ONCE);
    }
    kw_workers_stop(&runtime->workers);
    close_loop(runtime);
}

const kw_executor *kw_runtime_executor(kw_runtime *runtime)
{
    return &runtime->workers.executor;
}

kw_timers *kw_runtime_timers(kw_runtime *runtime)
{
    return runtime->timers;
}

void kw_runtime_take_signals(kw_runtime *runtime, const kw_runtime_signals *signals)
{
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGHUP};
    runtime->told = *signals;
    for (int i = 0; i < 3; i++) {
        uv_signal_init(&runtime->loop, &runtime->signals[i]);
        runtime->signals[i].data = runtime;
        uv_signal_start(&runtime->signals[i], on_signal, NUMBERS[i]);
    }
}

kw_status kw_runtime_run(kw_runtime *runtime, uint32_t grace_ms)
{
    while (!runtime->is_stopping) {
        uv_run(&runtime->loop, UV_RUN_DEFAULT);
    }
    if (runtime->servers_left > 0) { /* give what is under way its time */
        uv_timer_t grace;
        uv_timer_init(&runtime->loop, &grace);
        grace.data = runtime;
        uv_timer_start(&grace, on_grace_over, grace_ms, 0);
        uv_run(&runtime->loop, UV_RUN_DEFAULT);
        uv_close((uv_handle_t *)&grace, NULL);
        uv_run(&runtime->loop, UV_RUN_NOWAIT);
    }
    close_sockets(runtime);
    return KW_GOOD;
}
