/*
 * The offload pool: threads that run jobs in the order of turns.h. A thread that ends one takes the next turn itself; what is finished
 * goes back to the loop by one bell, however much it is, and nobody rings while the loop is still taking.
 */
#ifndef KW_SERVER_WORKERS_H
#define KW_SERVER_WORKERS_H

#include "server/turns.h"

#include <uv.h>

#define KW_WORKERS_MAX 1024

/* A job that was submitted, until it is back. */
typedef struct kw_work {
    kw_turn turn; /* first */
    struct kw_work *next;
} kw_work;

typedef struct kw_work_list {
    kw_work *first, **end;
} kw_work_list;

typedef struct kw_workers {
    kw_executor executor;
    uv_async_t bell;
    uv_mutex_t lock; /* of what follows */
    uv_cond_t changed;
    kw_turns turns;
    kw_work_list begun;    /* their turn has come: each finds a thread */
    kw_work_list finished; /* and wait for the loop */
    unsigned idle;         /* threads that wait */
    bool is_rung;          /* the loop will take what is finished, or does */
    bool is_closing;
    /* the loop's alone */
    size_t under_way; /* submitted, and not yet back */
    uv_thread_t *threads;
    unsigned count;
} kw_workers;

/* At most `max_jobs` are under way. The bell is a handle of the loop, closed with it. */
kw_status kw_workers_start(kw_workers *workers, uv_loop_t *loop, uint32_t max_jobs);
/* When nothing is under way any more. */
void kw_workers_stop(kw_workers *workers);
/* Jobs that wait for their turn, and that run. */
void kw_workers_count(kw_workers *workers, size_t *waiting, size_t *running);

#endif
