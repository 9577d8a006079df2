/* Machines that wait for a sign-in elsewhere. Each change of state is one conditional UPDATE or DELETE: it happens once, over all nodes. */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "hash, user_code, client, resource, scope, state, account, detail, asked, expires"

static kw_status drop_expired(kw_turn *t)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM oauth_device WHERE expires <= ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    return kw_run(q);
}

static kw_status count_all(kw_sql *sql, int64_t *count)
{
    KW_STATEMENT(q, sql, "SELECT COUNT(*) FROM oauth_device");
    const kw_status status = kw_step(q);
    *count = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status insert(kw_turn *t, const kw_oauth_device *device)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO oauth_device (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, 0, ?)");
    kw_bind_blob(q, 1, device->hash);
    kw_bind_text(q, 2, device->user_code);
    kw_bind_text(q, 3, device->client);
    kw_bind_text(q, 4, device->resource);
    kw_bind_text(q, 5, device->scope);
    kw_bind_int(q, 6, KW_DEVICE_WAITS);
    kw_bind_int(q, 7, device->expires);
    return kw_run(q);
}

static kw_status add(kw_turn *t, const kw_oauth_device *device)
{
    int64_t count = 0;
    KW_TRY(drop_expired(t));
    KW_TRY(count_all(t->sql, &count));
    return count < KW_STORE_CODES_MAX ? insert(t, device) : KW_BAD_TOO_MANY_OPERATIONS;
}

kw_status kw_store_oauth_device_add(kw_store *s, const kw_oauth_device *device)
{
    KW_TRY(kw_store_check_key(device->client));
    KW_TRY(kw_store_check_key(device->user_code));
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, device));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_oauth_device *)row = (kw_oauth_device){.hash = kw_column_blob(q, 0, arena),
                                                .user_code = kw_column_text(q, 1, arena),
                                                .client = kw_column_text(q, 2, arena),
                                                .resource = kw_column_text(q, 3, arena),
                                                .scope = kw_column_text(q, 4, arena),
                                                .state = (kw_device_state)kw_column_int(q, 5),
                                                .account = kw_column_text(q, 6, arena),
                                                .detail = kw_column_text(q, 7, arena),
                                                .asked = kw_column_int(q, 8),
                                                .expires = kw_column_int(q, 9)};
}

static kw_status find(kw_turn *t, kw_string user_code, kw_arena *arena, kw_oauth_device *out)
{
    KW_STATEMENT(q, t->sql, "SELECT " COLUMNS " FROM oauth_device WHERE user_code = ? AND state = 0 AND expires > ?");
    kw_bind_text(q, 1, user_code);
    kw_bind_int(q, 2, kw_turn_now(t));
    return kw_row_read(q, arena, read_row, out);
}

kw_status kw_store_oauth_device_find(kw_store *s, kw_string user_code, kw_arena *arena, kw_oauth_device *out)
{
    kw_oauth_device found;
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, find(&t, user_code, arena, &found));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

static kw_status answer(kw_turn *t, const kw_oauth_device *device)
{
    KW_STATEMENT(q, t->sql, "UPDATE oauth_device SET state = ?, account = ?, detail = ? WHERE user_code = ? AND state = 0 AND expires > ?");
    kw_bind_int(q, 1, device->state);
    kw_bind_text(q, 2, device->account);
    kw_bind_text(q, 3, device->detail);
    kw_bind_text(q, 4, device->user_code);
    kw_bind_int(q, 5, kw_turn_now(t));
    return kw_turn_expect_change(t, kw_run(q));
}

kw_status kw_store_oauth_device_answer(kw_store *s, const kw_oauth_device *device)
{
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, answer(&t, device));
    }
    return t.status;
}

static kw_status get(kw_turn *t, kw_bytes hash, kw_arena *arena, kw_oauth_device *out)
{
    KW_STATEMENT(q, t->sql, "SELECT " COLUMNS " FROM oauth_device WHERE hash = ? AND expires > ?");
    kw_bind_blob(q, 1, hash);
    kw_bind_int(q, 2, kw_turn_now(t));
    return kw_row_read(q, arena, read_row, out);
}

static kw_status note_asked(kw_turn *t, kw_bytes hash)
{
    KW_STATEMENT(q, t->sql, "UPDATE oauth_device SET asked = ? WHERE hash = ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    kw_bind_blob(q, 2, hash);
    return kw_run(q);
}

static kw_status drop(kw_turn *t, kw_bytes hash)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM oauth_device WHERE hash = ?");
    kw_bind_blob(q, 1, hash);
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status ask(kw_turn *t, kw_bytes hash, kw_arena *arena, kw_oauth_device *out)
{
    KW_TRY(get(t, hash, arena, out));
    return out->state == KW_DEVICE_WAITS ? note_asked(t, hash) : drop(t, hash);
}

kw_status kw_store_oauth_device_ask(kw_store *s, kw_bytes hash, kw_arena *arena, kw_oauth_device *out)
{
    kw_oauth_device found;
    kw_turn t = kw_turn_of(s, KW_TURN_GRANTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, ask(&t, hash, arena, &found));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

kw_status kw_oauth_devices_end(kw_sql *sql, kw_string account)
{
    KW_STATEMENT(q, sql, "DELETE FROM oauth_device WHERE account = ?");
    kw_bind_text(q, 1, account);
    return kw_run(q);
}
