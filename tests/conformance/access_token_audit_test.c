/* Audit events of the Authorization Service. OPC 10000-12, 9.6. */
#include "support/kw_test_events.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define PASSWORD "a password"
#define METHOD KW_NODE_ID_TEXT(1, "AuthorizationService.RequestAccessToken")

static kw_test_world *world;
static kw_test_events *events;

static int setup(void **state)
{
    (void)state;
    world = kw_test_world_new(&(kw_test_world_options){.with_authority = true});
    kw_test_world_add_user(world, "operator", PASSWORD, 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "operator");
    events = KW_ARENA_NEW(world->arena, kw_test_events);
    kw_test_events_init(events, world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(world);
    return 0;
}

static kw_status request(kw_test_client *client, const kw_test_session *session, const kw_extension_object *user, const char *resource,
                         kw_string *token)
{
    const kw_string uri = kw_string_from(resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, user), kw_variant_scalar(KW_BUILTIN_STRING, &uri)};
    kw_call_method_result result;
    const kw_node_id method = METHOD;
    kw_test_events_forget(events);
    const kw_status status = kw_test_call_method(client, session, &KW_AUTHORITY_OBJECT, &method, inputs, 2, &result);
    if (!kw_status_is_bad(status)) {
        *token = *(const kw_string *)kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING);
    }
    return status;
}

static void assert_event(const kw_event *event, kw_status status)
{
    const kw_node_id method = METHOD;
    assert_int_equal(event->type_ns, kw_space_namespace_find(kw_server_space(world->server), KW_STRING(KW_GDS_NAMESPACE_URI)));
    assert_true(event->is_security);
    assert_text(event->source_name, "Attribute/Call");
    assert_true(kw_node_id_equal(&event->source_node, &KW_AUTHORITY_OBJECT));
    assert_true(kw_node_id_equal(kw_test_event_field(event, "MethodId", KW_BUILTIN_NODE_ID), &method));
    assert_int_equal(*(const bool *)kw_test_event_field(event, "Status", KW_BUILTIN_BOOLEAN), !kw_status_is_bad(status));
    assert_status(*(const kw_status *)kw_test_event_field(event, "StatusCodeId", KW_BUILTIN_STATUS_CODE), status);
    assert_text(kw_test_event_text(event, "ClientUserId"), "operator");
    assert_text(kw_test_event_text(event, "ClientApplicationUri"), "urn:keyway:test:client");
}

static const kw_variant *inputs_of(const kw_event *event)
{
    const kw_variant *inputs = kw_test_event_variant(event, "InputArguments");
    assert_true(inputs->type == KW_BUILTIN_VARIANT && inputs->count == 2);
    return inputs->data;
}

static void az_16_a_token_that_is_issued_is_audited(void **state)
{
    (void)state;
    kw_string token = KW_BYTES_NULL;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    assert_status(request(client, &session, &(kw_extension_object){.type = NULL}, KW_TEST_SERVER, &token), KW_GOOD);
    assert_int_equal(events->count, 2);
    assert_event(kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE), KW_GOOD);
    const kw_event *issued = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE);
    assert_event(issued, KW_GOOD);
    assert_text(*(const kw_string *)kw_variant_get(&inputs_of(issued)[1], KW_BUILTIN_STRING), KW_TEST_SERVER);
    for (size_t i = 0; i < events->count; i++) {
        assert_false(kw_test_event_holds(&events->events[i], token));
    }
}

static void az_16_a_request_that_is_refused_issues_nothing(void **state)
{
    (void)state;
    kw_string token;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    assert_status(request(client, &session, &(kw_extension_object){.type = NULL}, "urn:nobody:knows", &token), KW_BAD_NOT_FOUND);
    assert_int_equal(events->count, 1);
    assert_event(kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE), KW_BAD_NOT_FOUND);
}

static void az_16_a_channel_without_encryption_is_refused_and_audited(void **state)
{
    (void)state;
    kw_string token;
    kw_test_client *client = kw_test_client_new(world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    const kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    assert_status(request(client, &session, &(kw_extension_object){.type = NULL}, KW_TEST_SERVER, &token),
                  KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_event(kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    kw_audit_record *records = NULL;
    size_t count = 0;
    assert_status(kw_store_audit_list(world->store->store, 0, 100, world->arena, &records, &count), KW_GOOD);
    assert_text(records[count - 1].event, "RequestAccessToken");
    assert_text(records[count - 1].source, KW_TEST_AUTHORITY_URI);
    assert_status(records[count - 1].status, KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

/* Whoever may see the event sees who was named, never how it was proven. */
static void az_16_the_proof_of_the_user_is_no_part_of_the_event(void **state)
{
    (void)state;
    kw_string token;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    kw_test_user user = kw_test_user_name_as(client, &session, KW_SECRET_RSA, "operator", PASSWORD);
    const kw_bytes sealed = ((const kw_user_name_identity_token *)user.token.value)->password;
    assert_true(sealed.len > 0);
    (void)request(client, &session, &user.token, KW_TEST_SERVER, &token);
    const kw_event *event = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE);
    const kw_extension_object *shown = kw_variant_get(&inputs_of(event)[0], KW_BUILTIN_EXTENSION_OBJECT);
    assert_text(((const kw_user_name_identity_token *)shown->value)->user_name, "operator");
    assert_false(kw_test_event_holds(event, sealed));
}

static void az_16_only_those_who_watch_over_security_see_it(void **state)
{
    (void)state;
    kw_string token;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    assert_status(request(client, &session, &(kw_extension_object){.type = NULL}, KW_TEST_SERVER, &token), KW_GOOD);
    const kw_event *event = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE);
    const kw_space *space = kw_server_space(world->server);
    const kw_granted_role roles[] = {{0, KW_ID_WELL_KNOWN_ROLE_SECURITY_ADMIN, KW_STRING("SecurityAdmin")},
                                     {0, KW_ID_WELL_KNOWN_ROLE_ANONYMOUS, KW_STRING("Anonymous")}};
    const kw_identity watcher = {.roles = roles, .role_count = 2};
    kw_access access = {.identity = kw_session_identity(kw_test_session_of(world, &session)),
                        .mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
    assert_false(kw_event_is_visible(space, event, &access));
    access.identity = &watcher;
    assert_true(kw_event_is_visible(space, event, &access));
    access.mode = KW_MESSAGE_SECURITY_MODE_SIGN;
    assert_false(kw_event_is_visible(space, event, &access));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(az_16_a_token_that_is_issued_is_audited), TEST(az_16_a_request_that_is_refused_issues_nothing),
                                       TEST(az_16_a_channel_without_encryption_is_refused_and_audited),
                                       TEST(az_16_the_proof_of_the_user_is_no_part_of_the_event),
                                       TEST(az_16_only_those_who_watch_over_security_see_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
