#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "uri, kind, keys, location, authority_url, authority_profile, token_endpoint, changed"

static kw_status put(kw_store *s, const kw_issuer *issuer)
{
    KW_STATEMENT(q, s->writer.sql,
                 "INSERT INTO issuer (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                 " ON CONFLICT (uri) DO UPDATE SET kind = excluded.kind, keys = excluded.keys,"
                 " location = excluded.location, authority_url = excluded.authority_url, authority_profile = excluded.authority_profile,"
                 " token_endpoint = excluded.token_endpoint, changed = excluded.changed");
    kw_bind_text(q, 1, issuer->uri);
    kw_bind_text(q, 2, issuer->kind);
    kw_bind_blob(q, 3, issuer->keys);
    kw_bind_text(q, 4, issuer->location);
    kw_bind_text(q, 5, issuer->authority_url);
    kw_bind_text(q, 6, issuer->authority_profile);
    kw_bind_text(q, 7, issuer->token_endpoint);
    kw_bind_int(q, 8, kw_store_now(s));
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

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_issuer *)row = (kw_issuer){.uri = kw_column_text(q, 0, arena),
                                    .kind = kw_column_text(q, 1, arena),
                                    .keys = kw_column_blob(q, 2, arena),
                                    .location = kw_column_text(q, 3, arena),
                                    .authority_url = kw_column_text(q, 4, arena),
                                    .authority_profile = kw_column_text(q, 5, arena),
                                    .token_endpoint = kw_column_text(q, 6, arena),
                                    .changed = kw_column_int(q, 7)};
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
