/* Jobs of a real loop with real threads: each comes back once, on the loop, however many are under way. */
#include "server/listen.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>

#define TASKS 200
#define TIMES 20
#define SOURCES 3 /* and the house */

typedef struct fixture {
    kw_runtime *runtime;
    pthread_t loop;
    atomic_uint runs;
    unsigned dones, left;
} fixture;

typedef struct task {
    kw_job job; /* first */
    fixture *f;
    unsigned runs, dones; /* without a lock: whoever has it is alone with it */
} task;

static void run(kw_job *job)
{
    task *one = (task *)job;
    assert_false(pthread_equal(pthread_self(), one->f->loop));
    one->runs++;
    atomic_fetch_add(&one->f->runs, 1);
}

static void done(kw_job *job)
{
    task *one = (task *)job;
    fixture *f = one->f;
    assert_true(pthread_equal(pthread_self(), f->loop));
    one->dones++;
    assert_int_equal(one->dones, one->runs);
    f->dones++;
    if (one->dones < TIMES) {
        assert_status(kw_executor_submit(kw_runtime_executor(f->runtime), job), KW_GOOD);
    } else if (--f->left == 0) {
        kw_runtime_stop(f->runtime);
    }
}

/* Of one source there is room for so many only (turns.h). */
static void start(fixture *f, task *tasks)
{
    assert_status(kw_runtime_new(&KW_LOG_QUIET, 4 * TASKS, &f->runtime), KW_GOOD);
    f->loop = pthread_self();
    f->left = TASKS;
    for (unsigned i = 0; i < TASKS; i++) {
        tasks[i] = (task){.job = {.run = run, .done = done, .source = i % (SOURCES + 1)}, .f = f};
        assert_status(kw_executor_submit(kw_runtime_executor(f->runtime), &tasks[i].job), KW_GOOD);
    }
}

static void every_job_comes_back_once(void **state)
{
    static task tasks[TASKS];
    fixture f = {.dones = 0};
    (void)state;
    start(&f, tasks);
    assert_status(kw_runtime_run(f.runtime, 0), KW_GOOD);
    assert_int_equal(f.dones, TASKS * TIMES);
    assert_int_equal(atomic_load(&f.runs), TASKS * TIMES);
    kw_runtime_free(f.runtime);
}

static void who_frees_the_loop_waits_for_what_is_under_way(void **state)
{
    static task tasks[TASKS];
    fixture f = {.dones = 0};
    (void)state;
    start(&f, tasks);
    kw_runtime_free(f.runtime);
    assert_int_equal(f.left, 0);
    assert_int_equal(f.dones, TASKS * TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_comes_back_once),
        cmocka_unit_test(who_frees_the_loop_waits_for_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
