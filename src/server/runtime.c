/* The loop with its timers, signals and offload pool. */
#include "server/runtime_internal.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* --- offload pool: libuv's threads, in the order of turns.h ------------------------------------------------------------------ */

#define PLACES_MIN 4
#define PLACES_MAX 18

typedef struct pool_work {
    uv_work_t work;
    kw_turn turn;
    kw_runtime *runtime;
} pool_work;

/* Two more than there are cores: some jobs wait for the disk. libuv asks the environment, where an administrator may have the last word. */
static unsigned set_up_pool(unsigned cores)
{
    char text[16];
    const char *asked = getenv("UV_THREADPOOL_SIZE");
    unsigned long places = asked != NULL ? strtoul(asked, NULL, 10) : 0;
    if (places == 0) {
        places = cores + 2 < PLACES_MIN ? PLACES_MIN : cores + 2 > PLACES_MAX ? PLACES_MAX : cores + 2;
        snprintf(text, sizeof(text), "%lu", places);
        setenv("UV_THREADPOOL_SIZE", text, 1);
    }
    return places < PLACES_MIN - 1 ? PLACES_MIN - 1 : places > 1024 ? 1024 : (unsigned)places;
}

/* Passwords compute: one more at once than there are cores, so that nobody who asks for many has all of them busy. */
static kw_turns turns_for(unsigned cores, uint32_t max_jobs)
{
    const unsigned places = set_up_pool(cores);
    return (kw_turns){.places = places, .passwords = cores + 1 < places ? cores + 1 : places - 1, .max = max_jobs};
}

static void run_work(uv_work_t *work)
{
    kw_job *job = ((pool_work *)work->data)->turn.job;
    job->run(job);
}

static void begin_turns(kw_runtime *runtime);

static void work_done(uv_work_t *work, int status)
{
    pool_work *w = work->data;
    kw_runtime *runtime = w->runtime;
    kw_job *job = w->turn.job;
    (void)status; /* a job that was cancelled comes back with what it started with */
    kw_turns_end(&runtime->turns, &w->turn);
    begin_turns(runtime);
    free(w);
    job->done(job);
}

static void begin_turns(kw_runtime *runtime)
{
    for (kw_turn *turn; (turn = kw_turns_begin(&runtime->turns)) != NULL;) {
        pool_work *w = (pool_work *)((char *)turn - offsetof(pool_work, turn));
        uv_queue_work(&runtime->loop, &w->work, run_work, work_done); /* refuses nothing but a missing function */
    }
}

static kw_status submit(void *ctx, kw_job *job)
{
    kw_runtime *runtime = ctx;
    pool_work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    w->work.data = w;
    w->runtime = runtime;
    w->turn.job = job;
    const kw_status status = kw_turns_add(&runtime->turns, &w->turn);
    if (kw_status_is_bad(status)) {
        free(w);
        return status;
    }
    begin_turns(runtime);
    return KW_GOOD;
}

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
    runtime->turns = turns_for(uv_available_parallelism(), max_jobs);
    runtime->executor = (kw_executor){submit, runtime};
    uv_timer_init(&runtime->loop, &runtime->tick);
    uv_prepare_init(&runtime->loop, &runtime->before_poll);
    uv_async_init(&runtime->loop, &runtime->wake, on_wake);
    uv_async_init(&runtime->loop, &runtime->mail_bell, on_mail);
    uv_mutex_init(&runtime->mail_lock);
    runtime->mailbox = (kw_mailbox){post, runtime};
    runtime->mail_end = &runtime->mail;
    runtime->tick.data = runtime->before_poll.data = runtime->wake.data = runtime->mail_bell.data = runtime;
    uv_prepare_start(&runtime->before_poll, on_prepare);
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

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Sockets that outlived the grace are closed the way they are meant to be: their connections must learn of it. */
static void close_sockets(kw_runtime *runtime)
{
    kw_listeners_close(runtime);
    kw_sockets_close(runtime);
    while (runtime->turns.count > 0 || runtime->socket_count > 0) {
        uv_run(&runtime->loop, UV_RUN_ONCE);
    }
}

void kw_runtime_free(kw_runtime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    uv_walk(&runtime->loop, close_handle, NULL);
    uv_run(&runtime->loop, UV_RUN_DEFAULT);
    uv_loop_close(&runtime->loop);
    uv_mutex_destroy(&runtime->mail_lock);
    kw_timers_free(runtime->timers);
    free(runtime);
}

const kw_executor *kw_runtime_executor(kw_runtime *runtime)
{
    return &runtime->executor;
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
