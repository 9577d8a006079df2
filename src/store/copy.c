/*
 * Backup and restore: a store is copied, row by row, into an SQLite file or out of one. So the form of a backup does not depend on
 * the engine that it was taken from, and what was taken from one can be restored to the other. Which tables and columns there are is
 * read from the file.
 */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#include <unistd.h>

#define BATCH 1000
#define COLUMNS_MAX 32
#define COPY_ARENA ((size_t)1 << 20)

typedef enum column_kind { COLUMN_INT, COLUMN_TEXT, COLUMN_BLOB } column_kind;

typedef struct column {
    kw_string name;
    column_kind kind;
} column;

typedef struct table {
    kw_string name;
    column *columns;
    size_t count;
    bool is_sequence; /* has a number for each row, by which a long one is read in parts */
} table;

typedef struct copy {
    kw_arena *arena;
    kw_sql *file; /* the SQLite side, which knows the tables */
    table *tables;
    size_t count;
    uint64_t rows; /* copied so far */
} copy;

/* --- what there is -------------------------------------------------------------------------------------------------- */

static void read_table(kw_statement *q, kw_arena *arena, void *row)
{
    *(table *)row = (table){.name = kw_column_text(q, 0, arena)};
}

static void read_column(kw_statement *q, kw_arena *arena, void *row)
{
    const kw_string type = kw_column_text(q, 1, arena);
    const column_kind kind = kw_string_equals(type, "BIGINT") ? COLUMN_INT : kw_string_equals(type, "BYTEA") ? COLUMN_BLOB : COLUMN_TEXT;
    *(column *)row = (column){.name = kw_column_text(q, 0, arena), .kind = kind};
}

/* They become part of statements, and a file from elsewhere is not to say what those do. */
static bool is_name(kw_string name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!(name.data[i] >= 'a' && name.data[i] <= 'z') && name.data[i] != '_') {
            return false;
        }
    }
    return name.len > 0;
}

