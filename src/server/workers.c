#include "server/workers.h"

#include <stdlib.h>

#define PLACES_LEAST 3
#define PLACES_MIN 4
#define PLACES_MAX 18
#define ROUNDS_MAX 16 /* of taking what is finished, before the sockets have their turn */

/* --- how many -------------------------------------------------------------------------------------------------------------- */

/* Two more than there are cores: some jobs wait for the disk. An administrator has the last word, by the variable that libuv has for it. */
static unsigned places_for(unsigned cores)
{
    const char *asked = getenv("UV_THREADPOOL_SIZE");
    const unsigned long places = asked != NULL ? strtoul(asked, NULL, 10) : 0;
    if (places == 0) {
        return cores + 2 < PLACES_MIN ? PLACES_MIN : cores + 2 > PLACES_MAX ? PLACES_MAX : cores + 2;
    }
    return places < PLACES_LEAST ? PLACES_LEAST : places > KW_WORKERS_MAX ? KW_WORKERS_MAX : (unsigned)places;
}

/* Passwords compute: one more at once than there are cores, so that nobody who asks for many has all of them busy. */
static kw_turns turns_for(unsigned cores, uint32_t max_jobs)
{
    const unsigned places = places_for(cores);
    return (kw_turns){.places = places, .passwords = cores + 1 < places ? cores + 1 : places - 1, .max = max_jobs};
}

/* --- lists ------------------------------------------------------------------------------------------------------------------ */

static void clear(kw_work_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void append(kw_work_list *list, kw_work *work)
{
    work->next = NULL;
    *list->end = work;
    list->end = &work->next;
}

static kw_work *take_first(kw_work_list *list)
{
    kw_work *work = list->first;
    list->first = work->next;
    if (list->first == NULL) {
        list->end = &list->first;
    }
    return work;
}

/* --- turns: the lock is held -------------------------------------------------------------------------------------------------- */

/* No more begin than there are threads. `awake`: of them, those that look for work without being woken. */
static void begin_turns(kw_workers *w, unsigned awake)
{
    for (kw_turn *turn; (turn = kw_turns_begin(&w->turns)) != NULL;) {
        append(&w->begun, (kw_work *)turn);
        if (awake > 0) {
            awake--;
        } else if (w->idle > 0) {
            uv_cond_signal(&w->changed);
        }
    }
}

/* Whether somebody has to ring. */
static bool hand_back(kw_workers *w, kw_work *work)
{
    const bool is_first = !w->is_rung;
    w->is_rung = true;
    kw_turns_end(&w->turns, &work->turn);
    append(&w->finished, work);
    begin_turns(w, 1);
    return is_first;
}

/* --- on a thread ------------------------------------------------------------------------------------------------------------ */

static bool wait_for_work(kw_workers *w)
{
    while (w->begun.first == NULL && !w->is_closing) {
        w->idle++;
        uv_cond_wait(&w->changed, &w->lock);
        w->idle--;
    }
    return w->begun.first != NULL;
}

static void work(void *ctx)
{
    kw_workers *w = ctx;
    uv_mutex_lock(&w->lock);
    while (wait_for_work(w)) {
        kw_work *mine = take_first(&w->begun);
        uv_mutex_unlock(&w->lock);
        mine->turn.job->run(mine->turn.job);
        uv_mutex_lock(&w->lock);
        if (hand_back(w, mine)) {
            uv_mutex_unlock(&w->lock);
            uv_async_send(&w->bell);
            uv_mutex_lock(&w->lock);
        }
    }
    uv_mutex_unlock(&w->lock);
}

/* --- on the loop ------------------------------------------------------------------------------------------------------------ */

/* NULL: from now on whoever finishes rings. */
static kw_work *take_finished(kw_workers *w)
{
    uv_mutex_lock(&w->lock);
    kw_work *all = w->finished.first;
    clear(&w->finished);
    w->is_rung = all != NULL;
    uv_mutex_unlock(&w->lock);
    return all;
}

static void finish_all(kw_workers *w, kw_work *all)
{
    for (kw_work *one = all, *next; one != NULL; one = next) {
        next = one->next;
        kw_job *job = one->turn.job;
        free(one);
        w->under_way--;
        job->done(job);
    }
}

static void on_bell(uv_async_t *bell)
{
    kw_workers *w = bell->data;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        kw_work *all = take_finished(w);
        if (all == NULL) {
            return;
        }
        finish_all(w, all);
    }
    uv_async_send(bell); /* still rung: nobody else does */
}

static kw_status submit(void *ctx, kw_job *job)
{
    kw_workers *w = ctx;
    kw_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    work->turn.job = job;
    uv_mutex_lock(&w->lock);
    const kw_status status = kw_turns_add(&w->turns, &work->turn);
    if (!kw_status_is_bad(status)) {
        begin_turns(w, 0);
        w->under_way++;
    }
    uv_mutex_unlock(&w->lock);
    if (kw_status_is_bad(status)) {
        free(work);
    }
    return status;
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

static kw_status start_threads(kw_workers *w)
{
    w->threads = calloc(w->turns.places, sizeof(*w->threads));
    if (w->threads == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    while (w->count < w->turns.places) {
        if (uv_thread_create(&w->threads[w->count], work, w) != 0) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        w->count++;
    }
    return KW_GOOD;
}

kw_status kw_workers_start(kw_workers *workers, uv_loop_t *loop, uint32_t max_jobs)
{
    *workers = (kw_workers){.executor = {submit, workers}, .turns = turns_for(uv_available_parallelism(), max_jobs)};
    clear(&workers->begun);
    clear(&workers->finished);
    uv_mutex_init(&workers->lock);
    uv_cond_init(&workers->changed);
    uv_async_init(loop, &workers->bell, on_bell);
    workers->bell.data = workers;
    const kw_status status = start_threads(workers);
    if (kw_status_is_bad(status)) {
        kw_workers_stop(workers);
    }
    return status;
}

void kw_workers_stop(kw_workers *workers)
{
    uv_mutex_lock(&workers->lock);
    workers->is_closing = true;
    uv_cond_broadcast(&workers->changed);
    uv_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++) {
        uv_thread_join(&workers->threads[i]);
    }
    free(workers->threads);
    uv_cond_destroy(&workers->changed);
    uv_mutex_destroy(&workers->lock);
}

void kw_workers_count(kw_workers *workers, size_t *waiting, size_t *running)
{
    *waiting = 0;
    uv_mutex_lock(&workers->lock);
    for (size_t i = 0; i < KW_LANES; i++) {
        *waiting += workers->turns.waiting[i].count;
    }
    *running = workers->turns.count - *waiting;
    uv_mutex_unlock(&workers->lock);
}
