#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 10000
#define STATEMENTS_MAX 64

struct kw_statement {
    sqlite3_stmt *stmt;
    const char *text;
};

struct kw_sql {
    sqlite3 *db;
    kw_statement statements[STATEMENTS_MAX];
    size_t count;
};

static kw_status status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
        return KW_GOOD;
    case SQLITE_DONE:
        return KW_GOOD_NO_DATA;
    case SQLITE_CONSTRAINT:
        return KW_BAD_ALREADY_EXISTS;
    case SQLITE_NOMEM:
        return KW_BAD_OUT_OF_MEMORY;
    default:
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
}

/* The file exists for its owner alone before the engine touches it; SQLite gives -wal and -shm the same mode. */
static kw_status prepare_file(const char *path, bool create, const char **why)
{
    struct stat info;
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    if (fd < 0) {
        *why = errno == ENOENT ? "there is no store; `keyway init DIR` makes one" : "the store cannot be opened for writing";
        return errno == ENOENT ? KW_BAD_NOT_FOUND : KW_BAD_NOT_WRITABLE;
    }
    const bool is_private = fstat(fd, &info) == 0 && (info.st_mode & 077) == 0;
    close(fd);
    if (!is_private) {
        *why = "others can read the store; run `chmod 600` on it";
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    return KW_GOOD;
}

kw_status kw_sql_open(const char *path, bool create, kw_sql **out, const char **why)
{
    const kw_status prepared = prepare_file(path, create, why);
    if (kw_status_is_bad(prepared)) {
        return prepared;
    }
    kw_sql *sql = calloc(1, sizeof(*sql));
    if (sql == NULL) {
        *why = "out of memory";
        return KW_BAD_OUT_OF_MEMORY;
    }
    *why = "this file is not a Keyway store";
    const int code = sqlite3_open_v2(path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_busy_timeout(sql->db, BUSY_MS);
    if (code != SQLITE_OK ||
        kw_status_is_bad(kw_sql_exec(sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"))) {
        kw_sql_close(sql);
        return KW_BAD_DECODING_ERROR;
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

kw_statement *kw_sql_statement(kw_sql *sql, const char *text)
{
    for (size_t i = 0; i < sql->count; i++) {
        if (sql->statements[i].text == text) { /* literals: the same text is the same address, or at worst prepared twice */
            kw_statement_done(&sql->statements[i]);
            return &sql->statements[i];
        }
    }
    if (sql->count == STATEMENTS_MAX) {
        return NULL;
    }
    kw_statement *s = &sql->statements[sql->count];
    if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL) != SQLITE_OK) {
        return NULL;
    }
    s->text = text;
    sql->count++;
    return s;
}

void kw_bind_int(kw_statement *s, int index, int64_t value)
{
    sqlite3_bind_int64(s->stmt, index, value);
}

void kw_bind_text(kw_statement *s, int index, kw_string value)
{
    if (value.data == NULL) {
        sqlite3_bind_null(s->stmt, index);
    } else {
        sqlite3_bind_text64(s->stmt, index, (const char *)value.data, value.len, SQLITE_STATIC, SQLITE_UTF8);
    }
}

void kw_bind_blob(kw_statement *s, int index, kw_bytes value)
{
    if (value.data == NULL) {
        sqlite3_bind_null(s->stmt, index);
    } else if (value.len == 0) {
        sqlite3_bind_zeroblob(s->stmt, index, 0);
    } else {
        sqlite3_bind_blob64(s->stmt, index, value.data, value.len, SQLITE_STATIC);
    }
}

kw_status kw_step(kw_statement *s)
{
    return status_of(sqlite3_step(s->stmt));
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

kw_bytes kw_column_blob(kw_statement *s, int index, kw_arena *arena)
{
    if (sqlite3_column_type(s->stmt, index) == SQLITE_NULL) {
        return KW_BYTES_NULL;
    }
    const void *data = sqlite3_column_blob(s->stmt, index);
    const kw_bytes bytes = {data != NULL ? data : (const uint8_t *)"", (size_t)sqlite3_column_bytes(s->stmt, index)};
    return kw_arena_copy(arena, bytes);
}

kw_string kw_column_text(kw_statement *s, int index, kw_arena *arena)
{
    return kw_column_blob(s, index, arena);
}

void kw_statement_done(kw_statement *s)
{
    if (s != NULL) {
        sqlite3_reset(s->stmt);
        sqlite3_clear_bindings(s->stmt);
    }
}

int64_t kw_sql_changes(kw_sql *sql)
{
    return sqlite3_changes64(sql->db);
}
