/* What is opened as a store, what is not, and what the user is told. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The store is closed and its file gone: each test puts there what it wants. */
static int setup_without_store(void **state)
{
    kw_test_store_setup(state);
    kw_test_store *t = *state;
    kw_store_close(t->store);
    t->store = NULL;
    return unlink(t->path);
}

static void write_file(kw_test_store *t, const char *content, size_t len)
{
    FILE *f = fopen(t->path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, len, f), len);
    fclose(f);
    assert_int_equal(chmod(t->path, 0600), 0);
}

static void assert_refused(kw_test_store *t, const char *location, bool create, kw_status expected, const char *sentence)
{
    kw_store *store = NULL;
    kw_string why = KW_BYTES_NULL;
    assert_status(kw_store_open(location, create, &t->clock.clock, t->arena, &store, &why), expected);
    assert_null(store);
    assert_text(why, sentence);
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static ino_t inode_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_ino : 0;
}

static const char *beside(kw_test_store *t, const char *suffix)
{
    static char path[600];
    snprintf(path, sizeof(path), "%s%s", t->path, suffix);
    return path;
}

static void all_files_of_a_store_are_for_their_owner_alone(void **state)
{
    kw_test_store *t = *state;
    const mode_t former = umask(0);
    t->store = kw_test_store_open(t);
    assert_status(kw_store_setting_put(t->store, KW_STRING("a"), KW_STRING("b")), KW_GOOD);
    umask(former);
    assert_int_equal(mode_of(t->path), 0600);
    assert_int_equal(mode_of(beside(t, "-wal")), 0600);
    assert_int_equal(mode_of(beside(t, "-shm")), 0600);
}

static void a_new_store_leaves_no_other_file(void **state)
{
    kw_test_store *t = *state;
    t->store = kw_test_store_open(t);
    kw_store_close(t->store);
    t->store = NULL;
    assert_int_equal(unlink(t->path), 0);
    assert_int_equal(rmdir(t->folder), 0);
    assert_int_equal(mkdir(t->folder, 0700), 0); /* for the teardown */
}

static void a_missing_store_is_not_made_unasked(void **state)
{
    kw_test_store *t = *state;
    assert_refused(t, t->path, false, KW_BAD_NOT_FOUND, "there is no store; `keyway init DIR` makes one");
    assert_int_equal(access(t->path, F_OK), -1);
}

static void a_missing_folder_is_told(void **state)
{
    kw_test_store *t = *state;
    char path[600];
    snprintf(path, sizeof(path), "%s/nowhere/store.db", t->folder);
    assert_refused(t, path, true, KW_BAD_NOT_FOUND, "the folder of the store does not exist");
}

static void a_store_that_others_can_read_is_refused(void **state)
{
    kw_test_store *t = *state;
    kw_store_close(kw_test_store_open(t));
    assert_int_equal(chmod(t->path, 0640), 0);
    assert_refused(t, t->path, false, KW_BAD_SECURITY_CHECKS_FAILED, "others can read the store; run `chmod 600` on it");
}

static void a_link_or_a_folder_is_refused(void **state)
{
    kw_test_store *t = *state;
    char target[600];
    snprintf(target, sizeof(target), "%s/target", t->folder);
    assert_int_equal(symlink(target, t->path), 0);
    assert_refused(t, t->path, true, KW_BAD_SECURITY_CHECKS_FAILED, "the store is not a regular file");
    assert_int_equal(access(target, F_OK), -1);
    assert_refused(t, t->folder, true, KW_BAD_SECURITY_CHECKS_FAILED, "the store is not a regular file");
}

static void bytes_of_something_else_are_refused_and_kept(void **state)
{
    kw_test_store *t = *state;
    char content[5000];
    memset(content, 'x', sizeof(content));
    write_file(t, content, sizeof(content));
    assert_refused(t, t->path, true, KW_BAD_DECODING_ERROR, "this file is not a Keyway store");
    struct stat info;
    assert_int_equal(stat(t->path, &info), 0);
    assert_int_equal(info.st_size, sizeof(content));
}

static void an_empty_file_becomes_a_store_only_when_asked(void **state)
{
    kw_test_store *t = *state;
    write_file(t, "", 0);
    assert_refused(t, t->path, false, KW_BAD_DECODING_ERROR, "this file is not a Keyway store");
    t->store = kw_test_store_open(t);
    assert_true(kw_store_version(t->store) != 0);
}

