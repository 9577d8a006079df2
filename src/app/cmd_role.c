/* keyway role: Roles and the rules by which people get them (OPC 10000-18). */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "app/role_limits.h"

#include <stdio.h>
#include <string.h>

#define ROLE_NAME_MAX 128

typedef struct role_options {
    const char *directory;
    const char *user, *group, *claim_role, *thumbprint, *subject;
    bool anonymous, authenticated, trusted_application;
    kw_role_limit_options limit; /* its application is a criterion too */
    bool json;
} role_options;

static const char *criteria_name(kw_criteria criteria)
{
    static const char *const NAMES[] = {"",          "user",          "thumbprint",  "claim-role", "group",
                                        "anonymous", "authenticated", "application", "subject",    "trusted-application"};
    return criteria <= KW_CRITERIA_TRUSTED_APPLICATION ? NAMES[criteria] : "";
}

/* Exactly one criterion must be given. Returns -1 or an exit code. */
static int rule_of(const kw_command *self, const role_options *options, kw_arena *arena, kw_role_rule *rule)
{
    const struct {
        kw_criteria criteria;
        const char *value;
    } given[] = {
        {KW_CRITERIA_USER_NAME, options->user},        {KW_CRITERIA_GROUP_ID, options->group},
        {KW_CRITERIA_ROLE, options->claim_role},       {KW_CRITERIA_APPLICATION, options->limit.application},
        {KW_CRITERIA_THUMBPRINT, options->thumbprint}, {KW_CRITERIA_X509_SUBJECT, options->subject},
    };
    const struct {
        kw_criteria criteria;
        bool is_given;
    } flags[] = {{KW_CRITERIA_ANONYMOUS, options->anonymous},
                 {KW_CRITERIA_AUTHENTICATED_USER, options->authenticated},
                 {KW_CRITERIA_TRUSTED_APPLICATION, options->trusted_application}};
    size_t found = 0;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (flags[i].is_given) { /* RO-11: it says it all by itself */
            *rule = (kw_role_rule){flags[i].criteria, KW_BYTES_NULL};
            found++;
        }
    }
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i].value != NULL) {
            *rule = (kw_role_rule){given[i].criteria, kw_arena_copy(arena, kw_string_from(given[i].value))};
            found++;
        }
    }
    if (found != 1) {
        return kw_usage_error(self, "give one of --user, --group, --claim-role, --application, --thumbprint, --subject, --anonymous, "
                                    "--authenticated, --trusted-application");
    }
    const bool needs_value = !options->anonymous && !options->authenticated && !options->trusted_application;
    if (needs_value && rule->value.len == 0) {
        return kw_usage_error(self, "the criterion is empty");
    }
    if (rule->criteria == KW_CRITERIA_THUMBPRINT) { /* RO-10: uppercase hex without spaces */
        uint8_t *hex = (uint8_t *)kw_arena_cstring(arena, rule->value);
        for (size_t i = 0; i < rule->value.len; i++) {
            hex[i] = hex[i] >= 'a' && hex[i] <= 'f' ? (uint8_t)(hex[i] - 'a' + 'A') : hex[i];
            if (strchr("0123456789ABCDEF", hex[i]) == NULL || rule->value.len != 40) {
                return kw_usage_error(self, "--thumbprint is the SHA-1 of the certificate: 40 hexadecimal digits");
            }
        }
        rule->value.data = hex;
    }
    return -1;
}

static int explain_role(kw_status status, const char *role)
{
    switch (status) {
    case KW_BAD_NOT_FOUND:
        return kw_fail(status, "there is no such Role or rule ('%s'); `keyway role list` shows them", role);
    case KW_BAD_REQUEST_NOT_ALLOWED:
        return kw_fail(status, "the Role '%s' is fixed by the standard and cannot be changed", role);
    case KW_BAD_ALREADY_EXISTS:
        return kw_fail(status, "the Role '%s' has that already", role);
    default:
        return kw_fail(status, "the Role '%s' could not be changed", role);
    }
}

static int role_add(kw_directory *d, const char *name)
{
    const size_t len = strlen(name);
    if (len == 0 || len > ROLE_NAME_MAX || !kw_utf8_is_valid(kw_string_from(name), false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "a Role's name has 1 to %d bytes of UTF-8", ROLE_NAME_MAX);
    }
    const kw_role role = {.name = kw_string_from(name), .namespace_uri = kw_string_from(d->config->server.uri)};
    const kw_status status = kw_store_role_add(d->store, &role);
    if (kw_status_is_bad(status)) {
        return explain_role(status, name);
    }
    printf("Role %s added\n", name);
    return KW_EXIT_DONE;
}

static int role_change(const kw_command *self, kw_directory *d, const char *role, bool add, const role_options *options)
{
    kw_role_rule rule;
    const int code = rule_of(self, options, d->arena, &rule);
    if (code >= 0) {
        return code;
    }
    const kw_string name = kw_string_from(role);
    const kw_status status = add ? kw_store_role_rule_add(d->store, name, &rule) : kw_store_role_rule_remove(d->store, name, &rule);
    if (kw_status_is_bad(status)) {
        return explain_role(status, role);
    }
    printf("Role %s %s %s%s%.*s\n", role, add ? "granted to" : "revoked from", criteria_name(rule.criteria), rule.value.len > 0 ? " " : "",
           KW_STRING_ARGS(rule.value));
    return KW_EXIT_DONE;
}

