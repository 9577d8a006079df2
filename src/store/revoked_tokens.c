/* Access tokens that were taken back. A row goes when its token would have expired. */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

static kw_status drop_expired(kw_turn *t)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM revoked_token WHERE expires < ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    return kw_run(q);
}

static kw_status count_all(kw_sql *sql, int64_t *count)
{
    KW_STATEMENT(q, sql, "SELECT COUNT(*) FROM revoked_token");
    const kw_status status = kw_step(q);
    *count = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status look(kw_sql *sql, const kw_revoked_token *token, bool *is_there)
{
    KW_STATEMENT(q, sql, "SELECT 1 FROM revoked_token WHERE issuer = ? AND id = ?");
    kw_bind_text(q, 1, token->issuer);
    kw_bind_text(q, 2, token->id);
    const kw_status status = kw_step(q);
    *is_there = status == KW_GOOD;
    kw_statement_done(q);
    return kw_status_is_bad(status) ? status : KW_GOOD;
}

static kw_status insert(kw_turn *t, const kw_revoked_token *token)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO revoked_token (issuer, id, expires) VALUES (?, ?, ?)");
    kw_bind_text(q, 1, token->issuer);
    kw_bind_text(q, 2, token->id);
    kw_bind_int(q, 3, token->expires);
    return kw_run(q);
}

kw_status kw_token_revoke(kw_turn *t, const kw_revoked_token *token)
{
    int64_t count = 0;
    bool is_there = false;
    KW_TRY(drop_expired(t));
    KW_TRY(look(t->sql, token, &is_there));
    if (is_there) { /* nothing came of it since: whoever repeats himself makes nobody read the store again */
        return KW_GOOD;
    }
    KW_TRY(count_all(t->sql, &count));
    if (count >= KW_STORE_REVOKED_MAX) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    KW_TRY(insert(t, token));
    return kw_turn_touch(t);
}

kw_status kw_store_token_revoke(kw_store *s, const kw_revoked_token *token)
{
    KW_TRY(kw_store_check_key(token->issuer));
    KW_TRY(kw_store_check_key(token->id));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, kw_token_revoke(&t, token));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_revoked_token *)row =
        (kw_revoked_token){.issuer = kw_column_text(q, 0, arena), .id = kw_column_text(q, 1, arena), .expires = kw_column_int(q, 2)};
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_revoked_token **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT issuer, id, expires FROM revoked_token");
    return kw_rows_read(q, arena, sizeof(kw_revoked_token), read_row, (void **)out, count);
}

kw_status kw_store_revoked_list(kw_store *s, kw_arena *arena, kw_revoked_token **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}
