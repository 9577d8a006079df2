#include "base/try.h"
#include "store/file.h"
#include "store/sql.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 10000
#define STATEMENTS_MAX 64
#define APPLICATION_ID 0x4B657977 /* "Keyw": in the file's header, so that no other program's file is taken for a store */
#define SET_APPLICATION_ID "PRAGMA application_id = 1264941431"

_Static_assert(APPLICATION_ID == 1264941431, "both spell the same number");

struct kw_statement {
    sqlite3_stmt *stmt;
    const char *text;
    kw_status status; /* of binding and of reading columns */
};

struct kw_sql {
    sqlite3 *db;
    kw_statement statements[STATEMENTS_MAX];
    size_t count;
};

static kw_status constraint_status(int extended)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
        return KW_BAD_ALREADY_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return KW_BAD_NOT_FOUND;
    default:
        return KW_BAD_INVALID_ARGUMENT;
    }
}

static kw_status status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
        return KW_GOOD;
    case SQLITE_DONE:
        return KW_GOOD_NO_DATA;
    case SQLITE_CONSTRAINT:
        return constraint_status(code);
    case SQLITE_NOMEM:
        return KW_BAD_OUT_OF_MEMORY;
    case SQLITE_TOOBIG:
        return KW_BAD_ENCODING_LIMITS_EXCEEDED;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return KW_BAD_DECODING_ERROR;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return KW_BAD_NOT_WRITABLE;
    default:
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
}

const char *kw_sql_reason(kw_sql *sql)
{
    switch (sqlite3_errcode(sql->db) & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another process keeps the store busy; try again";
    case SQLITE_NOTADB:
        return "this file is not a Keyway store";
    case SQLITE_CORRUPT:
        return "the store is damaged; restore it from a backup";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return "the store cannot be opened for writing";
    case SQLITE_FULL:
        return "the disk is full";
    case SQLITE_NOMEM:
        return "out of memory";
    case SQLITE_IOERR:
        return "the disk does not read or write the store";
    default:
        return "this file is not a Keyway store, or it is damaged";
    }
}

