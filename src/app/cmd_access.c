/* keyway access: who may do what with which node, and why. */
#include "app/access_diff.h"
#include "app/access_rules.h"
#include "app/options.h"
#include "app/output.h"
#include "identity/gate.h"
#include "ua/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BITS_TEXT 256

typedef struct access_options {
    const char *directory, *mode;
    bool anonymous, sessionless, json;
} access_options;

typedef struct explanation {
    kw_directory d;
    kw_access_view view;
    kw_identity *who;
    kw_role *roles;
    size_t role_count;
    kw_access access;
    kw_node_id id;
    kw_node_ref node;
    uint32_t permission;
    kw_verdict verdict;
} explanation;

/* --- who, how, what ------------------------------------------------------------------------------------------------------------------- */

/* The Roles are those that a Session would have, of a Client that no rule names. */
static int find_user(explanation *e, const char *name)
{
    const kw_identity_config config = KW_IDENTITY_CONFIG_DEFAULT;
    const kw_identity_claim claim = {
        .channel_policy = kw_security_policy_by_name(KW_STRING("Basic256Sha256")), .mode = e->access.mode, .is_live = true};
    kw_identity who = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
    kw_identity_gate *gate = NULL;
    kw_user user = {.created = 0};
    if (name != NULL) {
        const kw_status status = kw_store_user_get(e->d.store, kw_string_from(name), e->d.arena, &user);
        if (kw_status_is_bad(status)) {
            return kw_fail(status, "there is no user '%s'; `keyway user list` shows them", name);
        }
        who = (kw_identity){.kind = KW_USER_TOKEN_TYPE_USER_NAME, .name = user.name, .account_created = user.created};
    }
    kw_status status = kw_identity_gate_new(&config, e->d.store, &KW_CLOCK_SYSTEM, &KW_RANDOM_SYSTEM, &KW_LOG_QUIET, &gate);
    status = kw_status_is_bad(status) ? status : kw_identity_review(gate, &who, &claim, &e->who, NULL);
    kw_identity_gate_free(gate);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the user '%s' would not be let in", name != NULL ? name : "anonymous");
    }
    e->access.identity = e->who;
    status = kw_store_role_list(e->d.store, e->d.arena, &e->roles, &e->role_count);
    return kw_status_is_bad(status) ? kw_fail(status, "the Roles cannot be read") : -1;
}

static bool take_mode(const char *text, kw_message_security_mode *out)
{
    *out = text == NULL || strcmp(text, "encrypt") == 0 ? KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT
           : strcmp(text, "sign") == 0                  ? KW_MESSAGE_SECURITY_MODE_SIGN
           : strcmp(text, "none") == 0                  ? KW_MESSAGE_SECURITY_MODE_NONE
                                                        : KW_MESSAGE_SECURITY_MODE_INVALID;
    return *out != KW_MESSAGE_SECURITY_MODE_INVALID;
}

static uint32_t permission_of(const char *what)
{
    return strcasecmp(what, "events") == 0 ? KW_PERMISSION_RECEIVE_EVENTS : kw_permission_by_name(kw_string_from(what));
}

/* --- the steps -------------------------------------------------------------------------------------------------------------------------- */

static const char *text_of(kw_arena *arena, kw_string s)
{
    return kw_arena_cstring(arena, kw_escaped(arena, s));
}

static const char *bits_text(uint32_t bits, char out[BITS_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t bit = 1; bit < KW_PERMISSION_ALL; bit <<= 1) {
        if ((bits & bit) != 0) {
            len += (size_t)snprintf(out + len, BITS_TEXT - len, "%s%s", len > 0 ? " " : "", kw_permission_name(bit));
        }
    }
    return bits != 0 ? out : "nothing";
}

static const char *restrictions_text(uint16_t bits, char out[BITS_TEXT])
{
    static const char *const NAMES[] = {"sign", "encrypt", "session", "browse"};
    size_t len = 0;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if ((bits & 1u << i) != 0) {
            len += (size_t)snprintf(out + len, BITS_TEXT - len, "%s%s", len > 0 ? " " : "", NAMES[i]);
        }
    }
    return bits != 0 ? out : "none";
}

static const kw_role *role_of(const explanation *e, uint16_t ns, uint32_t id)
{
    for (size_t i = 0; i < e->role_count; i++) {
        const kw_string uri = e->roles[i].namespace_uri;
        if (e->roles[i].node_id == id && (uri.len > 0 ? kw_space_namespace_find(e->view.space, uri) : 0) == ns) {
            return &e->roles[i];
        }
    }
    return NULL;
}

