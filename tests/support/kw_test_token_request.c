#include "support/kw_test_token_request.h"

#include "crypto/symmetric.h"
#include "support/test.h"

#include <string.h>

#define ROLES_MAX 8
#define DATA_LEN 32

kw_test_world *kw_test_token_world(const kw_test_world_options *options)
{
    kw_test_world_options how = options != NULL ? *options : (kw_test_world_options){.seed = 0};
    how.with_authority = true;
    how.authority.refresh_lifetime_s = KW_TEST_REFRESH_S;
    kw_test_world *world = kw_test_world_with_user(&how);
    kw_test_world_grant(world, "Observer", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "Operator");
    return world;
}

kw_node_id kw_test_authority_method(kw_test_world *world, const char *name)
{
    const kw_string id = kw_arena_format(world->arena, "AuthorizationService.%s", name);
    return (kw_node_id){.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = id};
}

const kw_user_token_policy *kw_test_token_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type,
                                                 bool is_clear)
{
    const kw_node_id property = KW_NODE_ID_TEXT(1, "AuthorizationService.UserTokenPolicies");
    kw_data_value value;
    assert_status(kw_test_read(client, session, &property, &value), KW_GOOD);
    const kw_extension_object *objects = value.value.data;
    for (size_t i = 0; i < value.value.count; i++) {
        const kw_user_token_policy *policy = objects[i].value;
        if (policy->token_type == type && kw_string_equals(policy->security_policy_uri, KW_POLICY_NONE.uri) == is_clear) {
            return policy;
        }
    }
    fail_msg("%s", "the Authorization Service has no such UserTokenPolicy");
    return NULL;
}

/* --- the Methods ------------------------------------------------------------------------------------------------------------- */

static const void *output(const kw_call_method_result *result, size_t index, kw_builtin type)
{
    assert_true(index < result->output_arguments_count);
    const void *value = kw_variant_get(&result->output_arguments[index], type);
    assert_non_null(value);
    return value;
}

kw_status kw_test_token_start_with(kw_test_client *client, const kw_test_session *session, const char *resource, kw_string policy_id,
                                   kw_bytes requestor_data, kw_test_token_start *out)
{
    const kw_string uri = kw_string_from(resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &uri), kw_variant_scalar(KW_BUILTIN_STRING, &policy_id),
                                 kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &requestor_data)};
    const kw_node_id method = kw_test_authority_method(client->world, "StartRequestToken");
    kw_call_method_result result;
    const kw_status status = kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, inputs, 3, &result);
    if (!kw_status_is_bad(status)) {
        assert_int_equal(result.output_arguments_count, 2);
        out->requestor_data = requestor_data;
        out->service_data = *(const kw_bytes *)output(&result, 0, KW_BUILTIN_BYTE_STRING);
        out->request_id = *(const kw_guid *)output(&result, 1, KW_BUILTIN_GUID);
    }
    return status;
}

kw_test_token_start kw_test_token_start_good(kw_test_client *client, const kw_test_session *session, kw_user_token_type type)
{
    kw_test_token_start start = {.policy = kw_test_token_policy(client, session, type, false)};
    uint8_t data[DATA_LEN];
    assert_status(kw_random_fill(&client->world->random.random, data, sizeof(data)), KW_GOOD);
    const kw_bytes mine = kw_arena_copy(client->world->arena, (kw_bytes){data, sizeof(data)});
    assert_status(kw_test_token_start_with(client, session, KW_TEST_SERVER, start.policy->policy_id, mine, &start), KW_GOOD);
    return start;
}

static void take_tokens(kw_test_tokens *out)
{
    assert_int_equal(out->result.output_arguments_count, 4);
    out->access = *(const kw_string *)output(&out->result, 0, KW_BUILTIN_STRING);
    out->access_ends = *(const kw_date_time *)output(&out->result, 1, KW_BUILTIN_DATE_TIME);
    out->refresh = *(const kw_string *)output(&out->result, 2, KW_BUILTIN_STRING);
    out->refresh_ends = *(const kw_date_time *)output(&out->result, 3, KW_BUILTIN_DATE_TIME);
}

static size_t split(char *text, kw_string *out)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(count < ROLES_MAX);
        out[count++] = kw_string_from(word);
    }
    return count;
}

kw_status kw_test_token_finish(kw_test_client *client, const kw_test_session *session, const kw_test_token_start *start, const char *roles,
                               const kw_test_user *user, kw_test_tokens *out)
{
    kw_string names[ROLES_MAX] = {KW_BYTES_NULL};
    const size_t count = split(kw_arena_cstring(client->world->arena, kw_string_from(roles != NULL ? roles : "")), names);
    const kw_extension_object signature = kw_extension_object_of(KW_TYPE_SIGNATURE_DATA, &user->signature);
    const kw_variant inputs[] = {
        kw_variant_scalar(KW_BUILTIN_GUID, &start->request_id), kw_variant_array(KW_BUILTIN_STRING, roles != NULL ? names : NULL, count),
        kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &user->token), kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &signature)};
    const kw_node_id method = kw_test_authority_method(client->world, "FinishRequestToken");
    const kw_status status = kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, inputs, 4, &out->result);
    if (!kw_status_is_bad(status)) {
        take_tokens(out);
    }
    return status;
}

