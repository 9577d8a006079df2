/* Roles: what they are and to which applications they are limited; the rest is in role_endpoints.c and role_rules.c. OPC 10000-18, 4. */
#include "store/roles.h"

#include "base/try.h"
#include "store/rows.h"

#include <inttypes.h>
#include <stdio.h>

#define FIRST_NODE_ID 50000u
#define LAST_NODE_ID "role.last_node_id" /* setting: the last number that was given away */
#define COLUMNS "name, namespace_uri, node_id, well_known, custom, applications_exclude, endpoints_exclude"

/* --- looking one up to change it -------------------------------------------------------------------------------------- */

static kw_status is_well_known(kw_sql *sql, kw_string name, bool *out)
{
    KW_STATEMENT(q, sql, "SELECT well_known FROM role WHERE name = ?");
    kw_bind_text(q, 1, name);
    const kw_status status = kw_step(q);
    *out = status == KW_GOOD && kw_column_int(q, 0) != 0;
    kw_statement_done(q);
    return status == KW_GOOD_NO_DATA ? KW_BAD_NOT_FOUND : status;
}

kw_status kw_role_check_changeable(kw_turn *t, kw_string name)
{
    bool well_known = false;
    KW_TRY(is_well_known(t->sql, name, &well_known));
    const bool is_fixed =
        kw_string_equals(name, "Anonymous") || kw_string_equals(name, "AuthenticatedUser") || kw_string_equals(name, "TrustedApplication");
    return well_known && is_fixed ? KW_BAD_REQUEST_NOT_ALLOWED : KW_GOOD;
}

/* --- the Role itself -------------------------------------------------------------------------------------------------- */

static kw_status read_last(kw_sql *sql, int64_t *last, int64_t *count)
{
    KW_STATEMENT(q, sql,
                 "SELECT COALESCE(MAX(node_id), 0), COUNT(*), COALESCE((SELECT CAST(value AS BIGINT) FROM setting WHERE key = ?), 0)"
                 " FROM role WHERE well_known = 0");
    kw_bind_text(q, 1, KW_STRING(LAST_NODE_ID));
    const kw_status status = kw_step(q);
    const int64_t most = status == KW_GOOD ? kw_column_int(q, 0) : 0, given = status == KW_GOOD ? kw_column_int(q, 2) : 0;
    *last = most > given ? most : given;
    *count = status == KW_GOOD ? kw_column_int(q, 1) : 0;
    kw_statement_done(q);
    return status;
}

/*
 * A number that no Role has or had: what is allowed to a Role that was removed must not be allowed to the next one. In the turn that
 * adds the Role, so that two who add at once get two.
 */
static kw_status next_node_id(kw_sql *sql, uint32_t *id)
{
    char text[12];
    int64_t last = 0, count = 0;
    KW_TRY(read_last(sql, &last, &count));
    if (count >= KW_STORE_ROLES_MAX || last >= UINT32_MAX) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    *id = last < FIRST_NODE_ID ? FIRST_NODE_ID : (uint32_t)last + 1;
    snprintf(text, sizeof(text), "%" PRIu32, *id);
    KW_STATEMENT(q, sql, "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    kw_bind_text(q, 1, KW_STRING(LAST_NODE_ID));
    kw_bind_text(q, 2, kw_string_from(text));
    return kw_run(q);
}

/* Without a restriction to applications or endpoints: an empty list that excludes (RO-09). */
static kw_status add(kw_turn *t, const kw_role *role)
{
    uint32_t node_id = role->node_id;
    if (node_id == 0) {
        KW_TRY(next_node_id(t->sql, &node_id));
    }
    KW_STATEMENT(q, t->sql, "INSERT INTO role (" COLUMNS ") VALUES (?, ?, ?, 0, 0, 1, 1)");
    kw_bind_text(q, 1, role->name);
    kw_bind_text(q, 2, role->namespace_uri);
    kw_bind_int(q, 3, node_id);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_add(kw_store *s, const kw_role *role)
{
    KW_TRY(kw_store_check_key(role->name));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, role));
    }
    return t.status;
}

static kw_status set(kw_turn *t, const kw_role *role)
{
    KW_TRY(kw_role_check_changeable(t, role->name));
    KW_STATEMENT(q, t->sql, "UPDATE role SET custom = ?, applications_exclude = ?, endpoints_exclude = ? WHERE name = ?");
    kw_bind_int(q, 1, role->custom_configuration);
    kw_bind_int(q, 2, role->applications_exclude);
    kw_bind_int(q, 3, role->endpoints_exclude);
    kw_bind_text(q, 4, role->name);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_set(kw_store *s, const kw_role *role)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, set(&t, role));
    }
    return t.status;
}