/* Why they have the Role: the first of its rules that holds for them. */
static const char *rule_of(const explanation *e, const kw_role *role)
{
    for (size_t i = 0; role != NULL && i < role->rule_count; i++) {
        const kw_role_rule *rule = &role->rules[i];
        if (rule->criteria == KW_CRITERIA_USER_NAME && kw_bytes_equal(rule->value, e->who->name)) {
            return "by a rule for this user";
        }
        if (rule->criteria == KW_CRITERIA_AUTHENTICATED_USER && e->who->kind != KW_USER_TOKEN_TYPE_ANONYMOUS) {
            return "by a rule for all who prove who they are";
        }
        if (rule->criteria == KW_CRITERIA_ANONYMOUS && e->who->kind == KW_USER_TOKEN_TYPE_ANONYMOUS) {
            return "by a rule for who names no user";
        }
    }
    return "everybody has it";
}

static const char *role_name(const explanation *e, const kw_node_permission *row)
{
    const kw_role *role = role_of(e, row->role_ns, row->role_id);
    const kw_node_id id = KW_NODE_ID(row->role_ns, row->role_id);
    return text_of(e->d.arena, role != NULL ? role->name : kw_node_id_format(e->d.arena, &id));
}

static const char *carrier_text(const explanation *e, const kw_node_id *carrier)
{
    return kw_node_id_is_null(carrier) || (carrier->kind == KW_NODE_ID_NUMERIC && carrier->id.numeric == 0)
               ? ""
               : text_of(e->d.arena, kw_arena_format(e->d.arena, ", at %.*s", KW_STRING_ARGS(kw_node_id_format(e->d.arena, carrier))));
}

static void print_steps(const explanation *e)
{
    char bits[BITS_TEXT];
    const kw_verdict *v = &e->verdict;
    printf("user          %s\n", e->who->name.len > 0 ? text_of(e->d.arena, e->who->name) : "anonymous");
    for (size_t i = 0; i < e->who->role_count; i++) {
        const kw_granted_role *role = &e->who->roles[i];
        printf("role          %s: %s\n", text_of(e->d.arena, role->name), rule_of(e, role_of(e, role->ns, role->id)));
    }
    printf("node          %s \"%s\"\n", text_of(e->d.arena, kw_node_id_format(e->d.arena, &e->id)),
           text_of(e->d.arena, kw_node_browse_name(e->view.space, &e->node).name));
    printf("permissions   from %s%s\n", kw_rights_source_name(v->permissions.source), carrier_text(e, &v->permissions.carrier));
    for (size_t i = 0; i < v->permissions.count; i++) {
        const kw_node_permission row = kw_permission_row(&v->permissions, i);
        printf("  %s %s: %s\n", kw_identity_has_role(e->who, row.role_ns, row.role_id) ? "*" : " ", role_name(e, &row),
               bits_text(row.permissions, bits));
    }
    printf("granted       %s\n", bits_text(v->granted, bits));
    printf("restrictions  %s, from %s%s\n", restrictions_text(v->restrictions.restrictions, bits),
           kw_rights_source_name(v->restrictions.source), carrier_text(e, &v->restrictions.carrier));
    printf("verdict       %s: %s, %s\n", kw_permission_name(e->permission), kw_status_is_bad(v->status) ? "no" : "yes", v->why);
    if (kw_status_is_bad(v->status)) {
        printf("answer        %s\n", kw_status_name(v->status));
    }
}

static json_t *bits_json(uint32_t bits)
{
    json_t *list = json_array();
    for (uint32_t bit = 1; bit < KW_PERMISSION_ALL; bit <<= 1) {
        if ((bits & bit) != 0) {
            json_array_append_new(list, json_string(kw_permission_name(bit)));
        }
    }
    return list;
}