static kw_status query_int(kw_sql *sql, const char *text, int64_t *out)
{
    KW_STATEMENT(q, sql, text);
    const kw_status status = kw_step(q);
    *out = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

/* An empty file becomes a store; a file of another program is left as it is. */
static kw_status recognize(kw_sql *sql, bool create, const char **why)
{
    int64_t id = 0, objects = 0;
    KW_TRY(query_int(sql, "PRAGMA application_id", &id));
    KW_TRY(query_int(sql, "SELECT COUNT(*) FROM sqlite_schema", &objects));
    if (id == APPLICATION_ID) {
        return KW_GOOD;
    }
    if (!create || id != 0 || objects != 0) {
        *why = "this file is not a Keyway store";
        return KW_BAD_DECODING_ERROR;
    }
    return kw_sql_exec(sql, SET_APPLICATION_ID);
}

static kw_status prepare_connection(kw_sql *sql, bool create, const char **why)
{
    sqlite3_extended_result_codes(sql->db, 1);
    sqlite3_busy_timeout(sql->db, BUSY_MS);
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    KW_TRY(recognize(sql, create, why));
    if (sqlite3_db_readonly(sql->db, "main") != 0) { /* the engine opens what it may only read without a word */
        *why = "the store cannot be opened for writing";
        return KW_BAD_NOT_WRITABLE;
    }
    /* FULL: the log is on the disk before a commit returns. secure_delete: no traces of removed hashes and keys. */
    return kw_sql_exec(sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;");
}

kw_status kw_sql_open(const char *location, bool create, kw_sql **out, const char **why)
{
    if (strstr(location, "://") != NULL) {
        *why = "only a file can be a store";
        return KW_BAD_NOT_SUPPORTED;
    }
    KW_TRY(kw_store_file_prepare(location, create, why));
    *why = "out of memory";
    kw_sql *sql = calloc(1, sizeof(*sql));
    if (sql == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = status_of(sqlite3_open_v2(location, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (sql->db != NULL && !kw_status_is_bad(status)) {
        *why = NULL;
        status = prepare_connection(sql, create, why);
        *why = *why != NULL ? *why : kw_sql_reason(sql);
    } else if (sql->db != NULL) {
        *why = kw_sql_reason(sql);
    }
    if (kw_status_is_bad(status)) {
        kw_sql_close(sql);
        return status;
    }
    *out = sql;
    return KW_GOOD;
}

void kw_sql_close(kw_sql *sql)
{
    if (sql != NULL) {
        for (size_t i = 0; i < sql->count; i++) {
            sqlite3_finalize(sql->statements[i].stmt);
        }
        sqlite3_close(sql->db);
        free(sql);
    }
}

kw_status kw_sql_exec(kw_sql *sql, const char *text)
{
    return status_of(sqlite3_exec(sql->db, text, NULL, NULL, NULL));
}

kw_status kw_sql_begin(kw_sql *sql, kw_sql_mode mode)
{
    return kw_sql_exec(sql, mode == KW_SQL_WRITE ? "BEGIN IMMEDIATE" : "BEGIN");
}

kw_status kw_sql_end(kw_sql *sql, kw_status status)
{
    const kw_status ended = kw_status_is_bad(status) ? status : kw_sql_exec(sql, "COMMIT");
    if (sqlite3_get_autocommit(sql->db) == 0) { /* leave no open transaction behind */
        kw_sql_exec(sql, "ROLLBACK");
    }
    return kw_status_is_bad(ended) ? ended : status;
}

kw_status kw_sql_statement(kw_sql *sql, const char *text, kw_statement **out)
{
    for (size_t i = 0; i < sql->count; i++) {
        if (sql->statements[i].text == text) { /* literals: the same text is the same address, or at worst prepared twice */
            kw_statement_done(&sql->statements[i]);
            *out = &sql->statements[i];
            return KW_GOOD;
        }
    }
    if (sql->count == STATEMENTS_MAX) {
        return KW_BAD_INTERNAL_ERROR;
    }
    kw_statement *s = &sql->statements[sql->count];
    KW_TRY(status_of(sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL)));
    s->text = text;
    s->status = KW_GOOD;
    sql->count++;
    *out = s;
    return KW_GOOD;
}

/* The first failure stays. */
static void note(kw_statement *s, kw_status status)
{
    if (kw_status_is_bad(status) && !kw_status_is_bad(s->status)) {
        s->status = status;
    }
}

void kw_bind_int(kw_statement *s, int index, int64_t value)
{
    note(s, status_of(sqlite3_bind_int64(s->stmt, index, value)));
}

void kw_bind_text(kw_statement *s, int index, kw_string value)
{
    note(s, status_of(value.data == NULL
                          ? sqlite3_bind_null(s->stmt, index)
                          : sqlite3_bind_text64(s->stmt, index, (const char *)value.data, value.len, SQLITE_STATIC, SQLITE_UTF8)));
}

void kw_bind_blob(kw_statement *s, int index, kw_bytes value)
{
    note(s, status_of(value.data == NULL ? sqlite3_bind_null(s->stmt, index)
                                         : sqlite3_bind_blob64(s->stmt, index, value.data, value.len, SQLITE_STATIC)));
}

kw_status kw_step(kw_statement *s)
{
    return kw_status_is_bad(s->status) ? s->status : status_of(sqlite3_step(s->stmt));
}

kw_status kw_run(kw_statement *s)
{
    const kw_status status = kw_step(s);
    kw_statement_done(s);
    return kw_status_is_bad(status) ? status : KW_GOOD;
}

int64_t kw_column_int(kw_statement *s, int index)
{
    return sqlite3_column_int64(s->stmt, index);
}

kw_bytes kw_column_borrow(kw_statement *s, int index)
{
    if (sqlite3_column_type(s->stmt, index) == SQLITE_NULL) {
        return KW_BYTES_NULL;
    }
    const void *data = sqlite3_column_blob(s->stmt, index);
    const size_t len = (size_t)sqlite3_column_bytes(s->stmt, index);
    if (data == NULL && len > 0) {
        note(s, KW_BAD_OUT_OF_MEMORY);
        return KW_BYTES_NULL;
    }
    return (kw_bytes){data != NULL ? data : (const uint8_t *)"", len};
}

kw_bytes kw_column_blob(kw_statement *s, int index, kw_arena *arena)
{
    const kw_bytes borrowed = kw_column_borrow(s, index);
    const kw_bytes copy = kw_arena_copy(arena, borrowed);
    if (copy.data == NULL && borrowed.data != NULL) {
        note(s, KW_BAD_OUT_OF_MEMORY);
    }
    return copy;
}

kw_string kw_column_text(kw_statement *s, int index, kw_arena *arena)
{
    return kw_column_blob(s, index, arena);
}

kw_status kw_statement_status(const kw_statement *s)
{
    return s->status;
}

void kw_statement_done(kw_statement *s)
{
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    s->status = KW_GOOD;
}

int64_t kw_sql_changes(kw_sql *sql)
{
    return sqlite3_changes64(sql->db);
}
