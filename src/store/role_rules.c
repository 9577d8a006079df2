/* Identity mapping rules. OPC 10000-18, 4.4.4. */
#include "base/try.h"
#include "store/roles.h"
#include "store/rows.h"

#define THUMBPRINT_LEN 40

/* RO-10: SHA-1, uppercase hexadecimal digits without spaces. */
static bool is_thumbprint(kw_string value)
{
    for (size_t i = 0; i < value.len; i++) {
        const uint8_t c = value.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'F')) {
            return false;
        }
    }
    return value.len == THUMBPRINT_LEN;
}

/* RO-11: three criteria say it all by themselves, the others need a value. */
static kw_status check(const kw_role_rule *rule)
{
    switch (rule->criteria) {
    case KW_CRITERIA_ANONYMOUS:
    case KW_CRITERIA_AUTHENTICATED_USER:
    case KW_CRITERIA_TRUSTED_APPLICATION:
        return kw_bytes_is_empty(rule->value) ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
    case KW_CRITERIA_THUMBPRINT:
        return is_thumbprint(rule->value) ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
    case KW_CRITERIA_USER_NAME:
    case KW_CRITERIA_ROLE:
    case KW_CRITERIA_GROUP_ID:
    case KW_CRITERIA_APPLICATION:
    case KW_CRITERIA_X509_SUBJECT:
        return kw_store_check_key(rule->value);
    }
    return KW_BAD_INVALID_ARGUMENT;
}

/* Part of the primary key, where null would be unlike itself. */
static kw_string stored_value(const kw_role_rule *rule)
{
    return kw_bytes_is_empty(rule->value) ? KW_STRING("") : rule->value;
}

static kw_status add(kw_turn *t, kw_string role, const kw_role_rule *rule)
{
    KW_TRY(kw_role_check_changeable(t, role));
    KW_STATEMENT(q, t->sql, "INSERT INTO role_rule (role, criteria, value) VALUES (?, ?, ?)");
    kw_bind_text(q, 1, role);
    kw_bind_int(q, 2, rule->criteria);
    kw_bind_text(q, 3, stored_value(rule));
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

kw_status kw_store_role_rule_add(kw_store *s, kw_string role, const kw_role_rule *rule)
{
    KW_TRY(check(rule));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, role, rule));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string role, const kw_role_rule *rule)
{
    KW_TRY(kw_role_check_changeable(t, role));
    KW_STATEMENT(q, t->sql, "DELETE FROM role_rule WHERE role = ? AND criteria = ? AND value = ?");
    kw_bind_text(q, 1, role);
    kw_bind_int(q, 2, rule->criteria);
    kw_bind_text(q, 3, stored_value(rule));
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_role_rule_remove(kw_store *s, kw_string role, const kw_role_rule *rule)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, role, rule));
    }
    return t.status;
}

static void read_rule(kw_statement *q, kw_arena *arena, void *row)
{
    kw_role_rule *rule = row;
    rule->criteria = (kw_criteria)kw_column_int(q, 0);
    rule->value = kw_column_text(q, 1, arena);
    if (kw_bytes_is_empty(rule->value)) {
        rule->value = KW_BYTES_NULL;
    }
}

kw_status kw_role_read_rules(kw_sql *sql, kw_arena *arena, kw_role *role)
{
    KW_STATEMENT(q, sql, "SELECT criteria, value FROM role_rule WHERE role = ? ORDER BY criteria, value");
    kw_bind_text(q, 1, role->name);
    return kw_rows_read(q, arena, sizeof(kw_role_rule), read_rule, (void **)&role->rules, &role->rule_count);
}
