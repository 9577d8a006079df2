#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "id, resource, kind, value, roles, lifetime"

static kw_string text_of(kw_string s)
{
    return s.data != NULL ? s : KW_STRING("");
}

static kw_status next_id(kw_sql *sql, int64_t *id)
{
    KW_STATEMENT(q, sql, "SELECT COALESCE(MAX(id), 0) + 1 FROM token_policy");
    const kw_status status = kw_step(q);
    *id = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status upsert(kw_turn *t, const kw_token_policy *policy, int64_t id)
{
    KW_STATEMENT(q, t->sql,
                 "INSERT INTO token_policy (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)"
                 " ON CONFLICT (resource, kind, value) DO UPDATE SET roles = excluded.roles, lifetime = excluded.lifetime");
    kw_bind_int(q, 1, id);
    kw_bind_text(q, 2, policy->resource);
    kw_bind_text(q, 3, policy->kind);
    kw_bind_text(q, 4, text_of(policy->value));
    kw_bind_text(q, 5, text_of(policy->roles));
    kw_bind_int(q, 6, policy->lifetime_s);
    return kw_run(q);
}

static kw_status read_id(kw_sql *sql, const kw_token_policy *policy, uint32_t *id)
{
    KW_STATEMENT(q, sql, "SELECT id FROM token_policy WHERE resource = ? AND kind = ? AND value = ?");
    kw_bind_text(q, 1, policy->resource);
    kw_bind_text(q, 2, policy->kind);
    kw_bind_text(q, 3, text_of(policy->value));
    const kw_status status = kw_step(q);
    *id = status == KW_GOOD ? (uint32_t)kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status put(kw_turn *t, const kw_token_policy *policy, uint32_t *id)
{
    int64_t next = 0;
    KW_TRY(next_id(t->sql, &next));
    KW_TRY(upsert(t, policy, next));
    KW_TRY(read_id(t->sql, policy, id));
    return kw_turn_touch(t);
}

kw_status kw_store_policy_put(kw_store *s, const kw_token_policy *policy, uint32_t *id)
{
    KW_TRY(kw_store_check_key(policy->resource));
    KW_TRY(kw_store_check_key(policy->kind));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, put(&t, policy, id));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, uint32_t id)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM token_policy WHERE id = ?");
    kw_bind_int(q, 1, id);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_policy_remove(kw_store *s, uint32_t id)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, id));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_token_policy *)row = (kw_token_policy){.id = (uint32_t)kw_column_int(q, 0),
                                                .resource = kw_column_text(q, 1, arena),
                                                .kind = kw_column_text(q, 2, arena),
                                                .value = kw_column_text(q, 3, arena),
                                                .roles = kw_column_text(q, 4, arena),
                                                .lifetime_s = (uint32_t)kw_column_int(q, 5)};
}

static kw_status list_all(kw_sql *sql, kw_arena *arena, kw_token_policy **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM token_policy ORDER BY id");
    return kw_rows_read(q, arena, sizeof(kw_token_policy), read_row, (void **)out, count);
}

static kw_status list(kw_sql *sql, kw_string resource, kw_arena *arena, kw_token_policy **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM token_policy WHERE resource = ? OR resource = '*' ORDER BY id");
    kw_bind_text(q, 1, resource);
    return kw_rows_read(q, arena, sizeof(kw_token_policy), read_row, (void **)out, count);
}

kw_status kw_store_policy_list(kw_store *s, kw_string resource, kw_arena *arena, kw_token_policy **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, resource.len > 0 ? list(t.sql, resource, arena, out, count) : list_all(t.sql, arena, out, count));
    }
    return t.status;
}
