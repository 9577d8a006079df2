#include "base/try.h"
#include "store/file.h"
#include "store/sql_engine.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 10000
#define APPLICATION_ID 0x4B657977 /* "Keyw": in the file's header, so that no other program's file is taken for a store */
#define SET_APPLICATION_ID "PRAGMA application_id = 1264941431"

_Static_assert(APPLICATION_ID == 1264941431, "both spell the same number");

typedef struct sqlite_statement {
    kw_statement base;
    sqlite3_stmt *stmt;
} sqlite_statement;

typedef struct sqlite {
    kw_sql base;
    sqlite3 *db;
} sqlite;

static sqlite3 *db_of(kw_sql *sql)
{
    return ((sqlite *)sql)->db;
}

static sqlite3_stmt *stmt_of(kw_statement *s)
{
    return ((sqlite_statement *)s)->stmt;
}

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

static const char *reason(kw_sql *sql)
{
    switch (sqlite3_errcode(db_of(sql)) & 0xFF) {
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

static kw_status run(kw_sql *sql, const char *text)
{
    return status_of(sqlite3_exec(db_of(sql), text, NULL, NULL, NULL));
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
    return run(sql, SET_APPLICATION_ID);
}

static kw_status prepare_connection(kw_sql *sql, bool create, const char **why)
{
    sqlite3 *db = db_of(sql);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    KW_TRY(recognize(sql, create, why));
    if (sqlite3_db_readonly(db, "main") != 0) { /* the engine opens what it may only read without a word */
        *why = "the store cannot be opened for writing";
        return KW_BAD_NOT_WRITABLE;
    }
    /* FULL: the log is on the disk before a commit returns. secure_delete: no traces of removed hashes and keys. */
    return run(sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;");
}

static kw_string name(const char *location, kw_arena *arena)
{
    return kw_arena_format(arena, "%s", location);
}

static bool has_password(const char *location)
{
    (void)location;
    return false;
}

static kw_status open_file(const char *location, bool create, kw_sql **out, const char **why)
{
    KW_TRY(kw_store_file_prepare(location, create, why));
    *why = "out of memory";
    sqlite *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    own->base.engine = &KW_SQLITE;
    kw_status status = status_of(sqlite3_open_v2(location, &own->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (own->db != NULL && !kw_status_is_bad(status)) {
        *why = NULL;
        status = prepare_connection(&own->base, create, why);
        *why = *why != NULL ? *why : reason(&own->base);
    } else if (own->db != NULL) {
        *why = reason(&own->base);
    }
    if (kw_status_is_bad(status)) {
        kw_sql_close(&own->base);
        return status;
    }
    *out = &own->base;
    return KW_GOOD;
}

static kw_status open_store(const char *location, bool create, kw_arena *arena, kw_sql **out, kw_string *why)
{
    const char *sentence = "";
    const kw_status status = open_file(location, create, out, &sentence);
    (void)arena;
    *why = kw_status_is_bad(status) ? kw_string_from(sentence) : KW_BYTES_NULL;
    return status;
}

static void close_store(kw_sql *sql)
{
    sqlite3_close(db_of(sql));
    free(sql);
}

static kw_status begin(kw_sql *sql, kw_sql_turn turn)
{
    if (turn == KW_TURN_LOOK) {
        return KW_GOOD;
    }
    return run(sql, turn == KW_TURN_READ ? "BEGIN" : "BEGIN IMMEDIATE");
}

static kw_status end(kw_sql *sql, kw_status status)
{
    if (sqlite3_get_autocommit(db_of(sql)) != 0) {
        return status;
    }
    const kw_status ended = kw_status_is_bad(status) ? status : run(sql, "COMMIT");
    if (sqlite3_get_autocommit(db_of(sql)) == 0) { /* leave no open transaction behind */
        run(sql, "ROLLBACK");
    }
    return kw_status_is_bad(ended) ? ended : status;
}

static int64_t changes(kw_sql *sql)
{
    return sqlite3_changes64(db_of(sql));
}

/* --- statements ------------------------------------------------------------------------------------------------------- */

static kw_status statement_new(kw_sql *sql, const char *text, kw_statement **out)
{
    sqlite_statement *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = status_of(sqlite3_prepare_v3(db_of(sql), text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL));
    if (kw_status_is_bad(status)) {
        free(s);
        return status;
    }
    *out = &s->base;
    return KW_GOOD;
}

static void statement_free(kw_statement *s)
{
    sqlite3_finalize(stmt_of(s));
    free(s);
}

static kw_status bind_int(kw_statement *s, int index, int64_t value)
{
    return status_of(sqlite3_bind_int64(stmt_of(s), index, value));
}

static kw_status bind_text(kw_statement *s, int index, kw_string value)
{
    return status_of(sqlite3_bind_text64(stmt_of(s), index, (const char *)value.data, value.len, SQLITE_STATIC, SQLITE_UTF8));
}

static kw_status bind_blob(kw_statement *s, int index, kw_bytes value)
{
    return status_of(sqlite3_bind_blob64(stmt_of(s), index, value.data, value.len, SQLITE_STATIC));
}

static kw_status bind_null(kw_statement *s, int index, bool is_blob)
{
    (void)is_blob;
    return status_of(sqlite3_bind_null(stmt_of(s), index));
}

static kw_status step(kw_statement *s)
{
    return status_of(sqlite3_step(stmt_of(s)));
}

static int64_t column_int(kw_statement *s, int index)
{
    return sqlite3_column_int64(stmt_of(s), index);
}

static kw_status column_borrow(kw_statement *s, int index, kw_bytes *out)
{
    if (sqlite3_column_type(stmt_of(s), index) == SQLITE_NULL) {
        return KW_GOOD;
    }
    const void *data = sqlite3_column_blob(stmt_of(s), index);
    const size_t len = (size_t)sqlite3_column_bytes(stmt_of(s), index);
    if (data == NULL && len > 0) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = (kw_bytes){data != NULL ? data : (const uint8_t *)"", len};
    return KW_GOOD;
}

static void done(kw_statement *s)
{
    sqlite3_reset(stmt_of(s));
    sqlite3_clear_bindings(stmt_of(s));
}

const kw_sql_engine KW_SQLITE = {.readers = 1,
                                 .writers = 1,
                                 .name = name,
                                 .has_password = has_password,
                                 .open = open_store,
                                 .close = close_store,
                                 .define = run,
                                 .reason = reason,
                                 .begin = begin,
                                 .end = end,
                                 .changes = changes,
                                 .statement_new = statement_new,
                                 .statement_free = statement_free,
                                 .bind_int = bind_int,
                                 .bind_text = bind_text,
                                 .bind_blob = bind_blob,
                                 .bind_null = bind_null,
                                 .step = step,
                                 .column_int = column_int,
                                 .column_borrow = column_borrow,
                                 .done = done};
