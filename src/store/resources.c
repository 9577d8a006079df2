#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "uri, name, token_lifetime, created"

static kw_status add(kw_turn *t, const kw_resource *resource)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO resource (" COLUMNS ") VALUES (?, ?, ?, ?)");
    kw_bind_text(q, 1, resource->uri);
    kw_bind_text(q, 2, resource->name);
    kw_bind_int(q, 3, resource->token_lifetime_s);
    kw_bind_int(q, 4, kw_turn_now(t));
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_resource_add(kw_store *s, const kw_resource *resource)
{
    KW_TRY(kw_store_check_key(resource->uri));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, resource));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string uri)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM resource WHERE uri = ?");
    kw_bind_text(q, 1, uri);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_resource_remove(kw_store *s, kw_string uri)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, uri));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_resource *)row = (kw_resource){.uri = kw_column_text(q, 0, arena),
                                        .name = kw_column_text(q, 1, arena),
                                        .token_lifetime_s = (uint32_t)kw_column_int(q, 2),
                                        .created = kw_column_int(q, 3)};
}

static kw_status get(kw_sql *sql, kw_string uri, kw_arena *arena, kw_resource *out)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM resource WHERE uri = ?");
    kw_bind_text(q, 1, uri);
    return kw_row_read(q, arena, read_row, out);
}

kw_status kw_store_resource_get(kw_store *s, kw_string uri, kw_arena *arena, kw_resource *out)
{
    kw_resource found;
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, get(t.sql, uri, arena, &found));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_resource **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM resource ORDER BY uri");
    return kw_rows_read(q, arena, sizeof(kw_resource), read_row, (void **)out, count);
}

kw_status kw_store_resource_list(kw_store *s, kw_arena *arena, kw_resource **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}
