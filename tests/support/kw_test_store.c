#include "support/kw_test_store.h"

#include "support/test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA ((size_t)64 << 20)

kw_store *kw_test_store_open(kw_test_store *t)
{
    kw_store *store = NULL;
    kw_string why = KW_BYTES_NULL;
    if (kw_status_is_bad(kw_store_open(t->path, true, &t->clock.clock, t->arena, &store, &why))) {
        fail_msg("%.*s", KW_STRING_ARGS(why));
    }
    return store;
}

int kw_test_store_setup(void **state)
{
    kw_test_store *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->folder = kw_test_folder_new();
    snprintf(t->path, sizeof(t->path), "%s/store.db", t->folder);
    kw_test_clock_init(&t->clock);
    t->arena = kw_arena_new(ARENA);
    assert_non_null(t->arena);
    t->store = kw_test_store_open(t);
    *state = t;
    return 0;
}

int kw_test_store_teardown(void **state)
{
    kw_test_store *t = *state;
    kw_store_close(t->store);
    kw_arena_free(t->arena);
    kw_test_folder_remove(t->folder);
    free(t);
    return 0;
}

void kw_test_store_reopen(kw_test_store *t)
{
    kw_store_close(t->store);
    t->store = NULL;
    t->store = kw_test_store_open(t);
}

void kw_test_store_tamper(kw_test_store *t, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int64_t kw_test_store_query(kw_test_store *t, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    const int64_t value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return value;
}
