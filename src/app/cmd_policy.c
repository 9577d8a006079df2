/* keyway policy: who may get which Roles on which resource, for how long. */
#include "app/output.h"
#include "app/policy_test.h"
#include "app/verbs.h"
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

static int allow(kw_verb_call *call)
{
    const kw_policy_options *o = call->options;
    kw_directory *d = &call->directory;
    kw_token_policy rule = {.resource = kw_string_from(call->thing), .roles = join(d->arena, &o->roles), .lifetime_s = o->lifetime};
    kw_resource row;
    uint32_t id = 0;
    int code = subject_of(call->command, o, &rule);
    code = code < 0 ? check_roles(d, &o->roles) : code;
    if (code >= 0) {
        return code;
    }
    if (strcmp(call->thing, "*") != 0 && kw_status_is_bad(kw_store_resource_get(d->store, rule.resource, d->arena, &row))) {
        return kw_fail(KW_BAD_NOT_FOUND, "the resource %s is not registered; `keyway resource list` shows them, * means all", call->thing);
    }
    const kw_status status = kw_store_policy_put(d->store, &rule, &id);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the rule could not be stored");
    }
    printf("rule %u: %.*s\n", id, KW_STRING_ARGS(kw_policy_sentence(d->arena, &rule)));
    return KW_EXIT_DONE;
}

static int remove_rule(kw_verb_call *call)
{
    char *end = NULL;
    const unsigned long id = strtoul(call->thing, &end, 10);
    if (end == call->thing || *end != '\0' || id == 0 || id > UINT32_MAX) {
        return kw_usage_error(call->command, "'%s' is not the number of a rule", call->thing);
    }
    const kw_status status = kw_store_policy_remove(call->directory.store, (uint32_t)id);
    if (kw_status_is_bad(status)) {
        return kw_fail(
            status, status == KW_BAD_NOT_FOUND ? "there is no rule %lu; `keyway policy list` shows them" : "rule %lu could not be removed",
            id);
    }
    printf("rule %lu removed\n", id);
    return KW_EXIT_DONE;
}

static json_t *to_json(const void *row, kw_arena *arena)
{
    const kw_token_policy *r = row;
    (void)arena;
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:i}", "rule", (int)r->id, "resource", kw_json_string(r->resource), "kind",
                     kw_json_string(r->kind), "value", kw_json_string(r->value), "roles", kw_json_string(r->roles), "lifetime",
                     (int)r->lifetime_s);
}

static void to_cells(const void *row, kw_table *table, kw_arena *arena)
{
    const kw_token_policy *r = row;
    kw_table_cell_string(table, kw_arena_format(arena, "%u", r->id));
    kw_table_cell_string(table, r->resource);
    kw_table_cell_string(table, kw_policy_subject(arena, r));
    kw_table_cell_string(table, kw_policy_roles(arena, r));
    kw_table_cell_string(table, r->lifetime_s == 0 ? KW_STRING("the resource's") : kw_arena_format(arena, "%u s", r->lifetime_s));
}

static int list(kw_verb_call *call)
{
    static const char *const HEADINGS[] = {"RULE", "RESOURCE", "WHO", "ROLES", "LIFETIME", NULL};
    static const kw_listing LISTING = {.headings = HEADINGS,
                                       .nothing = "there are no rules: every user who is proven may have a token for every resource",
                                       .to_json = to_json,
                                       .to_cells = to_cells};
    kw_token_policy *rules = NULL;
    size_t count = 0;
    const kw_status status = kw_store_policy_list(call->directory.store, KW_BYTES_NULL, call->directory.arena, &rules, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the rules could not be read");
    }
    return kw_print_listing(&LISTING, rules, sizeof(*rules), count, call->directory.arena, call->json);
}

static int test(kw_verb_call *call)
{
    return kw_policy_test(&call->directory, call->thing, call->options, call->json);
}

int kw_cmd_policy(const kw_command *self, int argc, char **argv)
{
    static const kw_verb VERBS[] = {{"allow", "the resource's URI", false, allow},
                                    {"remove", "the number of the rule", false, remove_rule},
                                    {"list", NULL, false, list},
                                    {"test", "the resource's URI", false, test},
                                    {NULL, NULL, false, NULL}};
    kw_policy_options values = {0};
    const kw_option options[] = {
        {"user", 0, KW_OPTION_TEXT, &values.user, 0, 0},
        {"group", 0, KW_OPTION_LIST, &values.groups, 0, 0},
        {"application", 0, KW_OPTION_TEXT, &values.application, 0, 0},
        {"claim-role", 0, KW_OPTION_LIST, &values.claim_roles, 0, 0},
        {"having-role", 0, KW_OPTION_TEXT, &values.having_role, 0, 0},
        {"anyone", 0, KW_OPTION_FLAG, &values.is_anyone, 0, 0},
        {"issuer", 0, KW_OPTION_TEXT, &values.issuer, 0, 0},
        {"role", 0, KW_OPTION_LIST, &values.roles, 0, 0},
        {"lifetime", 0, KW_OPTION_NUMBER, &values.lifetime, 10, KW_TOKEN_LIFETIME_MAX_S},
    };
    return kw_verbs_run(self, argc, argv, VERBS, options, sizeof(options) / sizeof(options[0]), &values);
}
