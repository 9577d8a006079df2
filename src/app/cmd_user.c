/* keyway user: who can sign in with a name and a password. */
#include "app/directory.h"
#include "app/lockouts.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "identity/password.h"

#include <stdio.h>
#include <string.h>

#define USER_NAME_MAX 256
#define USER_DISABLED 2u
#define USER_MUST_CHANGE 8u

typedef struct user_options {
    const char *directory, *password_file, *description;
    kw_option_list roles;
    bool json, must_change;
    kw_lockouts_options lockouts;
} user_options;

static int weak_password(const kw_directory *d, const kw_password_rules *rules)
{
    const kw_string wanted = kw_password_restrictions(rules, d->arena);
    return kw_fail(KW_BAD_OUT_OF_RANGE, "the password breaks the rules of keyway.yaml: %.*s", KW_STRING_ARGS(wanted));
}

static int hash_from_file(const kw_command *self, const kw_directory *d, const char *file, kw_string *phc)
{
    kw_secret password = KW_SECRET_NONE;
    if (file == NULL) {
        return kw_usage_error(self, "--password-file F is missing (its first line is the password; - reads standard input)");
    }
    const int code = kw_read_secret_file(file, &password);
    if (code >= 0) {
        return code;
    }
    if (password.len == 0) {
        kw_secret_clear(&password);
        return kw_fail(KW_BAD_OUT_OF_RANGE, "%s: the password is empty; write one into its first line", file);
    }
    const kw_password_rules rules = kw_config_password_rules(d->config);
    if (kw_status_is_bad(kw_password_check(&rules, kw_secret_bytes(&password)))) {
        kw_secret_clear(&password);
        return weak_password(d, &rules);
    }
    const kw_status status = kw_password_hash(kw_secret_bytes(&password), &KW_RANDOM_SYSTEM, d->arena, phc);
    kw_secret_clear(&password);
    return kw_status_is_bad(status) ? kw_fail(status, "the password could not be hashed") : -1;
}

static int no_such_role(const char *role)
{
    return kw_fail(KW_BAD_NOT_FOUND, "there is no Role '%s'; `keyway role list` shows them, `keyway role add` makes one", role);
}

static int grant(kw_store *store, const char *role, kw_string user)
{
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, user};
    const kw_status status = kw_store_role_rule_add(store, kw_string_from(role), &rule);
    if (status == KW_BAD_NOT_FOUND) {
        return no_such_role(role);
    }
    if (kw_status_is_bad(status) && status != KW_BAD_ALREADY_EXISTS) {
        return kw_fail(status, "the Role '%s' cannot be granted to a user", role);
    }
    return -1;
}

/* Before the user is stored: a slip in a Role's name must not leave a user behind. */
static int check_roles(kw_directory *d, const kw_option_list *wanted)
{
    kw_role *roles;
    size_t count;
    const kw_status status = kw_store_role_list(d->store, d->arena, &roles, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the Roles could not be read");
    }
    for (size_t i = 0; i < wanted->count; i++) {
        bool found = false;
        for (size_t j = 0; j < count && !found; j++) {
            found = kw_string_equals(roles[j].name, wanted->items[i]);
        }
        if (!found) {
            return no_such_role(wanted->items[i]);
        }
    }
    return -1;
}

static int user_add(const kw_command *self, kw_directory *d, const char *name, const user_options *options)
{
    const kw_string text = kw_string_from(name);
    kw_user user = {
        .name = text, .description = kw_string_from(options->description), .configuration = options->must_change ? USER_MUST_CHANGE : 0};
    if (text.len == 0 || text.len > USER_NAME_MAX || !kw_utf8_is_valid(text, false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "a user name has 1 to %d bytes of UTF-8", USER_NAME_MAX);
    }
    int code = check_roles(d, &options->roles);
    code = code < 0 ? hash_from_file(self, d, options->password_file, &user.password_hash) : code;
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_store_user_add(d->store, &user);
    if (kw_status_is_bad(status)) {
        return kw_fail(status,
                       status == KW_BAD_ALREADY_EXISTS ? "there is a user '%s' already; `keyway user passwd` sets a new password"
                                                       : "the user '%s' could not be stored",
                       name);
    }
    for (size_t i = 0; i < options->roles.count; i++) {
        const int granted = grant(d->store, options->roles.items[i], text);
        if (granted >= 0) {
            return granted;
        }
    }
    printf("user %s added\n", name);
    return KW_EXIT_DONE;
}

static int no_such_user(kw_status status, const char *name)
{
    return kw_fail(
        status, status == KW_BAD_NOT_FOUND ? "there is no user '%s'; `keyway user list` shows them" : "the user '%s' could not be changed",
        name);
}

static int user_passwd(const kw_command *self, kw_directory *d, const char *name, const user_options *options)
{
    kw_user known;
    kw_string hash = KW_BYTES_NULL;
    kw_status status = kw_store_user_get(d->store, kw_string_from(name), d->arena, &known); /* before the costly part */
    if (kw_status_is_bad(status)) {
        return no_such_user(status, name);
    }
    const int code = hash_from_file(self, d, options->password_file, &hash);
    if (code >= 0) {
        return code;
    }
    const kw_user_change change = {.name = known.name,
                                   .password_hash = &hash,
                                   .configuration_cleared = USER_MUST_CHANGE,
                                   .configuration_set = options->must_change ? USER_MUST_CHANGE : 0};
    status = kw_store_user_change(d->store, &change);
    if (kw_status_is_bad(status)) {
        return no_such_user(status, name);
    }
    printf("password of %s changed\n", name);
    return KW_EXIT_DONE;
}

