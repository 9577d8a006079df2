/* What was acknowledged is there after the process was killed at any point, and the chain holds. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 12
#define WRITERS 4
#define ACKS_MAX 120

typedef struct ack {
    uint32_t writer, number;
} ack;

typedef struct child_writer {
    kw_store *store;
    int out;
    uint32_t round, writer;
} child_writer;

/* A user and a record of it, then the word that both are done: until killed. */
static void *write_for_ever(void *argument)
{
    const child_writer *w = argument;
    for (uint32_t i = 0;; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%u/%u/%u", w->round, w->writer, i);
        const kw_string user = kw_string_from(name);
        const ack done = {w->writer, i};
        if (kw_status_is_bad(kw_store_user_add(w->store, &(kw_user){.name = user})) ||
            kw_status_is_bad(kw_store_audit_append(w->store, &(kw_audit_record){.event = KW_STRING("AddUser"), .user = user})) ||
            write(w->out, &done, sizeof(done)) != (ssize_t)sizeof(done)) {
            _exit(1);
        }
    }
    return NULL;
}

static void child(kw_test_store *t, uint32_t round, int out)
{
    child_writer writers[WRITERS];
    pthread_t thread;
    kw_store *store = NULL;
    if (kw_status_is_bad(kw_store_open(t->path, true, &t->clock.clock, t->arena, &store, NULL))) {
        _exit(1);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (child_writer){.store = store, .out = out, .round = round, .writer = i};
        if (i > 0 && pthread_create(&thread, NULL, write_for_ever, &writers[i]) != 0) {
            _exit(1);
        }
    }
    write_for_ever(&writers[0]);
}

/* Run a child until it has acknowledged so much, kill it, and take what it said up to its end. */
static void run_and_kill(kw_test_store *t, uint32_t round, size_t acks, int next[WRITERS])
{
    int pipe_ends[2], code = 0;
    ack a;
    assert_int_equal(pipe(pipe_ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        close(pipe_ends[0]);
        child(t, round, pipe_ends[1]);
        _exit(1);
    }
    close(pipe_ends[1]);
    for (size_t got = 0; read(pipe_ends[0], &a, sizeof(a)) == (ssize_t)sizeof(a);) {
        assert_int_equal(a.number, next[a.writer]);
        next[a.writer]++;
        if (++got == acks) {
            assert_int_equal(kill(pid, SIGKILL), 0);
        }
    }
    close(pipe_ends[0]);
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
}

static bool has_user(kw_test_store *t, const char *name)
{
    kw_user found;
    return kw_store_user_get(t->store, kw_string_from(name), t->arena, &found) == KW_GOOD;
}

/* Records of this round after `before`: all that were acknowledged, and of each writer at most the one under way besides. */
static void assert_kept(kw_test_store *t, uint32_t round, const int acknowledged[WRITERS], uint64_t *before)
{
    kw_audit_record *records;
    size_t count;
    uint64_t verified, first_bad;
    int found[WRITERS] = {0};
    kw_arena_reset(t->arena);
    kw_test_store_let_go(t, kw_test_store_hold(t)); /* a server may still be at what it was last told */
    assert_status(kw_store_audit_verify(t->store, &verified, &first_bad), KW_GOOD);
    assert_status(kw_store_audit_list(t->store, *before, SIZE_MAX, t->arena, &records, &count), KW_GOOD);
    assert_int_equal(verified, *before + count);
    for (size_t i = 0; i < count; i++) {
        uint32_t of_round, writer;
        int number;
        const char *user = kw_arena_cstring(t->arena, records[i].user);
        assert_int_equal(records[i].sequence, *before + i + 1);
        assert_int_equal(sscanf(user, "%u/%u/%d", &of_round, &writer, &number), 3);
        assert_true(of_round == round && writer < WRITERS);
        assert_int_equal(number, found[writer]++);
        assert_true(has_user(t, user)); /* it was written before its record */
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_true(found[i] == acknowledged[i] || found[i] == acknowledged[i] + 1);
    }
    *before = verified;
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    kw_test_store *t = *state;
    kw_test_random random;
    uint64_t records = 0;
    kw_test_random_init(&random, 20260601);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        int acknowledged[WRITERS] = {0};
        kw_store_close(t->store); /* nothing open is taken over a fork; the last to close would also tidy up the log */
        t->store = NULL;
        run_and_kill(t, round, 1 + kw_test_random_below(&random, ACKS_MAX), acknowledged);
        t->store = kw_test_store_open(t);
        assert_kept(t, round, acknowledged, &records);
    }
}

/* The same while this process has the store open, as a server has when a command dies. */
static void the_death_of_a_writer_harms_no_other_process(void **state)
{
    kw_test_store *t = *state;
    int acknowledged[WRITERS] = {0}, lock[2];
    uint64_t records = 0;
    char byte;
    assert_int_equal(pipe(lock), 0);
    kw_store_close(t->store);
    t->store = NULL;
    const pid_t bystander = fork(); /* has the store open from before until after the kill */
    if (bystander == 0) {
        kw_store *store = NULL;
        uint64_t count, first_bad;
        close(lock[1]);
        const bool is_open = kw_store_open(t->path, true, &t->clock.clock, t->arena, &store, NULL) == KW_GOOD;
        const bool is_over = read(lock[0], &byte, 1) == 0; /* the other end was closed */
        const bool is_good = is_open && is_over && kw_store_audit_verify(store, &count, &first_bad) == KW_GOOD && count > 0 &&
                             kw_store_setting_put(store, KW_STRING("by"), KW_STRING("bystander")) == KW_GOOD;
        kw_store_close(store);
        _exit(is_good ? 0 : 1);
    }
    close(lock[0]);
    run_and_kill(t, 0, 50, acknowledged);
    close(lock[1]);
    int code = -1;
    assert_int_equal(waitpid(bystander, &code, 0), bystander);
    assert_int_equal(code, 0);
    t->store = kw_test_store_open(t);
    assert_kept(t, 0, acknowledged, &records);
    kw_string value;
    assert_status(kw_store_setting_get(t->store, KW_STRING("by"), t->arena, &value), KW_GOOD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_acknowledged_survives_a_kill),
        TEST(the_death_of_a_writer_harms_no_other_process),
    };
    return cmocka_run_group_tests_name("store/durability", tests, NULL, NULL);
}
