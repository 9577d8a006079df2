/* Keys of issuers: many ask at once, one fetch is made, and threads that wait are few. */
#include "identity/key_source.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <pthread.h>

enum { CROWD = 8 };

typedef struct fixture {
    kw_test_store *t;
    kw_fetch fetch;
    kw_issuer issuer;
    kw_key_source *source;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned gets, refused, renewed;
    bool is_released;
} fixture;

static fixture f;

/* Slow: until it is told to go on. */
static kw_status get(void *ctx, const kw_fetch_request *request, kw_arena *arena, kw_bytes *out, const char **why)
{
    (void)ctx;
    (void)request;
    (void)arena;
    (void)why;
    pthread_mutex_lock(&f.lock);
    f.gets++;
    while (!f.is_released) {
        pthread_cond_wait(&f.changed, &f.lock);
    }
    pthread_mutex_unlock(&f.lock);
    *out = KW_STRING("{\"keys\":[]}");
    return KW_GOOD;
}

static void *ask(void *ctx)
{
    (void)ctx;
    const bool renewed = kw_key_source_renew(f.source, &f.issuer);
    pthread_mutex_lock(&f.lock);
    f.renewed += renewed;
    f.refused += !renewed;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.lock);
    return NULL;
}

static int setup(void **state)
{
    static const kw_key_rules RULES = {.refresh_s = 600, .retry_s = 30, .max_age_s = 3600};
    if (kw_test_store_setup(state) != 0) {
        return -1;
    }
    f = (fixture){.t = *state, .fetch = {.get = get}, .is_released = true};
    f.issuer = (kw_issuer){.uri = KW_STRING("urn:idp"), .kind = KW_STRING("jwks-url"), .location = KW_STRING("https://idp.example/k")};
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.changed, NULL);
    assert_status(kw_store_issuer_put(f.t->store, &f.issuer), KW_GOOD);
    assert_status(kw_key_source_new(&RULES, f.t->store, &f.t->clock.clock, &KW_LOG_QUIET, &f.source), KW_GOOD);
    return 0;
}

static int teardown(void **state)
{
    kw_key_source_free(f.source);
    pthread_cond_destroy(&f.changed);
    pthread_mutex_destroy(&f.lock);
    return kw_test_store_teardown(state);
}

/* One fetches, one waits for it; the others are told at once, and their threads are free for who can be let in. */
static void a_crowd_causes_one_fetch_and_few_wait_for_it(void **state)
{
    pthread_t threads[CROWD];
    (void)state;
    f.is_released = false;
    kw_key_source_set_fetch(f.source, &f.fetch);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, NULL), 0);
    }
    pthread_mutex_lock(&f.lock);
    while (f.refused < CROWD - 2) {
        pthread_cond_wait(&f.changed, &f.lock);
    }
    f.is_released = true;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.lock);
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(f.gets, 1);
    assert_int_equal(f.renewed, 2);
    assert_int_equal(f.refused, CROWD - 2);
}

static void nothing_is_fetched_without_a_way_to_fetch(void **state)
{
    (void)state;
    assert_false(kw_key_source_renew(f.source, &f.issuer));
    assert_int_equal(f.gets, 0);
}

static void keys_that_are_not_fetched_are_left_alone(void **state)
{
    (void)state;
    const kw_issuer fixed = {.uri = KW_STRING("urn:fixed"), .kind = KW_STRING("jwks"), .keys = KW_STRING("{\"keys\":[]}")};
    kw_key_source_set_fetch(f.source, &f.fetch);
    assert_false(kw_key_source_renew(f.source, &fixed));
    assert_true(kw_key_source_is_fresh(f.source, &fixed)); /* for ever: an administrator gave them */
    assert_int_equal(f.gets, 0);
}

static void keys_that_were_never_fetched_are_not_fresh(void **state)
{
    (void)state;
    kw_key_source_set_fetch(f.source, &f.fetch);
    assert_false(kw_key_source_is_fresh(f.source, &f.issuer));
    assert_true(kw_key_source_renew(f.source, &f.issuer));
    assert_true(kw_key_source_is_fresh(f.source, &f.issuer));
    kw_test_clock_advance(&f.t->clock, 3600 * 1000 - 1);
    assert_true(kw_key_source_is_fresh(f.source, &f.issuer));
    kw_test_clock_advance(&f.t->clock, 1);
    assert_false(kw_key_source_is_fresh(f.source, &f.issuer));
}

/* What the row tells, right after a start. */
static void the_age_of_keys_survives_a_restart(void **state)
{
    (void)state;
    kw_issuer row = f.issuer;
    row.fetched = f.t->clock.utc - 3599 * KW_TICKS_PER_S;
    assert_true(kw_key_source_is_fresh(f.source, &row));
    kw_test_clock_advance(&f.t->clock, 1000);
    assert_false(kw_key_source_is_fresh(f.source, &row));
    row.fetched = f.t->clock.utc; /* another node was there */
    assert_true(kw_key_source_is_fresh(f.source, &row));
    row.uri = KW_STRING("urn:future"); /* written by a clock that was wrong: good for now, not for longer than others */
    row.fetched = f.t->clock.utc + 365 * 86400 * KW_TICKS_PER_S;
    assert_true(kw_key_source_is_fresh(f.source, &row));
    kw_test_clock_advance(&f.t->clock, 3600 * 1000);
    assert_false(kw_key_source_is_fresh(f.source, &row));
}

/* The administrator removes an issuer while its keys are on their way: it does not come back by that. */
static void a_removed_issuer_stays_removed(void **state)
{
    kw_issuer *issuers = NULL;
    size_t count = 99;
    kw_test_store *t = *state;
    kw_key_source_set_fetch(f.source, &f.fetch);
    assert_status(kw_store_issuer_remove(t->store, f.issuer.uri), KW_GOOD);
    assert_true(kw_key_source_renew(f.source, &f.issuer));
    assert_int_equal(f.gets, 1);
    assert_status(kw_store_issuer_list(t->store, t->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 0);
    assert_false(kw_key_source_is_fresh(f.source, &f.issuer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crowd_causes_one_fetch_and_few_wait_for_it), TEST(nothing_is_fetched_without_a_way_to_fetch),
        TEST(keys_that_are_not_fetched_are_left_alone),     TEST(keys_that_were_never_fetched_are_not_fresh),
        TEST(the_age_of_keys_survives_a_restart),           TEST(a_removed_issuer_stays_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
