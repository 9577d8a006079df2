#include "support/kw_test_env.h"

#include "support/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t test_utc(void *ctx)
{
    return ((kw_test_clock *)ctx)->utc;
}

static uint64_t test_monotonic(void *ctx)
{
    return ((kw_test_clock *)ctx)->ms;
}

void kw_test_clock_init(kw_test_clock *c)
{
    const int64_t start = 1780272000; /* 2026-06-01T00:00Z */
    *c = (kw_test_clock){
        .clock = {.utc = test_utc, .monotonic = test_monotonic, .ctx = c}, .utc = KW_TICKS_UNIX_EPOCH + start * KW_TICKS_PER_S, .ms = 1000};
}

void kw_test_clock_advance(kw_test_clock *c, uint64_t ms)
{
    c->ms += ms;
    c->utc += (int64_t)ms * KW_TICKS_PER_MS;
}

/* splitmix64 */
uint64_t kw_test_random_next(kw_test_random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

size_t kw_test_random_below(kw_test_random *r, size_t below)
{
    return (size_t)(kw_test_random_next(r) % below);
}

static kw_status test_fill(void *ctx, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)kw_test_random_next(ctx);
    }
    return KW_GOOD;
}

void kw_test_random_init(kw_test_random *r, uint64_t seed)
{
    *r = (kw_test_random){.random = {.fill = test_fill, .ctx = r}, .state = seed};
}

static kw_status test_submit(void *ctx, kw_job *job)
{
    kw_test_executor *e = ctx;
    if (e->is_full) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    job->next = NULL;
    if (e->last != NULL) {
        e->last->next = job;
    } else {
        e->first = job;
    }
    e->last = job;
    e->waiting++;
    e->submitted++;
    return KW_GOOD;
}

void kw_test_executor_init(kw_test_executor *e)
{
    *e = (kw_test_executor){.executor = {.submit = test_submit, .ctx = e}};
}

static kw_job *take(kw_test_executor *e)
{
    kw_job *job = e->first;
    if (job == NULL) {
        return NULL;
    }
    e->first = job->next;
    if (e->first == NULL) {
        e->last = NULL;
    }
    e->waiting--;
    return job;
}

bool kw_test_executor_run_one(kw_test_executor *e)
{
    kw_job *job = take(e);
    if (job == NULL) {
        return false;
    }
    job->run(job);
    job->done(job);
    return true;
}

bool kw_test_executor_run_nth(kw_test_executor *e, size_t index)
{
    kw_job **link = &e->first, *before = NULL;
    for (; *link != NULL && index > 0; index--) {
        before = *link;
        link = &before->next;
    }
    kw_job *job = *link;
    if (job == NULL) {
        return false;
    }
    *link = job->next;
    e->last = e->last == job ? before : e->last;
    e->waiting--;
    job->run(job);
    job->done(job);
    return true;
}

void kw_test_executor_run_all(kw_test_executor *e)
{
    while (kw_test_executor_run_one(e)) {
    }
}

void kw_test_executor_cancel_all(kw_test_executor *e)
{
    for (kw_job *job = take(e); job != NULL; job = take(e)) {
        job->done(job);
    }
}

char *kw_test_folder_new(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/keyway-test-XXXXXX", base != NULL ? base : "/tmp") < 0) {
        fail();
    }
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void kw_test_folder_remove(char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}
