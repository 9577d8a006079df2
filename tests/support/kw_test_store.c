#include "support/kw_test_store.h"

#include "store/sql.h"
#include "support/kw_test_postgres.h"
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
    if (kw_test_postgres_is_there()) {
        kw_test_postgres_create(t->path, sizeof(t->path));
    } else {
        snprintf(t->path, sizeof(t->path), "%s/store.db", t->folder);
    }
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
    if (kw_test_postgres_is_there()) {
        kw_test_postgres_drop(t->path);
    }
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

/* --- behind its back: SQLite ------------------------------------------------------------------------------------------ */

static sqlite3 *open_file(kw_test_store *t)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    return db;
}

static void run_on_file(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
}

static int64_t query_file(kw_test_store *t, const char *sql)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = open_file(t);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    const int64_t value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return value;
}

/* --- behind its back: PostgreSQL -------------------------------------------------------------------------------------- */

static int64_t query_database(kw_test_store *t, const char *sql)
{
    PGconn *db = kw_test_postgres_connect(t->path);
    char *text = kw_test_postgres_run(db, sql);
    assert_non_null(text);
    const int64_t value = strtoll(text, NULL, 10);
    free(text);
    PQfinish(db);
    return value;
}

static void take_all_turns(PGconn *db)
{
    free(kw_test_postgres_run(db, "BEGIN"));
    for (int turn = KW_TURN_SCHEMA; turn < KW_TURN_COUNT; turn++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "SELECT pg_advisory_xact_lock(1264941431, %d)", turn);
        free(kw_test_postgres_run(db, sql));
    }
}

/* --- behind its back: both -------------------------------------------------------------------------------------------- */

void kw_test_store_tamper(kw_test_store *t, const char *sql)
{
    if (kw_test_postgres_is_there()) {
        PGconn *db = kw_test_postgres_connect(t->path);
        free(kw_test_postgres_run(db, sql));
        PQfinish(db);
    } else {
        sqlite3 *db = open_file(t);
        run_on_file(db, sql);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

int64_t kw_test_store_query(kw_test_store *t, const char *sql)
{
    return kw_test_postgres_is_there() ? query_database(t, sql) : query_file(t, sql);
}

void *kw_test_store_hold(kw_test_store *t)
{
    if (kw_test_postgres_is_there()) {
        PGconn *db = kw_test_postgres_connect(t->path);
        take_all_turns(db);
        return db;
    }
    sqlite3 *db = open_file(t);
    run_on_file(db, "BEGIN IMMEDIATE");
    return db;
}

void kw_test_store_let_go(kw_test_store *t, void *hold)
{
    (void)t;
    if (kw_test_postgres_is_there()) {
        PQfinish(hold);
    } else {
        run_on_file(hold, "ROLLBACK");
        assert_int_equal(sqlite3_close(hold), SQLITE_OK);
    }
}
