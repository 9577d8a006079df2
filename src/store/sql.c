/* The same for every engine. */
#include "base/try.h"
#include "store/sql_engine.h"

#include <string.h>

/* NULL: nobody's. */
static const kw_sql_engine *engine_of(const char *location)
{
    static const char *const URLS[] = {"postgresql://", "postgres://"};
    for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
        if (strncmp(location, URLS[i], strlen(URLS[i])) == 0) {
            return &KW_POSTGRES;
        }
    }
    return strstr(location, "://") == NULL ? &KW_SQLITE : NULL;
}

kw_status kw_sql_open(const char *location, bool create, kw_arena *arena, kw_sql **out, kw_string *why)
{
    const kw_sql_engine *engine = engine_of(location);
    if (engine == NULL) {
        *why = KW_STRING("only a file or a postgresql://… can be a store");
        return KW_BAD_NOT_SUPPORTED;
    }
    return engine->open(location, create, arena, out, why);
}

size_t kw_sql_readers(const char *location)
{
    const kw_sql_engine *engine = engine_of(location);
    return engine != NULL ? engine->readers : 1;
}

size_t kw_sql_writers(const char *location)
{
    const kw_sql_engine *engine = engine_of(location);
    return engine != NULL ? engine->writers : 1;
}

/* Of an engine that we do not know we do not know either where the password is. */
kw_string kw_sql_name(const char *location, kw_arena *arena)
{
    const kw_sql_engine *engine = engine_of(location);
    if (engine != NULL) {
        return engine->name(location, arena);
    }
    return kw_arena_format(arena, "%.*s://…", (int)(strstr(location, "://") - location), location);
}

bool kw_sql_is_file(const char *location)
{
    return engine_of(location) == &KW_SQLITE;
}

bool kw_sql_has_password(const char *location)
{
    const kw_sql_engine *engine = engine_of(location);
    return engine == NULL || engine->has_password(location);
}

void kw_sql_close(kw_sql *sql)
{
    if (sql == NULL) {
        return;
    }
    while (sql->statements != NULL) {
        kw_statement *next = sql->statements->next;
        sql->engine->statement_free(sql->statements);
        sql->statements = next;
    }
    sql->engine->close(sql);
}

kw_status kw_sql_define(kw_sql *sql, const char *text)
{
    return sql->engine->define(sql, text);
}

const char *kw_sql_reason(kw_sql *sql)
{
    return sql->engine->reason(sql);
}

kw_status kw_sql_begin(kw_sql *sql, kw_sql_turn turn)
{
    sql->fate = KW_SQL_DONE;
    return sql->engine->begin(sql, turn);
}

kw_status kw_sql_end(kw_sql *sql, kw_status status)
{
    return sql->engine->end(sql, status);
}

kw_sql_fate kw_sql_get_fate(const kw_sql *sql)
{
    return sql->fate;
}

kw_status kw_sql_statement(kw_sql *sql, const char *text, kw_statement **out)
{
    kw_statement *s = sql->statements;
    while (s != NULL && s->text != text) { /* literals: the same text is the same address, or at worst prepared twice */
        s = s->next;
    }
    if (s == NULL) {
        KW_TRY(sql->engine->statement_new(sql, text, &s));
        s->sql = sql;
        s->text = text;
        s->next = sql->statements;
        sql->statements = s;
    }
    kw_statement_done(s);
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
    note(s, s->sql->engine->bind_int(s, index, value));
}

void kw_bind_text(kw_statement *s, int index, kw_string value)
{
    const kw_sql_engine *engine = s->sql->engine;
    note(s, value.data == NULL ? engine->bind_null(s, index, false) : engine->bind_text(s, index, value));
}

void kw_bind_blob(kw_statement *s, int index, kw_bytes value)
{
    const kw_sql_engine *engine = s->sql->engine;
    note(s, value.data == NULL ? engine->bind_null(s, index, true) : engine->bind_blob(s, index, value));
}

kw_status kw_step(kw_statement *s)
{
    return kw_status_is_bad(s->status) ? s->status : s->sql->engine->step(s);
}

kw_status kw_run(kw_statement *s)
{
    const kw_status status = kw_step(s);
    kw_statement_done(s);
    return kw_status_is_bad(status) ? status : KW_GOOD;
}

int64_t kw_column_int(kw_statement *s, int index)
{
    return s->sql->engine->column_int(s, index);
}

kw_bytes kw_column_borrow(kw_statement *s, int index)
{
    kw_bytes value = KW_BYTES_NULL;
    note(s, s->sql->engine->column_borrow(s, index, &value));
    return value;
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
    s->sql->engine->done(s);
    s->status = KW_GOOD;
}

int64_t kw_sql_changes(kw_sql *sql)
{
    return sql->engine->changes(sql);
}
