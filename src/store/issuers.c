#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "uri, kind, keys, location, authority_url, authority_profile, token_endpoint, changed, ca, fetched, failure, alias_of"

static kw_status put(kw_turn *t, const kw_issuer *issuer)
{
    KW_STATEMENT(q, t->sql,
                 "INSERT INTO issuer (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                 " ON CONFLICT (uri) DO UPDATE SET kind = excluded.kind, keys = excluded.keys,"
                 " location = excluded.location, authority_url = excluded.authority_url, authority_profile = excluded.authority_profile,"
                 " token_endpoint = excluded.token_endpoint, changed = excluded.changed, ca = excluded.ca, fetched = excluded.fetched,"
                 " failure = excluded.failure, alias_of = excluded.alias_of");
    kw_bind_text(q, 1, issuer->uri);
    kw_bind_text(q, 2, issuer->kind);
    kw_bind_blob(q, 3, issuer->keys);
    kw_bind_text(q, 4, issuer->location);
    kw_bind_text(q, 5, issuer->authority_url);
    kw_bind_text(q, 6, issuer->authority_profile);
    kw_bind_text(q, 7, issuer->token_endpoint);
    kw_bind_int(q, 8, kw_turn_now(t));
    kw_bind_blob(q, 9, issuer->ca);
    kw_bind_int(q, 10, issuer->fetched);
    kw_bind_text(q, 11, issuer->failure);
    kw_bind_text(q, 12, issuer->alias_of);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_issuer_put(kw_store *s, const kw_issuer *issuer)
{
    KW_TRY(kw_store_check_key(issuer->uri));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, put(&t, issuer));
    }
    return t.status;
}

static kw_status put_at(kw_turn *t, const kw_issuer *issuer, uint64_t version)
{
    uint64_t now = 0;
    KW_TRY(kw_store_read_counter(t->sql, &now));
    return now == version ? put(t, issuer) : KW_BAD_INVALID_STATE;
}

kw_status kw_store_issuer_put_at(kw_store *s, const kw_issuer *issuer, uint64_t version)
{
    KW_TRY(kw_store_check_key(issuer->uri));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, put_at(&t, issuer, version));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string uri)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM issuer WHERE uri = ?");
    kw_bind_text(q, 1, uri);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_issuer_remove(kw_store *s, kw_string uri)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, uri));
    }
    return t.status;
}

/* --- what a fetch brought: only for the row that it was meant for, which may be another one by now ------------------------------ */

static kw_status take_time(kw_turn *t, const kw_issuer *issuer)
{
    KW_STATEMENT(q, t->sql, "UPDATE issuer SET fetched = ?, failure = NULL WHERE uri = ? AND kind = ? AND location = ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    kw_bind_text(q, 2, issuer->uri);
    kw_bind_text(q, 3, issuer->kind);
    kw_bind_text(q, 4, issuer->location);
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status take_keys(kw_turn *t, kw_string uri, kw_bytes keys)
{
    KW_STATEMENT(q, t->sql, "UPDATE issuer SET keys = ?, changed = ? WHERE uri = ? AND (keys IS NULL OR keys <> ?)");
    kw_bind_blob(q, 1, keys);
    kw_bind_int(q, 2, kw_turn_now(t));
    kw_bind_text(q, 3, uri);
    kw_bind_blob(q, 4, keys);
    KW_TRY(kw_run(q));
    return kw_sql_changes(t->sql) > 0 ? kw_turn_touch(t) : KW_GOOD;
}

static kw_status take_fetched(kw_turn *t, const kw_issuer *issuer, kw_bytes keys)
{
    KW_TRY(take_time(t, issuer));
    return take_keys(t, issuer->uri, keys);
}

kw_status kw_store_issuer_fetched(kw_store *s, const kw_issuer *issuer, kw_bytes keys)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, take_fetched(&t, issuer, keys));
    }
    return t.status;
}

static kw_status take_failure(kw_turn *t, const kw_issuer *issuer, kw_string failure)
{
    KW_STATEMENT(q, t->sql, "UPDATE issuer SET failure = ? WHERE uri = ? AND kind = ? AND location = ?");
    kw_bind_text(q, 1, failure);
    kw_bind_text(q, 2, issuer->uri);
    kw_bind_text(q, 3, issuer->kind);
    kw_bind_text(q, 4, issuer->location);
    return kw_turn_expect_change(t, kw_run(q));
}

kw_status kw_store_issuer_failed(kw_store *s, const kw_issuer *issuer, kw_string failure)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, take_failure(&t, issuer, failure));
    }
    return t.status;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------- */

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_issuer *)row = (kw_issuer){.uri = kw_column_text(q, 0, arena),
                                    .kind = kw_column_text(q, 1, arena),
                                    .keys = kw_column_blob(q, 2, arena),
                                    .location = kw_column_text(q, 3, arena),
                                    .authority_url = kw_column_text(q, 4, arena),
                                    .authority_profile = kw_column_text(q, 5, arena),
                                    .token_endpoint = kw_column_text(q, 6, arena),
                                    .changed = kw_column_int(q, 7),
                                    .ca = kw_column_blob(q, 8, arena),
                                    .fetched = kw_column_int(q, 9),
                                    .failure = kw_column_text(q, 10, arena),
                                    .alias_of = kw_column_text(q, 11, arena)};
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_issuer **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM issuer ORDER BY uri");
    return kw_rows_read(q, arena, sizeof(kw_issuer), read_row, (void **)out, count);
}

kw_status kw_store_issuer_list(kw_store *s, kw_arena *arena, kw_issuer **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}