kw_status kw_test_token_refresh(kw_test_client *client, const kw_test_session *session, const char *resource, kw_string refresh,
                                kw_test_tokens *out)
{
    const kw_string uri = kw_string_from(resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &uri), kw_variant_scalar(KW_BUILTIN_STRING, &refresh)};
    const kw_node_id method = kw_test_authority_method(client->world, "RefreshToken");
    const kw_status status = kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, inputs, 2, &out->result);
    if (!kw_status_is_bad(status)) {
        take_tokens(out);
    }
    return status;
}

/* --- users ------------------------------------------------------------------------------------------------------------------- */

static kw_bytes seal(kw_test_client *client, const kw_test_token_start *start, kw_bytes secret)
{
    const kw_test_world *world = client->world;
    kw_certificate *receiver = NULL;
    kw_bytes sealed = KW_BYTES_NULL;
    assert_status(kw_certificate_parse(start->service_data, &receiver), KW_GOOD);
    assert_status(kw_secret_seal(KW_SECRET_RSA, kw_security_policy_by_uri(start->policy->security_policy_uri), receiver, KW_BYTES_NULL,
                                 secret, world->clock->utc, &client->world->random.random, world->arena, &sealed),
                  KW_GOOD);
    kw_certificate_release(receiver);
    return sealed;
}

kw_test_user kw_test_token_user(kw_test_client *client, const kw_test_token_start *start, const char *name, const char *password)
{
    kw_user_name_identity_token *token = KW_ARENA_NEW(client->world->arena, kw_user_name_identity_token);
    const bool is_clear = kw_string_equals(start->policy->security_policy_uri, KW_POLICY_NONE.uri);
    token->policy_id = start->policy->policy_id;
    token->user_name = kw_string_from(name);
    token->password = is_clear ? kw_string_from(password) : seal(client, start, kw_string_from(password));
    return kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token);
}

kw_test_user kw_test_token_issued(kw_test_client *client, const kw_test_token_start *start, kw_string jwt)
{
    kw_issued_identity_token *token = KW_ARENA_NEW(client->world->arena, kw_issued_identity_token);
    token->policy_id = start->policy->policy_id;
    token->token_data = seal(client, start, jwt);
    return kw_test_user_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, token);
}

static kw_bytes hash_of(kw_test_world *world, kw_hash kind, const kw_certificate *certificate)
{
    uint8_t hash[KW_HASH_MAX];
    const kw_bytes der = kw_certificate_der(certificate);
    assert_status(kw_hash_of(kind, &der, 1, hash), KW_GOOD);
    return kw_arena_copy(world->arena, (kw_bytes){hash, kw_hash_len(kind)});
}

/* Put together here once more, by the letter of CB-03. */
kw_test_user kw_test_token_certificate(kw_test_client *client, const kw_test_token_start *start, const kw_application_identity *user)
{
    kw_test_world *world = client->world;
    kw_x509_identity_token *token = KW_ARENA_NEW(world->arena, kw_x509_identity_token);
    const kw_security_policy *policy = kw_security_policy_by_uri(start->policy->security_policy_uri);
    const kw_hash kind = client->policy->is_enhanced ? client->policy->thumbprint_hash : KW_HASH_SHA256;
    const kw_bytes server = hash_of(world, kind, world->env.identity->certificate),
                   ours = hash_of(world, kind, client->identity->certificate);
    const kw_bytes parts[] = {
        kw_channel_thumbprint(client->channel), start->service_data, server, server, ours, ours, start->requestor_data};
    token->policy_id = start->policy->policy_id;
    token->certificate_data = kw_certificate_chain(user->certificate);
    kw_test_user made = kw_test_user_of(KW_TYPE_X509_IDENTITY_TOKEN, token);
    assert_status(kw_asym_sign(policy, user->key, parts, sizeof(parts) / sizeof(parts[0]), world->arena, &made.signature.signature),
                  KW_GOOD);
    return made;
}

/* --- tokens ------------------------------------------------------------------------------------------------------------------ */

kw_test_tokens kw_test_token_get(kw_test_client *client, const kw_test_session *session)
{
    kw_test_tokens tokens;
    const kw_test_token_start start = kw_test_token_start_good(client, session, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_test_user user = kw_test_token_user(client, &start, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_token_finish(client, session, &start, NULL, &user, &tokens), KW_GOOD);
    return tokens;
}

bool kw_test_token_has_role(kw_test_world *world, kw_string token, const char *role)
{
    const kw_jwt jwt = kw_test_token_claims(world, token);
    for (size_t i = 0; i < jwt.role_count; i++) {
        if (kw_string_equals(jwt.roles[i], role)) {
            return true;
        }
    }
    return false;
}
