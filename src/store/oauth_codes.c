/* Codes of the sign-in page. One UPDATE decides who takes it; the row stays until it expires, so that a second use is noticed. */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "hash, client, redirect_uri, challenge, account, detail, expires"

static kw_status drop_expired(kw_turn *t)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM oauth_code WHERE expires <= ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    return kw_run(q);
}

static kw_status count_all(kw_sql *sql, int64_t *count)
{
    KW_STATEMENT(q, sql, "SELECT COUNT(*) FROM oauth_code");
    const kw_status status = kw_step(q);
    *count = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status insert(kw_turn *t, const kw_oauth_code *code)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO oauth_code (" COLUMNS ", is_used) VALUES (?, ?, ?, ?, ?, ?, ?, 0)");
    kw_bind_blob(q, 1, code->hash);
    kw_bind_text(q, 2, code->client);
    kw_bind_text(q, 3, code->redirect_uri);
    kw_bind_text(q, 4, code->challenge);
    kw_bind_text(q, 5, code->account);
    kw_bind_text(q, 6, code->detail);
    kw_bind_int(q, 7, code->expires);
    return kw_run(q);
}

static kw_status add(kw_turn *t, const kw_oauth_code *code)
{
    int64_t count = 0;
    KW_TRY(drop_expired(t));
    KW_TRY(count_all(t->sql, &count));
    return count < KW_STORE_CODES_MAX ? insert(t, code) : KW_BAD_TOO_MANY_OPERATIONS;
}

kw_status kw_store_oauth_code_add(kw_store *s, const kw_oauth_code *code)
{
    KW_TRY(kw_store_check_key(code->client));
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, code));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_oauth_code *)row = (kw_oauth_code){.hash = kw_column_blob(q, 0, arena),
                                            .client = kw_column_text(q, 1, arena),
                                            .redirect_uri = kw_column_text(q, 2, arena),
                                            .challenge = kw_column_text(q, 3, arena),
                                            .account = kw_column_text(q, 4, arena),
                                            .detail = kw_column_text(q, 5, arena),
                                            .expires = kw_column_int(q, 6)};
}

static kw_status get(kw_turn *t, kw_bytes hash, kw_arena *arena, kw_oauth_code *out)
{
    KW_STATEMENT(q, t->sql, "SELECT " COLUMNS " FROM oauth_code WHERE hash = ? AND expires > ?");
    kw_bind_blob(q, 1, hash);
    kw_bind_int(q, 2, kw_turn_now(t));
    return kw_row_read(q, arena, read_row, out);
}

static kw_status mark(kw_turn *t, kw_bytes hash)
{
    KW_STATEMENT(q, t->sql, "UPDATE oauth_code SET is_used = 1 WHERE hash = ? AND is_used = 0");
    kw_bind_blob(q, 1, hash);
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status take(kw_turn *t, kw_bytes hash, kw_arena *arena, kw_oauth_code *out, bool *is_reused)
{
    *is_reused = false;
    KW_TRY(get(t, hash, arena, out));
    const kw_status marked = mark(t, hash);
    *is_reused = marked == KW_BAD_NOT_FOUND;
    return *is_reused ? KW_GOOD : marked;
}

kw_status kw_store_oauth_code_take(kw_store *s, kw_bytes hash, kw_arena *arena, kw_oauth_code *out, bool *is_reused)
{
    kw_oauth_code found;
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, take(&t, hash, arena, &found, is_reused));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

kw_status kw_oauth_codes_end(kw_sql *sql, kw_string account)
{
    KW_STATEMENT(q, sql, "DELETE FROM oauth_code WHERE account = ?");
    kw_bind_text(q, 1, account);
    return kw_run(q);
}
