/* The Properties of a Role: read from what the gate recalls of the store, the two flags written through it. OPC 10000-18, 4.4.1. */
#include "base/try.h"
#include "space/administration_internal.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */

typedef kw_status (*role_reader)(const kw_role *role, kw_arena *arena, kw_variant *out);

static bool copy_text(kw_arena *arena, kw_string from, kw_string *to)
{
    *to = kw_arena_copy(arena, from);
    return from.data == NULL || to->data != NULL;
}

static kw_status read_rules(const kw_role *role, kw_arena *arena, kw_variant *out)
{
    kw_identity_mapping_rule_type *rules = KW_ARENA_ARRAY(arena, kw_identity_mapping_rule_type, role->rule_count);
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, role->rule_count);
    bool is_complete = rules != NULL && objects != NULL;
    for (size_t i = 0; is_complete && i < role->rule_count; i++) {
        rules[i].criteria_type = (kw_identity_criteria_type)role->rules[i].criteria;
        is_complete = copy_text(arena, role->rules[i].value, &rules[i].criteria);
        objects[i] = kw_extension_object_of(KW_TYPE_IDENTITY_MAPPING_RULE_TYPE, &rules[i]);
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, role->rule_count);
    return is_complete ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status read_applications(const kw_role *role, kw_arena *arena, kw_variant *out)
{
    kw_string *uris = KW_ARENA_ARRAY(arena, kw_string, role->application_count);
    bool is_complete = uris != NULL;
    for (size_t i = 0; is_complete && i < role->application_count; i++) {
        is_complete = copy_text(arena, role->applications[i], &uris[i]);
    }
    *out = kw_variant_array(KW_BUILTIN_STRING, uris, role->application_count);
    return is_complete ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status read_endpoints(const kw_role *role, kw_arena *arena, kw_variant *out)
{
    kw_endpoint_type *endpoints = KW_ARENA_ARRAY(arena, kw_endpoint_type, role->endpoint_count);
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, role->endpoint_count);
    bool is_complete = endpoints != NULL && objects != NULL;
    for (size_t i = 0; is_complete && i < role->endpoint_count; i++) {
        const kw_role_endpoint *from = &role->endpoints[i];
        endpoints[i].security_mode = (kw_message_security_mode)from->security_mode;
        is_complete = copy_text(arena, from->url, &endpoints[i].endpoint_url) &&
                      copy_text(arena, from->security_policy_uri, &endpoints[i].security_policy_uri) &&
                      copy_text(arena, from->transport_profile_uri, &endpoints[i].transport_profile_uri);
        objects[i] = kw_extension_object_of(KW_TYPE_ENDPOINT_TYPE, &endpoints[i]);
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, role->endpoint_count);
    return is_complete ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status put_flag(bool flag, kw_variant *out)
{
    static const bool NO = false, YES = true;
    *out = kw_variant_scalar(KW_BUILTIN_BOOLEAN, flag ? &YES : &NO);
    return KW_GOOD;
}

static kw_status read_applications_exclude(const kw_role *role, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    return put_flag(role->applications_exclude, out);
}

static kw_status read_endpoints_exclude(const kw_role *role, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    return put_flag(role->endpoints_exclude, out);
}

static kw_status read_custom(const kw_role *role, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    return put_flag(role->custom_configuration, out);
}

static kw_status read_role(void *ctx, role_reader read, kw_arena *arena, kw_data_value *out)
{
    const kw_role_node *node = ctx;
    const kw_snapshot *snapshot = NULL;
    KW_TRY(kw_identity_gate_recall(node->administration->env.gate, &snapshot));
    const kw_role *role = kw_snapshot_role(snapshot, node->name);
    out->has_value = true;
    const kw_status status = role != NULL ? read(role, arena, &out->value) : KW_BAD_NOT_FOUND;
    kw_snapshot_release(snapshot);
    return status;
}

#define READ(name)                                                                                                                         \
    static kw_status on_##name(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)                                    \
    {                                                                                                                                      \
        (void)access;                                                                                                                      \
        return read_role(ctx, name, arena, out);                                                                                           \
    }

READ(read_rules)
READ(read_applications)
READ(read_endpoints)
READ(read_applications_exclude)
READ(read_endpoints_exclude)
READ(read_custom)

/* --- writing: the two flags (RO-07) ---------------------------------------------------------------------------------------------------- */

static kw_status set_applications_exclude(kw_admin_job *job)
{
    return kw_store_role_exclude(job->administration->env.store, job->subject, &job->as.flag, NULL);
}

static kw_status set_endpoints_exclude(kw_admin_job *job)
{
    return kw_store_role_exclude(job->administration->env.store, job->subject, NULL, &job->as.flag);
}

static void describe_flag(const kw_admin_job *job, kw_writer *w)
{
    kw_json_text_string(w, "role", job->subject, KW_ADMIN_TEXT_MAX);
    kw_json_text_int(w, "value", job->as.flag);
}

static void write_flag(void *ctx, kw_write *write, kw_status (*change)(kw_admin_job *), const char *event)
{
    kw_role_node *role = ctx;
    const bool *flag = kw_variant_get(&write->value.value, KW_BUILTIN_BOOLEAN);
    kw_admin_job job = {.write = write,
                        .change = change,
                        .describe = describe_flag,
                        .event = event,
                        .event_type = KW_ID_AUDIT_WRITE_UPDATE_EVENT_TYPE,
                        .message = KW_STRING("the restrictions of a Role were changed"),
                        .subject = kw_arena_copy(write->arena, role->name)};
    if (flag == NULL || job.subject.data == NULL) {
        kw_admin_refuse(role->administration, &job, flag == NULL ? KW_BAD_TYPE_MISMATCH : KW_BAD_OUT_OF_MEMORY);
        return;
    }
    job.as.flag = *flag;
    kw_admin_start(role->administration, &job);
}

static void on_write_applications_exclude(void *ctx, kw_write *write)
{
    write_flag(ctx, write, set_applications_exclude, "ApplicationsExclude");
}

static void on_write_endpoints_exclude(void *ctx, kw_write *write)
{
    write_flag(ctx, write, set_endpoints_exclude, "EndpointsExclude");
}

const kw_role_property KW_ROLE_PROPERTY[KW_ROLE_PROPERTIES] = {
    {"Identities", KW_TYPE_ID_IDENTITY_MAPPING_RULE, 1, on_read_rules, NULL},
    {"ApplicationsExclude", KW_TYPE_ID_BOOLEAN, -1, on_read_applications_exclude, on_write_applications_exclude},
    {"Applications", KW_TYPE_ID_STRING, 1, on_read_applications, NULL},
    {"EndpointsExclude", KW_TYPE_ID_BOOLEAN, -1, on_read_endpoints_exclude, on_write_endpoints_exclude},
    {"Endpoints", KW_TYPE_ID_ENDPOINT, 1, on_read_endpoints, NULL},
    {"CustomConfiguration", KW_TYPE_ID_BOOLEAN, -1, on_read_custom, NULL},
};
