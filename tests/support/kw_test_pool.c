#include "support/kw_test_pool.h"

#include "support/test.h"

#include <stdlib.h>

static void begin(kw_test_pool *pool)
{
    while (kw_turns_begin(&pool->turns) != NULL) {
    }
}

static kw_status submit(void *ctx, kw_job *job)
{
    kw_test_pool *pool = ctx;
    kw_turn *turn = calloc(1, sizeof(*turn));
    assert_non_null(turn);
    turn->job = job;
    const kw_status status = kw_turns_add(&pool->turns, turn);
    if (kw_status_is_bad(status)) {
        free(turn);
        return status;
    }
    pool->submitted++;
    begin(pool);
    return KW_GOOD;
}

void kw_test_pool_init(kw_test_pool *pool, unsigned places, unsigned passwords, size_t max)
{
    *pool = (kw_test_pool){.executor = {submit, pool}, .turns = {.places = places, .passwords = passwords, .max = max}};
}

const kw_job *kw_test_pool_running(const kw_test_pool *pool, uint64_t source)
{
    for (const kw_turn *turn = pool->turns.running; turn != NULL; turn = turn->next) {
        if (turn->job->source == source) {
            return turn->job;
        }
    }
    return NULL;
}

unsigned kw_test_pool_passwords(const kw_test_pool *pool)
{
    unsigned count = 0;
    for (const kw_turn *turn = pool->turns.running; turn != NULL; turn = turn->next) {
        count += turn->job->is_password;
    }
    return count;
}

static bool finish(kw_test_pool *pool, bool is_password)
{
    kw_turn *oldest = NULL;
    for (kw_turn *turn = pool->turns.running; turn != NULL; turn = turn->next) {
        oldest = turn->job->is_password || !is_password ? turn : oldest;
    }
    if (oldest == NULL) {
        return false;
    }
    kw_job *job = oldest->job;
    job->run(job);
    kw_turns_end(&pool->turns, oldest);
    begin(pool);
    free(oldest);
    pool->finished++;
    job->done(job);
    return true;
}

bool kw_test_pool_finish_one(kw_test_pool *pool)
{
    return finish(pool, false);
}

bool kw_test_pool_finish_password(kw_test_pool *pool)
{
    return finish(pool, true);
}

void kw_test_pool_finish_all(kw_test_pool *pool)
{
    while (kw_test_pool_finish_one(pool)) {
    }
}
