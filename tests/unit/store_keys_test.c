/* Signing keys in the store: what happens as one, and in which order they stand. */
#include "store/store_internal.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

static kw_signing_key key(const char *id, int64_t signs_from)
{
    return (kw_signing_key){.id = kw_string_from(id),
                            .alg = KW_STRING("ES256"),
                            .private_key = KW_STRING("-----BEGIN"),
                            .certificate = KW_STRING("\x30"),
                            .not_before = 10,
                            .not_after = INT64_MAX,
                            .signs_from = signs_from,
                            .kept_for = 7};
}

static void add(kw_test_store *t, const char *id, int64_t signs_from)
{
    const kw_signing_key row = key(id, signs_from);
    assert_status(kw_store_key_add(t->store, &row, NULL), KW_GOOD);
}

static size_t read_keys(kw_test_store *t, kw_signing_key **keys)
{
    size_t count;
    assert_status(kw_store_key_list(t->store, t->arena, keys, &count), KW_GOOD);
    return count;
}

static void they_stand_by_the_time_they_sign_from(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    add(t, "first", 100);
    add(t, "last", 300);
    add(t, "z at the same time", 200);
    add(t, "a later made", 200);
    kw_test_store_reopen(t);
    assert_int_equal(read_keys(t, &keys), 4);
    assert_text(keys[0].id, "last");
    assert_text(keys[1].id, "a later made");
    assert_text(keys[2].id, "z at the same time");
    assert_text(keys[3].id, "first");
    assert_text(keys[0].alg, "ES256");
    assert_text(keys[0].private_key, "-----BEGIN");
    assert_text(keys[0].certificate, "\x30");
    assert_int_equal(keys[0].not_before, 10);
    assert_true(keys[0].not_after == INT64_MAX);
    assert_int_equal(keys[0].kept_for, 7);
    assert_int_equal(keys[0].revoked, 0);
}

static void what_cannot_be_added_changes_nothing(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    const kw_signing_key again = key("a", 5), empty = {.id = KW_STRING("e"), .alg = KW_STRING("ES256")};
    add(t, "a", 100);
    assert_status(kw_store_key_add(t->store, &again, NULL), KW_BAD_ALREADY_EXISTS);
    assert_status(kw_store_key_add(t->store, &empty, NULL), KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(read_keys(t, &keys), 1);
    assert_int_equal(keys[0].signs_from, 100);
}

/* Two nodes have seen the same keys; one is faster. */
static void only_who_has_seen_the_newest_adds_another(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    kw_signing_key *keys;
    const kw_string nobody = KW_BYTES_NULL, a = KW_STRING("a");
    const kw_signing_key first = key("a", 100), too = key("b", 100), next = key("c", 200), next_too = key("d", 200);
    assert_status(kw_store_key_add(t->store, &first, &nobody), KW_GOOD);
    assert_status(kw_store_key_add(other, &too, &nobody), KW_BAD_INVALID_STATE);
    assert_status(kw_store_key_add(other, &next, &a), KW_GOOD);
    assert_status(kw_store_key_add(t->store, &next_too, &a), KW_BAD_INVALID_STATE);
    kw_store_close(other);
    assert_int_equal(read_keys(t, &keys), 2);
    assert_text(keys[0].id, "c");
}

static void a_key_starts_sooner_but_never_later(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    add(t, "a", 100);
    assert_status(kw_store_key_start(t->store, KW_STRING("a"), 200), KW_BAD_NOT_FOUND);
    assert_status(kw_store_key_start(t->store, KW_STRING("b"), 50), KW_BAD_NOT_FOUND);
    assert_status(kw_store_key_start(t->store, KW_STRING("a"), 50), KW_GOOD);
    read_keys(t, &keys);
    assert_int_equal(keys[0].signs_from, 50);
}

static void a_revoked_key_has_no_private_key_and_the_replacement_signs(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    const kw_signing_key replacement = key("new", 0);
    add(t, "old", 100);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("old"), 150, &replacement), KW_GOOD);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("old"), 160, &replacement), KW_BAD_NOT_FOUND);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("nothing"), 160, &replacement), KW_BAD_NOT_FOUND);
    assert_int_equal(read_keys(t, &keys), 2);
    assert_text(keys[0].id, "new");
    assert_int_equal(keys[0].signs_from, 150);
    assert_text(keys[1].id, "old");
    assert_int_equal(keys[1].revoked, 150);
    assert_int_equal(keys[1].private_key.len, 0);
}

