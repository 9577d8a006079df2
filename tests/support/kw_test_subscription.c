#include "support/kw_test_subscription.h"

#include "support/test.h"

#define ATTRIBUTE_VALUE 13
#define LIFETIME_COUNT 300
#define KEEP_ALIVE_COUNT 10
#define MANY_INTERVALS 20

uint32_t kw_test_subscribe(kw_test_client *client, const kw_test_session *session)
{
    kw_create_subscription_request request = {.requested_publishing_interval = KW_TEST_INTERVAL,
                                              .requested_lifetime_count = LIFETIME_COUNT,
                                              .requested_max_keep_alive_count = KEEP_ALIVE_COUNT,
                                              .publishing_enabled = true};
    const void *response = NULL;
    assert_status(kw_test_call(client, session, KW_TYPE_CREATE_SUBSCRIPTION_REQUEST, &request, &response), KW_GOOD);
    return ((const kw_create_subscription_response *)response)->subscription_id;
}

kw_status kw_test_watch_with(kw_test_client *client, const kw_test_session *session, uint32_t subscription,
                             kw_monitored_item_create_request *item, kw_monitored_item_create_result *result)
{
    kw_create_monitored_items_request request = {.subscription_id = subscription,
                                                 .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_BOTH,
                                                 .items_to_create = item,
                                                 .items_to_create_count = 1};
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_CREATE_MONITORED_ITEMS_REQUEST, &request, &response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    const kw_create_monitored_items_response *created = response;
    assert_int_equal(created->results_count, 1);
    if (result != NULL) {
        *result = created->results[0];
    }
    return created->results[0].status_code;
}

static kw_monitored_item_create_request item_for(const kw_node_id *node)
{
    return (kw_monitored_item_create_request){
        .item_to_monitor = {.node_id = *node, .attribute_id = ATTRIBUTE_VALUE},
        .monitoring_mode = KW_MONITORING_MODE_REPORTING,
        .requested_parameters = {.sampling_interval = KW_TEST_INTERVAL, .queue_size = 10, .discard_oldest = true}};
}

kw_status kw_test_try_watch(kw_test_client *client, const kw_test_session *session, uint32_t subscription, const kw_node_id *node)
{
    kw_monitored_item_create_request item = item_for(node);
    return kw_test_watch_with(client, session, subscription, &item, NULL);
}

uint32_t kw_test_watch(kw_test_client *client, const kw_test_session *session, uint32_t subscription, const kw_node_id *node)
{
    kw_monitored_item_create_request item = item_for(node);
    kw_monitored_item_create_result result = {.status_code = KW_GOOD};
    assert_status(kw_test_watch_with(client, session, subscription, &item, &result), KW_GOOD);
    return result.monitored_item_id;
}

/* --- Publish ------------------------------------------------------------------------------------------------------------- */

uint32_t kw_test_send_publish(kw_test_client *client, const kw_test_session *session)
{
    kw_publish_request request = {.subscription_acknowledgements_count = 0};
    return kw_test_send(client, session, KW_TYPE_PUBLISH_REQUEST, &request);
}

kw_status kw_test_publish(kw_test_client *client, const kw_test_session *session, int intervals, const kw_publish_response **response)
{
    const void *answer = NULL;
    const uint32_t id = kw_test_send_publish(client, session);
    for (int i = 0; i < intervals && !kw_test_is_answered(client, id); i++) {
        kw_test_world_advance(client->world, KW_TEST_INTERVAL);
    }
    const kw_status status = kw_test_answer_of(client, id, &answer);
    if (response != NULL) {
        *response = answer;
    }
    return status;
}

const void *kw_test_notification(const kw_notification_message *message, const kw_type *type)
{
    for (size_t i = 0; i < message->notification_data_count; i++) {
        const void *found = kw_extension_object_get(&message->notification_data[i], type);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const kw_data_value *kw_test_value(const kw_publish_response *response)
{
    const kw_data_change_notification *data = kw_test_notification(&response->notification_message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    assert_non_null(data);
    assert_int_equal(data->monitored_items_count, 1);
    return &data->monitored_items[0].value;
}

const kw_data_value *kw_test_next_value(kw_test_client *client, const kw_test_session *session)
{
    for (int i = 0; i < MANY_INTERVALS; i++) {
        const kw_publish_response *response = NULL;
        assert_status(kw_test_publish(client, session, MANY_INTERVALS, &response), KW_GOOD);
        if (response->notification_message.notification_data_count > 0) {
            return kw_test_value(response);
        }
    }
    fail_msg("%s", "no value came");
    return NULL;
}

/* --- the other services ------------------------------------------------------------------------------------------------------ */

kw_status kw_test_republish(kw_test_client *client, const kw_test_session *session, uint32_t subscription, uint32_t sequence_number,
                            const kw_notification_message **out)
{
    kw_republish_request request = {.subscription_id = subscription, .retransmit_sequence_number = sequence_number};
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_REPUBLISH_REQUEST, &request, &response);
    if (out != NULL && !kw_status_is_bad(status)) {
        *out = &((const kw_republish_response *)response)->notification_message;
    }
    return status;
}

kw_status kw_test_transfer(kw_test_client *client, const kw_test_session *session, uint32_t subscription, bool send_initial_values,
                           const kw_transfer_result **out)
{
    kw_transfer_subscriptions_request request = {
        .subscription_ids = &subscription, .subscription_ids_count = 1, .send_initial_values = send_initial_values};
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_TRANSFER_SUBSCRIPTIONS_REQUEST, &request, &response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    const kw_transfer_subscriptions_response *transferred = response;
    assert_int_equal(transferred->results_count, 1);
    if (out != NULL) {
        *out = &transferred->results[0];
    }
    return transferred->results[0].status_code;
}

kw_status kw_test_delete_subscription(kw_test_client *client, const kw_test_session *session, uint32_t subscription)
{
    kw_delete_subscriptions_request request = {.subscription_ids = &subscription, .subscription_ids_count = 1};
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_DELETE_SUBSCRIPTIONS_REQUEST, &request, &response);
    return kw_status_is_bad(status) ? status : ((const kw_delete_subscriptions_response *)response)->results[0];
}
