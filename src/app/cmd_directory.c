/* keyway directory test: what the directory says about a user, and what follows from it. */
#include "app/ldap_plan.h"
#include "app/options.h"
#include "app/output.h"
#include "app/provider_plan.h"
#include "identity/gate.h"

#include <stdio.h>
#include <string.h>

typedef struct test_options {
    const char *config, *directory, *password_file;
    bool json;
} test_options;

typedef struct test_run {
    kw_directory d;
    kw_ldap_plan plan;
    kw_provider_plans providers;
    kw_string name;
    kw_secret password;
    kw_directory_user user;
    json_t *steps; /* NULL: they are printed */
} test_run;

static void say(void *ctx, const char *line)
{
    test_run *run = ctx;
    const kw_string text = kw_escaped(run->d.arena, kw_string_from(line));
    if (run->steps != NULL) {
        json_array_append_new(run->steps, kw_json_string(text));
    } else {
        printf("%.*s\n", KW_STRING_ARGS(text));
    }
}

/* The answer is the one that a Session on an encrypted endpoint would have, of a Client that no rule names. */
static kw_status find_roles(test_run *run, kw_identity **out)
{
    kw_user_directory known = {.recheck_s = 3600}; /* not to be asked again */
    kw_identity_config config = KW_IDENTITY_CONFIG_DEFAULT;
    const kw_identity who = {.kind = KW_USER_TOKEN_TYPE_USER_NAME,
                             .name = run->name,
                             .directory_id = run->user.id,
                             .groups = run->user.groups,
                             .group_count = run->user.group_count,
                             .claimed_roles = run->user.roles,
                             .claimed_role_count = run->user.role_count,
                             .looked_up = kw_clock_utc(&KW_CLOCK_SYSTEM)};
    const kw_identity_claim claim = {.channel_policy = kw_security_policy_by_name(KW_STRING("Basic256Sha256")),
                                     .mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT,
                                     .is_live = true};
    kw_identity_gate *gate = NULL;
    kw_status status = kw_identity_gate_new(&config, run->d.store, &KW_CLOCK_SYSTEM, &KW_RANDOM_SYSTEM, &KW_LOG_QUIET, &gate);
    if (!kw_status_is_bad(status)) {
        kw_identity_gate_set_directory(gate, &known);
        status = kw_identity_review(gate, &who, &claim, out, NULL);
    }
    kw_identity_gate_free(gate);
    return status;
}

static void print_list(const char *what, const char *none, kw_arena *arena, const kw_string *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("%s %.*s\n", what, KW_STRING_ARGS(kw_escaped(arena, items[i])));
    }
    if (count == 0) {
        printf("%s\n", none);
    }
}

static int show(test_run *run, const kw_identity *who)
{
    kw_string *roles = KW_ARENA_ARRAY(run->d.arena, kw_string, who->role_count);
    for (size_t i = 0; roles != NULL && i < who->role_count; i++) {
        roles[i] = who->roles[i].name;
    }
    if (roles == NULL) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    if (run->steps == NULL) {
        print_list("group", "no group: see group_attribute, group_base and group_filter in docs/directory.md", run->d.arena,
                   run->user.groups, run->user.group_count);
        print_list("role", "no Role", run->d.arena, roles, who->role_count);
        printf("Roles follow from groups by `keyway role grant -d DIR ROLE --group GROUP`\n");
        return KW_EXIT_DONE;
    }
    json_t *groups = json_array(), *names = json_array();
    for (size_t i = 0; i < run->user.group_count; i++) {
        json_array_append_new(groups, kw_json_string(run->user.groups[i]));
    }
    for (size_t i = 0; i < who->role_count; i++) {
        json_array_append_new(names, kw_json_string(roles[i]));
    }
    return kw_print_json(json_pack("{s:o,s:o,s:o,s:o}", "id", kw_json_string(run->user.id), "groups", groups, "roles", names, "steps",
                                   json_incref(run->steps)));
}

