#include "app/policy_test.h"

#include "app/ldap_plan.h"
#include "app/output.h"
#include "authority/policy.h"
#include "identity/gate.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_LIFETIME_S 3600u

/* --- rules in words ------------------------------------------------------------------------------------------------------- */

kw_string kw_policy_subject(kw_arena *arena, const kw_token_policy *rule)
{
    return rule->value.len == 0 ? rule->kind : kw_arena_format(arena, "%.*s %.*s", KW_STRING_ARGS(rule->kind), KW_STRING_ARGS(rule->value));
}

static kw_string with_commas(kw_arena *arena, kw_string lines)
{
    kw_string all = KW_STRING("");
    for (size_t start = 0; start < lines.len;) {
        const uint8_t *end = memchr(lines.data + start, '\n', lines.len - start);
        const size_t len = end != NULL ? (size_t)(end - lines.data) - start : lines.len - start;
        all =
            kw_arena_format(arena, "%.*s%s%.*s", KW_STRING_ARGS(all), all.len > 0 ? ", " : "", (int)len, (const char *)lines.data + start);
        start += len + 1;
    }
    return all;
}

kw_string kw_policy_roles(kw_arena *arena, const kw_token_policy *rule)
{
    return rule->roles.len == 0 ? KW_STRING("all that he has") : with_commas(arena, rule->roles);
}

kw_string kw_policy_sentence(kw_arena *arena, const kw_token_policy *rule)
{
    const kw_string who = kw_policy_subject(arena, rule), roles = kw_policy_roles(arena, rule);
    const kw_string time = rule->lifetime_s == 0 ? KW_STRING("") : kw_arena_format(arena, ", for %u s at most", rule->lifetime_s);
    return kw_arena_format(arena, "%.*s may have tokens for %.*s with Roles: %.*s%.*s", KW_STRING_ARGS(who), KW_STRING_ARGS(rule->resource),
                           KW_STRING_ARGS(roles), KW_STRING_ARGS(time));
}

/* --- a decision, step by step ----------------------------------------------------------------------------------------------- */

typedef struct explanation {
    kw_directory *d;
    const kw_policy_options *options;
    kw_identity_gate *gate;
    kw_user_directory looked; /* of a user of the directory; not to be asked again */
    kw_identity *who;         /* with Roles */
    kw_resource resource;
    kw_token_policy *rules;
    size_t rule_count;
    kw_policy_verdict verdict;
    uint32_t lifetime_s;
} explanation;

static kw_string *strings_of(kw_arena *arena, const kw_option_list *words)
{
    kw_string *list = KW_ARENA_ARRAY(arena, kw_string, words->count);
    for (size_t i = 0; list != NULL && i < words->count; i++) {
        list[i] = kw_string_from(words->items[i]);
    }
    return list;
}

/* Whom the store does not know, in a plant that has a directory. No password is tried. */
static int ask_directory(const explanation *e, kw_identity *out)
{
    kw_ldap_plan plan = {.ldap = NULL};
    kw_directory_user user;
    const char *why = "";
    int code = kw_ldap_plan_open(e->d, &KW_LOG_QUIET, &plan);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_ldap_explain(plan.ldap, out->name, KW_BYTES_NULL, NULL, e->d->arena, &user, &why);
    if (kw_status_is_bad(status)) {
        code = kw_fail(status, "the store has no user %s, and the directory: %s; `keyway directory test` shows every step",
                       e->options->user, why);
    } else {
        out->kind = KW_USER_TOKEN_TYPE_USER_NAME;
        out->directory_id = user.id;
        out->groups = user.groups;
        out->group_count = user.group_count;
        out->looked_up = kw_clock_utc(&KW_CLOCK_SYSTEM);
    }
    kw_ldap_plan_close(&plan);
    return code;
}

