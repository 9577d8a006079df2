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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_01_and_rt_24_the_sessions_user_gets_a_token_that_opens_a_session),
                                       TEST(rt_20_and_az_10_the_channel_is_encrypted), TEST(rt_04_and_rt_28_who_has_no_role_gets_no_token),
                                       TEST(rt_23_and_rt_27_an_unknown_resource_is_not_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
