/*
 * A thin layer over an SQL engine: what the files of this room need, and nothing else. SQLite is behind it (sqlite.c). Statements
 * are written so that PostgreSQL takes them too: `?` for parameters (a driver may count them into $1, $2, …), TEXT, BIGINT and
 * BYTEA as the only types, INSERT … ON CONFLICT … DO UPDATE; what engines say differently (transactions) is a function here.
 *
 * A connection is used by one thread at a time.
 */
#ifndef KW_STORE_SQL_H
#define KW_STORE_SQL_H

#include "base/arena.h"

typedef struct kw_sql kw_sql;
typedef struct kw_statement kw_statement;

/*
 * *why: a sentence, static. Bad_NotFound: missing and not to be created; Bad_SecurityChecksFailed: others may read it;
 * Bad_DecodingError: not a store of ours; Bad_NotWritable; Bad_NotSupported; Bad_ResourceUnavailable; Bad_OutOfMemory.
 */
kw_status kw_sql_open(const char *location, bool create, kw_sql **out, const char **why);
void kw_sql_close(kw_sql *sql); /* NULL is fine */
/* Several statements without parameters or results. */
kw_status kw_sql_exec(kw_sql *sql, const char *text);
/* What the engine's last failure means to the user: a sentence, static. */
const char *kw_sql_reason(kw_sql *sql);

/* KW_SQL_READ: all statements up to the end see one state. KW_SQL_WRITE: the only writer, of all processes, waits for its turn. */
typedef enum kw_sql_mode { KW_SQL_READ, KW_SQL_WRITE } kw_sql_mode;
kw_status kw_sql_begin(kw_sql *sql, kw_sql_mode mode);
/* Commit, or roll back when `status` is bad. Returns `status`, or what kept a good one from being committed. */
kw_status kw_sql_end(kw_sql *sql, kw_status status);

/* Prepared once per text (a literal), reset and unbound on each call; belongs to the connection. */
kw_status kw_sql_statement(kw_sql *sql, const char *text, kw_statement **out);
/* Parameters count from 1. Bytes are borrowed until the statement is done. A failure shows in the next step. */
void kw_bind_int(kw_statement *s, int index, int64_t value);
void kw_bind_text(kw_statement *s, int index, kw_string value);
void kw_bind_blob(kw_statement *s, int index, kw_bytes value);
/*
 * KW_GOOD: a row is there; KW_GOOD_NO_DATA: no more. Bad_AlreadyExists: a key is taken; Bad_NotFound: what it refers to is
 * missing; Bad_InvalidArgument: another constraint; Bad_ResourceUnavailable: busy, disk full, …; Bad_DecodingError: damaged.
 */
kw_status kw_step(kw_statement *s);
/* For statements without rows: step, and done. */
kw_status kw_run(kw_statement *s);
/* Columns count from 0. Borrowed: until the next step or the end of the statement. */
int64_t kw_column_int(kw_statement *s, int index);
kw_bytes kw_column_borrow(kw_statement *s, int index);
/* Copies in the arena. When there is no room the value is null and kw_statement_status tells. */
kw_string kw_column_text(kw_statement *s, int index, kw_arena *arena);
kw_bytes kw_column_blob(kw_statement *s, int index, kw_arena *arena);
/* Good unless binding or reading columns failed since the statement was handed out. */
kw_status kw_statement_status(const kw_statement *s);
void kw_statement_done(kw_statement *s);
/* Rows that the last kw_run changed. */
int64_t kw_sql_changes(kw_sql *sql);

/* A statement of this text, or return. */
#define KW_STATEMENT(name, sql, text)                                                                                                      \
    kw_statement *name = NULL;                                                                                                             \
    KW_TRY(kw_sql_statement((sql), (text), &name))

#endif
