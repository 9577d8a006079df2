#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

static kw_status put(kw_turn *t, kw_string key, kw_string value)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    kw_bind_text(q, 1, key);
    kw_bind_text(q, 2, value);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_setting_put(kw_store *s, kw_string key, kw_string value)
{
    KW_TRY(kw_store_check_key(key));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, put(&t, key, value));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_string *)row = kw_column_text(q, 0, arena);
}

static kw_status get(kw_sql *sql, kw_string key, kw_arena *arena, kw_string *value)
{
    KW_STATEMENT(q, sql, "SELECT value FROM setting WHERE key = ?");
    kw_bind_text(q, 1, key);
    return kw_row_read(q, arena, read_row, value);
}

kw_status kw_store_setting_get(kw_store *s, kw_string key, kw_arena *arena, kw_string *value)
{
    kw_string found;
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, get(t.sql, key, arena, &found));
    }
    KW_TRY(t.status);
    *value = found;
    return KW_GOOD;
}
