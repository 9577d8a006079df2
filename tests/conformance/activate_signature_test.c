/* ActivateSession: the proof that the caller is the application that made the Session. OPC 10000-4, 5.7.3. */
#include "support/kw_test_user.h"
#include "support/test.h"

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_new(NULL);
    kw_test_world_add_user(world, "operator", "a password", 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "operator");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static void as_01_activation_attaches_a_user(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    assert_null_text(kw_session_identity(kw_test_session_of(world, &session))->name);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "operator", "a password")), KW_GOOD);
    assert_text(kw_session_identity(kw_test_session_of(world, &session))->name, "operator");
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(as_01_activation_attaches_a_user)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
