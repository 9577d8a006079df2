/* Backup and restore: from one engine, and into either. */
#include "store/store_internal.h"
#include "support/kw_test_postgres.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 2500 /* more than are read at once */

static const char *in_folder(kw_test_store *t, const char *name)
{
    return kw_arena_cstring(t->arena, kw_arena_format(t->arena, "%s/%s", t->folder, name));
}

/* Something of every kind: null, empty, bytes that are no text, a large number, what refers to something else. */
static void fill(kw_test_store *t)
{
    kw_store *s = t->store;
    static const uint8_t KEY[] = {0, 1, 2, 0xFF};
    const kw_role role = {.name = KW_STRING("Night shift"), .namespace_uri = KW_STRING("urn:n")};
    const kw_user user = {.name = KW_STRING("alice"), .configuration = 9, .description = KW_STRING("")};
    const kw_signing_key key = {.id = KW_STRING("k"),
                                .alg = KW_STRING("RS256"),
                                .private_key = {KEY, sizeof(KEY)},
                                .certificate = {KEY, 0},
                                .not_after = INT64_MAX};
    assert_status(kw_store_user_add(s, &user), KW_GOOD);
    assert_status(kw_store_role_add(s, &role), KW_GOOD);
    assert_status(kw_store_role_rule_add(s, role.name, &(kw_role_rule){KW_CRITERIA_USER_NAME, user.name}), KW_GOOD);
    assert_status(kw_store_role_application_add(s, role.name, KW_STRING("urn:app")), KW_GOOD);
    assert_status(kw_store_key_add(s, &key, NULL), KW_GOOD);
    assert_status(kw_store_setting_put(s, KW_STRING("a"), KW_STRING("b")), KW_GOOD);
    kw_audit_record *records = calloc(RECORDS, sizeof(*records));
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = (kw_audit_record){.event = KW_STRING("e"), .user = {(const uint8_t *)"a\0\xFF", 3}, .status = KW_BAD_TIMEOUT};
    }
    assert_status(kw_store_audit_append_all(s, records, RECORDS), KW_GOOD);
    free(records);
}

