/*
 * A thin layer over SQL engines: what the files of this room need, and nothing else. SQLite (sqlite.c) and PostgreSQL (postgres.c)
 * are behind it (sql_engine.h). Statements are written so that both take them:
 *  - `?` for parameters, which keep their type from call to call;
 *  - TEXT (UTF-8 without NUL), BYTETEXT (text that may hold any bytes), BIGINT and BYTEA as the only types; no booleans; a sum is
 *    CAST (SUM(…) AS BIGINT);
 *  - INSERT … ON CONFLICT … DO UPDATE or DO NOTHING, RETURNING; no statement after one that failed in the same transaction;
 *  - a lookup by a text that TEXT cannot hold finds nothing; who writes one gets Bad_InvalidArgument from PostgreSQL. What is stored
 *    as BYTETEXT is not looked up;
 *  - ORDER BY sorts texts by their bytes.
 *
 * A connection is used by one thread at a time.
 */
#ifndef KW_STORE_SQL_H
#define KW_STORE_SQL_H

#include "base/arena.h"

typedef struct kw_sql kw_sql;
typedef struct kw_statement kw_statement;

/*
 * `location`: a path of an SQLite file, or a URL of PostgreSQL. *why: a sentence, static or in the arena (NULL: static ones only).
 * Bad_NotFound: missing and not to be created; Bad_SecurityChecksFailed: others may read it; Bad_DecodingError: not a store of ours;
 * Bad_NotWritable; Bad_NotSupported; Bad_ResourceUnavailable; Bad_OutOfMemory.
 */
kw_status kw_sql_open(const char *location, bool create, kw_arena *arena, kw_sql **out, kw_string *why);
void kw_sql_close(kw_sql *sql); /* NULL is fine */
/* How many connections at once are of use: {readers, writers}. */
size_t kw_sql_readers(const char *location);
size_t kw_sql_writers(const char *location);
/* As in store.h. */
kw_string kw_sql_name(const char *location, kw_arena *arena);
bool kw_sql_is_file(const char *location);
bool kw_sql_has_password(const char *location);
/* Statements that make the schema, in the words from above; without parameters or results. */
kw_status kw_sql_define(kw_sql *sql, const char *text);
/* What the engine's last failure means to the user: a sentence, static. */
const char *kw_sql_reason(kw_sql *sql);

/*
 * KW_TURN_LOOK and KW_TURN_READ: all statements up to the end see one state. The others write. Who writes of one kind is alone with it, of all
 * processes and nodes, and waits for its turn: what it reads of that kind stays as it is until it ends. (SQLite has one writer of
 * all kinds.)
 */
typedef enum kw_sql_turn {
    KW_TURN_LOOK, /* one statement, no more */
    KW_TURN_READ,
    KW_TURN_SCHEMA,
    KW_TURN_CONFIGURATION, /* all that kw_store_version counts */
    KW_TURN_AUDIT,
    KW_TURN_LOCKOUTS,
    KW_TURN_SECRETS,
    KW_TURN_GRANTS,
    KW_TURN_COUNT /* new ones before it: nodes of the former version know the others by their numbers */
} kw_sql_turn;

kw_status kw_sql_begin(kw_sql *sql, kw_sql_turn turn);
/* Commit, or roll back when `status` is bad. Returns `status`, or what kept a good one from being committed. */
kw_status kw_sql_end(kw_sql *sql, kw_status status);

/* What became of the last transaction that failed. */
typedef enum kw_sql_fate {
    KW_SQL_DONE,  /* it will fail again */
    KW_SQL_AGAIN, /* in the way of another one; nothing of it is left, and it may succeed when tried again */
    KW_SQL_LOST,  /* the connection is lost, and nothing is left of it */
    KW_SQL_UNSURE /* the connection was lost while it was committed, or given up because nothing answered: not to be tried again */
} kw_sql_fate;
kw_sql_fate kw_sql_get_fate(const kw_sql *sql);

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
