#include "support/kw_test_authority.h"

#include "support/test.h"

const kw_node_id KW_TEST_REQUEST_ACCESS_TOKEN = {
    .ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"AuthorizationService.RequestAccessToken", 39}};

kw_test_world *kw_test_world_with_authority(const kw_test_world_options *options)
{
    kw_test_world_options mine = options != NULL ? *options : (kw_test_world_options){.seed = 0};
    mine.with_authority = true;
    kw_test_world *world = kw_test_world_with_user(&mine);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "Operator");
    return world;
}

int kw_test_authority_setup(void **state)
{
    *state = kw_test_world_with_authority(NULL);
    return 0;
}

kw_status kw_test_request_token_for(kw_test_client *client, const kw_test_session *session, const kw_extension_object *token,
                                    const char *resource, kw_string *issued)
{
    const kw_extension_object none = {.type = NULL};
    const kw_string uri = kw_string_from(resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, token != NULL ? token : &none),
                                 kw_variant_scalar(KW_BUILTIN_STRING, &uri)};
    kw_call_method_result result = {.status_code = KW_GOOD};
    const kw_status status = kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &KW_TEST_REQUEST_ACCESS_TOKEN, inputs, 2, &result);
    if (!kw_status_is_bad(status)) {
        assert_int_equal(result.output_arguments_count, 1);
        const kw_string *text = kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING);
        assert_non_null(text);
        if (issued != NULL) {
            *issued = *text;
        }
    }
    return status;
}

kw_status kw_test_request_token(kw_test_client *client, const kw_test_session *session, const kw_extension_object *token, kw_string *issued)
{
    return kw_test_request_token_for(client, session, token, KW_TEST_SERVER, issued);
}

const kw_user_token_policy *kw_test_authority_policies(kw_test_client *client, const kw_test_session *session, size_t *count)
{
    const kw_node_id method = KW_NODE_ID_TEXT(1, "AuthorizationService.GetServiceDescription");
    kw_call_method_result result;
    assert_status(kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, NULL, 0, &result), KW_GOOD);
    assert_int_equal(result.output_arguments_count, 3);
    const kw_extension_object *objects = result.output_arguments[2].data;
    *count = result.output_arguments[2].count;
    kw_user_token_policy *policies = KW_ARENA_ARRAY(client->world->arena, kw_user_token_policy, *count);
    assert_non_null(policies);
    for (size_t i = 0; i < *count; i++) {
        const kw_user_token_policy *policy = kw_extension_object_get(&objects[i], KW_TYPE_USER_TOKEN_POLICY);
        assert_non_null(policy);
        policies[i] = *policy;
    }
    return policies;
}

const kw_user_token_policy *kw_test_authority_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type)
{
    size_t count = 0;
    const kw_user_token_policy *policies = kw_test_authority_policies(client, session, &count);
    for (size_t i = 0; i < count; i++) {
        if (policies[i].token_type == type) {
            return &policies[i];
        }
    }
    fail_msg("%s", "the service has no such UserTokenPolicy");
    return NULL;
}

kw_bytes kw_test_authority_seal(kw_test_client *client, const kw_application_identity *signer, kw_bytes secret, int seconds)
{
    kw_test_world *world = client->world;
    const kw_security_policy *policy = kw_security_policy_by_name(KW_STRING("Basic256Sha256"));
    const kw_certificate *receiver = world->env.identity->certificate;
    const kw_date_time when = world->clock->utc + seconds * KW_TICKS_PER_S;
    const kw_random *random = &world->random.random;
    kw_bytes sealed = KW_BYTES_NULL;
    assert_status(signer != NULL
                      ? kw_secret_seal_signed(signer, policy, receiver, secret, when, random, world->arena, &sealed)
                      : kw_secret_seal(KW_SECRET_RSA, policy, receiver, KW_BYTES_NULL, secret, when, random, world->arena, &sealed),
                  KW_GOOD);
    return sealed;
}

kw_jwt kw_test_token_claims(kw_test_world *world, kw_string token)
{
    kw_jwt jwt;
    const char *why = NULL;
    assert_status(kw_jwt_parse(token, world->arena, &jwt, &why), KW_GOOD);
    return jwt;
}
