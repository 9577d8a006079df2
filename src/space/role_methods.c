/* The Methods of RoleSet and of every Role. OPC 10000-18, 4.3 and 4.4. */
#include "base/try.h"
#include "space/administration_internal.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#define ROLE_NAME_MAX 128

/* --- rules, applications, endpoints of a Role ------------------------------------------------------------------------------------------- */

static kw_status add_rule(kw_admin_job *job)
{
    return kw_store_role_rule_add(job->administration->env.store, job->subject, &job->as.rule);
}

static kw_status remove_rule(kw_admin_job *job)
{
    return kw_store_role_rule_remove(job->administration->env.store, job->subject, &job->as.rule);
}

static kw_status add_application(kw_admin_job *job)
{
    return kw_store_role_application_add(job->administration->env.store, job->subject, job->as.text);
}

static kw_status remove_application(kw_admin_job *job)
{
    return kw_store_role_application_remove(job->administration->env.store, job->subject, job->as.text);
}

static kw_status add_endpoint(kw_admin_job *job)
{
    return kw_store_role_endpoint_add(job->administration->env.store, job->subject, &job->as.endpoint);
}

static kw_status remove_endpoint(kw_admin_job *job)
{
    return kw_store_role_endpoint_remove(job->administration->env.store, job->subject, &job->as.endpoint);
}

static void describe_rule(const kw_admin_job *job, kw_writer *w)
{
    kw_json_text_string(w, "role", job->subject, KW_ADMIN_TEXT_MAX);
    kw_json_text_int(w, "criteria", job->as.rule.criteria);
    kw_json_text_string(w, "value", job->as.rule.value, KW_ADMIN_TEXT_MAX);
}

static void describe_application(const kw_admin_job *job, kw_writer *w)
{
    kw_json_text_string(w, "role", job->subject, KW_ADMIN_TEXT_MAX);
    kw_json_text_string(w, "application", job->as.text, KW_ADMIN_TEXT_MAX);
}

static void describe_endpoint(const kw_admin_job *job, kw_writer *w)
{
    kw_json_text_string(w, "role", job->subject, KW_ADMIN_TEXT_MAX);
    kw_json_text_string(w, "url", job->as.endpoint.url, KW_ADMIN_TEXT_MAX);
    kw_json_text_int(w, "mode", job->as.endpoint.security_mode);
    kw_json_text_string(w, "policy", job->as.endpoint.security_policy_uri, KW_ADMIN_TEXT_MAX);
    kw_json_text_string(w, "transport", job->as.endpoint.transport_profile_uri, KW_ADMIN_TEXT_MAX);
}

/* --- what the Client sent ------------------------------------------------------------------------------------------------------------------ */

/* A model's own Method may have no arguments. */
static const void *input(const kw_call *call, kw_builtin type)
{
    return call->input_count > 0 ? kw_variant_get(&call->inputs[0], type) : NULL;
}

static const void *structure(const kw_call *call, const kw_type *type)
{
    const kw_extension_object *object = input(call, KW_BUILTIN_EXTENSION_OBJECT);
    return object != NULL ? kw_extension_object_get(object, type) : NULL;
}

static bool take_rule(const kw_call *call, kw_admin_job *job)
{
    const kw_identity_mapping_rule_type *rule = structure(call, KW_TYPE_IDENTITY_MAPPING_RULE_TYPE);
    if (rule != NULL) {
        job->as.rule = (kw_role_rule){(kw_criteria)rule->criteria_type, rule->criteria};
    }
    return rule != NULL;
}

static bool take_application(const kw_call *call, kw_admin_job *job)
{
    const kw_string *uri = input(call, KW_BUILTIN_STRING);
    if (uri != NULL) {
        job->as.text = *uri;
    }
    return uri != NULL;
}

static bool take_endpoint(const kw_call *call, kw_admin_job *job)
{
    const kw_endpoint_type *endpoint = structure(call, KW_TYPE_ENDPOINT_TYPE);
    if (endpoint != NULL) {
        job->as.endpoint = (kw_role_endpoint){endpoint->endpoint_url, endpoint->security_mode, endpoint->security_policy_uri,
                                              endpoint->transport_profile_uri};
    }
    return endpoint != NULL;
}

typedef struct rule_change {
    const char *event;
    kw_status (*change)(kw_admin_job *job);
    void (*describe)(const kw_admin_job *job, kw_writer *w);
    bool (*take)(const kw_call *call, kw_admin_job *job);
} rule_change;