/* A user of this store, or of the directory; or, with --issuer, somebody with a token from elsewhere; or an application that speaks for itself. */
static int suppose(const explanation *e, kw_identity *out)
{
    const kw_policy_options *o = e->options;
    kw_user user;
    *out = (kw_identity){.kind = KW_USER_TOKEN_TYPE_ANONYMOUS,
                         .name = kw_string_from(o->user),
                         .application_uri = kw_string_from(o->application),
                         .groups = strings_of(e->d->arena, &o->groups),
                         .group_count = o->groups.count,
                         .claimed_roles = strings_of(e->d->arena, &o->claim_roles),
                         .claimed_role_count = o->claim_roles.count};
    if (o->issuer != NULL) {
        out->kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN;
        out->issuer = kw_string_from(o->issuer);
        return -1;
    }
    if (o->user == NULL) {
        return o->application != NULL ? -1
                                      : kw_fail(KW_BAD_INVALID_ARGUMENT, "who is it? Give --user NAME, --issuer URI or --application URI");
    }
    const kw_status status = kw_store_user_get(e->d->store, out->name, e->d->arena, &user);
    if (status == KW_BAD_NOT_FOUND && e->d->config->directory != NULL) {
        return ask_directory(e, out);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "there is no user %s; `keyway user list` shows them, --issuer URI supposes a token from there", o->user);
    }
    if ((user.configuration & KW_USER_DISABLED) != 0) {
        return kw_fail(KW_BAD_USER_ACCESS_DENIED, "the user %s is disabled; `keyway user enable` changes that", o->user);
    }
    out->kind = KW_USER_TOKEN_TYPE_USER_NAME;
    out->account_created = user.created;
    return -1;
}

static int find_roles(explanation *e)
{
    kw_identity supposed;
    const int code = suppose(e, &supposed);
    if (code >= 0) {
        return code;
    }
    const kw_identity_claim claim = {.channel_policy = &KW_POLICY_NONE,
                                     .application_uri = supposed.application_uri,
                                     .is_application_proven = supposed.application_uri.len > 0,
                                     .is_live = true}; /* a user of the directory was looked up right now */
    kw_refusal refusal = {.why = ""};
    const kw_status status = kw_identity_review(e->gate, &supposed, &claim, &e->who, &refusal);
    if (status == KW_BAD_IDENTITY_TOKEN_REJECTED) {
        return kw_fail(status, "the issuer %s is not trusted; `keyway issuer list` shows those that are", e->options->issuer);
    }
    return kw_status_is_bad(status) ? kw_fail(status, "the Roles could not be found out") : -1;
}

static int decide(explanation *e, const char *resource)
{
    const kw_config *config = e->d->config;
    kw_status status = kw_store_resource_get(e->d->store, kw_string_from(resource), e->d->arena, &e->resource);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the resource %s is not registered; `keyway resource list` shows them", resource);
    }
    status = kw_store_policy_list(e->d->store, e->resource.uri, e->d->arena, &e->rules, &e->rule_count);
    if (!kw_status_is_bad(status)) {
        status = kw_policy_decide(e->rules, e->rule_count, e->who, e->d->arena, &e->verdict);
    }
    const uint32_t usual = config->authority.token_lifetime != 0 ? config->authority.token_lifetime : DEFAULT_LIFETIME_S;
    e->lifetime_s = e->resource.token_lifetime_s != 0 ? e->resource.token_lifetime_s : usual;
    if (e->verdict.lifetime_s != 0 && e->verdict.lifetime_s < e->lifetime_s) {
        e->lifetime_s = e->verdict.lifetime_s;
    }
    return kw_status_is_bad(status) ? kw_fail(status, "the rules could not be read") : -1;
}

static bool is_in_token(const explanation *e, const kw_granted_role *role)
{
    bool is_wanted = e->verdict.roles.count == 0;
    for (size_t i = 0; i < e->verdict.roles.count; i++) {
        is_wanted = is_wanted || kw_bytes_equal(e->verdict.roles.names[i], role->name);
    }
    return is_wanted && kw_role_is_worth_a_claim(role->ns, role->id);
}

