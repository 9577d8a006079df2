/* Time in three scales, bytes compared, and random bytes that are all filled. */
#include "base/clock.h"
#include "support/test.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

static void both_scales_meet_at_their_epochs(void **state)
{
    (void)state;
    assert_true(kw_datetime_to_unix(KW_TICKS_UNIX_EPOCH) == 0);
    assert_true(kw_datetime_to_unix(0) == INT64_C(-11644473600)); /* 1601-01-01 */
    assert_true(kw_datetime_from_unix(0) == KW_TICKS_UNIX_EPOCH);
    assert_true(kw_datetime_from_unix(1700000000) == KW_TICKS_UNIX_EPOCH + 1700000000 * KW_TICKS_PER_S);
}

static void parts_of_a_second_are_rounded_to_the_past(void **state)
{
    (void)state;
    assert_true(kw_datetime_to_unix(KW_TICKS_UNIX_EPOCH + KW_TICKS_PER_S - 1) == 0);
    assert_true(kw_datetime_to_unix(KW_TICKS_UNIX_EPOCH - 1) == -1);
    assert_true(kw_datetime_to_unix(-1) == INT64_C(-11644473601));
}

/* A claim like exp=9e18 must not become a moment in the past. */
static void what_is_too_far_away_stays_at_the_end_of_time(void **state)
{
    (void)state;
    const int64_t last = INT64_MAX / KW_TICKS_PER_S - KW_TICKS_UNIX_EPOCH / KW_TICKS_PER_S;
    const int64_t first = INT64_MIN / KW_TICKS_PER_S - KW_TICKS_UNIX_EPOCH / KW_TICKS_PER_S;
    assert_true(kw_datetime_from_unix(INT64_MAX) == INT64_MAX);
    assert_true(kw_datetime_from_unix(last + 1) == INT64_MAX);
    assert_true(kw_datetime_from_unix(last) < INT64_MAX);
    assert_true(kw_datetime_to_unix(kw_datetime_from_unix(last)) == last);
    assert_true(kw_datetime_from_unix(INT64_MIN) == INT64_MIN);
    assert_true(kw_datetime_from_unix(first - 1) == INT64_MIN);
    assert_true(kw_datetime_to_unix(kw_datetime_from_unix(first)) == first);
    assert_true(kw_datetime_to_unix(INT64_MIN) < kw_datetime_to_unix(INT64_MIN + KW_TICKS_PER_S));
}

static void the_clock_of_the_system_tells_its_time(void **state)
{
    (void)state;
    const int64_t before = (int64_t)time(NULL) - 1;
    const int64_t told = kw_datetime_to_unix(kw_clock_utc(&KW_CLOCK_SYSTEM));
    const int64_t after = (int64_t)time(NULL) + 1;
    assert_true(before <= told && told <= after);
    uint64_t last = kw_clock_ms(&KW_CLOCK_SYSTEM);
    for (int i = 0; i < 1000; i++) {
        const uint64_t now = kw_clock_ms(&KW_CLOCK_SYSTEM);
        assert_true(now >= last);
        last = now;
    }
}

static void random_bytes_are_filled_to_the_end_and_not_past_it(void **state)
{
    (void)state;
    static uint8_t once[4097], twice[4097];
    once[4096] = 0xA5;
    assert_int_equal(kw_random_fill(&KW_RANDOM_SYSTEM, once, 4096), KW_GOOD);
    assert_int_equal(kw_random_fill(&KW_RANDOM_SYSTEM, twice, 4096), KW_GOOD);
    assert_int_equal(once[4096], 0xA5);
    assert_memory_not_equal(once, twice, 16);
    assert_memory_not_equal(once + 4080, twice + 4080, 16); /* the tail too: 2^-128 that they are equal by chance */
    assert_int_equal(kw_random_fill(&KW_RANDOM_SYSTEM, once, 0), KW_GOOD);
}

static void bytes_are_compared_by_length_and_then_by_order(void **state)
{
    (void)state;
    assert_true(kw_bytes_equal(KW_BYTES_NULL, KW_STRING("")));
    assert_false(kw_bytes_equal(KW_STRING("a"), KW_STRING("ab")));
    assert_false(kw_bytes_equal(KW_STRING("a"), KW_STRING("b")));
    assert_true(kw_string_equals(KW_STRING("same"), "same"));
    assert_false(kw_string_equals(KW_STRING("sa\0me"), "sa")); /* a NUL ends nothing here */
    assert_false(kw_string_equals(KW_BYTES_NULL, NULL));
    assert_null(kw_string_from(NULL).data);
    assert_non_null(kw_string_from("").data);
    assert_true(kw_bytes_compare(KW_STRING("z"), KW_STRING("aa")) < 0);
    assert_true(kw_bytes_compare(KW_STRING("\x80"), KW_STRING("\x7F")) > 0);
    assert_int_equal(kw_bytes_compare(KW_BYTES_NULL, KW_STRING("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_scales_meet_at_their_epochs),
        cmocka_unit_test(parts_of_a_second_are_rounded_to_the_past),
        cmocka_unit_test(what_is_too_far_away_stays_at_the_end_of_time),
        cmocka_unit_test(the_clock_of_the_system_tells_its_time),
        cmocka_unit_test(random_bytes_are_filled_to_the_end_and_not_past_it),
        cmocka_unit_test(bytes_are_compared_by_length_and_then_by_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
