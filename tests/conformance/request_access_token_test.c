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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_01_and_rt_24_the_sessions_user_gets_a_token_that_opens_a_session)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
