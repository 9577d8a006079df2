/* Subscriptions and who they belong to. OPC 10000-4, 5.7.3, 5.7.4, 5.13, 5.14; requirements AS-13, AS-31, AS-32, CL-02, CL-05, IT-15. */
#include "space/rights.h"
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#define PASSWORD "a password"

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_new(NULL);
    kw_test_world_add_user(world, "olga", PASSWORD, 0);
    kw_test_world_add_user(world, "otto", PASSWORD, 0);
    kw_test_world_add_user(world, "petra", PASSWORD, 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "olga");
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "otto");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static void change(kw_test_world *world, const kw_node_id *node, int32_t value)
{
    const kw_variant v = kw_variant_scalar(KW_BUILTIN_INT32, &value);
    assert_status(kw_space_set_value(kw_server_space(world->server), node, &v), KW_GOOD);
}

static void become(kw_test_client *client, kw_test_session *session, const char *name)
{
    assert_status(kw_test_activate(client, session,
                                   name != NULL ? kw_test_user_name(client, session, name, PASSWORD) : kw_test_anonymous(client, session)),
                  KW_GOOD);
}

static void assert_int(const kw_data_value *v, int32_t expected)
{
    const int32_t *value = kw_variant_get(&v->value, KW_BUILTIN_INT32);
    assert_false(v->has_status && v->status != KW_GOOD);
    assert_non_null(value);
    assert_int_equal(*value, expected);
}

static void assert_denied(const kw_data_value *v)
{
    assert_true(v->has_status);
    assert_status(v->status, KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(v->value.type, KW_BUILTIN_NULL);
}

/* --- AS-31, AS-32: change of user --------------------------------------------------------------------------------------------- */

static void as_32_values_stop_when_the_new_user_may_not_read_and_return_with_one_who_may(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    become(client, &session, NULL);
    assert_denied(kw_test_next_value(client, &session));
    change(world, &KW_TEST_SECRET, 8);
    become(client, &session, "otto");
    assert_int(kw_test_next_value(client, &session), 8);
}

static void as_32_nothing_that_was_queued_for_the_former_user_is_served(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    for (int32_t i = 100; i < 105; i++) {
        change(world, &KW_TEST_SECRET, i);
        kw_test_world_advance(world, KW_TEST_INTERVAL);
    }
    become(client, &session, "petra");
    assert_denied(kw_test_next_value(client, &session)); /* one, and it is the refusal */
}

static void as_32_nothing_that_was_sent_to_the_former_user_can_be_had_again(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    const kw_publish_response *response = NULL;
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    assert_status(kw_test_republish(client, &session, id, 1, NULL), KW_GOOD);
    become(client, &session, "otto"); /* even one who may read it */
    assert_status(kw_test_republish(client, &session, id, 1, NULL), KW_BAD_MESSAGE_NOT_AVAILABLE);
    assert_status(kw_test_publish(client, &session, 20, &response), KW_GOOD);
    assert_int_equal(response->notification_message.sequence_number, 2); /* the row of numbers goes on */
    assert_int_equal(response->available_sequence_numbers_count, 1);
}

static void as_32_a_publish_request_of_the_former_user_carries_nothing_of_his(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    const void *answer = NULL;
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    const uint32_t publish = kw_test_send_publish(client, &session);
    become(client, &session, "petra");
    kw_test_world_advance(world, KW_TEST_INTERVAL);
    assert_status(kw_test_answer_of(client, publish, &answer), KW_GOOD);
    assert_denied(kw_test_value(answer));
}

static void as_31_the_same_user_again_disturbs_nothing(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    const kw_publish_response *response = NULL;
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    change(world, &KW_TEST_SECRET, 8);
    kw_test_world_advance(world, KW_TEST_INTERVAL);
    become(client, &session, "olga");
    assert_int(kw_test_next_value(client, &session), 8);
    assert_status(kw_test_republish(client, &session, id, 1, NULL), KW_GOOD);
    assert_status(kw_test_publish(client, &session, 20, &response), KW_GOOD);
    assert_int_equal(response->notification_message.notification_data_count, 0); /* and nothing twice */
}

static void as_31_a_refused_change_of_user_disturbs_nothing(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "petra", "not hers")), KW_BAD_USER_ACCESS_DENIED);
    change(world, &KW_TEST_SECRET, 8);
    assert_int(kw_test_next_value(client, &session), 8);
}