static kw_status exclude(kw_turn *t, kw_string name, const bool *applications, const bool *endpoints)
{
    KW_TRY(kw_role_check_changeable(t, name));
    KW_STATEMENT(q, t->sql,
                 "UPDATE role SET applications_exclude = CASE WHEN ? = 1 THEN ? ELSE applications_exclude END,"
                 " endpoints_exclude = CASE WHEN ? = 1 THEN ? ELSE endpoints_exclude END WHERE name = ?");
    kw_bind_int(q, 1, applications != NULL);
    kw_bind_int(q, 2, applications != NULL && *applications);
    kw_bind_int(q, 3, endpoints != NULL);
    kw_bind_int(q, 4, endpoints != NULL && *endpoints);
    kw_bind_text(q, 5, name);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_exclude(kw_store *s, kw_string name, const bool *applications, const bool *endpoints)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, exclude(&t, name, applications, endpoints));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string name)
{
    bool well_known = false;
    KW_TRY(is_well_known(t->sql, name, &well_known));
    if (well_known) {
        return KW_BAD_REQUEST_NOT_ALLOWED;
    }
    KW_STATEMENT(q, t->sql, "DELETE FROM role WHERE name = ?");
    kw_bind_text(q, 1, name);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_remove(kw_store *s, kw_string name)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, name));
    }
    return t.status;
}

/* --- applications ----------------------------------------------------------------------------------------------------- */

static kw_status add_application(kw_turn *t, kw_string role, kw_string uri)
{
    KW_TRY(kw_role_check_changeable(t, role));
    KW_STATEMENT(q, t->sql, "INSERT INTO role_application (role, uri) VALUES (?, ?)");
    kw_bind_text(q, 1, role);
    kw_bind_text(q, 2, uri);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_application_add(kw_store *s, kw_string role, kw_string uri)
{
    KW_TRY(kw_store_check_key(uri));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add_application(&t, role, uri));
    }
    return t.status;
}

static kw_status drop_application(kw_turn *t, kw_string role, kw_string uri)
{
    KW_TRY(kw_role_check_changeable(t, role));
    KW_STATEMENT(q, t->sql, "DELETE FROM role_application WHERE role = ? AND uri = ?");
    kw_bind_text(q, 1, role);
    kw_bind_text(q, 2, uri);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_role_application_remove(kw_store *s, kw_string role, kw_string uri)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop_application(&t, role, uri));
    }
    return t.status;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static void read_role(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_role *)row = (kw_role){.name = kw_column_text(q, 0, arena),
                                .namespace_uri = kw_column_text(q, 1, arena),
                                .node_id = (uint32_t)kw_column_int(q, 2),
                                .is_well_known = kw_column_int(q, 3) != 0,
                                .custom_configuration = kw_column_int(q, 4) != 0,
                                .applications_exclude = kw_column_int(q, 5) != 0,
                                .endpoints_exclude = kw_column_int(q, 6) != 0};
}

static void read_uri(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_string *)row = kw_column_text(q, 0, arena);
}

static kw_status read_applications(kw_sql *sql, kw_arena *arena, kw_role *role)
{
    KW_STATEMENT(q, sql, "SELECT uri FROM role_application WHERE role = ? ORDER BY uri");
    kw_bind_text(q, 1, role->name);
    return kw_rows_read(q, arena, sizeof(kw_string), read_uri, (void **)&role->applications, &role->application_count);
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_role **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM role ORDER BY node_id, name");
    KW_TRY(kw_rows_read(q, arena, sizeof(kw_role), read_role, (void **)out, count));
    for (size_t i = 0; i < *count; i++) {
        KW_TRY(kw_role_read_rules(sql, arena, &(*out)[i]));
        KW_TRY(read_applications(sql, arena, &(*out)[i]));
        KW_TRY(kw_role_read_endpoints(sql, arena, &(*out)[i]));
    }
    return KW_GOOD;
}

kw_status kw_store_role_list(kw_store *s, kw_arena *arena, kw_role **out, size_t *count)
{
    kw_role *roles = NULL;
    size_t found = 0;
    kw_turn t = kw_turn_of(s, KW_TURN_READ);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, &roles, &found));
    }
    KW_TRY(t.status);
    *out = roles;
    *count = found;
    return KW_GOOD;
}