static json_t *rules_json(const kw_role *role)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < role->rule_count; i++) {
        json_array_append_new(rules, json_pack("{s:s,s:o}", "criteria", criteria_name(role->rules[i].criteria), "value",
                                               kw_json_string(role->rules[i].value)));
    }
    return rules;
}

static void role_rows(kw_table *table, const kw_role *role)
{
    for (size_t i = 0; i < role->rule_count || i == 0; i++) {
        if (i == 0) {
            kw_table_cell_string(table, role->name);
        } else {
            kw_table_cell(table, "");
        }
        kw_table_cell(table, i < role->rule_count ? criteria_name(role->rules[i].criteria) : "(nobody)");
        kw_table_cell_string(table, i < role->rule_count ? role->rules[i].value : KW_BYTES_NULL);
    }
}

static int role_list(kw_directory *d, bool json)
{
    kw_role *roles;
    size_t count;
    const kw_status status = kw_store_role_list(d->store, d->arena, &roles, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the Roles could not be read");
    }
    if (json) {
        json_t *array = json_array();
        for (size_t i = 0; i < count; i++) {
            json_t *object = json_pack("{s:o,s:o,s:i,s:b,s:o}", "name", kw_json_string(roles[i].name), "namespace",
                                       kw_json_string(roles[i].namespace_uri), "nodeId", (int)roles[i].node_id, "wellKnown",
                                       roles[i].is_well_known, "rules", rules_json(&roles[i]));
            kw_role_limit_json(object, &roles[i]);
            json_array_append_new(array, object);
        }
        return kw_print_json(array);
    }
    kw_table *table = kw_table_new((const char *const[]){"ROLE", "GRANTED TO", "VALUE"}, 3);
    for (size_t i = 0; i < count; i++) {
        role_rows(table, &roles[i]);
        kw_role_limit_rows(table, &roles[i], d->arena);
    }
    kw_table_print(table);
    return KW_EXIT_DONE;
}

static int role_remove(kw_directory *d, const char *name)
{
    const kw_status status = kw_store_role_remove(d->store, kw_string_from(name));
    if (kw_status_is_bad(status)) {
        return explain_role(status, name);
    }
    printf("Role %s removed\n", name);
    return KW_EXIT_DONE;
}

static int run_verb(const kw_command *self, kw_directory *d, const kw_option_list *words, const role_options *options)
{
    const char *verb = words->items[0];
    if (strcmp(verb, "list") == 0) {
        return role_list(d, options->json);
    }
    if (words->count < 2) {
        return kw_usage_error(self, "the Role's name is missing");
    }
    if (strcmp(verb, "add") == 0) {
        return role_add(d, words->items[1]);
    }
    if (strcmp(verb, "remove") == 0) {
        return role_remove(d, words->items[1]);
    }
    if (strcmp(verb, "grant") == 0 || strcmp(verb, "revoke") == 0) {
        return role_change(self, d, words->items[1], verb[0] == 'g', options);
    }
    if (kw_is_role_limit(verb)) {
        return kw_role_limit(self, d, verb, words->items[1], &options->limit);
    }
    return kw_usage_error(self, "unknown word '%s'; use add, remove, grant, revoke, only, except, lift or list", verb);
}

int kw_cmd_role(const kw_command *self, int argc, char **argv)
{
    role_options options = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"user", 0, KW_OPTION_TEXT, &options.user, 0, 0},
        {"group", 0, KW_OPTION_TEXT, &options.group, 0, 0},
        {"claim-role", 0, KW_OPTION_TEXT, &options.claim_role, 0, 0},
        {"application", 0, KW_OPTION_TEXT, &options.limit.application, 0, 0},
        {"anonymous", 0, KW_OPTION_FLAG, &options.anonymous, 0, 0},
        {"authenticated", 0, KW_OPTION_FLAG, &options.authenticated, 0, 0},
        {"trusted-application", 0, KW_OPTION_FLAG, &options.trusted_application, 0, 0},
        {"endpoint", 0, KW_OPTION_TEXT, &options.limit.endpoint, 0, 0},
        {"mode", 0, KW_OPTION_TEXT, &options.limit.mode, 0, 0},
        {"policy", 0, KW_OPTION_TEXT, &options.limit.policy, 0, 0},
        {"thumbprint", 0, KW_OPTION_TEXT, &options.thumbprint, 0, 0},
        {"subject", 0, KW_OPTION_TEXT, &options.subject, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 2)) {
        return KW_EXIT_USAGE;
    }
    kw_directory d;
    code = kw_directory_open(self, options.directory, &d);
    if (code >= 0) {
        return code;
    }
    code = run_verb(self, &d, &words, &options);
    return kw_directory_end(&d, argc, argv, words.items[0], code);
}
