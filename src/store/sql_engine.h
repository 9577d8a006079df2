/* What an SQL engine brings; sql.c is all that calls it. Each engine's connection and statement begin with the ones from here. */
#ifndef KW_STORE_SQL_ENGINE_H
#define KW_STORE_SQL_ENGINE_H

#include "store/sql.h"

typedef struct kw_sql_engine {
    size_t readers, writers;                                  /* connections that are of use at once */
    kw_string (*name)(const char *location, kw_arena *arena); /* for people, without secrets */
    bool (*has_password)(const char *location);
    kw_status (*open)(const char *location, bool create, kw_arena *arena, kw_sql **out, kw_string *why);
    void (*close)(kw_sql *sql); /* its statements are freed already */
    kw_status (*define)(kw_sql *sql, const char *text);
    const char *(*reason)(kw_sql *sql);
    kw_status (*begin)(kw_sql *sql, kw_sql_turn turn);
    kw_status (*end)(kw_sql *sql, kw_status status);
    int64_t (*changes)(kw_sql *sql);

    kw_status (*statement_new)(kw_sql *sql, const char *text, kw_statement **out);
    void (*statement_free)(kw_statement *s);
    kw_status (*bind_int)(kw_statement *s, int index, int64_t value);
    kw_status (*bind_text)(kw_statement *s, int index, kw_string value); /* not null; neither is the next */
    kw_status (*bind_blob)(kw_statement *s, int index, kw_bytes value);
    kw_status (*bind_null)(kw_statement *s, int index, bool is_blob);
    kw_status (*step)(kw_statement *s);
    int64_t (*column_int)(kw_statement *s, int index);
    kw_status (*column_borrow)(kw_statement *s, int index, kw_bytes *out);
    void (*done)(kw_statement *s);
} kw_sql_engine;

struct kw_sql {
    const kw_sql_engine *engine;
    kw_statement *statements;
    kw_sql_fate fate;
};

struct kw_statement {
    kw_sql *sql;
    kw_statement *next;
    const char *text;
    kw_status status; /* of binding and of reading columns */
};

extern const kw_sql_engine KW_SQLITE, KW_POSTGRES;

#endif
