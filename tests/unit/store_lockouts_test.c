/* Counts of failed attempts: added up over all nodes, fading, cleared for good, and never a reason to read the configuration again. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>

#define FADE (90 * KW_TICKS_PER_S)
#define ONE ((int64_t)KW_LOCKOUT_ONE)

static const kw_lockout_rule RULE = {.fade = FADE, .most = 20, .max_rows = 100};

static kw_lockout add(kw_store *store, const char *key, int64_t failures, int64_t locked_until, uint64_t known)
{
    const kw_lockout_change change = {.key = kw_string_from(key), .failures = failures * ONE, .locked_until = locked_until, .known = known};
    kw_lockout result;
    assert_status(kw_store_lockout_add(store, &RULE, &change, 1, &result), KW_GOOD);
    return result;
}

static size_t listed(kw_test_store *t, kw_lockout **out)
{
    size_t count = 0;
    assert_status(kw_store_lockout_list(t->store, t->arena, out, &count), KW_GOOD);
    return count;
}

static void failures_fade_one_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(kw_lockout_left(5000, 0, FADE), 5000);
    assert_int_equal(kw_lockout_left(5000, FADE, FADE), 4000);
    assert_int_equal(kw_lockout_left(5000, FADE / 2, FADE), 4500);
    assert_int_equal(kw_lockout_left(5000, 5 * FADE, FADE), 0);
    assert_int_equal(kw_lockout_left(5000, INT64_MAX, FADE), 0);
    assert_int_equal(kw_lockout_left(5000, -FADE, FADE), 5000);
    assert_int_equal(kw_lockout_left(0, FADE, FADE), 0);
}

static void what_two_nodes_count_is_added_up(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    assert_int_equal(add(t->store, "user:alice", 3, 0, 1).failures, 3000);
    assert_int_equal(add(other, "user:alice", 4, 0, 1).failures, 7000);
    kw_test_clock_advance(&t->clock, 180000);
    assert_int_equal(add(t->store, "user:alice", 1, 0, 1).failures, 6000); /* two have faded */
    assert_int_equal(add(other, "user:alice", -2, 0, 1).failures, 4000);
    assert_int_equal(add(other, "user:alice", -9, 0, 1).failures, 0);
    assert_int_equal(add(other, "user:alice", 500, 0, 1).failures, 20 * ONE);
    kw_store_close(other);
}

static void a_later_lock_stays(void **state)
{
    kw_test_store *t = *state;
    const int64_t later = t->clock.utc + FADE;
    add(t->store, "client:urn:x#AA", 10, later, 1);
    assert_int_equal(add(t->store, "client:urn:x#AA", 1, 0, 1).locked_until, later);
    kw_test_store_reopen(t);
    kw_lockout *all;
    assert_int_equal(listed(t, &all), 1);
    assert_text(all[0].key, "client:urn:x#AA");
    assert_int_equal(all[0].failures, 11000);
    assert_int_equal(all[0].updated, t->clock.utc);
    assert_int_equal(all[0].locked_until, later);
}

static void news_are_what_others_wrote_since(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    kw_lockout *rows;
    size_t count;
    uint64_t seen = 0, all_cleared = 0;
    assert_status(kw_store_lockout_news(other, &seen, t->arena, &all_cleared, &rows, &count), KW_GOOD);
    assert_int_equal(count, 0);
    const uint64_t before = seen;
    add(t->store, "user:alice", 3, 0, seen);
    add(t->store, "user:bob", 5, 0, seen);
    assert_status(kw_store_lockout_news(other, &seen, t->arena, &all_cleared, &rows, &count), KW_GOOD);
    assert_true(seen > before);
    assert_int_equal(count, 2);
    assert_text(rows[0].key, "user:alice");
    assert_text(rows[1].key, "user:bob");
    assert_int_equal(rows[1].failures, 5000);
    assert_status(kw_store_lockout_news(other, &seen, t->arena, &all_cleared, &rows, &count), KW_GOOD);
    assert_int_equal(count, 0);
    assert_int_equal(all_cleared, 0);
    kw_store_close(other);
}

