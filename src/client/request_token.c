/* Getting an access token from an Authorization Service over OPC UA. OPC 10000-12, 9; OPC 10000-6, 6.5.2. */
#include "base/try.h"
#include "client/client_internal.h"
#include "ua/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define GDS_NAMESPACE "http://opcfoundation.org/UA/GDS/"
#define GDS_AUTHORIZATION_SERVICES 959
#define GDS_AUTHORIZATION_SERVICE_TYPE 966
#define PROFILE_OPCUA "http://opcfoundation.org/UA/Authorization#OPCUA"

/* What issuerEndpointUrl says; strings in the arena, null where it says nothing. */
typedef struct authority_hint {
    kw_string url, resource, object;
} authority_hint;

static kw_string text_member(kw_arena *arena, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? kw_arena_copy(arena, (kw_bytes){(const uint8_t *)json_string_value(value), json_string_length(value)})
                                 : KW_BYTES_NULL;
}

static bool parse_hint(kw_arena *arena, kw_string json, authority_hint *out)
{
    json_t *object = json.len > 0 ? json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return false;
    }
    const kw_string profile = text_member(arena, object, "ua:authorityProfileUri");
    out->url = text_member(arena, object, "ua:authorityUrl");
    out->resource = text_member(arena, object, "ua:resourceId");
    out->object = text_member(arena, object, "ua:tokenEndpoint");
    json_decref(object);
    return out->url.len > 0 && (profile.len == 0 || kw_string_equals(profile, PROFILE_OPCUA));
}

/* The first UserTokenPolicy that leads to an Authorization Service which speaks OPC UA. */
static bool find_hint(const kw_client *client, kw_arena *arena, authority_hint *out)
{
    for (size_t i = 0; i < client->endpoint->user_identity_tokens_count; i++) {
        const kw_user_token_policy *policy = &client->endpoint->user_identity_tokens[i];
        if (policy->token_type == KW_USER_TOKEN_TYPE_ISSUED_TOKEN && parse_hint(arena, policy->issuer_endpoint_url, out)) {
            return true;
        }
    }
    *out = (authority_hint){KW_BYTES_NULL, KW_BYTES_NULL, KW_BYTES_NULL};
    return false;
}

/* A Client like ours, for the authority. */
static kw_status clone_client(const kw_client *client, kw_client **out)
{
    kw_client *copy = calloc(1, sizeof(*copy));
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    copy->env = client->env;
    copy->arena = kw_arena_new(KW_CLIENT_ARENA);
    copy->application_name = strdup(client->application_name);
    copy->application_uri = client->application_uri != NULL ? strdup(client->application_uri) : NULL;
    copy->mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT; /* RT-20: nothing less will do */
    copy->trust_any = client->trust_any;
    copy->dotnet_secrets = client->dotnet_secrets;
    copy->timeout_ms = client->timeout_ms;
    copy->session_timeout_ms = client->session_timeout_ms;
    copy->reconnect_ms = copy->keep_alive_ms = KW_CLIENT_NEVER; /* it asks once */
    copy->identity.certificate = kw_certificate_retain(client->identity.certificate);
    copy->identity.key = kw_private_key_retain(client->identity.key);
    copy->trust = client->trust; /* borrowed: taken away again before the copy is freed */
    *out = copy;
    return copy->arena != NULL && copy->application_name != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static void free_clone(kw_client *clone)
{
    if (clone != NULL) {
        kw_client_disconnect(clone);
        clone->trust = NULL;
        kw_client_free(clone);
    }
}

/* --- the service's Object --------------------------------------------------------------------------------------------------- */

static kw_status named_object(kw_client *authority, kw_string text, kw_arena *arena, kw_node_id *object)
{
    kw_expanded_node_id id;
    KW_TRY(kw_expanded_node_id_parse(text, arena, &id));
    if (id.namespace_uri.len > 0) {
        KW_TRY(kw_client_namespace(authority, kw_arena_cstring(arena, id.namespace_uri), &id.node_id.ns));
    }
    *object = id.node_id;
    return KW_GOOD;
}

static kw_status first_object(kw_client *authority, uint16_t gds, kw_arena *arena, kw_node_id *object)
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
    KW_TRY(kw_client_browse(authority, &what, 0, arena, &references, &count));
    for (size_t i = 0; i < count; i++) {
        if (kw_node_id_equal(&references[i].type_definition.node_id, &type)) {
            *object = references[i].node_id.node_id;
            return KW_GOOD;
        }
    }
    return kw_client_fail(authority, KW_BAD_NOT_FOUND, "there is no Authorization Service on this server");
}

