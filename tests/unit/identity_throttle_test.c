/* Counting failed attempts: who is slowed down, who is locked out, who never, and what stays after a restart. */
#include "identity/throttle.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>

static const kw_throttle_config CONFIG = {.delay_after = 3,
                                          .delay_base_ms = 250,
                                          .delay_max_ms = 10000,
                                          .lockout_after = 10,
                                          .lockout_s = 300,
                                          .window_s = 900,
                                          .max_entries = 100};

typedef struct bench {
    kw_test_store *store;
    kw_throttle *throttle;
} bench;

static kw_throttle *new_throttle(const bench *b, const kw_throttle_config *config)
{
    kw_throttle *t = NULL;
    assert_status(kw_throttle_new(config, b->store->store, &b->store->clock.clock, &KW_LOG_QUIET, &t), KW_GOOD);
    return t;
}

static int setup(void **state)
{
    static bench b;
    void *store = NULL;
    kw_test_store_setup(&store);
    b = (bench){.store = store};
    b.throttle = new_throttle(&b, &CONFIG);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    bench *b = *state;
    void *store = b->store;
    kw_throttle_free(b->throttle);
    return kw_test_store_teardown(&store);
}

static void restart(bench *b)
{
    kw_throttle_free(b->throttle);
    b->throttle = new_throttle(b, &CONFIG);
}

/* A Client on a secured channel. */
static kw_attempt client(const char *uri, const char *thumbprint, const char *user)
{
    return (kw_attempt){.application_uri = kw_string_from(uri),
                        .thumbprint = kw_string_from(thumbprint),
                        .address = KW_STRING("192.0.2.1"),
                        .user_name = kw_string_from(user),
                        .kind = 1};
}

static kw_attempt stranger(const char *address, const char *user)
{
    return (kw_attempt){.address = kw_string_from(address), .user_name = kw_string_from(user), .kind = 1};
}

/* What the n-th failure in a row had to wait for. */
static uint32_t fail_once(bench *b, kw_attempt who)
{
    uint32_t failures = 0;
    const kw_throttle_verdict verdict = kw_throttle_check(b->throttle, &who);
    assert_false(verdict.is_locked);
    (void)kw_throttle_failed(b->throttle, &who, &failures);
    return verdict.delay_ms;
}

static void fail_times(bench *b, kw_attempt who, int times)
{
    for (int i = 0; i < times; i++) {
        fail_once(b, who);
    }
}

static uint32_t delay_of(bench *b, kw_attempt who)
{
    return kw_throttle_check(b->throttle, &who).delay_ms;
}

static bool is_locked(bench *b, kw_attempt who)
{
    return kw_throttle_check(b->throttle, &who).is_locked;
}

static void succeed(bench *b, kw_attempt who)
{
    kw_throttle_succeeded(b->throttle, &who);
}

static void wait_ms(bench *b, uint64_t ms)
{
    kw_test_clock_advance(&b->store->clock, ms);
}

/* --- slower and slower, then out ------------------------------------------------------------------------------------ */

static void as_22_and_as_26_delays_begin_at_the_threshold_and_grow_to_a_cap(void **state)
{
    bench *b = *state;
    kw_throttle_config config = CONFIG;
    config.lockout_after = 0;
    kw_throttle_free(b->throttle);
    b->throttle = new_throttle(b, &config);
    static const uint32_t EXPECTED[] = {0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 10000, 10000, 10000};
    for (size_t i = 0; i < sizeof(EXPECTED) / sizeof(EXPECTED[0]); i++) {
        assert_int_equal(fail_once(b, client("urn:a", "AA", "alice")), EXPECTED[i]);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(fail_once(b, client("urn:a", "AA", "alice")), 10000);
    }
}

