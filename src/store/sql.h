/*
 * A thin layer over an SQL engine: what the files of this room need, and nothing else. SQLite is behind it (sqlite.c). Statements
 * are written so that PostgreSQL takes them too: `?` for parameters, BIGINT, BYTEA-like blobs, ON CONFLICT.
 *
 * One connection, used under the lock of the store.
 */
#ifndef KW_STORE_SQL_H
#define KW_STORE_SQL_H

#include "base/arena.h"

typedef struct kw_sql kw_sql;
typedef struct kw_statement kw_statement;

/* *why: a sentence, static. Bad_NotFound: missing and not to be created; Bad_SecurityChecksFailed: others may read it. */
kw_status kw_sql_open(const char *path, bool create, kw_sql **out, const char **why);
void kw_sql_close(kw_sql *sql);
/* Several statements without parameters or results. */
kw_status kw_sql_exec(kw_sql *sql, const char *text);

/* Prepared once per text (a literal); reset and unbound on each call. NULL: the engine refuses it. */
kw_statement *kw_sql_statement(kw_sql *sql, const char *text);
/* Parameters count from 1. Bytes are borrowed until the statement is done. */
void kw_bind_int(kw_statement *s, int index, int64_t value);
void kw_bind_text(kw_statement *s, int index, kw_string value);
void kw_bind_blob(kw_statement *s, int index, kw_bytes value);
/* KW_GOOD: a row is there; KW_GOOD_NO_DATA: no more; Bad_AlreadyExists: a constraint; Bad_ResourceUnavailable: busy, disk full, …. */
kw_status kw_step(kw_statement *s);
/* The same for statements without rows. */
kw_status kw_run(kw_statement *s);
/* Columns count from 0; copies go to the arena. */
int64_t kw_column_int(kw_statement *s, int index);
kw_string kw_column_text(kw_statement *s, int index, kw_arena *arena);
kw_bytes kw_column_blob(kw_statement *s, int index, kw_arena *arena);
void kw_statement_done(kw_statement *s);
/* Rows that the last kw_run changed. */
int64_t kw_sql_changes(kw_sql *sql);

#endif
