/* What every part of the core takes as a parameter, made for tests: a clock that is told the time, seeded random bytes, an executor that runs when told, a folder that goes away. */
#ifndef KW_TEST_ENV_H
#define KW_TEST_ENV_H

#include "base/clock.h"
#include "base/job.h"

/* Stands still until it is advanced; begins at 2026-06-01T00:00Z. */
typedef struct kw_test_clock {
    kw_clock clock;
    int64_t utc;
    uint64_t ms;
} kw_test_clock;

void kw_test_clock_init(kw_test_clock *c);
void kw_test_clock_advance(kw_test_clock *c, uint64_t ms);

/* The same seed yields the same bytes. */
typedef struct kw_test_random {
    kw_random random;
    uint64_t state;
} kw_test_random;

void kw_test_random_init(kw_test_random *r, uint64_t seed);
uint64_t kw_test_random_next(kw_test_random *r);
/* 0 … below - 1; below > 0. */
size_t kw_test_random_below(kw_test_random *r, size_t below);

/* Keeps jobs until they are asked for, in order. */
typedef struct kw_test_executor {
    kw_executor executor;
    kw_job *first, *last;
    size_t waiting, submitted;
    bool is_full; /* refuse with Bad_TooManyOperations */
} kw_test_executor;

void kw_test_executor_init(kw_test_executor *e);
bool kw_test_executor_run_one(kw_test_executor *e); /* run and done; false: none was waiting */
/* The index-th of those that wait: jobs of a pool overtake each other. */
bool kw_test_executor_run_nth(kw_test_executor *e, size_t index);
void kw_test_executor_run_all(kw_test_executor *e); /* also those that are submitted meanwhile */
/* As a pool does that shuts down: done without run. */
void kw_test_executor_cancel_all(kw_test_executor *e);

/* A new folder under TMPDIR (or /tmp), 0700; the path is to be freed. */
char *kw_test_folder_new(void);
void kw_test_folder_remove(char *path); /* with everything in it; frees the path */

#endif