static void what_is_cleared_is_cleared_for_all(void **state)
{
    kw_test_store *t = *state;
    kw_lockout *rows;
    size_t count;
    uint64_t seen = 0, all_cleared = 0;
    assert_status(kw_store_lockout_clear(t->store, KW_STRING("user:alice")), KW_BAD_NOT_FOUND);
    const uint64_t known = add(t->store, "user:alice", 9, t->clock.utc + FADE, 1).sequence;
    add(t->store, "user:bob", 2, 0, 1);
    assert_status(kw_store_lockout_clear(t->store, KW_STRING("user:alice")), KW_GOOD);
    assert_status(kw_store_lockout_clear(t->store, KW_STRING("user:alice")), KW_BAD_NOT_FOUND);
    assert_int_equal(listed(t, &rows), 1);
    assert_text(rows[0].key, "user:bob");
    assert_status(kw_store_lockout_news(t->store, &seen, t->arena, &all_cleared, &rows, &count), KW_GOOD);
    assert_int_equal(count, 2);
    assert_true(rows[1].cleared > known);
    /* A node that has not heard of it yet brings back nothing. */
    const kw_lockout stale = add(t->store, "user:alice", 5, t->clock.utc + FADE, known);
    assert_int_equal(stale.failures, 0);
    assert_int_equal(stale.locked_until, 0);
    assert_int_equal(add(t->store, "user:alice", 5, 0, seen).failures, 5000);
}

static void all_are_cleared_at_once(void **state)
{
    kw_test_store *t = *state;
    kw_lockout *rows;
    size_t count;
    uint64_t seen = 0, all_cleared = 0;
    const uint64_t known = add(t->store, "user:alice", 9, 0, 1).sequence;
    add(t->store, "user:bob", 2, 0, 1);
    assert_status(kw_store_lockout_clear_all(t->store, &count), KW_GOOD);
    assert_int_equal(count, 2);
    assert_int_equal(listed(t, &rows), 0);
    assert_status(kw_store_lockout_news(t->store, &seen, t->arena, &all_cleared, &rows, &count), KW_GOOD);
    assert_true(all_cleared > known);
    assert_int_equal(add(t->store, "user:carol", 5, 0, known).failures, 0); /* counted before */
    assert_int_equal(listed(t, &rows), 0);
    assert_int_equal(add(t->store, "user:carol", 1, 0, seen).failures, 1000);
}

static void the_table_stays_small_and_locked_ones_stay_in_it(void **state)
{
    kw_test_store *t = *state;
    char key[32];
    add(t->store, "client:urn:x#AA", 10, t->clock.utc + 100 * FADE, 1);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "user:%d", i);
        kw_test_clock_advance(&t->clock, 10);
        add(t->store, key, 3, 0, 1);
    }
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM lockout"), 100);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM lockout WHERE key = 'client:urn:x#AA'"), 1);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM lockout WHERE key = 'user:299'"), 1);
    kw_test_clock_advance(&t->clock, 3700000); /* all others have faded long since */
    add(t->store, "user:last", 3, 0, 1);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM lockout"), 2);
}

static void guessing_is_no_change_of_the_configuration(void **state)
{
    kw_test_store *t = *state;
    size_t count;
    const uint64_t version = kw_store_version(t->store);
    add(t->store, "user:alice", 5, 0, 1);
    assert_status(kw_store_lockout_clear(t->store, KW_STRING("user:alice")), KW_GOOD);
    assert_status(kw_store_lockout_clear_all(t->store, &count), KW_GOOD);
    assert_true(kw_store_version(t->store) == version);
}

static void a_key_that_is_none_changes_nothing(void **state)
{
    kw_test_store *t = *state;
    kw_lockout results[2], *rows;
    const kw_lockout_change changes[] = {{.key = KW_STRING("user:alice"), .failures = ONE, .known = 1}, {.key = KW_BYTES_NULL, .known = 1}};
    assert_status(kw_store_lockout_add(t->store, &RULE, changes, 2, results), KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(listed(t, &rows), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_fade_one_after_the_other),
        TEST(what_two_nodes_count_is_added_up),
        TEST(a_later_lock_stays),
        TEST(news_are_what_others_wrote_since),
        TEST(what_is_cleared_is_cleared_for_all),
        TEST(all_are_cleared_at_once),
        TEST(the_table_stays_small_and_locked_ones_stay_in_it),
        TEST(guessing_is_no_change_of_the_configuration),
        TEST(a_key_that_is_none_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