static void as_23_a_client_is_locked_out_for_a_time(void **state)
{
    bench *b = *state;
    const kw_attempt who = client("urn:a", "AA", "alice");
    uint32_t failures = 0;
    fail_times(b, who, 9);
    assert_false(is_locked(b, who));
    assert_true(kw_throttle_failed(b->throttle, &who, &failures)); /* told once, when it begins */
    assert_int_equal(failures, 10);
    assert_false(kw_throttle_failed(b->throttle, &who, &failures));
    assert_true(is_locked(b, who));
    assert_true(is_locked(b, client("urn:a", "AA", "bob")));
    wait_ms(b, 299000);
    assert_true(is_locked(b, who));
    wait_ms(b, 1001);
    assert_false(is_locked(b, who));
}

static void after_a_lock_out_few_failures_bring_the_next(void **state)
{
    bench *b = *state;
    const kw_attempt who = client("urn:a", "AA", "alice");
    fail_times(b, who, 10);
    wait_ms(b, 300001); /* of ten failures in 900 s three and a third have faded */
    fail_times(b, who, 2);
    assert_false(is_locked(b, who));
    fail_times(b, who, 1);
    assert_true(is_locked(b, who));
}

/* --- who ------------------------------------------------------------------------------------------------------------ */

static void as_24_clients_behind_one_address_are_told_apart_on_secured_channels(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "alice"), 10);
    assert_true(is_locked(b, client("urn:a", "AA", "alice")));
    assert_false(is_locked(b, client("urn:b", "BB", "bob")));
    assert_int_equal(delay_of(b, client("urn:b", "BB", "bob")), 0);
    assert_false(is_locked(b, stranger("192.0.2.1", "bob")));
}

static void nobody_is_locked_out_under_his_name_by_another_certificate(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "x"), 10);
    assert_false(is_locked(b, client("urn:a", "BB", "y")));
    assert_int_equal(delay_of(b, client("urn:a", "BB", "y")), 0);
}

static void as_24_on_unsecured_channels_the_address_counts_whatever_the_client_says(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 10; i++) {
        char uri[32];
        snprintf(uri, sizeof uri, "urn:made-up:%d", i);
        kw_attempt who = stranger("192.0.2.7", "alice");
        who.application_uri = kw_string_from(uri);
        fail_once(b, who);
    }
    assert_true(is_locked(b, stranger("192.0.2.7", "bob")));
    assert_true(is_locked(b, stranger("::ffff:192.0.2.7", "bob")));
    assert_false(is_locked(b, stranger("192.0.2.8", "bob")));
}

static void an_ipv6_network_counts_as_one(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 10; i++) {
        char address[64];
        snprintf(address, sizeof address, "2001:db8:1:2:%x::%x", i + 1, i);
        fail_once(b, stranger(address, "alice"));
    }
    assert_true(is_locked(b, stranger("2001:db8:1:2::99", "bob")));
    assert_false(is_locked(b, stranger("2001:db8:1:3::99", "bob")));
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

static void a_name_that_many_guess_at_is_slow_but_never_locked(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 60; i++) {
        char address[32];
        snprintf(address, sizeof address, "198.51.100.%d", i);
        fail_once(b, stranger(address, "alice"));
    }
    assert_false(is_locked(b, client("urn:hmi", "CC", "alice")));
    assert_int_equal(delay_of(b, client("urn:hmi", "CC", "alice")), 10000);
    assert_int_equal(delay_of(b, client("urn:hmi", "CC", "bob")), 0);
}

static void a_user_does_not_wait_where_he_has_been_before(void **state)
{
    bench *b = *state;
    succeed(b, client("urn:hmi", "CC", "alice"));
    for (int i = 0; i < 60; i++) {
        char address[32];
        snprintf(address, sizeof address, "198.51.100.%d", i);
        fail_once(b, stranger(address, "alice"));
    }
    assert_int_equal(delay_of(b, client("urn:hmi", "CC", "alice")), 0);
    assert_int_equal(delay_of(b, client("urn:hmi", "DD", "alice")), 10000);
}

