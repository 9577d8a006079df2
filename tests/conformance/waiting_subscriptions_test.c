/* Subscriptions whose Session is gone have the rights of their user, and no more. Requirements CL-05, IT-14, RO-15, UM-11, UM-16. */
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#define PASSWORD "a password"
#define ISSUER "urn:test:issuer"
#define WITHIN_MS 1000 /* how long a change may take that nobody told the Server of */

typedef struct scene {
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session session;
    uint32_t id; /* of a Subscription that waits, with an item on KW_TEST_SECRET */
} scene;

static scene here;

static int setup(void **state)
{
    (void)state;
    here = (scene){.world = kw_test_world_new(NULL)};
    kw_test_world_add_user(here.world, "olga", PASSWORD, 0);
    kw_test_world_add_user(here.world, "otto", PASSWORD, 0);
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_USER_NAME, "olga");
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_USER_NAME, "otto");
    here.client = kw_test_client_new(here.world, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

static void change_value(int32_t value)
{
    const kw_variant v = kw_variant_scalar(KW_BUILTIN_INT32, &value);
    assert_status(kw_space_set_value(kw_server_space(here.world->server), &KW_TEST_SECRET, &v), KW_GOOD);
    kw_test_world_advance(here.world, 2 * KW_TEST_INTERVAL);
}

static void watch_secret(void)
{
    here.id = kw_test_subscribe(here.client, &here.session);
    kw_test_watch(here.client, &here.session, here.id, &KW_TEST_SECRET);
    assert_non_null(kw_test_next_value(here.client, &here.session));
}

static void leave(const char *name)
{
    here.session = kw_test_open_as(here.client, name, PASSWORD);
    watch_secret();
    assert_status(kw_test_close_session(here.client, &here.session, false), KW_GOOD);
}

static kw_status come_back(const char *name)
{
    here.session = kw_test_open_as(here.client, name, PASSWORD);
    return kw_test_transfer(here.client, &here.session, here.id, false, NULL);
}

static void configure(const char *name, uint32_t configuration)
{
    kw_user user;
    kw_store *store = here.world->store->store;
    assert_status(kw_store_user_get(store, kw_string_from(name), here.world->arena, &user), KW_GOOD);
    user.configuration = configuration;
    assert_status(kw_store_user_set(store, &user), KW_GOOD);
    kw_test_world_advance(here.world, WITHIN_MS);
}

/* --- users that go -------------------------------------------------------------------------------------------------------------- */

static void um_11_they_end_when_their_user_is_disabled(void **state)
{
    (void)state;
    leave("olga");
    configure("olga", KW_USER_DISABLED);
    configure("olga", 0);
    assert_status(come_back("olga"), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

static void um_11_others_stay(void **state)
{
    (void)state;
    leave("olga");
    configure("otto", KW_USER_DISABLED);
    assert_status(come_back("olga"), KW_GOOD);
}

/* Its Subscription lives long enough to see the end of the Session. */
static void time_out(void)
{
    kw_modify_subscription_request request = {.subscription_id = here.id,
                                              .requested_publishing_interval = 60000,
                                              .requested_lifetime_count = 1000,
                                              .requested_max_keep_alive_count = 10};
    assert_status(kw_test_call(here.client, &here.session, KW_TYPE_MODIFY_SUBSCRIPTION_REQUEST, &request, NULL), KW_GOOD);
    kw_test_world_advance(here.world, (uint64_t)here.session.created->revised_session_timeout);
    assert_null(kw_test_session_of(here.world, &here.session));
}

static void um_11_they_end_after_a_session_that_timed_out_too(void **state)
{
    (void)state;
    here.session = kw_test_open_as(here.client, "olga", PASSWORD);
    watch_secret();
    time_out();
    assert_status(come_back("olga"), KW_GOOD); /* it waited */
    time_out();
    configure("olga", KW_USER_DISABLED);
    configure("olga", 0);
    assert_status(come_back("olga"), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

static void um_16_they_end_when_their_user_is_removed(void **state)
{
    (void)state;
    leave("olga");
    assert_status(kw_store_user_remove(here.world->store->store, KW_STRING("olga")), KW_GOOD);
    kw_test_world_add_user(here.world, "olga", PASSWORD, 0); /* somebody else of that name */
    kw_test_world_advance(here.world, WITHIN_MS);
    assert_status(come_back("olga"), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

static void um_16_two_of_one_session_end_together(void **state)
{
    (void)state;
    here.session = kw_test_open_as(here.client, "olga", PASSWORD);
    watch_secret();
    const uint32_t first = here.id;
    watch_secret();
    const uint32_t second = here.id;
    assert_status(kw_test_close_session(here.client, &here.session, false), KW_GOOD);
    here.session = kw_test_open_as(here.client, "olga", PASSWORD);
    assert_status(kw_test_transfer(here.client, &here.session, first, false, NULL), KW_GOOD); /* the other one waits on */
    assert_status(kw_test_close_session(here.client, &here.session, true), KW_GOOD);
    assert_status(kw_store_user_remove(here.world->store->store, KW_STRING("olga")), KW_GOOD);
    kw_test_world_add_user(here.world, "olga", PASSWORD, 0);
    kw_test_world_advance(here.world, WITHIN_MS);
    here.id = second;
    assert_status(come_back("olga"), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

/* --- rights that go -------------------------------------------------------------------------------------------------------------- */

/* What has been queued, in order; a value that was refused counts as -1. */
static size_t queued(int32_t *values, size_t room)
{
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(here.client, &here.session, 20, &response), KW_GOOD);
    const kw_data_change_notification *data = kw_test_notification(&response->notification_message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    assert_non_null(data);
    assert_true(data->monitored_items_count <= room);
    for (size_t i = 0; i < data->monitored_items_count; i++) {
        const int32_t *value = kw_variant_get(&data->monitored_items[i].value.value, KW_BUILTIN_INT32);
        values[i] = value != NULL ? *value : -1;
    }
    return data->monitored_items_count;
}

static void ro_15_values_stop_when_their_user_loses_a_role_and_return_with_it(void **state)
{
    (void)state;
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING("olga")};
    int32_t values[8];
    leave("olga");
    change_value(8);
    assert_status(kw_store_role_rule_remove(here.world->store->store, KW_STRING("Operator"), &rule), KW_GOOD);
    kw_test_world_advance(here.world, WITHIN_MS);
    change_value(9);
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_USER_NAME, "olga");
    kw_test_world_advance(here.world, WITHIN_MS);
    change_value(10);
    assert_status(come_back("olga"), KW_GOOD);
    const size_t count = queued(values, 8);
    assert_int_equal(values[count - 1], 10);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(values[i], 8);                           /* queued, and then not his any more */
        assert_true(i == 0 || values[i] != 9 || values[i - 1] == -1); /* seen again at the earliest when he might */
    }
}

/* --- tokens that end -------------------------------------------------------------------------------------------------------------- */

static void open_with_token(int lifetime_s)
{
    const kw_test_issuer *issuer = &here.world->issuers[here.world->issuer_count - 1];
    const kw_string claims = kw_test_claims(here.world, issuer, "robot", lifetime_s, ",\"roles\":[\"operators\"]");
    assert_status(kw_test_create_session(here.client, &here.session), KW_GOOD);
    assert_status(
        kw_test_activate(here.client, &here.session, kw_test_issued(here.client, &here.session, kw_test_jwt(here.world, issuer, claims))),
        KW_GOOD);
}

static void leave_with_token(int lifetime_s)
{
    kw_test_world_trust_issuer(here.world, ISSUER);
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_ROLE, "operators");
    kw_test_world_advance(here.world, WITHIN_MS);
    open_with_token(lifetime_s);
    watch_secret();
    assert_status(kw_test_close_session(here.client, &here.session, false), KW_GOOD);
}

static void come_back_with_token(kw_status expected)
{
    open_with_token(600);
    assert_status(kw_test_transfer(here.client, &here.session, here.id, false, NULL), expected);
}

static void it_14_they_read_nothing_after_their_token_and_wait_for_the_next_one(void **state)
{
    (void)state;
    int32_t values[8];
    leave_with_token(10);
    change_value(8);
    kw_test_world_advance(here.world, 10000);
    change_value(9);
    change_value(10);
    come_back_with_token(KW_GOOD);
    assert_int_equal(queued(values, 8), 1);
    assert_int_equal(values[0], 8);
    change_value(11);
    assert_int_equal(queued(values, 8), 2);
    assert_int_equal(values[0], 10); /* 9 nobody saw */
    assert_int_equal(values[1], 11);
}

static void with_grace(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->session_limits.token_expiry_grace_s = 5;
}

static void it_14_the_grace_of_a_token_is_theirs_too(void **state)
{
    (void)state;
    int32_t values[8];
    here = (scene){.world = kw_test_world_new(&(kw_test_world_options){.configure = with_grace})};
    here.client = kw_test_client_new(here.world, NULL);
    leave_with_token(10);
    kw_test_world_advance(here.world, 11000);
    change_value(8); /* after the token, within the grace */
    kw_test_world_advance(here.world, 4000);
    change_value(9);
    change_value(10);
    come_back_with_token(KW_GOOD);
    assert_int_equal(queued(values, 8), 1);
    assert_int_equal(values[0], 8);
    change_value(11);
    assert_int_equal(queued(values, 8), 2);
    assert_int_equal(values[0], 10);
    kw_test_world_free(here.world);
}

static void it_14_they_end_when_their_issuer_is_trusted_no_longer(void **state)
{
    (void)state;
    leave_with_token(600);
    kw_store *store = here.world->store->store;
    assert_status(kw_store_issuer_remove(store, KW_STRING(ISSUER)), KW_GOOD);
    kw_test_world_advance(here.world, WITHIN_MS);
    kw_test_world_trust_issuer(here.world, ISSUER);
    kw_test_world_advance(here.world, WITHIN_MS);
    come_back_with_token(KW_BAD_SUBSCRIPTION_ID_INVALID);
}

/* --- the end of the Server --------------------------------------------------------------------------------------------------------- */

static void a_server_that_ends_takes_them_along(void **state)
{
    (void)state;
    leave("olga");
    leave("otto"); /* the world goes with both: nothing leaks, nothing is touched afterwards */
    assert_int_equal(kw_sessions_count(kw_server_sessions(here.world->server)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(um_11_they_end_when_their_user_is_disabled),
        TEST(um_11_others_stay),
        TEST(um_11_they_end_after_a_session_that_timed_out_too),
        TEST(um_16_they_end_when_their_user_is_removed),
        TEST(um_16_two_of_one_session_end_together),
        TEST(ro_15_values_stop_when_their_user_loses_a_role_and_return_with_it),
        TEST(it_14_they_read_nothing_after_their_token_and_wait_for_the_next_one),
        cmocka_unit_test(it_14_the_grace_of_a_token_is_theirs_too),
        TEST(it_14_they_end_when_their_issuer_is_trusted_no_longer),
        TEST(a_server_that_ends_takes_them_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