static void a_next_key_replaces_the_revoked_one(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    const kw_signing_key replacement = key("new", 0);
    add(t, "old", 100);
    add(t, "next", 500);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("old"), 150, &replacement), KW_GOOD);
    assert_int_equal(read_keys(t, &keys), 2);
    assert_text(keys[0].id, "next");
    assert_int_equal(keys[0].signs_from, 150);
}

static void a_revoked_key_that_did_not_sign_changes_no_other(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    const kw_signing_key replacement = key("new", 0);
    add(t, "retired", 50);
    add(t, "active", 100);
    add(t, "next", 500);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("next"), 150, &replacement), KW_GOOD);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("retired"), 150, &replacement), KW_GOOD);
    assert_int_equal(read_keys(t, &keys), 3);
    assert_text(keys[0].id, "active");
    assert_int_equal(keys[0].revoked, 0);
    assert_text(keys[1].id, "retired");
    assert_text(keys[2].id, "next"); /* it never signed, and its time does not come */
    assert_int_equal(keys[2].signs_from, 0);
}

static void a_key_is_kept_longer_but_not_shorter(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    add(t, "a", 100);
    assert_status(kw_store_key_keep(t->store, KW_STRING("a"), 7), KW_BAD_NOT_FOUND);
    assert_status(kw_store_key_keep(t->store, KW_STRING("a"), 9), KW_GOOD);
    assert_status(kw_store_key_keep(t->store, KW_STRING("a"), 8), KW_BAD_NOT_FOUND);
    read_keys(t, &keys);
    assert_int_equal(keys[0].kept_for, 9);
}

static void sealing_does_not_bring_back_what_was_revoked_meanwhile(void **state)
{
    kw_test_store *t = *state;
    kw_signing_key *keys;
    add(t, "a", 100);
    assert_status(kw_store_key_reseal(t->store, KW_STRING("a"), KW_STRING("-----BEGIN"), KW_STRING("sealed")), KW_GOOD);
    assert_status(kw_store_key_revoke(t->store, KW_STRING("a"), 150, NULL), KW_GOOD);
    assert_status(kw_store_key_reseal(t->store, KW_STRING("a"), KW_STRING("sealed"), KW_STRING("again")), KW_BAD_NOT_FOUND);
    read_keys(t, &keys);
    assert_int_equal(keys[0].private_key.len, 0);
    assert_status(kw_store_key_remove(t->store, KW_STRING("a")), KW_GOOD);
    assert_status(kw_store_key_remove(t->store, KW_STRING("a")), KW_BAD_NOT_FOUND);
    assert_int_equal(read_keys(t, &keys), 0);
}

