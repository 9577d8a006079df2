#include "authority/policy.h"

#include <string.h>

static bool is_among(const kw_string *values, size_t count, kw_string value)
{
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(values[i], value)) {
            return true;
        }
    }
    return false;
}

static bool has_role(const kw_identity *who, kw_string name)
{
    for (size_t i = 0; i < who->role_count; i++) {
        if (kw_bytes_equal(who->roles[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Names are those that were proven here: a token's `sub` is not one, and neither is an application that only says so. */
bool kw_policy_matches(const kw_token_policy *rule, const kw_identity *who)
{
    if (kw_string_equals(rule->kind, "anyone")) {
        return true;
    }
    if (rule->value.len == 0) {
        return false;
    }
    if (kw_string_equals(rule->kind, "user")) {
        return who->kind == KW_USER_TOKEN_TYPE_USER_NAME && kw_bytes_equal(who->name, rule->value);
    }
    if (kw_string_equals(rule->kind, "group")) {
        return is_among(who->groups, who->group_count, rule->value);
    }
    if (kw_string_equals(rule->kind, "application")) {
        return kw_bytes_equal(who->application_uri, rule->value);
    }
    if (kw_string_equals(rule->kind, "claim-role")) {
        return is_among(who->claimed_roles, who->claimed_role_count, rule->value);
    }
    return kw_string_equals(rule->kind, "role") && has_role(who, rule->value);
}

static size_t count_lines(kw_string text)
{
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.data[i] == '\n';
    }
    return count;
}

static size_t add_lines(kw_string *names, size_t count, kw_string text)
{
    for (size_t start = 0; start < text.len;) {
        const uint8_t *end = memchr(text.data + start, '\n', text.len - start);
        const size_t len = end != NULL ? (size_t)(end - text.data) - start : text.len - start;
        names[count++] = (kw_string){text.data + start, len};
        start += len + 1;
    }
    return count;
}

static void shorten(kw_policy_verdict *verdict, uint32_t lifetime_s)
{
    if (lifetime_s != 0 && (verdict->lifetime_s == 0 || lifetime_s < verdict->lifetime_s)) {
        verdict->lifetime_s = lifetime_s;
    }
}

kw_status kw_policy_decide(const kw_token_policy *rules, size_t count, const kw_identity *who, kw_arena *arena, kw_policy_verdict *out)
{
    size_t most = 0;
    bool are_all = false;
    *out = (kw_policy_verdict){.is_ruled = count > 0, .is_allowed = count == 0};
    for (size_t i = 0; i < count; i++) {
        most += count_lines(rules[i].roles);
    }
    kw_string *names = KW_ARENA_ARRAY(arena, kw_string, most);
    if (names == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if (kw_policy_matches(&rules[i], who)) {
            out->is_allowed = true;
            are_all = are_all || rules[i].roles.len == 0;
            out->roles.count = add_lines(names, out->roles.count, rules[i].roles);
            shorten(out, rules[i].lifetime_s);
        }
    }
    out->roles.names = names;
    out->roles.count = are_all ? 0 : out->roles.count;
    return KW_GOOD;
}