static void as_32_and_ro_15_a_role_that_is_taken_away_stops_values(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING("olga")};
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    assert_status(kw_store_role_rule_remove(world->store->store, KW_STRING("Operator"), &rule), KW_GOOD);
    assert_denied(kw_test_next_value(client, &session));
    assert_status(kw_test_republish(client, &session, id, 1, NULL), KW_BAD_MESSAGE_NOT_AVAILABLE);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "olga");
    assert_int(kw_test_next_value(client, &session), 7);
}

static void it_15_and_as_32_values_stop_when_a_token_expires(void **state)
{
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "https://issuer.example");
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_string token = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "robot", 60, ""));
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token)), KW_GOOD);
    const uint32_t id = kw_test_subscribe(client, &session);
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    for (int i = 0; i < 300; i++) {
        const kw_publish_response *response = NULL;
        assert_status(kw_test_publish(client, &session, 20, &response), KW_GOOD); /* keeps it alive */
        if (response->notification_message.notification_data_count > 0) {
            assert_denied(kw_test_value(response));
            assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
            return;
        }
    }
    fail_msg("%s", "the item went on as if nothing had happened");
}

static bool has_good_value(const kw_publish_response *response)
{
    const kw_data_change_notification *data = kw_test_notification(&response->notification_message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    return data != NULL && data->monitored_items_count > 0 && !kw_status_is_bad(data->monitored_items[0].value.status);
}

/* Read while the token was good, waiting for a message; then the wall clock is set, and nobody has noticed yet. */
static void it_15_and_as_32_what_waits_is_not_told_after_the_token_has_expired(void **state)
{
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "https://issuer.example");
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_string token = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "robot", 60, ""));
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token)), KW_GOOD);
    const uint32_t id = kw_test_subscribe(client, &session), request = kw_test_send_publish(client, &session);
    const void *response = NULL;
    kw_test_watch(client, &session, id, &KW_TEST_SECRET); /* its first value waits */
    world->clock->utc += 61 * KW_TICKS_PER_S;
    for (int i = 0; i < 20 && !kw_test_is_answered(client, request); i++) {
        kw_test_world_advance(world, KW_TEST_INTERVAL);
    }
    assert_status(kw_test_answer_of(client, request, &response), KW_GOOD);
    assert_false(has_good_value(response));
}

/* What the node allows is changed while the token is over; then the same user is back with a new one. */
static void it_15_and_as_32_what_waits_is_not_told_when_rights_went_meanwhile(void **state)
{
    static const kw_node_permission FOR_OTHERS[] = {{0, 15704, KW_PERMISSION_READ}};
    const kw_rights rights = {.has_permissions = true, .permissions = FOR_OTHERS, .permission_count = 1};
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "https://issuer.example");
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_string token = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "robot", 60, ""));
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token)), KW_GOOD);
    kw_monitored_item_create_request item = {.item_to_monitor = {.node_id = KW_TEST_SECRET, .attribute_id = 13},
                                             .monitoring_mode = KW_MONITORING_MODE_REPORTING,
                                             .requested_parameters = {.sampling_interval = 3600000, .queue_size = 1}};
    assert_status(kw_test_watch_with(client, &session, kw_test_subscribe(client, &session), &item, NULL), KW_GOOD);
    world->clock->utc += 61 * KW_TICKS_PER_S;
    assert_status(kw_space_write_rights(kw_server_space(world->server), &KW_TEST_SECRET, &rights), KW_GOOD);
    token = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "robot", 60, ""));
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token)), KW_GOOD);
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(client, &session, 20, &response), KW_GOOD);
    assert_false(has_good_value(response));
}

static void items_on_what_may_not_be_read_are_refused_as_read_refuses(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    const uint32_t id = kw_test_subscribe(client, &session);
    assert_status(kw_test_try_watch(client, &session, id, &KW_TEST_PUBLIC), KW_GOOD);
    assert_status(kw_test_try_watch(client, &session, id, &KW_TEST_SECRET), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_try_watch(client, &session, id, &KW_NODE_ID_TEXT(1, "nowhere")), KW_BAD_NODE_ID_UNKNOWN);
}