static void names_that_do_not_exist_are_slowed_down_like_others(void **state)
{
    bench *b = *state;
    static const uint32_t EXPECTED[] = {0, 0, 0, 250, 500};
    for (int i = 0; i < 5; i++) {
        char address[32];
        snprintf(address, sizeof address, "198.51.100.%d", i);
        assert_int_equal(fail_once(b, stranger(address, "no such user")), EXPECTED[i]);
    }
}

/* */
static void names_are_counted_as_they_are_looked_up(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 5; i++) {
        char address[32];
        snprintf(address, sizeof address, "198.51.100.%d", i);
        fail_once(b, stranger(address, "alice"));
    }
    assert_int_equal(delay_of(b, stranger("203.0.113.1", "Alice")), 0);
    assert_int_equal(delay_of(b, stranger("203.0.113.1", "alice ")), 0);
    assert_int_equal(delay_of(b, stranger("203.0.113.1", "alice")), 1000);
}

/* --- honest users ----------------------------------------------------------------------------------------------------- */

static void as_27_isolated_failures_delay_nobody(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "alice"), 2);
    assert_int_equal(delay_of(b, client("urn:a", "AA", "alice")), 0);
    assert_int_equal(delay_of(b, client("urn:b", "BB", "alice")), 0);
    assert_int_equal(delay_of(b, client("urn:b", "BB", "bob")), 0);
}

static void a_slip_now_and_then_never_adds_up(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(fail_once(b, client("urn:panel", "AA", "somebody")), 0);
        wait_ms(b, 90000);
    }
}

static void a_success_takes_back_what_failed_before_it(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 50; i++) { /* a gateway with many users, each of whom types it right in the end */
        char user[32];
        snprintf(user, sizeof user, "user %d", i);
        fail_times(b, client("urn:gateway", "AA", user), 2);
        succeed(b, client("urn:gateway", "AA", user));
        assert_int_equal(delay_of(b, client("urn:gateway", "AA", user)), 0);
    }
    assert_int_equal(delay_of(b, client("urn:other", "BB", "user 1")), 0);
}

/* */
static void an_account_of_his_own_does_not_help_an_attacker(void **state)
{
    bench *b = *state;
    bool locked = false;
    for (int i = 0; i < 12 && !locked; i++) {
        fail_once(b, client("urn:a", "AA", "alice"));
        succeed(b, client("urn:a", "AA", "mallory"));
        locked = is_locked(b, client("urn:a", "AA", "alice"));
    }
    assert_true(locked);
}

static void what_has_faded_cannot_be_forgiven_once_more(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "mallory"), 8); /* laid up */
    wait_ms(b, 8 * 90000);
    fail_times(b, client("urn:a", "AA", "alice"), 8);
    succeed(b, client("urn:a", "AA", "mallory"));
    assert_int_equal(delay_of(b, client("urn:a", "AA", "bob")), 8000);
}

static void a_success_elsewhere_leaves_the_count_of_a_name(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "alice"), 6);
    succeed(b, client("urn:hmi", "CC", "alice"));
    assert_int_equal(delay_of(b, client("urn:b", "BB", "alice")), 2000);
}

/* --- bounded -------------------------------------------------------------------------------------------------------- */

static void a_flood_pushes_out_nobody_who_is_known_for_guessing(void **state)
{
    bench *b = *state;
    fail_times(b, stranger("192.0.2.7", "alice"), 10);
    fail_times(b, stranger("192.0.2.8", "bob"), 5);
    for (int i = 0; i < 20000; i++) {
        char address[32], user[32];
        snprintf(address, sizeof address, "10.%d.%d.1", i / 250, i % 250);
        snprintf(user, sizeof user, "made up %d", i);
        fail_once(b, stranger(address, user));
    }
    assert_true(is_locked(b, stranger("192.0.2.7", "alice")));
    assert_int_equal(delay_of(b, stranger("192.0.2.8", "x")), 1000);
    assert_int_equal(delay_of(b, client("urn:hmi", "CC", "alice")), 10000);
    assert_true(kw_test_store_query(b->store, "SELECT COUNT(*) FROM lockout") <= 4); /* no flood of the disk either */
}