static json_t *token_roles(const explanation *e)
{
    json_t *roles = json_array();
    for (size_t i = 0; i < e->who->role_count; i++) {
        if (is_in_token(e, &e->who->roles[i])) {
            json_array_append_new(roles, kw_json_string(e->who->roles[i].name));
        }
    }
    return roles;
}

static int print_as_json(const explanation *e)
{
    json_t *held = json_array(), *rules = json_array();
    for (size_t i = 0; i < e->who->role_count; i++) {
        json_array_append_new(held, kw_json_string(e->who->roles[i].name));
    }
    for (size_t i = 0; i < e->rule_count; i++) {
        json_array_append_new(rules, json_pack("{s:i,s:o,s:b}", "rule", (int)e->rules[i].id, "says",
                                               kw_json_string(kw_policy_sentence(e->d->arena, &e->rules[i])), "matches",
                                               (int)kw_policy_matches(&e->rules[i], e->who)));
    }
    kw_print_json(json_pack("{s:o,s:o,s:b,s:o,s:i}", "roles", held, "rules", rules, "allowed", (int)e->verdict.is_allowed, "token",
                            token_roles(e), "lifetime", (int)e->lifetime_s));
    return e->verdict.is_allowed ? KW_EXIT_DONE : KW_EXIT_FAILED;
}

static void print_who(const explanation *e)
{
    const kw_policy_options *o = e->options;
    printf("who       %s%s%s\n",
           o->user != NULL          ? o->user
           : o->application != NULL ? o->application
                                    : "somebody",
           o->issuer != NULL ? ", by a token of " : "", o->issuer != NULL ? o->issuer : "");
    printf("Roles    ");
    for (size_t i = 0; i < e->who->role_count; i++) {
        printf(" %.*s", KW_STRING_ARGS(e->who->roles[i].name));
    }
    printf("   (by the mapping rules: `keyway role list`)\n");
}

static void print_rules(const explanation *e)
{
    printf("resource  %.*s\n", KW_STRING_ARGS(e->resource.uri));
    for (size_t i = 0; i < e->rule_count; i++) {
        printf("rule %-4u %s  %.*s\n", e->rules[i].id, kw_policy_matches(&e->rules[i], e->who) ? "fits " : "is for others:",
               KW_STRING_ARGS(kw_policy_sentence(e->d->arena, &e->rules[i])));
    }
    if (e->rule_count == 0) {
        printf("rules     none for this resource: every user who is proven may have a token\n");
    }
}

static int print_verdict(const explanation *e)
{
    if (!e->verdict.is_allowed) {
        printf("verdict   no token: none of the rules is about this user; `keyway policy allow` adds one\n");
        return KW_EXIT_FAILED;
    }
    json_t *roles = token_roles(e);
    printf("verdict   a token for %u s with %s", e->lifetime_s, json_array_size(roles) == 0 ? "no Roles" : "Roles:");
    for (size_t i = 0; i < json_array_size(roles); i++) {
        printf(" %s", json_string_value(json_array_get(roles, i)));
    }
    printf("\n");
    json_decref(roles);
    return KW_EXIT_DONE;
}

int kw_policy_test(kw_directory *d, const char *resource, const kw_policy_options *options, bool json)
{
    explanation e = {.d = d, .options = options, .looked = {.recheck_s = 3600}};
    kw_identity_config config = KW_IDENTITY_CONFIG_DEFAULT;
    if (kw_status_is_bad(kw_identity_gate_new(&config, d->store, &KW_CLOCK_SYSTEM, &KW_RANDOM_SYSTEM, &KW_LOG_QUIET, &e.gate))) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "the rules could not be looked at");
    }
    kw_identity_gate_set_directory(e.gate, &e.looked);
    int code = find_roles(&e);
    code = code < 0 ? decide(&e, resource) : code;
    if (code < 0 && json) {
        code = print_as_json(&e);
    } else if (code < 0) {
        print_who(&e);
        print_rules(&e);
        code = print_verdict(&e);
    }
    kw_identity_release(e.who);
    kw_identity_gate_free(e.gate);
    return code;
}
