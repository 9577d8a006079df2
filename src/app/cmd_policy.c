/* keyway policy: who may get which Roles on which resource, for how long. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/policy_test.h"
#include "app/record.h"
#include "authority/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kw_string join(kw_arena *arena, const kw_option_list *words)
{
    kw_string all = KW_STRING("");
    for (size_t i = 0; i < words->count; i++) {
        all = kw_arena_format(arena, "%.*s%s%s", KW_STRING_ARGS(all), i > 0 ? "\n" : "", words->items[i]);
    }
    return all;
}

/* Exactly one subject must be given. Returns -1 or an exit code. */
static int subject_of(const kw_command *self, const kw_policy_options *o, kw_token_policy *out)
{
    const struct {
        const char *kind, *value;
    } given[] = {{"user", o->user},
                 {"application", o->application},
                 {"role", o->having_role},
                 {"group", o->groups.count > 0 ? o->groups.items[0] : NULL},
                 {"claim-role", o->claim_roles.count > 0 ? o->claim_roles.items[0] : NULL},
                 {"anyone", o->is_anyone ? "" : NULL}};
    size_t found = o->groups.count + o->claim_roles.count > 1 ? 2 : 0;
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i].value != NULL) {
            out->kind = kw_string_from(given[i].kind);
            out->value = kw_string_from(given[i].value);
            found++;
        }
    }
    if (found != 1) {
        return kw_usage_error(self, "give one of --user, --group, --application, --claim-role, --having-role, --anyone");
    }
    return -1;
}

static int check_roles(kw_directory *d, const kw_option_list *roles)
{
    kw_role *known = NULL;
    size_t count = 0;
    const kw_status status = kw_store_role_list(d->store, d->arena, &known, &count);
    for (size_t i = 0; !kw_status_is_bad(status) && i < roles->count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < count; k++) {
            is_known = is_known || kw_string_equals(known[k].name, roles->items[i]);
        }
        if (!is_known) {
            return kw_fail(KW_BAD_NOT_FOUND, "there is no Role %s; `keyway role list` shows them", roles->items[i]);
        }
    }
    return kw_status_is_bad(status) ? kw_fail(status, "the Roles could not be read") : -1;
}

static int policy_allow(const kw_command *self, kw_directory *d, const char *resource, const kw_policy_options *o)
{
    kw_token_policy rule = {.resource = kw_string_from(resource), .roles = join(d->arena, &o->roles), .lifetime_s = o->lifetime};
    kw_resource row;
    uint32_t id = 0;
    int code = subject_of(self, o, &rule);
    code = code < 0 ? check_roles(d, &o->roles) : code;
    if (code >= 0) {
        return code;
    }
    if (strcmp(resource, "*") != 0 && kw_status_is_bad(kw_store_resource_get(d->store, rule.resource, d->arena, &row))) {
        return kw_fail(KW_BAD_NOT_FOUND, "the resource %s is not registered; `keyway resource list` shows them, * means all", resource);
    }
    const kw_status status = kw_store_policy_put(d->store, &rule, &id);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the rule could not be stored");
    }
    printf("rule %u: %.*s\n", id, KW_STRING_ARGS(kw_policy_sentence(d->arena, &rule)));
    return KW_EXIT_DONE;
}

static int policy_remove(const kw_command *self, kw_directory *d, const char *number)
{
    char *end = NULL;
    const unsigned long id = strtoul(number, &end, 10);
    if (end == number || *end != '\0' || id == 0 || id > UINT32_MAX) {
        return kw_usage_error(self, "'%s' is not the number of a rule", number);
    }
    const kw_status status = kw_store_policy_remove(d->store, (uint32_t)id);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "there is no rule %lu; `keyway policy list` shows them", id);
    }
    printf("rule %lu removed\n", id);
    return KW_EXIT_DONE;
}

static int policy_list(kw_directory *d, bool json)
{
    static const char *const HEADINGS[] = {"RULE", "RESOURCE", "WHO", "ROLES", "LIFETIME"};
    kw_token_policy *rules = NULL;
    size_t count = 0;
    const kw_status status = kw_store_policy_list(d->store, KW_BYTES_NULL, d->arena, &rules, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the rules could not be read");
    }
    json_t *array = json_array();
    kw_table *table = json ? NULL : kw_table_new(HEADINGS, 5);
    for (size_t i = 0; i < count; i++) {
        const kw_token_policy *r = &rules[i];
        if (json) {
            json_array_append_new(array, json_pack("{s:i,s:o,s:o,s:o,s:o,s:i}", "rule", (int)r->id, "resource", kw_json_string(r->resource),
                                                   "kind", kw_json_string(r->kind), "value", kw_json_string(r->value), "roles",
                                                   kw_json_string(r->roles), "lifetime", (int)r->lifetime_s));
            continue;
        }
        kw_table_cell_string(table, kw_arena_format(d->arena, "%u", r->id));
        kw_table_cell_string(table, r->resource);
        kw_table_cell_string(table, kw_policy_subject(d->arena, r));
        kw_table_cell_string(table, kw_policy_roles(d->arena, r));
        kw_table_cell_string(table, r->lifetime_s == 0 ? KW_STRING("the resource's") : kw_arena_format(d->arena, "%u s", r->lifetime_s));
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

static int run(const kw_command *self, kw_directory *d, const kw_option_list *words, const kw_policy_options *o)
{
    const char *verb = words->items[0];
    if (strcmp(verb, "list") == 0) {
        return policy_list(d, o->json);
    }
    if (strcmp(verb, "allow") == 0) {
        return policy_allow(self, d, words->items[1], o);
    }
    return strcmp(verb, "remove") == 0 ? policy_remove(self, d, words->items[1]) : kw_policy_test(d, words->items[1], o);
}

int kw_cmd_policy(const kw_command *self, int argc, char **argv)
{
    static const char *const VERBS[] = {"allow", "remove", "list", "test", NULL};
    kw_policy_options o = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &o.directory, 0, 0},
        {"user", 0, KW_OPTION_TEXT, &o.user, 0, 0},
        {"group", 0, KW_OPTION_LIST, &o.groups, 0, 0},
        {"application", 0, KW_OPTION_TEXT, &o.application, 0, 0},
        {"claim-role", 0, KW_OPTION_LIST, &o.claim_roles, 0, 0},
        {"having-role", 0, KW_OPTION_TEXT, &o.having_role, 0, 0},
        {"anyone", 0, KW_OPTION_FLAG, &o.is_anyone, 0, 0},
        {"issuer", 0, KW_OPTION_TEXT, &o.issuer, 0, 0},
        {"role", 0, KW_OPTION_LIST, &o.roles, 0, 0},
        {"lifetime", 0, KW_OPTION_NUMBER, &o.lifetime, 10, KW_TOKEN_LIFETIME_MAX_S},
        {"json", 0, KW_OPTION_FLAG, &o.json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_verb(self, &words, VERBS, "the resource's URI, or the number of a rule,")) {
        return KW_EXIT_USAGE;
    }
    kw_directory d;
    code = kw_directory_open(self, o.directory, &d);
    return code >= 0 ? code : kw_directory_end(&d, argc, argv, words.items[0], run(self, &d, &words, &o));
}