static void the_database_of_another_program_is_refused_and_kept(void **state)
{
    kw_test_store *t = *state;
    write_file(t, "", 0);
    kw_test_store_tamper(t, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (7)");
    assert_refused(t, t->path, true, KW_BAD_DECODING_ERROR, "this file is not a Keyway store");
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM sqlite_master"), 1);
    assert_int_equal(kw_test_store_query(t, "SELECT x FROM theirs"), 7);
    assert_int_equal(access(beside(t, "-wal"), F_OK), -1);
}

static void another_program_s_empty_database_is_refused(void **state)
{
    kw_test_store *t = *state;
    write_file(t, "", 0);
    kw_test_store_tamper(t, "PRAGMA application_id = 252006673; CREATE TABLE theirs (x); DROP TABLE theirs");
    assert_refused(t, t->path, true, KW_BAD_DECODING_ERROR, "this file is not a Keyway store");
}

static void a_store_of_a_newer_keyway_is_refused_and_kept(void **state)
{
    kw_test_store *t = *state;
    kw_store_close(kw_test_store_open(t));
    const int64_t known = kw_test_store_query(t, "SELECT MAX(version) FROM schema_version");
    char why[128];
    snprintf(why, sizeof(why), "the store is of version 1000, this Keyway knows up to %lld; use the newer Keyway that made it",
             (long long)known);
    kw_test_store_tamper(t, "INSERT INTO schema_version VALUES (1000)");
    assert_refused(t, t->path, false, KW_BAD_CONFIGURATION_ERROR, why);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM schema_version"), known + 1);
}

static void a_damaged_store_is_told(void **state)
{
    kw_test_store *t = *state;
    kw_store_close(kw_test_store_open(t));
    const int fd = open(t->path, O_RDWR);
    uint8_t noise[4096 - 100];
    memset(noise, 0xA5, sizeof(noise));
    assert_int_equal(pwrite(fd, noise, sizeof(noise), 100), sizeof(noise)); /* the root page behind the header */
    close(fd);
    assert_refused(t, t->path, false, KW_BAD_DECODING_ERROR, "the store is damaged; restore it from a backup");
}

static void a_server_s_address_is_not_taken_for_a_file(void **state)
{
    kw_test_store *t = *state;
    assert_refused(t, "mysql://host/keyway", true, KW_BAD_NOT_SUPPORTED, "only a file or a postgresql://… can be a store");
}

static void the_reason_need_not_be_asked_for(void **state)
{
    kw_test_store *t = *state;
    kw_store *store = NULL;
    assert_status(kw_store_open(t->path, false, &t->clock.clock, t->arena, &store, NULL), KW_BAD_NOT_FOUND);
}

static void a_missing_table_fails_each_call_and_harms_nothing(void **state)
{
    kw_test_store *t = *state;
    t->store = kw_test_store_open(t);
    kw_test_store_tamper(t, "DROP TABLE setting");
    kw_string value = KW_STRING("untouched");
    assert_true(kw_status_is_bad(kw_store_setting_put(t->store, KW_STRING("a"), KW_STRING("b"))));
    assert_true(kw_status_is_bad(kw_store_setting_get(t->store, KW_STRING("a"), t->arena, &value)));
    assert_text(value, "untouched");
    assert_status(kw_store_resource_add(t->store, &(kw_resource){.uri = KW_STRING("urn:r")}), KW_GOOD);
}

/* Closing a file drops the locks of the whole process; another process would then throw away a log that is in use. */
static void a_second_handle_leaves_the_locks_of_the_first(void **state)
{
    kw_test_store *t = *state;
    int go[2];
    char byte = 0;
    assert_int_equal(pipe(go), 0);
    const pid_t child = fork();
    if (child == 0) {
        kw_store *other = NULL;
        const bool woken = read(go[0], &byte, 1) == 1;
        const bool done = woken && kw_store_open(t->path, false, &t->clock.clock, t->arena, &other, NULL) == KW_GOOD &&
                          kw_store_setting_put(other, KW_STRING("by"), KW_STRING("child")) == KW_GOOD;
        kw_store_close(other);
        _exit(done ? 0 : 1);
    }
    t->store = kw_test_store_open(t);
    kw_store *second = kw_test_store_open(t);
    const ino_t log = inode_of(beside(t, "-wal"));
    assert_int_equal(write(go[1], &byte, 1), 1);
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_equal(inode_of(beside(t, "-wal")), log);
    assert_status(kw_store_setting_put(t->store, KW_STRING("by"), KW_STRING("parent")), KW_GOOD);
    kw_string value;
    assert_status(kw_store_setting_get(second, KW_STRING("by"), t->arena, &value), KW_GOOD);
    assert_text(value, "parent");
    kw_store_close(second);
    close(go[0]);
    close(go[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_without_store, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_files_of_a_store_are_for_their_owner_alone),
        TEST(a_new_store_leaves_no_other_file),
        TEST(a_missing_store_is_not_made_unasked),
        TEST(a_missing_folder_is_told),
        TEST(a_store_that_others_can_read_is_refused),
        TEST(a_link_or_a_folder_is_refused),
        TEST(bytes_of_something_else_are_refused_and_kept),
        TEST(an_empty_file_becomes_a_store_only_when_asked),
        TEST(the_database_of_another_program_is_refused_and_kept),
        TEST(another_program_s_empty_database_is_refused),
        TEST(a_store_of_a_newer_keyway_is_refused_and_kept),
        TEST(a_damaged_store_is_told),
        TEST(a_server_s_address_is_not_taken_for_a_file),
        TEST(the_reason_need_not_be_asked_for),
        TEST(a_missing_table_fails_each_call_and_harms_nothing),
        TEST(a_second_handle_leaves_the_locks_of_the_first),
    };
    return cmocka_run_group_tests_name("store/open", tests, NULL, NULL);
}
