#include "app/role_limits.h"

#include "app/options.h"
#include "crypto/policy.h"

#include <stdio.h>
#include <string.h>

static const char *const MODES[] = {"", "none", "sign", "encrypt"};

/* --- one limit -------------------------------------------------------------------------------------------------------------- */

typedef struct limit {
    kw_string role, application;
    kw_role_endpoint endpoint; /* when there is no application */
    bool is_endpoint;
} limit;

static kw_status add_limit(kw_store *store, const limit *l)
{
    return l->is_endpoint ? kw_store_role_endpoint_add(store, l->role, &l->endpoint)
                          : kw_store_role_application_add(store, l->role, l->application);
}

static kw_status remove_limit(kw_store *store, const limit *l)
{
    return l->is_endpoint ? kw_store_role_endpoint_remove(store, l->role, &l->endpoint)
                          : kw_store_role_application_remove(store, l->role, l->application);
}

static kw_status set_exclude(kw_store *store, const limit *l, bool exclude)
{
    return kw_store_role_exclude(store, l->role, l->is_endpoint ? NULL : &exclude, l->is_endpoint ? &exclude : NULL);
}

/* What the list is now: how long, and whether it names those who have the Role or those who have not. */
static kw_status look(kw_directory *d, const limit *l, size_t *count, bool *exclude)
{
    kw_role *roles;
    size_t role_count;
    const kw_status status = kw_store_role_list(d->store, d->arena, &roles, &role_count);
    if (kw_status_is_bad(status)) {
        return status;
    }
    for (size_t i = 0; i < role_count; i++) {
        if (kw_bytes_equal(roles[i].name, l->role)) {
            *count = l->is_endpoint ? roles[i].endpoint_count : roles[i].application_count;
            *exclude = l->is_endpoint ? roles[i].endpoints_exclude : roles[i].applications_exclude;
            return KW_GOOD;
        }
    }
    return KW_BAD_NOT_FOUND;
}

/* --- what was given --------------------------------------------------------------------------------------------------------- */

static int take_mode(const kw_command *self, const char *text, kw_role_endpoint *out)
{
    for (int32_t i = 1; text != NULL && i < (int32_t)(sizeof(MODES) / sizeof(MODES[0])); i++) {
        if (strcmp(text, MODES[i]) == 0) {
            out->security_mode = i;
        }
    }
    return text == NULL || out->security_mode != 0 ? -1 : kw_usage_error(self, "--mode is none, sign or encrypt, not '%s'", text);
}

static int take_endpoint(const kw_command *self, const kw_role_limit_options *options, kw_role_endpoint *out)
{
    const kw_security_policy *policy = options->policy != NULL ? kw_security_policy_by_name(kw_string_from(options->policy)) : NULL;
    if (options->policy != NULL && policy == NULL) {
        return kw_usage_error(self, "--policy: '%s' is no SecurityPolicy that is known here", options->policy);
    }
    out->url = kw_string_from(options->endpoint);
    out->security_policy_uri = kw_string_from(policy != NULL ? policy->uri : NULL);
    return take_mode(self, options->mode, out);
}

static int take(const kw_command *self, const char *role, const kw_role_limit_options *options, limit *out)
{
    const bool names_endpoint = options->endpoint != NULL || options->mode != NULL || options->policy != NULL;
    *out = (limit){.role = kw_string_from(role), .application = kw_string_from(options->application), .is_endpoint = names_endpoint};
    if (names_endpoint == (options->application != NULL)) {
        return kw_usage_error(self, "give --application URI, or an endpoint by --endpoint URL, --mode and --policy");
    }
    return names_endpoint ? take_endpoint(self, options, &out->endpoint) : -1;
}

/* --- the three words -------------------------------------------------------------------------------------------------------- */

static int explain(kw_status status, const char *role)
{
    switch (status) {
    case KW_BAD_NOT_FOUND:
        return kw_fail(status, "there is no such Role or limit ('%s'); `keyway role list` shows them", role);
    case KW_BAD_REQUEST_NOT_ALLOWED:
        return kw_fail(status, "the Role '%s' is fixed by the standard and cannot be changed", role);
    case KW_BAD_ALREADY_EXISTS:
        return kw_fail(status, "the Role '%s' has that limit already", role);
    default:
        return kw_fail(status, "the Role '%s' could not be limited", role);
    }
}

