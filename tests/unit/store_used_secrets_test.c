/* A secret is used once, on all nodes together, and what is remembered has a bound. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>

#define MINUTE (60 * KW_TICKS_PER_S)
#define MAX 100

static kw_status use(kw_test_store *t, kw_store *store, const char *id)
{
    return kw_store_secret_use(store, kw_string_from(id), t->clock.utc + 10 * MINUTE, MAX);
}

static void the_second_use_is_refused_on_every_node_and_after_a_restart(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    assert_status(use(t, t->store, "first"), KW_GOOD);
    assert_status(use(t, t->store, "first"), KW_BAD_ALREADY_EXISTS);
    assert_status(use(t, other, "first"), KW_BAD_ALREADY_EXISTS);
    assert_status(use(t, other, "second"), KW_GOOD);
    assert_status(use(t, t->store, "second"), KW_BAD_ALREADY_EXISTS);
    kw_store_close(other);
    kw_test_store_reopen(t);
    assert_status(use(t, t->store, "first"), KW_BAD_ALREADY_EXISTS);
}

static void it_is_remembered_to_its_end_and_no_longer(void **state)
{
    kw_test_store *t = *state;
    assert_status(use(t, t->store, "first"), KW_GOOD);
    kw_test_clock_advance(&t->clock, 600000);
    assert_status(use(t, t->store, "first"), KW_BAD_ALREADY_EXISTS);
    kw_test_clock_advance(&t->clock, 1);
    assert_status(use(t, t->store, "other"), KW_GOOD);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM used_secret"), 1);
}

static void nothing_is_forgotten_for_want_of_room(void **state)
{
    kw_test_store *t = *state;
    char id[32];
    size_t taken = 0;
    for (int i = 0; i < 2 * MAX; i++) {
        snprintf(id, sizeof(id), "secret %d", i);
        const kw_status status = use(t, t->store, id);
        taken += status == KW_GOOD;
        assert_true(status == KW_GOOD || status == KW_BAD_TOO_MANY_OPERATIONS);
    }
    assert_int_equal(taken, MAX);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM used_secret"), MAX);
    kw_test_clock_advance(&t->clock, 600001);
    assert_status(use(t, t->store, "later"), KW_GOOD);
}

static void whoever_watches_the_configuration_is_not_woken(void **state)
{
    kw_test_store *t = *state;
    const uint64_t version = kw_store_version(t->store);
    assert_status(use(t, t->store, "first"), KW_GOOD);
    assert_int_equal(kw_store_version(t->store), version);
    assert_status(use(t, t->store, ""), KW_BAD_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_second_use_is_refused_on_every_node_and_after_a_restart),
                                       TEST(it_is_remembered_to_its_end_and_no_longer), TEST(nothing_is_forgotten_for_want_of_room),
                                       TEST(whoever_watches_the_configuration_is_not_woken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
