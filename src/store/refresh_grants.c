/* Refresh tokens, as far as they are kept: rotation is one conditional UPDATE, so that of two who come with the same one only one wins. */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "id, secret_hash, application, subject, account, resource, detail, created, used, expires"

static kw_status drop_expired(kw_turn *t)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM refresh_grant WHERE expires <= ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    return kw_run(q);
}

static kw_status drop_excess(kw_sql *sql, const kw_refresh_grant *grant, size_t most)
{
    KW_STATEMENT(q, sql,
                 "DELETE FROM refresh_grant WHERE id IN (SELECT id FROM refresh_grant WHERE application = ? AND subject = ?"
                 " ORDER BY created, id LIMIT (SELECT CASE WHEN COUNT(*) > ? THEN COUNT(*) - ? ELSE 0 END FROM refresh_grant"
                 " WHERE application = ? AND subject = ?))");
    kw_bind_text(q, 1, grant->application);
    kw_bind_text(q, 2, grant->subject);
    kw_bind_int(q, 3, (int64_t)most);
    kw_bind_int(q, 4, (int64_t)most);
    kw_bind_text(q, 5, grant->application);
    kw_bind_text(q, 6, grant->subject);
    return kw_run(q);
}

static kw_status insert(kw_turn *t, const kw_refresh_grant *grant)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO refresh_grant (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)");
    kw_bind_text(q, 1, grant->id);
    kw_bind_blob(q, 2, grant->secret_hash);
    kw_bind_text(q, 3, grant->application);
    kw_bind_text(q, 4, grant->subject);
    kw_bind_text(q, 5, grant->account);
    kw_bind_text(q, 6, grant->resource);
    kw_bind_text(q, 7, grant->detail);
    kw_bind_int(q, 8, kw_turn_now(t));
    kw_bind_int(q, 9, grant->expires);
    return kw_run(q);
}

/* Whoever revoked it was faster than who was about to give it. */
static kw_status check_not_revoked(kw_sql *sql, kw_string id)
{
    KW_STATEMENT(q, sql, "SELECT 1 FROM revoked_token WHERE id = ?");
    kw_bind_text(q, 1, id);
    const kw_status status = kw_step(q);
    kw_statement_done(q);
    return status == KW_GOOD_NO_DATA ? KW_GOOD : status == KW_GOOD ? KW_BAD_ALREADY_EXISTS : status;
}

/* Room is made first: the clock may have been set back, and the new one would look like the oldest. */
static kw_status add(kw_turn *t, const kw_refresh_grant *grant, size_t most)
{
    KW_TRY(check_not_revoked(t->sql, grant->id));
    KW_TRY(drop_expired(t));
    KW_TRY(drop_excess(t->sql, grant, most > 0 ? most - 1 : 0));
    return insert(t, grant);
}

kw_status kw_store_refresh_grant_add(kw_store *s, const kw_refresh_grant *grant, size_t most)
{
    KW_TRY(kw_store_check_key(grant->id));
    KW_TRY(kw_store_check_key(grant->application));
    KW_TRY(kw_store_check_key(grant->subject));
    KW_TRY(kw_store_check_key(grant->resource));
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, grant, most));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_refresh_grant *)row = (kw_refresh_grant){.id = kw_column_text(q, 0, arena),
                                                  .secret_hash = kw_column_blob(q, 1, arena),
                                                  .application = kw_column_text(q, 2, arena),
                                                  .subject = kw_column_text(q, 3, arena),
                                                  .account = kw_column_text(q, 4, arena),
                                                  .resource = kw_column_text(q, 5, arena),
                                                  .detail = kw_column_text(q, 6, arena),
                                                  .created = kw_column_int(q, 7),
                                                  .used = kw_column_int(q, 8),
                                                  .expires = kw_column_int(q, 9)};
}

static kw_status get(kw_turn *t, kw_string id, kw_arena *arena, kw_refresh_grant *out)
{
    KW_STATEMENT(q, t->sql, "SELECT " COLUMNS " FROM refresh_grant WHERE id = ? AND expires > ?");
    kw_bind_text(q, 1, id);
    kw_bind_int(q, 2, kw_turn_now(t));
    return kw_row_read(q, arena, read_row, out);
}

