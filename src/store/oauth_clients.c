#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define FIELDS "name, secret_hash, jwks, certificate_hash, application_uri, grants, redirect_uris, resources, may_introspect, is_disabled"
#define COLUMNS "id, " FIELDS ", created"

/* From the parameter `first` on, in the order of FIELDS; the number of the one after them. */
static int bind_fields(kw_statement *q, int first, const kw_oauth_client *client)
{
    kw_bind_text(q, first++, client->name);
    kw_bind_blob(q, first++, client->secret_hash);
    kw_bind_text(q, first++, client->jwks);
    kw_bind_blob(q, first++, client->certificate_hash);
    kw_bind_text(q, first++, client->application_uri);
    kw_bind_text(q, first++, client->grants);
    kw_bind_text(q, first++, client->redirect_uris);
    kw_bind_text(q, first++, client->resources);
    kw_bind_int(q, first++, client->may_introspect);
    kw_bind_int(q, first++, client->is_disabled);
    return first;
}

static kw_status add(kw_turn *t, const kw_oauth_client *client)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO oauth_client (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    kw_bind_text(q, 1, client->id);
    kw_bind_int(q, bind_fields(q, 2, client), kw_turn_now(t));
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_oauth_client_add(kw_store *s, const kw_oauth_client *client)
{
    KW_TRY(kw_store_check_key(client->id));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, client));
    }
    return t.status;
}

static kw_status set(kw_turn *t, const kw_oauth_client *client)
{
    KW_STATEMENT(q, t->sql,
                 "UPDATE oauth_client SET name = ?, secret_hash = ?, jwks = ?, certificate_hash = ?, application_uri = ?, grants = ?,"
                 " redirect_uris = ?, resources = ?, may_introspect = ?, is_disabled = ? WHERE id = ?");
    kw_bind_text(q, bind_fields(q, 1, client), client->id);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_oauth_client_set(kw_store *s, const kw_oauth_client *client)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, set(&t, client));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string id)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM oauth_client WHERE id = ?");
    kw_bind_text(q, 1, id);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_oauth_client_remove(kw_store *s, kw_string id)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, id));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_oauth_client *)row = (kw_oauth_client){.id = kw_column_text(q, 0, arena),
                                                .name = kw_column_text(q, 1, arena),
                                                .secret_hash = kw_column_blob(q, 2, arena),
                                                .jwks = kw_column_text(q, 3, arena),
                                                .certificate_hash = kw_column_blob(q, 4, arena),
                                                .application_uri = kw_column_text(q, 5, arena),
                                                .grants = kw_column_text(q, 6, arena),
                                                .redirect_uris = kw_column_text(q, 7, arena),
                                                .resources = kw_column_text(q, 8, arena),
                                                .may_introspect = kw_column_int(q, 9) != 0,
                                                .is_disabled = kw_column_int(q, 10) != 0,
                                                .created = kw_column_int(q, 11)};
}

static kw_status get(kw_sql *sql, kw_string id, kw_arena *arena, kw_oauth_client *out)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM oauth_client WHERE id = ?");
    kw_bind_text(q, 1, id);
    return kw_row_read(q, arena, read_row, out);
}

kw_status kw_store_oauth_client_get(kw_store *s, kw_string id, kw_arena *arena, kw_oauth_client *out)
{
    kw_oauth_client found;
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, get(t.sql, id, arena, &found));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_oauth_client **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM oauth_client ORDER BY id");
    return kw_rows_read(q, arena, sizeof(kw_oauth_client), read_row, (void **)out, count);
}

kw_status kw_store_oauth_client_list(kw_store *s, kw_arena *arena, kw_oauth_client **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}
