/* The endpoints that Roles are limited to. OPC 10000-18, 4.4.1. */
#include "base/try.h"
#include "store/roles.h"
#include "store/rows.h"

#define MODE_MAX 3 /* SignAndEncrypt */

static bool is_text(kw_string s)
{
    return kw_bytes_is_empty(s) || kw_utf8_is_valid(s, false);
}

static kw_status check(const kw_role_endpoint *e)
{
    const bool says_something = !kw_bytes_is_empty(e->url) || e->security_mode != 0 || !kw_bytes_is_empty(e->security_policy_uri) ||
                                !kw_bytes_is_empty(e->transport_profile_uri);
    const bool is_sound = e->security_mode >= 0 && e->security_mode <= MODE_MAX && is_text(e->url) && is_text(e->security_policy_uri) &&
                          is_text(e->transport_profile_uri);
    return says_something && is_sound ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
}

/* Part of the primary key, where null would be unlike itself. */
static kw_string stored(kw_string s)
{
    return kw_bytes_is_empty(s) ? KW_STRING("") : s;
}

static void bind(kw_statement *q, kw_string role, const kw_role_endpoint *e)
{
    kw_bind_text(q, 1, role);
    kw_bind_text(q, 2, stored(e->url));
    kw_bind_int(q, 3, e->security_mode);
    kw_bind_text(q, 4, stored(e->security_policy_uri));
    kw_bind_text(q, 5, stored(e->transport_profile_uri));
}

static kw_status add(kw_turn *t, kw_string role, const kw_role_endpoint *endpoint)
{
    KW_TRY(kw_role_check_changeable(t, role));
    KW_STATEMENT(q, t->sql, "INSERT INTO role_endpoint (role, url, mode, policy, transport) VALUES (?, ?, ?, ?, ?)");
    bind(q, role, endpoint);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_endpoint_add(kw_store *s, kw_string role, const kw_role_endpoint *endpoint)
{
    KW_TRY(check(endpoint));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, role, endpoint));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string role, const kw_role_endpoint *endpoint)
{
    KW_TRY(kw_role_check_changeable(t, role));
    KW_STATEMENT(q, t->sql, "DELETE FROM role_endpoint WHERE role = ? AND url = ? AND mode = ? AND policy = ? AND transport = ?");
    bind(q, role, endpoint);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_role_endpoint_remove(kw_store *s, kw_string role, const kw_role_endpoint *endpoint)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, role, endpoint));
    }
    return t.status;
}

static kw_string null_if_empty(kw_string s)
{
    return kw_bytes_is_empty(s) ? KW_BYTES_NULL : s;
}

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_role_endpoint *)row = (kw_role_endpoint){.url = null_if_empty(kw_column_text(q, 0, arena)),
                                                  .security_mode = (int32_t)kw_column_int(q, 1),
                                                  .security_policy_uri = null_if_empty(kw_column_text(q, 2, arena)),
                                                  .transport_profile_uri = null_if_empty(kw_column_text(q, 3, arena))};
}

kw_status kw_role_read_endpoints(kw_sql *sql, kw_arena *arena, kw_role *role)
{
    KW_STATEMENT(q, sql, "SELECT url, mode, policy, transport FROM role_endpoint WHERE role = ? ORDER BY url, mode, policy, transport");
    kw_bind_text(q, 1, role->name);
    return kw_rows_read(q, arena, sizeof(kw_role_endpoint), read_row, (void **)&role->endpoints, &role->endpoint_count);
}
