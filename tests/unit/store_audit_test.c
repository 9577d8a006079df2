/* The audit trail: durable, without gaps, and nothing is changed, removed or put in unseen. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define PER_THREAD 100
#define BATCH 1000 /* of verification: its edges are worth a look */

static kw_audit_record record(const char *user)
{
    return (kw_audit_record){.event = KW_STRING("ActivateSession"),
                             .source = KW_STRING("urn:server"),
                             .status = KW_BAD_USER_ACCESS_DENIED,
                             .user = kw_string_from(user),
                             .client = KW_STRING("urn:client"),
                             .detail = KW_STRING("{\"policy\":\"username\"}")};
}

static void append(kw_test_store *t, const char *user)
{
    const kw_audit_record r = record(user);
    assert_status(kw_store_audit_append(t->store, &r), KW_GOOD);
}

static void append_many(kw_test_store *t, size_t count)
{
    char user[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(user, sizeof(user), "user-%zu", i + 1);
        append(t, user);
    }
}

static void assert_whole(kw_test_store *t, uint64_t expected)
{
    uint64_t count = 77, first_bad = 77;
    assert_status(kw_store_audit_verify(t->store, &count, &first_bad), KW_GOOD);
    assert_int_equal(count, expected);
    assert_int_equal(first_bad, 0);
}