static void when_all_places_are_locked_newcomers_are_slowed_down_together(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 100; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.0.%d", i);
        fail_times(b, stranger(address, NULL), 10);
        assert_true(is_locked(b, stranger(address, NULL)));
    }
    for (int i = 0; i < 20; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.1.%d", i);
        fail_once(b, stranger(address, NULL));
    }
    assert_true(is_locked(b, stranger("10.0.0.0", NULL)));
    assert_true(is_locked(b, stranger("10.0.0.99", NULL)));
    assert_false(is_locked(b, stranger("10.0.2.1", NULL)));
    assert_int_equal(delay_of(b, stranger("10.0.2.1", NULL)), 10000);
    assert_int_equal(delay_of(b, client("urn:hmi", "CC", "alice")), 0); /* Clients with a certificate are counted apart */
}

static void odd_names_are_counted_without_harm(void **state)
{
    bench *b = *state;
    static uint8_t longest[5000];
    for (size_t i = 0; i < sizeof longest; i++) {
        longest[i] = i % 2 == 0 ? 0xC3 : 0xA4; /* ä */
    }
    kw_attempt who = {.application_uri = {longest, sizeof longest}, .thumbprint = KW_STRING("AA"), .user_name = {longest, sizeof longest}};
    fail_times(b, who, 10);
    assert_true(is_locked(b, who));
    who = (kw_attempt){.application_uri = KW_STRING("\xFF\xFE"), .thumbprint = KW_STRING("BB"), .user_name = KW_STRING("\xFF")};
    fail_times(b, who, 10);
    assert_true(is_locked(b, who));
    who = (kw_attempt){.address = KW_BYTES_NULL};
    fail_times(b, who, 10);
    assert_true(is_locked(b, who));
    assert_int_equal(kw_test_store_query(b->store, "SELECT COUNT(*) FROM lockout WHERE locked_until > 0"), 3);
    restart(b);
    assert_true(is_locked(b, who));
}

/* --- the store ------------------------------------------------------------------------------------------------------ */

static void lock_outs_and_delays_survive_a_restart(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "alice"), 10);
    fail_times(b, client("urn:b", "BB", "bob"), 5);
    fail_times(b, client("urn:c", "CC", "carol"), 1);
    restart(b);
    assert_true(is_locked(b, client("urn:a", "AA", "alice")));
    assert_int_equal(delay_of(b, client("urn:b", "BB", "x")), 1000);
    assert_int_equal(delay_of(b, client("urn:new", "DD", "bob")), 1000);
    assert_int_equal(delay_of(b, client("urn:c", "CC", "carol")), 0);
    wait_ms(b, 300001);
    assert_false(is_locked(b, client("urn:a", "AA", "alice")));
}

static void what_is_harmless_is_not_written(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "alice"), 2);
    restart(b);
    assert_int_equal(kw_test_store_query(b->store, "SELECT COUNT(*) FROM lockout"), 0);
}

static void a_lock_out_is_written_at_once(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", NULL), 10);
    assert_int_equal(kw_test_store_query(b->store, "SELECT COUNT(*) FROM lockout WHERE locked_until > 0"), 1);
}

static void failures_against_two_nodes_add_up(void **state)
{
    bench *b = *state;
    bench other = {.store = b->store, .throttle = new_throttle(b, &CONFIG)};
    const kw_attempt who = client("urn:a", "AA", NULL);
    bool locked = false;
    int attempts = 0;
    while (!locked && attempts < 30) {
        wait_ms(b, 1000);
        bench *target = attempts % 2 == 0 ? b : &other;
        locked = is_locked(target, who);
        if (!locked) {
            fail_once(target, who);
            attempts++;
        }
    }
    assert_true(attempts >= 10 && attempts <= 14); /* two per node are kept to itself until the threshold */
    wait_ms(b, 1000);
    assert_true(is_locked(b, who));
    assert_true(is_locked(&other, who));
    kw_throttle_free(other.throttle);
}