static int print_json(const explanation *e)
{
    char bits[BITS_TEXT];
    const kw_verdict *v = &e->verdict;
    json_t *roles = json_array(), *rows = json_array();
    for (size_t i = 0; i < e->who->role_count; i++) {
        const kw_granted_role *role = &e->who->roles[i];
        json_array_append_new(
            roles, json_pack("{s:o,s:s}", "role", kw_json_string(role->name), "why", rule_of(e, role_of(e, role->ns, role->id))));
    }
    for (size_t i = 0; i < v->permissions.count; i++) {
        const kw_node_permission row = kw_permission_row(&v->permissions, i);
        json_array_append_new(rows, json_pack("{s:s,s:o,s:b}", "role", role_name(e, &row), "permissions", bits_json(row.permissions),
                                              "held", kw_identity_has_role(e->who, row.role_ns, row.role_id)));
    }
    json_t *permissions = json_pack("{s:s,s:o,s:o}", "source", kw_rights_source_name(v->permissions.source), "carrier",
                                    kw_json_string(kw_node_id_format(e->d.arena, &v->permissions.carrier)), "rows", rows);
    json_t *restrictions = json_pack("{s:s,s:s}", "source", kw_rights_source_name(v->restrictions.source), "restrictions",
                                     restrictions_text(v->restrictions.restrictions, bits));
    return kw_print_json(json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:b,s:s,s:s}", "user", kw_json_string(e->who->name), "roles", roles,
                                   "node", kw_json_string(kw_node_id_format(e->d.arena, &e->id)), "rolePermissions", permissions,
                                   "accessRestrictions", restrictions, "granted", bits_json(v->granted), "permission",
                                   kw_permission_name(e->permission), "allowed", !kw_status_is_bad(v->status), "status",
                                   kw_status_name(v->status), "why", v->why));
}

static int judge(explanation *e, const char *user, const char *node, bool json)
{
    int code = kw_access_view_open(e->d.config_file, e->d.config, e->d.store, &e->view);
    code = code < 0 ? find_user(e, user) : code;
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_access_find(e->view.space, node, e->d.arena, &e->id);
    if (kw_status_is_bad(status) || !kw_space_find(e->view.space, &e->id, &e->node)) {
        return kw_fail(kw_status_is_bad(status) ? status : KW_BAD_NODE_ID_UNKNOWN, "there is no node '%s'", node);
    }
    kw_node_judge(e->view.space, &e->access, &e->node, e->permission, &e->verdict);
    if (json) {
        return print_json(e);
    }
    print_steps(e);
    return KW_EXIT_DONE;
}

static int explain(const kw_command *self, const access_options *options, const kw_option_list *words)
{
    const size_t first = options->anonymous ? 1 : 2; /* the node */
    const char *what = words->count > first + 1 ? words->items[first + 1] : "read";
    explanation e = {.permission = permission_of(what), .access = {.has_session = !options->sessionless}};
    if (!kw_options_arguments(self, words, first + 1, first + 2)) {
        return KW_EXIT_USAGE;
    }
    if (e.permission == 0) {
        return kw_usage_error(self, "'%s' is no permission; use read, write, call, browse, events or another PermissionType", what);
    }
    if (!take_mode(options->mode, &e.access.mode)) {
        return kw_usage_error(self, "'%s' is not a mode; use none, sign or encrypt", options->mode);
    }
    int code = kw_directory_open(self, options->directory, &e.d);
    if (code >= 0) {
        return code;
    }
    code = judge(&e, options->anonymous ? NULL : words->items[1], words->items[first], options->json);
    kw_identity_release(e.who);
    kw_access_view_close(&e.view);
    kw_directory_close(&e.d);
    return code;
}

static int diff(const kw_command *self, const access_options *options, const kw_option_list *words)
{
    kw_directory d;
    if (!kw_options_arguments(self, words, 2, 2)) {
        return KW_EXIT_USAGE;
    }
    int code = kw_directory_open(self, options->directory, &d);
    if (code >= 0) {
        return code;
    }
    code = kw_access_diff(&d, words->items[1], options->json);
    kw_directory_close(&d);
    return code;
}

int kw_cmd_access(const kw_command *self, int argc, char **argv)
{
    access_options options = {.directory = NULL};
    kw_option_list words;
    const kw_option table[] = {{"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
                               {"mode", 0, KW_OPTION_TEXT, &options.mode, 0, 0},
                               {"anonymous", 0, KW_OPTION_FLAG, &options.anonymous, 0, 0},
                               {"sessionless", 0, KW_OPTION_FLAG, &options.sessionless, 0, 0},
                               {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0}};
    const int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (words.count > 0 && strcmp(words.items[0], "explain") == 0) {
        return explain(self, &options, &words);
    }
    if (words.count > 0 && strcmp(words.items[0], "diff") == 0) {
        return diff(self, &options, &words);
    }
    return kw_usage_error(self, "use explain or diff");
}
