/* Roles and their mapping rules. OPC 10000-18, 4. */
#include "base/try.h"
#include "store/rows.h"

#define RULE_VALUE(rule) ((rule)->value.data != NULL ? (rule)->value : KW_STRING(""))

/* RO-04, RO-05: these three are what they are. */
static bool is_fixed(kw_string role)
{
    return kw_string_equals(role, "Anonymous") || kw_string_equals(role, "AuthenticatedUser") || kw_string_equals(role, "TrustedApplication");
}

static kw_status add(kw_store *s, const kw_role *role)
{
    KW_STATEMENT(q, s, "INSERT INTO role VALUES (?, ?, ?, 0, ?, ?, ?)");
    kw_bind_text(q, 1, role->name);
    kw_bind_text(q, 2, role->namespace_uri);
    kw_bind_int(q, 3, role->node_id);
    kw_bind_int(q, 4, role->custom_configuration);
    kw_bind_int(q, 5, role->applications_exclude);
    kw_bind_int(q, 6, role->endpoints_exclude);
    KW_TRY(kw_run(q));
    return kw_store_touch(s);
}

kw_status kw_store_role_add(kw_store *s, const kw_role *role)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, add(s, role));
}

static kw_status is_well_known(kw_store *s, kw_string name, bool *out)
{
    KW_STATEMENT(q, s, "SELECT well_known FROM role WHERE name = ?");
    kw_bind_text(q, 1, name);
    const kw_status status = kw_step(q);
    *out = status == KW_GOOD && kw_column_int(q, 0) != 0;
    kw_statement_done(q);
    return status == KW_GOOD_NO_DATA ? KW_BAD_NOT_FOUND : status;
}

static kw_status drop(kw_store *s, kw_string name)
{
    bool well_known = false;
    KW_TRY(is_well_known(s, name, &well_known));
    if (well_known) {
        return KW_BAD_REQUEST_NOT_ALLOWED;
    }
    KW_STATEMENT(q, s, "DELETE FROM role WHERE name = ?");
    kw_bind_text(q, 1, name);
    KW_TRY(kw_run(q));
    return kw_store_touch(s);
}

kw_status kw_store_role_remove(kw_store *s, kw_string name)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, drop(s, name));
}

static kw_status add_rule(kw_store *s, kw_string role, const kw_role_rule *rule)
{
    bool ignored;
    KW_TRY(is_well_known(s, role, &ignored));
    if (is_fixed(role)) {
        return KW_BAD_REQUEST_NOT_ALLOWED;
    }
    KW_STATEMENT(q, s, "INSERT INTO role_rule VALUES (?, ?, ?)");
    kw_bind_text(q, 1, role);
    kw_bind_int(q, 2, rule->criteria);
    kw_bind_text(q, 3, RULE_VALUE(rule));
    KW_TRY(kw_run(q));
    return kw_store_touch(s);
}

kw_status kw_store_role_rule_add(kw_store *s, kw_string role, const kw_role_rule *rule)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, add_rule(s, role, rule));
}

static kw_status drop_rule(kw_store *s, kw_string role, const kw_role_rule *rule)
{
    bool ignored;
    KW_TRY(is_well_known(s, role, &ignored));
    if (is_fixed(role)) {
        return KW_BAD_REQUEST_NOT_ALLOWED;
    }
    KW_STATEMENT(q, s, "DELETE FROM role_rule WHERE role = ? AND criteria = ? AND value = ?");
    kw_bind_text(q, 1, role);
    kw_bind_int(q, 2, rule->criteria);
    kw_bind_text(q, 3, RULE_VALUE(rule));
    KW_TRY(kw_store_expect_change(s, kw_run(q)));
    return kw_store_touch(s);
}

kw_status kw_store_role_rule_remove(kw_store *s, kw_string role, const kw_role_rule *rule)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, drop_rule(s, role, rule));
}

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

static void read_rule(kw_statement *q, kw_arena *arena, void *row)
{
    kw_role_rule *rule = row;
    rule->criteria = (kw_criteria)kw_column_int(q, 0);
    rule->value = kw_column_text(q, 1, arena);
    if (rule->value.len == 0) {
        rule->value = KW_BYTES_NULL;
    }
}

static void read_uri(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_string *)row = kw_column_text(q, 0, arena);
}

static kw_status fill(kw_store *s, kw_arena *arena, kw_role *role)
{
    KW_STATEMENT(rules, s, "SELECT criteria, value FROM role_rule WHERE role = ? ORDER BY criteria, value");
    kw_bind_text(rules, 1, role->name);
    KW_TRY(kw_rows_read(rules, arena, sizeof(kw_role_rule), read_rule, (void **)&role->rules, &role->rule_count));
    KW_STATEMENT(applications, s, "SELECT uri FROM role_application WHERE role = ? ORDER BY uri");
    kw_bind_text(applications, 1, role->name);
    return kw_rows_read(applications, arena, sizeof(kw_string), read_uri, (void **)&role->applications, &role->application_count);
}

static kw_status list(kw_store *s, kw_arena *arena, kw_role **out, size_t *count)
{
    KW_STATEMENT(q, s, "SELECT name, namespace_uri, node_id, well_known, custom, applications_exclude, endpoints_exclude FROM role ORDER BY node_id, name");
    KW_TRY(kw_rows_read(q, arena, sizeof(kw_role), read_role, (void **)out, count));
    for (size_t i = 0; i < *count; i++) {
        KW_TRY(fill(s, arena, &(*out)[i]));
    }
    return KW_GOOD;
}

kw_status kw_store_role_list(kw_store *s, kw_arena *arena, kw_role **out, size_t *count)
{
    kw_store_lock(s);
    const kw_status status = list(s, arena, out, count);
    kw_store_unlock(s);
    return status;
}