static void what_an_administrator_clears_is_forgotten_by_who_runs(void **state)
{
    bench *b = *state;
    fail_times(b, client("urn:a", "AA", "alice"), 10);
    fail_times(b, client("urn:b", "BB", "bob"), 5);
    wait_ms(b, 1000);
    assert_true(is_locked(b, client("urn:a", "AA", "alice")));
    assert_status(kw_store_lockout_clear(b->store->store, KW_STRING("client:urn:a#AA")), KW_GOOD);
    wait_ms(b, 1000);
    assert_false(is_locked(b, client("urn:a", "AA", "x")));
    assert_int_equal(delay_of(b, client("urn:a", "AA", "x")), 0);
    assert_int_equal(delay_of(b, client("urn:b", "BB", "x")), 1000); /* (the rest of a failure has not faded) */
    fail_times(b, client("urn:a", "AA", NULL), 4);                   /* and counts anew */
    assert_int_equal(delay_of(b, client("urn:a", "AA", NULL)), 500);
}

static void all_can_be_cleared_at_once_also_what_was_not_written_yet(void **state)
{
    bench *b = *state;
    size_t count = 0;
    fail_times(b, client("urn:a", "AA", "alice"), 10);
    fail_times(b, client("urn:b", "BB", NULL), 2);
    wait_ms(b, 1000);
    assert_status(kw_store_lockout_clear_all(b->store->store, &count), KW_GOOD);
    assert_int_equal(count, 2); /* the Client and the name */
    assert_false(is_locked(b, client("urn:a", "AA", "alice")));
    assert_int_equal(delay_of(b, client("urn:c", "CC", "alice")), 0);
    fail_times(b, client("urn:b", "BB", NULL), 2);
    assert_int_equal(delay_of(b, client("urn:b", "BB", NULL)), 0);
}

static void a_clock_that_jumps_neither_frees_nor_locks_for_ever(void **state)
{
    bench *b = *state;
    const kw_attempt who = client("urn:a", "AA", NULL);
    fail_times(b, who, 10);
    b->store->clock.utc += 3600 * 24 * 365 * KW_TICKS_PER_S;
    assert_true(is_locked(b, who)); /* while it runs, the wall clock does not matter */
    b->store->clock.utc -= 2 * 3600 * 24 * 365 * KW_TICKS_PER_S;
    restart(b);
    assert_true(is_locked(b, who));
    wait_ms(b, 300001); /* and never longer than configured */
    assert_false(is_locked(b, who));
}

static void guessing_does_not_change_the_version_of_the_store(void **state)
{
    bench *b = *state;
    const uint64_t version = kw_store_version(b->store->store);
    fail_times(b, client("urn:a", "AA", "alice"), 10);
    restart(b);
    assert_true(kw_store_version(b->store->store) == version);
}

static void a_store_that_fails_leaves_the_counts_in_memory(void **state)
{
    bench *b = *state;
    kw_test_store_tamper(b->store, "DROP TABLE lockout");
    fail_times(b, client("urn:a", "AA", "alice"), 10);
    assert_true(is_locked(b, client("urn:a", "AA", "alice")));
}

static kw_standing standing_of(bench *b, kw_attempt who)
{
    return kw_throttle_standing(b->throttle, &who);
}

static void suspects_are_those_who_wait(void **state)
{
    bench *b = *state;
    const kw_attempt who = client("urn:a", "AA", NULL);
    assert_int_equal(standing_of(b, who), KW_STANDING_UNKNOWN);
    fail_times(b, who, 2);
    assert_int_equal(standing_of(b, who), KW_STANDING_UNKNOWN);
    fail_times(b, who, 1);
    assert_int_equal(standing_of(b, who), KW_STANDING_SUSPECT);
    wait_ms(b, 90000);
    assert_int_equal(standing_of(b, who), KW_STANDING_UNKNOWN);
}

