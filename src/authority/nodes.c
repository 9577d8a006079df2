/* The Object of AuthorizationServiceType. OPC 10000-12, 9.5. */
#include "authority/authority_internal.h"
#include "authority/roles.h"
#include "base/try.h"

#define GDS_AUTHORIZATION_SERVICES 959
#define GDS_AUTHORIZATION_SERVICE_TYPE 966
#define TYPE_BYTE_STRING 15
#define TYPE_STRING 12
#define TYPE_DATE_TIME 13
#define TYPE_GUID 14
#define TYPE_USER_TOKEN_POLICY 304
#define TYPE_USER_IDENTITY_TOKEN 316
#define TYPE_SIGNATURE_DATA 456
#define PROPERTY_TYPE 68

const kw_node_id KW_AUTHORITY_OBJECT = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"AuthorizationService", 20}};

static kw_status policies_variant(kw_authority *authority, kw_arena *arena, kw_variant *out)
{
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    KW_TRY(kw_authority_policies(authority, arena, &policies, &count));
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, count);
    if (objects == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        objects[i] = kw_extension_object_of(KW_TYPE_USER_TOKEN_POLICY, &policies[i]);
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, count);
    return KW_GOOD;
}

static kw_status certificate_variant(kw_authority *authority, kw_arena *arena, kw_variant *out)
{
    kw_signer_view signer;
    kw_bytes *value = KW_ARENA_NEW(arena, kw_bytes);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *value = authority->config.service_certificate;
    if (authority->config.provider == NULL) {
        KW_TRY(kw_signer_get(authority, arena, &signer));
        kw_private_key_release(signer.key);
        *value = signer.certificate;
    }
    *out = kw_variant_scalar(KW_BUILTIN_BYTE_STRING, value);
    return KW_GOOD;
}

static kw_status read_policies(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    (void)access;
    *out = (kw_data_value){.has_value = true};
    return policies_variant(ctx, arena, &out->value);
}

static kw_status read_certificate(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    (void)access;
    *out = (kw_data_value){.has_value = true};
    return certificate_variant(ctx, arena, &out->value);
}

/* AZ-12 */
static kw_status read_roles(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    kw_authority *authority = ctx;
    kw_string *names = NULL;
    size_t count = 0;
    (void)access;
    KW_TRY(kw_authority_supported_roles(kw_server_gate(authority->server), arena, &names, &count));
    *out = (kw_data_value){.has_value = true, .value = kw_variant_array(KW_BUILTIN_STRING, names, count)};
    return KW_GOOD;
}

/* AZ-05 */
static void get_service_description(void *ctx, kw_call *call)
{
    kw_authority *authority = ctx;
    call->outputs[0] = kw_variant_scalar(KW_BUILTIN_STRING, &authority->config.service_uri);
    kw_status status = certificate_variant(authority, call->arena, &call->outputs[1]);
    if (!kw_status_is_bad(status)) {
        status = policies_variant(authority, call->arena, &call->outputs[2]);
    }
    call->finish(call, status);
}

static kw_qualified_name gds_name(uint16_t gds, const char *name)
{
    return (kw_qualified_name){gds, kw_string_from(name)};
}

/* A part of the Object: ns=1;s=OBJECT.NAME. */
static kw_node_id part_id(const kw_authority *authority, const char *name)
{
    return (kw_node_id){
        .ns = 1,
        .kind = KW_NODE_ID_STRING,
        .id.string = kw_arena_format(authority->arena, "%.*s.%s", KW_STRING_ARGS(authority->object.id.string), name),
    };
}

/* A Property whose value is worked out at each reading. */
static kw_status add_live(kw_authority *authority, uint16_t gds, const char *name, uint32_t data_type, int32_t rank, kw_value_read read)
{
    return kw_space_add_variable(kw_server_space(authority->server), &(kw_node_spec){.id = part_id(authority, name),
                                                                                     .parent = authority->object,
                                                                                     .type_definition = KW_NODE_ID(0, PROPERTY_TYPE),
                                                                                     .browse_name = gds_name(gds, name),
                                                                                     .data_type = KW_NODE_ID(0, data_type),
                                                                                     .value_rank = rank,
                                                                                     .read = read,
                                                                                     .ctx = authority});
}

static kw_status add_properties(kw_authority *authority, kw_space *space, uint16_t gds)
{
    KW_TRY(kw_space_add_variable(space, &(kw_node_spec){.id = part_id(authority, "ServiceUri"),
                                                        .parent = authority->object,
                                                        .type_definition = KW_NODE_ID(0, PROPERTY_TYPE),
                                                        .browse_name = gds_name(gds, "ServiceUri"),
                                                        .data_type = KW_NODE_ID(0, TYPE_STRING),
                                                        .value = kw_variant_scalar(KW_BUILTIN_STRING, &authority->config.service_uri)}));
    KW_TRY(add_live(authority, gds, "ServiceCertificate", TYPE_BYTE_STRING, -1, read_certificate));
    KW_TRY(add_live(authority, gds, "UserTokenPolicies", TYPE_USER_TOKEN_POLICY, 1, read_policies));
    return authority->config.provider == NULL ? add_live(authority, gds, "SupportedRoles", TYPE_STRING, 1, read_roles) : KW_GOOD;
}

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static const kw_argument_spec DESCRIPTION_OUT[] = {{"ServiceUri", TYPE_STRING, -1, NULL},
                                                   {"ServiceCertificate", TYPE_BYTE_STRING, -1, NULL},
                                                   {"UserTokenPolicies", TYPE_USER_TOKEN_POLICY, 1, NULL}};