/* Do that behind the back of a trail of `length` records; verification must point at `first_bad`. */
static void assert_shows(kw_test_store *t, size_t length, const char *sql, uint64_t first_bad)
{
    uint64_t count = 77, found = 77;
    append_many(t, length);
    assert_whole(t, length);
    kw_test_store_tamper(t, sql);
    assert_status(kw_store_audit_verify(t->store, &count, &found), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(found, first_bad);
    assert_int_equal(count, first_bad - 1);
}

/* --- appending and listing ---------------------------------------------------------------------------------------- */

static void a_new_trail_is_empty_and_whole(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record *records;
    size_t count;
    assert_whole(t, 0);
    assert_status(kw_store_audit_list(t->store, 0, 10, t->arena, &records, &count), KW_GOOD);
    assert_int_equal(count, 0);
}

static void a_record_is_kept_as_given(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record *found, given = record("alice");
    size_t count;
    given.sequence = 4711; /* not the caller's to say */
    given.time = 5;
    assert_status(kw_store_audit_append(t->store, &given), KW_GOOD);
    assert_status(kw_store_audit_append(t->store, &(kw_audit_record){.event = KW_STRING("Start"), .detail = KW_STRING("")}), KW_GOOD);
    kw_test_store_reopen(t);
    assert_status(kw_store_audit_list(t->store, 0, 10, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 2);
    assert_int_equal(found[0].sequence, 1);
    assert_int_equal(found[0].time, 5);
    assert_text(found[0].event, "ActivateSession");
    assert_text(found[0].source, "urn:server");
    assert_status(found[0].status, KW_BAD_USER_ACCESS_DENIED);
    assert_text(found[0].user, "alice");
    assert_text(found[0].client, "urn:client");
    assert_text(found[0].detail, "{\"policy\":\"username\"}");
    assert_int_equal(found[1].sequence, 2);
    assert_int_equal(found[1].time, t->clock.utc); /* 0: now */
    assert_null_text(found[1].user);
    assert_text(found[1].detail, "");
    assert_memory_not_equal(found[0].hash, found[1].hash, 32);
    assert_whole(t, 2);
}

/* The form that is hashed is for ever: older records must verify with newer programs. */
static void the_hash_is_over_the_former_one_and_fields_with_their_lengths(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record *found;
    size_t count;
    static const uint8_t EXPECTED[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* the hash before the first */
                                      "\x01\0\0\0\0\0\0\0"
                                      "\x07\0\0\0\0\0\0\0"
                                      "\0\0\x1F\x80\0\0\0\0" /* sequence, time, status */
                                      "\x02\0\0\0\0\0\0\0"
                                      "Ev"
                                      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF" /* event; source is null */
                                      "\x01\0\0\0\0\0\0\0"
                                      "u"
                                      "\0\0\0\0\0\0\0\0"
                                      "\x02\0\0\0\0\0\0\0"
                                      "{}"; /* user; client is empty; detail */
    const kw_audit_record r = {.time = 7,
                               .status = KW_BAD_USER_ACCESS_DENIED,
                               .event = KW_STRING("Ev"),
                               .user = KW_STRING("u"),
                               .client = KW_STRING(""),
                               .detail = KW_STRING("{}")};
    uint8_t hash[32];
    SHA256(EXPECTED, sizeof(EXPECTED) - 1, hash);
    assert_status(kw_store_audit_append(t->store, &r), KW_GOOD);
    assert_status(kw_store_audit_list(t->store, 0, 1, t->arena, &found, &count), KW_GOOD);
    assert_memory_equal(found[0].hash, hash, 32);
}

static void records_are_listed_in_pages(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record *found;
    size_t count;
    append_many(t, 5);
    assert_status(kw_store_audit_list(t->store, 1, 3, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 3);
    assert_int_equal(found[0].sequence, 2);
    assert_int_equal(found[2].sequence, 4);
    assert_status(kw_store_audit_list(t->store, 4, 3, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_status(kw_store_audit_list(t->store, 5, 3, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 0);
    assert_status(kw_store_audit_list(t->store, 0, 0, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 0);
    assert_status(kw_store_audit_list(t->store, 0, SIZE_MAX, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 5);
    assert_status(kw_store_audit_list(t->store, UINT64_MAX, SIZE_MAX, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 0);
}

static void bytes_that_are_no_text_are_recorded_all_the_same(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record *found, r = record(NULL);
    size_t count;
    r.user = (kw_string){(const uint8_t *)"a\0\xFF'; DROP TABLE audit; --", 26};
    assert_status(kw_store_audit_append(t->store, &r), KW_GOOD);
    assert_status(kw_store_audit_list(t->store, 0, 10, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_true(kw_bytes_equal(found[0].user, r.user));
    assert_whole(t, 1);
}

static void a_record_without_event_or_bounds_is_refused_alone(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record r = record("alice");
    uint8_t *large = calloc(1, (1u << 20) + 1);
    r.event = KW_BYTES_NULL;
    assert_status(kw_store_audit_append(t->store, &r), KW_BAD_INVALID_ARGUMENT);
    r = record("alice");
    r.detail = (kw_string){large, (1u << 20) + 1};
    assert_status(kw_store_audit_append(t->store, &r), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    r.detail.len = (1u << 20) - r.event.len - r.source.len - r.user.len - r.client.len;
    assert_status(kw_store_audit_append(t->store, &r), KW_GOOD);
    r.user = KW_STRING("alice2");
    assert_status(kw_store_audit_append(t->store, &r), KW_BAD_ENCODING_LIMITS_EXCEEDED); /* it is the sum that counts */
    assert_whole(t, 1);
    free(large);
}

/* --- tampering ---------------------------------------------------------------------------------------------------- */

static void a_change_of_any_field_shows(void **state)
{
    kw_test_store *t = *state;
    static const char *const FIELDS[] = {"time = time + 1",
                                         "event = 'x'",
                                         "source = 'x'",
                                         "source = NULL",
                                         "status = 0",
                                         "account = 'eve'",
                                         "account = NULL",
                                         "client = ''",
                                         "detail = '{}'",
                                         "hash = (SELECT hash FROM audit WHERE sequence = 1)",
                                         "hash = ''",
                                         "detail = detail || ' '",
                                         "client = account, account = client"};
    for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
        const uint64_t bad = 5 * i + 3; /* the third of five new ones */
        char sql[200];
        uint64_t count, found;
        append_many(t, 5);
        assert_whole(t, 5 * i + 5);
        snprintf(sql, sizeof(sql), "CREATE TABLE was AS SELECT * FROM audit; UPDATE audit SET %s WHERE sequence = %llu", FIELDS[i],
                 (unsigned long long)bad);
        kw_test_store_tamper(t, sql);
        assert_status(kw_store_audit_verify(t->store, &count, &found), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(found, bad);
        kw_test_store_tamper(t, "DELETE FROM audit; INSERT INTO audit SELECT * FROM was; DROP TABLE was");
    }
}

static void a_text_that_moves_to_the_next_field_shows(void **state)
{
    assert_shows(*state, 3, "UPDATE audit SET client = 'cl', detail = 'urn:ient{}', account = 'user-2urn:' WHERE sequence = 2", 2);
}

static void a_record_removed_from_the_middle_shows(void **state)
{
    assert_shows(*state, 5, "DELETE FROM audit WHERE sequence = 3", 3);
}

static void a_gap_that_was_closed_shows(void **state)
{
    assert_shows(*state, 5,
                 "DELETE FROM audit WHERE sequence = 3; UPDATE audit SET sequence = 3 WHERE sequence = 4;"
                 "UPDATE audit SET sequence = 4 WHERE sequence = 5",
                 3);
}

static void the_first_record_removed_shows(void **state)
{
    assert_shows(*state, 3, "DELETE FROM audit WHERE sequence = 1", 1);
}

static void a_tail_cut_off_shows(void **state)
{
    assert_shows(*state, 5, "DELETE FROM audit WHERE sequence > 3", 4);
}

static void everything_removed_shows(void **state)
{
    assert_shows(*state, 5, "DELETE FROM audit", 1);
}

static void a_record_put_in_at_the_end_shows(void **state)
{
    assert_shows(*state, 3,
                 "INSERT INTO audit SELECT 4, time, event, source, status, 'eve', client, detail, hash FROM audit WHERE sequence = 3", 4);
}

static void a_record_put_in_before_the_first_shows(void **state)
{
    assert_shows(*state, 3,
                 "INSERT INTO audit SELECT 0, time, event, source, status, 'eve', client, detail, hash FROM audit WHERE sequence = 3", 1);
}

static void two_records_exchanged_show(void **state)
{
    assert_shows(*state, 4,
                 "UPDATE audit SET sequence = 99 WHERE sequence = 2; UPDATE audit SET sequence = 2 WHERE sequence = 3;"
                 "UPDATE audit SET sequence = 3 WHERE sequence = 99",
                 2);
}

static void a_head_that_was_removed_shows(void **state)
{
    assert_shows(*state, 3, "DELETE FROM audit_head", 4);
}

static void a_head_set_back_with_the_tail_cut_off_shows(void **state)
{
    assert_shows(*state, 5, "DELETE FROM audit WHERE sequence = 5; UPDATE audit_head SET sequence = 4", 4);
}

static void nothing_is_appended_to_a_trail_that_somebody_else_continued(void **state)
{
    kw_test_store *t = *state;
    const kw_audit_record r = record("alice");
    assert_shows(t, 2, "INSERT INTO audit SELECT 3, time, event, source, status, 'eve', client, detail, hash FROM audit WHERE sequence = 2",
                 3);
    assert_status(kw_store_audit_append(t->store, &r), KW_BAD_SECURITY_CHECKS_FAILED);
    kw_test_store_tamper(t, "DELETE FROM audit WHERE sequence = 3");
    append(t, "alice");
    assert_whole(t, 3);
}

static void what_is_appended_later_does_not_heal_a_trail(void **state)
{
    kw_test_store *t = *state;
    uint64_t count, first_bad;
    assert_shows(t, 5, "DELETE FROM audit WHERE sequence > 3", 4);
    append_many(t, 3);
    assert_status(kw_store_audit_verify(t->store, &count, &first_bad), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(first_bad, 4);
}

/* --- many at once ------------------------------------------------------------------------------------------------- */

typedef struct writer {
    pthread_t thread;
    kw_store *store;
    int number, appended;
    size_t room; /* bytes of detail */
} writer;

static void *write_records(void *argument)
{
    writer *w = argument;
    char user[32];
    uint8_t *detail = calloc(1, w->room);
    for (int i = 0; i < PER_THREAD; i++) {
        snprintf(user, sizeof(user), "%d/%d", w->number, i);
        kw_audit_record r = record(user);
        r.detail = (kw_string){detail, w->room};
        w->appended += kw_store_audit_append(w->store, &r) == KW_GOOD;
    }
    free(detail);
    return NULL;
}

static void start(writer *writers, kw_store *const *stores, size_t store_count)
{
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (writer){.store = stores[(size_t)i % store_count], .number = i, .room = 16};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_records, &writers[i]), 0);
    }
}

static void join(writer *writers)
{
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_int_equal(writers[i].appended, PER_THREAD);
    }
}

/* Every record once, in the order in which its thread wrote. */
static void assert_all_there(kw_test_store *t)
{
    kw_audit_record *found;
    size_t count;
    int next[THREADS] = {0};
    assert_whole(t, THREADS * PER_THREAD);
    assert_status(kw_store_audit_list(t->store, 0, SIZE_MAX, t->arena, &found, &count), KW_GOOD);
    assert_int_equal(count, THREADS * PER_THREAD);
    for (size_t i = 0; i < count; i++) {
        int number = -1, index = -1;
        assert_int_equal(found[i].sequence, i + 1);
        assert_int_equal(sscanf(kw_arena_cstring(t->arena, found[i].user), "%d/%d", &number, &index), 2);
        assert_int_equal(index, next[number]++);
    }
}

static void records_of_many_threads_make_one_gapless_chain(void **state)
{
    kw_test_store *t = *state;
    writer writers[THREADS];
    start(writers, &t->store, 1);
    join(writers);
    kw_test_store_reopen(t);
    assert_all_there(t);
}

static void records_of_many_handles_make_one_gapless_chain(void **state)
{
    kw_test_store *t = *state;
    kw_store *stores[] = {t->store, kw_test_store_open(t)};
    writer writers[THREADS];
    start(writers, stores, 2);
    join(writers);
    kw_store_close(stores[1]);
    assert_all_there(t);
}

/* No false alarm: what is verified while others append is whole at every moment. */
static void a_trail_can_be_verified_while_it_grows(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    writer writers[THREADS];
    uint64_t count = 0, former = 0, first_bad;
    start(writers, &t->store, 1);
    while (count < THREADS * PER_THREAD) {
        assert_status(kw_store_audit_verify(other, &count, &first_bad), KW_GOOD);
        assert_true(count >= former);
        former = count;
    }
    join(writers);
    kw_store_close(other);
}

static void a_record_that_is_refused_takes_no_other_with_it(void **state)
{
    kw_test_store *t = *state;
    writer writers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (writer){.store = t->store, .number = i, .room = i % 2 == 0 ? 16 : 2u << 20};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_records, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_int_equal(writers[i].appended, i % 2 == 0 ? PER_THREAD : 0);
    }
    assert_whole(t, THREADS / 2 * PER_THREAD);
}

static void a_long_trail_is_walked_to_its_end(void **state)
{
    kw_test_store *t = *state;
    writer writers[THREADS];
    while (kw_test_store_query(t, "SELECT COUNT(*) FROM audit") < 2 * BATCH) {
        start(writers, &t->store, 1);
        join(writers);
    }
    kw_test_store_tamper(t, "CREATE TABLE was AS SELECT * FROM audit; CREATE TABLE head AS SELECT * FROM audit_head");
    for (uint64_t end = BATCH - 1; end <= BATCH + 1; end++) { /* a trail that ends at the edge of a batch */
        char sql[400];
        uint64_t count, first_bad;
        snprintf(sql, sizeof(sql),
                 "DELETE FROM audit; INSERT INTO audit SELECT * FROM was WHERE sequence <= %d;"
                 "UPDATE audit_head SET sequence = %d, hash = (SELECT hash FROM audit WHERE sequence = %d)",
                 (int)end, (int)end, (int)end);
        kw_test_store_tamper(t, sql);
        assert_whole(t, end);
        snprintf(sql, sizeof(sql), "UPDATE audit SET account = 'eve' WHERE sequence = %d", (int)end);
        kw_test_store_tamper(t, sql);
        assert_status(kw_store_audit_verify(t->store, &count, &first_bad), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(first_bad, end);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

static void a_batch_is_appended_in_order_or_not_at_all(void **state)
{
    kw_test_store *t = *state;
    kw_audit_record batch[] = {record("first"), record("second"), record("third")};
    kw_audit_record *all = NULL;
    size_t count = 0;
    assert_status(kw_store_audit_append_all(t->store, batch, 3), KW_GOOD);
    assert_status(kw_store_audit_append_all(t->store, batch, 0), KW_GOOD);
    batch[1].event = KW_BYTES_NULL;
    assert_status(kw_store_audit_append_all(t->store, batch, 3), KW_BAD_INVALID_ARGUMENT);
    append(t, "fourth");
    assert_whole(t, 4);
    assert_status(kw_store_audit_list(t->store, 0, 10, t->arena, &all, &count), KW_GOOD);
    assert_int_equal(count, 4);
    assert_text(all[0].user, "first");
    assert_text(all[1].user, "second");
    assert_text(all[2].user, "third");
    assert_text(all[3].user, "fourth");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_trail_is_empty_and_whole),
        TEST(a_record_is_kept_as_given),
        TEST(the_hash_is_over_the_former_one_and_fields_with_their_lengths),
        TEST(records_are_listed_in_pages),
        TEST(bytes_that_are_no_text_are_recorded_all_the_same),
        TEST(a_record_without_event_or_bounds_is_refused_alone),
        TEST(a_change_of_any_field_shows),
        TEST(a_text_that_moves_to_the_next_field_shows),
        TEST(a_record_removed_from_the_middle_shows),
        TEST(a_gap_that_was_closed_shows),
        TEST(the_first_record_removed_shows),
        TEST(a_tail_cut_off_shows),
        TEST(everything_removed_shows),
        TEST(a_record_put_in_at_the_end_shows),
        TEST(a_record_put_in_before_the_first_shows),
        TEST(two_records_exchanged_show),
        TEST(a_head_that_was_removed_shows),
        TEST(a_head_set_back_with_the_tail_cut_off_shows),
        TEST(nothing_is_appended_to_a_trail_that_somebody_else_continued),
        TEST(what_is_appended_later_does_not_heal_a_trail),
        TEST(records_of_many_threads_make_one_gapless_chain),
        TEST(records_of_many_handles_make_one_gapless_chain),
        TEST(a_trail_can_be_verified_while_it_grows),
        TEST(a_record_that_is_refused_takes_no_other_with_it),
        TEST(a_batch_is_appended_in_order_or_not_at_all),
        TEST(a_long_trail_is_walked_to_its_end),
    };
    return cmocka_run_group_tests_name("store/audit", tests, NULL, NULL);
}