static void they_are_suspects_where_nobody_waits_too(void **state)
{
    bench *b = *state;
    const kw_throttle_config config = {.window_s = 900, .max_entries = 100};
    kw_throttle_free(b->throttle);
    b->throttle = new_throttle(b, &config);
    fail_times(b, client("urn:a", "AA", "alice"), 3);
    assert_int_equal(delay_of(b, client("urn:a", "AA", "alice")), 0);
    assert_int_equal(standing_of(b, client("urn:a", "AA", "bob")), KW_STANDING_SUSPECT);
}

static void who_has_proven_a_user_is_known_until_he_guesses(void **state)
{
    bench *b = *state;
    succeed(b, client("urn:a", "AA", "alice"));
    assert_int_equal(standing_of(b, client("urn:a", "AA", "bob")), KW_STANDING_KNOWN);
    assert_int_equal(standing_of(b, client("urn:b", "BB", "alice")), KW_STANDING_UNKNOWN);
    fail_times(b, client("urn:a", "AA", "bob"), 3);
    assert_int_equal(standing_of(b, client("urn:a", "AA", "alice")), KW_STANDING_SUSPECT);
}

static void a_lock_out_is_known_without_the_store_for_a_second(void **state)
{
    bench *b = *state;
    const kw_attempt who = client("urn:a", "AA", "alice");
    fail_times(b, who, 10);
    assert_true(kw_throttle_is_locked(b->throttle, &who));
    wait_ms(b, 1000); /* somebody may have let him in again */
    assert_false(kw_throttle_is_locked(b->throttle, &who));
    assert_true(is_locked(b, who));
    assert_true(kw_throttle_is_locked(b->throttle, &who));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_22_and_as_26_delays_begin_at_the_threshold_and_grow_to_a_cap),
        TEST(as_23_a_client_is_locked_out_for_a_time),
        TEST(after_a_lock_out_few_failures_bring_the_next),
        TEST(as_24_clients_behind_one_address_are_told_apart_on_secured_channels),
        TEST(nobody_is_locked_out_under_his_name_by_another_certificate),
        TEST(as_24_on_unsecured_channels_the_address_counts_whatever_the_client_says),
        TEST(an_ipv6_network_counts_as_one),
        TEST(a_name_that_many_guess_at_is_slow_but_never_locked),
        TEST(a_user_does_not_wait_where_he_has_been_before),
        TEST(names_that_do_not_exist_are_slowed_down_like_others),
        TEST(names_are_counted_as_they_are_looked_up),
        TEST(as_27_isolated_failures_delay_nobody),
        TEST(a_slip_now_and_then_never_adds_up),
        TEST(a_success_takes_back_what_failed_before_it),
        TEST(an_account_of_his_own_does_not_help_an_attacker),
        TEST(what_has_faded_cannot_be_forgiven_once_more),
        TEST(a_success_elsewhere_leaves_the_count_of_a_name),
        TEST(a_flood_pushes_out_nobody_who_is_known_for_guessing),
        TEST(when_all_places_are_locked_newcomers_are_slowed_down_together),
        TEST(odd_names_are_counted_without_harm),
        TEST(lock_outs_and_delays_survive_a_restart),
        TEST(what_is_harmless_is_not_written),
        TEST(a_lock_out_is_written_at_once),
        TEST(failures_against_two_nodes_add_up),
        TEST(what_an_administrator_clears_is_forgotten_by_who_runs),
        TEST(all_can_be_cleared_at_once_also_what_was_not_written_yet),
        TEST(a_clock_that_jumps_neither_frees_nor_locks_for_ever),
        TEST(guessing_does_not_change_the_version_of_the_store),
        TEST(a_store_that_fails_leaves_the_counts_in_memory),
        TEST(suspects_are_those_who_wait),
        TEST(they_are_suspects_where_nobody_waits_too),
        TEST(who_has_proven_a_user_is_known_until_he_guesses),
        TEST(a_lock_out_is_known_without_the_store_for_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
