/* RequestAccessToken. OPC 10000-12, 9.5.4 (1.04); 9.6.5 (1.05). */
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.with_authority = true});
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "Operator");
    *state = world;
    return 0;
}

/* token: null object for none. */
static kw_status request(kw_test_client *client, const kw_test_session *session, const kw_extension_object *token, const char *resource,
                         kw_string *issued)
{
    const kw_string uri = kw_string_from(resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, token), kw_variant_scalar(KW_BUILTIN_STRING, &uri)};
    const kw_node_id method = KW_NODE_ID_TEXT(1, "AuthorizationService.RequestAccessToken");
    kw_call_method_result result = {.status_code = KW_GOOD};
    const kw_status status = kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, inputs, 2, &result);
    if (!kw_status_is_bad(status)) {
        assert_int_equal(result.output_arguments_count, 1);
        const kw_string *text = kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING);
        assert_non_null(text);
        *issued = *text;
    }
    return status;
}

static void rt_01_and_rt_24_the_sessions_user_gets_a_token_that_opens_a_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_string token = KW_BYTES_NULL;
    assert_status(request(client, &session, &(kw_extension_object){.type = NULL}, KW_TEST_SERVER, &token), KW_GOOD);
    kw_test_session other;
    assert_status(kw_test_create_session(client, &other), KW_GOOD);
    assert_status(kw_test_activate(client, &other, kw_test_issued(client, &other, token)), KW_GOOD);
    assert_status(kw_test_read(client, &other, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static const kw_extension_object NO_TOKEN = {.type = NULL};

static void rt_20_and_az_10_the_channel_is_encrypted(void **state)
{
    kw_string token = KW_BYTES_NULL;
    kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(request(client, &session, &NO_TOKEN, KW_TEST_SERVER, &token), KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

static void rt_04_and_rt_28_who_has_no_role_gets_no_token(void **state)
{
    kw_string token = KW_BYTES_NULL;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(request(client, &session, &NO_TOKEN, KW_TEST_SERVER, &token), KW_BAD_USER_ACCESS_DENIED);
}

static void rt_23_and_rt_27_an_unknown_resource_is_not_found(void **state)
{
    kw_string token = KW_BYTES_NULL;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(request(client, &session, &NO_TOKEN, "urn:no:such:server", &token), KW_BAD_NOT_FOUND);
}

/* Is there a node of this BrowseName right below? */
static bool has_child(kw_test_client *client, const kw_test_session *session, const kw_node_id *node, uint16_t ns, const char *name)
{
    kw_browse_description what = {.node_id = *node,
                                  .browse_direction = KW_BROWSE_DIRECTION_FORWARD,
                                  .reference_type_id = KW_NODE_ID(0, 33),
                                  .include_subtypes = true,
                                  .result_mask = 63};
    kw_browse_request body = {.nodes_to_browse = &what, .nodes_to_browse_count = 1};
    const void *answer = NULL;
    assert_status(kw_test_call(client, session, KW_TYPE_BROWSE_REQUEST, &body, &answer), KW_GOOD);
    const kw_browse_result *result = ((const kw_browse_response *)answer)->results;
    for (size_t i = 0; i < result->references_count; i++) {
        const kw_qualified_name *found = &result->references[i].browse_name;
        if (found->ns == ns && kw_string_equals(found->name, name)) {
            return true;
        }
    }
    return false;
}

static void az_01_and_rt_29_and_rt_30_the_service_as_the_model_has_it(void **state)
{
    static const char *const PARTS[] = {"ServiceUri", "ServiceCertificate", "UserTokenPolicies", "GetServiceDescription",
                                        "RequestAccessToken"};
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    const uint16_t gds = kw_space_namespace_find(kw_server_space(world->server), KW_STRING(KW_GDS_NAMESPACE_URI));
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        assert_true(has_child(client, &session, &KW_AUTHORITY_OBJECT, gds, PARTS[i]));
    }
    const kw_node_id method = KW_NODE_ID_TEXT(1, "AuthorizationService.RequestAccessToken");
    assert_true(has_child(client, &session, &method, 0, "InputArguments"));
    assert_true(has_child(client, &session, &method, 0, "OutputArguments"));
    assert_false(has_child(client, &session, &method, gds, "InputArguments"));
}

/* --- explicit identity ------------------------------------------------------------------------------------------------------ */

/* The UserTokenPolicy of this type that GetServiceDescription lists. */
static kw_user_token_policy policy_of(kw_test_client *client, const kw_test_session *session, kw_user_token_type type)
{
    const kw_node_id method = KW_NODE_ID_TEXT(1, "AuthorizationService.GetServiceDescription");
    kw_call_method_result result;
    assert_status(kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, NULL, 0, &result), KW_GOOD);
    assert_int_equal(result.output_arguments_count, 3);
    assert_text(*(const kw_string *)kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING), KW_TEST_AUTHORITY_URI);
    assert_true(((const kw_bytes *)kw_variant_get(&result.output_arguments[1], KW_BUILTIN_BYTE_STRING))->len > 0);
    const kw_extension_object *objects = result.output_arguments[2].data;
    for (size_t i = 0; i < result.output_arguments[2].count; i++) {
        const kw_user_token_policy *policy = objects[i].value;
        if (policy->token_type == type) {
            return *policy;
        }
    }
    fail_msg("%s", "no such UserTokenPolicy");
    return (kw_user_token_policy){.token_type = type};
}

/* The user with this password, sealed at a time that is off by so many minutes. */
static kw_user_name_identity_token *user_with(kw_test_client *client, const kw_test_session *session, const char *password, int minutes)
{
    const kw_test_world *world = client->world;
    kw_user_name_identity_token *token = KW_ARENA_NEW(world->arena, kw_user_name_identity_token);
    const kw_user_token_policy policy = policy_of(client, session, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_date_time when = world->clock->utc + minutes * 60 * KW_TICKS_PER_S;
    token->policy_id = policy.policy_id;
    token->user_name = KW_STRING(KW_TEST_USER);
    assert_status(kw_secret_seal(KW_SECRET_RSA, kw_security_policy_by_uri(policy.security_policy_uri), world->env.identity->certificate,
                                 session->nonce, kw_string_from(password), when, &client->world->random.random, world->arena,
                                 &token->password),
                  KW_GOOD);
    return token;
}

static kw_status request_as(kw_test_client *client, const kw_test_session *session, const kw_user_name_identity_token *token)
{
    kw_string issued = KW_BYTES_NULL;
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token);
    return request(client, session, &object, KW_TEST_SERVER, &issued);
}

static void rt_07_and_rt_09_and_rt_26_and_az_05_the_password_decides(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(request_as(client, &session, user_with(client, &session, KW_TEST_PASSWORD, 0)), KW_GOOD);
    assert_status(request_as(client, &session, user_with(client, &session, "guessed", 0)), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void rt_02_and_rt_25_the_policy_id_is_one_of_the_service(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    kw_user_name_identity_token *token = user_with(client, &session, KW_TEST_PASSWORD, 0);
    token->policy_id = KW_STRING("no such policy");
    assert_status(request_as(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_03_the_type_is_that_of_the_policy(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    kw_user_name_identity_token *token = user_with(client, &session, KW_TEST_PASSWORD, 0);
    const kw_issued_identity_token issued = {.policy_id = token->policy_id, .token_data = token->password};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, &issued);
    kw_string text = KW_BYTES_NULL;
    assert_status(request(client, &session, &object, KW_TEST_SERVER, &text), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_06_a_policy_with_security_takes_no_clear_password(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    kw_user_name_identity_token *token = user_with(client, &session, KW_TEST_PASSWORD, 0);
    token->password = KW_STRING(KW_TEST_PASSWORD);
    assert_status(request_as(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_16_and_rt_17_and_rt_18_the_secret_is_of_this_time(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(request_as(client, &session, user_with(client, &session, KW_TEST_PASSWORD, -4)), KW_GOOD);
    assert_status(request_as(client, &session, user_with(client, &session, KW_TEST_PASSWORD, 4)), KW_GOOD);
    assert_status(request_as(client, &session, user_with(client, &session, KW_TEST_PASSWORD, -6)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(request_as(client, &session, user_with(client, &session, KW_TEST_PASSWORD, 6)), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_01_and_rt_24_the_sessions_user_gets_a_token_that_opens_a_session),
                                       TEST(rt_20_and_az_10_the_channel_is_encrypted),
                                       TEST(rt_04_and_rt_28_who_has_no_role_gets_no_token),
                                       TEST(rt_23_and_rt_27_an_unknown_resource_is_not_found),
                                       TEST(az_01_and_rt_29_and_rt_30_the_service_as_the_model_has_it),
                                       TEST(rt_07_and_rt_09_and_rt_26_and_az_05_the_password_decides),
                                       TEST(rt_02_and_rt_25_the_policy_id_is_one_of_the_service),
                                       TEST(rt_03_the_type_is_that_of_the_policy),
                                       TEST(rt_06_a_policy_with_security_takes_no_clear_password),
                                       TEST(rt_16_and_rt_17_and_rt_18_the_secret_is_of_this_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