static kw_status ask(test_run *run, const char **why)
{
    const kw_bytes password = kw_secret_bytes(&run->password);
    const kw_ldap_listener listener = {say, run};
    const kw_provider_listener provider_listener = {say, run};
    return run->providers.users != NULL
               ? kw_provider_users_explain(run->providers.users, run->name, password, &provider_listener, run->d.arena, &run->user, why)
               : kw_ldap_explain(run->plan.ldap, run->name, password, &listener, run->d.arena, &run->user, why);
}

static int explain(test_run *run)
{
    const char *why = "";
    kw_user local;
    if (kw_store_user_get(run->d.store, run->name, run->d.arena, &local) != KW_BAD_NOT_FOUND) {
        return kw_fail(KW_BAD_INVALID_STATE,
                       "the store has a user of this name, so the directory is never asked; `keyway user remove` ends that");
    }
    const kw_status status = ask(run, &why);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s; docs/directory.md tells what to do about it", why);
    }
    kw_identity *who = NULL;
    const kw_status found = find_roles(run, &who);
    const int code = kw_status_is_bad(found) ? kw_fail(found, "the Roles cannot be found out") : show(run, who);
    kw_identity_release(who);
    return code;
}

static int directory_test(const kw_command *self, const test_options *options, const char *name)
{
    test_run run = {.name = kw_string_from(name), .password = KW_SECRET_NONE};
    int code =
        options->config != NULL ? kw_directory_open_config(options->config, &run.d) : kw_directory_open(self, options->directory, &run.d);
    if (code >= 0) {
        return code;
    }
    if (run.d.config->directory == NULL) {
        fprintf(stderr, "keyway: %s: there is no section `directory`; docs/directory.md has an example\n", run.d.config_file);
        kw_directory_close(&run.d);
        return KW_EXIT_USAGE;
    }
    run.steps = options->json ? json_array() : NULL;
    code = options->password_file != NULL ? kw_read_secret_file(options->password_file, &run.password) : -1;
    if (code < 0 && options->password_file == NULL && run.d.config->directory->provider != NULL) {
        code = kw_fail(KW_BAD_USER_ACCESS_DENIED, "a provider tells about a user with the password only; give --password-file");
    }
    if (code < 0 && options->password_file != NULL && run.password.len == 0) {
        code = kw_fail(KW_BAD_USER_ACCESS_DENIED, "%s: is empty; an empty password is nobody's", options->password_file);
    }
    code = code < 0 ? kw_ldap_plan_open(&run.d, &KW_LOG_QUIET, &run.plan) : code;
    code = code < 0 ? kw_provider_plans_open(&run.d, &KW_LOG_QUIET, &run.providers) : code;
    code = code < 0 ? explain(&run) : code;
    kw_provider_plans_close(&run.providers);
    kw_ldap_plan_close(&run.plan);
    kw_secret_clear(&run.password);
    json_decref(run.steps);
    kw_directory_close(&run.d);
    return code;
}

int kw_cmd_directory(const kw_command *self, int argc, char **argv)
{
    test_options options = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"config", 'c', KW_OPTION_TEXT, &options.config, 0, 0},
        {"password-file", 0, KW_OPTION_TEXT, &options.password_file, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0},
    };
    const int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (words.count == 0) {
        return kw_usage_error(self, "what is to be done is missing; use test");
    }
    if (strcmp(words.items[0], "test") != 0) {
        return kw_usage_error(self, "unknown word '%s'; use test", words.items[0]);
    }
    if (words.count < 2) {
        return kw_usage_error(self, "the name of the user is missing");
    }
    if (!kw_options_arguments(self, &words, 2, 2)) {
        return KW_EXIT_USAGE;
    }
    if ((options.config == NULL) == (options.directory == NULL)) {
        return kw_usage_error(self, "give -d DIR (the folder that `keyway init` made) or -c FILE (keyway.yaml)");
    }
    return directory_test(self, &options, words.items[1]);
}
