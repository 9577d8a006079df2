#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "id, alg, private_key, certificate, not_before, not_after, active"

static kw_status add(kw_turn *t, const kw_signing_key *key)
{
    KW_STATEMENT(rest, t->sql, "UPDATE signing_key SET active = 0");
    KW_TRY(kw_run(rest));
    KW_STATEMENT(q, t->sql,
                 "INSERT INTO signing_key (" COLUMNS ", position) VALUES (?, ?, ?, ?, ?, ?, 1,"
                 " (SELECT COALESCE(MAX(position), 0) + 1 FROM signing_key))");
    kw_bind_text(q, 1, key->id);
    kw_bind_text(q, 2, key->alg);
    kw_bind_blob(q, 3, key->private_key);
    kw_bind_blob(q, 4, key->certificate);
    kw_bind_int(q, 5, key->not_before);
    kw_bind_int(q, 6, key->not_after);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_key_add(kw_store *s, const kw_signing_key *key)
{
    KW_TRY(kw_store_check_key(key->id));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, key));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_signing_key *)row = (kw_signing_key){.id = kw_column_text(q, 0, arena),
                                              .alg = kw_column_text(q, 1, arena),
                                              .private_key = kw_column_blob(q, 2, arena),
                                              .certificate = kw_column_blob(q, 3, arena),
                                              .not_before = kw_column_int(q, 4),
                                              .not_after = kw_column_int(q, 5),
                                              .is_active = kw_column_int(q, 6) != 0};
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_signing_key **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM signing_key ORDER BY position DESC");
    return kw_rows_read(q, arena, sizeof(kw_signing_key), read_row, (void **)out, count);
}

kw_status kw_store_key_list(kw_store *s, kw_arena *arena, kw_signing_key **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}