/* RO-14 */
static void change_role(kw_role_node *role, kw_call *call, const rule_change *how)
{
    kw_admin_job job = {.call = call,
                        .change = how->change,
                        .describe = how->describe,
                        .event = how->event,
                        .event_type = KW_ID_ROLE_MAPPING_RULE_CHANGED_AUDIT_EVENT_TYPE,
                        .message = KW_STRING("the mapping rules of a Role were changed"),
                        .subject = kw_arena_copy(call->arena, role->name)};
    if (job.subject.data == NULL) {
        kw_admin_refuse(role->administration, &job, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    if (!how->take(call, &job)) {
        if (call->input_count > 0) {
            call->input_results[0] = KW_BAD_INVALID_ARGUMENT;
        }
        kw_admin_refuse(role->administration, &job, KW_BAD_INVALID_ARGUMENT);
        return;
    }
    kw_admin_start(role->administration, &job);
}

#define METHOD(name, event, change, describe, take)                                                                                        \
    static void name(void *ctx, kw_call *call)                                                                                             \
    {                                                                                                                                      \
        static const rule_change HOW = {event, change, describe, take};                                                                    \
        change_role(ctx, call, &HOW);                                                                                                      \
    }

METHOD(on_add_identity, "AddIdentity", add_rule, describe_rule, take_rule)
METHOD(on_remove_identity, "RemoveIdentity", remove_rule, describe_rule, take_rule)
METHOD(on_add_application, "AddApplication", add_application, describe_application, take_application)
METHOD(on_remove_application, "RemoveApplication", remove_application, describe_application, take_application)
METHOD(on_add_endpoint, "AddEndpoint", add_endpoint, describe_endpoint, take_endpoint)
METHOD(on_remove_endpoint, "RemoveEndpoint", remove_endpoint, describe_endpoint, take_endpoint)

const kw_role_method KW_ROLE_METHOD[KW_ROLE_METHODS] = {
    {"AddIdentity", {"Rule", KW_TYPE_ID_IDENTITY_MAPPING_RULE, -1, "who gets the Role"}, on_add_identity},
    {"RemoveIdentity", {"Rule", KW_TYPE_ID_IDENTITY_MAPPING_RULE, -1, "who gets the Role"}, on_remove_identity},
    {"AddApplication", {"ApplicationUri", KW_TYPE_ID_STRING, -1, "of the Client's certificate"}, on_add_application},
    {"RemoveApplication", {"ApplicationUri", KW_TYPE_ID_STRING, -1, "of the Client's certificate"}, on_remove_application},
    {"AddEndpoint", {"Endpoint", KW_TYPE_ID_ENDPOINT, -1, "what is empty in it may be anything"}, on_add_endpoint},
    {"RemoveEndpoint", {"Endpoint", KW_TYPE_ID_ENDPOINT, -1, "what is empty in it may be anything"}, on_remove_endpoint},
};

/* --- AddRole, RemoveRole ---------------------------------------------------------------------------------------------------------------------- */

static kw_status add_role(kw_admin_job *job)
{
    const kw_role role = {.name = job->subject, .namespace_uri = job->as.text};
    return kw_store_role_add(job->administration->env.store, &role);
}

static kw_status answer_add(kw_admin_job *job)
{
    kw_administration *a = job->administration;
    kw_node_id *id = KW_ARENA_NEW(job->call->arena, kw_node_id);
    if (id == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (const kw_role_node *role = a->roles; role != NULL; role = role->next) {
        if (kw_bytes_equal(role->name, job->subject)) {
            *id = role->id;
            job->call->outputs[0] = kw_variant_scalar(KW_BUILTIN_NODE_ID, id);
            return KW_GOOD;
        }
    }
    return KW_BAD_NOT_FOUND; /* somebody has removed it already */
}

static kw_status remove_role(kw_admin_job *job)
{
    return kw_store_role_remove(job->administration->env.store, job->subject);
}

static void describe_role(const kw_admin_job *job, kw_writer *w)
{
    kw_json_text_string(w, "role", job->subject, KW_ADMIN_TEXT_MAX);
}

/* The standard's own namespace has the Roles that it has; others must be there already. */
static kw_status check_namespace(const kw_administration *a, kw_string *uri)
{
    if (kw_bytes_is_empty(*uri)) {
        *uri = a->env.server_uri;
    }
    const uint16_t index = kw_space_namespace_find(a->env.space, *uri);
    return index != 0 && index != UINT16_MAX ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
}

static bool is_role_name(kw_string name)
{
    return !kw_bytes_is_empty(name) && name.len <= ROLE_NAME_MAX && kw_utf8_is_valid(name, false);
}

void kw_role_set_add(void *ctx, kw_call *call)
{
    kw_administration *a = ctx;
    const kw_string *name = kw_variant_get(&call->inputs[0], KW_BUILTIN_STRING);
    const kw_string *uri = kw_variant_get(&call->inputs[1], KW_BUILTIN_STRING);
    kw_admin_job job = {.call = call,
                        .change = add_role,
                        .answer = answer_add,
                        .describe = describe_role,
                        .event = "AddRole",
                        .event_type = KW_ID_AUDIT_UPDATE_METHOD_EVENT_TYPE,
                        .message = KW_STRING("a Role was added"),
                        .subject = name != NULL ? *name : KW_BYTES_NULL};
    job.as.text = uri != NULL ? *uri : KW_BYTES_NULL;
    call->input_results[0] = is_role_name(job.subject) ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
    call->input_results[1] = check_namespace(a, &job.as.text);
    if (kw_status_is_bad(call->input_results[0]) || kw_status_is_bad(call->input_results[1])) {
        kw_admin_refuse(a, &job, KW_BAD_INVALID_ARGUMENT);
        return;
    }
    kw_admin_start(a, &job);
}

void kw_role_set_remove(void *ctx, kw_call *call)
{
    kw_administration *a = ctx;
    const kw_node_id *id = kw_variant_get(&call->inputs[0], KW_BUILTIN_NODE_ID);
    const kw_role_node *role = id != NULL ? kw_role_node_by_id(a, id) : NULL;
    kw_admin_job job = {.call = call,
                        .change = remove_role,
                        .describe = describe_role,
                        .event = "RemoveRole",
                        .event_type = KW_ID_AUDIT_UPDATE_METHOD_EVENT_TYPE,
                        .message = KW_STRING("a Role was removed"),
                        .subject = role != NULL ? kw_arena_copy(call->arena, role->name) : KW_BYTES_NULL};
    if (job.subject.data == NULL) {
        kw_admin_refuse(a, &job, role == NULL ? KW_BAD_NODE_ID_UNKNOWN : KW_BAD_OUT_OF_MEMORY);
        return;
    }
    kw_admin_start(a, &job);
}