kw_status kw_store_refresh_grant_get(kw_store *s, kw_string id, kw_arena *arena, kw_refresh_grant *out)
{
    kw_refresh_grant found;
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, get(&t, id, arena, &found));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

static kw_status drop(kw_turn *t, kw_string id)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM refresh_grant WHERE id = ?");
    kw_bind_text(q, 1, id);
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status replace(kw_turn *t, kw_string id, kw_bytes secret_hash, kw_bytes next_hash, int64_t expires)
{
    KW_STATEMENT(q, t->sql,
                 "UPDATE refresh_grant SET secret_hash = ?, used = ?, expires = ? WHERE id = ? AND secret_hash = ? AND expires > ?");
    kw_bind_blob(q, 1, next_hash);
    kw_bind_int(q, 2, kw_turn_now(t));
    kw_bind_int(q, 3, expires);
    kw_bind_text(q, 4, id);
    kw_bind_blob(q, 5, secret_hash);
    kw_bind_int(q, 6, kw_turn_now(t));
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status rotate(kw_turn *t, kw_string id, kw_bytes secret_hash, kw_bytes next_hash, int64_t expires, bool *is_reused)
{
    const kw_status status = replace(t, id, secret_hash, next_hash, expires);
    *is_reused = false;
    if (status != KW_BAD_NOT_FOUND) {
        return status;
    }
    KW_TRY(drop(t, id)); /* good when it was there, with another secret */
    *is_reused = true;
    return KW_GOOD;
}

kw_status kw_store_refresh_grant_rotate(kw_store *s, kw_string id, kw_bytes secret_hash, kw_bytes next_hash, int64_t expires,
                                        bool *is_reused)
{
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, rotate(&t, id, secret_hash, next_hash, expires, is_reused));
    }
    return t.status;
}

static kw_status revoke(kw_turn *t, const kw_revoked_token *grant)
{
    const kw_status dropped = drop(t, grant->id);
    KW_TRY(dropped == KW_BAD_NOT_FOUND ? KW_GOOD : dropped);
    return kw_token_revoke(t, grant);
}

kw_status kw_store_grant_revoke(kw_store *s, const kw_revoked_token *grant)
{
    KW_TRY(kw_store_check_key(grant->issuer));
    KW_TRY(kw_store_check_key(grant->id));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, revoke(&t, grant));
    }
    return t.status;
}

/* What is null is bound as an empty text: no column here has that. */
static void bind_key(kw_statement *q, int first, kw_string key)
{
    const kw_string value = key.len > 0 ? key : KW_STRING("");
    kw_bind_text(q, first, value);
    kw_bind_text(q, first + 1, value);
}

static kw_status list(kw_turn *t, const kw_refresh_grant_key *of, kw_arena *arena, kw_refresh_grant **out, size_t *count)
{
    KW_STATEMENT(q, t->sql,
                 "SELECT " COLUMNS " FROM refresh_grant WHERE expires > ? AND (? = '' OR id = ?) AND (? = '' OR subject = ?)"
                 " AND (? = '' OR application = ?) ORDER BY subject, application, created, id");
    kw_bind_int(q, 1, kw_turn_now(t));
    bind_key(q, 2, of->id);
    bind_key(q, 4, of->subject);
    bind_key(q, 6, of->application);
    return kw_rows_read(q, arena, sizeof(kw_refresh_grant), read_row, (void **)out, count);
}

kw_status kw_store_refresh_grant_list(kw_store *s, const kw_refresh_grant_key *of, kw_arena *arena, kw_refresh_grant **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(&t, of, arena, out, count));
    }
    return t.status;
}

kw_status kw_refresh_grants_end(kw_sql *sql, kw_string account)
{
    KW_STATEMENT(q, sql, "DELETE FROM refresh_grant WHERE account = ?");
    kw_bind_text(q, 1, account);
    return kw_run(q);
}