/* A component of the Object by its BrowseName in the GDS namespace. */
static kw_status component(kw_client *authority, const kw_node_id *object, uint16_t gds, const char *name, kw_arena *arena, kw_node_id *out)
{
    kw_relative_path_element element = {.reference_type_id = KW_NODE_ID(0, 44), /* Aggregates */
                                        .include_subtypes = true,
                                        .target_name = {gds, kw_string_from(name)}};
    kw_browse_path path = {.starting_node = *object, .relative_path = {.elements = &element, .elements_count = 1}};
    kw_translate_browse_paths_to_node_ids_request request = {.browse_paths = &path, .browse_paths_count = 1};
    kw_translate_browse_paths_to_node_ids_response *response = NULL;
    KW_TRY(kw_client_service(authority, KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_REQUEST, &request,
                             KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_RESPONSE, arena, (void **)&response));
    if (response->results_count != 1 || kw_status_is_bad(response->results[0].status_code) || response->results[0].targets_count == 0) {
        return KW_BAD_NOT_FOUND;
    }
    *out = response->results[0].targets[0].target_id.node_id;
    return KW_GOOD;
}

/* --- the identity as an argument ---------------------------------------------------------------------------------------------- */

static kw_status read_policies(kw_client *authority, const kw_node_id *object, uint16_t gds, kw_arena *arena, kw_user_token_policy **out,
                               size_t *count)
{
    kw_node_id property;
    kw_data_value value;
    KW_TRY(component(authority, object, gds, "UserTokenPolicies", arena, &property));
    KW_TRY(kw_client_read(authority, &property, 13, arena, &value));
    if (value.value.type != KW_BUILTIN_EXTENSION_OBJECT || !value.value.is_array) {
        return KW_BAD_TYPE_MISMATCH;
    }
    const kw_extension_object *objects = value.value.data;
    *out = KW_ARENA_ARRAY(arena, kw_user_token_policy, value.value.count);
    *count = 0;
    for (size_t i = 0; *out != NULL && i < value.value.count; i++) {
        const kw_user_token_policy *policy = kw_extension_object_get(&objects[i], KW_TYPE_USER_TOKEN_POLICY);
        if (policy != NULL) {
            (*out)[(*count)++] = *policy;
        }
    }
    return *out != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status explicit_identity(kw_client *authority, const kw_node_id *object, uint16_t gds, const kw_client_identity *self,
                                   kw_arena *arena, kw_extension_object *token)
{
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    kw_signature_data signature;
    KW_TRY(read_policies(authority, object, gds, arena, &policies, &count));
    const kw_security_policy *channel_policy = kw_security_policy_by_uri(authority->endpoint->security_policy_uri);
    const kw_token_context context = {
        .policy = kw_client_choose_token_policy(policies, count, self->kind, channel_policy, authority->endpoint->security_mode),
        .channel_policy = channel_policy,
        .mode = authority->endpoint->security_mode,
        .receiver = authority->server_certificate,
        .nonce = KW_BYTES_NULL};
    if (context.policy == NULL) {
        return kw_client_fail(authority, KW_BAD_IDENTITY_TOKEN_INVALID, "the Authorization Service does not take this kind of identity");
    }
    return kw_client_build_token(authority, &context, self, arena, token, &signature);
}

static kw_status call_request(kw_client *authority, const authority_hint *hint, const char *resource, const kw_client_identity *self,
                              bool is_explicit, kw_arena *arena, kw_string *token)
{
    uint16_t gds = 0;
    kw_node_id object, method;
    kw_extension_object identity = {.type_id = KW_NODE_ID_NULL};
    if (kw_status_is_bad(kw_client_namespace(authority, GDS_NAMESPACE, &gds))) {
        return kw_client_fail(authority, KW_BAD_NOT_FOUND, "this server is no Authorization Service (it does not know the GDS namespace)");
    }
    KW_TRY(hint->object.len > 0 ? named_object(authority, hint->object, arena, &object) : first_object(authority, gds, arena, &object));
    KW_TRY(component(authority, &object, gds, "RequestAccessToken", arena, &method));
    if (is_explicit) {
        KW_TRY(explicit_identity(authority, &object, gds, self, arena, &identity));
    }
    const kw_string resource_id = kw_string_from(resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &identity),
                                 kw_variant_scalar(KW_BUILTIN_STRING, &resource_id)};
    kw_call_method_result result;
    const kw_status status = kw_client_call(authority, &object, &method, inputs, 2, arena, &result);
    if (kw_status_is_bad(status)) {
        return kw_client_fail(authority, status, "%s",
                              status == KW_BAD_NOT_FOUND
                                  ? "the Authorization Service does not know this resource; `keyway resource add` registers it"
                              : status == KW_BAD_USER_ACCESS_DENIED ? "the Authorization Service gives this user or application no token"
                                                                    : "the Authorization Service gave no token");
    }
    const kw_string *text = result.output_arguments_count == 1 ? kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING) : NULL;
    if (text == NULL) {
        return kw_client_fail(authority, KW_BAD_TYPE_MISMATCH, "the Authorization Service answered without a token");
    }
    *token = kw_arena_copy(arena, *text);
    return KW_GOOD;
}

