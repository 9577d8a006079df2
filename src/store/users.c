#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "name, password_hash, configuration, description, created, changed"

/* What was granted to the user on the strength of a password that is gone. */
static kw_status end_grants(kw_sql *sql, kw_string account)
{
    KW_TRY(kw_refresh_grants_end(sql, account));
    KW_TRY(kw_oauth_codes_end(sql, account));
    return kw_oauth_devices_end(sql, account);
}

static kw_status add(kw_turn *t, const kw_user *user)
{
    KW_STATEMENT(q, t->sql, "INSERT INTO account (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)");
    kw_bind_text(q, 1, user->name);
    kw_bind_text(q, 2, user->password_hash);
    kw_bind_int(q, 3, user->configuration);
    kw_bind_text(q, 4, user->description);
    kw_bind_int(q, 5, kw_turn_now(t));
    kw_bind_int(q, 6, kw_turn_now(t));
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_user_add(kw_store *s, const kw_user *user)
{
    KW_TRY(kw_store_check_key(user->name));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, user));
    }
    return t.status;
}

static kw_status has_password(kw_sql *sql, const kw_user *user, bool *out)
{
    KW_STATEMENT(q, sql, "SELECT COUNT(*) FROM account WHERE name = ? AND COALESCE(password_hash, '') = COALESCE(?, '')");
    kw_bind_text(q, 1, user->name);
    kw_bind_text(q, 2, user->password_hash);
    const kw_status status = kw_step(q);
    *out = status == KW_GOOD && kw_column_int(q, 0) > 0;
    kw_statement_done(q);
    return status;
}

static kw_status set(kw_turn *t, const kw_user *user)
{
    bool is_same = false;
    KW_TRY(has_password(t->sql, user, &is_same));
    if (!is_same) { /* who knew the former one is to prove himself again */
        KW_TRY(end_grants(t->sql, user->name));
    }
    KW_STATEMENT(q, t->sql, "UPDATE account SET password_hash = ?, configuration = ?, description = ?, changed = ? WHERE name = ?");
    kw_bind_text(q, 1, user->password_hash);
    kw_bind_int(q, 2, user->configuration);
    kw_bind_text(q, 3, user->description);
    kw_bind_int(q, 4, kw_turn_now(t));
    kw_bind_text(q, 5, user->name);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_user_set(kw_store *s, const kw_user *user)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, set(&t, user));
    }
    return t.status;
}

static kw_status change(kw_turn *t, const kw_user_change *c)
{
    const kw_string none = KW_BYTES_NULL;
    KW_STATEMENT(q, t->sql,
                 "UPDATE account SET password_hash = CASE WHEN ? = 1 THEN ? ELSE password_hash END,"
                 " description = CASE WHEN ? = 1 THEN ? ELSE description END, configuration = (configuration & ?) | ?, changed = ?"
                 " WHERE name = ? AND (? = 0 OR password_hash = ?)");
    kw_bind_int(q, 1, c->password_hash != NULL);
    kw_bind_text(q, 2, c->password_hash != NULL ? *c->password_hash : none);
    kw_bind_int(q, 3, c->description != NULL);
    kw_bind_text(q, 4, c->description != NULL ? *c->description : none);
    kw_bind_int(q, 5, ~c->configuration_cleared);
    kw_bind_int(q, 6, c->configuration_set);
    kw_bind_int(q, 7, kw_turn_now(t));
    kw_bind_text(q, 8, c->name);
    kw_bind_int(q, 9, c->former_hash != NULL);
    kw_bind_text(q, 10, c->former_hash != NULL ? *c->former_hash : none);
    const kw_status status = kw_turn_expect_change(t, kw_run(q));
    if (status == KW_BAD_NOT_FOUND && c->former_hash != NULL) {
        return KW_BAD_INVALID_STATE;
    }
    KW_TRY(status);
    if (c->password_hash != NULL) {
        KW_TRY(end_grants(t->sql, c->name));
    }
    return kw_turn_touch(t);
}

kw_status kw_store_user_change(kw_store *s, const kw_user_change *c)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, change(&t, c));
    }
    return t.status;
}

static kw_status check_removable(kw_sql *sql, kw_string name)
{
    KW_STATEMENT(q, sql, "SELECT configuration FROM account WHERE name = ?");
    kw_bind_text(q, 1, name);
    const kw_status status = kw_step(q);
    const int64_t configuration = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    if (status != KW_GOOD) {
        return status == KW_GOOD_NO_DATA ? KW_BAD_NOT_FOUND : status;
    }
    return (configuration & KW_USER_NO_DELETE) != 0 ? KW_BAD_NOT_SUPPORTED : KW_GOOD;
}

static kw_status drop(kw_turn *t, kw_string name)
{
    KW_TRY(check_removable(t->sql, name));
    KW_STATEMENT(q, t->sql, "DELETE FROM account WHERE name = ?");
    kw_bind_text(q, 1, name);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    /* A later user of the same name must not inherit Roles. */
    KW_STATEMENT(rules, t->sql, "DELETE FROM role_rule WHERE criteria = 1 AND value = ?");
    kw_bind_text(rules, 1, name);
    KW_TRY(kw_run(rules));
    KW_TRY(end_grants(t->sql, name));
    return kw_turn_touch(t);
}

kw_status kw_store_user_remove(kw_store *s, kw_string name)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, name));
    }
    return t.status;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_user *)row = (kw_user){.name = kw_column_text(q, 0, arena),
                                .password_hash = kw_column_text(q, 1, arena),
                                .configuration = (uint32_t)kw_column_int(q, 2),
                                .description = kw_column_text(q, 3, arena),
                                .created = kw_column_int(q, 4),
                                .changed = kw_column_int(q, 5)};
}

static kw_status get(kw_sql *sql, kw_string name, kw_arena *arena, kw_user *out)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM account WHERE name = ?");
    kw_bind_text(q, 1, name);
    return kw_row_read(q, arena, read_row, out);
}

kw_status kw_store_user_get(kw_store *s, kw_string name, kw_arena *arena, kw_user *out)
{
    kw_user found;
    if (kw_status_is_bad(kw_store_check_key(name))) { /* what cannot be a name is no user's, whatever an engine thinks of it */
        return KW_BAD_NOT_FOUND;
    }
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, get(t.sql, name, arena, &found));
    }
    KW_TRY(t.status);
    *out = found;
    return KW_GOOD;
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_user **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM account ORDER BY name");
    return kw_rows_read(q, arena, sizeof(kw_user), read_row, (void **)out, count);
}

kw_status kw_store_user_list(kw_store *s, kw_arena *arena, kw_user **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}