static void assert_filled(kw_test_store *t, kw_store *s)
{
    kw_user user;
    kw_role *roles;
    kw_signing_key *keys;
    kw_audit_record *records;
    size_t count, role_count;
    uint64_t verified, first_bad;
    assert_status(kw_store_user_get(s, KW_STRING("alice"), t->arena, &user), KW_GOOD);
    assert_int_equal(user.configuration, 9);
    assert_null_text(user.password_hash);
    assert_text(user.description, "");
    assert_status(kw_store_role_list(s, t->arena, &roles, &role_count), KW_GOOD);
    assert_text(roles[role_count - 1].name, "Night shift");
    assert_int_equal(roles[role_count - 1].rule_count, 1);
    assert_int_equal(roles[role_count - 1].application_count, 1);
    assert_status(kw_store_key_list(s, t->arena, &keys, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_int_equal(keys[0].private_key.len, 4);
    assert_int_equal(keys[0].private_key.data[3], 0xFF);
    assert_true(keys[0].not_after == INT64_MAX);
    assert_status(kw_store_audit_verify(s, &verified, &first_bad), KW_GOOD);
    assert_int_equal(verified, RECORDS);
    assert_status(kw_store_audit_list(s, RECORDS - 1, 1, t->arena, &records, &count), KW_GOOD);
    assert_int_equal(records[0].user.len, 3);
}

static void backup(kw_test_store *t, const char *file)
{
    uint64_t rows = 0;
    kw_string why;
    const kw_status status = kw_store_backup(t->store, file, t->arena, &rows, &why);
    if (status != KW_GOOD) {
        fail_msg("%s: %.*s", kw_status_name(status), KW_STRING_ARGS(why));
    }
    assert_true(rows > RECORDS);
}

static void restore(kw_test_store *t, const char *location, const char *file)
{
    uint64_t rows = 0;
    kw_string why;
    const kw_status status = kw_store_restore(location, file, t->arena, &rows, &why);
    if (status != KW_GOOD) {
        fail_msg("%s: %.*s", kw_status_name(status), KW_STRING_ARGS(why));
    }
    assert_true(rows > RECORDS);
}

static void assert_restored(kw_test_store *t, const char *location)
{
    kw_store *other = NULL;
    assert_status(kw_store_open(location, false, &t->clock.clock, t->arena, &other, NULL), KW_GOOD);
    assert_filled(t, other);
    assert_true(kw_store_version(other) == kw_store_version(t->store));
    assert_status(kw_store_user_add(other, &(kw_user){.name = KW_STRING("bob")}), KW_GOOD);
    assert_status(kw_store_audit_append(other, &(kw_audit_record){.event = KW_STRING("e")}), KW_GOOD);
    assert_status(kw_store_role_add(other, &(kw_role){.name = KW_STRING("Day shift")}), KW_GOOD);
    kw_store_close(other);
}

/* To where the store is: a file, or another database. */
static void what_was_backed_up_is_restored_to_the_same_engine(void **state)
{
    kw_test_store *t = *state;
    const char *file = in_folder(t, "backup");
    char location[512];
    fill(t);
    backup(t, file);
    if (kw_test_postgres_is_there()) {
        kw_test_postgres_create(location, sizeof(location));
    } else {
        snprintf(location, sizeof(location), "%s/restored.db", t->folder);
    }
    restore(t, location, file);
    assert_restored(t, location);
    if (kw_test_postgres_is_there()) {
        kw_test_postgres_drop(location);
    }
}

static void what_was_backed_up_is_restored_to_a_file(void **state)
{
    kw_test_store *t = *state;
    fill(t);
    backup(t, in_folder(t, "backup"));
    restore(t, in_folder(t, "restored.db"), in_folder(t, "backup"));
    assert_restored(t, in_folder(t, "restored.db"));
}

/* All but the first step is done on what the backup brought. */
static void a_backup_of_a_former_version_is_brought_up_to_date(void **state)
{
    kw_test_store *t = *state;
    kw_sql *old = NULL;
    kw_string why;
    uint64_t rows = 0;
    kw_store *store = NULL;
    assert_status(kw_sql_open(in_folder(t, "old"), true, t->arena, &old, &why), KW_GOOD);
    assert_status(kw_sql_begin(old, KW_TURN_SCHEMA), KW_GOOD);
    assert_status(kw_store_run_steps(old, 1, t->arena, &why), KW_GOOD);
    assert_status(kw_sql_define(old, "INSERT INTO account (name, configuration, created, changed) VALUES ('alice', 0, 0, 0)"), KW_GOOD);
    assert_status(kw_sql_end(old, KW_GOOD), KW_GOOD);
    kw_sql_close(old);
    assert_status(kw_store_restore(in_folder(t, "new"), in_folder(t, "old"), t->arena, &rows, &why), KW_GOOD);
    assert_status(kw_store_open(in_folder(t, "new"), false, &t->clock.clock, t->arena, &store, &why), KW_GOOD);
    kw_user user;
    kw_issuer *issuers;
    size_t count;
    assert_status(kw_store_user_get(store, KW_STRING("alice"), t->arena, &user), KW_GOOD);
    assert_status(kw_store_issuer_list(store, t->arena, &issuers, &count), KW_GOOD); /* has columns of a later step */
    kw_store_close(store);
}

static void a_backup_is_for_its_owner_alone_and_overwrites_nothing(void **state)
{
    kw_test_store *t = *state;
    const char *file = in_folder(t, "backup");
    struct stat info;
    uint64_t rows;
    kw_string why;
    fill(t);
    backup(t, file);
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_status(kw_store_backup(t->store, file, t->arena, &rows, &why), KW_BAD_ALREADY_EXISTS);
    assert_text(why, "there is such a file; a backup overwrites nothing");
    assert_status(kw_store_restore(t->path, file, t->arena, &rows, &why), KW_BAD_ALREADY_EXISTS);
    assert_text(why, "there is a store already; a restore overwrites nothing");
    assert_filled(t, t->store);
    assert_int_equal(chmod(file, 0644), 0);
    assert_status(kw_store_restore(in_folder(t, "restored.db"), file, t->arena, &rows, &why), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_status(kw_store_restore(in_folder(t, "restored.db"), in_folder(t, "none"), t->arena, &rows, &why), KW_BAD_NOT_FOUND);
    assert_int_equal(access(in_folder(t, "restored.db"), F_OK), -1);
}

static void tamper_file(const char *path, const char *sql)
{
    kw_arena *arena = kw_arena_new(65536);
    kw_sql *file = NULL;
    kw_string why;
    assert_status(kw_sql_open(path, false, arena, &file, &why), KW_GOOD);
    assert_status(kw_sql_define(file, sql), KW_GOOD);
    kw_sql_close(file);
    kw_arena_free(arena);
}

/* Nothing is half restored. */
static void a_backup_that_was_tampered_with_is_refused(void **state)
{
    kw_test_store *t = *state;
    static const struct {
        const char *sql;
        kw_status status;
    } CASES[] = {
        {"CREATE TABLE \"account; DROP TABLE role\" (x BIGINT)", KW_BAD_DECODING_ERROR},
        {"ALTER TABLE setting ADD COLUMN \"value) VALUES (1); --\" TEXT", KW_BAD_DECODING_ERROR},
        {"INSERT INTO schema_version (version) VALUES (1000)", KW_BAD_CONFIGURATION_ERROR},
    };
    fill(t);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        uint64_t rows;
        kw_string why;
        const char *file = in_folder(t, "backup");
        backup(t, file);
        tamper_file(file, CASES[i].sql);
        assert_status(kw_store_restore(in_folder(t, "restored.db"), file, t->arena, &rows, &why), CASES[i].status);
        assert_int_equal(access(in_folder(t, "restored.db"), F_OK), -1);
        assert_int_equal(unlink(file), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_backed_up_is_restored_to_the_same_engine),  TEST(what_was_backed_up_is_restored_to_a_file),
        TEST(a_backup_of_a_former_version_is_brought_up_to_date), TEST(a_backup_is_for_its_owner_alone_and_overwrites_nothing),
        TEST(a_backup_that_was_tampered_with_is_refused),
    };
    return cmocka_run_group_tests_name("store/copy", tests, NULL, NULL);
}