static kw_status check_names(const table *t)
{
    bool are_names = is_name(t->name) && t->count > 0 && t->count <= COLUMNS_MAX;
    for (size_t i = 0; i < t->count; i++) {
        are_names = are_names && is_name(t->columns[i].name);
    }
    return are_names ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

static kw_status read_columns(copy *c, table *t)
{
    KW_STATEMENT(q, c->file, "SELECT name, type FROM pragma_table_info(?) ORDER BY cid");
    kw_bind_text(q, 1, t->name);
    KW_TRY(kw_rows_read(q, c->arena, sizeof(column), read_column, (void **)&t->columns, &t->count));
    t->is_sequence = t->count > 0 && kw_string_equals(t->columns[0].name, "sequence");
    return check_names(t);
}

/* In the order in which they were made: what is referred to comes first. */
static kw_status read_tables(copy *c)
{
    KW_STATEMENT(q, c->file,
                 "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_version' AND name NOT LIKE 'sqlite%'"
                 " ORDER BY rowid");
    KW_TRY(kw_rows_read(q, c->arena, sizeof(table), read_table, (void **)&c->tables, &c->count));
    for (size_t i = 0; i < c->count; i++) {
        KW_TRY(read_columns(c, &c->tables[i]));
    }
    return KW_GOOD;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

static kw_string list_columns(const copy *c, const table *t, const char *format)
{
    kw_string list = KW_STRING("");
    for (size_t i = 0; i < t->count; i++) {
        const char *comma = i > 0 ? ", " : "";
        const kw_string name = format != NULL ? kw_string_from(format) : t->columns[i].name;
        list = kw_arena_format(c->arena, "%.*s%s%.*s", KW_STRING_ARGS(list), comma, KW_STRING_ARGS(name));
    }
    return list;
}

static kw_status copy_row(const table *t, kw_statement *from, kw_statement *to)
{
    for (size_t i = 0; i < t->count; i++) {
        const int index = (int)i;
        const kw_bytes value = kw_column_borrow(from, index);
        if (t->columns[i].kind == COLUMN_TEXT) {
            kw_bind_text(to, index + 1, value);
        } else if (t->columns[i].kind == COLUMN_BLOB || value.data == NULL) {
            kw_bind_blob(to, index + 1, value);
        } else {
            kw_bind_int(to, index + 1, kw_column_int(from, index));
        }
    }
    KW_TRY(kw_statement_status(from));
    return kw_run(to);
}

/* *last: the number of the last row, where rows have one. */
static kw_status copy_rows(copy *c, const table *t, kw_statement *from, kw_statement *to, size_t *count, int64_t *last)
{
    kw_status status = kw_step(from);
    for (*count = 0; status == KW_GOOD; ++*count) {
        *last = t->is_sequence ? kw_column_int(from, 0) : 0;
        status = copy_row(t, from, to);
        if (!kw_status_is_bad(status)) {
            c->rows++;
            status = kw_step(from);
        }
    }
    kw_statement_done(from);
    return status;
}

static kw_status select_part(copy *c, const table *t, kw_sql *from, kw_statement **out)
{
    const kw_string columns = list_columns(c, t, NULL);
    const char *rest = t->is_sequence ? " WHERE sequence > ? ORDER BY sequence LIMIT ?" : "";
    const kw_string text = kw_arena_format(c->arena, "SELECT %.*s FROM %.*s%s", KW_STRING_ARGS(columns), KW_STRING_ARGS(t->name), rest);
    return text.data != NULL ? kw_sql_statement(from, (const char *)text.data, out) : KW_BAD_OUT_OF_MEMORY;
}

static kw_status insert_into(copy *c, const table *t, kw_sql *to, kw_statement **out)
{
    const kw_string columns = list_columns(c, t, NULL), marks = list_columns(c, t, "?");
    const kw_string text = kw_arena_format(c->arena, "INSERT INTO %.*s (%.*s) VALUES (%.*s)", KW_STRING_ARGS(t->name),
                                           KW_STRING_ARGS(columns), KW_STRING_ARGS(marks));
    return text.data != NULL ? kw_sql_statement(to, (const char *)text.data, out) : KW_BAD_OUT_OF_MEMORY;
}

static kw_status copy_table(copy *c, const table *t, kw_sql *from, kw_sql *to)
{
    kw_statement *read = NULL, *write = NULL;
    KW_TRY(select_part(c, t, from, &read));
    KW_TRY(insert_into(c, t, to, &write));
    size_t count = BATCH;
    for (int64_t last = INT64_MIN; count == BATCH;) {
        if (t->is_sequence) {
            kw_bind_int(read, 1, last);
            kw_bind_int(read, 2, BATCH);
        }
        KW_TRY(copy_rows(c, t, read, write, &count, &last));
        count = t->is_sequence ? count : 0;
    }
    return KW_GOOD;
}

/* What a new store begins with goes, the last table first. */
static kw_status empty(const copy *c, kw_sql *to)
{
    for (size_t i = c->count; i > 0; i--) {
        kw_statement *q = NULL;
        const kw_string text = kw_arena_format(c->arena, "DELETE FROM %.*s", KW_STRING_ARGS(c->tables[i - 1].name));
        if (text.data == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        KW_TRY(kw_sql_statement(to, (const char *)text.data, &q));
        KW_TRY(kw_run(q));
    }
    return KW_GOOD;
}

static kw_status copy_all(copy *c, kw_sql *from, kw_sql *to)
{
    c->rows = 0;
    KW_TRY(read_tables(c));
    KW_TRY(empty(c, to));
    for (size_t i = 0; i < c->count; i++) {
        KW_TRY(copy_table(c, &c->tables[i], from, to));
    }
    return KW_GOOD;
}

/* --- backup ----------------------------------------------------------------------------------------------------------- */

/* One state of all tables, while nodes go on. */
static kw_status fill(copy *c, kw_sql *from, kw_arena *arena, kw_string *why)
{
    KW_TRY(kw_store_migrate(c->file, arena, why));
    KW_TRY(kw_sql_begin(from, KW_TURN_READ));
    kw_status status = kw_sql_begin(c->file, KW_TURN_SCHEMA);
    if (!kw_status_is_bad(status)) {
        status = kw_sql_end(c->file, copy_all(c, from, c->file));
    }
    kw_sql_end(from, KW_BAD_NOTHING_TO_DO); /* it was only read */
    return status;
}

static kw_status backup(copy *c, kw_sql *from, const char *file, kw_arena *arena, kw_string *why)
{
    if (access(file, F_OK) == 0) {
        *why = KW_STRING("there is such a file; a backup overwrites nothing");
        return KW_BAD_ALREADY_EXISTS;
    }
    KW_TRY(kw_sql_open(file, true, arena, &c->file, why));
    const kw_status status = fill(c, from, arena, why);
    kw_sql_close(c->file);
    if (kw_status_is_bad(status)) {
        unlink(file);
    }
    return status;
}

kw_status kw_store_backup(kw_store *s, const char *file, kw_arena *arena, uint64_t *rows, kw_string *why)
{
    copy c = {.arena = kw_arena_new(COPY_ARENA)};
    kw_sql *from = NULL; /* its own: the statements made here are forgotten with it */
    *why = KW_STRING("out of memory");
    kw_status status = c.arena != NULL ? kw_sql_open(s->location, false, arena, &from, why) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        *why = KW_STRING("the store could not be copied");
        status = backup(&c, from, file, arena, why);
    }
    *rows = c.rows;
    kw_sql_close(from);
    kw_arena_free(c.arena);
    return status;
}

/* --- restore ---------------------------------------------------------------------------------------------------------- */

static kw_status check_missing(const char *location, kw_arena *arena, kw_string *why)
{
    kw_sql *sql = NULL;
    const kw_status status = kw_sql_open(location, false, arena, &sql, why);
    kw_sql_close(sql);
    if (!kw_status_is_bad(status)) {
        *why = KW_STRING("there is a store already; a restore overwrites nothing");
        return KW_BAD_ALREADY_EXISTS;
    }
    return status == KW_BAD_NOT_FOUND ? KW_GOOD : status;
}

/* The tables as the backup has them, its rows, and then what this version has changed since. */
static kw_status refill(copy *c, kw_sql *to, int64_t version, kw_arena *arena, kw_string *why)
{
    KW_TRY(kw_store_run_steps(to, version, arena, why));
    KW_TRY(copy_all(c, c->file, to));
    return kw_store_run_steps(to, KW_STORE_NEWEST, arena, why);
}

static kw_status restore_into(copy *c, kw_sql *to, kw_arena *arena, kw_string *why)
{
    int64_t version = 0;
    KW_TRY(kw_sql_begin(c->file, KW_TURN_READ));
    kw_status status = kw_store_read_version(c->file, &version);
    if (!kw_status_is_bad(status)) {
        status = kw_store_check_version(version, arena, why);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_sql_begin(to, KW_TURN_SCHEMA);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_sql_end(to, refill(c, to, version, arena, why));
    }
    kw_sql_end(c->file, KW_BAD_NOTHING_TO_DO); /* it was only read */
    return status;
}

static kw_status restore(copy *c, const char *location, kw_arena *arena, kw_string *why)
{
    kw_sql *to = NULL;
    KW_TRY(check_missing(location, arena, why));
    KW_TRY(kw_sql_open(location, true, arena, &to, why));
    *why = KW_STRING("the backup could not be copied");
    const kw_status status = restore_into(c, to, arena, why);
    kw_sql_close(to);
    if (kw_status_is_bad(status) && kw_sql_is_file(location)) {
        unlink(location);
    }
    return status;
}

kw_status kw_store_restore(const char *location, const char *file, kw_arena *arena, uint64_t *rows, kw_string *why)
{
    copy c = {.arena = kw_arena_new(COPY_ARENA)};
    *why = KW_STRING("out of memory");
    kw_status status = c.arena != NULL ? kw_sql_open(file, false, arena, &c.file, why) : KW_BAD_OUT_OF_MEMORY;
    if (status == KW_BAD_NOT_FOUND) {
        *why = KW_STRING("there is no such backup");
    } else if (!kw_status_is_bad(status)) {
        status = restore(&c, location, arena, why);
    }
    *rows = c.rows;
    kw_sql_close(c.file);
    kw_arena_free(c.arena);
    return status;
}
