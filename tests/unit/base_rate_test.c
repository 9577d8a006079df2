/* How often somebody may come. */
#include "base/rate.h"
#include "support/kw_test_env.h"
#include "support/test.h"

#include <stdio.h>

static kw_test_clock clock_of_test;

static kw_rate *rate_of(uint32_t per_second, uint32_t burst, uint32_t max_keys)
{
    kw_rate *rate = NULL;
    kw_test_clock_init(&clock_of_test);
    const kw_rate_config config = {.per_second = per_second, .burst = burst, .max_keys = max_keys};
    assert_int_equal(kw_rate_new(&config, &clock_of_test.clock, &rate), KW_GOOD);
    return rate;
}

static kw_rate_refusal refused(kw_rate *rate, const char *key)
{
    kw_rate_refusal refusal = {.retry_s = 0};
    assert_false(kw_rate_take(rate, kw_string_from(key), &refusal));
    return refusal;
}

static void take(kw_rate *rate, const char *key, size_t count)
{
    kw_rate_refusal refusal;
    for (size_t i = 0; i < count; i++) {
        assert_true(kw_rate_take(rate, kw_string_from(key), &refusal));
    }
}

static void turns_come_back_with_time_and_no_more_than_the_burst(void **state)
{
    kw_rate *rate = rate_of(10, 20, 0);
    (void)state;
    take(rate, "a", 20);
    refused(rate, "a");
    kw_test_clock_advance(&clock_of_test, 99);
    refused(rate, "a");
    kw_test_clock_advance(&clock_of_test, 1);
    take(rate, "a", 1);
    refused(rate, "a");
    kw_test_clock_advance(&clock_of_test, 3600000);
    take(rate, "a", 20);
    refused(rate, "a");
    kw_rate_free(rate);
}

static void nobody_takes_the_turns_of_another(void **state)
{
    kw_rate *rate = rate_of(1, 2, 0);
    (void)state;
    take(rate, "a", 2);
    refused(rate, "a");
    take(rate, "ab", 2);
    take(rate, "", 2);
    kw_rate_free(rate);
}

static void who_is_refused_learns_when_to_come_back(void **state)
{
    kw_rate *rate = rate_of(10, 1, 0);
    (void)state;
    take(rate, "a", 1);
    assert_int_equal(refused(rate, "a").retry_s, 1);
    kw_rate_free(rate);
    rate = rate_of(1, 1, 0);
    take(rate, "a", 1);
    for (uint32_t waits = refused(rate, "a").retry_s; waits > 0; waits--) {
        refused(rate, "a");
        kw_test_clock_advance(&clock_of_test, 1000);
    }
    take(rate, "a", 1);
    kw_rate_free(rate);
}

static void one_refusal_of_a_window_deserves_a_report(void **state)
{
    kw_rate *rate = rate_of(1, 1, 0);
    (void)state;
    take(rate, "a", 1);
    assert_true(refused(rate, "a").deserves_report);
    assert_false(refused(rate, "a").deserves_report);
    take(rate, "b", 1);
    assert_true(refused(rate, "b").deserves_report);
    kw_test_clock_advance(&clock_of_test, KW_RATE_QUIET_MS - 1);
    take(rate, "a", 1);
    assert_false(refused(rate, "a").deserves_report);
    kw_test_clock_advance(&clock_of_test, 1);
    assert_true(refused(rate, "a").deserves_report);
    kw_rate_free(rate);
}

static void looking_takes_no_turn_and_keeps_no_key(void **state)
{
    kw_rate *rate = rate_of(1, 1, 0);
    kw_rate_refusal refusal;
    (void)state;
    assert_true(kw_rate_has(rate, KW_STRING("a"), &refusal));
    assert_true(kw_rate_has(rate, KW_STRING("a"), &refusal));
    assert_false(kw_rate_knows(rate, KW_STRING("a")));
    assert_int_equal(kw_rate_count(rate), 0);
    take(rate, "a", 1);
    assert_false(kw_rate_has(rate, KW_STRING("a"), &refusal));
    assert_true(kw_rate_knows(rate, KW_STRING("a")));
    kw_rate_free(rate);
}

static void keys_that_are_made_up_take_no_more_memory_than_allowed(void **state)
{
    kw_rate *rate = rate_of(1, 1, 100);
    char key[16];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        take(rate, key, 1);
        if (i > 0) {
            refused(rate, "0"); /* who comes all the time is not forgotten */
        }
    }
    assert_int_equal(kw_rate_count(rate), 100);
    assert_true(kw_rate_knows(rate, KW_STRING("999")));
    assert_false(kw_rate_knows(rate, KW_STRING("899")));
    kw_rate_free(rate);
}

static void without_a_rate_there_is_no_limit_and_nothing_is_kept(void **state)
{
    kw_rate *rate = rate_of(0, 0, 0);
    (void)state;
    take(rate, "a", 10000);
    assert_int_equal(kw_rate_count(rate), 0);
    kw_rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_come_back_with_time_and_no_more_than_the_burst),
        cmocka_unit_test(nobody_takes_the_turns_of_another),
        cmocka_unit_test(who_is_refused_learns_when_to_come_back),
        cmocka_unit_test(one_refusal_of_a_window_deserves_a_report),
        cmocka_unit_test(looking_takes_no_turn_and_keeps_no_key),
        cmocka_unit_test(keys_that_are_made_up_take_no_more_memory_than_allowed),
        cmocka_unit_test(without_a_rate_there_is_no_limit_and_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
