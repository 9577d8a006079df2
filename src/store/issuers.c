#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "uri, kind, keys, location, authority_url, authority_profile, token_endpoint, changed, ca, fetched, failure"

static kw_status put(kw_store *s, const kw_issuer *issuer)
{
    KW_STATEMENT(q, s->writer.sql,
                 "INSERT INTO issuer (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                 " ON CONFLICT (uri) DO UPDATE SET kind = excluded.kind, keys = excluded.keys,"
                 " location = excluded.location, authority_url = excluded.authority_url, authority_profile = excluded.authority_profile,"
                 " token_endpoint = excluded.token_endpoint, changed = excluded.changed, ca = excluded.ca, fetched = excluded.fetched,"
                 " failure = excluded.failure");
    kw_bind_text(q, 1, issuer->uri);
    kw_bind_text(q, 2, issuer->kind);
    kw_bind_blob(q, 3, issuer->keys);
    kw_bind_text(q, 4, issuer->location);
    kw_bind_text(q, 5, issuer->authority_url);
    kw_bind_text(q, 6, issuer->authority_profile);
    kw_bind_text(q, 7, issuer->token_endpoint);
    kw_bind_int(q, 8, kw_store_now(s));
    kw_bind_blob(q, 9, issuer->ca);
    kw_bind_int(q, 10, issuer->fetched);
    kw_bind_text(q, 11, issuer->failure);
    KW_TRY(kw_run(q));
    return kw_store_touch(s);
}

kw_status kw_store_issuer_put(kw_store *s, const kw_issuer *issuer)
{
    KW_TRY(kw_store_check_key(issuer->uri));
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, put(s, issuer));
}

static kw_status drop(kw_store *s, kw_string uri)
{
    KW_STATEMENT(q, s->writer.sql, "DELETE FROM issuer WHERE uri = ?");
    kw_bind_text(q, 1, uri);
    KW_TRY(kw_store_expect_change(s, kw_run(q)));
    return kw_store_touch(s);
}

kw_status kw_store_issuer_remove(kw_store *s, kw_string uri)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, drop(s, uri));
}

/* --- what a fetch brought: only for the row that it was meant for, which may be another one by now ------------------------------ */

static kw_status take_time(kw_store *s, const kw_issuer *issuer)
{
    KW_STATEMENT(q, s->writer.sql, "UPDATE issuer SET fetched = ?, failure = NULL WHERE uri = ? AND kind = ? AND location = ?");
    kw_bind_int(q, 1, kw_store_now(s));
    kw_bind_text(q, 2, issuer->uri);
    kw_bind_text(q, 3, issuer->kind);
    kw_bind_text(q, 4, issuer->location);
    return kw_store_expect_change(s, kw_run(q));
}

static kw_status take_keys(kw_store *s, kw_string uri, kw_bytes keys)
{
    KW_STATEMENT(q, s->writer.sql, "UPDATE issuer SET keys = ?, changed = ? WHERE uri = ? AND (keys IS NULL OR keys <> ?)");
    kw_bind_blob(q, 1, keys);
    kw_bind_int(q, 2, kw_store_now(s));
    kw_bind_text(q, 3, uri);
    kw_bind_blob(q, 4, keys);
    KW_TRY(kw_run(q));
    return kw_sql_changes(s->writer.sql) > 0 ? kw_store_touch(s) : KW_GOOD;
}

static kw_status take_fetched(kw_store *s, const kw_issuer *issuer, kw_bytes keys)
{
    KW_TRY(take_time(s, issuer));
    return take_keys(s, issuer->uri, keys);
}

kw_status kw_store_issuer_fetched(kw_store *s, const kw_issuer *issuer, kw_bytes keys)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, take_fetched(s, issuer, keys));
}

static kw_status take_failure(kw_store *s, const kw_issuer *issuer, kw_string failure)
{
    KW_STATEMENT(q, s->writer.sql, "UPDATE issuer SET failure = ? WHERE uri = ? AND kind = ? AND location = ?");
    kw_bind_text(q, 1, failure);
    kw_bind_text(q, 2, issuer->uri);
    kw_bind_text(q, 3, issuer->kind);
    kw_bind_text(q, 4, issuer->location);
    return kw_store_expect_change(s, kw_run(q));
}

kw_status kw_store_issuer_failed(kw_store *s, const kw_issuer *issuer, kw_string failure)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, take_failure(s, issuer, failure));
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
                                    .failure = kw_column_text(q, 10, arena)};
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_issuer **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM issuer ORDER BY uri");
    return kw_rows_read(q, arena, sizeof(kw_issuer), read_row, (void **)out, count);
}

kw_status kw_store_issuer_list(kw_store *s, kw_arena *arena, kw_issuer **out, size_t *count)
{
    KW_TRY(kw_store_look(s));
    return kw_store_looked(s, list(s->reader.sql, arena, out, count));
}