/* --- AS-13: another channel -------------------------------------------------------------------------------------------------------- */

static void as_13_publish_requests_of_the_old_channel_get_no_values(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *old = kw_test_client_new(world, NULL), *new = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(old, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(old, &session);
    kw_test_watch(old, &session, id, &KW_TEST_SECRET);
    const uint32_t publish = kw_test_send_publish(old, &session);
    become(new, &session, "olga");
    assert_status(kw_test_answer_of(old, publish, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_int(kw_test_next_value(new, &session), 7);
    assert_status(kw_test_publish(old, &session, 1, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
}

static void as_10_a_session_that_lost_its_channel_keeps_its_subscription(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *old = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(old, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(old, &session);
    kw_test_watch(old, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(old, &session), 7);
    (void)kw_test_send_publish(old, &session);
    kw_test_client_cut(old);
    change(world, &KW_TEST_SECRET, 8);
    kw_test_world_advance(world, 5 * KW_TEST_INTERVAL); /* nothing is spent on the request that nobody can answer */
    kw_test_client *new = kw_test_client_new(world, NULL);
    become(new, &session, "olga");
    assert_int(kw_test_next_value(new, &session), 8);
    assert_status(kw_test_republish(new, &session, id, 1, NULL), KW_GOOD);
}

/* --- CL-02, CL-05: the end of a Session ---------------------------------------------------------------------------------------------- */

static void cl_02_queued_publish_requests_are_answered(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD), other = kw_test_open_as(client, "olga", PASSWORD);
    (void)kw_test_subscribe(client, &session);
    (void)kw_test_subscribe(client, &other);
    const uint32_t first = kw_test_send_publish(client, &session), second = kw_test_send_publish(client, &session);
    const uint32_t third = kw_test_send_publish(client, &other);
    assert_false(kw_test_is_answered(client, first));
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_status(kw_test_answer_of(client, first, NULL), KW_BAD_SESSION_CLOSED);
    assert_status(kw_test_answer_of(client, second, NULL), KW_BAD_SESSION_CLOSED);
    assert_false(kw_test_is_answered(client, third));
}

static void cl_05_subscriptions_go_with_the_session_when_told_so(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    session = kw_test_open_as(client, "olga", PASSWORD);
    assert_status(kw_test_transfer(client, &session, id, true, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

static void cl_05_otherwise_they_live_on_and_can_be_taken(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    const kw_transfer_result *result = NULL;
    kw_test_watch(client, &session, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &session), 7);
    assert_status(kw_test_close_session(client, &session, false), KW_GOOD);
    change(world, &KW_TEST_SECRET, 8);
    kw_test_world_advance(world, 5 * KW_TEST_INTERVAL);
    change(world, &KW_TEST_SECRET, 9);
    kw_test_world_advance(world, KW_TEST_INTERVAL);
    session = kw_test_open_as(client, "olga", PASSWORD);
    assert_status(kw_test_transfer(client, &session, id, false, &result), KW_GOOD);
    assert_int_equal(result->available_sequence_numbers_count, 1);
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(client, &session, 20, &response), KW_GOOD);
    const kw_data_change_notification *data = kw_test_notification(&response->notification_message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    assert_non_null(data);
    assert_int_equal(data->monitored_items_count, 2); /* what happened meanwhile, too */
    assert_int(&data->monitored_items[0].value, 8);
    assert_int(&data->monitored_items[1].value, 9);
}

static void cl_05_until_their_lifetime_ends(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session);
    assert_status(kw_test_close_session(client, &session, false), KW_GOOD);
    session = kw_test_open_as(client, "olga", PASSWORD);
    kw_test_world_advance(world, 301 * KW_TEST_INTERVAL);
    assert_status(kw_test_transfer(client, &session, id, false, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

/* --- TransferSubscriptions -------------------------------------------------------------------------------------------------------------- */

static void cl_05_nobody_else_can_take_them(void **state) /* attack A-195 */
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD), other = kw_test_open_as(client, "otto", PASSWORD);
    kw_test_session nobody = kw_test_open(client);
    const uint32_t id = kw_test_subscribe(client, &session);
    assert_status(kw_test_transfer(client, &other, id, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_transfer(client, &nobody, id, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_close_session(client, &session, false), KW_GOOD);
    assert_status(kw_test_transfer(client, &other, id, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_transfer(client, &nobody, id, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_transfer(client, &nobody, id + 1, true, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
}

static void cl_05_of_anonymous_users_only_the_same_application_on_a_secured_channel(void **state) /* attack A-195 */
{
    kw_test_world *world = *state;
    const kw_test_client_options stranger = {.identity = kw_test_identity("stranger", 2048)};
    const kw_test_client_options open = {.policy = kw_security_policy_by_name(KW_STRING("None"))};
    kw_test_client *here = kw_test_client_new(world, NULL), *there = kw_test_client_new(world, NULL);
    kw_test_client *elsewhere = kw_test_client_new(world, &stranger), *clear = kw_test_client_new(world, &open);
    kw_test_session own = kw_test_open(here), again = kw_test_open(there), foreign = kw_test_open(elsewhere);
    kw_test_session in_clear = kw_test_open(clear), also_in_clear = kw_test_open(clear);
    const uint32_t id = kw_test_subscribe(here, &own), id_in_clear = kw_test_subscribe(clear, &in_clear);
    assert_status(kw_test_transfer(elsewhere, &foreign, id, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_transfer(clear, &in_clear, id, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_transfer(there, &again, id, true, NULL), KW_GOOD);
    assert_status(kw_test_transfer(clear, &also_in_clear, id_in_clear, true, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_transfer(there, &again, id_in_clear, true, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void cl_05_the_former_session_is_told(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session former = kw_test_open_as(client, "olga", PASSWORD), taker = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &former);
    const void *answer = NULL;
    kw_test_watch(client, &former, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &former), 7);
    const uint32_t publish = kw_test_send_publish(client, &former), another = kw_test_send_publish(client, &former);
    assert_status(kw_test_transfer(client, &taker, id, true, NULL), KW_GOOD);
    assert_status(kw_test_answer_of(client, publish, &answer), KW_GOOD);
    const kw_publish_response *response = answer;
    const kw_status_change_notification *told = kw_test_notification(&response->notification_message, KW_TYPE_STATUS_CHANGE_NOTIFICATION);
    assert_non_null(told);
    assert_int_equal(response->subscription_id, id);
    assert_status(told->status, KW_GOOD_SUBSCRIPTION_TRANSFERRED);
    assert_status(kw_test_answer_of(client, another, NULL), KW_BAD_NO_SUBSCRIPTION);
    assert_int(kw_test_next_value(client, &taker), 7); /* once more, as it was asked for */
    assert_status(kw_test_transfer(client, &taker, id, true, NULL), KW_BAD_NOTHING_TO_DO);
    assert_status(kw_test_delete_subscription(client, &former, id), KW_BAD_SUBSCRIPTION_ID_INVALID);
    assert_status(kw_test_delete_subscription(client, &taker, id), KW_GOOD);
}

static void a_taker_with_fewer_rights_gets_nothing_that_was_queued(void **state)
{
    kw_test_world *world = *state;
    const kw_test_client_options clear = {.policy = kw_security_policy_by_name(KW_STRING("None"))};
    kw_test_client *client = kw_test_client_new(world, NULL), *other = kw_test_client_new(world, &clear);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const kw_node_id id_of_node = KW_NODE_ID_TEXT(1, "Encrypted");
    const int32_t value = 1;
    const kw_node_spec spec = {.id = id_of_node,
                               .parent = KW_NODE_ID(0, 85),
                               .browse_name = {1, KW_STRING("Encrypted")},
                               .data_type = KW_NODE_ID(0, 6),
                               .restrictions = KW_RESTRICTION_ENCRYPTION,
                               .value = kw_variant_scalar(KW_BUILTIN_INT32, &value)};
    assert_status(kw_space_add_variable(kw_server_space(world->server), &spec), KW_GOOD);
    const uint32_t id = kw_test_subscribe(client, &session);
    kw_test_watch(client, &session, id, &id_of_node);
    assert_int(kw_test_next_value(client, &session), 1);
    change(world, &id_of_node, 2);
    kw_test_world_advance(world, KW_TEST_INTERVAL);
    kw_test_session in_clear = kw_test_open_as(other, "olga", PASSWORD);
    assert_status(kw_test_transfer(other, &in_clear, id, false, NULL), KW_GOOD);
    const kw_data_value *v = kw_test_next_value(other, &in_clear);
    assert_status(v->status, KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_int_equal(v->value.type, KW_BUILTIN_NULL);
    assert_status(kw_test_republish(other, &in_clear, id, 1, NULL), KW_BAD_MESSAGE_NOT_AVAILABLE);
}

/* --- Subscriptions of others ------------------------------------------------------------------------------------------------------------ */

static void nobody_works_on_a_subscription_of_another_session(void **state) /* attack A-197 */
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session own = kw_test_open_as(client, "olga", PASSWORD), other = kw_test_open_as(client, "olga", PASSWORD);
    uint32_t id = kw_test_subscribe(client, &own), item = kw_test_watch(client, &own, id, &KW_TEST_SECRET);
    const void *response = NULL;
    assert_int(kw_test_next_value(client, &own), 7);
    (void)kw_test_subscribe(client, &other);
    assert_status(kw_test_republish(client, &other, id, 1, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    assert_status(kw_test_try_watch(client, &other, id, &KW_TEST_PUBLIC), KW_BAD_SUBSCRIPTION_ID_INVALID);
    assert_status(kw_test_delete_subscription(client, &other, id), KW_BAD_SUBSCRIPTION_ID_INVALID);
    kw_modify_subscription_request modify = {.subscription_id = id};
    assert_status(kw_test_call(client, &other, KW_TYPE_MODIFY_SUBSCRIPTION_REQUEST, &modify, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    kw_set_publishing_mode_request mode = {.subscription_ids = &id, .subscription_ids_count = 1};
    assert_status(kw_test_call(client, &other, KW_TYPE_SET_PUBLISHING_MODE_REQUEST, &mode, &response), KW_GOOD);
    assert_status(((const kw_set_publishing_mode_response *)response)->results[0], KW_BAD_SUBSCRIPTION_ID_INVALID);
    kw_modify_monitored_items_request items = {.subscription_id = id,
                                               .items_to_modify_count = 1,
                                               .items_to_modify = &(kw_monitored_item_modify_request){.monitored_item_id = item}};
    assert_status(kw_test_call(client, &other, KW_TYPE_MODIFY_MONITORED_ITEMS_REQUEST, &items, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    kw_set_monitoring_mode_request monitoring = {.subscription_id = id, .monitored_item_ids = &item, .monitored_item_ids_count = 1};
    assert_status(kw_test_call(client, &other, KW_TYPE_SET_MONITORING_MODE_REQUEST, &monitoring, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    kw_set_triggering_request links = {.subscription_id = id, .triggering_item_id = item, .links_to_add = &item, .links_to_add_count = 1};
    assert_status(kw_test_call(client, &other, KW_TYPE_SET_TRIGGERING_REQUEST, &links, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    kw_delete_monitored_items_request gone = {.subscription_id = id, .monitored_item_ids = &item, .monitored_item_ids_count = 1};
    assert_status(kw_test_call(client, &other, KW_TYPE_DELETE_MONITORED_ITEMS_REQUEST, &gone, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    const kw_variant argument = kw_variant_scalar(KW_BUILTIN_UINT32, &id);
    assert_status(kw_test_call_method(client, &other, &KW_NODE_ID(0, 2253), &KW_NODE_ID(0, 11492), &argument, 1, NULL),
                  KW_BAD_USER_ACCESS_DENIED);
}

static void nobody_acknowledges_or_gets_messages_of_another_session(void **state) /* attack A-197 */
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session own = kw_test_open_as(client, "olga", PASSWORD), other = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &own), foreign = kw_test_subscribe(client, &other);
    const void *answer = NULL;
    kw_test_watch(client, &own, id, &KW_TEST_SECRET);
    assert_int(kw_test_next_value(client, &own), 7);
    kw_publish_request request = {.subscription_acknowledgements_count = 1,
                                  .subscription_acknowledgements = &(kw_subscription_acknowledgement){id, 1}};
    const uint32_t publish = kw_test_send(client, &other, KW_TYPE_PUBLISH_REQUEST, &request);
    kw_test_world_advance(client->world, KW_TEST_INTERVAL);
    assert_status(kw_test_answer_of(client, publish, &answer), KW_GOOD);
    const kw_publish_response *response = answer;
    assert_int_equal(response->subscription_id, foreign);
    assert_int_equal(response->results_count, 1);
    assert_status(response->results[0], KW_BAD_SUBSCRIPTION_ID_INVALID);
    assert_status(kw_test_republish(client, &own, id, 1, NULL), KW_GOOD); /* it is there as before */
}

/* --- SetTriggering. OPC 10000-4, 5.13.5 ---------------------------------------------------------------------------------------- */

static kw_status set_triggering(kw_test_client *client, const kw_test_session *session, kw_set_triggering_request request,
                                const kw_set_triggering_response **out)
{
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_SET_TRIGGERING_REQUEST, &request, &response);
    *out = kw_status_is_bad(status) ? NULL : response;
    return status;
}

static void set_triggering_answers_for_each_link(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", PASSWORD);
    const uint32_t id = kw_test_subscribe(client, &session), item = kw_test_watch(client, &session, id, &KW_TEST_PUBLIC);
    uint32_t links[] = {kw_test_watch(client, &session, id, &KW_TEST_SECRET), 4711};
    kw_set_triggering_request request = {.subscription_id = id, .triggering_item_id = item};
    const kw_set_triggering_response *response = NULL;
    assert_status(set_triggering(client, &session, request, &response), KW_BAD_NOTHING_TO_DO);
    request.links_to_add = request.links_to_remove = links;
    request.links_to_add_count = request.links_to_remove_count = 2;
    assert_status(set_triggering(client, &session, request, &response), KW_GOOD);
    assert_int_equal(response->add_results_count, 2);
    assert_int_equal(response->remove_results_count, 2);
    assert_status(response->add_results[0], KW_GOOD);
    assert_status(response->add_results[1], KW_BAD_MONITORED_ITEM_ID_INVALID);
    assert_status(response->remove_results[0], KW_BAD_MONITORED_ITEM_ID_INVALID); /* there was no such link yet */
    request.links_to_add_count = 0;
    assert_status(set_triggering(client, &session, request, &response), KW_GOOD);
    assert_status(response->remove_results[0], KW_GOOD);
    request.triggering_item_id = 4711;
    assert_status(set_triggering(client, &session, request, &response), KW_BAD_MONITORED_ITEM_ID_INVALID);
}

static void publish_without_a_subscription_is_refused_at_once(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(kw_test_publish(client, &session, 0, NULL), KW_BAD_NO_SUBSCRIPTION);
    const uint32_t id = kw_test_subscribe(client, &session);
    const uint32_t publish = kw_test_send_publish(client, &session);
    assert_status(kw_test_delete_subscription(client, &session, id), KW_GOOD);
    assert_status(kw_test_answer_of(client, publish, NULL), KW_BAD_NO_SUBSCRIPTION);
}

/* --- requests that wait ---------------------------------------------------------------------------------------------------------------------- */

static void few_requests(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->max_pending_requests = 3;
    config->service_limits.max_publish_requests_per_session = 10;
}

static void requests_that_wait_hold_nobody_up(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = few_requests});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    uint32_t ids[12];
    (void)kw_test_subscribe(client, &session);
    for (size_t i = 0; i < 12; i++) {
        ids[i] = kw_test_send_publish(client, &session);
        assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    }
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(kw_test_is_answered(client, ids[i]), i < 2);
    }
    assert_status(kw_test_answer_of(client, ids[0], NULL), KW_BAD_TOO_MANY_PUBLISH_REQUESTS);
    kw_test_world_free(world);
}

static void cancel_answers_a_request_that_waits(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    const void *response = NULL;
    kw_publish_request request = {.subscription_acknowledgements_count = 0};
    (void)kw_test_subscribe(client, &session);
    const uint32_t publish = kw_test_send(client, &session, KW_TYPE_PUBLISH_REQUEST, &request);
    kw_cancel_request cancel = {.request_handle = request.request_header.request_handle};
    assert_status(kw_test_call(client, &session, KW_TYPE_CANCEL_REQUEST, &cancel, &response), KW_GOOD);
    assert_int_equal(((const kw_cancel_response *)response)->cancel_count, 1);
    assert_status(kw_test_answer_of(client, publish, NULL), KW_BAD_REQUEST_CANCELLED_BY_CLIENT);
    kw_test_world_advance(client->world, KW_TEST_INTERVAL);
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
}

static void a_shutdown_does_not_wait_for_them(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    bool drained = false;
    (void)kw_test_subscribe(client, &session);
    const uint32_t publish = kw_test_send_publish(client, &session);
    kw_server_shutdown(world->server, on_drained, &drained);
    kw_test_world_pump(world);
    assert_true(drained);
    assert_status(kw_test_answer_of(client, publish, NULL), KW_BAD_SHUTDOWN);
}

static void get_monitored_items_names_the_items_of_the_caller(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    const uint32_t id = kw_test_subscribe(client, &session), item = kw_test_watch(client, &session, id, &KW_TEST_PUBLIC);
    const kw_variant argument = kw_variant_scalar(KW_BUILTIN_UINT32, &id);
    kw_call_method_result result;
    assert_status(kw_test_call_method(client, &session, &KW_NODE_ID(0, 2253), &KW_NODE_ID(0, 11492), &argument, 1, &result), KW_GOOD);
    assert_int_equal(result.output_arguments[0].count, 1);
    assert_int_equal(*(const uint32_t *)result.output_arguments[0].data, item);
    assert_int(kw_test_next_value(client, &session), 42);
    assert_status(kw_test_call_method(client, &session, &KW_NODE_ID(0, 2253), &KW_NODE_ID(0, 12873), &argument, 1, NULL), KW_GOOD);
    assert_int(kw_test_next_value(client, &session), 42);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_32_values_stop_when_the_new_user_may_not_read_and_return_with_one_who_may),
        TEST(as_32_nothing_that_was_queued_for_the_former_user_is_served),
        TEST(as_32_nothing_that_was_sent_to_the_former_user_can_be_had_again),
        TEST(as_32_a_publish_request_of_the_former_user_carries_nothing_of_his),
        TEST(as_31_the_same_user_again_disturbs_nothing),
        TEST(as_31_a_refused_change_of_user_disturbs_nothing),
        TEST(as_32_and_ro_15_a_role_that_is_taken_away_stops_values),
        TEST(it_15_and_as_32_values_stop_when_a_token_expires),
        TEST(it_15_and_as_32_what_waits_is_not_told_after_the_token_has_expired),
        TEST(it_15_and_as_32_what_waits_is_not_told_when_rights_went_meanwhile),
        TEST(items_on_what_may_not_be_read_are_refused_as_read_refuses),
        TEST(as_13_publish_requests_of_the_old_channel_get_no_values),
        TEST(as_10_a_session_that_lost_its_channel_keeps_its_subscription),
        TEST(cl_02_queued_publish_requests_are_answered),
        TEST(cl_05_subscriptions_go_with_the_session_when_told_so),
        TEST(cl_05_otherwise_they_live_on_and_can_be_taken),
        TEST(cl_05_until_their_lifetime_ends),
        TEST(cl_05_nobody_else_can_take_them),
        TEST(cl_05_of_anonymous_users_only_the_same_application_on_a_secured_channel),
        TEST(cl_05_the_former_session_is_told),
        TEST(a_taker_with_fewer_rights_gets_nothing_that_was_queued),
        TEST(nobody_works_on_a_subscription_of_another_session),
        TEST(nobody_acknowledges_or_gets_messages_of_another_session),
        TEST(set_triggering_answers_for_each_link),
        TEST(publish_without_a_subscription_is_refused_at_once),
        TEST(requests_that_wait_hold_nobody_up),
        TEST(cancel_answers_a_request_that_waits),
        TEST(a_shutdown_does_not_wait_for_them),
        TEST(get_monitored_items_names_the_items_of_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
