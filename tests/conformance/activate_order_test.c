/* ActivateSession: what may come before it, what a failed one leaves, changing the user. OPC 10000-4, 5.7.3. */
#include "support/kw_test_user.h"
#include "support/test.h"

static void as_02_close_session_is_allowed_before_activation(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_null(kw_test_session_of(*state, &session));
}

static void as_02_and_as_03_any_other_service_before_activation_closes_the_session(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    assert_null(kw_test_session_of(*state, &session));
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_BAD_SESSION_ID_INVALID);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

static void as_02_and_as_03_hold_for_browse_and_cancel(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    kw_browse_request browse = {.requested_max_references_per_node = 1};
    kw_cancel_request cancel = {.request_handle = 1};
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_call(client, &session, KW_TYPE_BROWSE_REQUEST, &browse, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    assert_null(kw_test_session_of(*state, &session));
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_call(client, &session, KW_TYPE_CANCEL_REQUEST, &cancel, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    assert_null(kw_test_session_of(*state, &session));
}

/* Somebody on another channel who knows the token cannot close it that way. */
static void as_03_a_stranger_does_not_close_the_session(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_client *stranger = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_read(stranger, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
}

/* A request that comes while the first activation is under way comes before it. */
static void as_03_a_request_does_not_overtake_the_activation(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_nobody());
    kw_test_world_hold(world);
    const uint32_t id = kw_test_send(client, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    kw_test_world_run(world);
    assert_true(kw_status_is_bad(kw_test_answer_of(client, id, NULL)));
    assert_null(kw_test_session_of(world, &session));
}

static void as_28_and_as_54_the_user_of_a_session_changes_on_its_channel(void **state)
{
    kw_test_world *world = *state;
    kw_test_world_add_user(world, "guest", "another password", 0);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "guest", "another password")), KW_GOOD);
    assert_text(kw_session_identity(kw_test_session_of(world, &session))->name, "guest");
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_operator(client, &session)), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static kw_string first_locale(kw_test_world *world, const kw_test_session *session)
{
    size_t count = 0;
    const kw_string *locales = kw_session_locales(kw_test_session_of(world, session), &count);
    assert_int_equal(count, 1);
    return locales[0];
}

static void as_30_a_failed_change_leaves_user_and_locales(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_string german = KW_STRING("de");
    kw_string french = KW_STRING("fr");
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_operator(client, &session));
    request->locale_ids = &german;
    request->locale_ids_count = 1;
    assert_status(kw_test_activate_with(client, &session, request), KW_GOOD);
    request = kw_test_activation(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, "wrong"));
    request->locale_ids = &french;
    request->locale_ids_count = 1;
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_USER_ACCESS_DENIED);
    assert_text(kw_session_identity(kw_test_session_of(world, &session))->name, KW_TEST_USER);
    assert_text(first_locale(world, &session), "de");
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    request = kw_test_activation(client, &session, kw_test_nobody());
    request->client_signature.signature = KW_BYTES_NULL;
    request->locale_ids = &french;
    request->locale_ids_count = 1;
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_text(first_locale(world, &session), "de");
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

/* A first activation that fails leaves a Session that can still be activated. */
static void as_30_a_failed_first_activation_may_be_repeated(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, "wrong")),
                  KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(kw_session_state_of(kw_test_session_of(*state, &session)), KW_SESSION_CREATED);
    assert_status(kw_test_activate(client, &session, kw_test_operator(client, &session)), KW_GOOD);
}

/* The answer could not be made: the user is not replaced either. */
static void as_30_a_full_queue_leaves_the_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_test_world_hold(world);
    world->held.is_full = true;
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_BAD_TOO_MANY_OPERATIONS);
    world->held.is_full = false;
    kw_test_world_run(world);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
}

/* Two at once would prove themselves with one nonce. */
static void as_07_of_two_activations_at_once_one_is_refused(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    kw_activate_session_request *one = kw_test_activation(client, &session, kw_test_nobody());
    kw_activate_session_request *two = kw_test_activation(client, &session, kw_test_operator(client, &session));
    kw_test_world_hold(world);
    const uint32_t first = kw_test_send(client, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, one);
    const uint32_t second = kw_test_send(client, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, two);
    kw_test_world_run(world);
    assert_status(kw_test_answer_of(client, first, NULL), KW_GOOD);
    assert_status(kw_test_answer_of(client, second, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    assert_null_text(kw_session_identity(kw_test_session_of(world, &session))->name);
}

static void without_none(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    assert_true(config->endpoints[0].policy->is_none);
    config->endpoints++;
    config->endpoint_count--;
}

/* A channel without security is there for discovery alone: no Session moves to it, and the one that it was about goes on. */
static void as_72_where_the_policy_of_the_channel_is_not_offered_nobody_is_activated(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.configure = without_none});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *weak = kw_test_client_new(world, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_activate(weak, &session, kw_test_operator(client, &session)), KW_BAD_SECURITY_POLICY_REJECTED);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    kw_test_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(as_02_close_session_is_allowed_before_activation),
        KW_TEST_IN_WORLD(as_02_and_as_03_any_other_service_before_activation_closes_the_session),
        KW_TEST_IN_WORLD(as_02_and_as_03_hold_for_browse_and_cancel),
        KW_TEST_IN_WORLD(as_03_a_stranger_does_not_close_the_session),
        KW_TEST_IN_WORLD(as_03_a_request_does_not_overtake_the_activation),
        KW_TEST_IN_WORLD(as_28_and_as_54_the_user_of_a_session_changes_on_its_channel),
        KW_TEST_IN_WORLD(as_30_a_failed_change_leaves_user_and_locales),
        KW_TEST_IN_WORLD(as_30_a_failed_first_activation_may_be_repeated),
        KW_TEST_IN_WORLD(as_30_a_full_queue_leaves_the_session),
        KW_TEST_IN_WORLD(as_07_of_two_activations_at_once_one_is_refused),
        cmocka_unit_test(as_72_where_the_policy_of_the_channel_is_not_offered_nobody_is_activated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