/* The flag that says what the list means changes only while the list is empty; in between the Role is held by as few as can be. */
static int add_to(kw_directory *d, const limit *l, bool exclude, const char *role)
{
    size_t count = 0;
    bool is_excluding = true;
    kw_status status = look(d, l, &count, &is_excluding);
    if (!kw_status_is_bad(status) && count > 0 && exclude != is_excluding) {
        return kw_fail(KW_BAD_INVALID_STATE, "the Role '%s' has limits of the other kind, '%s'; lift them first", role,
                       is_excluding ? "except" : "only");
    }
    if (!kw_status_is_bad(status) && !exclude) {
        status = set_exclude(d->store, l, false);
    }
    if (!kw_status_is_bad(status)) {
        status = add_limit(d->store, l);
    }
    if (!kw_status_is_bad(status) && exclude) {
        status = set_exclude(d->store, l, true);
    }
    if (kw_status_is_bad(status)) {
        return explain(status, role);
    }
    printf("Role %s limited\n", role);
    return KW_EXIT_DONE;
}

static int lift(kw_directory *d, const limit *l, const char *role)
{
    size_t count = 0;
    bool is_excluding = true;
    kw_status status = remove_limit(d->store, l);
    if (!kw_status_is_bad(status)) {
        status = look(d, l, &count, &is_excluding);
    }
    if (!kw_status_is_bad(status) && count == 0) { /* an empty list without exclude is nobody's (RO-09) */
        status = set_exclude(d->store, l, true);
    }
    if (kw_status_is_bad(status)) {
        return explain(status, role);
    }
    printf("Role %s: limit lifted\n", role);
    return KW_EXIT_DONE;
}

bool kw_is_role_limit(const char *word)
{
    return strcmp(word, "only") == 0 || strcmp(word, "except") == 0 || strcmp(word, "lift") == 0;
}

int kw_role_limit(const kw_command *self, kw_directory *d, const char *word, const char *role, const kw_role_limit_options *options)
{
    limit l;
    const int code = take(self, role, options, &l);
    if (code >= 0) {
        return code;
    }
    return strcmp(word, "lift") == 0 ? lift(d, &l, role) : add_to(d, &l, strcmp(word, "except") == 0, role);
}

/* --- showing ---------------------------------------------------------------------------------------------------------------- */

static void row(kw_table *table, const char *what, kw_string value)
{
    kw_table_cell(table, "");
    kw_table_cell(table, what);
    kw_table_cell_string(table, value);
}

static const char *mode_name(int32_t mode)
{
    return mode > 0 && mode < (int32_t)(sizeof(MODES) / sizeof(MODES[0])) ? MODES[mode] : "";
}

static kw_string endpoint_text(const kw_role_endpoint *e, kw_arena *arena)
{
    const kw_security_policy *policy = kw_security_policy_by_uri(e->security_policy_uri);
    const kw_string name = policy != NULL ? kw_string_from(policy->name) : e->security_policy_uri;
    return kw_arena_format(arena, "%.*s%s%s%s%.*s", KW_STRING_ARGS(e->url), e->url.len > 0 ? " " : "", mode_name(e->security_mode),
                           e->security_mode > 0 && name.len > 0 ? " " : "", KW_STRING_ARGS(name));
}

void kw_role_limit_rows(kw_table *table, const kw_role *role, kw_arena *arena)
{
    for (size_t i = 0; i < role->application_count; i++) {
        row(table, role->applications_exclude ? "except application" : "only application", role->applications[i]);
    }
    for (size_t i = 0; i < role->endpoint_count; i++) {
        row(table, role->endpoints_exclude ? "except endpoint" : "only endpoint", endpoint_text(&role->endpoints[i], arena));
    }
    if (!role->applications_exclude && role->application_count == 0) {
        row(table, "only application", KW_STRING("(none)"));
    }
    if (!role->endpoints_exclude && role->endpoint_count == 0) {
        row(table, "only endpoint", KW_STRING("(none)"));
    }
}

void kw_role_limit_json(json_t *object, const kw_role *role)
{
    json_t *applications = json_array(), *endpoints = json_array();
    for (size_t i = 0; i < role->application_count; i++) {
        json_array_append_new(applications, kw_json_string(role->applications[i]));
    }
    for (size_t i = 0; i < role->endpoint_count; i++) {
        const kw_role_endpoint *e = &role->endpoints[i];
        json_array_append_new(endpoints,
                              json_pack("{s:o,s:s,s:o,s:o}", "url", kw_json_string(e->url), "mode", mode_name(e->security_mode), "policy",
                                        kw_json_string(e->security_policy_uri), "transport", kw_json_string(e->transport_profile_uri)));
    }
    json_object_set_new(object, "applications", applications);
    json_object_set_new(object, "applicationsExclude", json_boolean(role->applications_exclude));
    json_object_set_new(object, "endpoints", endpoints);
    json_object_set_new(object, "endpointsExclude", json_boolean(role->endpoints_exclude));
    json_object_set_new(object, "customConfiguration", json_boolean(role->custom_configuration));
}
