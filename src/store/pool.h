/*
 * Connections that threads take in turn: never more than a fixed number, given out in the order of asking. When the engine cannot be
 * reached everybody is told at once; one asks again now and then, with growing waits between.
 */
#ifndef KW_STORE_POOL_H
#define KW_STORE_POOL_H

#include "base/clock.h"
#include "store/sql.h"

#include <pthread.h>

#define KW_POOL_MAX 16

typedef struct kw_pool {
    const char *location;  /* borrowed */
    const kw_clock *clock; /* borrowed */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    kw_sql *idle[KW_POOL_MAX];
    size_t idle_count, open, trying, max; /* open: idle, taken, or being opened; trying: being opened */
    uint64_t next, serving;               /* tickets of those who wait */
    unsigned failures;                    /* to open a connection, since the last success */
    uint64_t not_before;                  /* ms: when it may be tried again */
} kw_pool;

/* With a connection that is open already, or NULL. */
void kw_pool_init(kw_pool *pool, const char *location, const kw_clock *clock, size_t max, kw_sql *first);
void kw_pool_clear(kw_pool *pool); /* all connections are back */
/* Waits for its turn, but not for an engine that is down: Bad_ResourceUnavailable. */
kw_status kw_pool_take(kw_pool *pool, kw_sql **out);
/* `is_lost`: it is closed, and so are all that are idle. */
void kw_pool_give(kw_pool *pool, kw_sql *sql, bool is_lost);
/* How many are taken. */
size_t kw_pool_taken(kw_pool *pool);

#endif