static const kw_argument_spec REQUEST_IN[] = {{"IdentityToken", TYPE_USER_IDENTITY_TOKEN, -1, NULL}, {"ResourceId", TYPE_STRING, -1, NULL}};
static const kw_argument_spec REQUEST_OUT[] = {{"AccessToken", TYPE_STRING, -1, NULL}};
static const kw_argument_spec START_IN[] = {
    {"ResourceId", TYPE_STRING, -1, NULL}, {"PolicyId", TYPE_STRING, -1, NULL}, {"RequestorData", TYPE_BYTE_STRING, -1, NULL}};
static const kw_argument_spec START_OUT[] = {{"ServiceData", TYPE_BYTE_STRING, -1, NULL}, {"RequestId", TYPE_GUID, -1, NULL}};
static const kw_argument_spec FINISH_IN[] = {{"RequestId", TYPE_GUID, -1, NULL},
                                             {"RequestedRoles", TYPE_STRING, 1, NULL},
                                             {"UserIdentityToken", TYPE_USER_IDENTITY_TOKEN, -1, NULL},
                                             {"UserTokenSignature", TYPE_SIGNATURE_DATA, -1, NULL}};
static const kw_argument_spec FINISH_OUT[] = {{"AccessToken", TYPE_STRING, -1, NULL},
                                              {"AccessTokenExpiryTime", TYPE_DATE_TIME, -1, NULL},
                                              {"RefreshToken", TYPE_STRING, -1, NULL},
                                              {"RefreshTokenExpiryTime", TYPE_DATE_TIME, -1, NULL}};
static const kw_argument_spec REFRESH_IN[] = {{"ResourceId", TYPE_STRING, -1, NULL}, {"CurrentRefreshToken", TYPE_STRING, -1, NULL}};
static const kw_argument_spec REFRESH_OUT[] = {{"AccessToken", TYPE_STRING, -1, NULL},
                                               {"AccessTokenExpiryTime", TYPE_DATE_TIME, -1, NULL},
                                               {"NewRefreshToken", TYPE_STRING, -1, NULL},
                                               {"NewRefreshTokenExpiryTime", TYPE_DATE_TIME, -1, NULL}};

static const struct method {
    const char *name; /* in the GDS namespace (RT-30) */
    kw_method_call call;
    const kw_argument_spec *inputs, *outputs;
    size_t input_count, output_count;
    bool is_sessionless; /* RT-05 */
    bool is_of_facades;
} METHODS[] = {
    {"GetServiceDescription", get_service_description, NULL, DESCRIPTION_OUT, 0, COUNT_OF(DESCRIPTION_OUT), true, true},
    {"RequestAccessToken", kw_authority_request_access_token, REQUEST_IN, REQUEST_OUT, COUNT_OF(REQUEST_IN), COUNT_OF(REQUEST_OUT), true,
     true},
    {"StartRequestToken", kw_authority_start_request_token, START_IN, START_OUT, COUNT_OF(START_IN), COUNT_OF(START_OUT), false, false},
    {"FinishRequestToken", kw_authority_finish_request_token, FINISH_IN, FINISH_OUT, COUNT_OF(FINISH_IN), COUNT_OF(FINISH_OUT), false,
     false},
    {"RefreshToken", kw_authority_refresh_token, REFRESH_IN, REFRESH_OUT, COUNT_OF(REFRESH_IN), COUNT_OF(REFRESH_OUT), false, false},
};

static kw_status add_methods(kw_authority *authority, kw_space *space, uint16_t gds)
{
    for (size_t i = 0; i < COUNT_OF(METHODS); i++) {
        const struct method *m = &METHODS[i];
        if (authority->config.provider != NULL && !m->is_of_facades) {
            continue;
        }
        KW_TRY(kw_space_add_method(space, &(kw_node_spec){.id = part_id(authority, m->name),
                                                          .parent = authority->object,
                                                          .browse_name = gds_name(gds, m->name),
                                                          .inputs = m->inputs,
                                                          .input_count = m->input_count,
                                                          .outputs = m->outputs,
                                                          .output_count = m->output_count,
                                                          .call = m->call,
                                                          .is_sessionless = m->is_sessionless,
                                                          .ctx = authority}));
    }
    return KW_GOOD;
}

kw_status kw_authority_add_nodes(kw_authority *authority)
{
    static const kw_node_permission EVERYBODY[] = {
        {0, 15644, KW_PERMISSION_BROWSE | KW_PERMISSION_READ | KW_PERMISSION_CALL | KW_PERMISSION_RECEIVE_EVENTS}};
    kw_space *space = kw_server_space(authority->server);
    const uint16_t gds = kw_space_namespace_find(space, KW_STRING(KW_GDS_NAMESPACE_URI));
    if (gds == UINT16_MAX) {
        return KW_BAD_CONFIGURATION_ERROR;
    }
    KW_TRY(kw_space_add_object(space, &(kw_node_spec){.id = authority->object,
                                                      .parent = KW_NODE_ID(gds, GDS_AUTHORIZATION_SERVICES),
                                                      .type_definition = KW_NODE_ID(gds, GDS_AUTHORIZATION_SERVICE_TYPE),
                                                      .browse_name = {1, authority->config.name},
                                                      .permissions = EVERYBODY, /* who gets a token is decided by the Method itself */
                                                      .permission_count = 1}));
    KW_TRY(add_properties(authority, space, gds));
    return add_methods(authority, space, gds);
}
