#include "client/token_service.h"

#include "base/try.h"
#include "ua/text.h"

#define GDS_AUTHORIZATION_SERVICES 959
#define GDS_AUTHORIZATION_SERVICE_TYPE 966
#define VALUE 13

/* --- the Object ------------------------------------------------------------------------------------------------------------- */

static kw_status named_object(kw_client *client, kw_string text, kw_arena *arena, kw_node_id *object)
{
    kw_expanded_node_id id;
    KW_TRY(kw_expanded_node_id_parse(text, arena, &id));
    if (id.namespace_uri.len > 0) {
        KW_TRY(kw_client_namespace(client, kw_arena_cstring(arena, id.namespace_uri), &id.node_id.ns));
    }
    *object = id.node_id;
    return KW_GOOD;
}

static kw_status first_object(kw_client *client, uint16_t gds, const char *name, kw_arena *arena, kw_node_id *object)
{
    kw_reference_description *references = NULL;
    size_t count = 0;
    const kw_browse_description what = {.node_id = KW_NODE_ID(gds, GDS_AUTHORIZATION_SERVICES),
                                        .browse_direction = KW_BROWSE_DIRECTION_FORWARD,
                                        .reference_type_id = KW_NODE_ID(0, 33), /* HierarchicalReferences */
                                        .include_subtypes = true,
                                        .node_class_mask = KW_NODE_CLASS_OBJECT,
                                        .result_mask = 63};
    const kw_node_id type = KW_NODE_ID(gds, GDS_AUTHORIZATION_SERVICE_TYPE);
    KW_TRY(kw_client_browse(client, &what, 0, arena, &references, &count));
    for (size_t i = 0; i < count; i++) {
        if (kw_node_id_equal(&references[i].type_definition.node_id, &type) &&
            (name == NULL || kw_string_equals(references[i].browse_name.name, name))) {
            *object = references[i].node_id.node_id;
            return KW_GOOD;
        }
    }
    return name != NULL ? kw_client_fail(client, KW_BAD_NOT_FOUND, "there is no Authorization Service '%s' on this server", name)
                        : kw_client_fail(client, KW_BAD_NOT_FOUND, "there is no Authorization Service on this server");
}

/* --- its parts -------------------------------------------------------------------------------------------------------------- */

typedef struct part {
    const char *name; /* BrowseName in the GDS namespace */
    kw_node_id *id;   /* stays null when there is none */
} part;

static kw_status find_parts(kw_client *client, const kw_node_id *object, uint16_t gds, const part *parts, size_t count, kw_arena *arena)
{
    kw_relative_path_element *elements = KW_ARENA_ARRAY(arena, kw_relative_path_element, count);
    kw_browse_path *paths = KW_ARENA_ARRAY(arena, kw_browse_path, count);
    kw_translate_browse_paths_to_node_ids_response *response = NULL;
    if (elements == NULL || paths == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        elements[i] = (kw_relative_path_element){.reference_type_id = KW_NODE_ID(0, 44), /* Aggregates */
                                                 .include_subtypes = true,
                                                 .target_name = {gds, kw_string_from(parts[i].name)}};
        paths[i] = (kw_browse_path){.starting_node = *object, .relative_path = {.elements = &elements[i], .elements_count = 1}};
    }
    kw_translate_browse_paths_to_node_ids_request request = {.browse_paths = paths, .browse_paths_count = count};
    KW_TRY(kw_client_service(client, KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_REQUEST, &request,
                             KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_RESPONSE, arena, (void **)&response));
    for (size_t i = 0; i < count && i < response->results_count; i++) {
        const kw_browse_path_result *result = &response->results[i];
        if (!kw_status_is_bad(result->status_code) && result->targets_count > 0) {
            *parts[i].id = result->targets[0].target_id.node_id;
        }
    }
    return KW_GOOD;
}

static kw_status read_policies(kw_client *client, const kw_node_id *property, kw_arena *arena, kw_token_service *out)
{
    kw_data_value value;
    if (kw_node_id_is_null(property)) {
        return KW_GOOD;
    }
    KW_TRY(kw_client_read(client, property, VALUE, arena, &value));
    if (value.value.type != KW_BUILTIN_EXTENSION_OBJECT || !value.value.is_array) {
        return KW_BAD_TYPE_MISMATCH;
    }
    const kw_extension_object *objects = value.value.data;
    out->policies = KW_ARENA_ARRAY(arena, kw_user_token_policy, value.value.count);
    for (size_t i = 0; out->policies != NULL && i < value.value.count; i++) {
        const kw_user_token_policy *policy = kw_extension_object_get(&objects[i], KW_TYPE_USER_TOKEN_POLICY);
        if (policy != NULL) {
            out->policies[out->policy_count++] = *policy;
        }
    }
    return out->policies != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_token_service_find(kw_client *client, kw_string object, const char *name, kw_arena *arena, kw_token_service *out)
{
    uint16_t gds = 0;
    kw_node_id policies = KW_NODE_ID_NULL;
    *out = (kw_token_service){.client = client};
    const part parts[] = {{"RequestAccessToken", &out->request_access_token},
                          {"StartRequestToken", &out->start_request_token},
                          {"FinishRequestToken", &out->finish_request_token},
                          {"RefreshToken", &out->refresh_token},
                          {"UserTokenPolicies", &policies}};
    if (kw_status_is_bad(kw_client_namespace(client, KW_GDS_NAMESPACE, &gds))) {
        return kw_client_fail(client, KW_BAD_NOT_FOUND, "this server is no Authorization Service (it does not know the GDS namespace)");
    }
    KW_TRY(object.len > 0 ? named_object(client, object, arena, &out->object) : first_object(client, gds, name, arena, &out->object));
    KW_TRY(find_parts(client, &out->object, gds, parts, sizeof(parts) / sizeof(parts[0]), arena));
    return read_policies(client, &policies, arena, out);
}

const kw_user_token_policy *kw_token_service_policy(const kw_token_service *service, const kw_client_identity *self)
{
    return kw_client_choose_token_policy(service->client, service->policies, service->policy_count, self);
}

/* --- answers ---------------------------------------------------------------------------------------------------------------- */

kw_status kw_token_service_refusal(const kw_token_service *service, kw_status status)
{
    const char *sentence = "the Authorization Service gave no token";
    if (status == KW_BAD_NOT_FOUND) {
        sentence = "the Authorization Service does not know this resource; `keyway resource add` registers it";
    } else if (status == KW_BAD_USER_ACCESS_DENIED) {
        sentence = "the Authorization Service gives this user or application no token";
    } else if (status == KW_BAD_INVALID_ARGUMENT) {
        sentence = "the Authorization Service does not know what was asked for: is there a Role of that name?";
    }
    return kw_client_fail(service->client, status, "%s", sentence);
}

const void *kw_token_service_output(const kw_call_method_result *result, size_t index, kw_builtin type)
{
    return index < result->output_arguments_count ? kw_variant_get(&result->output_arguments[index], type) : NULL;
}
