/* RequestAccessToken. OPC 10000-12, 9.5.4 (1.04); 9.6.5 (1.05). */
#include "support/kw_test_authority.h"
#include "support/test.h"

static void rt_01_and_rt_24_the_sessions_user_gets_a_token_that_opens_a_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_string token = KW_BYTES_NULL;
    assert_status(kw_test_request_token(client, &session, NULL, &token), KW_GOOD);
    kw_test_session other;
    assert_status(kw_test_create_session(client, &other), KW_GOOD);
    assert_status(kw_test_activate(client, &other, kw_test_issued(client, &other, token)), KW_GOOD);
    assert_status(kw_test_read(client, &other, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void rt_20_and_az_10_the_channel_is_encrypted(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

static void rt_04_and_rt_28_who_has_no_role_gets_no_token(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void rt_23_and_rt_27_an_unknown_resource_is_not_found(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_request_token_for(client, &session, NULL, "urn:no:such:server", NULL), KW_BAD_NOT_FOUND);
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

static kw_status call_with(kw_test_client *client, const kw_test_session *session, kw_variant token)
{
    const kw_string uri = KW_STRING(KW_TEST_SERVER);
    const kw_variant inputs[] = {token, kw_variant_scalar(KW_BUILTIN_STRING, &uri)};
    return kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &KW_TEST_REQUEST_ACCESS_TOKEN, inputs, 2, NULL);
}

static void rt_22_an_identity_token_is_a_user_identity_token_or_null(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_string text = KW_STRING("a token");
    const kw_argument other = {.name = text};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ARGUMENT, &other), null = {.type = NULL};
    assert_status(call_with(client, &session, (kw_variant){.type = KW_BUILTIN_NULL}), KW_GOOD);
    assert_status(call_with(client, &session, kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &null)), KW_GOOD);
    assert_status(call_with(client, &session, kw_variant_scalar(KW_BUILTIN_STRING, &text)), KW_BAD_INVALID_ARGUMENT);
    assert_status(call_with(client, &session, kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &object)), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_21_and_rt_31_the_application_needs_the_privilege_and_an_encrypted_channel(void **state)
{
    const kw_string requestor = KW_STRING("urn:keyway:test:client");
    const kw_test_world_options options = {.authority = {.requestors = &requestor, .requestor_count = 1}};
    kw_test_world *world = kw_test_world_with_authority(&options);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *other = kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity("other", 2048)});
    kw_test_client *open = kw_test_client_new(world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_test_session same_user = kw_test_open_as(other, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_test_session readable = kw_test_open_as(open, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_GOOD);
    assert_status(kw_test_request_token(other, &same_user, NULL, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_request_token(open, &readable, NULL, NULL), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    kw_test_world_free(world);
    (void)state;
}

/* --- who believes the tokens ------------------------------------------------------------------------------------------------ */

static kw_variant property(kw_test_client *client, const kw_test_session *session, const char *name)
{
    const kw_node_id id = {
        .ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(client->world->arena, "AuthorizationService.%s", name)};
    kw_data_value value;
    assert_status(kw_test_read(client, session, &id, &value), KW_GOOD);
    return value.value;
}

/* Another Server, that has never heard of the service but for what its administrator was given. */
static kw_status activate_elsewhere(kw_string issuer, kw_bytes certificate, kw_string token)
{
    const kw_issuer row = {.uri = issuer, .kind = KW_STRING("certificate"), .keys = certificate};
    kw_test_world *elsewhere = kw_test_world_new(NULL);
    uint64_t version = 0;
    assert_status(kw_store_issuer_put(elsewhere->store->store, &row), KW_GOOD);
    assert_status(kw_identity_gate_refresh(kw_server_gate(elsewhere->server), &version), KW_GOOD);
    kw_test_client *client = kw_test_client_new(elsewhere, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_status status = kw_test_activate(client, &session, kw_test_issued(client, &session, token));
    kw_test_world_free(elsewhere);
    return status;
}

static void az_02_and_az_03_and_az_18_what_a_server_needs_to_believe_the_tokens(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_string token = KW_BYTES_NULL;
    assert_status(kw_test_request_token(client, &session, NULL, &token), KW_GOOD);
    const kw_variant uri = property(client, &session, "ServiceUri"), certificate = property(client, &session, "ServiceCertificate");
    const kw_string issuer = *(const kw_string *)kw_variant_get(&uri, KW_BUILTIN_STRING);
    const kw_bytes der = *(const kw_bytes *)kw_variant_get(&certificate, KW_BUILTIN_BYTE_STRING);
    assert_text(issuer, KW_TEST_AUTHORITY_URI);
    assert_true(kw_bytes_equal(kw_test_token_claims(world, token).iss, issuer));
    assert_status(activate_elsewhere(issuer, der, token), KW_GOOD);
    const kw_bytes stranger = kw_certificate_der(kw_test_identity("stranger", 2048)->certificate);
    assert_status(activate_elsewhere(issuer, stranger, token), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(activate_elsewhere(KW_STRING("urn:keyway:test:another"), der, token), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void az_19_the_claims_are_the_roles_by_the_rules_of_the_service(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_string token = KW_BYTES_NULL;
    kw_test_world_grant(world, "Engineer", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    kw_test_world_grant(world, "Supervisor", KW_CRITERIA_USER_NAME, "somebody else");
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_request_token(client, &session, NULL, &token), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(world, token);
    assert_text(claims.sub, KW_TEST_USER);
    assert_int_equal(claims.role_count, 2);
    const bool is_operator_first = kw_string_equals(claims.roles[0], "Operator");
    assert_text(claims.roles[is_operator_first ? 0 : 1], "Operator");
    assert_text(claims.roles[is_operator_first ? 1 : 0], "Engineer");
}

/* --- several of them ---------------------------------------------------------------------------------------------------------- */

static kw_status call_at(kw_test_client *client, const kw_test_session *session, const char *object, kw_string *issued)
{
    kw_arena *arena = client->world->arena;
    const kw_node_id id = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_string_from(object)};
    const kw_node_id method = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(arena, "%s.RequestAccessToken", object)};
    const kw_extension_object none = {.type = NULL};
    const kw_string uri = KW_STRING(KW_TEST_SERVER);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &none), kw_variant_scalar(KW_BUILTIN_STRING, &uri)};
    kw_call_method_result result;
    const kw_status status = kw_test_call_method(client, session, &id, &method, inputs, 2, &result);
    if (!kw_status_is_bad(status)) {
        *issued = *(const kw_string *)kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING);
    }
    return status;
}

static void az_01_and_az_02_a_server_may_have_several_services(void **state)
{
    kw_test_world *world = *state;
    const kw_string nobody = KW_STRING("urn:nobody");
    const kw_authority_config configs[] = {
        {.service_uri = KW_STRING("urn:test:second"), .object = KW_STRING("Second"), .token_lifetime_s = 60},
        {.service_uri = KW_STRING("urn:test:third"), .object = KW_STRING("Third"), .requestors = &nobody, .requestor_count = 1}};
    kw_authority *more[2], *twice = NULL;
    kw_string issued = KW_BYTES_NULL;
    for (size_t i = 0; i < 2; i++) {
        assert_status(kw_authority_new(&configs[i], world->server, &world->env, &more[i]), KW_GOOD);
    }
    const uint16_t gds = kw_space_namespace_find(kw_server_space(world->server), KW_STRING(KW_GDS_NAMESPACE_URI));
    const kw_node_id folder = KW_NODE_ID(gds, 959);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_true(has_child(client, &session, &folder, 1, "AuthorizationService"));
    assert_true(has_child(client, &session, &folder, 1, "Second"));
    assert_true(has_child(client, &session, &folder, 1, "Third"));
    assert_status(call_at(client, &session, "AuthorizationService", &issued), KW_GOOD);
    assert_text(kw_test_token_claims(world, issued).iss, KW_TEST_AUTHORITY_URI);
    assert_status(call_at(client, &session, "Second", &issued), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(world, issued);
    assert_text(claims.iss, "urn:test:second");
    assert_int_equal(claims.exp - claims.iat, 60);
    assert_status(call_at(client, &session, "Third", &issued), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_authority_new(&configs[0], world->server, &world->env, &twice), KW_BAD_NODE_ID_EXISTS);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD); /* all of them are told */
    kw_authority_free(more[0]);
    kw_authority_free(more[1]);
}

/* Not a rule of the standard: an application that asks all the time leaves the others their turns. */
static void an_application_that_asks_too_often_is_sent_away_and_recorded_once(void **state)
{
    const kw_test_world_options options = {.authority = {.requests = {.per_second = 1, .burst = 2}}};
    kw_test_world *world = kw_test_world_with_authority(&options);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_audit_record *records = NULL;
    size_t count = 0, refused = 0;
    (void)state;
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_GOOD);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_GOOD);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_advance(world, 1000);
    assert_status(kw_test_request_token(client, &session, NULL, NULL), KW_GOOD);
    assert_status(kw_store_audit_list(world->store->store, 0, 1000, world->arena, &records, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        refused += records[i].status == KW_BAD_TOO_MANY_OPERATIONS;
    }
    assert_int_equal(refused, 1);
    kw_test_world_free(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_authority_setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_01_and_rt_24_the_sessions_user_gets_a_token_that_opens_a_session),
                                       TEST(rt_20_and_az_10_the_channel_is_encrypted),
                                       TEST(rt_04_and_rt_28_who_has_no_role_gets_no_token),
                                       TEST(rt_23_and_rt_27_an_unknown_resource_is_not_found),
                                       TEST(rt_22_an_identity_token_is_a_user_identity_token_or_null),
                                       cmocka_unit_test(rt_21_and_rt_31_the_application_needs_the_privilege_and_an_encrypted_channel),
                                       TEST(az_01_and_rt_29_and_rt_30_the_service_as_the_model_has_it),
                                       TEST(az_02_and_az_03_and_az_18_what_a_server_needs_to_believe_the_tokens),
                                       TEST(az_01_and_az_02_a_server_may_have_several_services),
                                       cmocka_unit_test(an_application_that_asks_too_often_is_sent_away_and_recorded_once),
                                       TEST(az_19_the_claims_are_the_roles_by_the_rules_of_the_service)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