static void an_issuer_is_written_only_as_of_the_version_that_was_read(void **state)
{
    kw_test_store *t = *state;
    kw_issuer *issuers;
    size_t count;
    const kw_issuer row = {.uri = KW_STRING("i"), .kind = KW_STRING("jwks"), .keys = KW_STRING("old")};
    const uint64_t version = kw_store_version(t->store);
    add(t, "a", 100); /* a change of something else will do */
    assert_status(kw_store_issuer_put_at(t->store, &row, version), KW_BAD_INVALID_STATE);
    assert_status(kw_store_issuer_list(t->store, t->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 0);
    assert_status(kw_store_issuer_put_at(t->store, &row, kw_store_version(t->store)), KW_GOOD);
    assert_status(kw_store_issuer_list(t->store, t->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 1);
}

/* --- from former versions -------------------------------------------------------------------------------------------------------- */

#define S_TICKS INT64_C(10000000)
#define HOUR_TICKS (3600 * S_TICKS)
#define DAY_TICKS (24 * HOUR_TICKS)

/* Version 11 knew an active key and others, all in clear. */
static void write_version_11(kw_test_store *t, const char *path)
{
    kw_sql *old = NULL;
    kw_string why;
    assert_status(kw_sql_open(path, true, t->arena, &old, &why), KW_GOOD);
    assert_status(kw_sql_begin(old, KW_TURN_SCHEMA), KW_GOOD);
    assert_status(kw_store_run_steps(old, 11, t->arena, &why), KW_GOOD);
    assert_status(kw_sql_define(old, "INSERT INTO resource (uri, token_lifetime, created) VALUES ('urn:slow', 7200, 0), ('urn:r', 60, 0);"
                                     "INSERT INTO signing_key (id, alg, private_key, certificate, not_before, not_after, active, position)"
                                     " VALUES ('former', 'RS256', CAST('-----BEGIN 1' AS BLOB), 'c1', 1000, 9000, 0, 1),"
                                     " ('present', 'ES256', CAST('-----BEGIN 2' AS BLOB), 'c2', 5000, 9900, 1, 2)"),
                  KW_GOOD);
    assert_status(kw_sql_end(old, KW_GOOD), KW_GOOD);
    kw_sql_close(old);
}

static void keys_of_version_11_are_all_there_and_the_active_one_is_the_latest(void **state)
{
    kw_test_store *t = *state;
    char path[600];
    kw_signing_key *keys;
    size_t count;
    kw_string why;
    kw_store *store = NULL;
    snprintf(path, sizeof(path), "%s/version-11.db", t->folder);
    write_version_11(t, path);
    assert_status(kw_store_open(path, false, &t->clock.clock, t->arena, &store, &why), KW_GOOD);
    assert_status(kw_store_key_list(store, t->arena, &keys, &count), KW_GOOD);
    assert_int_equal(count, 2);
    assert_text(keys[0].id, "present");
    assert_text(keys[0].alg, "ES256");
    assert_text(keys[0].private_key, "-----BEGIN 2"); /* sealed by the Authorization Service, which has the key for that */
    assert_text(keys[0].certificate, "c2");
    assert_true(keys[0].signs_from == 5000 + HOUR_TICKS);
    assert_true(keys[0].kept_for == DAY_TICKS + 7200 * S_TICKS);
    assert_int_equal(keys[0].revoked, 0);
    assert_text(keys[1].id, "former");
    assert_text(keys[1].private_key, "-----BEGIN 1");
    assert_true(keys[1].signs_from == 1000 + HOUR_TICKS);
    assert_int_equal(keys[1].not_after, 9000);
    assert_status(kw_store_key_reseal(store, KW_STRING("present"), keys[0].private_key, KW_STRING("sealed")), KW_GOOD);
    kw_store_close(store);
}

#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(they_stand_by_the_time_they_sign_from),
        IN_STORE(what_cannot_be_added_changes_nothing),
        IN_STORE(only_who_has_seen_the_newest_adds_another),
        IN_STORE(a_key_starts_sooner_but_never_later),
        IN_STORE(a_revoked_key_has_no_private_key_and_the_replacement_signs),
        IN_STORE(a_next_key_replaces_the_revoked_one),
        IN_STORE(a_revoked_key_that_did_not_sign_changes_no_other),
        IN_STORE(a_key_is_kept_longer_but_not_shorter),
        IN_STORE(sealing_does_not_bring_back_what_was_revoked_meanwhile),
        IN_STORE(keys_of_version_11_are_all_there_and_the_active_one_is_the_latest),
        IN_STORE(an_issuer_is_written_only_as_of_the_version_that_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
