/*
 * The offload pool without threads: jobs begin in the order of the real one (server/turns.h), as many at once as it has places, and each
 * runs and is done when the test says so.
 */
#ifndef KW_TEST_POOL_H
#define KW_TEST_POOL_H

#include "server/turns.h"

typedef struct kw_test_pool {
    kw_executor executor;
    kw_turns turns;
    size_t submitted, finished;
} kw_test_pool;

void kw_test_pool_init(kw_test_pool *pool, unsigned places, unsigned passwords, size_t max);
/* The job of this source that runs; the one that began last, if there are several. NULL: none does. */
const kw_job *kw_test_pool_running(const kw_test_pool *pool, uint64_t source);
unsigned kw_test_pool_passwords(const kw_test_pool *pool); /* that run */
/* One that runs ends: the one that began first. False: none does. */
bool kw_test_pool_finish_one(kw_test_pool *pool);
/* The same for a job that hashes a password. */
bool kw_test_pool_finish_password(kw_test_pool *pool);
/* Until nothing is left, also of what is submitted meanwhile. */
void kw_test_pool_finish_all(kw_test_pool *pool);

#endif