/*
 * Where the authority lets Anonymous Sessions in, the user goes as an argument (explicit); otherwise the Session itself is the
 * user's and speaks for him (implicit).
 */
static kw_status sign_in(kw_client *authority, const kw_client_identity *self, bool *is_explicit)
{
    const kw_endpoint_description *e = authority->endpoint;
    const kw_client_identity anonymous = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
    const kw_security_policy *policy = kw_security_policy_by_uri(e->security_policy_uri);
    const bool takes_anonymous = kw_client_choose_token_policy(e->user_identity_tokens, e->user_identity_tokens_count,
                                                               KW_USER_TOKEN_TYPE_ANONYMOUS, policy, e->security_mode) != NULL;
    *is_explicit = takes_anonymous && self->kind != KW_USER_TOKEN_TYPE_ANONYMOUS;
    return kw_client_activate(authority, *is_explicit ? &anonymous : self);
}

kw_status kw_client_request_token(kw_client *client, const char *authority_url, const char *resource, const kw_client_identity *self,
                                  kw_arena *arena, kw_string *token)
{
    authority_hint hint = {KW_BYTES_NULL, KW_BYTES_NULL, KW_BYTES_NULL};
    kw_client *authority = NULL;
    bool is_explicit = false;
    client->error[0] = '\0';
    if (client->endpoint != NULL) {
        find_hint(client, arena, &hint);
    }
    if (authority_url != NULL && !kw_string_equals(hint.url, authority_url)) {
        hint.object = KW_BYTES_NULL; /* that Object lives elsewhere */
    }
    authority_url = authority_url != NULL ? authority_url : kw_arena_cstring(arena, hint.url);
    if (resource == NULL && client->endpoint != NULL) {
        resource = kw_arena_cstring(arena, hint.resource.len > 0 ? hint.resource : client->endpoint->server.application_uri);
    }
    if (authority_url == NULL || *authority_url == '\0' || resource == NULL) {
        return kw_client_fail(client, KW_BAD_NOT_FOUND, "the server names no Authorization Service; give its URL with --authority URL");
    }
    kw_status status = clone_client(client, &authority);
    if (!kw_status_is_bad(status)) {
        status = kw_client_connect(authority, authority_url);
    }
    if (!kw_status_is_bad(status)) {
        status = sign_in(authority, self, &is_explicit);
    }
    if (!kw_status_is_bad(status)) {
        status = call_request(authority, &hint, resource, self, is_explicit, arena, token);
    }
    if (kw_status_is_bad(status) && authority != NULL) {
        kw_client_fail(client, status, "at the Authorization Service %s: %s", authority_url, authority->error);
    }
    free_clone(authority);
    return status;
}