static int user_disable(kw_directory *d, const char *name, bool disable)
{
    const kw_user_change change = {
        .name = kw_string_from(name), .configuration_cleared = USER_DISABLED, .configuration_set = disable ? USER_DISABLED : 0};
    const kw_status status = kw_store_user_change(d->store, &change);
    if (kw_status_is_bad(status)) {
        return no_such_user(status, name);
    }
    printf("user %s %s\n", name, disable ? "disabled" : "enabled");
    return KW_EXIT_DONE;
}

static int user_remove(kw_directory *d, const char *name)
{
    const kw_status status = kw_store_user_remove(d->store, kw_string_from(name));
    if (kw_status_is_bad(status)) {
        return no_such_user(status, name);
    }
    printf("user %s removed\n", name);
    return KW_EXIT_DONE;
}

/* The Roles that a rule gives to this user name, "Observer, Operator". */
static kw_string roles_of(kw_arena *arena, const kw_role *roles, size_t count, kw_string user)
{
    kw_string text = KW_STRING("");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < roles[i].rule_count; j++) {
            const kw_role_rule *rule = &roles[i].rules[j];
            if (rule->criteria == KW_CRITERIA_USER_NAME && kw_bytes_equal(rule->value, user)) {
                text = kw_arena_format(arena, "%.*s%s%.*s", KW_STRING_ARGS(text), text.len > 0 ? ", " : "", KW_STRING_ARGS(roles[i].name));
            }
        }
    }
    return text;
}

static int user_list(kw_directory *d, bool json)
{
    kw_user *users;
    kw_role *roles;
    size_t count, role_count;
    kw_status status = kw_store_user_list(d->store, d->arena, &users, &count);
    if (!kw_status_is_bad(status)) {
        status = kw_store_role_list(d->store, d->arena, &roles, &role_count);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the users could not be read");
    }
    json_t *array = json_array();
    kw_table *table = json ? NULL : kw_table_new((const char *const[]){"USER", "STATE", "ROLES", "DESCRIPTION"}, 4);
    for (size_t i = 0; i < count; i++) {
        const kw_user *user = &users[i];
        const kw_string granted = roles_of(d->arena, roles, role_count, user->name);
        const char *state = user->configuration & USER_DISABLED      ? "disabled"
                            : user->configuration & USER_MUST_CHANGE ? "must change password"
                                                                     : "active";
        if (json) {
            json_array_append_new(array, json_pack("{s:o,s:s,s:i,s:o,s:o}", "name", kw_json_string(user->name), "state", state,
                                                   "configuration", (int)user->configuration, "roles", kw_json_string(granted),
                                                   "description", kw_json_string(user->description)));
        } else {
            kw_table_cell_string(table, user->name);
            kw_table_cell(table, state);
            kw_table_cell_string(table, granted);
            kw_table_cell_string(table, user->description);
        }
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

static int run_verb(const kw_command *self, kw_directory *d, const kw_option_list *words, const user_options *options)
{
    const char *verb = words->items[0];
    const char *name = words->count > 1 ? words->items[1] : NULL;
    if (strcmp(verb, "list") == 0) {
        return user_list(d, options->json);
    }
    if (strcmp(verb, "lockouts") == 0) {
        return name == NULL ? kw_user_lockouts(self, d, &options->lockouts, options->json)
                            : kw_usage_error(self, "unexpected '%s'; `--clear KEY` forgets one", name);
    }
    if (name == NULL) {
        return kw_usage_error(self, "the user's name is missing");
    }
    if (strcmp(verb, "add") == 0) {
        return user_add(self, d, name, options);
    }
    if (strcmp(verb, "passwd") == 0) {
        return user_passwd(self, d, name, options);
    }
    if (strcmp(verb, "disable") == 0 || strcmp(verb, "enable") == 0) {
        return user_disable(d, name, verb[0] == 'd');
    }
    if (strcmp(verb, "remove") == 0) {
        return user_remove(d, name);
    }
    return kw_usage_error(self, "unknown word '%s'; use add, passwd, disable, enable, remove, list or lockouts", verb);
}

int kw_cmd_user(const kw_command *self, int argc, char **argv)
{
    user_options options = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"password-file", 0, KW_OPTION_TEXT, &options.password_file, 0, 0},
        {"description", 0, KW_OPTION_TEXT, &options.description, 0, 0},
        {"role", 0, KW_OPTION_LIST, &options.roles, 0, 0},
        {"must-change-password", 0, KW_OPTION_FLAG, &options.must_change, 0, 0},
        {"clear", 0, KW_OPTION_TEXT, &options.lockouts.clear, 0, 0},
        {"clear-all", 0, KW_OPTION_FLAG, &options.lockouts.clear_all, 0, 0},
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
